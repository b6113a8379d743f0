"""Counting responses in the store: against the same counts done in Python, by whose word, filters, pairs, items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.results_kit import ASKED, PERFECT, STIMULI, SYNCED, Ask, Mind, make_item, make_response, middling, responses
from tests.unit.store_samples import a_clip, a_stimulus
from thud.records import Answer, Intervention, Reading, Response
from thud.store import Store, changes, open_store
from thud.store.score_cube import SUMS
from thud.store.score_filter import RowKey, ScoreFilter
from thud.store.score_items import ItemQuery

CLIPS = [f"clip{number:012d}" for number in range(12)]
OFFSETS = (*STIMULI, ("early", -1.2), ("delayed", 1.2))
COUNTED = (*SUMS, "original_counted", "pairs", "both")
MINDS = (Mind("synced", SYNCED), Mind("perfect", PERFECT), Mind("so so", middling(0.8)))


def fill(store: Store, many: list[Response]) -> list[Response]:
    store.write_many([changes.add_response(response, "test") for response in many])
    return many


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.duckdb", tmp_path) as opened:
        yield opened


def row_of(mind: Mind, question_set: str = "structured") -> RowKey:
    return RowKey(mind.key, mind.arm, question_set)


def totals(store: Store, wanted: ScoreFilter, mind: Mind, task: str) -> Counter[str]:
    """The sums of one row and task over its sources."""
    rows, counts = store.score_rows(), store.score_counts(wanted)
    named = zip(rows["part"], rows["listener_key"], rows["task"], strict=True)
    part = next(part for part, key, of in named if (key, of) == (mind.key, task))
    mine = counts["part"] == part
    return Counter({name: int(counts[name][mine].sum()) for name in COUNTED})


def by_hand(many: list[Response], mind: Mind, task: str) -> Counter[str]:
    """The same from the records."""
    found: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    pairs: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for response in many:
        item, label = response.item, response.answer.label
        if (response.listener_key, item.task) != (mind.key, task):
            continue
        side = "original" if item.condition == "original" else "edited"
        found[side] += 1
        right = label == item.expected
        found[f"{side}_right"] += right
        found[f"{side}_flagged"] += label in ("early", "delayed", "desync") and not right
        if item.condition in ("original", "early", "delayed"):
            found[f"{item.condition}_counted"] += 1
        if item.condition in ("early", "delayed"):
            found[f"{item.condition}_right"] += right
        if label in ("unparsed", "refused", "error"):
            found[f"{side}_{label}"] += 1
        pairs.setdefault((item.clip_id, item.question_id), {"original": [], "edited": []})[side].append(right)
    whole = [pair for pair in pairs.values() if pair["original"] and pair["edited"]]
    found["pairs"], found["both"] = len(whole), sum(all(p["original"] + p["edited"]) for p in whole)
    return found


def test_counts_are_those_of_the_records(store: Store) -> None:
    many = fill(store, list(responses(MINDS, CLIPS, OFFSETS, (*ASKED, Ask("sync", question_id="q2")))))
    for mind in MINDS:
        for task in ("sync", "existence", "consistency"):
            assert totals(store, ScoreFilter(), mind, task) == by_hand(many, mind, task)
    so_so = totals(store, ScoreFilter(), MINDS[2], "sync")
    assert 0 < so_so["both"] < so_so["pairs"] == 2 * len(CLIPS)
    assert store.score_clips(ScoreFilter()) == len(CLIPS)


def test_filters_leave_what_they_name(store: Store) -> None:
    many = fill(store, list(responses(MINDS, CLIPS, OFFSETS)))
    mind = MINDS[2]

    def check(wanted: ScoreFilter, kept: list[Response], task: str = "sync") -> None:
        assert totals(store, wanted, mind, task) == by_hand(kept, mind, task)

    check(ScoreFilter(kinds=("glass",)), [each for each in many if each.kind == "glass"])
    check(ScoreFilter(offsets_s=(1.2,)), [each for each in many if each.item.offset_s in (None, -1.2, 1.2)])
    check(ScoreFilter(offsets_s=(1.2,)), many, "existence")
    check(ScoreFilter(tasks=("existence",)), many, "existence")
    check(ScoreFilter(text="SO S"), many)
    assert not len(store.score_counts(ScoreFilter(text="' OR 1=1 --"))["part"])
    assert not len(store.score_counts(ScoreFilter(arms=("sound_only",)))["part"])
    assert not len(
        store.score_counts(ScoreFilter(tasks=("existence",), question_sets=("x'; DROP TABLE response",)))["part"]
    )
    assert len(store.responses()) == len(many)


def test_pairs_leave_unanswered_items_out_when_asked(store: Store) -> None:
    mind, ask = Mind("one"), Ask("existence")
    items = {name: make_item(CLIPS[0], name, None, ask) for name in ("original", "muted")}
    fill(
        store, [make_response(mind, items["original"], "audio_described"), make_response(mind, items["muted"], "error")]
    )
    wrong = totals(store, ScoreFilter(), mind, "existence")
    assert (wrong["pairs"], wrong["both"], wrong["edited_error"]) == (1, 0, 1)
    assert totals(store, ScoreFilter(unparsed="out"), mind, "existence")["pairs"] == 0


def test_items_that_count_are_told_from_those_left_out(store: Store) -> None:
    mind, ask, said = Mind("one"), Ask("sync"), {"a": "synced", "b": "unparsed", "c": "refused", "d": "early"}
    items = {name: make_item(f"clip {name}", "original", None, ask) for name in said}
    fill(store, [make_response(mind, items[name], label) for name, label in said.items()])
    counted = [totals(store, ScoreFilter(unparsed=way), mind, "sync")["original_counted"] for way in ("wrong", "out")]
    assert counted == [4, 2]


def test_a_person_outranks_the_judge_and_the_judge_the_abstaining_rules(store: Store) -> None:
    mind, ask = Mind("one"), Ask("sync")
    labels = {"a": "unparsed", "b": "unparsed", "c": "synced", "d": "error", "e": "unparsed"}
    made = {
        name: make_response(mind, make_item(f"clip {name}", "original", None, ask), label)
        for name, label in labels.items()
    }
    fill(store, list(made.values()))

    def read(name: str, reader: str, label: str, problem: str = "") -> None:
        store.add_reading(Reading(made[name].id, reader, Answer(label, method="x"), problem), "test")

    for name in "abcd":
        read(name, "judge:old", "delayed")
        read(name, "judge:new", "early")
    read("e", "judge:new", "synced", "the quote is not in the text")
    read("b", "person:ana", "early")
    read("b", "person:ben", "synced")
    read("c", "person:ana", "early")
    read("d", "person:ana", "synced")

    def final(**asked: str) -> dict[str, tuple[str, str]]:
        wanted = ScoreFilter(**asked)  # type: ignore[arg-type]
        found = {name: store.score_of(response.id, wanted) for name, response in made.items()}
        return {name: (row["said"], row["method"]) for name, row in found.items() if row}

    rules = {name: (label, "rules") for name, label in labels.items()}
    assert final(answers="rules") == rules
    judged = {**rules, "a": ("early", "judge"), "b": ("early", "judge")}
    assert final(answers="judge") == judged
    assert final(answers="judge", judge="judge:old") == {**judged, "a": ("delayed", "judge"), "b": ("delayed", "judge")}
    assert final() == {**judged, "b": ("synced", "person"), "c": ("early", "person")}
    paper = {name: label for name, (label, _) in final(answers="paper").items()}
    assert paper == {"a": "synced", "b": "synced", "c": "synced", "d": "error", "e": "synced"}
    assert totals(store, ScoreFilter(), mind, "sync")["original_right"] == 1


def test_pairs_are_the_same_items_of_two_listeners(store: Store) -> None:
    many = fill(store, list(responses(MINDS, CLIPS, OFFSETS)))
    a, b = row_of(MINDS[2]), row_of(MINDS[1])
    pairs = store.score_pairs(a, b, ScoreFilter())
    answered = [each for each in many if each.listener == "so so" and each.answer.label != "error"]
    assert int(pairs["items"].sum()) == len(answered)
    lost = int(pairs["items"][~pairs["hit"] & pairs["b_hit"]].sum())
    assert lost == sum(each.answer.label != each.item.expected for each in answered) > 0
    total, rows = store.score_items(ItemQuery(a, b, flip="a_wrong", per=200), ScoreFilter())
    assert (total, len(rows)) == (lost, lost)
    assert all(row["b_said"] == row["expected"] != row["said"] for row in rows)
    assert store.score_items(ItemQuery(a, b, flip="b_wrong"), ScoreFilter()) == (0, [])
    fooled = store.score_pairs(a, row_of(MINDS[0]), ScoreFilter())
    assert int(fooled["items"][~fooled["hit"] & ~fooled["b_hit"]].sum()) > 0
    only_a = int(fooled["items"][~fooled["hit"] & fooled["b_hit"]].sum())
    assert store.score_items(ItemQuery(a, row_of(MINDS[0]), flip="a_wrong"), ScoreFilter())[0] == only_a
    other = fill(store, list(responses([MINDS[1]], CLIPS, asked=[Ask("sync", "neutral")])))
    assert other
    assert not len(store.score_pairs(a, row_of(MINDS[1], "neutral"), ScoreFilter())["items"])


def test_people_stand_in_one_row_and_speak_as_their_majority(store: Store) -> None:
    item = make_item(CLIPS[0], "early", -0.6, Ask("sync"))
    said = {"ana": "early", "ben": "early", "cid": "synced"}
    fill(store, [make_response(Mind(name, rater=name), item, label) for name, label in said.items()])
    fill(store, [make_response(MINDS[0], item, "synced")])
    rows = store.score_rows()
    assert set(rows["listener_key"].tolist()) == {"people", MINDS[0].key}
    people = RowKey("people", "audio_video", "structured")
    pairs = store.score_pairs(people, row_of(MINDS[0]), ScoreFilter())
    assert [int(pairs["items"][0]), bool(pairs["hit"][0]), bool(pairs["b_hit"][0])] == [1, True, False]
    assert store.score_items(ItemQuery(people), ScoreFilter())[0] == 3


def test_items_come_by_clip_and_condition_page_by_page(store: Store) -> None:
    clip, donor = a_clip(1, title="B clip"), a_clip(2, title="A clip")
    store.add_clips([clip, donor], "test")
    swap = a_stimulus(clip, Intervention("swap", donor=donor.id, donor_audio_s=1.0, event_s=2.0))
    store.add_stimulus(swap, "test")
    many = list(responses(MINDS[:1], [clip.id, donor.id], OFFSETS))
    moved = [
        replace(each, item=replace(each.item, stimulus_id=swap.id))
        if each.item.condition == "swapped" and each.item.clip_id == clip.id else each
        for each in many
    ]  # fmt: skip
    fill(store, moved)
    total, first = store.score_items(ItemQuery(row_of(MINDS[0]), per=10), ScoreFilter())
    _, second = store.score_items(ItemQuery(row_of(MINDS[0]), per=10, page=2), ScoreFilter())
    assert (total, len(first), len(second)) == (18, 10, 8)
    shown = [(row["clip_title"], row["condition"], row["offset_s"]) for row in first + second]
    order = ["original", "early", "delayed", "muted", "swapped"]
    assert shown == sorted(shown, key=lambda row: (row[0], order.index(row[1]), row[2] or 0.0))
    assert second[-1]["donor_title"] == "A clip"
    early = ItemQuery(row_of(MINDS[0]), offset_s=-1.2)
    assert {row["offset_s"] for row in store.score_items(early, ScoreFilter())[1]} == {-1.2}
    right = ItemQuery(row_of(MINDS[0]), right=True)
    assert {row["condition"] for row in store.score_items(right, ScoreFilter())[1]} == {"original"}
    assert store.score_items(ItemQuery(labels=("early' --",)), ScoreFilter()) == (0, [])


def test_a_response_without_a_source_is_its_own_cluster(store: Store) -> None:
    fill(store, list(responses(MINDS[:1], CLIPS, source="")))
    counts = store.score_counts(ScoreFilter())
    assert len(set(counts["source"].tolist())) == len(CLIPS)


def test_others_on_the_same_item(store: Store) -> None:
    many = fill(store, list(responses(MINDS, CLIPS[:2])))
    one = many[0]
    others = store.score_others(one.id, ScoreFilter())
    assert [row["listener"] for row in others] == ["perfect", "so so"]
    assert all(row["text"] for row in others)

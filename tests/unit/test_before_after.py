"""Before and after on the same items: listeners whose habits are known, alone and as they stand in a store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.controls_kit import AUDIBLE, Filled, Says, by_ear, filled, prior, right, tell
from thud.errors import BadRequest
from thud.evaluation.before_after import (
    FROM_EXISTENCE,
    LENT,
    Asked,
    BeforeAfter,
    Told,
    before_after,
    before_after_json,
)
from thud.evaluation.controls import CLASSES, Played
from thud.runs.listening.controls import before_after_of
from thud.store import Store, open_store
from thud.store.score_filter import RowKey

CLIPS = 24
FOUR = (*AUDIBLE, "muted")
PLACES = {"early": -0.6, "synced": 0.0, "delayed": 0.6}


def told(says: Says, labels: Iterable[str] = FOUR, clips: Iterable[int] = range(CLIPS)) -> tuple[Told, ...]:
    """A listener's answers; event times lie evenly over two seconds, so the place of the sound says little."""
    found = []
    for number in clips:
        for label in labels:
            at = 1.0 + 2.0 * ((number * 0.618) % 1.0) + PLACES.get(label, 0.0)
            played = Played(None if label == "muted" else at, 4.0, label, f"film {number}")
            found.append(Told(f"{number} {label}", f"film {number}", label, says(number, label) == label, played))
    return tuple(found)


def shortcut(number: int, label: str) -> str:
    """Says in sync to all that is heard, and hears what is muted."""
    return "muted" if label == "muted" else "synced"


def test_a_listener_that_learned_to_listen() -> None:
    found = before_after(
        [
            Asked("before", told(prior), told(prior, AUDIBLE)),
            Asked("after SFT", told(right), told(by_ear, AUDIBLE)),
            Asked("after DPO", told(right), told(by_ear, AUDIBLE)),
        ]
    )
    assert (tuple(found.by_class), found.items, found.sources) == (CLASSES, 4 * CLIPS, CLIPS)
    assert set(found.by_class.values()) == {CLIPS} and (found.left_out, found.notes) == (0, (LENT,))
    assert [stage.accuracy.value for stage in found.stages] == pytest.approx([0.25, 1.0, 1.0])
    assert {name: each.value for name, each in found.stages[0].by_class.items()} == {
        "synced": 1.0, "early": 0.0, "delayed": 0.0, "muted": 0.0,
    }  # fmt: skip
    assert [(step.before, step.after) for step in found.steps] == [
        ("before", "after SFT"), ("after SFT", "after DPO"), ("before", "after DPO"),
    ]  # fmt: skip
    first, second, whole = found.steps
    assert (first.gained, first.lost, first.counts) == (3 * CLIPS, 0, True)
    assert first.test == "sign_flip" and first.p < 0.001 and first.mcnemar_p < 1e-9
    assert [step.primary for step in found.steps] == [False, False, True]
    assert (second.counts, second.words) == (False, "No difference is shown (+0.0 points).")
    assert found.answer == "Yes." and "by the right picture" in whole.words
    assert [stage.listening for stage in found.stages] == ["not above", "above", "above"]
    assert found.ceiling.share is not None and 0.4 < found.ceiling.share < 0.75
    over = found.stages[1].over.value
    assert over == pytest.approx(1 - found.ceiling.share) and whole.by_class["early"].value == pytest.approx(1.0)


def test_a_listener_that_learned_where_the_sound_lies_gains_nothing_that_counts() -> None:
    """0.25 to well above it, surely, and yet it only knows its way about the clip."""
    found = before_after([Asked("before", told(prior)), Asked("after", told(by_ear), told(by_ear, AUDIBLE))])
    step = found.steps[0]
    assert step.difference.value is not None and step.difference.value > 0.2 and step.p < 0.01
    assert (step.counts, found.answer) == (False, "No.")
    assert "not above what the sound alone allows" in found.words


def test_a_gain_that_stays_under_another_picture_does_not_count() -> None:
    found = before_after([Asked("before", told(prior)), Asked("after", told(right), told(right, AUDIBLE))])
    assert found.steps[0].counts is False and "no loss is shown under another picture" in found.words
    assert found.stages[1].needs_picture is False


def test_without_the_control_it_is_not_known_yet() -> None:
    found = before_after([Asked("before", told(prior)), Asked("after", told(right))])
    assert (found.steps[0].counts, found.answer) == (None, "Not known.")
    assert "until it is asked under another picture" in found.words


def test_the_control_is_of_four_classes_too() -> None:
    """Muted sound is not asked about again under another picture: its own answers stand in for it."""
    before = Asked("before", told(prior))
    found = before_after([before, Asked("after", told(right), told(lambda number, label: "synced", AUDIBLE))])
    shuffled = found.stages[1].shuffled
    assert shuffled is not None and shuffled.value == pytest.approx((1 + 0 + 0 + 1) / 4)
    asked = before_after([before, Asked("after", told(right), told(prior))])
    assert asked.stages[1].shuffled is not None and asked.stages[1].shuffled.value == pytest.approx(0.25)
    under = [each.stages[1].under for each in (found, asked)]
    assert [(one.items, one.lent, one.of) for one in under if one] == [(3 * CLIPS, CLIPS, 4 * CLIPS), (96, 0, 96)]
    assert (found.notes, asked.notes) == ((LENT,), ())
    assert "asked of 72 of 96 items" in found.stages[1].words and "asked of" not in asked.stages[1].words


def test_only_what_all_of_them_answered_counts() -> None:
    found = before_after([Asked("a", told(prior, clips=range(10))), Asked("b", told(right, clips=range(5, 24)))])
    assert (found.items, found.sources) == (4 * 5, 5)
    nothing = before_after([Asked("a", told(prior, clips=range(3))), Asked("b", told(right, clips=range(5, 9)))])
    assert (nothing.items, nothing.answer) == (0, "Not known.") and "share no item" in nothing.words
    wide = Asked("b", told(right, clips=range(5)), told(lambda number, _: "early" if number < 5 else "synced", AUDIBLE))
    under = before_after([Asked("a", told(prior)), wide]).stages[1].shuffled
    assert under is not None and under.value == pytest.approx((0 + 1 + 0 + 1) / 4)  # not of the clips beyond the fifth
    other = Told("swapped 1", "film 1", "mismatched", True)
    assert before_after([Asked("a", (*told(prior), other)), Asked("b", (*told(right), other))]).items == 4 * CLIPS


def test_one_item_a_source_takes_the_exact_test() -> None:
    some = [one for one in told(right) if one.label == CLASSES[int(one.item.split()[0]) % 4]]
    wrong = tuple(replace(one, right=one.label == "synced") for one in some)
    step = before_after([Asked("before", wrong), Asked("after", tuple(some))]).steps[0]
    assert step.test == "mcnemar" and step.p == step.mcnemar_p == pytest.approx(2 / 2**18)


def test_what_cannot_be_told() -> None:
    for alone in ([], [Asked("after", told(right))]):
        with pytest.raises(BadRequest, match="Name the listener"):
            before_after(alone)
    with pytest.raises(BadRequest, match="after: item 0 synced was answered twice"):
        before_after([Asked("before", told(prior)), Asked("after", (*told(right), told(right)[0]))])
    without = tuple(replace(one, played=None) for one in told(right))
    blind = before_after([Asked("before", tuple(replace(one, right=False) for one in without)), Asked("b", without)])
    assert blind.stages[1].listening == "not known" and blind.steps[0].counts is None


def test_it_goes_into_json() -> None:
    found = before_after([Asked("before", told(prior)), Asked("after", told(right), told(by_ear, AUDIBLE))])
    plain = json.loads(json.dumps(before_after_json(found)))
    assert plain["stages"][1]["accuracy"]["value"] == 1.0 and plain["stages"][0]["shuffled"] is None
    assert plain["stages"][1]["by_class"]["early"] == {"value": 1.0, "low": pytest.approx(0.862, abs=0.01), "high": 1.0,
                                                       "n": 24, "sources": 24}  # fmt: skip
    assert plain["steps"][0]["difference"]["value"] == pytest.approx(0.75)
    assert plain["answer"] == "Yes." and plain["ceiling"]["low"] is None is plain["ceiling"]["high"]
    assert [plain["stages"][1][name]["n"] for name in ("accuracy", "shuffled", "over")] == [96, 72, 96]
    assert plain["steps"][0]["difference"]["n"] == 4 * CLIPS and plain["stages"][1]["accuracy"]["sources"] == CLIPS
    assert plain["steps"][0]["test_words"].startswith("signs of the differences") and plain["notes"] == [LENT]


def test_what_is_left_under_another_picture_is_not_owed_to_it() -> None:
    """All right, and two thirds of it under other pictures: less, and yet far above what the sound alone allows."""
    half = told(lambda number, label: label if number % 3 else "synced", AUDIBLE)
    found = before_after([Asked("before", told(prior)), Asked("after", told(right), half)])
    after = found.stages[1]
    assert (after.needs_picture, after.by_picture) == (True, False)
    assert (found.steps[0].counts, found.answer) == (False, "No.")
    assert "left under another picture" in after.words and "left under another picture" in found.words


def test_a_few_sources_do_not_show_that_it_is_gone() -> None:
    """Twelve clips, four of them as right under another picture: too few to say that nothing else tells it."""
    few = range(12)
    some = told(lambda number, label: label if number % 3 == 0 else "synced", AUDIBLE, few)
    found = before_after([Asked("before", told(prior, clips=few)), Asked("after", told(right, clips=few), some)])
    after = found.stages[1]
    assert after.left.low is not None and after.left.high is not None and after.left.low < 0 < 0.1 < after.left.high
    assert (after.needs_picture, after.by_picture, found.answer) == (True, None, "Not known.")
    for words in (after.words, found.words):
        assert "gone" not in words and "by the right picture" not in words and "may be left (" in words, words


def test_a_control_of_a_few_items_is_held_against_those_items() -> None:
    """Wrong about the second half of the clips; the control, of the first half, has as much right: no loss at all."""

    def half(number: int, label: str) -> str:
        return label if number < CLIPS // 2 or label == "muted" else "synced"

    asked = told(right, AUDIBLE, range(CLIPS // 2))
    after = before_after([Asked("before", told(prior)), Asked("after", told(half), asked)]).stages[1]
    assert after.under is not None and after.under.apart.value == 0.0
    assert (after.under.items, after.under.of) == (3 * CLIPS // 2, 4 * CLIPS)
    gone = told(by_ear, AUDIBLE, range(CLIPS // 2))
    told_of = before_after([Asked("before", told(prior)), Asked("after", told(right), gone)])
    assert "asked of 36 of 96 items" in told_of.stages[1].words
    few = before_after([Asked("before", told(prior)), Asked("after", told(right), told(by_ear, AUDIBLE, range(3)))])
    assert few.steps[0].counts is None and "too few were asked under another picture" in few.words


def test_an_item_without_a_response_is_left_out_of_all() -> None:
    cut = tuple(replace(one, right=None) if one.item in ("0 early", "5 muted") else one for one in told(right))
    found = before_after([Asked("before", told(prior)), Asked("after", cut)])
    assert (found.items, found.left_out, found.stages[1].accuracy.value) == (4 * CLIPS - 2, 2, 1.0)
    assert found.notes == ("2 items are left out: not every listener gave a response.",)


def test_muted_from_the_other_question_is_said() -> None:
    heard = tuple(replace(one, task="existence") if one.label == "muted" else one for one in told(right))
    assert (
        "from the question whether anything is heard" in before_after([Asked("a", heard), Asked("b", heard)]).notes[0]
    )


def test_steps_are_corrected_for_their_number() -> None:
    """Six of 24 sources better by an item: shown, at .031, where that is the one test, but not among three."""

    def some(count: int) -> Says:
        return lambda number, label: label if label == "early" and number < count else "synced"

    two = before_after([Asked("a", told(prior)), Asked("b", told(some(6)))]).steps
    assert (len(two), two[0].p, two[0].holm_p) == (1, 2 / 2**6, 2 / 2**6) and two[0].primary
    three = before_after([Asked("a", told(prior)), Asked("b", told(some(6))), Asked("c", told(some(6)))]).steps
    assert [step.p for step in three] == pytest.approx([2 / 2**6, 1.0, 2 / 2**6])
    assert [step.holm_p for step in three] == pytest.approx([6 / 2**6, 1.0, 6 / 2**6])
    assert "No difference is shown" in three[-1].words and "No difference" not in two[0].words


# ---------- from the store ----------


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Store, Filled]]:
    with open_store(tmp_path / "a.duckdb", tmp_path, min_free_bytes=0) as store:
        yield store, filled(store, CLIPS)


def compared(store: Store, *keys: str, clips: list[str] | None = None) -> BeforeAfter:
    rows = [(f"stage {i}", RowKey(key, "audio_video", "structured")) for i, key in enumerate(keys)]
    return before_after_of(store, rows, clips)


def test_the_store_tells_the_same(place: tuple[Store, Filled]) -> None:
    store, there = place
    before, after = tell(store, there, "base", prior, labels=FOUR), tell(store, there, "sft", right, labels=FOUR)
    assert compared(store, before, after).steps[0].counts is None
    tell(store, there, "sft", by_ear, "shuffled_picture")
    found = compared(store, before, after)
    alone = before_after([Asked("stage 0", told(prior)), Asked("stage 1", told(right), told(by_ear, AUDIBLE))])
    assert found.steps[0].counts is True
    assert found.items == alone.items and found.ceiling.share == pytest.approx(alone.ceiling.share)
    assert found.stages[1].shuffled == alone.stages[1].shuffled
    assert found.notes == (FROM_EXISTENCE, LENT)


def test_a_response_that_never_came_is_not_a_wrong_answer(place: tuple[Store, Filled]) -> None:
    store, there = place
    before = tell(store, there, "base", prior, labels=FOUR)
    after = tell(store, there, "sft", lambda number, label: label if number else "error", labels=FOUR)
    tell(store, there, "sft", lambda number, label: "synced" if number > 1 else "error", "shuffled_picture")
    found = compared(store, before, after)
    assert (found.items, found.left_out, found.stages[1].accuracy.value) == (4 * CLIPS - 4, 4, 1.0)
    under = found.stages[1].under
    assert under is not None and (under.items, under.of) == (3 * (CLIPS - 2), 4 * CLIPS - 4)
    refused = tell(store, there, "shy", lambda number, label: label if number else "refused", labels=FOUR)
    found = compared(store, before, refused)
    assert (found.items, found.left_out) == (4 * CLIPS, 0) and found.stages[1].accuracy.value == pytest.approx(23 / 24)


def test_only_the_clips_that_were_held_out(place: tuple[Store, Filled]) -> None:
    store, there = place
    half = sorted({one.clip_id for (number, _), one in there.stimuli.items() if number < 12})
    before = tell(store, there, "base", prior, labels=FOUR)
    after = tell(store, there, "sft", lambda number, label: label if number < 12 else "synced", labels=FOUR)
    found = compared(store, before, after, clips=half)
    assert (found.items, found.stages[1].accuracy.value) == (48, 1.0)
    assert compared(store, before, after).stages[1].accuracy.value == pytest.approx(0.625)
    assert compared(store, before, after, clips=[]).items == 0

"""Described segments gone over by models: what they are sent, what counts of their replies, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.annotate_kit import SECONDS, Place, Vendors, make_numbered_clip, vendors, workspace
from tests.unit.segments_kit import SOUNDS, described, put_segments
from tests.vendors import Fault
from tests.vendors.anthropic_server import pictures, texts
from tests.vendors.gemini_server import look
from tests.vendors.kit import give_keys
from thud.errors import BadRequest
from thud.events.annotators import ANNOTATORS, Annotator
from thud.pairs.material import Segment
from thud.pairs.reannotate import question_of, read, window_of
from thud.pairs.segment_words import KIND, Word, correct, name_of, words_by_segment
from thud.pairs.segment_words import say as says
from thud.records import Clip, Reply, Run, Usage
from thud.runs.annotating.reannotating import plan_reannotation, start_reannotation

AGREES: dict[str, Any] = {
    "verdict": "agree", "start_s": 0.2, "end_s": 1.2, "description": "whatever", "sounds": ["any"], "note": "Fits.",
}  # fmt: skip
MENDS = {**AGREES, "verdict": "correct", "start_s": 0.4, "description": "Stripes move.", "sounds": ["a bell"]}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return [make_numbered_clip(folder, number) for number in (1, 2)]


@pytest.fixture
def asked() -> Iterator[Vendors]:
    with vendors() as running:
        answering(running, AGREES)
        yield running


@pytest.fixture
def place(tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    give_keys(monkeypatch)
    with workspace(tmp_path, clips) as opened:
        put_segments(opened.store, opened.workspace, [described(clip.id) for clip in clips])
        yield opened


def answering(asked: Vendors, row: Any) -> None:
    for server in asked.servers:
        server.answer = lambda _: json.dumps(row)


def ask(place: Place, annotator: Annotator, **how: bool) -> Run:
    plan = plan_reannotation(place.store, place.runs, annotator, **how)
    return place.runs.wait(start_reannotation(place.store, place.runs, plan, "ana").id, 120)


def words(place: Place) -> list[Word]:
    return [word for many in words_by_segment(place.store.definitions(KIND)).values() for word in many]


def test_gemini_is_sent_the_part_and_its_word_is_kept(place: Place, asked: Vendors) -> None:
    answering(asked, MENDS)
    gemini = asked.annotator("gemini")
    run = ask(place, gemini)
    assert (run.state, run.message) == ("done", "2 looked at: 0 agreed, 2 corrected, 0 rejected.")
    body = asked.gemini.questions[0].json
    seen = [part for part in body["contents"][0]["parts"] if look(part, "file_data")]
    cut = look(seen[0], "video_metadata")
    assert [look(cut, name) for name in ("start_offset", "end_offset", "fps")] == ["0.000s", f"{SECONDS:.3f}s", 4.0]
    said = json.dumps(body)
    assert "A bright pattern slides past." in said and SOUNDS[0] in said and "0.200 to 1.200" in said
    one, two = words(place)
    assert (one.by, one.verdict, one.start_s, one.end_s) == (gemini.model, "correct", 0.4, 1.2)
    assert (one.description, one.sounds, one.heard, one.note) == ("Stripes move.", ("a bell",), True, "Fits.")
    assert {one.segment_id, two.segment_id} == {described(clip.id).id for clip in place.store.clips()}
    kept = place.store.replies()
    assert len(kept) == 2 and {reply.run_id for reply in kept} == {run.id}
    assert {reply.clip_id for reply in kept} == {clip.id for clip in place.store.clips()}
    again = plan_reannotation(place.store, place.runs, gemini)
    assert (again.segments, again.known) == ((), 2) and asked.billed_twice == 0
    with pytest.raises(BadRequest, match="nothing to check"):
        start_reannotation(place.store, place.runs, again, "ana")


def test_a_model_that_sees_stills_says_nothing_of_sounds(place: Place, asked: Vendors) -> None:
    answering(asked, MENDS)
    ask(place, asked.annotator("claude"))
    body = asked.claude.questions[0].json
    assert len(pictures(body)) >= 6 and any("frame t=" in text for text in texts(body))
    assert SOUNDS[0] not in json.dumps(body) and "sounds" not in json.dumps(body["output_config"])
    one, _ = words(place)
    assert (one.description, one.sounds, one.heard) == ("Stripes move.", SOUNDS, False)


def test_what_is_no_answer_is_no_word_and_is_not_asked_again_by_itself(place: Place, asked: Vendors) -> None:
    asked.claude.faults.extend([Fault("refusal"), Fault("prose")])
    claude = asked.annotator("claude")
    run = ask(place, claude)
    assert run.state == "done" and run.message.startswith("0 looked at") and "2 not" in run.message
    assert words(place) == [] and len(place.runs.problems(run.id)) == 2
    plan = plan_reannotation(place.store, place.runs, claude)
    assert (plan.segments, plan.before) == ((), 2)
    assert ask(place, claude, again=True).message == "2 looked at: 2 agreed, 0 corrected, 0 rejected."


def test_a_model_out_of_reach_leaves_all_as_it_is_and_the_run_can_go_on(place: Place, asked: Vendors) -> None:
    asked.claude.fault_of = lambda _: Fault("503", headers={"retry-after-ms": "1"}, message="overloaded")
    run = ask(place, asked.annotator("claude"))
    assert run.state == "failed" and "does not answer" in run.message and words(place) == []
    asked.claude.fault_of = lambda _: None
    place.runs.resume(run.id)
    assert place.runs.wait(run.id, 120).state == "done" and len(words(place)) == 2


def test_a_plan_says_cost_and_what_stands_in_the_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    gemini = plan_reannotation(place.store, place.runs, ANNOTATORS["gemini"])
    claude = plan_reannotation(place.store, place.runs, ANNOTATORS["claude"])
    assert len(gemini.segments) == 2 and gemini.cost_usd and claude.cost_usd and claude.blocked == ""
    with pytest.raises(BadRequest, match="GEMINI_API_KEY is not set"):
        start_reannotation(place.store, place.runs, gemini, "ana")
    with pytest.raises(BadRequest, match="cannot read"):
        plan_reannotation(place.store, place.runs, ANNOTATORS["signal"])


# Reading a reply, without any server.

HEARS, SEES = ANNOTATORS["gemini"], ANNOTATORS["claude"]


def a_reply(text: str, **changed: Any) -> Reply:
    usage = Usage(10, 10, audio_tokens=50)
    whole = Reply("gemini", "m", "ok", text, {}, usage, "r", "m", "0" * 64, 0.1)
    return replace(whole, **changed)


ODD: list[tuple[Any, str]] = [
    ({**MENDS, "start_s": 1.5, "end_s": 0.3}, "unparsed"),
    ({**MENDS, "end_s": 90.0}, "unparsed"),
    ({**MENDS, "end_s": "late"}, "unparsed"),
    ({**MENDS, "start_s": True}, "unparsed"),
    ({**MENDS, "description": "  "}, "unparsed"),
    ({**MENDS, "sounds": "a bell"}, "unparsed"),
    ({**MENDS, "sounds": [4]}, "unparsed"),
    ({"verdict": "correct"}, "unparsed"),
    ({**MENDS, "verdict": "fine"}, "unparsed"),
    ({**AGREES, "verdict": "correct", "description": described("x").description, "sounds": [*SOUNDS]}, "agree"),
    ({**AGREES, "verdict": "reject"}, "reject"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "outcome"), ODD)
def test_what_a_reply_says_is_checked(row: Any, outcome: str, clips: list[Clip]) -> None:
    said = read(HEARS, clips[0], described(clips[0].id), a_reply(json.dumps(row)), "now")
    assert said.outcome == outcome and (said.word is None) == bool(said.problem)
    assert said.word is None or (said.word.verdict, said.word.at) == (outcome, "now")


def test_a_model_that_did_not_listen_has_no_word(clips: list[Clip]) -> None:
    deaf = a_reply(json.dumps(AGREES), usage=Usage(10, 10, audio_tokens=0))
    assert read(HEARS, clips[0], described(clips[0].id), deaf, "now").outcome == "no_audio_read"
    seen = read(SEES, clips[0], described(clips[0].id), deaf, "now")
    assert seen.outcome == "agree" and seen.word and not seen.word.heard


def test_of_two_words_in_one_reply_none_counts(clips: list[Clip]) -> None:
    both = a_reply(f"First {json.dumps(AGREES)}, on second thoughts {json.dumps({**AGREES, 'verdict': 'reject'})}")
    assert read(HEARS, clips[0], described(clips[0].id), both, "now").outcome == "unparsed"


@pytest.mark.parametrize("annotator", [HEARS, SEES], ids=lambda one: one.name)
def test_a_question_is_marked_for_the_vendors_memory_as_the_annotator_says(
    annotator: Annotator, clips: list[Clip]
) -> None:
    for kept in (True, False):
        asked = question_of(replace(annotator, cache=kept), clips[0], described(clips[0].id))
        assert (asked.cache, asked.model, asked.max_tokens) == (kept, annotator.model, annotator.max_tokens)


def test_times_outside_what_was_shown_are_no_correction(clips: list[Clip]) -> None:
    clip = replace(clips[0], probe=replace(clips[0].probe, duration_s=60.0))
    segment = Segment(clip.id, 20.0, 25.0, "A door opens.", SOUNDS)
    assert (window_of(segment, 60.0).start_s, window_of(segment, 60.0).end_s) == (19.0, 26.0)
    for start_s, outcome in ((19.0, "correct"), (5.0, "out_of_clip")):
        row = {**MENDS, "start_s": start_s, "end_s": 25.5}
        assert read(HEARS, clip, segment, a_reply(json.dumps(row)), "now").outcome == outcome


def test_a_correction_that_changes_nothing_is_agreement() -> None:
    segment = described("c")
    word = correct(segment, "person:eva", {"description": f" {segment.description} "}, 2.0)
    assert word == says(segment, "person:eva", "agree") and name_of(word) == f"{segment.id}:person:eva"

"""Placing event times by models, with real workers and servers that speak the vendors' protocols, faults included."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annotate_kit import EVENT_S, HEARD_S, Place, Vendors, make_numbered_clip, vendors, workspace
from tests.unit.runs_kit import until
from tests.vendors import Fault
from tests.vendors.kit import KEY, give_keys
from thud.errors import BadRequest, MissingPart
from thud.events.annotators import ANNOTATORS, Annotator
from thud.providers.keys import USUAL
from thud.providers.shelf import Shelf
from thud.records import Clip, EventTimes, Mark, Reply, Run, Usage
from thud.runs.annotating.annotate import plan_annotation, start_annotations
from thud.runs.annotating.answers import tally_words
from thud.runs.asking import forgive_once
from thud.runs.first_start import place_demo_times
from thud.runs.jobs import annotate_batch

COUNT = 6


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return [make_numbered_clip(folder, number) for number in range(COUNT)]


@pytest.fixture(autouse=True)
def with_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@pytest.fixture
def place(tmp_path: Path, clips: list[Clip]) -> Iterator[Place]:
    with workspace(tmp_path, clips) as opened:
        yield opened


@pytest.fixture
def asked() -> Iterator[Vendors]:
    with vendors() as running:
        yield running


def start(place: Place, annotator: Annotator, **how: bool) -> Run:
    return start_annotations(place.store, place.runs, [annotator], None, "ann", **how)[0]


def marks_of(place: Place, name: str) -> dict[str, Mark]:
    return {mark.clip_id: mark for mark in place.store.marks() if mark.annotator == name}


def test_three_models_place_times_and_they_are_settled(place: Place, asked: Vendors, clips: list[Clip]) -> None:
    everybody = [asked.annotator(name) for name in ("gemini", "gpt", "claude")]
    started = start_annotations(place.store, place.runs, everybody, None, "ann")
    runs = [place.runs.wait(run.id, 120) for run in started]
    assert [(run.state, run.done, run.message) for run in runs] == [("done", COUNT, f"{COUNT} placed.")] * 3
    heard = marks_of(place, "gemini")
    assert {(mark.visual_s, mark.audio_s) for mark in heard.values()} == {(EVENT_S, HEARD_S)}
    seen = marks_of(place, "claude")
    assert {(mark.visual_s, mark.audio_s, mark.detail["hears"]) for mark in seen.values()} == {(EVENT_S, None, False)}
    replies = {kept.reply.id: kept for kept in place.store.replies()}
    for mark in (*heard.values(), *seen.values()):
        kept = replies[mark.detail["reply"]]
        assert (kept.clip_id, kept.annotator) == (mark.clip_id, mark.annotator)
        assert kept.run_id in {run.id for run in runs}
        assert kept.reply.raw
    assert len(replies) == 3 * 2 * COUNT
    assert asked.billed_twice == 0
    assert set(place.store.times("consensus")) == {clip.id for clip in clips}
    assert {row["outcome"] for row in place.store.ledger()} == {"ok"}
    written = [path for path in place.workspace.rglob("*") if path.is_file()]
    assert any("replies" in path.parts for path in written)
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []


def test_a_mark_is_asked_for_once_and_in_place_of_a_simulated_one(
    place: Place, asked: Vendors, clips: list[Clip]
) -> None:
    made_up = Mark(clips[0].id, "claude", 0.1, None, person=False, detail={"simulated": True, "model": "x"})
    place.store.submit_mark(made_up, "thud")
    claude = asked.annotator("claude", refine=False)
    assert plan_annotation(place.store, place.runs, claude, None).simulated == 1
    place.runs.wait(start(place, claude).id, 120)
    assert marks_of(place, "claude")[clips[0].id].visual_s == EVENT_S
    with pytest.raises(BadRequest, match="nothing to ask"):
        start(place, claude)
    assert plan_annotation(place.store, place.runs, claude, None).marked == COUNT
    other = plan_annotation(place.store, place.runs, asked.annotator("claude", model="claude-opus-5-5"), None)
    assert (len(other.clips), other.marked) == (COUNT, 0)


def test_what_is_no_mark_is_counted_listed_and_left_out(place: Place, clips: list[Clip]) -> None:
    faults = ["refusal", "truncated", "prose", "400", "cut", None]
    with vendors(faults=faults) as asked:
        claude = asked.annotator("claude", refine=False)
        run = place.runs.wait(start(place, claude).id, 120)
        said = "1 placed, 5 not: 1 in doubt, 1 not readable, 1 not taken by the vendor, 1 refused, 1 cut off."
        assert (run.state, run.done, run.failed) == ("done", COUNT, 0)
        assert Counter(run.message) == Counter(said)
        assert len(place.runs.problems(run.id)) == 5
        assert len(marks_of(place, "claude")) == 1
        assert Counter(kept.reply.outcome for kept in place.store.replies()) == Counter(
            {"ok": 2, "refused": 1, "truncated": 1, "rejected": 1, "in_doubt": 1}
        )
        plan = plan_annotation(place.store, place.runs, claude, None)
        assert (len(plan.clips), plan.marked) == (0, 1)
        assert plan.before == {"refused": 1, "truncated": 1, "unparsed": 1, "rejected": 1, "in_doubt": 1}
        again = place.runs.wait(start(place, claude, again=True).id, 120)
        assert (again.total, again.message) == (5, "5 placed.")
        assert len(marks_of(place, "claude")) == COUNT
        assert plan_annotation(place.store, place.runs, claude, None).before == {}


def test_a_busy_vendor_is_asked_again_and_bills_once(place: Place) -> None:
    busy = [Fault("429", {"retry-after": "0"}), Fault("500", {"retry-after": "0"}), Fault("529", {"retry-after": "0"})]
    with vendors(fault_of=lambda question: busy[question.attempt - 1] if question.attempt < 4 else None) as asked:
        run = place.runs.wait(start(place, asked.annotator("gpt", refine=False)).id, 120)
        assert run.message == f"{COUNT} placed."
        assert asked.billed_twice == 0
        assert len(asked.gpt.questions) == 4 * COUNT


def test_a_run_killed_while_it_asks_bills_nothing_twice(place: Place) -> None:
    with vendors(fault_of=lambda question: Fault("slow", seconds=0.3)) as asked:
        claude = asked.annotator("claude")
        run = start(place, claude)
        until(lambda: sum(asked.claude.billed.values()) >= 3, 120)
        os.kill(place.runs.run(run.id).pid, signal.SIGKILL)
        assert place.runs.wait(run.id, 60).state == "failed"
        done = place.runs.wait(place.runs.resume(run.id).id, 120)
        assert done.state == "done"
        assert asked.billed_twice == 0
        left = plan_annotation(place.store, place.runs, claude, None)
        assert len(marks_of(place, "claude")) + left.before.get("in_doubt", 0) == COUNT
        assert set(left.before) <= {"in_doubt"}


def test_answers_on_their_way_when_a_run_is_stopped_are_not_lost(place: Place) -> None:
    with vendors(fault_of=lambda question: Fault("slow", seconds=0.7)) as asked:
        run = start(place, asked.annotator("claude", at_once=2, refine=False))
        until(lambda: len(asked.claude.questions) >= 2, 120)
        assert place.runs.cancel(run.id).state == "cancelled"
        done = place.runs.wait(place.runs.resume(run.id).id, 120)
        assert (done.state, done.message) == ("done", f"{COUNT} placed.")
        assert set(asked.claude.billed.values()) == {1}


def test_a_missing_key_is_named_before_anything_starts(
    place: Place, asked: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(USUAL["openai"])
    both = [asked.annotator("claude"), asked.annotator("gpt")]
    with pytest.raises(MissingPart, match=USUAL["openai"]):
        start_annotations(place.store, place.runs, both, None, "ann")
    assert place.runs.runs() == []
    assert asked.claude.requests == []


def test_a_key_that_is_revoked_stops_the_run_and_it_can_go_on(place: Place) -> None:
    revoked = True

    def fault(question: object) -> Fault | None:
        return Fault("401", message="invalid x-api-key") if revoked and asked.claude.billed.total() >= 2 else None

    with vendors(fault_of=fault) as asked:
        run = start(place, asked.annotator("claude", refine=False))
        stopped = place.runs.wait(run.id, 60)
        assert stopped.state == "failed"
        assert "ANTHROPIC_API_KEY" in stopped.message
        assert KEY not in stopped.message + place.runs.log(run.id)
        assert stopped.done == 2
        revoked = False
        done = place.runs.wait(place.runs.resume(run.id).id, 120)
        assert (done.state, done.message) == ("done", f"{COUNT} placed.")
        assert asked.billed_twice == 0


def test_a_batch_is_handed_over_once_and_found_again_after_a_kill(place: Place, asked: Vendors) -> None:
    asked.claude.polls = 3
    run = start(place, asked.annotator("claude"), batch=True)
    until(lambda: "Waiting for the vendor's batch" in place.runs.run(run.id).message, 120)
    os.kill(place.runs.run(run.id).pid, signal.SIGKILL)
    assert place.runs.wait(run.id, 60).state == "failed"
    done = place.runs.wait(place.runs.resume(run.id).id, 120)
    assert (done.state, done.message) == ("done", f"{COUNT} placed.")
    assert len(asked.claude.batches) == 1
    assert asked.billed_twice == 0
    assert len(marks_of(place, "claude")) == COUNT


def test_the_demo_gets_marks_once_and_they_say_that_they_are_simulated(place: Place, clips: list[Clip]) -> None:
    for clip in clips[:2]:
        place.store.set_times(clip.id, EventTimes(EVENT_S, HEARD_S, "construction"), "test")
    place_demo_times(place.store, place.runs, "first start")
    (run,) = place.runs.runs()
    assert place.runs.wait(run.id, 120).message == f"{COUNT} placed."
    models = [mark for mark in place.store.marks() if mark.annotator != "signal"]
    assert Counter(mark.annotator for mark in models) == {"gemini": 2, "gpt": 2, "claude": 2}
    assert all(mark.detail["simulated"] for mark in models)
    assert place.store.times("consensus")
    before = place.store.counts()
    place_demo_times(place.store, place.runs, "first start")
    assert place.store.counts() == before


def test_a_question_is_forgiven_once_in_a_run(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    reply = Reply("anthropic", "m", "refused", "", {}, Usage(), "r1", "m", "sent", 0.1)
    shelf.put("sent", reply)
    forgive_once(shelf, "sent", tmp_path / "run")
    assert shelf.get("sent") is None
    shelf.put("sent", reply)
    forgive_once(shelf, "sent", tmp_path / "run")
    assert shelf.get("sent") == reply
    forgive_once(shelf, "sent", tmp_path / "another run")
    assert shelf.get("sent") is None


def test_gemini_and_signal_are_not_batched(place: Place, asked: Vendors) -> None:
    assert not plan_annotation(place.store, place.runs, asked.annotator("gemini"), None, batch=True).batch
    run = place.runs.wait(start(place, ANNOTATORS["signal"], batch=True).id, 60)
    assert (run.kind, run.state, run.done) == ("annotate", "done", COUNT)
    assert {round(mark.audio_s or 0, 1) for mark in marks_of(place, "signal").values()} == {EVENT_S}
    assert plan_annotation(place.store, place.runs, ANNOTATORS["signal"], None).marked == COUNT


def test_chunks_hold_every_clip_once_and_no_more_than_fits(clips: list[Clip]) -> None:
    size = annotate_batch.MOST_BYTES // 2
    found = list(annotate_batch.chunks([(clip, size) for clip in clips]))
    assert [len(chunk) for chunk in found] == [2, 2, 2]
    assert [clip for chunk in found for clip in chunk] == clips
    assert list(annotate_batch.chunks([(clips[0], 3 * size)])) == [(clips[0],)]
    assert list(annotate_batch.chunks([])) == []


def test_a_tally_is_said_in_words() -> None:
    assert tally_words({}) == ""
    assert tally_words({"placed": 3, "no_sound": 1}) == "4 placed."
    assert tally_words({"placed": 187, "refused": 6, "uncertain": 4, "in_doubt": 3}) == (
        "187 placed, 13 not: 6 refused, 4 not sure, 3 in doubt."
    )

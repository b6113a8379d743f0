"""The store's promises about records: what goes in comes out, once, with its history, and can be taken back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store_samples import A_REPLY, EARLY, MUTED, SWAPPED, a_clip, a_response, a_run, a_stimulus
from thud.errors import BadRequest, Conflict, NotFound, StoreBroken, StoreBusy
from thud.records import Answer, EventTimes, Mark, Reading
from thud.store import Store, changes, open_store
from thud.store.log import TABLES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def clip_id(store: Store) -> str:
    clip = a_clip()
    store.add_clip(clip, "ada")
    return clip.id


def test_records_come_back_as_they_went_in_also_after_reopening(tmp_path: Path) -> None:
    clip, run = a_clip(), a_run()
    built = [a_stimulus(clip, EARLY), a_stimulus(clip, SWAPPED, models="", event_survives=None)]
    with open_store(tmp_path / "a.duckdb", tmp_path) as store:
        store.add_clip(clip, "ada")
        assert store.add_stimuli(built, "ada") == [2, 3]
        store.add_refusal(clip.id, MUTED, "The clip has no sound.", "ada")
        store.reject_donor(clip.id, "d" * 16, "too similar", "bob")
        store.add_run(run, "ada")
        store.set_times(clip.id, EventTimes(1.5, None, "gold"), "ada")
        store.submit_mark(Mark(clip.id, "bob", None, 2, detail={"how": "paused"}))
        store.write(changes.add_reply(clip.id, "gpt", "r1", A_REPLY, 0.25, "ada"))
        store.set_setting("eps_visual_s", 0.8, "ada")
        store.add_note("n1", clip.id, "Hit “twice”.", "bob")
        response = a_response(built[0])
        store.write(changes.add_response(response, "ada"))
        store.add_reading(Reading(response.id, "person:bob", Answer("synced", method="person")), "bob")
        store.define("view", "mine", {"arm": "picture_only"}, "bob")
    with open_store(tmp_path / "a.duckdb", tmp_path) as store:
        assert store.clips() == [clip] and store.clip(clip.id) == clip
        assert store.stimuli() == built and store.stimuli(clip.id) == built and store.stimuli("other") == []
        assert store.stimulus(built[1].id) == built[1]
        (refused,) = store.refusals(clip.id)
        assert (refused.clip_id, refused.intervention, refused.reason, refused.actor) == (
            clip.id, MUTED, "The clip has no sound.", "ada",
        )  # fmt: skip
        (rejected,) = store.donor_rejections()
        assert (rejected.clip_id, rejected.donor_id, rejected.reason, rejected.actor) == (
            clip.id, "d" * 16, "too similar", "bob",
        )  # fmt: skip
        assert store.runs() == [run] and store.run("r1") == run
        assert store.times() == {clip.id: EventTimes(1.5, None, "gold")}
        (mark,) = store.marks(clip.id)
        assert (mark.annotator, mark.visual_s, mark.audio_s, mark.detail) == ("bob", None, 2.0, {"how": "paused"})
        (kept,) = store.replies(clip.id)
        assert (kept.reply, kept.annotator, kept.run_id, kept.cost_usd) == (A_REPLY, "gpt", "r1", 0.25)
        assert [(n.text, n.actor) for n in store.notes(clip.id)] == [("Hit “twice”.", "bob")]
        assert store.settings() == {"eps_visual_s": 0.8}
        assert store.responses() == [response] == store.responses("r1") and store.response(response.id) == response
        assert store.answered("key1", [response.id, "other"]) == {response.id} and not store.answered(
            "k", [response.id]
        )
        (reading,) = store.readings(response.id)
        assert (reading.reader, reading.answer) == ("person:bob", Answer("synced", method="person"))
        assert store.definitions("view") == {"mine": {"arm": "picture_only"}} and store.definitions("listener") == {}
        (line,) = store.ledger()
        assert (line["replies"], line["input_tokens"], line["output_tokens"], line["cost_usd"]) == (1, 900, 40, 0.25)
        assert store.counts() == {**dict.fromkeys(TABLES, 1), "stimulus": 2, "event": 14}


def test_the_same_again_is_no_news(store: Store) -> None:
    clip = a_clip()
    stimulus = a_stimulus(clip)
    for write in (
        lambda: store.add_clip(clip, "ada"),
        lambda: store.add_stimulus(stimulus, "ada"),
        lambda: store.add_refusal(clip.id, MUTED, "no sound", "ada"),
        lambda: store.reject_donor(clip.id, "d", "too similar", "ada"),
        lambda: store.set_times(clip.id, EventTimes(1, 2, "gold"), "ada"),
        lambda: store.add_run(a_run(), "ada"),
        lambda: store.submit_mark(Mark(clip.id, "ada", 1, 2)),
    ):
        assert (type(write()), write()) == (int, None)
    assert store.counts()["event"] == 7
    assert store.add_clips([a_clip(2), a_clip(2), a_clip(3)], "ada") == [8, None, 9]


def test_a_clip_that_moved_is_the_same_clip(store: Store) -> None:
    store.add_clip(a_clip(), "ada")
    moved = a_clip(path="elsewhere/b.mp4")
    assert store.add_clip(moved, "ada") == 2
    assert store.add_clip(replace(moved, kind="metal"), "ada") == 3
    assert store.clips() == [replace(moved, kind="metal")]
    assert [event.kind for event in store.events(moved.id)] == ["update_clip", "move_clip", "add_clip"]


def test_history_says_who_and_what(store: Store, clip_id: str) -> None:
    store.append("note", clip_id, "bob", {"text": "loud"}).result()
    store.add_run(a_run(), "ada")
    newest, oldest = store.events(clip_id)
    assert (newest.kind, newest.actor, newest.subject, newest.payload) == ("note", "bob", clip_id, {"text": "loud"})
    assert (oldest.kind, oldest.ev_id, oldest.undoes) == ("add_clip", 1, None)
    assert [event.kind for event in store.events(limit=1)] == ["add_run"]


def test_undo_goes_back_to_the_state_before(store: Store, clip_id: str) -> None:
    first = store.set_times(clip_id, EventTimes(1, 2, "gold"), "ada")
    second = store.set_times(clip_id, EventTimes(1, 3, "gold"), "bob")
    assert first and second
    undone = store.undo(second, "bob")
    assert undone and store.times() == {clip_id: EventTimes(1, 2, "gold")}
    assert store.events(clip_id)[0].undoes == second
    store.undo(undone, "bob")
    assert store.times() == {clip_id: EventTimes(1, 3, "gold")}
    store.undo(first, "ada")
    assert store.times() == {clip_id: EventTimes(1, 3, "gold")}
    store.undo(second, "ada")
    assert store.times() == {}
    assert store.set_times(clip_id, EventTimes(1, 3, "gold"), "ada") is not None
    assert store.verify()[1:] == []


def test_undo_of_marks_and_rejections(store: Store, clip_id: str) -> None:
    store.submit_mark(Mark(clip_id, "ada", 1, 2))
    corrected = store.submit_mark(Mark(clip_id, "ada", 1, 2.5))
    rejected = store.reject_donor(clip_id, "d", "too similar", "ada")
    assert corrected and rejected and store.claim("ada", [clip_id]) is None
    store.undo(corrected, "ada")
    store.append("", clip_id, "ada", {}, undoes=rejected).result()
    assert [(mark.visual_s, mark.audio_s) for mark in store.marks()] == [(1.0, 2.0)]
    assert store.donor_rejections() == []
    store.undo(2, "ada")
    assert store.marks() == [] and store.claim("ada", [clip_id]) == clip_id


def test_undo_refuses_what_cannot_be_taken_back(store: Store, clip_id: str) -> None:
    set_times = store.set_times(clip_id, EventTimes(1, 2, "gold"), "ada")
    assert set_times
    store.undo(set_times, "ada")
    with pytest.raises(BadRequest, match="undone already"):
        store.undo(set_times, "ada")
    with pytest.raises(BadRequest, match="cannot be undone"):
        store.undo(1, "ada")
    with pytest.raises(NotFound, match="no event 99"):
        store.undo(99, "ada")
    assert store.counts()["event"] == 3


def test_undo_together_with_other_changes(store: Store, clip_id: str) -> None:
    """The row that an undo touches was not read for the other changes of its transaction."""
    store.add_clip(a_clip(2), "ada")
    kept = store.set_times(clip_id, EventTimes(1, 2, "gold"), "ada")
    assert kept
    elsewhere = changes.set_times(a_clip(2).id, EventTimes(3, 4, "gold"), "ada")
    assert store.write_many([elsewhere, changes.undo(kept, "ada"), changes.undo(4, "ada")]) == [4, 5, 6]
    assert store.times() == {}


def test_the_most_trusted_method_wins_whatever_the_order(store: Store, clip_id: str) -> None:
    for method in ("agreement", "gold", "manifest", "consensus"):
        store.set_times(clip_id, EventTimes(len(method), 2, method), "ada")
    assert store.times() == {clip_id: EventTimes(4, 2, "gold")}
    assert store.times("consensus") == {clip_id: EventTimes(9, 2, "consensus")}


def test_a_refusal_is_history_once_the_stimulus_is_there_and_back_if_refused_again(store: Store, clip_id: str) -> None:
    clip = store.clip(clip_id)
    store.add_refusal(clip_id, EARLY, "The event leaves the clip.", "ada")
    assert store.tallies() == {clip_id: {"early": {"refused": 1}}}
    store.add_stimulus(a_stimulus(clip), "ada")
    store.add_stimulus(a_stimulus(clip, MUTED, proof=replace(a_stimulus(clip).proof, verdict="failed")), "ada")
    assert store.refusals() == []
    assert store.tallies() == store.tallies(clip_id) == {clip_id: {"early": {"verified": 1}, "muted": {"failed": 1}}}
    assert store.tallies("other") == {}
    store.add_refusal(clip_id, EARLY, "The donor was rejected.", "ada")
    assert [refused.reason for refused in store.refusals(clip_id)] == ["The donor was rejected."]


def test_find_clip_by_name_or_id(store: Store) -> None:
    clips = [a_clip(1, path="x/Bell.mp4"), a_clip(2, path="x/Bell 2.mp4"), a_clip(3, path="x/drop.mov")]
    store.add_clips(clips, "ada")
    assert store.find_clip("bell") == clips[0]
    assert store.find_clip("DR") == store.find_clip("drop.mov") == clips[2]
    assert store.find_clip(clips[1].id[:6]) == clips[1]
    with pytest.raises(BadRequest, match=r"fits 2 clips: Bell"):
        store.find_clip("bel")
    for nothing in ("", "chair"):
        with pytest.raises(NotFound):
            store.find_clip(nothing)


def test_what_is_unknown_is_said(store: Store) -> None:
    for read in (store.clip, store.stimulus, store.run):
        with pytest.raises(NotFound, match="nothing-here"):
            read("nothing-here")
    with pytest.raises(NotFound, match="no clip"):
        store.set_times("nothing-here", EventTimes(1, 2, "gold"), "ada")
    with pytest.raises(NotFound, match="no run"):
        store.update_run(a_run(), "ada")


def test_what_cannot_be_stored_is_refused_before_it_costs_anyone(store: Store, clip_id: str) -> None:
    with pytest.raises(BadRequest, match="finite"):
        store.set_times(clip_id, EventTimes(float("nan"), 2, "gold"), "ada")
    with pytest.raises(BadRequest, match="UTF-8"):
        store.add_clip(a_clip(path="bad\udc80.mp4"), "ada")
    with pytest.raises(BadRequest, match="actor"):
        store.add_clip(a_clip(), "")
    with pytest.raises(BadRequest, match="total as int"):
        store.add_run(a_run(total="many"), "ada")
    with pytest.raises(BadRequest, match="use the method"):
        store.append("set_times", clip_id, "ada", {})
    assert store.counts()["event"] == 1


def test_updates_of_a_run(store: Store) -> None:
    store.add_run(a_run(), "ada")
    done = a_run(state="done", done=10, finished_at="2026-11-21T11:00:00Z")
    store.add_run(a_run("r2", created_at="2026-11-22T10:00:00Z"), "ada")
    assert store.update_run(done, "ada") == 3
    assert store.run("r1") == done and [run.id for run in store.runs()] == ["r2", "r1"]


def test_reads_from_many_threads_while_writing(store: Store) -> None:
    wrong: list[str] = []

    def read() -> None:
        for _ in range(20):
            clips = store.clips()
            if store.counts()["clip"] < len(clips):
                wrong.append("a clip went away")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(20):
        store.add_clip(a_clip(number), "ada")
        assert len(store.clips()) == number + 1, "a write is seen by the reads after it"
    for reader in readers:
        reader.join()
    assert wrong == []


def test_another_process_is_told_who_has_the_file(store: Store) -> None:
    code = (
        "import sys; from thud.store import open_store; from thud.errors import StoreBusy\n"
        "try: open_store(sys.argv[1], sys.argv[2])\n"
        "except StoreBusy as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, store.path, store.workspace], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"PID {os.getpid()}" in done.stdout and "use the page it serves" in done.stdout


def test_the_same_process_cannot_open_it_twice(store: Store) -> None:
    with pytest.raises(StoreBusy, match="already open in this process"):
        open_store(store.path, store.workspace)
    store.close()
    open_store(store.path, store.workspace).close()


def test_a_closed_store_says_so(store: Store, clip_id: str) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreBroken, match="closed"):
        store.clips()
    with pytest.raises(StoreBroken, match="closed"):
        store.add_clip(a_clip(5), "ada")
    assert not store.health().ok


def test_a_file_that_is_no_database_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(StoreBroken, match="not a database of ours"):
        open_store(path, tmp_path)
    path.unlink()
    open_store(path, tmp_path).close()
    assert not path.with_name("a.duckdb.wal").exists(), "a clean close folds the write-ahead log in"


def test_a_save_that_arrives_twice_is_one_also_after_it_was_taken_back(store: Store, clip_id: str) -> None:
    first, second = Mark(clip_id, "ada", 1, 2, save_id="s1", seq=1), Mark(clip_id, "ada", 1, 3, save_id="s2", seq=2)
    store.submit_mark(first)
    saved = store.submit_mark(second)
    assert saved and store.submit_mark(second) is None
    store.undo(saved, "ada")
    assert store.submit_mark(second) is None, "the network may bring it again; the person took it back"
    assert [mark.audio_s for mark in store.marks()] == [2.0]


def test_a_save_that_was_made_earlier_and_arrives_later_changes_nothing(store: Store, clip_id: str) -> None:
    assert store.submit_mark(Mark(clip_id, "ada", 1, 3, save_id="new", seq=9))
    assert store.submit_mark(Mark(clip_id, "ada", 1, 2, save_id="old", seq=8)) is None
    assert [mark.audio_s for mark in store.marks()] == [3.0]


def test_times_that_changed_meanwhile_are_not_overwritten(store: Store, clip_id: str) -> None:
    seen = store.set_times(clip_id, EventTimes(1, 2, "adjudicated"), "ada", expects=0)
    store.set_times(clip_id, EventTimes(1, 3, "adjudicated"), "bob", expects=seen)
    with pytest.raises(Conflict, match="bob changed this at"):
        store.set_times(clip_id, EventTimes(1, 4, "adjudicated"), "ada", expects=seen)
    assert store.times()[clip_id].audio_s == 3.0
    assert store.times_events(clip_id) == {"adjudicated": seen + 1 if seen else None}

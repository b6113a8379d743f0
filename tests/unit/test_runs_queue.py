"""Runs that wait for a device, runs that are asked to stop and take their time, and an app that is closed meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit import runs_jobs
from tests.unit.runs_kit import gone, until
from thud.errors import BadRequest
from thud.records import Run
from thud.runs.folder import read_state
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs, marked
from thud.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path, min_free_bytes=0) as opened:
        yield opened


@pytest.fixture
def runs(store: Store, tmp_path: Path) -> Iterator[Runs]:
    with Runs(store, tmp_path) as opened:
        yield opened
        for run in opened.runs():
            if run.state in ("queued", "running"):
                opened.cancel(run.id, now=True)


def start(runs: Runs, device: str, title: str = "Squares", **more: Any) -> Run:
    item = more.pop("item", {})
    items = [{"key": f"{title} {n}", "number": n, **item} for n in range(more.pop("count", 1))]
    options = {"workers": 1, "limit_s": 60.0, "job": runs_jobs.ADDRESS, "device": device, **more}
    return runs.start("squares", title, {}, items, "ann", **options)


def at_work(runs: Runs, run: Run) -> None:
    until(lambda: runs.run(run.id).state == "running")


LONG: dict[str, Any] = {"item": {"sleep_s": 60}}


def test_a_run_waits_until_its_device_is_free(runs: Runs, store: Store, tmp_path: Path) -> None:
    first = start(runs, "0", "First", **LONG)
    second, third, other = start(runs, "0,1", "Second"), start(runs, "1", "Third"), start(runs, "2", "Other")
    assert runs.wait(other.id, 60).state == "done"
    for run, before in ((second, "First"), (third, "Second")):
        assert (runs.run(run.id).state, runs.run(run.id).pid) == ("queued", 0)
        holder = runs.waits_for(run.id)
        assert holder is not None and holder.title == before
        assert not (tmp_path / run.folder / "log.txt").exists(), "no worker was started"
    assert runs.run(second.id).message == "Waits for “First”, which has device 0."
    assert runs.waits_for(first.id) is None
    runs.cancel(first.id)
    ended = [runs.wait(run.id, 60) for run in (second, third)]
    assert [run.state for run in ended] == ["done", "done"]
    assert ended[0].finished_at < ended[1].finished_at
    assert store.run(second.id).state == "done"


def test_the_queue_goes_on_after_a_failure(runs: Runs) -> None:
    first = start(runs, "cpu", "First", **LONG)
    second, third = start(runs, "cpu", "Second", **LONG), start(runs, "cpu", "Third")
    at_work(runs, first)
    os.kill(runs.run(first.id).pid, signal.SIGKILL)
    assert runs.wait(first.id, 60).message == "The worker was killed; resume takes it up again."
    at_work(runs, second)
    assert runs.resume(first.id).state == "queued"
    assert [holder.title if (holder := runs.waits_for(run.id)) else "" for run in (third, first)] == [
        "Second",
        "Second",
    ]
    os.kill(runs.run(second.id).pid, signal.SIGKILL)
    assert runs.wait(third.id, 60).state == "done"
    at_work(runs, first)


def test_a_worker_that_cannot_start_does_not_hold_up_the_others(runs: Runs, tmp_path: Path) -> None:
    first, second = start(runs, "cpu", "First", **LONG), start(runs, "cpu", "Second")
    third = start(runs, "cpu", "Third")
    (tmp_path / second.folder / "log.txt").mkdir()
    runs.cancel(first.id)
    assert runs.wait(third.id, 60).state == "done"
    assert runs.run(second.id).state == "failed" and "cannot be started" in runs.run(second.id).message


def test_a_run_that_waits_can_be_cancelled_and_resumed(runs: Runs, store: Store) -> None:
    first, second = start(runs, "cpu", "First", **LONG), start(runs, "cpu", "Second")
    cancelled = runs.cancel(second.id)
    assert (cancelled.state, store.run(second.id).state) == ("cancelled", "cancelled")
    with pytest.raises(BadRequest, match="ended"):
        runs.cancel(second.id)
    assert runs.resume(second.id).state == "queued" and runs.waits_for(second.id) is not None
    until(lambda: store.run(second.id).state == "queued")
    runs.cancel(first.id)
    assert runs.wait(second.id, 60).state == "done"


def test_what_waits_waits_on_after_a_restart(store: Store, tmp_path: Path) -> None:
    with Runs(store, tmp_path) as before:
        first = start(before, "cpu", "First", **LONG)
        second, third = start(before, "cpu", "Second"), start(before, "cpu", "Third")
        at_work(before, first)
        until(lambda: store.run(first.id).state == "running")
    with Runs(store, tmp_path) as after:
        after.recover()
        assert [after.run(run.id).state for run in (first, second, third)] == ["running", "queued", "queued"]
        assert (holder := after.waits_for(third.id)) is not None and holder.title == "First"
        after.cancel(first.id)
        ended = [after.wait(run.id, 60) for run in (second, third)]
        assert [run.state for run in ended] == ["done", "done"]
        assert ended[0].finished_at < ended[1].finished_at


def test_what_was_resumed_and_waits_is_not_lost(store: Store, tmp_path: Path) -> None:
    """Its folder still says how the worker before ended."""
    with Runs(store, tmp_path) as before:
        second = start(before, "cpu", "Second", **LONG)
        at_work(before, second)
        assert before.cancel(second.id, 60).state == "cancelled"
        first = start(before, "cpu", "First", **LONG)
        assert before.resume(second.id).state == "queued"
        until(lambda: store.run(second.id).state == "queued" and store.run(first.id).state == "running")
    with Runs(store, tmp_path) as after:
        after.recover()
        assert after.run(second.id).state == "queued" and after.waits_for(second.id) is not None
        after.cancel(first.id, now=True)
        at_work(after, second)
        after.cancel(second.id, now=True)


def test_who_only_looks_starts_nothing(store: Store, tmp_path: Path) -> None:
    with Runs(store, tmp_path) as before:
        first, second = start(before, "cpu", "First", **LONG), start(before, "cpu", "Second")
        at_work(before, first)
        until(lambda: store.run(first.id).state == "running")
    with Runs(store, tmp_path, takes_up=False) as looking:
        looking.recover()
        looking.cancel(first.id, now=True)
        time.sleep(1)
        waits = looking.run(second.id)
        assert (waits.state, waits.message) == ("queued", "It starts when thud is open again.")
    with Runs(store, tmp_path) as after:
        after.recover()
        assert after.wait(second.id, 60).state == "done"


class OddOnes(LocalExecutor):
    """Breaks in a way that nobody has thought of, over one run."""

    def start(self, folder: Path, workspace: Path) -> int:
        if "Second" in (folder / "plan.jsonl").read_text():
            raise ValueError("that is odd")
        return super().start(folder, workspace)


def test_an_odd_error_costs_one_run_and_not_the_queue(store: Store, tmp_path: Path) -> None:
    with Runs(store, tmp_path, OddOnes()) as runs:
        first, second = start(runs, "cpu", "First", **LONG), start(runs, "cpu", "Second")
        third = start(runs, "cpu", "Third")
        runs.cancel(first.id, now=True)
        assert runs.wait(third.id, 60).state == "done"
        assert (runs.run(second.id).state, runs.run(second.id).message) == ("failed", "ValueError: that is odd")


def test_a_worker_that_has_not_said_anything_yet_is_found_again(store: Store, tmp_path: Path) -> None:
    """The app is closed at once, while the worker still loads its libraries: it is followed, and not started twice."""
    with Runs(store, tmp_path) as before:
        run = start(before, "cpu")
        os.kill(run.pid, signal.SIGSTOP)
    with Runs(store, tmp_path) as after:
        after.recover()
        assert after.run(run.id).pid == run.pid
        os.kill(run.pid, signal.SIGCONT)
        assert after.wait(run.id, 60).state == "done"
    assert "Another worker" not in (tmp_path / run.folder / "log.txt").read_text()


def test_cancel_does_not_wait_longer_than_it_is_told(runs: Runs) -> None:
    """The item ignores the signal to its group, its grace is long: a stop is only asked for unless it is to be now."""
    run = start(runs, "cpu", item={"act": "ignore", "sleep_s": 60}, grace_s=300.0)
    until(lambda: any(line.get("deaf") for line in runs_jobs.notes(runs, run)))
    stopping = runs.cancel(run.id, 0.5)
    assert stopping.state == "running"
    until(lambda: runs.run(run.id).message == "Stopping.")
    left_s = runs.stopping_s(run.id)
    assert left_s is not None and 290 < left_s <= 305
    pids = [stopping.pid, *(line["deaf"] for line in runs_jobs.notes(runs, run))]
    assert not any(gone(pid) for pid in pids)
    assert runs.cancel(run.id, 0.5).state == "running", "asked again it still has its time"
    assert runs.cancel(run.id, now=True).state == "cancelled"
    until(lambda: all(gone(pid) for pid in pids))
    assert runs.stopping_s(run.id) is None


def test_a_worker_that_does_not_end_is_killed_after_its_grace(runs: Runs) -> None:
    run = start(runs, "cpu", item={"act": "ignore", "sleep_s": 60}, grace_s=0.0)
    until(lambda: any(line.get("deaf") for line in runs_jobs.notes(runs, run)))
    worker = runs.run(run.id).pid
    os.kill(worker, signal.SIGSTOP)
    assert runs.cancel(run.id, 60).state == "cancelled"
    (deaf,) = [line["deaf"] for line in runs_jobs.notes(runs, run)]
    until(lambda: gone(deaf) and gone(worker))


def test_items_in_hand_that_end_within_their_grace_are_kept(runs: Runs) -> None:
    """One is at work and one waits for the same child; no other is taken up."""
    run = start(runs, "cpu", item={"act": "ignore", "sleep_s": 2}, count=4, grace_s=60.0)
    until(lambda: any(line.get("deaf") for line in runs_jobs.notes(runs, run)))
    cancelled = runs.cancel(run.id, 60)
    assert (cancelled.state, cancelled.done, cancelled.total) == ("cancelled", 2, 4)


def test_an_item_that_is_left_off_is_taken_up_again(runs: Runs, tmp_path: Path) -> None:
    run = runs.wait(start(runs, "cpu", item={"act": "leave off"}).id, 60)
    assert (run.state, run.done, run.message) == ("cancelled", 0, "Stopped in the middle.")
    (tmp_path / "room").touch()
    assert runs.wait(runs.resume(run.id).id, 60).state == "done"


def test_an_unknown_cluster_starts_nothing(runs: Runs, store: Store) -> None:
    with pytest.raises(BadRequest):
        start(runs, "", on="no such place")
    assert store.runs() == []


def test_marked_runs_and_what_a_folder_says_before_its_worker_does(runs: Runs, tmp_path: Path) -> None:
    with marked(chain=["c", 1]):
        first = start(runs, "cpu", "First", **LONG)
    second = start(runs, "cpu", "Second")
    assert first.settings == {"chain": ["c", 1]} and second.settings == {}
    assert read_state(tmp_path / second.folder) is None


def lazy(fn: Any, items: Any, *_: Any) -> Iterator[tuple[Any, Any]]:
    """A crew that settles one item, and says that this is all."""
    item = next(iter(items))
    yield item, (0.0, {})


def test_a_crew_that_leaves_items_open_has_not_done_its_work(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THUD_CREW", f"{__name__}:lazy")
    run = runs.wait(start(runs, "cpu", count=3).id, 60)
    assert (run.state, run.done, run.message) == ("failed", 1, "2 items were not worked; resume takes them up.")
    monkeypatch.delenv("THUD_CREW")
    assert runs.wait(runs.resume(run.id).id, 60).state == "done"

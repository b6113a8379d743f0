"""Whole runs: a real store, real workers, and everything that may go wrong between them."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit import runs_jobs
from tests.unit.runs_kit import gone, tiny_disk, until
from thud.errors import BadRequest, NotFound, RunFailed
from thud.records import Refusal, Run
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.runs.tail import Tail
from thud.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    runs_jobs.taken.clear()
    with open_store(tmp_path / "annotations.duckdb", tmp_path, min_free_bytes=0) as opened:
        yield opened


@pytest.fixture
def runs(store: Store, tmp_path: Path) -> Iterator[Runs]:
    with Runs(store, tmp_path) as opened:
        yield opened
        for run in opened.runs():
            if run.state in ("queued", "running"):
                opened.cancel(run.id)


def start(runs: Runs, items: list[dict[str, Any]], **more: Any) -> Run:
    options = {"workers": 2, "limit_s": 20.0, "job": runs_jobs.ADDRESS, **more}
    return runs.start("squares", "Squares", {"of": "numbers"}, items, "ann", **options)


def numbers(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"key": f"k{number}", "number": number, **more} for number in range(count)]


def lines(tmp_path: Path, run: Run) -> list[dict[str, Any]]:
    return Tail(tmp_path / run.folder / "results.jsonl").read()


def settled_once(tmp_path: Path, run: Run, count: int) -> bool:
    """Each item has one line and is taken in (earlier ones again after a resume, which changes nothing)."""
    keys = Counter(f"k{number}" for number in range(count))
    return Counter(line["key"] for line in lines(tmp_path, run)) == keys and keys.keys() == runs_jobs.taken.keys()


def test_a_run_settles_each_item_and_says_how_it_went(runs: Runs, store: Store, tmp_path: Path) -> None:
    acts = ["square", "refuse", "refuse edit", "surprise", "crash", "square"]
    items = [{"key": f"k{n}", "number": n, "act": act, "subject": f"clip {n}"} for n, act in enumerate(acts)]
    first = start(runs, items)
    assert (first.state, first.total, first.started_by) == ("queued", 6, "ann")
    run = runs.wait(first.id, 60)
    assert (run.state, run.done, run.refused, run.failed, run.message) == ("done", 6, 2, 2, "")
    assert store.run(run.id) == run
    assert run.finished_at > run.created_at
    assert runs_jobs.taken == Counter(["k0", "k5", "refused k1", "refused k2"])
    assert set(runs.problems(run.id)) == {
        Refusal("clip 1", "There is no picture in it."),
        Refusal("clip 2", "The event would leave the clip."),
        Refusal("clip 3", "Sticky: odd."),
        Refusal("clip 4", "The worker died on it twice (SIGSEGV)."),
    }
    settled = {line["key"]: line for line in lines(tmp_path, run)}
    assert settled["k5"]["result"]["square"] == 25
    assert settled["k5"]["seconds"] >= 0
    assert settled["k4"]["seconds"] is None
    assert "Traceback" in runs.log(run.id)
    assert len(runs.log(run.id, 100).encode()) <= 100


def test_an_item_over_the_limit_is_refused(runs: Runs) -> None:
    items = numbers(4)
    items[1]["sleep_s"] = 60
    run = runs.wait(start(runs, items, limit_s=2.0).id, 60)
    assert (run.state, run.done, run.refused) == ("done", 4, 1)
    assert runs.problems(run.id) == [Refusal("k1", "It took longer than 2 s and was stopped.")]


def test_a_killed_worker_loses_nothing_that_was_settled(runs: Runs, tmp_path: Path) -> None:
    run = start(runs, numbers(24, sleep_s=0.05))
    until(lambda: len(lines(tmp_path, run)) >= 5)
    os.kill(runs.run(run.id).pid, signal.SIGKILL)
    dead = runs.wait(run.id, 60)
    assert dead.state == "failed"
    assert 5 <= dead.done < 24
    assert dead.message == f"The worker was killed; resume goes on from item {dead.done + 1}."
    with (tmp_path / run.folder / "results.jsonl").open("a") as file:
        file.write('{"key": "k23", "outcome": "ok", "res')
    done = runs.wait(runs.resume(run.id).id, 60)
    assert (done.state, done.done, done.message) == ("done", 24, "")
    assert settled_once(tmp_path, run, 24)
    with pytest.raises(BadRequest):
        runs.resume(run.id)


def test_a_killed_child_has_its_item_tried_again(runs: Runs, tmp_path: Path) -> None:
    run = start(runs, numbers(6, sleep_s=0.3))
    pids = tmp_path / "pids"
    until(lambda: pids.exists() and any(pids.iterdir()))
    key, pid = next(pids.iterdir()).name.split(".")
    os.kill(int(pid), signal.SIGKILL)
    done = runs.wait(run.id, 60)
    assert (done.state, done.done, done.failed) == ("done", 6, 0)
    assert len(list(pids.glob(f"{key}.*"))) == 2
    assert settled_once(tmp_path, run, 6)


def test_cancel_stops_the_children_and_can_be_resumed(runs: Runs, tmp_path: Path) -> None:
    items = numbers(2) + numbers(4, sleep_s=60)[2:]
    run = start(runs, items)
    until(lambda: len(list((tmp_path / "pids").glob("*"))) >= 4)
    with pytest.raises(BadRequest, match="still running"):
        runs.resume(run.id)
    cancelled = runs.cancel(run.id)
    assert (cancelled.state, cancelled.done, cancelled.pid) == ("cancelled", 2, 0)
    pids = {int(path.name.split(".")[1]) for path in (tmp_path / "pids").iterdir()}
    until(lambda: all(gone(pid) for pid in pids))
    assert runs.problems(run.id) == []
    with pytest.raises(BadRequest, match="ended"):
        runs.cancel(run.id)
    again = runs.resume(run.id)
    assert again.state == "queued"
    assert runs.cancel(run.id).state == "cancelled"


def test_two_runs_at_once(runs: Runs) -> None:
    both = [start(runs, numbers(8, sleep_s=0.05)) for _ in range(2)]
    assert both[0].id != both[1].id
    assert [runs.wait(run.id, 60).state for run in both] == ["done", "done"]
    assert runs_jobs.taken == Counter({f"k{number}": 2 for number in range(8)})


def test_time_left_is_known_while_it_runs(runs: Runs) -> None:
    run = start(runs, numbers(40, sleep_s=0.1))
    until(lambda: runs.eta_s(run.id))
    until(lambda: runs.run(run.id).state == "running")
    assert [live.state for live in runs.runs()] == ["running"]
    runs.cancel(run.id)
    assert runs.eta_s(run.id) is None


def test_the_app_finds_its_runs_again(store: Store, tmp_path: Path) -> None:
    with Runs(store, tmp_path) as before:
        alive = start(before, numbers(16, sleep_s=0.1))
        ended = start(before, numbers(3))
        killed = start(before, numbers(20, sleep_s=0.2))
        until(lambda: all(lines(tmp_path, run) for run in (alive, killed)))
        lost = start(before, numbers(1, sleep_s=60))
        until(lambda: before.run(lost.id).state == "running")
        pids = {run.id: before.run(run.id).pid for run in (killed, lost)}
        ended_pid = before.run(ended.id).pid
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(lines(tmp_path, ended)) == 3)
    until(lambda: not LocalExecutor().alive(ended_pid, tmp_path / ended.folder))
    (tmp_path / lost.folder / "plan.jsonl").unlink()
    with Runs(store, tmp_path) as after:
        after.recover()
        states = {run.id: after.wait(run.id, 60).state for run in (alive, ended, killed, lost)}
        assert states == {alive.id: "done", ended.id: "done", killed.id: "failed", lost.id: "failed"}
        assert "gone" in after.run(lost.id).message
    assert {run.state for run in store.runs()} == {"done", "failed"}


def test_a_full_disk_stops_the_run_and_it_can_be_resumed(runs: Runs, tmp_path: Path) -> None:
    items = numbers(6)
    items[3]["act"] = "full"
    run = runs.wait(start(runs, items, workers=1).id, 60)
    assert (run.state, run.done, run.message) == ("failed", 3, "The disk is full: free space and resume.")
    (tmp_path / "room").touch()
    done = runs.wait(runs.resume(run.id).id, 60)
    assert (done.state, done.done) == ("done", 6)
    assert settled_once(tmp_path, run, 6)


def test_a_disk_that_fills_up_under_the_results(store: Store, tmp_path: Path) -> None:
    with tiny_disk(tmp_path) as disk, Runs(store, disk) as runs:
        run = start(runs, numbers(40, act="square"))
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 512)
        full = runs.wait(run.id, 60)
        assert (full.state, full.message) == ("failed", "The disk is full: free space and resume.")
        ballast.unlink()
        for path in (disk / "pids").iterdir():
            path.unlink()
        done = runs.wait(runs.resume(run.id).id, 60)
        assert (done.state, done.done) == ("done", 40)
        assert settled_once(disk, run, 40)


def test_a_result_that_cannot_be_stored_is_told(runs: Runs) -> None:
    items = numbers(3)
    items[1]["act"] = "not storable"
    run = runs.wait(start(runs, items).id, 60)
    assert (run.state, run.done) == ("failed", 3)
    assert run.message == "1 results could not be stored; resume tries again. KeyError: 'clip'"
    assert runs_jobs.taken == Counter(["k0", "k2"])


def test_plans_that_make_no_sense_are_refused(runs: Runs, store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="nothing"):
        start(runs, [])
    with pytest.raises(BadRequest, match="same key"):
        start(runs, [*numbers(2), *numbers(1)])
    with pytest.raises(NotFound):
        runs.run("0" * 16)
    assert store.runs() == []
    with pytest.raises(RunFailed, match="no_such_job"):
        start(runs, numbers(1), job="no_such_job")
    assert [run.state for run in store.runs()] == ["failed"]


def test_another_process_with_the_workers_number_is_not_the_worker(tmp_path: Path) -> None:
    executor = LocalExecutor()
    assert not executor.alive(os.getpid(), tmp_path)
    assert not executor.alive(0, tmp_path)
    executor.stop(os.getpid(), tmp_path)


def test_the_plan_says_what_was_asked_for(runs: Runs, tmp_path: Path) -> None:
    run = start(runs, numbers(2), limit_s=7.0)
    header, *items = (tmp_path / run.folder / "plan.jsonl").read_text().splitlines()
    assert json.loads(header) == {
        "kind": "squares",
        "title": "Squares",
        "workers": 2,
        "limit_s": 7.0,
        "job": runs_jobs.ADDRESS,
        "settings": {"of": "numbers"},
        "grace_s": 2.0,
        "device": "",
        "on": "",
    }
    assert [json.loads(item) for item in items] == numbers(2)

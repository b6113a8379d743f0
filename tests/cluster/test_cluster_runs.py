"""Runs on a cluster that is slow, gone, or says why a job ended: the app's whole side of it, against a real server.

The worker's side is what it leaves in the run's folder; it is written here.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.ray_api import JOB, JOBS, Dashboard, ray_api, submitted
from tests.unit import runs_jobs
from tests.unit.runs_kit import until
from thud.errors import BadRequest, RunFailed
from thud.records import Run
from thud.runs import follow
from thud.runs.clusters import cluster
from thud.runs.clusters.cluster import ASKED, WAITING, ClusterExecutor
from thud.runs.clusters.ray_jobs import RayJobs
from thud.runs.folder import Results, State, read_state, write_state
from thud.runs.run import Runs
from thud.runs.training import train_run
from thud.store import Store, open_store

RUNNING, PENDING, GONE = (200, {"status": "RUNNING"}), (200, {"status": "PENDING"}), (503, "the head is gone")
MACHINES = "/api/v0/nodes?limit=10000"
EXPIRED = "Job supervisor actor failed to start within 900.0 seconds. This timeout can be configured."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path, min_free_bytes=0) as opened:
        yield opened


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A cluster that takes jobs and is asked about them without a pause."""

    def asked_often(on: str) -> ClusterExecutor:
        return ClusterExecutor(on, RayJobs(on, look_every_s=0.05))

    monkeypatch.setattr(cluster, "_executor", functools.cache(asked_often))
    monkeypatch.setattr(cluster, "_AFTER_SILENCE_S", 0.05)
    monkeypatch.setattr(follow, "_SPARE_S", 0.0)
    monkeypatch.setattr(follow, "_KILL_AGAIN_S", 0.1)
    with ray_api() as address:
        Dashboard.answers = {JOBS: (200, {}), JOB: RUNNING, f"{JOB}/stop": (200, {})}
        yield address


@pytest.fixture
def runs(store: Store, tmp_path: Path, on: str) -> Iterator[Runs]:
    with Runs(store, tmp_path, on=on) as opened:
        yield opened


def start(runs: Runs, count: int = 1, **more: Any) -> Run:
    items = [{"key": f"k{number}", "number": number} for number in range(count)]
    options = {"job": runs_jobs.ADDRESS, "grace_s": 0.0, **more}
    return runs.start("squares", "Squares", {}, items, "ann", **options)


def says(folder: Path, state: State) -> None:
    """What a worker writes at its end: its results, then its state."""
    results = Results(folder)
    for number in range(state.done):
        results.append({"key": f"k{number}", "outcome": "ok", "result": {"square": 0}, "seconds": 0.1})
    results.close()
    write_state(folder, state)


def resumed(runs: Runs, run: Run) -> bool:
    try:
        return runs.resume(run.id).state == "queued"
    except BadRequest:
        return False


def in_trouble(runs: Runs, run: Run) -> None:
    until(lambda: "the head is gone" in runs.trouble(run.id))


def test_a_run_whose_cluster_has_gone_ends_by_its_workers_word(
    runs: Runs, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "thud.runs")
    run, other = start(runs, 2), start(runs)
    until(lambda: {runs.run(one.id).state for one in (run, other)} == {"running"})
    Dashboard.answers[JOB] = GONE
    in_trouble(runs, run)
    until(lambda: runs.run(run.id).message == runs.trouble(run.id))
    assert runs.run(run.id).state == "running"
    says(tmp_path / run.folder, State("done", 2, 2))
    ended = runs.wait(run.id, 20)
    assert (ended.state, ended.done, ended.message) == ("done", 2, "")
    assert runs.trouble(run.id) == "" and store.run(run.id).state == "done"
    assert runs.run(other.id).state == "running", "nothing is known of its end"
    told = [record for record in caplog.records if run.id in record.getMessage()]
    assert len(told) == 1 and told[0].exc_info is None, "it is logged at each turn"


def test_other_runs_are_followed_as_often_as_ever(runs: Runs) -> None:
    run = start(runs)
    Dashboard.answers[JOB] = GONE
    in_trouble(runs, run)
    assert runs._take_turns() == pytest.approx(0.2)


@pytest.mark.parametrize("now", [True, False], ids=["at once", "after its grace"])
def test_a_run_whose_cluster_has_gone_can_be_stopped_and_resumed(runs: Runs, tmp_path: Path, now: bool) -> None:
    run = start(runs)
    until(lambda: runs.run(run.id).state == "running")
    Dashboard.answers |= {JOB: GONE, f"{JOB}/stop": GONE}
    in_trouble(runs, run)
    ended = runs.cancel(run.id, 20, now=now)
    [job] = submitted()
    assert ended.state == "cancelled"
    assert ended.message == f"The cluster does not answer; its job may still run there as {job}."
    assert (tmp_path / run.folder / ASKED).read_text() == "stop", "a worker that sees the folder works on"
    assert job in Dashboard.stopped, "nobody tried to end it there"
    Dashboard.answers[JOB] = RUNNING
    assert runs.resume(run.id).state == "queued"
    until(lambda: runs.run(run.id).state == "running")
    assert len(submitted()) == 2 and (tmp_path / run.folder / ASKED).read_text() == ""


def test_a_cluster_that_answers_again_is_believed(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(runs)
    Dashboard.answers[JOB] = GONE
    in_trouble(runs, run)
    monkeypatch.setattr(cluster, "_AFTER_SILENCE_S", 3600.0)
    Dashboard.answers[JOB] = (200, {"status": "STOPPED"})
    gate = Dashboard.gates[f"{JOB}/stop"] = threading.Event()
    runs.cancel(run.id, 0, now=True)
    runs._take_turns()
    assert runs.run(run.id).state != "cancelled", "it was not told yet"
    gate.set()
    ended = runs.wait(run.id, 20)
    assert (ended.state, ended.message) == ("cancelled", "")


def test_a_run_on_a_cluster_that_has_gone_is_found_again_and_ends(store: Store, tmp_path: Path, on: str) -> None:
    with Runs(store, tmp_path, on=on) as before:
        run = start(before)
        until(lambda: store.run(run.id).state == "running")
    Dashboard.answers |= {JOB: GONE, f"{JOB}/stop": GONE}
    with Runs(store, tmp_path, on=on) as after:
        after.recover()
        in_trouble(after, run)
        assert after.cancel(run.id, 20, now=True).state == "cancelled"


def test_the_train_page_says_that_the_cluster_does_not_answer(runs: Runs, store: Store, tmp_path: Path) -> None:
    settings = {
        "name": "far", "stage": "sft", "base": "tiny", "data_title": "pairs", "recipe": "demo",
        "config": {"stage": "sft"}, "wanted": {"on": runs.on}, "device": "",
    }  # fmt: skip
    item = {"key": "k0", "number": 0}
    run = runs.start("train", "Far", settings, [item], "ann", job=runs_jobs.ADDRESS, grace_s=60.0)
    until(lambda: runs.run(run.id).state == "running")
    assert train_run(store, runs, run.id).words.startswith("Starting")
    Dashboard.answers[JOB] = GONE
    in_trouble(runs, run)
    assert "the head is gone" in train_run(store, runs, run.id).words
    runs.cancel(run.id, 0)
    row = train_run(store, runs, run.id)
    assert row.state == "stopping" and "the head is gone" in row.words
    runs.cancel(run.id, 20, now=True)


def test_a_job_that_does_not_die_is_killed_again(runs: Runs) -> None:
    run = start(runs)
    until(lambda: runs.run(run.id).state == "running")
    assert runs.cancel(run.id, 0, now=True).state == "running"
    until(lambda: len(Dashboard.stopped) > 2)
    assert set(Dashboard.stopped) == set(submitted())
    Dashboard.answers[JOB] = (200, {"status": "STOPPED"})
    ended = runs.wait(run.id, 20)
    assert (ended.state, ended.message) == ("cancelled", "")


@pytest.fixture
def slow(runs: Runs) -> Iterator[tuple[Run, threading.Event]]:
    """A run that was cancelled while the cluster was about to take it, and what lets that go on."""
    gate = Dashboard.gates[JOBS] = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(start, runs)
        until(lambda: runs.runs() and submitted())
        [run] = runs.runs()
        assert runs.cancel(run.id, 3600).state == "cancelled"  # it does not wait for the cluster
        yield run, gate
        gate.set()


def test_a_job_that_was_cancelled_while_it_was_taken_is_the_one_that_ends(
    runs: Runs, store: Store, slow: tuple[Run, threading.Event]
) -> None:
    run, gate = slow
    until(lambda: store.run(run.id).state == "cancelled")
    with pytest.raises(BadRequest, match="still being taken back from the cluster; try again in a minute"):
        runs.resume(run.id)
    with pytest.raises(BadRequest, match="has ended already"):
        runs.cancel(run.id)
    gate.set()
    until(lambda: resumed(runs, run))
    until(lambda: Dashboard.stopped)
    first, second = submitted()
    until(lambda: runs.run(run.id).state == "running")
    assert set(Dashboard.stopped) == {first} and second != first


def test_a_job_that_was_cancelled_and_then_not_taken_is_not_lost(
    runs: Runs, store: Store, tmp_path: Path, slow: tuple[Run, threading.Event]
) -> None:
    run, gate = slow
    Dashboard.answers[JOBS] = (500, "no room")
    gate.set()
    until(lambda: run.id not in runs._followed)
    assert store.run(run.id).state == "cancelled", "it is lost until the next start"
    Dashboard.answers[JOBS] = (200, {})
    assert runs.resume(run.id).state == "queued"
    until(lambda: runs.run(run.id).state == "running")
    assert (tmp_path / run.folder / ASKED).read_text() == ""


def test_a_cluster_that_does_not_take_a_job_fails_the_run(runs: Runs, store: Store) -> None:
    Dashboard.answers[JOBS] = (500, "no room")
    with pytest.raises(RunFailed, match="no room"):
        start(runs)
    [run] = store.runs()
    assert run.state == "failed" and "no room" in run.message


def test_what_is_to_be_killed_is_the_job_of_that_moment(on: str, runs: Runs, tmp_path: Path) -> None:
    """The kill waits behind a slow look; the run is submitted anew meanwhile."""
    folder, executor = tmp_path / start(runs).folder, ClusterExecutor(on, RayJobs(on, look_every_s=0.0))
    gate = Dashboard.gates[JOB] = threading.Event()
    assert executor.alive(0, folder)
    executor.kill(0, folder)
    executor.start(folder, tmp_path)
    gate.set()
    until(lambda: Dashboard.stopped)
    executor.kill(0, folder)
    until(lambda: len(Dashboard.stopped) == 2)
    assert Dashboard.stopped == submitted()


def test_a_job_that_ray_lets_wait_no_longer_is_submitted_again(runs: Runs) -> None:
    Dashboard.answers[JOB] = PENDING
    run = start(runs)
    until(lambda: runs.run(run.id).message == WAITING)
    Dashboard.answers[JOB] = (200, {"status": "FAILED", "message": EXPIRED})
    until(lambda: len(submitted()) > 2)
    Dashboard.answers[JOB] = PENDING
    until(lambda: runs.run(run.id).message == WAITING)
    assert runs.run(run.id).state == "queued" and not Dashboard.stopped
    Dashboard.answers[JOB] = (200, {"status": "STOPPED"})
    assert runs.cancel(run.id, 20).state == "cancelled"
    count = len(submitted())
    assert runs.run(run.id).state == "cancelled" and len(submitted()) == count


@pytest.mark.parametrize("most", [8, 1])
def test_a_job_that_no_machine_has_room_for_is_not_submitted_for_ever(runs: Runs, most: int) -> None:
    machines = [{"state": "ALIVE", "resources_total": {"CPU": 4.0, "GPU": 1.0}},
                {"state": "ALIVE" if most == 8 else "DEAD", "resources_total": {"CPU": 64.0, "GPU": 8.0}}]  # fmt: skip
    Dashboard.answers[MACHINES] = (200, {"result": True, "data": {"result": {"result": machines}}})
    asked = {"gpus": "8", "cpus": "8"}
    Dashboard.answers[JOB] = (200, {"status": "FAILED", "message": EXPIRED, "metadata": asked})
    run = start(runs)
    if most == 8:
        until(lambda: len(submitted()) > 2)
        Dashboard.answers[JOB] = (200, {"status": "STOPPED"})
        runs.cancel(run.id, 20)
        return
    ended = runs.wait(run.id, 20)
    assert (ended.state, ended.message) == (
        "failed",
        "Ray: No machine of the cluster has 8 GPUs; the most that one has is 1. "
        "Start it again with fewer, or resume it when there is such a machine.",
    )
    assert len(submitted()) == 1 and EXPIRED in runs.log(run.id)


@pytest.mark.parametrize(
    ("told", "began", "message"),
    [
        (
            {"status": "FAILED", "message": "Job entrypoint command failed, last logs:\nsh: no such file: python\n"},
            False,
            "Ray: sh: no such file: python. The job ended before it began; "
            "do the workspace and Python lie at the same path there?",
        ),
        (
            {"status": "FAILED", "message": "The node died."},
            True,
            "Ray: The node died. Resume goes on from item 2.",
        ),
        ({"status": "STOPPED"}, True, "The worker was killed; resume goes on from item 2."),
    ],
    ids=["before it began", "at work", "without a word"],
)
def test_why_a_job_ended_is_what_the_run_says(
    runs: Runs, tmp_path: Path, told: dict[str, str], began: bool, message: str
) -> None:
    run = start(runs, 3)
    if began:
        says(tmp_path / run.folder, State("running", 3, 1))
    Dashboard.answers[JOB] = (200, told)
    ended = runs.wait(run.id, 20)
    assert (ended.state, ended.message) == ("failed", message)


def test_a_stop_that_comes_from_the_cluster_is_not_taken_for_ones_own(runs: Runs, tmp_path: Path) -> None:
    messages = []
    for asked in (False, True):
        run = start(runs)
        until(lambda: runs.run(run.id).state == "running")  # noqa: B023 - it is called here
        folder = tmp_path / run.folder
        if asked:
            runs.cancel(run.id, 0)
        write_state(folder, replace(read_state(folder) or State("queued", 1), state="cancelled", message="Stopped."))
        Dashboard.answers[JOB] = (200, {"status": "SUCCEEDED"})
        messages.append(runs.wait(run.id, 20).message)
        Dashboard.answers[JOB] = RUNNING
    assert messages == ["The cluster told it to stop. Stopped.", "Stopped."]

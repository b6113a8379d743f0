"""Runs through submitit: on this machine, and on commands that stand in for Slurm's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cluster import slurm_commands
from tests.unit import runs_jobs
from tests.unit.runs_kit import gone, until
from thud.errors import RunFailed
from thud.runs.clusters import slurm
from thud.runs.run import Runs
from thud.store import Store, open_store

PLACES = ("slurm-local", "slurm:gpu")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path) as opened:
        yield opened


@pytest.fixture(params=PLACES)
def on(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("submitit")
    monkeypatch.setattr(slurm, "ASK_EVERY_S", 0.5)
    with slurm_commands.installed(tmp_path / "slurm", monkeypatch):
        yield request.param


@pytest.fixture
def slurm_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("submitit")
    monkeypatch.setattr(slurm, "ASK_EVERY_S", 0.5)
    with slurm_commands.installed(tmp_path / "slurm", monkeypatch):
        yield "slurm:gpu"


def _items(count: int, sleep_s: float = 0.0) -> list[dict[str, object]]:
    return [{"key": f"{number}", "number": number, "sleep_s": sleep_s} for number in range(count)]


def test_a_plan_is_worked_and_a_stop_is_heard(on: str, store: Store, tmp_path: Path) -> None:
    with Runs(store, tmp_path) as runs:
        run = runs.start("squares", "Few", {}, _items(3), "ann", job=runs_jobs.ADDRESS, on=on)
        ended = runs.wait(run.id, 60)
        assert (ended.state, ended.done) == ("done", 3), runs.log(run.id)
        assert {line["result"]["square"] for line in runs.results(run.id)} == {0, 1, 4}
        run = runs.start("squares", "Many", {}, _items(500, 0.1), "ann", job=runs_jobs.ADDRESS, on=on)
        until(lambda: runs.results(run.id), 60)
        ended = runs.cancel(run.id, 30)
        assert ended.state == "cancelled" and 0 < ended.done < 500 and "time limit" not in ended.message


def test_a_killed_worker_leaves_a_run_that_goes_on(on: str, store: Store, tmp_path: Path) -> None:
    with Runs(store, tmp_path) as runs:
        run = runs.start("squares", "Killed", {}, _items(12, 0.2), "ann", job=runs_jobs.ADDRESS, on=on)
        until(lambda: runs.results(run.id), 60)
        worker = _leader(runs.results(run.id)[0]["result"]["pid"])
    os.kill(worker, signal.SIGKILL)
    until(lambda: gone(worker))
    with Runs(store, tmp_path) as later:  # an app that did not start the job
        later.recover()
        ended = later.wait(run.id, 60)
        assert ended.state == "failed" and "resume goes on" in ended.message
        later.resume(run.id)
        assert later.wait(run.id, 60).state == "done"
        assert len(later.results(run.id)) == 12


def test_what_sbatch_says_is_told(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    with (
        slurm_commands.installed(tmp_path / "slurm", monkeypatch),
        Runs(store, tmp_path) as runs,
        pytest.raises(RunFailed, match="invalid partition"),
    ):
        runs.start("squares", "Wrong", {}, _items(1), "ann", job=runs_jobs.ADDRESS, on="slurm:none")


def test_keys_do_not_go_to_the_cluster(on: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = {"HF_TOKEN": "s-1", "openai_api_key": "s-2", "AWS_ACCESS_KEY_ID": "s-3", "DB_PASSWORD": "s-4"}
    for name, value in (hidden | {"KEYBOARD": "kept"}).items():
        monkeypatch.setenv(name, value)
    with Runs(store, tmp_path) as runs:
        run = runs.start("squares", "Keys", {}, _items(50, 0.2), "ann", job=runs_jobs.ADDRESS, on=on)
        until(lambda: runs.results(run.id), 60)
        worker = psutil.Process(_leader(runs.results(run.id)[0]["result"]["pid"]))
        family = [worker, *worker.children(recursive=True)]
        if on != "slurm-local":  # there submitit's own process looks after it, as a child of this one
            family.append(worker.parent() or worker)
        told = [one.environ() for one in family]
        runs.cancel(run.id, 30)
    assert all(env["KEYBOARD"] == "kept" for env in told)
    assert not any(set(hidden) & set(env) for env in told)


def test_a_job_at_its_time_limit_is_asked_to_stop_before(store: Store, tmp_path: Path, slurm_gpu: str) -> None:
    """As Slurm asks: every process of the job gets the signal, submitit's own too."""
    with Runs(store, tmp_path) as runs:
        run = runs.start("squares", "Long", {}, _items(500, 0.1), "ann", job=runs_jobs.ADDRESS, on=slurm_gpu)
        until(lambda: runs.results(run.id), 60)
        [script] = (tmp_path / run.folder / "submitit").glob("*_submission.sh")
        assert "--signal=TERM@120" in script.read_text()
        head = psutil.Process(int(next((tmp_path / "slurm").glob("*.pid")).read_text()))
        for one in head.children(recursive=True):
            one.send_signal(signal.SIGTERM)
        ended = runs.wait(run.id, 60)
        assert ended.state == "cancelled" and 0 < ended.done < 500, runs.log(run.id)
        assert len(runs.results(run.id)) == ended.done
        assert "time limit is near. Resume takes it up again." in ended.message


def test_what_slurm_says_is_not_taken_for_an_end(slurm_gpu: str, tmp_path: Path) -> None:
    ended = ("ended", "Slurm: the job ended as TIMEOUT.")
    words = {"PENDING": ("waiting", ""), "COMPLETING": ("running", ""), "TIMEOUT": ended}
    for word, stands in words.items():
        assert slurm.Slurm(slurm_gpu, _told={"7": (float("inf"), word)}).state("7", tmp_path) == stands
    with pytest.raises(RunFailed, match="does not tell whether it has ended"):
        slurm.Slurm(slurm_gpu, _told={"7": (float("inf"), "MARBLED")}).state("7", tmp_path)


def _leader(pid: int) -> int:
    """The process that leads the group of `pid`: the worker."""
    return os.getpgid(pid)

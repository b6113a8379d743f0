"""Runs on a Ray cluster of two nodes, a worker killed and a node removed on the way."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import nodes_job
from tests.cluster.two_nodes import HEAD, SECOND, TwoNodes, two_nodes
from tests.sounds import make_ding_clip
from tests.training.run_kit import lines, losses, make_export
from tests.unit import runs_jobs
from tests.unit.runs_kit import until
from tests.unit.train_kit import Made, opened
from thud.records import EventTimes
from thud.runs.clusters.cluster import lacking
from thud.runs.clusters.ray_jobs import RayJobs
from thud.runs.first_start import start_build
from thud.runs.run import Runs
from thud.runs.training import train_run
from thud.store import Store, open_store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="two nodes on one machine need Linux's loopback net")
LIMIT_S = 150.0
STEPS = 12


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    pytest.importorskip("ray")
    with two_nodes() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path) as opened:
        yield opened


@pytest.fixture
def runs(store: Store, tmp_path: Path) -> Iterator[Runs]:
    with Runs(store, tmp_path) as opened:
        yield opened


def test_each_item_has_its_own_fate_on_a_cluster_too(cluster: TwoNodes, runs: Runs) -> None:
    acts = ("square", "refuse", "surprise", "crash", "hold", "square")
    items = [{"key": f"{number}", "number": number, "act": act} for number, act in enumerate(acts)]
    run = runs.start("squares", "Fates", {}, items, "ann", job=runs_jobs.ADDRESS, limit_s=3.0, on=cluster.on)
    ended = runs.wait(run.id, LIMIT_S)
    assert (ended.state, ended.done, ended.refused, ended.failed) == ("done", 6, 2, 2), runs.log(run.id)
    reasons = {line["key"]: line.get("reason", "") for line in runs.results(run.id)}
    assert reasons["1"] == "There is no picture in it."
    assert "Sticky" in reasons["2"] and "died on it twice" in reasons["3"]
    assert reasons["4"] == "It took longer than 3 s and was stopped."


def test_more_gpus_than_any_machine_has_are_not_waited_for(cluster: TwoNodes, runs: Runs) -> None:
    items = [{"key": "0", "sleep_s": 0.0}]
    run = runs.start("nodes", "Two", {}, items, "ann", job=nodes_job.ADDRESS, on=cluster.on, device="0,1")
    ended = runs.wait(run.id, LIMIT_S)
    assert (
        ended.state == "failed" and "No machine of the cluster has 2 GPUs; the most that one has is 1" in ended.message
    )
    machines = RayJobs(cluster.on).machines()
    assert len(machines) == 2 and "has 2 GPUs" in lacking(machines, 2) and not lacking(machines, 1, 1)


def test_a_killed_worker_and_a_removed_node_lose_nothing(cluster: TwoNodes, runs: Runs, tmp_path: Path) -> None:
    items = [{"key": f"{number}", "sleep_s": 1.0} for number in range(12)]
    run = runs.start("nodes", "Nodes", {}, items, "ann", job=nodes_job.ADDRESS, on=cluster.on)
    until(lambda: {line["result"]["node"] for line in runs.results(run.id)} == {HEAD, SECOND}, LIMIT_S)
    killed = _kill_at_work(tmp_path)
    seen = len(runs.results(run.id))
    until(lambda: len(runs.results(run.id)) > seen + 1, LIMIT_S)
    cluster.say("remove")
    try:
        ended = runs.wait(run.id, LIMIT_S)
    finally:
        cluster.say("add")
    assert (ended.state, ended.done, ended.failed) == ("done", 12, 0), runs.log(run.id)
    lines = [line["key"] for line in runs.results(run.id)]
    assert sorted(lines) == sorted({item["key"] for item in items})
    assert len((tmp_path / f"{killed}.tries").read_text().splitlines()) > 1, "what was killed was not tried again"


def _kill_at_work(folder: Path) -> str:
    """The key of an item whose process was killed in the middle of it."""
    before = {path.stem for path in folder.glob("*.tries")}
    until(lambda: {path.stem for path in folder.glob("*.tries")} - before, LIMIT_S)
    [begun, *_] = {path.stem for path in folder.glob("*.tries")} - before
    until(lambda: (folder / f"{begun}.tries").read_text().strip())
    os.kill(int((folder / f"{begun}.tries").read_text()), signal.SIGKILL)
    return begun


def test_soundtracks_are_built_on_a_cluster_as_they_are_here(cluster: TwoNodes, store: Store, tmp_path: Path) -> None:
    for number in range(4):
        clip = make_ding_clip(tmp_path / f"{number}.mp4", 2.0, 0.8, seed=number, kind="ding")
        store.add_clip(clip, "ann")
        store.set_times(clip.id, EventTimes(0.8, 0.8, "gold"), "ann")
    settings: dict[str, Any] = {"shifts": [0.4], "mutes": ["silence"]}
    with Runs(store, tmp_path, on=cluster.on) as runs:
        ended = runs.wait(start_build(store, runs, settings, "ann").id, LIMIT_S)
        assert (ended.state, ended.failed) == ("done", 0), runs.log(ended.id)
    built = store.stimuli()
    assert {stimulus.condition for stimulus in built} == {"original", "delayed", "muted"}
    assert len(built) == 12 and all(stimulus.proof.verdict == "verified" for stimulus in built)


def test_a_training_goes_on_after_its_node_is_gone(cluster: TwoNodes, tmp_path: Path) -> None:
    made = Made("tiny", str(make_export(tmp_path / "made", clips=3)))
    with opened(tmp_path, made) as place:
        more = {"max_steps": STEPS, "save_every": 2}
        run = place.start(on=cluster.on, device="0", fields=more)
        until(lambda: lines(place.of(run), "checkpoint"), LIMIT_S)
        cluster.say("remove")
        before, lost = losses(place.of(run)), place.runs.wait(run.id, LIMIT_S)
        cluster.say("add")
        assert lost.state == "failed" and "resume" in lost.message.lower()
        place.runs.resume(run.id)
        ended = place.runs.wait(run.id, LIMIT_S)
        assert ended.state == "done", place.runs.log(run.id)
        after = losses(place.of(run))
        assert sorted(after) == list(range(1, STEPS + 1))
        assert {step: after[step] for step in before} == before, "it is another training"
        assert train_run(place.store, place.runs, run.id).listener in place.store.definitions("listener")


def test_a_stop_reaches_the_cluster_and_a_later_app_finds_the_job(
    cluster: TwoNodes, store: Store, tmp_path: Path
) -> None:
    items = [{"key": f"{number}", "sleep_s": 0.3} for number in range(200)]
    with Runs(store, tmp_path) as first:
        run = first.start("nodes", "Long", {}, items, "ann", job=nodes_job.ADDRESS, on=cluster.on)
        until(lambda: first.results(run.id), LIMIT_S)
    with Runs(store, tmp_path) as later:
        assert [found.id for found in later.recover()] == [run.id]
        seen = len(later.results(run.id))
        until(lambda: len(later.results(run.id)) > seen, LIMIT_S)
        assert cluster.workers()
        later.cancel(run.id, wait_s=0)
        ended = later.wait(run.id, 30)
        assert ended.state == "cancelled" and 0 < ended.done < 200
        assert _status(cluster, tmp_path / run.folder) == "SUCCEEDED", "the cluster had to end it"
        assert len(later.results(run.id)) == ended.done, "something works on"
        until(lambda: not cluster.workers())


def _status(cluster: TwoNodes, folder: Path) -> str:
    """What Ray says of the job of a run, once it has ended."""
    address = f"{cluster.on}/api/jobs/{json.loads((folder / 'job.json').read_text())['id']}"
    until(lambda: _told(address)["status"] != "RUNNING")
    return str(_told(address)["status"])


def _told(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=10) as reply:
        return dict(json.load(reply))

"""Where a run can be sent, and what is said when that is nowhere, with real sockets and processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.ray_api import JOB, Dashboard, ray_api
from tests.unit.runs_kit import until
from thud.errors import BadRequest, NotFound, RunFailed
from thud.runs.clusters.cluster import (
    ASKED,
    WAITING,
    ClusterExecutor,
    JobState,
    check_on,
    count_gpus,
    executor_for,
    worker_job,
)
from thud.runs.clusters.ray_jobs import RayJobs, dashboard
from thud.runs.folder import Header, Plan, write_plan


@pytest.mark.parametrize(
    "on", ["ray://head:10001", "http://127.0.0.1:8265", "https://ray.lab.org:443", "slurm", "slurm:gpu", "slurm-local"]
)
def test_places_are_known(on: str) -> None:
    assert check_on(f" {on}/ ") == on
    assert executor_for(on) is executor_for(on)


@pytest.mark.parametrize("on", ["", "ray://", "https://a", "ftp://host:1", "slurm:", "slurm: gpu; rm", "here", "ray"])
def test_anything_else_is_no_place(on: str) -> None:
    with pytest.raises(BadRequest, match="is no place to run on"):
        executor_for(on)


def test_an_address_without_a_port_has_rays_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the issue: --on ray://host."""
    known = {"ray://head": "ray://head:10001", "http://head/": "http://head:8265", "ray://[::1]": "ray://[::1]:10001"}
    assert {on: check_on(on) for on in known} == known
    monkeypatch.setenv("THUD_CLUSTER", "ray://head, http://other")
    assert (check_on("ray://head"), check_on("http://other:8265")) == ("ray://head:10001", "http://other:8265")


def test_a_job_gets_the_gpus_of_its_device(tmp_path: Path) -> None:
    assert [count_gpus(device) for device in ("", "cpu", "0", "0,1,5")] == [0, 0, 1, 3]
    item = {"key": "a", "config": {"world_size": 2, "threads": 4}}
    training = worker_job(Plan(Header("train", "t", 1, 0, device="0,1"), {"a": item}), tmp_path, tmp_path)
    build = worker_job(Plan(Header("build", "b", 4, 0), {"a": item}), tmp_path, tmp_path)
    assert (training.gpus, training.cpus, training.spread) == (2, 8, False)
    assert (build.gpus, build.cpus, build.spread) == (0, 1, True)
    assert not any("KEY" in name or "TOKEN" in name for name in build.env), "a cluster shows the environment of a job"


def test_a_ray_address_leads_to_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dashboard("ray://head:10001") == "http://head:8265"
    assert dashboard("ray://[::1]:10001") == "http://[::1]:8265"
    assert dashboard("http://head:9000") == "http://head:9000"
    monkeypatch.setenv("RAY_DASHBOARD_PORT", "80")
    assert dashboard("ray://head:10001") == "http://head:80"


@pytest.fixture
def ray_at() -> Iterator[str]:
    with ray_api() as address:
        yield address


def test_what_a_cluster_refuses_is_said_in_a_sentence(ray_at: str, tmp_path: Path) -> None:
    jobs = RayJobs(ray_at)
    Dashboard.answers = {
        "/api/jobs/a": (500, "Traceback\nNo available agent to submit job"),
        "/api/jobs/b": (401, "Unauthorized"),
        "/api/jobs/c": (200, "<html>a proxy's page</html>"),
        "/api/jobs/d": (200, {"status": "FAILED", "message": "No module named thud"}),
        "/api/jobs/e": (200, {"status": "PENDING"}),
    }
    for name, words in (("a", "No available agent"), ("b", "set RAY_AUTH_TOKEN"), ("c", "does not answer")):
        with pytest.raises(RunFailed, match=words):
            jobs.state(name, tmp_path)
    assert jobs.state("d", tmp_path) == ("ended", "Ray: No module named thud")
    assert jobs.state("e", tmp_path) == ("waiting", "")
    assert jobs.state("forgotten", tmp_path) == ("ended", "Ray: the cluster does not know the job any more.")
    for odd in ({"status": "MOVED"}, {}):
        Dashboard.answers["/api/jobs/f"] = (200, odd)
        with pytest.raises(RunFailed, match="does not say how the job stands"):
            jobs.state("f", tmp_path)
    jobs.cancel("forgotten", tmp_path)


def test_a_silent_cluster_is_no_dead_run(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    Dashboard.answers = {"/api/jobs/": (200, {}), JOB: (503, "restarting")}
    assert executor_for(ray_at).start(folder, tmp_path) == 0
    later = ClusterExecutor(ray_at, RayJobs(ray_at))
    assert later.alive(0, folder), "an app that has just started would give the run up"
    until(lambda: _silent(later, folder))
    assert later.words(0, folder) == ""
    assert [path for _, path, _, _ in Dashboard.asked].count(JOB) == 1, "it is not asked again at once"


def _silent(executor: ClusterExecutor, folder: Path) -> bool:
    try:
        return not executor.alive(0, folder)
    except RunFailed as error:
        assert "refused" in str(error)
        return True


def test_nobody_waits_for_a_cluster_that_does_not_answer(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    Dashboard.answers = {"/api/jobs/": (200, {}), JOB: (200, {"status": "RUNNING"})}
    executor_for(ray_at).start(folder, tmp_path)
    gate = threading.Event()

    class Held(RayJobs):
        def state(self, job_id: str, folder: Path) -> tuple[JobState, str]:
            assert gate.wait(30)
            return super().state(job_id, folder)

    held = ClusterExecutor(ray_at, Held(ray_at))
    for _ in range(3):
        assert held.alive(0, folder)
        held.stop(0, folder)
        held.kill(0, folder)
    assert not any(path.endswith("/stop") for _, path, _, _ in Dashboard.asked)
    gate.set()
    until(lambda: any(path.endswith("/stop") for _, path, _, _ in Dashboard.asked))


def test_a_job_waits_runs_and_ends_in_its_own_words(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    executor = ClusterExecutor(ray_at, RayJobs(ray_at, look_every_s=0.0))
    Dashboard.answers = {"/api/jobs/": (200, {}), JOB: (200, {"status": "PENDING"})}
    executor.start(folder, tmp_path)
    assert executor.alive(0, folder) and executor.words(0, folder) == WAITING
    Dashboard.answers[JOB] = (200, {"status": "RUNNING"})
    until(lambda: executor.alive(0, folder) and not executor.words(0, folder))
    Dashboard.answers[JOB] = (200, {"status": "FAILED", "message": "No such file: python"})
    until(lambda: not executor.alive(0, folder))
    assert (folder / "log.txt").read_text() == "Ray: No such file: python\n"
    assert not ClusterExecutor(ray_at, RayJobs(ray_at)).alive(0, _planned(tmp_path / "other")), "none was submitted"


def test_a_job_that_waits_is_taken_back_and_one_that_runs_is_asked(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    executor = ClusterExecutor(ray_at, RayJobs(ray_at))
    Dashboard.answers = {"/api/jobs/": (200, {}), JOB: (200, {"status": "RUNNING"}), f"{JOB}/stop": (200, {})}
    executor.start(folder, tmp_path)
    executor.stop(0, folder)
    assert (folder / ASKED).read_text() == "stop"
    until(lambda: [path for _, path, _, _ in Dashboard.asked].count(JOB) == 2)
    assert ("POST", f"{JOB}/stop") not in [(verb, path) for verb, path, _, _ in Dashboard.asked]
    Dashboard.answers[JOB] = (200, {"status": "PENDING"})
    executor.stop(0, folder)
    until(lambda: ("POST", f"{JOB}/stop") in [(verb, path) for verb, path, _, _ in Dashboard.asked])


def test_a_job_is_known_here_before_the_cluster_has_it(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    Dashboard.answers = {"/api/jobs/": (500, "it broke off in the middle"), f"{JOB}/stop": (200, {})}
    with pytest.raises(RunFailed, match="broke off"):
        executor_for(ray_at).start(folder, tmp_path)
    sent = Dashboard.asked[0][2]["submission_id"]
    assert json.loads((folder / "job.json").read_text())["id"] == sent
    assert (folder / ASKED).read_text() == "stop", "a job that was taken all the same would work on"
    until(lambda: any(path == f"{JOB}/stop" for _, path, _, _ in Dashboard.asked))


def test_a_folder_that_cannot_be_written_is_said(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    (folder / "job.part").mkdir()
    with pytest.raises(RunFailed, match="cannot be written"):
        executor_for(ray_at).start(folder, tmp_path)
    assert "POST" not in [verb for verb, *_ in Dashboard.asked], "a job that nobody could find again"
    (folder / ASKED).unlink()
    (folder / ASKED).mkdir()
    with pytest.raises(RunFailed, match="cannot be written"):
        executor_for(ray_at).start(folder, tmp_path)
    (folder / "job.json").write_text('{"id": "thud-run-00000000"}')
    with pytest.raises(RunFailed, match="cannot be written"):
        executor_for(ray_at).stop(0, folder)


def test_a_job_is_sent_with_its_gpus_and_without_the_token(ray_at: str, tmp_path: Path) -> None:
    Dashboard.answers = {"/api/jobs/": (200, {})}
    executor_for(ray_at).start(_planned(tmp_path, "train", "0,1"), tmp_path)
    sent = Dashboard.asked[0][2]
    assert sent["entrypoint_num_gpus"] == 2 and sent["entrypoint"].startswith("exec ")
    assert sent["metadata"] == {"title": "thud A run", "gpus": "2", "cpus": "2"}, "Ray does not tell it later"
    assert "THUD_CREW" not in sent["runtime_env"]["env_vars"]


def test_the_token_goes_to_the_places_that_are_listed_and_nowhere_else(
    ray_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    elsewhere = ray_at.replace("127.0.0.1", "localhost")
    Dashboard.answers = {"/api/jobs/a": (302, f"{elsewhere}/api/jobs/b"), "/api/jobs/b": (200, {"status": "RUNNING"})}
    assert RayJobs(ray_at).state("b", tmp_path) == ("running", "")
    monkeypatch.setenv("THUD_CLUSTER", f"slurm:cpu,gpu, {ray_at}/,ray://head:10001")
    assert RayJobs(ray_at).state("b", tmp_path) == ("running", "")
    assert RayJobs(elsewhere).state("b", tmp_path) == ("running", "")
    assert [token for *_, token in Dashboard.asked] == ["", "Bearer secret", ""]
    with pytest.raises(RunFailed, match="302"):
        RayJobs(ray_at).state("a", tmp_path)
    assert len(Dashboard.asked) == 4, "it went on to where it was sent"


def test_where_places_are_listed_no_other_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THUD_CLUSTER", "slurm:cpu,gpu, http://head:8265/,ray://head:10001")
    assert [check_on(on) for on in ("slurm:cpu,gpu", "http://head:8265", "ray://head:10001")]
    for on in ("slurm", "slurm-local", "slurm:cpu", "http://other:8265", "http://head:82650"):
        with pytest.raises(BadRequest, match="THUD_CLUSTER allows slurm:cpu,gpu, http://head:8265, ray://head:10001"):
            executor_for(on)
    monkeypatch.setenv("THUD_CLUSTER", " ")
    assert check_on("slurm") == "slurm"


def test_a_cluster_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="does not answer"):
        executor_for("http://127.0.0.1:9").start(_planned(tmp_path), tmp_path)
    with pytest.raises(NotFound):
        executor_for("http://127.0.0.1:9").start(tmp_path / "nothing", tmp_path)


def _planned(folder: Path, kind: str = "squares", device: str = "") -> Path:
    write_plan(folder / "run", Plan(Header(kind, "A run", 1, 0, device=device), {"a": {"key": "a"}}))
    return folder / "run"

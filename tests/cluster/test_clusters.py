"""Where a run can be sent, and what is said when that is nowhere, with real sockets and processes."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runs_kit import until
from thud.errors import BadRequest, NotFound, RunFailed
from thud.runs.clusters import ASKED, check_on, count_gpus, executor_for, worker_job
from thud.runs.folder import Header, Plan, write_plan
from thud.runs.ray_jobs import RayJobs, dashboard


@pytest.mark.parametrize(
    "on", ["ray://head:10001", "http://127.0.0.1:8265", "https://ray.lab.org:443", "slurm", "slurm:gpu", "slurm-local"]
)
def test_places_are_known(on: str) -> None:
    assert check_on(f" {on}/ ") == on
    assert executor_for(on) is executor_for(on)


@pytest.mark.parametrize("on", ["", "ray://", "http://host", "ftp://host:1", "slurm:", "slurm: gpu; rm", "here", "ray"])
def test_anything_else_is_no_place(on: str) -> None:
    with pytest.raises(BadRequest, match="is no place to run on"):
        executor_for(on)


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


class _Dashboard(http.server.BaseHTTPRequestHandler):
    """Answers as it is told, by path; keeps what it was asked."""

    answers: dict[str, tuple[int, Any]] = {}
    asked: list[tuple[str, str, Any, str]] = []

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"null"))

    def _answer(self, body: Any) -> None:
        self.asked.append((self.command, self.path, body, self.headers.get("Authorization", "")))
        code, told = self.answers.get(self.path, (404, "not there"))
        data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def ray_at() -> Iterator[str]:
    _Dashboard.answers, _Dashboard.asked = {}, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Dashboard)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_a_cluster_refuses_is_said_in_a_sentence(ray_at: str, tmp_path: Path) -> None:
    jobs = RayJobs(ray_at)
    _Dashboard.answers = {
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
    assert jobs.state("forgotten", tmp_path) == ("ended", "")
    jobs.cancel("forgotten", tmp_path)


def test_a_silent_cluster_is_no_dead_run(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    executor = executor_for(ray_at)
    _Dashboard.answers = {"/api/jobs/": (200, {"submission_id": "thud-1"})}
    assert executor.start(folder, tmp_path) == 0
    _Dashboard.answers["/api/jobs/thud-1"] = (503, "restarting")
    assert executor.alive(0, folder), "an app that has just started would give the run up"
    with pytest.raises(RunFailed, match="refused"):  # it is not asked again at once
        executor.alive(0, folder)
    assert [path for _, path, _, _ in _Dashboard.asked].count("/api/jobs/thud-1") == 1


def test_a_job_that_waits_is_taken_back_and_one_that_runs_is_asked(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    executor = executor_for(ray_at)
    _Dashboard.answers = {"/api/jobs/": (200, {"submission_id": "thud-2"}), "/api/jobs/thud-2/stop": (200, {})}
    executor.start(folder, tmp_path)
    _Dashboard.answers["/api/jobs/thud-2"] = (200, {"status": "RUNNING"})
    executor.stop(0, folder)
    assert (folder / ASKED).read_text() == "stop"
    assert ("POST", "/api/jobs/thud-2/stop") not in [(verb, path) for verb, path, _, _ in _Dashboard.asked]
    _Dashboard.answers["/api/jobs/thud-2"] = (200, {"status": "PENDING"})
    executor.stop(0, folder)
    assert ("POST", "/api/jobs/thud-2/stop") in [(verb, path) for verb, path, _, _ in _Dashboard.asked]
    (folder / ASKED).write_text("")
    _Dashboard.answers["/api/jobs/thud-2"] = (503, "restarting")
    executor.stop(0, folder)  # the cluster is silent, the folder is not
    assert (folder / ASKED).read_text() == "stop"


def test_a_job_says_why_it_failed_in_the_log_of_its_run(ray_at: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    executor = executor_for(ray_at)
    _Dashboard.answers = {
        "/api/jobs/": (200, {"submission_id": "thud-3"}),
        "/api/jobs/thud-3": (200, {"status": "FAILED", "message": "No such file: python"}),
    }
    executor.start(folder, tmp_path)
    until(lambda: not executor.alive(0, folder))
    assert (folder / "log.txt").read_text() == "Ray: No such file: python\n"


def test_a_job_is_sent_with_its_gpus_and_the_token(
    ray_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    _Dashboard.answers = {"/api/jobs/": (200, {"submission_id": "thud-4"})}
    executor_for(ray_at).start(_planned(tmp_path, "train", "0,1"), tmp_path)
    _, _, sent, token = _Dashboard.asked[0]
    assert token == "Bearer secret" and "secret" not in json.dumps(sent)
    assert sent["entrypoint_num_gpus"] == 2 and sent["entrypoint"].startswith("exec ")
    assert "THUD_CREW" not in sent["runtime_env"]["env_vars"]


def test_a_cluster_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="does not answer"):
        executor_for("http://127.0.0.1:9").start(_planned(tmp_path), tmp_path)
    with pytest.raises(NotFound):
        executor_for("http://127.0.0.1:9").start(tmp_path / "nothing", tmp_path)


def _planned(folder: Path, kind: str = "squares", device: str = "") -> Path:
    write_plan(folder / "run", Plan(Header(kind, "A run", 1, 0, device=device), {"a": {"key": "a"}}))
    return folder / "run"

"""The real app in a process of its own, on clips whose truth is exact."""

from __future__ import annotations

import csv
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_S, WORK_S = 90.0, 240.0


@dataclass(frozen=True, slots=True)
class App:
    """A running app. url: where; started_s: from starting Python until it answered."""

    url: str
    workspace: Path
    process: subprocess.Popen[bytes]
    started_s: float

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=60).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return httpx.post(self.url + path, json=body or {}, timeout=60).raise_for_status().json()

    def wait_for(self, run_id: str) -> dict[str, Any]:
        """The run once it has ended."""
        end = time.monotonic() + WORK_S
        while time.monotonic() < end:
            run = self.get(f"/api/runs/{run_id}")
            if run["state"] not in ("queued", "running"):
                return dict(run)
            time.sleep(0.2)
        raise TimeoutError(run_id)

    def wait_until_built(self) -> None:
        """Until the first start has brought in its clips and built them."""
        end = time.monotonic() + WORK_S
        while time.monotonic() < end:
            runs = self.get("/api/runs")["runs"]
            builds = [run for run in runs if run["kind"] == "build"]
            if builds and all(run["state"] not in ("queued", "running") for run in runs):
                return
            time.sleep(0.2)
        raise TimeoutError("the first start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_app(folder: Path, *flags: str) -> Iterator[App]:
    """The app with its workspace in `folder`, up and answering; stopped afterwards as by Ctrl+C."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        str(ROOT / "app.py"),
        "--workspace",
        str(folder / "workspace"),
        "--port",
        str(port),
        *flags,
    ]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while not _answers(url):
            if process.poll() is not None or time.monotonic() - began > START_S:
                raise RuntimeError("the app did not start; its words are above")
            time.sleep(0.05)
        yield App(url, folder / "workspace", process, time.monotonic() - began)
    finally:
        process.send_signal(2)
        process.wait(20)


@contextmanager
def running_module(
    module: str, folder: Path, *flags: str, env: dict[str, str] | None = None, start_s: float = START_S,
    status: int = 200,
) -> Iterator[str]:  # fmt: skip
    """The address of `python -m module folder port flags`, up and answering; stopped afterwards as by Ctrl+C.

    status: what it answers to somebody who has not signed in.
    """
    port = free_port()
    url, command = f"http://127.0.0.1:{port}", [sys.executable, "-m", module, str(folder), str(port), *flags]
    with subprocess.Popen(command, cwd=ROOT, env=env) as process:
        try:
            end = time.monotonic() + start_s
            while not _answers(url, status):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("the app did not start; its words are above")
                time.sleep(0.1)
            yield url
        finally:
            process.send_signal(2)
            process.wait(20)


def _answers(url: str, status: int = 200) -> bool:
    try:
        return httpx.get(f"{url}/api/runs", timeout=2).status_code == status
    except httpx.TransportError:
        return False


def write_manifest(folder: Path, rows: list[dict[str, Any]]) -> None:
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["path", "title", "kind", "source", "visual_s", "audio_s"])
        table.writeheader()
        table.writerows(rows)

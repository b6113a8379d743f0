"""A Ray cluster of two nodes on this machine, in a process of its own: `python -m tests.cluster.two_nodes PORT`.

Says "ready" once both are there. The word "remove" on standard input kills the second node, "add" brings another one;
the end of standard input ends it all. The second node says that it has a GPU, so that what wants one goes there; it has
none. Ray takes 127.0.0.1 for the machine's outer address, so the nodes have loopback
addresses that it leaves alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
HEAD, SECOND = "127.0.0.2", "127.0.0.3"
STORE_BYTES = 80 * 2**20


@dataclass(frozen=True, slots=True)
class TwoNodes:
    """The running cluster. on: where runs are sent."""

    on: str
    process: subprocess.Popen[str]

    def say(self, word: str) -> None:
        """Returns when it is done."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self._heard() == word

    def _heard(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("two nodes: "):
                return line.removeprefix("two nodes: ").strip()
        raise AssertionError("The cluster has ended.")

    def workers(self) -> list[psutil.Process]:
        """The processes that work items now."""
        return [one for one in psutil.Process(self.process.pid).children(recursive=True) if _title(one) == "Worker"]


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[0].removeprefix("ray::").split(".")[0].split(":")[0].split("(")[0]
    return ""


@contextlib.contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """The cluster; nothing of it is left afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scratch = tempfile.mkdtemp(prefix="thudray", dir="/tmp")  # a short path: sockets lie in it
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    env |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.two_nodes", str(port), scratch], cwd=ROOT, env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    cluster = TwoNodes(f"http://127.0.0.1:{port}", process)
    try:
        assert cluster._heard() == "ready"
        yield cluster
    finally:
        _end(process)
        shutil.rmtree(scratch, ignore_errors=True)


def _end(process: subprocess.Popen[str]) -> None:
    """Ends the cluster kindly, then whatever of it is still there."""
    left = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    for one in left:
        with contextlib.suppress(psutil.Error):
            one.kill()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(port: str, scratch: str) -> None:
    """Runs the cluster until standard input ends."""
    from ray.cluster_utils import Cluster

    common: dict[str, Any] = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    dashboard = {"include_dashboard": True, "dashboard_port": int(port), "dashboard_host": "127.0.0.1"}
    head = {"num_gpus": 0, "node_ip_address": HEAD, "temp_dir": scratch, **common, **dashboard}
    other = {"num_gpus": 1, "node_ip_address": SECOND, **common}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(**other)
    _say("ready")
    try:
        for line in sys.stdin:
            if line.strip() == "remove":
                cluster.remove_node(second, allow_graceful=False)
            elif line.strip() == "add":
                second = cluster.add_node(**other)
            _say(line.strip())
    finally:
        cluster.shutdown()


def _say(word: str) -> None:
    sys.stdout.write(f"two nodes: {word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

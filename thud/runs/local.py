"""Workers as processes on this machine. A cluster is another class with these three verbs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from thud.errors import RunFailed

GRACE_S = 5.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""This process's own workers, so that each is reaped when it ends: a zombie looks alive."""


class Executor(Protocol):
    """Where workers run."""

    def start(self, folder: Path, workspace: Path) -> int:
        """Starts a worker on a run folder; returns its id. RunFailed when it cannot be started."""
        ...

    def stop(self, pid: int, folder: Path) -> None:
        """Stops that worker and returns when it is gone; nothing happens when it is gone already."""
        ...

    def alive(self, pid: int, folder: Path) -> bool:
        """Whether that worker, and no later process with its number, is at this folder."""
        ...


class LocalExecutor:
    """Each worker leads its own process group: it outlives the app, and a stop reaches its children."""

    def start(self, folder: Path, workspace: Path) -> int:
        """Starts a worker; what it prints goes to log.txt. It sees the modules that this process sees."""
        command = [sys.executable, "-m", "thud.runs.work", str(folder), str(workspace)]
        modules = os.pathsep.join(path or "." for path in sys.path)
        env = {**os.environ, "PYTHONPATH": modules, "OMP_NUM_THREADS": "1"}
        try:
            with (folder / "log.txt").open("ab") as log:
                worker = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=env
                )
        except OSError as error:
            raise RunFailed(f"The worker cannot be started: {error}.") from error
        _children[worker.pid] = worker
        return worker.pid

    def stop(self, pid: int, folder: Path) -> None:
        """SIGTERM to the worker's group, SIGKILL when it is still there after GRACE_S."""
        for number, grace_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
            if not self.alive(pid, folder):
                return
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                return
            self._wait(pid, folder, grace_s)

    def _wait(self, pid: int, folder: Path, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while self.alive(pid, folder) and time.monotonic() < end:
            time.sleep(0.02)

    def alive(self, pid: int, folder: Path) -> bool:
        """Of its own workers this process knows; others are known by the folder in their command line."""
        child = _children.get(pid)
        if child is None:
            return pid > 0 and str(folder) in _command(pid)
        # Not by its command line, which is empty for a moment after the start.
        if child.poll() is None:
            return True
        _children.pop(pid, None)
        return False


def _command(pid: int) -> str:
    """A process's command line; "" when there is no such process or it is a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            return ""
    # macOS has no /proc.
    ps = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout

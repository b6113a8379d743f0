"""Workers as processes on this machine. A cluster is another class with these verbs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from thud.errors import RunFailed

_GONE_AFTER_S = 5.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""This process's own workers, so that each is reaped when it ends: a zombie looks alive."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What is known of a worker that is gone, beside what it said itself.

    words: why it ended, "" = that is not known. unasked: by whom it was told to stop, "" = from here, or by nobody.
    again: nothing was wrong, it only never had its turn, so it is to be started once more. advised: words say what to
    do, too.
    """

    words: str = ""
    unasked: str = ""
    again: bool = False
    advised: bool = False


class Executor(Protocol):
    """Where workers run: `python -m thud.runs.work FOLDER WORKSPACE`, what it prints appended to FOLDER/log.txt."""

    def start(self, folder: Path, workspace: Path) -> int:
        """Starts a worker on a run folder; its process id, 0 where that means nothing here.

        What is needed to find it again lies in the folder. RunFailed when it cannot be started.
        """
        ...

    def stop(self, pid: int, folder: Path) -> None:
        """Asks that worker and what it started to end, and returns at once; one that is gone is not asked."""
        ...

    def kill(self, pid: int, folder: Path) -> None:
        """Ends that worker and what it started; returns when it is gone, or after some seconds."""
        ...

    def alive(self, pid: int, folder: Path) -> bool:
        """Whether that worker, and no later process with its number, is at this folder or will be.

        It is asked several times a second. A ThudError where that cannot be told now.
        """
        ...

    def words(self, pid: int, folder: Path) -> str:
        """Why a worker that is alive is not at work yet, "" once it is. It answers at once."""
        ...

    def gone(self, pid: int, folder: Path) -> Gone:
        """What is known of the end of a worker that is no longer alive, or of which nothing can be heard; at once."""
        ...


class LocalExecutor:
    """Each worker leads its own process group: it outlives the app, and a signal reaches its children."""

    def start(self, folder: Path, workspace: Path) -> int:
        """Starts a worker. It sees the modules that this process sees."""
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
        """SIGTERM to the worker's group."""
        self._signal(signal.SIGTERM, pid, folder)

    def kill(self, pid: int, folder: Path) -> None:
        """SIGKILL to the worker's group."""
        self._signal(signal.SIGKILL, pid, folder)
        end = time.monotonic() + _GONE_AFTER_S
        while self.alive(pid, folder) and time.monotonic() < end:
            time.sleep(0.02)

    def _signal(self, number: signal.Signals, pid: int, folder: Path) -> None:
        if self.alive(pid, folder):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)

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

    def words(self, pid: int, folder: Path) -> str:
        """Nothing: it is at work as soon as it is started."""
        return ""

    def gone(self, pid: int, folder: Path) -> Gone:
        """Nothing: here a worker that did not say why it ended was killed."""
        return Gone()


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

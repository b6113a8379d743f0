"""One trainer as a child of a run's worker: `python -m training.STAGE --config RUN/config.json`, and how it ended.

It ends with its parent and is asked to stop with it; it holds a lock on the run's folder, which one that outlives its
parent keeps until its checkpoint is written. thud does not import the trainers, it starts them by name.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import thud
from thud.errors import RunFailed
from thud.runs.folder import translated
from thud.runs.tail import end_of

ROOT = Path(thud.__file__).parents[1]
LOCK = "trainer.lock"

_LOCK_LIMIT_S = 120.0
_TICK_S = 0.1
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

Asked = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trainer ended: its exit code (negative: the signal), and the last line that it said."""

    code: int
    last_line: str


def command(config: Mapping[str, Any], path: str, python: str = sys.executable) -> list[str]:
    """The argument list that trains with the config file at `path`, through torch's launcher for several processes."""
    module = ["-m", f"training.{config['stage']}", "--config", path]
    processes = int(config.get("world_size", 1))
    if processes > 1:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        return [python, *launcher, *module]
    return [python, *module]


def command_words(config: Mapping[str, Any], device: str, path: str) -> str:
    """Environment and command as a line that can be copied into a shell, and runs in any folder."""
    told = {"PYTHONPATH": str(ROOT), **environment(config, device)}
    env = [f"{name}={shlex.quote(value)}" for name, value in told.items()]
    return " ".join([*env, shlex.join(command(config, path))])


def environment(config: Mapping[str, Any], device: str, grace_s: float = 120.0) -> dict[str, str]:
    """What a trainer's environment says: threads, the GPUs it may use, and how long its launcher waits for it."""
    threads = str(config.get("threads", 1))
    told = {"OMP_NUM_THREADS": threads}
    if device:
        told["CUDA_VISIBLE_DEVICES"] = "" if device == "cpu" else device
    if int(config.get("world_size", 1)) > 1:
        told["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = str(round(grace_s))
    return told


def run_module(line: Sequence[str], told: Mapping[str, str], folder: Path, asked: Asked) -> Ended:
    """Runs a module of the trainers until it has ended; none is started once it is `asked` to stop.

    A signal to this process's group reaches the child too, once: a second would break off what it saves. What it says
    goes where this process's own output goes. Of keys and tokens it gets those that it is `told` alone. Raises
    RunFailed where it cannot be started.
    """
    log = folder / "log.txt"
    before = log.stat().st_size if log.exists() else 0
    threads = {name: told["OMP_NUM_THREADS"] for name in _THREADS if "OMP_NUM_THREADS" in told}
    modules = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    env = {**without_keys(os.environ), **threads, **told, "PYTHONPATH": modules, "PYTHONUNBUFFERED": "1"}
    with _lock(folder, asked) as lock:
        if asked():
            return Ended(-signal.SIGTERM, "")
        try:
            child = subprocess.Popen(
                line, env=env, stdin=subprocess.DEVNULL, pass_fds=(lock,), preexec_fn=_end_with_parent
            )
        except OSError as error:
            raise RunFailed(f"The trainer cannot be started: {error}.") from error
        child.wait()
    return Ended(child.returncode, _last_line(log, before))


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what opens doors: keys of vendors, tokens of hubs and clusters."""
    return {name: value for name, value in environ.items() if not _KEY.search(name)}


_KEY = re.compile(r"(^|_)(KEYS?|TOKEN|SECRET|PASSWORD|CREDENTIALS)(_|$)", re.IGNORECASE)
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _end_with_parent() -> None:
    end_with_parent(signal.SIGTERM)


def end_with_parent(number: signal.Signals) -> None:
    """Has the system send this signal to this process when the thread that started it ends. Linux only."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number))


@contextmanager
def _lock(folder: Path, asked: Asked) -> Iterator[int]:
    """Holds the run's folder against other trainers; a descriptor for the child, whose lock it is as long as it lives.

    RunFailed when another trainer has it for longer than _LOCK_LIMIT_S.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise translated(error) from error
    try:
        end = time.monotonic() + _LOCK_LIMIT_S
        while not _taken(handle):
            if asked():
                break
            if time.monotonic() > end:
                raise RunFailed(
                    "An earlier trainer of this run is still at work and does not end. Stop it, or wait, and resume."
                )
            time.sleep(_TICK_S)
        yield handle
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def at_work(folder: Path) -> bool:
    """Whether a trainer holds that run's folder."""
    try:
        with (folder / LOCK).open("rb") as file:
            return not _taken(file.fileno())
    except FileNotFoundError:
        return False


@contextmanager
def listening() -> Iterator[Asked]:
    """A block in which a signal to end is noted and not obeyed: gives whether one has come."""
    came = threading.Event()
    here = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, lambda *_: came.set()) if here else None
    try:
        yield came.is_set
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)


def _last_line(log: Path, start: int) -> str:
    """The last line in the log that was written after `start`."""
    size = log.stat().st_size - start if log.exists() else 0
    lines = end_of(log, min(size + 1, 20_000)).splitlines() if size > 0 else []  # from the newline before
    return next((line.strip() for line in reversed(lines) if line.strip()), "")

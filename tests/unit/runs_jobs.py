"""A small real job for the tests of runs: each item says what shall happen to it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thud.errors import RefusedClip, RefusedEdit, StoreFull
from thud.runs.job import LeftOff

kind = "squares"
ADDRESS = "tests.unit.runs_jobs"
taken: Counter[str] = Counter()
"""How often each key was taken in; and, with "refused ", each refusal."""


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    if item.get("act") == "ignore":
        _ignore(item, workspace)
    (workspace / "pids").mkdir(exist_ok=True)
    (workspace / "pids" / f"{item['key']}.{os.getpid()}").touch()
    time.sleep(item.get("sleep_s", 0))
    ACTS[item.get("act", "square")](item, workspace)
    return {"square": item["number"] ** 2, "pid": os.getpid()}


def ingest(store: Any, item: dict[str, Any], result: dict[str, Any]) -> None:
    if item.get("act") == "not storable":
        raise KeyError("clip")
    taken[item["key"]] += 1


def refused(store: Any, item: dict[str, Any], reason: str) -> None:
    taken["refused " + item["key"]] += 1


def call(item: tuple[str, float]) -> tuple[str, int]:
    """For the pool alone: (act, seconds to sleep first) -> (act, pid)."""
    act, sleep_s = item
    time.sleep(sleep_s)
    ACTS[act]({}, Path())
    return act, os.getpid()


def threads_allowed(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def once_dead(marker: str) -> str:
    """Kills its process the first time."""
    if Path(marker).exists():
        return "alive"
    Path(marker).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


class Sticky(Exception):
    """Cannot be unpickled: it is made from two arguments and remembers one."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def _refuse(item: dict[str, Any], workspace: Path) -> None:
    raise RefusedClip("There is no picture in it.")


def _refuse_edit(item: dict[str, Any], workspace: Path) -> None:
    raise RefusedEdit("The event would leave the clip.")


def _surprise(item: dict[str, Any], workspace: Path) -> None:
    raise Sticky("odd", "class")


def _exit(item: dict[str, Any], workspace: Path) -> None:
    sys.exit(3)


def _crash(item: dict[str, Any], workspace: Path) -> None:
    ctypes.string_at(0)


def _hold(item: dict[str, Any], workspace: Path) -> None:
    ctypes.PyDLL(None).sleep(60)  # holds the GIL, so no Python code of this process runs meanwhile


def _full(item: dict[str, Any], workspace: Path) -> None:
    if not (workspace / "room").exists():
        raise StoreFull("The disk is full: free space and resume.")


def _raw_full(item: dict[str, Any], workspace: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _ignore(item: dict[str, Any], workspace: Path) -> None:
    """Deaf to the signal that asks to end, and says so in a file."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with (workspace / f"{item['run']}.notes").open("a") as file:
        file.write(json.dumps({"deaf": os.getpid()}) + "\n")


def notes(runs: Any, run: Any) -> list[dict[str, Any]]:
    """What items of that run have said."""
    path = Path(runs._workspace) / f"{run.id}.notes"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _leave_off(item: dict[str, Any], workspace: Path) -> None:
    if not (workspace / "room").exists():
        raise LeftOff("Stopped in the middle.")


def _nothing(item: dict[str, Any], workspace: Path) -> None:
    pass


ACTS: dict[str, Callable[[dict[str, Any], Path], None]] = {
    "square": _nothing,
    "not storable": _nothing,
    "ignore": _nothing,
    "leave off": _leave_off,
    "refuse": _refuse,
    "refuse edit": _refuse_edit,
    "surprise": _surprise,
    "exit": _exit,
    "crash": _crash,
    "hold": _hold,
    "full": _full,
    "raw full": _raw_full,
}

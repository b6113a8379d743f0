"""The run folder: its files, and the promise that a crash or a full disk never leaves one of them unreadable.

Files:
    plan.jsonl      first line the header, then one item a line, each with its own "key"; never changed, but
                    locked by the worker, so that a folder has one
    results.jsonl   one line per settled item: key, outcome (ok | refused | failed), result or reason, seconds
    metrics.jsonl   whatever the job logs over time; optional
    state.json      what the worker last said of itself; replaced whole
    worker.pid      the process that was started last, from before it says anything
    log.txt         what the worker and its children printed
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from thud.disk import sync
from thud.errors import NotFound, RunFailed, StoreFull, ThudError
from thud.runs.tail import Tail

Outcome = Literal["ok", "refused", "failed"]
RunState = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[RunState, ...] = ("done", "failed", "cancelled")

DISK_FULL = "The disk is full: free space and resume."

_STATE_BYTES = 4096
"""state.json is padded to this size, so that a full disk still lets it be written over in place."""

_SYNC_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Header:
    """What a plan says about all of its items.

    limit_s: longest time one item may take, 0 = no limit. job: where the job is found, "" = the job table.
    grace_s: how long an item in hand may still take once a stop is asked for. device: what the run has to itself, such
    as "cpu" or "0,1", "" = nothing. on: the cluster it is worked on, "" = this machine.
    """

    kind: str
    title: str
    workers: int
    limit_s: float
    job: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    grace_s: float = 2.0
    device: str = ""
    on: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A header and the items by key, in the order in which they are worked."""

    header: Header
    items: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class State:
    """What a worker says of itself. done: all settled items, refused and failed too. *_at: Unix seconds."""

    state: RunState
    total: int
    done: int = 0
    refused: int = 0
    failed: int = 0
    pid: int = 0
    started_at: float = 0.0
    updated_at: float = 0.0
    eta_s: float | None = None
    message: str = ""


def write_plan(folder: Path, plan: Plan) -> None:
    """Writes plan.jsonl, whole and on disk before it has its name. StoreFull when the disk is full."""
    aside = folder / "plan.jsonl.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as file:
            for line in (asdict(plan.header), *plan.items.values()):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(folder / "plan.jsonl")
        sync(folder)
    except OSError as error:
        raise translated(error) from error


def read_plan(folder: Path) -> Plan:
    """The plan of a run folder. NotFound without one; RunFailed when it is not one."""
    path = _plan_path(folder)
    try:
        first, *items = Tail(path).read()
        return Plan(Header(**first), {item["key"]: item for item in items})
    except (ValueError, TypeError, KeyError) as error:
        raise RunFailed(f"The run's plan {path} cannot be read ({error}); start the run again.") from error


def _plan_path(folder: Path) -> Path:
    path = folder / "plan.jsonl"
    if not path.is_file():
        raise NotFound(f"The run's plan {path} is gone; start the run again.")
    return path


def read_state(folder: Path) -> State | None:
    """What the worker last said, or None when it has said nothing readable."""
    try:
        return State(**json.loads((folder / "state.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_state(folder: Path, state: State) -> None:
    """Replaces state.json; on a full disk writes over it in place, where it always has room."""
    short = replace(state, message=state.message[:500])
    text = json.dumps(asdict(short), ensure_ascii=False).encode().ljust(_STATE_BYTES)
    path, aside = folder / "state.json", folder / "state.json.tmp"
    try:
        aside.write_bytes(text)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        _write_over(path, text, error)


def _write_over(path: Path, text: bytes, first: OSError) -> None:
    try:
        with path.open("r+b") as file:
            file.write(text)
    except OSError:
        raise translated(first) from first


def note_worker(folder: Path, pid: int) -> None:
    """Writes down which process was started, as far as the disk takes it: state.json says it too, a moment later."""
    with suppress(OSError):
        (folder / "worker.pid").write_text(str(pid), encoding="ascii")


def noted_worker(folder: Path) -> int:
    """The process that was started last on this folder, 0 = none is known."""
    try:
        return int((folder / "worker.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


class Results:
    """Appends to results.jsonl. A half-written last line is cut off, at the start and on a full disk."""

    def __init__(self, folder: Path) -> None:
        """Opens the file for this worker alone; `earlier` holds the lines that were already there."""
        tail = Tail(folder / "results.jsonl")
        self.earlier = tail.read()
        self._end = tail.offset
        self._synced_at = 0.0
        self._dirty = False
        try:
            self._file = os.open(tail.path, os.O_WRONLY | os.O_CREAT, 0o644)
            os.ftruncate(self._file, self._end)
        except OSError as error:
            raise translated(error) from error

    def append(self, line: dict[str, Any]) -> None:
        """Writes one line; waits for the disk if the last wait is 50 ms past. StoreFull when it is full."""
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._end + written)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise translated(error) from error
        self._end += len(data)
        self._dirty = True
        if time.monotonic() - self._synced_at >= _SYNC_EVERY_S:
            self.sync()

    def sync(self) -> None:
        """Returns when every line is on disk."""
        if not self._dirty:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            raise translated(error) from error
        self._dirty, self._synced_at = False, time.monotonic()

    def close(self) -> None:
        """Lets the file go; call `sync` first."""
        os.close(self._file)


@contextmanager
def only_worker(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the lock goes when it ends, in any way. RunFailed when held.

    The plan is what is locked: it is there already, and a full disk has no room for a file of its own.
    """
    with _plan_path(folder).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunFailed("Another worker is at this run already.") from error
        yield


def counts(lines: Collection[dict[str, Any]]) -> dict[str, Any]:
    """How many lines there are (`done`), and how many of them were refused and failed."""
    outcomes = [line.get("outcome") for line in lines]
    return {"done": len(lines), "refused": outcomes.count("refused"), "failed": outcomes.count("failed")}


def translated(error: OSError) -> ThudError:
    """The same trouble as a sentence: StoreFull when space or quota has run out, else RunFailed."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(DISK_FULL)
    return RunFailed(f"The run's folder cannot be written: {error}.")

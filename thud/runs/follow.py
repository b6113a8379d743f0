"""One run as the app sees it: what its worker wrote goes into the store, and the Run says how it stands."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from thud.errors import StoreBroken, StoreBusy, StoreFull, ThudError
from thud.records import Run
from thud.runs.folder import ENDED, Header, RunState, State, counts, note_worker, read_plan, read_state, write_state
from thud.runs.job import Concludes, HasWords, KeepsRefusals, TellsStopping, find_job
from thud.runs.local import Executor, Gone
from thud.runs.tail import Tail

log = logging.getLogger("thud.runs")

_BATCH = 256
_THREADS = 8
"""Items taken in at once: the store commits together what reaches it together."""

_SPARE_S = 5.0
"""How much longer than its grace a worker may take to end before it is killed."""

_KILL_AGAIN_S = 15.0
"""How long after a kill it is sent again to a worker that still seems to be there."""

_SAVE_EVERY_S = 30.0
"""Each save is an event in the store's log; the counts in between are in memory and in the run's folder."""


class RunStore(Protocol):
    """What runs need of a store; jobs get the same object and use more of it."""

    def add_run(self, run: Run, actor: str) -> Any: ...
    def update_run(self, run: Run, actor: str) -> Any: ...
    def runs(self) -> list[Run]: ...
    def run(self, run_id: str) -> Run:
        """NotFound when there is none."""
        ...


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Follower:
    """Follows one run from its folder. `run` is how it stands; it changes in `turn`, and in the queue of its device.

    waiting: no worker was started yet; starting: somebody is about to. kill_at: when a worker that was asked to stop is
    killed, None = it was not. trouble: why it cannot be followed just now, "" while it can.
    """

    def __init__(self, run: Run, folder: Path, store: RunStore, executor_of: Callable[[str], Executor]) -> None:
        """Reads the results from the start: taking one in twice changes nothing. Raises as `read_plan`.

        executor_of: where workers run, by the plan's `on`.
        """
        self.run = replace(run, done=0, refused=0, failed=0)
        self.folder = folder
        self.waiting = False
        self.starting = False
        self.kill_at: float | None = None
        self.trouble = ""
        self._killed = False
        self._store = store
        self._plan = read_plan(folder)
        self._executor = executor_of(self.header.on)
        self._job = find_job(self._plan.header.kind, self._plan.header.job)
        self._tail = Tail(folder / "results.jsonl")
        self._waiting: list[dict[str, Any]] = []
        self._taken: set[str] = set()
        self._left_out: dict[str, str] = {}
        self._tally: Counter[str] = Counter()
        self._saved, self._saved_at = run, time.monotonic()

    @property
    def header(self) -> Header:
        return self._plan.header

    @property
    def ended(self) -> bool:
        return self.run.state in ENDED

    def alive(self) -> bool:
        """Whether its worker is at work. Where that cannot be told it is, unless it says that it has ended or is to be
        killed: nobody can wait for a cluster that is never heard of again."""
        try:
            alive = self._executor.alive(self.run.pid, self.folder)
        except ThudError as error:
            if not self.trouble:
                log.warning("Run %s: %s", self.run.id, error)
            self.trouble = str(error)
            return not self._killed and self._said().state not in ENDED
        self.trouble = ""
        return alive

    def _said(self) -> State:
        """What its worker said last; "queued" while it has said nothing, whatever an earlier one did: see `begin`."""
        return read_state(self.folder) or State("queued", self.run.total)

    def queue(self) -> None:
        """Has the run wait for a worker; StoreFull. Its folder says so too, where an earlier worker said otherwise."""
        if read_state(self.folder) is not None:
            write_state(self.folder, State("queued", self.run.total))
        self.run = replace(self.run, state="queued", message="", finished_at="")
        self.waiting = True

    def begin(self, workspace: Path) -> None:
        """Starts the worker. RunFailed, StoreFull, BadRequest when it cannot be started."""
        # Before the worker starts: the state of an earlier one would be taken for its own.
        write_state(self.folder, State("queued", self.run.total))
        pid = self._executor.start(self.folder, workspace)
        note_worker(self.folder, pid)
        if self.ended:  # it was cancelled while a cluster took it
            self._executor.kill(pid, self.folder)
            return
        self.run = replace(self.run, message="", pid=pid)
        self.waiting = False

    def stop(self, kill: bool = False) -> None:
        """Asks the worker to end, once; kill: ends it. A run that waits ends at once."""
        if self.waiting:
            self.run = replace(self.run, state="cancelled", message="", finished_at=now())
        elif kill:
            self._kill()
        elif self.kill_at is None:
            self._executor.stop(self.run.pid, self.folder)
            self.kill_at = time.monotonic() + self.header.grace_s + _SPARE_S

    def _kill(self) -> None:
        self._killed = True
        self.kill_at = time.monotonic() + _KILL_AGAIN_S
        self._executor.kill(self.run.pid, self.folder)

    def turn(self) -> None:
        """Takes in a batch of new results; with none left and the worker gone, ends the run.

        StoreFull, StoreBusy, StoreBroken when the store cannot take them now; the next turn tries again.
        """
        if self.waiting:
            self._save()
            return
        # Asked first: whatever a worker wrote that is gone by now is seen below.
        alive = self.alive()
        if alive and self.kill_at is not None and time.monotonic() > self.kill_at:
            self._kill()
        if not self._waiting:
            self._waiting = self._tail.read(_BATCH)
        if alive:
            self._tell()
        if self._waiting:
            self._take_in()
        elif not alive:
            self._end()
        self._save()

    def _tell(self) -> None:
        """Says how it goes, or that this cannot be told: then it stays in the state that was last heard of."""
        if self.trouble:
            self.run = replace(self.run, message=self.trouble)
            return
        queued = self._executor.words(self.run.pid, self.folder)
        message = f"{queued or self._words()} {self._stopping()}".strip()
        self.run = replace(self.run, state="queued" if queued else "running", message=message)

    def _take_in(self) -> None:
        items = self._plan.items
        fresh = {
            line["key"]: line for line in self._waiting if line.get("key") in items and line["key"] not in self._taken
        }
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(self._ingest, fresh.values()))
        self._taken.update(fresh)
        self._waiting = []
        more = counts(fresh.values())
        self.run = replace(self.run, **{name: getattr(self.run, name) + more[name] for name in more})
        for line in fresh.values():
            self._tally.update(line.get("result", {}).get("tally", {}))

    def _ingest(self, line: dict[str, Any]) -> None:
        item = {**self._plan.items[line["key"]], "run": self.run.id}
        try:
            if line["outcome"] == "ok":
                self._job.ingest(self._store, item, line["result"])
            elif line["outcome"] == "refused" and isinstance(self._job, KeepsRefusals):
                self._job.refused(self._store, item, line["reason"])
        except (StoreFull, StoreBusy, StoreBroken):
            raise
        except Exception as error:  # one odd result must not keep the others out of the store
            log.exception("The result of %s in run %s is left out.", line["key"], self.run.id)
            self._left_out[line["key"]] = f"{type(error).__name__}: {error}"

    def _end(self) -> None:
        said, gone = self._said(), self._executor.gone(self.run.pid, self.folder)
        if gone.again and said.state == "queued" and self.kill_at is None:
            self.queue()
            self.run = replace(self.run, message=gone.words)
            return
        state: RunState
        if said.state in ENDED:
            state, message = said.state, said.message
            if state == "cancelled" and gone.unasked:
                message = f"{gone.unasked} {message or 'Resume takes it up again.'}"
        elif self.kill_at is not None:
            state, message = "cancelled", gone.words if self.trouble else ""
        else:
            state, message = "failed", self._cause(said.state == "queued", gone)
        if self._left_out and state == "done":
            state = "failed"
            first = next(iter(self._left_out.values()))
            message = f"{len(self._left_out)} results could not be stored; resume tries again. {first}"
        said_more = " ".join(part for part in (self._words(), message, self._conclude()) if part)
        self.run = replace(self.run, state=state, message=said_more, pid=0, finished_at=now())

    def _cause(self, never_began: bool, gone: Gone) -> str:
        """Why a worker is gone that did not say so itself, and what to do."""
        if gone.advised:
            return gone.words
        if never_began and self.header.on:
            asks = "The job ended before it began; do the workspace and Python lie at the same path there?"
            return f"{gone.words} {asks}".strip()
        again = f"goes on from item {self.run.done + 1}" if self.run.total > 1 else "takes it up again"
        return f"{gone.words} Resume {again}." if gone.words else f"The worker was killed; resume {again}."

    def _conclude(self) -> str:
        """A sentence when what follows from the results could not be worked out, else nothing."""
        if not isinstance(self._job, Concludes) or not self.run.done:
            return ""
        try:
            self._job.conclude(self._store, self.run)
        except (StoreFull, StoreBusy, StoreBroken):
            raise
        except Exception:  # the results are in the store; what follows from them can be had again
            log.exception("Run %s could not be concluded.", self.run.id)
            return "The results are stored, but what follows from them could not be worked out; the log says why."
        return ""

    def _words(self) -> str:
        return self._job.words(self.folder, self._tally) if isinstance(self._job, HasWords) else ""

    def _stopping(self) -> str:
        if self.kill_at is None:
            return ""
        return self._job.stopping if isinstance(self._job, TellsStopping) else "Stopping."

    def _save(self) -> None:
        due = time.monotonic() - self._saved_at >= _SAVE_EVERY_S
        if self.run.state != self._saved.state or (due and self.run != self._saved):
            self._store.update_run(self.run, self.run.started_by)
            self._saved, self._saved_at = self.run, time.monotonic()

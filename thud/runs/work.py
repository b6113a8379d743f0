"""The worker of a run: `python -m thud.runs.work RUN_FOLDER WORKSPACE`.

Works through the plan minus the results, one line an item, and says in state.json how it goes. It knows the
folder and the job, never the store. Anything may kill it at any moment: a new worker on the folder goes on.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

from thud.errors import RefusedClip, RefusedEdit, StoreFull, ThudError
from thud.runs.folder import (
    Outcome,
    Plan,
    Results,
    RunState,
    State,
    counts,
    only_worker,
    read_plan,
    write_state,
)
from thud.runs.job import CannotGoOn, LeftOff, find_job
from thud.runs.pool import guarded

log = logging.getLogger("thud.runs")

_STATE_EVERY_S = 0.5
_RATE_OVER = 32
"""The time left is reckoned from this many last items: the first are slow, and clips come in families."""


def work(folder: Path, workspace: Path, stop: Event) -> State:
    """Works a run to its end, until `stop` is set or the disk is full; returns the final state, as written.

    NotFound when the folder holds no plan; RunFailed when another worker is at it.
    """
    with only_worker(folder):
        plan = read_plan(folder)
        try:
            book = _Book(folder, plan)
        except ThudError as error:
            log.error("%s", error)
            write_state(folder, failed := State("failed", len(plan.items), message=str(error)))
            return failed
        try:
            _settle(book, plan, workspace, stop)
        except LeftOff as error:
            return book.close("cancelled", str(error))
        except ThudError as error:
            log.error("%s", error)
            return book.close("failed", str(error))
        except Exception as error:  # a run must say how it ended, whatever a plan or a job's module holds
            log.exception("The worker cannot go on.")
            return book.close("failed", f"{type(error).__name__}: {error}")
        if book.open and not stop.is_set():
            return book.close("failed", f"{book.open} items were not worked; resume takes them up.")
        return book.close("cancelled" if stop.is_set() else "done")


def _settle(book: _Book, plan: Plan, workspace: Path, stop: Event) -> None:
    header = plan.header
    fn = partial(_attempt, find_job(header.kind, header.job).work, workspace)

    def stopping() -> bool:
        book.pulse()
        return stop.is_set()

    log.info("%s: %d of %d items left", header.title, len(book.left), len(plan.items))
    items = ({**plan.items[key], "run": book.run_id} for key in book.left)
    crew = _crew()(fn, items, header.workers, header.limit_s, stopping, header.grace_s)
    with contextlib.closing(crew) as settled:
        for item, result in settled:
            for note in getattr(result, "__notes__", ()):
                log.error("%s: %s", item["key"], note)
            book.record(_line(item["key"], result))


def _crew() -> Callable[..., Any]:
    """Who works the items: children of this process, or what THUD_CREW names as "module:function", which takes and
    gives what `guarded` does."""
    module, _, name = os.environ.get("THUD_CREW", "").partition(":")
    return getattr(import_module(module), name) if name else guarded


def _attempt(
    fn: Callable[[dict[str, Any], Path], dict[str, Any]], workspace: Path, item: dict[str, Any]
) -> tuple[float, Any]:
    """Runs in the child: seconds taken, and the result or the ThudError."""
    start = time.monotonic()
    result: Any
    try:
        result = fn(item, workspace)
        json.dumps(result)  # what JSON cannot hold fails this item here, not the worker later
    except ThudError as error:
        result = error
    return round(time.monotonic() - start, 3), result


def _line(key: str, result: Any) -> dict[str, Any]:
    """The line for results.jsonl. Raises StoreFull and CannotGoOn, which are no matter of this item alone."""
    # A child that died or was stopped could not say how long it took.
    seconds, value = result if isinstance(result, tuple) else (None, result)
    if isinstance(value, StoreFull | CannotGoOn):
        raise value
    if not isinstance(value, ThudError):
        return {"key": key, "outcome": "ok", "result": value, "seconds": seconds}
    outcome: Outcome = "refused" if isinstance(value, RefusedClip | RefusedEdit) else "failed"
    return {"key": key, "outcome": outcome, "reason": str(value), "seconds": seconds}


class _Book:
    """What is settled and what is left, on disk: the lines first, then the state that counts them."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self.run_id = folder.name
        self._results = Results(folder)
        earlier = {line["key"]: line for line in self._results.earlier if line.get("key") in plan.items}
        self.left = [key for key in plan.items if key not in earlier]
        now = time.time()
        self._state = State("running", len(plan.items), **counts(earlier.values()), pid=os.getpid(), started_at=now)
        self._ends = deque([time.monotonic()], maxlen=_RATE_OVER + 1)
        self._said_at = 0.0
        self.pulse()

    @property
    def open(self) -> int:
        """How many items are not settled."""
        return self._state.total - self._state.done

    def record(self, line: dict[str, Any]) -> None:
        """Settles one item. StoreFull when the line does not fit on the disk."""
        self._results.append(line)
        self._ends.append(time.monotonic())
        more = counts([line])
        now = {name: getattr(self._state, name) + number for name, number in more.items()}
        self._state = replace(self._state, **now)

    def pulse(self) -> None:
        """Called about ten times a second: gets lines and, at times, the state onto the disk."""
        self._results.sync()
        if time.monotonic() - self._said_at >= _STATE_EVERY_S:
            self._say(replace(self._state, eta_s=self._eta_s()))

    def close(self, state: RunState, message: str = "") -> State:
        """Writes the final state and returns it."""
        # A disk too full to sync must not keep the state from saying so; resume counts the lines itself.
        with contextlib.suppress(ThudError):
            self._results.sync()
        self._results.close()
        self._say(replace(self._state, state=state, message=message, eta_s=None))
        log.info("%s: %d of %d items settled. %s", state, self._state.done, self._state.total, message)
        return self._state

    def _say(self, state: State) -> None:
        self._said_at = time.monotonic()
        self._state = replace(state, updated_at=time.time())
        write_state(self._folder, self._state)

    def _eta_s(self) -> float | None:
        spent = self._ends[-1] - self._ends[0]
        if len(self._ends) < 2 or spent <= 0:
            return None
        return round((self._state.total - self._state.done) * spent / (len(self._ends) - 1), 1)


def main(arguments: list[str]) -> int:
    """Exit code: 0 when the run is done or was cancelled, 1 when it failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder, workspace = map(Path, arguments)
    try:
        return int(work(folder, workspace, stop).state == "failed")
    except ThudError as error:
        log.error("%s", error)
        return 1


if __name__ == "__main__":
    # Through its own name: functions of `__main__` would be other functions in the children.
    from thud.runs import work as itself

    sys.exit(itself.main(sys.argv[1:]))

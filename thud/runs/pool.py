"""One function over many items, in child processes that can be killed.

A hostile or broken file can hang a decoder, eat the memory or crash the process. Here that costs one item:
the child is killed at the time limit, or replaced when it dies, and the others go on.
This module knows nothing of runs or stores.
"""

from __future__ import annotations

import errno
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from thud.errors import RefusedClip, RunFailed, StoreFull, ThudError

Item = TypeVar("Item")
Result = TypeVar("Result")

_TICK_S = 0.1
_STALL_S = 30.0
_MAX_DEATHS = 2
_MAX_BREAKS = 10


def guarded(
    fn: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    limit_s: float,
    stop: Callable[[], bool] | None = None,
    grace_s: float = 2.0,
) -> Generator[tuple[Item, Result | ThudError], None, None]:
    """Each item with its result, or with the error that befell it, in the order in which they are settled.

    fn: a module-level function, or a partial of one. Its ThudErrors come back as themselves, anything else as
    RunFailed with the traceback in its notes. An item over `limit_s` seconds (0: no limit) gives RefusedClip.
    An item whose child dies is tried once more, then gives RunFailed. `items` is drawn from as workers come
    free. stop: asked ten times a second; once true, no item is taken up and those in hand get `grace_s`.
    Raises RunFailed when children cannot be started at all. Closing the generator kills the children.
    """
    crew = _Crew(max(1, workers), limit_s)
    source = iter(items)
    until: float | None = None

    def going() -> bool:
        return until is None and not (stop is not None and stop())

    try:
        while True:
            if going():
                crew.fill(fn, source)
            elif until is None:
                until = time.monotonic() + grace_s
            if crew.idle or (until is not None and time.monotonic() > until):
                return
            yield from crew.settled(going)
    finally:
        crew.close()


@dataclass(slots=True, eq=False)
class _Task:
    item: Any
    payload: bytes
    deaths: int = 0


class _Crew:
    """A Pebble pool that is built again when it breaks.

    Pebble gives up the whole pool when an idle child dies, and waits for ever for an item whose child died
    while fetching it. So the items in hand are kept here, and handed out anew by a new pool.
    """

    def __init__(self, workers: int, limit_s: float) -> None:
        self._workers, self._limit_s = workers, limit_s
        self._hand: dict[Future[bytes], _Task] = {}
        self._breaks = 0
        self._moved_at = time.monotonic()
        self._pool: Any = self._new_pool()  # Any: Pebble's hints leave stop() and join() untyped

    @property
    def idle(self) -> bool:
        return not self._hand

    def fill(self, fn: Callable[[Any], Any], source: Iterator[Any]) -> None:
        """Takes up items until each worker has one and one is waiting."""
        while len(self._hand) <= self._workers:
            item = next(source, _END)
            if item is _END:
                return
            self._give(_Task(item, pickle.dumps((fn, item))))

    def settled(self, going: Callable[[], bool]) -> Iterator[tuple[Any, Any]]:
        """What is settled within a tick. While `going`, an item whose child died goes round again."""
        finished, _ = wait(self._hand, timeout=_TICK_S, return_when=FIRST_COMPLETED)
        broken = self._stalled()
        for future in finished:
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                broken = True
                continue
            task = self._hand.pop(future)
            if isinstance(error, ProcessExpired) and task.deaths + 1 < _MAX_DEATHS:
                if going():
                    self._give(replace(task, deaths=task.deaths + 1))
                continue
            yield task.item, self._outcome(future, error)
            self._breaks, self._moved_at = 0, time.monotonic()
        if broken:
            self._rebuild(going)

    def close(self) -> None:
        """Kills the children."""
        self._pool.stop()
        self._pool.join()

    def _give(self, task: _Task) -> None:
        self._moved_at = time.monotonic()
        try:
            future = self._pool.schedule(answer_to, args=(task.payload,), timeout=self._limit_s or None)
        except RuntimeError:  # how Pebble says that the pool is broken
            future = Future()
            future.set_exception(BrokenProcessPool())
        self._hand[future] = task

    def _stalled(self) -> bool:
        return self._limit_s > 0 and time.monotonic() - self._moved_at > self._limit_s + _STALL_S

    def _rebuild(self, going: Callable[[], bool]) -> None:
        self.close()
        tasks = list(self._hand.values())
        self._hand.clear()
        if not going():
            return
        self._breaks += 1
        if self._breaks > _MAX_BREAKS:
            raise RunFailed("Worker processes die as soon as they start; the log says why.")
        self._pool = self._new_pool()
        for task in tasks:
            self._give(task)

    def _new_pool(self) -> ProcessPool:
        # spawn: a forked child would inherit the store's handle, and locks that other threads hold
        spawn = get_context("spawn")
        return ProcessPool(self._workers, initializer=_prepare_child, initargs=(os.getpid(),), context=spawn)

    def _outcome(self, future: Future[bytes], error: BaseException | None) -> Any:
        if isinstance(error, TimeoutError):
            return RefusedClip(f"It took longer than {self._limit_s:g} s and was stopped.")
        if isinstance(error, ProcessExpired):
            return RunFailed(f"The worker died on it twice ({_cause(error.exitcode)}).")
        if error is not None:
            return RunFailed(f"The worker failed: {_words(error)}.")
        try:
            return pickle.loads(future.result())
        except Exception as unreadable:  # noqa: BLE001 - an odd class may raise anything while it is put together again
            return RunFailed(f"The worker's answer cannot be read: {_words(unreadable)}.")


_END = object()


def _prepare_child(parent: int) -> None:
    # Pebble's own handler is Python, which a child stuck in a decoder never gets to; the default just kills.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    # Not PR_SET_PDEATHSIG: that follows the parent's *thread*, and a server's threads come and go.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def answer_to(payload: bytes) -> bytes:
    """In the child: the pickled result or ThudError. Unpickled here: a bad import fails its item only."""
    outcome: Any
    try:
        fn, item = pickle.loads(payload)
        outcome = fn(item)
    except ThudError as error:
        outcome = error
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one item's surprise must not end the batch
        outcome = _surprise(error)
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001 - whatever a result's class raises while it is taken apart
        return pickle.dumps(_surprise(error))


def _surprise(error: BaseException) -> ThudError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull("The disk is full: free space and resume.")
    failed = RunFailed(f"{_words(error)}.")
    failed.add_note("".join(traceback.format_exception(error)))
    return failed


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _cause(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    return f"{name}, often a sign that memory ran out" if name == "SIGKILL" else name

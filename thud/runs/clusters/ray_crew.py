"""`thud.runs.pool.guarded` with hands all over a Ray cluster instead of children of this process.

Each hand is an actor with one core (and the GPUs that the run asks for): it does one item at a time and keeps what it
has loaded. A hand that dies, with its node or alone, costs one try of the item it had; another hand takes that up.
It runs inside a job of the cluster (`thud.runs.clusters.ray_jobs`), and is chosen there by THUD_CREW.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from thud.errors import RefusedClip, RunFailed, ThudError
from thud.runs.clusters.cluster import lacking
from thud.runs.pool import answer_to

Item = TypeVar("Item")
Result = TypeVar("Result")

_TICK_S = 0.1
_COUNT_EVERY_S = 2.0
_MOST_DEATHS = 2
_MOST_FALSE_STARTS = 10


def guarded(
    fn: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    limit_s: float,
    stop: Callable[[], bool] | None = None,
    grace_s: float = 2.0,
) -> Generator[tuple[Item, Result | ThudError], None, None]:
    """As `thud.runs.pool.guarded`; there are no more hands than the cluster has cores.

    An item whose hand dies is tried once more, and as often as need be where the hand's node died.
    """
    crew = _Crew(fn, iter(items), workers, limit_s)
    until: float | None = None
    try:
        while True:
            going = until is None and not (stop is not None and stop())
            if going:
                crew.fill()
            elif until is None:
                until = time.monotonic() + grace_s
            if crew.idle(going) or (until is not None and time.monotonic() > until):
                return
            yield from crew.settled(going)
    finally:
        crew.close()


@dataclass(slots=True, eq=False)
class _Task:
    item: Any
    payload: bytes
    deaths: int = 0


@dataclass(slots=True, eq=False)
class _Hand:
    """An actor. asked: what it has been asked last. task: None while it says where it is, or waits for an item."""

    actor: Any
    asked: Any
    task: _Task | None = None
    node: str = ""
    since: float = 0.0


class Worker:
    """What an actor is: `pool`'s way of calling, in a process of its own."""

    def where(self) -> str:
        """The id of the node it is on."""
        ray: Any = import_module("ray")
        return str(ray.get_runtime_context().get_node_id())

    def do(self, payload: bytes) -> bytes:
        """The pickled result or error of one item."""
        return answer_to(payload)


class _Crew:
    """Hands and the items they have."""

    def __init__(self, fn: Callable[[Any], Any], source: Iterator[Any], workers: int, limit_s: float) -> None:
        self._ray = _connected()
        self._fn, self._source, self._workers, self._limit_s = fn, source, workers, limit_s
        gpus = int(os.environ.get("THUD_ITEM_GPUS", "0"))
        if problem := lacking([one["Resources"] for one in self._ray.nodes() if one["Alive"]], gpus):
            raise RunFailed(problem)
        self._kind = self._ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(Worker)
        self._hands: list[_Hand] = []
        self._again: deque[_Task] = deque()
        self._drawn_out = False
        self._false_starts = 0
        self._counted, self._counted_at = 1, -_COUNT_EVERY_S - 1

    def idle(self, going: bool) -> bool:
        """Whether no hand has an item, and, while `going`, none is left to be given."""
        left = going and not (self._drawn_out and not self._again)
        return not left and all(hand.task is None for hand in self._hands)

    def fill(self) -> None:
        """Gives each free hand an item, and sees to it that there are as many hands as there is work and room for."""
        for hand in self._hands:
            if hand.task is None and hand.node:
                task = self._next()
                if task is None:
                    return
                hand.task, hand.since = task, time.monotonic()
                hand.asked = hand.actor.do.remote(task.payload)
        while not self._drawn_out and len(self._hands) < min(self._workers, self._cores()):
            actor = self._kind.remote()
            self._hands.append(_Hand(actor, actor.where.remote()))
        if self._again and not self._hands:  # the last ones died after the plan was drawn to its end
            actor = self._kind.remote()
            self._hands.append(_Hand(actor, actor.where.remote()))

    def settled(self, going: bool) -> Iterator[tuple[Any, Any]]:
        """What is settled within a tick. While `going`, an item whose hand died goes round again."""
        busy = {hand.asked: hand for hand in self._hands if hand.task is not None or not hand.node}
        if not busy:
            time.sleep(_TICK_S)
            return
        ready, _ = self._ray.wait(list(busy), num_returns=1, timeout=_TICK_S)
        for asked in ready:
            yield from self._heard(busy[asked], going)
        for hand in [one for one in self._hands if self._too_long(one)]:
            self._drop(hand)
            if hand.task is not None:
                yield hand.task.item, RefusedClip(f"It took longer than {self._limit_s:g} s and was stopped.")

    def close(self) -> None:
        """Ends the hands."""
        for hand in list(self._hands):
            self._drop(hand)

    def _heard(self, hand: _Hand, going: bool) -> Iterator[tuple[Any, Any]]:
        """What came of what the hand was asked last."""
        try:
            told = self._ray.get(hand.asked)
        except self._ray.exceptions.RayError as error:
            yield from self._lost(hand, error, going)
            return
        task, hand.task = hand.task, None
        self._false_starts = 0
        if task is None:
            hand.node = told
        else:
            yield task.item, _read(told)

    def _lost(self, hand: _Hand, error: Exception, going: bool) -> Iterator[tuple[Any, Any]]:
        self._drop(hand)
        task = hand.task
        if task is None:
            self._false_starts += 1
            if self._false_starts > _MOST_FALSE_STARTS:
                raise RunFailed("Workers on the cluster die as soon as they start; the log says why.") from error
            return
        task.deaths += self._node_lives(hand.node)
        if task.deaths >= _MOST_DEATHS:
            yield task.item, RunFailed(f"The worker died on it twice ({_cause(error)}).")
        elif going:
            self._again.append(task)

    def _next(self) -> _Task | None:
        if self._again:
            return self._again.popleft()
        item = next(self._source, _END)
        if item is _END:
            self._drawn_out = True
            return None
        return _Task(item, pickle.dumps((self._fn, item)))

    def _too_long(self, hand: _Hand) -> bool:
        return self._limit_s > 0 and hand.task is not None and time.monotonic() - hand.since > self._limit_s

    def _drop(self, hand: _Hand) -> None:
        self._hands.remove(hand)
        self._ray.kill(hand.actor, no_restart=True)

    def _cores(self) -> int:
        """Cores of the cluster, as of two seconds ago at most: nodes come and go."""
        if time.monotonic() - self._counted_at > _COUNT_EVERY_S:
            self._counted = max(1, math.floor(float(self._ray.cluster_resources().get("CPU", 1))))
            self._counted_at = time.monotonic()
        return self._counted

    def _node_lives(self, node: str) -> bool:
        return any(one["NodeID"] == node and one["Alive"] for one in self._ray.nodes())


def _connected() -> Any:
    """Ray, in touch with the cluster whose job this is."""
    ray: Any = import_module("ray")
    if not ray.is_initialized():
        before = signal.getsignal(signal.SIGTERM)
        ray.init(address="auto", log_to_driver=True, logging_level="WARNING")
        signal.signal(signal.SIGTERM, before)  # Ray's own handler ends the process in the middle of a line
    return ray


_END = object()


def _read(told: bytes) -> Any:
    try:
        return pickle.loads(told)
    except Exception as error:  # noqa: BLE001 - an odd class may raise anything while it is put together again
        return RunFailed(f"The worker's answer cannot be read: {type(error).__name__}: {error}.")


def _cause(error: Exception) -> str:
    """The first line of what Ray says of a death."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

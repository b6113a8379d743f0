"""Runs as the app and the command line use them: start, queue, follow, cancel, resume.

A run's folder is the truth about its progress, the store's row about its existence. One background thread
follows the active runs, and starts those whose device has become free. Closing the app ends that thread, not the
workers: `recover` finds them again. A run that is a step of a chain has the next one started when it ends.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from thud.errors import BadRequest, ThudError
from thud.records import Refusal, Run, content_id
from thud.runs.folder import ENDED, Header, Plan, noted_worker, read_plan, read_state, write_plan
from thud.runs.follow import Follower, RunStore, now
from thud.runs.local import Executor, LocalExecutor
from thud.runs.queue import holder, waiting_words
from thud.runs.tail import Tail, end_of
from thud.runs.trainer.checker import Checker

log = logging.getLogger("thud.runs")

_TURN_EVERY_S = 0.2
_AFTER_TROUBLE_S = 2.0

_mark: ContextVar[dict[str, Any]] = ContextVar("mark", default={})  # noqa: B039 - it is never changed in place
_place: ContextVar[str | None] = ContextVar("place", default=None)


class Runs:
    """The runs of one workspace. Every method may be called from any thread.

    on: where runs are worked unless `start` says otherwise, "" = here. checker: says whether a training can go; it
    ends with `close`. takes_up: whether what waits for a device, and the next steps of chains, start by themselves.
    """

    def __init__(
        self, store: RunStore, workspace: Path, executor: Executor | None = None, on: str = "", takes_up: bool = True
    ) -> None:
        self._on = on
        self._takes_up = takes_up
        self._store = store
        self._workspace = workspace.resolve()
        self.checker = Checker(log=self._workspace / "checker.log")
        self._executor = executor or LocalExecutor()
        self._followed: dict[str, Follower] = {}
        self._chains = ThreadPoolExecutor(1, "chains")
        self._submits = ThreadPoolExecutor(2, "submits")
        self._starts = threading.RLock()
        self._turns = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runs", daemon=True)
        self._thread.start()

    def __enter__(self) -> Runs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops following. Workers go on; `recover` finds them at the next start."""
        self._closing.set()
        self._thread.join()
        self.checker.close()  # a chain may wait for its answer
        self._chains.shutdown(cancel_futures=True)
        self._submits.shutdown(cancel_futures=True)

    def start(
        self,
        kind: str,
        title: str,
        settings: dict[str, Any],
        items: Iterable[dict[str, Any]],
        actor: str,
        *,
        workers: int | None = None,
        limit_s: float = 300.0,
        job: str = "",
        grace_s: float = 2.0,
        device: str = "",
        on: str = "",
    ) -> Run:
        """Plans a run and starts its worker, or puts it behind the run that has its device; returns at once.

        items: what JSON can hold, each with its own "key". workers: children at a time (None: one per core; on a
        cluster as many as it has). limit_s: per item, 0 = no limit. job: where the job is found, "" = the job table.
        grace_s: what an item in hand may still take after a stop. device: what it has to itself, as "cpu" or "0,1"; a
        cluster queues by itself. on: a cluster, "" = as usual. BadRequest when there is nothing to do, keys repeat, or
        `on` is none; StoreFull when the disk has no room for it.
        """
        planned = _by_key(items)
        on = on or self.on
        settings = {**settings, **_mark.get()}
        self._executor_of(on)
        here = os.cpu_count() or 1
        most = min(workers or (len(planned) if on else here), len(planned))
        header = Header(kind, title, most, limit_s, job, settings, grace_s, device, on)
        plan = Plan(header, planned)
        created = now()
        run_id = content_id(asdict(header), list(plan.items.values()), created, actor)
        run = Run(
            run_id, kind, title, "queued", len(plan.items), folder=f"runs/{run_id}",
            started_by=actor, created_at=created, settings=settings,
        )  # fmt: skip
        try:
            write_plan(self._folder(run), plan)
            self._store.add_run(run, actor)
        except ThudError:
            shutil.rmtree(self._folder(run), ignore_errors=True)
            raise
        return self._launch(run)

    def resume(self, run_id: str) -> Run:
        """Starts a worker on what an ended run has left, or queues it. BadRequest when it is still active, or done."""
        return self._launch(self._store.run(run_id))

    def cancel(self, run_id: str, wait_s: float = 10.0, now: bool = False) -> Run:
        """Asks an active run to stop, waits up to `wait_s`, and returns it as it stands.

        One that does not end within its grace is killed; with `now` it is killed at once. Asked again without `now`,
        nothing more happens. BadRequest when it has ended already.
        """
        with self._starts:
            follower = self._followed.get(run_id)
            if follower is None or follower.ended:
                raise BadRequest(f"“{self._store.run(run_id).title}” has ended already.")
            follower.stop(kill=now)
        return self.wait(run_id, wait_s)

    def stopping_s(self, run_id: str) -> float | None:
        """Seconds until an active run that was asked to stop is killed; None when it was not asked."""
        follower = self._followed.get(run_id)
        if follower is None or follower.kill_at is None:
            return None
        return max(0.0, follower.kill_at - time.monotonic())

    def trouble(self, run_id: str) -> str:
        """Why an active run cannot be followed just now, such as a cluster that does not answer; "" while it can."""
        follower = self._followed.get(run_id)
        return follower.trouble if follower and not follower.ended else ""

    def waits_for(self, run_id: str) -> Run | None:
        """The run that has the device for which this one waits; None when it waits for none."""
        follower = self._followed.get(run_id)
        other = holder(follower, list(self._followed.values())) if follower and follower.waiting else None
        return other.run if other else None

    @property
    def on(self) -> str:
        """Where runs are worked unless `start` says otherwise: the place of the `worked_on` block around the caller."""
        chosen = _place.get()
        return self._on if chosen is None else chosen

    @property
    def closing(self) -> bool:
        """Whether `close` was called: what fails from now on may do so for that reason alone."""
        return self._closing.is_set()

    def recover(self) -> list[Run]:
        """Called once when the app starts: follows what was active when it closed, and says how it stands.

        A worker that lives is followed on; one that ended meanwhile has its results taken in; one that died
        leaves a failed run that can be resumed; what waited for a device waits on. What is long goes on in the
        background.
        """
        found = [run for run in self._store.runs() if run.state not in ENDED]
        with self._starts:
            for run in sorted(found, key=lambda run: run.created_at):
                self._find_again(run)
        self._take_turns()
        self._go_on_with_chains()
        return [self.run(run.id) for run in found]

    def run(self, run_id: str) -> Run:
        """The run as it stands now. NotFound when there is none."""
        follower = self._followed.get(run_id)
        return follower.run if follower else self._store.run(run_id)

    def runs(self) -> list[Run]:
        """All runs as they stand now, in the store's order."""
        live = {run_id: follower.run for run_id, follower in list(self._followed.items())}
        return [live.get(run.id, run) for run in self._store.runs()]

    def going_on(self, kinds: Collection[str], mine: Callable[[dict[str, Any]], bool]) -> str:
        """The sentence that a run of these kinds is active whose settings are `mine`, "" when none is."""
        for run in self.runs():
            if run.kind in kinds and run.state not in ENDED and mine(run.settings):
                return f"“{run.title}” is still running. Wait for it, or stop it first."
        return ""

    def eta_s(self, run_id: str) -> float | None:
        """Seconds left at the rate of the last items; None when it is not active, or not known yet."""
        follower = self._followed.get(run_id)
        state = read_state(follower.folder) if follower else None
        return state.eta_s if state else None

    def log(self, run_id: str, size: int = 20_000) -> str:
        """The last whole lines of the run's log, `size` bytes at most."""
        return end_of(self._folder(self.run(run_id)) / "log.txt", size)

    def problems(self, run_id: str) -> list[Refusal]:
        """What was refused or failed, and why; the subject is an item's "subject", else "path", else key.

        Then what the results themselves name as problems.
        """
        folder = self._folder(self.run(run_id))
        lines = Tail(folder / "results.jsonl").read()
        odd = [line for line in lines if "reason" in line]
        items = read_plan(folder).items if odd else {}
        refused = [Refusal(_subject(items.get(line["key"], line)), line["reason"]) for line in odd]
        named = [pair for line in lines for pair in line.get("result", {}).get("problems", ())]
        return refused + [Refusal(subject, reason) for subject, reason in named]

    def results(self, run_id: str) -> list[dict[str, Any]]:
        """The lines written so far: key, outcome (ok, refused, failed), result or reason."""
        return Tail(self._folder(self.run(run_id)) / "results.jsonl").read()

    def wait(self, run_id: str, timeout_s: float | None = None) -> Run:
        """The run once it has ended and its results are in the store, or as it stands after `timeout_s`."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while (follower := self._followed.get(run_id)) and (end is None or time.monotonic() < end):
            if follower.ended and follower.starting:  # cancelled before it began; a cluster may yet take its time
                break
            if self._closing.wait(0.05):
                break
        return self.run(run_id)

    def _folder(self, run: Run) -> Path:
        return self._workspace / run.folder

    def _executor_of(self, on: str) -> Executor:
        """Where workers run: here, or on a cluster. BadRequest for one that is not known."""
        if not on:
            return self._executor
        from thud.runs.clusters.cluster import executor_for

        return executor_for(on)

    def _launch(self, run: Run) -> Run:
        """Follows a run that is new or has ended, with its worker started if its device is free."""
        with self._starts:
            if (known := self._followed.get(run.id)) is not None:
                taken = known.ended and known.starting  # its cluster has yet to hear that it is not wanted any more
                going = "being taken back from the cluster; try again in a minute" if taken else "running"
                raise BadRequest(f"“{run.title}” is still {going}.")
            if (run := self._store.run(run.id)).state == "done":
                raise BadRequest(f"“{run.title}” is done: there is nothing left to resume.")
            try:
                follower = Follower(run, self._folder(run), self._store, self._executor_of)
                follower.queue()
            except ThudError as error:
                self._give_up(run, error)
                raise
            self._followed[run.id] = follower
            late = self._is_due(follower) and not self._begin(follower)
        if late:
            self._submit(follower)
        return follower.run

    def _is_due(self, follower: Follower) -> bool:
        """Whether the run waits, and nobody has its device. Call it with `_starts` held."""
        if not follower.waiting or follower.ended or follower.starting:
            return False
        other = holder(follower, list(self._followed.values()))
        if other is not None:
            follower.run = replace(follower.run, message=waiting_words(follower, other))
        return other is None

    def _begin(self, follower: Follower) -> bool:
        """Starts the worker of a run that is due; False where a cluster has to be asked, which may take a minute: then
        `_submit` is still to be called. Call it with `_starts` held."""
        follower.starting = True
        if follower.header.on:
            return False
        self._submit(follower)
        return True

    def _submit(self, follower: Follower) -> None:
        try:
            follower.begin(self._workspace)
        except Exception as error:
            with self._starts:
                if not follower.ended:  # else it was cancelled meanwhile, and its next turn says so
                    self._drop(follower)
                    self._give_up(follower.run, error)
            raise
        finally:
            follower.starting = False

    def _drop(self, follower: Follower) -> None:
        """Follows it no longer. Of a run that was resumed meanwhile the new follower stays."""
        with self._starts:
            if self._followed.get(follower.run.id) is follower:
                del self._followed[follower.run.id]

    def _find_again(self, run: Run) -> None:
        folder = self._folder(run)
        state = read_state(folder)
        known = replace(run, pid=(state.pid if state else 0) or noted_worker(folder) or run.pid)
        try:
            follower = Follower(known, folder, self._store, self._executor_of)
            never_began = run.state == "queued" and (state is None or state.state == "queued")
            follower.waiting = never_began and not follower.alive()
            if follower.waiting and not self._takes_up:
                follower.run = replace(follower.run, message="It starts when thud is open again.")
            self._followed.setdefault(run.id, follower)
        except ThudError as error:
            self._give_up(run, error)

    def _give_up(self, run: Run, error: Exception) -> None:
        said = str(error) if isinstance(error, ThudError) else f"{type(error).__name__}: {error}"
        failed = replace(run, state="failed", message=said, finished_at=now())
        self._store.update_run(failed, run.started_by)

    def _watch(self) -> None:
        pause_s = _TURN_EVERY_S
        while not self._closing.wait(pause_s):
            pause_s = self._take_turns()

    def _take_turns(self) -> float:
        """Gives each followed run its turn; returns how long to pause before the next."""
        pause_s = _TURN_EVERY_S
        with self._turns:
            for run_id, follower in list(self._followed.items()):
                try:
                    follower.turn()
                except Exception as error:  # one run's trouble must not end the thread that follows them all
                    log.exception("Run %s cannot be followed just now.", run_id)
                    follower.run = replace(follower.run, message=str(error))
                    pause_s = _AFTER_TROUBLE_S
                    continue
                if follower.ended and not follower.starting:  # else the job that a cluster takes now is nobody's
                    self._drop(follower)
                    if "chain" in follower.run.settings:
                        self._go_on_with_chains()
            if self._takes_up:
                self._begin_waiting()
        return pause_s

    def _begin_waiting(self) -> None:
        """Starts the runs whose device has become free."""
        with self._starts:
            for follower in [one for one in self._followed.values() if one.waiting and not one.ended]:
                try:
                    if self._is_due(follower) and not self._begin(follower):
                        self._submits.submit(self._submit, follower)
                except Exception:  # it is told by the run, which has failed; the others go on
                    log.exception("Run %s has failed before it began.", follower.run.id)

    def _go_on_with_chains(self) -> None:
        if self._takes_up and not self._closing.is_set():
            self._chains.submit(self._advance)

    def _advance(self) -> None:
        from thud.runs.chain import advance

        try:
            advance(cast(Any, self._store), self)
        except Exception:  # a store that is busy or closed: they are looked at again when the next run ends
            log.exception("Chains cannot go on just now.")


@contextmanager
def marked(**settings: Any) -> Iterator[None]:
    """A block in which each run that is started here has these settings beside its own."""
    before = _mark.set(settings)
    try:
        yield
    finally:
        _mark.reset(before)


@contextmanager
def worked_on(on: str | None) -> Iterator[None]:
    """A block in which runs are worked on that cluster, "" = here, whatever is usual; None = where it is usual."""
    before = _place.set(on)
    try:
        yield
    finally:
        _place.reset(before)


def marks() -> dict[str, Any]:
    """The settings of the `marked` block around the caller, {} outside of one."""
    return _mark.get()


def _by_key(items: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    listed = list(items)
    plan = {item["key"]: item for item in listed}
    if not plan:
        raise BadRequest("There is nothing to do.")
    if len(plan) != len(listed):
        raise BadRequest("Two items of the plan have the same key.")
    return plan


def _subject(item: dict[str, Any]) -> str:
    return str(item.get("subject") or item.get("path") or item["key"])

"""Runs as the app and the command line use them: start, follow, cancel, resume.

A run's folder is the truth about its progress, the store's row about its existence. One background thread
follows the active runs. Closing the app ends that thread, not the workers: `recover` finds them again.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from thud.errors import BadRequest, ThudError
from thud.records import Refusal, Run, content_id
from thud.runs.folder import ENDED, Header, Plan, State, read_plan, read_state, write_plan, write_state
from thud.runs.follow import Follower, RunStore, now
from thud.runs.local import Executor, LocalExecutor
from thud.runs.tail import Tail

log = logging.getLogger("thud.runs")

_TURN_EVERY_S = 0.2
_AFTER_TROUBLE_S = 2.0


class Runs:
    """The runs of one workspace. Every method may be called from any thread."""

    def __init__(self, store: RunStore, workspace: Path, executor: Executor | None = None) -> None:
        self._store = store
        self._workspace = workspace.resolve()
        self._executor = executor or LocalExecutor()
        self._followed: dict[str, Follower] = {}
        self._starts = threading.Lock()
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
    ) -> Run:
        """Plans a run and starts its worker; returns at once.

        items: what JSON can hold, each with its own "key". workers: children at a time (None: one per core).
        limit_s: per item, 0 = no limit. job: where the job is found, "" = the job table.
        BadRequest when there is nothing to do or keys repeat; StoreFull when the disk has no room for it.
        """
        planned = _by_key(items)
        most = min(workers or os.cpu_count() or 1, len(planned))
        header = Header(kind, title, most, limit_s, job, settings)
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
        """Starts a worker on what an ended run has left. BadRequest when it is still active, or done."""
        with self._starts:
            run = self._store.run(run_id)
            if run_id in self._followed:
                raise BadRequest(f"“{run.title}” is still running.")
            if run.state == "done":
                raise BadRequest(f"“{run.title}” is done: there is nothing left to resume.")
            return self._launch(run)

    def cancel(self, run_id: str) -> Run:
        """Stops an active run and returns it ended, within seconds. BadRequest when it has ended already."""
        follower = self._followed.get(run_id)
        if follower is None:
            raise BadRequest(f"“{self._store.run(run_id).title}” has ended already.")
        follower.cancelling = True
        self._executor.stop(follower.run.pid, follower.folder)
        return self.wait(run_id, 10)

    def recover(self) -> list[Run]:
        """Called once when the app starts: follows what was active when it closed, and says how it stands.

        A worker that lives is followed on; one that ended meanwhile has its results taken in; one that died
        leaves a failed run that can be resumed. What is long goes on in the background.
        """
        found = [run for run in self._store.runs() if run.state not in ENDED]
        for run in found:
            self._find_again(run)
        self._take_turns()
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
        try:
            with (self._folder(self.run(run_id)) / "log.txt").open("rb") as file:
                start = max(0, file.seek(0, os.SEEK_END) - size)
                file.seek(start)
                text = file.read(size).decode(errors="replace")
        except FileNotFoundError:
            return ""
        return text.partition("\n")[2] if start else text

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
        while run_id in self._followed and (end is None or time.monotonic() < end):
            if self._closing.wait(0.05):
                break
        return self.run(run_id)

    def _folder(self, run: Run) -> Path:
        return self._workspace / run.folder

    def _launch(self, run: Run) -> Run:
        folder = self._folder(run)
        run = replace(run, state="queued", message="", finished_at="")
        try:
            follower = Follower(run, folder, self._store, self._executor)
            # Before the worker starts: the state of an earlier one would be taken for its own.
            write_state(folder, State("queued", run.total))
            follower.run = replace(follower.run, pid=self._executor.start(folder, self._workspace))
        except ThudError as error:
            self._give_up(run, error)
            raise
        self._followed[run.id] = follower
        return follower.run

    def _find_again(self, run: Run) -> None:
        folder = self._folder(run)
        state = read_state(folder)
        known = replace(run, pid=state.pid) if state and state.pid else run
        try:
            self._followed.setdefault(run.id, Follower(known, folder, self._store, self._executor))
        except ThudError as error:
            self._give_up(run, error)

    def _give_up(self, run: Run, error: ThudError) -> None:
        failed = replace(run, state="failed", message=str(error), finished_at=now())
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
                if follower.ended:
                    del self._followed[run_id]
        return pause_s


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

"""Chains: build pairs, train, ask, one after the other, each step a run; stopping and resuming a run pauses the chain.

A chain is a definition of the store, and each of its runs carries settings["chain"] = [its id, number of the step]. So
where it stands follows from its runs alone, and an app that was closed in the middle goes on. It is worked where it was
started, on whatever cluster that is, whoever goes on with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from thud.errors import BadRequest, NotFound, ThudError
from thud.records import Run, content_id
from thud.runs.chain_steps import DOES, At, check_steps, needing, start_step, step_words
from thud.runs.folder import ENDED
from thud.runs.follow import now
from thud.runs.run import marked, worked_on
from thud.runs.training.listing import HIDDEN
from thud.runs.training.wanted import Blocked

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

log = logging.getLogger("thud.runs")

KIND = "chain"
_lock = threading.RLock()
_POLL_S = 0.2
_BROKEN = ("failed", "stopped")
StepState = Literal["ahead", "waiting", "running", "done", "failed", "stopped"]
ChainState = Literal["running", "paused", "done"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One step as it stands. run_id: of its run, "" before it and where there was nothing to do."""

    words: str
    run_id: str
    state: StepState
    message: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """A chain as it stands. problem: why it is paused, "" where it is not. kind: what whoever started it called it.

    waive: findings that it goes on with once they are accepted, by name with their sentence.
    """

    id: str
    title: str
    kind: str
    steps: tuple[ChainStep, ...]
    state: ChainState
    problem: str
    by: str
    at: str
    waive: Mapping[str, str]


@contextmanager
def chains_held() -> Iterator[None]:
    """A block in which no other thread starts, stops or goes on with a chain: to look at them, and then act on it."""
    with _lock:
        yield


def start_chain(
    store: Store, runs: Runs, title: str, steps: Sequence[Mapping[str, Any]], actor: str, kind: str = ""
) -> str:
    """The id of a new chain whose first step has started. BadRequest, with nothing kept, where it cannot start."""
    check_steps(steps)
    rows = [dict(step) for step in steps]
    at = now()
    chain_id = content_id(title, rows, actor, at)
    body: Json = {
        "title": title, "kind": kind, "steps": rows, "by": actor, "at": at, "on": runs.on, "nothing": {}, "stuck": None
    }  # fmt: skip
    with chains_held():
        store.define(KIND, chain_id, body, actor)
        stuck = _go_through(store, runs, chain_id)
        if stuck and run_of_step(runs, chain_id, 0) is None:
            store.define(KIND, chain_id, None, actor)
            raise BadRequest(stuck)
    return chain_id


def advance(store: Store, runs: Runs) -> None:
    """Starts the next step of each chain whose last one is done. Called again it changes nothing."""
    for chain_id in store.definitions(KIND):
        try:
            with chains_held():
                _go_through(store, runs, chain_id)
        except Exception:  # one odd chain must not keep the others from going on
            log.exception("Chain %s cannot go on just now.", chain_id)


def _go_through(store: Store, runs: Runs, chain_id: str, again: bool = False) -> str:
    """Starts the step that is due, if one is; why it could not, or "".

    again: somebody has asked for it anew, so a step whose run was deleted gets another. What fails while the app is
    closed is tried again at its next start.
    """
    body = store.definitions(KIND).get(chain_id)
    if body is None or body["stuck"]:
        return body["stuck"]["problem"] if body else ""
    for index in range(len(body["steps"])):
        now_at = _stands(store, runs, chain_id, body)
        if now_at.settled(index):
            continue
        run, lost = now_at.had.get(index), now_at.lost(index)
        if (lost and not again) or (run is not None and run.state != "done" and not lost):
            return ""
        try:
            nothing = _start(store, runs, chain_id, body, index, again)
        except ThudError as error:
            if runs.closing:
                return str(error)
            log.warning("Step %d of “%s” cannot start: %s", index + 1, body["title"], error)
            waive = error.waive if isinstance(error, Blocked) else {}
            stuck = {**_stuck(index, str(error)), "waive": waive}
            store.define(KIND, chain_id, {**body, "stuck": stuck}, body["by"])
            return str(error)
        if not nothing:
            return ""
        body = {**body, "nothing": {**body["nothing"], str(index): nothing}}
        store.define(KIND, chain_id, body, body["by"])
    return ""


def _stuck(index: int, problem: str, held: bool = False) -> Json:
    """Why a chain does not go on by itself. held: somebody has stopped it there; else that step could not start."""
    return {"step": index, "problem": problem, "held": held}


def _start(store: Store, runs: Runs, chain_id: str, body: Json, index: int, again: bool) -> str:
    """Starts a step; the words where there is nothing to do for it."""
    had = {number: run for number, run in _had(runs).get(chain_id, {}).items() if number < index + (not again)}
    with marked(chain=[chain_id, index]), worked_on(body.get("on")):  # one of an earlier thud does not say where
        return start_step(store, runs, At(body["steps"], index, had), body["by"])


def _is_done(step: Mapping[str, Any], run: Run | None) -> bool:
    """Whether a step has had its own run; one that trains may have had an export before it."""
    return run is not None and run.state == "done" and run.kind in DOES[step["do"]]


def run_of_step(runs: Runs, chain_id: str, index: int) -> Run | None:
    """The latest run of a step, None before there is one."""
    return _had(runs).get(chain_id, {}).get(index)


Had = Mapping[int, Run]


def _had(runs: Runs) -> dict[str, dict[int, Run]]:
    """By chain and step the latest run."""
    found: dict[str, dict[int, Run]] = {}
    for run in sorted(runs.runs(), key=lambda run: run.created_at):
        if "chain" in run.settings:
            chain_id, index = run.settings["chain"]
            found.setdefault(chain_id, {})[index] = run
    return found


@dataclass(frozen=True, slots=True)
class _Stands:
    """Where a chain stands: its definition, by step the latest run, and which runs were deleted."""

    body: Json
    had: Had
    deleted: Collection[str]

    def settled(self, index: int) -> bool:
        """Whether nothing is left to do for a step. A run that was deleted counts as long as no later step needs it."""
        if str(index) in self.body["nothing"]:
            return True
        run = self.had.get(index)
        if run is None or not _is_done(self.body["steps"][index], run):
            return False
        return run.id not in self.deleted or not self.needed(index)

    def needed(self, index: int) -> bool:
        """Whether a step that is still to be done goes on from that one."""
        return not all(map(self.settled, needing(self.body["steps"], index)))

    def lost(self, index: int) -> bool:
        """Whether a step has to be done anew, as its run was deleted."""
        run = self.had.get(index)
        return run is not None and run.id in self.deleted and not self.settled(index)

    def due(self) -> int:
        """The first step that is not settled; the last one where all are."""
        steps = range(len(self.body["steps"]))
        return next((index for index in steps if not self.settled(index)), steps[-1])


def _stands(store: Store, runs: Runs, chain_id: str, body: Json) -> _Stands:
    return _Stands(body, _had(runs).get(chain_id, {}), store.definitions(HIDDEN))


def needed_runs(store: Store, runs: Runs) -> dict[str, str]:
    """Runs that a chain at work goes on from later, by id, with the title of the chain."""
    bodies, had, deleted = store.definitions(KIND), _had(runs), store.definitions(HIDDEN)
    found: dict[str, str] = {}
    for chain_id, body in bodies.items():
        now_at = _Stands(body, had.get(chain_id, {}), deleted)
        needed = [run for index, run in now_at.had.items() if now_at.needed(index)]
        if needed and _view(chain_id, now_at).state == "running":
            found |= {run.id: body["title"] for run in needed}
    return found


def chains(store: Store, runs: Runs, most: int | None = None) -> list[ChainView]:
    """The newest chains first, `most` of them at most."""
    bodies, had, deleted = store.definitions(KIND), _had(runs), store.definitions(HIDDEN)
    newest = sorted(bodies, key=lambda name: str(bodies[name]["at"]), reverse=True)[:most]
    return [_view(name, _Stands(bodies[name], had.get(name, {}), deleted)) for name in newest]


def chain(store: Store, runs: Runs, chain_id: str) -> ChainView:
    """The chain of that id. NotFound."""
    return _view(chain_id, _stands(store, runs, chain_id, _body(store, chain_id)))


def _body(store: Store, chain_id: str) -> Json:
    body: Json | None = store.definitions(KIND).get(chain_id)
    if body is None:
        raise NotFound(f"There is no chain {chain_id[:40]}.")
    return body


def _view(chain_id: str, now_at: _Stands) -> ChainView:
    body = now_at.body
    steps = tuple(_step(now_at, index) for index in range(len(body["steps"])))
    problem = next((step.message for step in steps if step.state in _BROKEN), "")
    problem = problem or (body["stuck"]["problem"] if body["stuck"] else "")
    if any(step.state in ("running", "waiting") for step in steps):
        state: ChainState = "running"
    else:
        done, broken = (all(step.state == "done" for step in steps), any(step.state in _BROKEN for step in steps))
        state = "done" if done else "paused" if problem or broken else "running"
    shown = problem if state == "paused" else ""
    waive = _acceptable(body) if state == "paused" else {}
    return ChainView(chain_id, body["title"], body["kind"], steps, state, shown, body["by"], body["at"], waive)


def _acceptable(body: Json) -> dict[str, str]:
    """What can be accepted, by name with its sentence, so that the step starts that could not."""
    return dict((body["stuck"] or {}).get("waive", {}))


def _step(now_at: _Stands, index: int) -> ChainStep:
    body, run = now_at.body, now_at.had.get(index)
    step = body["steps"][index]
    words = step_words(step)
    if str(index) in body["nothing"]:
        return ChainStep(words, "", "done", body["nothing"][str(index)])
    stuck = body["stuck"] if body["stuck"] and body["stuck"]["step"] == index else None
    if stuck and not stuck.get("held"):
        return ChainStep(words, run.id if run else "", "failed", stuck["problem"])
    if run is None:
        return ChainStep(words, "", "stopped" if stuck else "ahead", stuck["problem"] if stuck else "")
    if now_at.lost(index):
        return ChainStep(words, "", "stopped", "Its run was deleted; go on to start another.")
    if run.state == "done" and not _is_done(step, run):  # its export is there, its training not yet
        return ChainStep(words, run.id, "stopped" if stuck else "running", stuck["problem"] if stuck else run.message)
    return ChainStep(words, run.id, _state(run), run.message)


def _state(run: Run) -> StepState:
    if run.state == "cancelled":
        return "stopped"
    if run.state == "queued":
        return "waiting" if run.message else "running"
    return run.state


def go_on(store: Store, runs: Runs, chain_id: str, actor: str, waive: Collection[str] = ()) -> None:
    """Takes a paused chain up: resumes the run that stopped or failed, or tries the step that could not start.

    waive: names of findings that are accepted from now on, of those that the chain waits for; else BadRequest.
    """
    with chains_held():
        body = _body(store, chain_id)
        now_at = _stands(store, runs, chain_id, body)
        index = now_at.due()
        run, lost = now_at.had.get(index), now_at.lost(index)
        if run is not None and run.state not in ENDED:
            told = "is still stopping; try again when it has" if body["stuck"] else "is not paused"
            raise BadRequest(f"“{body['title']}” {told}.")
        broken = run is not None and run.state in ("failed", "cancelled")
        if not (broken or lost or body["stuck"]):
            raise BadRequest(f"“{body['title']}” is not paused.")
        body = _accepting(body, waive)
        if body["stuck"] is not None:
            store.define(KIND, chain_id, {**body, "stuck": None}, actor)
        if run is not None and broken and not lost:
            runs.resume(run.id)
        else:
            _go_through(store, runs, chain_id, again=True)


def _accepting(body: Json, names: Collection[str]) -> Json:
    """The same with those findings accepted by the step that could not start."""
    for name in names:
        if name not in _acceptable(body):
            raise BadRequest(f"“{body['title']}” does not wait for “{name[:40]}” to be accepted. Go on without that.")
    if not names:
        return body
    at, steps = body["stuck"]["step"], list(body["steps"])
    steps[at] = {**steps[at], "waive": [*steps[at].get("waive", ()), *names]}
    return {**body, "steps": steps}


def stop_chain(store: Store, runs: Runs, chain_id: str, actor: str, now: bool = False) -> None:
    """Pauses the chain and asks its run to stop; now: ends it at once. BadRequest where nothing is at work.

    The chain is paused even where its run comes to its end all the same, or the next step is about to start.
    """
    with chains_held():
        body = _body(store, chain_id)
        if chain(store, runs, chain_id).state != "running":
            raise BadRequest(f"Nothing of “{body['title']}” is at work just now.")
        now_at = _stands(store, runs, chain_id, body)
        index = now_at.due()
        store.define(KIND, chain_id, {**body, "stuck": _stuck(index, f"Stopped by {actor}.", held=True)}, actor)
        run = now_at.had.get(index)
    if run is not None and run.state not in ENDED:
        with suppress(BadRequest):  # it has ended meanwhile
            runs.cancel(run.id, wait_s=0, now=now)


def wait_chain(store: Store, runs: Runs, chain_id: str, timeout_s: float | None = None) -> ChainView:
    """The chain once it is done or paused, or as it stands after `timeout_s`."""
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while (view := chain(store, runs, chain_id)).state == "running" and (end is None or time.monotonic() < end):
        time.sleep(_POLL_S)
    return view

"""Chains: build pairs, train, ask, one after the other, each step a run; stopping and resuming a run pauses the chain.

A chain is a definition of the store, and each of its runs carries settings["chain"] = [its id, number of the step]. So
where it stands follows from its runs alone, and an app that was closed in the middle goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from thud.errors import BadRequest, NotFound, ThudError
from thud.records import Run, content_id
from thud.runs.chain_steps import DOES, At, check_steps, start_step, step_words
from thud.runs.folder import ENDED
from thud.runs.follow import now
from thud.runs.run import marked

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

log = logging.getLogger("thud.runs")

KIND = "chain"
_LOCK = threading.RLock()
_POLL_S = 0.2
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
    """A chain as it stands. problem: why it is paused, "" where it is not. kind: what whoever started it called it."""

    id: str
    title: str
    kind: str
    steps: tuple[ChainStep, ...]
    state: ChainState
    problem: str
    by: str
    at: str


def start_chain(
    store: Store, runs: Runs, title: str, steps: Sequence[Mapping[str, Any]], actor: str, kind: str = ""
) -> str:
    """The id of a new chain whose first step has started. BadRequest, with nothing kept, where it cannot start."""
    check_steps(steps)
    rows = [dict(step) for step in steps]
    at = now()
    chain_id = content_id(title, rows, actor, at)
    body: Json = {"title": title, "kind": kind, "steps": rows, "by": actor, "at": at, "nothing": {}, "stuck": None}
    with _LOCK:
        store.define(KIND, chain_id, body, actor)
        stuck = _go_through(store, runs, chain_id)
        if stuck and run_of_step(runs, chain_id, 0) is None:
            store.define(KIND, chain_id, None, actor)
            raise BadRequest(stuck)
    return chain_id


def advance(store: Store, runs: Runs) -> None:
    """Starts the next step of each chain whose last one is done. Called again it changes nothing."""
    with _LOCK:
        for chain_id in store.definitions(KIND):
            _go_through(store, runs, chain_id)


def _go_through(store: Store, runs: Runs, chain_id: str, again: bool = False) -> str:
    """Starts the step that is due, if one is; why it could not, or "". again: somebody has asked for it anew.

    What fails while the app is closed is tried again at its next start.
    """
    body = store.definitions(KIND).get(chain_id)
    if body is None or body["stuck"]:
        return body["stuck"]["problem"] if body else ""
    for index, step in enumerate(body["steps"]):
        if str(index) in body["nothing"] or _is_done(step, run_of_step(runs, chain_id, index)):
            continue
        run = run_of_step(runs, chain_id, index)
        if run is not None and run.state != "done":
            return ""
        try:
            nothing = _start(store, runs, chain_id, body, index, again)
        except ThudError as error:
            if runs.closing:
                return str(error)
            log.warning("Step %d of “%s” cannot start: %s", index + 1, body["title"], error)
            store.define(KIND, chain_id, {**body, "stuck": {"step": index, "problem": str(error)}}, body["by"])
            return str(error)
        if not nothing:
            return ""
        body = {**body, "nothing": {**body["nothing"], str(index): nothing}}
        store.define(KIND, chain_id, body, body["by"])
    return ""


def _start(store: Store, runs: Runs, chain_id: str, body: Json, index: int, again: bool) -> str:
    """Starts a step; the words where there is nothing to do for it."""
    had = {number: run for number in range(index + 1) if (run := run_of_step(runs, chain_id, number))}
    if again:
        had.pop(index, None)
    with marked(chain=[chain_id, index]):
        return start_step(store, runs, At(body["steps"], index, had), body["by"])


def _is_done(step: Mapping[str, Any], run: Run | None) -> bool:
    """Whether a step has had its own run; one that trains may have had an export before it."""
    return run is not None and run.state == "done" and run.kind in DOES[step["do"]]


def run_of_step(runs: Runs, chain_id: str, index: int) -> Run | None:
    """The latest run of a step, None before there is one."""
    mark = [chain_id, index]
    found = [run for run in runs.runs() if run.settings.get("chain") == mark]
    return max(found, key=lambda run: run.created_at, default=None)


def chains(store: Store, runs: Runs) -> list[ChainView]:
    """All chains, the newest first."""
    bodies = store.definitions(KIND)
    return [_view(runs, name, bodies[name]) for name in sorted(bodies, key=lambda name: bodies[name]["at"])[::-1]]


def chain(store: Store, runs: Runs, chain_id: str) -> ChainView:
    """The chain of that id. NotFound."""
    return _view(runs, chain_id, _body(store, chain_id))


def _body(store: Store, chain_id: str) -> Json:
    body: Json | None = store.definitions(KIND).get(chain_id)
    if body is None:
        raise NotFound(f"There is no chain {chain_id[:40]}.")
    return body


def _view(runs: Runs, chain_id: str, body: Json) -> ChainView:
    steps = tuple(_step(runs, chain_id, body, index) for index in range(len(body["steps"])))
    problem = body["stuck"]["problem"] if body["stuck"] else ""
    problem = problem or next((step.message for step in steps if step.state in ("failed", "stopped")), "")
    paused = bool(problem) or any(step.state in ("failed", "stopped") for step in steps)
    state: ChainState = "done" if all(step.state == "done" for step in steps) else "paused" if paused else "running"
    return ChainView(chain_id, body["title"], body["kind"], steps, state, problem, body["by"], body["at"])


def _step(runs: Runs, chain_id: str, body: Json, index: int) -> ChainStep:
    step = body["steps"][index]
    words, run = step_words(step), run_of_step(runs, chain_id, index)
    if str(index) in body["nothing"]:
        return ChainStep(words, "", "done", body["nothing"][str(index)])
    if body["stuck"] and body["stuck"]["step"] == index:
        return ChainStep(words, run.id if run else "", "failed", body["stuck"]["problem"])
    if run is None:
        return ChainStep(words, "", "ahead", "")
    between = run.state == "done" and not _is_done(step, run)
    return ChainStep(words, run.id, "running" if between else _state(runs, run), run.message)


def _state(runs: Runs, run: Run) -> StepState:
    if run.state == "cancelled":
        return "stopped"
    if run.state == "queued":
        return "waiting" if runs.waits_for(run.id) else "running"
    return run.state


def go_on(store: Store, runs: Runs, chain_id: str, actor: str) -> None:
    """Takes a paused chain up: resumes the run that stopped or failed, or tries the step that could not start."""
    with _LOCK:
        body = _body(store, chain_id)
        if body["stuck"] is not None:
            store.define(KIND, chain_id, {**body, "stuck": None}, actor)
            _go_through(store, runs, chain_id, again=True)
            return
        found = (run_of_step(runs, chain_id, index) for index in range(len(body["steps"])))
        paused = next((run for run in found if run and run.state in ("failed", "cancelled")), None)
        if paused is None:
            raise BadRequest(f"“{body['title']}” is not paused.")
        runs.resume(paused.id)


def stop_chain(store: Store, runs: Runs, chain_id: str, actor: str) -> None:
    """Asks the chain's run to stop, which pauses it. BadRequest where none is active."""
    body = _body(store, chain_id)
    found = (run_of_step(runs, chain_id, index) for index in range(len(body["steps"])))
    active = next((run for run in found if run and run.state not in ENDED), None)
    if active is None:
        raise BadRequest(f"Nothing of “{body['title']}” is at work just now.")
    runs.cancel(active.id, wait_s=0)


def wait_chain(store: Store, runs: Runs, chain_id: str, timeout_s: float | None = None) -> ChainView:
    """The chain once it is done or paused, or as it stands after `timeout_s`."""
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while (view := chain(store, runs, chain_id)).state == "running" and (end is None or time.monotonic() < end):
        time.sleep(_POLL_S)
    return view

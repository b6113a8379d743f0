"""Testing alone whether a listener hears: the canary as a run of its own, before anything is planned or paid for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.listeners.roster import Listener, endpoint_of
from thud.listeners.roster import to_json as listener_json
from thud.providers import check_key
from thud.records import ARMS, Run
from thud.runs.jobs import canary
from thud.runs.listening.gate import canary_needed

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

HEARING_ARMS = tuple(arm for arm in ARMS if arm != "picture_only")


def canary_name(key: str, arm: str) -> str:
    """The name under which the store keeps how a listener of that key fared in that arm."""
    return f"{key}.{arm}"


def canaries(store: Store, runs: Runs) -> dict[str, dict[str, Any]]:
    """How every canary went, by `canary_name`, each with "at": when its last run ended, "" where no run is known."""
    kept = store.definitions("canary")
    ended: dict[str, str] = {}
    for run in runs.runs():
        name = canary_name(str(run.settings.get("listener_key", "")), str(run.settings.get("arm", "")))
        if run.kind in ("canary", "listen") and name in kept:
            ended[name] = max(ended.get(name, ""), run.finished_at or run.created_at)
    return {name: {**body, "at": ended.get(name, "")} for name, body in kept.items()}


def start_canary(runs: Runs, listener: Listener, arm: str, actor: str) -> Run:
    """The run that asks the six questions once. BadRequest or MissingPart, with nothing started, when it cannot."""
    if arm not in listener.allowed_arms or not canary_needed(listener, arm):
        raise BadRequest(f"{listener.label} is given no sound to hear in the arm {arm}: there is nothing to test.")
    if listener.asks:
        check_key(endpoint_of(listener))
    key = listener.key()
    about = {"listener_key": key, "arm": arm}
    if busy := runs.going_on((canary.kind,), lambda settings: about.items() <= settings.items()):
        raise BadRequest(busy)
    # Drawn for each test, so that what the server said before it was mended is not taken for what it says now; kept in
    # the plan, so that a test that was stopped asks nothing twice when it goes on.
    seed = random.randrange(10**6)
    line = {
        **about, "key": canary_name(key, arm), "subject": listener.name, "listener": listener_json(listener),
        "seed": seed, "by": actor,
    }  # fmt: skip
    title = f"Test the hearing of {listener.name}: {arm.replace('_', ' ')}"
    settings = {**about, "listener": line["listener"], "seed": seed}
    return runs.start(canary.kind, title, settings, [line], actor, workers=1, limit_s=canary.LIMIT_S)

"""/api/listeners: who can be tested, what they are asked, what that would cost, testing that they hear, and starting.

A key's value is neither given nor taken: what looks like one is refused, since the page names variables only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request

from thud.errors import BadRequest, NotFound
from ui.body import text
from ui.house import House, actor

if TYPE_CHECKING:
    from thud.listeners.roster import Listener
    from thud.runs.listening.listen import ListenPlan, Wanted
    from thud.store import Store

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
MOST_CLIPS = 100_000
SHORTEST_KEY = 8
NOT_A_KEY = "Name the environment variable that holds it, as in GEMINI_API_KEY, and set that where thud is started."
SECRET_NAMES = re.compile(r"(api_?key|secret|token|password|bearer|authorization|credential)s?", re.IGNORECASE)
KEY_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(sk-|AIza|hf_|nvapi-|gsk_|xai-|gh[pousr]_|pplx-|Bearer )[\w-]{6,}|[?&](api_?)?(key|token)=",
    re.IGNORECASE,
)
MIXED = re.compile(r"[A-Za-z0-9]{24,}")


def listeners_router(house: House) -> APIRouter:
    """Routes over listeners and question sets."""
    router = APIRouter(prefix="/api/listeners")
    _roster(router, house)
    _sets(router, house)
    _asking(router, house)
    return router


def _roster(router: APIRouter, house: House) -> None:
    @router.get("")
    def all_listeners() -> Json:
        return _everything(house)

    @router.post("/save")
    def save(request: Request, body: JsonBody) -> Json:
        refuse_keys(body)
        return _save(house, body, actor(request))

    @router.post("/remove")
    def remove(request: Request, body: JsonBody) -> Json:
        name = text(body, "name", 80)
        if name not in house.store.definitions("listener"):
            raise NotFound(f"“{name}” is none of your own listeners: there is nothing to remove.")
        house.store.define("listener", name, None, actor(request))
        return {"removed": name}


def _sets(router: APIRouter, house: House) -> None:
    @router.get("/sets/{set_id}")
    def one_set(set_id: str) -> Json:
        from thud.runs.listening.listen import find_question_set
        from ui.results.listeners import set_full

        return set_full(find_question_set(house.store, set_id))

    @router.post("/sets/save")
    def save_set(request: Request, body: JsonBody) -> Json:
        refuse_keys(body)
        return _save_set(house, body.get("set"), actor(request))


def _asking(router: APIRouter, house: House) -> None:
    @router.post("/plan")
    def plan(body: JsonBody) -> Json:
        from thud.runs.listening.canary import canaries
        from ui.results.listeners import plan_json

        plans, refused = _plans(house, body)
        return plan_json(plans, refused, canaries(house.store, house.runs))

    @router.post("/start")
    def start(request: Request, body: JsonBody) -> Json:
        return _start(house, body, actor(request))

    @router.post("/canary")
    def canary(request: Request, body: JsonBody) -> Json:
        from thud.runs.listening.canary import start_canary

        run = start_canary(house.runs, _listener(house, body), text(body, "arm", 40), actor(request))
        return {"run": run.id, "title": run.title}


def _everything(house: House) -> Json:
    from thud.records import CONDITIONS, TASKS
    from thud.runs.listening.canary import canaries
    from thud.runs.listening.listen import listeners, question_sets
    from ui.results.listeners import choices, listener_row, owned, set_row

    known, tested = listeners(house.store), canaries(house.store, house.runs)
    stimuli = house.store.stimuli()
    built = [stimulus.condition for stimulus in stimuli]
    return {
        "listeners": [listener_row(one, owner, tested) for one, owner in owned(known)],
        "sets": [set_row(one) for one in question_sets(house.store).values()],
        "tasks": list(TASKS),
        "conditions": [{"id": one, "stimuli": built.count(one)} for one in CONDITIONS],
        "clips": len({stimulus.clip_id for stimulus in stimuli}),
        **choices(),
    }


def _save(house: House, body: Json, who: str) -> Json:
    """Keeps a listener under its name. was: the name it had before, "" for a new one."""
    from thud.listeners.roster import LISTENERS, parse_listener, to_json
    from thud.runs.listening.canary import canaries
    from thud.runs.listening.listen import listeners
    from ui.results.listeners import listener_row

    was = text(body, "was", 80, "")
    listener = parse_listener(body.get("listener"))
    taken = {name.casefold(): name for name in listeners(house.store)}
    if listener.name.casefold() in {name.casefold() for name in LISTENERS}:
        raise BadRequest(f"The name “{listener.name}” belongs to a listener that ships with thud. Choose another name.")
    other = taken.get(listener.name.casefold())
    if other is not None and other != was:
        raise BadRequest(f"There is a listener with the name “{other}” already. Choose another name.")
    house.store.define("listener", listener.name, to_json(listener), who)
    if was not in ("", listener.name) and was in house.store.definitions("listener"):
        house.store.define("listener", was, None, who)
    return {"listener": listener_row(listener, "yours", canaries(house.store, house.runs))}


def _save_set(house: House, row: object, who: str) -> Json:
    """Keeps a set under the id that follows from its questions. An edited set is another set."""
    from thud.listeners.questions import parse_question_set, to_json
    from thud.runs.listening.listen import question_sets
    from ui.results.listeners import set_full

    made = parse_question_set(row)
    held = question_sets(house.store)
    if made.id in held:
        raise BadRequest(f"These are the questions of “{held[made.id].name}”. Change a question to make another set.")
    if made.name.casefold() in {one.name.casefold() for one in held.values()}:
        raise BadRequest(f"There is a question set with the name “{made.name}” already. Choose another name.")
    house.store.define("question_set", made.id, to_json(made), who)
    return {"set": set_full(made)}


def _listener(house: House, body: Json) -> Listener:
    from thud.listeners.roster import PRESETS
    from thud.runs.listening.listen import listeners

    name = text(body, "listener", 80)
    known = {**{one.name: one for one in PRESETS}, **listeners(house.store)}
    if name not in known:
        raise NotFound(f"There is no listener “{name}”. Reload the page: it may have been renamed or removed.")
    return known[name]


def _plans(house: House, body: Json) -> tuple[list[ListenPlan], list[tuple[str, str]]]:
    """A plan for each arm, and (arm, why not) for arms in which this listener cannot be asked."""
    from thud.runs.listening.listen import plan_listening

    listener, wanted = _listener(house, body), _wanted(house, body)
    plans, refused = [], []
    for one in wanted:
        if one.arm in listener.allowed_arms:
            plans.append(plan_listening(house.store, house.runs, listener, one))
        else:
            refused.append((one.arm, f"{listener.label} cannot be asked in the arm {one.arm.replace('_', ' ')}."))
    if listener.backend == "local" and len(plans) > 1:
        refused.append(("", "A model on this machine is asked in one arm at a time: the weights fit in memory once."))
    return plans, refused


def _wanted(house: House, body: Json) -> list[Wanted]:
    from thud.records import ARMS, CONDITIONS, TASKS
    from thud.runs.listening.listen import Wanted, find_question_set

    questions = find_question_set(house.store, text(body, "set", 80))
    tasks = _some(body, "tasks", TASKS)
    conditions = None if body.get("conditions") is None else _some(body, "conditions", CONDITIONS)
    clips = _clips(body)
    again, override = _flag(body, "again"), _flag(body, "override")
    return [Wanted(questions, arm, tasks, clips, conditions, again, override) for arm in _some(body, "arms", ARMS)]


def _some(body: Json, name: str, legal: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a list that were chosen, in the usual order."""
    value = body.get(name)
    if not isinstance(value, list) or not value or not all(one in legal for one in value):
        raise BadRequest(f"{name}: choose at least one of {', '.join(legal).replace('_', ' ')}.")
    return tuple(one for one in legal if one in value)


def _clips(body: Json) -> tuple[str, ...] | None:
    value = body.get("clips")
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MOST_CLIPS or not all(isinstance(one, str) for one in value):
        raise BadRequest("clips is a list of clip ids, or null for all of them.")
    if not value:
        raise BadRequest("The filter lets no clip through. Change it, or ask about all clips.")
    return tuple(value)


def _flag(body: Json, name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is true or false.")
    return value


def _start(house: House, body: Json, who: str) -> Json:
    """A run for each arm that has something left to ask. A preset that is asked becomes one of the users' own."""
    from thud.runs.listening.listen import start_listening

    plans, refused = _plans(house, body)
    if refused:
        raise BadRequest(refused[0][1])
    for plan in plans:
        if plan.blocked:  # nothing is started when one of the arms cannot be
            raise BadRequest(plan.blocked)
    left = [plan for plan in plans if plan.items]
    if not left:
        raise BadRequest("There is nothing to ask: every item has an outcome, or cannot be asked.")
    keep_preset(house.store, left[0].listener, who)
    runs = [start_listening(house.store, house.runs, plan, who) for plan in left]
    return {"runs": [{"id": run.id, "title": run.title} for run in runs]}


def keep_preset(store: Store, listener: Listener, who: str) -> None:
    """Makes a preset one of the users' own, so that what was asked is known when presets change. Else does nothing."""
    from thud.listeners.roster import LISTENERS, to_json

    if listener.name not in LISTENERS and listener.name not in store.definitions("listener"):
        store.define("listener", listener.name, to_json(listener), who)


# --- keys


def refuse_keys(body: Json) -> None:
    """Returns when no text in the body looks like a key or holds one of this machine's. BadRequest never repeats it."""
    secrets = [
        value.strip()
        for name, value in os.environ.items()
        if name.endswith(("_KEY", "_TOKEN")) and len(value.strip()) >= SHORTEST_KEY
    ]
    for name, value in _texts("", body):
        if SECRET_NAMES.fullmatch(name):
            raise BadRequest(f"thud takes no {name}. {NOT_A_KEY}")
        long = name in ("key_env", "model", "base_url", "name") and any(_random(run) for run in MIXED.findall(value))
        if long or KEY_SHAPES.search(value) or any(secret in value for secret in secrets):
            raise BadRequest(f"{name} looks like a key, and keys are never stored. {NOT_A_KEY}")


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """(field, text) of everything in a body, however deep."""
    left = [(name, value)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += [(str(key)[:40], inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(name, inner) for inner in value]
        elif isinstance(value, str):
            yield name, value


def _random(run: str) -> bool:
    """Whether letters and digits are thrown together as in no name of a model."""
    return run.lower() != run != run.upper() and any(sign.isdigit() for sign in run)

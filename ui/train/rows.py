"""Runs, chains and what there is to train with and on, as the Train page reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from ui.train.asked import after_of, rest_yaml, wanted_json, wanted_of, wrong_field
from ui.train.facts import facts_of, stopping
from ui.train.seen import seen

if TYPE_CHECKING:
    from thud.runs.chain import ChainStep, ChainView
    from thud.runs.run import Runs
    from thud.runs.training import TrainPlan, TrainRun, TrainWanted
    from thud.runs.training.afterwards import Afterwards
    from ui.house import House

Json = dict[str, Any]
LEAD = (
    "It builds pairs, trains the small model twice and asks it on clips it has never seen: a few minutes on two cores. "
    "Good for seeing the whole path once."
)
SHORT = {"out of memory": "Memory did not suffice", "disk full": "The disk is full", "no number": "is no number"}
"""What stands in a table cell for a sentence that holds these words."""


def overview_json(house: House) -> Json:
    """Everything the page begins with; quick, for the machine is not looked at."""
    from thud.runs.jobs.train_export import TOKEN
    from thud.runs.training import default_device, train_runs

    now = seen(house.runs)
    runs, chained = train_runs(house.store, now), _chains(house, now)
    recipes = _recipes()
    bases = ["tiny", *(str(one["config"].get("base", "")) for one in recipes)]
    return {
        "recipes": recipes,
        "bases": list(dict.fromkeys(name for name in bases if name)),
        "sets": _sets(house),
        "adapters": [_adapter(one) for one in runs if one.adapter and one.state == "done"],
        "runs": [run_row(one) for one in runs],
        "chains": [chain_row(now, one, runs) for one in chained],
        "device": default_device(),
        "hub": bool(os.environ.get(TOKEN, "").strip()),
        "demo": _demo(house, now, chained),
    }


def _recipes() -> list[Json]:
    """The recipes that ship, each read again only when its file has changed."""
    from thud.runs.training import recipe_names
    from thud.runs.training.wanted import RECIPES

    return [_recipe(name, (RECIPES / f"{name}.yaml").stat().st_mtime_ns) for name in recipe_names()]


@lru_cache(maxsize=64)
def _recipe(name: str, _changed: int) -> Json:
    from thud.runs.training import recipe_config

    config = recipe_config(name)
    return {"name": name, "config": config, "stage": config.get("stage", "")}


def _chains(house: House, now: Runs) -> list[ChainView]:
    """All chains that are not done, the newest first, and behind them the newest that has taught and is done."""
    from thud.runs.chain import chains
    from thud.runs.training.afterwards import AFTER
    from thud.runs.training.teaching import TEACH

    found = chains(house.store, now)
    taught = (one for one in found if one.state == "done" and one.kind in (TEACH, AFTER))
    return [*(one for one in found if one.state != "done"), *islice(taught, 1)]


def _sets(house: House) -> list[Json]:
    from thud.runs.pairs.sets import pair_sets

    found = pair_sets(house.store).items()
    return [
        {"id": name, **{key: one[key] for key in ("title", "stage", "pairs")}} for name, one in found if one["pairs"]
    ]


def _adapter(one: TrainRun) -> Json:
    best = one.held_out.best
    return {
        "run": one.run.id, "name": one.name, "stage": one.stage, "base": one.run.settings["base"], "of": one.base,
        "full": one.run.settings["config"].get("tuning") == "full",
        "step": best["step"] if best else one.checkpoint or one.step,
    }  # fmt: skip


def _demo(house: House, now: Runs, chained: list[ChainView]) -> Json:
    """problem: looked up only where nothing goes on, for only then is the button there."""
    from thud.runs.training.teaching import demo_note, demo_problem, has_demo

    here, idle = has_demo(house.store), all(one.state != "running" for one in chained)
    return {
        "here": here, "problem": demo_problem(house.store, now) if here and idle else "",
        "lead": LEAD, "note": demo_note(house.store) if here else "",
    }  # fmt: skip


def run_row(one: TrainRun) -> Json:
    """A run as the table and its own panel show it. Shares of held-out questions, None where nothing was asked.

    seconds: that it trained, without waiting and without what was thrown away; None while it is at work.
    """
    return {
        "run": one.run.id, "name": one.name, "stage": one.stage, "base": one.base, "data": one.data,
        "recipe": one.recipe, "state": one.state, "words": one.words, "next": one.next, "short": _short(one),
        "step": one.step, "of": one.of, "eta_s": one.eta_s, "seconds_per_step": one.seconds_per_step,
        "tokens_per_s": one.tokens_per_s, "memory_gb": one.memory_gb, "expected_gb": one.expected_gb,
        "checkpoint": one.checkpoint, "seconds": one.trained_s if one.state in ENDED else None,
        "held_out": {name: _share(getattr(one.held_out, name)) for name in ROUNDS},
        "alerts": [dict(each) for each in one.alerts], "adapter": one.adapter, "listener": one.listener,
        "device": one.device, "on": one.on, "started_by": one.started_by, "at": one.run.created_at,
        "resumable": one.resumable, "deletable": one.deletable, "command": one.command,
    }  # fmt: skip


ROUNDS, ENDED = ("first", "last", "best"), ("done", "failed", "stopped")


def _share(line: Mapping[str, Any] | None) -> float | None:
    return None if not line else line.get("accuracy", {}).get("all")


def _short(one: TrainRun) -> str:
    if one.state != "failed":
        return ""
    return next((short for short, words in SHORT.items() if words in one.words), "see the log")


def chain_row(now: Runs, one: ChainView, runs: list[TrainRun]) -> Json:
    """A chain as the strip shows it. last: the newest run that it has trained, by name. state: also "stopping".

    waive: findings that it can go on with, by name with their sentence.
    """
    names = {each.run.id: each for each in runs}
    steps = [_step(now, step, names) for step in one.steps]
    last = next((step["name"] for step in reversed(steps) if step["name"]), "")
    stopping = any(step["state"] == "stopping" for step in steps)
    return {
        "id": one.id, "title": one.title, "kind": one.kind, "state": "stopping" if stopping else one.state,
        "problem": "" if stopping else one.problem, "at": one.at, "steps": steps, "last": last,
        "waive": dict(one.waive),
    }  # fmt: skip


def _step(now: Runs, step: ChainStep, names: Mapping[str, TrainRun]) -> Json:
    trained = names.get(step.run_id)
    stopping = bool(step.run_id) and now.stopping_s(step.run_id) is not None
    done, of = (trained.step, trained.of) if trained else (0, 0)
    if not trained and step.run_id and step.state == "running":
        run = now.run(step.run_id)
        done, of = run.done, run.total
    return {
        "words": step.words, "run": step.run_id, "state": "stopping" if stopping else step.state,
        "message": step.message, "name": trained.name if trained else "", "done": done, "of": of,
    }  # fmt: skip


def one_run_json(house: House, run_id: str, offset: str) -> Json:
    """A run with the lines of its journal that were written since `offset`. floor: told with the first of them."""
    from thud.runs.training import metrics, train_run
    from thud.runs.training.teaching import validation_ceiling

    one = train_run(house.store, house.runs, run_id)
    lines, now, restarted = metrics(house.workspace, one.run, offset)
    if offset:
        return {"run": run_row(one), "lines": lines, "offset": now, "restarted": restarted}
    allowed = validation_ceiling(house.store, one.run.id)
    floor = None if allowed is None else {"value": allowed, "words": f"sound alone {100 * allowed:.0f}"}
    return {"run": run_row(one), "lines": lines, "offset": now, "restarted": restarted, "floor": floor}


def recipes_json(house: House) -> Json:
    """What the checker says of the machine and of each recipe. Slow when it is asked for the first time."""
    checker = house.runs.checker
    told = ("name", "title", "about", "assumptions", "verdict")
    return {
        "capability": checker.capability(house.workspace),
        "recipes": [
            {**{key: one.get(key) for key in told}, "rest": rest_yaml(one.get("config") or {})}
            for one in checker.recipes()
        ],
    }


def check_json(house: House, body: Json) -> Json:
    """What would run, and what speaks against it. quick: without looking at the machine.

    What makes no sense at all is a finding like any other: whoever fills in a form is not done yet.
    """
    quick = body.get("quick") is True
    try:
        return _checked(house, wanted_of(body), after_of(body), quick)
    except (BadRequest, NotFound) as error:
        said = str(error)
        return {
            "name": "", "command": "", "env": {}, "exports": False, "blocked": said, "facts": [stopping(said)],
            "steps": None, "passes": None, "seconds": None, "measured": "", "assumes": "", "config": _settings(body),
            "wrong": wrong_field(said), "then": None,
        }  # fmt: skip


def _settings(body: Json) -> Json:
    """All settings of a form that is not filled in yet, {} where they cannot be put together."""
    from thud.runs.training.wanted import config_of

    try:
        return config_of(wanted_of(body))
    except (BadRequest, NotFound):
        return {}


def _checked(house: House, wanted: TrainWanted, after: Afterwards, quick: bool) -> Json:
    """then: what keeps DPO from following, and everyone from being asked, "" = nothing known; None = not looked at."""
    from thud.runs.training import plan_training
    from thud.runs.training.afterwards import look_ahead

    checker = None if quick else house.runs.checker
    plan = plan_training(house.store, house.runs, wanted, checker)
    able = checker.capability(house.workspace, plan.wanted.device or "") if checker and not plan.wanted.on else {}
    ahead = None if quick else look_ahead(house.store, house.runs, wanted, plan, after, checker)
    effort, blocked = plan.check.get("effort") or {}, plan.blocked or (ahead.train if ahead else "")
    about = {
        "pairs": _pairs(house, plan), "exports": plan.exports, "waived": wanted.waive,
        "blocked": blocked,
    }  # fmt: skip
    seconds, measured = _long(house, plan, effort)
    return {
        "name": plan.name, "command": plan.command, "env": plan.env, "exports": plan.exports,
        "blocked": blocked, "facts": [] if quick else facts_of(plan.check, able, about),
        "steps": effort.get("steps") or plan.config.get("max_steps") or None, "passes": _passes(plan, effort, about),
        "seconds": seconds, "measured": measured, "assumes": effort.get("assumes", ""), "config": plan.config,
        "wrong": wrong_field(blocked), "then": ahead and {"train": ahead.train, "ask": ahead.ask},
    }  # fmt: skip


def _pairs(house: House, plan: TrainPlan) -> Mapping[str, int]:
    """Pairs of each split that would be trained on, {} where that is not known."""
    from thud.runs.pairs.files import exports, leaving
    from thud.runs.pairs.sets import find_set

    if not plan.exports:
        known = exports(house.store).get(Path(plan.config["data"]).name)
        return dict(known["splits"]) if known else {}
    counts: dict[str, int] = {}
    for line in leaving(house.store, find_set(house.store, plan.wanted.set_id)).lines:
        counts[line.split] = counts.get(line.split, 0) + 1
    return counts


def _passes(plan: TrainPlan, effort: Json, about: Json) -> float | None:
    rows = about["pairs"].get("train", 0)
    return round(effort["rows"] / rows, 1) if rows and effort.get("rows") else None


def _long(house: House, plan: TrainPlan, effort: Json) -> tuple[float | None, str]:
    """(seconds it will take, the run that this was measured in; "" where it is an estimate)."""
    from thud.runs.training import train_runs

    steps = effort.get("steps") or plan.config.get("max_steps")
    like = plan.wanted.stage, plan.config.get("base"), plan.config.get("batch_size"), plan.config.get("accumulation")
    for one in train_runs(house.store, seen(house.runs)) if steps else ():
        if one.seconds_per_step and _size(one) == like:
            return steps * one.seconds_per_step, one.name
    hours = effort.get("hours")
    return (None if hours is None else hours * 3600), ""


def _size(one: TrainRun) -> tuple[Any, ...]:
    config = one.run.settings["config"]
    return one.stage, config.get("base"), config.get("batch_size"), config.get("accumulation")


def clone_json(house: House, run_id: str) -> Json:
    """What a run was told, to be told again."""
    from thud.runs.training import clone

    return {"wanted": wanted_json(clone(house.runs.run(run_id)))}

"""Runs, chains and what there is to train with and on, as the Train page reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from ui.train.asked import rest_yaml, wanted_json, wanted_of, wrong_field
from ui.train.facts import facts_of, stopping

if TYPE_CHECKING:
    from thud.runs.chain import ChainStep, ChainView
    from thud.runs.training import TrainPlan, TrainRun, TrainWanted
    from ui.house import House

Json = dict[str, Any]
TOKEN = "HF_TOKEN"
MOST_CHAINS = 5
LEAD = (
    "It builds pairs, trains the small model twice and asks it on clips it has never seen: a few minutes on two cores. "
    "Good for seeing the whole path once."
)
SHORT = {"out of memory": "Memory did not suffice", "disk full": "The disk is full", "no number": "is no number"}
"""What stands in a table cell for a sentence that holds these words."""


def overview_json(house: House) -> Json:
    """Everything the page begins with; quick, for the machine is not looked at."""
    from thud.runs.chain import chains
    from thud.runs.training import default_device, recipe_config, recipe_names, train_runs

    runs = train_runs(house.store, house.runs)
    recipes = [{"name": name, "config": recipe_config(name)} for name in recipe_names()]
    bases = ["tiny", *(str(one["config"].get("base", "")) for one in recipes)]
    return {
        "recipes": [{**one, "stage": one["config"].get("stage", "")} for one in recipes],
        "bases": list(dict.fromkeys(name for name in bases if name)),
        "sets": _sets(house),
        "adapters": [_adapter(one) for one in runs if one.adapter],
        "runs": [run_row(one) for one in runs],
        "chains": [chain_row(house, one, runs) for one in chains(house.store, house.runs)[:MOST_CHAINS]],
        "device": default_device(),
        "hub": bool(os.environ.get(TOKEN)),
        "demo": _demo(house),
    }


def _sets(house: House) -> list[Json]:
    from thud.runs.pairs import pair_sets

    found = pair_sets(house.store).items()
    return [
        {"id": name, **{key: one[key] for key in ("title", "stage", "pairs")}} for name, one in found if one["pairs"]
    ]


def _adapter(one: TrainRun) -> Json:
    from thud.runs.training import clone

    best = one.held_out.best
    return {
        "run": one.run.id, "name": one.name, "stage": one.stage, "base": clone(one.run).base,
        "step": best["step"] if best else one.checkpoint or one.step,
    }  # fmt: skip


def _demo(house: House) -> Json:
    from thud.runs.teaching import demo_problem, has_demo

    here = has_demo(house.store)
    return {"here": here, "problem": demo_problem(house.store, house.runs) if here else "", "lead": LEAD}


def run_row(one: TrainRun) -> Json:
    """A run as the table and its own panel show it. Shares of held-out questions, None where nothing was asked."""
    return {
        "run": one.run.id, "name": one.name, "stage": one.stage, "base": one.base, "data": one.data,
        "recipe": one.recipe, "state": one.state, "words": one.words, "next": one.next, "short": _short(one),
        "step": one.step, "of": one.of, "eta_s": one.eta_s, "seconds_per_step": one.seconds_per_step,
        "tokens_per_s": one.tokens_per_s, "memory_gb": one.memory_gb, "checkpoint": one.checkpoint,
        "seconds": _seconds(one), "held_out": {name: _share(getattr(one.held_out, name)) for name in ROUNDS},
        "alerts": [dict(each) for each in one.alerts], "adapter": one.adapter, "listener": one.listener,
        "device": one.device, "on": one.on, "started_by": one.started_by, "at": one.run.created_at,
        "resumable": one.resumable, "deletable": one.deletable,
    }  # fmt: skip


ROUNDS = ("first", "last", "best")


def _share(line: Mapping[str, Any] | None) -> float | None:
    return None if not line else line.get("accuracy", {}).get("all")


def _seconds(one: TrainRun) -> float | None:
    """From its start to its end; None while it is at work."""
    try:
        began, ended = (datetime.fromisoformat(text) for text in (one.run.created_at, one.run.finished_at))
    except ValueError:
        return None
    return (ended - began).total_seconds()


def _short(one: TrainRun) -> str:
    if one.state != "failed":
        return ""
    return next((short for short, words in SHORT.items() if words in one.words), "see the log")


def chain_row(house: House, one: ChainView, runs: list[TrainRun]) -> Json:
    """A chain as the strip shows it. last: the newest run that it has trained, by name."""
    names = {each.run.id: each for each in runs}
    steps = [_step(house, step, names) for step in one.steps]
    last = next((step["name"] for step in reversed(steps) if step["name"]), "")
    return {
        "id": one.id, "title": one.title, "kind": one.kind, "state": one.state, "problem": one.problem,
        "at": one.at, "steps": steps, "last": last,
    }  # fmt: skip


def _step(house: House, step: ChainStep, names: Mapping[str, TrainRun]) -> Json:
    trained = names.get(step.run_id)
    done, of = (trained.step, trained.of) if trained else (0, 0)
    if not trained and step.run_id and step.state == "running":
        run = house.runs.run(step.run_id)
        done, of = run.done, run.total
    return {
        "words": step.words, "run": step.run_id, "state": step.state, "message": step.message,
        "name": trained.name if trained else "", "done": done, "of": of,
    }  # fmt: skip


def one_run_json(house: House, run_id: str, offset: str) -> Json:
    """A run with the lines of its journal that were written since `offset`."""
    from thud.runs.teaching import validation_ceiling
    from thud.runs.training import metrics, train_run

    one = train_run(house.store, house.runs, run_id)
    lines, now, restarted = metrics(house.workspace, one.run, offset)
    allowed = validation_ceiling(house.store, one.run.id)
    floor = None if allowed is None else {"value": allowed, "words": f"sound alone {100 * allowed:.0f}"}
    return {"run": run_row(one), "lines": lines, "offset": now, "restarted": restarted, "floor": floor}


def recipes_json() -> Json:
    """What the checker says of the machine and of each recipe. Slow when it is asked for the first time."""
    from thud.runs.checker import shared_checker

    checker = shared_checker()
    told = ("name", "title", "about", "assumptions", "verdict")
    return {
        "capability": checker.capability(),
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
        return _checked(house, wanted_of(body), quick)
    except (BadRequest, NotFound) as error:
        said = str(error)
        return {
            "name": "", "command": "", "env": {}, "exports": False, "blocked": said, "facts": [stopping(said)],
            "steps": None, "passes": None, "seconds": None, "measured": "", "assumes": "", "config": {},
            "wrong": wrong_field(said),
        }  # fmt: skip


def _checked(house: House, wanted: TrainWanted, quick: bool) -> Json:
    from thud.runs.checker import shared_checker
    from thud.runs.training import plan_training

    checker = None if quick else shared_checker()
    plan = plan_training(house.store, house.runs, wanted, checker)
    able = checker.capability() if checker else {}
    effort = plan.check.get("effort") or {}
    about = {
        "pairs": _pairs(house, wanted), "exports": plan.exports, "waived": wanted.waive,
        "blocked": plan.blocked,
    }  # fmt: skip
    seconds, measured = _long(house, plan, effort)
    return {
        "name": plan.name, "command": plan.command, "env": plan.env, "exports": plan.exports,
        "blocked": plan.blocked, "facts": [] if quick else facts_of(plan.check, able, about),
        "steps": effort.get("steps") or plan.config.get("max_steps") or None, "passes": _passes(plan, effort, about),
        "seconds": seconds, "measured": measured, "assumes": effort.get("assumes", ""), "config": plan.config,
        "wrong": wrong_field(plan.blocked),
    }  # fmt: skip


def _pairs(house: House, wanted: TrainWanted) -> Mapping[str, int]:
    """Pairs of each split that would be trained on, {} where that is not known."""
    from thud.runs.pair_files import leaving
    from thud.runs.pairs import find_set

    if not wanted.set_id or wanted.export:
        return {}
    counts: dict[str, int] = {}
    try:
        lines = leaving(house.store, find_set(house.store, wanted.set_id)).lines
    except NotFound:
        return {}
    for line in lines:
        counts[line.split] = counts.get(line.split, 0) + 1
    return counts


def _passes(plan: TrainPlan, effort: Json, about: Json) -> float | None:
    rows = about["pairs"].get("train", 0)
    return round(effort["rows"] / rows, 1) if rows and effort.get("rows") else None


def _long(house: House, plan: TrainPlan, effort: Json) -> tuple[float | None, str]:
    """(seconds it will take, the run that this was measured in; "" where it is an estimate)."""
    from thud.runs.training import clone, train_runs

    steps = effort.get("steps") or plan.config.get("max_steps")
    size = plan.config.get("batch_size"), plan.config.get("accumulation")
    for one in train_runs(house.store, house.runs):
        like = one.stage == plan.wanted.stage and one.seconds_per_step and clone(one.run).base == plan.wanted.base
        if steps and like and one.seconds_per_step and _size(one) == size:
            return steps * one.seconds_per_step, one.name
    hours = effort.get("hours")
    return (None if hours is None else hours * 3600), ""


def _size(one: TrainRun) -> tuple[Any, Any]:
    config = one.run.settings.get("config") or {}
    return config.get("batch_size"), config.get("accumulation")


def clone_json(house: House, run_id: str) -> Json:
    """What a run was told, to be told again."""
    from thud.runs.training import clone

    return {"wanted": wanted_json(clone(house.runs.run(run_id)))}

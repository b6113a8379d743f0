"""`train start`, `train demo`, `train resume`: what starts a training, and waits for it."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.train.watching import (
    after_export,
    chain_held_back,
    comes_after,
    follow_chain,
    follow_training,
    held_back,
    paused_chain,
)
from thud.cli.workspace import ACTOR, add_on, opened
from thud.errors import BadRequest

if TYPE_CHECKING:
    from thud.runs.chain import ChainView
    from thud.runs.run import Runs
    from thud.runs.training import TrainPlan, TrainRun, TrainWanted
    from thud.runs.training.afterwards import Afterwards, Ahead
    from thud.runs.training.measuring import Measured
    from thud.store import Store

Json = dict[str, Any]


def add_parsers(what: Any) -> None:
    start = what.add_parser("start", help="train a model; says first what will run and what stands in the way")
    start.add_argument("--recipe", default="", metavar="NAME", help="settings that ship, such as demo-sft")
    start.add_argument("--stage", choices=("sft", "dpo"), help="the recipe's when left out")
    start.add_argument("--base", default="", metavar="FOLDER", help="tiny, or a folder of weights; else the recipe's")
    data = start.add_mutually_exclusive_group(required=True)
    data.add_argument("--set", default="", metavar="SET", help="a set of pairs; it is exported where it has to be")
    data.add_argument("--export", default="", metavar="NAME", help="an export for TRL: its name, or a folder")
    start.add_argument("--adapter", default="", metavar="RUN", help="a training to go on from, or an adapter's folder")
    start.add_argument(
        "--field", action="append", default=[], metavar="NAME=VALUE", help="another setting, such as lora.rank=8"
    )
    start.add_argument("--device", help="cpu, 0, 0,1 …; it waits while another training has it")
    start.add_argument("--waive", action="append", default=[], metavar="NAME", help="accept this finding of the check")
    start.add_argument(
        "--then", action="append", default=[], metavar="WHAT",
        help="what follows by itself: dpo=RECIPE:SET trains on with DPO, ask asks before and after; may be given twice",
    )  # fmt: skip
    start.add_argument("--name", default="", help="of the run; sft-0001 and so on when left out")
    start.add_argument("--plan", action="store_true", help="only say what would run, and what stands in the way")
    _waits(start)
    add_on(start)
    start.set_defaults(do=run_start)
    resume = what.add_parser("resume", help="go on with a stopped or failed training from its last checkpoint")
    resume.add_argument("name", metavar="RUN", help="a training, or a chain that does not go on by itself")
    resume.add_argument(
        "--waive", action="append", default=[], metavar="NAME", help="accept what a chain waits for, such as no_gain"
    )
    _waits(resume)
    resume.set_defaults(do=run_resume)
    demo = what.add_parser("demo", help="teach tiny to listen, and ask it before and after about held-out clips")
    add_on(demo)
    demo.set_defaults(do=run_demo)


def _waits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--detach", action="store_true", help="do not wait for its end")


def run_start(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when something stands in the way, or training failed."""
    from thud.runs.training import plan_training, train_run
    from thud.runs.training.afterwards import look_ahead, start_with

    with opened(args) as (store, runs):
        wanted, after = _wanted(store, runs, args), read_then(store, args.then)
        plan = plan_training(store, runs, wanted, runs.checker)
        ahead = look_ahead(store, runs, wanted, plan, after, runs.checker)
        out.line(_plan_row(plan) | _ahead_row(ahead), "\n".join([_plan_words(plan), *_ahead_words(ahead)]))
        if args.plan:
            return 1 if plan.blocked or ahead.blocked else 0
        run = start_with(store, runs, plan, ahead, ACTOR)
        if args.detach:
            found = train_run(store, runs, after_export(store, runs, run, out))
            more = comes_after(run.settings["chain"][0]) if args.then else ""
            _leave(runs, found, f"{found.name} has started; train list tells how it stands. {more}".rstrip(), out)
        elif "chain" in run.settings:
            follow_chain(store, runs, run.settings["chain"][0], out)
            if after.ask:
                _tell_measured(store, runs, run.settings["chain"][0], out)
        else:
            follow_training(store, runs, run.id, out)
    return 0


def _leave(runs: Runs, found: TrainRun, begun: str, out: Output) -> None:
    """Says of a training that nobody here waits for that it has begun, or what it waits for."""
    held = held_back(runs, found.run.id, found.name)
    out.line({"run": found.run.id, "name": found.name, "waits": held}, f"{found.name}: {held}" if held else begun)


def _wanted(store: Store, runs: Runs, args: argparse.Namespace) -> TrainWanted:
    from thud.runs.pairs.sets import find_set
    from thud.runs.training import TrainWanted, recipe_config, train_runs

    recipe = recipe_config(args.recipe) if args.recipe else {}
    if not (stage := args.stage or recipe.get("stage")):
        raise BadRequest("Say --stage sft or --stage dpo, or a --recipe.")
    before = {key: one.run.id for one in train_runs(store, runs) for key in (one.name, one.run.id)}
    return TrainWanted(
        stage=stage, base=args.base, recipe=args.recipe, export=args.export,
        set_id=find_set(store, args.set).id if args.set else "", adapter_run=before.get(args.adapter, ""),
        adapter="" if args.adapter in before else args.adapter, fields=read_fields(args.field), waive=tuple(args.waive),
        device=args.device, on=runs.on, name=args.name,
    )  # fmt: skip


def read_then(store: Store, told: list[str]) -> Afterwards:
    """What follows, from words such as "dpo=demo-dpo:SET" and "ask". BadRequest for others; NotFound."""
    from thud.runs.pairs.sets import find_set
    from thud.runs.training.afterwards import Afterwards

    dpo = [each.removeprefix("dpo=").partition(":") for each in told if each != "ask"]
    if len(dpo) > 1 or not all(each == "ask" or re.fullmatch(r"dpo=[^:]+:.+", each) for each in told):
        raise BadRequest("--then takes dpo=RECIPE:SET, such as dpo=demo-dpo:SET, and ask; each once.")
    recipe, set_id = (dpo[0][0], find_set(store, dpo[0][2]).id) if dpo else ("", "")
    return Afterwards(recipe, set_id, "ask" in told)


def read_fields(told: list[str]) -> Json:
    """Fields of a training config from words such as "lora.rank=8". BadRequest for what is none."""
    fields: Json = {}
    for each in told:
        name, equals, text = each.partition("=")
        *parents, last = name.strip().split(".")
        if not equals or not all((*parents, last)):
            raise BadRequest(f"--field takes NAME=VALUE, for example --field lora.rank=8; “{each[:40]}” is none.")
        inside = fields
        for parent in parents:
            inside = inside.setdefault(parent, {})
            if not isinstance(inside, dict):
                raise BadRequest(f"--field {each[:40]}: {parent} has one value already, and can have no fields.")
        try:
            inside[last] = json.loads(text)
        except ValueError:  # a word, such as cosine
            inside[last] = text
    return fields


def _plan_row(plan: TrainPlan) -> Json:
    check = {name: plan.check.get(name) for name in ("verdict", "reasons", "memory", "effort") if name in plan.check}
    about = {"name": plan.name, "data": plan.data_title, "exports": plan.exports, "command": plan.command}
    return {**about, "config": plan.config, "check": check, "blocked": plan.blocked}


def _plan_words(plan: TrainPlan) -> str:
    lines = [f"{plan.name}: {plan.wanted.stage.upper()} on {plan.data_title}", f"  {plan.command}"]
    lines += ["  the set is exported first"] if plan.exports else []
    for reason in plan.check.get("reasons", ()):
        name = f" (--waive {reason['waive']})" if reason.get("waive") else ""
        lines.append(f"  {reason['level']}: {reason['reason']} {reason['fix']}".rstrip() + name)
    return "\n".join(lines)


def _ahead_row(ahead: Ahead) -> Json:
    dpo = {"recipe": ahead.dpo.recipe, "set": ahead.dpo.set_id} if ahead.dpo else None
    return {"then": {"dpo": dpo, "ask": ahead.wanted.ask, "blocked": ahead.blocked}}


def _ahead_words(ahead: Ahead) -> list[str]:
    lines = [f"  then DPO by {ahead.dpo.recipe} on {ahead.dpo.set_id}"] if ahead.dpo else []
    lines += ["  then asked before and after, on held-out clips"] if ahead.wanted.ask else []
    return lines + ([f"  blocked: {ahead.blocked}"] if ahead.blocked else [])


def run_resume(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when it fails. One that waits, or is at work, is waited for like one that goes on."""
    from thud.runs.training import train_run

    with opened(args) as (store, runs):
        if view := paused_chain(store, runs, args.name):
            return _go_on(store, runs, view, args, out)
        if args.waive:
            raise BadRequest(f"{args.name} does not wait for anything to be accepted. Leave --waive out.")
        found = train_run(store, runs, args.name)
        if found.state not in ("waiting", "running"):
            runs.resume(found.run.id)
        if args.detach:
            _leave(runs, found, f"{found.name} goes on.", out)
        else:
            follow_training(store, runs, found.run.id, out)
    return 0


def _go_on(store: Store, runs: Runs, view: ChainView, args: argparse.Namespace, out: Output) -> int:
    """Takes a chain up, where it is paused, and follows it."""
    from thud.runs.chain import go_on

    if view.state == "paused" or args.waive:
        go_on(store, runs, view.id, ACTOR, args.waive)
    if args.detach:
        held = chain_held_back(store, runs, view.id)
        words = f"“{view.title}”: {held}" if held else f"“{view.title}” goes on, to the end of its step."
        out.line({"chain": view.id, "title": view.title, "waits": held}, words)
    else:
        follow_chain(store, runs, view.id, out)
    return 0


def run_demo(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when tiny was taught and asked, whether or not it has learnt anything."""
    from thud.runs.training.teaching import teach_tiny

    with opened(args) as (store, runs):
        chain_id = teach_tiny(store, runs, ACTOR)
        follow_chain(store, runs, chain_id, out)
        _tell_measured(store, runs, chain_id, out)
    return 0


def _tell_measured(store: Store, runs: Runs, chain_id: str, out: Output) -> None:
    """Says what the last training of a chain has been measured to have learnt."""
    from thud.runs.training import train_runs
    from thud.runs.training.measuring import measured

    last = next(one for one in train_runs(store, runs) if one.chain and one.chain[0] == chain_id)
    found = measured(store, runs, last.run.id)
    out.line(_measured_row(found), _measured_words(found))


def _measured_row(found: Measured) -> Json:
    from dataclasses import asdict

    figures = asdict(found.found) if found.found else None
    return {"line": [asdict(one) for one in found.line], "why": found.why, "before_after": figures}


def _measured_words(found: Measured) -> str:
    if found.found is None:
        return found.why
    return "\n".join([*(f"  {stage.name}: {stage.words}" for stage in found.found.stages), found.found.words])

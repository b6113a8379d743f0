"""`train start`, `train demo`, `train resume`: what starts a training, and waits for it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.train.watching import after_export, follow_chain, follow_training, paused_chain
from thud.cli.workspace import ACTOR, add_on, opened
from thud.errors import BadRequest

if TYPE_CHECKING:
    from thud.runs.chain import ChainView
    from thud.runs.run import Runs
    from thud.runs.training import TrainPlan, TrainWanted
    from thud.runs.training.teaching import Measured
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
    start.add_argument("--name", default="", help="of the run; sft-0001 and so on when left out")
    start.add_argument("--plan", action="store_true", help="only say what would run, and what stands in the way")
    _waits(start)
    add_on(start)
    start.set_defaults(do=run_start)
    resume = what.add_parser("resume", help="go on with a stopped or failed training from its last checkpoint")
    resume.add_argument("name", metavar="RUN", help="a training, or a chain that does not go on by itself")
    _waits(resume)
    resume.set_defaults(do=run_resume)
    demo = what.add_parser("demo", help="teach tiny to listen, and ask it before and after about held-out clips")
    add_on(demo)
    demo.set_defaults(do=run_demo)


def _waits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--detach", action="store_true", help="do not wait for its end")


def run_start(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when something stands in the way, or training failed."""
    from thud.runs.training import plan_training, start_training, train_run

    with opened(args) as (store, runs):
        plan = plan_training(store, runs, _wanted(store, runs, args), runs.checker)
        out.line(_plan_row(plan), _plan_words(plan))
        if args.plan:
            return 1 if plan.blocked else 0
        run = start_training(store, runs, plan, ACTOR)
        if args.detach:
            run_id = after_export(store, runs, run, out)
            name = train_run(store, runs, run_id).name
            out.line({"run": run_id, "name": name}, f"{name} has started; train list tells how it stands.")
        elif "chain" in run.settings:
            follow_chain(store, runs, run.settings["chain"][0], out)
        else:
            follow_training(store, runs, run.id, out)
    return 0


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


def run_resume(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.training import train_run

    with opened(args) as (store, runs):
        if view := paused_chain(store, runs, args.name):
            return _go_on(store, runs, view, args.detach, out)
        found = train_run(store, runs, args.name)
        runs.resume(found.run.id)
        if args.detach:
            out.line({"run": found.run.id, "name": found.name}, f"{found.name} goes on.")
        else:
            follow_training(store, runs, found.run.id, out)
    return 0


def _go_on(store: Store, runs: Runs, view: ChainView, detach: bool, out: Output) -> int:
    """Takes a chain up, where it is paused, and follows it."""
    from thud.runs.chain import go_on

    if view.state == "paused":
        go_on(store, runs, view.id, ACTOR)
    if detach:
        out.line({"chain": view.id, "title": view.title}, f"“{view.title}” goes on, to the end of its step.")
    else:
        follow_chain(store, runs, view.id, out)
    return 0


def run_demo(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when tiny was taught and asked, whether or not it has learnt anything."""
    from thud.runs.training import train_runs
    from thud.runs.training.teaching import measured, teach_tiny

    with opened(args) as (store, runs):
        chain_id = teach_tiny(store, runs, ACTOR)
        follow_chain(store, runs, chain_id, out)
        last = next(one for one in train_runs(store, runs) if one.chain and one.chain[0] == chain_id)
        found = measured(store, runs, last.run.id)
    out.line(_measured_row(found), _measured_words(found))
    return 0


def _measured_row(found: Measured) -> Json:
    from dataclasses import asdict

    figures = asdict(found.found) if found.found else None
    return {"line": [asdict(one) for one in found.line], "why": found.why, "before_after": figures}


def _measured_words(found: Measured) -> str:
    if found.found is None:
        return found.why
    return "\n".join([*(f"  {stage.name}: {stage.words}" for stage in found.found.stages), found.found.words])

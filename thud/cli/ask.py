"""`ask` and `reread`: put questions to a listener, and read what was said anew after the rules have changed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, add_on, follow, opened
from thud.records import ARMS, CONDITIONS, TASKS

if TYPE_CHECKING:
    from thud.listeners.roster import Listener
    from thud.runs.listening.listen import ListenPlan
    from thud.store import Store

OWN = ("backend", "model", "base_url", "key_env", "adapter", "transport", "fps", "max_tokens", "temperature")


def add_parser(verbs: Any) -> None:
    ask = verbs.add_parser("ask", help="ask a video model about the stimuli; says first what it will cost")
    ask.add_argument("listener", metavar="NAME", help="always-synced, signal, one of your own, or one of the presets")
    ask.add_argument("--set", default="structured", help="question set: neutral, structured, direct, choice, or its id")
    ask.add_argument("--arm", choices=ARMS, help="what is shown; as the listener has it when left out")
    ask.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    ask.add_argument("--condition", nargs="+", choices=CONDITIONS, default=None)
    ask.add_argument("--clip", action="append", default=[], metavar="ID", help="id or name; may be repeated")
    ask.add_argument("--backend", help="gemini, compatible, openai, anthropic or local, for a name of your own")
    ask.add_argument("--model", help="the exact name of the model, or a folder of weights")
    ask.add_argument("--base-url", help="the server's address")
    ask.add_argument("--key-env", help="the environment variable that holds the key; never the key itself")
    ask.add_argument("--adapter", help="folder of a LoRA adapter, local models only")
    ask.add_argument("--transport", help="how a compatible server takes picture and sound")
    ask.add_argument("--fps", type=float)
    ask.add_argument("--max-tokens", type=int)
    ask.add_argument("--temperature", type=float)
    ask.add_argument("--again", action="store_true", help="ask again what was cut off or lost; it may bill twice")
    ask.add_argument("--override-canary", action="store_true", help="score it even if it does not hear; recorded")
    ask.add_argument("--plan", action="store_true", help="only say what it would ask and cost")
    add_on(ask)
    ask.set_defaults(run=run_ask)
    reread = verbs.add_parser("reread", help="read all responses anew by today's rules; nobody is asked")
    reread.set_defaults(run=run_reread)


def run_ask(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when every item that was asked got an answer."""
    from thud.runs.listening.listen import Wanted, find_question_set, plan_listening, start_listening

    with opened(args) as (store, runs):
        listener = _listener(store, args)
        clips = tuple(store.find_clip(name).id for name in args.clip) or None
        wanted = Wanted(
            find_question_set(store, args.set), args.arm or listener.arms[0], tuple(args.task), clips,
            tuple(args.condition) if args.condition else None, args.again, args.override_canary,
        )  # fmt: skip
        plan = plan_listening(store, runs, listener, wanted)
        out.line(_row(plan), _words(plan))
        for refusal in plan.refused:
            out.refuse(refusal.subject, refusal.reason)
        if args.plan:
            return 1 if plan.blocked else 0
        follow(runs, start_listening(store, runs, plan, ACTOR), out)
    return 1 if out.refusals else 0


def run_reread(args: argparse.Namespace, out: Output) -> int:
    from thud.evaluation.answers import RULES_VERSION
    from thud.runs.listening.responses import reread

    with opened(args) as (store, _):
        with out.progress("reread", store.count_older(RULES_VERSION)) as bar:
            read, changed = reread(store, ACTOR, bar.to)
        out.line({"read": read, "changed": changed}, f"{read} responses read anew, {changed} answers changed")
    return 0


def _listener(store: Store, args: argparse.Namespace) -> Listener:
    """The named one with what the command line changes; a listener that is new by this is kept, so Results knows it."""
    from thud.listeners.roster import parse_listener, to_json
    from thud.runs.listening.listen import find_listener

    changed = {name: value for name in OWN if (value := getattr(args, name)) is not None}
    base = {} if "backend" in changed else to_json(find_listener(store, args.listener))
    listener = parse_listener({**base, "name": args.listener, **changed})
    if listener.backend not in ("always_synced", "signal") and not args.plan:
        store.define("listener", listener.name, to_json(listener), ACTOR)
    return listener


def _row(plan: ListenPlan) -> dict[str, Any]:
    costs = {"requests": plan.estimate.requests, "cost_usd": plan.estimate.cost_usd}
    about = {"listener": plan.listener.name, "key": plan.key, "set": plan.wanted.question_set.id}
    return {**about, "arm": plan.wanted.arm, "items": len(plan.items), "answered": plan.answered, **costs,
            "blocked": plan.blocked, "warnings": list(plan.warnings)}  # fmt: skip


def _words(plan: ListenPlan) -> str:
    cost = "price not known" if plan.estimate.cost_usd is None else f"about ${plan.estimate.cost_usd:.2f}"
    asked = f"{plan.listener.label}: {len(plan.items)} items to ask, {plan.estimate.requests} requests, {cost}"
    more = [f"{plan.answered} have an outcome already"] if plan.answered else []
    return "; ".join([asked, *more, *plan.warnings, *([plan.blocked] if plan.blocked else [])])

"""`pairs rewrite`, `pairs reannotate`, `pairs agreement`: models put answers into other words and go over segments."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, follow, opened

if TYPE_CHECKING:
    from thud.runs.annotating.reannotating import ReannotationPlan
    from thud.runs.annotating.segments import Agreement
    from thud.runs.pairs.rewriting import RewritePlan

FIELDS = ("model", "base_url", "key_env")


def add_parsers(what: Any) -> None:
    rewrite = what.add_parser("rewrite", help="let a model put the answers of a set into other words; a new set")
    rewrite.add_argument("set", metavar="SET", help="the set's id, or how it begins")
    rewrite.add_argument("--provider", choices=("anthropic", "openai", "gemini", "compatible"), default="anthropic")
    _asked(rewrite)
    rewrite.set_defaults(do=run_rewrite)
    reannotate = what.add_parser("reannotate", help="let a model check the described segments: times, words, sounds")
    reannotate.add_argument("--ask", default="gemini", metavar="NAME", help="gemini (hears), claude or gpt (see only)")
    reannotate.add_argument("--provider", default="", help="for a name of your own")
    reannotate.add_argument("--again", action="store_true", help="also where its answer did not count; may bill twice")
    _asked(reannotate)
    reannotate.set_defaults(do=run_reannotate)
    agreement = what.add_parser("agreement", help="how far people agree with models and files about segments")
    agreement.set_defaults(do=run_agreement)


def _asked(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--model", default="", help="its exact name; a usual one when left out")
    verb.add_argument("--base-url", default="", help="the server's address")
    verb.add_argument("--key-env", default="", help="the environment variable that holds the key; never the key itself")
    verb.add_argument("--plan", action="store_true", help="only say what it would ask and cost")


def _told(args: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name in FIELDS if (value := getattr(args, name))}


def run_rewrite(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when the new set is there."""
    from thud.runs.pairs.rewriting import parse_rewriter, plan_rewriting, plan_row, start_rewriting

    rewriter = parse_rewriter({"provider": args.provider, **_told(args)})
    with opened(args) as (store, runs):
        plan = plan_rewriting(store, runs, rewriter, args.set)
        out.line(plan_row(plan), _rewrite_words(plan))
        if args.plan:
            return 1 if plan.blocked else 0
        run = follow(runs, start_rewriting(store, runs, plan, ACTOR), out)
        out.line({"run": run.id, "message": run.message}, run.message)
    return 0


def _rewrite_words(plan: RewritePlan) -> str:
    asked = f"{plan.judge.model}: {plan.texts} answers of {plan.pairs} pairs, {len(plan.requests)} requests, "
    more = [f"{plan.as_is} pairs stay as they are"] if plan.as_is else []
    return "; ".join([asked + _dollars(plan.cost_usd), *more, *([plan.blocked] if plan.blocked else [])])


def _dollars(cost_usd: float | None) -> str:
    return "price not known" if cost_usd is None else f"about ${cost_usd:.2f}"


def run_reannotate(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when the model said something that counts about every segment it was asked about."""
    from thud.events.annotators import parse_annotator
    from thud.runs.annotating.reannotating import plan_reannotation, plan_row, start_reannotation

    told = {"name": args.ask, **_told(args), **({"provider": args.provider} if args.provider else {})}
    with opened(args) as (store, runs):
        plan = plan_reannotation(store, runs, parse_annotator(told), again=args.again)
        out.line(plan_row(plan), _reannotate_words(plan))
        if args.plan:
            return 1 if plan.blocked else 0
        follow(runs, start_reannotation(store, runs, plan, ACTOR), out)
    return 1 if out.refusals else 0


def _reannotate_words(plan: ReannotationPlan) -> str:
    name, cost = plan.annotator.name, _dollars(plan.cost_usd)
    hears = "" if plan.annotator.hears else "; it sees stills and hears nothing, so it says nothing of sounds"
    more = [f"{plan.known} have its word already"] if plan.known else []
    more += [f"{plan.before} gave none before; --again asks again"] if plan.before else []
    return "; ".join([f"{name}: {len(plan.segments)} segments, {cost}{hears}", *more, *filter(None, [plan.blocked])])


def run_agreement(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.annotating.segments import agreement, agreement_row

    with opened(args) as (store, _):
        report = agreement(store)
    out.line(agreement_row(report), _agreement_words(report))
    return 0


def _agreement_words(report: Agreement) -> str:
    lines = [f"People have looked at {report.seen} of {report.segments} segments; they differ about {report.disputed}."]
    for one in report.against:
        share = "–" if one.agree.value is None else f"{one.agree.value:.0%}"
        kappa = "not known" if one.kappa.value is None else f"{one.kappa.value:.2f}"
        iou = "not known" if one.iou is None else f"{one.iou:.2f}"
        lines.append(
            f"  {one.name}: n {one.n}, people agree {share}, kappa of keeping {kappa}, intervals overlap {iou}"
        )
    return "\n".join(lines)

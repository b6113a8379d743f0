"""`judge`: let a model read what the rules could not, and say how far it can be trusted, from a shell."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, follow, opened

if TYPE_CHECKING:
    from thud.evaluation.calibration import Calibration
    from thud.runs.listening.judging import JudgePlan

FIELDS = ("model", "base_url", "key_env", "temperature", "effort")


def add_parser(verbs: Any) -> None:
    judge = verbs.add_parser("judge", help="let a model read the responses that the rules could not")
    judge.add_argument("provider", choices=("anthropic", "openai", "gemini", "compatible"))
    judge.add_argument("--model", help="its exact name; a usual one of this vendor when left out")
    judge.add_argument("--base-url", help="the server's address")
    judge.add_argument("--key-env", help="the environment variable that holds the key; never the key itself")
    judge.add_argument("--temperature", type=float)
    judge.add_argument("--effort")
    judge.add_argument("--which", choices=("unparsed", "labelled", "audit", "all"), default="unparsed")
    judge.add_argument("--audit", type=int, default=200, metavar="N", help="how many, with --which audit")
    judge.add_argument("--seed", type=int, default=0)
    judge.add_argument("--again", action="store_true", help="also where its word did not count; it may bill twice")
    judge.add_argument("--batch", action="store_true", help="as a batch of the vendor, where it takes any")
    judge.add_argument("--plan", action="store_true", help="only say what it would ask and cost")
    judge.add_argument("--calibration", action="store_true", help="only say how it fares against people")
    judge.set_defaults(run=run_judge)


def run_judge(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when every response that was asked about got a word that counts."""
    from thud.evaluation.calibration import calibrate
    from thud.runs.listening.judges import parse_judge
    from thud.runs.listening.judging import Wanted, cases_of, material_of, plan_judging, start_judging

    told = {name: value for name in FIELDS if (value := getattr(args, name)) is not None}
    judge = parse_judge({"provider": args.provider, **told})
    with opened(args) as (store, runs):
        if args.calibration:
            found = calibrate(cases_of(material_of(store), judge.reader))
            out.line(_calibration_row(found, judge.key), _calibration_words(found))
            return 0 if found.enough else 1
        plan = plan_judging(store, runs, judge, Wanted(args.which, args.audit, args.seed, args.again, args.batch))
        out.line(_row(plan), _words(plan))
        if args.plan:
            return 1 if plan.blocked else 0
        follow(runs, start_judging(store, runs, plan, ACTOR), out)
    return 1 if out.refusals else 0


def _row(plan: JudgePlan) -> dict[str, Any]:
    return {
        "judge": plan.judge.model, "key": plan.judge.key, "responses": plan.responses, "requests": len(plan.groups),
        "read": plan.read, "before": plan.before, "cost_usd": plan.cost_usd, "blocked": plan.blocked,
        "warnings": list(plan.warnings),
    }  # fmt: skip


def _words(plan: JudgePlan) -> str:
    cost = "price not known" if plan.cost_usd is None else f"about ${plan.cost_usd:.2f}"
    asked = f"{plan.judge.model}: {plan.responses} responses to read, {len(plan.groups)} requests, {cost}"
    more = [f"{plan.read} read already"] if plan.read else []
    return "; ".join([asked, *more, *plan.warnings, *([plan.blocked] if plan.blocked else [])])


def _calibration_row(found: Calibration, key: str) -> dict[str, Any]:
    kappa = found.judge.kappa.kappa if found.judge else None
    return {
        "key": key, "labelled": found.labelled, "judged": found.judged, "rejected": found.rejected,
        "kappa": kappa.value if kappa else None, "low": kappa.low if kappa else None,
        "high": kappa.high if kappa else None, "base_rate": found.judge.kappa.base_rate if found.judge else None,
        "commonest": found.commonest, "enough": found.enough,
        "classes": {label: [one.precision.value, one.recall.value] for label, one in found.judge.classes.items()}
        if found.judge else {},
    }  # fmt: skip


def _calibration_words(found: Calibration) -> str:
    if found.judge is None or found.commonest is None:
        return f"People have read {found.labelled} responses; this judge has read none of them. Use --which labelled."
    kappa, (label, share) = found.judge.kappa.kappa, found.commonest
    value = "not known" if kappa.value is None else f"{kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f})"
    lines = [f"kappa {value} over {found.judged} responses; {share:.0%} of them are {label}; {found.rejected} rejected"]
    for name, one in found.judge.classes.items():
        shares = ("–" if part.value is None else f"{part.value:.1%}" for part in (one.precision, one.recall))
        lines.append(f"  {name}: precision {next(shares)}, recall {next(shares)}, people {one.true}")
    return "\n".join(lines)

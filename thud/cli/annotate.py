"""`annotate`, `marks`, `settle`, `agreement`: event times by models, and what annotators agree on, from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, add_on, follow, opened
from thud.errors import BadRequest

if TYPE_CHECKING:
    from thud.events.annotators import Annotator
    from thud.events.report import PairAgreement
    from thud.runs.annotating.annotate import AnnotationPlan
    from thud.store import Store


def add_parser(verbs: Any) -> None:
    place = verbs.add_parser("annotate", help="ask models to place event times; says first what it will cost")
    place.add_argument("--ask", nargs="+", default=["signal"], metavar="NAME", help="gemini, gpt, claude, signal")
    place.add_argument("--clip", action="append", default=[], metavar="ID", help="id or name; may be repeated")
    place.add_argument("--model", default="", help="another model than the usual one; only with one --ask")
    place.add_argument("--base-url", default="", help="another server that speaks the vendor's protocol")
    place.add_argument("--provider", default="", help="anthropic, openai, gemini or compatible, for a name of your own")
    place.add_argument("--batch", action="store_true", help="Claude and GPT in batches: cheaper, up to a day")
    place.add_argument("--again", action="store_true", help="ask again where there was an answer and no time")
    place.add_argument("--plan", action="store_true", help="only say what it would ask and cost")
    place.add_argument("--ledger", action="store_true", help="only say what has been asked and spent so far")
    add_on(place)
    place.set_defaults(run=run_annotate)
    marks = verbs.add_parser("marks", help="marks as JSON lines: out of this workspace, or into it")
    marks.add_argument("what", choices=("export", "import"))
    marks.add_argument("file", type=Path, metavar="FILE")
    marks.set_defaults(run=run_marks)
    settle = verbs.add_parser("settle", help="work out agreement and consensus from all marks")
    settle.set_defaults(run=run_settle)
    agreement = verbs.add_parser("agreement", help="how far annotators lie apart, per pair, picture and sound")
    agreement.set_defaults(run=run_agreement)


def run_annotate(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when every clip that was asked about got a mark."""
    from thud.runs.annotating.annotate import plan_annotation, start_annotations

    with opened(args) as (store, runs):
        if args.ledger:
            return _ledger(store, out)
        ids = [store.find_clip(name).id for name in args.clip] or None
        asked, how = _annotators(args), {"again": args.again, "batch": args.batch}
        plans = [plan_annotation(store, runs, one, ids, **how) for one in asked]
        for plan in plans:
            out.line(_plan_row(plan), _plan_words(plan))
        if args.plan:
            return _missing_keys(plans, out)
        for run in start_annotations(store, runs, asked, ids, ACTOR, **how):
            follow(runs, run, out)
    return 1 if out.refusals else 0


def _annotators(args: argparse.Namespace) -> list[Annotator]:
    from thud.events.annotators import parse_annotator

    own = {"model": args.model, "base_url": args.base_url, "provider": args.provider}
    changed = {key: value for key, value in own.items() if value}
    if changed and len(args.ask) > 1:
        raise BadRequest("--model, --base-url and --provider describe one annotator; give one --ask with them")
    return [parse_annotator({"name": name, **changed}) for name in args.ask]


def _plan_row(plan: AnnotationPlan) -> dict[str, Any]:
    row = {"annotator": plan.annotator.name, "model": plan.annotator.model, "clips": len(plan.clips)}
    costs = {"requests": plan.requests, "cost_usd": plan.cost_usd, "input_tokens": plan.estimate.input_tokens}
    return {**row, "marked": plan.marked, "before": plan.before, **costs}


def _plan_words(plan: AnnotationPlan) -> str:
    from thud.runs.annotating.answers import odd_words

    asked = f"{plan.annotator.name}: {len(plan.clips)} clips to ask about, {plan.requests} requests, {_dollars(plan)}"
    left = [f"{plan.marked} have its mark"] if plan.marked else []
    if plan.before:
        fate = "asked again" if plan.again else "left out; --again asks again"
        left.append(f"{sum(plan.before.values())} gave none before ({odd_words(plan.before)}): {fate}")
        if plan.again and "in_doubt" in plan.before:
            left.append(f"{plan.before['in_doubt']} may be billed a second time")
    return "; ".join([asked, *left])


def _dollars(plan: AnnotationPlan) -> str:
    return "price not known" if plan.cost_usd is None else f"about ${plan.cost_usd:.2f}"


def _missing_keys(plans: list[AnnotationPlan], out: Output) -> int:
    for plan in plans:
        if plan.missing_key:
            out.refuse(plan.annotator.name, plan.missing_key)
    return 1 if out.refusals else 0


def _ledger(store: Store, out: Output) -> int:
    rows = store.ledger()
    for row in rows:
        cost = "price not known" if row["cost_usd"] is None else f"${row['cost_usd']:.4f}"
        tokens = f"{row['input_tokens'] or 0} tokens in, {row['output_tokens'] or 0} out"
        who = f"{row['run_id'] or 'no run'}  {row['annotator']} ({row['model']})"
        out.line(dict(row), f"{who}  {row['replies']} {row['outcome']}, {tokens}, {cost}")
    total = sum(row["cost_usd"] or 0.0 for row in rows)
    unpriced = sum(row["unpriced"] for row in rows)
    replies = sum(row["replies"] for row in rows)
    words = f"{replies} replies, ${total:.4f}" + (f", {unpriced} without a known price" if unpriced else "")
    out.line({"replies": replies, "cost_usd": total, "unpriced": unpriced}, words)
    return 0


def run_marks(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when a line was refused; the others are in all the same."""
    from thud.runs.annotating.marks_file import export_lines, import_marks

    with opened(args) as (store, _):
        if args.what == "export":
            count = _written(args.file, export_lines(store))
            out.line({"file": str(args.file), "marks": count}, f"{count} marks in {args.file}")
            return 0
        try:
            with args.file.open(encoding="utf-8", errors="replace") as lines:
                report = import_marks(store, lines, ACTOR)
        except OSError as error:
            raise BadRequest(f"{args.file} cannot be read: {error.strerror}. Name a file of JSON lines.") from error
    for each in report.refused:
        out.refuse(f"line {each.line}", each.reason)
    words = f"{report.added} marks added, {report.known} were known, {len(report.refused)} lines refused"
    out.line({"added": report.added, "known": report.known, "refused": len(report.refused)}, words)
    return 1 if report.refused else 0


def _written(path: Path, lines: Iterable[str]) -> int:
    """How many lines were written; the file is moved into place whole."""
    aside, count = path.with_name(f".{path.name}.part"), 0
    try:
        with aside.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(line.rstrip("\n") + "\n")
                count += 1
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise BadRequest(f"{path} cannot be written: {error.strerror}. Name another file.") from error
    return count


def run_settle(args: argparse.Namespace, out: Output) -> int:
    from thud.events.settings import read_settings
    from thud.events.settle import settle

    with opened(args) as (store, _):
        report = settle(store, read_settings(store.settings()), ACTOR)
    words = f"{report.clips} clips, {report.retained} retained by the rule, {report.written} event times written"
    out.line(asdict(report), words)
    return 0


def run_agreement(args: argparse.Namespace, out: Output) -> int:
    from thud.events.report import pairs, verdicts
    from thud.events.settle import KINDS, time_of

    with opened(args) as (store, _):
        marks = store.marks()
    judged: dict[str, dict[str, str]] = {}
    for mark in marks:
        judged.setdefault(mark.clip_id, {})[mark.annotator] = mark.verdict
    for kind in KINDS:
        placed: dict[str, dict[str, float]] = {}
        for mark in marks:
            if (time_s := time_of(mark, kind)) is not None:
                placed.setdefault(mark.clip_id, {})[mark.annotator] = time_s
        for found in pairs(placed):
            out.line({"kind": kind, **asdict(found)}, f"{'picture' if kind == 'visual' else 'sound'}  {_pair(found)}")
    alpha = verdicts(judged).alpha
    said = "not known" if alpha.value is None else f"{alpha.value:.2f}"
    out.line({"kind": "verdict", "alpha": asdict(alpha)}, f"verdicts  Krippendorff's alpha {said}, n {alpha.n}")
    return 0


def _pair(found: PairAgreement) -> str:
    apart = f"median {1000 * found.median_abs_s:.0f} ms, 90 % under {1000 * found.p90_abs_s:.0f} ms"
    shares = [(each.share.value, each.tolerance_s) for each in found.within]
    within = ", ".join(f"{100 * share:.0f} % within {1000 * s:.0f} ms" for share, s in shares if share is not None)
    bias = "–" if found.bias_s.value is None else f"{1000 * found.bias_s.value:+.0f} ms"
    return f"{found.a} − {found.b}: n {found.n}, bias {bias}, {apart}, {within}"

"""`benchmark`: sets of questions that others made, over videos on this disk: import, ask, and the alignment tax."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, follow, opened
from thud.errors import BadRequest
from thud.records import ARMS

if TYPE_CHECKING:
    from thud.evaluation.alignment_tax import TaxRow
    from thud.statistics import Estimate


def add_parser(verbs: Any) -> None:
    verb = verbs.add_parser("benchmark", help="Video-MME, LVBench, DailyOmni, WorldSense, VGGSoundSync from your disk")
    what = verb.add_subparsers(dest="what", required=True, metavar="WHAT")
    take = what.add_parser("import", help="read the questions of a folder or file; videos stay where they are")
    take.add_argument("path", type=Path, metavar="PATH")
    take.add_argument("--kind", help="vmme, lvb, ws, do or vggsync, when the fields do not tell")
    take.add_argument("--videos", type=Path, metavar="DIR", help="where the videos are, when not beside the questions")
    take.add_argument("--shuffle", type=int, metavar="SEED", help="shuffle the letters of each question")
    ask = what.add_parser("ask", help="ask a listener about an imported set")
    ask.add_argument("benchmark", metavar="SET", help="its id, kind or name")
    ask.add_argument("listener", metavar="NAME")
    ask.add_argument("--arm", choices=[arm for arm in ARMS if arm != "shuffled_picture"], default="audio_video")
    ask.add_argument("--most", type=int, metavar="N", help="only so many questions")
    ask.add_argument("--override-canary", action="store_true")
    tax = what.add_parser("tax", help="six benchmarks per listener, beside a base and the published recipes")
    tax.add_argument("--base", default="", metavar="NAME", help="the listener that the others were trained from")
    what.add_parser("list", help="what was imported")
    for each in what.choices.values():
        each.add_argument("--json", action="store_true", help="one JSON object a line on standard output")
        each.add_argument("--workspace", type=Path, default=Path("workspace"), metavar="DIR")
        each.add_argument("--db", type=Path, metavar="FILE", help="default: annotations.duckdb beside the workspace")
    verb.set_defaults(run=run_benchmark)


def run_benchmark(args: argparse.Namespace, out: Output) -> int:
    return {"import": _import, "ask": _ask, "tax": _tax, "list": _list}[args.what](args, out)


def _import(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.listening.benchmarks import import_benchmark

    with opened(args) as (store, _):
        made, found = import_benchmark(store, args.path, ACTOR, args.kind, args.videos, args.shuffle)
    for refusal in found.refused:
        out.refuse(refusal.subject, refusal.reason)
    row = {"id": made.id, "kind": made.kind, "questions": made.questions, "refused": made.refused}
    out.line(row, f"{made.name}: {made.questions} questions, {len(found.refused)} refused; id {made.id}")
    return 1 if found.refused else 0


def _list(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.listening.benchmarks import imported

    with opened(args) as (store, _):
        for key, body in imported(store).items():
            out.line({"id": key, **body}, f"{key}  {body['name']}: {body['questions']} questions, from {body['from']}")
    return 0


def _ask(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.listening.benchmarks import find_benchmark, start_benchmark
    from thud.runs.listening.listen import find_listener

    with opened(args) as (store, runs):
        if args.most is not None and args.most < 1:
            raise BadRequest("--most is at least 1")
        run = start_benchmark(
            store, runs, find_listener(store, args.listener), find_benchmark(store, args.benchmark), ACTOR,
            arm=args.arm, override=args.override_canary, most=args.most,
        )  # fmt: skip
        follow(runs, run, out)
    return 1 if out.refusals else 0


def _tax(args: argparse.Namespace, out: Output) -> int:
    from thud.evaluation.alignment_tax import COLUMNS, published_rows
    from thud.evaluation.published import published
    from thud.runs.listening.benchmarks import tax_rows
    from thud.runs.listening.listen import find_listener

    with opened(args) as (store, _):
        rows = tax_rows(store, find_listener(store, args.base).key() if args.base else "")
    head = "".join(f"{title:>14}" for title in (*COLUMNS.values(), "Avg", "general", "tax"))
    out.line({"columns": list(COLUMNS)}, f"{'':28}{head}")
    for row in (*rows, *published_rows(published().table_2())):
        out.line(_json(row), f"{row.name[:20] + (' (paper)' if row.published else ''):28}{_numbers(row)}")
    return 0


def _figures(row: TaxRow) -> list[Estimate | None]:
    cells = [cell.accuracy if cell else None for cell in row.cells.values()]
    return [*cells, row.average, row.general, row.general_change]


def _json(row: TaxRow) -> dict[str, Any]:
    names = [*row.cells, "average", "general", "general_change"]
    told = {name: [f.value, f.low, f.high, f.n] if f else None for name, f in zip(names, _figures(row), strict=True)}
    return {"name": row.name, "published": row.published, **told}


def _numbers(row: TaxRow) -> str:
    return "".join(f"{_words(figure):>14}" for figure in _figures(row))


def _words(figure: Estimate | None) -> str:
    if figure is None or figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{100 * figure.value:.1f}"
    return f"{100 * figure.value:.1f} ±{50 * (figure.high - figure.low):.1f}"

"""`pairs material`, `pairs ask-without-sound`: the descriptions and choice questions that pairs are made from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, follow, opened


def add_parsers(what: Any) -> None:
    take = what.add_parser("material", help="read described segments or choice questions about the workspace's clips")
    take.add_argument("path", type=Path, metavar="PATH", help="JSON, JSONL, CSV, TSV or Parquet, of any size")
    take.add_argument("--kind", choices=("segments", "choices"), help="when the fields do not tell")
    take.set_defaults(do=_material)
    ask = what.add_parser(
        "ask-without-sound", help="ask a listener the questions about sound, showing the picture only"
    )
    ask.add_argument("listener", metavar="LISTENER")
    ask.set_defaults(do=_ask)


def _material(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.pairs.material import import_material

    with opened(args) as (store, _):
        made = import_material(store, args.path, ACTOR, args.kind)
    for refusal in made.refusals:
        out.refuse(refusal.subject, refusal.reason)
    row = {"id": made.id, "kind": made.kind, "title": made.title, "rows": made.rows, "refused": made.refused}
    lost = sum(made.refused.values())
    out.line(row, f"{made.title}: {made.rows} {made.kind}, {lost} rows refused; id {made.id}")
    return 1 if lost else 0


def _ask(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.pairs.material import picture_only, start_picture_only

    with opened(args) as (store, runs):
        follow(runs, start_picture_only(store, runs, args.listener, ACTOR), out)
        asked = picture_only(store)
    kept = sum(asked.values())
    out.line({"asked": len(asked), "kept": kept}, f"{kept} of {len(asked)} questions need the sound and are kept")
    return 1 if out.refusals else 0

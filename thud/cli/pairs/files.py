"""`pairs import`, `pairs export`: files that other trainers read and write."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, follow, opened


def add_parsers(what: Any) -> None:
    take = what.add_parser("import", help="take in a TRL or ShareGPT file, or an export's folder, as a pair set")
    take.add_argument("path", type=Path, metavar="FILE")
    take.add_argument(
        "--media", action="append", default=[], metavar="OLD=NEW", help="where files lie here; may be repeated"
    )
    take.set_defaults(do=_import)
    give = what.add_parser("export", help="write a pair set as a folder for TRL or LLaMA-Factory")
    give.add_argument("set", metavar="SET", help="its id, or how it begins")
    give.add_argument("--format", choices=("trl", "sharegpt"), required=True)
    give.add_argument("--name", default="", help="what the folder under exports/pairs is called")
    give.set_defaults(do=_export)


def _import(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.pairs.files import parse_remap, start_import
    from thud.runs.pairs.sets import find_set, media_problems

    with opened(args) as (store, runs):
        run = follow(runs, start_import(store, runs, args.path, parse_remap(args.media), ACTOR), out)
        set_id = runs.results(run.id)[-1]["result"]["set"]
        found = find_set(store, set_id)
        missing = media_problems(store, found)
    pairs, held = found.summary["pairs"], found.summary["held"]
    row = {"set": set_id, "pairs": pairs, "held": held, "missing_media": len(missing)}
    lost = f"; {len(missing)} files are not there, or changed (--media OLD=NEW says where they lie)" if missing else ""
    out.line(row, f"set {set_id}: {pairs} pairs, {held} kept back by the linter{lost}")
    return 1 if out.refusals or missing else 0


def _export(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.pairs.files import start_export

    with opened(args) as (store, runs):
        run = follow(runs, start_export(store, runs, args.set, args.format, ACTOR, args.name), out)
        result = runs.results(run.id)[-1]["result"]
    row = {name: result[name] for name in ("folder", "pairs", "splits", "left_out")}
    splits = ", ".join(f"{split} {count}" for split, count in result["splits"].items())
    out.line(row, f"{result['folder']}: {result['pairs']} pairs ({splits})")
    return 1 if out.refusals else 0

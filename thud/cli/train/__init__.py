"""`train`: supervised and preference training from a shell: start, watch, stop, resume, export, and the demo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.train import care, starting


def add_parser(verbs: Any) -> None:
    verb = verbs.add_parser("train", help="teach a model to listen: start, list, stop, resume, export, demo")
    what = verb.add_subparsers(dest="what", required=True, metavar="WHAT")
    for group in (starting, care):
        group.add_parsers(what)
    for each in what.choices.values():
        each.add_argument("--json", action="store_true", help="one JSON object a line on standard output")
        each.add_argument("--workspace", type=Path, default=Path("workspace"), metavar="DIR")
        each.add_argument("--db", type=Path, metavar="FILE", help="default: annotations.duckdb beside the workspace")
    verb.set_defaults(run=run_train)


def run_train(args: argparse.Namespace, out: Output) -> int:
    """Each group's verbs set `do`, a function of (args, out) like this one."""
    return int(args.do(args, out))

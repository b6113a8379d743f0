"""`pairs`: preference pairs from a shell: build, lint, fix, import, export, rewrite. One file per group of verbs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.pairs import building, files, linting, material, rewriting

GROUPS = (building, linting, files, material, rewriting)
NO_WORKSPACE = frozenset({"lint"})


def add_parser(verbs: Any) -> None:
    verb = verbs.add_parser("pairs", help="preference pairs: build, lint, fix, import, export")
    what = verb.add_subparsers(dest="what", required=True, metavar="WHAT")
    for group in GROUPS:
        group.add_parsers(what)
    for name, each in what.choices.items():
        each.add_argument("--json", action="store_true", help="one JSON object a line on standard output")
        if name not in NO_WORKSPACE:
            each.add_argument("--workspace", type=Path, default=Path("workspace"), metavar="DIR")
            each.add_argument(
                "--db", type=Path, metavar="FILE", help="default: annotations.duckdb beside the workspace"
            )
    verb.set_defaults(run=run_pairs)


def run_pairs(args: argparse.Namespace, out: Output) -> int:
    """Each group's verbs set `do`, a function of (args, out) like this one."""
    return int(args.do(args, out))

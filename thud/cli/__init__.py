"""`python -m thud VERB`: the same verbs as the page, for scripts. Errors are one sentence and exit code 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from thud.cli import (
    annotate,
    ask,
    benchmark,
    care,
    doctor,
    handover,
    intervene,
    judge,
    leak,
    pairs,
    parse,
    results,
    train,
    workspace,
)
from thud.cli.output import Output
from thud.errors import ThudError

VERBS = (
    intervene, workspace, annotate, ask, results, judge, parse, leak, benchmark, pairs, train, handover, care, doctor,
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; each verb's module adds its own."""
    parser = argparse.ArgumentParser(prog="python -m thud", description="Counterfactual soundtracks and their proof.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in VERBS:
        module.add_parser(verbs)
    for name, verb in verbs.choices.items():
        if name in ("benchmark", "pairs", "train"):  # their own verbs take them
            continue
        verb.add_argument("--json", action="store_true", help="one JSON object a line on standard output")
        if name not in ("intervene", "doctor", "parse"):
            verb.add_argument("--workspace", type=Path, default=Path("workspace"), metavar="DIR")
            verb.add_argument(
                "--db", type=Path, metavar="FILE", help="default: annotations.duckdb beside the workspace"
            )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs one verb; returns the exit code."""
    args = build_parser().parse_args(argv)
    out = Output(args.json)
    try:
        return int(args.run(args, out))
    except ThudError as error:
        out.refuse(args.verb, str(error))
        return 1
    except KeyboardInterrupt:
        out.refuse(args.verb, "stopped; what was finished is kept")
        return 130
    except BrokenPipeError:
        # The reader has gone (`thud … | head`): nothing is left to say, and nobody to say it to.
        sys.stdout = None
        return 141

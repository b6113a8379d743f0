"""`results`: the paired table of every listener that was asked, from a shell."""

from __future__ import annotations

import argparse
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import opened
from thud.evaluation.scoring import CELLS


def add_parser(verbs: Any) -> None:
    results = verbs.add_parser("results", help="the paired table of every listener that was asked, with intervals")
    results.add_argument("--answers", choices=("people", "judge", "rules", "paper"), default="people", help="by whom")
    results.set_defaults(run=run_results)


def run_results(args: argparse.Namespace, out: Output) -> int:
    from thud.evaluation.leaderboard import leaderboard, parts_of, split_rows
    from thud.store.score_filter import ScoreFilter

    with opened(args) as (store, _):
        columns = store.score_rows()
        named = dict(zip(columns["part"].tolist(), columns["listener"].tolist(), strict=True))
        parts = parts_of(columns)
        names = {row: named[part] for part, (row, _) in parts.items()}
        figures = leaderboard(split_rows(store.score_counts(ScoreFilter(answers=args.answers)), parts), "wrong", None)
    out.line({"columns": [cell.key for cell in CELLS]}, " " * 42 + "".join(f"{_head(cell):>22}" for cell in CELLS))
    for row, figure in figures.items():
        cells = {cell.key: figure["cells"][cell.key] for cell in CELLS}
        name = f"{names[row]}, {row[1].replace('_', ' ')}"
        told = {"listener": names[row], "key": row[0], "arm": row[1], "set": row[2], "cells": cells}
        gap = figure["gap"]
        shown = "".join(f"{_words(cells[cell.key]):>22}" for cell in CELLS)
        out.line({**told, "gap": gap, "dprime": figure["dprime"]}, f"{name[:40]:42}{shown}   gap {_words(gap)}")
    return 0


def _head(cell: Any) -> str:
    return str(cell.title.replace("Consistency", "Cons.").replace("Existence", "Exist."))


def _words(figure: dict[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{100 * figure['value']:.1f}"
    return f"{100 * figure['value']:.1f} [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"

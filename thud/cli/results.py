"""`results`: the paired table of every listener that was asked, with its controls, from a shell."""

from __future__ import annotations

import argparse
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import opened
from thud.evaluation.scoring import CELLS

WIDE = 42


def add_parser(verbs: Any) -> None:
    results = verbs.add_parser(
        "results", help="the paired table of every listener that was asked, with intervals and what sound alone allows"
    )
    results.add_argument("--answers", choices=("people", "judge", "rules", "paper"), default="people", help="by whom")
    results.set_defaults(run=run_results)


def run_results(args: argparse.Namespace, out: Output) -> int:
    from thud.evaluation.controls import controls_json
    from thud.evaluation.leaderboard import leaderboard, parts_of, split_rows
    from thud.runs.listening.controls import row_controls
    from thud.store.score_filter import ScoreFilter

    wanted = ScoreFilter(answers=args.answers)
    with opened(args) as (store, _):
        columns = store.score_rows()
        named = dict(zip(columns["part"].tolist(), columns["listener"].tolist(), strict=True))
        parts = parts_of(columns)
        names = {row: named[part] for part, (row, _) in parts.items()}
        rows = split_rows(store.score_counts(wanted), parts)
        figures = leaderboard(rows, wanted.absent)
        controls = row_controls(store, rows, wanted, parts)
    out.line({"columns": [cell.key for cell in CELLS]}, " " * WIDE + "".join(f"{_head(cell):>22}" for cell in CELLS))
    for row, figure in figures.items():
        cells = {cell.key: figure["cells"][cell.key] for cell in CELLS}
        name = f"{names[row]}, {row[1].replace('_', ' ')}"
        told = {"listener": names[row], "key": row[0], "arm": row[1], "set": row[2], "cells": cells}
        gap, held = figure["gap"], controls.get(row)
        shown = "".join(f"{_words(cells[cell.key]):>22}" for cell in CELLS)
        told |= {"gap": gap, "dprime": figure["dprime"], "controls": controls_json(held, row[1]) if held else None}
        line = f"{name[:40]:{WIDE}}{shown}   gap {_words(gap)}"
        out.line(told, f"{line}\n{' ' * WIDE}{_held(told['controls'], row[1])}" if held else line)
    return 0


def _held(told: dict[str, Any], arm: str) -> str:
    """Sync with classes alike, what the sound alone allows, and the control, in one line."""
    parts = [f"sync, classes alike {_words(told['accuracy'])}", f"sound alone {_words(told['ceiling'], False)}"]
    if arm == "audio_video":
        parts.append(f"another picture {_words(told['shuffled'])}" if told["shuffled"] else "another picture not asked")
    return f"{', '.join(parts)}. {told['words']}"


def _head(cell: Any) -> str:
    return str(cell.title.replace("Consistency", "Cons.").replace("Existence", "Exist."))


def _words(figure: dict[str, Any] | None, interval: bool = True) -> str:
    if figure is None or figure["value"] is None:
        return "–"
    if figure["low"] is None or not interval:
        return f"{100 * figure['value']:.1f}"
    return f"{100 * figure['value']:.1f} [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"

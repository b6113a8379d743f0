"""The leaderboard from sums per source: cells, both right, average gap, d′ and who answered nothing. Pure.

All rows that rest on the same sources are drawn together, so that a table of many listeners takes one bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thud.evaluation.decomposition import AVERAGE_GAP, CELL_FIGURES, SIGNALS, SYNC_FIGURES, Figure
from thud.evaluation.items_view import Json, estimate_json
from thud.evaluation.measure import Key, Table
from thud.evaluation.scoring import ABSENT, TASKS, Absent, expected_label
from thud.statistics import Estimate, Numbers, cluster_bootstrap, criterion, d_prime, drawn_sums, weighted_sum

Columns = Mapping[str, NDArray[Any]]
Row = tuple[str, str, str]
"""listener's key, arm, question set"""
EDITED = {"sync": "early", "existence": "muted", "consistency": "swapped"}
"""Early stands for both directions here: a figure of the leaderboard never tells them apart."""
THREE = next(figure for figure in SYNC_FIGURES if figure.key == "three_class")
SHARES: tuple[Figure, ...] = (*CELL_FIGURES, THREE)
NO_SOUND = ("picture_only",)
MUCH_UNANSWERED = 0.05
FLOAT_NOISE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class RowSums:
    """One row's counts per source, in the order of `sources`. table: what was said, coarsely (right, flagged, other).

    both, pairs: (sources, tasks): pairs right throughout, and all. right, items: (sources, 3): of the sync task by
    class (synced, early, delayed). asked: a number that is the same for the same sync items, of those that count.
    """

    row: Row
    sources: NDArray[Any]
    table: Table
    both: Numbers
    pairs: Numbers
    right: Numbers
    items: Numbers
    asked: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A share and the items it rests on."""

    estimate: Estimate
    n: int


def split_rows(columns: Columns, parts: Mapping[int, tuple[Row, str]]) -> list[RowSums]:
    """The counts of the store (see `score_counts`), row by row. parts: what each part is: its row and its task."""
    order = np.argsort(columns["part"], kind="stable")
    codes, starts = np.unique(columns["part"][order], return_index=True)
    places = np.split(order, starts[1:]) if len(codes) else []
    by_row: dict[Row, dict[str, NDArray[np.int64]]] = {}
    for code, place in zip(codes.tolist(), places, strict=True):
        if code in parts:
            row, task = parts[code]
            by_row.setdefault(row, {})[task] = place
    return [_row_sums(row, columns, by_task) for row, by_task in by_row.items()]


def _row_sums(row: Row, columns: Columns, by_task: Mapping[str, NDArray[np.int64]]) -> RowSums:
    sources = np.unique(np.concatenate([columns["source"][where] for where in by_task.values()]))
    said: dict[Key, Numbers] = {}
    both, pairs = np.zeros((len(sources), len(TASKS))), np.zeros((len(sources), len(TASKS)))
    right = items = np.zeros((len(sources), 3))
    asked = np.bitwise_xor.reduce(columns["asked"][by_task["sync"]]) if "sync" in by_task else 0
    for number, task in enumerate(TASKS):
        if task in by_task:
            where = by_task[task]
            sums = _Sums(columns, where, np.searchsorted(sources, columns["source"][where]), len(sources))
            both[:, number], pairs[:, number] = sums.of("both"), sums.of("pairs")
            said |= _folded(sums, "original", task, "original")
            said |= _folded(sums, "edited", task, EDITED[task])
            right, items = _by_class(sums) if task == "sync" else (right, items)
    table = Table(tuple(said), np.column_stack(list(said.values())), True)
    return RowSums(row, sources, table, both, pairs, right, items, int(asked))


def _by_class(sums: _Sums) -> tuple[Numbers, Numbers]:
    """Right and counted items of the sync task: those in sync, early and delayed ones, each (sources, 3)."""
    right, items = (
        np.column_stack([sums.of(f"{name}_{what}") for name in ("original", "early", "delayed")])
        for what in ("right", "counted")
    )
    return right, items


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Columns of one row and task as sums per source."""

    columns: Columns
    where: NDArray[np.int64]
    place: NDArray[np.int64]
    sources: int

    def of(self, name: str) -> Numbers:
        counts = np.bincount(self.place, self.columns[name][self.where], self.sources)
        return np.asarray(counts, dtype=np.float64)


def _folded(sums: _Sums, side: str, task: str, condition: str) -> dict[Key, Numbers]:
    """What was said of one side of a task, as far as it matters here: right, wrongly flagged, absent, other."""
    right, flagged = sums.of(f"{side}_right"), sums.of(f"{side}_flagged")
    absent = {label: sums.of(f"{side}_{label}") for label in ABSENT}
    rest = sums.of(side) - right - flagged - np.sum(list(absent.values()), axis=0)
    said = {expected_label(task, condition) or "": right, "desync": flagged, "visual_only": rest, **absent}
    return {(task, condition, label): counts for label, counts in said.items()}


def _picked(table: Table, figure: Figure, absent: Absent) -> tuple[Numbers, Numbers]:
    """Per source: items in the numerator and in the denominator of a figure of one term."""
    term = figure.terms[0]
    kept = [i for i, key in enumerate(table.keys) if absent == "wrong" or key[2] not in ABSENT]
    sides = []
    for picks in (term.numerator, term.denominator):
        held = [i for i in kept if any(pick.holds(*table.keys[i]) for pick in picks)]
        sides.append(np.asarray(table.counts[:, held].sum(axis=1), dtype=np.float64))
    return sides[0], sides[1]


def shares(rows: Sequence[RowSums], absent: Absent) -> list[dict[str, Counted]]:
    """Per row: the six cells, `three_class`, and `both_<task>`. One bootstrap for all rows of the same sources."""
    found: list[dict[str, Counted]] = [{} for _ in rows]
    for members in _same_sources(rows):
        pairs = [pair for number in members for pair in _pairs_of(rows[number], absent).items()]
        hits = np.column_stack([each[1][0] for each in pairs])
        items = np.column_stack([each[1][1] for each in pairs])
        estimates = cluster_bootstrap(hits, items)
        per_row = len(pairs) // len(members)
        for place, (estimate, total, (key, _)) in enumerate(zip(estimates, items.sum(axis=0), pairs, strict=True)):
            found[members[place // per_row]][key] = Counted(estimate, int(total))
    return found


def _pairs_of(row: RowSums, absent: Absent) -> dict[str, tuple[Numbers, Numbers]]:
    cells = {figure.key: _picked(row.table, figure, absent) for figure in SHARES}
    both = {f"both_{task}": (row.both[:, i], row.pairs[:, i]) for i, task in enumerate(TASKS)}
    return {**cells, **both}


def leaderboard(rows: Sequence[RowSums], absent: Absent) -> dict[Row, Json]:
    """What the page shows of every row but who it is: cells, both, gap, dprime, criterion, no_answer, three, floor."""
    told = zip(rows, shares(rows, absent), derived(rows, absent), strict=True)
    return {row.row: _row_json(row, figures, sums) for row, figures, sums in told}


def parts_of(columns: Columns) -> dict[int, tuple[Row, str]]:
    """What each part of `score_counts` is, from the columns of `score_rows`: its row and its task."""
    names = ("listener_key", "arm", "question_set", "task")
    whole = zip(columns["part"].tolist(), *(columns[name].tolist() for name in names), strict=True)
    return {part: ((key, arm, question_set), task) for part, key, arm, question_set, task in whole}


def derived(rows: Sequence[RowSums], absent: Absent) -> list[tuple[Counted, Counted]]:
    """Per row the average gap and d′ of the sync task, as `measure` and `detect` give them, from shared draws."""
    found: list[tuple[Counted, Counted]] = [_NOTHING] * len(rows)
    for members in _same_sources(rows):
        tables = [table for number in members for table in (_gap_counts(rows[number], absent), _noticed(rows[number]))]
        drawn = drawn_sums(np.hstack(tables))
        ends = np.cumsum([table.shape[1] for table in tables])[:-1]
        draws = np.split(drawn, ends, axis=1)
        for place, number in enumerate(members):
            gap, noticed = tables[2 * place], tables[2 * place + 1]
            found[number] = (
                Counted(_sure(_interval(gap, draws[2 * place], _gap), gap), int(gap[:, len(CELL_FIGURES) :].sum())),
                Counted(_interval(noticed, draws[2 * place + 1], d_prime), int(noticed[:, [1, 3]].sum())),
            )
    return found


_NOTHING = (Counted(Estimate(None, None, None, 0), 0), Counted(Estimate(None, None, None, 0), 0))


def _gap_counts(row: RowSums, absent: Absent) -> Numbers:
    """Per source: right items of the six cells, then all items of them."""
    cells = [_picked(row.table, figure, absent) for figure in CELL_FIGURES]
    return np.column_stack([each[side] for side in (0, 1) for each in cells])


def _gap(sums: Numbers) -> Numbers:
    cells = len(CELL_FIGURES)
    weights = np.array([term.weight for term in AVERAGE_GAP.terms])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((sums[:, :cells] / sums[:, cells:]) @ weights)


def _sure(gap: Estimate, counts: Numbers) -> Estimate:
    """The gap; where all sources agree in every cell, with the interval that follows from the cells' own."""
    if gap.value is None or gap.low is not None:
        return gap
    cells = len(CELL_FIGURES)
    certain = weighted_sum(
        cluster_bootstrap(counts[:, :cells], counts[:, cells:]), [term.weight for term in AVERAGE_GAP.terms]
    )
    return replace(gap, low=certain.low, high=certain.high)


def _interval(counts: Numbers, drawn: Numbers, function: Callable[[Numbers], Numbers]) -> Estimate:
    """As `bootstrap_derived` gives it, from draws that were made already."""
    n = int((counts != 0).any(axis=1).sum())
    value = float(function(counts.sum(axis=0)[None, :])[0]) if n else np.nan
    if not np.isfinite(value):
        return Estimate(None, None, None, n)
    values = function(drawn)
    known = values[np.isfinite(values)]
    if n == 1 or not len(known) or np.ptp(known) <= FLOAT_NOISE:
        return Estimate(value, None, None, n)
    low, high = (float(each) for each in np.percentile(known, [2.5, 97.5]))
    return Estimate(value, min(low, value), max(high, value), n)


def _same_sources(rows: Sequence[RowSums]) -> list[list[int]]:
    """Which rows rest on the same sources, so that the same draws serve them."""
    groups: dict[bytes, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.sources.tobytes(), []).append(number)
    return list(groups.values())


def _row_json(row: RowSums, figures: Mapping[str, Counted], sums: tuple[Counted, Counted]) -> Json:
    told = {key: estimate_json(each.estimate, each.n) for key, each in figures.items()}
    gap, noticed = sums
    return {
        "cells": {figure.key: told[figure.key] for figure in CELL_FIGURES},
        "why_not": _why_not(row),
        "both": {task: told[f"both_{task}"] for task in TASKS},
        "gap": estimate_json(gap.estimate, gap.n),
        "dprime": estimate_json(noticed.estimate, noticed.n),
        "criterion": _criterion(_noticed(row)),
        "no_answer": _no_answer(row.table),
        "three": told[THREE.key],
        "floor": "floor" if row.row[1] == "sound_only" else "",
    }


def _noticed(row: RowSums) -> Numbers:
    """Per source, for d′ of the sync task: hits, signals, alarms, noises, absent answers left out as in `detect`."""
    conditions, labels = SIGNALS["sync"]
    keys = [key for key in row.table.keys if key[0] == "sync" and key[2] not in ABSENT]
    sides = [[key for key in keys if (key[1] in conditions) is edited] for edited in (True, False)]
    wanted = [held for side in sides for held in ([key for key in side if key[2] in labels], side)]
    columns = [row.table.counts[:, [row.table.keys.index(key) for key in held]].sum(axis=1) for held in wanted]
    return np.asarray(np.column_stack(columns), dtype=np.float64)


def _criterion(noticed: Numbers) -> float | None:
    value = float(criterion(noticed.sum(axis=0)))
    return value if np.isfinite(value) else None


def _why_not(row: RowSums) -> Json:
    reason = "no sound input" if row.row[1] in NO_SOUND else "not asked"
    asked = {key[0] for key in row.table.keys}
    return {task: reason for task in TASKS if task not in asked}


def _no_answer(table: Table) -> Json:
    totals = table.counts.sum(axis=0)
    counts = {
        label: int(sum(total for key, total in zip(table.keys, totals, strict=True) if key[2] == label))
        for label in ABSENT
    }
    n = int(totals.sum())
    return {"value": sum(counts.values()) / n if n else None, **counts, "n": n}


SORTS = ("gap", "listener", "dprime", "no_answer", "three", "alike", "at", *(figure.key for figure in CELL_FIGURES))
_BEST_LAST = ("gap", "listener", "no_answer")


def ranked(rows: Sequence[Json], sort: str) -> list[Json]:
    """The rows with their rank by average gap (None without all three tasks), sorted; what is not known comes last.

    sort: one of SORTS; the best first.
    """
    gaps = sorted(row["gap"]["value"] for row in rows if row["gap"])
    marked = [{**row, "rank": gaps.index(row["gap"]["value"]) + 1 if row["gap"] else None} for row in rows]
    known = [row for row in marked if _sort_value(row, sort) is not None]
    unknown = [row for row in marked if _sort_value(row, sort) is None]
    known.sort(key=lambda row: row["listener"].casefold())
    known.sort(key=lambda row: _sort_value(row, sort), reverse=sort not in _BEST_LAST)
    return known + sorted(unknown, key=lambda row: row["listener"].casefold())


def _sort_value(row: Json, sort: str) -> Any:
    if sort == "listener":
        return row["listener"].casefold()
    value = row["cells"][sort] if sort in row["cells"] else row.get(sort)
    return value["value"] if isinstance(value, dict) else value

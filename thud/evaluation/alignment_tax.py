"""The six-benchmark row: what a checkpoint gained on synchrony, and what it paid for that on general benchmarks.

Shares are 0 to 1. A benchmark that was not run is None, and so is every mean that would need it. Differences are over
the questions that both answered. Intervals draw videos, because questions about one video are right or wrong together,
and draw those of each benchmark on their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thud.errors import BadRequest
from thud.statistics import Estimate, Numbers, bootstrap_derived, cluster_bootstrap, drawn_sums

COLUMNS: dict[str, str] = {
    "sync": "Sync",
    "vggsync": "VGGSync",
    "vmme": "V-MME",
    "lvb": "LVB",
    "ws": "WS",
    "do": "DO",
}
GENERAL = ("vmme", "lvb", "ws", "do")
"""The four that do not ask about synchrony: their mean against the base's is the alignment tax."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One question, answered by one model. source: the video that statistics cluster by."""

    question: str
    source: str
    right: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One benchmark of one checkpoint beside its base.

    accuracy: over all that the checkpoint was asked. base, change: over the shared questions only; change = checkpoint
    minus base, None where they share none. alone: questions that only one of the two answered.
    """

    accuracy: Estimate
    base: Estimate | None = None
    change: Estimate | None = None
    alone: int = 0


@dataclass(frozen=True, slots=True)
class TaxRow:
    """The row of one checkpoint. average: mean of the six. general: mean of the four that are not about synchrony.

    general_change: that mean minus the base's, over shared questions; a tax is paid where it is below 0.
    published: the figures are a paper's, so they have no intervals.
    """

    name: str
    cells: Mapping[str, Cell | None]
    average: Estimate | None
    general: Estimate | None
    general_change: Estimate | None
    published: bool = False


def tax_row(
    name: str, checkpoint: Mapping[str, Sequence[Marked]], base: Mapping[str, Sequence[Marked]] | None = None
) -> TaxRow:
    """The row of a checkpoint from its answers by benchmark (keys of COLUMNS). base: its base model's, where asked.

    Raises BadRequest for a benchmark that is not one of the six, or a question that is answered twice.
    """
    asked, before = _by_question(checkpoint), _by_question(base or {})
    shared = {column: _shared(marks, before.get(column, {})) for column, marks in asked.items()}
    accuracy = {column: _counts([(m, float(m.right)) for m in marks.values()]) for column, marks in asked.items()}
    change = {
        column: _counts([(now, float(now.right) - float(then.right)) for now, then in pairs])
        for column, pairs in shared.items()
        if pairs
    }
    cells: dict[str, Cell | None] = dict.fromkeys(COLUMNS)
    for seed, column in enumerate(COLUMNS):
        if column in asked:
            alone = len(asked[column]) + len(before[column]) - 2 * len(shared[column]) if column in before else 0
            cell = Cell(_share(accuracy[column], seed), alone=alone)
            if column in change:
                was = _counts([(then, float(then.right)) for _, then in shared[column]])
                moved = bootstrap_derived(change[column], _ratio, seed=seed)
                cell = replace(cell, base=_share(was, seed), change=moved)
            cells[column] = cell
    return TaxRow(name, cells, _mean(accuracy, COLUMNS), _mean(accuracy, GENERAL), _mean(change, GENERAL))


def published_row(name: str, percent: Mapping[str, float | None], base: Mapping[str, float | None]) -> TaxRow:
    """A published recipe as a row. percent: its figures by keys of COLUMNS, None where the paper gives none."""
    shares = {column: _known(percent.get(column)) for column in COLUMNS}
    general, before = _plain(percent, GENERAL), _plain(base, GENERAL)
    change = None if general is None or before is None else general - before
    cells: dict[str, Cell | None] = {}
    for column, share in shares.items():
        then = _known(base.get(column))
        moved = None if share is None or then is None else Estimate(share - then, None, None, 0)
        was = None if then is None else Estimate(then, None, None, 0)
        cells[column] = None if share is None else Cell(Estimate(share, None, None, 0), was, moved)
    means = [None if m is None else Estimate(m, None, None, 0) for m in (_plain(percent, COLUMNS), general, change)]
    return TaxRow(name, cells, means[0], means[1], means[2], published=True)


def published_rows(table: Iterable[Sequence[Any]], base: str = "vanilla") -> tuple[TaxRow, ...]:
    """Rows of the paper's second table: (recipe, six figures in percent or None, average).

    base: the recipe that the others are compared with. Raises BadRequest when there is none of that name.
    """
    rows = {str(row[0]): dict(zip(COLUMNS, row[1:7], strict=True)) for row in table}
    if base not in rows:
        raise BadRequest(f"The published table has no recipe {base!r} to compare with.")
    return tuple(published_row(name, percent, rows[base]) for name, percent in rows.items())


def _by_question(answers: Mapping[str, Sequence[Marked]]) -> dict[str, dict[str, Marked]]:
    found: dict[str, dict[str, Marked]] = {}
    for column, marks in answers.items():
        if column not in COLUMNS:
            raise BadRequest(f"{column!r} is none of the six benchmarks: {', '.join(COLUMNS)}.")
        by_question = {mark.question: mark for mark in marks}
        if len(by_question) != len(marks):
            raise BadRequest(f"{COLUMNS[column]} holds a question twice; give one answer for each.")
        if marks:
            found[column] = by_question
    return found


def _shared(marks: Mapping[str, Marked], before: Mapping[str, Marked]) -> list[tuple[Marked, Marked]]:
    return [(mark, before[question]) for question, mark in marks.items() if question in before]


def _counts(values: Sequence[tuple[Marked, float]]) -> Numbers:
    """(sum of the values, questions) of each video: (videos, 2)."""
    index = {source: at for at, source in enumerate(sorted({mark.source for mark, _ in values}))}
    at = [index[mark.source] for mark, _ in values]
    sums = np.bincount(at, [value for _, value in values], len(index))
    return np.column_stack([sums, np.bincount(at, minlength=len(index))]).astype(np.float64)


def _ratio(sums: Numbers) -> Numbers:
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


def _share(counts: Numbers, seed: int) -> Estimate:
    return cluster_bootstrap(counts[:, :1], counts[:, 1:], seed=seed)[0]


def _mean(counts: Mapping[str, Numbers], columns: Iterable[str]) -> Estimate | None:
    """The plain mean over benchmarks, with its interval; None when one of them is missing. n: videos of all of them."""
    columns = tuple(columns)
    if any(column not in counts for column in columns):
        return None
    tables = [counts[column] for column in columns]
    value = float(np.mean([_ratio(table.sum(axis=0)[None])[0] for table in tables]))
    n = sum(map(len, tables))
    drawn = np.mean([_ratio(drawn_sums(table, seed=seed)) for seed, table in enumerate(tables)], axis=0)
    if min(map(len, tables)) < 2 or np.ptp(drawn) == 0:
        return Estimate(value, None, None, n)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, min(value, float(low)), max(value, float(high)), n)


def _known(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _plain(percent: Mapping[str, float | None], columns: Iterable[str]) -> float | None:
    values = [_known(percent.get(column)) for column in columns]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None

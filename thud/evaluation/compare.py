"""Is one listener really better than another? Both on the same items, paired by item, clustered by source. Pure.

Differences are B − A. Where each source gives one item to a cell the test is McNemar's; where it gives several, the
signs of the differences per source are flipped, because McNemar would take items of one source as independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar

import numpy as np

from thud.errors import BadRequest
from thud.evaluation.scoring import CELLS
from thud.evaluation.verdict import Seen, verdict
from thud.statistics import (
    Estimate,
    Numbers,
    bootstrap_derived,
    cluster_bootstrap,
    holm,
    mcnemar,
    minimum_detectable,
    paired_test,
    tango,
)

ALPHA = 0.05
FEW = 5
"""Where fewer sources than this differ, or agree, draws hardly vary; Tango's interval is given instead."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One listener's item. item: what pairs it (stimulus and question); right None = does not count."""

    item: str
    source: str
    cell: str
    right: bool | None


@dataclass(frozen=True, slots=True)
class Tally:
    """The paired items of one source in one cell: right by both, by A only, by B only, by neither."""

    cell: str
    source: str
    both: int
    a_only: int
    b_only: int
    neither: int


@dataclass(frozen=True, slots=True)
class Pairing:
    """What two listeners share. gained: items A has wrong and B right; lost: the reverse; alone: items of one only."""

    tallies: tuple[Tally, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    a_alone: int
    b_alone: int


@dataclass(frozen=True, slots=True)
class CellComparison:
    """A row of the comparison. items: pairs; sources: clusters. difference: B − A.

    mcnemar_p: exact, two-sided, over items. p: the test named by `test`, which Holm's correction over the rows and
    `shown` (holm_p < .05) rest on. detectable: the smallest difference that this many sources show with power 0.8.
    """

    key: str
    title: str
    items: int
    sources: int
    a: Estimate
    b: Estimate
    difference: Estimate
    a_only: int
    b_only: int
    mcnemar_p: float
    test: Literal["mcnemar", "sign_flip"]
    p: float
    holm_p: float
    detectable: float | None
    shown: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows in the order of the cells, only those that hold pairs. answer and reason: the finding in plain words."""

    cells: tuple[CellComparison, ...]
    answer: str
    reason: str


def pair(a: Iterable[Scored], b: Iterable[Scored]) -> Pairing:
    """The items that both answered, tallied by cell and source. BadRequest where one listener has an item twice."""
    first, second = ({item: row for item, row in by_item(rows).items() if row.right is not None} for rows in (a, b))
    counts: dict[tuple[str, str], list[int]] = {}
    gained: list[str] = []
    lost: list[str] = []
    for item, mine in first.items():
        theirs = second.get(item)
        if theirs is None:
            continue
        counts.setdefault((mine.cell, mine.source), [0, 0, 0, 0])[2 * (not mine.right) + (not theirs.right)] += 1
        if mine.right != theirs.right:
            (lost if mine.right else gained).append(item)
    tallies = tuple(Tally(cell, source, *four) for (cell, source), four in counts.items())
    shared = sum(sum(four) for four in counts.values())
    return Pairing(tallies, tuple(gained), tuple(lost), len(first) - shared, len(second) - shared)


class Answered(Protocol):
    """One answer. item: what pairs it across listeners (stimulus and question)."""

    @property
    def item(self) -> str: ...


One = TypeVar("One", bound=Answered)


def by_item(rows: Iterable[One], who: str = "one listener") -> dict[str, One]:
    """One listener's answers by item. BadRequest where it has an item twice."""
    kept: dict[str, One] = {}
    for row in rows:
        if row.item in kept:
            raise BadRequest(f"{who}: item {row.item[:60]} was answered twice; keep one answer to each item.")
        kept[row.item] = row
    return kept


def compare(tallies: Iterable[Tally], unit: str = "clips") -> Comparison:
    """The paired comparison of A and B. unit: what sources are called in the finding."""
    by_cell: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_cell.setdefault(tally.cell, []).append(tally)
    rows = [_cell(cell.key, cell.title, by_cell[cell.key]) for cell in CELLS if cell.key in by_cell]
    adjusted = holm([row.p for row in rows])
    cells = tuple(replace(row, holm_p=p, shown=p < ALPHA) for row, p in zip(rows, adjusted, strict=True))
    answer, reason = verdict([_seen(row) for row in cells], unit)
    return Comparison(cells, answer, reason)


def _seen(row: CellComparison) -> Seen:
    return Seen(row.key, row.difference.value or 0.0, row.shown, row.detectable or 1.0, row.sources, _discordance(row))


def _discordance(row: CellComparison) -> float:
    return (row.a_only + row.b_only) / row.items


def _cell(key: str, title: str, tallies: Sequence[Tally]) -> CellComparison:
    four = np.array([[each.both, each.a_only, each.b_only, each.neither] for each in tallies], dtype=np.float64)
    items = four.sum(axis=1)
    four, items = four[items > 0], items[items > 0]
    if not len(items):
        raise BadRequest(f"{title}: a tally without items; leave out sources that share none.")
    right = np.column_stack([four[:, 0] + four[:, 1], four[:, 0] + four[:, 2]])
    a, b = cluster_bootstrap(right, np.column_stack([items, items]))
    a_only, b_only = int(four[:, 1].sum()), int(four[:, 2].sum())
    tested = paired_test(right[:, :1], right[:, 1:], items[:, None])
    return CellComparison(
        key,
        title,
        int(items.sum()),
        len(items),
        a,
        b,
        _difference(four, items),
        a_only,
        b_only,
        mcnemar(a_only, b_only),
        tested.test,
        tested.p,
        1.0,
        minimum_detectable(len(items), (a_only + b_only) / float(items.sum())),
        False,
    )


def _difference(four: Numbers, items: Numbers) -> Estimate:
    """B − A over sources; by Tango's interval, with sources as the pairs, where too few of them differ or agree."""
    apart, n = four[:, 2] - four[:, 1], len(items)
    drawn = bootstrap_derived(np.column_stack([apart, items]), _ratio)
    differing, short = int((apart != 0).sum()), int((np.abs(apart) < items).sum())
    if n > 1 and (drawn.low is None or min(differing, short) < FEW):
        scale = n / float(items.sum())
        return tango(float(four[:, 1].sum()) * scale, float(four[:, 2].sum()) * scale, n)
    return drawn


def _ratio(sums: Numbers) -> Numbers:
    return np.asarray(sums[:, 0] / sums[:, 1])

"""Figures, panels, the confusion matrix and d′ from counts of answers. Pure: counts in, estimates out.

With counts per source the intervals are bootstrapped over sources; with plain counts shares get Wilson's interval and
sums of shares none, since nothing says which items belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thud.errors import BadRequest
from thud.evaluation.decomposition import SIGNALS, Figure, Panel, Pick, Segment
from thud.evaluation.scoring import ABSENT, CLAIMS, LABELS, QUESTIONS, Absent, expected_label
from thud.statistics import (
    Detection,
    Estimate,
    Numbers,
    bootstrap_derived,
    cluster_bootstrap,
    criterion,
    d_prime,
    detection,
    weighted_sum,
    wilson,
)

Key = tuple[str, str, str]
"""(task, condition, label)"""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """How often each label was given. counts: (sources, keys), or one row of all items where `clustered` is False."""

    keys: tuple[Key, ...]
    counts: Numbers
    clustered: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its interval. hits of n: items in its numerators and denominators; estimate.n counts sources."""

    key: str
    estimate: Estimate
    hits: int
    n: int


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of a panel with its share of the n items of the bar."""

    segment: Segment
    share: Estimate
    hits: int
    n: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """What was answered. rows: (task, condition) that hold items; columns: claims that occur or are right, then absent.

    counts[row][column] items; right[row]: the column that is right.
    """

    rows: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    right: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Detected:
    """How well a listener tells edited from original in one task. Absent answers are neither a hit nor an alarm."""

    task: str
    counts: Detection
    d_prime: Estimate
    criterion: Estimate


def tabulate(rows: Iterable[tuple[str, str, str, str, int]]) -> Table:
    """The counts per source of rows (source, task, condition, label, count). Multiple-choice rows are passed over."""
    asked = [row for row in rows if row[1] != "choice"]
    keys = {key: i for i, key in enumerate(dict.fromkeys(row[1:4] for row in asked))}
    sources = {source: i for i, source in enumerate(dict.fromkeys(row[0] for row in asked))}
    _known(keys)
    counts = np.zeros((len(sources), len(keys)))
    where = ([sources[row[0]] for row in asked], [keys[row[1:4]] for row in asked])
    np.add.at(counts, where, [row[4] for row in asked])
    return Table(tuple(keys), counts, True)


def table_of(counts: Mapping[Key, int]) -> Table:
    """A table of counts without their sources, as read from a paper."""
    _known(counts)
    return Table(tuple(counts), np.array([list(counts.values())], dtype=np.float64), False)


def _known(keys: Iterable[Key]) -> None:
    for task, condition, label in keys:
        if label not in LABELS or expected_label(task, condition) is None:
            raise BadRequest(f"nothing is known of the answer “{label}” to {task} on {condition} clips.")


def measure(figures: Iterable[Figure], table: Table, absent: Absent = "wrong") -> dict[str, Measured]:
    """Every figure by its key. absent: whether items without an answer count as wrong or not at all.

    The share without an answer itself (group "answers") is always taken of all items.
    """
    return {
        figure.key: _measured(figure, table if figure.group == "answers" else _counted(table, absent))
        for figure in figures
    }


def _counted(table: Table, absent: Absent) -> Table:
    if absent == "wrong":
        return table
    kept = [i for i, (_, _, label) in enumerate(table.keys) if label not in ABSENT]
    return Table(tuple(table.keys[i] for i in kept), table.counts[:, kept], table.clustered)


def _measured(figure: Figure, table: Table) -> Measured:
    hits = np.column_stack([_sums(table, term.numerator) for term in figure.terms])
    items = np.column_stack([_sums(table, term.denominator) for term in figure.terms])
    weights = np.array([term.weight for term in figure.terms])
    return Measured(figure.key, _estimate(hits, items, weights, table.clustered), int(hits.sum()), int(items.sum()))


def _estimate(hits: Numbers, items: Numbers, weights: Numbers, clustered: bool) -> Estimate:
    if len(weights) == 1:
        return _share(hits[:, 0], items[:, 0], clustered)
    terms = len(weights)

    def figure(sums: Numbers) -> Numbers:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((sums[:, :terms] / sums[:, terms:]) @ weights)

    both = np.hstack([hits, items])
    if clustered:
        drawn = bootstrap_derived(both, figure)
        if drawn.value is None or drawn.low is not None:
            return drawn
        certain = weighted_sum(cluster_bootstrap(hits, items), weights.tolist())
        return replace(drawn, low=certain.low, high=certain.high)
    value = float(figure(both)[0])
    return Estimate(value if np.isfinite(value) else None, None, None, int(items.sum()))


def _share(hits: Numbers, items: Numbers, clustered: bool) -> Estimate:
    if clustered:
        return cluster_bootstrap(hits[:, None], items[:, None])[0]
    return wilson(int(hits.sum()), int(items.sum()))


def _sums(table: Table, picks: Sequence[Pick]) -> Numbers:
    """Items per source that any of the picks holds."""
    held = [i for i, key in enumerate(table.keys) if any(pick.holds(*key) for pick in picks)]
    return np.asarray(table.counts[:, held].sum(axis=1), dtype=np.float64)


def panel(bar: Panel, table: Table) -> tuple[Part, ...]:
    """The segments of a bar, absent answers as their own; hits add up to n. Shares are None where nothing was asked."""
    items = _sums(table, [Pick(task, condition) for task, condition in bar.questions])
    parts = [(segment, _sums(table, segment.picks)) for segment in bar.segments]
    return tuple(
        Part(segment, _share(hits, items, table.clustered), int(hits.sum()), int(items.sum()))
        for segment, hits in parts
    )


def confusion(table: Table) -> Confusion:
    """Counts of what was shown against what was answered, unparsed, refused and error in columns of their own."""
    totals = dict(zip(table.keys, table.counts.sum(axis=0).astype(int).tolist(), strict=True))
    asked = {key[:2] for key, count in totals.items() if count}
    rows = tuple(question for question in QUESTIONS if question in asked)
    right = [expected_label(*row) or "" for row in rows]
    said = {key[2] for key, count in totals.items() if count} | set(right)
    columns = (*(label for label in CLAIMS if label in said), *ABSENT)
    counts = tuple(tuple(totals.get((*row, label), 0) for label in columns) for row in rows)
    return Confusion(rows, columns, counts, tuple(columns.index(label) for label in right))


def detect(task: str, table: Table) -> Detected:
    """d′ and criterion of a task: edited clips are the signal, being called edited (in any way) is a call."""
    conditions, labels = SIGNALS[task]
    answered = _counted(table, "left_out")
    picks = [
        [Pick(task, each, labels) for each in conditions],
        [Pick(task, each) for each in conditions],
        [Pick(task, "original", labels)],
        [Pick(task, "original")],
    ]
    counts = np.column_stack([_sums(answered, some) for some in picks])
    hits, signals, alarms, noises = counts.sum(axis=0).astype(int).tolist()
    return Detected(
        task,
        detection(hits, signals, alarms, noises),
        _derived(counts, d_prime, table.clustered),
        _derived(counts, criterion, table.clustered),
    )


def _derived(counts: Numbers, function: Callable[[Numbers], Numbers], clustered: bool) -> Estimate:
    if clustered:
        return bootstrap_derived(counts, function)
    value = float(function(counts)[0]) if len(counts) else float("nan")
    return Estimate(value if np.isfinite(value) else None, None, None, int(counts.sum()))


def both_right(rows: Iterable[tuple[str, str, str, str, bool]]) -> dict[str, Estimate]:
    """Per task, the share of clips answered right both untouched and under every edit of them that was asked.

    rows: (source, clip, task, condition, right). A clip counts where its original and an edit were asked. Whoever says
    "in sync" to everything gets 0 here, however many originals are right.
    """
    clips: dict[str, dict[tuple[str, str], dict[bool, bool]]] = {}
    for source, clip, task, condition, right in rows:
        sides = clips.setdefault(task, {}).setdefault((source, clip), {})
        edited = condition != "original"
        sides[edited] = sides.get(edited, True) and right
    return {task: _both(found) for task, found in clips.items()}


def _both(clips: Mapping[tuple[str, str], Mapping[bool, bool]]) -> Estimate:
    asked = {key: sides[False] and sides[True] for key, sides in clips.items() if len(sides) == 2}
    sources = {source: i for i, source in enumerate(dict.fromkeys(source for source, _ in asked))}
    where = [sources[source] for source, _ in asked]
    total = np.bincount(where, minlength=len(sources))[:, None] if where else np.zeros((0, 1))
    right = np.bincount(where, list(asked.values()), len(sources))[:, None] if where else np.zeros((0, 1))
    return cluster_bootstrap(right, total)[0]

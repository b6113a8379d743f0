"""Agreement of raters on labels: kappa, alpha, and precision and recall where one of them counts as the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.stats import norm

from thud.errors import BadRequest
from thud.statistics.intervals import FLOAT_NOISE, Estimate, Numbers, wilson

RESAMPLES = 1000
Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa of two raters, with what it must be read beside.

    agreement: share of items with equal labels. expected: the share that chance gives. base_rate: share of the most
    frequent label over both raters; near 1 a low kappa says little.
    """

    kappa: Estimate
    agreement: float | None
    expected: float | None
    base_rate: float | None


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One label of a reader against the truth. given: how often it was read; true: how often it is so; hits: both.

    precision: hits/given, None where it was never read. recall: hits/true, None where it never is so.
    """

    precision: Estimate
    recall: Estimate
    given: int
    true: int
    hits: int


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> Kappa:
    """Agreement of two raters beyond chance, unweighted. None where both used one label only, or there are no items.

    Interval: large-sample standard error of Fleiss, Cohen and Everitt (1969).
    """
    if len(first) != len(second):
        raise BadRequest(f"two raters judged {len(first)} and {len(second)} items; kappa needs the same items.")
    n = len(first)
    if n == 0:
        return Kappa(Estimate(None, None, None, 0), None, None, None)
    table = _table(first, second) / n
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    agreement, expected = float(np.trace(table)), float(rows @ columns)
    base_rate = float(((rows + columns) / 2).max())
    if expected >= 1 - FLOAT_NOISE:
        return Kappa(Estimate(None, None, None, n), agreement, expected, base_rate)
    value = (agreement - expected) / (1 - expected)
    half = float(norm.ppf(0.975)) * _kappa_error(table, agreement, expected, n)
    estimate = Estimate(value, max(-1.0, value - half), min(1.0, value + half), n)
    return Kappa(estimate, agreement, expected, base_rate)


def _table(first: Sequence[Hashable], second: Sequence[Hashable]) -> Numbers:
    index = {label: i for i, label in enumerate(dict.fromkeys([*first, *second]))}
    table = np.zeros((len(index), len(index)))
    for (a, b), count in Counter(zip(first, second, strict=True)).items():
        table[index[a], index[b]] = count
    return table


def _kappa_error(table: Numbers, agreement: float, expected: float, n: int) -> float:
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    diagonal = np.diag(table)
    on = float((diagonal * ((1 - expected) - (rows + columns) * (1 - agreement)) ** 2).sum())
    pairs = table * (columns[:, None] + rows[None, :]) ** 2
    off = (1 - agreement) ** 2 * float(pairs.sum() - np.trace(pairs))
    rest = (agreement * expected - 2 * expected + agreement) ** 2
    return float(np.sqrt(max(0.0, on + off - rest) / n)) / (1 - expected) ** 2


def krippendorff_alpha(items: Sequence[Sequence[Hashable | None]], *, seed: int = 0) -> Estimate:
    """Nominal alpha of many raters: one sequence of labels per item, None or left out where a rater gave none.

    n: items with two labels or more (others say nothing about agreement). None where only one label was ever used.
    Interval: percentiles of a bootstrap over items.
    """
    labels = [[label for label in item if label is not None] for item in items]
    rated = [item for item in labels if len(item) >= 2]
    kinds = {label: i for i, label in enumerate(dict.fromkeys(label for item in rated for label in item))}
    if len(kinds) < 2:
        return Estimate(None, None, None, len(rated))
    counts = np.zeros((len(rated), len(kinds)))
    for row, item in enumerate(rated):
        for label in item:
            counts[row, kinds[label]] += 1
    value = float(_alphas(counts, np.ones((1, len(rated))))[0])
    draws = np.random.default_rng(seed).multinomial(len(rated), np.full(len(rated), 1 / len(rated)), RESAMPLES)
    low, high = np.nanpercentile(_alphas(counts, draws.astype(np.float64)), [2.5, 97.5])
    return Estimate(value, min(value, float(low)), max(value, float(high)), len(rated))


def _alphas(counts: Numbers, weights: Numbers) -> Numbers:
    """Alpha for every row of `weights` (draws, items); NaN where a draw holds one label only."""
    raters = counts.sum(axis=1)
    differing = (raters**2 - (counts**2).sum(axis=1)) / (raters - 1)
    totals = weights @ counts
    n = totals.sum(axis=1)
    chance = n**2 - (totals**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance > 0, 1 - (n - 1) * (weights @ differing) / chance, np.nan))


def confusion_counts(truth: Sequence[Label], given: Sequence[Label]) -> Counter[tuple[Label, Label]]:
    """How often each pair (true label, given label) occurs; both sequences go through the same items in one order."""
    if len(truth) != len(given):
        raise BadRequest(f"{len(truth)} true and {len(given)} given labels; both must speak of the same items.")
    return Counter(zip(truth, given, strict=True))


def precision_recall(truth: Sequence[Label], given: Sequence[Label]) -> dict[Label, ClassScore]:
    """Precision and recall of every label that occurs, with Wilson's intervals, in order of first appearance."""
    cells = confusion_counts(truth, given)
    true, read = Counter(truth), Counter(given)
    return {
        label: ClassScore(
            wilson(cells[label, label], read[label]),
            wilson(cells[label, label], true[label]),
            read[label],
            true[label],
            cells[label, label],
        )
        for label in dict.fromkeys([*truth, *given])
    }

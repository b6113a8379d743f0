"""Figures with their error bars. Pure, numpy and scipy only; a figure that cannot be computed is None, never 0 or 1.

Timestamps get bias, shares within a tolerance and limits of agreement. ICC and interval alpha are left out on purpose:
over clips of 10 s an annotator who lags 150 ms behind still scores 0.998, so they say nothing about event times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from thud.errors import BadRequest

Numbers = NDArray[np.float64]
TOLERANCES_S = (0.05, 0.1, 0.2)
RESAMPLES = 1000
_FLOAT_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval and the number of independent things it rests on; None = cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    n: int


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
class Limits:
    """Bland and Altman's limits of agreement: 95 % of differences are expected between low and high."""

    bias: Estimate
    low: Estimate
    high: Estimate
    sd: float | None


@dataclass(frozen=True, slots=True)
class Within:
    """How many differences are no larger than a tolerance."""

    tolerance_s: float
    share: Estimate


def wilson(hits: int, n: int) -> Estimate:
    """The share hits/n with Wilson's 95 % interval, which stays in [0, 1] and is honest at 0 and n."""
    if not 0 <= hits <= n:
        raise BadRequest(f"{hits} of {n} is not a share; count the hits among the items.")
    if n == 0:
        return Estimate(None, None, None, 0)
    z = float(norm.ppf(0.975))
    middle = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * float(np.sqrt(hits * (n - hits) / n + z * z / 4))
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == n else middle + half
    return Estimate(hits / n, low, high, n)


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
    if expected >= 1 - _FLOAT_NOISE:
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


def limits_of_agreement(differences: Sequence[float] | Numbers) -> Limits:
    """Bias ± 1.96 sd, each with its interval (Bland and Altman 1986); intervals need two differences, else None."""
    values = finite(differences)
    n = len(values)
    if n < 2:
        alone = Estimate(float(values[0]) if n else None, None, None, n)
        nothing = Estimate(None, None, None, n)
        return Limits(alone, nothing, nothing, None)
    bias, sd = float(values.mean()), float(values.std(ddof=1))
    z, quantile = float(norm.ppf(0.975)), float(t.ppf(0.975, n - 1))
    bias_half = quantile * sd / float(np.sqrt(n))
    limit_half = quantile * sd * float(np.sqrt(1 / n + z * z / (2 * (n - 1))))
    return Limits(
        Estimate(bias, bias - bias_half, bias + bias_half, n),
        Estimate(bias - z * sd, bias - z * sd - limit_half, bias - z * sd + limit_half, n),
        Estimate(bias + z * sd, bias + z * sd - limit_half, bias + z * sd + limit_half, n),
        sd,
    )


def share_within(
    differences: Sequence[float] | Numbers, tolerances_s: Sequence[float] = TOLERANCES_S
) -> tuple[Within, ...]:
    """For each tolerance, the share of differences no larger than it (the tolerance itself counts as within)."""
    sizes = np.abs(finite(differences))
    return tuple(
        Within(limit, wilson(int((sizes <= limit + _FLOAT_NOISE).sum()), len(sizes))) for limit in tolerances_s
    )


def finite(values: Sequence[float] | Numbers) -> Numbers:
    """The values as one row of float64. Raises BadRequest where one is NaN or infinite."""
    row = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(row).all():
        raise BadRequest("a difference of times is not a number; leave out what was not placed.")
    return row

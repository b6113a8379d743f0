"""Estimates with 95 % intervals: shares (Wilson), and differences of times. A figure that cannot be computed is None.

Timestamps get bias, shares within a tolerance and limits of agreement. ICC and interval alpha are left out on purpose:
over clips of 10 s an annotator who lags 150 ms behind still scores 0.998, so they say nothing about event times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from thud.errors import BadRequest

Numbers = NDArray[np.float64]
TOLERANCES_S = (0.05, 0.1, 0.2)
FLOAT_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval and the number of independent things it rests on; None = cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    n: int


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
    return wilson_share(hits / n, n) if n else Estimate(None, None, None, 0)


def wilson_share(share: float, n: int) -> Estimate:
    """Wilson's interval around a share that need not be a whole number of hits, of n >= 1 independent things."""
    z = float(norm.ppf(0.975))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    low = 0.0 if share == 0 else middle - half
    high = 1.0 if share == 1 else middle + half
    return Estimate(share, low, high, n)


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
    return tuple(Within(limit, wilson(int((sizes <= limit + FLOAT_NOISE).sum()), len(sizes))) for limit in tolerances_s)


def finite(values: Sequence[float] | Numbers) -> Numbers:
    """The values as one row of float64. Raises BadRequest where one is NaN or infinite."""
    row = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(row).all():
        raise BadRequest("a difference of times is not a number; leave out what was not placed.")
    return row

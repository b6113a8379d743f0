"""Is a difference between two listeners on the same items real? Tests, corrections, and what a test set can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, false_discovery_control, norm

from thud.errors import BadRequest
from thud.statistics.intervals import FLOAT_NOISE, Estimate, Numbers, finite

FLIPS = 10_000
EXACT_CLUSTERS = 12
DISTINCT_LIMIT = 1000
TEST_WORDS = {
    "mcnemar": "McNemar exact, two-sided", "sign_flip": "signs of the differences per source flipped",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tested:
    """A paired test, two-sided."""

    p: float
    test: Literal["mcnemar", "sign_flip"]


def paired_test(before: Numbers, after: Numbers, items: Numbers) -> Tested:
    """Whether two sets of answers to the same items differ. before, after: right ones, (sources, classes) like items.

    McNemar's where every source gives one item, for it would take items of one source as independent; else the signs of
    the differences per source are flipped, every class counting alike.
    """
    apart, totals = after - before, items.sum(axis=0)
    if bool((items.sum(axis=1) <= 1).all()):
        return Tested(mcnemar(int((apart < 0).sum()), int((apart > 0).sum())), "mcnemar")
    held = totals > 0
    return Tested(sign_flip(apart[:, held] @ (totals[held].mean() / totals[held])), "sign_flip")


def mcnemar(a_only: int, b_only: int) -> float:
    """Exact two-sided p of McNemar's test: the discordant pairs against a fair coin; 1 where there are none.

    It takes pairs as independent. Where several items share a source use `sign_flip` over sources.
    """
    if min(a_only, b_only) < 0:
        raise BadRequest(f"{a_only} and {b_only} are not counts of items.")
    return float(binomtest(a_only, a_only + b_only).pvalue) if a_only + b_only else 1.0


def sign_flip(differences: ArrayLike, draws: int = FLIPS, seed: int = 0) -> float:
    """Two-sided p that differences per cluster have no side: how often random signs give a sum at least as far from 0.

    differences: one number per cluster (b − a, summed or averaged over its items). All sign patterns are tried where at
    most 12 clusters differ at all; else `draws` random ones, the seen one counted in (Phipson and Smyth 2010), and
    beyond 1000 distinct sizes the normal limit. 1 where nothing differs.
    """
    values = finite(np.asarray(differences, dtype=np.float64))
    apart = values[np.abs(values) > FLOAT_NOISE]
    if not len(apart):
        return 1.0
    seen = abs(float(apart.sum()))
    if len(apart) <= EXACT_CLUSTERS:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(apart))))
        return float((np.abs(signs @ apart) >= seen - FLOAT_NOISE).mean())
    sizes, counts = np.unique(np.round(np.abs(apart), 12), return_counts=True)
    if len(sizes) > DISTINCT_LIMIT:
        return float(2 * norm.sf(seen / float(np.sqrt((apart**2).sum()))))
    heads = np.random.default_rng(seed).binomial(counts, 0.5, size=(draws, len(sizes)))
    sums = np.abs((2.0 * heads - counts) @ sizes)
    return float((1 + int((sums >= seen - FLOAT_NOISE).sum())) / (1 + draws))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p, in the order given: for a handful of named claims (family-wise error)."""
    values = _probabilities(p)
    order = np.argsort(values, kind="stable")
    stepped = np.minimum(1.0, values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.maximum.accumulate(stepped)
    return [float(each) for each in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p, in the order given: for browsing many slices (false discovery rate)."""
    values = _probabilities(p)
    return [float(each) for each in false_discovery_control(values)] if len(values) else []


def _probabilities(p: Sequence[float]) -> Numbers:
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise BadRequest("a p value lies between 0 and 1; leave out tests that could not be made.")
    return values


def minimum_detectable(n: int, discordance: float, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest paired difference (as a share) that n independent clips show with this power; None without clips.

    discordance: share of pairs on which the two differ. d = K·sqrt(discordance/(n + K²)) with K = z(1 − alpha/2) +
    z(power), from the variance (discordance − d²)/n of a paired difference. Two that differ by d are discordant on d of
    the pairs at least, so d is never below K²/(n + K²). The exact test is a little weaker (power .75 for .8).
    """
    if not 0 <= discordance <= 1:
        raise BadRequest(f"{discordance} is not a share of pairs.")
    if n < 1:
        return None
    k = float(norm.ppf(1 - alpha / 2) + norm.ppf(power))
    return float(max(k * np.sqrt(discordance / (n + k * k)), k * k / (n + k * k)))


def tango(a_only: float, b_only: float, n: int) -> Estimate:
    """The difference (b_only − a_only)/n of two paired shares with Tango's score interval (1998); None without pairs.

    Keeps its coverage where few or no pairs differ: with none of n it is ± z²/(n + z²). Counts need not
    be whole, so that items can be scaled down to the clusters they came in.
    """
    if min(a_only, b_only) < 0 or a_only + b_only > n + FLOAT_NOISE:
        raise BadRequest(f"{a_only} and {b_only} of {n} pairs do not add up.")
    if n == 0:
        return Estimate(None, None, None, 0)
    seen = (b_only - a_only) / n
    z = float(norm.ppf(0.975))
    low = -1.0 if seen <= -1 else _where(lambda apart: _score(a_only, b_only, n, apart) > z, -1.0, seen)
    high = 1.0 if seen >= 1 else _where(lambda apart: _score(a_only, b_only, n, apart) >= -z, seen, 1.0)
    return Estimate(seen, low, high, n)


def _score(a_only: float, b_only: float, n: int, apart: float) -> float:
    """Tango's standardised distance of what was seen from a true difference `apart`; it falls as `apart` rises."""
    b = -a_only - b_only + (2 * n - b_only + a_only) * apart
    c = -a_only * apart * (1 - apart)
    least = (np.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * least + apart * (1 - apart))
    distance = b_only - a_only - n * apart
    return float(distance / np.sqrt(variance)) if variance > 0 else float(np.copysign(np.inf, distance))


def _where(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The point between low and high up to which `holds` is true, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2

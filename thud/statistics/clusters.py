"""Bootstrap over clusters: the items made of one source rise and fall together, so sources are drawn, not items.

Percentile intervals (Efron and Tibshirani 1993, ch. 13; clusters as in Field and Welsh 2007). The same seed draws the
same sources, so that figures shown side by side rest on the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thud.errors import BadRequest
from thud.statistics.intervals import FLOAT_NOISE, Estimate, Numbers, wilson_share

DRAWS = 2000
MATRIX_LIMIT = 4096
"""Beyond this many clusters the weights would not fit the cache; then clusters with equal counts are drawn together."""
FEW = 5
"""Fewer clusters than this on the rarer side: the bootstrap hardly ever draws them, and Wilson's interval is given."""


@lru_cache(maxsize=8)
def cluster_weights(n_clusters: int, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float32]:
    """How often each cluster is drawn: (draws, n_clusters), rows sum to n_clusters. Cached; not to be written to."""
    if n_clusters < 1 or draws < 1:
        raise BadRequest(f"{draws} draws of {n_clusters} clusters: at least one of each is needed.")
    picks = np.random.default_rng(seed).integers(0, n_clusters, (draws, n_clusters), dtype=np.int32)
    weights = np.empty((draws, n_clusters), dtype=np.float32)
    for row, drawn in zip(weights, picks, strict=True):  # row by row stays in the processor's cache
        row[:] = np.bincount(drawn, minlength=n_clusters)
    weights.flags.writeable = False
    return weights


def cluster_bootstrap(right: ArrayLike, total: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> list[Estimate]:
    """The share right/total of every cell with its 95 % interval over clusters. right, total: (clusters, cells).

    n: clusters that hold items of the cell. No items: all None. One cluster: the share alone, no interval. Where fewer
    than FEW clusters speak against 0 or against 1 (at 0 and 100 % none do) or all clusters show the same share, draws
    hardly differ, and Wilson's interval with n = clusters is given instead.
    """
    hits, items = _table(right), _table(total)
    if hits.shape != items.shape or (hits < 0).any() or (hits > items).any():
        raise BadRequest(
            "what is right must be counted for the same clusters and cells as the items, and not exceed them."
        )
    cells = hits.shape[1]
    drawn = _drawn_pairs(hits, items, draws, seed) if cells and len(hits) > 1 else np.zeros((1, 2 * cells))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = drawn[:, :cells] / drawn[:, cells:]
    return [_share(hits[:, cell], items[:, cell], shares[:, cell]) for cell in range(cells)]


def _drawn_pairs(hits: Numbers, items: Numbers, draws: int, seed: int) -> Numbers:
    if len(hits) <= MATRIX_LIMIT:
        return drawn_sums(np.hstack([hits, items]), draws, seed)
    pairs = [drawn_sums(np.column_stack(pair), draws, seed) for pair in zip(hits.T, items.T, strict=True)]
    return np.hstack([np.column_stack([each[:, side] for each in pairs]) for side in (0, 1)])


def _share(hits: Numbers, items: Numbers, drawn: Numbers) -> Estimate:
    held = items > 0
    n, count = int(held.sum()), float(items.sum())
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(hits.sum()) / count
    if n == 1:
        return Estimate(value, None, None, 1)
    against = min(int((hits > 0).sum()), int((hits < items).sum()))
    low, high = _percentiles(drawn)
    if against < FEW or high - low <= FLOAT_NOISE:
        return wilson_share(value, n)
    return Estimate(value, min(low, value), max(high, value), n)


def bootstrap_derived(
    counts: ArrayLike, function: Callable[[Numbers], Numbers], *, draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """Any figure made of sums, with its 95 % interval over clusters. counts: (clusters, k), a row per cluster.

    function: sums (rows, k) → one value per row, NaN where it cannot be computed; it is called with the sums of all
    clusters and with those of every draw. n: clusters that hold anything. The interval is None with fewer than two such
    clusters, and where every draw gives the same value: such counts cannot say how sure the figure is.
    """
    table = _table(counts)
    n = int((table != 0).any(axis=1).sum())
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(np.asarray(function(table.sum(axis=0)[None, :]), dtype=np.float64)[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, n)
    if n == 1:
        return Estimate(value, None, None, 1)
    low, high = _percentiles(np.asarray(function(drawn_sums(table, draws, seed)), dtype=np.float64))
    if not np.isfinite([low, high]).all() or high - low <= FLOAT_NOISE:
        return Estimate(value, None, None, n)
    return Estimate(value, min(low, value), max(high, value), n)


def weighted_sum(parts: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A weighted sum of independent shares with its interval by MOVER (Zou and Donner 2008), from those of the shares.

    For sums whose bootstrap says nothing because every cluster agrees. None where a share is not known. n: the least.
    """
    known = [(one.value, one.low, one.high) for one in parts]
    n = min((one.n for one in parts), default=0)
    if not parts or any(number is None for one in known for number in one):
        return Estimate(None, None, None, n)
    value, below, above = 0.0, 0.0, 0.0
    for (share, low, high), weight in zip(known, weights, strict=True):
        assert share is not None and low is not None and high is not None  # looked at above
        down, up = (share - low, high - share) if weight >= 0 else (high - share, share - low)
        value, below, above = value + weight * share, below + (weight * down) ** 2, above + (weight * up) ** 2
    return Estimate(value, value - below**0.5, value + above**0.5, n)


def drawn_sums(table: Numbers, draws: int = DRAWS, seed: int = 0) -> Numbers:
    """The column sums of `table` (clusters, k) in every draw of clusters: (draws, k)."""
    if len(table) <= MATRIX_LIMIT:
        return np.asarray(cluster_weights(len(table), draws, seed) @ table.astype(np.float32), dtype=np.float64)
    rows, counts = np.unique(table, axis=0, return_counts=True)
    rng, sums = np.random.default_rng(seed), np.zeros((draws, table.shape[1]))
    step = max(1, 4_000_000 // len(rows))  # at most 32 MB of draws at a time
    for first in range(0, draws, step):
        some = rng.multinomial(len(table), counts / len(table), size=min(step, draws - first))
        sums[first : first + step] = some @ rows
    return sums


def _percentiles(drawn: Numbers) -> tuple[float, float]:
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _table(values: ArrayLike) -> Numbers:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise BadRequest(f"counts must be a table of clusters by cells, not an array of {table.ndim} dimensions.")
    return table

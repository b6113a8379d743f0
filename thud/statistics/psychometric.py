"""Share right as a curve over the size of the offset: threshold with its interval, from a grid posterior.

Ψ(x) = guess + (1 − guess − lapse)·Φ((ln x − ln m)/s), the log-normal form (Kuss, Jäkel and Wichmann 2005 for the
posterior; Wichmann and Hill 2001 for guess and lapse). All four are unknown; late and early offsets are fitted apart.
Items are taken as independent given the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from thud.errors import BadRequest
from thud.statistics.intervals import Estimate, Numbers, wilson

Status = Literal["measured", "not_reached", "below", "unknown"]
LEVEL = 0.75
MOST_SIZES = 32
_BEYOND = 4.0
"""The middle of the curve is looked for up to this many times beyond the tested offsets, both ways."""
_SAMPLES = 2000
_WIDTHS = (-2.5, 0.5)
"""Ends of ln s: from a step to hardly a slope."""
_COARSE = (10, 6, 40, 10)
_FINE = (20, 11, 60, 16)
"""Steps of guess, lapse, ln m and ln s."""
_IMPOSSIBLE = 1e-6


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The curve at one offset size: posterior mean and 95 % band."""

    offset_s: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Psychometric:
    """What a listener gets right over the size of the offset, in one direction.

    threshold: seconds at which `level` is right (posterior median and 95 % interval; None unless measured).
    status: "measured"; "not_reached" = the upper limit lies at or beyond the largest tested offset; "below" = it is
    reached before the smallest; "unknown" = no shifted items. guess: share right as the offset vanishes. lapse: share
    missed however large it is. seen: (offset_s, share with Wilson's interval) per tested size. curve: to be drawn.
    """

    threshold: Estimate
    status: Status
    level: float
    smallest_s: float | None
    largest_s: float | None
    guess: float | None
    lapse: float | None
    seen: tuple[tuple[float, Estimate], ...]
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """All combinations: chances (guess, lapse, m, s) sum to 1; places are ln m, widths are s."""

    guesses: Numbers
    lapses: Numbers
    places: Numbers
    widths: Numbers
    chances: Numbers


def fit_psychometric(
    offsets_s: Sequence[float] | Numbers, right: Sequence[int], total: Sequence[int], *, level: float = LEVEL
) -> Psychometric:
    """The fitted curve of one direction. offsets_s: sizes of the offset, signs ignored; right of total at each.

    Size 0 may be among them (say, originals called "delayed"): it tells the guess. Equal sizes are added up, and more
    than 32 different ones are put into 32 bins of about equal counts.
    """
    sizes, hits, items = _gathered(offsets_s, right, total)
    seen = tuple((float(x), wilson(round(k), round(n))) for x, k, n in zip(sizes, hits, items, strict=True))
    shifted = sizes[sizes > 0]
    count = int(items[sizes > 0].sum())
    if not count:
        return Psychometric(Estimate(None, None, None, 0), "unknown", level, None, None, None, None, seen, ())
    smallest, largest = float(shifted.min()), float(shifted.max())
    grid = _posterior(*_binned(sizes, hits, items))
    low, middle, high = _thresholds(grid, level)
    status: Status = "not_reached" if high >= largest else "below" if high <= smallest else "measured"
    threshold = Estimate(middle, low, high, count) if status == "measured" else Estimate(None, None, None, count)
    guess = float(grid.chances.sum(axis=(1, 2, 3)) @ grid.guesses)
    lapse = float(grid.chances.sum(axis=(0, 2, 3)) @ grid.lapses)
    return Psychometric(threshold, status, level, smallest, largest, guess, lapse, seen, _curve(grid, largest))


def _gathered(
    offsets_s: Sequence[float] | Numbers, right: Sequence[int], total: Sequence[int]
) -> tuple[Numbers, Numbers, Numbers]:
    sizes = np.round(np.abs(np.asarray(offsets_s, dtype=np.float64)), 6)
    hits, items = np.asarray(right, dtype=np.float64), np.asarray(total, dtype=np.float64)
    if not len(sizes) == len(hits) == len(items):
        raise BadRequest("offsets, counts right and counts of items must come in equal numbers.")
    if not np.isfinite(sizes).all() or (hits < 0).any() or (hits > items).any():
        raise BadRequest("every offset must be a number, and no more can be right than were asked.")
    unique, where = np.unique(sizes, return_inverse=True)
    return np.asarray(unique, dtype=np.float64), _added(where, hits, len(unique)), _added(where, items, len(unique))


def _added(where: NDArray[np.intp], values: Numbers, length: int) -> Numbers:
    return np.asarray(np.bincount(where, values, length), dtype=np.float64)


def _binned(sizes: Numbers, hits: Numbers, items: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    shifted = sizes > 0
    if shifted.sum() <= MOST_SIZES:
        return sizes, hits, items
    before = np.cumsum(items[shifted]) - items[shifted] / 2
    bins = np.minimum((before / items[shifted].sum() * MOST_SIZES).astype(int), MOST_SIZES - 1)
    counts = _added(bins, items[shifted], MOST_SIZES)
    middles = _added(bins, items[shifted] * np.log(sizes[shifted]), MOST_SIZES)
    kept = counts > 0
    sums = _added(bins, hits[shifted], MOST_SIZES)[kept]
    zero = ~shifted
    return (
        np.concatenate([sizes[zero], np.exp(middles[kept] / counts[kept])]),
        np.concatenate([hits[zero], sums]),
        np.concatenate([items[zero], counts[kept]]),
    )


def _posterior(sizes: Numbers, hits: Numbers, items: Numbers) -> _Grid:
    """The posterior on a coarse grid, on the part of that which holds the chances, and on the part of that finely."""
    shifted = sizes[sizes > 0]
    nearest, farthest = float(np.log(shifted.min() / _BEYOND)), float(np.log(shifted.max() * _BEYOND))
    ends = ((0.0, 0.95), (0.0, 0.4), (nearest, farthest), _WIDTHS)
    axes: tuple[Numbers, ...] = tuple(np.linspace(*ends[i], count) for i, count in enumerate(_COARSE))
    for counts in (_COARSE, _FINE):
        chances = _chances(axes, sizes, hits, items)
        axes = tuple(_narrowed(axes[i], chances, i, count) for i, count in enumerate(counts))
    guesses, lapses, places, widths = axes
    return _Grid(guesses, lapses, places, np.exp(widths), _chances(axes, sizes, hits, items))


def _chances(axes: tuple[Numbers, ...], sizes: Numbers, hits: Numbers, items: Numbers) -> Numbers:
    guesses, lapses, places, widths = axes
    rise = _rise(sizes, places[:, None], np.exp(widths)[None, :])
    logs = np.empty(tuple(len(axis) for axis in axes))
    for i, guess in enumerate(guesses):
        for j, lapse in enumerate(lapses):
            chance = np.clip(guess + max(0.0, 1 - guess - lapse) * rise, 1e-6, 1 - 1e-6)
            logs[i, j] = np.log(chance) @ hits + np.log1p(-chance) @ (items - hits)
    logs += _beta_log(guesses, 4.0)[:, None, None, None] + _beta_log(lapses, 10.0)[None, :, None, None]
    logs[guesses[:, None] + lapses[None, :] >= 1] = -np.inf
    chances = np.exp(logs - logs.max())
    return np.asarray(chances / chances.sum())


def _narrowed(values: Numbers, chances: Numbers, axis: int, count: int) -> Numbers:
    """`count` values between the outermost that are not all but impossible, with one step to spare on either side."""
    others = tuple(each for each in range(chances.ndim) if each != axis)
    alive = np.flatnonzero(chances.sum(axis=others) > _IMPOSSIBLE)
    first, last = max(0, int(alive[0]) - 1), min(len(values) - 1, int(alive[-1]) + 1)
    return np.linspace(values[first], values[last], count)


def _beta_log(values: Numbers, strength: float) -> Numbers:
    """Prior Beta(1, strength) up to a constant: small rates are likelier, none is ruled out."""
    return np.asarray((strength - 1) * np.log1p(-values))


def _rise(sizes: Numbers, place: Numbers, width: Numbers) -> Numbers:
    """Φ of every size on a last axis added to the shapes of place and width; 0 at size 0."""
    with np.errstate(divide="ignore"):
        logs = np.log(sizes)
    return np.asarray(ndtr((logs - place[..., None]) / width[..., None]))


def _thresholds(grid: _Grid, level: float) -> tuple[float, float, float]:
    """2.5 %, 50 % and 97.5 % points of the posterior of the offset at which `level` is right; inf = never."""
    guess, lapse = grid.guesses[:, None], grid.lapses[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (level - guess) / (1 - guess - lapse)
    steps = ndtri(np.clip(share, 0, 1))[:, :, None, None]
    logs = grid.places[None, None, :, None] + grid.widths[None, None, None, :] * steps
    flat, chances = logs.ravel(), grid.chances.ravel()
    order = np.argsort(flat, kind="stable")
    reached = np.searchsorted(np.cumsum(chances[order]), [0.025, 0.5, 0.975])
    low, middle, high = np.exp(flat[order][np.minimum(reached, len(flat) - 1)])
    return float(low), float(middle), float(high)


def _curve(grid: _Grid, largest_s: float) -> tuple[CurvePoint, ...]:
    rng = np.random.default_rng(0)
    picks = np.unravel_index(rng.choice(grid.chances.size, _SAMPLES, p=grid.chances.ravel()), grid.chances.shape)
    guess, lapse = grid.guesses[picks[0]], grid.lapses[picks[1]]
    sizes = np.linspace(0, largest_s, 61)
    rise = _rise(sizes, grid.places[picks[2]], grid.widths[picks[3]])
    values = guess[:, None] + (1 - guess - lapse)[:, None] * rise
    low, high = np.percentile(values, [2.5, 97.5], axis=0)
    rows = zip(sizes, values.mean(axis=0), low, high, strict=True)
    return tuple(CurvePoint(*(float(each) for each in row)) for row in rows)

"""What a clip's marks say about its event time, when the annotators' habits are known.

Every mark is right or an outlier, so the belief about the time is a sum of up to 2^k normal curves, one for each set of
right marks; it can have several peaks, and its sd says so. Past `MOST_CURVES` only the likeliest curves are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MOST_CURVES = 64
_LOG_2_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Habits:
    """Per annotator: lag (+ late), spread (sd of right marks), share of outliers. Each of shape (annotators,)."""

    lag_s: Floats
    spread_s: Floats
    outlier_rate: Floats

    def distance(self, other: Habits) -> float:
        """The largest change of any figure (seconds, or share)."""
        apart = (
            np.abs(self.lag_s - other.lag_s),
            np.abs(self.spread_s - other.spread_s),
            np.abs(self.outlier_rate - other.outlier_rate),
        )
        return float(max((part.max(initial=0.0) for part in apart), default=0.0))


@dataclass(frozen=True, slots=True)
class Batch:
    """n clips with k marks each, so that they are worked on at once. who, time_s: (n, k); duration_s, gold_s: (n,)."""

    clips: tuple[str, ...]
    who: Ints
    time_s: Floats
    duration_s: Floats
    gold_s: Floats | None


@dataclass(frozen=True, slots=True)
class Posterior:
    """Belief about n clips: mean_s, sd_s (n,); right (n, k): probability that a mark is not an outlier.

    first, second (n, k): expectation of right·(mark − time) and of right·(mark − time)². The second holds the sd of the
    time: without it the spread of the best annotator would shrink round by round until it rules alone.
    """

    mean_s: Floats
    sd_s: Floats
    right: Floats
    first: Floats
    second: Floats


def posterior(batch: Batch, habits: Habits) -> Posterior:
    """The belief about each clip of the batch; a gold time is a fact, whatever the marks say."""
    return _unknown(batch, habits) if batch.gold_s is None else _known(batch, batch.gold_s, habits)


def _known(batch: Batch, gold_s: Floats, habits: Habits) -> Posterior:
    left = batch.time_s - gold_s[:, None]
    spread_s, rate = habits.spread_s[batch.who], habits.outlier_rate[batch.who]
    likely = -0.5 * ((left - habits.lag_s[batch.who]) / spread_s) ** 2 - np.log(spread_s) - _LOG_2_PI / 2
    odds = np.log(rate) - np.log(batch.duration_s)[:, None] - np.log1p(-rate) - likely
    right = 1 / (1 + np.exp(np.minimum(odds, 700.0)))
    return Posterior(gold_s, np.zeros_like(gold_s), right, right * left, right * left**2)


@dataclass(frozen=True, slots=True)
class _Curves:
    """Log weight, precision and mean of every curve (n, c), and which marks it takes for right (n or 1, c, k).

    Precision 0 is the belief before any right mark: the event is anywhere in the clip.
    """

    weight: Floats
    precision: Floats
    mean: Floats
    takes: Floats


def _unknown(batch: Batch, habits: Habits) -> Posterior:
    n, k = batch.who.shape
    curves = _Curves(np.zeros((n, 1)), np.zeros((n, 1)), batch.duration_s[:, None] / 2, np.zeros((1, 1, k)))
    for mark in range(k):
        curves = _likeliest(_with_mark(curves, mark, batch, habits))
    weight = np.exp(curves.weight - curves.weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    flat = curves.precision == 0
    variance = np.where(flat, batch.duration_s[:, None] ** 2 / 12, 1 / np.where(flat, 1, curves.precision))
    mean_s = (weight * curves.mean).sum(axis=1)
    apart = curves.mean - mean_s[:, None]
    sd_s = np.sqrt((weight * (variance + apart**2)).sum(axis=1))
    right = _expect(weight, curves.takes)
    first, second = _expect(weight * apart, curves.takes), _expect(weight * (variance + apart**2), curves.takes)
    left = batch.time_s - mean_s[:, None]
    return Posterior(mean_s, sd_s, right, right * left - first, right * left**2 - 2 * left * first + second)


def _with_mark(curves: _Curves, mark: int, batch: Batch, habits: Habits) -> _Curves:
    """Twice the curves: those that take the mark for right, then those that take it for an outlier."""
    who = batch.who[:, mark]
    event_s = (batch.time_s[:, mark] - habits.lag_s[who])[:, None]
    variance, rate = (habits.spread_s[who] ** 2)[:, None], habits.outlier_rate[who][:, None]
    anywhere = -np.log(batch.duration_s)[:, None]
    flat = curves.precision == 0
    wide = variance + 1 / np.where(flat, 1, curves.precision)
    near = -0.5 * ((event_s - curves.mean) ** 2 / wide + np.log(wide) + _LOG_2_PI)
    precision = curves.precision + 1 / variance
    mean = (curves.precision * curves.mean + event_s / variance) / precision
    takes = curves.takes.copy()
    takes[..., mark] = 1
    return _Curves(
        np.concatenate(
            [curves.weight + np.where(flat, anywhere, near) + np.log1p(-rate), curves.weight + anywhere + np.log(rate)],
            1,
        ),
        np.concatenate([precision, curves.precision], 1),
        np.concatenate([mean, curves.mean], 1),
        np.concatenate([takes, curves.takes], 1),
    )


def _likeliest(curves: _Curves) -> _Curves:
    n, c = curves.weight.shape
    if c <= MOST_CURVES:
        return curves
    keep = np.argpartition(-curves.weight, MOST_CURVES - 1, axis=1)[:, :MOST_CURVES]
    takes = np.broadcast_to(curves.takes, (n, *curves.takes.shape[1:]))
    return _Curves(
        np.take_along_axis(curves.weight, keep, 1),
        np.take_along_axis(curves.precision, keep, 1),
        np.take_along_axis(curves.mean, keep, 1),
        np.take_along_axis(takes, keep[:, :, None], 1),
    )


def _expect(weight: Floats, takes: Floats) -> Floats:
    """Weights (n, c) added up over the curves that take each mark for right: (n, k)."""
    if takes.shape[0] == 1:
        return np.asarray(weight @ takes[0])
    return np.asarray((weight[:, None, :] @ takes)[:, 0])

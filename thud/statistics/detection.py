"""Signal detection: how well two kinds of items are told apart, and how ready somebody is to say "edited"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from thud.errors import BadRequest
from thud.statistics.intervals import Numbers


@dataclass(frozen=True, slots=True)
class Detection:
    """d_prime: 0 = cannot tell. criterion: above 0 = leans to "not edited". balanced: mean of the two accuracies.

    hits of signals: edited items called so. alarms of noises: original items called edited.
    """

    d_prime: float | None
    criterion: float | None
    balanced: float | None
    hits: int
    signals: int
    alarms: int
    noises: int


def detection(hits: int, signals: int, alarms: int, noises: int) -> Detection:
    """d', criterion c and balanced accuracy of counts; None where one of the two kinds was not shown."""
    if not (0 <= hits <= signals and 0 <= alarms <= noises):
        raise BadRequest(f"{hits} of {signals} and {alarms} of {noises} are not shares; count calls among the items.")
    row = np.array([hits, signals, alarms, noises], dtype=np.float64)
    values = [_known(function(row)) for function in (d_prime, criterion, balanced_accuracy)]
    return Detection(values[0], values[1], values[2], hits, signals, alarms, noises)


def d_prime(counts: ArrayLike) -> Numbers:
    """z(hit rate) − z(false-alarm rate) of (…, 4) counts hits, signals, alarms, noises; NaN where a kind is missing.

    Log-linear correction (Hautus 1995), so that 0 and 100 % stay finite: one item more that is called edited and one
    that is not, split between the kinds as the items are. Of equal kinds each gets + 0.5 of + 1; and who always says
    the same cannot tell, d' = 0, also where one kind is rarer.
    """
    hit, alarm = _z(counts)
    return np.asarray(hit - alarm)


def criterion(counts: ArrayLike) -> Numbers:
    """−(z(hit rate) + z(false-alarm rate))/2 of (…, 4) counts, corrected as in `d_prime`."""
    hit, alarm = _z(counts)
    return np.asarray(-(hit + alarm) / 2)


def balanced_accuracy(counts: ArrayLike) -> Numbers:
    """Mean of hit rate and correct-rejection rate of (…, 4) counts, uncorrected: 0.5 for one who never looks."""
    hits, signals, alarms, noises = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((hits / signals + 1 - alarms / noises) / 2)


def _z(counts: ArrayLike) -> tuple[Numbers, Numbers]:
    hits, signals, alarms, noises = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = signals / (signals + noises)
        hit = np.where(signals > 0, (hits + share) / (signals + 2 * share), np.nan)
        alarm = np.where(noises > 0, (alarms + 1 - share) / (noises + 2 * (1 - share)), np.nan)
    return np.asarray(norm.ppf(hit)), np.asarray(norm.ppf(alarm))


def _known(value: Numbers) -> float | None:
    return float(value) if np.isfinite(value) else None

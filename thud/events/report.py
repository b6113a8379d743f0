"""How far annotators agree, and how good each person is: what the agreement and quality pages show.

Picture and sound are different quantities: call once for each. Differences carry their sign, + = later. Every estimate
has its interval; what cannot be computed is None. There is no ICC here, and `thud/statistics.py` says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np
from scipy.stats import t

from thud.statistics import (
    Estimate,
    Kappa,
    Numbers,
    Within,
    cohen_kappa,
    finite,
    krippendorff_alpha,
    limits_of_agreement,
    share_within,
    wilson,
)

MISS_S = 0.5
"""A gold mark this far from where the person's marks usually lie is a miss, not scatter."""
LEAST_FOR_CORRECTION = 10
DRIFT_MARKS = 100


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Annotators a and b on the n clips both marked. bias_s: mean of a − b, + = a is later.

    within: shares of differences up to 50, 100 and 200 ms. loa_low_s, loa_high_s: limits of agreement, between which
    95 % of a − b are expected.
    """

    a: str
    b: str
    n: int
    bias_s: Estimate
    median_abs_s: float
    p90_abs_s: float
    within: tuple[Within, ...]
    loa_low_s: Estimate
    loa_high_s: Estimate


@dataclass(frozen=True, slots=True)
class VerdictAgreement:
    """Agreement on categorical verdicts. kappas: per pair (a, b) over the items both judged. alpha: over all raters.

    base_rates: verdict → its share among all; where one verdict is nearly all, a low kappa says little.
    """

    alpha: Estimate
    kappas: dict[tuple[str, str], Kappa]
    base_rates: dict[str, float]


@dataclass(frozen=True, slots=True)
class Marked:
    """One mark by one person at one moment, on gold or not; time_s is None where the person placed nothing."""

    person: str
    clip_id: str
    at: datetime
    time_s: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """A person against gold. n: gold clips marked. misses: share not placed, or 0.5 s off the person's own usual place.

    bias_s, spread_s: of the marks that are no misses. drift_s: change of the bias per 100 marks. correction_s: what to
    add to the person's marks, 0 unless the bias is stable and clear of chance.
    """

    person: str
    n: int
    bias_s: Estimate
    spread_s: float | None
    misses: Estimate
    drift_s: Estimate
    correction_s: float


def pairs(marks: Mapping[str, Mapping[str, float]]) -> list[PairAgreement]:
    """Every pair of annotators who share a clip, in order of names. marks: clip id → annotator → seconds."""
    apart: dict[tuple[str, str], list[float]] = {}
    for placed in marks.values():
        for a, b in combinations(sorted(placed), 2):
            apart.setdefault((a, b), []).append(placed[a] - placed[b])
    return [_pair(a, b, finite(differences)) for (a, b), differences in sorted(apart.items())]


def _pair(a: str, b: str, differences: Numbers) -> PairAgreement:
    limits, sizes = limits_of_agreement(differences), np.abs(differences)
    median_s, p90_s = (float(value) for value in np.quantile(sizes, [0.5, 0.9]))
    return PairAgreement(
        a, b, len(sizes), limits.bias, median_s, p90_s, share_within(differences), limits.low, limits.high
    )


def verdicts(judged: Mapping[str, Mapping[str, str]]) -> VerdictAgreement:
    """Kappa per pair and alpha over all. judged: item → annotator → verdict."""
    shared: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for given in judged.values():
        for a, b in combinations(sorted(given), 2):
            shared.setdefault((a, b), []).append((given[a], given[b]))
    kappas = {
        pair: cohen_kappa([one for one, _ in both], [other for _, other in both])
        for pair, both in sorted(shared.items())
    }
    everything = [verdict for given in judged.values() for verdict in given.values()]
    base_rates = {kind: everything.count(kind) / len(everything) for kind in sorted(set(everything))}
    return VerdictAgreement(krippendorff_alpha([list(given.values()) for given in judged.values()]), kappas, base_rates)


def person_quality(marks: Sequence[Marked], gold: Mapping[str, float]) -> list[Quality]:
    """Every person who marked anything, in order of names, against gold: clip id → seconds.

    marks: all marks of one kind (picture or sound), so that drift counts the marks between gold clips too.
    """
    people: dict[str, list[Marked]] = {}
    for mark in sorted(marks, key=lambda one: one.at):
        people.setdefault(mark.person, []).append(mark)
    return [_quality(person, own, gold) for person, own in sorted(people.items())]


def _quality(person: str, own: Sequence[Marked], gold: Mapping[str, float]) -> Quality:
    on_gold = [(nth, mark.time_s, gold[mark.clip_id]) for nth, mark in enumerate(own) if mark.clip_id in gold]
    placed = [(nth, time_s - gold_s) for nth, time_s, gold_s in on_gold if time_s is not None]
    nth, apart = finite([n for n, _ in placed]), finite([difference for _, difference in placed])
    usual = np.abs(apart - (np.median(apart) if len(apart) else 0)) <= MISS_S
    limits = limits_of_agreement(apart[usual])
    drift = _drift(nth[usual], apart[usual])
    return Quality(
        person,
        len(on_gold),
        limits.bias,
        limits.sd,
        wilson(len(on_gold) - int(usual.sum()), len(on_gold)),
        drift,
        _correction(limits.bias, limits.sd, drift),
    )


def _drift(nth: Numbers, apart: Numbers) -> Estimate:
    """Slope of the difference per 100 marks, by least squares, with its interval; None below three marks."""
    n = len(nth)
    if n < 3:
        return Estimate(None, None, None, n)
    x = (nth - nth.mean()) / DRIFT_MARKS
    squares = float(x @ x)
    slope = float(x @ apart) / squares
    left = apart - apart.mean() - slope * x
    half = float(t.ppf(0.975, n - 2)) * float(np.sqrt(left @ left / (n - 2) / squares))
    return Estimate(slope, slope - half, slope + half, n)


def _correction(bias: Estimate, sd: float | None, drift: Estimate) -> float:
    """−bias where it is more than two standard errors from 0 on ten gold marks or more, and does not drift; else 0."""
    if bias.value is None or sd is None or bias.n < LEAST_FOR_CORRECTION:
        return 0.0
    drifts = drift.low is not None and drift.high is not None and not drift.low <= 0 <= drift.high
    clear = abs(bias.value) > 2 * sd / np.sqrt(bias.n)
    return -bias.value if clear and not drifts else 0.0

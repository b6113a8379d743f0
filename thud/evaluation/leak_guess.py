"""The best guesser that knows only some plain numbers of a stimulus: what it scores on sources it never met. Pure.

Every number becomes its rank among all stimuli, so seconds, bytes and decibels are alike. A guesser learns how often
each class is met at each rank, smoothed by a kernel, and says the likeliest class. Which number it looks at, and how
much it smooths, is chosen on the learning half only; else the best of many would look better than chance by luck.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thud.errors import BadRequest
from thud.statistics import Estimate, Numbers, bootstrap_derived, cluster_bootstrap, wilson

RANKS = 128
FOLDS = 8
WIDTHS = (float("inf"), 0.12, 0.05, 0.02, 0.0)
"""How far a guesser looks around, as a share of all ranks. Infinite: it looks at nothing and says the commonest class;
0: at equal values only, as tags are.
"""
NOISE = 6
"""Values that agree to this many digits after the point are equal."""

Features = Mapping[str, ArrayLike]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """What a guesser says of every stimulus. right: share of all stimuli; balanced: mean of the classes' shares.

    chance: share of the commonest class, what is scored without looking at anything. feature: the number looked at by
    most folds, "" where looking helped none of them. said: the class said of each stimulus, -1 = none.
    """

    right: Estimate
    balanced: Estimate
    chance: float
    feature: str
    said: Codes
    items: int


def guess(features: Features, classes: Sequence[str], sources: Sequence[str], *, alike: bool = False) -> Guess:
    """How well classes are told from `features`, each an array with one value per stimulus; NaN counts as a value.

    No source is both learned from and guessed. alike: learn as if all classes were equally common, which is what
    `balanced` asks for; else `right` is what is to be as high as can be. With one source nothing can be said: None.
    """
    if any(np.shape(values) != (len(classes),) for values in features.values()) or len(sources) != len(classes):
        raise BadRequest("a guess needs one value of every feature, one class and one source for each stimulus.")
    names, codes = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    where, folds = _folds(sources)
    if len(names) < 2 or folds < 2 or not features:
        return _nothing(codes, len(names))
    weights = 1 / np.bincount(codes) if alike else np.ones(len(names))
    ranks = {name: _ranks(values) for name, values in features.items()}
    counts = {name: _counts(rank, codes, where, folds) for name, rank in ranks.items()}
    candidates = [(name, width) for name in ranks for width in WIDTHS]
    inner = np.stack([_inner_right(counts[name], width, weights) for name, width in candidates])
    chosen = np.argmax(inner, axis=0)
    said = np.full(len(codes), -1)
    for fold, number in enumerate(chosen.tolist()):
        name, width = candidates[number]
        mine = where == fold
        said[mine] = _says(counts[name].sum(axis=0) - counts[name][fold], width, weights)[ranks[name][mine]]
    looked = [candidates[number][0] for number in chosen.tolist() if number % len(WIDTHS)]
    return _scored(said, codes, sources, Counter(looked).most_common(1)[0][0] if looked else "")


def class_shares(found: Guess, classes: Sequence[str], sources: Sequence[str], kept: Sequence[str]) -> Estimate:
    """The share guessed right among the stimuli of the classes `kept`."""
    names, codes = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    held = np.isin(names[codes], kept)
    right, total = _per_source(found.said == codes, held, sources)
    return cluster_bootstrap(right[:, None], total[:, None])[0]


def _nothing(codes: Codes, classes: int) -> Guess:
    nobody = Estimate(None, None, None, 0)
    chance = float(np.bincount(codes).max()) / len(codes) if classes else 0.0
    return Guess(nobody, nobody, chance, "", np.full(len(codes), -1), len(codes))


def _scored(said: Codes, codes: Codes, sources: Sequence[str], feature: str) -> Guess:
    hit, everything = said == codes, np.ones(len(codes), dtype=bool)
    right, total = _per_source(hit, everything, sources)
    by_class = [_per_source(hit, codes == number, sources) for number in range(codes.max() + 1)]
    counts = np.column_stack([side for pair in by_class for side in pair])

    def mean_share(sums: Numbers) -> Numbers:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((sums[:, ::2] / sums[:, 1::2]).mean(axis=1))

    folds = min(FOLDS, len(right))
    return Guess(
        _wider(_share(right, total), folds),
        _wider(bootstrap_derived(counts, mean_share), folds),
        float(np.bincount(codes).max()) / len(codes),
        feature,
        said,
        len(codes),
    )


def _share(right: Numbers, total: Numbers) -> Estimate:
    """The share with the wider of two intervals: over sources, and Wilson's over stimuli.

    With few sources draws differ too little, and not at all where a leak gives every source the same share.
    """

    def share(sums: Numbers) -> Numbers:
        return np.asarray(sums[:, 0] / sums[:, 1])

    drawn = bootstrap_derived(np.column_stack([right, total]), share)
    plain = wilson(int(right.sum()), int(total.sum()))
    lows = [each for each in (drawn.low, plain.low) if each is not None]
    highs = [each for each in (drawn.high, plain.high) if each is not None]
    return Estimate(drawn.value, min(lows), max(highs), drawn.n)


def _wider(estimate: Estimate, folds: int) -> Estimate:
    """The interval widened for guessers that have learned from each other's sources (Nadeau and Bengio 2003, eq. 9).

    Without it a set in which nothing leaks would be called leaking twice as often as it should.
    """
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return estimate
    factor = float(np.sqrt(1 + folds / (folds - 1)))
    return Estimate(
        value, max(0.0, value - factor * (value - low)), min(1.0, value + factor * (high - value)), estimate.n
    )


def _per_source(hit: NDArray[np.bool_], held: NDArray[np.bool_], sources: Sequence[str]) -> tuple[Numbers, Numbers]:
    """(right, all) among the held stimuli, for each source."""
    _, place = np.unique(np.asarray(sources, dtype=str), return_inverse=True)
    size = int(place.max()) + 1 if len(place) else 0
    right = np.bincount(place, hit & held, size).astype(np.float64)
    return right, np.bincount(place, held, size).astype(np.float64)


def _folds(sources: Sequence[str]) -> tuple[Codes, int]:
    """Which fold each stimulus is guessed in: its source's, dealt out in the order of the sources' hashes."""
    order = sorted(set(sources), key=lambda source: hashlib.sha256(source.encode()).digest())
    folds = min(FOLDS, len(order))
    fold_of = {source: number % folds for number, source in enumerate(order)} if folds else {}
    return np.array([fold_of[source] for source in sources], dtype=np.int64), folds


def _ranks(values: ArrayLike) -> Codes:
    """The rank of every value among all, 0 to RANKS - 1; equal values share the middle of theirs."""
    known = np.round(np.asarray(values, dtype=np.float64), NOISE)
    _, place, counts = np.unique(known, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(known)
    return np.minimum((middle * RANKS).astype(np.int64), RANKS - 1)[place]


def _counts(ranks: Codes, codes: Codes, where: Codes, folds: int) -> Numbers:
    """How many stimuli of each class lie at each rank: (folds, classes, RANKS), whole numbers."""
    classes = int(codes.max()) + 1
    flat = (where * classes + codes) * RANKS + ranks
    counts = np.bincount(flat, minlength=folds * classes * RANKS).reshape(folds, classes, RANKS)
    return np.asarray(counts, dtype=np.float64)


def _says(learned: Numbers, width: float, weights: Numbers) -> Codes:
    """The class said at each rank, (…, RANKS), after learning from these counts (…, classes, RANKS).

    Folds are taken away from whole numbers, before any smoothing: the rounding of a difference of fractions would tell
    what was taken away. A breath of every class everywhere settles ranks at which nothing was learned.
    """
    breath = learned.sum(axis=-1, keepdims=True) * (1e-6 / RANKS)
    seen = learned @ _kernel(width) if width else learned
    return np.asarray(np.argmax((seen + breath) * weights[:, None], axis=-2))


@cache
def _kernel(width: float) -> Numbers:
    if not np.isfinite(width):
        return np.full((RANKS, RANKS), 1 / RANKS)
    ranks = np.arange(RANKS)
    wide = np.exp(-0.5 * ((ranks[:, None] - ranks[None, :]) / (width * RANKS)) ** 2)
    return np.asarray(wide / wide.sum(axis=0), dtype=np.float64)


def _inner_right(counts: Numbers, width: float, weights: Numbers) -> Numbers:
    """For each fold left out: what a guesser of the other folds has right when one more of them is left out in turn."""
    said = _says(counts.sum(axis=0) - counts[:, None] - counts[None, :], width, weights)
    weighted = np.broadcast_to(counts * weights[:, None], (*said.shape[:2], *counts.shape[1:]))
    right = np.take_along_axis(weighted, said[:, :, None, :], axis=2).sum(axis=(2, 3))
    np.fill_diagonal(right, 0.0)
    return np.asarray(right.sum(axis=1), dtype=np.float64)

"""Accuracy with its classes alike: the mean of what is right of each class, so that saying one thing to all gets 1/C.

Shares of all items would favour whoever says what was asked most often; a ceiling is of classes alike, and nothing may
be held against it that is not. Pure: counts per source and class in, estimates out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thud.statistics import Estimate, Numbers, bootstrap_derived, cluster_bootstrap, weighted_sum

NOTHING = Estimate(None, None, None, 0)


def class_mean(hits: Numbers, items: Numbers) -> Estimate:
    """The mean of the classes' shares with its interval over sources. hits, items: (sources, classes).

    Classes without an item are left out. The wider of two intervals: of draws of sources, which hardly differ where
    nearly all is right, and of the classes' own intervals put together.
    """
    kept = items.sum(axis=0) > 0
    if not kept.any():
        return NOTHING
    hits, items = hits[:, kept], items[:, kept]
    drawn = bootstrap_derived(np.hstack([hits, items]), _mean)
    certain = weighted_sum(cluster_bootstrap(hits, items), [1 / hits.shape[1]] * hits.shape[1])
    lows = [each for each in (drawn.low, certain.low) if each is not None]
    highs = [each for each in (drawn.high, certain.high) if each is not None]
    low, high = (max(0.0, min(lows)), min(1.0, max(highs))) if lows else (None, None)
    return Estimate(drawn.value, low, high, drawn.n)


def class_mean_apart(a: tuple[Numbers, Numbers], b: tuple[Numbers, Numbers]) -> Estimate:
    """B − A of two class means, paired by source. a, b: (hits, items), each (sources, classes) of the same sources.

    Only of classes that both have.
    """
    kept = (a[1].sum(axis=0) > 0) & (b[1].sum(axis=0) > 0)
    if not kept.any():
        return NOTHING
    sides = [side[:, kept] for pair in (a, b) for side in pair]
    classes = int(kept.sum())

    def apart(sums: Numbers) -> Numbers:
        return np.asarray(_mean(sums[:, 2 * classes :]) - _mean(sums[:, : 2 * classes]))

    drawn = bootstrap_derived(np.hstack(sides), apart)
    if drawn.value is None or drawn.low is not None:
        return drawn
    means = [class_mean(sides[2], sides[3]), class_mean(sides[0], sides[1])]
    certain = weighted_sum(means, [1.0, -1.0])
    return Estimate(drawn.value, certain.low, certain.high, drawn.n)


def per_source(
    right: Sequence[bool], labels: Sequence[str], sources: Sequence[str], classes: Sequence[str], every: Sequence[str]
) -> tuple[Numbers, Numbers]:
    """(hits, items) of single items, each (len(every), len(classes)). every: all sources, in the order of the rows."""
    place, column = ({name: i for i, name in enumerate(names)} for names in (every, classes))
    hits, items = np.zeros((len(every), len(classes))), np.zeros((len(every), len(classes)))
    for is_right, label, source in zip(right, labels, sources, strict=True):
        items[place[source], column[label]] += 1
        hits[place[source], column[label]] += is_right
    return hits, items


def _mean(sums: Numbers) -> Numbers:
    classes = sums.shape[1] // 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((sums[:, :classes] / sums[:, classes:]).mean(axis=1))

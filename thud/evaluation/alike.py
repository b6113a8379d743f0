"""Accuracy with its classes alike: the mean of what is right of each class, so that saying one thing to all gets 1/C.

Shares of all items would favour whoever says what was asked most often; a ceiling is of classes alike, and nothing may
be held against it that is not. Pure: counts per source and class in, estimates out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thud.statistics import Estimate, Numbers, bootstrap_derived, cluster_bootstrap, tango, weighted_sum
from thud.statistics.clusters import FEW
from thud.statistics.intervals import FLOAT_NOISE

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


def class_mean_apart(before: Numbers, after: Numbers, items: Numbers) -> Estimate:
    """after − before of two class means over the same items, paired by source; each (sources, classes).

    Where fewer than FEW sources differ draws hardly vary: then Tango's interval, a source taken as one pair.
    """
    kept = items.sum(axis=0) > 0
    if not kept.any():
        return NOTHING
    before, after, items = before[:, kept], after[:, kept], items[:, kept]
    drawn = bootstrap_derived(np.hstack([after - before, items]), _mean)
    per_source = (after - before) @ (drawn.n / (items.sum(axis=0) * items.shape[1]))
    if drawn.n > 1 and int((np.abs(per_source) > FLOAT_NOISE).sum()) < FEW:
        pairs = tango(float(-per_source[per_source < 0].sum()), float(per_source[per_source > 0].sum()), drawn.n)
        return Estimate(drawn.value, pairs.low, pairs.high, drawn.n)
    if drawn.low is not None:
        return drawn
    certain = weighted_sum([class_mean(after, items), class_mean(before, items)], [1.0, -1.0])
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

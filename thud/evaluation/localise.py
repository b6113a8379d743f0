"""How well a listener says by how much the sound is off, and when things happen. Pure: columns in, estimates out.

Coverage counts every shifted item, so that a listener who rarely notices a shift does not look exact; conditional
counts only those it called shifted. A paper that gives the second alone leaves out what was missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thud.errors import BadRequest
from thud.evaluation.scoring import FLAGGED
from thud.statistics import Estimate, Numbers, Psychometric, bootstrap_derived, cluster_bootstrap, fit_psychometric

TOLERANCES_S = (0.2, 0.5, 1.0)
_NOISE_S = 1e-9
Seconds = Sequence[float | None] | Numbers


@dataclass(frozen=True, slots=True)
class Near:
    """Shifted items whose offset was told within a tolerance. coverage: of all shifted; conditional: of the flagged."""

    tolerance_s: float
    hits: int
    coverage: Estimate
    conditional: Estimate


@dataclass(frozen=True, slots=True)
class Localisation:
    """Offsets as told against offsets as made, + = sound late; differences are told − made.

    shifted: items; flagged: called shifted; told: flagged with an offset. mae_s, bias_s: mean size and mean of the
    differences of the told. median_s: median size. same_side: told on the side the sound was moved to.
    """

    shifted: int
    flagged: int
    told: int
    near: tuple[Near, ...]
    mae_s: Estimate
    median_s: float | None
    bias_s: Estimate
    same_side: Estimate


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of the event as told against the true ones as shown: mean and median size of the error, and its mean."""

    n: int
    mae_s: Estimate
    median_s: float | None
    bias_s: Estimate


def localise(
    sources: Sequence[str],
    labels: Sequence[str],
    offsets_s: Seconds,
    told_s: Seconds,
    tolerances_s: Sequence[float] = TOLERANCES_S,
) -> Localisation:
    """Localisation over the items of the sync task; those with offset 0 or None (originals) are passed over.

    One entry per item in every column: source (cluster), label as answered, offset as made, offset as told (None or NaN
    = not told). An offset told by one who did not call the item shifted is no hit.
    """
    made, told = _seconds(offsets_s), _seconds(told_s)
    clusters, flags = _clusters(sources), np.isin(np.asarray(labels, dtype=str), FLAGGED)
    _same_length(made, told, clusters, flags)
    shifted = np.isfinite(made) & (made != 0)
    made, told, clusters, flags = made[shifted], told[shifted], clusters[shifted], flags[shifted]
    known = flags & np.isfinite(told)
    apart = np.where(known, told - made, np.inf)
    timing = _timing(clusters[known], apart[known])
    side = known & (np.sign(told) == np.sign(made))
    return Localisation(
        int(len(made)),
        int(flags.sum()),
        int(known.sum()),
        tuple(_near(limit, clusters, np.abs(apart), flags) for limit in tolerances_s),
        timing.mae_s,
        timing.median_s,
        timing.bias_s,
        _share(clusters, side, known),
    )


def _near(limit_s: float, clusters: NDArray[np.intp], sizes: Numbers, flags: NDArray[np.bool_]) -> Near:
    hits = sizes <= limit_s + _NOISE_S
    everything = np.ones(len(hits), dtype=bool)
    return Near(limit_s, int(hits.sum()), _share(clusters, hits, everything), _share(clusters, hits, flags))


def timing(sources: Sequence[str], true_s: Seconds, told_s: Seconds) -> Timing:
    """Errors of the times told for one of the two events, over the items where both times are known.

    true_s: as shown, so the heard time of a shifted clip has its offset added.
    """
    true, told, clusters = _seconds(true_s), _seconds(told_s), _clusters(sources)
    _same_length(true, told, clusters)
    known = np.isfinite(true) & np.isfinite(told)
    return _timing(clusters[known], told[known] - true[known])


def thresholds(
    offsets_s: Seconds, labels: Sequence[str], *, absent: Sequence[str] = (), level: float = 0.75
) -> dict[str, Psychometric]:
    """The fitted curve of the direction told over the size of the offset, for "early" and "delayed" apart.

    Right = the direction of the shift. Originals (offset 0 or None) stand at size 0, where "right" is calling the
    direction at hand: that tells the guess. absent: labels whose items are left out, none by default.
    """
    made, said = np.nan_to_num(_seconds(offsets_s)), np.asarray(labels, dtype=str)
    _same_length(made, said)
    asked = ~np.isin(said, list(absent))
    curves = {}
    for side, sign in (("early", -1.0), ("delayed", 1.0)):
        mine = asked & ((made == 0) | (np.sign(made) == sign))
        sizes, where = np.unique(np.round(np.abs(made[mine]), 6), return_inverse=True)
        right = np.bincount(where, said[mine] == side, len(sizes)).astype(int).tolist()
        curves[side] = fit_psychometric(sizes, right, np.bincount(where, minlength=len(sizes)).tolist(), level=level)
    return curves


def _timing(clusters: NDArray[np.intp], apart: Numbers) -> Timing:
    sums = [_per_cluster(clusters, each) for each in (np.abs(apart), apart, np.ones(len(apart)))]
    median = float(np.median(np.abs(apart))) if len(apart) else None
    mae, bias = (bootstrap_derived(np.column_stack([sums[i], sums[2]]), _ratio) for i in (0, 1))
    return Timing(len(apart), mae, median, bias)


def _ratio(sums: Numbers) -> Numbers:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 0] / sums[:, 1])


def _share(clusters: NDArray[np.intp], hits: NDArray[np.bool_], items: NDArray[np.bool_]) -> Estimate:
    right, total = _per_cluster(clusters, hits & items), _per_cluster(clusters, items)
    return cluster_bootstrap(right[:, None], total[:, None])[0]


def _per_cluster(clusters: NDArray[np.intp], values: NDArray[np.float64] | NDArray[np.bool_]) -> Numbers:
    return np.asarray(np.bincount(clusters, values, int(clusters.max()) + 1 if len(clusters) else 0), dtype=np.float64)


def _clusters(sources: Sequence[str]) -> NDArray[np.intp]:
    return np.asarray(np.unique(np.asarray(sources, dtype=str), return_inverse=True)[1], dtype=np.intp)


def _seconds(values: Seconds) -> Numbers:
    return np.asarray(values, dtype=np.float64).ravel()


def _same_length(*columns: NDArray[np.generic]) -> None:
    if len({len(column) for column in columns}) > 1:
        raise BadRequest("every column must have one entry per item.")

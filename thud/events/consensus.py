"""When an event happened, settled from marks that lag, scatter and sometimes miss.

Each annotator has a lag, a spread and an outlier rate: a mark is `time + lag + N(0, spread²)` or, with that rate,
anything in the clip. All three are learned together with the times (EM). Gold times are facts: they are never doubted,
and they alone say what a lag that all annotators share is. The picture event and the sound event are two problems: call
`learn` once for each. What the marks of a clip say about its time is in `posterior.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from thud.errors import BadRequest
from thud.events.posterior import Batch, Floats, Habits, Ints, Posterior, posterior

PRIOR_LAG_S = 0.25
PRIOR_SPREAD_S = 0.2
PRIOR_OUTLIER_RATE = 0.1
"""What an annotator is taken for before a mark is seen: a lag of 0 ± 250 ms, a spread of 200 ms, one outlier in ten."""
SPREAD_WEIGHT = 1.0
OUTLIER_WEIGHT = 4.0
"""How many marks the prior spread and outlier rate count for."""
LEAST_SPREAD_S = 0.01
OUTLIER_RATES = (0.005, 0.6)
ENOUGH_GOLD = 40
"""Gold marks an annotator needs before the lag that all annotators share is known well."""
EDGE_S = 1e-6


@dataclass(frozen=True, slots=True)
class Learned:
    """What the marks say about one annotator. lag_s: + = places events late. n: marks; n_gold: those on gold clips.

    identified: whether any gold stands behind the lag; if not, only differences between annotators are known, and lags
    are set so that they average 0.
    """

    annotator: str
    lag_s: float
    spread_s: float
    outlier_rate: float
    n: int
    n_gold: int
    identified: bool

    @property
    def enough_gold(self) -> bool:
        return self.n_gold >= ENOUGH_GOLD


@dataclass(frozen=True, slots=True)
class Settled:
    """Where an event of one clip is: posterior mean and sd (`spread_s`, 0 for gold).

    outlier: probability that an annotator's mark is an outlier. sources: annotators whose marks were used, or "gold".
    """

    clip_id: str
    time_s: float
    spread_s: float
    outlier: dict[str, float]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consensus:
    """Annotators and clips, learned together. identified: every annotator's lag rests on gold."""

    learned: dict[str, Learned]
    settled: dict[str, Settled]
    rounds: int

    @property
    def identified(self) -> bool:
        return all(one.identified for one in self.learned.values())


@dataclass(frozen=True, slots=True)
class _Seen:
    """Every mark in a row of its own, in the order of the batches. `gold` is NaN where no gold time is known.

    circle: annotators who share clips, directly or through others, are in one circle; lags compare only within it.
    """

    names: tuple[str, ...]
    batches: tuple[Batch, ...]
    who: Ints
    time_s: Floats
    gold_s: Floats
    circle: Ints

    def sums(self, weights: Floats) -> Floats:
        """Weights added up per annotator."""
        return np.bincount(self.who, weights, len(self.names)).astype(np.float64)

    @property
    def on_gold(self) -> NDArray[np.bool_]:
        return np.isfinite(self.gold_s)


def learn(
    marks: Mapping[str, Mapping[str, float]],
    gold: Mapping[str, float],
    durations_s: Mapping[str, float],
    *,
    iterations: int = 200,
    tolerance: float = 2e-4,
) -> Consensus:
    """Lag, spread and outlier rate of every annotator, and the settled time of every clip that has a mark or is gold.

    marks: clip id → annotator → seconds. tolerance: stop when no lag, spread or rate moved more (seconds, shares).
    Raises BadRequest for a time that is NaN, infinite or outside its clip.
    """
    _check(marks, gold, durations_s)
    seen = _see(marks, gold, durations_s)
    habits, rounds = _start(seen), 0
    found = [posterior(batch, habits) for batch in seen.batches]
    while rounds < iterations:
        better = _maximise(seen, found, habits)
        moved, habits, rounds = better.distance(habits), better, rounds + 1
        found = [posterior(batch, habits) for batch in seen.batches]
        if moved < tolerance:
            break
    settled = {clip: Settled(clip, time_s, 0.0, {}, ("gold",)) for clip, time_s in gold.items()}
    for batch, belief in zip(seen.batches, found, strict=True):
        settled |= {one.clip_id: one for one in _settle(batch, belief, seen.names)}
    return Consensus(_describe(seen, habits), settled, rounds)


def refine(
    consensus: Consensus, marks_of_one_clip: Mapping[str, float], duration_s: float, clip_id: str = ""
) -> Settled:
    """The time of one clip from its marks, annotators taken as already learned (a new one as the prior has it).

    Raises BadRequest without a mark, or for one outside the clip.
    """
    if not marks_of_one_clip:
        raise BadRequest("nobody has marked this clip, so there is nothing to settle; wait for a first mark.")
    _check({clip_id: marks_of_one_clip}, {}, {clip_id: duration_s})
    names = tuple(sorted(marks_of_one_clip))
    known = [consensus.learned.get(name) for name in names]
    habits = Habits(
        np.array([one.lag_s if one else 0.0 for one in known]),
        np.array([one.spread_s if one else PRIOR_SPREAD_S for one in known]),
        np.array([one.outlier_rate if one else PRIOR_OUTLIER_RATE for one in known]),
    )
    batch = Batch(
        (clip_id,),
        np.arange(len(names))[None, :],
        np.array([[float(marks_of_one_clip[name]) for name in names]]),
        np.array([float(duration_s)]),
        None,
    )
    return _settle(batch, posterior(batch, habits), names)[0]


def _check(
    marks: Mapping[str, Mapping[str, float]], gold: Mapping[str, float], durations_s: Mapping[str, float]
) -> None:
    for clip, placed in marks.items():
        for annotator, time_s in placed.items():
            _check_time(clip, f"{annotator}'s mark", time_s, durations_s)
    for clip, time_s in gold.items():
        _check_time(clip, "the gold time", time_s, durations_s)


def _check_time(clip: str, what: str, time_s: float, durations_s: Mapping[str, float]) -> None:
    duration_s = durations_s.get(clip)
    if duration_s is None or not (isfinite(duration_s) and duration_s > 0):
        raise BadRequest(
            f"clip {clip}: its duration is not known, so its marks cannot be weighed; probe the clip first."
        )
    if not (isfinite(time_s) and -EDGE_S <= time_s <= duration_s + EDGE_S):
        raise BadRequest(
            f"clip {clip}: {what} at {time_s} s lies outside the clip (0 to {duration_s:.3f} s); remove or correct it."
        )


def _see(
    marks: Mapping[str, Mapping[str, float]], gold: Mapping[str, float], durations_s: Mapping[str, float]
) -> _Seen:
    names = tuple(sorted({annotator for placed in marks.values() for annotator in placed}))
    index = {name: number for number, name in enumerate(names)}
    alike: dict[tuple[bool, int], list[str]] = {}
    for clip in sorted(clip for clip, placed in marks.items() if placed):
        alike.setdefault((clip in gold, len(marks[clip])), []).append(clip)
    batches = []
    for (is_gold, _), clips in sorted(alike.items()):
        rows = [sorted(marks[clip].items()) for clip in clips]
        batches.append(
            Batch(
                tuple(clips),
                np.array([[index[name] for name, _ in row] for row in rows]),
                np.array([[time_s for _, time_s in row] for row in rows], dtype=np.float64),
                np.array([durations_s[clip] for clip in clips], dtype=np.float64),
                np.array([gold[clip] for clip in clips], dtype=np.float64) if is_gold else None,
            )
        )
    gold_s = [np.broadcast_to(np.nan if b.gold_s is None else b.gold_s[:, None], b.who.shape) for b in batches]
    return _Seen(
        names,
        tuple(batches),
        _flat([b.who for b in batches]).astype(np.intp),
        _flat([b.time_s for b in batches]),
        _flat(gold_s),
        _circles([b.who for b in batches], len(names)),
    )


def _flat(parts: Iterable[NDArray[np.generic]]) -> Floats:
    return np.concatenate([np.zeros(0), *(part.ravel() for part in parts)])


def _circles(who: list[Ints], count: int) -> Ints:
    """The number of each annotator's circle."""
    first = _flat(np.broadcast_to(w[:, :1], w.shape) for w in who).astype(np.intp)
    other = _flat(who).astype(np.intp)
    met = coo_array((np.ones(len(first)), (first, other)), shape=(count, count))
    return np.asarray(connected_components(met, directed=False)[1], dtype=np.intp)


def _start(seen: _Seen) -> Habits:
    """Lags from gold where there is gold, else from the clips' medians; EM started elsewhere may end elsewhere."""
    medians = _flat(np.broadcast_to(np.median(b.time_s, axis=1)[:, None], b.who.shape) for b in seen.batches)
    lag_s = np.zeros(len(seen.names))
    for number in range(len(seen.names)):
        own = seen.who == number
        on_gold = own & seen.on_gold
        reference = seen.gold_s if on_gold.any() else medians
        apart = (seen.time_s - reference)[on_gold if on_gold.any() else own]
        lag_s[number] = np.median(apart) * len(apart) / (len(apart) + 2)
    return Habits(lag_s, np.full_like(lag_s, PRIOR_SPREAD_S), np.full_like(lag_s, PRIOR_OUTLIER_RATE))


def _maximise(seen: _Seen, found: list[Posterior], habits: Habits) -> Habits:
    """Better lags, spreads and rates, given what is believed of the times (with how unsure that is)."""
    right = _flat(f.right for f in found)
    first, second = _flat(f.first for f in found), _flat(f.second for f in found)
    count, total = seen.sums(right), seen.sums(np.ones_like(right))
    precision = 1 / habits.spread_s**2
    lag_s = seen.sums(first) * precision / (count * precision + PRIOR_LAG_S**-2)
    squares = seen.sums(second) - 2 * lag_s * seen.sums(first) + lag_s**2 * count
    spread_s = np.sqrt((squares + SPREAD_WEIGHT * PRIOR_SPREAD_S**2) / (count + SPREAD_WEIGHT))
    rate = (total - count + OUTLIER_WEIGHT * PRIOR_OUTLIER_RATE) / (total + OUTLIER_WEIGHT)
    spread_s = np.maximum(spread_s, LEAST_SPREAD_S)
    lag_s = lag_s + _shared_lag(seen, right, lag_s, spread_s)[seen.circle]
    return Habits(lag_s, spread_s, np.clip(rate, *OUTLIER_RATES))


def _shared_lag(seen: _Seen, right: Floats, lag_s: Floats, spread_s: Floats) -> Floats:
    """What to add to all lags of each circle so that they fit its gold; without gold, so that they average 0.

    Marks without gold cannot tell a shared lag from later events, so plain EM would creep towards it for hundreds of
    rounds when gold is rare; this step goes there at once.
    """
    on_gold = seen.on_gold
    who, circles = seen.who[on_gold], int(seen.circle.max(initial=-1)) + 1
    weight = right[on_gold] / spread_s[who] ** 2
    left = seen.time_s[on_gold] - seen.gold_s[on_gold] - lag_s[who]
    pull = (
        np.bincount(seen.circle[who], weight * left, circles)
        - np.bincount(seen.circle, lag_s, circles) / PRIOR_LAG_S**2
    )
    hold = np.bincount(seen.circle[who], weight, circles) + np.bincount(seen.circle, minlength=circles) / PRIOR_LAG_S**2
    return np.asarray(pull / hold, dtype=np.float64)


def _settle(batch: Batch, belief: Posterior, names: tuple[str, ...]) -> list[Settled]:
    known = () if batch.gold_s is None else ("gold",)
    outliers = np.clip(1 - belief.right, 0, 1).tolist()
    times = np.clip(belief.mean_s, 0, batch.duration_s if batch.gold_s is None else None).tolist()
    spreads = belief.sd_s.tolist()
    settled = []
    for row, clip in enumerate(batch.clips):
        sources = tuple(names[number] for number in batch.who[row])
        outlier = dict(zip(sources, outliers[row], strict=True))
        settled.append(Settled(clip, times[row], spreads[row], outlier, known or sources))
    return settled


def _describe(seen: _Seen, habits: Habits) -> dict[str, Learned]:
    n, n_gold = seen.sums(np.ones_like(seen.time_s)), seen.sums(seen.on_gold.astype(np.float64))
    behind = np.bincount(seen.circle, n_gold) > 0
    return {
        name: Learned(
            name,
            float(habits.lag_s[i]),
            float(habits.spread_s[i]),
            float(habits.outlier_rate[i]),
            int(n[i]),
            int(n_gold[i]),
            bool(behind[seen.circle[i]]),
        )
        for i, name in enumerate(seen.names)
    }

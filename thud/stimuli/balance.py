"""The balanced draw: one early and one delayed offset per clip, so that where the sound lies says little. Pure.

A shift to the left puts events further left, whoever draws; what a draw can do is to give each clip those of the
offered offsets with which the three classes lie as far over each other as the clips allow. Large offsets are drawn only
where they help, so a list with a small one among them mostly gives small ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thud.records import EventTimes, Intervention, content_id
from thud.stimuli.interventions import event_survives

BINS = 96
WIDTH_S = 0.12
"""How exactly the place of an event is thought to be noticed: bumps of this standard deviation are compared."""
SWEEPS = 10

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
Draw = dict[str, tuple[float, ...]]
"""Clip id → its offsets, the early one first."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip as far as the draw needs it. audio_s: its event, None = not known."""

    clip_id: str
    audio_s: float | None
    duration_s: float


def possible(clip: Placed, offsets: Sequence[float]) -> tuple[float, ...]:
    """Those of the offsets that keep the event of the clip where it can be heard, from early to delayed."""
    times = EventTimes(None, clip.audio_s, "manifest")
    return tuple(
        offset
        for offset in sorted(set(offsets))
        if offset
        and abs(offset) < clip.duration_s
        and event_survives(Intervention("shift", offset), times, clip.duration_s) is not False
    )


def random_draw(clips: Sequence[Placed], offsets: Sequence[float], seed: int = 0) -> Draw:
    """For every clip one early and one delayed offset of the possible ones, by lot: the same lot for the same seed."""
    drawn: Draw = {}
    for clip in clips:
        sides = [side for side in _by_side(possible(clip, offsets)) if side]
        lots = [int(content_id("draw", seed, clip.clip_id, side[0] < 0), 16) % len(side) for side in sides]
        drawn[clip.clip_id] = tuple(side[lot] for side, lot in zip(sides, lots, strict=True))
    return drawn


def balanced_draw(clips: Sequence[Placed], offsets: Sequence[float], seed: int = 0) -> Draw:
    """For every clip one early and one delayed offset of those offered, where one of them is possible at all.

    Never easier to guess than the draw by lot or the smallest offsets everywhere, by `overlap`. The same clips, offsets
    and seed give the same draw, in whatever order they come. Clips without a known event are drawn by lot.
    """
    lot = random_draw(clips, offsets, seed)
    known = sorted(
        (clip for clip in clips if clip.audio_s is not None), key=lambda clip: content_id(seed, clip.clip_id)
    )
    if len(known) < 2:
        return lot
    fits = {clip.clip_id: possible(clip, offsets) for clip in known}
    smallest = {clip_id: _smallest(some) for clip_id, some in fits.items()}
    largest = {clip_id: tuple(max(side, key=abs) for side in _by_side(some) if side) for clip_id, some in fits.items()}
    begun = [{clip.clip_id: lot[clip.clip_id] for clip in known}, smallest, largest]
    draws = [*begun, *(_exchanged(known, offsets, each) for each in begun)]
    return lot | min(draws, key=lambda draw: round(overlap(known, draw), 9))


def shifts_to_ask(clips: Sequence[Placed], offsets: Sequence[float], seed: int = 0) -> Draw:
    """The balanced draw as offsets to build. Where no early (or delayed) offset is possible, the smallest one stands in
    for them, so that the plan refuses it and says why.
    """
    draw = balanced_draw(clips, offsets, seed)
    asked: Draw = {}
    for clip_id, drawn in draw.items():
        signs = {offset > 0 for offset in drawn}
        asked[clip_id] = (*drawn, *(each for each in _smallest(offsets) if (each > 0) not in signs))
    return asked


def overlap(clips: Sequence[Placed], draw: Mapping[str, Sequence[float]]) -> float:
    """What the best guess from the event's place gets of three equally common classes, 1/3 to 1, as the draw sees it.

    Of clips with a known event only. In the sample itself, over smoothed places: a bound to compare draws by.
    """
    known = [clip for clip in clips if clip.audio_s is not None]
    at = {clip.clip_id: clip.audio_s or 0.0 for clip in known}
    shifted = [(at[clip.clip_id] + offset, offset) for clip in known for offset in draw.get(clip.clip_id, ())]
    places = (
        [place for place, offset in shifted if offset < 0],
        list(at.values()),
        [place for place, offset in shifted if offset > 0],
    )
    grid = _grid(known)
    sums = [_bumps(np.array(each), grid).sum(axis=0) for each in places if each]
    shares = np.stack([each / each.sum() for each in sums]) if sums else np.ones((1, 1))
    return float(shares.max(axis=0).sum() / len(shares))


def _by_side(offsets: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(each for each in offsets if each < 0), tuple(each for each in offsets if each > 0)


def _smallest(offsets: Sequence[float]) -> tuple[float, ...]:
    return tuple(min(side, key=abs) for side in _by_side(offsets) if side)


def _exchanged(clips: Sequence[Placed], offsets: Sequence[float], begun: Mapping[str, Sequence[float]]) -> Draw:
    """A draw after changing one clip's offset at a time to that which brings the classes closest, until none does.

    Distance: squared differences between the classes' smoothed places, summed over all three pairs of classes.
    """
    grid = _grid(clips)
    at = np.array([clip.audio_s for clip in clips])
    original = _bumps(at, grid).sum(axis=0)
    fits = [possible(clip, offsets) for clip in clips]
    sides = [_Side.of(at, [_by_side(some)[side] for some in fits], grid) for side in (0, 1)]
    for number, side in enumerate(sides):
        side.begin([_by_side(begun[clip.clip_id])[number] for clip in clips])
    for _ in range(SWEEPS):
        changed = [
            side.improve(original + other.total()) for side, other in ((sides[0], sides[1]), (sides[1], sides[0]))
        ]
        if not any(changed):
            break
    held = [side.drawn() for side in sides]
    return {clip.clip_id: (*held[0][i], *held[1][i]) for i, clip in enumerate(clips)}


@dataclass(slots=True, eq=False)
class _Side:
    """The offsets of one sign. fits, held: (clips, offsets): which are possible, which is held (one a clip, or none).

    bumps: (clips, offsets, BINS): where each would put the event.
    """

    offsets: tuple[float, ...]
    fits: NDArray[np.bool_]
    bumps: Numbers
    held: Codes

    @classmethod
    def of(cls, at: Numbers, some: Sequence[Sequence[float]], grid: Numbers) -> _Side:
        offsets = tuple(sorted({offset for each in some for offset in each}))
        fits = np.array([[offset in each for offset in offsets] for each in some], dtype=bool)
        places = at[:, None] + np.array(offsets)[None, :]
        bumps = _bumps(places.ravel(), grid).reshape(len(at), len(offsets), len(grid))
        return cls(offsets, fits.reshape(len(at), len(offsets)), bumps, np.full(len(at), -1))

    def begin(self, drawn: Sequence[Sequence[float]]) -> None:
        self.held = np.array([self.offsets.index(each[0]) if each else -1 for each in drawn])

    def total(self) -> Numbers:
        own = np.flatnonzero(self.held >= 0)
        return np.asarray(self.bumps[own, self.held[own]].sum(axis=0))

    def drawn(self) -> list[tuple[float, ...]]:
        return [(self.offsets[held],) if held >= 0 else () for held in self.held.tolist()]

    def improve(self, goal: Numbers) -> bool:
        """One round over all clips; whether anything changed. goal: the sum of the two other classes."""
        total, changed = self.total(), False
        own = [clip for clip in np.flatnonzero(self.held >= 0).tolist() if self.fits[clip].sum() > 1]
        for clip in own:
            bumps, now = self.bumps[clip], int(self.held[clip])
            rest = total - bumps[now]
            # |rest + bump - one class|² + |rest + bump - the other|², but for what is the same for every bump
            cost = 2 * (bumps * bumps).sum(axis=1) + 2 * bumps @ (2 * rest - goal)
            best = int(np.argmin(np.where(self.fits[clip], cost, np.inf)))
            if cost[best] < cost[now] - 1e-9:
                self.held[clip], total, changed = best, rest + bumps[best], True
        return changed


def _grid(clips: Sequence[Placed]) -> Numbers:
    return np.linspace(0.0, max((clip.duration_s for clip in clips), default=1.0), BINS)


def _bumps(at: Numbers, grid: Numbers) -> Numbers:
    """A smooth bump at each place, (places, BINS); each sums to 1, so that events near an end weigh as much."""
    width = max(WIDTH_S, float(grid[1] - grid[0]))
    bumps = np.exp(-0.5 * ((grid[None, :] - at[:, None]) / width) ** 2) + 1e-12
    return np.asarray(bumps / bumps.sum(axis=1, keepdims=True))

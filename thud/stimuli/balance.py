"""The balanced draw: one early and one delayed offset per clip, so that where the sound lies says little. Pure.

A shift to the left puts events further left, whoever draws; what a draw can do is to give each clip those of the offered
offsets with which the three classes lie as far over each other as the clips allow. Sizes are exchanged, clip by clip,
as long as that brings the classes closer.
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
SWEEPS, STARTS = 20, 4

Numbers = NDArray[np.float64]
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


def balanced_draw(clips: Sequence[Placed], offsets: Sequence[float], seed: int = 0) -> Draw:
    """For every clip one early and one delayed offset of those offered, where one of them is possible at all.

    The same clips, offsets and seed give the same draw, in whatever order they come. Of clips whose event time is not
    known the offsets are drawn by the seed alone.
    """
    clips = sorted(clips, key=lambda clip: content_id(seed, clip.clip_id))
    choices = {clip.clip_id: _by_side(possible(clip, offsets)) for clip in clips}
    known = [clip for clip in clips if clip.audio_s is not None and all(choices[clip.clip_id])]
    drawn = {
        clip.clip_id: tuple(side[_dice(seed, clip.clip_id, number, len(side))] for number, side in enumerate(sides))
        for clip in clips
        for sides in (tuple(side for side in choices[clip.clip_id] if side),)
    }
    if len(known) > 1:
        drawn |= _matched(known, choices, seed)
    return {clip.clip_id: drawn[clip.clip_id] for clip in clips}


def overlap(clips: Sequence[Placed], draw: Mapping[str, Sequence[float]]) -> float:
    """What the best guess from the event's place gets of three equally common classes, 1/3 to 1, as the draw sees it.

    Of clips with a known event only. In the sample itself, over smoothed places: a bound to compare draws by.
    """
    known = [(clip.audio_s, draw.get(clip.clip_id, ())) for clip in clips if clip.audio_s is not None]
    grid = _grid([clip for clip in clips if clip.audio_s is not None])
    early = [at + offset for at, some in known for offset in some if offset < 0]
    late = [at + offset for at, some in known for offset in some if offset > 0]
    sides = [_bumps(np.array(each), grid) for each in (early, [at for at, _ in known], late) if each]
    shares = np.stack([side.sum(axis=0) / side.sum() for side in sides]) if sides else np.ones((1, 1))
    return float(shares.max(axis=0).sum() / len(shares))


def _by_side(offsets: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(each for each in offsets if each < 0), tuple(each for each in offsets if each > 0)


def _dice(seed: int, clip_id: str, number: int, sides: int) -> int:
    return int(content_id("draw", seed, clip_id, number), 16) % sides


def _matched(clips: Sequence[Placed], choices: Mapping[str, tuple[tuple[float, ...], ...]], seed: int) -> Draw:
    """The best of several exchanges, each begun elsewhere, and of their beginnings, by `overlap`."""
    grid = _grid(clips)
    at = np.array([clip.audio_s for clip in clips])
    original = _bumps(at, grid).sum(axis=0)
    sides = [[choices[clip.clip_id][side] for clip in clips] for side in (0, 1)]
    bumps = [
        [_bumps(place + np.array(some), grid) for place, some in zip(at, side, strict=True)] for side in sides
    ]
    best: tuple[float, Draw] | None = None
    for begun in _beginnings(sides, seed):
        for picks in (begun, _exchanged(bumps, original, [list(side) for side in begun])):
            draw = {
                clip.clip_id: (sides[0][i][picks[0][i]], sides[1][i][picks[1][i]]) for i, clip in enumerate(clips)
            }
            score = overlap(clips, draw)
            if best is None or score < best[0] - 1e-12:
                best = (score, draw)
    assert best is not None
    return best[1]


def _beginnings(sides: Sequence[Sequence[Sequence[float]]], seed: int) -> list[list[list[int]]]:
    """Where exchanges begin: by lot, all smallest, all largest. Indices into each clip's offsets, per side."""
    dice = np.random.default_rng(seed)
    lots = [[[int(dice.integers(len(some))) for some in side] for side in sides] for _ in range(STARTS)]
    last = [[len(some) - 1 for some in side] for side in sides]
    first = [[0 for _ in side] for side in sides]
    return [*lots, [last[0], first[1]], [first[0], last[1]]]


def _exchanged(bumps: Sequence[Sequence[Numbers]], original: Numbers, picks: list[list[int]]) -> list[list[int]]:
    """Picks after exchanging one clip's offset at a time for that which brings the three classes closest, until none
    does. Distance: squared differences between the classes' smoothed places, over all three pairs.
    """
    sums = [np.sum([own[i] for own, i in zip(bumps[s], picks[s], strict=True)], axis=0) for s in (0, 1)]
    for _ in range(SWEEPS):
        changed = False
        for side in (0, 1):
            for clip, own in enumerate(bumps[side]):
                if len(own) == 1:
                    continue
                rest = sums[side] - own[picks[side][clip]]
                # |rest + b - original|² + |rest + b - other|², but for what does not depend on b
                cost = 2 * np.einsum("ij,ij->i", own, own) + 2 * own @ (2 * rest - original - sums[1 - side])
                now = int(np.argmin(cost))
                if cost[now] < cost[picks[side][clip]] - 1e-9:
                    picks[side][clip], changed = now, True
                sums[side] = rest + own[picks[side][clip]]
        if not changed:
            break
    return picks


def _grid(clips: Sequence[Placed]) -> Numbers:
    return np.linspace(0.0, max((clip.duration_s for clip in clips), default=1.0), BINS)


def _bumps(at: Numbers, grid: Numbers) -> Numbers:
    """A smooth bump at each place, (places, BINS); each sums to 1, so that events near an end weigh as much."""
    width = max(WIDTH_S, float(grid[1] - grid[0]))
    bumps = np.exp(-0.5 * ((grid[None, :] - at[:, None]) / width) ** 2) + 1e-12
    return np.asarray(bumps / bumps.sum(axis=1, keepdims=True))

"""Numbered frame units: what a model that cannot take video is shown of a clip, with exact times.

A unit is a window of the clip; the windows follow each other without overlap and cover all of it. Stills are taken at
even steps over the whole clip, so that nothing that lasts longer than a step goes unseen. Every still carries the time
at which it really comes on screen, read from the file, not index / rate.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thud.errors import BadRequest
from thud.media.frames import Picture, frame_times, frames_at
from thud.records import Clip, Probe

WINDOW_S = 1.0
FRAMES_PER_UNIT = 3
MOST_IMAGES = 100
"""Per request, whatever the vendor: the smallest limit among them."""

LONGEST_SIDE = 512
QUALITY = 85
WINDOW_STEP_S = 0.5
"""Windows that must be wider than asked are widened in these steps, so that their times stay easy to read."""

HELD_BYTES = 200_000_000
"""Decoded pictures kept at once; a long clip in 4K would otherwise fill the memory."""

Still = tuple[float, bytes]
"""(seconds from the start of the clip, JPEG)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One window of the clip, numbered from 1. frames: its stills in order of time; empty when only times matter."""

    index: int
    start_s: float
    end_s: float
    frames: tuple[Still, ...] = ()

    def holds(self, time_s: float, slack_s: float = 0.0) -> bool:
        """Whether that moment lies in the unit, give or take `slack_s`."""
        return self.start_s - slack_s <= time_s <= self.end_s + slack_s


def windows(
    duration_s: float,
    window_s: float = WINDOW_S,
    frames_per_unit: int = FRAMES_PER_UNIT,
    most_images: int = MOST_IMAGES,
) -> tuple[Unit, ...]:
    """The units of a clip of that length, without stills; the last is as long as what is left.

    A clip that would need more than `most_images` stills gets wider windows. Raises BadRequest for sizes that make
    none.
    """
    most = most_images // frames_per_unit if frames_per_unit > 0 else 0
    if most < 1 or not window_s > 0 or not 0 < duration_s < math.inf:
        raise BadRequest("A clip is cut into units of more than 0 s with at least one frame each.")
    if math.ceil(duration_s / window_s - 1e-6) > most:
        window_s = math.ceil(duration_s / most / WINDOW_STEP_S - 1e-6) * WINDOW_STEP_S
    count = max(1, math.ceil(duration_s / window_s - 1e-6))
    ends = [*(k * window_s for k in range(1, count)), duration_s]
    return tuple(Unit(k + 1, k * window_s, end) for k, end in enumerate(ends))


def units(
    clip: Clip,
    window_s: float = WINDOW_S,
    frames_per_unit: int = FRAMES_PER_UNIT,
    most_images: int = MOST_IMAGES,
) -> tuple[Unit, ...]:
    """The units of a clip with their stills, decoded from its file. Raises RefusedClip, BadRequest."""
    empty = windows(clip.probe.duration_s, window_s, frames_per_unit, most_images)
    width_s = empty[0].end_s - empty[0].start_s
    step_s = (width_s if len(empty) > 1 else window_s) / frames_per_unit
    return with_stills(clip, empty, step_s)


def closer(clip: Clip, unit: Unit, count: int) -> Unit:
    """The same unit with about `count` stills. Raises RefusedClip."""
    return with_stills(clip, (unit,), (unit.end_s - unit.start_s) / max(1, count))[0]


def with_stills(clip: Clip, empty: Sequence[Unit], step_s: float) -> tuple[Unit, ...]:
    """Those units with a still every `step_s`, the same picture never twice in a unit."""
    shown = frame_times(clip.path)
    chosen = [_moments(unit, shown, step_s) for unit in empty]
    jpegs = iter(_jpegs(clip, [source for moments in chosen for source, _ in moments]))
    return tuple(
        replace(unit, frames=tuple((at_s, next(jpegs)) for _, at_s in moments))
        for unit, moments in zip(empty, chosen, strict=True)
    )


def half_frame_s(probe: Probe) -> float:
    """Half of the (mean) time that a picture stays on screen: what a time read off a still may be off by."""
    return 0.5 * probe.duration_s / max(1, probe.frames)


def _moments(unit: Unit, shown: NDArray[np.float64], step_s: float) -> list[tuple[float, float]]:
    """(time of the picture, time from which it is on screen in this unit) of each still."""
    inside = shown[(shown >= unit.start_s - 1e-6) & (shown < unit.end_s - 1e-6)]
    if not len(inside):  # one picture stays on screen all along
        before = shown[shown < unit.start_s]
        return [(float(before[-1]) if len(before) else float(shown[0]), unit.start_s)]
    steps = max(1, math.ceil((unit.end_s - unit.start_s) / step_s - 1e-6))
    asked = unit.start_s + np.arange(steps) * step_s
    nearest = sorted({int(np.argmin(np.abs(inside - at_s))) for at_s in asked})
    return [(float(inside[k]), float(inside[k])) for k in nearest]


def _jpegs(clip: Clip, times_s: Sequence[float]) -> Iterator[bytes]:
    """A small JPEG of the picture that comes on screen at each of those times."""
    at_once = max(1, HELD_BYTES // max(1, 3 * clip.probe.width * clip.probe.height))
    for first in range(0, len(times_s), at_once):
        for frame in frames_at(clip.path, times_s[first : first + at_once]):
            yield _jpeg(frame.rgb)


def _jpeg(rgb: Picture) -> bytes:
    """The picture, its longer side at most 512 pixels."""
    image = Image.fromarray(rgb)
    share = min(1.0, LONGEST_SIDE / max(image.size))
    if share < 1:
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=QUALITY)
    return held.getvalue()

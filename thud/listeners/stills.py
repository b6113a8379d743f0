"""Stills of a clip for models that take no video: at even steps, each with the time it comes on screen."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

from thud.events.frame_units import QUALITY, Still
from thud.listeners.roster import Listener
from thud.media.frames import Picture, frame_times, frames_at
from thud.records import Clip

AT_ONCE = 16
"""Decoded pictures kept at a time."""


def true_fps(listener: Listener, duration_s: float) -> float:
    """Pictures a second that a clip of that length is really shown with: fewer than asked where there are too many.

    In hundredths, so that it reads the same wherever it is computed.
    """
    return min(listener.fps, max(0.01, math.floor(100 * listener.max_frames / max(duration_s, 1e-3)) / 100))


def stills(listener: Listener, clip: Clip) -> list[Still]:
    """(time it comes on screen, JPEG) of each still, none twice. Raises RefusedClip."""
    shown = frame_times(clip.path)
    steps = np.arange(math.ceil(clip.probe.duration_s * true_fps(listener, clip.probe.duration_s)))
    asked = np.minimum(steps / true_fps(listener, clip.probe.duration_s), shown[-1])
    chosen = sorted({int(np.searchsorted(shown, at_s + 1e-6, side="right")) - 1 for at_s in asked} or {0})
    times = [float(shown[max(0, place)]) for place in chosen][: listener.max_frames]
    found: list[Still] = []
    for first in range(0, len(times), AT_ONCE):
        part = times[first : first + AT_ONCE]
        frames = frames_at(clip.path, part)
        found += [(at_s, _jpeg(frame.rgb, listener.width)) for at_s, frame in zip(part, frames, strict=True)]
    return found


def _jpeg(rgb: Picture, longest: int) -> bytes:
    """The picture, its longer side at most `longest` pixels."""
    image = Image.fromarray(rgb)
    share = min(1.0, longest / max(image.size))
    if share < 1:
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=QUALITY)
    return held.getvalue()

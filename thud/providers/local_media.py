"""What a local model is shown of a file: pictures at even times and their true rate, and the sound at 16 kHz.

Pictures are looked up by their own time stamps on a grid that starts at the first one, k / fps seconds, so that the
rate told to the model is the rate at which it was sampled, whatever rate the file has. It knows no model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thud.errors import BadRequest
from thud.media.frames import frames_at
from thud.media.probe import probe
from thud.media.sound import read_written
from thud.media.write import MODELS_RATE_HZ, to_models

AT_ONCE = 16
"""Pictures held at full size at a time: 16 of 1080p are 100 MB."""

ROUNDING = 1e-6
"""Share of a picture by which seconds times rate may be off a whole number."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """rgb: uint8 (pictures, height, width, 3). fps: as sampled, so picture k is the one on screen at k / fps seconds.

    held: how many at the end repeat the last one, to make the count even.
    """

    rgb: NDArray[np.uint8]
    fps: float
    held: int = 0


def sample_times(duration_s: float, fps: float, max_frames: int) -> tuple[list[float], float]:
    """The times to look at, from 0 on, and their rate: lower than `fps` where `max_frames` would be exceeded."""
    if not (fps > 0 and max_frames >= 1):
        raise BadRequest(f"A model can be shown neither {fps:g} pictures a second nor {max_frames} pictures.")
    count = max(1, math.ceil(duration_s * fps - ROUNDING))
    if count > max_frames:
        count, fps = max_frames, max_frames / duration_s
    return [k / fps for k in range(count)], fps


def pictures(path: str, fps: float, max_frames: int, size_px: int, edge: int = 2, group: int = 2) -> Pictures:
    """Pictures of `path`, the longest side at most `size_px` and both sides multiples of `edge`; never enlarged but
    to `edge`. group: the count is a multiple of it, by holding the last one.

    Raises RefusedClip for the file and BadRequest for the settings.
    """
    max_frames -= max_frames % group if max_frames >= group else 0
    times, rate = sample_times(probe(path).duration_s, fps, max_frames)
    shown: list[NDArray[np.uint8]] = []
    for start in range(0, len(times), AT_ONCE):
        shown += [_sized(frame.rgb, size_px, edge) for frame in frames_at(path, times[start : start + AT_ONCE])]
    held = -len(shown) % group
    return Pictures(np.stack(shown + shown[-1:] * held), rate, held)


def sound_samples(path: str) -> NDArray[np.float32]:
    """Mono samples at 16 kHz, float32 (samples,): of a WAV that thud wrote exactly, of others resampled.

    Raises RefusedClip.
    """
    sound = read_written(path)
    if sound.rate_hz != MODELS_RATE_HZ or sound.samples.shape[1] != 1:
        sound = to_models(sound)
    return np.ascontiguousarray(sound.samples[:, 0])


def _sized(rgb: NDArray[np.uint8], size_px: int, edge: int) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = min(1.0, size_px / max(height, width))
    across, down = (max(edge, round(side * scale / edge) * edge) for side in (width, height))
    if (down, across) == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((across, down), Image.Resampling.BICUBIC))

"""Writes sounds: 16-bit WAV and FLAC, the same bytes for the same samples, and the 16 kHz sound for models.

Files appear whole or not at all. No tag names the encoder or the time: nothing but the samples tells two files apart.
"""

from __future__ import annotations

import errno
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from thud.errors import RefusedEdit, StoreFull
from thud.media.encode import written_whole
from thud.media.sound import FULL_SCALE, Sound

MODELS_RATE_HZ = 16_000
"""What speech and audio encoders of the models under test take."""

FLAC_LEVEL = 0.25
"""Of 0 to 1: the highest takes twice as long for 1 % smaller files."""


def to_models(sound: Sound) -> Sound:
    """The sound as models get it: mono (mean of the channels), 16 kHz, round(seconds * 16000) samples,
    float32.

    Computed in float64 by one fixed linear-phase filter, so it gives the same 16-bit samples on any machine.
    """
    channels = sound.samples.shape[1]
    # Adding whole channels is five times faster than a mean over the short axis, and gives the same float64s.
    mono = sum(sound.samples[:, c].astype(np.float64) for c in range(channels)) / channels
    return Sound(resampled(np.asarray(mono)[:, None], sound.rate_hz, MODELS_RATE_HZ), MODELS_RATE_HZ, sound.damage)


def resampled(samples: NDArray[np.floating], rate_hz: int, to_hz: int) -> NDArray[np.float32]:
    """(samples, channels) at another rate: round(n * to_hz / rate_hz) samples, not moved in time."""
    length = round(Fraction(len(samples) * to_hz, rate_hz))
    if rate_hz == to_hz:
        return samples.astype(np.float32)
    common = math.gcd(rate_hz, to_hz)
    from scipy.signal import resample_poly  # a third of a second to import, and ingest never resamples

    up, down = to_hz // common, rate_hz // common
    wide = resample_poly(samples.astype(np.float64), up, down, axis=0, window=_filter(up, down))
    result = np.zeros((length, samples.shape[1]), np.float32)
    result[: len(wide)] = wide[:length]
    return result


@cache
def _filter(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass that `resample_poly` would design anew at each call."""
    from scipy.signal import firwin

    widest = max(up, down)
    return np.asarray(firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0)))


def to_16_bit(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Nearest 16-bit values (halves to even), clipped at full scale; no dither, which would differ from run
    to run.
    """
    scaled = samples * samples.dtype.type(FULL_SCALE)  # a power of two: exact in float32 as well
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled).astype("<i2")


def write_wav(path: str | Path, sound: Sound) -> Path:
    """Write 16-bit PCM: 44 bytes and the samples, so equal lengths give equal sizes. Raises StoreFull."""
    return _save(path, sound, "WAV")


def write_flac(path: str | Path, sound: Sound) -> Path:
    """Write lossless 16-bit FLAC at the sound's own rate.

    Raises StoreFull, or RefusedEdit for a rate FLAC lacks.
    """
    return _save(path, sound, "FLAC", compression_level=FLAC_LEVEL)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """A block in which PyAV writes: a full disk becomes StoreFull, anything else it refuses RefusedEdit."""
    try:
        yield
    except (av.FFmpegError, ValueError) as error:
        name = Path(path).name
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"The disk is full: {name} was not written. Free some space and try again.") from error
        raise RefusedEdit(f"{name} cannot be written: {error}.") from error


def _save(path: str | Path, sound: Sound, kind: str, **options: float) -> Path:
    held = io.BytesIO()
    try:
        soundfile.write(held, to_16_bit(sound.samples), sound.rate_hz, format=kind, subtype="PCM_16", **options)
    except soundfile.LibsndfileError as error:
        raise RefusedEdit(f"{Path(path).name} cannot be written: {error.error_string}") from error
    with written_whole(path) as part:
        part.write_bytes(held.getbuffer())
    return Path(path)

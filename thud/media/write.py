"""Writes sounds: 16-bit WAV and FLAC, the same bytes for the same samples, and the 16 kHz sound for models.

Files appear whole or not at all. No tag names the encoder or the time: nothing but the samples tells two files apart.
"""

from __future__ import annotations

import errno
import io
import math
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import Flags
from numpy.typing import NDArray
from scipy.signal import resample_poly

from thud.errors import RefusedEdit, StoreFull
from thud.media.encode import written_whole
from thud.media.sound import FULL_SCALE, Sound

MODELS_RATE_HZ = 16_000
"""What speech and audio encoders of the models under test take."""

FLAC_LEVEL = "4"
"""Of 0 to 8: the higher ones take half as long again for 1 % smaller files, the lower ones are no faster."""


def to_models(sound: Sound) -> Sound:
    """The sound as models get it: mono (mean of the channels), 16 kHz, round(seconds * 16000) samples,
    float32.

    Computed in float64 by one fixed linear-phase filter, so it gives the same 16-bit samples on any machine.
    """
    mono = sound.samples.mean(axis=1, dtype=np.float64)
    return Sound(resampled(mono[:, None], sound.rate_hz, MODELS_RATE_HZ), MODELS_RATE_HZ, sound.damage)


def resampled(samples: NDArray[np.floating], rate_hz: int, to_hz: int) -> NDArray[np.float32]:
    """(samples, channels) at another rate: round(n * to_hz / rate_hz) samples, not moved in time."""
    length = round(Fraction(len(samples) * to_hz, rate_hz))
    if rate_hz == to_hz:
        return samples.astype(np.float32)
    common = math.gcd(rate_hz, to_hz)
    wide = resample_poly(samples.astype(np.float64), to_hz // common, rate_hz // common, axis=0)
    result = np.zeros((length, samples.shape[1]), np.float32)
    result[: len(wide)] = wide[:length]
    return result


def to_16_bit(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Nearest 16-bit values (halves to even), clipped at full scale; no dither, which would differ from run
    to run.
    """
    scaled = samples * samples.dtype.type(FULL_SCALE)  # a power of two: exact in float32 as well
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled).astype("<i2")


def write_wav(path: str | Path, sound: Sound) -> Path:
    """Write 16-bit PCM: 44 bytes and the samples, so equal lengths give equal sizes. Raises StoreFull."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams((sound.samples.shape[1], 2, sound.rate_hz, 0, "NONE", ""))
        file.writeframes(to_16_bit(sound.samples).tobytes())
    return _save(path, held.getbuffer())


def write_flac(path: str | Path, sound: Sound) -> Path:
    """Write lossless 16-bit FLAC at the sound's own rate.

    Raises StoreFull, or RefusedEdit for a rate FLAC lacks.
    """
    held = io.BytesIO()
    samples = to_16_bit(sound.samples)
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    options = {"compression_level": FLAC_LEVEL}
    with writing(path), av.open(held, "w", format="flac", container_options={"fflags": "+bitexact"}) as out:
        stream: AudioStream = out.add_stream("flac", rate=sound.rate_hz, options=options)
        stream.codec_context.layout = layout
        stream.codec_context.format = "s16"
        stream.codec_context.flags |= cast(int, Flags.bitexact)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = sound.rate_hz, Fraction(1, sound.rate_hz), 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return _save(path, held.getbuffer())


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


def _save(path: str | Path, data: memoryview) -> Path:
    with written_whole(path) as part:
        part.write_bytes(data)
    return Path(path)

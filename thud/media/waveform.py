"""What the timeline draws of a sound: peaks (outline) and a mel spectrogram (ink), both over its exact length.

Pure arithmetic on samples; it does not know about clips, events or colours.
"""

from __future__ import annotations

import io
from functools import reduce

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, sparse

from thud.media.sound import Sound

BANDS = 64
WINDOW_S = 0.016
"""Short enough that a click is 8 ms wide, long enough that a band is 62 Hz wide."""
TOP_HZ = 8000.0
RANGE_DB = 80.0
CONTRAST = 1.8
"""Ink grows with this power of the level, so that a room's noise floor stays paper and an event stands out."""
QUIETEST_DB = -120.0
"""Full ink is never set below this, so that digital silence stays empty instead of filling the picture."""
COLUMNS_PER_S = 250
MOST_COLUMNS = 6000
CHUNK = 200
"""Columns transformed at once; they stay in the processor's cache, which takes half the time that 2000 at once do."""


def peaks(sound: Sound, per_second: int = 1000) -> NDArray[np.int8]:
    """Lowest and highest sample of every 1/per_second s over all channels: int8 (n, 2); value / 127 is the amplitude.

    n = ceil(samples * per_second / rate_hz). Samples beyond full scale are drawn at full scale.
    """
    count = -(-len(sound.samples) * per_second // sound.rate_hz)
    if not count:
        return np.zeros((0, 2), np.int8)
    starts = np.arange(count) * sound.rate_hz // per_second
    channels = list(sound.samples.T)  # one by one: NumPy is 30 times slower along an axis of length 2
    low = np.minimum.reduceat(reduce(np.minimum, channels), starts)
    high = np.maximum.reduceat(reduce(np.maximum, channels), starts)
    drawn: NDArray[np.int8] = np.rint(np.clip(np.stack([low, high], axis=1), -1, 1) * 127).astype(np.int8)
    return drawn


def spectrogram_png(sound: Sound, ceiling_db: float | None = None) -> bytes:
    """A PNG whose alpha is the mel spectrogram, for use as a CSS mask: low bands at the bottom, 80 dB to full ink.

    The picture spans the sound from its first to its last sample; column k of n is centred on (k + 0.5) / n of it.
    ceiling_db: level of full ink, by default the sound's own loudest; give the original's `mel_db(...).max()` to
    draw all conditions of a clip on one scale. Digital silence is empty.
    """
    level = mel_db(sound)
    ceiling = max(float(level.max()), QUIETEST_DB) if ceiling_db is None else ceiling_db
    share = np.clip((level - (ceiling - RANGE_DB)) / RANGE_DB, 0, 1)
    return _alpha_png((255 * share**CONTRAST).astype(np.uint8)[::-1])


def mel_db(sound: Sound) -> NDArray[np.float32]:
    """Power in dB re full scale, float32 (64 mel bands from 0 to min(8 kHz, Nyquist), columns); silence is -200 dB.

    250 columns a second, at most 6000 and at least 1; power is averaged over channels.
    """
    samples, rate = sound.samples, sound.rate_hz
    window = round(WINDOW_S * rate)
    columns = min(MOST_COLUMNS, max(1, -(-len(samples) * COLUMNS_PER_S // rate)))
    padded = np.pad(samples, ((window, window), (0, 0)))
    starts = np.rint((np.arange(columns) + 0.5) * len(samples) / columns + window / 2).astype(np.intp)
    dense = _mel_filters(rate, window)
    filters = sparse.csr_array(dense)  # mostly zeros, and no BLAS: its waiting threads cost ten times the work
    taper = np.hanning(window + 1)[:window].astype(np.float32)
    taper *= np.sqrt(4 / taper.sum() ** 2)  # a full-scale sine reads 0 dB
    power = np.zeros((BANDS, columns), np.float32)
    for channel in range(samples.shape[1]):
        view = sliding_window_view(padded[:, channel], window)
        for first in range(0, columns, CHUNK):
            part = slice(first, first + CHUNK)
            spectrum = fft.rfft(view[starts[part]] * taper, axis=1)[:, : dense.shape[1]]
            power[:, part] += filters @ (spectrum.real**2 + spectrum.imag**2).T
    return np.asarray(10 * np.log10(power / samples.shape[1] + 1e-20), np.float32)


def _mel_filters(rate_hz: int, window: int) -> NDArray[np.float32]:
    """Triangles (bands, bins) up to 8 kHz; narrow ones are widened to a bin, so that no band is empty."""
    top = min(TOP_HZ, rate_hz / 2)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + top / 700), BANDS + 2) / 2595) - 1)
    bin_hz = rate_hz / window
    bins = np.arange(int(top / bin_hz) + 1) * bin_hz
    centre = edges[1:-1, None]
    rise = (bins - centre) / np.maximum(centre - edges[:-2, None], bin_hz) + 1
    fall = (centre - bins) / np.maximum(edges[2:, None] - centre, bin_hz) + 1
    return np.asarray(np.clip(np.minimum(rise, fall), 0, None), np.float32)


def _alpha_png(alpha: NDArray[np.uint8]) -> bytes:
    """Black of the given alpha: one byte a pixel, as a palette whose entry k is black with alpha k."""
    image = Image.fromarray(np.ascontiguousarray(alpha))
    image.putpalette(bytes(768))
    held = io.BytesIO()
    image.save(held, "PNG", transparency=bytes(range(256)), compress_level=1)
    return held.getvalue()

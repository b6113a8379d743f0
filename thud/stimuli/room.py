"""Room tone: the noise floor of a clip, grown to any length without an audible loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

WINDOW_S = 0.05
SHORTEST_S, LONGEST_S = 0.2, 1.0
QUIET_DB = 12.0
"""A clip has a floor of its own only if that lies this far below its loudest window."""
DIGITAL_SILENCE_DBFS = -90.0


@dataclass(frozen=True, slots=True)
class Room:
    """The quietest stretch of a clip. level_dbfs: its RMS. quiet: it is a floor, not just the least loud music."""

    start_s: float
    end_s: float
    level_dbfs: float
    quiet: bool
    samples: Samples

    @property
    def words(self) -> str:
        if self.samples.size == 0:
            return "the clip is digitally silent wherever it is quiet, so the fill is silence"
        return f"room tone from {self.start_s:.2f}–{self.end_s:.2f} s"


def dbfs(samples: NDArray[np.floating]) -> float:
    """RMS level re full scale, dB; −999.0 for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10 * float(np.log10(power)) if power > 0 else -999.0


def window_levels(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    """RMS in dBFS of consecutive 50 ms windows, shape (windows,)."""
    size = max(1, round(WINDOW_S * rate_hz))
    count = len(samples) // size
    windows = samples[: count * size].reshape(count, size * samples.shape[1]).astype(np.float64)
    power = np.einsum("ij,ij->i", windows, windows) / max(1, windows.shape[1])
    return np.asarray(10 * np.log10(power + 1e-100))


def find_room(samples: Samples, rate_hz: int) -> Room:
    """The quietest stretch of 0.2 to 1.0 s that is not digital silence; the longest one near the lowest level wins.

    samples: (n, channels). A clip with no such stretch gets an empty Room, and fills from it are silence.
    """
    levels = window_levels(samples, rate_hz)
    alive = levels > DIGITAL_SILENCE_DBFS
    best: tuple[float, int, int] | None = None
    for windows in range(round(LONGEST_S / WINDOW_S), round(SHORTEST_S / WINDOW_S) - 1, -4):
        if windows > len(levels):
            continue
        view = np.lib.stride_tricks.sliding_window_view(np.where(alive, levels, np.inf), windows)
        worst = view.max(axis=1)
        at = int(np.argmin(worst))
        # A shorter stretch must be clearly quieter to win: length is what keeps the tone from sounding looped.
        if np.isfinite(worst[at]) and (best is None or worst[at] < best[0] - 3.0):
            best = (float(worst[at]), at, windows)
    if best is None:
        return Room(0.0, 0.0, -999.0, True, samples[:0])
    size = max(1, round(WINDOW_S * rate_hz))
    tone = samples[best[1] * size : (best[1] + best[2]) * size]
    quiet = best[0] <= float(levels.max()) - QUIET_DB
    return Room(best[1] * WINDOW_S, (best[1] + best[2]) * WINDOW_S, dbfs(tone), quiet, tone)


def grow(room: Room, length: int, rate_hz: int, seed: int) -> Samples:
    """`length` samples of room tone, shape (length, channels): overlapping grains from random places of the stretch.

    Two equal-power windows overlap everywhere, so the level stays that of the stretch; seeded, hence reproducible.
    """
    channels = room.samples.shape[1]
    out = np.zeros((length, channels), dtype=np.float64)
    if length == 0 or len(room.samples) == 0:
        return out.astype(np.float32)
    half = max(1, min(round(0.1 * rate_hz), len(room.samples) // 4))
    window = np.sin(np.pi * (np.arange(2 * half) + 0.5) / (2 * half))[:, None]
    dice = np.random.default_rng(seed)
    for start in range(-half, length, half):
        at = int(dice.integers(0, len(room.samples) - 2 * half + 1))
        grain = room.samples[at : at + 2 * half] * window
        lo, hi = max(0, start), min(length, start + 2 * half)
        out[lo:hi] += grain[lo - start : hi - start]
    return out.astype(np.float32)

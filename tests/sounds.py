"""Sounds and clips whose truth is known exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from thud.media.encode import write_clip
from thud.media.picture import picture_hash
from thud.media.probe import probe
from thud.media.sound import Sound
from thud.records import Clip
from thud.runs.jobs.ingest import hash_file

RATE = 48_000


def ding(seconds: float, at_s: float, *, seed: int = 0, pitch_hz: float = 440.0, rate_hz: int = RATE) -> Sound:
    """Stereo room noise at −54 dBFS with one decaying tone from exactly `at_s` on."""
    count = round(seconds * rate_hz)
    time = np.arange(count) / rate_hz - at_s
    noise = np.random.default_rng(seed).normal(0, 0.002, (count, 2))
    sweep = np.sin(2 * np.pi * (pitch_hz * time + 40 * np.exp(-3 * np.maximum(time, 0))))
    tone = np.where(time >= 0, np.exp(-8 * np.maximum(time, 0)) * sweep, 0.0)
    return Sound((noise + 0.5 * tone[:, None]).astype(np.float32), rate_hz)


def make_ding_clip(
    path: Path, seconds: float = 2.0, at_s: float = 0.8, *, kind: str = "", **ding_options: float
) -> Clip:
    """A small clip with that sound, as ingest would read it."""
    frames = (np.full((48, 64, 3), 8 * k % 256, np.uint8) for k in range(round(seconds * 25)))
    write_clip(path, frames, 25, ding(seconds, at_s, **ding_options))  # type: ignore[arg-type]
    return Clip(hash_file(path), str(path), path.stem, probe(path), picture_hash(path), kind)

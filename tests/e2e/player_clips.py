"""The clip page's test clips: barcode pictures and struck sounds whose truth is exact, as files in a folder.

By number: 0 and 1: 30 fps, every condition; 2: 24000/1001; 3: uneven frames behind a 60 fps proxy; 4: 25 fps; 5: no
sound at all; 6: one sound that cannot be decoded, one without a stream; 7: nothing built yet.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.barcode import frame_times, picture
from thud.media.encode import write_clip

RATE = 48_000
CLIP_BITS = 9
"""The barcode holds clip number << 9 | frame number."""

SHIFTS = (-0.6, 0.6, 1.2)


def strike(samples: int, at: int, seed: int, level: float = 0.7) -> NDArray[np.float32]:
    """Room noise with one metallic blow whose first loud sample is `at`; (samples, 1)."""
    random = np.random.default_rng(seed)
    out = random.normal(0, 0.004, samples)
    tail = np.arange(min(samples - at, RATE))
    tones = sum(
        np.cos(2 * np.pi * f * tail / RATE) * np.exp(-tail / (RATE * d))
        for f, d in ((740 + 60 * seed, 0.25), (2130, 0.16), (3910, 0.1), (6100, 0.06))
    )
    blow = tones / 4 + random.normal(0, 0.5, len(tail)) * np.exp(-tail / 900)
    out[at : at + len(tail)] += level * blow
    return np.clip(out, -1, 1).astype(np.float32)[:, None]


def shifted(source: NDArray[np.float32], offset_s: float, seed: int) -> NDArray[np.float32]:
    """`source` moved by whole samples, the gap filled with room noise."""
    by = round(offset_s * RATE)
    out = np.random.default_rng(seed + 99).normal(0, 0.004, source.shape).astype(np.float32)
    if by >= 0:
        out[by:] = source[: len(source) - by]
    else:
        out[:by] = source[-by:]
    return out


def write_wav(path: Path, samples: NDArray[np.float32]) -> None:
    """16-bit mono."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def peaks(samples: NDArray[np.float32]) -> bytes:
    """int8 min, max pairs, 1000 a second."""
    step = RATE // 1000
    blocks = samples[: len(samples) // step * step, 0].reshape(-1, step)
    pairs = np.stack([blocks.min(1), blocks.max(1)], axis=1)
    return np.round(pairs * 127).astype(np.int8).tobytes()


def spectrogram(samples: NDArray[np.float32]) -> bytes:
    """A PNG whose alpha is the ink, 250 columns a second, 0 to 8 kHz upwards."""
    hop, size = RATE // 250, 1024
    padded = np.pad(samples[:, 0], (size // 2, size // 2))
    starts = np.arange(0, len(samples), hop)
    power = np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * np.hanning(size), axis=1)) ** 2
    edges = np.geomspace(2, 8000 * size / RATE, 65).astype(int)
    bands = np.stack([power[:, a : max(a + 1, b)].mean(1) for a, b in zip(edges[:-1], edges[1:], strict=True)])
    level = np.clip((10 * np.log10(bands + 1e-9) + 30) / 70, 0, 1)
    out = io.BytesIO()
    ink = np.zeros((*level.shape, 2), np.uint8)
    ink[..., 1] = np.round(level[::-1] * 255)
    Image.fromarray(ink).save(out, "png")
    return out.getvalue()


@dataclass
class MadeClip:
    """One clip's files in a folder, and the JSON that names them. times: when each source frame is shown, seconds."""

    number: int
    folder: Path
    seconds: float
    fps: Fraction
    uneven: bool = False
    size: tuple[int, int] = (320, 180)
    visual_s: float = 2.0
    audio_s: float = 2.023
    kind: str = "full"
    waves: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def proxy_fps(self) -> Fraction:
        return Fraction(60) if self.uneven else self.fps

    @cached_property
    def times(self) -> NDArray[np.float64]:
        if self.uneven:
            return frame_times("vfr", self.seconds, self.number)
        return np.arange(round(self.seconds * self.fps)) / float(self.fps)

    def code(self, frame: int) -> int:
        return self.number << CLIP_BITS | frame

    def make(self) -> MadeClip:
        self.folder.mkdir(parents=True, exist_ok=True)
        rate = float(self.proxy_fps)
        count = round(self.seconds * rate)
        shown = np.searchsorted(self.times, (np.arange(count) + 0.5) / rate, side="right") - 1
        frames = (picture(self.code(int(n)), *self.size) for n in np.maximum(shown, 0))
        write_clip(self.folder / "proxy.mp4", frames, self.proxy_fps, None)
        (self.folder / "times").write_bytes(self.times.astype("<f8").tobytes())
        Image.fromarray(picture(self.code(0), 320, 180)).save(self.folder / "thumb.webp")
        for name, samples in self._sounds().items():
            self.waves[name] = samples
            write_wav(self.folder / f"{name}.wav", samples)
            (self.folder / f"{name}.peaks").write_bytes(peaks(samples))
            (self.folder / f"{name}.png").write_bytes(spectrogram(samples))
        if self.kind == "broken":
            (self.folder / "p0.6.wav").write_bytes(b"RIFF" + bytes(200))
        return self

    def _sounds(self) -> dict[str, NDArray[np.float32]]:
        samples = round(self.seconds * RATE)
        if self.kind == "silent":
            return {}
        base = strike(samples, round(self.audio_s * RATE), self.number)
        if self.kind == "unbuilt":
            return {"source": base}
        room = np.random.default_rng(5).normal(0, 0.004, base.shape).astype(np.float32)
        donor = strike(samples, round(self.audio_s * RATE), self.number + 7, 0.5)
        shifts = {name_of(s): shifted(base, s, self.number) for s in SHIFTS}
        return {"original": base, **shifts, "zero": base * 0, "room": room, "swap": donor}


def name_of(shift: float) -> str:
    return f"{'m' if shift < 0 else 'p'}{abs(shift)}"


def write_all(folder: Path) -> list[MadeClip]:
    """The eight clips, made in a few seconds."""
    ntsc = Fraction(24000, 1001)
    plans = [
        MadeClip(0, folder / "0", 8.0, Fraction(30), size=(640, 360), visual_s=4.3, audio_s=4.323),
        MadeClip(1, folder / "1", 4.0, Fraction(30)),
        MadeClip(2, folder / "2", 4.0, ntsc),
        MadeClip(3, folder / "3", 4.0, Fraction(30), uneven=True),
        MadeClip(4, folder / "4", 4.0, Fraction(25)),
        MadeClip(5, folder / "5", 4.0, Fraction(30), kind="silent"),
        MadeClip(6, folder / "6", 4.0, Fraction(30), kind="broken"),
        MadeClip(7, folder / "7", 4.0, Fraction(30), kind="unbuilt"),
    ]
    return [plan.make() for plan in plans]

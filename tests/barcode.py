"""Test clips whose truth is exact: every frame carries its number, and one click sits at a known sample.

The number is burned in as 16 black or white squares across the top (most significant bit left), each wide enough
to survive H.264, 4:2:0 and scaling to a quarter, so it can be read from a decoded frame or from a browser canvas
alike: sample the middle of each square and compare the green channel with 128. A second row holds the inverse, as a
check.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thud.media.encode import write_clip
from thud.media.sound import Sound

BITS = 16
ROW = 0.1
"""Height of each of the two rows, as a share of the picture's height."""

Variant = Literal["30", "25", "23.976", "vfr"]
VARIANTS: tuple[Variant, ...] = ("30", "25", "23.976", "vfr")
RATES: dict[Variant, Fraction] = {
    "30": Fraction(30), "25": Fraction(25), "23.976": Fraction(24000, 1001), "vfr": Fraction(30),
}  # fmt: skip


@dataclass(frozen=True)
class BarcodeClip:
    """A written clip and its truth. times_s: when each frame is shown. click_sample: start of the click, at 48 kHz."""

    path: Path
    fps: Fraction
    times_s: NDArray[np.float64]
    click_sample: int
    sound: Sound | None

    @property
    def frames(self) -> int:
        return len(self.times_s)

    @property
    def duration_s(self) -> float:
        return float(self.times_s[-1] + 1 / self.fps)

    def shown_at(self, time_s: float) -> int:
        """Number of the frame on screen at `time_s`."""
        return max(0, int(np.searchsorted(self.times_s, time_s, side="right")) - 1)


def make_clip(
    path: str | Path,
    variant: Variant = "30",
    *,
    seconds: float = 4.0,
    width: int = 320,
    height: int = 180,
    channels: int = 1,
    click_s: float = 1.5,
    noise: float = 0.001,
    seed: int = 0,
    first: int = 0,
) -> BarcodeClip:
    """Write a barcode clip. channels=0: no sound. noise: level of the room, 0 for digital silence.

    first: the number that the first frame carries.
    """
    fps = RATES[variant]
    times = frame_times(variant, seconds, seed)
    click = round(click_s * 48_000)
    samples = round(float(times[-1] + 1 / fps) * 48_000)
    sound = click_sound(samples, click, channels, noise, seed) if channels else None
    pictures = (picture(first + index, width, height) for index in range(len(times)))
    write_clip(path, pictures, fps, sound, times_s=times.tolist() if variant == "vfr" else None, crf=20)
    return BarcodeClip(Path(path), fps, times, click, sound)


def frame_times(variant: Variant, seconds: float, seed: int = 0) -> NDArray[np.float64]:
    """Presentation times; "vfr" mixes gaps of 1/60 to 1/8 s, as phones and screen recorders write them."""
    fps = RATES[variant]
    if variant != "vfr":
        return np.arange(round(seconds * fps)) / float(fps)
    gaps = np.random.default_rng(seed).choice([1500, 2997, 3000, 3003, 5000, 11250], size=int(seconds * 60))
    ticks = np.concatenate([[0], np.cumsum(gaps)])
    return ticks[ticks < seconds * 90_000] / 90_000


def picture(number: int, width: int = 320, height: int = 180) -> NDArray[np.uint8]:
    """RGB (height, width, 3): a soft moving gradient, so that frames differ everywhere, with `number` on top."""
    across, down = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    wave = 0.5 + 0.3 * np.sin(2 * np.pi * (across + number / 50)) * np.cos(2 * np.pi * down)
    rgb = np.stack([wave * 200, wave * 160 + 20, 255 - wave * 180], axis=-1).astype(np.uint8)
    edges = np.round(np.linspace(0, width, BITS + 1)).astype(int)
    row = round(ROW * height)
    for bit in range(BITS):
        lit = 255 * (number >> (BITS - 1 - bit) & 1)
        rgb[:row, edges[bit] : edges[bit + 1]] = lit
        rgb[row : 2 * row, edges[bit] : edges[bit + 1]] = 255 - lit
    return rgb


def read_barcode(rgb: NDArray[np.uint8]) -> int:
    """The number burned into a frame of any size. Raises ValueError when the two rows do not agree."""
    height, width = rgb.shape[:2]
    columns = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    plain = rgb[int(ROW / 2 * height), columns, 1] > 128
    inverse = rgb[int(ROW * 1.5 * height), columns, 1] > 128
    if (plain == inverse).any():
        raise ValueError("no barcode here")
    return int(plain @ (1 << np.arange(BITS - 1, -1, -1)))


JS_READ_BARCODE = """
(image) => {
  const width = image.videoWidth || image.width, height = image.videoHeight || image.height;
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(image, 0, 0, width, height);
  const green = (x, y) => context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data[1];
  const lit = (row, bit) => green((bit + .5) * width / BITS, row * height) > 128;
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) {
    if (lit(ROW / 2, bit) === lit(ROW * 1.5, bit)) return -1;
    number = number * 2 + (lit(ROW / 2, bit) ? 1 : 0);
  }
  return number;
}
""".replace("BITS", str(BITS)).replace("ROW", str(ROW))
"""The same reader for a page: a function of a <video> or <canvas> element; −1 when there is no barcode."""


def click_sound(samples: int, click: int, channels: int = 1, noise: float = 0.001, seed: int = 0) -> Sound:
    """A room of seeded noise with one decaying 3 kHz click that starts at sample `click`; channels differ a little."""
    random = np.random.default_rng(seed)
    room = random.normal(0, 1, (samples, channels)) * noise
    after = np.arange(2400)
    click_shape = 0.7 * np.cos(2 * np.pi * 3000 * after / 48_000) * np.exp(-after / 200)
    end = min(samples, click + len(after))
    if end > click:
        room[click:end] += click_shape[: end - click, None] * np.linspace(1, 0.8, channels)
    return Sound(room.astype(np.float32), 48_000)


def click_position(samples: NDArray[np.float32], sound: Sound, click: int) -> int:
    """Where the click of `sound` lies in `samples` ((n,) or (n, ch), 48 kHz), by cross-correlation."""
    mono = samples if samples.ndim == 1 else samples[:, 0]
    pattern = sound.samples[click : click + 600, 0]
    return int(np.argmax(np.correlate(mono, pattern, mode="valid")))


def turn(path: Path, degrees: Literal[90, 180, 270]) -> None:
    """Mark an MP4 as filmed with a turned phone: the picture is to be shown turned clockwise by `degrees`.

    Rewrites the display matrix in the video track's header; no packet is touched.
    """
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd")
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    matrix = (cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30)
    data[start + 44 : start + 80] = struct.pack(">9i", *matrix)
    path.write_bytes(bytes(data))

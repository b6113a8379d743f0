"""Drawing in scene units (640 × 360, y down) with supersampled edges, and turning a picture into video frames.

The backdrop is painted once per clip; per frame only the box in which something moves is painted again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from thud.stimuli.demo.shot import HEIGHT, WIDTH, Shot

Colour = tuple[int, ...]
"""(r, g, b) or (r, g, b, alpha), 0 to 255."""
Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in scene units."""

FINE = 3
"""Pixels drawn per pixel kept, in each direction."""


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` at share 0, `other` at share 1."""
    share = min(1.0, max(0.0, share))
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def lit(colour: Colour, gain: float) -> Colour:
    """The colour made lighter (gain > 1, towards white) or darker (gain < 1, towards black)."""
    return mix(colour, (255, 255, 255), gain - 1) if gain > 1 else mix((0, 0, 0), colour, gain)


def clear(colour: Colour, opacity: float) -> Colour:
    """The colour with an alpha of `opacity` in 0..1."""
    return (*colour[:3], round(255 * min(1.0, max(0.0, opacity))))


def spline(points: Sequence[Point], closed: bool = True, steps: int = 6) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    out: list[Point] = []
    for i in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(count - 1, max(0, i + k))] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            out.append((_catmull(a[0], b[0], c[0], d[0], t), _catmull(a[1], b[1], c[1], d[1], t)))
    return out if closed else [*out, points[-1]]


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def placed(points: Sequence[Point], at: Point, angle: float = 0.0, scale: float = 1.0) -> list[Point]:
    """The points turned by `angle` (radians, clockwise on screen) about (0, 0), scaled, and moved to `at`."""
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    return [(at[0] + x * cos - y * sin, at[1] + x * sin + y * cos) for x, y in points]


def oval(rx: float, ry: float, angle: float = 0.0, at: Point = (0.0, 0.0), steps: int = 40) -> list[Point]:
    """An ellipse as a polygon, for ellipses that are turned or cut."""
    turns = [2 * math.pi * i / steps for i in range(steps)]
    return placed([(rx * math.cos(a), ry * math.sin(a)) for a in turns], at, angle)


@cache
def _falloff() -> Image.Image:
    """A soft disc, 96 × 96, opaque in the middle."""
    axis = (np.arange(96) - 47.5) / 48
    radius = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    return Image.fromarray((255 * np.clip(1 - radius, 0, 1) ** 1.6).astype(np.uint8))


class Pen:
    """Draws on a supersampled image through the shot's camera."""

    def __init__(self, image: Image.Image, shot: Shot, corner: tuple[int, int] = (0, 0)) -> None:
        self.image = image
        self.ink = ImageDraw.Draw(image, "RGBA")
        self.scale = shot.zoom * FINE
        self.offset = (
            (WIDTH / 2 + shot.shift_x - WIDTH / 2 * shot.zoom) * FINE - corner[0],
            (HEIGHT * 0.62 + shot.shift_y - HEIGHT * 0.62 * shot.zoom) * FINE - corner[1],
        )

    def pixel(self, point: Point) -> Point:
        """Where a scene point lies on the image."""
        return (point[0] * self.scale + self.offset[0], point[1] * self.scale + self.offset[1])

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        self.ink.polygon([self.pixel(p) for p in points], fill=fill)

    def rect(self, left: float, top: float, right: float, bottom: float, fill: Colour, round_: float = 0.0) -> None:
        corners = (*self.pixel((left, top)), *self.pixel((right, bottom)))
        if round_:
            self.ink.rounded_rectangle(corners, radius=round_ * self.scale, fill=fill)
        else:
            self.ink.rectangle(corners, fill=fill)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, fill: Colour) -> None:
        self.ink.ellipse((*self.pixel((cx - rx, cy - ry)), *self.pixel((cx + rx, cy + ry))), fill=fill)

    def ring(self, cx: float, cy: float, rx: float, ry: float, width: float, fill: Colour) -> None:
        box = (*self.pixel((cx - rx, cy - ry)), *self.pixel((cx + rx, cy + ry)))
        self.ink.ellipse(box, outline=fill, width=max(1, round(width * self.scale)))

    def line(self, points: Sequence[Point], width: float, fill: Colour, caps: bool = True) -> None:
        on_image = [self.pixel(p) for p in points]
        self.ink.line(on_image, fill=fill, width=max(1, round(width * self.scale)), joint="curve")
        if caps and (len(fill) == 3 or fill[3] == 255):
            half = width * self.scale / 2
            for x, y in (on_image[0], on_image[-1]):
                self.ink.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def glow(self, cx: float, cy: float, rx: float, ry: float, colour: Colour, opacity: float) -> None:
        """A soft ellipse: a contact shadow when dark, a pool of light when bright."""
        left, top = self.pixel((cx - rx, cy - ry))
        size = (max(1, round(2 * rx * self.scale)), max(1, round(2 * ry * self.scale)))
        mask = _falloff().resize(size, Image.Resampling.BILINEAR).point(lambda v: v * min(1.0, max(0.0, opacity)))
        self.image.paste(colour, (round(left), round(top)), mask)

    def ball(self, cx: float, cy: float, rx: float, ry: float, colour: Colour, shine: float = 0.5) -> None:
        """A lit sphere, flattened where rx and ry differ; the light comes from the upper left."""
        for step in range(4):
            t = step / 12
            self.ellipse(
                cx - rx * 0.34 * t, cy - ry * 0.38 * t, rx * (1 - t), ry * (1 - t), lit(colour, 0.68 + 0.07 * step)
            )
        self.glow(cx - rx * 0.2, cy - ry * 0.22, rx * 0.74, ry * 0.74, lit(colour, 1.06), 0.9)
        self.glow(cx - rx * 0.3, cy - ry * 0.34, rx * 0.44, ry * 0.44, lit(colour, 1 + shine), 0.9)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a scene gives: a painter for what never moves, one for what does (it gets seconds from contact).

    box: the part of the scene in which anything moves. moves: before the first and after the second time (seconds from
    contact) nothing changes, so those frames are drawn once.
    """

    backdrop: Callable[[Pen], None]
    moving: Callable[[Pen, float], None]
    box: Box
    moves: tuple[float, float]


def render(picture: Picture, shot: Shot) -> Iterator[NDArray[np.uint8]]:
    """The clip's frames, uint8 (HEIGHT, WIDTH, 3), in order; still stretches give the same array again."""
    fine = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    picture.backdrop(Pen(fine, shot))
    still = np.asarray(fine.reduce(FINE))
    left, top, right, bottom = _pixels(picture.box, shot)
    part = fine.crop((left * FINE, top * FINE, right * FINE, bottom * FINE))
    frame, drawn_at = still, math.nan
    for index in range(shot.frames):
        u = min(picture.moves[1], max(picture.moves[0], (index - shot.contact) / shot.fps))
        if u != drawn_at:
            canvas = part.copy()
            picture.moving(Pen(canvas, shot, (left * FINE, top * FINE)), u)
            frame = still.copy()
            frame[top:bottom, left:right] = np.asarray(canvas.reduce(FINE))
            frame = np.ascontiguousarray(frame[:, ::-1]) if shot.mirror else frame
            drawn_at = u
        yield frame


def _pixels(box: Box, shot: Shot) -> tuple[int, int, int, int]:
    """The box in whole frame pixels, kept inside the frame."""
    pen = Pen(Image.new("RGB", (1, 1)), shot)
    (x0, y0), (x1, y1) = pen.pixel(box[:2]), pen.pixel(box[2:])
    left, top = max(0, math.floor(x0 / FINE)), max(0, math.floor(y0 / FINE))
    return left, top, min(WIDTH, math.ceil(x1 / FINE)), min(HEIGHT, math.ceil(y1 / FINE))


def stage(pen: Pen, wall: Colour, floor: Colour, horizon: float, light_x: float = 260) -> None:
    """A dark wall over a floor with a pool of light: the ground of every scene."""
    pen.rect(-200, -200, 840, horizon, wall)
    pen.rect(-200, horizon, 840, 560, floor)
    pen.glow(light_x, horizon - 110, 420, 260, lit(wall, 1.14), 0.7)
    pen.rect(-200, horizon, 840, 560, floor)
    pen.glow(light_x, horizon + 70, 420, 90, lit(floor, 1.16), 0.6)
    pen.rect(-200, horizon - 1.2, 840, horizon + 1.2, lit(floor, 1.1))

"""Scenes in which two things meet: hands, knuckles and wood, a door and its frame. u is seconds from contact."""

from __future__ import annotations

import math

import numpy as np

from thud.stimuli.demo.canvas import Colour, Pen, Picture, Point, clear, lit, placed, stage
from thud.stimuli.demo.hands import fist, forearm, open_hand
from thud.stimuli.demo.physics import ring_down, smooth, swing
from thud.stimuli.demo.shot import Shot

KNOCKS = ((0.0, 1.0), (0.24, 0.72), (0.47, 0.62))
"""(seconds from the first, strength): two more knocks follow, each softer."""


def clap(shot: Shot) -> Picture:
    """Two open hands swing together and meet."""
    wall, floor = (((50, 38, 40), (72, 54, 56)), ((36, 42, 50), (54, 60, 68)))[shot.variant]
    meet = (320.0, 178.0)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 316, 320)

    def moving(pen: Pen, u: float) -> None:
        apart = swing(u, 0.62, 0.17, 0.4, 0.03)
        for side in (-1, 1):
            # Each hand turns about its elbow, 240 below the palm's middle.
            elbow = (meet[0] + side * 66, meet[1] + 240)
            x, y = placed([(-66 * side, -240)], elbow, side * apart)[0]
            open_hand(pen, (x, y), apart, side, shot.variant)
        if 0 <= u < 0.2:
            for turn in (-1.25, -0.62, 0.0, 0.62, 1.25):
                near, far = 112 + 90 * u, 134 + 170 * u
                ray = [(meet[0] + r * math.sin(turn), meet[1] - r * math.cos(turn) * 0.98) for r in (near, far)]
                pen.line(ray, 3.4, clear((246, 222, 150), 1 - (u / 0.2) ** 2), caps=False)

    return Picture(backdrop, moving, (40, 0, 600, 380), (-0.8, 0.75))


def knock(shot: Shot) -> Picture:
    """Knuckles knock three times: on a door seen from its edge, or on a table from above it."""
    upright = shot.variant == 0
    wall, floor, wood = (
        ((38, 34, 42), (62, 54, 56), (150, 108, 70)),
        ((32, 42, 44), (44, 52, 54), (136, 96, 66)),
    )[shot.variant]

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 306 if upright else 330, 400)
        (_door_edge if upright else _table)(pen, wood, wall)

    def moving(pen: Pen, u: float) -> None:
        gap = _knock_gap(u)
        for at, strength in KNOCKS:
            if 0 <= u - at < 0.2:
                _ripple(pen, (256, 176) if upright else (290, 232), upright, u - at, strength)
        if upright:
            pen.glow(252 + gap * 0.2, 182, 12, 40, (0, 0, 0), 0.5 * (1 - gap / 90))
            wrist = (256 + 41 * 1.06 + gap, 178 - gap * 0.12)
            forearm(pen, wrist, (700, 262), 0, 1.06)
            fist(pen, wrist, -0.06 + gap * 0.003, 1.06, 0)
        else:
            pen.glow(292, 233, 52 - gap * 0.2, 9, (0, 0, 0), 0.6 * (1 - gap / 110))
            wrist = (296 + gap * 0.22, 232 - 41 * 1.06 - gap)
            forearm(pen, wrist, (1000, -190), 1, 1.06)
            fist(pen, wrist, -math.pi / 2 + 0.12 - gap * 0.004, 1.06, 1)

    return Picture(backdrop, moving, (140, -60, 690, 340), (-0.7, 1.2))


def _knock_gap(u: float) -> float:
    """Distance between knuckles and wood: closing at full speed on every knock, drawn back between them."""
    if u < 0:
        return 78 * (1 - (1 + u / 0.15) ** 2) if u > -0.15 else 40 + 38 * smooth(1 + (u + 0.15) / 0.4)
    for (at, _), (following, _) in zip(KNOCKS, KNOCKS[1:], strict=False):
        if u < following:
            return 46 * math.pow(math.sin(math.pi * (u - at) / (following - at)), 0.8)
    return 70 * smooth((u - KNOCKS[-1][0]) / 0.45)


def _ripple(pen: Pen, at: Point, upright: bool, u: float, strength: float) -> None:
    facing = math.pi if upright else math.pi / 2
    for wave in (0, 1):
        radius = 16 + 14 * wave + 150 * u
        arc = [
            (at[0] + radius * math.cos(facing + a), at[1] + radius * math.sin(facing + a))
            for a in np.linspace(-0.75, 0.75, 14)
        ]
        pen.line(arc, 2.6, clear((250, 222, 170), 0.75 * strength * (1 - u / 0.2)), caps=False)


def _door_edge(pen: Pen, wood: tuple[int, ...], wall: tuple[int, ...]) -> None:
    pen.glow(230, 330, 200, 20, (0, 0, 0), 0.45)
    pen.rect(-200, -100, 206, 306, lit(wall, 0.72))
    pen.rect(196, -100, 256, 316, lit(wood, 0.78))
    pen.rect(244, -100, 256, 316, lit(wood, 1.08))
    for x in (206, 217, 229, 238):
        pen.line([(x, -100), (x + 2, 110), (x - 1, 220), (x, 316)], 1.2, clear(lit(wood, 0.55), 0.8))
    for y in (40, 262):
        pen.rect(190, y, 202, y + 34, (176, 166, 140), 2)
    pen.rect(256, 226, 268, 234, (196, 170, 110))
    pen.ball(276, 230, 11, 13, (206, 176, 108), 0.5)
    pen.rect(254, 214, 259, 246, (176, 150, 96), 2)


def _table(pen: Pen, wood: tuple[int, ...], wall: tuple[int, ...]) -> None:
    pen.rect(96, 250, 118, 420, lit(wood, 0.55))
    pen.rect(500, 250, 522, 420, lit(wood, 0.55))
    pen.glow(300, 300, 260, 40, (0, 0, 0), 0.4)
    pen.rect(60, 232, 560, 262, lit(wood, 0.8), 3)
    pen.rect(60, 232, 560, 241, lit(wood, 1.1), 3)
    for y in (247, 253):
        pen.line([(64, y), (300, y + 1.5), (556, y - 1)], 1.1, clear(lit(wood, 0.6), 0.8))
    pen.ellipse(150, 226, 34, 7, lit(wall, 1.6))
    pen.polygon([(122, 196), (178, 196), (170, 228), (130, 228)], lit(wall, 1.8))


def door(shot: Shot) -> Picture:
    """A door swings shut into its frame; a picture on the wall jumps."""
    wall, floor, wood = (
        ((46, 40, 50), (70, 58, 64), (146, 118, 88)),
        ((36, 46, 50), (58, 64, 66), (106, 128, 136)),
    )[shot.variant]
    left, right, top, bottom = 232.0, 372.0, 58.0, 312.0

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 312, 300)
        pen.rect(left - 12, top - 12, right + 12, bottom, lit(wood, 0.62), 2)

    def moving(pen: Pen, u: float) -> None:
        shake = 2.4 * ring_down(u, 14, 0.06)
        angle = swing(u, 1.22, 0.34, 1.22, 0.0) if u < 0 else 0.0
        if angle > 0.01:
            pen.rect(left, top, right, bottom, (17, 16, 22))
            pen.polygon(
                [(left, bottom), (right, bottom), (right - 46, bottom - 44), (left + 20, bottom - 44)],
                (30, 28, 36),
            )
        _leaf(pen, (left, right, top, bottom), angle, wood, shake)
        if 0 <= u < 0.6:
            for share in (0.0, 0.25, 0.5, 0.75, 1.0):
                grown = 12 + 40 * math.sqrt(u)
                pen.glow(
                    left + (right - left) * share,
                    bottom + 6 - 10 * u,
                    grown * 1.6,
                    grown * 0.6,
                    lit(floor, 1.4),
                    0.5 * (1 - u / 0.6),
                )
        tilt = 0.16 * ring_down(u, 2.6, 0.5) - (0.16 if u >= 0 else 0.0) * 0.35 * smooth(u / 0.8)
        _framed(pen, (476, 108), tilt if u > 0.02 else 0.0, wall)

    return Picture(backdrop, moving, (150, 30, 560, 350), (-0.7, 1.7))


def _leaf(pen: Pen, frame: tuple[float, float, float, float], angle: float, wood: Colour, shake: float) -> None:
    """The door leaf, hinged left, opened towards the viewer by `angle`."""
    left, right, top, bottom = frame
    wide = right - left

    def at(across: float, down: float) -> Point:
        reach = 1 + 0.42 * math.sin(angle) * across
        middle = (top + bottom) / 2 + 26
        x = left + wide * across * math.cos(angle) * (1 + 0.1 * math.sin(angle) * across)
        return (x + shake, middle + (top + (bottom - top) * down - middle) * reach)

    def panel(x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        pen.polygon([at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)], fill)

    tone = lit(wood, 1 - 0.3 * math.sin(angle))
    panel(0, 0, 1, 1, tone)
    for y0, y1 in ((0.07, 0.45), (0.54, 0.93)):
        panel(0.14, y0, 0.86, y1, lit(tone, 0.8))
        panel(0.165, y0 + 0.012, 0.86, y1, lit(tone, 1.1))
        panel(0.165, y0 + 0.012, 0.84, y1 - 0.012, lit(tone, 0.93))
    edge = 7 * math.sin(angle)
    if edge > 0.3:
        (x0, y0), (x1, y1) = at(1, 0), at(1, 1)
        pen.polygon([(x0, y0), (x0 + edge, y0 + 1), (x1 + edge, y1 - 1), (x1, y1)], lit(wood, 0.6))
    x, y = at(0.925, 0.5)
    pen.ball(x, y, 6.4 * max(0.5, math.cos(angle)), 6.8, (214, 190, 124), 0.5)


def _framed(pen: Pen, at: Point, tilt: float, wall: Colour) -> None:
    """A picture on a nail; it hangs from the top, so it swings about it."""
    nail = (at[0], at[1] - 22)
    pen.line(
        [placed([(-20, 22)], nail, tilt)[0], nail, placed([(20, 22)], nail, tilt)[0]],
        1.4,
        lit(wall, 1.5),
        caps=False,
    )
    for inset, tone in ((0, (150, 128, 92)), (5, (52, 66, 74))):
        box = [
            (-34 + inset, 22 + inset),
            (34 - inset, 22 + inset),
            (34 - inset, 72 - inset),
            (-34 + inset, 72 - inset),
        ]
        pen.polygon(placed(box, nail, tilt), tone)
    pen.polygon(placed([(-29, 67), (-10, 44), (2, 56), (12, 48), (29, 67)], nail, tilt), (92, 116, 104))

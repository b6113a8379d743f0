"""Hands: a fist seen from the side, a forearm with its sleeve, and an open hand for clapping."""

from __future__ import annotations

import math

from thud.stimuli.demo.canvas import Colour, Pen, Point, clear, lit, placed, spline

SKINS: tuple[Colour, ...] = ((206, 156, 128), (142, 98, 74))
SLEEVES: tuple[Colour, ...] = ((70, 96, 116), (120, 92, 72))

BACK: tuple[Point, ...] = (
    (-34, -24),
    (-14, -33),
    (14, -29),
    (36, -21),
    (42, 4),
    (34, 22),
    (6, 29),
    (-22, 28),
    (-36, 18),
)
FINGERS: tuple[Point, ...] = ((-31, -17), (-33, -4), (-31, 9), (-27, 21))
PALM: tuple[Point, ...] = (
    (0, 74),
    (0, 30),
    (0, -20),
    (1, -64),
    (2, -92),
    (8, -99),
    (14, -92),
    (17, -60),
    (24, -22),
    (31, 14),
    (34, 52),
    (30, 84),
    (20, 100),
)


def forearm(pen: Pen, wrist: Point, elbow: Point, person: int, scale: float = 0.8) -> None:
    """An arm from the wrist to an elbow outside the picture; its sleeve begins a hand's length up."""
    skin, cloth = SKINS[person], SLEEVES[person]
    length = math.hypot(elbow[0] - wrist[0], elbow[1] - wrist[1])
    angle = math.atan2(elbow[1] - wrist[1], elbow[0] - wrist[0])
    wide = 18 * scale
    pen.polygon(
        placed([(0, -wide), (length, -wide * 1.6), (length, wide * 1.6), (0, wide)], wrist, angle),
        lit(skin, 0.86),
    )
    cuff = 62 * scale
    pen.polygon(
        placed([(cuff, -wide * 1.4), (length, -wide * 2), (length, wide * 2), (cuff, wide * 1.4)], wrist, angle),
        cloth,
    )
    pen.polygon(
        placed([(cuff, 0), (length, wide * 0.2), (length, wide * 2), (cuff, wide * 1.4)], wrist, angle),
        lit(cloth, 0.82),
    )
    pen.polygon(
        placed(
            [(cuff, -wide * 1.5), (cuff + 9, -wide * 1.5), (cuff + 9, wide * 1.5), (cuff, wide * 1.5)],
            wrist,
            angle,
        ),
        lit(cloth, 1.2),
    )


def fist(pen: Pen, at: Point, angle: float, scale: float, person: int) -> None:
    """A closed hand whose knuckles point left (angle 0); its knuckles reach 41 × scale from `at`."""
    skin = SKINS[person]
    pen.polygon(placed(spline(BACK), at, angle, scale), skin)
    pen.polygon(placed(spline([(0, 8), (30, 6), (36, 20), (6, 29), (-20, 28)]), at, angle, scale), lit(skin, 0.88))
    for x, y in FINGERS:
        knuckle = placed(
            spline([(x - 9, y - 6), (x + 8, y - 8), (x + 22, y - 3), (x + 20, y + 6), (x, y + 7), (x - 9, y + 4)]),
            at,
            angle,
            scale,
        )
        pen.polygon(knuckle, lit(skin, 1.08))
        pen.line([*knuckle, knuckle[0]], 1.2, clear(lit(skin, 0.6), 0.75), caps=False)
    thumb = placed(spline([(14, 2), (-6, -6), (-20, 2), (-20, 12), (-6, 12), (12, 18)]), at, angle, scale)
    pen.polygon(thumb, lit(skin, 1.14))
    pen.line([*thumb, thumb[0]], 1.2, clear(lit(skin, 0.6), 0.75), caps=False)


def open_hand(pen: Pen, at: Point, angle: float, side: int, person: int) -> None:
    """A hand with its palm along the line through `at`, fingers up; side −1: the left hand, +1: the right one."""
    skin = SKINS[person] if side > 0 else lit(SKINS[person], 0.93)
    cloth = SLEEVES[person]

    def shaped(points: list[Point]) -> list[Point]:
        return placed([(side * x, y) for x, y in points], at, side * angle)

    pen.polygon(shaped([(2, 66), (34, 60), (96, 250), (40, 260)]), lit(skin, 0.88))
    pen.polygon(shaped([(12, 132), (58, 120), (140, 330), (60, 340)]), cloth)
    pen.polygon(shaped([(9, 132), (60, 117), (64, 129), (13, 144)]), lit(cloth, 1.2))
    pen.polygon(shaped(spline(list(PALM))), skin)
    for x, y in ((9, -38), (13, -30)):
        pen.line(
            shaped([(x, y - 40), (x + 3, y + 4), (x + 8, y + 34)]),
            1.3,
            clear(lit(skin, 0.62), 0.7),
            caps=False,
        )
    thumb = shaped(spline([(14, 46), (6, 16), (2, -10), (9, -18), (16, -8), (26, 22), (30, 52)]))
    pen.polygon(thumb, lit(skin, 1.1))
    pen.line(thumb, 1.3, clear(lit(skin, 0.6), 0.8), caps=False)

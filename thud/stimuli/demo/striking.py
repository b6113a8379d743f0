"""Scenes in which a tool strikes: hammer and anvil, drum, spoon and cup. u is seconds from contact."""

from __future__ import annotations

import math

import numpy as np

from thud.stimuli.demo.canvas import Colour, Pen, Picture, Point, clear, lit, mix, oval, placed, spline, stage
from thud.stimuli.demo.hands import fist, forearm
from thud.stimuli.demo.physics import ring_down, swing
from thud.stimuli.demo.shot import Shot

ANVIL: tuple[Point, ...] = (
    (150, 214),
    (176, 232),
    (232, 240),
    (268, 246),
    (276, 262),
    (262, 284),
    (236, 290),
    (236, 306),
    (398, 306),
    (398, 290),
    (370, 284),
    (356, 262),
    (362, 248),
    (388, 240),
    (388, 206),
    (240, 206),
    (196, 207),
)


def anvil(shot: Shot) -> Picture:
    """A hammer swings down on a piece on an anvil; sparks fly."""
    wall, floor, steel, piece = (
        ((36, 38, 52), (52, 56, 70), (134, 142, 162), (246, 150, 62)),
        ((34, 42, 44), (56, 60, 60), (150, 150, 148), (222, 104, 70)),
    )[shot.variant]
    top, hit, hand = 198.0, 296.0, (470.0, 168.0)
    sparks = _sparks(shot)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 292, 300)
        pen.glow(310, 326, 190, 20, (0, 0, 0), 0.5)
        block = mix(floor, (120, 84, 56), 0.55)
        pen.rect(222, 304, 412, 420, block, 4)
        pen.rect(222, 304, 412, 310, lit(block, 1.2), 2)
        pen.polygon(ANVIL, lit(steel, 0.72))
        pen.polygon([(150, 214), (196, 207), (388, 206), (388, 214), (200, 217), (176, 224)], steel)
        pen.rect(240, top, 352, 206, piece, 2)
        pen.rect(240, top, 352, 201, lit(piece, 1.35), 1)
        pen.glow(296, 204, 100, 34, piece, 0.22)

    def moving(pen: Pen, u: float) -> None:
        angle = swing(u, 1.05, 0.2, 0.42, 0.2)
        if 0 <= u < 0.16:
            pen.glow(hit, top, 92, 56, (255, 214, 140), 0.75 * (1 - u / 0.16))
        forearm(pen, hand, (690, 262), shot.variant)
        handle = [(-196.0, -6.0), (28.0, -6.0), (28.0, 6.0), (-196.0, 6.0)]
        pen.polygon(placed(handle, hand, angle), (166, 118, 74))
        pen.polygon(placed([(-196, -6), (28, -6), (28, -2), (-196, -2)], hand, angle), (190, 142, 96))
        head = [(-197.0, -30.0), (-151.0, -30.0), (-149.0, 30.0), (-199.0, 30.0)]
        pen.polygon(placed(head, hand, angle), lit(steel, 1.12))
        pen.polygon(placed([(-197, -30), (-186, -30), (-187, 30), (-199, 30)], hand, angle), lit(steel, 1.35))
        pen.polygon(placed([(-199, 22), (-149, 22), (-149, 30), (-199, 30)], hand, angle), lit(steel, 0.8))
        fist(pen, hand, angle * 0.8 - 0.1, 0.82, shot.variant)
        for vx, vy, life in sparks:
            if 0 <= u < life:
                _spark(pen, (hit, top), (vx, vy), u, life)

    return Picture(backdrop, moving, (60, -40, 680, 320), (-0.9, 0.8))


def _sparks(shot: Shot) -> list[tuple[float, float, float]]:
    """(vx, vy, life) of 26 sparks, mostly sideways and up."""
    dice = shot.dice(2)
    angles, speeds, lives = (
        dice.uniform(-0.25, 1.2, 26),
        dice.uniform(220, 620, 26),
        dice.uniform(0.12, 0.42, 26),
    )
    sides = np.where(np.arange(26) % 2 == 0, -1, 1)
    return [
        (float(s * v * math.cos(a)), float(-v * math.sin(a)), float(t))
        for a, v, t, s in zip(angles, speeds, lives, sides, strict=True)
    ]


def _spark(pen: Pen, at: Point, velocity: Point, u: float, life: float) -> None:
    def where(t: float) -> Point:
        return (at[0] + velocity[0] * t, at[1] + velocity[1] * t + 500 * t * t)

    tail, tip = where(max(0.0, u - 0.014)), where(u + 0.02)
    pen.line(
        [tail, tip],
        2.4,
        clear(mix((255, 244, 200), (240, 120, 40), u / life), 1 - (u / life) ** 2),
        caps=False,
    )


HEAD_X, HEAD_Y, HEAD_RX, HEAD_RY = 296.0, 214.0, 132.0, 38.0
"""Middle and radii of the drum head."""


def drum(shot: Shot) -> Picture:
    """A stick hits a drum; the head dents and ripples."""
    wall, floor, shell, metal, deep = (
        ((42, 34, 44), (66, 52, 60), (158, 52, 56), (204, 200, 190), 92.0),
        ((32, 40, 52), (52, 60, 72), (60, 104, 150), (200, 206, 214), 64.0),
    )[shot.variant]
    hit = (316.0, 212.0)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 268, 300)
        pen.glow(HEAD_X, HEAD_Y + deep + 34, 180, 26, (0, 0, 0), 0.5)
        _drum_shell(pen, shell, metal, deep)

    def moving(pen: Pen, u: float) -> None:
        pen.ellipse(HEAD_X, HEAD_Y, HEAD_RX * 1.03, HEAD_RY * 1.05, metal)
        pen.ellipse(HEAD_X, HEAD_Y + 1, HEAD_RX * 0.985, HEAD_RY * 0.95, (206, 200, 186))
        pen.glow(HEAD_X - 20, HEAD_Y + 4, HEAD_RX * 0.8, HEAD_RY * 0.7, (236, 230, 216), 0.7)
        if u >= 0:
            _head_ripples(pen, hit, u)
        _drumstick(pen, hit, swing(u, 0.95, 0.18, 0.34, 0.22), shot.variant)

    return Picture(backdrop, moving, (140, -60, 690, 268), (-0.85, 0.75))


def _drum_shell(pen: Pen, shell: Colour, metal: Colour, deep: float) -> None:
    """The cylinder in vertical strips, lit from the left, with its rods and hoops."""
    for step in range(64):
        left, right = -1 + step / 32, -1 + (step + 1) / 32
        tone = lit(shell, 0.55 + 0.75 * math.exp(-(((left + 0.35) / 0.45) ** 2)))
        (x0, y0), (x1, y1) = (
            (HEAD_X + HEAD_RX * t, HEAD_Y + HEAD_RY * math.sqrt(max(0.0, 1 - t * t))) for t in (left, right)
        )
        pen.polygon([(x0, y0), (x1 + 0.5, y1), (x1 + 0.5, y1 + deep), (x0, y0 + deep)], tone)
    for turn in np.linspace(0.25, math.pi - 0.25, 6):
        x, y = HEAD_X + HEAD_RX * math.cos(turn), HEAD_Y + HEAD_RY * math.sin(turn)
        pen.line([(x, y + 6), (x, y + deep - 2)], 3, lit(metal, 0.85))
        pen.rect(x - 4, y + deep * 0.4, x + 4, y + deep * 0.6, metal, 2)
    hoop = oval(HEAD_RX * 1.02, HEAD_RY * 1.03, 0, (HEAD_X, HEAD_Y), 60)[: 60 // 2 + 1]
    pen.line(hoop, 7, lit(metal, 0.8), caps=False)
    pen.line(placed(hoop, (0, deep - 8)), 6, lit(metal, 0.8), caps=False)


def _head_ripples(pen: Pen, hit: Point, u: float) -> None:
    """A dent that shivers, and three rings that spread from it to the hoop."""
    pen.glow(hit[0], hit[1] + 4, 54, 15, (96, 84, 76), 0.75 * abs(ring_down(u, 11, 0.12)))
    for wave in range(3):
        grown = 18 + 190 * (u - 0.045 * wave)
        if 18 < grown < HEAD_RX * 0.95:
            out = grown / HEAD_RX
            x, y = hit[0] + (HEAD_X - hit[0]) * out, hit[1] + (HEAD_Y + 1 - hit[1]) * out
            pen.ring(x, y, grown, grown * HEAD_RY / HEAD_RX * 0.97, 2.2, clear((110, 98, 88), 0.75 * (1 - out)))


def _drumstick(pen: Pen, hit: Point, raised: float, person: int) -> None:
    """Stick and hand, `raised` radians from where the bead touches `hit`."""
    hand = (512.0, 118.0)
    reach = math.hypot(hit[0] - hand[0], hit[1] - hand[1])
    angle = math.atan2(hit[1] - hand[1], hit[0] - hand[0]) + raised
    forearm(pen, hand, (720, 150), person)
    pen.glow(hit[0] + 14, hit[1] + 6, 46, 9, (0, 0, 0), 0.4 * max(0.0, 1 - 4 * raised))
    stick = [(-44.0, -4.2), (reach - 26, -2.6), (reach - 26, 2.6), (-44.0, 4.2)]
    pen.polygon(placed(stick, hand, angle), (202, 164, 112))
    pen.polygon(placed([*stick[:2], (reach - 26, -1), (-44, -1.6)], hand, angle), (224, 190, 140))
    bead = placed([(reach - 12, -4.4)], hand, angle)[0]
    pen.polygon(oval(16, 6.2, angle, bead), (214, 178, 126))
    fist(pen, hand, angle - math.pi, 0.72, person)


CUP_X, CUP_TOP = 282.0, 186.0


def cup(shot: Shot) -> Picture:
    """A spoon taps the rim of a cup, once."""
    wall, floor, glaze = (
        ((44, 44, 36), (74, 66, 52), (222, 216, 198)),
        ((40, 44, 54), (70, 72, 82), (140, 176, 196)),
    )[shot.variant]
    hit = (352.0, 194.0)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 236, 280)
        pen.glow(CUP_X + 6, 306, 170, 22, (0, 0, 0), 0.5)
        pen.ellipse(CUP_X, 296, 128, 24, lit(glaze, 0.62))
        pen.ellipse(CUP_X, 292, 128, 24, lit(glaze, 0.88))
        pen.ellipse(CUP_X, 292, 92, 15, lit(glaze, 0.74))

    def moving(pen: Pen, u: float) -> None:
        _cup_body(pen, CUP_X - 2.6 * ring_down(u, 13, 0.07), u, glaze)
        _spoon(pen, hit, swing(u, 0.42, 0.16, 0.24, 0.16), shot.variant)
        for turn in (-0.9, -0.35, 0.2) if 0 <= u < 0.2 else ():
            ray = [(hit[0] + r * math.cos(turn), hit[1] + r * math.sin(turn)) for r in (22 + 60 * u, 34 + 110 * u)]
            pen.line(ray, 2.4, clear((244, 226, 160), 1 - u / 0.2), caps=False)

    return Picture(backdrop, moving, (150, -60, 690, 300), (-0.8, 0.85))


def _cup_body(pen: Pen, x: float, u: float, glaze: Colour) -> None:
    """The cup with its middle at `x`; rings run inwards over the tea after the tap."""
    at = (x, CUP_TOP)
    pen.ring(x - 82, CUP_TOP + 46, 30, 30, 10, lit(glaze, 0.8))
    right = spline([(70, 0), (67, 30), (58, 62), (40, 90), (28, 100), (31, 107)], False)
    pen.polygon(placed([*right, *[(-a, b) for a, b in reversed(right)]], at), glaze)
    pen.polygon(placed([(30, 0), *right, (14, 107), (24, 84), (31, 50)], at), lit(glaze, 0.86))
    pen.line(placed([(-52, 16), (-46, 54), (-34, 82)], at), 6, clear((255, 255, 255), 0.45), caps=False)
    pen.ellipse(x, CUP_TOP, 70, 16, lit(glaze, 1.3))
    pen.ellipse(x, CUP_TOP + 1.5, 64, 12.5, lit(glaze, 0.55))
    pen.ellipse(x, CUP_TOP + 5, 58, 9, (104, 66, 44))
    for start in (0.0, 0.1):
        wide = 58 - 70 * (u - start)
        if u > start and wide > 8:
            pen.ring(x, CUP_TOP + 5, wide, wide * 9 / 58, 1.4, clear((196, 150, 116), 0.7 * (1 - u / 0.8)))


def _spoon(pen: Pen, hit: Point, drawn_back: float, person: int) -> None:
    """Spoon and hand, `drawn_back` radians from where the bowl touches `hit`."""
    hand = (486.0, 92.0)
    reach = math.hypot(hit[0] - hand[0], hit[1] - hand[1])
    angle = math.atan2(hit[1] - hand[1], hit[0] - hand[0]) - drawn_back
    forearm(pen, hand, (720, 20), person)
    pen.line(placed([(-26, 0), (reach - 22, 0)], hand, angle), 6, (176, 182, 192))
    pen.line(placed([(-26, -1.4), (reach - 26, -1.4)], hand, angle), 2, (226, 230, 236))
    bowl = spline([(-40, 0), (-22, -9), (-4, -9), (5, 0), (-4, 9), (-22, 9)])
    pen.polygon(placed([(reach + a, b) for a, b in bowl], hand, angle), (196, 202, 210))
    pen.polygon(placed([((reach + a) * 0.98, b * 0.55 - 1) for a, b in bowl], hand, angle), (150, 156, 168))
    fist(pen, hand, angle - math.pi, 0.66, person)

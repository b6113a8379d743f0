"""Scenes in which something falls: ball, coin, book. Each returns a Picture; u is seconds from contact."""

from __future__ import annotations

import math

import numpy as np

from thud.stimuli.demo.canvas import Colour, Pen, Picture, Point, clear, lit, mix, oval, placed, stage
from thud.stimuli.demo.physics import Bouncing, rim_phase
from thud.stimuli.demo.shot import Shot

BALLS = (Bouncing(196, 0.47, 0.70, 6), Bouncing(188, 0.50, 0.76, 6))
COIN = Bouncing(170, 0.42, 0.50, 5)
COIN_WOBBLE_S = 0.75
"""How long the coin rolls round its rim after the last bounce."""

BALL_GROUND, BALL_LANDS, BALL_SPEED, ROLL_S = 292.0, 300.0, 125.0, 0.9
"""Floor and place of first contact, speed across (scene units per second), seconds of rolling on the shelf."""


def ball(shot: Shot) -> Picture:
    """A ball rolls off a shelf, drops in an arc and bounces on."""
    wall, floor, skin, radius = (
        ((31, 46, 56), (62, 76, 86), (222, 138, 72), 25.0),
        ((44, 38, 54), (104, 80, 58), (190, 92, 52), 33.0),
    )[shot.variant]
    path = BALLS[shot.variant]
    edge = BALL_LANDS - BALL_SPEED * path.fall_s

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 258, 330)
        _shelf(pen, edge, BALL_GROUND - path.height, wall)

    def moving(pen: Pen, u: float) -> None:
        high, x = path.above(u), _ball_across(u, path.fall_s, edge)
        near = max(0.0, 1 - high / 200)
        if u > -path.fall_s:
            pen.glow(x, BALL_GROUND + 1, radius * (1.5 - 0.5 * near), radius * 0.36, (0, 0, 0), 0.15 + 0.6 * near)
        # Each contact flattens the ball, the first one most, and it springs back within a frame or two.
        flat = sum(0.17 * speed * math.exp(-(u - at) / 0.028) for at, speed in path.contacts() if u >= at)
        tall, wide = radius * (1 - flat), radius * (1 + 0.7 * flat)
        middle = (x, BALL_GROUND - high - tall)
        pen.ball(*middle, wide, tall, skin, 0.42)
        for lean in (-0.48, 0.48) if shot.variant else (0.0,):
            arc = [(wide * (lean + 0.28 * math.cos(a)), tall * 0.96 * math.sin(a)) for a in np.linspace(-1.5, 1.5, 14)]
            pen.line(placed(arc, middle, x / radius), 1.7, clear(lit(skin, 0.55), 0.8), caps=False)

    return Picture(backdrop, moving, (edge - 160, 40, 480, 310), (-path.fall_s - ROLL_S, 3.2))


def _shelf(pen: Pen, edge: float, top: float, wall: Colour) -> None:
    """A shelf from the left that ends at `edge`, with one bracket."""
    pen.glow(edge - 130, top + 34, 170, 34, (0, 0, 0), 0.35)
    pen.rect(-200, top, edge, top + 11, lit(wall, 1.32))
    pen.rect(-200, top, edge, top + 3, lit(wall, 1.5))
    bracket = [(-62.0, 11.0), (-50.0, 11.0), (-150.0, 76.0), (-150.0, 62.0)]
    pen.polygon(placed(bracket, (edge, top)), lit(wall, 1.18))


def _ball_across(u: float, fall_s: float, edge: float) -> float:
    """Where the ball is from left to right: gathering speed on the shelf, flying, then slowly losing speed."""
    if u < -fall_s:
        rolled = max(0.0, 1 + (u + fall_s) / ROLL_S)
        return edge - BALL_SPEED * ROLL_S / 2 * (1 - rolled**2)
    return BALL_LANDS + BALL_SPEED * (u if u < 0 else 0.81 * (1 - math.exp(-u / 0.9)))


def coin(shot: Shot) -> Picture:
    """A coin drops on a table, bounces ever lower and rolls round its rim until it lies."""
    wall, table, metal = (
        ((40, 36, 32), (96, 68, 46), (226, 184, 92)),
        ((34, 40, 50), (64, 74, 82), (196, 202, 210)),
    )[shot.variant]
    ground, land_x, radius = 270.0, 316.0, 25.0
    last = COIN.settled_s()
    drift = 34.0

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, table, 214, 320)
        for row in range(3):
            y = 238 + row * 44
            pen.line([(-200, y), (840, y)], 1.2, clear(lit(table, 0.7), 0.7))
        pen.glow(320, 380, 460, 80, (0, 0, 0), 0.3)

    def moving(pen: Pen, u: float) -> None:
        high = COIN.above(u) if u > -COIN.fall_s - 0.2 else 400.0
        if u < -COIN.fall_s:
            high = COIN.height + COIN.gravity * COIN.fall_s * (-COIN.fall_s - u) * 0.9
        x = land_x + drift * min(u, last) * (1 if u > 0 else 1.5)
        near = max(0.0, 1 - high / 170)
        pen.glow(x, ground + 3, radius * (1.5 - 0.3 * near), 9, (0, 0, 0), 0.1 + 0.55 * near)
        tilt, open_ = _coin_pose(u, last)
        _coin_face(pen, x, ground - high, radius, tilt, open_, metal)

    return Picture(backdrop, moving, (240, -60, 420, 300), (-0.75, last + COIN_WOBBLE_S))


def _coin_pose(u: float, last: float) -> tuple[float, float]:
    """Lean (radians) and openness (0 = seen edge-on, 1 = full face) of the coin."""
    if u < last:
        tumble = 1.25 + 17.0 * u * (1.0 if u < 0 else 0.8)
        return 0.5 * math.sin(0.7 * tumble + 0.6), max(0.14, abs(math.cos(tumble)))
    left = max(0.0, 1 - (u - last) / COIN_WOBBLE_S)
    return 0.42 * left * math.cos(2 * math.pi * rim_phase(u - last, COIN_WOBBLE_S)), 0.34 + 0.1 * left


def _coin_face(pen: Pen, x: float, bottom: float, radius: float, tilt: float, open_: float, metal: Colour) -> None:
    thick = 4.5
    face = oval(radius, radius * open_, tilt)
    centre = (x, bottom - max(y for _, y in face) - thick * (1 - 0.5 * open_))
    for step in range(4):
        pen.polygon(
            [(px + centre[0], py + centre[1] + thick * (1 - step / 4)) for px, py in face],
            lit(metal, 0.5 + 0.08 * step),
        )
    pen.polygon([(px + centre[0], py + centre[1]) for px, py in face], metal)
    inner = oval(radius * 0.8, radius * open_ * 0.8, tilt, centre)
    pen.line([*inner, inner[0]], 1.6, lit(metal, 0.7), caps=False)
    shine = oval(
        radius * 0.5,
        radius * open_ * 0.42,
        tilt,
        (centre[0] - radius * 0.18, centre[1] - radius * open_ * 0.2),
    )
    pen.polygon(shine, clear((255, 255, 255), 0.22))


def book(shot: Shot) -> Picture:
    """A book comes down flat on a desk: dropped from above, or toppling over from standing."""
    dropped = shot.variant == 0
    wall, desk, cover = (
        ((38, 42, 46), (104, 78, 54), (168, 74, 66)),
        ((44, 38, 46), (84, 66, 58), (74, 116, 126)),
    )[shot.variant]
    top, length, thick = 262.0, 176.0, 32.0
    corner = (234.0, top)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, desk, top - 14, 300)
        pen.rect(-200, top + 34, 840, 560, lit(desk, 0.62))
        pen.rect(-200, top + 30, 840, top + 36, lit(desk, 0.85))
        _pencils(pen, (512, top - 6))

    def moving(pen: Pen, u: float) -> None:
        if dropped:
            share = 1 + u / 0.4
            high = 0.0 if u >= 0 else 190 * (1 - share**2) if u > -0.4 else 190 + (-0.4 - u) * 950
            hop = 5 * math.sin(math.pi * u / 0.11) if 0 < u < 0.11 else 0.0
            at, angle = (corner[0], top - high - hop), 0.16 * min(1.0, high / 190)
            near = max(0.0, 1 - high / 190)
        else:
            # Tipping grows like an inverted pendulum: slow to start, fastest when it lands.
            share = math.exp(u / 0.13) if u < 0 else 1.0
            at, angle, high = corner, -(math.pi / 2) * (1 - share), 0.0
            near = 0.4 + 0.6 * share
        pen.glow(corner[0] + length / 2, top + 3, length * 0.62, 10, (0, 0, 0), 0.15 + 0.55 * near)
        for side in (-1, 1):
            if 0 <= u < 0.5:
                grown = 10 + 60 * math.sqrt(u)
                x = corner[0] + length / 2 + side * (length / 2 + 90 * u**0.7)
                pen.glow(x, top - 4 - 16 * u, grown * 1.3, grown * 0.55, lit(desk, 1.6), 0.6 * (1 - u / 0.5))
        _book(pen, at, angle, (length, thick), cover)

    return Picture(backdrop, moving, (160, -80, 480, 285), (-0.95, 0.6))


def _book(pen: Pen, at: Point, angle: float, size: Point, cover: Colour) -> None:
    """A closed book from the side, its lower left corner at `at`, spine left."""
    length, thick = size

    def part(x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        pen.polygon(placed([(x0, -y0), (x1, -y0), (x1, -y1), (x0, -y1)], at, angle), fill)

    part(6, 4, length - 5, thick - 4, (226, 216, 194))
    for row in range(1, 5):
        y = 4 + (thick - 8) * row / 5
        pen.line(placed([(8, -y), (length - 6, -y)], at, angle), 1, (188, 176, 152), caps=False)
    part(0, 0, length, 4.5, lit(cover, 0.75))
    part(0, thick - 4.5, length, thick, lit(cover, 1.12))
    part(0, 0, 8, thick, lit(cover, 0.92))


def _pencils(pen: Pen, at: Point) -> None:
    x, y = at
    for lean, tone in ((-0.22, (214, 168, 84)), (0.02, (120, 160, 150)), (0.2, (196, 104, 92))):
        tip = (x + 96 * math.sin(lean), y - 96 * math.cos(lean))
        pen.line([(x + lean * 30, y - 30), tip], 6, tone)
        pen.line([tip, (tip[0] + 8 * math.sin(lean), tip[1] - 8 * math.cos(lean))], 3, (226, 206, 176))
    pen.glow(x, y + 10, 44, 9, (0, 0, 0), 0.5)
    pen.polygon([(x - 24, y - 52), (x + 24, y - 52), (x + 21, y + 8), (x - 21, y + 8)], (84, 92, 104))
    pen.polygon(oval(24, 5, 0, (x, y - 52)), mix((84, 92, 104), (0, 0, 0), 0.4))
    pen.polygon([(x - 24, y - 52), (x - 12, y - 48), (x - 10, y + 8), (x - 21, y + 8)], (104, 112, 124))

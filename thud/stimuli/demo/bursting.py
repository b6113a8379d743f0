"""Scenes in which something breaks: tumbler or bottle, balloon. Each returns a Picture; u is seconds from contact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from thud.stimuli.demo.canvas import Colour, Pen, Picture, Point, clear, lit, mix, placed, spline, stage
from thud.stimuli.demo.hands import fist, forearm
from thud.stimuli.demo.physics import smooth, swing
from thud.stimuli.demo.shot import Shot

TUMBLER: tuple[Point, ...] = ((-30, -46), (30, -46), (22, 44), (-22, 44))
_HALF: tuple[Point, ...] = ((8, -74), (9, -40), (13, -30), (22, -16), (23, 56))
BOTTLE: tuple[Point, ...] = (*_HALF, *((-x, y) for x, y in reversed(_HALF)))

GLASS_GROUND, GLASS_LANDS, GLASS_SPEED, GLASS_FALL_S, SLIDE_S, TABLE_TOP = 296.0, 320.0, 120.0, 0.44, 0.8, 120.0
TABLE_EDGE = GLASS_LANDS - GLASS_SPEED * GLASS_FALL_S
SPLINTERS = 22
"""Pieces from this number on are splinters: small, fast, and already under way on the frame of contact."""


def glass(shot: Shot) -> Picture:
    """A tumbler (or a bottle) slides off a table, turns as it falls, and shatters on the floor."""
    wall, floor, tone, shape, turn = (
        ((30, 46, 43), (52, 70, 66), (168, 218, 220), TUMBLER, 1.15),
        ((38, 40, 52), (64, 62, 72), (104, 172, 118), BOTTLE, 1.25),
    )[shot.variant]
    shards, cracks = _shards(shot, shape, turn), _cracks(shot, shape, turn)
    impact = (GLASS_LANDS, GLASS_GROUND)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 250, 340)
        _side_table(pen, mix(wall, (150, 110, 78), 0.5))

    def moving(pen: Pen, u: float) -> None:
        shadow = 0.5 * smooth(1 + u / 0.3) if u < 0 else 0.5 * math.exp(-u / 0.25)
        pen.glow(impact[0], impact[1] + 2, 66, 10, (0, 0, 0), shadow)
        if 0 <= u < 0.1:
            pen.glow(impact[0] + 10, impact[1] - 30, 120, 70, lit(tone, 1.6), 0.32 * (1 - u / 0.1))
        if u <= 0:
            _vessel(pen, shape, *_vessel_pose(u, shape, turn), tone)
        if u == 0:
            # The frame of contact: still one piece, but cracked through, with the first splinters under way.
            for crack in cracks:
                pen.line(placed(crack, impact), 1.9, (246, 252, 252), caps=False)
            for splinter in shards[SPLINTERS:]:
                _shard(pen, splinter, impact, 0.03, tone)
        if u > 0:
            for shard in shards:
                _shard(pen, shard, impact, u, tone)

    return Picture(backdrop, moving, (TABLE_EDGE - 110, 10, 610, 352), (-GLASS_FALL_S - SLIDE_S, 1.3))


def _side_table(pen: Pen, wood: Colour) -> None:
    pen.glow(TABLE_EDGE - 120, GLASS_GROUND, 170, 16, (0, 0, 0), 0.4)
    pen.rect(TABLE_EDGE - 52, TABLE_TOP + 12, TABLE_EDGE - 40, GLASS_GROUND, lit(wood, 0.66))
    pen.rect(-200, TABLE_TOP, TABLE_EDGE + 6, TABLE_TOP + 12, wood, 3)
    pen.rect(-200, TABLE_TOP, TABLE_EDGE + 4, TABLE_TOP + 3.5, lit(wood, 1.2))


def _vessel_pose(u: float, shape: tuple[Point, ...], turn: float) -> tuple[Point, float]:
    """Middle and angle up to contact: sliding to the edge, then falling and turning until it just touches the floor."""
    start = TABLE_TOP - max(y for _, y in shape)
    if u <= -GLASS_FALL_S:
        slid = max(0.0, 1 + (u + GLASS_FALL_S) / SLIDE_S)
        return (TABLE_EDGE - GLASS_SPEED * SLIDE_S / 2 * (1 - slid**2), start), 0.0
    share = 1 + u / GLASS_FALL_S
    angle = turn * share**1.4
    low = max(y for _, y in placed(shape, (0, 0), angle))
    return (GLASS_LANDS + GLASS_SPEED * u, start + (GLASS_GROUND - low - start) * share**2), angle


def _vessel(pen: Pen, shape: tuple[Point, ...], at: Point, angle: float, tone: Colour) -> None:
    outline = placed(shape, at, angle)
    pen.polygon(outline, clear(tone, 0.34))
    inner = placed([(x * 0.8, y * 0.9 - 1) for x, y in shape], at, angle)
    pen.polygon(inner, clear(tone, 0.2))
    pen.line([*outline, outline[0]], 2.2, clear(lit(tone, 1.35), 0.9))
    left = min(x for x, _ in shape)
    bottom = max(y for _, y in shape)
    pen.line(
        placed([(left * 0.58, -bottom * 0.25), (left * 0.5, bottom * 0.7)], at, angle),
        3.4,
        clear((255, 255, 255), 0.5),
    )
    pen.line(
        placed([(left * 0.8, bottom - 6), (-left * 0.8, bottom - 6)], at, angle),
        2,
        clear(lit(tone, 1.3), 0.55),
    )


@dataclass(frozen=True, slots=True)
class Shard:
    """A flying piece: outline about its own middle, start relative to the impact, velocity, spin, depth."""

    outline: list[Point]
    start: Point
    velocity: Point
    spin: float
    depth: float


def _shard(pen: Pen, shard: Shard, impact: Point, u: float, tone: Colour) -> None:
    """The piece `u` seconds after impact: in flight, sliding, or lying flat on the floor."""
    ground, gravity = impact[1] + shard.depth, 1500.0
    x0, y0 = impact[0] + shard.start[0], min(impact[1] + shard.start[1], ground - 1)
    rising = -shard.velocity[1]
    lands = (rising + math.sqrt(rising**2 + 2 * gravity * (ground - y0))) / gravity
    flown = min(u, lands)
    slid = 0.12 * (1 - math.exp(-max(0.0, u - lands) / 0.12))
    x = x0 + shard.velocity[0] * (flown + slid)
    y = min(ground, y0 - rising * flown + gravity / 2 * flown**2)
    flat = 0.45 if u > lands else 1.0
    piece = [(px + x, py * flat + y) for px, py in placed(shard.outline, (0, 0), shard.spin * flown)]
    pen.polygon(piece, clear(tone, 0.5))
    pen.line([*piece, piece[0]], 1.3, clear(lit(tone, 1.45), 0.85), caps=False)


def _shards(shot: Shot, shape: tuple[Point, ...], turn: float) -> list[Shard]:
    """About thirty pieces cut from the vessel as it lies at impact, flung away from the point of impact."""
    dice = shot.dice(2)
    at_impact = placed(shape, (0, 0), turn)
    low = max(y for _, y in at_impact)
    wide = max(abs(x) for x, _ in shape) * 0.8
    tops, foot = min(y for _, y in shape), max(y for _, y in shape)
    found = []
    for number in range(34):
        local = (float(dice.uniform(-wide, wide)), float(dice.uniform(tops * 0.9, foot * 0.95)))
        x, y = placed([local], (0, -low), turn)[0]
        size = float(dice.uniform(7, 19)) if number < SPLINTERS else float(dice.uniform(2.5, 6))
        corners = sorted(float(a) for a in dice.uniform(0, 2 * math.pi, 3 + number % 2))
        outline = [(size * math.cos(a), size * float(dice.uniform(0.5, 1)) * math.sin(a)) for a in corners]
        haste = float(dice.uniform(0.5, 1.5)) * (1 if number < SPLINTERS else 1.7)
        velocity = (
            x * 3.4 * haste + float(dice.normal(0, 70)),
            -abs(y) * 2.2 * haste - float(dice.uniform(20, 190)),
        )
        found.append(Shard(outline, (x, y), velocity, float(dice.normal(0, 9)), float(dice.uniform(-4, 30))))
    return found


def _cracks(shot: Shot, shape: tuple[Point, ...], turn: float) -> list[list[Point]]:
    """Zigzag lines from the point of impact (0, 0) up through the vessel as it lies at impact."""
    dice = shot.dice(3)
    at_impact = placed(shape, (0, 0), turn)
    low = max(at_impact, key=lambda p: p[1])
    found = []
    for far in at_impact:
        across, up = far[0], far[1] - low[1]
        steps = [
            (low[0] + (across - low[0]) * t + float(dice.normal(0, 6)), up * t + float(dice.normal(0, 6)))
            for t in (0.3, 0.55, 0.8)
        ]
        if up < -8:
            found.append([(low[0], -1.0), *steps])
    return found


CX, CY, RX, RY = 272.0, 146.0, 70.0, 84.0
"""Middle and radii of the balloon."""


def balloon(shot: Shot) -> Picture:
    """A needle moves up to a balloon, which bursts to rags."""
    wall, floor, rubber = (
        ((34, 44, 60), (52, 60, 74), (214, 84, 84)),
        ((46, 40, 54), (66, 58, 70), (226, 178, 74)),
    )[shot.variant]
    rags = _rags(shot)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 312, 280)
        pen.glow(CX, 332, 80, 10, (0, 0, 0), 0.35)
        pen.rect(CX - 16, 322, CX + 16, 336, lit(floor, 1.4), 3)

    def moving(pen: Pen, u: float) -> None:
        _string(pen, 0.0 if u < 0 else min(1.0, (u / 0.5) ** 2))
        if u < 0:
            pen.ball(CX, CY, RX, RY, rubber, 0.45)
            pen.ellipse(CX - 28, CY - 40, 11, 17, clear((255, 255, 255), 0.4))
            pen.polygon([(CX, CY + RY - 3), (CX - 8, CY + RY + 10), (CX + 8, CY + RY + 10)], lit(rubber, 0.75))
        elif u < 0.12:
            pen.glow(CX, CY, 150, 150, (255, 250, 236), 0.4 * (1 - u / 0.12))
        for rag in rags if u >= 0 else ():
            _rag(pen, rag, u, rubber)
        _needle(pen, u, shot.variant)

    return Picture(backdrop, moving, (60, -60, 690, 345), (-0.75, 1.5))


def _string(pen: Pen, fallen: float) -> None:
    """The string from the knot to its weight; it slackens as `fallen` goes from 0 to 1."""
    knot, bend = CY + RY + 8 + fallen * 78, 8 + 26 * fallen
    half = (knot + 322) / 2
    pen.line(
        spline([(CX, knot), (CX + bend, half - 6), (CX - bend * 0.7, half + 14), (CX, 322)], False), 1.6, (190,) * 3
    )


def _needle(pen: Pen, u: float, person: int) -> None:
    """The needle moves in from the right, touches the skin at u = 0, and carries on a little."""
    tip = (CX + RX - 1 + (swing(u, 46, 0.22, 46, 0) if u < 0 else -3.2 * (1 - math.exp(-u / 0.05))), CY + 4)
    pen.polygon([tip, (tip[0] + 96, tip[1] - 2.6), (tip[0] + 96, tip[1] + 2.6)], (214, 220, 228))
    hand = (tip[0] + 122, tip[1] + 4)
    forearm(pen, hand, (720, 236), person)
    fist(pen, hand, 0.05, 0.8, person)


Rag = tuple[list[Point], Point, Point, float]
"""Outline about its middle, start, velocity, spin."""


def _rags(shot: Shot) -> list[Rag]:
    """Torn pieces of the balloon's skin: arcs of its outline with a ragged inner edge."""
    dice = shot.dice(2)
    found: list[Rag] = []
    for number in range(11):
        turn = 2 * math.pi * (number + float(dice.uniform(-0.35, 0.35))) / 11
        wide, deep, nick = (float(v) for v in dice.uniform((0.2, 0.1, 0.62), (0.42, 0.55, 0.85)))
        edge = [(1.03, float(a)) for a in np.linspace(-wide, wide, 6)]
        torn = [(nick, 0.75), (deep, 0.35), (deep + 0.22, 0.0), (deep + 0.05, -0.5), (0.8, -0.9)]
        start = (RX * 0.7 * math.cos(turn), RY * 0.7 * math.sin(turn))
        outline = [
            (RX * reach * math.cos(turn + a) - start[0], RY * reach * math.sin(turn + a) - start[1])
            for reach, a in [*edge, *((reach, wide * part) for reach, part in torn)]
        ]
        haste = float(dice.uniform(180, 1100))
        # Skin snaps away from the needle, which comes from the right.
        velocity = (haste * math.cos(turn) * 1.1 - 210.0, haste * math.sin(turn) * 0.8 - 120.0)
        found.append((outline, (CX + start[0], CY + start[1]), velocity, float(dice.normal(0, 9))))
    return found


def _rag(pen: Pen, rag: Rag, u: float, rubber: Colour) -> None:
    outline, start, velocity, spin = rag
    tau = 0.11
    x = start[0] + velocity[0] * tau * (1 - math.exp(-u / tau))
    y = start[1] + velocity[1] * tau * (1 - math.exp(-u / tau)) + 230 * max(0.0, u - 0.05) ** 1.7
    shrink = 1 - 0.45 * smooth(u / 0.12)
    ground = 328 + (start[0] * 7 % 16)
    lies = y > ground
    piece = placed(outline, (0, 0), spin * min(u, 0.8) * (1 - math.exp(-u / 0.3)), shrink)
    pen.polygon(
        [(px + x, py * (0.4 if lies else 1) + min(y, ground)) for px, py in piece],
        lit(rubber, 0.8 + 0.3 * (start[0] % 3 / 3)),
    )

"""The scene of a drop that falls into a bowl of water; u is seconds from contact."""

from __future__ import annotations

import math

import numpy as np

from thud.stimuli.demo.canvas import Colour, Pen, Picture, Point, clear, lit, placed, spline, stage
from thud.stimuli.demo.physics import smooth
from thud.stimuli.demo.shot import Shot

SECOND_DROP_S = 0.46
"""The droplet thrown up by the first falls back this much later, seen and heard."""


CX, LEVEL, RX, RY = 312.0, 252.0, 158.0, 38.0
"""Middle and radii of the water's surface."""
NOZZLE, FALL_S, CROWN_S = 84.0, 0.36, 0.125


def water(shot: Shot) -> Picture:
    """A drop grows at a tap, falls, and splashes: rings, a jet, and a droplet that falls back."""
    wall, floor, blue, bowl = (
        ((32, 44, 50), (50, 62, 66), (84, 148, 168), (206, 204, 196)),
        ((40, 40, 48), (60, 58, 62), (70, 116, 140), (126, 134, 142)),
    )[shot.variant]
    tone = lit(blue, 1.5)

    def backdrop(pen: Pen) -> None:
        stage(pen, wall, floor, 284, 300)
        _tap(pen, (150, 158, 168))
        _bowl(pen, bowl)

    def moving(pen: Pen, u: float) -> None:
        pen.ellipse(CX, LEVEL, RX, RY, blue)
        pen.glow(CX - 50, LEVEL - 6, 90, 20, lit(blue, 1.35), 0.6)
        for at, strength in ((0.0, 1.0), (SECOND_DROP_S, 0.55)):
            if u >= at:
                _rings(pen, u - at, strength, blue)
        if u < -FALL_S:
            hang = smooth(1 + (u + FALL_S) / 0.9)
            _drop(pen, (CX, NOZZLE - 4 + 7 * hang), 5 + 6 * hang, 1.0 + 0.3 * hang, tone)
        elif u < 0:
            _drop(pen, (CX, NOZZLE + 6 + (LEVEL - NOZZLE - 17) * (1 + u / FALL_S) ** 2), 11, 1.25, tone)
        elif u < SECOND_DROP_S:
            _splash(pen, (CX, LEVEL), u, tone)

    return Picture(backdrop, moving, (130, 60, 490, 300), (-1.3, 1.9))


def _tap(pen: Pen, steel: Colour) -> None:
    pen.rect(CX + 40, 20, 700, 46, lit(steel, 0.8), 4)
    pen.rect(CX + 40, 20, 700, 30, lit(steel, 1.15), 4)
    spout = [(60.0, 20.0), (8.0, 24.0), (-16.0, 48.0), (-16.0, 74.0), (16.0, 74.0), (18.0, 56.0), (60.0, 47.0)]
    pen.polygon(placed(spline(spout), (CX, 0)), lit(steel, 0.95))
    pen.rect(CX - 19, 68, CX + 19, 80, lit(steel, 0.75), 3)


def _bowl(pen: Pen, clay: Colour) -> None:
    pen.glow(CX, 350, 220, 20, (0, 0, 0), 0.5)
    side = [(-174.0, 0.0), (174.0, 0.0), (150.0, 52.0), (104.0, 92.0), (-104.0, 92.0), (-150.0, 52.0)]
    pen.polygon(placed(side, (CX, LEVEL - 8)), lit(clay, 0.62))
    pen.polygon(placed([(-174, 0), (-60, 0), (-50, 92), (-104, 92), (-150, 52)], (CX, LEVEL - 8)), lit(clay, 0.72))
    pen.ellipse(CX, LEVEL - 8, 174, 46, lit(clay, 0.95))
    pen.ellipse(CX, LEVEL - 4, 164, 41, lit(clay, 0.5))


def _drop(pen: Pen, at: Point, radius: float, stretch: float, tone: Colour) -> None:
    x, y = at
    pen.polygon(
        spline(
            [
                (x, y - radius * (0.7 + stretch)),
                (x + radius * 0.85, y),
                (x, y + radius),
                (x - radius * 0.85, y),
            ]
        ),
        tone,
    )
    pen.ellipse(x, y + radius * 0.1, radius * 0.9, radius * 0.9, tone)
    pen.ellipse(x - radius * 0.3, y - radius * 0.1, radius * 0.25, radius * 0.4, clear((255, 255, 255), 0.8))


def _rings(pen: Pen, u: float, strength: float, blue: Colour) -> None:
    """Rings spread over the surface, thinning out; a dark trough beside every crest."""
    for wave in range(4):
        grown = 12 + 118 * (u - 0.09 * wave) if u >= 0.09 * wave else 0.0
        if 0 < grown < RX * 0.97:
            fade = strength * (1 - grown / RX) * math.exp(-u / 1.1)
            pen.ring(CX, LEVEL, grown, grown * RY / RX, 3.4, clear(lit(blue, 1.7), fade))
            pen.ring(CX, LEVEL, grown * 0.93, grown * 0.93 * RY / RX, 2.4, clear(lit(blue, 0.55), 0.8 * fade))


def _splash(pen: Pen, at: Point, u: float, tone: Colour) -> None:
    """A crown for a tenth of a second, then a jet that throws one droplet."""
    if u < CROWN_S:
        _crown(pen, at, u, tone)
    x, y = at
    jet = math.sin(math.pi * min(1.0, max(0.0, (u - 0.1) / 0.3)))
    if jet > 0:
        pen.polygon(
            placed(spline([(-10, 2), (-3, -26 * jet), (0, -48 * jet), (3, -26 * jet), (10, 2), (0, 5)]), at), tone
        )
    flight = (u - 0.2) / (SECOND_DROP_S - 0.2)
    if flight > 0:
        pen.ellipse(x, y - 6 - 54 * (1 - (2 * flight - 0.72) ** 2 / 1.64), 6, 6.4, tone)


def _crown(pen: Pen, at: Point, u: float, tone: Colour) -> None:
    """A ring of nine spikes around a hollow: the far wall darker, the near one lighter and lower."""
    x, y = at
    risen = math.sin(math.pi * min(1.0, (u + 0.03) / (CROWN_S + 0.05)))
    foot, rim = 17 + 110 * u, 22 + 190 * u
    pen.ellipse(x, y, foot, 0.26 * foot, lit(tone, 0.5))
    for far, shade in ((1, 0.78), (0, 1.0)):
        spikes = [(-foot, 0.0)]
        for number in range(9):
            across = (number - 4) / 4
            lift = (40 if number % 2 == 0 else 22) * risen * (1.1 - 0.25 * abs(across)) * (0.7 + 0.3 * far)
            spikes.append((rim * across, 0.2 * rim * math.sqrt(1 - across**2) * (1 - 2 * far) - lift))
        under = [(foot * math.cos(a), 0.26 * foot * math.sin(a)) for a in np.linspace(0, math.pi, 9)]
        pen.polygon(placed([*spikes, *under], at), clear(lit(tone, shade), 0.85))

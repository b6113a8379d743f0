"""Motion that picture and sound share: falls, bounces, easing. Times: seconds from first contact; lengths: scene units.

What the eye sees bounce and what the ear hears bounce must come from one formula, so both sides import it from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bouncing:
    """A body dropped from `height` that reaches the ground after `fall_s` and keeps `restitution` of its speed.

    count: contacts in all, the first one included; after the last it lies still.
    """

    height: float
    fall_s: float
    restitution: float
    count: int

    @property
    def gravity(self) -> float:
        return 2 * self.height / self.fall_s**2

    def contacts(self) -> list[tuple[float, float]]:
        """(time_s, speed relative to the first) of every contact; the first is (0.0, 1.0)."""
        found, at, speed = [], 0.0, 1.0
        for _ in range(self.count):
            found.append((at, speed))
            speed *= self.restitution
            at += 2 * self.fall_s * speed
        return found

    def above(self, u: float) -> float:
        """Height over the ground at `u` seconds after first contact; `height` before the fall, 0 once at rest."""
        if u < 0:
            return self.height * (1 - max(0.0, 1 + u / self.fall_s) ** 2)
        contacts = self.contacts()
        for (at, speed), (following, _) in zip(contacts, contacts[1:], strict=False):
            if u < following:
                risen = u - at
                leaving = self.gravity * self.fall_s * speed * self.restitution
                return max(0.0, leaving * risen - self.gravity * risen**2 / 2)
        return 0.0

    def settled_s(self) -> float:
        """Time of the last contact."""
        return self.contacts()[-1][0]


def smooth(x: float) -> float:
    """0 below 0, 1 above 1, an S-curve between."""
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)


def ring_down(u: float, cycles_hz: float, tau_s: float) -> float:
    """A knock's shiver: 0 before contact, then a decaying cosine that starts at 1."""
    return math.exp(-u / tau_s) * math.cos(2 * math.pi * cycles_hz * u) if u >= 0 else 0.0


def swing(u: float, lift: float, strike_s: float, rest: float, rebound: float) -> float:
    """Angle of something that strikes at u = 0: raised from `rest` to `lift`, brought down ever faster, rebounding.

    Full speed is reached at contact: one frame earlier the gap is plain to see.
    """
    if u >= 0:
        return rest * smooth((u - 0.12) / 0.5) + rebound * math.sin(math.pi * min(1.0, u / 0.3)) * (u < 0.3)
    if u > -strike_s:
        return lift * (1 - (1 + u / strike_s) ** 2)
    return rest + (lift - rest) * smooth(1 + (u + strike_s) / 0.6)


def rim_phase(time: float, length_s: float) -> float:
    """Cycles a coin's rim has rolled `time` seconds after the last bounce: ever faster until it lies at `length_s`."""
    left = min(1.0, max(0.0, 1 - time / length_s))
    return 5 * time / (0.35 + 0.65 * left)


def rim_contacts(length_s: float) -> list[float]:
    """Seconds after the last bounce at which the other side of the rolling rim touches down: every half cycle."""
    steps = [step / 2000 for step in range(round(2000 * length_s))]
    halves = [int(2 * rim_phase(time, length_s)) for time in steps]
    return [time for time, before, now in zip(steps[1:], halves, halves[1:], strict=False) if now > before]

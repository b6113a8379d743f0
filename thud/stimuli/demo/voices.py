"""The dry sound of every kind of event: one function each, (dice, variant) → mono, from contact on.

Mode ratios and decays follow what is measured on such bodies: circular membranes have the zeros of Bessel functions,
free bars and plates are inharmonic, wood damps within tens of milliseconds, glazed clay rings in pairs that beat.
"""

from __future__ import annotations

import numpy as np

from thud.stimuli.demo.falling import BALLS, COIN, COIN_WOBBLE_S
from thud.stimuli.demo.meeting import KNOCKS
from thud.stimuli.demo.physics import rim_contacts
from thud.stimuli.demo.splashing import SECOND_DROP_S
from thud.stimuli.demo.synth import Mode, Wave, bubble, burst, glide, lay, level, n_wave, pulse, ring, samples

MEMBRANE = (1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501)
"""Zeros of Bessel functions over the first: the modes of a drum head."""

Dice = np.random.Generator


def _tuned(dice: Dice, modes: list[Mode], spread: float = 0.03) -> list[Mode]:
    """The modes a little out of tune, as no two objects are alike."""
    return [(f * float(dice.uniform(1 - spread, 1 + spread)), t, g) for f, t, g in modes]


def ball(dice: Dice, variant: int) -> Wave:
    """Low thump, rubbery mode, slap; then the later, softer bounces that the picture shows."""
    body: list[Mode] = [
        [(88.0, 0.045, 0.6), (172.0, 0.03, 0.8), (438.0, 0.028, 1.0), (760.0, 0.016, 0.7), (1240.0, 0.01, 0.4)],
        [(72.0, 0.06, 0.6), (128.0, 0.05, 0.8), (262.0, 0.045, 0.9), (540.0, 0.04, 0.6), (978.0, 0.06, 0.45)],
    ][variant]
    body = _tuned(dice, body)
    contact_s, slap = (0.0017, 0.5) if variant == 0 else (0.0023, 0.4)
    layers = []
    for at, speed in BALLS[variant].contacts():
        # A slower ball stays longer on the ground and slaps less.
        hit = level(ring(body, pulse(contact_s * speed**-0.2), 0.6))
        layers.append((at, 0.85 * speed**1.5, hit))
        layers.append((at, slap * speed**2.2, burst(dice, 500, 3200 if variant == 0 else 1800, 0.004)))
    return lay(3.4, *layers)


def glass(dice: Dice, variant: int) -> Wave:
    """A crack of wide noise, the body's short ring, then shards: many high modes over a third of a second."""
    low, high = ((2600.0, 12500.0), (1500.0, 9000.0))[variant]
    body = [(float(dice.uniform(low * 0.6, low * 1.6)), float(dice.uniform(0.008, 0.02)), 1.0) for _ in range(8)]
    layers = [
        (0.0, 2.2, burst(dice, 1500, 15000, 0.006)),
        (0.0, 0.5, burst(dice, 300, 2500, 0.008)),
        (0.0, 0.6, level(ring(body, pulse(0.0001), 0.2))),
        (0.004, 0.4, burst(dice, 4000, 16000, 0.045)),
    ]
    for _ in range(90):
        at = float(dice.exponential(0.11)) + 0.003
        modes = [
            (float(np.exp(dice.uniform(np.log(low), np.log(high)))), float(dice.uniform(0.006, 0.05)), 1.0)
            for _ in range(2)
        ]
        gain = 0.5 * float(dice.uniform(0.15, 1.0)) * float(np.exp(-at / 0.22))
        layers.append((at, gain, level(ring(modes, pulse(0.00005), 0.4))))
    for bounce in range(14):
        at = 0.28 + 0.05 * bounce + float(dice.uniform(0, 0.06))
        modes = [(float(dice.uniform(low * 1.2, high)), float(dice.uniform(0.015, 0.06)), 1.0)]
        layers.append((at, 0.14 * float(dice.uniform(0.2, 1)) * 0.85**bounce, level(ring(modes, pulse(0.00005), 0.4))))
    return lay(1.4, *layers)


def clap(dice: Dice, variant: int) -> Wave:
    """Parts of the palms meet milliseconds apart; the hollow between them colours the noise."""
    low, high = ((850.0, 2300.0), (520.0, 1500.0))[variant]
    starts = [
        0.0,
        float(dice.uniform(0.0012, 0.002)),
        float(dice.uniform(0.003, 0.0042)),
        float(dice.uniform(0.006, 0.008)),
    ]
    layers = [(at, gain, burst(dice, low, high, 0.006)) for at, gain in zip(starts, (1.0, 0.8, 0.7, 0.45), strict=True)]
    layers.append((0.0, 0.5, burst(dice, 2000, 9000, 0.0022)))
    layers.append((0.0, 0.35, burst(dice, low, high, 0.016)))
    return lay(0.2, *layers)


def knock(dice: Dice, variant: int) -> Wave:
    """Three knocks: heavily damped low modes of a panel and the click of the bone."""
    modes: list[Mode] = [
        [(182.0, 0.030, 1.0), (296.0, 0.024, 0.9), (418.0, 0.019, 0.8), (573.0, 0.015, 0.55), (894.0, 0.009, 0.35)],
        [(124.0, 0.038, 1.0), (211.0, 0.032, 0.9), (347.0, 0.022, 0.6), (502.0, 0.016, 0.5), (731.0, 0.010, 0.3)],
    ][variant]
    modes = _tuned(dice, modes, 0.05)
    layers = []
    for at, strength in KNOCKS:
        layers.append((at, strength, level(ring(_tuned(dice, modes, 0.012), pulse(0.0011), 0.35))))
        layers.append((at, 0.3 * strength, burst(dice, 900, 2800, 0.0028)))
    return lay(1.0, *layers)


def anvil(dice: Dice, variant: int) -> Wave:
    """A hard, short contact: inharmonic modes from 1 to 12 kHz, the lower the longer, over a dull thud."""
    base, longest = ((1130.0, 0.62), (790.0, 0.42))[variant]
    ratios = (1.0, 1.007, 1.59, 2.31, 2.322, 2.94, 3.87, 4.73, 4.75, 5.62, 7.08, 8.9, 10.4)
    modes = [(base * r, longest * r**-0.75, (0.5 if r == 1.0 else 1.0) * r**-0.25) for r in ratios if base * r < 15000]
    bar = level(ring(_tuned(dice, modes, 0.015), pulse(0.00014), 2.4))
    dull = level(ring([(168.0, 0.022, 1.0), (331.0, 0.016, 0.8)], pulse(0.0012), 0.2))
    return lay(2.4, (0.0, 0.7, bar), (0.0, 0.5, dull), (0.0, 1.2, burst(dice, 1800, 14000, 0.003)))


def drum(dice: Dice, variant: int) -> Wave:
    """A membrane's modes gliding down after the blow, the stick's tick; variant 1 has snares under it."""
    base, longest = ((98.0, 0.24), (186.0, 0.11))[variant]
    base *= float(dice.uniform(0.96, 1.05))
    modes = [(base * r, longest * r**-1.1, 1.0 if r == 1.0 else 0.75 * r**-0.7) for r in MEMBRANE]
    head = level(glide(modes, 0.17, 0.045, 1.4) * np.minimum(1.0, np.arange(samples(1.4)) / samples(0.0004)))
    tick = burst(dice, 1200, 5200, 0.0045)
    layers = [(0.0, 0.9, head), (0.0, 0.45, tick)]
    if variant == 1:
        layers += [(0.001, 0.6, burst(dice, 2200, 9500, 0.075)), (0.0, 0.3, burst(dice, 700, 2500, 0.02))]
    return lay(1.4, *layers)


def pop(dice: Dice, variant: int) -> Wave:
    """The N-shaped pressure of a burst and a few milliseconds of tearing skin."""
    length_s, low = ((0.0012, 210.0), (0.0019, 150.0))[variant]
    thump = level(ring([(low, 0.014, 1.0), (low * 2.2, 0.008, 0.5)], pulse(0.0008), 0.15))
    return lay(
        0.4,
        (0.0, 1.0, n_wave(length_s)),
        (0.0, 0.7, burst(dice, 1200, 15000, 0.0035)),
        (0.0006, 0.5, thump),
        (0.003, 0.16, burst(dice, 2500, 11000, 0.022)),
    )


def water(dice: Dice, variant: int) -> Wave:
    """The faint slap of the surface, then bubbles whose pitch rises; the thrown-up droplet follows, softer."""
    radius_mm = (3.5, 5.2)[variant] * float(dice.uniform(0.94, 1.06))
    layers = [(0.0, 0.3, burst(dice, 1800, 8000, 0.0011)), (0.0, 0.12, burst(dice, 500, 3000, 0.01))]
    for at, strength, small in ((0.004, 1.0, 1.0), (0.052, 0.38, 0.66), (0.094, 0.2, 0.8)):
        layers.append((at, strength, bubble(radius_mm * small, 0.030 * small, 0.34)))
    layers.append((SECOND_DROP_S, 0.1, burst(dice, 1800, 8000, 0.001)))
    layers.append((SECOND_DROP_S + 0.003, 0.42, bubble(radius_mm * 0.52, 0.020, 0.4)))
    if variant == 1:
        bowl: list[Mode] = [(1460.0, 0.16, 1.0), (2890.0, 0.11, 0.6), (4630.0, 0.07, 0.4)]
        layers.append((0.0, 0.07, level(ring(bowl, pulse(0.0003), 1.0))))
    return lay(1.4, *layers)


def door(dice: Dice, variant: int) -> Wave:
    """A heavy low thud, the latch's click just after it, and the frame's rattle."""
    base = (58.0, 71.0)[variant] * float(dice.uniform(0.95, 1.05))
    thud: list[Mode] = [(base, 0.085, 1.3), (base * 1.63, 0.07, 1.0), (base * 2.6, 0.05, 0.8), (base * 4.1, 0.03, 0.5)]
    latch = [
        (float(f), float(t), 1.0)
        for f, t in zip(dice.uniform(1900, 5600, 5), dice.uniform(0.006, 0.016, 5), strict=True)
    ]
    layers = [
        (0.0, 1.0, level(ring(thud, pulse(0.0025), 0.9))),
        (0.0, 0.9, burst(dice, 120, 1100, 0.022)),
        (0.0, 0.45, burst(dice, 900, 3500, 0.007)),
        (float(dice.uniform(0.016, 0.024)), 0.22, level(ring(latch, pulse(0.0001), 0.15))),
    ]
    for at, gain in ((0.055, 0.2), (0.094, 0.12), (0.137, 0.07)):
        layers.append((at, gain, burst(dice, 250, 1600, 0.012)))
    return lay(1.2, *layers)


def book(dice: Dice, variant: int) -> Wave:
    """A broad slap of paper with the desk's short modes under it."""
    base = (104.0, 86.0)[variant]
    desk = _tuned(
        dice, [(base, 0.045, 1.0), (base * 1.72, 0.034, 0.8), (base * 2.5, 0.026, 0.6), (base * 3.9, 0.016, 0.4)]
    )
    layers = [
        (0.0, 0.55, level(ring(desk, pulse(0.0028), 0.5))),
        (0.0, 0.9, burst(dice, 160, (1500, 2400)[variant], 0.017)),
        (0.0, 0.4, burst(dice, 1500, 6500, 0.006)),
        (0.012, 0.1, burst(dice, 2500, 7500, 0.05)),
    ]
    if variant == 0:
        layers.append((0.11, 0.16, burst(dice, 160, 1200, 0.012)))
    return lay(0.8, *layers)


def cup(dice: Dice, variant: int) -> Wave:
    """A thin, hard shell: few high modes, each split in two by the handle, so that they beat."""
    base, longest = ((2240.0, 0.19), (1480.0, 0.12))[variant]
    modes: list[Mode] = [
        (base * ratio * split, longest * ratio**-0.8, gain * softer)
        for ratio, gain in ((1.0, 1.0), (2.36, 0.7), (3.85, 0.42), (5.5, 0.25))
        for split, softer in ((1.0, 1.0), (1.013, 0.7))
    ]
    shell = level(ring(_tuned(dice, modes, 0.002), pulse(0.00012), 1.6))
    return lay(1.6, (0.0, 0.8, shell), (0.0, 0.4, burst(dice, 2500, 13000, 0.002)))


def coin(dice: Dice, variant: int) -> Wave:
    """High, thin ringing at every bounce over a tick of the table, then the ever faster chatter of the rim."""
    scale = (1.0, 1.22)[variant]
    modes = _tuned(
        dice,
        [
            (f * scale, t, g)
            for f, t, g in (
                (4710.0, 0.085, 1.0),
                (4760.0, 0.08, 0.6),
                (7930.0, 0.06, 0.8),
                (10850.0, 0.045, 0.6),
                (13100.0, 0.03, 0.4),
            )
        ],
    )
    table: list[Mode] = [(390.0, 0.012, 1.0), (720.0, 0.008, 0.7), (1250.0, 0.005, 0.5)]
    tick, clink = level(ring(table, pulse(0.0005), 0.1)), level(ring(modes, pulse(0.00006), 0.8))
    contacts = COIN.contacts()
    last = contacts[-1][0]
    rolls = [(last + t, 0.2 * (1 - t / COIN_WOBBLE_S) + 0.02) for t in rim_contacts(COIN_WOBBLE_S)]
    layers = []
    for at, strength in [*((t, s**1.1) for t, s in contacts), *rolls]:
        layers.append((at, 0.9 * strength * float(dice.uniform(0.85, 1.0) if at else 1.0), clink))
        layers.append((at, 0.4 * strength, tick))
    return lay(last + COIN_WOBBLE_S + 0.6, *layers)

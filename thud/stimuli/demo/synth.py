"""Building blocks of struck sound: resonating modes, contact pulses, filtered noise, rising bubbles.

Everything is mono float64 at RATE_HZ and begins on its first sample, so that a sound's place in the clip is exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from thud.stimuli.demo.shot import RATE_HZ

Wave = NDArray[np.float64]
Mode = tuple[float, float, float]
"""Frequency in Hz, time in which it falls to 1/e in seconds, gain."""


def samples(seconds: float) -> int:
    return max(1, round(seconds * RATE_HZ))


def pulse(contact_s: float, strength: float = 1.0) -> Wave:
    """Force of a contact that lasts `contact_s`: half a sine. Short ones excite high modes, long ones only low ones."""
    count = samples(contact_s)
    shape = np.sin(np.pi * (np.arange(count) + 0.5) / count)
    return np.asarray(strength * shape / shape.sum())


def ring(modes: Sequence[Mode], force: Wave, length_s: float) -> Wave:
    """What a body with these modes sounds like when `force` acts on it, shape (samples(length_s),)."""
    out = np.zeros(samples(length_s))
    for frequency, tau_s, gain in modes:
        # Nine time constants are −78 dB: below any room tone here.
        count = min(len(out), len(force) + samples(9 * tau_s))
        drive = np.zeros(count)
        drive[: min(count, len(force))] = force[:count]
        turn, shrink = 2 * np.pi * frequency / RATE_HZ, np.exp(-1 / (tau_s * RATE_HZ))
        resonator = [1.0, -2 * shrink * np.cos(turn), shrink**2]
        out[:count] += gain * np.asarray(lfilter([shrink * np.sin(turn)], resonator, drive))
    return out


def fade(length_s: float, tau_s: float, attack_s: float = 0.0002) -> Wave:
    """An envelope: up within `attack_s`, then falling to 1/e every `tau_s`."""
    time = np.arange(samples(length_s)) / RATE_HZ
    return np.asarray(np.minimum(1.0, (time + 0.5 / RATE_HZ) / attack_s) * np.exp(-time / tau_s))


def burst(dice: np.random.Generator, low_hz: float, high_hz: float, tau_s: float) -> Wave:
    """Noise between two frequencies that dies away with `tau_s`; its peak is near 1."""
    envelope = fade(9 * tau_s, tau_s)
    # The filter runs in before the envelope opens, so that the burst is at full strength from its first sample on.
    lead = samples(0.02)
    sections = butter(2, [low_hz, high_hz], btype="band", fs=RATE_HZ, output="sos")
    hiss = np.asarray(sosfilt(sections, dice.standard_normal(len(envelope) + lead)))[lead:]
    shaped = envelope * hiss
    return np.asarray(shaped / (np.abs(shaped).max() + 1e-12))


def glide(modes: Sequence[Mode], rise: float, settle_s: float, length_s: float) -> Wave:
    """Modes whose pitch starts `rise` (0.2 = 20 %) too high and settles: a drum head slackening after the blow."""
    time = np.arange(samples(length_s)) / RATE_HZ
    warped = time + rise * settle_s * (1 - np.exp(-time / settle_s))
    out = np.zeros(len(time))
    for frequency, tau_s, gain in modes:
        out += gain * np.exp(-time / tau_s) * np.sin(2 * np.pi * frequency * warped)
    return out


def bubble(radius_mm: float, tau_s: float, rise: float) -> Wave:
    """A bubble closing under a drop: Minnaert's 3.26 m/s over its radius, rising as it nears the surface."""
    time = np.arange(samples(8 * tau_s)) / RATE_HZ
    start_hz = 3260.0 / radius_mm
    phase = start_hz * (time + rise * time**2 / (2 * tau_s))
    return np.asarray(np.minimum(1.0, time / 0.001) * np.exp(-time / tau_s) * np.sin(2 * np.pi * phase))


def n_wave(length_s: float) -> Wave:
    """The pressure of a burst: a jump up, a straight fall through zero, a jump back."""
    return np.asarray(np.linspace(1, -1, samples(length_s)))


def lay(length_s: float, *layers: tuple[float, float, Wave]) -> Wave:
    """Sum of (start_s, gain, wave) layers in one wave of `length_s`; what lasts longer is cut."""
    out = np.zeros(samples(length_s))
    for start_s, gain, wave in layers:
        at = round(start_s * RATE_HZ)
        part = wave[: max(0, len(out) - at)]
        out[at : at + len(part)] += gain * part
    return out


def level(wave: Wave) -> Wave:
    """The wave with a peak of 1."""
    return np.asarray(wave / (np.abs(wave).max() + 1e-12))

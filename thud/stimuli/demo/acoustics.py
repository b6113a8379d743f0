"""The room a clip was 'recorded' in: reflections, tail, and a steady tone of its own under everything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from thud.media.sound import Sound
from thud.stimuli.demo.shot import RATE_HZ, Shot
from thud.stimuli.demo.synth import Wave, samples

TONE_DBFS = (-52.0, -46.0)
PEAK_DBFS = (-5.5, -3.2)


def record(dry: Wave, shot: Shot, tail_s: float) -> Sound:
    """The clip's sound: `dry` with its first sample at `shot.onset`, in a room that rings for `tail_s`, over its tone.

    float32 (samples of the clip, 2); nothing is heard before the onset but the tone.
    """
    dice = shot.dice(11)
    count = round(shot.duration_s * RATE_HZ)
    wet = _room(dry, dice, tail_s)[: count - shot.onset]
    out = room_tone(count, dice)
    peak = 10 ** (float(dice.uniform(*PEAK_DBFS)) / 20)
    out[shot.onset : shot.onset + len(wet)] += wet * (peak / np.abs(wet).max())
    return Sound(np.ascontiguousarray(out, dtype=np.float32), RATE_HZ)


def _room(dry: Wave, dice: np.random.Generator, tail_s: float) -> NDArray[np.float64]:
    """Direct sound, eight early reflections a side, and a diffuse tail; shape (n, 2). Both sides start on sample 0."""
    side = float(dice.uniform(-0.16, 0.16))
    response = np.zeros((samples(tail_s * 1.1), 2))
    time = np.arange(len(response)) / RATE_HZ
    for channel, gain in enumerate((1 + side, 1 - side)):
        late = dice.standard_normal(len(response)) * 10 ** (-3 * time / tail_s) * (time > 0.012)
        # Air and walls swallow the top: a running mean over 4 samples rolls off above 6 kHz.
        late = np.convolve(late, np.ones(4) / 4)[: len(late)]
        response[:, channel] = 0.022 * late / np.sqrt(max(0.2, tail_s))
        for delay in map(float, dice.uniform(0.004, 0.032, 8)):
            response[samples(delay), channel] += float(dice.choice((-1, 1))) * 0.16 * np.exp(-delay / 0.02)
        response[0, channel] = gain
    return np.stack([oaconvolve(dry, response[:, channel]) for channel in (0, 1)], axis=1)


def room_tone(count: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """Steady noise with a slope, a broad hump and a trace of hum that differ from clip to clip; shape (count, 2)."""
    frequency = np.fft.rfftfreq(count, 1 / RATE_HZ)
    knee, slope = float(dice.uniform(90, 380)), float(dice.uniform(0.7, 1.15))
    shape = (1 + (frequency / knee) ** 2) ** (-slope / 2) * (frequency > 25)
    hump = float(dice.uniform(250, 2600))
    shape *= 1 + float(dice.uniform(0.5, 2.0)) * np.exp(-((np.log2(np.maximum(frequency, 1) / hump) / 0.7) ** 2))
    common, apart = dice.standard_normal(count), dice.standard_normal((count, 2))
    # The spectrum is that of the whole clip at once, so the tone is as strong at its end as at its start.
    colours = np.fft.irfft(np.fft.rfft(0.8 * common[:, None] + 0.6 * apart, axis=0) * shape[:, None], count, axis=0)
    hum_hz = float(dice.choice((50.0, 60.0)))
    hum = np.sin(2 * np.pi * hum_hz * 2 * np.arange(count) / RATE_HZ + float(dice.uniform(0, 6)))
    tone = colours / colours.std() + 0.25 * hum[:, None]
    return np.asarray(tone / tone.std() * 10 ** (float(dice.uniform(*TONE_DBFS)) / 20))

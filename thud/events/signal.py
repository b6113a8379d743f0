"""Places the event without asking anybody: the strongest onset in the sound, the strongest motion in the picture.

Each is measured on its own, so that one never vouches for the other. What does not stand out is None. It knows no
objects: a bang elsewhere or a gesture before the fall misleads it, so its marks are one opinion among others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import median_filter

from thud.media.frames import every_frame
from thud.media.probe import probe
from thud.media.sound import read_sound
from thud.media.write import MODELS_RATE_HZ, to_models
from thud.records import Clip, Mark, Probe, Verdict

MODEL = "signal_v1"
"""Named in its marks; raise it when the same clip would be placed elsewhere."""

WINDOW, HOP, RISE = 128, 32, 4
"""At 16 kHz: windows of 8 ms every 2 ms; a rise is taken over 4 steps, so that old and new sound do not overlap."""

FLOOR = 0.003
"""Of the loudest bin (−50 dB): what is quieter does not count, so noise that begins after silence is no event."""

NEARLY = 0.8
"""The first onset that is nearly as strong as the strongest is the event; what follows are its repeats."""

LOCAL = 251
"""Steps (0.5 s) whose median is the ordinary restlessness of the sound around an onset."""

LEAST_NOVELTY, LEAST_AUDIO_CONTRAST = 0.2, 8.0
"""An onset rises by 4 dB, averaged over all bins, and stands out of the other rises; steady noise reaches 4 to 5."""

NEAR_S, BEFORE_S = 0.012, 0.06
WIDTH = 80
NOISE_LEVELS = 4.0
"""Changes of a pixel up to this many of 255 levels are the camera's and the codec's."""

CUT_LEVELS, CUT_SHARE = 16.0, 0.5
"""Where half the picture changes by this much from one frame to the next, it is cut or flashes: no motion."""

LEAST_MOTION, LEAST_VISUAL_CONTRAST = 0.05, 2.5
"""Mean levels a pixel, and how far the peak stands out of the clip's own unrest."""

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """A moment that stands out, or None. contrast: how far, in spreads of all else. strength: in its own unit."""

    time_s: float | None
    contrast: float
    strength: float


def place(path: str | Path, known: Probe | None = None) -> tuple[float | None, float | None, dict[str, Any]]:
    """(visual_s, audio_s, what was measured) of a clip; a time is None where nothing stands out. Raises RefusedClip."""
    known = known or probe(path)
    times, motion, cuts = motion_energy(path)
    seen = visual_peak(times, motion, cuts)
    sound = read_sound(path, known)
    heard = audio_onset(to_models(sound).samples[:, 0]) if sound is not None else Found(None, 0.0, 0.0)
    detail = {
        "visual_contrast": round(seen.contrast, 2),
        "audio_contrast": round(heard.contrast, 2),
        "motion": round(seen.strength, 3),
        "novelty": round(heard.strength, 3),
        "cuts": [round(float(t), 3) for t in times[cuts][:20]],
    }
    return seen.time_s, heard.time_s, detail


def signal_mark(annotator: str, clip: Clip) -> Mark:
    """The mark of the signal itself on a clip. Raises RefusedClip."""
    visual_s, audio_s, detail = place(clip.path, clip.probe)
    visual_s, audio_s = _inside(visual_s, clip), _inside(audio_s, clip)
    verdict: Verdict = "placed"
    if visual_s is None and audio_s is None:
        verdict = "uncertain"
    elif not clip.probe.has_sound:
        verdict = "no_sound"
    detail = {"model": MODEL, "prompt": "", "hears": True, **detail}
    save_id = f"{MODEL}:{clip.id}"
    return Mark(clip.id, annotator, visual_s, audio_s, verdict, person=False, save_id=save_id, detail=detail)


def audio_onset(mono: NDArray[np.float32]) -> Found:
    """The first of the strongest onsets of a sound at 16 kHz, shape (samples,), to the sample where it is sharp."""
    novelty = _novelty(mono)
    if novelty.size == 0:
        return Found(None, 0.0, 0.0)
    spread = 1.4826 * float(np.median(np.abs(novelty - np.median(novelty))))
    first = int(np.argmax(novelty >= NEARLY * novelty.max()))
    at = first + int(np.argmax(novelty[first : first + RISE + 1]))
    strength = max(0.0, float(novelty[at]))
    contrast = strength / (spread + 1e-3)
    if strength < LEAST_NOVELTY or contrast < LEAST_AUDIO_CONTRAST:
        return Found(None, contrast, strength)
    return Found(_first_sample(mono, round((at + RISE / 2) * HOP)) / MODELS_RATE_HZ, contrast, strength)


def motion_energy(path: str | Path) -> tuple[Curve, Curve, NDArray[np.bool_]]:
    """(time of each frame, how much it differs from the one before, whether it is a cut); all of shape (frames,).

    The difference is in mean grey levels a pixel, noise taken off; the first frame's is 0. Raises RefusedClip.
    """
    times, motion, cuts = list[float](), list[float](), list[bool]()
    before: NDArray[np.float32] | None = None
    for time_s, picture in every_frame(path):
        height = max(2, round(picture.height * WIDTH / picture.width))
        grey = picture.reformat(width=WIDTH, height=height, format="gray").to_ndarray().astype(np.float32)
        change = np.abs(grey - before) if before is not None and before.shape == grey.shape else np.zeros_like(grey)
        times.append(time_s)
        motion.append(float(np.maximum(change - NOISE_LEVELS, 0).mean()))
        cuts.append(bool((change > CUT_LEVELS).mean() > CUT_SHARE))
        before = grey
    return np.array(times), np.array(motion), np.array(cuts, np.bool_)


def visual_peak(times: Curve, motion: Curve, cuts: NDArray[np.bool_]) -> Found:
    """The frame of the strongest motion that is no cut: things are fastest just when they meet."""
    kept = motion[~cuts]
    if kept.size < 2:
        return Found(None, 0.0, 0.0)
    usual = float(np.median(kept))
    spread = 1.4826 * float(np.median(np.abs(kept - usual)))
    strength = float(kept.max()) - usual
    contrast = strength / (spread + 0.01)
    if strength < LEAST_MOTION or contrast < LEAST_VISUAL_CONTRAST:
        return Found(None, contrast, strength)
    return Found(float(times[~cuts][int(np.argmax(kept))]), contrast, strength)


def _novelty(mono: NDArray[np.float32]) -> Curve:
    """How much more the spectrum rises at each step than it does around it: log10 units, mean over bins."""
    steps = len(mono) // HOP
    if steps <= 2 * RISE:
        return np.zeros(0)
    padded = np.pad(mono.astype(np.float32), WINDOW // 2, mode="reflect")
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:steps]
    spectrum = np.abs(fft.rfft(view * np.hanning(WINDOW).astype(np.float32), axis=1))
    level = np.log10(FLOOR * spectrum.max() + spectrum + 1e-9)
    flux = np.maximum(0, level[RISE:] - level[:-RISE]).mean(axis=1).astype(np.float64)
    return np.asarray(flux - median_filter(flux, size=LOCAL, mode="nearest"))


def _first_sample(mono: NDArray[np.float32], about: int) -> int:
    """The first sample near `about` that is clearly louder than what was before; `about` when there is none."""
    near, before = round(NEAR_S * MODELS_RATE_HZ), round(BEFORE_S * MODELS_RATE_HZ)
    start = max(0, about - near)
    level = np.abs(mono[start : about + near])
    room = float(np.abs(mono[max(0, start - before) : start]).max(initial=0.0))
    louder = np.flatnonzero(level > max(1.5 * room, 0.1 * float(level.max(initial=0.0))))
    return start + int(louder[0]) if len(louder) else about


def _inside(time_s: float | None, clip: Clip) -> float | None:
    return None if time_s is None else round(min(max(0.0, time_s), clip.probe.duration_s), 6)

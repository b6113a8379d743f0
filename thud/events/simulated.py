"""Marks that no model made, for the demo workspace: plausible ones, wrong ones and refusals to say, always the same.

Every one of them says so in its detail. How large the errors are is made up; nothing here says how good a model is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thud.events.frame_units import Unit, windows
from thud.records import Clip, EventTimes, Mark, Verdict


@dataclass(frozen=True, slots=True)
class _Habit:
    """How one annotator errs: lag and spread of its times, how often it is far off, how often it will not say."""

    annotator: str
    model: str
    lag_s: float
    spread_s: float
    outliers: float
    uncertain: float
    hears: bool = False


HABITS = (
    _Habit("gemini", "simulated-gemini", 0.020, 0.060, 0.08, 0.03, hears=True),
    _Habit("gpt", "simulated-gpt", -0.040, 0.120, 0.10, 0.06),
    _Habit("claude", "simulated-claude", 0.060, 0.110, 0.10, 0.06),
)
SOUND_SPREAD_S = 0.045


def simulated_marks(clip: Clip, times: EventTimes, seed: int = 0) -> list[Mark]:
    """One mark each for gemini, gpt and claude around the true times; the same for the same clip, times and seed."""
    units = windows(clip.probe.duration_s)
    return [_simulated(habit, clip, times, units, _dice(clip.id, habit.annotator, seed)) for habit in HABITS]


def _simulated(habit: _Habit, clip: Clip, times: EventTimes, units: Sequence[Unit], dice: np.random.Generator) -> Mark:
    will_not_say, far_off = dice.random() < habit.uncertain, dice.random() < habit.outliers
    visual_s = _erring(times.visual_s, habit, habit.spread_s, far_off, clip, dice)
    audio_s = _erring(times.audio_s, habit, SOUND_SPREAD_S, far_off, clip, dice)
    if not habit.hears or not clip.probe.has_sound:
        audio_s = None
    detail: dict[str, Any] = {
        "model": habit.model,
        "prompt": "",
        "simulated": True,
        "hears": habit.hears,
        "confidence": str(dice.choice(["high", "high", "medium", "low"])) if habit.hears else "",
        "visual_event": clip.title[:200],
        "audio_event": f"{clip.kind} sound".strip() if audio_s is not None else "",
        "sentence": "Made up for the demo; no model was asked.",
    }
    save_id = f"simulated:{clip.id}:{habit.annotator}"
    if will_not_say or (visual_s is None and audio_s is None):
        return Mark(clip.id, habit.annotator, None, None, "uncertain", person=False, save_id=save_id, detail=detail)
    if not habit.hears and visual_s is not None:
        unit = next((u for u in units if visual_s < u.end_s), units[-1])
        detail["unit"] = [unit.start_s, unit.end_s]
    verdict: Verdict = "no_sound" if habit.hears and audio_s is None else "placed"
    return Mark(clip.id, habit.annotator, visual_s, audio_s, verdict, person=False, save_id=save_id, detail=detail)


def _erring(
    true_s: float | None, habit: _Habit, spread_s: float, far_off: bool, clip: Clip, dice: np.random.Generator
) -> float | None:
    """A time near the true one, or anywhere in the clip; whole milliseconds, as models give them."""
    error_s, anywhere = float(dice.normal(habit.lag_s, spread_s)), float(dice.random())
    if true_s is None:
        return None
    duration_s = clip.probe.duration_s
    time_s = anywhere * duration_s if far_off else true_s + error_s
    return min(max(0.0, round(time_s, 3)), duration_s)


def _dice(clip_id: str, annotator: str, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{clip_id} {annotator} {seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))

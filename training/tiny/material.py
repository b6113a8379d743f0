"""The stimuli that pre-training shows: looks drawn once and kept on disk, placed in time and edited by lot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.tiny.clips import LATEST_S, Look, Samples, Scene, draw_look, muted, shifted, sound_of
from training.tiny.feed import Example, hear
from training.tiny.model import HEIGHT, WIDTH
from training.tiny.words import KINDS, Facts

LOOKS_PER_SEED = 2 * len(KINDS)
SHORTEST_S, LONGEST_S = 3.0, 4.6
EDGE_S = 0.3
"""No event is seen or heard closer to an end of its clip."""
NEAREST_S, FARTHEST_S = 0.36, 1.3
"""Offsets lie between these, evenly."""
CONDITIONS = ("original", "early", "delayed", "muted", "swapped")
SHARES = (0.28, 0.26, 0.26, 0.08, 0.12)


def looks(seeds: Iterable[int], kept: Path, count: int = LOOKS_PER_SEED) -> list[Look]:
    """The first `count` looks of each seed, read from `kept` or drawn (about 20 s for 24) and written there."""
    kept.mkdir(parents=True, exist_ok=True)
    found: list[Look] = []
    for seed in seeds:
        for index in range(count):
            path = kept / f"look_{seed}_{index}.npz"
            if not path.is_file():
                _write(path, draw_look(seed, index, WIDTH, HEIGHT))
            found.append(_read(path))
    return found


def _write(path: Path, look: Look) -> None:
    told = np.array([look.kind, look.variant, look.fps, look.contact])
    part = path.with_suffix(".part.npz")
    np.savez(part, told=told, lag_s=look.lag_s, frames=look.frames, sound=look.sound)
    part.replace(path)


def _read(path: Path) -> Look:
    with np.load(path) as row:
        kind, variant, fps, contact = (int(value) for value in row["told"])
        return Look(kind, variant, fps, contact, float(row["lag_s"]), row["frames"], row["sound"])


def draw_scene(look: Look, dice: np.random.Generator) -> Scene:
    """The look in a clip of some length, its event anywhere but at the ends."""
    count = round(dice.uniform(SHORTEST_S, LONGEST_S) * look.fps)
    latest_s = min(count / look.fps - EDGE_S - 0.2, LATEST_S)
    return Scene(look, count, round(dice.uniform(EDGE_S + 0.1, latest_s) * look.fps))


def draw_example(pool: Sequence[Look], look: Look, dice: np.random.Generator, processor: Any) -> Example:
    """A stimulus of the look in a condition drawn by lot; what is swapped in comes from another kind of `pool`."""
    scene = draw_scene(look, dice)
    condition = CONDITIONS[dice.choice(len(CONDITIONS), p=SHARES)]
    sound, heard, audio_s, offset_s = sound_of(scene), look.kind, scene.audio_s, 0.0
    if condition == "muted":
        facts = Facts(look.kind, None, scene.visual_s, audio_s, 0.0)
        return Example(scene, hear(processor, muted(sound)), facts)
    if condition == "swapped":
        donor = _donor(pool, look.kind, dice)
        other = Scene(donor, round(scene.duration_s * donor.fps), round(scene.visual_s * donor.fps))
        sound, heard, audio_s = _as_long(sound_of(other), len(sound)), donor.kind, other.audio_s
    elif condition != "original":
        offset_s = _offset(scene, 1 if condition == "delayed" else -1, dice)
        sound = shifted(sound, offset_s, int(dice.integers(1 << 30)))
    return Example(scene, hear(processor, sound), Facts(look.kind, heard, scene.visual_s, audio_s + offset_s, offset_s))


def _offset(scene: Scene, sign: int, dice: np.random.Generator) -> float:
    """An offset to the wanted side, or to the other where the event would leave the clip."""
    room = {1: scene.duration_s - EDGE_S - scene.audio_s, -1: scene.audio_s - EDGE_S}
    sign = sign if room[sign] > NEAREST_S else -sign
    return sign * float(dice.uniform(NEAREST_S, max(NEAREST_S, min(FARTHEST_S, room[sign]))))


def _donor(pool: Sequence[Look], kind: int, dice: np.random.Generator) -> Look:
    others = [look for look in pool if look.kind != kind]
    return others[int(dice.integers(len(others)))]


def _as_long(sound: Samples, length: int) -> Samples:
    return np.pad(sound, (0, max(0, length - len(sound))))[:length]

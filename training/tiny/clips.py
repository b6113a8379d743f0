"""Clips to learn from: the demo's own scenes and sounds under other seeds, small, and placed anywhere in time.

A look (one scene, camera and voice) is drawn once. From it come any number of clips that differ in length and in the
moment of the event, because before and after the event nothing in the picture moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thud.media.write import MODELS_RATE_HZ, to_models
from thud.stimuli.demo.acoustics import record
from thud.stimuli.demo.canvas import render
from thud.stimuli.demo.cast import ACTS
from thud.stimuli.demo.shot import draw_shot
from thud.stimuli.interventions import mute, shift
from thud.stimuli.room import Room, find_room

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

FPS = 8.0
"""Pictures a second that the tiny model is shown."""

LEAD_S, LENGTH_S = 4.0, 8.5
"""In a look's sound the event's picture is at LEAD_S of LENGTH_S, with room tone on both sides."""
LATEST_S = LEAD_S - 0.1
"""Of no clip can the event come later than this: its sound has no more room tone to begin with."""


@dataclass(frozen=True, slots=True)
class Look:
    """One scene, small. frames: uint8 (n, height, width, 3) at `fps`, contact on frame `contact`, still outside.

    sound: mono at 16 kHz, the picture's contact at LEAD_S; the sound follows `lag_s` later.
    """

    kind: int
    variant: int
    fps: int
    contact: int
    lag_s: float
    frames: Pixels
    sound: Samples


@dataclass(frozen=True, slots=True)
class Scene:
    """A look placed in time: `count` frames of which number `contact` is the first that shows the event."""

    look: Look
    count: int
    contact: int

    @property
    def duration_s(self) -> float:
        return self.count / self.look.fps

    @property
    def visual_s(self) -> float:
        return self.contact / self.look.fps

    @property
    def audio_s(self) -> float:
        return self.visual_s + self.look.lag_s


def draw_look(seed: int, index: int, width: int, height: int) -> Look:
    """Look `index` of `seed`, drawn as the demo draws it and made smaller as a listener makes pictures smaller."""
    act = ACTS[index % len(ACTS)]
    drawn = draw_shot(seed, index, variant=index // len(ACTS) % 2)
    picture = act.scene(drawn)
    before, after = (math.ceil(abs(edge) * drawn.fps) + 1 for edge in picture.moves)
    filmed = render(picture, replace(drawn, contact=before, frames=before + after + 1))
    frames = [np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BICUBIC)) for each in filmed]
    heard = replace(drawn, contact=round(LEAD_S * drawn.fps), frames=round(LENGTH_S * drawn.fps))
    sound = to_models(record(act.voice(heard.dice(10), heard.variant), heard, act.tail_s)).samples[:, 0]
    return Look(index % len(ACTS), drawn.variant, drawn.fps, before, heard.audio_s - LEAD_S, np.stack(frames), sound)


def pictures(scene: Scene) -> Pixels:
    """What a listener sees of the scene: uint8 (even number, height, width, 3), picture k the one shown at k / FPS."""
    count = max(1, math.ceil(scene.duration_s * FPS - 1e-6))
    shown = np.floor(np.arange(count) / FPS * scene.look.fps + 1e-6).astype(int).clip(0, scene.count - 1)
    frames = scene.look.frames[(shown - scene.contact + scene.look.contact).clip(0, len(scene.look.frames) - 1)]
    return np.concatenate([frames, frames[-1:]]) if count % 2 else frames


def sound_of(scene: Scene) -> Samples:
    """The scene's own sound at 16 kHz, (samples of the clip,)."""
    start = round((LEAD_S - scene.visual_s) * MODELS_RATE_HZ)
    assert start >= 0, "an event this late has no sound before it"
    return scene.look.sound[start : start + round(scene.duration_s * MODELS_RATE_HZ)]


def shifted(sound: Samples, offset_s: float, seed: int) -> Samples:
    """The sound moved by `offset_s`, the gap filled with the clip's room tone as the workshop does it."""
    if offset_s == 0:
        return sound
    room = find_room(sound[:, None], MODELS_RATE_HZ)
    return shift(sound[:, None], MODELS_RATE_HZ, offset_s, "room", room, seed)[:, 0]


def muted(sound: Samples) -> Samples:
    """Silence as long as the sound: zeros, as the workshop mutes for models."""
    silent = mute(sound[:, None], MODELS_RATE_HZ, "silence", Room(0.0, 0.0, 0.0, True, sound[:0, None]), 0)
    assert silent is not None
    return silent[:, 0]

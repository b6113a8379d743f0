"""What the tests of listeners share: two small clips with all their stimuli, and their event times."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.sounds import ding, make_ding_clip
from thud.listeners.items import Plan, plan_items
from thud.listeners.media import Media, media_of
from thud.listeners.questions import QUESTION_SETS
from thud.listeners.roster import Listener
from thud.media.encode import write_clip
from thud.media.picture import picture_hash
from thud.media.probe import probe
from thud.records import TASKS, Clip, EventTimes, Item, Stimulus, stimulus_folder
from thud.runs.jobs.ingest import hash_file
from thud.stimuli.build import BuildSettings, build_clip, plan_clip
from thud.stimuli.donors import Donor

DURATION_S, EVENT_S = 2.0, 0.8
SETTINGS = BuildSettings(shifts=(-0.5, 0.5, 0.06), mutes=("silence", "room", "drop_stream"), swap=True)


@dataclass(frozen=True, slots=True)
class World:
    workspace: Path
    clips: Mapping[str, Clip]
    times: Mapping[str, EventTimes]
    stimuli: tuple[Stimulus, ...]

    def plan(self, listener: Listener, **changed: Any) -> Plan:
        asked: dict[str, Any] = {"stimuli": self.stimuli, "clips": self.clips, "times": self.times}
        asked |= {"question_set": QUESTION_SETS["direct"], "tasks": TASKS, "arm": "audio_video"}
        return plan_items(**{**asked, "workspace": self.workspace, "listener": listener, **changed})

    def item(self, listener: Listener, task: str, condition: str, arm: str = "audio_video", **changed: Any) -> Item:
        """One planned item. fill: of the stimulus."""
        fill = changed.pop("fill", "")
        plan = self.plan(listener, tasks=(task,), arm=arm, **changed)
        wanted = {one.id for one in self.stimuli if not fill or one.intervention.fill == fill}
        return next(one for one in plan.items if one.condition == condition and one.stimulus_id in wanted)

    def media(self, item: Item) -> Media:
        return media_of(item, self.clips[item.clip_id], self.workspace, self.clips.get(item.partner))


@cache
def world() -> World:
    """Made once for all tests. Not to be written to."""
    home = Path(tempfile.mkdtemp(prefix="thud-listeners-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return made(home)


def made(home: Path) -> World:
    """The same in a folder of its own."""
    first = make_ding_clip(home / "ding.mp4", DURATION_S, EVENT_S, kind="glass")
    second = _other(home / "dong.mp4")
    clips = {clip.id: clip for clip in (first, second)}
    times = {clip_id: EventTimes(EVENT_S, EVENT_S, "gold") for clip_id in clips}
    pool = [Donor(clip, EVENT_S) for clip in clips.values()]
    stimuli: list[Stimulus] = []
    for clip in clips.values():
        plan = plan_clip(clip, times[clip.id], SETTINGS, pool)
        folder = stimulus_folder(home, clip.id)
        built, refused = build_clip(
            clip, times[clip.id], plan.edits, {one.id: one.path for one in clips.values()}, folder
        )
        assert not plan.refused and not refused
        stimuli += built
    return World(home, clips, times, tuple(stimuli))


def _other(path: Path) -> Clip:
    """Another picture, and another sound at the same time."""
    frames = (np.full((48, 64, 3), 250 - 2 * k, np.uint8) for k in range(round(DURATION_S * 25)))
    write_clip(path, frames, 25, ding(DURATION_S, EVENT_S, pitch_hz=150.0, seed=3))
    return Clip(hash_file(path), str(path), path.stem, probe(path), picture_hash(path), "metal")

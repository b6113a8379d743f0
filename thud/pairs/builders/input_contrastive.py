"""Input-contrastive pairs: one answer, right of the sound that is shown and wrong of another one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import (
    Placed,
    facts_of,
    pair_of,
    placed,
    register_of,
    shown,
    stimuli_of,
)
from thud.pairs.builders.swap import FOREIGN, sound_of
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import drawn, words_of
from thud.records import Clip, Stimulus

type: Type = "input"
teaches = "needs the right sound"
needs = "stimuli"

NONE = "It needs its original and at least one edited sound; build them on Interventions first."
LABELS = {"mute": ("existence", "audio_described", "muted"), "swap": ("consistency", "match", "mismatched")}


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """Every two stimuli of the clip of which one question has two answers, each of them shown once."""
    clip = material.clips[clip_id]
    original, shifts, why = placed(material, clip_id)
    found = [*_in_time(clip, original, shifts), *_in_kind(material, clip)]
    lost = [one for one in why if one.subject != clip_id]
    return found, lost if found else [*why, Lost(clip_id, NONE)]


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses: the same on both sides."""
    told, clip, twin = situation.facts, situation.clip, situation.twin
    assert twin is not None
    task = told["task"]
    words = drawn(task, draw, ("timed", "timed", "short") if task == "sync" else (register_of(situation.stimulus),))
    sound = ""
    if task == "consistency" and situation.label == "mismatched":
        sound = sound_of(material, situation.stimulus) or FOREIGN[int(draw.random() * len(FOREIGN))]
    said = words.tell(situation.label, facts_of(material, clip, told.get("visual_s"), told.get("audio_s"), sound))
    return pair_of(situation, material, words, said, said, rejected_shown=shown(clip, twin))


def _in_time(clip: Clip, original: Placed | None, shifts: Sequence[Placed]) -> Iterator[Situation]:
    of_sync = ([original] if original is not None else []) + list(shifts)
    for one in of_sync:
        for twin in of_sync:
            if one.label == twin.label:
                continue
            facts = {"task": "sync", "visual_s": one.visual_s, "audio_s": one.audio_s}
            yield Situation(type, clip, one.stimulus, one.offset_s, one.label, one.label, twin.stimulus, facts)


def _in_kind(material: Material, clip: Clip) -> Iterator[Situation]:
    """The original against what was muted or swapped, both ways round."""
    for original in stimuli_of(material, clip.id, "original")[:1]:
        for kind, (task, plain, edited) in LABELS.items():
            for one in stimuli_of(material, clip.id, kind):
                if not _plain(one, material, clip):
                    continue
                facts = {"task": task}
                yield Situation(type, clip, original, None, plain, plain, one, facts)
                yield Situation(type, clip, one, None, edited, edited, original, facts)


def _plain(one: Stimulus, material: Material, clip: Clip) -> bool:
    """Whether the two sounds can be told apart in words."""
    return one.intervention.kind == "mute" or sound_of(material, one) != words_of(material, clip).heard

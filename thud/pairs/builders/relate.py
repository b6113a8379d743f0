"""Relate pairs: in time, early, late or silent? Answered in a few words, so that a small model can learn to say them.

Rejected is each of the three other answers in turn, so that no word of them is always wrong.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import facts_of, missing, pair_of, placed, stimuli_of
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import drawn
from thud.records import Stimulus

type: Type = "relate"
teaches = "tells four conditions apart"
needs = "times"

ANSWERS = ("synced", "early", "delayed", "muted")


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """For the original, each shift whose direction is plain and digital silence: one for each wrong answer."""
    clip = material.clips[clip_id]
    original, shifts, why = placed(material, clip_id)
    shown: list[tuple[Stimulus, float | None, str]] = []
    if original is not None:
        shown.append((original.stimulus, None, "synced"))
    shown += [(one.stimulus, one.offset_s, one.label) for one in shifts]
    if original is not None:  # of a clip that gives no other class, silence would be told by its picture
        muted = [one for one in stimuli_of(material, clip_id, "mute") if one.intervention.fill == "silence"]
        shown += [(one, None, "muted") for one in muted]
    found = [
        Situation(type, clip, stimulus, offset_s, label, rejects)
        for stimulus, offset_s, label in shown
        for rejects in ANSWERS
        if rejects != label
    ]
    return found, missing(original, why, clip_id)


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses; read, like every answer about time, as one about sync."""
    words = drawn("relate", draw, ("short",))
    facts = facts_of(material, situation.clip, None, None)
    chosen, rejected = words.tell(situation.label, facts), words.tell(situation.rejects, facts)
    return pair_of(situation, material, words, chosen, rejected, task="sync")

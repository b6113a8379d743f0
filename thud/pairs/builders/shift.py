"""Shift pairs: the sound is shifted; chosen says which way and how far, rejected claims sync or the other way."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import MARGIN_S, NO_SHIFT, NO_TIMES, Placed, facts_of, pair_of, placed
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import LEAST_GAP_S, drawn
from thud.records import Clip

type: Type = "shift"
teaches = "hears early or late"
needs = "times"

NO_ROOM = "The event is so near to an edge that the wrong direction cannot be told with a time inside the clip."
OTHER_WAY = {"early": "delayed", "delayed": "early"}


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """For each shifted sound: one that rejects "in sync", and one that rejects the other direction."""
    clip = material.clips[clip_id]
    _, shifts, why = placed(material, clip_id)
    lost = [one for one in why if one.subject != clip_id or one.reason == NO_TIMES]
    found: list[Situation] = []
    for one in shifts:
        for rejects in ("synced", OTHER_WAY[one.label]):
            if (wrong_s := _claimed(one, clip, rejects)) is None:
                lost.append(Lost(one.stimulus.id, NO_ROOM))
                continue
            facts = {"visual_s": one.visual_s, "audio_s": one.audio_s, "wrong_s": wrong_s}
            found.append(Situation(type, clip, one.stimulus, one.offset_s, one.label, rejects, facts=facts))
    if not shifts and not lost:
        lost.append(Lost(clip_id, NO_SHIFT))
    return found, lost


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses; both answers name both times."""
    told, clip = situation.facts, situation.clip
    words = drawn("sync", draw, ("timed",))
    right = facts_of(material, clip, told["visual_s"], told["audio_s"])
    wrong = facts_of(material, clip, told["visual_s"], told["wrong_s"])
    chosen, rejected = words.tell(situation.label, right), words.tell(situation.rejects, wrong)
    return pair_of(situation, material, words, chosen, rejected)


def _claimed(one: Placed, clip: Clip, rejects: str) -> float | None:
    """When the wrong answer says the sound comes: with the picture, or as far off the other way as there is room."""
    if rejects == "synced":
        return one.visual_s
    before, after = one.visual_s - MARGIN_S, clip.probe.duration_s - MARGIN_S - one.visual_s
    gap_s = min(abs(one.gap_s), before if rejects == "early" else after)
    if gap_s < LEAST_GAP_S + 0.05:
        return None
    return one.visual_s + (gap_s if rejects == "delayed" else -gap_s)

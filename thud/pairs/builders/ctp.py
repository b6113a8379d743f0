"""CTP pairs: one clip with its sound in place and shifted; what is right of one of the two is wrong of the other."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import NO_SHIFT, Placed, facts_of, missing, pair_of, placed
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import drawn

type: Type = "CTP"
teaches = "follows the sound"
needs = "times"


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """Every two stimuli of the clip whose answers differ, each of them shown once."""
    original, shifts, why = placed(material, clip_id)
    lost = list(missing(original, why, clip_id))
    found = [
        Situation(
            type,
            material.clips[clip_id],
            one.stimulus,
            one.offset_s,
            one.label,
            twin.label,
            twin.stimulus,
            {"visual_s": one.visual_s, "audio_s": one.audio_s, "wrong_s": twin.audio_s},
        )
        for one, twin in _twins(original, shifts)
    ]
    if not shifts and not lost:
        lost.append(Lost(clip_id, NO_SHIFT))
    return found, lost


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses; both answers are of one phrasing, so that only listening tells."""
    told, clip = situation.facts, situation.clip
    words = drawn("sync", draw, ("timed", "timed", "short"))
    right = facts_of(material, clip, told["visual_s"], told["audio_s"])
    wrong = facts_of(material, clip, told["visual_s"], told["wrong_s"])
    chosen, rejected = words.tell(situation.label, right), words.tell(situation.rejects, wrong)
    return pair_of(situation, material, words, chosen, rejected)


def _twins(original: Placed | None, shifts: Sequence[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """(shown, twin): the original with every shift, both ways round, and shifts with those of the other direction."""
    if original is not None:
        for one in shifts:
            yield original, one
            yield one, original
    for one in shifts:
        for twin in shifts:
            if one.label != twin.label:
                yield one, twin

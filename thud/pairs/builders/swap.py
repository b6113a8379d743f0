"""Swap pairs: the sound is another clip's; chosen says that it is not the event's, rejected takes it for it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import facts_of, pair_of, stimuli_of
from thud.pairs.event_words import UNKNOWN
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import drawn, words_of
from thud.records import Stimulus

type: Type = "swap"
teaches = "hears a foreign sound"
needs = "stimuli"

NONE = "No swapped sound was built for it; build one on Interventions first."
ALIKE = "The sound put in is called the same as its own, so nothing in words would tell them apart."
FOREIGN = ("the sound of something else", "a sound of another kind", "the noise of another thing")


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """For each swapped sound: one that takes the sound as it is for the event's, and one that hears the expected."""
    clip = material.clips[clip_id]
    swapped, lost = stimuli_of(material, clip_id, "swap"), list[Lost]()
    found: list[Situation] = []
    for one in swapped:
        if (named := sound_of(material, one)) == words_of(material, clip).heard:
            lost.append(Lost(one.id, ALIKE))
            continue
        for facts in ({"hears": "own"}, {"hears": "donor"})[: 2 if named else 1]:
            found += [Situation(type, clip, one, None, "mismatched", "match", facts=facts)]
    return found, lost if swapped else [Lost(clip_id, NONE)]


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses."""
    words = drawn("consistency", draw)
    sound = sound_of(material, situation.stimulus) or FOREIGN[int(draw.random() * len(FOREIGN))]
    right = facts_of(material, situation.clip, None, None, sound)
    wrong = right if situation.facts["hears"] == "donor" else facts_of(material, situation.clip, None, None)
    chosen, rejected = words.tell(situation.label, right), words.tell(situation.rejects, wrong)
    pair = pair_of(situation, material, words, chosen, rejected)
    pair.origin["donor"] = situation.stimulus.intervention.donor
    return pair


def sound_of(material: Material, stimulus: Stimulus) -> str:
    """What is heard in a swapped stimulus, "" where the donor's sound has no name."""
    donor = stimulus.intervention.donor
    words = words_of(material, material.clips[donor]) if donor in material.clips else material.words.get(donor, UNKNOWN)
    return "" if words.heard == UNKNOWN.heard else words.heard

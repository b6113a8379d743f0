"""Mute pairs: the sound is gone; chosen says so and names what is absent, rejected hears what one would expect."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import facts_of, pair_of, register_of, stimuli_of
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import drawn

type: Type = "mute"
teaches = "hears silence"
needs = "stimuli"

NONE = "No muted sound was built for it; build one on Interventions first."


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """One for each muted sound, be it digital silence or room tone."""
    clip, muted = material.clips[clip_id], stimuli_of(material, clip_id, "mute")
    found = [Situation(type, clip, one, None, "muted", "audio_described") for one in muted]
    return found, [] if muted else [Lost(clip_id, NONE)]


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses; where room tone is left, both answers speak of it."""
    words = drawn("existence", draw, (register_of(situation.stimulus),))
    facts = facts_of(material, situation.clip, None, None)
    chosen, rejected = words.tell(situation.label, facts), words.tell(situation.rejects, facts)
    return pair_of(situation, material, words, chosen, rejected)

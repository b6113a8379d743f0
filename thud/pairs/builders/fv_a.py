"""FV-A: multiple choice that only the sound answers, in short. Kept: what listeners without sound got wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.choosing import choice_pair, choice_situations
from thud.pairs.builders.general import pick, texts
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type

type: Type = "FV-A"
teaches = "answers by listening"
needs = "choices"


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """A situation per question about the clip's sound and per wrong option; why the other questions give none."""
    return choice_situations(type, material, clip_id)


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The question with its options in a drawn order, answered by letter or by letter and option."""
    del material
    at, form = pick(texts("fv_a")["forms"], draw)
    return choice_pair(situation, draw, form, f"fv_a/{at}")

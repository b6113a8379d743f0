"""LV-MCQA: general multiple choice about video, so that what a model could do before is not forgotten."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.choosing import choice_pair, choice_situations
from thud.pairs.builders.general import pick, texts
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type

type: Type = "LV-MCQA"
teaches = "keeps general video skill"
needs = "choices"


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """A situation per general question about the clip and per wrong option; why the other questions give none."""
    return choice_situations(type, material, clip_id)


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The question with its options in a drawn order, answered by letter, by letter and option, or in a sentence."""
    del material
    at, form = pick(texts("lv_mcqa")["forms"], draw)
    return choice_pair(situation, draw, form, f"lv_mcqa/{at}")

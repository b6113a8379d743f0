"""What the builders of general-video pairs share: the stimulus they show, their template files, drawn letters."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from thud.evaluation.benchmarks.question import LETTERS
from thud.pairs.builders.common import stimuli_of
from thud.pairs.families import shipped
from thud.pairs.material import Choice, Material
from thud.records import Stimulus

NOT_BUILT = "Its original sound is not built and verified yet; build soundtracks first"
MOST_OPTIONS = 4


@cache
def texts(name: str) -> Mapping[str, Any]:
    """The phrasings of one pair type, as its template file groups them."""
    return shipped(name)


def original_of(material: Material, clip_id: str) -> Stimulus | None:
    """The clip with its own sound unchanged, None where that is not built and verified."""
    return next(iter(stimuli_of(material, clip_id, "original")), None)


def pick(values: Sequence[Any], draw: random.Random) -> tuple[int, Any]:
    """(place, value) of one of the values."""
    at = int(draw.random() * len(values))
    return at, values[at]


def lettered_anew(choice: Choice, wrong: str, draw: random.Random) -> tuple[tuple[tuple[str, str], ...], str, str]:
    """(options, right letter, wrong letter) with the options in an order that `draw` chooses, so letters tell nothing.

    wrong: the letter, in the choice, of the option that the rejected answer takes. Of more than four options these two
    and others that `draw` chooses stay.
    """
    rest = [letter for letter, _ in choice.options if letter not in (choice.answer, wrong)]
    kept = [choice.answer, wrong, *draw.sample(rest, min(len(rest), MOST_OPTIONS - 2))]
    draw.shuffle(kept)
    said = dict(choice.options)
    options = tuple((letter, said[old]) for letter, old in zip(LETTERS, kept, strict=False))
    return options, LETTERS[kept.index(choice.answer)], LETTERS[kept.index(wrong)]

"""FV-A-L: FV-A with letter, option and what speaks for it. The rejected answer argues for its own, wrong option.

In a set where both answers give the same reason, only the letter is taught; here each reason fits its own option.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.choosing import choice_pair, choice_situations
from thud.pairs.builders.general import texts
from thud.pairs.material import Choice, Material, Segment
from thud.pairs.pair import Pair, Type
from thud.pairs.said import bare, capital, moment

type: Type = "FV-A-L"
teaches = "listens and says why"
needs = "choices"


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """A situation per question about the clip's sound and per wrong option; why the other questions give none."""
    return choice_situations(type, material, clip_id)


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The question with its options in a drawn order; each answer with a reason for the option that it takes."""
    choice: Choice = situation.facts["choice"]
    said = dict(choice.options)
    right, wrong = bare(said[choice.answer]), bare(said[situation.facts["wrong"]])
    heard_in = _segment_of(material, choice.clip_id, right)
    kind = "own" if (told := _own_reason(choice, right)) else "grounded" if heard_in else "plain"
    if told:
        reasons, at = (capital(told), capital(_replaced(told, right, wrong))), (0, 0)
    else:
        many = texts("fv_a_l")[kind]
        first, second = draw.sample(range(len(many)), 2)
        at = (first, second)
        about = _about(heard_in) if heard_in else {}
        reasons = (many[first].format(option=right, **about), many[second].format(option=wrong, **about))
    return choice_pair(situation, draw, texts("fv_a_l"), f"fv_a_l/{kind}/{at[0]}-{at[1]}", reasons)


def _segment_of(material: Material, clip_id: str, sound: str) -> Segment | None:
    """The described stretch in which that sound is heard."""
    many = material.segments.get(clip_id, ())
    return next((one for one in many if sound.lower() in (bare(each).lower() for each in one.sounds)), None)


def _about(segment: Segment) -> dict[str, str]:
    start, end = moment(segment.start_s), moment(segment.end_s)
    return {"start": start, "end": end, "seen": bare(segment.description)}


def _own_reason(choice: Choice, right: str) -> str:
    """What the question's author says for the right option; "" where it does not name it and only it."""
    why = bare(" ".join(choice.why.split()))
    others = [bare(text) for letter, text in choice.options if letter != choice.answer]
    return why if _named(why, right) and not any(_named(why, other) for other in others) else ""


def _named(text: str, option: str) -> bool:
    return bool(_pattern(option).search(text))


def _replaced(text: str, right: str, wrong: str) -> str:
    return _pattern(right).sub(lambda match: wrong if match[0][:1].isupper() else _lower(wrong), text)


def _lower(option: str) -> str:
    """With a small first letter, as in the middle of a sentence, unless it is a name or stands alone ("A", "I")."""
    return option[:1].lower() + option[1:] if option[1:2].islower() else option


def _pattern(option: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(option)}(?!\w)", re.IGNORECASE)

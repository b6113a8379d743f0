"""What FV-A, FV-A-L and LV-MCQA share: which choice questions can be used, and how one is asked and answered."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import shown
from thud.pairs.builders.general import MOST_OPTIONS, NOT_BUILT, lettered_anew, original_of, pick
from thud.pairs.material import Choice, Material
from thud.pairs.pair import Pair
from thud.pairs.said import bare

NO_AUDIO = "No question about its sound is known"
NO_GENERAL = "No general choice question about it is known"
GUESSED = "A listener without sound gets it right"
NOT_ASKED = "No listener without sound was asked about it yet"
FEW = "It has fewer than four options, so its letters could not be spread"
TIED = "An option speaks of other options or of their letters, so they cannot change places"
SAME = "Two of its options are the same"
_TIED = re.compile(
    r"(?i:\b(?:all|none|both|neither|any|either)\s+(?:of\s+)?(?:the\s+)?(?:above|these|others|options|answers)\b|\babove$)"
    r"|(?i:\b(?:option|choice|answer)s?)\s+\(?[A-H]\)?(?!\w)|\b(?i:both|neither)\s+\(?[A-H]\)?\s+(?:and|nor)\b"
)


def choice_situations(type_: str, material: Material, clip_id: str) -> tuple[list[Situation], list[Lost]]:
    """A situation per question and wrong option. LV-MCQA takes general questions, the other types those about sound."""
    family = "general" if type_ == "LV-MCQA" else "audio"
    asked = [one for one in material.choices.get(clip_id, ()) if one.family == family]
    if not asked:
        return [], [Lost(clip_id, NO_AUDIO if family == "audio" else NO_GENERAL)]
    stimulus = original_of(material, clip_id)
    if stimulus is None:
        return [], [Lost(clip_id, NOT_BUILT)]
    clip, found, lost = material.clips[clip_id], [], []
    for choice in asked:
        if reason := _unfit(choice, material):
            lost.append(Lost(clip_id, reason))
            continue
        for letter, _ in choice.options:
            if letter != choice.answer:
                facts = {"choice": choice, "wrong": letter}
                found.append(Situation(type_, clip, stimulus, None, "", "wrong option", facts=facts))
    return found, lost


def _unfit(choice: Choice, material: Material) -> str:
    texts = [bare(text).lower() for _, text in choice.options]
    if len(texts) < MOST_OPTIONS:
        return FEW
    if len(set(texts)) < len(texts):
        return SAME
    if any(_TIED.search(text) for _, text in choice.options):
        return TIED
    if choice.family != "audio":
        return ""
    passed = material.picture_only.get(choice.id)
    return NOT_ASKED if passed is None else "" if passed else GUESSED


def choice_pair(
    situation: Situation,
    draw: random.Random,
    form: Mapping[str, Sequence[str]],
    name: str,
    reasons: tuple[str, str] = ("", ""),
) -> Pair:
    """The pair in one form: how it is asked, and one phrasing for both answers, so that only what they say differs.

    reasons: what speaks for the right option and for the wrong one, where the form's phrasings have a place for it.
    """
    choice: Choice = situation.facts["choice"]
    options, right, wrong = lettered_anew(choice, situation.facts["wrong"], draw)
    said = dict(options)
    lines = "\n".join(f"{letter}. {bare(text)}" for letter, text in options)
    ask_at, ask = pick(form["asks"], draw)
    answer_at, answer = pick(form["answers"], draw)
    chosen, rejected = (
        answer.format(letter=letter, option=bare(said[letter]), reason=reason)
        for letter, reason in ((right, reasons[0]), (wrong, reasons[1]))
    )
    return Pair(
        type=situation.type,
        prompt=ask.format(question=choice.question.strip(), options=lines).strip(),
        chosen=chosen,
        rejected=rejected,
        shown=shown(situation.clip, situation.stimulus),
        clip_id=situation.clip.id,
        stimulus_id=situation.stimulus.id,
        source=situation.clip.source,
        task="choice",
        condition=situation.stimulus.condition,
        duration_s=situation.clip.probe.duration_s,
        label=right,
        rejected_label=wrong,
        options=tuple((letter, bare(text)) for letter, text in options),
        template=f"{name}/{ask_at}/{answer_at}",
        origin=_origin(choice),
    )


def _origin(choice: Choice) -> dict[str, Any]:
    return {"choice": choice.id, "family": choice.family}

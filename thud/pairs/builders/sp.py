"""SP pairs: rejected is what a listener really said and got wrong, chosen the right answer in the form asked for."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.evaluation.scoring import ABSENT
from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import facts_of, fit, pair_of, placed, register_of
from thud.pairs.builders.swap import FOREIGN, sound_of
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.reference import Said, reference_answer
from thud.records import Item, Response, Stimulus, content_id

type: Type = "SP"
teaches = "unlearns its own mistakes"
needs = "responses"

NONE = "No listener got it wrong in a recorded run; ask one on Listeners first."
OTHER_INPUT = "It was asked with picture and sound not as they are in the clip."
NO_ANSWER = "The listener gave no answer that could be read."
GONE = "What it was asked about is no longer built or proven."
RIGHT = "The listener was right."
NO_TRUTH = "What would be right cannot be told in words: its times are not settled or not plain."


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """One for each wrong answer that a listener gave; the same words to the same question count once."""
    responses = material.wrong.get(clip_id, ())
    if not responses:
        return [], [Lost(clip_id, NONE)]
    known = {one.id: one for one in material.stimuli.get(clip_id, ())}
    plain = _plain(material, clip_id)
    found, lost, seen = list[Situation](), list[Lost](), set[str]()
    for response in sorted(responses, key=lambda one: one.id):
        item = response.item
        if why := _unfit(response, known.get(item.stimulus_id), plain):
            lost.append(Lost(response.id, why))
            continue
        key = content_id(item.stimulus_id, item.text, response.text)
        if key not in seen:
            seen.add(key)
            stimulus, label = known[item.stimulus_id], response.answer.label
            facts = {"response": response}
            shift = item.offset_s if stimulus.intervention.kind == "shift" else None
            clip = material.clips[clip_id]
            found.append(Situation(type, clip, stimulus, shift, item.expected, label, facts=facts))
    return found, lost


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The listener's words as rejected; the reference beside them in phrasings that `draw` chooses."""
    response: Response = situation.facts["response"]
    item, clip = response.item, situation.clip
    times, sound = material.times.get(clip.id), ""
    if item.condition == "swapped":
        sound = sound_of(material, situation.stimulus) or FOREIGN[int(draw.random() * len(FOREIGN))]
    visual_s = None if times is None else times.visual_s
    audio_s = None if times is None or times.audio_s is None else times.audio_s + (situation.offset_s or 0.0)
    told: Said = reference_answer(
        item, facts_of(material, clip, visual_s, audio_s, sound), draw, register_of(situation.stimulus)
    )
    pair = pair_of(situation, material, told.words, told.text, response.text, **_asked(item, told))
    pair.origin.update(response=response.id, listener=response.listener, question=item.question_id)
    return pair


def _asked(item: Item, told: Said) -> dict[str, object]:
    return {"prompt": item.text, "task": item.task, "options": told.options, "template": told.template}


def _plain(material: Material, clip_id: str) -> frozenset[str]:
    """Ids of the stimuli about whose sync the truth can be told."""
    original, shifts, _ = placed(material, clip_id)
    return frozenset(one.stimulus.id for one in (*([original] if original else []), *shifts))


def _unfit(response: Response, stimulus: Stimulus | None, plain: frozenset[str]) -> str:
    """Why nothing can be learnt from this answer, "" when something can."""
    item, label = response.item, response.answer.label
    if item.arm != "audio_video":
        return OTHER_INPUT
    if response.outcome != "ok" or label in ABSENT or not response.text.strip():
        return NO_ANSWER
    if stimulus is None or not fit(stimulus):
        return GONE
    if label == item.expected:
        return RIGHT
    return NO_TRUTH if item.task == "sync" and stimulus.id not in plain else ""

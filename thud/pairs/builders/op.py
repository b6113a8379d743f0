"""OP pairs: the original; chosen is the annotated answer, rejected the same with one component wrong.

What is wrong may also be whether there is a sound, or whose it is: with mute and swap pairs alone a model would learn
to say "silent" and "foreign" whatever it hears.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import MARGIN_S, Placed, facts_of, missing, others, pair_of, placed
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Type
from thud.pairs.wording import Facts, drawn, words_of
from thud.records import Clip

type: Type = "OP"
teaches = "places picture and sound"
needs = "times"

MOVED_S, FARTHEST_S = 0.8, 2.0
"""A wrong time is this far from the right one, at least and at most."""
ALONE = "No other clip shows another event, so none can be named wrongly."
SHORT = "The clip is too short to place its event 0.8 s away inside it."


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """One for each component that can be made wrong: the event, either time or both, the sound and whose it is."""
    clip = material.clips[clip_id]
    original, _, why = placed(material, clip_id)
    lost = [one for one in missing(original, why, clip_id) if one.subject == clip_id]
    if original is None:
        return [], lost
    end_s, found = clip.probe.duration_s - MARGIN_S, list[Situation]()

    def add(part: str, sign: int, rejects: str, room_s: float, names: Sequence[str] = ()) -> None:
        if room_s >= MOVED_S:
            facts = {"part": part, "sign": sign, "room_s": min(room_s, FARTHEST_S), "audio_s": original.audio_s}
            facts |= {"visual_s": original.visual_s, "names": names}
            found.append(Situation(type, clip, original.stimulus, None, "synced", rejects, facts=facts))

    seen_s, heard_s = original.visual_s, original.audio_s
    add("audio", 1, "delayed", end_s - heard_s)
    add("audio", -1, "early", heard_s - MARGIN_S)
    add("visual", 1, "early", end_s - seen_s)
    add("visual", -1, "delayed", seen_s - MARGIN_S)
    add("both", 1, "synced", end_s - max(seen_s, heard_s))
    add("both", -1, "synced", min(seen_s, heard_s) - MARGIN_S)
    if not found:
        lost.append(Lost(clip_id, SHORT))
    if names := others(material, clip):
        add("event", 0, "synced", FARTHEST_S, names)
        found.append(_about_sound("source", "match", "mismatched", original, clip, names))
    else:
        lost.append(Lost(clip_id, ALONE))
    found.append(_about_sound("presence", "audio_described", "muted", original, clip))
    return found, lost


def _about_sound(
    part: str, label: str, rejects: str, original: Placed, clip: Clip, names: Sequence[str] = ()
) -> Situation:
    facts = {"part": part, "names": names}
    return Situation(type, clip, original.stimulus, None, label, rejects, facts=facts)


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The situation in words that `draw` chooses; where a time or the event is wrong, the question asks for times."""
    if situation.facts["part"] in ("presence", "source"):
        return _write_sound(situation, material, draw)
    words = drawn("sync", draw, ("timed",), timed=True)
    right = facts_of(material, situation.clip, situation.facts["visual_s"], situation.facts["audio_s"])
    wrong = _wrong(right, situation, material, draw)
    chosen, rejected = words.tell("synced", right), words.tell(situation.rejects, wrong)
    pair = pair_of(situation, material, words, chosen, rejected)
    pair.origin["wrong"] = situation.facts["part"]
    return pair


def _write_sound(situation: Situation, material: Material, draw: random.Random) -> Pair:
    told, clip = situation.facts, situation.clip
    right = wrong = facts_of(material, clip, None, None)
    if told["part"] == "presence":
        words = drawn("existence", draw, ("plain",))
    else:
        words = drawn("consistency", draw)
        foreign = words_of(material, material.clips[_one_of(told["names"], draw)]).heard
        wrong = facts_of(material, clip, None, None, foreign)
    chosen, rejected = words.tell(situation.label, right), words.tell(situation.rejects, wrong)
    pair = pair_of(situation, material, words, chosen, rejected)
    pair.origin["wrong"] = told["part"]
    return pair


def _one_of(names: Sequence[str], draw: random.Random) -> str:
    return names[int(draw.random() * len(names))]


def _wrong(right: Facts, situation: Situation, material: Material, draw: random.Random) -> Facts:
    told = situation.facts
    if told["part"] == "event":
        return replace(right, words=words_of(material, material.clips[_one_of(told["names"], draw)]))
    most = int(round(told["room_s"] * 10, 6))
    moved_s = told["sign"] * draw.randint(round(MOVED_S * 10), most) / 10
    assert right.visual_s is not None and right.audio_s is not None
    return replace(
        right,
        visual_s=right.visual_s + (moved_s if told["part"] in ("visual", "both") else 0.0),
        audio_s=right.audio_s + (moved_s if told["part"] in ("audio", "both") else 0.0),
    )

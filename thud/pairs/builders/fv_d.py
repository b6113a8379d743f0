"""FV-D: what happens, when it happens, which sound goes with it and what makes a sound; from described segments.

The wrong answer is right about something else: another segment's description, interval or sound.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.builders.common import shown
from thud.pairs.builders.general import NOT_BUILT, original_of, pick, texts
from thud.pairs.material import Material, Segment
from thud.pairs.pair import Pair, Type
from thud.pairs.said import alike, bare, capital, moment
from thud.pairs.segment_words import overlap
from thud.records import Clip

type: Type = "FV-D"
teaches = "describes what happens when"
needs = "segments"

NO_SEGMENT = "No stretch of it is described"
NO_SOUND = "No sound is named for a described stretch"
NO_OTHER = "No other stretch is described in other words"
NO_OTHER_SOUND = "No other sound is named in other words"
COVERS = "A described stretch fills so much of the clip that no other interval is clearly wrong"
MOST_OVERLAP = 0.2
"""A wrong interval shares less than this with the right one (intersection over union)."""
_STRIDE = 7919
"""Prime, so that steps of it visit every segment once, neighbours far apart."""
REJECTS = {"describe": "description", "locate": "localization", "sound": "attribution", "source": "attribution"}
TASKS = {"describe": "describe", "locate": "locate", "sound": "attribute", "source": "attribute"}
_TRIES = 40


@dataclass(frozen=True, slots=True)
class _Pool:
    """All segments in one order, and those with sounds."""

    material: Material
    segments: tuple[Segment, ...]
    sounding: tuple[Segment, ...]


def situations(material: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
    """Up to four situations per segment and sound: describe, locate, name the sound, name what makes it."""
    segments = material.segments.get(clip_id, ())
    if not segments:
        return [], [Lost(clip_id, NO_SEGMENT)]
    stimulus = original_of(material, clip_id)
    if stimulus is None:
        return [], [Lost(clip_id, NOT_BUILT)]
    clip, pool, lost = material.clips[clip_id], _pool(material), []
    found = []
    for segment in segments:
        for asks, sound, reason in _possible(segment, clip, pool):
            if reason:
                lost.append(Lost(clip_id, reason))
                continue
            facts = {"asks": asks, "segment": segment, "sound": sound}
            found.append(Situation(type, clip, stimulus, None, "", REJECTS[asks], facts=facts))
    return found, lost


def write(situation: Situation, material: Material, draw: random.Random) -> Pair:
    """The question, the segment's own answer, and in the same phrasing one that is not true of it."""
    asks, segment, sound = (situation.facts[name] for name in ("asks", "segment", "sound"))
    clip = situation.clip
    true = _said(segment, sound, clip)
    false = {**true, **_false(asks, segment, sound, clip, _pool(material), draw)}
    ask_at, ask = pick(texts("fv_d")[asks]["questions"], draw)
    answer_at, answer = pick(texts("fv_d")[asks]["answers"], draw)
    return Pair(
        type=situation.type,
        prompt=ask.format(**true),
        chosen=capital(answer.format(**true)),
        rejected=capital(answer.format(**false)),
        shown=shown(clip, situation.stimulus),
        clip_id=clip.id,
        stimulus_id=situation.stimulus.id,
        source=clip.source,
        task=TASKS[asks],
        condition=situation.stimulus.condition,
        duration_s=clip.probe.duration_s,
        template=f"fv_d/{asks}/{ask_at}/{answer_at}",
        origin={"segment": segment.id, "by": segment.by, "rejects": situation.rejects},
    )


def _possible(segment: Segment, clip: Clip, pool: _Pool) -> Iterator[tuple[str, str, str]]:
    """(what is asked, sound, why not) of a segment."""
    there = _there(segment, pool)
    other = next(_other_segments(segment, there, pool.segments), None)
    yield "describe", "", "" if other else NO_OTHER
    yield "locate", "", "" if _extremes(segment, clip.probe.duration_s) else COVERS
    if not segment.sounds:
        yield "sound", "", NO_SOUND
    for sound in segment.sounds:
        yield "sound", sound, "" if next(_other_sounds(segment, there, pool.sounding), None) else NO_OTHER_SOUND
        yield "source", sound, "" if next(_other_causes(segment, sound, there, pool.segments), None) else NO_OTHER


def _said(segment: Segment, sound: str, clip: Clip) -> dict[str, str]:
    start_s, end_s = _rounded(segment.start_s, segment.end_s, clip.probe.duration_s)
    description = bare(segment.description)
    return {"description": description, "sound": bare(sound), "start": moment(start_s), "end": moment(end_s)}


def _rounded(start_s: float, end_s: float, duration_s: float) -> tuple[float, float]:
    """To tenths of a second as they are said, never past the clip's end."""
    last_s = int(duration_s * 10) / 10
    return round(start_s, 1), max(min(round(end_s, 1), last_s), round(start_s, 1) + 0.1)


def _false(asks: str, segment: Segment, sound: str, clip: Clip, pool: _Pool, draw: random.Random) -> dict[str, str]:
    if asks == "locate":
        start_s, end_s = _wrong_interval(segment, _own(pool.segments, clip.id), clip.probe.duration_s, draw)
        return {"start": moment(start_s), "end": moment(end_s)}
    there = _there(segment, pool)
    if asks == "sound":
        many = _from(draw, pool.sounding, segment.clip_id)
        return {"sound": bare(_best(_other_sounds(segment, there, many), sound))}
    many = _from(draw, pool.segments, segment.clip_id)
    if asks == "source":
        return {"description": bare(_best(_other_causes(segment, sound, there, many), segment.description))}
    return {"description": bare(_best(_other_segments(segment, there, many), segment.description))}


def _from(draw: random.Random, segments: Sequence[Segment], clip_id: str) -> Iterator[Segment]:
    """All segments from a drawn place on, once round; half of the time the clip's own come first."""
    if draw.random() < 0.5:
        own = list(_own(segments, clip_id))
        draw.shuffle(own)
        yield from own
    at, stride = int(draw.random() * len(segments)), _STRIDE if len(segments) % _STRIDE else 1
    for step in range(len(segments)):
        yield segments[(at + step * stride) % len(segments)]


def _own(segments: Sequence[Segment], clip_id: str) -> Sequence[Segment]:
    """The clip's segments, which stand together."""
    low = bisect.bisect_left(segments, clip_id, key=lambda one: one.clip_id)
    return segments[low : bisect.bisect_right(segments, clip_id, key=lambda one: one.clip_id)]


def _best(texts_: Iterator[str], like: str) -> str:
    """The first of the next few texts that is about as long as the true one, else the first of all."""
    first = ""
    for tried, text in enumerate(texts_):
        if 0.6 <= len(text) / max(1, len(like)) <= 1.67:
            return text
        first = first or text
        if tried >= _TRIES:
            break
    return first


def _apart(one: Segment, segment: Segment) -> bool:
    """Whether the two share no moment: of different clips, or one over before the other begins."""
    return one.clip_id != segment.clip_id or one.end_s <= segment.start_s or one.start_s >= segment.end_s


def _there(segment: Segment, pool: _Pool) -> list[Segment]:
    """All that is described at its time, itself too: what they say is true of that stretch."""
    return [one for one in _own(pool.segments, segment.clip_id) if not _apart(one, segment)]


def _other_segments(segment: Segment, there: Sequence[Segment], many: Iterable[Segment]) -> Iterator[str]:
    """Descriptions that are not true of the segment: of other times or other clips, in other words"""
    for one in many:
        if _apart(one, segment) and not any(alike(one.description, own.description) for own in there):
            yield one.description


def _other_sounds(segment: Segment, there: Sequence[Segment], many: Iterable[Segment]) -> Iterator[str]:
    """Sounds of other times or other clips, none of them like what is heard at the segment's time"""
    heard = [sound for own in there for sound in own.sounds]
    for one in many:
        for sound in one.sounds if _apart(one, segment) else ():
            if not any(alike(sound, own) for own in heard):
                yield sound


def _other_causes(segment: Segment, sound: str, there: Sequence[Segment], many: Iterable[Segment]) -> Iterator[str]:
    """Descriptions of what does not make that sound."""
    without = (one for one in many if not any(alike(sound, each) for each in one.sounds))
    return _other_segments(segment, there, without)


def _wrong_interval(
    segment: Segment, own: Sequence[Segment], duration_s: float, draw: random.Random
) -> tuple[float, float]:
    """An interval that is clearly wrong: mostly another segment's, so that where it lies tells nothing."""
    right = _rounded(segment.start_s, segment.end_s, duration_s)
    others = [_rounded(one.start_s, one.end_s, duration_s) for one in own]
    wrong = [one for one in others if overlap(right, one) < MOST_OVERLAP]
    if wrong and draw.random() < 0.8:
        return wrong[int(draw.random() * len(wrong))]
    length_s = right[1] - right[0]
    for _ in range(_TRIES):
        size_s = length_s * draw.uniform(0.7, 1.3)
        start_s = draw.uniform(0.0, max(0.0, duration_s - size_s))
        tried = _rounded(start_s, start_s + size_s, duration_s)
        if overlap(right, tried) < MOST_OVERLAP:
            return tried
    return draw.choice(_extremes(segment, duration_s))


def _extremes(segment: Segment, duration_s: float) -> list[tuple[float, float]]:
    """Intervals at the clip's beginning and end, a little shorter than the segment, that are clearly wrong"""
    right = _rounded(segment.start_s, segment.end_s, duration_s)
    size_s = 0.6 * (right[1] - right[0])
    tried = [_rounded(0.0, size_s, duration_s), _rounded(duration_s - size_s, duration_s, duration_s)]
    return [one for one in tried if overlap(right, one) < MOST_OVERLAP]


_last: list[_Pool] = []


def _pool(material: Material) -> _Pool:
    """Of the material that is built from now: made once for all of its situations."""
    if not _last or _last[0].material is not material:
        ordered = tuple(one for clip_id in sorted(material.segments) for one in material.segments[clip_id])
        _last[:] = [_Pool(material, ordered, tuple(one for one in ordered if one.sounds))]
    return _last[0]

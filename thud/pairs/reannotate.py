"""Asking a model about a described segment, and reading its reply: agreed, corrected, rejected, or no word at all.

A model that hears is sent the part of the file; one that does not sees stills of it, and says nothing of sounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.evaluation.reading.jsonish import one_object
from thud.events.frame_units import Unit, closer
from thud.events.questions import MARGIN_S, TEXT, question_to, seconds, video_part
from thud.events.roster import Annotator
from thud.pairs.material import Segment
from thud.pairs.rewrite import FOLDER, LONGEST_REPLY
from thud.pairs.segment_words import VERDICTS, Word, correct, say
from thud.prompts import fill, prompt_text
from thud.providers import Image, Part, Question, Text
from thud.providers.question import object_schema
from thud.records import Clip, Reply, content_id

HEARD_PROMPT, SEEN_PROMPT = "segment_heard_v1", "segment_seen_v1"
STILLS_A_SECOND, FEWEST_STILLS, MOST_STILLS = 2.0, 6, 40
MOST_FPS, MOST_PICTURES = 4.0, 240
SLACK_S = 0.1

NUMBER = {"type": "number"}


_SEEN = {"verdict": {"type": "string", "enum": list(VERDICTS)}, "start_s": NUMBER, "end_s": NUMBER, "description": TEXT}
SEEN_ANSWER = object_schema(**_SEEN, note=TEXT)
HEARD_ANSWER = object_schema(**_SEEN, sounds={"type": "array", "items": TEXT}, note=TEXT)


@dataclass(frozen=True, slots=True)
class Said:
    """What asking about a segment came to. word: None where the reply is none. outcome: agree, correct, reject, or
    what went wrong; problem: that in one sentence.
    """

    word: Word | None
    outcome: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a clip that is shown for a segment. fps: pictures a second (video). stills: how many (stills)."""

    start_s: float
    end_s: float
    fps: float
    stills: int


def window_of(segment: Segment, duration_s: float) -> Window:
    """The segment and a little before and after, so that its borders can be moved."""
    start_s = max(0.0, segment.start_s - MARGIN_S)
    end_s = max(start_s + MARGIN_S, min(duration_s, segment.end_s + MARGIN_S))
    length_s = end_s - start_s
    stills = min(MOST_STILLS, max(FEWEST_STILLS, math.ceil(STILLS_A_SECOND * length_s)))
    fps = min(MOST_FPS, max(0.2, round(MOST_PICTURES / length_s, 2)))
    return Window(round(start_s, 3), round(end_s, 3), fps, stills)


def question_of(annotator: Annotator, clip: Clip, segment: Segment) -> Question:
    """What is asked about the segment. Raises RefusedClip when its pictures cannot be read, BadRequest for a file that
    no video model takes."""
    window = window_of(segment, clip.probe.duration_s)
    if annotator.hears:
        shown = video_part(clip, Path(clip.path), window.fps, window.start_s, window.end_s)
        words = _filled(HEARD_PROMPT, segment, window)
        return question_to(annotator, (shown, Text(words)), HEARD_ANSWER)
    unit = closer(clip, Unit(1, window.start_s, window.end_s), window.stills)
    words = _filled(SEEN_PROMPT, segment, window, count=str(len(unit.frames)))
    return question_to(annotator, (*_stills(unit), Text(words)), SEEN_ANSWER)


def asks_id(annotator: Annotator) -> str:
    """What determines the word of this annotator: model, server, settings, the prompt and the answer's shape."""
    prompt, shape = (HEARD_PROMPT, HEARD_ANSWER) if annotator.hears else (SEEN_PROMPT, SEEN_ANSWER)
    server = annotator.base_url if annotator.provider == "compatible" else ""
    settings = (annotator.max_tokens, annotator.effort)
    return content_id(annotator.provider, annotator.model, server, settings, prompt_text(FOLDER, prompt), shape)


def _filled(name: str, segment: Segment, window: Window, **more: str) -> str:
    places = {
        "start": seconds(window.start_s), "end": seconds(window.end_s), "segment_start": seconds(segment.start_s),
        "segment_end": seconds(segment.end_s), "description": _quoted(segment.description),
        "sounds": ", ".join(_quoted(one) for one in segment.sounds) or "nothing was noted", **more,
    }  # fmt: skip
    return fill(prompt_text(FOLDER, name), **places)


def _quoted(text: str) -> str:
    return f'"{" ".join(text.split())[:600]}"'


def _stills(unit: Unit) -> list[Part]:
    parts: list[Part] = []
    for at_s, jpeg in unit.frames:
        parts += [Text(f"frame t={seconds(at_s)} s"), Image(jpeg)]
    return parts


def read(annotator: Annotator, clip: Clip, segment: Segment, reply: Reply, at: str) -> Said:
    """What the reply says of the segment. Never raises for what a model said, and never guesses."""
    if reply.outcome != "ok":
        return Said(None, reply.outcome, reply.problem or f"The reply is marked as {reply.outcome}.")
    counted = reply.usage.audio_tokens
    if (
        annotator.hears
        and clip.probe.has_sound
        and (counted == 0 or (counted is None and annotator.provider == "gemini"))
    ):
        return Said(None, "no_audio_read", "The vendor counted no audio tokens: the sound was not listened to.")
    row = one_object(reply.text, LONGEST_REPLY)
    verdict = row.get("verdict") if row is not None else None
    if row is None or verdict not in VERDICTS:
        return Said(None, "unparsed", "The reply is not one JSON object in the form that was asked for.")
    heard = annotator.hears and clip.probe.has_sound
    more: dict[str, Any] = {"note": _short(row.get("note")), "at": at, "heard": heard}
    if verdict != "correct":
        return Said(say(segment, annotator.model, verdict, **more), str(verdict))
    return _corrected(annotator, clip, segment, row, more)


def _corrected(annotator: Annotator, clip: Clip, segment: Segment, row: dict[str, Any], more: dict[str, Any]) -> Said:
    names = ("start_s", "end_s", "description", *(("sounds",) if more["heard"] else ()))
    if missing := [name for name in names if name not in row]:
        return Said(None, "unparsed", f"The correction says nothing of {missing[0]}.")
    try:
        word = correct(segment, annotator.model, {name: row[name] for name in names}, clip.probe.duration_s, **more)
    except BadRequest as error:
        return Said(None, "unparsed", f"The correction cannot be used. {error}")
    window = window_of(segment, clip.probe.duration_s)
    if word.start_s < window.start_s - SLACK_S or word.end_s > window.end_s + SLACK_S:
        return Said(None, "out_of_clip", "The corrected times lie outside the part that was shown.")
    return Said(word, word.verdict)


def _short(note: Any) -> str:
    return " ".join(note.split())[:300] if isinstance(note, str) else ""

"""Reads what a model answered: a mark when it can be one, otherwise the outcome that it is, in one sentence.

A reply is material to judge. Whatever it says, nothing here raises; what is not exactly an answer is never a mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from thud.events.frame_units import Unit, half_frame_s
from thud.events.roster import Annotator
from thud.records import Clip, Mark, Reply

Result = Literal[
    "placed",
    "no_sound",
    "uncertain",
    "refused",
    "truncated",
    "rejected",
    "error",
    "in_doubt",
    "out_of_clip",
    "bad_unit",
    "unparsed",
    "no_audio_read",
]
LONGEST_TEXT = 500
LONGEST_REPLY = 100_000
"""An answer takes a few hundred characters; what is longer than this is not looked through."""

TIMES = {True: ("visual_time_s", "audio_time_s"), False: ("unit", "time_s")}
"""The fields without which an object is no answer, of those that hear and of those that are shown stills."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking one annotator about one clip came to. mark: None for all that is not placed, no_sound, uncertain.

    problem: why there is no mark, or why a closer look was not used; "" otherwise. replies: all there were, in order.
    """

    mark: Mark | None
    outcome: Result
    problem: str = ""
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer whose types are right; whether it makes sense is not checked yet."""

    visual_s: float | None
    audio_s: float | None = None
    unit: int | None = None
    uncertain: bool = False
    confidence: str = ""
    visual_event: str = ""
    audio_event: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a text is no answer."""

    outcome: Result
    problem: str


def read(
    annotator: Annotator,
    clip: Clip,
    units: Sequence[Unit],
    reply: Reply,
    span: tuple[float, float] | None = None,
) -> Outcome:
    """The outcome of one reply. units: those that were shown (their stills are not needed); () of a video.

    span: the part of the clip that was shown, None = all of it. Never raises for what a model said.
    """
    trouble = _not_answered(annotator, clip, reply)
    answer = trouble or parse_answer(reply.text, annotator.hears)
    if isinstance(answer, Answer):
        answer = _checked(answer, clip, units, span) if not answer.uncertain else answer
    if isinstance(answer, Trouble):
        return Outcome(None, answer.outcome, answer.problem, (reply,))
    return _outcome(annotator, clip, units, reply, answer)


def parse_answer(text: str, hears: bool) -> Answer | Trouble:
    """The answer in a reply: a JSON object alone, in a fence, or with prose around it."""
    found = [row for row in _objects(text[:LONGEST_REPLY]) if set(TIMES[hears]) <= row.keys()]
    if not found:
        return Trouble("unparsed", f"The reply holds no answer in the form that was asked for: {_short(text, 120)!r}")
    if any(row != found[0] for row in found):
        return Trouble("unparsed", "The reply holds several answers that differ.")
    return _typed(found[0], hears)


def _typed(row: dict[str, Any], hears: bool) -> Answer | Trouble:
    names = ("visual_time_s", "audio_time_s") if hears else ("time_s",)
    wrong = next((name for name in names if not _is_time(row[name])), "")
    unit = None if hears else row["unit"]
    if wrong or not (unit is None or _is_whole(unit)):
        name = wrong or "unit"
        return Trouble("unparsed", f"{name} is no {'number' if wrong else 'unit number'}: {_short(row[name], 60)!r}")
    uncertain = row.get("uncertain", False)
    if not isinstance(uncertain, bool):
        return Trouble("unparsed", f"uncertain is neither true nor false: {_short(uncertain, 60)!r}")
    confidence = row.get("confidence")
    return Answer(
        visual_s=_float(row[names[0]]),
        audio_s=_float(row["audio_time_s"]) if hears else None,
        unit=None if unit is None else int(unit),
        uncertain=uncertain,
        confidence=confidence if confidence in ("high", "medium", "low") else "",
        visual_event=_words(row.get("visual_event")),
        audio_event=_words(row.get("audio_event")),
        sentence=_words(row.get("sentence")),
    )


def _not_answered(annotator: Annotator, clip: Clip, reply: Reply) -> Trouble | None:
    """Why a reply is not worth reading: no answer came, or the sound was not listened to."""
    if reply.outcome != "ok":
        return Trouble(reply.outcome, reply.problem or f"The reply is marked as {reply.outcome}.")
    heard = reply.usage.audio_tokens
    deaf = heard == 0 or (heard is None and annotator.provider == "gemini")
    if annotator.hears and clip.probe.has_sound and deaf:
        return Trouble("no_audio_read", "The vendor counted no audio tokens: the sound was not listened to.")
    return None


def _checked(answer: Answer, clip: Clip, units: Sequence[Unit], span: tuple[float, float] | None) -> Answer | Trouble:
    """The answer when its times can be: inside the clip, inside what was shown, inside the unit it names."""
    duration_s = clip.probe.duration_s
    for time_s in (answer.visual_s, answer.audio_s):
        if time_s is not None and not 0 <= time_s <= duration_s:
            return Trouble("out_of_clip", f"{time_s:.3f} s is outside the clip, which lasts {duration_s:.3f} s.")
    slack_s = half_frame_s(clip.probe) + 1e-9
    if span is not None:
        outside = [t for t in (answer.visual_s, answer.audio_s) if t is not None and not _within(t, span, slack_s)]
        if outside:
            shown = f"{span[0]:.3f}–{span[1]:.3f} s"
            return Trouble("bad_unit", f"{outside[0]:.3f} s is outside the part that was shown, {shown}.")
    return _in_unit(answer, units, slack_s) if units else answer


def _in_unit(answer: Answer, units: Sequence[Unit], slack_s: float) -> Answer | Trouble:
    if answer.unit is None and answer.visual_s is None:
        return answer
    unit = next((unit for unit in units if unit.index == answer.unit), None)
    if unit is None:
        named = "no unit" if answer.unit is None else f"unit {_short(answer.unit, 20)}"
        return Trouble("bad_unit", f"The answer names {named}; there are {units[0].index} to {units[-1].index}.")
    if answer.visual_s is None:
        return Trouble("unparsed", f"The answer names unit {unit.index} but gives no time in it.")
    if not unit.holds(answer.visual_s, slack_s):
        span = f"{unit.start_s:.3f}–{unit.end_s:.3f} s"
        return Trouble("bad_unit", f"{answer.visual_s:.3f} s is not inside unit {unit.index}, {span}.")
    return answer


def _outcome(annotator: Annotator, clip: Clip, units: Sequence[Unit], reply: Reply, answer: Answer) -> Outcome:
    """The mark that a checked answer is. A sound that the clip does not have is kept as a remark, not as a time."""
    detail: dict[str, Any] = {
        "model": annotator.model,
        "model_echo": _short(reply.model_echo, 100),
        "prompt": annotator.prompt_label,
        "reply": reply.id,
        "hears": annotator.hears,
        "confidence": answer.confidence,
        "visual_event": answer.visual_event,
        "audio_event": answer.audio_event,
        "sentence": answer.sentence,
    }
    visual_s, audio_s = (None, None) if answer.uncertain else (answer.visual_s, answer.audio_s)
    if audio_s is not None and not clip.probe.has_sound:
        detail["invented_audio_s"], audio_s = audio_s, None
    if unit := next((unit for unit in units if unit.index == answer.unit), None):
        detail["unit"] = [unit.start_s, unit.end_s]
    verdict: Literal["placed", "no_sound", "uncertain"] = "placed"
    if visual_s is None and audio_s is None:
        verdict = "uncertain"
    elif annotator.hears and audio_s is None:
        verdict = "no_sound"
    mark = Mark(
        clip.id, annotator.name, visual_s, audio_s, verdict, person=False, save_id=f"reply:{reply.id}", detail=detail
    )
    return Outcome(mark, verdict, "", (reply,))


def _objects(text: str) -> list[dict[str, Any]]:
    """The outermost JSON objects in a text, in order."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    tries = 0
    while at >= 0 and tries < 200:  # a wall of braces is no answer
        tries += 1
        try:
            row, end = decoder.raw_decode(text, at)
            found.append(row)
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)
    return found


def _is_time(value: object) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e9  # neither infinity nor NaN is, and a huge integer is no float


def _is_whole(value: object) -> bool:
    return _is_time(value) and value is not None and float(str(value)).is_integer()


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _within(time_s: float, span: tuple[float, float], slack_s: float) -> bool:
    return span[0] - slack_s <= time_s <= span[1] + slack_s


def _words(value: object) -> str:
    """A model's words, cut to 500 characters, without characters that no text has; they stay text."""
    return _short(value, LONGEST_TEXT) if isinstance(value, str) else ""


def _short(value: object, most: int) -> str:
    text = value if isinstance(value, str) else repr(value)
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "", text[: 4 * most]).strip()[:most]

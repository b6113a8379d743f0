"""Asks one annotator about one clip: the whole of it, then closer where the event is; and reads what it says.

Whom to ask and how is in `roster`, the questions in `questions`, the reading in `replies`, the cost in `estimate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.events.estimate import Estimate, estimate
from thud.events.frame_units import Unit, closer, units, windows
from thud.events.prompts import prompt_label, prompt_text
from thud.events.questions import (
    closer_question,
    coarse_fps,
    frames_question,
    video_question,
    window_around,
    window_question,
)
from thud.events.replies import Outcome, Result, read
from thud.events.roster import ANNOTATORS, Annotator, endpoint_of, parse_annotator
from thud.events.signal import signal_mark
from thud.providers import Question
from thud.records import Clip, Mark, Reply, content_id

__all__ = [
    "ANNOTATORS",
    "Annotator",
    "Estimate",
    "Outcome",
    "Result",
    "ask_clip",
    "endpoint_of",
    "estimate",
    "first_question",
    "parse_annotator",
    "prompt_label",
    "prompt_text",
    "read",
    "shown_units",
]

Ask = Callable[[Question], Reply]


def ask_clip(annotator: Annotator, clip: Clip, media: str | Path, ask: Ask) -> Outcome:
    """What asking about the clip came to, closer look included.

    media: the file that is sent to those that take video (the clip's own, or one with the same picture and sound).
    ask: sends a question, keeps the reply and gives it back; not called by an annotator that measures here.
    Raises what `ask` raises; RefusedClip when the clip cannot be decoded.
    """
    if annotator.local:
        mark = signal_mark(annotator.name, clip)
        return Outcome(mark, "uncertain" if mark.verdict == "uncertain" else _placed(mark))
    shown = () if annotator.hears else units(clip, annotator.window_s, annotator.frames_per_unit)
    coarse = read(annotator, clip, shown, ask(_first(annotator, clip, Path(media), shown)))
    if coarse.mark is None:
        return coarse
    if annotator.hears:
        coarse = _told(coarse, fps=[coarse_fps(annotator, clip)], video_tokens=_video_tokens(coarse))
    if not annotator.refine or coarse.outcome == "uncertain":
        return coarse
    look = _closer_video if annotator.hears else _closer_stills
    return _refined(coarse, look(annotator, clip, Path(media), coarse, ask), annotator)


def first_question(annotator: Annotator, clip: Clip, media: str | Path) -> Question:
    """What is asked first about the clip; all that is asked in a batch. Raises RefusedClip, BadRequest."""
    if annotator.local:
        raise BadRequest(f"{annotator.name} measures the clip on this machine; there is nothing to ask.")
    shown = () if annotator.hears else units(clip, annotator.window_s, annotator.frames_per_unit)
    return _first(annotator, clip, Path(media), shown)


def shown_units(annotator: Annotator, clip: Clip) -> tuple[Unit, ...]:
    """The units that `first_question` shows, without their stills: what `read` needs. () of a video."""
    return () if annotator.hears else windows(clip.probe.duration_s, annotator.window_s, annotator.frames_per_unit)


def _first(annotator: Annotator, clip: Clip, media: Path, shown: Sequence[Unit]) -> Question:
    if annotator.hears:
        return video_question(annotator, clip, media)
    return frames_question(annotator, clip, shown)


def _closer_video(annotator: Annotator, clip: Clip, media: Path, coarse: Outcome, ask: Ask) -> Outcome:
    mark = _mark(coarse)
    times = [t for t in (mark.visual_s, mark.audio_s) if t is not None]
    span = window_around(times, clip.probe.duration_s)
    event = mark.detail["visual_event"] or mark.detail["audio_event"]
    found = read(annotator, clip, (), ask(window_question(annotator, clip, media, span, event)), span)
    if found.mark is None:
        return found
    fps = [*mark.detail["fps"], annotator.closer_fps]
    return _told(found, fps=fps, video_tokens=[*mark.detail["video_tokens"], *_video_tokens(found)])


def _closer_stills(annotator: Annotator, clip: Clip, _media: Path, coarse: Outcome, ask: Ask) -> Outcome:
    mark = _mark(coarse)
    start_s = mark.detail["unit"][0]
    unit = next(unit for unit in shown_units(annotator, clip) if unit.start_s == start_s)
    near = closer(clip, unit, annotator.closer_frames)
    return read(annotator, clip, (near,), ask(closer_question(annotator, near, mark.detail["visual_event"])))


def _refined(coarse: Outcome, fine: Outcome, annotator: Annotator) -> Outcome:
    """The closer look's answer with the first one beside it; the first one when the closer look gave none.

    A model that looks closer and will not say any more is uncertain: its first answer was a guess by its own account.
    """
    replies = (*coarse.replies, *fine.replies)
    first = _mark(coarse)
    told: dict[str, Any] = {
        "closer_prompt": prompt_label(annotator.closer_prompt),
        "closer_look": fine.outcome,
        "coarse": {"visual_s": first.visual_s, "audio_s": first.audio_s},
        "replies": [reply.id for reply in replies],
    }
    kept = fine if fine.mark is not None else coarse
    mark = _mark(kept)
    events = {key: mark.detail[key] or first.detail[key] for key in ("visual_event", "audio_event", "confidence")}
    mark = replace(mark, save_id=f"reply:{content_id(*told['replies'])}", detail={**mark.detail, **events, **told})
    problem = "" if kept is fine else f"The closer look was not used. {fine.problem}"
    return Outcome(mark, kept.outcome, problem, replies)


def _told(outcome: Outcome, **more: Any) -> Outcome:
    mark = _mark(outcome)
    return replace(outcome, mark=replace(mark, detail={**mark.detail, **more}))


def _mark(outcome: Outcome) -> Mark:
    if outcome.mark is None:
        raise ValueError("this outcome has no mark")  # callers have looked
    return outcome.mark


def _placed(mark: Mark) -> Result:
    return "no_sound" if mark.verdict == "no_sound" else "placed"


def _video_tokens(outcome: Outcome) -> list[int | None]:
    return [reply.usage.video_tokens for reply in outcome.replies]

"""What an annotator is asked: a file with sound, or numbered stills with exact times, then the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thud.disk import file_sha256
from thud.errors import BadRequest
from thud.events.frame_units import Unit
from thud.events.prompts import filled
from thud.events.roster import Annotator
from thud.providers import Image, Part, Question, Text, Video
from thud.providers.question import object_schema
from thud.records import Clip

MOST_PICTURES = 480
"""Of a whole video: 8 a second for clips up to a minute, fewer a second for longer ones."""

MARGIN_S = 1.0
"""A closer look at a video takes in this much before and after what was first answered."""

MIMES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
}


TEXT = {"type": "string"}
SECONDS = {"anyOf": [{"type": "number"}, {"type": "null"}]}
VIDEO_ANSWER = object_schema(
    visual_event=TEXT,
    visual_time_s=SECONDS,
    audio_event=TEXT,
    audio_time_s=SECONDS,
    confidence={"type": "string", "enum": ["high", "medium", "low"]},
    uncertain={"type": "boolean"},
    sentence=TEXT,
)
FRAMES_ANSWER = object_schema(
    visual_event=TEXT,
    unit={"anyOf": [{"type": "integer"}, {"type": "null"}]},
    time_s=SECONDS,
    uncertain={"type": "boolean"},
    sentence=TEXT,
)


def video_question(annotator: Annotator, clip: Clip, media: Path) -> Question:
    """About the whole clip, seen and heard."""
    shown = video_part(clip, media, coarse_fps(annotator, clip))
    words = filled(annotator.prompt, duration=seconds(clip.probe.duration_s))
    return question_to(annotator, (shown, Text(words)), VIDEO_ANSWER)


def window_question(annotator: Annotator, clip: Clip, media: Path, span: tuple[float, float], event: str) -> Question:
    """About the part of the clip within `span`, at a higher rate."""
    shown = video_part(clip, media, annotator.closer_fps, *span)
    words = filled(annotator.closer_prompt, start=seconds(span[0]), end=seconds(span[1]), event=quoted(event))
    return question_to(annotator, (shown, Text(words)), VIDEO_ANSWER)


def frames_question(annotator: Annotator, clip: Clip, units: Sequence[Unit]) -> Question:
    """About all units of the clip, in stills."""
    words = filled(annotator.prompt, duration=seconds(clip.probe.duration_s), count=str(len(units)))
    return question_to(annotator, (*_stills(units), Text(words)), FRAMES_ANSWER)


def closer_question(annotator: Annotator, unit: Unit, event: str) -> Question:
    """About one unit, in more stills."""
    places = {"unit": str(unit.index), "start": seconds(unit.start_s), "end": seconds(unit.end_s)}
    words = filled(annotator.closer_prompt, **places, count=str(len(unit.frames)), event=quoted(event))
    return question_to(annotator, (*_stills([unit]), Text(words)), FRAMES_ANSWER)


def window_around(times_s: Sequence[float], duration_s: float) -> tuple[float, float]:
    """(start, end) of the part of the clip to be looked at closely, in whole milliseconds."""
    start_s = max(0.0, min(times_s) - MARGIN_S)
    return round(start_s, 3), round(min(duration_s, max(times_s) + MARGIN_S), 3)


def coarse_fps(annotator: Annotator, clip: Clip) -> float:
    """Pictures a second of the first look; in hundredths, so that it reads the same wherever it is computed."""
    return min(annotator.fps, max(0.1, round(MOST_PICTURES / max(1.0, clip.probe.duration_s), 2)))


def seconds(time_s: float) -> str:
    """The time as it is told to a model."""
    return f"{time_s:.3f}"


def quoted(text: str) -> str:
    """A model's own words as a short quotation on one line."""
    return f'"{" ".join(text.split())[:200]}"' if text.strip() else "a salient event that would make a sound"


def question_to(annotator: Annotator, parts: tuple[Part, ...], schema: dict[str, Any]) -> Question:
    """What is sent to an annotator, with its own settings."""
    return Question(
        annotator.model,
        parts,
        schema=schema,
        max_tokens=annotator.max_tokens,
        effort=annotator.effort,
        cache=annotator.cache,
    )


def _stills(units: Sequence[Unit]) -> list[Part]:
    parts: list[Part] = []
    for unit in units:
        head = f"unit {unit.index} · {seconds(unit.start_s)}–{seconds(unit.end_s)} s"
        for number, (at_s, jpeg) in enumerate(unit.frames):
            frame = f"frame t={seconds(at_s)} s"
            parts += [Text(f"{head} · {frame}" if number == 0 else frame), Image(jpeg)]
    return parts


def video_part(clip: Clip, media: Path, fps: float, start_s: float | None = None, end_s: float | None = None) -> Video:
    """The clip's file, or a part of it. Raises BadRequest for one of a kind that no video model takes."""
    mime = MIMES.get(media.suffix.lower())
    if mime is None:
        raise BadRequest(f"{media.name} is of a kind that no video model takes; they take {', '.join(MIMES)}.")
    sha256 = clip.sha256 if media == Path(clip.path) else file_sha256(media)
    layers = Video(str(media), sha256).layers if clip.probe.has_sound else ("frames",)
    return Video(str(media), sha256, mime, fps, start_s, end_s, layers)

"""Stretches of clips that somebody described, read from FineVideo-style rows; and those of the demo."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from thud.evaluation.benchmarks.question import BadRow, listed, text_of
from thud.pairs.families import shipped
from thud.pairs.material import Segment
from thud.pairs.rows import Finder, Row
from thud.records import Clip, EventTimes

MADE_UP = "made up with the clip"
"""Who described the demo's segments: what is seen and heard follows from how they were drawn."""
SLACK_S = 1.0
"""An end that overshoots the clip by less is the clip's end."""
STARTS = ("start_s", "start", "start_time", "start_timestamp", "begin", "from")
ENDS = ("end_s", "end", "end_time", "end_timestamp", "stop", "to")
WORDS = ("description", "caption", "text", "sentence", "activity", "title")
SOUNDS = ("sounds", "sound", "audio_events", "audio", "audio_description")
NESTED = ("segments", "annotations", "events", "activities", "captions", "clips")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")
_PLAIN = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?")


def segments_in(row: Row, finder: Finder) -> Iterator[Segment | BadRow]:
    """The segments that a row holds: itself, those listed under it, or a FineVideo video's activities by scene."""
    spread = list(_spread(row))
    if not spread:
        yield BadRow("it lists no segment")
    for each in spread:
        try:
            yield _segment(each, finder.of_row({**row, **each} if each is not row else row))
        except BadRow as error:
            yield error


def looks_described(row: Row) -> bool:
    """Whether a row's fields are those of segments."""
    return any(_has_times(each) and text_of(each, *WORDS) for each in _spread(row))


def seconds_of(value: Any) -> float:
    """Seconds of a time that is written as a number, "12.5", "12.5 s", "1:05" or "0:01:05.250". Raises BadRow."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    if match := _CLOCK.fullmatch(text):
        return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3].replace(",", "."))
    if match := _PLAIN.fullmatch(text):
        return float(match[1])
    raise BadRow("its start or end is no time: give seconds, or H:MM:SS")


def demo_segments(clips: Iterable[Clip], times: Mapping[str, EventTimes]) -> list[Segment]:
    """Two segments of every demo clip: what leads up to the event, and the event with its sound.

    times: by construction. Clips that were not made here, or whose film is not known by its title, give none.
    """
    found, words = [], shipped("demo_segments")
    for clip in clips:
        told, at = words.get(clip.title), times.get(clip.id)
        if told is None or at is None or at.visual_s is None or not clip.synthetic:
            continue
        turn_s = round(max(0.1, at.visual_s - 0.1), 2)
        end_s = round(min(clip.probe.duration_s, at.visual_s + 1.0), 2)
        found.append(Segment(clip.id, 0.0, turn_s, told["before"], (), MADE_UP))
        found.append(Segment(clip.id, turn_s, end_s, told["then"], (told["heard"],), MADE_UP))
    return found


def _spread(row: Row) -> Iterator[Row]:
    about = row.get("content_metadata")
    scenes = (about if isinstance(about, Mapping) else row).get("scenes")
    if isinstance(scenes, list):
        for scene in scenes:
            yield from _of_scene(scene) if isinstance(scene, Mapping) else ()
        return
    nested = next((row[name] for name in NESTED if isinstance(row.get(name), list) and row[name]), None)
    if nested is None:
        if any(name in row for name in (*STARTS, "timestamp", "timestamps", "interval")):
            yield row
        return
    yield from (each for each in nested if isinstance(each, Mapping))


def _of_scene(scene: Row) -> Iterator[Row]:
    """A scene's activities; the scene itself where none is listed."""
    listed_there = scene.get("activities")
    activities = [each for each in listed_there if isinstance(each, Mapping)] if isinstance(listed_there, list) else []
    yield from activities or [scene]


def _has_times(row: Row) -> bool:
    try:
        _interval(row)
    except BadRow:
        return False
    return True


def _interval(row: Row) -> tuple[float, float]:
    for name in ("timestamp", "timestamps", "interval", "time"):
        inner = row.get(name)
        if isinstance(inner, Mapping):
            return _interval(inner)
        if isinstance(inner, list) and len(inner) == 2:
            return seconds_of(inner[0]), seconds_of(inner[1])
    start = next((row[name] for name in STARTS if row.get(name) is not None), None)
    end = next((row[name] for name in ENDS if row.get(name) is not None), None)
    if start is None or end is None:
        raise BadRow("it has no start or no end")
    return seconds_of(start), seconds_of(end)


def _segment(row: Row, clip: Clip) -> Segment:
    start_s, end_s = _interval(row)
    description = " ".join(text_of(row, *WORDS).split())
    duration_s = clip.probe.duration_s
    if not description:
        raise BadRow("it describes nothing: the description is empty")
    if start_s < 0 or end_s <= start_s:
        raise BadRow("it ends before it starts")
    if start_s >= duration_s or end_s > duration_s + SLACK_S:
        raise BadRow("it lies outside its clip")
    return Segment(clip.id, round(start_s, 3), round(min(end_s, duration_s), 3), description, _sounds(row))


def _sounds(row: Row) -> tuple[str, ...]:
    value = next((row[name] for name in SOUNDS if row.get(name)), None)
    many = listed(value) or (re.split(r"[;|]", value) if isinstance(value, str) else [])
    texts = [text_of(each, *WORDS, "name", "label") if isinstance(each, Mapping) else str(each) for each in many]
    plain = (" ".join(text.split()).strip(" .") for text in texts)
    return tuple(dict.fromkeys(text for text in plain if text))

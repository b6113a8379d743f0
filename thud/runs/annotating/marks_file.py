"""Marks as JSON lines, so that annotations made elsewhere come in and ours go out.

One object a line: clip (id, SHA-256 or file name), annotator, person, visual_s, audio_s, verdict, reason, confidence,
unit, model, at, detail; all but clip and annotator may be missing. A line that cannot be taken is refused by itself,
with its number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from thud.errors import BadRequest
from thud.records import Clip, Mark, Verdict, content_id
from thud.store import Store, changes

CHUNK = 500
LONGEST_LINE = 100_000
LONGEST_NAME = 80
LONGEST_TEXT = 2000
MOST_REFUSED = 1000
"""Refusals that are listed one by one; a file of another kind has as many as it has lines."""
VERDICTS: tuple[str, ...] = get_args(Verdict)
DETAIL = ("confidence", "unit", "model", "at")
LAST_FRAME_S = 0.05


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """line: counted from 1; 0 for a word about the whole file."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """added: new or changed marks. known: nothing new, or older than what the annotator has here."""

    added: int
    known: int
    refused: tuple[RefusedLine, ...]


class Clips:
    """Finds a clip by what a stranger's file may call it."""

    def __init__(self, clips: Iterable[Clip]) -> None:
        self._by_name: dict[str, dict[str, Clip]] = {}
        for clip in clips:
            path = Path(clip.path)
            for name in (clip.id, clip.sha256, path.name.casefold(), path.stem.casefold(), clip.path):
                self._by_name.setdefault(name, {})[clip.id] = clip

    def find(self, name: str) -> Clip:
        """The one clip of that id, hash, path or file name. BadRequest when there is none, or more than one."""
        wanted = name.strip()
        found = (
            self._by_name.get(wanted)
            or self._by_name.get(wanted.casefold())
            or self._by_name.get(Path(wanted.replace("\\", "/")).name.casefold(), {})
        )
        if not found:
            raise BadRequest(f"There is no clip “{name[:LONGEST_NAME]}” in this workspace. Add it first.")
        if len(found) > 1:
            raise BadRequest(f"“{name[:LONGEST_NAME]}” fits {len(found)} clips. Name the clip by its id.")
        return next(iter(found.values()))


def parse_line(line: str, clips: Clips) -> Mark:
    """The mark that one line holds. BadRequest with the reason otherwise."""
    if len(line) > LONGEST_LINE:
        raise BadRequest(f"The line is longer than {LONGEST_LINE:,} characters.")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest("This is not JSON.") from error
    if not isinstance(row, dict):
        raise BadRequest("This is JSON, but not an object with names.")
    clip = clips.find(_text(row, "clip", 1000))
    verdict, person = row.get("verdict", "placed"), row.get("person", False)
    if verdict not in VERDICTS:
        raise BadRequest(f"verdict is one of {', '.join(VERDICTS)}.")
    if not isinstance(person, bool):
        raise BadRequest("person is true or false.")
    times = [_seconds(row, name, clip.probe.duration_s) for name in ("visual_s", "audio_s")]
    if verdict == "placed" and times == [None, None]:
        raise BadRequest("A placed event needs visual_s or audio_s.")
    if verdict == "no_sound" and times[1] is not None:
        raise BadRequest("no_sound cannot have an audio_s.")
    annotator, reason = _text(row, "annotator", LONGEST_NAME), _text(row, "reason", LONGEST_TEXT, "")
    mark = Mark(clip.id, annotator, times[0], times[1], verdict, reason, person, detail=_detail(row))
    given = [mark.annotator, mark.visual_s, mark.audio_s, verdict, reason, person, mark.detail]
    return Mark(
        clip.id, annotator, times[0], times[1], verdict, reason, person,
        save_id=f"import-{content_id(clip.id, *given)}", detail=mark.detail,
    )  # fmt: skip


def _text(row: Mapping[str, Any], name: str, most: int, default: str | None = None) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise BadRequest(f"{name} is missing or is not text.")
    if len(value) > most:
        raise BadRequest(f"{name} is longer than {most:,} characters.")
    try:
        value.encode()
    except UnicodeError as error:
        raise BadRequest(f"{name} holds characters that are no text.") from error
    return value


def _seconds(row: Mapping[str, Any], name: str, duration_s: float) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise BadRequest(f"{name} is not a number of seconds.")
    if not 0 <= value <= duration_s + LAST_FRAME_S:
        raise BadRequest(f"{name} {value:g} s is outside the clip, which lasts {duration_s:.3f} s.")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _detail(row: Mapping[str, Any]) -> dict[str, Any]:
    """What else the line says, as it may be stored. BadRequest for what no JSON of ours can hold."""
    given = row.get("detail") or {}
    if not isinstance(given, dict):
        raise BadRequest("detail is an object with names.")
    detail = {**given, **{name: row[name] for name in DETAIL if row.get(name) not in (None, "")}}
    try:
        json.dumps(detail, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest("detail holds a number or a character that cannot be stored.") from error
    return detail


def parse_lines(lines: Iterable[str], clips: Clips) -> tuple[list[tuple[int, Mark]], list[RefusedLine]]:
    """(marks with their line numbers, refusals). Empty lines are passed over."""
    marks: list[tuple[int, Mark]] = []
    refused: list[RefusedLine] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            marks.append((number, parse_line(line.lstrip("\ufeff") if number == 1 else line, clips)))
        except BadRequest as error:
            refused.append(RefusedLine(number, str(error)))
    return marks, refused


def import_marks(store: Store, lines: Iterable[str], actor: str) -> ImportReport:
    """Takes the marks in. What a person saved at the page (it has a later seq) is never written over."""
    marks, refused = parse_lines(lines, Clips(store.clips()))
    here = {(mark.clip_id, mark.annotator): mark for mark in store.marks()}
    news: list[Mark] = []
    for number, mark in marks:
        before = here.get((mark.clip_id, mark.annotator))
        if before is not None and before.person != mark.person:
            refused.append(RefusedLine(number, _other_kind(before)))
        elif before is None or not _same(mark, before):
            news.append(mark)
    added = 0
    for start in range(0, len(news), CHUNK):
        written = store.write_many([changes.submit_mark(mark, actor) for mark in news[start : start + CHUNK]])
        added += sum(ev_id is not None for ev_id in written)
    return ImportReport(added, len(marks) - _late_refusals(refused, marks) - added, _listed(refused))


def _other_kind(before: Mark) -> str:
    kind = "a person" if before.person else "a model"
    return f"{before.annotator} is {kind} in this workspace. Say so in the line, or give another name."


def _late_refusals(refused: list[RefusedLine], marks: list[tuple[int, Mark]]) -> int:
    numbers = {number for number, _ in marks}
    return sum(each.line in numbers for each in refused)


def _listed(refused: list[RefusedLine]) -> tuple[RefusedLine, ...]:
    refused.sort(key=lambda each: each.line)
    more = len(refused) - MOST_REFUSED
    if more <= 0:
        return tuple(refused)
    return (RefusedLine(0, f"{more} more lines were refused, not listed here."), *refused[:MOST_REFUSED])


def _same(mark: Mark, before: Mark) -> bool:
    def what(one: Mark) -> tuple[Any, ...]:
        return (one.visual_s, one.audio_s, one.verdict, one.reason)

    return what(mark) == what(before)


def export_lines(store: Store) -> Iterator[str]:
    """Every mark as one line that `import_marks` reads, in the order they were last changed."""
    paths = {clip.id: clip.path for clip in store.clips()}
    for mark in store.marks():
        row: dict[str, Any] = {
            "clip": mark.clip_id,
            "file": Path(paths.get(mark.clip_id, "")).name,
            "annotator": mark.annotator,
            "person": mark.person,
            "visual_s": mark.visual_s,
            "audio_s": mark.audio_s,
            "verdict": mark.verdict,
            "reason": mark.reason,
            **{name: mark.detail[name] for name in ("confidence", "unit", "model") if name in mark.detail},
            "at": None if mark.at is None else f"{mark.at.isoformat()}Z",
            "detail": mark.detail,
        }
        yield json.dumps(row, ensure_ascii=False) + "\n"

"""One function per layout: a row as its authors publish it → the question it asks. Layouts are told by their fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from thud.evaluation.benchmarks.files import Folder
from thud.evaluation.benchmarks.question import (
    LETTERS,
    BadRow,
    BenchmarkQuestion,
    Options,
    letter_of,
    lettered,
    listed,
    split_options,
    text_of,
    texts_of,
)
from thud.records import content_id

Row = Mapping[str, Any]
BANDS_S = {"synced": 0.0, "hard": 0.4, "medium": 0.8, "easy": 1.2, "very_easy": 1.6}
DIRECTIONS = {
    **dict.fromkeys(("none", "", "synced", "null"), "synced"),
    **dict.fromkeys(("delay", "delayed", "late"), "delayed"),
    "early": "early",
}
_BAND_SLACK_S = 0.2


def kind_of(row: Row) -> str:
    """The layout of a row, "" when it is none that is known."""
    if "gt_synced" in row:
        return "vggsync"
    if "Question" in row and "Choice" in row:
        return "do"
    if "candidates" in row or any(isinstance(task, Mapping) and "candidates" in task for task in _tasks(row)):
        return "ws"
    if "time_reference" in row or _has(row.get("qa"), "question"):
        return "lvb"
    if ("question" in row and "options" in row and ("videoID" in row or "sub_category" in row)) or _has(
        row.get("questions"), "options"
    ):
        return "vmme"
    return ""


def flat(kind: str, row: Row) -> Iterable[Row]:
    """One row per question: files that list questions under their video are spread out."""
    inner = {"vmme": row.get("questions"), "lvb": row.get("qa"), "ws": _tasks(row)}.get(kind)
    if not isinstance(inner, list) or not inner:
        return [row]
    rest = {name: value for name, value in row.items() if value is not inner and not name.startswith("task")}
    return ({**rest, **each} if isinstance(each, Mapping) else {} for each in inner)


def question_of(kind: str, row: Row, number: int, folder: Folder) -> BenchmarkQuestion:
    """The question that a flat row asks. Raises BadRow with the reason why it cannot be asked."""
    if not row:
        raise BadRow("it is no object with fields")
    return _READERS[kind](row, number, folder)


def _video_mme(row: Row, number: int, folder: Folder) -> BenchmarkQuestion:
    group = _group(row, duration="duration", domain="domain", sub_category="sub_category", type="task_type")
    stems = (text_of(row, "videoID"), text_of(row, "video_id"))
    return _choice(row, number, folder, text_of(row, "question_id"), stems, group, listed(row.get("options")))


def _lvbench(row: Row, number: int, folder: Folder) -> BenchmarkQuestion:
    group = _group(row, domain="type", type="question_type", time="time_reference")
    stems = (text_of(row, "key"), text_of(row, "video"), text_of(row, "video_id"))
    options = listed(row.get("options"))
    return _choice(row, number, folder, text_of(row, "uid", "question_id"), stems, group, options)


def _world_sense(row: Row, number: int, folder: Folder) -> BenchmarkQuestion:
    group = _group(
        row,
        duration="duration",
        domain="domain",
        sub_category="sub_category",
        type="task_type",
        task_domain="task_domain",
        sound="audio_class",
    )
    stems = (text_of(row, "video_id"), text_of(row, "video"))
    return _choice(row, number, folder, text_of(row, "index"), stems, group, listed(row.get("candidates")))


def _daily_omni(row: Row, number: int, folder: Folder) -> BenchmarkQuestion:
    group = _group(row, duration="video_duration", domain="video_category", type="Type")
    name = text_of(row, "video_id")
    plain = {**row, "question": row.get("Question"), "answer": row.get("Answer")}
    stems = (f"{name}_video" if name else "", name)
    return _choice(plain, number, folder, text_of(row, "id"), stems, group, listed(row.get("Choice")))


def _choice(
    row: Row,
    number: int,
    folder: Folder,
    uid: str,
    stems: Sequence[str],
    group: Mapping[str, tuple[str, ...]],
    options: Sequence[Any],
) -> BenchmarkQuestion:
    """A multiple-choice question; its id is the file's, or else a hash of what is asked."""
    question = text_of(row, "question")
    if not question:
        raise BadRow("it asks nothing: the question is empty")
    known: Options
    question, known = (question, lettered(options)) if options else split_options(question)
    answer = letter_of(row.get("answer"), known)
    video = folder.video(text_of(row, "video_path"), stems)
    uid = uid or content_id(stems[0], question, known)
    return BenchmarkQuestion(uid, video, question, known, answer, number, group=group)


def _vgg_sound_sync(row: Row, number: int, folder: Folder) -> BenchmarkQuestion:
    label, offset_s = _truth(row)
    uid, path = text_of(row, "uid"), text_of(row, "video_path")
    if not uid:
        raise BadRow("it has no uid")
    if not path:
        raise BadRow("it names no video")
    sound = text_of(row, "audio_path")
    options = _answer_map(row.get("mcq_answer_map"))
    answer = next((letter for letter, each in options if each == label), "")
    if options and not answer:
        raise BadRow("none of its options is right")
    return BenchmarkQuestion(
        uid,
        folder.file(path, "video"),
        text_of(row, "mcq_prompt") if options else "",
        options,
        answer,
        number,
        folder.file(sound, "sound") if sound else "",
        {"band": (text_of(row, "difficulty"),), **_group(row, type="label", clip="ytid")},
        label,
        offset_s,
    )


def _truth(row: Row) -> tuple[str, float]:
    """(label, offset in seconds, + = late) of a synchrony row whose fields agree. Raises BadRow where they do not."""
    synced, size_s = row.get("gt_synced"), row.get("gt_offset_sec")
    direction = DIRECTIONS.get(str(row.get("gt_direction") or "").strip().lower())
    band_s = BANDS_S.get(text_of(row, "difficulty"))
    if not isinstance(synced, bool) or direction is None:
        raise BadRow("gt_synced or gt_direction says nothing that is known")
    if isinstance(size_s, bool) or not isinstance(size_s, (int, float)) or not math.isfinite(size_s):
        raise BadRow("gt_offset_sec is no number")
    if band_s is None:
        raise BadRow("its difficulty is none of " + ", ".join(BANDS_S))
    agrees = synced == (direction == "synced") == (size_s == 0) and not (direction == "delayed" and size_s < 0)
    if not agrees:
        raise BadRow("gt_synced, gt_direction and gt_offset_sec contradict each other")
    if abs(abs(size_s) - band_s) >= _BAND_SLACK_S:
        raise BadRow("its offset is not that of its difficulty")
    return direction, -abs(float(size_s)) if direction == "early" else float(size_s)


def _answer_map(value: Any) -> Options:
    """(letter, label) of a row that brings its own multiple choice, () of one that does not."""
    if value in (None, "", {}):
        return ()
    items = sorted(value.items()) if isinstance(value, Mapping) else []
    known = tuple((str(letter).upper(), DIRECTIONS.get(str(word).lower(), "")) for letter, word in items)
    if not known or any(len(letter) != 1 or letter not in LETTERS or not label for letter, label in known):
        raise BadRow("mcq_answer_map does not give letters the answers synced, delay and early")
    return known


def _group(row: Row, **fields: str) -> dict[str, tuple[str, ...]]:
    found = {name: texts_of(listed(row.get(field)) or row.get(field)) for name, field in fields.items()}
    return {name: texts for name, texts in found.items() if texts}


def _tasks(row: Row) -> list[Any]:
    """The questions that a row holds in fields called task0, task1, …"""
    return [value for name, value in row.items() if name.startswith("task") and isinstance(value, Mapping)]


def _has(value: Any, name: str) -> bool:
    return isinstance(value, list) and any(isinstance(each, Mapping) and name in each for each in value)


_READERS: dict[str, Callable[[Row, int, Folder], BenchmarkQuestion]] = {
    "vmme": _video_mme,
    "lvb": _lvbench,
    "ws": _world_sense,
    "do": _daily_omni,
    "vggsync": _vgg_sound_sync,
}


def first_kind(rows: Iterator[Any]) -> str:
    """The layout of the first row that has one, "" when none of the first hundred has."""
    for _, row in zip(range(100), rows, strict=False):
        if isinstance(row, Mapping) and (kind := kind_of(row)):
            return kind
    return ""

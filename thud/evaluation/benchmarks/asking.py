"""Turns an imported set into rows that can be asked like any other item, with letters shuffled where that is wanted."""

from __future__ import annotations

import random
from typing import Any

from thud.evaluation.benchmarks.question import LETTERS, BenchmarkQuestion, BenchmarkSet, Options
from thud.records import content_id

ONLY_THE_LETTER = "Answer with the letter of the right option and nothing else."
SYNC_QUESTION = "Is the sound of this video in step with its picture?"
SYNC_OPTIONS: Options = (
    ("synced", "They are in step."),
    ("delayed", "The sound comes later than the picture."),
    ("early", "The sound comes earlier than the picture."),
)
CONDITIONS = {"synced": "original", "delayed": "delayed", "early": "early"}


def as_question_set(found: BenchmarkSet, seed: int | None = None) -> list[dict[str, Any]]:
    """One JSON-able row per question. seed: shuffles the options of each, None = in the file's order.

    options: (letter as shown, label); the label of a multiple-choice question is the option's letter in the file, so
    that answers to differently shuffled sets compare. id: a hash of all that is asked. source: what statistics cluster
    by: the video, or the one that all offsets of a synchrony question were made from. A question of synchrony is asked
    in its own file's words unless it is shuffled.
    """
    return [_row(found.kind, question, seed) for question in found.questions]


def _row(kind: str, question: BenchmarkQuestion, seed: int | None) -> dict[str, Any]:
    text, options, expected = _asked(question, seed)
    row: dict[str, Any] = {
        "benchmark": kind,
        "uid": question.uid,
        "task": "sync" if question.label else "choice",
        "text": text,
        "options": [list(option) for option in options],
        "expected": expected,
        "seed": seed,
        "condition": CONDITIONS.get(question.label, "original"),
        "offset_s": question.offset_s,
        "video": question.video,
        "sound": question.sound,
        "source": (question.group.get("clip") or (question.video,))[0],
        "group": {name: list(values) for name, values in question.group.items()},
    }
    asked = {name: row[name] for name in ("benchmark", "uid", "task", "text", "options", "expected", "seed")}
    return {"id": content_id(asked), **row}


def _asked(question: BenchmarkQuestion, seed: int | None) -> tuple[str, Options, str]:
    """(text as asked, (letter shown, label), the right label)."""
    if question.label and question.question and seed is None:
        return question.question, question.options, question.label
    words = SYNC_QUESTION if question.label else question.question
    texts = list(SYNC_OPTIONS if question.label else question.options)
    if seed is not None:
        random.Random(content_id(seed, question.uid)).shuffle(texts)
    shown = tuple(zip(LETTERS, texts, strict=False))
    lines = [words, *(f"{letter}. {text}" for letter, (_, text) in shown), ONLY_THE_LETTER]
    expected = question.label or question.answer
    return "\n".join(lines), tuple((letter, label) for letter, (label, _) in shown), expected

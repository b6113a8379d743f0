"""What listeners are asked: sets of questions as JSON files beside this one, and copies that users edit.

A set's id is the hash of its style and questions, so an edited copy is another set, and its responses are never mixed
with those to the first. The files hold no ids. A set that was used is not edited here; a new file is added.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from thud.errors import BadRequest
from thud.records import TASKS, content_id

FOLDER = Path(__file__).parent
Style = Literal["neutral", "structured", "direct", "choice"]
STYLES: tuple[str, ...] = get_args(Style)
LABELS: dict[str, tuple[str, ...]] = {
    "sync": ("synced", "early", "delayed", "desync"),
    "existence": ("audio_described", "muted", "visual_only"),
    "consistency": ("match", "mismatched"),
}
"""What the options of a choice question may stand for, by task."""
NEEDED: dict[str, tuple[str, ...]] = {
    "sync": ("synced", "early", "delayed"),
    "existence": ("audio_described", "muted"),
    "consistency": ("match", "mismatched"),
}
"""What they must stand for: without one of these a right answer could not be given."""
LONGEST_TEXT, LONGEST_OPTION, MOST_QUESTIONS, MOST_OPTIONS = 4000, 300, 30, 8
LETTER = "Answer with the letter of the one statement that is true."


@dataclass(frozen=True, slots=True)
class SetQuestion:
    """One question about a clip. options: (statement, label) of a choice question, in no particular order."""

    task: str
    text: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        return content_id(self.task, self.text, self.options)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions that belong together. style: "choice" questions have options, the others none."""

    name: str
    style: Style
    questions: tuple[SetQuestion, ...]

    @property
    def id(self) -> str:
        return content_id(self.style, [question.id for question in self.questions])

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it asks about, in the usual order."""
        return tuple(task for task in TASKS if any(question.task == task for question in self.questions))

    def about(self, task: str) -> tuple[SetQuestion, ...]:
        """Its questions about that task."""
        return tuple(question for question in self.questions if question.task == task)


def to_json(question_set: QuestionSet) -> dict[str, Any]:
    """The set as a JSON object that `parse_question_set` reads back, its id beside it."""
    questions = [
        {"task": one.task, "text": one.text, "options": [{"text": text, "label": label} for text, label in one.options]}
        for one in question_set.questions
    ]
    return {"id": question_set.id, "name": question_set.name, "style": question_set.style, "questions": questions}


def parse_question_set(row: object) -> QuestionSet:
    """The set that a JSON object describes: {name, style, questions: [{task, text, options: [{text, label}]}]}.

    An id in it is not read: it follows from the rest. BadRequest says what is wrong, and with which question.
    """
    if not isinstance(row, Mapping):
        raise BadRequest("A question set is an object with name, style and questions.")
    if unknown := sorted(str(key) for key in set(row) - {"id", "name", "style", "questions"}):
        raise BadRequest(f"A question set has no field {unknown[0][:40]!r}.")
    name, style, questions = row.get("name"), row.get("style"), row.get("questions")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 80 or not name.isprintable():
        raise BadRequest("The name of a question set has 1 to 80 characters.")
    if style not in STYLES:
        raise BadRequest(f"style is one of {', '.join(STYLES)}.")
    if not isinstance(questions, list) or not 0 < len(questions) <= MOST_QUESTIONS:
        raise BadRequest(f"A question set has 1 to {MOST_QUESTIONS} questions.")
    parsed = tuple(_question(one, number, style == "choice") for number, one in enumerate(questions, 1))
    if len({question.id for question in parsed}) < len(parsed):
        raise BadRequest("The same question stands in the set twice; remove one of them.")
    return QuestionSet(name.strip(), style, parsed)


def _question(row: object, number: int, choice: bool) -> SetQuestion:
    if not isinstance(row, Mapping) or set(row) - {"id", "task", "text", "options"}:
        raise BadRequest(f"Question {number} is an object with task, text and, for a choice, options.")
    task, text = row.get("task"), row.get("text")
    if task not in TASKS:
        raise BadRequest(f"Question {number}: task is one of {', '.join(TASKS)}; nothing else can be scored.")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST_TEXT:
        raise BadRequest(f"Question {number}: its text has 1 to {LONGEST_TEXT} characters.")
    options = _options(row.get("options") or [], number, task)
    if choice and (missing := [label for label in NEEDED[task] if label not in {label for _, label in options}]):
        raise BadRequest(f"Question {number}: no option stands for {missing[0]}, so it could never be answered right.")
    if not choice and options:
        raise BadRequest(f"Question {number}: only the questions of a set in the style choice have options.")
    return SetQuestion(task, text.strip(), options)


def _options(rows: object, number: int, task: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(rows, list) or len(rows) > MOST_OPTIONS:
        raise BadRequest(f"Question {number}: options is a list of up to {MOST_OPTIONS}.")
    found: list[tuple[str, str]] = []
    for row in rows:
        text, label = (row.get("text"), row.get("label")) if isinstance(row, Mapping) else (None, None)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST_OPTION or not text.isprintable():
            raise BadRequest(f"Question {number}: an option is one line of 1 to {LONGEST_OPTION} characters.")
        if label not in LABELS[task]:
            legal = ", ".join(LABELS[task])
            raise BadRequest(f"Question {number}: an option about {task} stands for {legal}, not {str(label)[:40]!r}.")
        found.append((text.strip(), label))
    if len({label for _, label in found}) < len(found) or len({text for text, _ in found}) < len(found):
        raise BadRequest(f"Question {number}: two of its options say or stand for the same.")
    return tuple(found)


def shuffled(question: SetQuestion, seed_parts: Sequence[Any]) -> tuple[str, tuple[tuple[str, str], ...], int]:
    """(the text with its lettered options, (letter, label) in the order shown, seed) of a choice question.

    The order depends on the question and `seed_parts` alone, so an item keeps its letters when others join it, and
    over many items every label stands at every letter equally often. Without options: the text as it is, (), 0.
    """
    if not question.options:
        return question.text, (), 0
    seed = int(content_id(question.id, list(seed_parts))[:8], 16)
    order = list(question.options)
    random.Random(seed).shuffle(order)
    lines = [f"{letter}) {text}" for letter, (text, _) in zip(string.ascii_uppercase, order, strict=False)]
    shown = tuple((letter, label) for letter, (_, label) in zip(string.ascii_uppercase, order, strict=False))
    return "\n".join([question.text, *lines, LETTER]), shown, seed


@cache
def shipped() -> dict[str, QuestionSet]:
    """The sets that ship, by style."""
    return {style: _read(style) for style in STYLES}


def _read(name: str) -> QuestionSet:
    return parse_question_set(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


QUESTION_SETS: dict[str, QuestionSet] = shipped()
"""Those that ship, by style: neutral, structured, direct, choice."""
DEMO: QuestionSet = _read("demo")
"""What the small model that ships can be asked. The demo's workspace holds it like a set of one's own."""

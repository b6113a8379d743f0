"""What a judge is shown and how its word is checked: text only, and every label must stand on words of the response.

A judge sees the question, the labels of its task and the response; never what is true, the condition or who answered.
What it says counts only when its quote occurs in the response; anything else is a problem and never a label.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from thud.evaluation.reading.jsonish import one_object
from thud.evaluation.reading.text import shorten, spoken
from thud.prompts import fill, prompt_text
from thud.records import Answer, Response, content_id

FOLDER = Path(__file__).with_name("prompts")
PROMPT, ITEM_PROMPT = "judge_v1", "judge_item_v1"
"""A prompt that was used is not edited; a new one is added."""

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "sync": ("synced", "early", "delayed", "desync", "muted", "mismatched"),
    "existence": ("audio_described", "muted", "visual_only", "mismatched"),
    "consistency": ("match", "mismatched", "muted", "visual_only"),
}
NONE = ("refused", "unparsed")
MEANINGS: Mapping[str, str] = {
    "synced": "picture and sound happen at the same time",
    "early": "the sound comes before the picture",
    "delayed": "the sound comes after the picture",
    "desync": "picture and sound are apart in time, and it does not say which comes first",
    "audio_described": "there is a sound that goes with what is seen, or it tells what is heard",
    "muted": "there is no sound, or it cannot be heard",
    "visual_only": "it tells what is seen and nothing at all about a sound",
    "match": "the sound belongs to what is seen",
    "mismatched": "there is a sound, and it belongs to something else",
    "refused": "it declines to answer",
    "unparsed": "cannot tell: it states none of these, several that exclude each other, or leaves it open",
}
LONGEST_REPLY, LONGEST_TIME_S = 20_000, 3600.0
TIMES = ("offset_s", "visual_s", "audio_s")


@dataclass(frozen=True, slots=True)
class Case:
    """All that a judge may know of a response. options: (letter, label) of a choice question as shown."""

    task: str
    question: str
    text: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        return content_id(self.task, self.question, self.text, self.options)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent: the rules of the task, the case, and the shape of the answer."""

    system: str
    text: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's word. problem: why it counts nothing (its label is "unparsed" then), "" when it counts."""

    answer: Answer
    problem: str = ""


def case_of(response: Response) -> Case:
    """The case that a response is, without anything that a judge must not see."""
    item = response.item
    return Case(item.task, item.text, response.text, item.options)


def case_from_json(row: Mapping[str, Any]) -> Case:
    """The Case that `asdict` took apart."""
    return Case(row["task"], row["question"], row["text"], tuple((letter, label) for letter, label in row["options"]))


def labels_of(task: str, options: Sequence[tuple[str, str]] = ()) -> tuple[str, ...]:
    """The labels that a judge or a person may give; of an imported choice question its letters."""
    claims = CLAIMS.get(task) or tuple(letter for letter, _ in options)
    return (*claims, *NONE)


def prompt_of(case: Case) -> Prompt:
    """The prompt about a case; the same case is always asked in the same words and the same order of labels."""
    labels = list(labels_of(case.task, case.options))
    random.Random(case.id).shuffle(labels)
    letters = dict(case.options) if case.task not in CLAIMS else {}
    listed = "\n".join(f"- {label}: {letters.get(label) or MEANINGS.get(label, 'this choice')}" for label in labels)
    # Named by the case's hash, so that no response can know how to close it.
    places = {"question": case.question, "labels": listed, "answer": shown(case.text), "fence": f"answer-{case.id}"}
    text = fill(prompt_text(FOLDER, ITEM_PROMPT), **places)
    return Prompt(prompt_text(FOLDER, PROMPT), text, schema_of(labels))


def schema_of(labels: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an answer."""
    number = {"anyOf": [{"type": "number"}, {"type": "null"}]}
    fields: dict[str, Any] = {
        "label": {"type": "string", "enum": list(labels)}, "quote": {"type": "string"},
        "confidence": {"type": "number"}, **dict.fromkeys(TIMES, number),
    }  # fmt: skip
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def protocol_id() -> str:
    """The hash of the words and the shape in which judges are asked; part of every judge's key."""
    told = {task: [[label, MEANINGS[label]] for label in (*claims, *NONE)] for task, claims in CLAIMS.items()}
    return content_id(prompt_text(FOLDER, PROMPT), prompt_text(FOLDER, ITEM_PROMPT), told, schema_of(()))


def shown(text: str) -> str:
    """The part of a response that is judged: what follows its thinking, and of a very long one both ends."""
    return shorten(spoken(text))


def read_verdict(reply: str, case: Case) -> Verdict:
    """What a judge's reply says about a case. Never raises, and never guesses."""
    row = one_object(reply, LONGEST_REPLY)
    if row is None:
        return _rejected("The judge's reply is not one JSON object in the form that was asked for.")
    label, quote = row.get("label"), row.get("quote")
    if not isinstance(label, str) or label not in labels_of(case.task, case.options):
        return _rejected(f"The judge gave a label that this question does not have: {str(label)[:40]!r}.")
    if not isinstance(quote, str):
        return _rejected("The judge gave no quote.")
    found = find_quote(quote, spoken(case.text))
    if found is None and (quote.strip() or label != "unparsed"):
        return _rejected(f"The judge's quote does not occur in the response: “{quote.strip()[:120]}”.")
    confidence = row.get("confidence")
    if not _number(confidence, 1.0) or confidence < 0:
        return _rejected("The judge's confidence is no number from 0 to 1.")
    if wrong := next((name for name in TIMES if not _time(row.get(name))), ""):
        return _rejected(f"The judge's {wrong} is no time in seconds.")
    seconds = {name: None if row.get(name) is None else float(row[name]) for name in TIMES}
    offset_s = seconds["offset_s"] or 0.0
    if {"early": offset_s > 0, "delayed": offset_s < 0}.get(label):
        return _rejected(f"The judge contradicts itself: {label}, and a sound that is {offset_s:+g} s late.")
    return Verdict(Answer(label, **seconds, quote=found or "", method="judge", confidence=float(confidence)))


def find_quote(quote: str, text: str) -> str | None:
    """The part of `text` that is `quote`, blanks and line breaks aside, as `text` has it; None where there is none.

    A part of a word is no quote: "no sound" is not found in "no soundtrack".
    """
    words = quote.split()
    if not any(char.isalnum() for char in quote):
        return None
    start = r"(?<!\w)" if words[0][0].isalnum() else ""
    end = r"(?!\w)" if words[-1][-1].isalnum() else ""
    found = re.search(start + r"\s+".join(map(re.escape, words)) + end, text)
    return found[0] if found else None


def _time(value: Any) -> bool:
    return value is None or _number(value, LONGEST_TIME_S)


def _number(value: Any, most: float) -> TypeGuard[float]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and abs(value) <= most


def _rejected(problem: str) -> Verdict:
    return Verdict(Answer("unparsed", method="judge"), problem)

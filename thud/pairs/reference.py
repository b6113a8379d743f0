"""Reference answers: what is right of an item, in the form its question wants: JSON, a letter and its option, prose."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from thud.pairs.families import family
from thud.pairs.wording import Facts, Phrased, drawn, told_times
from thud.records import Item

_OPTION = re.compile(r"^\s*\(?([A-Z])[).:]\s+(.+?)\s*$", re.MULTILINE)
_FIELD = re.compile(r'"(\w+)"\s*:')
_DIRECTIONS = {"synced": "none", "early": "early", "delayed": "delay"}


@dataclass(frozen=True, slots=True)
class Said:
    """A reference answer. options: (letter, text) as the question shows them. template: what was drawn."""

    text: str
    words: Phrased
    template: str
    options: tuple[tuple[str, str], ...] = ()


def reference_answer(item: Item, facts: Facts, draw: random.Random, register: str = "plain") -> Said:
    """What is right of the item, by the facts, in words that `draw` chooses and in the form its text asks for.

    register: of questions about existence, whether room tone is left ("room").
    """
    task = item.task if item.task in ("sync", "existence", "consistency") else ""
    phrased = _phrased(task, facts, draw, register)
    prose = phrased.tell(item.expected, facts) if task else ""
    options = options_of(item)
    if options:
        return Said(_lettered(item, dict(options), prose, draw), phrased, f"{phrased.template}/letter", options)
    if task and (fields := asked_fields(item.text)):
        row = {name: _value(name, item.expected, facts, prose) for name in fields}
        return Said(json.dumps(row, ensure_ascii=False), phrased, f"{phrased.template}/json")
    return Said(prose or item.expected, phrased, phrased.template)


def options_of(item: Item) -> tuple[tuple[str, str], ...]:
    """(letter, text) of a choice question, read from its lines; () where it shows none."""
    letters = {letter for letter, _ in item.options}
    return tuple((letter, text) for letter, text in _OPTION.findall(item.text) if letter in letters)


def asked_fields(text: str) -> tuple[str, ...]:
    """Names of the JSON fields that a question asks for, in its order; () where it asks for no JSON."""
    return tuple(dict.fromkeys(_FIELD.findall(text))) if "{" in text else ()


def _phrased(task: str, facts: Facts, draw: random.Random, register: str) -> Phrased:
    if task not in ("existence", "consistency"):
        register = "timed" if facts.gap_s is not None else "short"
    elif task == "consistency":
        register = "plain"
    words = drawn(task or "sync", draw, (register,))
    return replace(words, register=register, number=family(words.task).phrase(register, draw), said=False)


def _lettered(item: Item, options: dict[str, str], prose: str, draw: random.Random) -> str:
    right = [letter for letter, label in item.options if item.expected in (label, letter) and letter in options]
    if not right:
        return prose or item.expected
    start = f"{right[0]}) {options[right[0]]}" if draw.random() < 0.5 else f"{right[0]}. {options[right[0]]}"
    return f"{start} {prose}" if prose and draw.random() < 0.5 else start


def _value(name: str, label: str, facts: Facts, prose: str) -> Any:
    """What belongs into one field; None where it is not known what is asked, or what is true."""
    read = _FIELDS.get(name)
    return read(label, facts, prose) if read else None


def _second(facts: Facts, which: int) -> float | None:
    if facts.visual_s is None or facts.audio_s is None:
        return None
    return float(told_times(facts.visual_s, facts.audio_s)[which])


_FIELDS: dict[str, Callable[[str, Facts, str], Any]] = {
    "synced": lambda label, facts, prose: label == "synced",
    "direction": lambda label, facts, prose: _DIRECTIONS.get(label),
    "offset_sec": lambda label, facts, prose: 0.0 if label == "synced" else _second(facts, 2),
    "t_v": lambda label, facts, prose: _second(facts, 0),
    "t_a": lambda label, facts, prose: _second(facts, 1),
    "audio_present": lambda label, facts, prose: label == "audio_described",
    "sounds": lambda label, facts, prose: [facts.words.heard] if label == "audio_described" else [],
    "match": lambda label, facts, prose: label == "match",
    "seen": lambda label, facts, prose: facts.words.seen,
    "heard": lambda label, facts, prose: facts.sound or facts.words.heard,
    "explanation": lambda label, facts, prose: prose,
}

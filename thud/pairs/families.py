"""Template families: questions and phrasings as JSON files in `templates`, one file per task, read once.

A phrasing holds one wording per label, alike in build and length, so that the wording tells nothing about the label.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. yes: the label of which "yes" is true, "desync" standing for both directions, "" = no yes or no.

    timed: it asks for the times, so an answer without them would leave it open.
    """

    number: int
    text: str
    yes: str = ""
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """What is asked about one task, and by register the phrasings of its answers: label → wording."""

    task: str
    questions: tuple[Question, ...]
    registers: Mapping[str, tuple[Mapping[str, str], ...]]

    def ask(self, draw: random.Random) -> Question:
        """A question that `draw` chooses."""
        return self.questions[int(draw.random() * len(self.questions))]

    def phrase(self, register: str, draw: random.Random) -> int:
        """The number of a phrasing of that register that `draw` chooses."""
        return int(draw.random() * len(self.registers[register]))

    def wording(self, register: str, number: int, label: str) -> str:
        """The phrasing in its wording for `label`, its places still open."""
        return self.registers[register][number][label]


@cache
def family(task: str) -> Family:
    """The family of a task: sync, existence or consistency."""
    row = shipped(task)
    questions = tuple(Question(number, **one) for number, one in enumerate(row.pop("questions")))
    return Family(task, questions, {register: tuple(many) for register, many in row.items()})


def shipped(name: str) -> dict[str, Any]:
    """The JSON object of one file of `templates`."""
    row: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return row

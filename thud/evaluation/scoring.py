"""What is right: the expected label of every question, and the six cells of the paired table. Pure values, no counting.

A label says what a response claims; the outcomes in ABSENT say that it claims nothing. Nothing absent is ever turned
into a claim: it counts as wrong, or the item is left out, as the reader of the table chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["sync", "existence", "consistency", "choice"]
Absent = Literal["wrong", "left_out"]
"""How items without an answer count: as wrong (the default), or not at all."""

TASKS: tuple[str, ...] = ("sync", "existence", "consistency")
CLAIMS: tuple[str, ...] = (
    "synced",
    "early",
    "delayed",
    "desync",
    "audio_described",
    "muted",
    "visual_only",
    "match",
    "mismatched",
)
ABSENT: tuple[str, ...] = ("unparsed", "refused", "error")
LABELS: tuple[str, ...] = (*CLAIMS, *ABSENT)
FLAGGED: tuple[str, ...] = ("early", "delayed", "desync")
"""Claims that picture and sound are apart in time."""
IN_SYNC: tuple[str, ...] = ("synced", "match", "audio_described")
"""Claims that the sound belongs where it is; which of them is said depends on what was asked."""

EXPECTED: dict[tuple[str, str], str] = {
    ("sync", "original"): "synced",
    ("sync", "early"): "early",
    ("sync", "delayed"): "delayed",
    ("existence", "original"): "audio_described",
    ("existence", "muted"): "muted",
    ("consistency", "original"): "match",
    ("consistency", "swapped"): "mismatched",
}
QUESTIONS: tuple[tuple[str, str], ...] = tuple(EXPECTED)
"""Every (task, condition) that is asked, in the order of the tables."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the paired table: accuracy on a task's untouched or edited clips."""

    key: str
    title: str
    task: str
    conditions: tuple[str, ...]
    edited: bool


CELLS: tuple[Cell, ...] = (
    Cell("sync_original", "Sync, original", "sync", ("original",), False),
    Cell("sync_shifted", "Sync, shifted", "sync", ("early", "delayed"), True),
    Cell("existence_original", "Existence, original", "existence", ("original",), False),
    Cell("existence_muted", "Existence, muted", "existence", ("muted",), True),
    Cell("consistency_original", "Consistency, original", "consistency", ("original",), False),
    Cell("consistency_swapped", "Consistency, swapped", "consistency", ("swapped",), True),
)
_CELL_OF = {(cell.task, condition): cell.key for cell in CELLS for condition in cell.conditions}


def expected_label(task: str, condition: str) -> str | None:
    """The label a right answer has, or None where this task is not asked of this condition."""
    return EXPECTED.get((task, condition))


def cell_of(task: str, condition: str) -> str | None:
    """The key of the cell that (task, condition) belongs to, or None where it is not asked."""
    return _CELL_OF.get((task, condition))


def is_right(expected: str | None, label: str) -> bool:
    """Whether an answer is the expected one. An absent answer, or one to a question without a key, never is."""
    return expected is not None and label == expected


def outcome(expected: str | None, label: str, absent: Absent = "wrong") -> bool | None:
    """Right or wrong, or None where the item does not count: no key, or no answer and `absent` is "left_out"."""
    if expected is None or (absent == "left_out" and label in ABSENT):
        return None
    return label == expected


def three_class_right(condition: str, label: str) -> bool:
    """Sync task: synced, early or delayed, as shown. A shift seen without its direction is wrong here."""
    return is_right(expected_label("sync", condition), label)


def binary_right(condition: str, label: str) -> bool:
    """Sync task: in sync or not, whatever the direction."""
    return label == "synced" if condition == "original" else condition in ("early", "delayed") and label in FLAGGED


def direction_right(condition: str, label: str) -> bool | None:
    """Sync task: the direction of a shifted item; None on others, where there is none."""
    return label == condition if condition in ("early", "delayed") else None

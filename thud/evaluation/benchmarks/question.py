"""The values of an imported question set, and the rules every layout's rows go through."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thud.records import Refusal

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Options = tuple[tuple[str, str], ...]

NAMES: dict[str, str] = {
    "vmme": "Video-MME",
    "lvb": "LVBench",
    "ws": "WorldSense",
    "do": "DailyOmni",
    "vggsync": "VGGSoundSync",
}
"""The layouts that are known, by the short word of the six-benchmark row."""


@dataclass(frozen=True, slots=True)
class BenchmarkQuestion:
    """One question about one video that is on this disk.

    video, sound: absolute paths; sound is "" where the video's own is meant. options: (letter, text) as in the file.
    answer: the right letter, "" where the row has no options. group: what breakdowns go by (duration, domain, type,
    band …); a question may stand in several types. label, offset_s: what a synchrony question expects, + = sound
    late; "" and None for all others. row: where it stands in the file, from 1.
    """

    uid: str
    video: str
    question: str
    options: Options
    answer: str
    row: int
    sound: str = ""
    group: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = ""
    offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkSet:
    """All questions of a file that can be asked, and every row that cannot, with the reason."""

    kind: str
    name: str
    questions: tuple[BenchmarkQuestion, ...]
    refused: tuple[Refusal, ...] = ()

    def reasons(self) -> dict[str, int]:
        """How many rows were refused for each reason, the most frequent first."""
        return dict(Counter(refusal.reason for refusal in self.refused).most_common())


class BadRow(ValueError):
    """A row cannot be asked; `str(error)` is the reason, the same words for the same reason."""


def text_of(row: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds a text or a number, as text; "" when none does."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
    return ""


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts in a field that holds one or several."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(str(each).strip() for each in values if isinstance(each, (str, int, float)) and str(each).strip())


def listed(value: Any) -> list[Any]:
    """A list, also where a table's cell could only hold it as text; [] when it is none."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return list(value)
    if not isinstance(value, str) or len(value) > 100_000:
        return []
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, (list, tuple)):
            return list(found)
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    return lines if len(lines) > 1 else []


def lettered(values: Sequence[Any]) -> Options:
    """(letter, text) of a row's options. Letters that stand before the texts are taken off where all have them.

    Raises BadRow for fewer than two options, an empty one, or one that is no text.
    """
    texts = [value.strip() if isinstance(value, str) else value for value in values]
    if not 2 <= len(texts) <= len(LETTERS):
        raise BadRow("it has fewer than two options")
    if any(not isinstance(text, (str, int, float)) or text == "" for text in texts):
        raise BadRow("one of its options is empty")
    found = [re.match(r"\(?([A-Za-z])[.):]\s*(.*)", str(text), re.DOTALL) for text in texts]
    if all(match and match[1].upper() == letter for match, letter in zip(found, LETTERS, strict=False)):
        texts = [match[2].strip() for match in found if match]
    if any(text == "" for text in texts):
        raise BadRow("one of its options is empty")
    return tuple(zip(LETTERS, (str(text) for text in texts), strict=False))


def split_options(question: str) -> tuple[str, Options]:
    """(question, options) of a text that carries its own options as lines "(A) …"."""
    parts = re.split(r"(?:^|\n)\s*\(([A-Z])\)\s*", question)
    letters, texts = parts[1::2], parts[2::2]
    if letters != list(LETTERS[: len(letters)]):
        raise BadRow("the letters of its options are not in order")
    return parts[0].strip(), lettered([text.strip() for text in texts])


def letter_of(value: Any, options: Options) -> str:
    """The letter of the right option. Raises BadRow when there is no such option."""
    match = re.fullmatch(r"\(?([A-Za-z])[.):]?", value.strip()) if isinstance(value, str) else None
    letter = match[1].upper() if match else ""
    if letter not in {each for each, _ in options}:
        raise BadRow("its answer is not the letter of one of its options")
    return letter

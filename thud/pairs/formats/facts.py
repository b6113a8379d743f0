"""What a foreign row says beside its words: by its files' names, and by the options that its question lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from thud.evaluation.reading.letters import choose

Options = tuple[tuple[str, str], ...]
_SHIFTED = re.compile(r"^(?P<base>.+?)_(?P<way>delay|delayed|early)_(?P<size>\d+(?:\.\d+)?)s?$")
_OPTION = re.compile(r"^[ \t]*(?:\(([A-Z])\)|([A-Z])[.):])[ \t]+(.*\S)[ \t]*$", re.MULTILINE)
_TOLD = re.compile(r"\banswer is:? ?\(?([A-Z])\b(?!')", re.IGNORECASE)
ORIGINAL_FOLDER = "original"


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name tells. source: the stem without what was done to the sound; condition "" where unsaid."""

    source: str
    condition: str = ""
    offset_s: float | None = None

    @property
    def label(self) -> str:
        return "synced" if self.condition == "original" else self.condition


def named(video: str) -> Named:
    """Read from "NAME_delay_1.99s.mp4", "NAME_early_1.83s.mp4", and NAME.mp4 in a folder called "original"."""
    path = PurePosixPath(video.replace("\\", "/"))
    found = _SHIFTED.match(path.stem)
    if found:
        late = found["way"] != "early"
        size_s = float(found["size"])
        return Named(found["base"], "delayed" if late else "early", size_s if late else -size_s)
    return Named(path.stem, "original" if ORIGINAL_FOLDER in path.parts[:-1] else "")


def options_of(prompt: str) -> Options:
    """(letter, text) of the lines "A. …", "B) …" or "(C) …" of a question; () unless they run from A in order."""
    if "\n" not in prompt:
        return ()
    found = tuple((one[1] or one[2], one[3]) for one in _OPTION.finditer(prompt))
    right = len(found) > 1 and all(letter == chr(65 + place) for place, (letter, _) in enumerate(found))
    return found if right else ()


def letter_in(answer: str, options: Sequence[tuple[str, str]]) -> str:
    """The letter that an answer decides for, "" where it names none."""
    told = [one[1].upper() for one in _TOLD.finditer(answer)]
    if told and len(set(told)) == 1 and told[0] in {letter for letter, _ in options}:
        return told[0]
    chosen = choose(answer, options)
    return chosen.letter if chosen else ""

"""The rows of a JSON or JSONL file, one at a time: however large the file, two rows' worth of memory.

A row that cannot be read is said so, with its number, and the rows after it are read.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from thud.errors import BadRequest, NotFound

MOST_LETTERS = 1_000_000
"""A longer row is no row of a training file; it is passed over without being held."""

NOT_JSON = "it is not valid JSON"
TOO_LONG = "it is longer than 1 MB"
NOT_TEXT = "it holds bytes that are not UTF-8; save the file as UTF-8"
_SPACE = re.compile(r"[\s\x00]*")
_FOREIGN = re.compile("[\udc80-\udcff]")
_OUTSIDE, _INSIDE = re.compile(r'["{}\[\]]'), re.compile(r'["\\]')
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CONTAINERS = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a ZIP file", b"\x1f\x8b": "a gzip file"}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is left out. row: its number from 1 (in a JSONL file: its line). reason: the same words each time."""

    row: int
    reason: str


def read_rows(path: Path) -> Iterator[tuple[int, Any] | Skipped]:
    """(row number, value) of each row of a JSON array, of JSONL, or of JSON values one after another.

    UTF-8 with or without a mark, UTF-16 and UTF-32 are understood. Raises NotFound, BadRequest for a file that is none
    of these.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    try:
        encoding = _encoding(path)
        first, line = _beginning(path, encoding)
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from None
    if first not in ("[", "{"):
        raise BadRequest(f"{path.name} is neither a JSON array nor JSONL: it begins with “{first}”.")
    if first == "{" and line.endswith("}"):
        return _lines(path, encoding)
    return _values(path, encoding)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    for magic, what in _CONTAINERS.items():
        if head.startswith(magic):
            raise BadRequest(f"{path.name} is {what}; save its rows as JSONL or as a JSON array.")
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if head[1:2] == b"\0" and head[:1].strip():
        return "utf-16-le"
    if head[:1] == b"\0" and head[1:2].strip():
        return "utf-16-be"
    if b"\0" in head:
        raise BadRequest(f"{path.name} is no text file; pairs come as JSONL or as a JSON array.")
    return "utf-8"


def _open(path: Path, encoding: str) -> TextIO:
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    return path.open(encoding=encoding, errors=errors, newline="\n")


def _beginning(path: Path, encoding: str) -> tuple[str, str]:
    """The first letter, and the first line that is not blank (its end is what matters)."""
    with _open(path, encoding) as file:
        while piece := file.readline(MOST_LETTERS):
            if line := piece.strip():
                return line[0], line if piece.endswith("\n") or len(piece) < MOST_LETTERS else "}"
    raise BadRequest(f"{path.name} is empty.")


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, Any] | Skipped]:
    with _open(path, encoding) as file:
        number = 0
        while line := file.readline(MOST_LETTERS + 1):
            number += 1
            if len(line) > MOST_LETTERS:
                while line and not line.endswith("\n"):
                    line = file.readline(MOST_LETTERS)
                yield Skipped(number, TOO_LONG)
            elif line.strip():
                yield _line(number, line)


def _line(number: int, line: str) -> tuple[int, Any] | Skipped:
    if _FOREIGN.search(line):
        return Skipped(number, NOT_TEXT)
    try:
        return number, json.loads(line)
    except (ValueError, RecursionError):
        return Skipped(number, NOT_JSON)


def _values(path: Path, encoding: str) -> Iterator[tuple[int, Any] | Skipped]:
    """The members of a JSON array, or values that follow one another with nothing but space between."""
    with _open(path, encoding) as file:
        text = _Text(file)
        array = text.next_letter() == "["
        text.at += array
        number = 0
        while (letter := text.next_letter()) and letter != "]":
            if letter == ",":
                text.at += 1
                continue
            number += 1
            yield text.value(number)
        if array and not letter:
            yield Skipped(number + 1, "the file ends before its list does; it may have been cut off")


class _Text:
    """The part of a file that is held, and how far it was read."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.held, self.at = file, "", 0
        self.decode = json.JSONDecoder().raw_decode

    def more(self) -> bool:
        """Whether there was more to hold; what was read is let go."""
        piece = self.file.read(MOST_LETTERS)
        self.held, self.at = self.held[self.at :] + piece, max(0, self.at - len(self.held))
        return bool(piece)

    def next_letter(self) -> str:
        """The next letter that is no space, "" at the end."""
        while True:
            found = _SPACE.match(self.held, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.held) or not self.more():
                return self.held[self.at : self.at + 1]

    def value(self, number: int) -> tuple[int, Any] | Skipped:
        """The value that begins here, and steps behind it."""
        while True:
            try:
                value, end = self.decode(self.held, self.at)
            except (ValueError, RecursionError):
                if len(self.held) - self.at <= MOST_LETTERS and self.more():
                    continue
                return Skipped(number, TOO_LONG if self.pass_over() > MOST_LETTERS else NOT_JSON)
            start, self.at = self.at, end
            if end - start > MOST_LETTERS:
                return Skipped(number, TOO_LONG)
            return Skipped(number, NOT_TEXT) if _FOREIGN.search(self.held, start, end) else (number, value)

    def pass_over(self) -> int:
        """How many letters the object that begins here has; steps behind it, by its brackets alone."""
        depth, inside, passed = 0, False, 0
        while True:
            found = (_INSIDE if inside else _OUTSIDE).search(self.held, self.at)
            if not found:
                passed, self.at = passed + len(self.held) - self.at, len(self.held)
                if not self.more():
                    return passed
                continue
            passed, self.at, letter = passed + found.end() - self.at, found.end(), found[0]
            if letter == "\\":
                passed, self.at = passed + 1, self.at + 1
            elif letter == '"':
                inside = not inside
            else:
                depth += 1 if letter in "{[" else -1
                if depth <= 0:
                    self.at -= letter in "}]" and depth < 0
                    return passed

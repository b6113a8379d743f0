"""Reading a JSONL file that another process is still writing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO


class Tail:
    """The complete lines of a growing JSONL file, each given once.

    A last line without its newline is left for the next call: it is being written, or its writer died.
    A complete line that is no JSON object (torn by a power cut) is passed over: its item counts as not done.
    A file that was replaced or cut shorter is read again from the start; callers tell repeats apart by key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Bytes up to and including the last newline that was read."""
        self._inode = 0

    def read(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The objects added since the last call, `limit` of them at most; [] while there is no file."""
        try:
            with self.path.open("rb") as file:
                self._find_place(file)
                return list(islice(self._objects(file), limit))
        except FileNotFoundError:
            return []

    def _find_place(self, file: BinaryIO) -> None:
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self.offset:
            self.offset = 0
        self._inode = status.st_ino
        file.seek(self.offset)

    def _objects(self, file: BinaryIO) -> Iterator[dict[str, Any]]:
        for line in file:
            if not line.endswith(b"\n"):
                return
            self.offset += len(line)
            value = _parsed(line)
            if value is not None:
                yield value


def end_of(path: Path, size: int) -> str:
    """The last whole lines of a text file, `size` bytes at most; "" while there is no file."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - size)
            file.seek(start)
            text = file.read(size).decode(errors="replace")
    except FileNotFoundError:
        return ""
    return text.partition("\n")[2] if start else text


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

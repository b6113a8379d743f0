"""Rows of a JSON, JSONL or CSV file of any size, one at a time, and the clip of the workspace that each is about."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import ijson  # type: ignore[import-untyped]

from thud.errors import BadRequest
from thud.evaluation.benchmarks.question import BadRow, text_of
from thud.records import Clip

Row = Mapping[str, Any]
Parquet = Callable[[Path], list[dict[str, Any]]]

MOST_BYTES = 4_000_000
"""A longer line is no row."""
WHOLE_BYTES = 64_000_000
"""A JSON object up to this size is read at once, so that one video's metadata is told from a list of videos."""
WRAPPERS = ("data", "rows", "items", "database", "annotations", "questions", "videos", "samples", "results")
OF_ONE = (
    "content_metadata", "scenes", "segments", "events", "start", "start_s", "question", "conversations", "messages",
    "description",
)  # fmt: skip
"""An object with one of these fields is itself a row."""
STRONG = (
    "video", "videos", "video_path", "video_file", "original_video_filename", "file_name", "filename", "file", "path",
    "videoID", "video_id", "clip", "clip_id", "youtube_id", "video_name",
)  # fmt: skip
WEAK = ("id", "uid", "key", "name")
"""Looked at only where none of the fields above names a video."""
CAUSE = "its video is not in this workspace; add its folder on Clips first"


class Unknown(BadRow):
    """A row's video is no clip of this workspace."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:80]} is not in this workspace; add its folder on Clips first")


def cause_of(error: BadRow) -> str:
    """What rows are counted under: the reason without the name of the video."""
    return CAUSE if isinstance(error, Unknown) else str(error)


def rows_of(path: Path, parquet: Parquet | None = None) -> Iterator[tuple[int, Row | BadRow]]:
    """(row number from 1, row) of a file; what is no row is a BadRow in its place. parquet: what reads Parquet.

    One row is in memory at a time, whatever the size. Raises BadRequest for what is no such file.
    """
    if path.suffix.lower() == ".parquet":
        if parquet is None:
            raise BadRequest(f"{path.name} is Parquet, which is not read here; give the JSON or CSV file instead.")
        yield from enumerate(parquet(path), 1)
        return
    if not path.is_file():
        raise BadRequest(f"There is no file {path}; give a JSON, JSONL or CSV file.")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from error
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadRequest(f"{path.name} is UTF-16; save it as UTF-8 and import it again.")
    yield from _numbered(_table(path) if path.suffix.lower() in (".csv", ".tsv") else _json(path, head))


def _numbered(found: Iterator[Any]) -> Iterator[tuple[int, Row | BadRow]]:
    number = 0
    for number, row in enumerate(found, 1):
        if isinstance(row, (Mapping, BadRow)):
            yield number, row
        elif row is not None:
            yield number, BadRow("it is no object with fields")


def _json(path: Path, head: bytes) -> Iterator[Any]:
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    first = head[start:].lstrip()[:1]
    if first == b"[":
        return _until_broken(path, start, "item")
    if first == b"{":
        return _lines(path, start) if _is_lines(path, start) else _object(path, start)
    raise BadRequest(f"{path.name} is neither JSON, JSONL nor CSV; give one of these.")


def _is_lines(path: Path, start: int) -> bool:
    """Whether the first line is a JSON value by itself. A file of one line is one either way."""
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return True
    with path.open("rb") as file:
        file.seek(start)
        line = file.readline(MOST_BYTES)
        more = bool(file.read(64).strip())
    return more and isinstance(_loaded(line), Mapping)


def _lines(path: Path, start: int) -> Iterator[Any]:
    """A value per line; None for an empty one, so that the rows after it keep their numbers."""
    with path.open("rb") as file:
        file.seek(start)
        while line := file.readline(MOST_BYTES):
            if len(line) == MOST_BYTES and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(MOST_BYTES)
                yield BadRow("the line is longer than 4 MB")
            else:
                yield _loaded(line) if line.strip() else None


def _loaded(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return BadRow("the line is not JSON in UTF-8")


def _until_broken(path: Path, start: int, prefix: str) -> Iterator[Any]:
    with path.open("rb") as file:
        file.seek(start)
        try:
            yield from ijson.items(file, prefix, use_float=True)
        except (ijson.JSONError, UnicodeDecodeError, RecursionError):
            yield BadRow("the file breaks off or is not JSON here; nothing after it was read")


def _object(path: Path, start: int) -> Iterator[Any]:
    """The rows of an object: itself, what it wraps, or what stands under each video's name."""
    if path.stat().st_size <= WHOLE_BYTES:
        try:
            whole = json.loads(path.read_bytes()[start:].decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"{path.name} cannot be read as JSON: {str(error)[:120]}") from error
        if any(name in whole for name in OF_ONE):
            yield whole
            return
        wrapped = next((name for name in WRAPPERS if isinstance(whole.get(name), list)), "")
        yield from whole[wrapped] if wrapped else _under_names(whole.items())
        return
    first = _first_key(path, start)
    if first in WRAPPERS:
        yield from _until_broken(path, start, f"{first}.item")
        return
    with path.open("rb") as file:
        file.seek(start)
        try:
            yield from _under_names(ijson.kvitems(file, "", use_float=True))
        except (ijson.JSONError, UnicodeDecodeError, RecursionError):
            yield BadRow("the file breaks off or is not JSON here; nothing after it was read")


def _first_key(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        try:
            return next((str(value) for event, value in ijson.basic_parse(file) if event == "map_key"), "")
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise BadRequest(f"{path.name} cannot be read as JSON: {str(error)[:120]}") from error


def _under_names(pairs: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    for name, value in pairs:
        many = value if isinstance(value, list) else [value]
        yield from ({"video": name, **each} if isinstance(each, Mapping) else each for each in many)


def _table(path: Path) -> Iterator[Any]:
    between = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=between)
        try:
            for row in reader:
                yield {name: value for name, value in row.items() if isinstance(name, str) and value}
        except (csv.Error, UnicodeDecodeError):
            yield BadRow("the table cannot be read from here on as UTF-8; nothing after it was read")


class Finder:
    """Which clip of the workspace a row is about: by path, file name, name without suffix, or id."""

    def __init__(self, clips: Iterable[Clip]) -> None:
        self.clips = {clip.id: clip for clip in clips}
        self._named: dict[str, list[Clip]] = {}
        for clip in self.clips.values():
            path = PurePosixPath(clip.path)
            for name in {clip.id, clip.sha256, path.name, path.stem}:
                self._named.setdefault(name, []).append(clip)

    def of_row(self, row: Row) -> Clip:
        """The clip that a row's fields name. Raises BadRow."""
        names = _names(row, STRONG) or _names(row, WEAK)
        if not names:
            raise BadRow("it names no video")
        return self.named(names)

    def named(self, names: Iterable[str]) -> Clip:
        """The first of these names that is a clip's. Raises BadRow: unknown, or several clips are called so."""
        tried = [name.replace("\\", "/").strip() for name in names if name.strip()]
        for name in tried:
            path = PurePosixPath(name)
            found = self._named.get(path.name) or self._named.get(path.stem) or []
            whole = [clip for clip in found if clip.path == name or clip.path.endswith("/" + name)]
            if len(whole or found) > 1:
                raise BadRow(f"several clips of this workspace are called {path.name[:80]}; give their paths")
            if found:
                return (whole or found)[0]
        raise Unknown(tried[0]) if tried else BadRow("it names no video")


def _names(row: Row, fields: Iterable[str]) -> list[str]:
    found = []
    for field in fields:
        value = row.get(field)
        value = value[0] if isinstance(value, list) and value else value
        if name := text_of({"name": value}, "name"):
            found.append(name)
    return found

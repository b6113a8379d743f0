"""Reads a benchmark's question file; every row becomes a question or a refusal that names the row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.evaluation.benchmarks.files import Folder, tables
from thud.evaluation.benchmarks.layouts import first_kind, flat, question_of
from thud.evaluation.benchmarks.question import NAMES, BadRow, BenchmarkQuestion, BenchmarkSet
from thud.records import Refusal

BLANK = object()
"""Stands for an empty line, so that the rows after it keep their numbers."""

ParquetReader = Callable[[Path], list[dict[str, Any]]]


def read_benchmark(
    path: str | Path, kind: str | None = None, *, videos: str | Path | None = None, parquet: ParquetReader | None = None
) -> BenchmarkSet:
    """The questions of a folder or a question file. kind: one of NAMES, None = told by the fields.

    videos: the folder of the videos where it is another one. parquet: what reads Parquet, which this module cannot.
    Raises BadRequest when there is no question file that is known, or several.
    """
    if kind is not None and kind not in NAMES:
        raise BadRequest(f"There is no benchmark layout {kind!r}; there are {', '.join(NAMES)}.")
    path = Path(path).expanduser().absolute()
    file = _question_file(path, kind, parquet)
    root = Path(videos) if videos else (path if path.is_dir() else path.parent)
    return from_rows(_rows(file, parquet), Folder(root, None if videos else file.parent), kind, file.name)


def from_rows(rows: Iterable[Any], folder: Folder, kind: str | None = None, file: str = "rows") -> BenchmarkSet:
    """The set that these rows are, whatever they were read from. A row that is a BadRow is refused for what it says."""
    rows = list(rows)
    kind = kind or first_kind(iter(rows))
    if not kind:
        raise BadRequest(f"{file} holds no questions in a layout that is known: {', '.join(NAMES.values())}.")
    found: dict[str, BenchmarkQuestion] = {}
    refused = []
    for number, row in _spread(kind, rows):
        try:
            if isinstance(row, BadRow):
                raise row
            question = question_of(kind, row, number, folder)
            if question.uid in found:
                raise BadRow("a question of the same id stands further up")
            found[question.uid] = question
        except BadRow as error:
            refused.append(Refusal(_subject(file, number, row), str(error)))
    return BenchmarkSet(kind, NAMES[kind], tuple(found.values()), tuple(refused))


def _spread(kind: str, rows: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """(row number from 1, flat row); all questions that stand under one video have its row number."""
    for number, row in enumerate(rows, 1):
        if isinstance(row, BadRow):
            yield number, row
        elif row is not BLANK:
            yield from ((number, each) for each in flat(kind, row if isinstance(row, Mapping) else {}))


def _subject(file: str, number: int, row: Any) -> str:
    names = ("uid", "question_id", "videoID", "key", "video_id", "video")
    name = next((str(row[each]) for each in names if isinstance(row, Mapping) and row.get(each)), "")
    return f"{file}, row {number}" + (f" ({name[:60]})" if name else "")


def _question_file(path: Path, kind: str | None, parquet: ParquetReader | None) -> Path:
    """The file that was named, or the one of a folder that is nearest its top."""
    found = tables(path)
    if path.is_file():
        return found[0]
    known = [file for file in found if _looks_right(file, kind, parquet)]
    shallowest = min((len(file.parts) for file in known), default=0)
    known = [file for file in known if len(file.parts) == shallowest]
    if len(known) > 1:
        names = ", ".join(str(file.relative_to(path)) for file in known[:5])
        raise BadRequest(f"Several files in {path.name} hold questions: {names}. Give the one that is meant.")
    if not known:
        names = ", ".join(NAMES.values())
        raise BadRequest(f"No file in {path.name} holds questions in a layout that is known: {names}.")
    return known[0]


def _looks_right(file: Path, kind: str | None, parquet: ParquetReader | None) -> bool:
    try:
        found = first_kind(iter(_rows(file, parquet)))
    except BadRequest:
        return False
    return found == kind if kind else bool(found)


def _rows(file: Path, parquet: ParquetReader | None) -> Iterator[Any]:
    """The rows of a file in order; a line that is broken is a BadRow in its place."""
    if file.suffix.lower() == ".parquet":
        if parquet is None:
            raise BadRequest(f"{file.name} is Parquet, which is not read here; give the JSON or CSV file instead.")
        return iter(parquet(file))
    try:
        content = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise BadRequest(f"{file.name} cannot be read: {error.strerror}.") from error
    if file.suffix.lower() == ".jsonl":
        return _lines(content)
    try:
        text = content.decode()
        if file.suffix.lower() in (".csv", ".tsv"):
            return iter(_table(text, "," if file.suffix.lower() == ".csv" else "\t"))
        return _values(json.loads(text))
    except (ValueError, RecursionError, csv.Error) as error:
        raise BadRequest(f"{file.name} cannot be read as {file.suffix[1:].upper()}: {str(error)[:200]}") from error


def _table(text: str, between: str) -> list[dict[str, Any]]:
    """The rows below the head of a table; cells that stand under no head are left out."""
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=between)
    return [{name: value for name, value in row.items() if isinstance(name, str)} for row in rows]


def _lines(content: bytes) -> Iterator[Any]:
    for line in content.splitlines():
        if not line.strip():
            yield BLANK
            continue
        try:
            yield json.loads(line.decode())
        except (ValueError, RecursionError):
            yield BadRow("the line is not JSON")


def _values(whole: Any) -> Iterator[Any]:
    """The rows of a JSON file: a list of them, or an object that has each under its video's name."""
    if isinstance(whole, Mapping) and all(isinstance(value, Mapping) for value in whole.values()):
        return ({"video_id": name, **value} for name, value in whole.items())
    return iter(whole if isinstance(whole, list) else [whole])

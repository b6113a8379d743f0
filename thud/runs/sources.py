"""What there is to ingest: files, folders and manifests become items of a plan. Opens no video, so it costs nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.records import Refusal, content_id

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})
MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})
MANIFESTS = ("manifest.csv", "manifest.jsonl")


@dataclass(frozen=True, slots=True)
class Source:
    """One file to ingest, with what its manifest row says of it. folder: what it must not lead out of."""

    path: str
    folder: str
    title: str = ""
    kind: str = ""
    source: str = ""
    visual_s: float | None = None
    audio_s: float | None = None
    times: str = ""

    def item(self) -> dict[str, Any]:
        return {"key": content_id(self.path), **asdict(self)}


def list_sources(paths: Iterable[Path]) -> tuple[list[Source], list[Refusal]]:
    """(files to ingest, what is refused already): folders are walked, manifests read, files taken as they are.

    Raises BadRequest when nothing at all was found.
    """
    sources: dict[str, Source] = {}
    refused: list[Refusal] = []
    for path in paths:
        found = _list_one(path.expanduser().absolute())
        for entry in found:
            if isinstance(entry, Refusal):
                refused.append(entry)
            else:
                sources.setdefault(entry.path, entry)
    if not sources and not refused:
        raise BadRequest("there is no video here: thud reads mp4, mov, mkv, webm and avi files, folders, CSV and JSONL")
    return list(sources.values()), refused


def _list_one(path: Path) -> Iterator[Source | Refusal]:
    if path.is_dir():
        yield from _list_folder(path)
    elif path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file():
        yield from _list_manifest(path)
    else:
        yield Source(str(path), str(path.parent), path.stem)


def _list_folder(folder: Path) -> Iterator[Source | Refusal]:
    """What manifest.csv or manifest.jsonl in `folder` lists, then every other video below it, hidden ones left out.

    A subfolder's name is taken as the kind of its clips where no manifest says otherwise.
    """
    listed: set[str] = set()
    for name in MANIFESTS:
        for entry in _list_manifest(folder / name, folder) if (folder / name).is_file() else ():
            if isinstance(entry, Source):
                listed.add(entry.path)
            yield entry
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.suffix.lower() in VIDEO_SUFFIXES and not hidden and str(path) not in listed and not path.is_dir():
            yield Source(str(path), str(folder), path.stem, kind=parts[0] if len(parts) > 1 else "")


def _list_manifest(path: Path, within: Path | None = None) -> Iterator[Source | Refusal]:
    """within: what its files must lie in; a manifest that was named itself may list files anywhere."""
    for number, row in _rows(path):
        where = f"{path.name}, row {number}"
        if isinstance(row, str):
            yield Refusal(where, row)
            continue
        name = row.get("path")
        if not isinstance(name, str) or not name:
            yield Refusal(where, "the row has no path; a manifest needs a column named path")
            continue
        try:
            visual_s, audio_s = _seconds(row.get("visual_s")), _seconds(row.get("audio_s"))
        except ValueError as error:
            yield Refusal(where, str(error))
            continue
        file = path.parent / name
        texts = {key: str(row.get(key) or "") for key in ("title", "kind", "source")}
        texts["title"] = texts["title"] or file.stem
        method = str(row.get("times") or "manifest")
        yield Source(str(file), str(within or file.parent), **texts, visual_s=visual_s, audio_s=audio_s, times=method)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                yield from ((number, dict(row)) for number, row in enumerate(csv.DictReader(file), 2))
                return
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _json_row(line)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise BadRequest(f"{path.name} cannot be read as a manifest: {error}") from error


def _json_row(line: str) -> dict[str, Any] | str:
    try:
        row = json.loads(line)
    except ValueError:
        return "the row is not JSON"
    return row if isinstance(row, dict) else "the row is not a JSON object"


def _seconds(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a time in seconds") from None
    if not 0 <= seconds < 86400:
        raise ValueError(f"{value} s is not a time in a clip")
    return seconds


def plan_ingest(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """One item per file; what is refused already is an item too, so that the run's report is whole.

    Raises BadRequest when there is nothing to read.
    """
    sources, refused = list_sources(paths)
    items = [{"key": content_id(r.subject, r.reason), "path": r.subject, "refuse": r.reason} for r in refused]
    return [source.item() for source in sources] + items

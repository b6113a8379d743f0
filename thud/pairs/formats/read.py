"""Reads pairs from any file that trainers use; nothing is opened but that file, and no media."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.evaluation.benchmarks.question import BadRow
from thud.pairs.formats.facts import letter_in, named, options_of
from thud.pairs.formats.rows import Skipped, read_rows
from thud.pairs.formats.shapes import PLACEHOLDER, Parts, parts_of
from thud.pairs.pair import Pair, Shown, pair_from_json

OWN = "thud"
"""The column of our own exports that holds what other programs have no column for, as JSON text."""

NOT_ROWS = frozenset({"manifest.json", "dataset_info.json"})
_SPLITS = {"train": "train", **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"), "test": "test"}
"""The split that a file's name stands for."""

_LEADING = re.compile(r"^(?:\s*<(?:video|audio)>)+\s*")


def read_any(path: Path, remap: Sequence[tuple[str, str]] = ()) -> Iterator[Pair | Skipped]:
    """The pairs of a TRL or ShareGPT file, of an export's folder, or of the authors' released files; and what is none.

    remap: (old, new) beginnings of media paths, the longest that fits counts; relative paths are taken from the file's
    folder. What follows from a row's files and options is filled in (condition, offset_s, label, options, source). A
    placeholder that is left in a prompt is one that its media do not account for. Raises NotFound, BadRequest.
    """
    files = _files(Path(path))
    return _read(files, tuple(sorted(remap, key=lambda one: -len(one[0]))))


def remapped(path: str, remap: Sequence[tuple[str, str]]) -> str:
    """The path with the first of those beginnings that fits, at a border between folders, replaced."""
    for old, new in remap:
        begin = old.rstrip("/\\")
        if begin and (path == begin or path.startswith((begin + "/", begin + "\\"))):
            return new.rstrip("/\\") + path[len(begin) :].replace("\\", "/")
    return path


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [one for one in sorted(path.iterdir()) if one.suffix in (".json", ".jsonl") and one.name not in NOT_ROWS]
    if not found:
        raise BadRequest(f"{path.name} holds no JSON or JSONL file with pairs.")
    return sorted(found, key=lambda one: list(_SPLITS).index(one.stem) if one.stem in _SPLITS else len(_SPLITS))


def _read(files: Sequence[Path], remap: Sequence[tuple[str, str]]) -> Iterator[Pair | Skipped]:
    known: set[str] = set()
    for file in files:
        folder = str(file.parent.absolute())
        for found in read_rows(file):
            if isinstance(found, Skipped):
                yield found
                continue
            number, row = found
            try:
                _new(row, known)
                yield _pair(row, number, file, folder, remap)
            except BadRow as error:
                yield Skipped(number, str(error))


def _new(row: Any, known: set[str]) -> None:
    """Raises BadRow for a row whose id another one had, be it in another file of the folder."""
    name = row.get("id") if isinstance(row, Mapping) else None
    if isinstance(name, str | int) and name != "":
        if str(name) in known:
            raise BadRow("another row before it has the same id")
        known.add(str(name))


def _pair(row: Any, number: int, file: Path, folder: str, remap: Sequence[tuple[str, str]]) -> Pair:
    parts = parts_of(row)
    for what, paths in (("videos", parts.videos), ("audios", parts.audios)):
        if len(paths) > 1:
            raise BadRow(f"it has several {what}; one is read")
    shown = _shown(parts.videos, parts.audios, folder, remap)
    other = None if parts.other is None else _shown(*parts.other, folder, remap)
    own = row.get(OWN)
    pair = _own(own, parts, shown, other) if isinstance(own, str) else _foreign(row, number, parts, shown, other, file)
    if "\0" in shown.video + shown.sound:
        raise BadRow("its videos or audios are no paths")
    try:
        "".join((pair.prompt, pair.chosen, pair.rejected, shown.video, shown.sound)).encode()
    except UnicodeEncodeError:
        raise BadRow("it holds half of a letter (a lone surrogate), which no file can hold") from None
    return pair


def _shown(videos: Sequence[str], audios: Sequence[str], folder: str, remap: Sequence[tuple[str, str]]) -> Shown:
    return Shown(_place(videos, folder, remap), _place(audios, folder, remap))


def _place(paths: Sequence[str], folder: str, remap: Sequence[tuple[str, str]]) -> str:
    if not paths:
        return ""
    path = remapped(paths[0], remap)
    return path if path.startswith("/") or path[1:3] in (":\\", ":/") else os.path.normpath(f"{folder}/{path}")


def _own(text: str, parts: Parts, shown: Shown, other: Shown | None) -> Pair:
    """A pair that was exported from here: its words are the file's, all the rest as it was."""
    try:
        facts = json.loads(text)
        hashes, others = facts["shown"], facts["rejected_shown"]
        words = {"prompt": parts.prompt, "chosen": parts.chosen, "rejected": parts.rejected}
        if not parts.parts:
            words["prompt"] = parts.prompt.removeprefix(placeholders(shown))
        media = {
            "shown": {**hashes, "video": shown.video, "sound": shown.sound},
            "rejected_shown": others and {**others, "video": (other or shown).video, "sound": (other or shown).sound},
        }
        return pair_from_json({**facts, **words, **media})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadRow(f"its column {OWN} is damaged; without that column it is read like any other row") from None


def placeholders(shown: Shown) -> str:
    """What stands before a ShareGPT question, for what a model is shown."""
    return ("<video>" if shown.video else "") + ("<audio>" if shown.sound else "")


def _foreign(row: Mapping[str, Any], number: int, parts: Parts, shown: Shown, other: Shown | None, file: Path) -> Pair:
    held = Counter(PLACEHOLDER.findall(parts.prompt))
    shows = {"video": int(bool(shown.video)), "audio": int(bool(shown.sound))}
    stands = {kind: held[kind] for kind in ("video", "audio", "image")}
    other = None if other == shown else other
    fits = stands == {**shows, "image": 0}
    prompt = _LEADING.sub("", parts.prompt) if fits else parts.prompt
    origin: dict[str, Any] = {"file": file.name, "row": number}
    if row.get("id") not in (None, ""):
        origin["id"] = str(row["id"])
    if parts.system:
        origin["system"] = parts.system
    if not fits and not (parts.parts and not any(stands.values())):
        origin["placeholders"] = stands
    options = options_of(prompt)
    about = named(shown.video or shown.sound)
    return Pair(
        "imported", prompt, parts.chosen, parts.rejected, shown, other,
        source=about.source,
        task="choice" if options else "sync" if about.condition else "",
        condition="" if options else about.condition,
        offset_s=None if options else about.offset_s,
        label=letter_in(parts.chosen, options) if options else about.label,
        rejected_label=letter_in(parts.rejected, options) if options and parts.rejected else "",
        options=options, split=_SPLITS.get(file.stem, ""), origin=origin,
    )  # fmt: skip

"""A set of pairs on disk: written a line at a time, named only when whole, read by line number.

Files of `workspace/pairs/<id>/`:
    pairs.jsonl    {"n", "id", "held", "findings", "pair"}: one pair a line; held: checks that keep it back
    index.jsonl    [byte offset, id, type, split, condition, label, rejected_label, clip_id, held, findings] a line
    media.json     path → SHA-256 ("" = not known) of every file that the pairs show
    summary.json   what the set is: see `SetWriter.finish`
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any

from thud.disk import sync
from thud.errors import NotFound, RunFailed, StoreBroken, StoreFull, ThudError
from thud.pairs.pair import SPLITS, Pair, pair_from_json, pair_json

GENERAL = frozenset({"FV-D", "FV-A", "FV-A-L", "LV-MCQA"})
"""Types that are about video in general, not about an edited sound."""
Json = dict[str, Any]


def sets_folder(workspace: Path) -> Path:
    """Where the sets of a workspace lie, a folder each."""
    return workspace / "pairs"


@dataclass(slots=True, eq=False)
class _Counts:
    """What is counted while pairs are written."""

    lines: int = 0
    held: int = 0
    made: Counter[str] = field(default_factory=Counter)
    held_of: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    clips: dict[str, set[str]] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    conditions: Counter[str] = field(default_factory=Counter)
    media: dict[str, str] = field(default_factory=dict)
    general: int = 0

    def add(self, pair: Pair, held: bool) -> None:
        self.lines += 1
        self.held += held
        self.made[pair.type] += 1
        self.held_of[pair.type] += held
        for shown in (pair.shown, pair.rejected_shown):
            if shown is not None:
                self.media[shown.video] = shown.video_sha256
                self.media[shown.sound] = shown.sound_sha256
        if held:
            return
        self.pairs[pair.split] += 1
        self.clips.setdefault(pair.split, set()).add(pair.clip_id or pair.shown.video)
        self.rejected[pair.rejected_label] += 1
        self.conditions[pair.condition] += 1
        self.general += pair.type in GENERAL

    def summary(self) -> Json:
        kept = self.lines - self.held
        types = {name: {"made": made, "held": self.held_of[name]} for name, made in sorted(self.made.items())}
        splits = {name: {"clips": len(self.clips.get(name, ())), "pairs": self.pairs[name]} for name in SPLITS}
        return {
            "pairs": kept, "held": self.held, "types": types, "splits": splits,
            "balance": {
                "rejected": dict(sorted(self.rejected.items())), "conditions": dict(sorted(self.conditions.items())),
                "general_share": round(self.general / kept, 4) if kept else 0.0,
            },
        }  # fmt: skip


class SetWriter:
    """Writes a set aside; `finish` gives it its name. Left without `finish`, nothing of it stays.

    with SetWriter(workspace) as writer:
        writer.add(pair, held=("label_text",), findings=("label_text", "edge"))
        set_id = writer.finish({"title": …, "stage": "dpo", "origin": "imported", …})
    """

    def __init__(self, workspace: Path) -> None:
        """StoreFull when the disk has no room, as with the other methods."""
        self._root = sets_folder(workspace)
        self._aside = self._root / f".aside-{os.getpid()}-{id(self):x}"
        self._counts, self._digest, self._offset = _Counts(), sha256(), 0
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with _alone(self._root):
                _clear(self._root)
                self._aside.mkdir()
                self._lines = (self._aside / "pairs.jsonl").open("wb")
                fcntl.flock(self._lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._index = (self._aside / "index.jsonl").open("wb")
        except OSError as error:
            raise _translated(error) from error

    def __enter__(self) -> SetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        full = None
        for file in (self._lines, self._index):
            try:
                file.close()
            except OSError as unwritten:  # a full disk fails here too
                full = unwritten
        shutil.rmtree(self._aside, ignore_errors=True)
        if full is not None and error is None:
            raise _translated(full) from full

    @property
    def lines(self) -> int:
        """How many pairs were added: the next one's number."""
        return self._counts.lines

    def add(self, pair: Pair, held: Collection[str] = (), findings: Collection[str] = ()) -> int:
        """The number of the pair in the set."""
        number, name = self._counts.lines, pair.id
        row = {"n": number, "id": name, "held": [*held], "findings": [*findings], "pair": pair_json(pair)}
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        light = [
            self._offset, name, pair.type, pair.split, pair.condition, pair.label, pair.rejected_label, pair.clip_id,
            [*held], [*findings],
        ]  # fmt: skip
        try:
            self._lines.write(line)
            self._index.write(json.dumps(light, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise _translated(error) from error
        self._digest.update(line)
        self._offset += len(line)
        self._counts.add(pair, bool(held))
        return number

    def finish(self, about: Mapping[str, Any], set_id: str = "") -> str:
        """The set's id, with its folder in place. set_id: "" = the hash of its lines. A set that is there stays.

        about: title, stage, recipe, origin (built, imported, fixed, rewritten), parent, made_at, by, types (wanted and
        available), split_of, funnel, empty (why there is nothing), lint, basis, fixes, skipped, seconds; what is left
        out is empty. pairs, held, types (made and held), splits and balance are counted here.
        """
        name = set_id or self._digest.hexdigest()[:16]
        summary = self._summary(name, about)
        media = {path: sha for path, sha in sorted(self._counts.media.items()) if path}
        try:
            for file in (self._lines, self._index):
                file.flush()
                os.fsync(file.fileno())
            for called, value in (("media.json", media), ("summary.json", summary)):
                path = self._aside / called
                path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
                sync(path)
            sync(self._aside)
            self._rename(self._root / name)
        except OSError as error:
            raise _translated(error) from error
        return name

    def _rename(self, folder: Path) -> None:
        try:
            self._aside.rename(folder)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            return
        sync(self._root)

    def _summary(self, name: str, about: Mapping[str, Any]) -> Json:
        counted = self._counts.summary()
        told: Mapping[str, Json] = about.get("types") or {}
        made: Mapping[str, Json] = counted["types"]
        none = {"wanted": 0, "made": 0, "available": 0, "held": 0}
        types = {one: {**none, **told.get(one, {}), **made.get(one, {})} for one in {**told, **made}}
        empty: Json = {
            "title": "", "stage": "dpo", "recipe": None, "origin": "built", "parent": "", "made_at": "", "by": "",
            "split_of": {}, "funnel": {}, "empty": "", "lint": None, "basis": {}, "fixes": [],
            "skipped": [], "seconds": 0.0,
        }  # fmt: skip
        summary = {"id": name, **empty, **about, **counted, "types": types}
        for split, row in summary["splits"].items():  # clips without pairs count too, where they are known
            row["clips"] = list(summary["split_of"].values()).count(split) or row["clips"]
        return summary


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of a pair without reading it. offset: of its line in pairs.jsonl, bytes."""

    n: int
    offset: int
    id: str
    type: str
    split: str
    condition: str
    label: str
    rejected_label: str
    clip_id: str
    held: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairSet:
    """A set that lies on disk; only its summary and its light index are in memory."""

    id: str
    folder: Path
    summary: Json
    index: tuple[Line, ...]

    def row(self, n: int) -> Json:
        """The line of that number: n, id, held, findings, pair (JSON). NotFound when there is none."""
        if not 0 <= n < len(self.index):
            raise NotFound(f"This set has {len(self.index)} pairs; there is no number {n}.")
        with (self.folder / "pairs.jsonl").open("rb") as file:
            file.seek(self.index[n].offset)
            row: Json = json.loads(file.readline())
        return row

    def lines(
        self,
        *,
        type: str = "",
        split: str = "",
        check: str = "",
        held: bool | None = None,
        condition: str = "",
        ids: Collection[str] | None = None,
        clip_id: str = "",
        numbers: Collection[int] | None = None,
    ) -> list[Line]:
        """The lines that fit, in order. "" and None: all. check: one of its findings. ids: of pairs."""
        wanted = {"type": type, "split": split, "condition": condition, "clip_id": clip_id}
        asked = {key: value for key, value in wanted.items() if value}
        return [
            line
            for line in self.index
            if all(getattr(line, key) == value for key, value in asked.items())
            and (not check or check in line.findings)
            and (held is None or held == bool(line.held))
            and (ids is None or line.id in ids)
            and (numbers is None or line.n in numbers)
        ]

    def rows(self, lines: Iterable[Line]) -> Iterator[Json]:
        """The whole rows of those lines."""
        with (self.folder / "pairs.jsonl").open("rb") as file:
            for line in lines:
                file.seek(line.offset)
                yield json.loads(file.readline())

    def pairs(self, held: bool = False) -> Iterator[tuple[int, Pair]]:
        """(number, pair) from first to last, one in memory at a time. held: also those that are kept back."""
        with (self.folder / "pairs.jsonl").open("rb") as file:
            for text in file:
                row = json.loads(text)
                if held or not row["held"]:
                    yield row["n"], pair_from_json(row["pair"])

    def media(self) -> dict[str, str]:
        """Path → SHA-256 ("" = not known) of every file that the pairs show."""
        return dict(json.loads((self.folder / "media.json").read_text("utf-8")))


def is_set(workspace: Path, set_id: str) -> bool:
    """Whether that set lies in the workspace, whole."""
    return set_id.isalnum() and (sets_folder(workspace) / set_id / "summary.json").is_file()


def open_set(workspace: Path, set_id: str) -> PairSet:
    """The set of that id, kept in memory while its files stay as they are. NotFound; StoreBroken when it is damaged."""
    folder = sets_folder(workspace) / set_id
    if not is_set(workspace, set_id):
        raise NotFound(f"There is no pair set “{set_id[:40]}” in this workspace. Build it again, or choose another.")
    return _open(folder, (folder / "summary.json").stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _open(folder: Path, stamp: int) -> PairSet:
    del stamp  # only there so that a set written anew is read anew
    try:
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
        with (folder / "index.jsonl").open("rb") as file:
            index = tuple(_line(n, json.loads(text)) for n, text in enumerate(file))
    except (OSError, ValueError, TypeError) as error:
        raise StoreBroken(
            f"The pair set in {folder} is damaged ({error}). Delete the folder and build anew."
        ) from error
    return PairSet(folder.name, folder, summary, index)


def _line(n: int, row: Sequence[Any]) -> Line:
    *light, held, findings = row
    values: list[Any] = [n, *light, tuple(held), tuple(findings)]
    return Line(*values)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One at a time: between making a folder and locking it, nobody else may look whether it is locked."""
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _clear(root: Path) -> None:
    """Takes away what writers left that were killed. A lock ends with its process, in whichever way that ends."""
    for folder in root.glob(".aside-*"):
        try:
            with (folder / "pairs.jsonl").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except FileNotFoundError:
            pass
        shutil.rmtree(folder, ignore_errors=True)


def _translated(error: OSError) -> ThudError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull("The disk is full: free space and start again.")
    return RunFailed(f"The pair set cannot be written: {error}.")

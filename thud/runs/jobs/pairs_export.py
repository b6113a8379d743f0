"""Pairs export: a set becomes a folder that trains elsewhere, whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.pairs.formats.write import Written, write_export
from thud.pairs.pair import Pair
from thud.pairs.pair_set import PairSet, open_set
from thud.runs.job import CannotGoOn

if TYPE_CHECKING:
    from thud.store import Store

kind = "pairs_export"
LIMIT_S = 3600.0
DEFINITION = "pair_export"
MOST_PROBLEMS = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """The pairs of a set that go out: neither held, dropped nor stale. It can be gone through more than once."""

    found: PairSet
    dropped: frozenset[str]
    stale: frozenset[str]

    def __iter__(self) -> Iterator[Pair]:
        names = {line.n: line.id for line in self.found.index}
        for number, pair in self.found.pairs():
            if names[number] not in self.dropped and pair.clip_id not in self.stale:
                yield pair


def exports_folder(workspace: Path) -> Path:
    """Where exports lie, a folder each."""
    return workspace / "exports" / "pairs"


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Writes the folder. Raises CannotGoOn with the sentence why there is none, StoreFull."""
    folder = exports_folder(workspace) / item["name"]
    if (done := _made(folder, item["key"])) is not None:
        return done  # the worker died after the folder had its name
    _clear(folder)
    pairs = Kept(open_set(workspace, item["set"]), frozenset(item["dropped"]), frozenset(item["stale"]))
    try:
        written = write_export(pairs, folder, item["format"], workspace, {**item["about"], "export": item["key"]})
    except BadRequest as error:
        raise CannotGoOn(str(error)) from error
    return _result(written, folder)


def _clear(folder: Path) -> None:
    """Takes away what an earlier worker of this run left when it was killed."""
    for part in folder.parent.glob(f".{folder.name}-*"):
        if re.fullmatch(r"-[a-z0-9_]{8}", part.name.removeprefix(f".{folder.name}")):
            shutil.rmtree(part, ignore_errors=True)


def _result(written: Written, folder: Path) -> dict[str, Any]:
    reasons = list(written.left_out.items())
    problems = [[f"{count} pairs left out", reason] for reason, count in reasons[:MOST_PROBLEMS]]
    return {
        "folder": str(folder), "pairs": written.pairs, "splits": dict(written.splits),
        "left_out": sum(written.left_out.values()), "problems": problems,
        "tally": {"pairs": written.pairs, "left out": sum(written.left_out.values())},
    }  # fmt: skip


def _made(folder: Path, key: str) -> dict[str, Any] | None:
    """The result of this very export where its folder stands already."""
    try:
        told = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if told.get("export") != key:
        return None
    left_out = {one["reason"]: one["count"] for one in told["left_out"]}
    written = Written(folder, told["format"], told["stage"], told["pairs"], told["splits"])
    return _result(replace(written, left_out=left_out), folder)


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Notes the export: format, set, folder, counts."""
    body = {name: result[name] for name in ("folder", "pairs", "splits", "left_out")}
    about = {"set": item["set"], "format": item["format"], "title": item["about"]["title"]}
    store.define(DEFINITION, item["name"], {**about, **body}, item["by"])


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How many pairs went out."""
    if not tally:
        return ""
    out = f"; {tally['left out']} were left out" if tally.get("left out") else ""
    return f"{tally.get('pairs', 0)} pairs exported{out}."

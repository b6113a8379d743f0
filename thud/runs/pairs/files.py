"""Pairs in and out of files: what is exported, where to, what is imported, and which files of a set are not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.pairs.formats import Skipped, read_any
from thud.pairs.formats.layouts import FORMATS, TITLES
from thud.pairs.lint import CHECKS
from thud.pairs.pair_set import Line, PairSet
from thud.records import Run, content_id, stimulus_folder
from thud.runs.jobs import pairs_export, pairs_import

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

Json = dict[str, Any]
LOOKED_AT = 200
"""Rows that are tried before an import is started."""


def start_export(store: Store, runs: Runs, set_id: str, format: str, actor: str, name: str = "") -> Run:
    """The run that writes a set as a folder under exports/pairs. name: of the folder, "" = one that is free.

    Held, dropped and stale pairs stay behind; what the linter found beyond that goes into the manifest as waived.
    Raises BadRequest where nothing is left, splits share a clip, or the name is taken.
    """
    from thud.runs.pairs.sets import find_set

    if format not in FORMATS:
        raise BadRequest(f"There is no format “{format[:40]}”: {' or '.join(FORMATS)}.")
    found = find_set(store, set_id)
    parting = leaving(store, found)
    if not parting.lines:
        raise BadRequest(_nothing(found, parting.kept_back))
    _check_splits(parting.lines)
    title = str(found.summary["title"] or found.id)
    folder = _folder_name(store.workspace, name, f"{title} {format}")
    about = {
        "title": title, "name": folder, "set": found.id, **_history(found.summary), "lint": _lint(found.summary),
        "waived": _waived(found.summary), "kept_back": parting.kept_back,
    }  # fmt: skip
    item: Json = {
        "subject": title, "set": found.id, "format": format, "name": folder, "by": actor, "about": about,
        "dropped": sorted(parting.dropped), "stale": sorted(parting.stale),
    }  # fmt: skip
    item["key"] = content_id(item)
    settings = {"set": found.id, "format": format, "name": folder}
    said = f"Export {title} for {TITLES[format]}"
    return runs.start(pairs_export.kind, said, settings, [item], actor, workers=1, limit_s=pairs_export.LIMIT_S)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What an export takes along, and why the rest stays.

    dropped: ids of the set's pairs that people dropped. stale: clip ids. kept_back: reason → pairs, each pair once.
    """

    lines: tuple[Line, ...]
    dropped: frozenset[str]
    stale: tuple[str, ...]
    kept_back: dict[str, int]


def leaving(store: Store, found: PairSet) -> Leaving:
    """What an export of that set would take along now: neither held, nor dropped, nor stale pairs."""
    from thud.runs.pairs.sets import stale, words

    said, old = words(store), stale(store, found.summary)
    dropped, late = frozenset(line.id for line in found.index if said.get(line.id) == "dropped"), frozenset(old)
    free = [line for line in found.index if not line.held]
    kept = [line for line in free if line.id not in dropped]
    lines = tuple(line for line in kept if line.clip_id not in late)
    kept_back = {
        "held back by the linter": len(found.index) - len(free), "dropped by hand": len(free) - len(kept),
        "of clips whose times changed": len(kept) - len(lines),
    }  # fmt: skip
    return Leaving(lines, dropped, tuple(old), kept_back)


def start_import(store: Store, runs: Runs, path: Path, remap: Sequence[tuple[str, str]], actor: str) -> Run:
    """The run that takes in a file or an export's folder. remap: (old, new) beginnings of media paths.

    Raises NotFound, BadRequest for what holds no pairs at all.
    """
    path = path.expanduser().absolute()
    _look(path, remap)
    clips = {clip.sha256: clip.path for clip in store.clips()}
    sounds = {
        (stimulus_folder(Path(), one.clip_id) / one.models).as_posix(): one.proof.models_sha256
        for one in store.stimuli() if one.models
    }  # fmt: skip
    title = path.stem if path.is_file() else path.name
    item: Json = {
        "subject": path.name, "path": str(path), "remap": [[old, new] for old, new in remap], "title": title,
        "clips": clips, "sounds": sounds, "by": actor,
    }  # fmt: skip
    item["key"] = content_id(str(path), item["remap"], actor)
    settings = {"path": str(path), "remap": item["remap"]}
    said = f"Import pairs from {path.name}"
    return runs.start(pairs_import.kind, said, settings, [item], actor, workers=1, limit_s=pairs_import.LIMIT_S)


def exports(store: Store) -> dict[str, Json]:
    """Folder name → set, format, title, folder, pairs, splits, left_out of what was exported."""
    return store.definitions(pairs_export.DEFINITION)


def parse_remap(values: Sequence[str]) -> list[tuple[str, str]]:
    """(old, new) of "OLD=NEW" each. BadRequest."""
    found = [tuple(value.split("=", 1)) for value in values]
    if any(len(one) != 2 or not one[0].strip() for one in found):
        raise BadRequest("A path is mapped as OLD=NEW: the beginning that stands in the file, then where it lies here.")
    return [(one[0], one[1]) for one in found]


def _look(path: Path, remap: Sequence[tuple[str, str]]) -> None:
    """Raises BadRequest where none of the first rows is a pair: better before a run than after it."""
    reasons: dict[str, int] = {}
    for count, one in enumerate(read_any(path, remap), 1):
        if not isinstance(one, Skipped):
            return
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
        if count == LOOKED_AT:
            break
    raise BadRequest(pairs_import.nothing_in(path, reasons))


def _check_splits(lines: Sequence[Line]) -> None:
    owner: dict[str, str] = {}
    for line in lines:
        split = line.split or "train"
        if line.clip_id and owner.setdefault(line.clip_id, split) != split:
            raise BadRequest(
                f"The splits leak: clip {line.clip_id} is in {owner[line.clip_id]} and in {split}. Build the set anew."
            )


def _nothing(found: PairSet, kept_back: Mapping[str, int]) -> str:
    told = ", ".join(f"{count} {what}" for what, count in kept_back.items() if count)
    return f"There is nothing to export: of {len(found.index)} pairs, {told}." if told else "This set has no pairs."


def _history(summary: Json) -> Json:
    return {key: summary.get(key) for key in ("recipe", "origin", "parent", "made_at", "fixes")}


def _lint(summary: Json) -> list[Json]:
    checks = (summary.get("lint") or {}).get("checks", [])
    return [{key: one[key] for key in ("check", "title", "severity", "count", "words")} for one in checks]


def _waived(summary: Json) -> list[Json]:
    """Findings that stand in what goes out: warnings, and those about the whole set; rows with errors stay behind."""
    rows = [one for one in _lint(summary) if one["count"]]
    told = [one for one in rows if one["severity"] == "warning" or not CHECKS[one["check"]].of_rows]
    return [{key: one[key] for key in ("check", "title", "count", "words")} for one in told]


def _folder_name(workspace: Path, name: str, otherwise: str) -> str:
    """A folder name that is free. BadRequest for one that is taken, or that says nothing."""
    root = pairs_export.exports_folder(workspace)
    wanted = re.sub(r"[^A-Za-z0-9._-]+", "-", name or otherwise).strip("-._")[:80]
    if not wanted:
        raise BadRequest("The name needs a letter or a digit.")
    if name and (root / wanted).exists():
        raise BadRequest(f"There is an export called {wanted} already; choose another name.")
    number = 1
    while (root / (free := wanted if number == 1 else f"{wanted}-{number}")).exists():
        number += 1
    return free

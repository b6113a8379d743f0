"""Pairs import: the rows of a file become a pair set, linted on the way; the file is read as a stream."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.pairs.formats import Skipped, read_any
from thud.pairs.lint import Linter, errors_among
from thud.pairs.pair import Pair, Shown
from thud.pairs.pair_set import SetWriter, open_set
from thud.records import EventTimes
from thud.runs.follow import now
from thud.runs.job import CannotGoOn
from thud.runs.jobs.pairs import DEFINITION, fingerprint, told_of
from thud.runs.pairs.media import MediaCheck

if TYPE_CHECKING:
    from thud.store import Store

kind = "pairs_import"
LIMIT_S = 3600.0
MOST_LISTED = 1000
"""Skipped rows that are named; beyond that they are counted by reason."""

Json = dict[str, Any]


@dataclass(slots=True)
class Home:
    """Finds a pair's files in this workspace again. clips: SHA-256 → path. sounds: path under the workspace → SHA-256.

    exported: the hash of each file of the export that is read, by absolute path: its pictures lost their sound tracks,
    so they are other files than the clips whose hashes the pairs carry.
    """

    clips: Mapping[str, str]
    sounds: Mapping[str, str]
    exported: Mapping[str, str]
    paths: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.paths = {path: sha256 for sha256, path in self.clips.items()}

    def settle(self, pair: Pair) -> Pair:
        """The pair with its files as they are known here."""
        shown = self._shown(pair.shown, pair.clip_id)
        other = self._shown(pair.rejected_shown, pair.clip_id) if pair.rejected_shown else None
        clip_id = pair.clip_id or self.paths.get(pair.shown.video, "")[:16]
        return replace(pair, shown=shown, rejected_shown=other, clip_id=clip_id)

    def _shown(self, shown: Shown, clip_id: str) -> Shown:
        video, video_sha256 = shown.video, shown.video_sha256 or self.paths.get(shown.video, "")
        if video_sha256 in self.clips:
            video = self.clips[video_sha256]
        elif video in self.exported:
            video_sha256 = self.exported[video]
        sound = f"stimuli/{clip_id}/{Path(shown.sound).name}"
        if not (clip_id and self.sounds.get(sound) == shown.sound_sha256):
            sound = shown.sound
        return replace(shown, video=video, video_sha256=video_sha256, sound=sound)


@dataclass(slots=True)
class _Taken:
    """What became of the rows."""

    skipped: list[Skipped] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    rejected: bool = False
    basis: dict[str, str] = field(default_factory=dict)

    def take(self, pair: Pair, here: bool) -> None:
        """here: the pair's clip is in this workspace, so that a change of its times can make the pair stale."""
        self.rejected = self.rejected or bool(pair.rejected)
        times = pair.origin.get("times")
        if here and isinstance(times, Mapping):
            told = EventTimes(times.get("visual_s"), times.get("audio_s"), "")
            self.basis.setdefault(pair.clip_id, fingerprint(told))

    def skip(self, one: Skipped) -> None:
        self.reasons[one.reason] += 1
        if len(self.skipped) < MOST_LISTED:
            self.skipped.append(one)

    @property
    def problems(self) -> list[list[str]]:
        listed = [[f"row {one.row}", one.reason] for one in self.skipped]
        more = self.reasons.total() - len(listed)
        return [*listed, [f"{more} more rows", "skipped too; the set's summary counts the reasons"]] if more else listed


def work(item: Json, workspace: Path) -> Json:
    """Writes the set. Raises CannotGoOn where the file gives no pair, StoreFull."""
    started, path, taken = monotonic(), Path(item["path"]), _Taken()
    home = Home(item["clips"], item["sounds"], exported_hashes(path))
    with closing(MediaCheck(workspace)) as media, SetWriter(workspace) as writer:
        linter = Linter(media)
        try:
            for one in read_any(path, [(old, new) for old, new in item["remap"]]):
                if isinstance(one, Skipped):
                    taken.skip(one)
                    continue
                pair = home.settle(one)
                findings = linter.add(writer.lines, pair)
                taken.take(pair, pair.shown.video_sha256 in home.clips)
                writer.add(pair, errors_among(findings), findings)
        except (BadRequest, NotFound) as error:
            raise CannotGoOn(str(error)) from error
        if not writer.lines:
            raise CannotGoOn(nothing_in(path, taken.reasons))
        set_id = writer.finish(_about(item, taken, linter, round(monotonic() - started, 2)))
    summary = open_set(workspace, set_id).summary
    tally = {"pairs": summary["pairs"] + summary["held"], "held": summary["held"], "skipped": taken.reasons.total()}
    return {"set": set_id, "problems": taken.problems, "tally": tally}


def nothing_in(path: Path, reasons: Mapping[str, int]) -> str:
    """The sentence about a file of which no row is a pair."""
    if not reasons:
        return f"{path.name} holds no rows."
    reason = max(reasons, key=lambda one: reasons[one])
    return f"No row of {path.name} is a pair: {sum(reasons.values())} skipped, mostly because {reason}."


def exported_hashes(path: Path) -> dict[str, str]:
    """Absolute path → SHA-256 of the files of the export that `path` is or lies in; {} where it is none."""
    folder = (path if path.is_dir() else path.parent).absolute()
    try:
        told = json.loads((folder / "manifest.json").read_text("utf-8"))
        if told["made_by"] != "thud":
            return {}
        return {f"{folder}/{name}": str(sha256) for name, sha256 in told["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _about(item: Json, taken: _Taken, linter: Linter, seconds: float) -> Json:
    return {
        "title": item["title"], "stage": "dpo" if taken.rejected else "sft", "recipe": None, "origin": "imported",
        "made_at": now(), "by": item["by"], "from": item["path"],
        "basis": dict(sorted(taken.basis.items())), "lint": linter.report().to_json(), "seconds": seconds,
        "skipped": [{"row": one.row, "reason": one.reason} for one in taken.skipped],
        "skipped_reasons": dict(taken.reasons.most_common()),
    }  # fmt: skip


def ingest(store: Store, item: Json, result: Json) -> None:
    """Enters the set in the store's list."""
    summary = open_set(store.workspace, result["set"]).summary
    store.define(DEFINITION, result["set"], told_of(summary), item["by"])


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What became of the rows."""
    if not tally:
        return ""
    told = [f"{tally.get('pairs', 0)} pairs read"]
    if tally.get("held"):
        told.append(f"{tally['held']} kept back by the linter")
    if tally.get("skipped"):
        told.append(f"{tally['skipped']} rows skipped")
    return ", ".join(told) + "."

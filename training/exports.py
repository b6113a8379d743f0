"""What a data folder holds, as far as it decides whether and how long to train: rows, findings, tokens of a row.

It reads the manifest and looks into a few media files; it does not know how rows become tensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thud.disk import file_sha256
from thud.errors import BadRequest, RefusedClip, ThudError
from thud.media.probe import probe
from thud.media.write import MODELS_RATE_HZ
from thud.pairs.formats import Skipped, read_any
from thud.pairs.lint.catalogue import SEVERITY
from thud.pairs.pair import Pair
from thud.pairs.tokens import count_tokens
from thud.providers.local_media import sample_times, sound_samples
from training.config import TrainConfig
from training.memory import Load

LOOKED_AT = 24
"""Rows whose media are looked into for the number of their tokens, evenly spread."""
PICTURES_A_STEP = 2


@dataclass(frozen=True, slots=True)
class Found:
    """What the linter found in an export and what stands in it. severity: error or warning."""

    check: str
    title: str
    count: int
    severity: str


@dataclass(frozen=True, slots=True)
class Export:
    """A data folder. rows, validation: how many. findings: None = it was never linted. changed: files that are not
    as the manifest says. sample: some of the rows, evenly spread.
    """

    stage: str
    rows: int
    validation: int
    findings: tuple[Found, ...] | None
    changed: tuple[str, ...]
    sample: tuple[Pair, ...]


def read_export(folder: Path) -> Export:
    """What the folder holds. Raises BadRequest for one that holds no rows to train on."""
    file = folder / "train.jsonl"
    if not file.is_file():
        raise BadRequest(
            f"{folder} is no data to train on: it has no train.jsonl. Export a set of pairs for TRL first."
        )
    rows = list(read_pairs(file))
    if not rows:
        raise BadRequest(f"{file} holds no rows. Export the set again.")
    told = manifest(folder)
    held_out = folder / "validation.jsonl"
    return Export(
        stage="dpo" if all(pair.rejected for pair in rows) else "sft",
        rows=len(rows),
        validation=len(list(read_pairs(held_out))) if held_out.is_file() else 0,
        findings=_findings(told),
        changed=_changed(folder, told),
        sample=tuple(rows[place] for place in spread(len(rows), LOOKED_AT)),
    )


def read_pairs(path: Path, refused: type[ThudError] = BadRequest) -> Iterator[Pair]:
    """The pairs of a file of rows, in its order. Raises `refused` for a row that is none."""
    for one in read_any(path.absolute()):
        if isinstance(one, Skipped):
            raise refused(f"Row {one.row} of {path.name} is no pair: {one.reason}. Export the pairs again.")
        yield one


def manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest of an export, {} where there is none that can be read."""
    try:
        told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def manifest_sha256(folder: Path) -> str:
    """The hash that stands for the whole export, since the manifest lists those of all files; "" without one."""
    path = folder / "manifest.json"
    return file_sha256(path) if path.is_file() else ""


def loads_of(export: Export, config: TrainConfig, family: str, hears: bool = True) -> tuple[Load, Load]:
    """(tokens of a row on average, of the longest row) of those that were looked at, by part."""
    loads = [load_of_pair(pair, config, family, hears) for pair in export.sample]
    mean = Load(*(math.ceil(sum(part) / len(loads)) for part in zip(*map(_parts, loads), strict=True)))
    return mean, max(loads, key=lambda load: load.total)


def load_of_pair(pair: Pair, config: TrainConfig, family: str, hears: bool = True) -> Load:
    """The tokens of one row of an export. Raises BadRequest for media that cannot be read."""
    width, height, duration_s = _size(pair)
    counted = count_tokens(pair, width, height, duration_s, family)
    video = picture_tokens(width, height, duration_s, config, family)
    return Load(video, counted.audio if hears else 0, counted.prompt, max(counted.chosen, counted.rejected))


def _size(pair: Pair) -> tuple[int, int, float]:
    """(width, height, seconds) of what a pair shows; of one that is only heard (0, 0, seconds)."""
    try:
        if pair.shown.video:
            seen = probe(pair.shown.video)
            return seen.width, seen.height, seen.duration_s
        return 0, 0, len(sound_samples(pair.shown.sound)) / MODELS_RATE_HZ if pair.shown.sound else 0.0
    except RefusedClip as error:
        raise BadRequest(f"A row of the data cannot be shown: {error} Export the set again.") from error


def picture_tokens(width: int, height: int, duration_s: float, config: TrainConfig, family: str) -> int:
    """Tokens of a picture as the config samples it: two pictures are one step, an edge x edge square one token."""
    if min(width, height) <= 0 or duration_s <= 0:
        return 0
    edge = 32 if family == "qwen3-omni" else 28
    most = config.max_frames - config.max_frames % PICTURES_A_STEP or 1
    steps = math.ceil(len(sample_times(duration_s, config.fps, most)[0]) / PICTURES_A_STEP)
    scale = min(1.0, config.size_px / max(width, height))
    across, down = (max(1, round(side * scale / edge)) for side in (width, height))
    return steps * across * down


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the places 0 to count - 1, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})


def _parts(load: Load) -> Sequence[int]:
    return load.video, load.audio, load.text, load.answer


def _findings(told: Mapping[str, Any]) -> tuple[Found, ...] | None:
    """What still stands in the export; None where no linter has seen it."""
    if not told.get("lint"):
        return None
    return tuple(
        Found(one["check"], one["title"], one["count"], SEVERITY.get(one["check"], "error"))
        for one in told.get("waived", ())
    )


def _changed(folder: Path, told: Mapping[str, Any]) -> tuple[str, ...]:
    """Files that the manifest lists and that are gone, and row files that are others now."""
    wrong = []
    for name, digest in told.get("files", {}).items():
        path = folder / name
        if not path.is_file() or (path.suffix == ".jsonl" and file_sha256(path) != digest):
            wrong.append(name)
    return tuple(wrong)


def recipe_name(told: Mapping[str, Any]) -> str:
    """The recipe that a manifest names, "" where it names none."""
    recipe = told.get("recipe")
    return str(recipe.get("name") or recipe.get("title") or "") if isinstance(recipe, dict) else str(recipe or "")

"""Writes items as a task folder for Inspect or for lmms-eval. What is written stands alone: it does not import thud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from thud.evaluation.handover.folder import (
    copy_media,
    copy_template,
    fill_template,
    plain_name,
    whole_folder,
    write_rows,
)
from thud.evaluation.handover.items import ExportItem, checked, row
from thud.records import Refusal

VARIANTS = {"audio": "sound", "visual": "picture", "audiovisual": "video"}
"""The three lmms-eval tasks, and the medium each shows."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a hand-over came to. tasks: how many items each task of the folder asks."""

    folder: Path
    items: int
    tasks: dict[str, int]
    refused: tuple[Refusal, ...]


def write_inspect(items: Iterable[ExportItem], folder: Path, name: str = "thud") -> Written:
    """A new folder with an Inspect task file, its dataset and media. Raises BadRequest, StoreFull."""
    good, refused = checked(items)
    tasks = {
        "frames": sum(bool(item.frames) for item in good),
        "frames_and_sound": sum(bool(item.frames and item.sound) for item in good),
        "video": sum(item.video is not None for item in good),
        "sound": sum(item.sound is not None for item in good),
    }
    with whole_folder(folder) as part:
        places = copy_media(good, part)
        write_rows((row(item, places) for item in good), part / "dataset.jsonl")
        copy_template("inspect_task.py.txt", part / "task.py")
        copy_template("thud_reading.py", part / "thud_reading.py")
        fill_template("inspect_README.md", part / "README.md", {"name": plain_name(name), **_facts(good, tasks)})
    return Written(folder, len(good), tasks, tuple(refused))


def write_lmms_eval(items: Iterable[ExportItem], folder: Path, name: str = "thud") -> Written:
    """A new folder with three lmms-eval tasks (audio, visual, audiovisual), dataset and media.

    Raises BadRequest, StoreFull.
    """
    good, refused = checked(items)
    name = plain_name(name)
    counts = {f"{name}_{variant}": _shown(good, medium) for variant, medium in VARIANTS.items()}
    with whole_folder(folder) as part:
        places = copy_media(good, part)
        rows = [row(item, places) for item in good]
        write_rows(({k: v for k, v in each.items() if k != "frames"} for each in rows), part / "dataset.jsonl")
        copy_template("lmms_utils.py.txt", part / "utils.py")
        copy_template("thud_reading.py", part / "thud_reading.py")
        for variant in VARIANTS:
            words = {"task": f"{name}_{variant}", "variant": variant, "cells": _cells(good)}
            fill_template("lmms_task.yaml", part / f"{words['task']}.yaml", words)
        fill_template("lmms_README.md", part / "README.md", {"name": name, **_facts(good, counts)})
    return Written(folder, len(good), counts, tuple(refused))


def _shown(items: Iterable[ExportItem], medium: str) -> int:
    return sum(getattr(item, medium) is not None for item in items)


def _cells(items: Iterable[ExportItem]) -> str:
    """The metric of each cell that there are items of, as YAML."""
    metric = "  - metric: right_{}\n    aggregation: !function utils.share\n    higher_is_better: true"
    return "\n".join(metric.format(plain_name(cell)) for cell in sorted({item.cell for item in items}))


def _facts(items: list[ExportItem], tasks: dict[str, int]) -> dict[str, str]:
    """Counts for the README, as Markdown tables."""
    cells = Counter(item.cell for item in items)
    return {
        "cells": "\n".join(f"| {cell} | {count} |" for cell, count in sorted(cells.items())),
        "tasks": "\n".join(f"| `{task}` | {count} |" for task, count in tasks.items()),
        "items": str(len(items)),
        "sources": str(len({item.source or item.clip or item.id for item in items})),
    }

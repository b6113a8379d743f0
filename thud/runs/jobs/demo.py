"""Demo: draws and sounds out the demo clips, then ingests them like anybody's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.runs.jobs import ingest as ingest_job
from thud.runs.sources import Source

if TYPE_CHECKING:
    from thud.store import Store

kind = "demo"
LIMIT_S = 120.0
SEED, COUNT = 7, 24


def plan_demo(count: int = COUNT, seed: int = SEED) -> list[dict[str, Any]]:
    """One item per demo clip."""
    return [{"key": f"demo-{seed}-{index}", "index": index, "seed": seed} for index in range(count)]


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Makes one demo clip in workspace/demo and reads it like any other file."""
    from thud.stimuli.demo import make_clip

    folder = workspace / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    clip = make_clip(folder, item["seed"], item["index"])
    source = Source(
        str(folder / clip.path),
        str(folder),
        clip.title,
        clip.kind,
        clip.source,
        clip.visual_s,
        clip.audio_s,
        "construction",
    )
    return ingest_job.work(source.item(), workspace)


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """As for any clip that came in."""
    ingest_job.ingest(store, item, result)

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
HELD_OUT_SEED, HELD_OUT_COUNT = 41, 24


def plan_demo(count: int = COUNT, seed: int = SEED, held_out: bool = False) -> list[dict[str, Any]]:
    """One item per demo clip. held_out: clips that are kept for testing."""
    about = {"seed": seed, "held_out": held_out}
    return [{"key": f"demo-{seed}-{index}", "index": index, **about} for index in range(count)]


def plan_held_out(seed: int = HELD_OUT_SEED) -> list[dict[str, Any]]:
    """One item per clip that is kept for testing: the demo's kinds under another seed."""
    return plan_demo(HELD_OUT_COUNT, seed, held_out=True)


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Makes one demo clip in workspace/demo, or demo-held-out, and reads it like any other file."""
    from thud.stimuli.demo import make_clip

    held_out = item.get("held_out", False)
    folder = workspace / ("demo-held-out" if held_out else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    clip = make_clip(folder, item["seed"], item["index"], held_out)
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

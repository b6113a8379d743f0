"""What tests of training runs share: a workspace with a base, an export that trains in seconds, and runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import lines, make_export
from tests.unit.runs_kit import until
from thud.records import Run
from thud.runs.run import Runs
from thud.runs.training import TrainWanted, plan_training, start_training
from thud.store import Store, open_store

FIELDS: dict[str, Any] = {
    "lora": {"rank": 4, "alpha": 8, "dropout": 0.2}, "learning_rate": 1e-3, "batch_size": 2, "max_steps": 4,
    "fps": 4, "max_frames": 2, "size_px": 28, "save_every": 2, "answer_tokens": 4,
}  # fmt: skip
"""Two pictures of 28 px, LoRA of rank 4, four steps."""


@dataclass(frozen=True, slots=True)
class Made:
    """What is made once: a base model and an export."""

    base: str
    export: str


def make(folder: Path) -> Made:
    return Made(str(write_qwen25_omni(folder / "base")), str(make_export(folder, clips=3)))


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace with its runs."""

    store: Store
    runs: Runs
    folder: Path
    made: Made

    def wanted(self, stage: str = "sft", **more: Any) -> TrainWanted:
        fields = {**FIELDS, **more.pop("fields", {})}
        given = {"base": self.made.base, "export": self.made.export, "device": "cpu", "fields": fields}
        return TrainWanted(stage, **{**given, **more})

    def start(self, stage: str = "sft", **more: Any) -> Run:
        return start_training(
            self.store, self.runs, plan_training(self.store, self.runs, self.wanted(stage, **more)), "ann"
        )

    def of(self, run: Run) -> Path:
        return self.folder / run.folder

    def at_step(self, run: Run, step: int) -> None:
        """Returns when that step is in the metrics."""
        until(lambda: any(line["step"] >= step for line in lines(self.of(run), "step")), limit_s=120)


@contextmanager
def opened(folder: Path, made: Made) -> Iterator[Place]:
    with open_store(folder / "annotations.duckdb", folder, min_free_bytes=0) as store, Runs(store, folder) as runs:
        try:
            yield Place(store, runs, folder, made)
        finally:
            for run in runs.runs():
                if run.state in ("queued", "running"):
                    runs.cancel(run.id, now=True)

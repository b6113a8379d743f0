"""Ten thousand pairs from the demo clips in a fresh workspace: how long, and how much memory the worker takes.

building(count)   rows; `python -m tests.bench.pairs_bench` prints them
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.rows import Row, judge, show
from thud.pairs.recipe import shipped
from thud.runs.first_start import start_build as start_stimuli
from thud.runs.first_start import start_demo
from thud.runs.jobs import pairs as job
from thud.runs.pairs.material import add_demo_segments
from thud.runs.pairs.sets import plan_build
from thud.runs.run import Runs
from thud.store import open_store


def building() -> list[Row]:
    """Builds the default recipe from what a first start makes; the worker is a process of its own, as in a run."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name) / "workspace"
        workspace.mkdir()
        with open_store(Path(name) / "annotations.duckdb", workspace) as store, Runs(store, workspace) as runs:
            for start in (lambda: start_demo(runs, "bench"), lambda: start_stimuli(store, runs, None, "bench")):
                assert runs.wait(start().id).state == "done"
            add_demo_segments(store, "bench")
            line = plan_build(store, next(iter(shipped().values())), "bench")
        figures = _measured(line, workspace)
    assert figures["pairs"] == next(iter(shipped().values())).total, figures
    return [
        judge("pairs from the demo clips", figures["pairs"], "pairs"),
        judge("held back by the linter", figures["held"], "pairs"),
        judge("built, linted and written", figures["seconds"], "s", limit=10.0),
        judge("CPU time of it", figures["cpu_s"], "s"),
        judge("most memory of the worker", figures["peak_mib"], "MiB", limit=500.0),
    ]


def _measured(line: dict[str, Any], workspace: Path) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    told = workspace / "figures.json"
    worker = context.Process(target=_work, args=(line, workspace, told))
    worker.start()
    worker.join()
    figures: dict[str, float] = json.loads(told.read_text())
    return figures


def _work(line: dict[str, Any], workspace: Path, told: Path) -> None:
    begun, cpu = time.monotonic(), time.process_time()
    result = job.work(line, workspace)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {
        "pairs": result["pairs"], "held": result["held"], "seconds": time.monotonic() - begun,
        "cpu_s": time.process_time() - cpu, "peak_mib": peak / (2**20 if sys.platform == "darwin" else 2**10),
    }  # fmt: skip
    told.write_text(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(show(building()))

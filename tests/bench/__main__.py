"""`make bench [ONLY=word]`: measures the promises, prints a table and writes bench.json."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests import simulation
from tests.bench import (
    annotate_bench,
    annotators_bench,
    answers_bench,
    browser_bench,
    collator_bench,
    demo_training,
    desk_bench,
    lint_bench,
    listeners_bench,
    media_bench,
    pairs_bench,
    results_bench,
    start_bench,
    store_bench,
)
from tests.bench.rows import Row, as_json, judge

OUT = Path("bench.json")


def store_rows() -> Iterator[Row]:
    """Durability and throughput of the store."""
    group, lock = store_bench.claims(64, 5.0)
    per_s, base = float(group["pairs_per_s"]), float(lock["pairs_per_s"])
    against = lock["store"]
    yield judge(
        "claim + submit, 64 threads", per_s, "pairs/s", limit=1000.0, sense="at least", baseline=base,
        ratio=per_s / base, against=against,
    )  # fmt: skip
    yield judge("double claims", float(group["double_claims"]), "claims", limit=0.0)
    yield judge("acknowledged rows missing after reopening", float(group["acknowledged_missing"]), "rows", limit=0.0)
    killed = store_bench.kill9(200)[0]
    yield judge("kill -9 while writing", float(killed["kills"]), "kills")
    yield judge("acknowledged writes lost to kill -9", float(killed["lost"]), "writes", limit=0.0)
    yield judge("failed reopenings after kill -9", float(killed["failed_reopenings"]), "reopenings", limit=0.0)


def consensus_rows() -> Iterator[Row]:
    """The consensus against the median on simulated annotators whose truth is known, 40 draws."""
    table = {name: median_s for name, median_s, _, _ in simulation.table(simulation.DRAWS)}
    hits, bad = simulation.head()
    settled, median = 1000 * table["consensus with gold"], 1000 * table["median of three"]
    yield judge(
        "consensus, median error", settled, "ms", limit=75.0, baseline=median, ratio=settled / median,
        against="median of three",
    )  # fmt: skip
    share = 100 * hits / bad
    yield judge("clips off by > 250 ms in the queue's first 20 %", share, "%", limit=80.0, sense="at least")


def people_rows() -> Iterator[Row]:
    """500 people on the running server, and the same while it is killed."""
    calm, killed = desk_bench.load(500, 60.0), desk_bench.kills(200, 500)
    yield judge("500 people, saves in a minute", float(calm["saves"]), "saves")
    yield judge("500 people, save p50", float(calm["p50_ms"]), "ms")
    yield judge("500 people, save p99", float(calm["p99_ms"]), "ms", limit=250.0)
    for what in ("lost", "doubled", "double_leases", "refused"):
        yield judge(f"500 people, {what.replace('_', ' ')}", float(calm[what]), "", limit=0.0)
    yield judge("kill -9 of the server under 500 people", float(killed["kills"]), "kills")
    yield judge("saves acknowledged meanwhile", float(killed["saves"]), "saves")
    yield judge("acknowledged saves lost", float(killed["lost"]), "saves", limit=0.0)
    yield judge("saves twice in the log", float(killed["doubled"]), "saves", limit=0.0)


SUITES: dict[str, Callable[[], list[Row]]] = {
    "stimuli": media_bench.stimuli_cost,
    "frames": media_bench.frame_cost,
    "store": lambda: list(store_rows()),
    "start": start_bench.first_paint,
    "browser": browser_bench.clip_page,
    "collator": collator_bench.overhead,
    "annotate": annotate_bench.annotate_page,
    "consensus": lambda: list(consensus_rows()),
    "annotators": annotators_bench.hard_run,
    "answers": answers_bench.reading,
    "demo-training": demo_training.rows,
    "lint": lint_bench.linting,
    "listeners": listeners_bench.hard_run,
    "pairs": pairs_bench.building,
    "people": lambda: list(people_rows()),
    "results": results_bench.results_page,
}


def main(only: list[str]) -> int:
    rows: list[Row] = []
    console = Console(width=150)
    for name, suite in SUITES.items():
        if not only or name in only:
            console.print(f"measuring {name} …", style="dim")
            rows += suite()
    table = Table("name", "value", "unit", "baseline", "ratio", "target", "met", "against", box=None)
    for row in rows:
        numbers = [f"{row.value:.4g}", row.unit, *("" if n is None else f"{n:.4g}" for n in (row.baseline, row.ratio))]
        met = "" if row.met is None else ("yes" if row.met else "MISSED")
        table.add_row(row.name, *numbers, row.target, met, row.against)
    console.print(table)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    OUT.write_text(json.dumps({"machine": machine, "rows": as_json(rows)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

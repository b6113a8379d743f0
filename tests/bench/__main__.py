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

from tests.bench import browser_bench, media_bench, start_bench, store_bench
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


SUITES: dict[str, Callable[[], list[Row]]] = {
    "stimuli": media_bench.stimuli_cost,
    "frames": media_bench.frame_cost,
    "store": lambda: list(store_rows()),
    "start": start_bench.first_paint,
    "browser": browser_bench.clip_page,
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

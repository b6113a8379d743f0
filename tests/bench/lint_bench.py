"""How long it takes from files of the size that was released, with planted faults, to the report."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.rows import Row, judge
from tests.lint_kit import Sizes, write_dpo, write_sft
from thud.cli.pairs.linting import report_on


def linting() -> list[Row]:
    """The rows of this suite."""
    with tempfile.TemporaryDirectory() as folder:
        sft, dpo = Path(folder) / "sft.json", Path(folder) / "dpo.json"
        truths = write_sft(sft, Sizes()), write_dpo(dpo, Sizes())
        started = time.perf_counter()
        reports = [report_on(path) for path in (sft, dpo)]
        took_s = time.perf_counter() - started
    wrong = sum(
        abs(report.finding(check).count - count)
        for truth, report in zip(truths, reports, strict=True)
        for check, count in truth.counts.items()
        if check != "longest"
    )
    rows = sum(truth.rows for truth in truths)
    return [
        judge(f"lint of {rows:,} rows, file to report", took_s, "s", limit=5.0),
        judge("planted faults counted wrongly", wrong, "faults", limit=0.0),
    ]

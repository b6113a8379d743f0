"""What a benchmark gives: rows of name, value, unit, baseline, ratio, target, met."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. baseline: what it is compared with, in the same run. met: None where no target was set.

    judged: which figure the target is about, the value itself or its ratio to the baseline.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    against: str = ""


def judge(
    name: str,
    value: float,
    unit: str,
    *,
    limit: float | None = None,
    sense: Literal["at most", "at least"] = "at most",
    on: Literal["value", "ratio"] = "value",
    baseline: float | None = None,
    ratio: float | None = None,
    against: str = "",
) -> Row:
    """A row with its target spelt out and judged."""
    judged = value if on == "value" else ratio
    met = None
    if limit is not None and judged is not None:
        met = judged <= limit if sense == "at most" else judged >= limit
    target = (
        "" if limit is None else f"{on if on == 'ratio' else ''} {'≤' if sense == 'at most' else '≥'} {limit:g}".strip()
    )
    return Row(name, value, unit, baseline, ratio, target, met, against)


def cpu_s() -> float:
    """User and system seconds of this process and of all its ended children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def cost_s(work: Callable[[], Any]) -> float:
    """CPU seconds that `work` takes, children included."""
    before = cpu_s()
    work()
    return cpu_s() - before


def as_json(rows: list[Row]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def show(rows: list[Row]) -> int:
    """Prints the rows of one suite; the exit code is 1 when one of them was missed."""
    for row in as_json(rows):
        missed = "" if row["met"] in (None, True) else "  MISSED"
        sys.stdout.write(f"{row['name']:48} {row['value']:10.6g} {row['unit']:10} {row['target']}{missed}\n")
    return int(any(row.met is False for row in rows))

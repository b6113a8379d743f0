"""What the linter says of a set: every check with its count, its rows and its figures in one sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]
Fix = Literal["", "shuffle_letters", "drop", "rebalance"]

MOST_ROWS = 1000
"""Row numbers that a finding lists; beyond that it only counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome. count 0 = passed, where of is not 0. of: how many rows the check could judge at all.

    words: what was found, with figures. rows: the first of them, by number. more: there are more than are listed.
    fix: what mends it without a person's judgement, "" if nothing does.
    """

    check: str
    title: str
    severity: Severity
    count: int = 0
    of: int = 0
    words: str = ""
    rows: tuple[int, ...] = ()
    more: bool = False
    fix: Fix = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, those that passed too, in the order of the catalogue."""

    rows: int
    checks: tuple[Finding, ...] = ()

    @property
    def errors(self) -> int:
        """How many findings of the severity "error" there are, over all checks."""
        return sum(one.count for one in self.checks if one.severity == "error")

    def finding(self, check: str) -> Finding:
        """The outcome of one check."""
        return next(one for one in self.checks if one.check == check)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return {"rows": self.rows, "checks": [{**asdict(one), "rows": list(one.rows)} for one in self.checks]}

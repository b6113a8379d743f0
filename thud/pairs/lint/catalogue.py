"""The checks, in the order in which they are reported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thud.pairs.lint.report import Fix, Severity


@dataclass(frozen=True, slots=True)
class Check:
    """One check. of_rows: it judges rows one by one, and `Linter.add` names it; else it judges the whole set.

    title: what is wrong where it finds something, for people.
    """

    name: str
    title: str
    severity: Severity
    fix: Fix = ""
    of_rows: bool = True


CATALOGUE: tuple[Check, ...] = (
    Check("label_text", "The text says something else than the label", "error", "drop"),
    Check("direction_times", "The two times in the text imply the other direction", "error", "drop"),
    Check("gap", "The stated gap is not the recorded one", "warning", "drop"),
    Check("text_times", "Times in the text contradict each other or the recorded ones", "warning", "drop"),
    Check("whole_seconds", "Times of the picture are whole seconds", "warning", "", of_rows=False),
    Check("outside", "The event lies outside the clip", "error", "drop"),
    Check("edge", "The sound was cut off at 0.0 s by the shift", "warning", "drop"),
    Check("same_text", "Chosen and rejected share one rationale", "error", "drop"),
    Check("same", "Chosen and rejected are the same", "error", "drop"),
    Check("letter_prior", "The right letter can be guessed", "error", "shuffle_letters", of_rows=False),
    Check("option_length", "The right option is the longest too often", "warning", "", of_rows=False),
    Check("length", "Chosen and rejected differ in length", "warning", "", of_rows=False),
    Check("near_duplicate", "Nearly the same pair twice", "warning", "drop"),
    Check("split_leak", "The same media in two splits", "error", "drop"),
    Check("media", "Media is missing or has changed", "error", "drop"),
    Check("balance", "Conditions are not balanced", "warning", "rebalance", of_rows=False),
    Check("junk", "Placeholders or characters that do not belong", "warning", "drop"),
    Check("text_only", "The words alone tell chosen from rejected", "warning", "", of_rows=False),
)
CHECKS = {check.name: check for check in CATALOGUE}
SEVERITY: dict[str, Severity] = {check.name: check.severity for check in CATALOGUE}
ERRORS = frozenset(name for name, severity in SEVERITY.items() if severity == "error")


def errors_among(findings: Iterable[str]) -> list[str]:
    """Those of a row's findings that keep it out of training."""
    return [name for name in findings if name in ERRORS]

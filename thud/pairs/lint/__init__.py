"""Lint: what is wrong with a set of pairs, row by row and over all."""

from thud.pairs.lint.catalogue import CHECKS, ERRORS, SEVERITY, Check, errors_among
from thud.pairs.lint.linter import Linter
from thud.pairs.lint.report import Finding, Fix, Report, Severity
from thud.pairs.lint.several import lint_rows

__all__ = [
    "CHECKS", "ERRORS", "SEVERITY", "Check", "Finding", "Fix", "Linter", "Report", "Severity", "errors_among",
    "lint_rows",
]  # fmt: skip

"""Question sets that others made, read from a folder on this disk; NAMES lists the layouts that are known.

Nothing is downloaded and no video is opened. `read_benchmark` gives questions and refusals, `as_question_set` the rows
to ask.
"""

from __future__ import annotations

from thud.evaluation.benchmarks.asking import as_question_set
from thud.evaluation.benchmarks.files import Folder
from thud.evaluation.benchmarks.question import NAMES, BenchmarkQuestion, BenchmarkSet
from thud.evaluation.benchmarks.read import from_rows, read_benchmark

__all__ = ["NAMES", "BenchmarkQuestion", "BenchmarkSet", "Folder", "as_question_set", "from_rows", "read_benchmark"]

"""How well the rules read responses: the reference file, beside the paper's parser on it, and our own corpus."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.answers.report import PARTS, TASKS, agreement, read_all
from tests.bench.rows import Row, judge
from thud.evaluation.answers import read_answer
from thud.evaluation.paper_parser import paper_answer

FILE = "wvs_answers_dev.jsonl"
POSITIVE = ("synced", "match", "audio_described")


def reading() -> list[Row]:
    """The rows of this suite. Those of the reference file need THUD_REFERENCE."""
    folder = os.environ.get("THUD_REFERENCE")
    return [*(_reference(Path(folder) / FILE) if folder else ()), *_corpus()]


def _reference(path: Path) -> list[Row]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    ours = [read_answer("sync", row["text"]).label for row in rows]
    theirs = [paper_answer("sync", row["text"]).label for row in rows]
    agree, paper = (
        100 * sum(label == row["condition"] for label, row in zip(labels, rows, strict=True)) / len(rows)
        for labels in (ours, theirs)
    )
    unparsed = 100 * sum(label in ("unparsed", "refused") for label in ours) / len(rows)
    return [
        judge("reference texts", len(rows), "texts"),
        judge(
            "read as the condition", agree, "%", limit=93.0, sense="at least", baseline=paper, ratio=agree / paper,
            against="the paper's parser",
        ),
        judge("unparsed", unparsed, "%", limit=2.0),
    ]  # fmt: skip


def _corpus() -> list[Row]:
    read = {f"{part}, {task}": read_all(part, task) for part in PARTS for task in TASKS}
    silent = [one for reads in read.values() for one in reads if one.written.label in ("unparsed", "refused")]
    wrong = sum(one.answer.label in POSITIVE for one in silent)
    return [
        *(judge(f"{name}: read as written", 100 * agreement(reads), "%") for name, reads in read.items()),
        judge("nothing said, read as a positive answer", wrong, "texts", limit=0.0),
    ]

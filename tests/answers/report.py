"""Prints how well the rules read the written answers: `python -m tests.answers.report [part] [task ...]`."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from thud.evaluation.answers import read_answer
from thud.records import Answer

FOLDER = Path(__file__).parent
TASKS = ("sync", "existence", "consistency")
PARTS = tuple(sorted({file.name.split("_")[0] for file in FOLDER.glob("*.jsonl")}))
CLOSE_S = 0.06
SHOWN = 400


@dataclass(frozen=True, slots=True)
class Written:
    """A response with the label (and the times, where told) that a careful reader gives it."""

    task: str
    response: str
    label: str
    offset_s: float | None = None
    visual_s: float | None = None
    audio_s: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A written response beside what the rules made of it."""

    written: Written
    answer: Answer

    @property
    def right(self) -> bool:
        """Whether the rules gave the label a reader gives."""
        return self.answer.label == self.written.label


def corpus(part: str, task: str) -> list[Written]:
    """The written responses of one part ("dev", "dev3") and task, in the order of the file."""
    lines = (FOLDER / f"{part}_{task}.jsonl").read_text(encoding="utf-8").split("\n")
    return [Written(**json.loads(line)) for line in lines if line]


def read_all(part: str, task: str) -> list[Read]:
    """Every response of one part and task, read by the rules."""
    return [Read(written, read_answer(written.task, written.response)) for written in corpus(part, task)]


def agreement(reads: list[Read]) -> float:
    """The share of responses whose label the rules got."""
    return sum(read.right for read in reads) / len(reads)


def unparsed_share(reads: list[Read]) -> float:
    """Of the responses that do say something, the share that the rules abstained from."""
    telling = [read for read in reads if read.written.label != "unparsed"]
    return sum(read.answer.label == "unparsed" for read in telling) / len(telling)


def wrong_times(reads: list[Read]) -> list[tuple[str, Read]]:
    """The told times that the rules missed or got wrong by more than CLOSE_S, with the field's name."""
    fields = ("offset_s", "visual_s", "audio_s")
    return [(field, read) for read in reads for field in fields if not _close(read, field)]


def told_times(reads: list[Read]) -> int:
    """How many offsets and event times the written labels carry."""
    return sum(
        value is not None
        for read in reads
        for value in (read.written.offset_s, read.written.visual_s, read.written.audio_s)
    )


def _close(read: Read, field: str) -> bool:
    wanted, got = getattr(read.written, field), getattr(read.answer, field)
    return wanted is None or (got is not None and abs(got - wanted) <= CLOSE_S)


def _confusion(reads: list[Read]) -> str:
    """The table of written label (rows) against the rules' label (columns)."""
    counts = Counter((read.written.label, read.answer.label) for read in reads)
    rows = sorted({wanted for wanted, _ in counts})
    columns = sorted({label for pair in counts for label in pair})
    head = f"{'written / read':<18}" + "".join(f"{name[:12]:>13}" for name in columns)
    body = [f"{row:<18}" + "".join(f"{counts[row, name] or '.':>13}" for name in columns) for row in rows]
    return "\n".join([head, *body])


def _summary(part: str, task: str, reads: list[Read]) -> str:
    """One task: sizes and shares, then the confusion table."""
    told, missed = told_times(reads), len(wrong_times(reads))
    return (
        f"\n{part} {task}: n {len(reads)}, agreement {agreement(reads):.1%}, "
        f"unparsed {unparsed_share(reads):.1%} of those that say something, times {told - missed} of {told}\n"
        + _confusion(reads)
    )


def _listed(reads: list[Read]) -> list[str]:
    """One line per misread response, then one per missed time."""
    misread = [
        f"  {read.written.label} read as {read.answer.label}: {read.written.response[:SHOWN]!r}"
        for read in reads
        if not read.right
    ]
    missed = [
        f"  {field} {getattr(read.written, field)} read as {getattr(read.answer, field)}: "
        f"{read.written.response[:SHOWN]!r}"
        for field, read in wrong_times(reads)
    ]
    return misread + missed


def main() -> None:
    """Prints the tables, and the misread texts of parts that rules may be written from; others only when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, default="dev")
    parser.add_argument("tasks", nargs="*", default=TASKS, metavar="task")
    parser.add_argument("--texts", action="store_true", help="list the misread texts of a held part, too")
    args = parser.parse_args()
    for task in args.tasks:
        reads = read_all(args.part, task)
        print(_summary(args.part, task, reads))
        if args.part.startswith("dev") or args.texts:
            print("\n".join(_listed(reads)))


if __name__ == "__main__":
    main()

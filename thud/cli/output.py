"""How the verbs speak: answers on standard output (JSON lines when asked), progress and refusals on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@dataclass(slots=True)
class Output:
    """as_json: one JSON object a line instead of words."""

    as_json: bool = False
    refusals: int = 0

    def line(self, row: dict[str, Any], words: str) -> None:
        """One answer."""
        print(json.dumps(row, ensure_ascii=False) if self.as_json else words, flush=True)

    def refuse(self, subject: str, reason: str) -> None:
        """Something that was asked for and not done; the exit code will say so too."""
        self.refusals += 1
        print(f"thud: {subject}: {reason}", file=sys.stderr, flush=True)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Bar]:
        """A bar on standard error while the work goes on; plain silence where that is not a terminal."""
        console = Console(file=sys.stderr)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
            yield Bar(bars, bars.add_task(title, total=total))


@dataclass(frozen=True, slots=True)
class Bar:
    """One progress bar."""

    progress: Progress
    task: Any

    def to(self, done: int, total: int | None = None) -> None:
        self.progress.update(self.task, completed=done, total=total)


def spread_workers() -> int:
    """How many clips to work on at once: one per core, at most eight."""
    return max(1, min(8, os.cpu_count() or 1))

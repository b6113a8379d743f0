"""metrics.jsonl of a training run: one JSON object per line, written by one process, read by pages while it grows.

Events: begin, step, held_out, checkpoint, alert, end. A run that goes on from a checkpoint first takes out what was
written after it, so that no step stands there twice; the begin line says from which step it goes on.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TextIO

from thud.runs.tail import Tail

Line = dict[str, Any]
FINISHED = ("done", "early")
"""States after which a run has nothing left to do."""


class Journal:
    """Appends lines to `path` and says them in short on `log`; without a log it is silent, for a run's other processes.

    lines: what stood there when it was opened, and what was written since.
    """

    def __init__(self, path: Path, log: TextIO | None) -> None:
        self.path, self.log = path, log
        self.lines: list[Line] = read_lines(path)

    def write(self, event: str, **values: Any) -> None:
        """Adds a line. Numbers that JSON cannot hold become null."""
        line = {"event": event, **_plain(values)}
        self.lines.append(line)
        if self.log:
            self.log.write(f"{told(line)}\n")
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def rewind(self, step: int) -> None:
        """Leaves what was known when the checkpoint of `step` was saved; with 0, nothing."""
        self.lines = [line for line in self.lines if step and line["event"] != "end" and _step(line) <= step]
        if self.log:
            part = self.path.with_suffix(".part")
            part.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines), "utf-8")
            part.replace(self.path)

    def of(self, event: str) -> list[Line]:
        """The lines of one kind, in their order."""
        return [line for line in self.lines if line["event"] == event]

    @property
    def finished(self) -> bool:
        """Whether the run came to its own end."""
        return bool(self.lines) and self.lines[-1]["event"] == "end" and self.lines[-1].get("state") in FINISHED


def read_lines(path: Path) -> list[Line]:
    """The lines of a journal, [] where there is none; one that was cut off by a crash is left out."""
    return [line for line in Tail(path).read() if isinstance(line.get("event"), str)]


def told(line: Line) -> str:
    """A line for a person's eyes."""
    kind, step = line["event"], line.get("step", 0)
    if kind == "begin":
        return f"From step {line['from_step']} of {line['of']}"
    if kind == "step":
        return f"Step {step} of {line['of']}: loss {_short(line['loss'])}, {line['seconds']:.2f} s"
    if kind == "held_out":
        right = [f"{name} {share:.0%} of {line['n'][name]}" for name, share in line["accuracy"].items()]
        right += [f"{line['unread']} no answer"] if line.get("unread") else []
        said = ", ".join(right) or "nothing was asked"
        return f"Held out after step {step}: loss {_short(line['loss'])}; right: {said}"
    if kind == "checkpoint":
        return f"Checkpoint of step {step}"
    return line.get("sentence") or f"{str(line.get('state', kind)).capitalize()} at step {step}"


def _short(number: float | None) -> str:
    return "no number" if number is None else f"{number:.4f}"


def _step(line: Line) -> int:
    return int(line.get("from_step") or line.get("step") or 0)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

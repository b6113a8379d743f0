"""What a training run's folder tells while it grows: its metrics a piece at a time, and how far it has come."""

from __future__ import annotations

import json
import threading
import zlib
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from thud.records import Run

METRICS = "metrics.jsonl"
MOST_BYTES = 4_000_000
"""What one call reads at most; the next goes on."""
RECENT = 20
_LOOKED_BACK = 256
_KEPT = 256
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training has come. of: 0 = it has not begun. seconds: of a step, of late. trained_s: of all steps.
    memory_gb: the most that the first process has held. checkpoint: step of the last.

    first, last, best: held-out rounds as metrics.jsonl has them; best is of trained weights. end: its last line.
    """

    step: int = 0
    of: int = 0
    seconds: float | None = None
    trained_s: float = 0.0
    tokens_per_s: float | None = None
    memory_gb: float | None = None
    checkpoint: int = 0
    first: Line | None = None
    last: Line | None = None
    best: Line | None = None
    alerts: tuple[Line, ...] = ()
    end: Line | None = None

    @property
    def eta_s(self) -> float | None:
        """Seconds left, without held-out rounds and checkpoints; None before two steps."""
        return None if self.seconds is None else round((self.of - self.step) * self.seconds, 1)

    @property
    def words(self) -> str:
        """ "Step 61 of 141, held out 74.9 %", or "" before it has begun."""
        if not self.of:
            return ""
        right = (self.last or {}).get("accuracy", {}).get("all")
        return f"Step {self.step} of {self.of}" + ("" if right is None else f", held out {right * 100:.1f} %")


def metrics(workspace: Path, run: Run, offset: str = "") -> tuple[list[Line], str, bool]:
    """(lines that were added, where to go on from, whether what was read before is to be thrown away).

    offset: what the last call gave, "" at first. A run that goes on from a checkpoint takes out what came after it:
    then the lines come from the start again.
    """
    return read_on(workspace / run.folder / METRICS, offset)


def read_on(path: Path, offset: str) -> tuple[list[Line], str, bool]:
    """The same of any such file. The offset says also what stood before it, to notice a file that was rewritten."""
    place, sum_before = _place(offset)
    try:
        with path.open("rb") as file:
            file.seek(max(0, place - _LOOKED_BACK))
            restarted = place > 0 and zlib.crc32(file.read(min(place, _LOOKED_BACK))) != sum_before
            place = 0 if restarted else place
            file.seek(place)
            read = file.read(MOST_BYTES)
            read = read[: read.rfind(b"\n") + 1]
            end = place + len(read)
            file.seek(max(0, end - _LOOKED_BACK))
            told = f"{end}-{zlib.crc32(file.read(min(end, _LOOKED_BACK))):08x}"
    except FileNotFoundError:
        return [], "", place > 0
    return [line for text in read.splitlines() if (line := _line(text)) is not None], told, restarted


def _place(offset: str) -> tuple[int, int]:
    """(bytes, sum of what stood before); the start for what is no offset."""
    try:
        place, _, before = offset.partition("-")
        return max(0, int(place)), int(before, 16)
    except ValueError:
        return 0, 0


def _line(text: bytes) -> Line | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("event"), str) else None


class _Reader:
    """Goes through one file as it grows, and keeps what Progress needs of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = ""
        self._clear()

    def _clear(self) -> None:
        self._steps: deque[Line] = deque(maxlen=RECENT)
        self._rounds: list[Line] = []
        self._alerts: list[Line] = []
        self._of = self._checkpoint = 0
        self._trained_s = 0.0
        self._end: Line | None = None

    def now(self) -> Progress:
        while True:
            lines, self._offset, restarted = read_on(self._path, self._offset)
            if restarted:
                self._clear()
            for line in lines:
                self._take(line)
            if not lines:
                return self._progress()

    def _take(self, line: Line) -> None:
        match line["event"]:
            case "step":
                self._steps.append(line)
                self._trained_s += float(line.get("seconds") or 0.0)
            case "held_out":
                self._rounds.append(line)
            case "alert":
                self._alerts.append(line)
            case "checkpoint":
                self._checkpoint = int(line["step"])
        self._of = int(line.get("of") or self._of)
        self._end = line if line["event"] == "end" else None

    def _progress(self) -> Progress:
        trained = [one for one in self._rounds if one.get("step") and one.get("accuracy", {}).get("all") is not None]
        seconds = [float(line["seconds"]) for line in self._steps if line.get("seconds") is not None]
        return Progress(
            step=int(self._steps[-1]["step"]) if self._steps else 0,
            of=self._of,
            seconds=round(median(seconds), 3) if len(seconds) > 1 else None,
            trained_s=round(self._trained_s, 1),
            tokens_per_s=self._pace(seconds),
            memory_gb=self._steps[-1].get("memory_gb") if self._steps else None,
            checkpoint=self._checkpoint,
            first=self._rounds[0] if self._rounds else None,
            last=self._rounds[-1] if self._rounds else None,
            best=max(trained, key=_worth, default=None),
            alerts=tuple(self._alerts),
            end=self._end,
        )

    def _pace(self, seconds: list[float]) -> float | None:
        if len(seconds) < 2 or sum(seconds[1:]) <= 0:
            return None
        tokens = (self._steps[-1].get("tokens") or 0) - (self._steps[0].get("tokens") or 0)
        return round(tokens / sum(seconds[1:]), 1)


def _worth(line: Line) -> tuple[float, float, int]:
    """As the trainer chooses: the best accuracy, then the lowest loss, then the earlier."""
    loss = line.get("loss")
    return float(line["accuracy"]["all"]), float("-inf") if loss is None else -float(loss), -int(line["step"])


_readers: OrderedDict[Path, _Reader] = OrderedDict()
_reading = threading.Lock()


def progress(folder: Path) -> Progress:
    """How far the run in that folder has come; only what was added since the last call is read."""
    path = folder / METRICS
    with _reading:
        reader = _readers.pop(path, None) or _Reader(path)
        _readers[path] = reader
        while len(_readers) > _KEPT:
            _readers.popitem(last=False)
        return reader.now()


def report(folder: Path) -> dict[str, Any]:
    """report.json of a run, {} where there is none that can be read."""
    try:
        told = json.loads((folder / "report.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}

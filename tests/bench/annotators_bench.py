"""Many clips, three models, every fault a vendor can have, and workers killed while they ask: what is billed twice?

hard_run(clips, kills)   rows; `python -m tests.bench.annotators_bench` prints them
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests.annotate_kit import Place, Vendors, make_numbered_clip, vendors, workspace
from tests.bench.rows import Row, judge, show
from tests.killing import killed_on_the_way
from tests.vendors import Asked, Fault, FaultKind
from tests.vendors.kit import give_keys
from thud.records import Run
from thud.runs.annotating.annotate import start_annotations

NAMES = ("gemini", "gpt", "claude")
BUSY: tuple[FaultKind, ...] = ("429", "500", "502", "503", "529", "408")
FINAL: tuple[FaultKind, ...] = (
    "drop", "cut", "garbage", "empty", "refusal", "truncated", "prose", "400", "413", "422", "slow",
)  # fmt: skip
SHARE = 0.4
"""So many of the questions meet a fault, drawn by lot; the kinds take turns."""


class Faults:
    """Gives each question its fault, the busy ones only at the first attempt. given: how often each."""

    def __init__(self, seed: int) -> None:
        self.given: Counter[str] = Counter()
        self._kinds = cycle((*BUSY, *FINAL))
        self._dice = random.Random(seed)
        self._of: dict[str, FaultKind | None] = {}

    def __call__(self, asked: Asked) -> Fault | None:
        if asked.item not in self._of:
            self._of[asked.item] = next(self._kinds) if self._dice.random() < SHARE else None
        kind = self._of[asked.item]
        if kind is None or (kind in BUSY and asked.attempt > 1):
            return None
        self.given[kind] += 1
        return Fault(kind, {"retry-after": "0"} if kind in BUSY else {})


def hard_run(count: int = 200, kills: int = 3) -> list[Row]:
    """Asks three models about `count` clips and kills each run's workers `kills` times on the way."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        give_keys(patch)
        folder = Path(name)
        clips = [make_numbered_clip(folder, number) for number in range(count)]
        faults = {name: Faults(number) for number, name in enumerate(NAMES)}
        began = time.monotonic()
        with vendors() as asked, workspace(folder, clips) as place:
            for name in NAMES:
                getattr(asked, name).fault_of = faults[name]
            ended = [_through(place, asked, name, kills) for name in NAMES]
            return list(_rows(place, asked, ended, sum((each.given for each in faults.values()), Counter()), began))


def _through(place: Place, asked: Vendors, name: str, kills: int) -> tuple[Run, int]:
    """The run at its end, and how often its workers were killed."""
    run = start_annotations(place.store, place.runs, [asked.annotator(name, at_once=4)], None, "bench")[0]
    return killed_on_the_way(place.runs, run, kills)


def _rows(
    place: Place, asked: Vendors, ended: list[tuple[Run, int]], given: Counter[str], began: float
) -> Iterator[Row]:
    runs = [run for run, _ in ended]
    lines = [line for run in runs for line in place.runs.results(run.id)]
    outcomes = Counter(row["outcome"] for line in lines for row in line.get("result", {}).get("answers", ()))
    settled = Counter((run.id, line["key"]) for run in runs for line in place.runs.results(run.id))
    kinds = len(BUSY) + len(FINAL)
    yield judge("clips times models", sum(run.total for run in runs), "items")
    yield judge("items settled", len(settled), "items", limit=sum(run.total for run in runs), sense="at least")
    yield judge("items settled twice", sum(count > 1 for count in settled.values()), "items", limit=0)
    yield judge("items that failed for no fault of a vendor", sum(run.failed for run in runs), "items", limit=0)
    yield judge("kinds of fault met", len(given), "kinds", limit=kinds, sense="at least")
    yield judge("faults met", given.total(), "answers")
    yield judge("kill -9 of workers", sum(killed for _, killed in ended), "kills")
    yield judge("questions billed twice", asked.billed_twice, "questions", limit=0)
    yield judge("questions asked again after a lost answer", _asked_again(asked), "questions", limit=0)
    for name, count in outcomes.most_common():
        yield judge(f"outcome: {name}", count, "items")
    stored = Counter(mark.annotator for mark in place.store.marks())
    yield judge("marks in the store", stored.total(), "marks", limit=_marks(outcomes), sense="at least")
    yield judge("seconds", time.monotonic() - began, "s")


def _asked_again(asked: Vendors) -> int:
    """Questions whose answer was lost on the way (maybe billed) and that were answered whole later."""
    return sum(server.billed[item] > 0 for server in asked.servers for item in server.doubtful)


def _marks(outcomes: Counter[str]) -> int:
    return sum(outcomes[name] for name in ("placed", "no_sound", "uncertain"))


if __name__ == "__main__":
    sys.exit(show(hard_run(*(int(word) for word in sys.argv[1:]))))

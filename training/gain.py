"""Whether SFT has beaten what it started from: held-out rounds of its own run, tested against each other.

The weights that are kept are those of the luckiest round, and questions about one clip are not independent; neither may
pass for a gain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from thud.statistics import Numbers, holm, mcnemar, paired_test
from thud.statistics.intervals import wilson_share
from training.account import account
from training.journal import read_lines

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Gain:
    """before, after: shares right of n questions, before the first step and in the round whose weights are kept.

    p: that they do not differ, of a paired test, two-sided, Holm's over the rounds; None where the run did not note
    which answers were right. sources: what the questions are about. needed: from so many sources on, the test is by
    source; fewer could show nothing if all went one way, and questions are taken as independent.
    """

    before: float
    after: float
    n: int
    p: float | None = None
    sources: int = 0
    needed: int = 0

    @property
    def shown(self) -> bool:
        """Whether it is more than chance and luck. Without a test: whether the interval of `after` lies above."""
        if self.p is None:
            return (wilson_share(self.after, self.n).low or 0.0) > self.before
        return self.after > self.before and self.p <= ALPHA

    @property
    def few(self) -> bool:
        """Whether there are too few sources to speak of other clips."""
        return self.p is not None and self.sources < self.needed


def gain_of(run: Path, weights: Path) -> Gain | None:
    """The gain of a run, by its journal. weights: those that it kept. None where it was not measured."""
    lines = read_lines(run / "metrics.jsonl")
    held = account(lines, weights)["held_out"]
    first, kept = held["before"], held["after"]
    if first is None or kept is None:
        return None
    gain = Gain(float(first["accuracy"]["all"]), float(kept["accuracy"]["all"]), int(kept["n"]["all"]))
    others = [line for line in lines if line["event"] == "held_out" and line["step"] not in (0, kept["step"])]
    asked = [line.get("asked") for line in (first, kept, *others)]
    if not asked[0] or any(_size(one) != _size(asked[0]) for one in asked):
        return gain
    needed = math.ceil(math.log2(2 * len(asked[1:]) / ALPHA))
    by_source = len(asked[0]) >= needed
    p = holm([_p(asked[0], later, by_source) for later in asked[1:]])
    return replace(gain, p=p[0], sources=len(asked[0]), needed=needed)


def _size(asked: Mapping[str, str] | None) -> dict[str, int]:
    return {source: len(marks) for source, marks in (asked or {}).items()}


def _p(first: Mapping[str, str], later: Mapping[str, str], by_source: bool) -> float:
    """first, later: by source "1" for each answer that is right and "0" for any other, in the same order."""
    pairs = [[*zip(first[source], later[source], strict=True)] for source in first]
    if by_source:
        before, after = (_counts([[mark[side] for mark in marks] for marks in pairs]) for side in (0, 1))
        return paired_test(before, after, np.array([[float(len(marks))] for marks in pairs])).p
    every = [mark for marks in pairs for mark in marks]
    return mcnemar(every.count(("1", "0")), every.count(("0", "1")))


def _counts(marks: Sequence[Sequence[str]]) -> Numbers:
    return np.array([[float(each.count("1"))] for each in marks])

"""Figures over a whole set: gaps, lengths, labels, whole seconds. Sums only, so that any number of rows fits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from thud.pairs.lint.letters import LEAST_ROWS
from thud.pairs.lint.rows import EPSILON_S, expected
from thud.pairs.lint.tally import percent
from thud.pairs.lint.told import Told
from thud.pairs.pair import Pair

_WHOLE_SHARE = 0.5
_LONGER_SHARE = 0.65
_FEWEST = 0.5
"""The rarer direction has at least this share of the commoner one's rows."""
_TOO_MANY = 0.75
CLOSE_S = 0.05


@dataclass(slots=True)
class Gaps:
    """How far stated gaps are from recorded ones."""

    rows: int = 0
    close: int = 0
    far: int = 0
    sum_s: float = 0.0

    def add(self, off_s: float) -> None:
        self.rows += 1
        self.close += off_s <= CLOSE_S + EPSILON_S
        self.far += off_s > 1 + EPSILON_S
        self.sum_s += off_s

    def words(self, off: int) -> str:
        """The figures in one sentence. off: rows further off than is allowed."""
        if not self.rows:
            return "No stated gap stands beside a recorded one."
        return (
            f"{off:,} of {self.rows:,} stated gaps are off ({percent(off / self.rows)});"
            f" {percent(self.close / self.rows)} are within {CLOSE_S} s, {percent(self.far / self.rows)} more than"
            f" 1 s off; {self.sum_s / self.rows:.2f} s on average."
        )


@dataclass(slots=True)
class Whole:
    """How many times of the picture are whole seconds, in answers about shifted stimuli."""

    rows: int = 0
    whole: int = 0

    def add(self, pair: Pair, said: Told | None) -> None:
        if said is None or said.visual_s is None or expected(pair) not in ("early", "delayed"):
            return
        if pair.visual_s is not None:
            return  # held against the recorded time already
        self.rows += 1
        self.whole += abs(said.visual_s - round(said.visual_s)) < EPSILON_S

    def found(self) -> tuple[int, str]:
        """(rows, what was found); no rows where most times are finer."""
        coarse = self.rows >= LEAST_ROWS and self.whole > _WHOLE_SHARE * self.rows
        words = (
            f"{self.whole:,} of {self.rows:,} picture times are whole seconds" + "; gaps cannot be exact then." * coarse
        )
        return (self.whole if coarse else 0), words if self.rows else ""


@dataclass(slots=True)
class Lengths:
    """Words in chosen and rejected answers."""

    rows: int = 0
    longer: int = 0
    shorter: int = 0
    chosen: int = 0
    rejected: int = 0

    def add(self, pair: Pair) -> None:
        if not pair.rejected or pair.rejected_shown is not None:
            return
        a, b = len(pair.chosen.split()), len(pair.rejected.split())
        self.rows += 1
        self.longer += a > b
        self.shorter += a < b
        self.chosen += a
        self.rejected += b

    def found(self) -> tuple[int, str]:
        """(surplus rows, what was found)."""
        if not self.rows:
            return 0, ""
        share = (self.longer + (self.rows - self.longer - self.shorter) / 2) / self.rows
        words = (
            f"Chosen answers have {self.chosen / self.rows:.1f} words, rejected ones {self.rejected / self.rows:.1f};"
            f" chosen is the longer in {percent(self.longer / self.rows)},"
            f" the shorter in {percent(self.shorter / self.rows)}."
        )
        biased = self.rows >= LEAST_ROWS and not 1 - _LONGER_SHARE <= share <= _LONGER_SHARE
        apart = abs(self.chosen - self.rejected) >= self.rows
        return (abs(self.longer - self.shorter) if biased and apart else 0), words


@dataclass(slots=True)
class Balance:
    """What the right answers about timing are, and the conditions of everything."""

    labels: Counter[str] = field(default_factory=Counter)
    conditions: Counter[str] = field(default_factory=Counter)

    def add(self, pair: Pair) -> None:
        if pair.condition:
            self.conditions[pair.condition] += 1
        if pair.task == "sync" and expected(pair):
            self.labels[expected(pair)] += 1

    def found(self) -> tuple[int, str]:
        """(surplus rows, what was found)."""
        rows = sum(self.labels.values())
        listed = ", ".join(f"{name} {count:,}" for name, count in self.conditions.most_common())
        words = f"Rows by condition: {listed}." if listed else ""
        few, many = sorted((self.labels["early"], self.labels["delayed"]))
        surplus = many - few if many and few < _FEWEST * many else 0
        if rows < LEAST_ROWS:
            return 0, words
        name, most = self.labels.most_common(1)[0]
        if most > _TOO_MANY * rows:
            words += f" {percent(most / rows)} of the answers about timing are one and the same: {name}."
            surplus = max(surplus, most - (rows - most))
        return surplus, words

"""Multiple choice over a whole set: whether the right letter, or the length of an option, gives the answer away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scipy.stats import binomtest, chi2

from thud.pairs.lint.tally import percent
from thud.pairs.pair import Pair

LEAST_ROWS = 20
"""Fewer rows than this tell nothing about a prior."""
SURE = 0.001
_SHARE_OFF = 0.05
_LONGEST_OFF = 0.1


@dataclass(slots=True)
class Letters:
    """right, wrong: how often each letter is chosen, rejected. by_chance: how often it would be if all were alike."""

    rows: int = 0
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    right_by_chance: Counter[str] = field(default_factory=Counter)
    wrong_by_chance: Counter[str] = field(default_factory=Counter)
    longest: int = 0
    tied: int = 0
    longest_by_chance: float = 0.0

    def add(self, pair: Pair) -> None:
        """One pair; anything but a multiple choice question with a known right letter is passed over."""
        letters = [letter for letter, _ in pair.options]
        if len(letters) < 2 or pair.label not in letters:
            return
        self.rows += 1
        self.right[pair.label] += 1
        _share(self.right_by_chance, letters)
        if pair.rejected_label in letters and pair.rejected_label != pair.label:
            self.wrong[pair.rejected_label] += 1
            _share(self.wrong_by_chance, [one for one in letters if one != pair.label])
        sizes = {letter: len(text) for letter, text in pair.options}
        others = max(size for letter, size in sizes.items() if letter != pair.label)
        self.longest += sizes[pair.label] > others
        self.tied += sizes[pair.label] == others
        self.longest_by_chance += 1 / len(letters)

    def prior(self) -> tuple[int, str]:
        """(rows that would need another letter, what was found)."""
        found = [
            (title, told, chance)
            for title, told, chance in (
                ("right", self.right, self.right_by_chance),
                ("rejected", self.wrong, self.wrong_by_chance),
            )
            if told
        ]
        surplus = max((_surplus(told, chance) for _, told, chance in found if _uneven(told, chance)), default=0)
        words = "; ".join(f"{title} letters: {_shares(told, chance)}" for title, told, chance in found)
        return surplus, words

    def length(self) -> tuple[int, str]:
        """(rows with the right option longest beyond what chance gives, what was found)."""
        if not self.rows:
            return 0, ""
        chance, share = self.longest_by_chance / self.rows, self.longest / self.rows
        words = (
            f"The right option is the longest in {percent(share)} of {self.rows:,} rows, tied for it in"
            f" {percent(self.tied / self.rows)}; by chance it would be {percent(chance)}."
        )
        sure = binomtest(self.longest, self.rows, chance, alternative="greater").pvalue < SURE
        far = self.rows >= LEAST_ROWS and share > chance + _LONGEST_OFF
        return (round(self.longest - self.longest_by_chance) if sure and far else 0), words


def _share(chance: Counter[str], letters: list[str]) -> None:
    for letter in letters:
        chance[letter] += 1 / len(letters)  # type: ignore[assignment]


def chi_square(told: Mapping[str, int], chance: Mapping[str, float]) -> tuple[float, float]:
    """(χ², p) of counts against what chance would give."""
    value = sum((told.get(letter, 0) - by_chance) ** 2 / by_chance for letter, by_chance in chance.items() if by_chance)
    return value, float(chi2.sf(value, max(1, len(chance) - 1)))


def _uneven(told: Counter[str], chance: Counter[str]) -> bool:
    rows = sum(told.values())
    if rows < LEAST_ROWS:
        return False
    far = max(abs(told[letter] - by_chance) / rows for letter, by_chance in chance.items())
    return far > _SHARE_OFF and chi_square(told, chance)[1] < SURE


def _surplus(told: Counter[str], chance: Counter[str]) -> int:
    return round(sum(max(0.0, told[letter] - by_chance) for letter, by_chance in chance.items()))


def _shares(told: Counter[str], chance: Counter[str]) -> str:
    rows = sum(told.values())
    value, p = chi_square(told, chance)
    order = sorted(chance, key=lambda letter: (-told[letter], letter))
    listed = ", ".join(f"{letter} {percent(told[letter] / rows)}" for letter in order)
    return f"{listed} (χ² = {value:.1f}, p {'< 0.001' if p < SURE else f'= {p:.3f}'})"

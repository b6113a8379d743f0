"""Counting in bounded memory: rows found, kinds of reasons, hashes seen."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from thud.pairs.lint.report import MOST_ROWS

_MOST_KINDS = 200
_RECENT = 100_000


@dataclass(slots=True)
class Tally:
    """Rows that break one check. of: rows that could be judged. kinds: how they break it."""

    count: int = 0
    of: int = 0
    rows: array[int] = field(default_factory=lambda: array("q"))
    kinds: Counter[str] = field(default_factory=Counter)

    def hit(self, n: int, *kinds: str) -> None:
        """Row n breaks the check, in these ways."""
        self.count += 1
        if len(self.rows) < MOST_ROWS:
            self.rows.append(n)
        for kind in kinds:
            if kind in self.kinds or len(self.kinds) < _MOST_KINDS:
                self.kinds[kind] += 1

    def told(self, most: int = 8) -> str:
        """The ways in which rows break it, the commonest first, with their counts."""
        listed = [f"{kind.rstrip('.')}: {count:,}" for kind, count in self.kinds.most_common(most)]
        return "; ".join(listed + [f"and {len(self.kinds) - most} more kinds"] * (len(self.kinds) > most))


class Seen:
    """A set of 64-bit numbers that takes eight bytes for each once it is large."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._old: NDArray[np.uint64] = np.empty(0, np.uint64)

    def __contains__(self, number: int) -> bool:
        if number in self._recent:
            return True
        at = int(np.searchsorted(self._old, np.uint64(number))) if len(self._old) else 0
        return at < len(self._old) and int(self._old[at]) == number

    def add(self, number: int) -> None:
        self._recent.add(number)
        if len(self._recent) >= max(_RECENT, len(self._old) // 8):
            fresh = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._old = np.union1d(self._old, fresh)
            self._recent = set()


def number_of(*parts: str) -> int:
    """A number below 2^64 that is the same for the same parts on every machine."""
    digest = hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.1f} %"

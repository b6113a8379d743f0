"""How well a guesser that is shown the words alone tells chosen from rejected answers.

Words and pairs of neighbouring words are weighed by how much more often chosen answers have them (naive Bayes over
hashed features). Every clip's pairs are guessed by what the other clips teach. A fixed-size sample of the set is kept.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from thud.pairs.pair import Pair

SAMPLE = 1_000
WARN = 0.6
LEAST = 40
_FOLDS = 5
_FEATURES = 1 << 15
_MOST_WORDS = 400
_WORD = re.compile(r"[^\W_]+|[^\w\s]")

Hashes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Kept:
    fold: int
    type: str
    chosen: Hashes
    rejected: Hashes


class Guesser:
    """Keeps at most `SAMPLE` pairs, each row as likely as any other, and guesses at the end."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._met = 0
        self._draw = random.Random(5)

    def add(self, pair: Pair) -> None:
        """One pair; examples without a rejected answer, and pairs that differ in media alone, are passed over."""
        if not pair.rejected or pair.rejected_shown is not None:
            return
        self._met += 1
        place = len(self._kept) if self._met <= SAMPLE else self._draw.randrange(self._met)
        if place >= SAMPLE:
            return
        group = pair.source or pair.clip_id or pair.shown.video
        fold = zlib.crc32(group.encode("utf-8", "replace")) % _FOLDS
        kept = _Kept(fold, pair.type, features(pair.chosen), features(pair.rejected))
        self._kept[place : place + 1] = [kept]

    def guess(self) -> tuple[float | None, int, dict[str, float]]:
        """(share of pairs told apart, pairs guessed, the same by type); a tie is half a hit. None where too few."""
        if len(self._kept) < LEAST or len({one.fold for one in self._kept}) < 2:
            return None, len(self._kept), {}
        hits = np.zeros(len(self._kept))
        folds = np.array([one.fold for one in self._kept])
        counts = np.stack([_counts([one for one in self._kept if one.fold == fold]) for fold in range(_FOLDS)])
        for fold in range(_FOLDS):
            weights = _weights(counts.sum(axis=0) - counts[fold])
            for i in np.flatnonzero(folds == fold):
                one = self._kept[i]
                lead = weights[one.chosen].sum() - weights[one.rejected].sum()
                hits[i] = 0.5 if abs(lead) < 1e-9 else float(lead > 0)
        types = sorted({one.type for one in self._kept})
        each = {name: float(hits[[one.type == name for one in self._kept]].mean()) for name in types}
        return float(hits.mean()), len(hits), each


def _counts(kept: Sequence[_Kept]) -> NDArray[np.float64]:
    """How many chosen and how many rejected answers have each feature."""
    sums = np.zeros((2, _FEATURES))
    for one in kept:
        sums[0, one.chosen] += 1
        sums[1, one.rejected] += 1
    return sums


def _weights(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    learned: NDArray[np.float64] = np.log((counts[0] + 1) / (counts[1] + 1))
    return learned


def features(text: str) -> Hashes:
    """The words of a text, and its pairs of neighbours, as numbers below 2^15, each once. Figures are all alike."""
    words = [_hash("0" if word[0].isdigit() else word) for word in _WORD.findall(text.lower())[:_MOST_WORDS]]
    pairs = [(a * 31 + b) % _FEATURES for a, b in zip(words, words[1:], strict=False)]
    return np.unique(np.array(words + pairs, dtype=np.int64))


@lru_cache(maxsize=20_000)
def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "replace")) % _FEATURES

"""Which patterns a line can match at all, told from its words: most need words that the line does not have.

A pattern is a choice between alternatives, and each of these needs some pieces of text (needles) without a blank: one
of each of its groups. A needle stands within one word of the line; so each word, once seen, tells by one number which
groups it serves. Nothing is read otherwise for it: only searches that cannot succeed are left out.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_MOST_WORDS = 50_000
_LEAST_CHARS = 2
_MOST_GROUPS = 4
DIGIT = "\\d"
"""Stands for any digit."""

Group = frozenset[str]


class Phrase:
    """A compiled pattern that is only searched where the words it needs are. Answers as `re.Pattern` does."""

    __slots__ = ("_any", "_needs", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern)
        self._any, self._needs = _SIEVE.enter(needles(pattern))

    def may(self, line: str) -> bool:
        """Whether the line has the words that a match needs."""
        has = _SIEVE.serves(line)
        if not has & self._any:
            return not self._any
        for need in self._needs:  # noqa: SIM110 - a generator takes twice as long, and this is the inmost loop
            if has & need == need:
                return True
        return False

    def search(self, line: str, start: int = 0, end: int = 2**31) -> re.Match[str] | None:
        return self.pattern.search(line, start, end) if self.may(line) else None

    def match(self, line: str, start: int = 0, end: int = 2**31) -> re.Match[str] | None:
        return self.pattern.match(line, start, end) if self.may(line) else None

    def fullmatch(self, line: str, start: int = 0, end: int = 2**31) -> re.Match[str] | None:
        return self.pattern.fullmatch(line, start, end) if self.may(line) else None

    def finditer(self, line: str, start: int = 0, end: int = 2**31) -> Iterator[re.Match[str]] | tuple[()]:
        return self.pattern.finditer(line, start, end) if self.may(line) else ()

    def sub(self, put: str, line: str) -> str:
        return self.pattern.sub(put, line) if self.may(line) else line


class _Sieve:
    """All groups of needles that any phrase has, one bit each."""

    def __init__(self) -> None:
        self._bits: dict[Group, int] = {}
        self._serving: dict[str, int] = {}
        self._longest = 0
        self._words: dict[str, int] = {}
        self.serves = lru_cache(maxsize=256)(self._line)

    def enter(self, alternatives: Sequence[Sequence[Group]]) -> tuple[int, tuple[int, ...]]:
        """(one group's bit of each alternative, all bits of each); (0, ()) where an alternative needs nothing."""
        self._words.clear()
        self.serves.cache_clear()
        if not all(alternatives):
            return 0, ()
        first = 0
        for groups in alternatives:
            first |= self._bit(groups[0])
        return first, tuple({sum(self._bit(group) for group in groups) for groups in alternatives})

    def _bit(self, group: Group) -> int:
        bit = self._bits.get(group)
        if bit is None:
            bit = self._bits[group] = 1 << len(self._bits)
            for needle in group:
                self._serving[needle] = self._serving.get(needle, 0) | bit
                self._longest = max(self._longest, len(needle))
        return bit

    def _line(self, line: str) -> int:
        bits, known = 0, self._words
        for word in line.split():
            mask = known.get(word)
            bits |= self._learn(word) if mask is None else mask
        return bits

    def _learn(self, word: str) -> int:
        if len(self._words) >= _MOST_WORDS:
            self._words.clear()
        mask = self._serving.get(DIGIT, 0) if any(char.isdecimal() for char in word) else 0
        for start in range(len(word) - _LEAST_CHARS + 1):
            for end in range(start + _LEAST_CHARS, min(len(word), start + self._longest) + 1):
                mask |= self._serving.get(word[start:end], 0)
        self._words[word] = mask
        return mask


_SIEVE = _Sieve()
_PARSER: Any = importlib.import_module("re._parser")
_BESIDE = frozenset({"AT", "ASSERT", "ASSERT_NOT"})
"""Parts of a pattern that match no text of their own."""


def needles(pattern: str) -> list[list[Group]]:
    """For each alternative of a pattern the groups of needles: whatever it matches has one needle of each group."""
    return [_rarest(_groups(one)) for one in _alternatives(list(_PARSER.parse(pattern)))]


def _alternatives(items: Sequence[Any]) -> list[Sequence[Any]]:
    telling = [(str(name), value) for name, value in items if str(name) not in _BESIDE]
    if len(telling) == 1 and telling[0][0] == "SUBPATTERN":
        return _alternatives(list(telling[0][1][3]))
    if len(telling) == 1 and telling[0][0] == "BRANCH":
        return [part for one in telling[0][1][1] for part in _alternatives(list(one))]
    return [items]


def _groups(items: Sequence[Any]) -> list[Group]:
    """All groups of a sequence."""
    found: list[Group] = []
    run = ""
    for name, value in [*((str(name), value) for name, value in items), ("END", None)]:
        if name == "LITERAL":
            run += chr(value)
            continue
        found += [frozenset({piece}) for piece in run.split() if len(piece) >= _LEAST_CHARS]
        run = ""
        found += _inner(name, value)
    return found


def _inner(name: str, value: Any) -> list[Group]:
    if name == "SUBPATTERN":
        return _groups(list(value[3]))
    if name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] >= 1:
        return _groups(list(value[2]))
    if name == "IN" and [(str(a), str(b)) for a, b in value] == [("CATEGORY", "CATEGORY_DIGIT")]:
        return [frozenset({DIGIT})]
    if name == "BRANCH":
        each = [_rarest(_groups(list(one)))[:1] for one in value[1]]
        return [frozenset().union(*(one[0] for one in each))] if all(each) else []
    return []


def _rarest(groups: Sequence[Group]) -> list[Group]:
    return sorted(set(groups), key=lambda group: (sum(4.0 ** -len(one) for one in group), sorted(group)))[:_MOST_GROUPS]

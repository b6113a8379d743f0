"""Two answers word by word: what they share and what only one of them says. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from itertools import groupby
from typing import Literal

Kind = Literal["same", "only"]
Run = tuple[str, Kind]
MOST_WORDS = 2000
"""Longer texts are not compared word by word: that takes seconds, and nobody reads it."""


def word_diff(chosen: str, rejected: str) -> tuple[list[Run], list[Run]]:
    """Both texts as runs; joined, the runs of a text are that text. Without a second text all of it is "same"."""
    if not chosen or not rejected:
        return [(chosen, "same")] if chosen else [], [(rejected, "same")] if rejected else []
    left, right = _words(chosen), _words(rejected)
    if max(len(left), len(right)) > MOST_WORDS:
        return [(chosen, "only")], [(rejected, "only")]
    blocks = SequenceMatcher(
        None, [word.strip() for word in left], [word.strip() for word in right], autojunk=False
    ).get_matching_blocks()
    blocks = [block for block in blocks if not _island(block, len(left), len(right))]
    same_left = {block.a + step for block in blocks for step in range(block.size)}
    same_right = {block.b + step for block in blocks for step in range(block.size)}
    return _runs(left, same_left), _runs(right, same_right)


def _island(block: Match, left: int, right: int) -> bool:
    """One word that both happen to have amid what differs: marked with it, phrases read better than crumbs."""
    first = block.a == 0 and block.b == 0
    last = block.a + 1 == left and block.b + 1 == right
    return block.size == 1 and not first and not last


def _words(text: str) -> list[str]:
    """Words with the spaces after them; spaces before the first belong to it."""
    return re.findall(r"^\s+\S*\s*|\S+\s*", text)


def _runs(words: Sequence[str], same: set[int]) -> list[Run]:
    def kind(at: int) -> Kind:
        return "same" if at in same else "only"

    return [("".join(words[at] for at in group), name) for name, group in groupby(range(len(words)), key=kind)]

"""What two answers share: their runs put together are the answers, and what differs is marked on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.pairs.diff import MOST_WORDS, word_diff

TEXT = st.lists(st.sampled_from(["a", "b", "late", " ", "  ", "\n", "."]), max_size=20).map("".join)


@given(TEXT, TEXT)
def test_runs_put_together_are_the_texts(chosen: str, rejected: str) -> None:
    left, right = word_diff(chosen, rejected)
    assert ("".join(text for text, _ in left), "".join(text for text, _ in right)) == (chosen, rejected)
    assert all(one[1] != two[1] for runs in (left, right) for one, two in zip(runs, runs[1:], strict=False))


@given(TEXT, TEXT)
def test_what_is_the_same_is_the_same_on_both_sides(chosen: str, rejected: str) -> None:
    if chosen and rejected:
        same = [[text.split() for text, kind in runs if kind == "same"] for runs in word_diff(chosen, rejected)]
        assert sum(same[0], []) == sum(same[1], [])


@pytest.mark.parametrize(
    ("chosen", "rejected", "left", "right"),
    [
        ("No. It is heard late.", "Yes. It is heard early.", ["No. ", "late."], ["Yes. ", "early."]),
        ("It is late", "It is late", [], []),
        ("B. A bell", "C. A bell", ["B. "], ["C. "]),
        ("late", "early", ["late"], ["early"]),
        ("No: it is late", "Yes, so is he", ["No: it is late"], ["Yes, so is he"]),
    ],
)
def test_only_what_differs_is_marked(chosen: str, rejected: str, left: list[str], right: list[str]) -> None:
    marked = [[text for text, kind in runs if kind == "only"] for runs in word_diff(chosen, rejected)]
    assert marked == [left, right]


def test_an_example_without_a_rejected_answer_has_nothing_marked() -> None:
    assert word_diff("It is late.", "") == ([("It is late.", "same")], [])


def test_very_long_texts_are_not_compared_word_by_word() -> None:
    long = "word " * (MOST_WORDS + 1)
    assert word_diff(long, "word") == ([(long, "only")], [("word", "only")])

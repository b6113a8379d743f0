"""Fixes change what they say, nothing else, and leave alone what they cannot rewrite without doubt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.lint_kit import Sizes, write_dpo
from thud.pairs.fixes import Done, drop, shuffle_letters, surplus, timing
from thud.pairs.formats import read_any
from thud.pairs.lint import Linter
from thud.pairs.pair import Pair, Shown

SHOWN = Shown("a.mp4", "a.wav")
OPTIONS = (("A", "a saw"), ("B", "a file"), ("C", "a drill"), ("D", "a plane"))
ASKED = "Which tool?\nA. a saw\nB. a file\nC. a drill\nD. a plane\nGive the letter."


def choice(chosen: str, rejected: str = "The answer is B. a file", prompt: str = ASKED) -> Pair:
    return Pair(
        "FV-A", prompt, chosen, rejected, SHOWN, task="choice", label="C", rejected_label="B", options=OPTIONS
    )  # fmt: skip


def timed(label: str) -> Pair:
    return Pair("shift", "In sync?", f"It is {label}.", "", SHOWN, task="sync", label=label)


def test_new_letters_are_even_and_every_row_still_says_the_same(tmp_path: Path) -> None:
    write_dpo(tmp_path / "dpo.json", Sizes(choices={"B": 300, "C": 60, "A": 40}, longest=100, stops=90))
    pairs = [one for one in read_any(tmp_path / "dpo.json") if isinstance(one, Pair)]
    done, linter = Done(), Linter()
    fixed = list(shuffle_letters(enumerate(pairs), 7, done))
    for n, pair in fixed:
        assert "label_text" not in linter.add(n, pair)
    assert set(Counter(pair.label for _, pair in fixed).values()) == {100}
    assert linter.report().finding("letter_prior").count == 0
    assert (done.changed, done.left_alone) == (400, Counter())
    for before, (_, after) in zip(pairs, fixed, strict=True):
        for label in ("label", "rejected_label"):
            assert dict(before.options)[getattr(before, label)] == dict(after.options)[getattr(after, label)]
        assert sorted(before.prompt.split()) == sorted(after.prompt.split())
        assert len(before.chosen) == len(after.chosen)
    assert fixed == list(shuffle_letters(enumerate(pairs), 7, Done()))
    assert fixed != list(shuffle_letters(enumerate(pairs), 8, Done()))


def test_letters_are_rewritten_in_every_place_where_they_stand_for_an_option() -> None:
    for chosen in ("C", "C. a drill", "(C) a drill", "The answer is C", "A motor runs, so it is (C)."):
        text = f"The answer is {chosen}" if chosen == "C" else chosen
        done = Done()
        ((_, after),) = shuffle_letters([(0, choice(text, "B. a file"))], 3, done)
        assert done.changed == 1
        place = "ABCD".index(after.label)
        assert after.prompt.splitlines()[1 + place] == f"{after.label}. a drill"
        assert after.chosen == text[: text.index("C")] + after.label + text[text.index("C") + 1 :]


def test_rows_that_cannot_be_rewritten_without_doubt_are_left_alone_and_counted() -> None:
    doubtful = [
        choice("The answer is C. a drill. Option A, and D, are wrong."),
        choice("It must be the drill."),
        choice("The answer is C. a drill", prompt="Which tool: a saw, a file, a drill or a plane?"),
        replace(choice("The answer is C. a drill"), options=(*OPTIONS[:3], ("D", "a drill"))),
    ]
    done = Done()
    assert [pair for _, pair in shuffle_letters(enumerate(doubtful), 3, done)] == doubtful
    assert (done.changed, sum(done.left_alone.values())) == (0, 4)
    assert "4" not in done.words() and done.words().count("left as they were") == len(done.left_alone)


def test_dropped_rows_are_gone_and_counted() -> None:
    done = Done()
    assert [n for n, _ in drop(enumerate([timed("early")] * 5), {1, 4}, done)] == [0, 2, 3]
    assert done.words() == "2 pairs dropped"


def test_rebalancing_makes_directions_equal_and_touches_nothing_else() -> None:
    labels = ["early"] * 30 + ["delayed"] * 10 + ["synced"] * 50
    pairs = [*enumerate([timed(one) for one in labels]), (90, choice("C. a drill"))]
    done = Done()
    kept = list(drop(pairs, surplus(timing(pairs), 5), done))
    assert Counter(pair.label for _, pair in kept) == {"early": 10, "delayed": 10, "synced": 20, "C": 1}
    assert done.dropped == 50
    assert surplus(timing(pairs), 5) == surplus(timing(pairs), 5) and surplus(timing(kept), 5) == frozenset()

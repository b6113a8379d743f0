"""Patterns that are only searched where their words are find what they would find anyway."""

from __future__ import annotations

import gc

from tests.answers.report import PARTS, TASKS, corpus
from thud.evaluation.reading import words
from thud.evaluation.reading.needles import DIGIT, Phrase, needles
from thud.evaluation.reading.text import sentences


def test_no_match_is_lost_on_any_line_of_the_corpus() -> None:
    phrases = [one for one in gc.get_objects() if type(one) is Phrase]
    assert len(phrases) > 150
    lines = {one.line for part in PARTS[:2] for task in TASKS for text in corpus(part, task)[:60]
             for one in sentences(text.response)}  # fmt: skip
    skipped = 0
    for line in lines:
        for phrase in phrases:
            if not phrase.may(line):
                skipped += 1
                assert phrase.pattern.search(line) is None, (phrase.pattern.pattern, line)
    assert skipped > 0.5 * len(lines) * len(phrases)


def test_needles_are_those_of_every_alternative() -> None:
    assert needles("late|(?:very )?early") == [[frozenset({"late"})], [frozenset({"early"})]]
    assert needles("(?:hear|see) (?:it|them) now?") == [
        [frozenset({"hear", "see"}), frozenset({"no"}), frozenset({"it", "them"})]
    ]
    assert needles(r"\d+ s") == [[frozenset({DIGIT})]]
    assert needles(r"\w+ly|late") == [[frozenset({"ly"})], [frozenset({"late"})]]
    assert needles("(?:late)?") == [[]]


def test_a_phrase_made_later_is_heeded_on_lines_seen_before() -> None:
    line = "the zylograph rings once"
    assert not words.phrase("quuxes").search(line)
    assert words.phrase("zylograph rings").search(line)

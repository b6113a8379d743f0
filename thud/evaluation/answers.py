"""The answer in a response: `read_answer` never guesses; what it cannot read is "unparsed", never a class.

A response is read in this order: what follows the last thinking block; the letter of a multiple choice question; JSON;
a refusal; then sentences by the rules of the task (the modules of `reading`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from thud.evaluation.reading.consistency import read_consistency
from thud.evaluation.reading.existence import read_existence
from thud.evaluation.reading.fields import read_fields
from thud.evaluation.reading.jsonish import Block, blocks, broken_off
from thud.evaluation.reading.languages import foreign, foreign_label
from thud.evaluation.reading.letters import choose
from thud.evaluation.reading.refusals import refusal
from thud.evaluation.reading.sync import Reading, read_sync
from thud.evaluation.reading.text import Sentence, quote, sentences, shorten, spoken, unfinished_thought
from thud.evaluation.reading.undecided import general
from thud.evaluation.reading.verdicts import contradicted
from thud.records import Answer

RULES_VERSION = 4
"""Raise it whenever the same response may be read otherwise: stored answers carry it."""

TASKS = ("sync", "existence", "consistency", "choice")
_READERS = {"sync": read_sync, "existence": read_existence, "consistency": read_consistency}
_UNPARSED = Answer("unparsed", method="rules")
_DEFINITE = {"synced", "early", "delayed", "match", "mismatched", "muted", "audio_described"}


def read_answer(task: str, text: str, options: Sequence[tuple[str, str]] = (), question: str = "") -> Answer:
    """The answer that `text` gives to a question of `task`; label "unparsed" where it gives none.

    options: (letter, label) of a choice question as shown. For the task "choice" the label is the letter itself.
    question: what was asked, where known; a bare "Yes." is read by it.
    The quote is a verbatim part of `text`. Never raises, whatever the text.
    """
    said = shorten(spoken(text))
    if not said.strip() or unfinished_thought(said) or broken_off(said):
        return _UNPARSED
    if options and (chosen := _choice(task, said, options, question)) is not None:
        return chosen
    if task not in _READERS:
        found = sentences(said)
        number = refusal([(i, one) for i, one in enumerate(found) if not one.asks])
        return _UNPARSED if number is None else _refused(said, found[number])
    if (told := _json(task, said)) is not None:
        return told
    return _foreign(task, said) if foreign(said) else _rules(task, _without_blocks(said), question)


def _foreign(task: str, said: str) -> Answer:
    label = foreign_label(task, said)
    return _UNPARSED if label == "unparsed" else Answer(label, quote=quote(said, 0, len(said)), method="rules")


def _choice(task: str, said: str, options: Sequence[tuple[str, str]], question: str) -> Answer | None:
    chosen = choose(said, options)
    if chosen is None:
        letters = _json_letter(said, options)
        if letters is None:
            return None
        letter, label, block = letters
        return Answer(letter if task == "choice" else label, quote=quote(said, block.start, block.end), method="letter")
    words = quote(said, chosen.start, _line_end(said, chosen.end)) or said[chosen.start : chosen.end]
    if task == "choice":
        return Answer(chosen.letter, quote=words, method="letter")
    told = _rules(task, said[chosen.end :], question)
    if told.label in _DEFINITE and told.label != chosen.label and chosen.label in _DEFINITE:
        return _UNPARSED
    return Answer(chosen.label, told.offset_s, told.visual_s, told.audio_s, words, "letter")


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _json_letter(said: str, options: Sequence[tuple[str, str]]) -> tuple[str, str, Block] | None:
    labels = {letter.upper(): label for letter, label in options}
    for block in reversed(list(blocks(said))):
        for name in ("answer", "choice", "option", "letter", "final_answer", "label", "prediction"):
            value = block.fields.get(name)
            word = value.strip(" (") if isinstance(value, str) else ""
            if (letter := word[:1].upper()) in labels and word[1:2] in ("", ")", ".", ":"):
                return letter, labels[letter], block
    return None


def _json(task: str, said: str) -> Answer | None:
    """The answer of the last JSON object that decides anything; None where none does."""
    for block in reversed(list(blocks(said))):
        reading = read_fields(task, block.fields)
        if reading is not None:
            words = quote(said, block.start, block.end)
            words = "" if reading.label == "unparsed" else words
            return Answer(reading.label, reading.offset_s, reading.visual_s, reading.audio_s, words, "json")
    return None


def _without_blocks(said: str) -> str:
    """The text with its JSON objects blanked out, but for the sentences among their values; of the same length."""
    for block in blocks(said):
        piece = said[block.start : block.end]
        kept = {value for value in block.fields.values() if isinstance(value, str) and len(value) > 15}
        blank = ["\n"] * len(piece)
        for value in kept:
            at = piece.find(value)
            if at >= 0:
                blank[at : at + len(value)] = value
        said = said[: block.start] + "".join(blank) + said[block.end :]
    return said


def _rules(task: str, said: str, question: str) -> Answer:
    found = [one for one in sentences(said) if not general(one)]
    number = refusal([(i, one) for i, one in enumerate(found) if not one.asks])
    if number is not None:
        return _refused(said, found[number])
    asked = _asked(question[:2000])
    reader = _READERS[task]
    reading: Reading = reader(found, asked)
    if reading.label == "unparsed" or contradicted(found, lambda one: reader([one], asked).label):
        return _UNPARSED
    words = quote(said, reading.start, reading.end)
    return Answer(reading.label, reading.offset_s, reading.visual_s, reading.audio_s, words, "rules")


@lru_cache(maxsize=64)
def _asked(question: str) -> tuple[Sentence, ...]:
    """The questions of a prompt; a set of responses has few different ones."""
    return tuple(one for one in sentences(question) if one.asks)


def _refused(said: str, sentence: Sentence) -> Answer:
    return Answer("refused", quote=quote(said, sentence.start, sentence.end), method="rules")

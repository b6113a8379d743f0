"""Whether a new wording still says the same: what the rules read in it, its numbers, and what it names.

The rules of `evaluation` read both wordings; where they cannot (descriptions), what is named has to stay.
"""

from __future__ import annotations

import re

from thud.evaluation.answers import TASKS, read_answer
from thud.pairs.rewrite import GONE, Piece, Wording
from thud.records import Answer

LABEL = "It says something else: label or direction did not survive."
TIMES = "A time did not survive, or stands with another event."
LOST_NUMBER = "A number is gone."
NEW_NUMBER = "A number was added."
OPTION = "An option is not worded as it was."
NAMES = "What it names is not named any more."
LENGTH = "It is far longer or shorter than it was."
FORM = "It holds signs that do not belong into an answer."
UNREADABLE = "The rules cannot read the answer, so nothing could vouch for another wording."

KEPT = {True: 0.25, False: 0.5}
"""The share of what is named that has to stay, where the rules read the answer and where they cannot."""

_CLOCK = r"(?P<min>\d+):(?P<sec>\d{2}(?:\.\d+)?)"
_NUMBER = re.compile(rf"(?<![\w.]){_CLOCK}|(?<![\w.:])(?P<n>\d+(?:[.,]\d+)?)(?P<ms>\s*(?:ms|milliseconds?)\b)?")
_WORD = re.compile(r"[^\W\d_]+")
_NUMERALS = _WORD.findall("zero one two three four five six seven eight nine ten eleven twelve")
_SPELLED = {"half": 0.5, **{word: float(n) for n, word in enumerate(_NUMERALS)}}
_UNIT = re.compile(r"^(?:-|\s)*(?:of\s)?(?:an?\s)?(?:seconds?|secs?|s|ms|milliseconds?)\b", re.I)
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]|</?\w+[^>]*>|```|\*\*")
_STEM = 5
_COMMON = frozenset(
    _WORD.findall(
        """about above after again also although another appear appears audible audio because been before being between
        both cannot clip come comes could does each either even event every exactly follow follows from happen happens
        have hear heard hears here into itself just late later like moment more most much nothing occur occurs only
        other over picture rather right same second seconds seen should shown side since some soon sound sounds still
        such than that their them then there these they thing this those time times track until very video visible
        visual watch what when where whether which while will with without would"""
    )
)
"""Words that every answer may have: they name nothing."""


def check(piece: Piece, text: str) -> Wording:
    """The new wording where it says the same as the piece; else no text and the reason."""
    reason = unfaithful(piece, text) if text else GONE
    return Wording("" if reason else text, reason)


def unfaithful(piece: Piece, text: str) -> str:
    """Why `text` does not say what the piece says, "" when it does."""
    if set(_ODD.findall(text)) - set(_ODD.findall(piece.text)):
        return FORM
    if not _length(piece.text, text):
        return LENGTH
    if reason := _numbers(piece.text, text) or _options(piece, text):
        return reason
    reads = piece.task in TASKS
    return (_claims(piece, text) if reads else _order(piece.text, text)) or _names(piece.text, text, KEPT[reads])


def _claims(piece: Piece, text: str) -> str:
    before, after = _read(piece, piece.text), _read(piece, text)
    if before.label == "unparsed":
        return UNREADABLE
    if before.label != after.label:
        return LABEL
    if _seconds(before) != _seconds(after):
        return TIMES
    both = before.visual_s is not None and before.audio_s is not None
    return "" if both else _order(piece.text, text)


def _read(piece: Piece, text: str) -> Answer:
    return read_answer(piece.task, text, piece.options, piece.question)


def _seconds(answer: Answer) -> tuple[float | None, ...]:
    told = (answer.offset_s, answer.visual_s, answer.audio_s)
    return tuple(None if value is None else round(value, 2) for value in told)


def numbers(text: str) -> list[float]:
    """The numbers in digits, in order, each once: milliseconds as seconds, "1:02.5" as 62.5."""
    found = []
    for one in _NUMBER.finditer(text):
        if one["min"]:
            value = 60 * float(one["min"]) + float(one["sec"])
        else:
            value = float(one["n"].replace(",", ".")) / (1000 if one["ms"] else 1)
        found.append(round(value, 3))
    return list(dict.fromkeys(found))


def _spelled(text: str) -> tuple[set[float], set[float]]:
    """(all numbers in words, those that count seconds)."""
    found = [(_SPELLED[one[0].lower()], one.end()) for one in _WORD.finditer(text) if one[0].lower() in _SPELLED]
    return {value for value, _ in found}, {value for value, end in found if _UNIT.match(text[end:])}


def _numbers(before: str, after: str) -> str:
    """Digits may be spelled out and the other way round; nothing with a unit may come or go."""
    (all_before, timed_before), (all_after, timed_after) = _spelled(before), _spelled(after)
    digits_before, digits_after = set(numbers(before)), set(numbers(after))
    if (digits_before | timed_before) - digits_after - all_after:
        return LOST_NUMBER
    return NEW_NUMBER if (digits_after | timed_after) - digits_before - all_before else ""


def _order(before: str, after: str) -> str:
    """Where the rules do not tie each time to its event, the order of the numbers has to."""
    was, now = numbers(before), numbers(after)
    return TIMES if [n for n in now if n in was] != [n for n in was if n in now] else ""


def _options(piece: Piece, text: str) -> str:
    shown = [words for _, words in piece.options]
    return "" if [_has(piece.text, one) for one in shown] == [_has(text, one) for one in shown] else OPTION


def _has(text: str, words: str) -> bool:
    return words.strip(" .").lower() in text.lower()


def _names(before: str, after: str, share: float) -> str:
    was, now = _stems(before), _stems(after)
    return NAMES if len(was) > 1 and len(was & now) < share * len(was) else ""


def _stems(text: str) -> set[str]:
    words = (one[0].lower() for one in _WORD.finditer(text))
    return {word[:_STEM] for word in words if len(word) > 3 and word not in _COMMON and word not in _SPELLED}


def _length(before: str, after: str) -> bool:
    was, now = len(before.split()), len(after.split())
    return 0.5 * was - 2 <= now <= 1.6 * was + 6

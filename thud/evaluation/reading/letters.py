"""The letter of a multiple choice answer, told apart from the article "A" and from letters inside words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """The option's letter and label, where it stands, and the words that follow it."""

    letter: str
    label: str
    start: int
    end: int


_OPEN = r"[\s*_`\"'(\[{<#>\\-]*"
_WHOLE = re.compile(rf"{_OPEN}(?:option|choice|answer)?[\s:]*[(\[]?([A-Za-z])[\s*_`\"')\]}}.:,!>]*", re.IGNORECASE)
_START = re.compile(
    rf"{_OPEN}(?:(?:option|choice)\s+)?(?:\(([A-Za-z])\)|\[([A-Za-z])\]|([A-Z])\s*[\*_]*(?:[).:,\]]"
    rf"|\s[-–—]|[-–—]\s|\n))"
)
_TOLD = re.compile(
    r"(?:answer|choice|option|verdict|conclusion|choose|chose|select|pick|go with|going with|is|be|label)"
    r"(?:\s+(?:is|would be|should be|must be|option|choice|answer|here|for|with|clearly|most "
    r"likely|definitely|therefore)){0,4}"
    r"[\s:=*_`\"'(\[{]*(?:\\?boxed\{)?(?:\\text\{)?[(\[]?\b([A-Z])\b(?=[\s*_`\"']*(?:[).:,;!\]}<\n]"
    r"|$|[-–—]|because|as\b|since|which))"
)
_BOXED = re.compile(
    r"\\boxed\{\s*(?:\\text\{)?\s*\(?([A-Za-z])\)?|<answer>\s*\(?([A-Za-z])\)?\s*[.)]?\s*</answer>", re.IGNORECASE
)
_BRACKETED = re.compile(
    r"(?:^|\s)\(([A-Z])\)(?=[\s.,;:!]|$)|(?:option|choice|answer)\s+[*_`\"'(]*([A-Z])\b(?!')", re.IGNORECASE
)
_STRONG = re.compile(
    r"(?:final|correct|best|right|my|the)\s+(?:answer|choice|option)\b[^.\n]{0,40}$|answer\s*(?:is"
    r"|:)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\bnot|n't|\brule[sd]? out|\beliminate[sd]?|\bexclude[sd]?|\bneither|\bnor"
    r"|\breject)\s*(?:option|choice|answer|be|is)?[\s*(\"']*$",
    re.IGNORECASE,
)
_WRONG_AFTER = re.compile(
    r"^[\s)*.\"']*(?:is|are|was|can be|cannot|can't|does|doesn't|isn't)\s+(?:\w+\s+)?(?:wrong"
    r"|incorrect|not|out|false|ruled|excluded|be|match)",
    re.IGNORECASE,
)


def choose(text: str, options: Sequence[tuple[str, str]]) -> Choice | None:
    """The option that `text` decides for; None where it names none, or two without deciding."""
    labels = {letter.upper(): label for letter, label in options}
    for pattern in (_WHOLE, _START):
        match = pattern.fullmatch(text.strip()) if pattern is _WHOLE else pattern.match(text)
        first = _found(match, labels, text) if match else None
        if first is not None and pattern is _WHOLE:
            at = text.upper().find(first.letter)
            return Choice(first.letter, first.label, at, at + 1)
        if first is not None:
            told = _told(text, labels)
            return first if told is None or told.letter == first.letter or not _firm(text, told) else told
    return _told(text, labels) or _bracketed(text, labels) or _verbatim(text, options)


def _firm(text: str, told: Choice) -> bool:
    return bool(_STRONG.search(text[max(0, told.start - 60) : told.start]))


def _found(match: re.Match[str], labels: dict[str, str], text: str) -> Choice | None:
    group = next((i for i in range(1, len(match.groups()) + 1) if match[i]), 0)
    letter = match[group].upper() if group else ""
    if letter not in labels:
        return None
    start, end = match.span(group)
    if _DENIED.search(text[max(0, start - 30) : start]) or _WRONG_AFTER.match(text[end : end + 40]):
        return None
    if re.match(r"[\s)]*(?:or|/)\s*\(?[A-Z]\b", text[end : end + 8]):
        return None
    return Choice(letter, labels[letter], start, end)


def _told(text: str, labels: dict[str, str]) -> Choice | None:
    hits = [_found(m, labels, text) for m in (*_BOXED.finditer(text), *_TOLD.finditer(text))]
    kept = sorted((hit for hit in hits if hit is not None), key=lambda hit: hit.start)
    firm = [hit for hit in kept if _firm(text, hit)]
    return (firm or kept)[-1] if kept else None


def _bracketed(text: str, labels: dict[str, str]) -> Choice | None:
    hits = [hit for m in _BRACKETED.finditer(text) if (hit := _found(m, labels, text)) is not None]
    return hits[-1] if len({hit.letter for hit in hits}) == 1 else None


def _verbatim(text: str, options: Sequence[tuple[str, str]]) -> Choice | None:
    """The one option whose words are repeated."""
    low = text.lower() if len(text.lower()) == len(text) else text
    hits = []
    for letter, label in options:
        at = low.find(label.lower()) if len(label) > 3 else -1
        if at >= 0:
            hits.append(Choice(letter.upper(), label, at, at + len(label)))
    return hits[0] if len(hits) == 1 else None

"""A response as sentences of plain words, each word knowing where it stood in the response.

Everything keeps character positions, so that whatever is concluded can be quoted verbatim.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

READ_CHARS = 20_000
"""Read from either end of a response; what lies between is left out, so that a megabyte costs no more than a page."""

MOST_WORDS = 150
"""A sentence that goes on longer is cut, so that no response takes long."""

_TOKEN = re.compile(
    r"\d+(?::\d{1,2}){1,2}(?:[.,]\d+)?|\d+(?:[.,]\d+)*|(?<![\d\w])[.,]\d+"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*|[^\w\s]|_"
)
_SAME_LENGTH = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "—": "\u2014",
        "≈": "~",
        "，": ",",
        "。": ".",
        "：": ":",
        "；": ";",
        "？": "?",
        "！": "!",
        "（": "(",
        "）": ")",
        "\x00": " ",
    }
)
_KEPT = {",", ";", ":", "(", ")", "=", "/", "~", "@"}
_ABBREVIATIONS = {"approx", "vs", "sec", "secs", "ca", "approximately", "i", "e", "g", "etc", "min", "no", "dr", "mr"}
_BARE = {
    "dont": "do not",
    "doesnt": "does not",
    "isnt": "is not",
    "arent": "are not",
    "wasnt": "was not",
    "cant": "can not",
    "cannot": "can not",
    "didnt": "did not",
    "wont": "will not",
    "can't": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
}
_ENDINGS = {"'s": "is", "'re": "are", "'d": "would", "'ve": "have", "'ll": "will", "'m": "am"}
_SUBJECTS = {"it", "there", "that", "here", "what", "everything", "audio", "sound", "video", "timing", "he", "she"}


class Token(NamedTuple):
    """One word (lower case) or mark, and where it stands in the text that was read."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """Words of one sentence; `line` is those words joined by single blanks, which is what the patterns search."""

    tokens: tuple[Token, ...]
    line: str
    places: tuple[int, ...]
    asks: bool

    def token_at(self, char: int) -> int:
        """Index of the word that covers this character of `line`."""
        return max(0, bisect_right(self.places, char) - 1)

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


def shorten(text: str) -> str:
    """The two ends of a long response, parted by blank lines; anything shorter as it is."""
    if len(text) <= 2 * READ_CHARS:
        return text
    return text[:READ_CHARS] + "\n\n" + text[-READ_CHARS:]


def plain(text: str) -> str:
    """The same number of characters in lower case, typographic marks replaced by those of a keyboard."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.translate(_SAME_LENGTH)


def sentences(text: str) -> list[Sentence]:
    """Sentences in order. A line break ends one, unless the next line goes on in lower case."""
    low = plain(text)
    found: list[Sentence] = []
    words: list[Token] = []
    last = 0
    for match in _TOKEN.finditer(low):
        start, end = match.span()
        if words and (len(words) >= MOST_WORDS or _breaks(text, low, last, start)):
            found.append(sentence_of(words, False))
            words = []
        mark = match[0]
        if mark in ".!?" and not _is_abbreviation(mark, words, low, end):
            if words:
                found.append(sentence_of(words, mark == "?"))
            words = []
        else:
            words += _words(mark, start, end, low)
        last = end
    if words:
        found.append(sentence_of(words, False))
    return found


def _breaks(text: str, low: str, last: int, start: int) -> bool:
    between = low[last:start]
    if "\n" not in between and "\r" not in between and "\x1e" not in between:
        return False
    return not text[start].islower() or between.count("\n") > 1 or bool(_ANNOUNCES.match(low, start))


_ANNOUNCES = re.compile(
    r"(?:(?:my|the|final|overall) ){0,2}(?:answer|verdict|label|conclusion|decision|judge?ment|result|final)\W{0,2}:"
)


def _is_abbreviation(mark: str, words: list[Token], low: str, end: int) -> bool:
    if mark != "." or not words or words[-1].text not in _ABBREVIATIONS:
        return False
    after = low[end : end + 3].lstrip()
    if words[-1].text in ("no", "sec", "secs", "min", "etc", "approximately"):
        return words[-1].text != "approximately" and words[-1].text != "no" and after[:1].isalpha() and after[:1] != "s"
    return bool(after)


def _words(mark: str, start: int, end: int, low: str) -> list[Token]:
    """One piece of text as words: contractions taken apart, joining hyphens and typography dropped."""
    if mark == "-":
        return _hyphen(start, end, low)
    if mark == "\u2014":
        return [Token("--", start, end)]
    if not mark[0].isalnum() and mark not in _KEPT and mark[0] not in ".,":
        return []
    if mark in _BARE:
        return [Token(word, start, end) for word in _BARE[mark].split()]
    if mark.endswith("n't"):
        return [Token(mark[:-3], start, end), Token("not", start, end)]
    stem, quote, ending = mark.partition("'")
    if quote:
        plain_ending = _ENDINGS.get("'" + ending)
        if plain_ending and (ending != "s" or stem in _SUBJECTS):
            return [Token(stem, start, end), Token(plain_ending, start, end)]
        return [Token(stem, start, end)]
    return [Token(mark, start, end)]


def _hyphen(start: int, end: int, low: str) -> list[Token]:
    before, after = low[start - 1 : start], low[end : end + 1]
    if before.isdigit() and after.isdigit():
        return [Token("to", start, end)]
    if before.isalnum() and after.isalnum():
        return []
    if after.isdigit() or after == ".":
        return [Token("minus", start, end)]
    return [Token("--", start, end)] if before.isspace() else []


def sentence_of(words: Sequence[Token], asks: bool) -> Sentence:
    """A sentence made of these words; asks: whether it is a question."""
    places: list[int] = []
    at = 0
    for word in words:
        places.append(at)
        at += len(word.text) + 1
    return Sentence(tuple(words), " ".join(word.text for word in words), tuple(places), asks)


_CLOSED = re.compile(r"</(?:think|thinking|thought|reasoning|analysis)>", re.IGNORECASE)


def spoken(text: str) -> str:
    """What follows the last thinking block; the whole text where nothing does. Always a substring of `text`."""
    ends = [match.end() for match in _CLOSED.finditer(text)]
    return text[ends[-1] :] if ends and text[ends[-1] :].strip(" \n\r\t.*#`-") else text


_OPENED = re.compile(r"\s*<(?:think|thinking|thought|reasoning|analysis)>", re.IGNORECASE)


def unfinished_thought(text: str) -> bool:
    """Whether the response broke off inside a thinking block: nothing has been answered then."""
    return bool(_OPENED.match(text)) and not _CLOSED.search(text)


def quote(text: str, start: int, end: int, most: int = 300) -> str:
    """`text[start:end]` with the mark that ends it, cut to `most` characters at a blank."""
    piece = text[start : min(len(text), end + (1 if text[end : end + 1] in ".!?)\"'" else 0))]
    if len(piece) > most:
        piece = piece[:most].rsplit(" ", 1)[0]
    return piece.strip()

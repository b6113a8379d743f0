"""Times and lengths of time named in a sentence, and which of two times is the picture's and which the sound's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from thud.evaluation.reading import words
from thud.evaluation.reading.lexicon import NAMES, VISIBLE
from thud.evaluation.reading.text import Sentence

_UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 0.001, "msec": 0.001}
_UNITS |= {"millisecond": 0.001, "milliseconds": 0.001, "msecs": 0.001, "minute": 60.0, "minutes": 60.0, "min": 60.0}
_WORDS = {
    "half a": 0.5,
    "a half": 0.5,
    "half": 0.5,
    "a quarter of a": 0.25,
    "quarter": 0.25,
    "a quarter": 0.25,
    "three quarters of a": 0.75,
    "a tenth of a": 0.1,
    "a third of a": 1 / 3,
    "two thirds of a": 2 / 3,
    "a": 1.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "one and a half": 1.5,
    "two and a half": 2.5,
    "three and a half": 3.5,
    "a full": 1.0,
    "a couple of": 2.0,
    "a couple": 2.0,
    "half of a": 0.5,
    "a fifth of a": 0.2,
    "one and half": 1.5,
    "twenty": 20.0,
    "fifty": 50.0,
    "a hundred": 100.0,
    "one hundred": 100.0,
    "two hundred": 200.0,
    "three hundred": 300.0,
    "four hundred": 400.0,
    "five hundred": 500.0,
    "six hundred": 600.0,
    "eight hundred": 800.0,
    "an entire": 1.0,
    "one full": 1.0,
    "two full": 2.0,
    "fifteen": 15.0,
    "thirty": 30.0,
    "a hundred and fifty": 150.0,
}
_NUMBER = r"\d+(?:[.,]\d+)?|[.,]\d+"
_RATE = words.phrase(r"(\d+(?:\.\d+)?) (?:fps|frames (?:per|a) second)")
_UNIT = words.any_of(_UNITS)
_QUANTITY = words.phrase(
    rf"(?P<clock>\d+:\d\d(?::\d\d)?(?:[.,]\d+)?)(?: {_UNIT})?"
    rf"|(?P<low>{_NUMBER}) (?:{_UNIT} )?(?:to|and) (?P<high>{_NUMBER}) (?P<range_unit>{_UNIT})"
    rf"|(?P<frames>\d+) frames(?! (?:per|a) second)"
    rf"|(?P<number>{_NUMBER}) (?P<unit>{_UNIT})"
    rf"|(?P<word>{words.any_of(_WORDS)}) (?P<word_unit>seconds?|milliseconds?|secs?)(?: and a half)?"
    r"|(?:t|tv|ta|time) (?:=|:) (?:about |~ )?(?P<equals>" + _NUMBER + ")"
    rf"|(?:second|t|time) (?:number )?(?P<nth>{_NUMBER})(?! (?:seconds?|s|ms|frames?)(?!\S))"
    r"|(?:at|around|@|near) (?:about |around |roughly |approximately |~ |t = )?(?P<bare>"
    + _NUMBER
    + ")(?! (?:frames?|fps|%|"
    + _UNIT
    + r"))"
)
_POINT_BEFORE = words.phrase(r"(?:at|around|near|@|until|till|from|timestamp|mark|t|versus|vs|=|on|by around)")
_SOFT = words.bag("about around roughly approximately ~ only just right exactly precisely already the nearly almost")
_LENGTH_AFTER = words.phrase(
    r"(?:\w+ )?(?:\w+ )?(?:offset|gap|difference|delay|lag|separation|discrepancy|apart|away|later|earlier|late|early"
    r"|after|before|behind|ahead|off|tolerance|mismatch|lead|shift|drift|too|long|prior|misalignment|interval|pause"
    r"|desync|in advance|sooner|separate|latency|out of sync|between)"
)
_LENGTH_TOPIC = words.phrase(
    r"amount|size|magnitude|offset|gap|difference|separation|discrepancy|tolerance|lag|lags"
    r"|lagging|delay|apart|within|shift|drift"
    r"|trails|trailing|leads|leading|precedes|misalignment|latency|separated"
)
_GAUGED = words.phrase(
    r"(?:estimate|estimated|put|gauge|judge|measure|measured) (?:\S+ ){0,3}(?:delay|lag|latency|offset|gap"
    r"|lead)(?: \S+)* at"
)
_NAMED = NAMES - VISIBLE - words.MAYBE_SOUNDS
_PLAIN = (
    dict.fromkeys(words.PICTURE - words.MAYBE_SOUNDS - {"frames"}, -2.0)
    | dict.fromkeys(words.SOUNDS | _NAMED, 1.0)
    | dict.fromkeys(("ought", "should", "supposed"), -2.5)
    | dict.fromkeys(words.AUDIO, 2.0)
)
"""Words that lean the same way wherever they stand; the later of these lists wins."""
_CUTS = frozenset({",", ";", ":", "--", "(", ")", "but", "while", "whereas"})
_CONTRAST = words.bag("while but whereas and then though although yet with , ; -- versus vs ( / until")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named time. seconds: its value. point: a moment of the clip, else a length of time."""

    seconds: float
    point: bool
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment with its leaning: above 0 it is the sound's, below 0 the picture's."""

    seconds: float
    leaning: float
    sentence: int
    first: int


@lru_cache(maxsize=128)
def quantities(sentence: Sentence) -> tuple[Quantity, ...]:
    """All times of a sentence in order."""
    found = []
    for match in _QUANTITY.finditer(sentence.line):
        seconds = _frames(sentence, match["frames"]) if match["frames"] else _seconds(match)
        if (
            seconds is None
            or seconds > 36_000
            or (
                match["frames"]
                and not _is_length_after(sentence, sentence.token_at(match.end() - 1))
                and "by" not in sentence.line
            )
        ):
            continue
        first, last = sentence.token_at(match.start()), sentence.token_at(match.end() - 1)
        named = match["clock"] or match["equals"] or match["bare"] or match["nth"]
        point = bool(match["clock"] or match["equals"] or match["nth"]) or _is_point(sentence, first, last, bool(named))
        if match["bare"] and _is_length_after(sentence, last):
            continue
        found.append(Quantity(seconds, point, first, last))
    return tuple(found)


def _seconds(match: re.Match[str]) -> float | None:
    if match["clock"]:
        parts = [_number(part, "") for part in match["clock"].split(":")]
        seconds = 0.0
        for part in parts:
            seconds = seconds * 60 + part
        return seconds
    if match["low"]:
        unit = match["range_unit"]
        return (_number(match["low"], unit) + _number(match["high"], unit)) / 2 * _UNITS[unit]
    if match["number"]:
        return _number(match["number"], match["unit"]) * _UNITS[match["unit"]]
    if match["word"]:
        unit = match["word_unit"]
        half = 0.5 if match[0].endswith("and a half") else 0.0
        return (_WORDS[match["word"]] + half) * _UNITS[unit]
    return _number(match["equals"] or match["bare"] or match["nth"], "")


def _frames(sentence: Sentence, count: str) -> float:
    """Seconds of so many frames where the sentence tells the rate, else not a number."""
    rate = _RATE.search(sentence.line)
    return int(count[:6]) / float(rate[1]) if rate and float(rate[1]) > 0 else float("nan")


def _number(text: str, unit: str) -> float:
    if unit.startswith(("ms", "milli")) and re.fullmatch(r"[1-9]\d{0,2},\d{3}", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")[:24])


def _is_length_after(sentence: Sentence, last: int) -> bool:
    after = " ".join(token.text for token in sentence.tokens[last + 1 : last + 4])
    head = re.split(r"(?<!\S)(?:[,;:()=/]|--|and|but|while|when|as|where|so|is|on|in|the)(?!\S)", after)[0].strip()
    return bool(_LENGTH_AFTER.match(head + " ") or _LENGTH_AFTER.match(head))


def _is_point(sentence: Sentence, first: int, last: int, named: bool) -> bool:
    if _is_length_after(sentence, last):
        return False
    if named:
        return True
    if sentence.tokens[min(last + 1, len(sentence.tokens) - 1)].text in {"mark", "timestamp"}:
        return True
    i = first - 1
    crossed: list[str] = []
    while i >= 0 and (sentence.tokens[i].text in _SOFT or sentence.tokens[i].text in {"at", "around", "near", "@"}):
        crossed.append(sentence.tokens[i].text)
        i -= 1
    if "at" in crossed or "@" in crossed:
        return not _GAUGED.search(sentence.line[: sentence.places[first]].rstrip() + " at")
    start = i + 1
    while start > 0 and sentence.tokens[start - 1].text not in _CUTS and i + 1 - start < 12:
        start -= 1
    topic = " ".join(token.text for token in sentence.tokens[start : i + 1])
    before = sentence.tokens[i].text if i >= 0 else ""
    if before == ":":
        topic = " ".join(token.text for token in sentence.tokens[max(0, i - 4) : i])
    if before == "by" and i and sentence.tokens[i - 1].text in {"over", "done", "already", "finished", "gone"}:
        return True
    if before in {"by", "of", "for", "within"} or _LENGTH_TOPIC.search(topic.rsplit(" at ", 1)[-1]):
        return False
    return (
        bool(crossed and {"around", "near"} & set(crossed))
        or bool(_POINT_BEFORE.fullmatch(before))
        or before in {":", "(", ")"}
    )


def lengths(sentence: Sentence) -> list[Quantity]:
    """The lengths of time of a sentence."""
    return [one for one in quantities(sentence) if not one.point]


def leaning(tokens: Iterable[str]) -> float:
    """How much these words speak of the sound (above 0) or of the picture (below 0)."""
    total, seq = 0.0, list(tokens)
    for i, word in enumerate(seq):
        plain = _PLAIN.get(word)
        if plain is not None:
            total += plain
        elif word in words.MAYBE_SOUNDS:
            total += 0.5 if not i or seq[i - 1] != "loud" else 1.0
        elif word == "frames":
            total -= 0.0 if i and seq[i - 1][:1].isdigit() else 2.0
        elif word in words.EVENTS:
            total -= 0.0 if i + 1 < len(seq) and seq[i + 1] in ("sound", "sounds", "noise", "noises") else 0.4
    return total


def moments(sentence: Sentence, number: int) -> list[Moment]:
    """The moments of a sentence, each leaning as the words of its own part of the sentence do."""
    points = [one for one in quantities(sentence) if one.point]
    texts = [token.text for token in sentence.tokens]
    bounds = [0] + [_boundary(texts, a, b) for a, b in zip(points, points[1:], strict=False)]
    found = []
    for i, one in enumerate(points):
        end = bounds[i + 1] if i + 1 < len(points) else _right_edge(texts, one.last)
        found.append(Moment(one.seconds, leaning(texts[bounds[i] : end]), number, one.first))
    return found


def _boundary(texts: list[str], a: Quantity, b: Quantity) -> int:
    """Where, between two times, the words go over from the one to the other: where the leanings differ most."""
    candidates = [i for i in range(a.last + 1, b.first + 1) if texts[min(i, len(texts) - 1)] in _CONTRAST]
    if not candidates:
        return a.last + 1
    start = max([i + 1 for i in range(a.first) if texts[i] in {";", "whereas", "while", "but"}], default=0)

    def contrast(i: int) -> float:
        strong = 1.5 if texts[i] in {"while", "but", "whereas", ";", "versus", "vs", "/"} else 0.0
        return abs(leaning(texts[start:i]) - leaning(texts[i : b.last + 1])) + strong

    return max(candidates, key=contrast)


def _right_edge(texts: list[str], last: int) -> int:
    i = last + 1
    while i < len(texts) and texts[i] not in _CUTS and texts[i] not in {"so", "which", "and", "giving", "leaving"}:
        i += 1
    return i


def pair(found: list[Moment]) -> tuple[float, float] | None:
    """(visual_s, audio_s): the first two moments in a row of which one is clearly more the sound's than the other."""
    best: tuple[float, tuple[float, float]] | None = None
    for a, b in zip(found, found[1:], strict=False):
        gap = b.leaning - a.leaning
        if abs(gap) < 0.8 or b.sentence - a.sentence > 3:
            continue
        if max(a.leaning, b.leaning) <= 0 and min(a.leaning, b.leaning) > -1:
            continue
        pairing = (a.seconds, b.seconds) if gap > 0 else (b.seconds, a.seconds)
        if best is None or abs(gap) > best[0] + 2:
            best = (abs(gap), pairing)
    return best[1] if best else None

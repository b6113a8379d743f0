"""Who comes first: claims that the sound is late ("delayed") or early, from whichever side they are told."""

from __future__ import annotations

from collections.abc import Iterator

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, clause_start, conceded, denied_after, is_hedged, negated, unreal
from thud.evaluation.reading.direction_frames import (
    EARLY,
    EARLY_NOUNS,
    FOLLOWED,
    FRAMES,
    LATE,
    LATE_NOUNS,
    PRECEDED,
    Frame,
)
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.times import leaning, lengths

IMPERCEPTIBLE_S = 0.15
"""A delay that is told to be this short or shorter says little against "in sync"."""


_ARRIVES = words.bag(
    "heard hear comes come arrives arrive occurs occur happens happen lands land plays play "
    "starts start begins begin"
    " turns turn shows show emerges pops sets kicks rings is sounds appears audible seen visible hits strikes rings"
    " triggered fires follows reaches placed present came"
    " arriving coming occurring landing starting beginning playing hitting kicks"
)
_PREPOSITIONS = words.bag("of in on for from to than")
_PASSING = words.bag("the a an its his her their this that corresponding loud audible actual visible seen visual")
_SPATIAL = words.bag("man woman person car him her them it")


def directions(sentence: Sentence, number: int, spoken_of: float) -> Iterator[Claim]:
    """Claims "delayed" and "early" in one sentence; negated ones as "synced" of little weight.

    spoken_of: what the sentence before spoke of (leaning), for "It lags behind."
    """
    taken: set[int] = set()
    for first, last, sign, weight in _nouns(sentence):
        taken |= set(range(first, last + 1))
        if _TINY.search(sentence.line[sentence.places[last] + len(sentence.tokens[last].text) + 1 :]):
            yield Claim("neither", 1.0, number, first, last)
            continue
        yield from _claim(sentence, number, first, last, sign, weight)
    hits = [(m, frame) for frame in FRAMES for m in frame.pattern.finditer(sentence.line)]
    for match, frame in sorted(hits, key=lambda hit: hit[0].start() - hit[0].end()):
        first, last = sentence.token_at(match.start()), sentence.token_at(match.end() - 1)
        if taken & set(range(first, last + 1)):
            continue
        taken |= set(range(first, last + 1))
        side = _side(sentence, first, last, frame, spoken_of)
        if side:
            yield from _claim(sentence, number, first, last, side * frame.sign, frame.weight)


def _nouns(sentence: Sentence) -> Iterator[tuple[int, int, int, float]]:
    for pattern, sign in (*((one, LATE) for one in LATE_NOUNS), *((one, EARLY) for one in EARLY_NOUNS)):
        for match in pattern.finditer(sentence.line):
            yield sentence.token_at(match.start()), sentence.token_at(match.end() - 1), sign, 2.0
    for pattern, sign in ((PRECEDED, EARLY), (FOLLOWED, LATE)):
        for match in pattern.finditer(sentence.line):
            first, last = sentence.token_at(match.start()), sentence.token_at(match.end() - 1)
            left, right = _subject(sentence, first), _object(sentence, last)
            if left < 0 < right:
                yield first, last, sign, 0.8 if sign == LATE else 2.0
            elif right < 0 < left:
                yield first, last, -sign, 1.5


_TINY = words.phrase(
    r"^(?:\S+ ){0,3}?(?:is|are|was|seems?|remains?|stays?) (?:\w+ly |so |too )?(?:imperceptible|negligible|unnoticeable"
    r"|undetectable|insignificant|minuscule|small to \w+|short to \w+|not (?:\w+ly )?(?:noticeable|perceptible"
    r"|visible))"
)
_REACHES = words.bag(
    "even reaches touches contact hits lands strikes actually reached touched landed collides makes made meets any"
)
_STOPS = words.bag("stops ends fades music voices talking speech dies stopped ended ceases")
_REVERSED = words.phrase(
    r"anything but|(?:quite |very much |rather |exactly |it is )?(?:the |on the )(?:opposite|contrary|reverse"
    r"|other way (?:a)?round)"
)


def _claim(sentence: Sentence, number: int, first: int, last: int, sign: int, weight: float) -> Iterator[Claim]:
    if unreal(sentence, first):
        return
    weight *= conceded(sentence, first, last)
    near = [one.seconds for one in lengths(sentence) if abs(one.first - last) <= 8 or abs(first - one.last) <= 8]
    if near and min(near) <= IMPERCEPTIBLE_S:
        weight *= 0.4
    if negated(sentence, first) != denied_after(sentence, last):
        label = "delayed" if sign < 0 else "early"
        if _REVERSED.search(sentence.line):
            yield Claim(label, weight * 0.8, number, first, last)
            return
        yield Claim("neither", min(weight, 1.0), number, first, last)
    else:
        hedged = is_hedged(sentence, first)
        yield Claim("delayed" if sign > 0 else "early", weight * (0.7 if hedged else 1.0), number, first, last, hedged)


_ATTRIBUTES = words.bag("delayed late early premature lagging leading belated earlier later")
_TURNING = words.bag("behind of than precedes preceding leads leading lags lagging trailing")


def _side(sentence: Sentence, first: int, last: int, frame: Frame, spoken_of: float) -> int:
    """+1 when the frame's subject is the sound, -1 the picture, 0 when that is not told (or nothing is compared)."""
    word = sentence.tokens[last].text
    attributive = _attributive(sentence, last)
    if attributive and word in _ATTRIBUTES:
        return attributive
    left, right = _subject(sentence, first), _object(sentence, last)
    if left * right > 0 and abs(abs(left) - abs(right)) >= 1 and left > 0:
        # "The clap precedes the sound of the clap": what is not called a sound is the sight of it.
        left, right = (left, -1.0) if left > right else (-1.0, right)
    if word in {"before", "after", "to"} or word == "following":
        return _before_after(sentence, first, left, right)
    if left and right and (left > 0) == (right > 0) and abs(right) >= 1 and word not in {"delayed", "late", "early"}:
        return 0
    if word == "first":
        return _first_side(sentence, first, last, left)
    if left:
        return 1 if left > 0 else -1
    if right and word in _TURNING:
        return -1 if right > 0 else 1
    if spoken_of and first and sentence.tokens[first - 1].text in {"it", "this", "that", "they"}:
        return 1 if spoken_of > 0 else -1
    if not left and not right and (side := _taken_up(sentence, first, spoken_of)):
        return side
    if word in {"later", "until"} and right > 0:
        return 1
    if frame.loose and not _measured(sentence, first, last):
        return 0
    if spoken_of and sentence.tokens[0].text in {"it", "this", "that", "which", "they"}:
        return 1 if spoken_of > 0 else -1
    return 1 if not frame.loose or sentence.tokens[0].text in {"it", "by", "about", "comes"} else 0


def _taken_up(sentence: Sentence, first: int, spoken_of: float) -> int:
    """The side that "it" stands for: "The audio is not ahead; it is behind"."""
    texts = [token.text for token in sentence.tokens[max(0, first - 2) : first]]
    if len(texts) < 2 or texts[0] not in {"it", "they"} or texts[1] not in {"is", "are", "was", "comes", "runs"}:
        return 0
    sides = [side for token in sentence.tokens[: first - 2] if abs(side := leaning([token.text])) >= 1]
    side = sides[0] if sides else spoken_of
    return 1 if side > 0 else -1 if side < 0 else 0


def _attributive(sentence: Sentence, last: int) -> int:
    for token in sentence.tokens[last + 1 : last + 3]:
        side = leaning([token.text])
        if abs(side) >= 0.5:
            return 1 if side > 0 else -1
        if token.text in words.EDGES or token.text in {"by", "the", "and", "than", "relative", "from", "to"}:
            return 0
    return 0


def _before_after(sentence: Sentence, first: int, left: float, right: float) -> int:
    verb = any(token.text in _ARRIVES for token in sentence.tokens[max(0, first - 7) : first + 1])
    measured = _measured(sentence, first, first)
    if left and right:
        if (left > 0) == (right > 0):
            return 0
        return (1 if left > 0 else -1) if (abs(right) >= 1 or verb or measured) else 0
    rest = [token.text for token in sentence.tokens[first + 1 : first + 4]]
    if left > 0 and rest[:1] in (["it"], ["anything"], ["that"]) and {"happens", "occurs", "happened"} & set(rest):
        return 1
    close = any(token.text in _ARRIVES for token in sentence.tokens[max(0, first - 2) : first])
    if left >= 2 and close and right == 0:
        return 1
    if left > 0 and (verb or measured):
        return 1 if verb and (_counted(sentence, first) or _ends_plainly(sentence, first)) else 0
    soon = [token.text for token in sentence.tokens[first + 1 : first + 9]]
    if left >= 1 and right <= 0 and _REACHES & set(soon) and not _STOPS & {t.text for t in sentence.tokens[:first]}:
        return 1
    sensed = bool(rest) and rest[0] in {"we", "you", "i", "one"} and {"hear", "see", "heard", "saw", "sees"} & set(rest)
    if right and sensed:
        return -1 if right > 0 else 1
    if right and abs(right) >= 0.4 and (first == 0 or measured or verb):
        return -1 if right > 0 else 1
    return 0


def _counted(sentence: Sentence, first: int) -> bool:
    return any(0 < first - one.last <= 2 for one in lengths(sentence))


def _ends_plainly(sentence: Sentence, first: int) -> bool:
    rest = [token.text for token in sentence.tokens[first + 1 : first + 6]]
    return not rest or rest[0] in words.EDGES or bool({"it", "that", "contact", "actual", "this"} & set(rest[:3]))


def _first_side(sentence: Sentence, first: int, last: int, left: float) -> int:
    before = sentence.tokens[first - 1].text if first else ""
    if before in {"at", "the", "his", "her", "head", "face", "feet", "its"}:
        return 0
    rest = [token.text for token in sentence.tokens[last + 1 : last + 14]]
    if rest[:1] and rest[0] in words.ASKED | {"find", "look", "check", "listen", "watch", "compare", "locate", "note"}:
        return 0
    then = {"then", "later", "afterwards", "second", "before", "followed", "only", "after"} & set(rest)
    if left and (then or not rest):
        return 1 if left > 0 else -1
    ahead = leaning(rest[:3])
    if ahead and then:
        return 1 if ahead > 0 else -1
    return 0


def _measured(sentence: Sentence, first: int, last: int) -> bool:
    return any(-2 <= first - one.last <= 3 or 0 < one.first - last <= 3 for one in lengths(sentence))


def _subject(sentence: Sentence, first: int) -> float:
    """Leaning of the nearest noun of sound or picture before `first` that is no mere complement; 0 where none is."""
    start, fallback = clause_start(sentence, first, 22), 0.0
    for i in range(first - 1, start - 1, -1):
        side = leaning([sentence.tokens[i].text])
        counted = sentence.tokens[i].text == "frames" and i > 0 and sentence.tokens[i - 1].text[:1].isdigit()
        if abs(side) < 0.5 or counted:
            continue
        if _is_complement(sentence, i, start):
            fallback = fallback or side
            continue
        if (
            sentence.tokens[i + 1].text in {"and", "/"}
            and i + 2 <= first
            and abs(leaning([sentence.tokens[i + 2].text])) >= 2
        ):
            continue
        return side
    return fallback


def _is_complement(sentence: Sentence, i: int, start: int) -> bool:
    j = i - 1
    while j >= start and sentence.tokens[j].text in _PASSING:
        j -= 1
    return j >= start and sentence.tokens[j].text in _PREPOSITIONS and j > start


def _object(sentence: Sentence, last: int) -> float:
    """Leaning of what follows within the clause: the first noun of sound or picture, events counting as picture."""
    weak = 0.0
    for token in sentence.tokens[last + 1 : last + 9]:
        if token.text in words.EDGES or token.text in {"by", "and"}:
            break
        side = leaning([token.text])
        if abs(side) >= 0.5:
            return side
        weak = weak or side
    return weak

"""What a sentence says is heard, and what it says is not: mentions of sounds with the negation that reaches them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from thud.evaluation.reading import words
from thud.evaluation.reading.lexicon import ADJECTIVES, HEARING, NAMES, SOUNDING, VISIBLE
from thud.evaluation.reading.text import Sentence

_NEGATORS = words.bag(
    "no not neither nor without never nothing none hardly barely lacks lacking devoid absent cannot sans"
)
_RESETS = words.bag(
    "but ; however while whereas just only instead except though although yet -- rather besides apart aside"
)
_RESETS |= words.bag("since because until till save beyond where other : ( ) followed then")
_OPENERS = words.bag("a an the some there i you we one then someone somebody plenty lots it he she they people his her")
_OPENERS |= words.bag("somebody's two three several many loud soft faint what that which")
_KINDS = words.bag("voice voices speech dialogue dialog music noise noises ambience ambient effects talking chatter")
_KINDS |= words.bag("singing sound sounds audio conversation narration commentary laughter footsteps crash bang thud")
_KINDS |= words.bag(
    "scream screams splash bark words impact environmental vocals song wind birds traffic music musical"
)
_BARE = re.compile(r"(?<!\S)(?:none|nothing|absent|no|nil|zero|n a|not present|0)(?!\S)")
IMAGINED = words.phrase(
    r"would|looks? as (?:though|if)|as though|as if|seems? to be|suppose|would have|expect|expected|expecting|imagine"
    r"|presumably|probably|likely|suggests?|suggesting|implies|implied|imply|should|might|could|must have|must be|must"
    r"|no doubt made|appears? to (?:be|make|produce|have)|typically|usually|if|assume|assumed|supposed|supposedly"
    r"|inferred"
    r"|infer|gather|judging by|judging from|visibly|evidently|apparently|clearly (?=barking|shouting|screaming|talking"
    r"|singing|laughing|speaking|yelling)|seen|i see|we see|can see|on screen|picture shows|mouth|lips|guess|may"
    r"|normally|listened (?:\w+ )?for|looked for|waiting for|thought|mistaken|evidence of"
    r"|(?:video|clip|footage|picture|frames?|images?|scene|film) (?:shows?|depicts?|showing|depicting)|in a studio"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A sound (or something heard) spoken of by words first..last; denied: said not to be there."""

    first: int
    last: int
    weight: float
    denied: bool


def mentions(sentence: Sentence) -> list[Mention]:
    """Every sound spoken of as heard or as not heard; those only imagined or seen are left out."""
    denied, imagined = _scan(sentence), _imagined(sentence)
    found = []
    for first, last, weight in _hits(sentence):
        turned = denied[first] or _struck_out(sentence, last)
        if turned or not imagined[first]:
            found.append(Mention(first, last, weight, turned))
    return found


def _hits(sentence: Sentence) -> Iterator[tuple[int, int, float]]:
    for pattern, weight in ((HEARING, 1.2), (SOUNDING, 1.1)):
        for match in pattern.finditer(sentence.line):
            yield sentence.token_at(match.start()), sentence.token_at(match.end() - 1), weight
    for i, token in enumerate(sentence.tokens):
        if token.text in NAMES:
            yield i, i, _worth(sentence, i)


def _worth(sentence: Sentence, i: int) -> float:
    word, before = sentence.tokens[i].text, [token.text for token in sentence.tokens[max(0, i - 3) : i]]
    if set(before) & ADJECTIVES and "see" not in before:
        return 1.1
    if word in {"sound", "sounds", "audio", "musical", "noise", "noises"}:
        after = sentence.tokens[i + 1].text if i + 1 < len(sentence.tokens) else ""
        if before[-1:] and (before[-1].endswith("ing") or before[-1] in NAMES):
            return 1.0
        return 0.8 if word != "audio" and after in {"of", "from"} else 0.3
    if word in VISIBLE:
        return (
            1.0 if word.endswith("ing") and before[-1:] and before[-1] in {"the", "of", "some", "hear", "and"} else 0.6
        )
    return 1.0


def _scan(sentence: Sentence) -> list[bool]:
    """For every word whether a "no" reaches it: through lists, not into a new part of the sentence."""
    reached, on = [], False
    texts = [token.text for token in sentence.tokens]
    for i, word in enumerate(texts):
        before = texts[i - 1] if i else ""
        if on and (word in _RESETS or (before in {",", "and", "("} and word in _OPENERS)):
            on = False
        if word in _NEGATORS and texts[i + 1 : i + 2] not in (
            ["only"],
            ["just"],
            ["doubt"],
            ["but"],
            ["silent"],
            ["muted"],
        ):
            on = True
        reached.append(on)
    return reached


def _imagined(sentence: Sentence) -> list[bool]:
    """For every word whether it stands behind "would", "I see" and the like, in the same part of the sentence."""
    marks: list[bool] = [False] * len(sentence.tokens)
    real = [match.span() for match in words.REAL_AGAIN.finditer(sentence.line)]
    for match in IMAGINED.finditer(sentence.line):
        if any(a <= match.start() < b for a, b in real):
            continue
        first = sentence.token_at(match.start())
        for i in range(first, len(sentence.tokens)):
            text = sentence.tokens[i].text
            if i > first and text in {"but", ";", "however", "--", "while", "whereas", "only", "yet", ":"}:
                break
            marks[i] = True
        start = first
        while start > 0 and sentence.tokens[start - 1].text not in {
            "but",
            ";",
            "--",
            ",",
            "and",
            ":",
            "while",
            "hear",
            "heard",
        }:
            start -= 1
            marks[start] = True
    return marks


def _struck_out(sentence: Sentence, last: int) -> bool:
    """Whether what follows takes it away: "Music: none", "voices are absent", "the words are not audible"."""
    rest = [token.text for token in sentence.tokens[last + 1 : last + 7]]
    if rest[:1] in ([":"], ["="], ["--"]):
        return bool(rest[1:2]) and bool(_BARE.fullmatch(rest[1]))
    for i, word in enumerate(rest):
        if word in {",", ";", "but", ":", "and", "--"}:
            return False
        if word in {
            "not",
            "never",
            "nowhere",
            "absent",
            "missing",
            "inaudible",
            "gone",
            "lacking",
            "removed",
            "silent",
        }:
            return "only" not in rest[i + 1 : i + 2]
    return False


def kinds_denied(sentence: Sentence) -> int:
    """How many kinds of sound the sentence says are not there."""
    denied = _scan(sentence)
    texts = [token.text for token in sentence.tokens]
    return len(
        {word for i, word in enumerate(texts) if word in _KINDS | NAMES and (denied[i] or _struck_out(sentence, i))}
    )

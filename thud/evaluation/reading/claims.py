"""Single claims found in sentences: what is claimed, how firmly, and whether something turns it round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from thud.evaluation.reading import words
from thud.evaluation.reading.text import Sentence

REACH = 8
"""Words before a claim in which a negation still bears on it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`label` is claimed with `weight` by words first..last of the sentence numbered `sentence`."""

    label: str
    weight: float
    sentence: int
    first: int
    last: int
    hedged: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase that claims `label`, and `against` when it is negated ("" where a negation only silences it)."""

    pattern: re.Pattern[str]
    label: str
    against: str
    weight: float
    against_weight: float


def cue(pattern: str, label: str, against: str, weight: float, against_weight: float | None = None) -> Cue:
    """A Cue from the words of its pattern; negated it weighs as much, unless told otherwise."""
    return Cue(words.phrase(pattern), label, against, weight, weight if against_weight is None else against_weight)


def find(sentence: Sentence, number: int, cues: tuple[Cue, ...], placed: bool = True) -> Iterator[Claim]:
    """Every claim the cues find in one sentence, longest phrase first where they overlap.

    placed: whether it matters that a claim is conceded ("although …") or concludes.
    """
    taken: set[int] = set()
    hits = [(match, one) for one in cues for match in one.pattern.finditer(sentence.line)]
    for match, one in sorted(hits, key=lambda hit: (hit[0].start() - hit[0].end(), hit[0].start())):
        first, last = sentence.token_at(match.start()), sentence.token_at(max(match.start(), match.end() - 1))
        span = set(range(first, last + 1))
        if span & taken:
            continue
        taken |= span
        if unreal(sentence, first):
            continue
        turned = _denied(sentence, first) if sentence.tokens[first].text in _SELF_NEGATED else negated(sentence, first)
        label = one.against if turned else one.label
        if label:
            weight = (one.against_weight if turned else one.weight) * (conceded(sentence, first, last) if placed else 1)
            hedged = is_hedged(sentence, first)
            yield Claim(label, weight * (0.6 if hedged else 1.0), number, first, last, hedged)


_SELF_NEGATED = frozenset({"no", "not", "nothing", "without", "zero", "nor"})


def _denied(sentence: Sentence, first: int) -> bool:
    return first > 0 and sentence.tokens[first - 1].text in {"not", "never"}


def negated(sentence: Sentence, at: int) -> bool:
    """Whether an odd number of negations bears on the word numbered `at`."""
    first = clause_start(sentence, at, REACH)
    chars = (sentence.places[first], sentence.places[at])
    void = [m.span() for m in words.NOT_NEGATING.finditer(sentence.line, chars[0], chars[1])]
    far = sentence.places[clause_start(sentence, at, 2 * REACH)]
    long = [m.span() for m in words.LONG_NEGATORS.finditer(sentence.line, far, chars[1])]
    count = len(long)
    for i in range(first, at):
        place = sentence.places[i]
        inside = any(a <= place < b for a, b in (*void, *long))
        near = at - i <= words.SHORT_REACH.get(sentence.tokens[i].text, REACH)
        if sentence.tokens[i].text == "nor":
            count = 1
        else:
            count += sentence.tokens[i].text in words.NEGATORS and near and not inside
    return count % 2 == 1


def clause_start(sentence: Sentence, at: int, reach: int) -> int:
    """First word, at most `reach` before `at`, of the clause `at` stands in; the items of a list are one clause."""
    i, left = at, reach
    while i > 0 and left > 0:
        before = sentence.tokens[i - 1].text
        if before in words.EDGES and not _in_list(sentence, i - 1, at):
            break
        if before == "and" and _new_subject(sentence, i) and sentence.tokens[i - 2].text not in _BOTH:
            break
        i -= 1
        left -= 1
    return i


_BOTH = words.bag("audio sound video picture visuals image soundtrack track")


def _in_list(sentence: Sentence, comma: int, at: int) -> bool:
    if sentence.tokens[comma].text != ",":
        return False
    between = [token.text for token in sentence.tokens[comma + 1 : at]]
    plain_list = all(
        word in words.LISTING or word in GAPS or word in words.HEARD_NAMES or word == "," for word in between
    )
    return plain_list and (at - comma <= 5) and (bool(between) or sentence.tokens[at].text in GAPS | words.HEARD_NAMES)


def _new_subject(sentence: Sentence, i: int) -> bool:
    return sentence.tokens[i].text in {"the", "a", "an", "it", "they", "this", "there", "i", "we", "you", "both", "its"}


def unreal(sentence: Sentence, at: int) -> bool:
    """Whether the word stands in a question, a condition, an expectation or something said to be unknown."""
    if sentence.asks or _conditional(sentence, at) or listed(sentence):
        return True
    if words.UNKNOWN.search(sentence.line):
        return True
    first = clause_start(sentence, at, 14)
    first -= first > 0 and sentence.tokens[first - 1].text == "if"
    start, end = sentence.places[first], sentence.places[at]
    found = list(words.UNREAL.finditer(sentence.line, start, end))
    if not found:
        return False
    real = [m.span() for m in words.REAL_AGAIN.finditer(sentence.line, start)]
    return any(not any(a <= hit.start() < b for a, b in real) for hit in found)


def _conditional(sentence: Sentence, at: int) -> bool:
    """Whether an "if" opens the part of the sentence that `at` stands in: then what follows from it is unreal too."""
    texts = [token.text for token in sentence.tokens[:at]]
    part = max((i + 1 for i, word in enumerate(texts) if word in {";", "but", ":", "--"}), default=0)
    while texts[part : part + 1] and texts[part] in {"and", "so", "then", ","}:
        part += 1
    return texts[part : part + 1] == ["if"] and texts[part + 1 : part + 2] not in (
        ["anything"],
        ["you"],
        ["not"],
        ["there"],
    )


def is_hedged(sentence: Sentence, at: int) -> bool:
    """Whether the word is only held possible: "could", "maybe"."""
    return bool(
        words.HEDGED.search(sentence.line, sentence.places[clause_start(sentence, at, 10)], sentence.places[at])
    )


def conceded(sentence: Sentence, first: int, last: int) -> float:
    """What a claim is worth by where it stands: less when only conceded, more after a turn or in a conclusion."""
    before, after = sentence.line[: sentence.places[first]], sentence.line[sentence.places[last] :]
    clause = sentence.line[sentence.places[clause_start(sentence, first, 12)] : sentence.places[first]]
    previous = clause_start(sentence, first, 12)
    opener = sentence.tokens[previous - 1].text if previous else ""
    worth = 1.0
    if words.CONCEDED.search(clause) or opener in {"although", "though", "despite"}:
        worth *= 0.3
    if words.TURNS.search(before):
        worth *= 1.5
    elif re.search(r"(?<!\S)(?:but|however|yet)(?!\S)", after):
        worth *= 0.7
    if words.CONCLUDES.search(before):
        worth *= 1.4
    return worth


def listed(sentence: Sentence) -> bool:
    """Whether the sentence only lists the possible answers, as a question would."""
    plain = {token.text for token in sentence.tokens}
    if sentence.tokens[0].text in words.ASKED and plain & {"if", "whether", "one", "or", "either"}:
        return True
    texts = [token.text for token in sentence.tokens]
    runs = "".join("l" if text in _ANSWERS else "m" if text in _ANSWER_MARKS else " " for text in texts)
    return "lmlml" in runs.replace("mm", "m") or (len(plain & _ANSWERS) >= 3 and plain <= _ANSWERS | _ANSWER_MARKS)


_ANSWERS = words.bag("synced synchronized synchronised early delayed late desync delay muted match mismatched none")
_ANSWER_MARKS = words.bag(", / : ; or and ( ) one of answer with label")
GAPS = words.bag(
    "delay delays lag lags offset offsets gap gaps separation discrepancy discrepancies "
    "difference differences mismatch"
    " mismatches misalignment desync desynchronization desynchronisation drift shift disparity deviation latency"
    " displacement dislocation manipulation tampering lead lagging error errors issue issues problem problems"
)

"""Single claims found in sentences: what is claimed, how firmly, and whether something turns it round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from thud.evaluation.reading import words
from thud.evaluation.reading.needles import Phrase
from thud.evaluation.reading.text import Sentence

REACH = 10
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

    pattern: Phrase
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
        if unreal(sentence, first, one.label != "muted") or unjudged(sentence, last):
            continue
        turned = _denied(sentence, first) if sentence.tokens[first].text in _SELF_NEGATED else negated(sentence, first)
        label = one.against if turned else one.label
        if denied_after(sentence, last):
            label = one.label if turned else one.against
        if label:
            weight = (one.against_weight if turned else one.weight) * (conceded(sentence, first, last) if placed else 1)
            hedged = is_hedged(sentence, first)
            yield Claim(label, weight * (0.6 if hedged else 1.0), number, first, last, hedged)


_STRUCK = words.phrase(
    r"^(?:\S+ ){0,5}?(?::|=|--) (?:none|no|nil|nope|false|negative|absent|0|zero|not \w+|lacking|missing)(?: \w+)?$"
    r"|^(?:\S+ ){0,6}?(?:is|are|was|seems) (?:\w+ )?(?:nil|none|zero|nonexistent|lacking|absent|missing"
    r"|out of the question)$"
    r"|(?:and|but|,|yet)(?: i)? (?:(?:found|saw|heard|noticed|detected|see|find) none|(?:could|can|did|do) not"
    r" (?:find|see|hear|detect|notice|spot) any)$"
    r"|(?:but|however|yet|--|and) (?:i (?:disagree|beg to differ|do not agree)|(?:that|this) is (?:wrong|not true"
    r"|not the case|false))|^(?:\S+ ){0,6}?there (?:is|was|are) none$"
)
_CLAIMED = words.phrase(
    r"(?:the |any )?(?:claim|claims|notion|idea|suggestion|impression|assertion|suspicion|statement|theory|assumption)"
    r"(?: that)?|(?:whoever|anyone|anybody|someone|everyone)(?: \w+){0,2} (?:claim|claims|claiming|says|saying|thinks"
    r"|thinking"
    r"|believes|believing|calls|calling|suggesting|suggests)|(?:to say|to call|to claim|saying|calling|claiming)"
)
_WRONG = words.phrase(
    r"(?:is|are|was|would be|be|were)(?: \w+ly| quite| just| plain)? (?:wrong|incorrect|mistaken|false|unfounded|untrue"
    r"|misleading|inaccurate|groundless|unjustified|unwarranted|in error|baseless|off the mark|an? (?:mistake"
    r"|exaggeration|error))"
)


def denied_after(sentence: Sentence, last: int) -> bool:
    """Whether the words after a claim take it back: "manipulation: none", "the claim that … is wrong"."""
    end = sentence.places[last] + len(sentence.tokens[last].text) + 1
    rest = sentence.line[end:]
    if _STRUCK.search(rest):
        return True
    return bool(_WRONG.search(rest)) and bool(_CLAIMED.search(sentence.line, 0, sentence.places[last]))


_UNJUDGED = words.phrase(
    r"^(?:[^\s,;:.]+ ){0,3}?(?:if|provided|unless)(?! (?:you|anything|not|one)(?!\S))|^(?:[^\s,;:.]+ ){0,5}?(?:can"
    r"|could|may) (?:not )?be (?:\w+ly )?(?:estimated|determined|measured|given|judged"
    r"|computed|stated|assessed"
    r"|established|evaluated|told|checked|verified|made|calculated|rated|confirmed|decided|answered)"
    r"|^(?:\S+ ){0,3}?(?::|is|=) not (?:applicable|available|determinable|assessable|measurable|possible|decidable)"
)


def unjudged(sentence: Sentence, last: int) -> bool:
    """Whether the words after a claim say that nothing can be said about it: "no offset can be estimated"."""
    return bool(_UNJUDGED.search(sentence.line[sentence.places[last] + len(sentence.tokens[last].text) + 1 :]))


_SELF_NEGATED = frozenset({"no", "not", "nothing", "without", "zero", "nor"})


def _denied(sentence: Sentence, first: int) -> bool:
    if first > 0 and sentence.tokens[first - 1].text in {"not", "never"}:
        return True
    start = sentence.places[clause_start(sentence, first, 2 * REACH)]
    return bool(words.LONG_NEGATORS.search(sentence.line, start, sentence.places[first]))


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
        excluded = before == "but" and sentence.tokens[max(0, i - 2)].text == "anything"
        if before in words.EDGES and not excluded and not _in_list(sentence, i - 1, at):
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


_VERBS = words.bag("appears seems is are sounds has was were looks comes must")


def _new_subject(sentence: Sentence, i: int) -> bool:
    return (
        sentence.tokens[i].text
        in {"the", "a", "an", "it", "they", "this", "there", "i", "we", "you", "both", "its"} | _VERBS
    )


def unreal(sentence: Sentence, at: int, unknown: bool = True) -> bool:
    """Whether the word stands in a question, a condition, an expectation or (unknown) beside "I cannot tell"."""
    if sentence.asks or _conditional(sentence, at) or listed(sentence):
        return True
    if unknown and words.UNKNOWN.search(sentence.line):
        return True
    if (
        _IF.search(sentence.line, 0, sentence.places[at])
        or _WHETHER.search(sentence.line, 0, sentence.places[at])
        or _INVERTED.search(sentence.line)
    ):
        return True
    first = clause_start(sentence, at, 14)
    first -= first > 0 and sentence.tokens[first - 1].text == "if"
    start, end = sentence.places[first], sentence.places[at]
    found = list(words.UNREAL.finditer(sentence.line, start, end))
    if not found:
        return False
    real = [m.span() for m in words.REAL_AGAIN.finditer(sentence.line, start)]
    return any(not any(a <= hit.start() < b for a, b in real) for hit in found)


_IF = re.compile(
    r"(?<!\S)(?<!even )(?<!as )if(?! (?:anything|you|not|i)(?!\S))"
    r"(?: (?!(?:but|;|,|:|then|however|so|--|it)(?!\S))\S+)* $"
)
_INVERTED = re.compile(
    r"^(?:and |but |so )?(?:had|were|should) (?:the|it|there|this|that|they|i|we|you|he|she) (?!.* (?:but|however) )"
)
_WHETHER = re.compile(r"(?<!\S)whether(?! or not)(?: (?!(?:but|;|however|yet|so|--|which|because)(?!\S))\S+)* $")


def _conditional(sentence: Sentence, at: int) -> bool:
    """Whether an "if" opens the part of the sentence that `at` stands in: then what follows from it is unreal too."""
    texts = [token.text for token in sentence.tokens[:at]]
    part = max((i + 1 for i, word in enumerate(texts) if word in {";", "but", ":", "--"}), default=0)
    while texts[part : part + 1] and texts[part] in {"and", "so", "then", ","}:
        part += 1
    if texts[part + 1 : part + 3] in (["i", "had"], ["i", "must"], ["i", "have"], ["pressed", ","], ["forced", ","]):
        return False
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
    if (
        words.CONCEDED.search(clause)
        or opener in {"although", "though", "despite"}
        or (opener == "while" and previous == 1)
    ):
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


_ANSWERS = words.bag(
    "synced synchronized synchronised early delayed late desync delay lag offset sync muted match mismatched none"
)
_ANSWER_MARKS = words.bag(", / : ; or and ( ) one of answer with label")
GAPS = words.bag(
    "delay delays lag lags offset offsets gap gaps separation discrepancy discrepancies "
    "difference differences mismatch"
    " mismatches misalignment desync desynchronization desynchronisation drift shift disparity deviation latency"
    " displacement dislocation manipulation tampering lead lagging error errors issue issues problem problems"
)

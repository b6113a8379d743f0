"""Claims made with a noun of distance: "a clear delay", "no offset", "a gap of 0.1 s", "negligible lag"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, clause_start, conceded, denied_after, negated, unjudged, unreal
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.times import lengths

NOTICEABLE_S = 0.25
_GAP = words.phrase(
    r"delays?|lag|offsets?|gaps?|separation|discrepanc(?:y|ies)|differences?|drift|shift|disparity|deviation|latency"
    r"|displacement|desynchroni[sz]ation|time lag|inconsistenc(?:y|ies)"
)
_CLEAR = words.phrase(
    r"clear|clearly|noticeable|noticeably|obvious|obviously|significant|perceptible|large|substantial|strong|visible"
    r"|distinct|big|huge|plain|plainly|pronounced|slight|considerable|definite|small|marked|major|evident|apparent"
    r"|severe|serious|striking|detectable|discernible|unmistakable|too large|long|sizable|glaring|audible|perceivable"
)
_NOTHING = words.phrase(
    r"negligible|imperceptible|unnoticeable|undetectable|minimal|insignificant|too (?:small|short|little|brief|slight)"
    r"|small enough|short enough|within|(?:not|hardly|barely|scarcely|no|never) (?:\w+ "
    r")?(?:noticeable|perceptible|noticed|perceived|detectable"
    r"|visible|obvious|significant|large enough|big enough|apparent)|nonexistent|non existent|zero|inaudible|nil|0"
    r"|unnoticed|absent|minuscule|infinitesimal"
)
_THERE = words.phrase(
    r"there is|there are|has|have|shows?|with|exhibits?|notice|detect|observe|hear|contains?|i see"
    r"|see"
)

_SUPPOSED = words.phrase(r"^(?:\S+ ){0,6}?would be (?:\w+ )?(?:noticeable|noticed|visible|perceived) (?:to|for|by)")
_LATENESS = words.bag("delay delays lag lags latency")
_BETWEEN = words.phrase(r"between (?:\S+ ){1,5}and(?: \S+){1,3}")
_OWNED = words.phrase(
    r"video|picture|pictures|image|images|visual|visuals|frames?|footage|early|earlier|ahead|leads?|leading|advance"
    r"|before|minus|negative|either|or|neither|both|which|whether|flight|train|bus|shipping|delivery"
)


def late_by_name(found: Sequence[Sentence], bad: Sequence[Claim]) -> bool:
    """Whether all that is claimed is a delay or lag that nobody is said to own: then it is the sound's."""
    plain = [_BETWEEN.sub("", one.line) for one in found if not one.asks]
    if any(_OWNED.search(line) for line in plain):
        return False
    names = [token.text for claim in bad for token in found[claim.sentence].tokens[claim.first : claim.last + 1]]
    return bool(_LATENESS & set(names)) and all(claim.label == "desync" for claim in bad)


def gap_claims(sentence: Sentence, number: int) -> Iterator[Claim]:
    """ "desync" for a distance that is said to be there, "synced" for one that is denied or called negligible."""
    for match in _GAP.finditer(sentence.line):
        first, last = sentence.token_at(match.start()), sentence.token_at(match.end() - 1)
        if unreal(sentence, first) or unjudged(sentence, last) or _SUPPOSED.search(sentence.line[match.end() + 1 :]):
            continue
        label, weight = _weigh(sentence, first, last)
        if weight:
            yield Claim(label, weight * conceded(sentence, first, last), number, first, last)


def _weigh(sentence: Sentence, first: int, last: int) -> tuple[str, float]:
    start = clause_start(sentence, first, 8)
    end = last + 1
    while (
        end < len(sentence.tokens) and end - last <= 9 and sentence.tokens[end].text not in {";", "but", "while", "so"}
    ):
        end += 1
    before = sentence.line[sentence.places[start] : sentence.places[first]]
    after = sentence.line[sentence.places[last] : sentence.places[end - 1] + len(sentence.tokens[end - 1].text)]
    long = [one.seconds for one in lengths(sentence) if start <= one.first and one.last <= end]
    if negated(sentence, first) != denied_after(sentence, last):
        return "synced", 2.0
    if _NOTHING.search(before) or _NOTHING.search(after) or (long and max(long) <= 0.05):
        return "synced", 1.2
    if _CLEAR.search(before) or _CLEAR.search(after):
        return "desync", 2.0 if not long or max(long) > NOTICEABLE_S else 1.0
    if long:
        modest = " only " in f" {before} {after} "
        return "desync", 0.0 if max(long) <= NOTICEABLE_S else 0.4 if modest else 0.9
    return "desync", 1.5 if _THERE.search(before) else 0.3

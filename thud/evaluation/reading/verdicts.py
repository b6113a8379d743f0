"""Verdicts announced one after the other: whether two of them contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from thud.evaluation.reading import words
from thud.evaluation.reading.text import Sentence, sentence_of

_ANNOUNCED = words.phrase(
    r"^(?:and |so |\d+ )?(?P<who>(?:(?:my|the|final|overall|correct|short) ){0,3}(?:answer|verdict|conclusion|decision"
    r"|judge?ment|label|assessment|prediction|classification|result|final|status))(?: is)? (?::|=|is)"
)
_TAKEN_BACK = words.phrase(
    r"wait|correction|correct(?:ing)? (?:myself|that)|scratch|actually|rather|i mean|sorry|reconsider\w*"
    r"|revis\w+|mistake"
    r"|on second thoughts?|wrong|strike that|changed? my mind|updated?|corrected|hold on|no ,|instead|oops|re checking"
)
_AGREE = ({"desync", "delayed"}, {"desync", "early"})


def contradicted(found: Sequence[Sentence], label_of: Callable[[Sentence], str]) -> bool:
    """Whether two verdicts announced by the same words say opposite things, with nothing between to take one back."""
    told = [(i, match["who"]) for i, one in enumerate(found) if not one.asks and (match := _ANNOUNCED.search(one.line))]
    for (i, who), (j, again) in pairwise(told):
        if who != again or any(_TAKEN_BACK.search(one.line) for one in found[i + 1 : j]):
            continue
        labels = {label_of(_told(found[i])), label_of(_told(found[j]))} - {"unparsed"}
        if len(labels) == 2 and labels not in _AGREE:
            return True
    return False


def _told(one: Sentence) -> Sentence:
    """The sentence without the words that announce it."""
    match = _ANNOUNCED.search(one.line)
    rest = one.tokens[one.token_at(match.end() - 1) + 1 :] if match else ()
    return sentence_of(rest, one.asks) if rest else one

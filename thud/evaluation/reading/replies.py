"""Yes and no: what they answer, be it a question the response repeats or the one that was put to the listener."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim
from thud.evaluation.reading.text import Sentence

_STOP = r"(?= (?:[,;:(.]|--|i |it |they |there |the )|$)"
_YES = words.phrase(
    rf"^(?:(?:oh |well , |hmm , )?(?:yes|yeah|yep|yup|absolutely|definitely|certainly|indeed|of course|correct"
    rf"|affirmative"
    rf"|sure|surely|true|exactly|clearly|by all means|very much so|without (?:a )?doubt|undoubtedly|apparently so"
    rf"|it seems so|i (?:would )?(?:think|believe|say) so){_STOP}|(?:it|they|there|this|that) (?:is|does|are|do|was)$)"
)
_NO = words.phrase(
    rf"^(?:(?:oh |well , |hmm , )?(?:no|nope|nah|not at all|not really|not quite|not exactly|not in the (?:least"
    rf"|slightest)"
    rf"|hardly|by no means|not by any means|in no way|far from it|on the contrary|quite the (?:opposite|contrary)"
    rf"|negative|false|never|none|certainly not|definitely not|absolutely not|not likely|not a bit|not that i \w+"
    rf"|i (?:do not|would not) (?:think|believe|say) so|i doubt it|wrong|neither){_STOP}"
    r"|(?:it|they|there|this|that) (?:is|does|are|do|was) not(?: any)?(?: , no)?$)"
)


def reply(sentence: Sentence) -> bool | None:
    """True where the sentence opens with a yes, False with a no, None with neither."""
    if _NO.search(sentence.line):
        return False
    return True if _YES.search(sentence.line) else None


_CLOSING = words.phrase(
    r"(?:answer|verdict|conclusion|judg(?:e)?ment|response|vote|so it is|it is|that is|that makes it|this is|in short)"
    r"(?: is| would be| must be)?(?: :| =|,)?(?: a| an)?(?: clear| definite| definitive| resounding| plain| firm"
    r"| simple)?"
    r" (?P<said>yes|no|nope)(?: from me)?$"
)


def closing(sentence: Sentence) -> bool | None:
    """Yes or no where the sentence ends in one: "so the answer is no"."""
    match = _CLOSING.search(sentence.line)
    return None if match is None else match["said"] == "yes"


def replied(
    found: Sequence[Sentence],
    asked: Sequence[Sentence],
    claims_of: Callable[[Sentence, int], list[Claim]],
    flipped: Mapping[str, str],
) -> list[Claim]:
    """What a yes or no claims about the question before it: one the response asks itself, else one of `asked`.

    claims_of: the claims a sentence would make if it were no question. flipped: what is claimed by a no.
    """
    claims: list[Claim] = []
    for i, one in enumerate(found):
        said = None if one.asks else reply(one)
        if said is None:
            continue
        own = found[i - 1 : i] if i and found[i - 1].asks else []
        questions = own or (reversed(asked) if i == 0 else [])
        for question in questions:
            plain = _one_thing(claims_of(replace(question, asks=False), i))
            if plain is not None:
                claims.append(_taken(plain, said, flipped, one, own != []))
                break
    return [claim for claim in claims if claim.label]


def _one_thing(claims: list[Claim]) -> Claim | None:
    """The one thing a question asks after; a delay "or any manipulation" is a desync; None where it asks after more."""
    directed = [claim for claim in claims if claim.label in ("delayed", "early")]
    apart = [c for c in claims if not any(c is not d and c.first <= d.last and d.first <= c.last for d in directed)]
    labels = {claim.label for claim in apart}
    if labels and labels <= {"delayed", "early", "desync"}:
        return apart[0] if len(labels) == 1 else replace(apart[0], label="desync")
    return apart[0] if len(labels) == 1 else None


def _taken(claim: Claim, said: bool, flipped: Mapping[str, str], one: Sentence, own: bool) -> Claim:
    label = claim.label if said else flipped.get(claim.label, "")
    weight = 2.2 if len(one.tokens) <= 4 or own else 1.5
    return replace(claim, label=label, weight=weight, first=0, last=0, hedged=False)

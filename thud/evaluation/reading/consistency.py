"""The answer to "does the sound belong to the picture?"."""

from __future__ import annotations

from collections.abc import Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, find
from thud.evaluation.reading.consistency_cues import CUES, FIRM
from thud.evaluation.reading.existence import dodges, heard
from thud.evaluation.reading.lexicon import NAMES
from thud.evaluation.reading.pairing import paired
from thud.evaluation.reading.replies import closing, replied
from thud.evaluation.reading.scene import picture_only
from thud.evaluation.reading.silence import silence
from thud.evaluation.reading.sync import Reading, final_from, quoted, total
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.undecided import torn

_YES = words.phrase(r"yes|yeah|yep|yup|correct|indeed|absolutely|definitely|certainly|they do|it does|of course|true")
_NO = words.phrase(
    r"no|nope|not really|not quite|not at all|not exactly|they do not|it does not|false|negative"
    r"|definitely not|absolutely not|certainly not"
)


_FLIPPED = {"match": "mismatched", "mismatched": "match"}


def read_consistency(found: Sequence[Sentence], asked: Sequence[Sentence] = ()) -> Reading:
    """match, mismatched, muted, visual_only or unparsed."""
    said = [(i, one) for i, one in enumerate(found) if not one.asks]
    claims = [claim for i, one in said for claim in _claims(found, one, i)]
    claims += replied(found, asked, lambda question, i: list(find(question, i, CUES)), _FLIPPED)
    claims = _last_word(said, claims)
    good = [claim for claim in claims if claim.label == "match"]
    bad = [claim for claim in claims if claim.label == "mismatched"]
    quiet = silence(said)
    elsewhere = [claim for claim in claims if claim.sentence not in quiet]
    if quiet and total(elsewhere) < 1.9 and not heard([(i, one) for i, one in said if i not in quiet]):
        return quoted("muted", found, quiet[0])
    if torn(said, bool(good and bad)):
        return Reading("unparsed")
    if max(total(good), total(bad)) < 0.9:
        return _without_claim(found, said)
    if _of_picture_alone(said):
        return quoted("visual_only", found, said[0][0])
    if not _about_this(said):
        return Reading("unparsed")
    divided = bool(good and bad)
    if (divided and _hedged(claims)) or torn(said, divided or _hedged(claims)):
        return Reading("unparsed")
    if total(good) >= 1.3 * total(bad):
        return quoted("match", found, max(good, key=lambda claim: claim.weight).sentence)
    if total(bad) >= 1.3 * total(good):
        return quoted("mismatched", found, max(bad, key=lambda claim: claim.weight).sentence)
    last = max(claims, key=lambda claim: (claim.sentence, claim.first))
    if last.weight >= 2.4:
        return quoted(last.label, found, last.sentence)
    return Reading("unparsed")


_ANCHORS = words.AUDIO | words.PICTURE | words.HEARD_NAMES | NAMES
_ANCHORS |= words.bag(
    "nothing everything place it they them these this that clip scene event track tracks modalities streams"
    " yes no two match matches matched"
)
_ANCHORS |= words.bag(
    "matching action impact belongs consistent mismatch mismatched corresponds source original dubbed recording"
)


def _of_picture_alone(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether only the picture is judged, and nothing heard is spoken of."""
    texts = [token.text for _, one in said for token in one.tokens]
    spoken = _ANCHORS - words.PICTURE - {"scene", "clip", "action", "impact", "consistent", "event"}
    return len(texts) >= 8 and bool(set(texts) & words.PICTURE) and not set(texts) & spoken


def _about_this(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether sound or picture, or something they might be called, is spoken of at all."""
    texts = [token.text for _, one in said for token in one.tokens]
    return len(texts) <= 3 or bool(_ANCHORS & (set(texts) - ({"matching"} if len(texts) > 3 else set())))


def _hedged(claims: Sequence[Claim]) -> bool:
    return all(claim.hedged for claim in claims)


def _claims(found: Sequence[Sentence], one: Sentence, number: int) -> list[Claim]:
    claims = [claim for claim in find(one, number, CUES) if not _spatial(found, claim)]
    for pattern, label in FIRM:
        for match in pattern.finditer(one.line):
            first, last = one.token_at(match.start()), one.token_at(match.end() - 1)
            claims = [claim for claim in claims if claim.last < first or claim.first > last]
            claims.append(Claim(label, 2.0, number, first, last))
    return claims


def _last_word(said: Sequence[tuple[int, Sentence]], claims: list[Claim]) -> list[Claim]:
    """The claims from where a final answer is announced on; a yes or no that ends a sentence is one."""
    for i, one in said:
        answer = closing(one)
        if answer is not None:
            return [Claim("match" if answer else "mismatched", 2.4, i, 0, 0)]
    final = final_from(said)
    if final is None:
        return claims
    return [claim for claim in claims if (claim.sentence, claim.first) >= final] or claims


_SPORTS = words.bag("boxing football tennis soccer cricket wrestling chess rugby volleyball badminton hockey judo")


def _spatial(found: Sequence[Sentence], claim: Claim) -> bool:
    """Words that judge nothing here: "falls off the roof", "a strange man"."""
    tokens = found[claim.sentence].tokens
    word = tokens[claim.first].text
    after = tokens[claim.last + 1].text if claim.last + 1 < len(tokens) else ""
    before = tokens[claim.first - 1].text if claim.first else ""
    if word in {"match", "matches"} and before in _SPORTS:
        return True
    if word == "off":
        return before not in {
            "is",
            "are",
            "feels",
            "seems",
            "sounds",
            "very",
            "slightly",
            "quite",
            "completely",
            "clearly",
            "way",
            "bit",
        } or after in {"the", "a", "his", "her", "camera", "screen", "frame"}
    if word in {"fit", "fits", "natural", "real", "wrong", "odd", "strange"}:
        return after in {"man", "woman", "person", "place", "into", "light", "way", "time", "number"}
    return False


def _without_claim(found: Sequence[Sentence], said: Sequence[tuple[int, Sentence]]) -> Reading:
    if not said:
        return Reading("unparsed")
    number, first = said[0]
    if len(first.tokens) <= 6 and sum(len(one.tokens) for _, one in said) <= 40:
        if _NO.match(first.line):
            return quoted("mismatched", found, number)
        if _YES.match(first.line):
            return quoted("match", found, number)
    pair = paired(said)
    if pair is not None:
        return quoted(pair[0], found, pair[1])
    if picture_only(said) or (dodges(said) and not heard(said)):
        return quoted("visual_only", found, number)
    return Reading("unparsed")

"""The answer to "are picture and sound in sync?", from claims, directions and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, find
from thud.evaluation.reading.direction import directions
from thud.evaluation.reading.gaps import gap_claims, late_by_name
from thud.evaluation.reading.overlap import at_once, named, overlaps
from thud.evaluation.reading.replies import closing, replied
from thud.evaluation.reading.scene import picture_only
from thud.evaluation.reading.silence import silence
from thud.evaluation.reading.sync_cues import CUES
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.times import Moment, leaning, lengths, moments, pair
from thud.evaluation.reading.undecided import torn

SAME_S = 0.15
"""Two times no further apart than this are told as one moment."""

_YES = words.phrase(
    r"yes|yeah|yep|yup|correct|indeed|affirmative|certainly|absolutely|definitely|true|they are"
    r"|it is|of course"
)
_NO = words.phrase(
    r"no|nope|not really|not quite|not exactly|not at all|negative|false|they are not|it is not"
    r"|unfortunately not|not entirely|not perfectly|not(?! (?:sure|certain|clear|necessarily|applicable|available"
    r"|possible|known))"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the sentences say: a label, times where told, and first and last character of what decides it."""

    label: str
    offset_s: float | None = None
    visual_s: float | None = None
    audio_s: float | None = None
    start: int = 0
    end: int = 0


def read_sync(found: Sequence[Sentence], asked: Sequence[Sentence] = ()) -> Reading:
    """synced, early, delayed, desync, muted, visual_only or unparsed."""
    said = [(i, one) for i, one in enumerate(found) if not one.asks]
    claims = (
        _claims(said) + replied(found, asked, lambda question, i: _claims([(i, question)]), _FLIPPED) + named(found)
    )
    times = pair(_all_moments(said)) or _shared_moment(said)
    final = final_from(said)
    if final is not None:
        last = [claim for claim in claims if (claim.sentence, claim.first) >= final]
        claims = last or claims
    claims = _closed(said) or claims
    if torn(said, len({claim.label for claim in claims}) > 1 or all(one.hedged for one in claims)):
        return Reading("unparsed")
    quiet = silence(said)
    if quiet and not any(_says(found, claim) for claim in claims) and times is None:
        return quoted("muted", found, quiet[0])
    label, claim = decide(claims, times)
    if label == "unparsed":
        return _without_claim(found, said)
    if claim is None:
        first = next(i for i, one in said if moments(one, i))
        claim = Claim(label, 1.0, first, 0, 0)
    if label == "desync" and late_by_name(found, [one for one in claims if one.label not in ("synced", "neither")]):
        label = "delayed"
    return _with_times(label, found, claim, times)


_FLIPPED = {"synced": "desync", "desync": "synced", "delayed": "synced", "early": "synced", "neither": "desync"}
_SHARED = words.phrase(r"both|share|shares|same|together|each")


def _says(found: Sequence[Sentence], claim: Claim) -> bool:
    """Whether the claim decides something, unlike "neither in sync nor out of sync"."""
    return claim.weight >= 1 and claim.label != "neither" and found[claim.sentence].tokens[0].text != "neither"


def _closed(said: Sequence[tuple[int, Sentence]]) -> list[Claim]:
    """The claim of a sentence that ends in a plain yes or no: "so the answer is no"."""
    answers = [(i, answer) for i, one in said if (answer := closing(one)) is not None]
    return [Claim("synced" if answers[-1][1] else "desync", 2.4, answers[-1][0], 0, 0)] if answers else []


def _shared_moment(said: Sequence[tuple[int, Sentence]]) -> tuple[float, float] | None:
    """The one moment that picture and sound are told to share: "both at 2.7 s"."""
    for i, one in said:
        told = {moment.seconds for moment in moments(one, i)}
        if len(told) == 1 and _SHARED.search(one.line):
            return (at := told.pop()), at
    return None


def _all_moments(said: Sequence[tuple[int, Sentence]]) -> list[Moment]:
    """Moments of all sentences; a heading such as \"Audible event:\" colours the sentence below it."""
    found: list[Moment] = []
    heading = 0.0
    for i, one in said:
        own = moments(one, i)
        found += [replace(moment, leaning=moment.leaning + heading) for moment in own]
        short = len(one.tokens) <= 10 and not own
        heading = 0.6 * leaning(token.text for token in one.tokens) if short else heading if not own else 0.0
    return found


def _claims(said: Sequence[tuple[int, Sentence]]) -> list[Claim]:
    claims: list[Claim] = []
    spoken_of = 0.0
    for i, one in said:
        claims += find(one, i, CUES)
        claims += [*gap_claims(one, i), *at_once(one, i)]
        whole = list(overlaps(one, i))
        claims += whole or directions(one, i, spoken_of)
        spoken_of = leaning(token.text for token in one.tokens) or spoken_of
    return sorted(claims, key=lambda claim: (claim.sentence, claim.first))


def final_from(said: Sequence[tuple[int, Sentence]]) -> tuple[int, int] | None:
    """(sentence, word) from which on a final answer is given, None where none is announced."""
    place = None
    for i, one in said:
        for match in words.FINAL.finditer(one.line):
            place = (i, one.token_at(match.start()))
    return place


def decide(claims: Sequence[Claim], times: tuple[float, float] | None) -> tuple[str, Claim | None]:
    """The label the claims and times come to, and the claim that carries it (None when only the times do)."""
    bad = [claim for claim in claims if claim.label not in ("synced", "neither")]
    good = [claim for claim in claims if claim.label == "synced" or (claim.label == "neither" and not bad)]
    good_weight, bad_weight = total(good), total(bad)
    apart = None if times is None else times[1] - times[0]
    if not good_weight + bad_weight >= 0.6:
        if apart is None:
            return "unparsed", None
        return ("synced" if abs(apart) <= SAME_S else "delayed" if apart > 0 else "early"), None
    if apart is not None and good_weight and bad_weight:
        if abs(apart) > 0.3:
            bad_weight += 0.7
        else:
            good_weight += 0.7
    split = {claim.label for claim in bad} >= {"delayed", "early"}
    if (good or split) and bad and all(claim.hedged for claim in claims):
        return "unparsed", None
    if good_weight >= 1.3 * bad_weight:
        return "synced", max(good, key=lambda claim: claim.weight)
    if bad_weight >= 1.3 * good_weight:
        return _direction(bad, apart), strongest(bad, apart)
    last = max([*good, *bad], key=lambda claim: (claim.sentence, claim.first))
    if last.weight >= 2.4:
        return ("synced", last) if last in good else (_direction(bad, apart), last)
    return "unparsed", None


def total(claims: Sequence[Claim]) -> float:
    """Weight of claims that say the same: the strongest in full, the others a third, so that repeating adds little."""
    weights = sorted((claim.weight for claim in claims), reverse=True)
    return (weights[0] + sum(weights[1:]) / 3) if weights else 0.0


def strongest(bad: Sequence[Claim], apart: float | None) -> Claim:
    """The claim to quote for "out of sync": one that tells the direction before one that does not."""
    return max(bad, key=lambda claim: (claim.label != "desync" and apart is None, claim.weight))


def _direction(bad: Sequence[Claim], apart: float | None) -> str:
    late = total([claim for claim in bad if claim.label == "delayed"])
    early = total([claim for claim in bad if claim.label == "early"])
    if apart is not None and abs(apart) > 0.02 and max(late, early) < 2.0:
        return "delayed" if apart > 0 else "early"
    if max(late, early) >= 0.6:
        if late >= 1.3 * early:
            return "delayed"
        if early >= 1.3 * late:
            return "early"
    if apart is not None and abs(apart) > 0.02:
        return "delayed" if apart > 0 else "early"
    return "desync" if any(claim.label == "desync" for claim in bad) or not (late and early) else "unparsed"


def _without_claim(found: Sequence[Sentence], said: Sequence[tuple[int, Sentence]]) -> Reading:
    if said:
        number, first = said[0]
        if _short_answer(said):
            if _NO.match(first.line):
                return quoted("desync", found, number)
            if _YES.match(first.line):
                return quoted("synced", found, number)
    if picture_only(said):
        return quoted("visual_only", found, said[0][0])
    return Reading("unparsed")


def _short_answer(said: Sequence[tuple[int, Sentence]]) -> bool:
    if len(said[0][1].tokens) > 1 and said[0][1].tokens[0].text in {"yes", "no"} and said[0][1].tokens[1].text == ",":
        return sum(len(one.tokens) for _, one in said) <= 30
    return len(said[0][1].tokens) <= 6 and sum(len(one.tokens) for _, one in said) <= 40


def quoted(label: str, found: Sequence[Sentence], number: int) -> Reading:
    """A reading that quotes one whole sentence."""
    return Reading(label, start=found[number].start, end=found[number].end)


def _with_times(label: str, found: Sequence[Sentence], claim: Claim, times: tuple[float, float] | None) -> Reading:
    visual_s, audio_s = times if times else (None, None)
    sentence = found[claim.sentence]
    offset_s = _offset(label, found, claim, times)
    return Reading(label, offset_s, visual_s, audio_s, sentence.start, sentence.end)


def _offset(label: str, found: Sequence[Sentence], claim: Claim, times: tuple[float, float] | None) -> float | None:
    said = _said_length(found, claim)
    if times is not None:
        apart = round(times[1] - times[0], 3)
        if label == "synced" or said is None or abs(abs(apart) - said) > 0.06:
            agrees = label in ("synced", "desync") or (apart > 0) == (label == "delayed")
            return apart if agrees else None
    if said == 0 or said is None:
        return said
    return {"delayed": said, "early": -said}.get(label)


def _said_length(found: Sequence[Sentence], claim: Claim) -> float | None:
    """The length of time nearest to the claim, in its own sentence or the next ones."""
    own = [one for one in lengths(found[claim.sentence]) if one.seconds == one.seconds]
    if own:
        return min(own, key=lambda one: abs(one.first - claim.first)).seconds
    for sentence in (*found[claim.sentence + 1 :], *reversed(found[: claim.sentence])):
        there = [] if sentence.asks else [one.seconds for one in lengths(sentence) if one.seconds == one.seconds]
        if there:
            return there[0]
    return None

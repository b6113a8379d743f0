"""The answer to "what do you hear?": sounds described, silence claimed, or only the picture spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, find
from thud.evaluation.reading.hearing import IMAGINED, kinds_denied, mentions
from thud.evaluation.reading.lexicon import NAMES, VISIBLE
from thud.evaluation.reading.replies import replied, reply
from thud.evaluation.reading.scene import picture_only
from thud.evaluation.reading.silence import CUES as SILENCE
from thud.evaluation.reading.silence import EXCEPT
from thud.evaluation.reading.sync import Reading, final_from, quoted, total
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.undecided import torn

_EXCEPT = words.phrase(
    r"except|apart from|aside from|other than|besides|save for|but for|only|until|before|then|just|beyond|but|sets in"
)
_PARTLY = words.phrase(
    r"^(?:sounds?|noises?|audio)? ?(?:of|from|when|as|for|at the moment|on|upon|to go with|accompanying|matching"
    r"|belonging)"
    r" (?!any|all|whatsoever|whole|entire|it|this|the (?:clip|video|whole|entire|recording|footage|audio|track))\w+"
)
_AT_FIRST = words.phrase(
    r"at first|initially|(?:starts?|begins?|started|opens?|starting) (?:off |out )?(?:in |with |as )?(?:complete )?"
    r"(?:silent|silence|quiet|muted|mute)|(?:first|initial|opening) (?:\w+ ){0,3}(?:seconds?|part|moments?|half"
    r"|frames?)"
    r"|until|before (?:a|the|i|you|we|it)|for a (?:moment|while|second|beat)|took (?:this|it) for|(?:thought"
    r"|assumed) (?:\S+ ){0,5}(?:silent|muted|mute|silence)"
    r"|followed by|interrupted|broken|afterwards?|between|(?:ends?|fades?|stops?|goes|falls?) (?:in|into|to|silent"
    r"|quiet)"
    r"|most of the (?:time|clip|video)|mostly|largely|then (?:silence|quiet)|moments? of|pause|stretch(?:es)? of"
    r"|briefly|second of"
)
_DODGE = words.phrase(
    r"would|expect|expected|imagine|presumably|probably|likely|must have|must be|might include|typical|typically"
    r"|usually"
    r"|suggests?|implies|should (?:sound|make|be)|assume|assumed|infer|inferred|may be|might be|could be|looks? as"
    r"|seems?"
    r"|appears? to|gather|judging|guess|suppose|normally|generally|as if|as though"
)
_YES = words.phrase(r"yes|yeah|yep|there is|there are|definitely|certainly|it does|it has")
_NO = words.phrase(
    r"no|nope|none|nothing|not at all|there is not|there is none|silence|silent|muted|it does not"
    r"|no sound|no audio|silent clip"
)
_SILENT_WORDS = words.bag("silent muted mute soundless silence quiet")
_FLIPPED = {"audio": "muted", "muted": "audio"}
_KNOWN = NAMES | words.HEARD_NAMES | {"strings", "choir"}


def read_existence(found: Sequence[Sentence], asked: Sequence[Sentence] = ()) -> Reading:
    """audio_described, muted, visual_only or unparsed."""
    said = [(i, one) for i, one in enumerate(found) if not one.asks]
    claims = [claim for i, one in said for claim in _claims(one, i)]
    claims += replied(found, asked, _asked_of, _FLIPPED)
    final = final_from(said)
    if final is not None:
        claims = [claim for claim in claims if (claim.sentence, claim.first) >= final] or claims
    sounds = [claim for claim in claims if claim.label == "audio"]
    muted = [claim for claim in claims if claim.label == "muted"]
    loud, quiet = total(sounds), total(muted)
    if loud < 0.9 and quiet < 0.9 and (empty := _nothing_of_all(said)) is not None:
        return quoted("muted", found, empty)
    if max(loud, quiet) < 0.9:
        return _without_claim(found, said)
    if torn(said, bool(loud and quiet)):
        return Reading("unparsed")
    if quiet == 0 or (loud >= 0.9 and _told_apart(found, sounds, muted)):
        return quoted("audio_described", found, max(sounds, key=lambda claim: claim.weight).sentence)
    if loud < 0.9 or quiet >= 1.3 * loud or _all_silent(found, said, sounds, muted):
        return quoted("muted", found, max(muted, key=lambda claim: claim.weight).sentence)
    if loud >= 1.5 * quiet:
        return quoted("audio_described", found, max(sounds, key=lambda claim: claim.weight).sentence)
    return Reading("unparsed")


_ALL = words.phrase(
    r"(?:completely|totally|entirely|fully|absolutely|utterly|perfectly|dead|carries|contains|has) (?:silent|mute"
    r"|muted|no)(?: \w+)?"
    r"|(?:audio|clip|video|soundtrack|track|recording|it) (?:is|stays|remains|was|has been)(?: \w+)? (?:silent|mute"
    r"|muted|empty)"
    r"|at all|whatsoever|throughout|from (?:\S+ ){1,5}to|for the duration|nothing at all|silence"
)


def _all_silent(
    found: Sequence[Sentence], said: Sequence[tuple[int, Sentence]], sounds: Sequence[Claim], muted: Sequence[Claim]
) -> bool:
    """Whether the response ends by calling the whole clip silent: sounds named before were then only looked for."""
    last = said[-1][0]
    ends = [claim for claim in muted if claim.sentence == last and claim.weight >= 1.8]
    if not ends or not _ALL.search(found[last].line):
        return False
    return not any(claim.sentence == last and claim.first > ends[-1].first for claim in sounds)


def heard(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether anything is said to have been heard."""
    return total([claim for i, one in said for claim in _claims(one, i) if claim.label == "audio"]) >= 0.9


def _asked_of(question: Sentence, number: int) -> list[Claim]:
    """What a question asks after: sound or silence, be the sound named or not."""
    texts = {token.text for token in question.tokens}
    if texts & _SILENT_WORDS:
        return [Claim("muted", 1.5, number, 0, 0)]
    open_question = texts & {"what", "which", "describe", "how", "why"}
    if open_question or not texts & (NAMES | {"hear", "heard", "audible"}):
        return []
    return [Claim("audio", 1.5, number, 0, 0)]


def _claims(one: Sentence, number: int) -> list[Claim]:
    about_sound = [replace(claim, weight=min(claim.weight, 2.2)) for claim in find(one, number, SILENCE)]
    quiet = [_bounded(one, claim) for claim in about_sound if claim.label == "muted"]
    quiet = [claim for claim in quiet if claim.weight]
    if EXCEPT.search(one.line) and _KNOWN & {token.text for token in one.tokens}:
        quiet = [replace(claim, label="audio") for claim in quiet]
    quiet += [replace(claim, weight=1.0) for claim in about_sound if claim.label == "audio"]
    covered = {i for claim in quiet for i in range(claim.first, claim.last + 1)}
    told = [m for m in mentions(one) if not covered & set(range(m.first, m.last + 1))]
    sounds = [Claim("audio", m.weight, number, m.first, m.last) for m in told if not m.denied]
    return [*quiet, *sounds]


def _bounded(one: Sentence, claim: Claim) -> Claim:
    """The claim of silence, worth less where it is only of a time or of one sound."""
    last_word = one.tokens[claim.last].text
    after = one.line[one.places[claim.last] + len(last_word) + 1 :]
    if _AT_FIRST.search(one.line):
        return replace(claim, weight=0.0 if claim.weight < 2.4 else 0.5)
    return replace(claim, weight=min(claim.weight, 0.9)) if _PARTLY.search(after) else claim


_ELSE = words.phrase(r"but|only|just|instead|other than|except|merely|simply|apart")


def _nothing_of_all(said: Sequence[tuple[int, Sentence]]) -> int | None:
    """The sentence that denies one kind of sound after another, where together that leaves none."""
    counts = [(kinds_denied(one), i) for i, one in said if not _ELSE.search(one.line)]
    if sum(count for count, _ in counts) < 2:
        return None
    return max(counts, key=lambda pair: pair[0])[1]


def _told_apart(found: Sequence[Sentence], sounds: Sequence[Claim], muted: Sequence[Claim]) -> bool:
    """Whether the silence is only that of a part: "no sound except …", "silent until …", sound after silence."""
    for quiet in muted:
        for loud in sounds:
            if loud.sentence != quiet.sentence:
                continue
            line, places = found[quiet.sentence].line, found[quiet.sentence].places
            a, b = sorted((quiet.last, loud.first))
            if quiet.last < loud.first and _EXCEPT.search(line[places[a] : places[b]] + " "):
                return True
    return False


def _without_claim(found: Sequence[Sentence], said: Sequence[tuple[int, Sentence]]) -> Reading:
    if not said:
        return Reading("unparsed")
    number, first = said[0]
    length = sum(len(one.tokens) for _, one in said)
    if length <= 8 and (_NO.fullmatch(first.line) or reply(first) is False):
        return quoted("muted", found, number)
    if length <= 8 and _YES.fullmatch(first.line):
        return quoted("audio_described", found, number)
    if _fragments(said):
        return quoted("audio_described", found, number)
    rest = next((i for i, one in said if kinds_denied(one) and _ELSE.search(one.line)), None)
    if rest is not None:
        return quoted("audio_described", found, rest)
    if picture_only(said) or dodges(said):
        return quoted("visual_only", found, number)
    return Reading("unparsed")


def _fragments(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether these are mere names of sounds: few words, a sound among them, and no sentence about anything."""
    texts = [token.text for _, one in said for token in one.tokens]
    told = bool(set(texts) & (_KNOWN - words.AUDIO - VISIBLE)) or (
        len(texts) <= 6 and bool(set(texts) & (_KNOWN - words.AUDIO))
    )
    told = (
        told
        and texts[0] not in words.ASKED
        and not set(texts) & {"is", "are", "was", "not", "no", "would", "can", "i", "does", "which", "that"}
    )
    imagined = any(IMAGINED.search(one.line) for _, one in said) or bool(set(texts) & words.PICTURE)
    return told and not imagined and len(texts) <= 20


def dodges(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether the words only say what such a scene is likely to sound like."""
    texts = {token.text for _, one in said for token in one.tokens}
    told = texts & (words.SCENE | _KNOWN | {"sounds", "noise"})
    return (
        any(_DODGE.search(one.line) and one.tokens[0].text not in {"if", "had", "were"} for _, one in said)
        and len(told) >= 1
        and len(texts) >= 5
        and not texts & {"happy", "unsure"}
    )

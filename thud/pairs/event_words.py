"""How the event of a clip is called in a sentence: from what people or models wrote of it, else from a phrase book."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from thud.pairs.families import shipped
from thud.pairs.material import EventWords
from thud.records import Clip, Mark

UNKNOWN = EventWords("the main event happens", "its sound")
MOST_WORDS, MOST_LETTERS = 14, 90
_RANK = {"gemini": 1, "gpt": 2, "claude": 3}
_ODD = re.compile(
    r"[^A-Za-z ,'’-]|--|\bn/?a\b|\b(?:none|unknown|uncertain|unclear|null|seconds?|frames?)\b", re.IGNORECASE
)
_TELLS = re.compile(
    r"\b(?:sync\w*|early|earlier|late|later|before|after|delay\w*|silen\w+|mute\w*|match\w*|mismatch\w*|not|no"
    r"|without|ahead|behind|lag\w*|lead\w*|aligned|offset|off)\b",
    re.IGNORECASE,
)
_SOUNDS = re.compile(
    r"\b(?:hear\w*|sounds?|noise\w*|loud\w*|audi\w+|bark\w*|meow\w*|roar\w*|crow(?:s|ing)|scream\w*|shout\w*|yell\w*"
    r"|cough\w*|sneez\w*|laugh\w*|talk\w*|speak\w*|sing\w*|bangs?|slams?|thuds?|booms?|drop falls)\b",
    re.IGNORECASE,
)
"""What is seen is not told in words of hearing: "the dog barks" would say that a muted clip has a sound."""
_CIRCUMSTANCE = re.compile(r",? (?:as|when|while|followed by|and then|caused by|coming from)\b", re.IGNORECASE)
_DETERMINED = re.compile(
    r"(?:the|a|an|his|her|their|its|some|somebody|someone|two|three|both|one|people|i|he|she|they|it)\b", re.IGNORECASE
)


def event_words(clip: Clip, marks: Iterable[Mark] = ()) -> EventWords:
    """How to name the clip's event: from its trusted marks, else by sound class, else by title, else in general words.

    marks: of any clips; those of others, made-up ones and ones that place nothing are passed over.
    """
    known, trusted = _by_phrase_book(clip), sorted((one for one in marks if _trusted(one, clip)), key=_order)
    told = [
        (as_clause(str(one.detail.get("visual_event") or "")), as_noun(str(one.detail.get("audio_event") or "")))
        for one in trusted
    ]
    for seen, heard in sorted(told, key=lambda one: not (one[0] and one[1])):
        if seen:
            return EventWords(seen, heard or known.heard)
    return known


def as_clause(text: str) -> str:
    """The text as a clause that can follow "when": "the ball hits the floor"; "" where it reads badly."""
    told = _plain(text)
    return _determined(told) if told and _has_verb(told) and not _SOUNDS.search(told) else ""


def as_noun(text: str) -> str:
    """The text as what can be heard: "the thud of the ball"; "" where it reads badly."""
    told = _plain(_CIRCUMSTANCE.split(text, maxsplit=1)[0])
    if not told or len(told.split()) < 2 or _has_verb(told):
        return ""
    return _determined(told)


def _trusted(mark: Mark, clip: Clip) -> bool:
    return mark.clip_id == clip.id and mark.verdict == "placed" and not mark.detail.get("simulated")


def _order(mark: Mark) -> tuple[bool, int, str, int]:
    return not mark.person, _RANK.get(mark.annotator, 4), mark.annotator, -mark.seq


def _plain(text: str) -> str:
    """The text in one line without its final stop; "" where it holds what would be read as part of the answer."""
    told = " ".join(text.split()).rstrip(".! ").strip()
    if not told or len(told) > MOST_LETTERS or len(told.split()) > MOST_WORDS:
        return ""
    return "" if _ODD.search(told) or _TELLS.search(told) else told


def _determined(text: str) -> str:
    lowered = text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] in ("", " ") else text
    return lowered if _DETERMINED.match(lowered) else f"the {lowered}"


def _has_verb(text: str) -> bool:
    words = [word.strip(",").lower() for word in text.split()]
    return any(word in _verbs() for word in words[1:])


@cache
def _verbs() -> frozenset[str]:
    return frozenset(shipped("phrase_book")["verbs"])


@cache
def _book() -> Mapping[str, EventWords]:
    return {kind: EventWords(**row) for kind, row in shipped("phrase_book")["kinds"].items()}


def _by_phrase_book(clip: Clip) -> EventWords:
    found = _entry(clip.kind) or _entry(clip.title)
    seen = as_clause(clip.title) if clip.title[:1].isupper() else ""
    if found is None:
        return EventWords(seen, UNKNOWN.heard) if seen else UNKNOWN
    return EventWords(seen or found.seen, found.heard)


def _entry(text: str) -> EventWords | None:
    """The entry for the text as a whole, else for the first of its words that has one."""
    lowered = text.lower().strip()
    names = [lowered, *re.findall(r"[a-z]+", lowered)]
    return next((_book()[name] for name in names if name in _book()), None)

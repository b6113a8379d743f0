"""Reads an answer that was asked for as a letter, a word or a JSON object, and abstains from everything else.

Stands alone: the standard library is all it needs. What is not exactly an answer is "unparsed", never a class; free
text is not read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNPARSED = "unparsed"
REFUSED = "refused"
LONGEST = 100_000
"""Characters; an answer takes a few hundred, and what is longer is not looked through."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "sync": {
        **dict.fromkeys(("synced", "sync", "in sync", "synchronized", "synchronised", "synchronous"), "synced"),
        **dict.fromkeys(("delayed", "delay", "late", "audio late", "audio delayed", "sound late"), "delayed"),
        **dict.fromkeys(("early", "audio early", "sound early"), "early"),
        **dict.fromkeys(("desync", "desynced", "out of sync", "not synced", "unsynchronized"), "desync"),
    },
    "existence": {
        **dict.fromkeys(("audio described", "sound", "audible", "has sound", "not muted"), "audio_described"),
        **dict.fromkeys(("muted", "silent", "silence", "no sound", "no audio"), "muted"),
        "visual only": "visual_only",
    },
    "consistency": {
        **dict.fromkeys(("match", "matched", "matches", "consistent"), "match"),
        **dict.fromkeys(("mismatched", "mismatch", "no match", "inconsistent", "swapped"), "mismatched"),
    },
    "choice": {},
}
FLAGS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "sync": {"synced": ("synced", "desync")},
    "existence": {"audio_present": ("audio_described", "muted"), "muted": ("muted", "audio_described")},
    "consistency": {"match": ("match", "mismatched")},
}
"""What true and false mean in the fields of a JSON answer, by task."""

FIELDS = ("label", "answer", "prediction", "verdict", "choice", "letter")
PREFIX = re.compile(r"(?i)^(?:the )?(?:(?:correct|right|best|final) )?(?:answer|option|label)(?: is)?\s*:?\s*")
LETTER = re.compile(r"\(?(?P<letter>[A-Z])(?:\)[.:]?|[.:](?=\s|$)|(?=[ \t]*(?:\n|$)))\s*(?P<rest>.*)", re.DOTALL)
SMALL_LETTER = re.compile(r"\(?(?P<letter>[a-z])[).:]?(?P<rest>)")
REFUSALS = re.compile(r"(i'm |i am )?(sorry|i can('|no)?t|unable to|i won't|i will not)\b")


def read_answer(text: str, task: str, options: Sequence[Mapping[str, str]] = ()) -> str:
    """The label that a response gives, or "unparsed" or "refused". options: {"letter", "label"} as they were shown."""
    said = _said(text)
    found = set(_labels(said, task, {option["letter"]: option["label"] for option in options}))
    if len(found) == 1:
        return found.pop()
    return REFUSED if not found and REFUSALS.match(said.lower().replace("\u2019", "'")) else UNPARSED


def _labels(said: str, task: str, letters: Mapping[str, str]) -> Iterable[str]:
    """Every label that the text gives; two that differ are no answer."""
    objects = _objects(said)
    if objects:
        return [_from_object(each, task, letters) for each in objects]
    label = _from_words(said, task, letters)
    return [label] if label else []


def _said(text: str) -> str:
    """The text after a model's thinking, without marks of emphasis. Thinking that never ends leaves nothing."""
    text = re.sub(r"<think(?:ing)?>.*?</think(?:ing)?>", "", text[:LONGEST], flags=re.DOTALL)
    text = text.split("</think>")[-1]
    return "" if "<think" in text else re.sub(r"[*`]|^#+ ", "", text).strip()


def _objects(said: str) -> list[dict[str, Any]]:
    decoder, found, at, tries = json.JSONDecoder(), [], said.find("{"), 0
    while at >= 0 and tries < 100:
        tries += 1
        try:
            value, end = decoder.raw_decode(said, at)
            found += [value] if isinstance(value, dict) else []
        except (ValueError, RecursionError):
            end = at + 1
        at = said.find("{", end)
    return found


def _from_object(answer: Mapping[str, Any], task: str, letters: Mapping[str, str]) -> str:
    """The label of a JSON answer: what its fields say, when all that say something agree."""
    values = [answer[field] for field in FIELDS if isinstance(answer.get(field), str)]
    found = {_from_words(value, task, letters) or UNPARSED for value in values}
    for field, (yes, no) in FLAGS.get(task, {}).items():
        if isinstance(answer.get(field), bool):
            found.add(yes if answer[field] else no)
    if task == "existence" and answer.get("sounds"):
        found.add("audio_described")
    turn = str(answer.get("direction") or "none").strip().lower()
    if task == "sync" and turn not in ("none", "null", "n/a"):
        found.add(WORDS["sync"].get(turn, UNPARSED))
        if len(found) == 2 and "desync" in found:
            found.discard("desync")
    return found.pop() if len(found) == 1 else UNPARSED


def _from_words(said: str, task: str, letters: Mapping[str, str]) -> str:
    """The label of a short answer: one letter, or one word of the task, alone or after "Answer:"; "" otherwise."""
    line = PREFIX.sub("", said)
    match = LETTER.match(line) or SMALL_LETTER.fullmatch(line)
    if match and match["letter"].upper() in letters:
        return _lettered(match["letter"].upper(), match["rest"], task, letters)
    return _word(line, task)


def _lettered(letter: str, rest: str, task: str, letters: Mapping[str, str]) -> str:
    """The letter's label, unless what follows names another letter or another label."""
    others = {each for each in re.findall(r"(?:^|\s)\(?([A-Z])[).:](?=\s|$)", rest) if each in letters} - {letter}
    word = _word(rest, task)
    return "" if others or (word and word != letters[letter]) else letters[letter]


def _word(text: str, task: str) -> str:
    words = re.sub(r"[^a-z ]+", " ", text.lower().replace("_", " "))
    return WORDS.get(task, {}).get(" ".join(words.split()), "")

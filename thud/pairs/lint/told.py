"""What the words of an answer claim: its label, the times it names and the gap it states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from thud.evaluation.answers import read_answer
from thud.evaluation.reading.letters import choose
from thud.pairs.pair import Pair

READ = frozenset({"sync", "existence", "consistency"})
"""Tasks whose answers are read as listeners' answers are."""

_LENGTH = re.compile(
    r"(\d+(?:\.\d+)?)[ -]?(?:s|sec|secs|seconds?)[ -]"
    r"(?:\w+ )?(?:offset|gap|difference|delay|lag|separation|discrepancy|apart|mismatch|shift|lead)\b"
    r"|\b(?:offset|gap|difference|delay|lag|separation|discrepancy|mismatch|shift|lead)"
    r"(?: is| of| was| amounts to| comes to)*(?: about| around| roughly| approximately| only| just| nearly| some)*"
    r" (\d+(?:\.\d+)?) ?(?:s|sec|secs|seconds?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one answer says. gap_s: how far sight and sound are said to be apart, by its two times or in so many words.

    stated_s: the gap in so many words alone. Each is None where it is not told.
    """

    label: str
    visual_s: float | None = None
    audio_s: float | None = None
    gap_s: float | None = None
    stated_s: float | None = None

    @property
    def later_s(self) -> float | None:
        """How much later than the sight the sound is by the two times told; below 0 = earlier."""
        return None if self.visual_s is None or self.audio_s is None else self.audio_s - self.visual_s


@lru_cache(maxsize=16_384)
def told(task: str, text: str, question: str) -> Told:
    """What `text` claims in answer to `question`; its label is "unparsed" where it cannot be read."""
    answer = read_answer(task, text, question=question)
    stated_s = _stated(text)
    later_s = None
    if answer.visual_s is not None and answer.audio_s is not None:
        later_s = abs(answer.audio_s - answer.visual_s)
    offset_s = None if answer.offset_s is None else abs(answer.offset_s)
    gap_s = next((one for one in (later_s, offset_s, stated_s) if one is not None), None)
    return Told(answer.label, answer.visual_s, answer.audio_s, gap_s, stated_s)


def _stated(text: str) -> float | None:
    found = {float(one[1] or one[2]) for one in _LENGTH.finditer(text)}
    return found.pop() if len(found) == 1 else None


def letter_told(text: str, pair: Pair) -> str:
    """The letter of the option that an answer decides for; "" where it names none, "?" where words and letter differ.

    The whole wording of one option beside the letter of another is no decision.
    """
    named = [letter for letter, _ in pair.options if _announced(text, letter)]
    if len(named) == 1:
        own = _wording(text, named[0], pair)
        return named[0] if own in ("", named[0]) else "?"
    chosen = choose(text, pair.options)
    return chosen.letter if chosen else ""


def _announced(text: str, letter: str) -> bool:
    return f"answer is {letter}." in text or f"answer is {letter}:" in text or f"answer is {letter})" in text


def _wording(text: str, letter: str, pair: Pair) -> str:
    """The letter of the option whose words stand right behind the letter; "" where none's do."""
    at = text.rfind(f"answer is {letter}")
    rest = text[at + len("answer is ") + 1 :].lstrip(".:) ")
    hits = [(len(words), one) for one, words in pair.options if words and rest.startswith(words)]
    if not hits:
        return ""
    longest = max(hits)[0]
    best = [one for length, one in hits if length == longest]
    return letter if letter in best else best[0]

"""Answers in words: times as a person says them, and phrasings filled in. Knows no builder; draws nothing twice.

Nothing here reads answers back: that every phrasing is read as its label is tested once for all, not pair by pair.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from thud.pairs.event_words import event_words
from thud.pairs.families import Question, family
from thud.pairs.material import EventWords, Material
from thud.pairs.said import capital
from thud.records import Clip

IN_SYNC_S = 0.15
"""Picture and sound closer together than this are told as in sync."""
LEAST_GAP_S = 0.25
"""What is told as early or late is at least this far apart."""
_UNITS = (" s", " s", " seconds")


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer tells. visual_s, audio_s: as claimed, None = not told. sound: what is heard, if not its own."""

    words: EventWords
    visual_s: float | None = None
    audio_s: float | None = None
    sound: str = ""

    @property
    def gap_s(self) -> float | None:
        """+ when the sound is late; None where a time is missing."""
        return None if self.visual_s is None or self.audio_s is None else self.audio_s - self.visual_s


def words_of(material: Material, clip: Clip) -> EventWords:
    """How the clip's event is named."""
    return material.words.get(clip.id) or event_words(clip)


def label_of(gap_s: float) -> str:
    """What a gap is called: synced, early or delayed; "" between the two thresholds, where nobody could say."""
    if abs(gap_s) < IN_SYNC_S:
        return "synced"
    return "" if abs(gap_s) < LEAST_GAP_S else "delayed" if gap_s > 0 else "early"


def told_times(visual_s: float, audio_s: float) -> tuple[str, str, str]:
    """(visual, audio, gap) as decimals, the gap being what lies between the other two as told.

    Tenths of a second, as a person would say, each moment told up or down so that the gap comes nearest to the true
    one; hundredths where tenths would pull one moment apart.
    """
    gap_s, places = audio_s - visual_s, 1
    told = [(v, a) for v in _tenths(visual_s) for a in _tenths(audio_s)]
    visual, audio = min(told, key=lambda one: (round(abs(one[1] - one[0] - gap_s), 3), abs(one[0] - visual_s)))
    if abs(gap_s) < IN_SYNC_S and abs(audio - visual) > 0.11:
        visual, audio, places = round(visual_s, 2), round(audio_s, 2), 2
    return f"{visual:.{places}f}", f"{audio:.{places}f}", f"{abs(audio - visual):.{places}f}"


def _tenths(seconds: float) -> list[float]:
    """The tenths of a second that are no more than 0.055 s away: one, rarely two."""
    down = math.floor(seconds * 10)
    return [tenths / 10 for tenths in (down, down + 1) if abs(tenths / 10 - seconds) <= 0.055]


def answer(task: str, label: str, facts: Facts, register: str, number: int, unit: str = " s") -> str:
    """The answer `label` about the facts, in one phrasing of a register of the task's family."""
    wording = family(task).wording(register, number, label)
    seen, heard = facts.words.seen, facts.words.heard
    places = {"seen": seen, "heard": heard, "sound": facts.sound or heard}
    places |= {"Seen": capital(seen), "Heard": capital(heard)}
    if facts.visual_s is not None and facts.audio_s is not None:
        visual, audio, gap = told_times(facts.visual_s, facts.audio_s)
        if register == "short":
            gap = f"{abs(facts.audio_s - facts.visual_s):.1f}"
        places |= {"v": visual + unit, "a": audio + unit, "gap": gap + unit}
    return wording.format_map(places)


def draw_unit(draw: random.Random) -> str:
    """How seconds are written in a pair."""
    return _UNITS[int(draw.random() * len(_UNITS))]


def yes_or_no(question: Question, label: str) -> str:
    """ "Yes. " or "No. " as fits the label, "" where the question asks for neither."""
    if not question.yes:
        return ""
    said = "desync" if question.yes == "desync" and label in ("early", "delayed") else label
    return "Yes. " if said == question.yes else "No. "


@dataclass(frozen=True, slots=True)
class Phrased:
    """A question, a phrasing and a way of writing times, drawn for one pair; both answers are told in it.

    said: whether an answer to a yes-or-no question begins with the yes or no.
    """

    task: str
    question: Question
    register: str
    number: int
    unit: str
    said: bool

    @property
    def template(self) -> str:
        said = "/yes-no" if self.said else ""
        return f"{self.task}/q{self.question.number}/{self.register}{self.number}{said}"

    def tell(self, label: str, facts: Facts) -> str:
        """The answer `label` in the words drawn."""
        start = yes_or_no(self.question, label) if self.said else ""
        return start + answer(self.task, label, facts, self.register, self.number, self.unit)


def drawn(task: str, draw: random.Random, registers: Sequence[str] = ("plain",), timed: bool = False) -> Phrased:
    """What `draw` chooses. timed: ask for the times; a question that asks for them is always answered with them."""
    its = family(task)
    question = its.ask(draw)
    while timed and not question.timed:
        question = its.ask(draw)
    register = "timed" if question.timed else registers[int(draw.random() * len(registers))]
    said = bool(question.yes) and draw.random() < 0.5
    return Phrased(task, question, register, its.phrase(register, draw), draw_unit(draw), said)

"""Whom a clip waits for, and why, in words. Pure: marks, times and settings in, decisions out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from thud.errors import BadRequest
from thud.events.agreement import Placement, Ruling, rule
from thud.events.order import DRAWN
from thud.events.settings import Settings
from thud.records import EventTimes, Mark

Need = Literal["first", "second", "adjudicate"]
GOLD = ("construction", "gold")
"""Methods whose times are known before anybody marks."""
DECIDED = (*GOLD, "adjudicated")
"""Methods whose times teach how far annotators are off."""
PEOPLE_VERDICTS = ("placed", "no_sound", "discarded")
LONGEST_REASON = 500
EDGE_S = 1e-9
"""Float noise: exactly the limit passes."""
LONGEST_S = 1e6
LAST_FRAME_S = 0.05
"""A mark may lie this much after the end: sound often ends a little later than the picture."""
NOBODY = "Nobody has placed this event yet"


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one clip's event. times: by the most trusted method. valid: whether its edits are verified.

    retained: the agreement rule kept it and nobody has to look. marks: one per annotator, people's and models'.
    """

    clip_id: str
    duration_s: float
    marks: tuple[Mark, ...] = ()
    times: EventTimes | None = None
    valid: bool | None = None
    retained: bool = False

    @property
    def people(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if mark.person)

    @property
    def models(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if not mark.person)

    @property
    def method(self) -> str:
        return self.times.method if self.times else ""

    def mark_of(self, annotator: str) -> Mark | None:
        """This annotator's mark, if there is one."""
        return next((mark for mark in self.marks if mark.annotator == annotator), None)

    def with_mark(self, mark: Mark) -> Case:
        """The case with this mark in place of the annotator's former one, last in order."""
        return replace(self, marks=(*self.without(mark.annotator).marks, mark))

    def without(self, annotator: str) -> Case:
        """The case without this annotator's mark."""
        return replace(self, marks=tuple(mark for mark in self.marks if mark.annotator != annotator))


def share(what: str, seed: int, key: str) -> float:
    """A number in [0, 1) that looks random and is always the same for the same arguments."""
    digest = hashlib.sha256(f"{what}\0{seed}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def need(case: Case, settings: Settings, *, hidden: bool = False, drawn: bool = False) -> Need | None:
    """Whom the clip waits for; None when nobody.

    hidden: it is there to check people, and waits for nobody itself. drawn: a person looks whatever the rule says.
    """
    if hidden or case.method == "adjudicated":
        return None
    people = case.people
    if not people:
        return None if case.retained and not drawn else "first"
    if len(people) == 1:
        doubled = share("double", settings.seed, case.clip_id) < settings.double_share
        return "second" if doubled else None
    return "adjudicate" if disagreements(people, settings.people_eps_s) else None


def disagreements(people: Sequence[Mark], eps_s: float) -> tuple[str, ...]:
    """One sentence for each way in which people differ; empty when they agree."""
    words: dict[str, None] = {}
    for one, other in combinations(people, 2):
        names = f"{one.annotator} and {other.annotator}"
        if one.verdict != other.verdict:
            words[f"{names} differ: “{VERDICT_WORDS[one.verdict]}” and “{VERDICT_WORDS[other.verdict]}”"] = None
            continue
        if one.verdict == "discarded":
            continue
        for what, first, second in (
            ("picture", one.visual_s, other.visual_s),
            ("sound", one.audio_s, other.audio_s),
        ):
            if (first is None) != (second is None):
                words[f"Only one of {names} placed the {what}"] = None
            elif first is not None and second is not None and abs(first - second) > eps_s + EDGE_S:
                apart = f"{abs(first - second):.3f} s apart"
                words[f"{what.capitalize()} marks of {names} are {apart}; the limit is {eps_s:.3f} s"] = None
    return tuple(words)


VERDICT_WORDS = {"placed": "placed", "no_sound": "no sound event", "discarded": "discard", "uncertain": "uncertain"}


def placements(marks: Iterable[Mark]) -> list[Placement]:
    """Marks as the agreement rule reads them."""
    return [
        Placement(
            mark.annotator,
            mark.visual_s,
            mark.audio_s,
            unit=_unit(mark),
            verdict=mark.verdict,
            confidence=str(mark.detail.get("confidence") or ""),
        )
        for mark in marks
    ]


def _unit(mark: Mark) -> tuple[float, float] | None:
    """The frame unit, if the detail holds one that can be: imported marks may say anything there."""
    unit = mark.detail.get("unit")
    if not isinstance(unit, list | tuple) or len(unit) != 2 or not all(isinstance(end, int | float) for end in unit):
        return None
    start, end = unit
    return (float(start), float(end)) if 0 <= start <= end < LONGEST_S else None


def judge(case: Case, settings: Settings, *, people: bool = True) -> Ruling:
    """What the agreement rule says. people: with people's marks; without them it can be shown to those who mark."""
    persons = case.people if people else ()
    placed = any(mark.verdict == "placed" for mark in persons)
    spoilt = any(mark.verdict in ("discarded", "no_sound") for mark in persons)
    heard = False if spoilt else True if placed else None
    return rule(
        placements([*case.models, *persons]),
        people={mark.annotator for mark in persons},
        eps_visual_s=settings.eps_visual_s,
        eps_audio_s=settings.eps_audio_s,
        clear=heard,
        salient=heard,
        valid=case.valid,
    )


def reasons(case: Case, waits_for: Need | None, ruling: Ruling, settings: Settings) -> tuple[str, ...]:
    """Why the clip is in the queue, one sentence each. Nothing in them tells what another person marked."""
    if waits_for == "adjudicate":
        return disagreements(case.people, settings.people_eps_s)
    if not case.models:
        return (NOBODY,)
    told = [check for check in ruling.checks if check.words in ruling.needs]
    heard_or_seen = tuple(check.words for check in told if check.name in ("visual", "audio"))
    return heard_or_seen or ruling.needs or (DRAWN,)


def check_mark(mark: Mark, duration_s: float) -> None:
    """BadRequest, with what to do, for a person's mark that cannot be."""
    if mark.verdict not in PEOPLE_VERDICTS:
        raise BadRequest(f"A verdict is one of {', '.join(PEOPLE_VERDICTS)}.")
    check_times(mark.visual_s, mark.audio_s, duration_s)
    if mark.verdict == "discarded":
        if not mark.reason.strip():
            raise BadRequest("Say why this clip is discarded.")
    elif mark.visual_s is None:
        raise BadRequest("The picture time is not set. Set it, or discard the clip with a reason.")
    elif mark.verdict == "placed" and mark.audio_s is None:
        raise BadRequest("The sound time is not set. Set it, or say that there is no sound event.")
    elif mark.verdict == "no_sound" and mark.audio_s is not None:
        raise BadRequest("A clip without a sound event has no sound time. Take the sound time away, or place it.")
    if len(mark.reason) > LONGEST_REASON:
        raise BadRequest(f"The reason is too long. Use {LONGEST_REASON} characters or fewer.")


def check_times(visual_s: float | None, audio_s: float | None, duration_s: float) -> None:
    """BadRequest for a time that is no finite number inside the clip."""
    for what, value in (("picture", visual_s), ("sound", audio_s)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadRequest(f"The {what} time is not a number of seconds.")
        if not 0 <= value <= duration_s + LAST_FRAME_S:
            raise BadRequest(f"The {what} time {value:.3f} s is outside the clip, which lasts {duration_s:.3f} s.")

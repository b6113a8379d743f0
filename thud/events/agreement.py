"""The paper's retention rule (§2.2, Appendices A and B): which clips are kept, and what a person must still decide.

Picture event: Gemini, GPT and Claude lie within ε_v = 0.8 s of one another, or the frame units they chose overlap.
Sound event: Gemini and the people lie within ε_a = 0.5 s of one another.
Five checks, all of which must pass; what nobody has judged yet is None, and never counts as passed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from statistics import median
from typing import Literal

from thud.errors import BadRequest

EPS_VISUAL_S, EPS_AUDIO_S = 0.8, 0.5
VISUAL_MODELS = ("gemini", "gpt", "claude")
AUDIO_MODEL = "gemini"
_TITLES = {"gemini": "Gemini", "gpt": "GPT", "claude": "Claude"}
_FLOAT_NOISE_S = 1e-9
"""3.1 - 2.3 is 0.8000000000000003 in floats; a difference of exactly ε passes."""

PlacementVerdict = Literal["placed", "uncertain", "no_sound", "discarded"]
CheckName = Literal["visual", "audio", "clarity", "salience", "validity"]


@dataclass(frozen=True, slots=True)
class Placement:
    """What one annotator says of one clip. unit: (start, end) in seconds of the frame unit chosen, where one was.

    verdict: "no_sound" = the event makes no sound (its picture time may be given); the times of "uncertain" and
    "discarded" are not used.
    """

    annotator: str
    visual_s: float | None
    audio_s: float | None
    unit: tuple[float, float] | None = None
    verdict: PlacementVerdict = "placed"
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One of the five retention reasons. passed: None = not known yet. words: why, for a person."""

    name: CheckName
    passed: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether the clip is kept, by five checks. Times are None where there is no agreement to represent.

    visual_s: the person's mark, else the median of models that agree. audio_s: the person's mark, else Gemini's.
    needs: why a person must look, one sentence each; empty when the clip is retained, or turned down for good.
    """

    retained: bool
    checks: tuple[Check, ...]
    visual_s: float | None
    audio_s: float | None
    needs: tuple[str, ...]


def rule(
    placements: Sequence[Placement],
    *,
    people: Collection[str],
    eps_visual_s: float = EPS_VISUAL_S,
    eps_audio_s: float = EPS_AUDIO_S,
    clear: bool | None = None,
    salient: bool | None = None,
    valid: bool | None = None,
) -> Ruling:
    """The paper's ruling on one clip. people: which annotators are persons; other names than the three are not asked.

    Raises BadRequest for a time that is not a number, or two placements by one annotator.
    """
    _check_placements(placements)
    persons = [one for one in placements if one.annotator in people]
    models = {one.annotator: one for one in placements if one.annotator not in people}
    visual, visual_s = _visual(models, persons, eps_visual_s)
    audio, audio_s = _audio(models.get(AUDIO_MODEL), persons, eps_audio_s)
    checks = (visual, audio, *_judged(persons, clear, salient, valid))
    retained = all(check.passed is True for check in checks)
    needs = () if _turned_down(persons, checks) else tuple(check.words for check in checks if check.passed is not True)
    return Ruling(retained, checks, visual_s, audio_s, needs)


def _visual(models: dict[str, Placement], persons: Sequence[Placement], eps_s: float) -> tuple[Check, float | None]:
    seen = {one.annotator: one.visual_s for one in persons if one.visual_s is not None and _usable(one)}
    if seen:
        far, words = _farthest(seen, eps_s)
        if far:
            return Check("visual", False, f"People disagree on the picture event: {words}."), None
        return Check("visual", True, f"{_list(seen)} placed the picture event."), median(seen.values())
    placed = {name: one for name in VISUAL_MODELS if (one := models.get(name)) and _visual_span(one) and _usable(one)}
    silent = " ".join(_why_silent(name, models.get(name)) for name in VISUAL_MODELS if name not in placed)
    if len(placed) < 2:
        who = f"only {_list(placed)} placed the picture event" if placed else "no model placed the picture event"
        return Check("visual", False, f"A person must look: {who}. {silent}".strip()), None
    times = {name: _visual_time(one) for name, one in placed.items()}
    far, words = _farthest(times, eps_s)
    units = any(one.unit for one in placed.values())
    if far and not (units and all(_overlap(a, b) for a, b in combinations(placed.values(), 2))):
        return Check("visual", False, f"Models disagree on the picture event: {words}. {silent}".strip()), None
    how = "chose overlapping frame units" if far else f"agree on the picture event: {words}"
    return Check("visual", True, f"{_list(placed)} {how}. {silent}".strip()), median(times.values())


def _audio(gemini: Placement | None, persons: Sequence[Placement], eps_s: float) -> tuple[Check, float | None]:
    heard = {one.annotator: one.audio_s for one in persons if one.audio_s is not None and _audible(one)}
    model_s = gemini.audio_s if gemini and _audible(gemini) else None
    deaf = [one.annotator for one in persons if one.verdict == "no_sound"]
    if deaf and heard:
        return Check("audio", False, f"{_list(heard)} placed a sound event, {_list(deaf)} heard none."), None
    if deaf:
        return Check("audio", False, f"{_list(deaf)} heard no sound of this event."), None
    if not heard:
        return Check("audio", None, "No person has placed the sound event yet."), model_s
    compared = heard if model_s is None else {AUDIO_MODEL: model_s} | heard
    if len(compared) < 2:
        why = _why_silent(AUDIO_MODEL, gemini)
        return Check("audio", None, f"A second mark of the sound event is needed. {why}"), median(heard.values())
    far, words = _farthest(compared, eps_s)
    if far:
        return Check("audio", False, f"The marks of the sound event disagree: {words}."), median(heard.values())
    return Check("audio", True, f"The marks of the sound event agree: {words}."), median(heard.values())


def _judged(
    persons: Sequence[Placement], clear: bool | None, salient: bool | None, valid: bool | None
) -> tuple[Check, ...]:
    gone = [one.annotator for one in persons if one.verdict == "discarded"]
    if gone:
        clarity = Check("clarity", False, f"{_list(gone)} discarded this clip.")
    else:
        clarity = _answer("clarity", clear, "The event has a clear onset.", "The event has no clear onset.")
    return (
        clarity,
        _answer("salience", salient, "The sound stands out.", "The sound is masked by music, speech or noise."),
        _answer(
            "validity",
            valid,
            "The edits change the answer beyond doubt.",
            "After the edits the right answer would be in doubt.",
        ),
    )


_OPEN: dict[CheckName, str] = {
    "clarity": "Nobody has said yet whether the event has a clear onset.",
    "salience": "Nobody has said yet whether the sound stands out.",
    "validity": "Nobody has said yet whether the edits leave one right answer.",
}


def _answer(name: CheckName, passed: bool | None, yes: str, no: str) -> Check:
    return Check(name, passed, _OPEN[name] if passed is None else yes if passed else no)


def _turned_down(persons: Sequence[Placement], checks: Sequence[Check]) -> bool:
    """Whether looking again would not help: people discarded it or heard nothing, or a quality check failed."""
    if persons and all(one.verdict in ("discarded", "no_sound") for one in persons):
        return True
    split = any(one.verdict == "discarded" for one in persons)
    return not split and any(check.passed is False for check in checks if check.name not in ("visual", "audio"))


def _usable(one: Placement) -> bool:
    return one.verdict in ("placed", "no_sound")


def _audible(one: Placement) -> bool:
    return one.audio_s is not None and one.verdict == "placed"


def _visual_span(one: Placement) -> tuple[float, float] | None:
    """The frame unit, or the time as a unit of no length."""
    if one.unit:
        return one.unit
    return None if one.visual_s is None else (one.visual_s, one.visual_s)


def _visual_time(one: Placement) -> float:
    """The time placed, or the middle of the unit where only a unit was chosen."""
    if one.visual_s is not None:
        return one.visual_s
    assert one.unit is not None
    return (one.unit[0] + one.unit[1]) / 2


def _overlap(a: Placement, b: Placement) -> bool:
    """Whether two units share more than an edge, or a time lies in the other's unit (its edges count as inside)."""
    one, other = _visual_span(a), _visual_span(b)
    assert one is not None and other is not None
    start, end = max(one[0], other[0]), min(one[1], other[1])
    if one[0] == one[1] or other[0] == other[1]:
        return start <= end + _FLOAT_NOISE_S
    return start < end - _FLOAT_NOISE_S


def _farthest(times: dict[str, float], eps_s: float) -> tuple[bool, str]:
    """(whether the two farthest annotators are more than ε apart, words for how far they are)."""
    early, late = min(times, key=lambda name: times[name]), max(times, key=lambda name: times[name])
    apart_s = times[late] - times[early]
    far = apart_s > eps_s + _FLOAT_NOISE_S
    if len(times) == 1:
        return False, ""
    if early == late:
        early, late = list(times)[:2]
    digits = next(d for d in (2, 3, 6) if d == 6 or (round(apart_s, d) > eps_s) == far)
    return far, f"{_title(early)} and {_title(late)} are {apart_s:.{digits}f} s apart (limit {eps_s:.2f} s)"


def _why_silent(name: str, one: Placement | None) -> str:
    if one is None:
        return f"{_title(name)} has not answered."
    return f"{_title(name)} is uncertain." if one.verdict == "uncertain" else f"{_title(name)} placed no event."


def _title(name: str) -> str:
    return _TITLES.get(name, name)


def _list(names: Collection[str]) -> str:
    """Names in a sentence: "Gemini, GPT and Claude"."""
    *first, last = [_title(name) for name in names]
    return f"{', '.join(first)} and {last}" if first else last


def _check_placements(placements: Sequence[Placement]) -> None:
    names = [one.annotator for one in placements]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"{_title(twice)} has two placements on one clip; pass the newest only.")
    for one in placements:
        times = [time_s for time_s in (one.visual_s, one.audio_s, *(one.unit or ())) if time_s is not None]
        if not all(isfinite(time_s) and time_s >= 0 for time_s in times):
            raise BadRequest(f"{_title(one.annotator)} placed an event at {times}, which is no time in a clip.")
        if one.unit and one.unit[0] > one.unit[1]:
            raise BadRequest(f"{_title(one.annotator)}'s frame unit ends before it starts: {one.unit}.")

"""A clip needs nobody once the consensus is sure of it: known annotators, close together, on picture and sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thud.events.board import arrange
from thud.events.certain import certain
from thud.events.needs import Case, need
from thud.events.settings import Settings
from thud.events.settle import learned
from thud.records import EventTimes, Mark

HABITS = {"gemini": (0.05, 0.02), "gpt": (-0.04, 0.03), "claude": (0.0, 0.03), "signal": (0.01, 0.01)}
HEARS = ("gemini", "signal")
SETTINGS = Settings(double_share=0.0)


def a_case(number: int, *, known: bool, off: dict[str, float] | None = None) -> Case:
    """A clip of 6 s whose event is seen at 2 s and heard at 2.1 s, marked by four models with their habits."""
    chance = np.random.default_rng(number)
    marks = []
    for name, (lag_s, spread_s) in HABITS.items():
        seen, heard = chance.normal(lag_s, spread_s, 2) + (off or {}).get(name, 0.0)
        audio_s = 2.1 + heard if name in HEARS else None
        marks.append(Mark(f"c{number}", name, 2.0 + seen, audio_s, person=False))
    times = EventTimes(2.0, 2.1, "adjudicated") if known else None
    return Case(f"c{number}", 6.0, tuple(marks), times, valid=True)


def settled(last: Case, gold: int = 60) -> list[Case]:
    return [*(a_case(number, known=True) for number in range(gold)), last]


def test_a_sure_consensus_needs_nobody() -> None:
    last = a_case(99, known=False)
    cases = {case.clip_id: case for case in settled(last)}
    assert certain(last, learned(cases.values()), SETTINGS)
    retained = arrange(cases, SETTINGS).retained
    assert retained == {"c99"}
    assert need(replace(last, retained=True), SETTINGS) is None and need(last, SETTINGS) == "first"
    assert need(replace(last, retained=True), SETTINGS, drawn=True) == "first", "the random share is looked at"


@pytest.mark.parametrize(
    ("last", "gold", "settings"),
    [
        (a_case(99, known=False, off={"signal": 1.5, "gemini": -0.9}), 60, SETTINGS),
        (a_case(99, known=False), 30, SETTINGS),
        (a_case(99, known=False), 60, replace(SETTINGS, accept_spread_s=0.0)),
        (a_case(99, known=False), 60, replace(SETTINGS, accept_spread_s=0.001)),
        (replace(a_case(99, known=False), valid=False), 60, SETTINGS),
        (replace(a_case(99, known=False), valid=None), 60, SETTINGS),
        (a_case(99, known=False).without("gemini"), 60, SETTINGS),
    ],
    ids=[
        "they disagree",
        "too little gold",
        "switched off",
        "not sure enough",
        "an edit failed",
        "no edit is verified",
        "one ear only",
    ],
)
def test_else_a_person_looks(last: Case, gold: int, settings: Settings) -> None:
    cases = {case.clip_id: case for case in settled(last, gold)}
    assert not certain(last, learned(cases.values()), settings)
    assert arrange(cases, settings).retained == frozenset()

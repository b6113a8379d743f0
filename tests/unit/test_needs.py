"""Whom a clip waits for, why, and what its event times become: decisions on hand-made cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import inf, nan
from typing import Any

import pytest

from thud.errors import BadRequest
from thud.events.needs import NOBODY, Case, check_mark, disagreements, judge, need, reasons, share
from thud.events.settings import DEFAULTS, Settings, changed_habits, checked_setting, read_habits, read_settings
from thud.events.settle import learned, same, settled_times
from thud.records import EventTimes, Mark, Verdict

ALL, NONE = Settings(double_share=1.0), Settings(double_share=0.0)


def a_mark(
    who: str, visual_s: float | None = 1.0, audio_s: float | None = 1.1, verdict: Verdict = "placed", **more: Any
) -> Mark:
    person = who not in ("gemini", "gpt", "claude", "signal")
    return Mark("c", who, visual_s, audio_s, verdict, person=person, **more)


def a_case(*marks: Mark, **more: Any) -> Case:
    return Case(more.pop("clip_id", "c"), 4.0, marks, **more)


def by(method: str) -> EventTimes:
    return EventTimes(1.0, 1.0, method)


@pytest.mark.parametrize(
    ("case", "settings", "expected"),
    [
        (a_case(), NONE, "first"),
        (a_case(a_mark("gemini"), a_mark("gpt")), NONE, "first"),
        (a_case(a_mark("ana")), NONE, None),
        (a_case(a_mark("ana")), ALL, "second"),
        (a_case(a_mark("ana", verdict="discarded")), ALL, "second"),
        (a_case(a_mark("ana"), a_mark("ben")), ALL, None),
        (a_case(a_mark("ana"), a_mark("ben", 1.1)), ALL, None),
        (a_case(a_mark("ana"), a_mark("ben", 1.101)), ALL, "adjudicate"),
        (a_case(a_mark("ana"), a_mark("ben", audio_s=1.3)), NONE, "adjudicate"),
        (a_case(a_mark("ana"), a_mark("ben", audio_s=None, verdict="no_sound")), ALL, "adjudicate"),
        (a_case(a_mark("ana", verdict="discarded"), a_mark("ben", 3.0, verdict="discarded")), ALL, None),
        (a_case(a_mark("ana"), a_mark("ben"), a_mark("cy", 2.0)), ALL, "adjudicate"),
        (a_case(a_mark("ana"), a_mark("ben", 2.0), times=by("adjudicated")), ALL, None),
        (a_case(times=by("manifest")), NONE, "first"),
        (a_case(retained=True), NONE, None),
        (a_case(a_mark("ana"), retained=True), ALL, "second"),
    ],
)
def test_whom_a_clip_waits_for(case: Case, settings: Settings, expected: str | None) -> None:
    assert need(case, settings) == expected


def test_drawn_clips_are_looked_at_and_hidden_ones_wait_for_nobody() -> None:
    assert need(a_case(retained=True), NONE, drawn=True) == "first"
    assert need(a_case(a_mark("ana"), a_mark("ben", 3.0)), ALL, hidden=True) is None


def test_the_second_share_falls_on_about_that_many_clips_and_always_the_same() -> None:
    settings = Settings(double_share=0.1, seed=3)
    twice = [
        [n for n in range(2000) if need(a_case(a_mark("ana"), clip_id=f"clip{n}"), settings) == "second"]
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    assert 150 <= len(twice[0]) <= 250
    other = [n for n in range(2000) if share("double", 4, f"clip{n}") < 0.1]
    assert other != twice[0]


def test_disagreements_say_who_and_by_how_much() -> None:
    words = disagreements([a_mark("ana", 1.0, 1.0), a_mark("ben", 1.24, None)], 0.1)
    assert words == (
        "Picture marks of ana and ben are 0.240 s apart; the limit is 0.100 s",
        "Only one of ana and ben placed the sound",
    )
    assert "“placed” and “discard”" in disagreements([a_mark("ana"), a_mark("ben", verdict="discarded")], 0.1)[0]


def test_reasons_never_tell_what_another_person_marked() -> None:
    models = (a_mark("gemini", 1.0), a_mark("gpt", 1.97), a_mark("claude", 1.1))
    case = a_case(*models, a_mark("ana", 1.23456, 1.34567))
    ruling = judge(case, ALL, people=False)
    told = " ".join((*reasons(case, "second", ruling, ALL), *(check.words for check in ruling.checks)))
    assert "0.97 s apart" in told
    assert "ana" not in told and "1.23" not in told and "1.34" not in told
    assert reasons(a_case(), "first", judge(a_case(), ALL), ALL) == (NOBODY,)


@pytest.mark.parametrize(
    "mark",
    [
        a_mark("ana", nan),
        a_mark("ana", inf),
        a_mark("ana", 1.0, -inf),
        a_mark("ana", -0.001),
        a_mark("ana", 4.06),
        a_mark("ana", "1.0"),  # type: ignore[arg-type]
        a_mark("ana", True),
        a_mark("ana", None),
        a_mark("ana", 1.0, None),
        a_mark("ana", None, None, "no_sound"),
        a_mark("ana", 1.0, 1.0, "no_sound"),
        a_mark("ana", 1.0, 1.0, "discarded", reason="  "),
        a_mark("ana", 1.0, 1.0, "discarded", reason="x" * 501),
        a_mark("ana", 1.0, 1.0, "uncertain"),
        a_mark("ana", 1.0, 1.0, "gold"),  # type: ignore[arg-type]
    ],
)
def test_marks_that_cannot_be_are_refused(mark: Mark) -> None:
    with pytest.raises(BadRequest):
        check_mark(mark, 4.0)


def test_marks_at_the_edges_are_taken() -> None:
    for good in (
        a_mark("ana", 0, 4.0),
        a_mark("ana", 4.0, 4.05),
        a_mark("ana", 1.0, None, "no_sound"),
        a_mark("ana", None, None, "discarded", reason="hidden"),
    ):
        check_mark(good, 4.0)


@pytest.mark.parametrize("unit", [[3, 1], [-1, 2], [nan, 1], [0, inf], [0, 10**400], ["a", 1], [1], "ab", 7, {"a": 1}])
def test_a_frame_unit_that_cannot_be_is_none(unit: Any) -> None:
    marks = [a_mark("gemini", 1.0), a_mark("gpt", 3.0, detail={"unit": unit}), a_mark("claude", 1.0)]
    assert judge(a_case(*marks), NONE).checks[0].passed is False
    good = a_mark("gpt", 3.0, detail={"unit": [0.5, 3.5]})
    assert judge(a_case(marks[0], good, marks[2]), NONE).checks[0].passed is True


# --- settling


def settled(case: Case, *others: Case) -> dict[str, EventTimes]:
    return settled_times(case, learned([case, *others]), Settings())


def test_people_decide_and_models_do_not_move_them() -> None:
    models = (a_mark("gemini", 2.0, 2.0), a_mark("gpt", 2.1, None), a_mark("claude", 2.0, None))
    times = settled(a_case(*models, a_mark("ana", 1.0, 1.1)))["consensus"]
    assert (times.visual_s, times.audio_s) == (1.0, 1.1)
    both = settled(a_case(*models, a_mark("ana", 1.0, 1.1), a_mark("ben", 1.06, 1.1)))["consensus"]
    assert both.visual_s == pytest.approx(1.03)
    assert both.detail["visual_spread_s"] < times.detail["visual_spread_s"]


def test_without_people_the_models_consensus_stands() -> None:
    times = settled(a_case(a_mark("gemini", 2.0, 2.2), a_mark("gpt", 2.1, None)))["consensus"]
    assert times.visual_s is not None and 2.0 <= times.visual_s <= 2.1
    assert times.detail["audio_sources"] == ["gemini"]


def test_verdicts_of_people_empty_the_times() -> None:
    models = (a_mark("gemini", 2.0, 2.2), a_mark("gpt", 2.1, None))
    silent = settled(a_case(*models, a_mark("ana", 1.0, None, "no_sound")))["consensus"]
    assert (silent.visual_s, silent.audio_s, silent.detail["verdict"]) == (1.0, None, "no_sound")
    gone = settled(a_case(*models, a_mark("ana", 1.0, 1.0, "discarded")))["consensus"]
    assert (gone.visual_s, gone.audio_s, gone.detail["verdict"]) == (None, None, "discarded")


def test_agreement_is_written_only_where_everything_is_known() -> None:
    marks = (a_mark("gemini", 1.0, 1.1), a_mark("gpt", 1.2, None), a_mark("claude", 1.1, None), a_mark("ana", 1.0, 1.1))
    assert "agreement" not in settled(a_case(*marks)), "whether the edits are valid is not known"
    assert settled(a_case(*marks, valid=True))["agreement"].audio_s == 1.1
    assert "agreement" not in settled(a_case(*marks[:3], valid=True)), "nobody has heard it"


def test_a_stable_bias_of_a_person_is_taken_off() -> None:
    gold = [
        replace(
            a_case(a_mark("ana", 1.2 + n % 3 / 1000, 1.0, at=datetime(2026, 1, 1, 0, n)), clip_id=f"g{n}"),
            times=by("gold"),
        )
        for n in range(20)
    ]
    times = settled(a_case(a_mark("ana", 2.2, 2.0)), *gold)["consensus"]
    assert times.visual_s == pytest.approx(2.0, abs=0.01)
    assert times.audio_s == pytest.approx(2.0, abs=0.01)


def test_adjudicated_times_teach_the_models_lag() -> None:
    late = [
        replace(a_case(a_mark("gemini", 1.3, 1.3), clip_id=f"g{n}"), times=EventTimes(1.0, 1.0, "adjudicated"))
        for n in range(30)
    ]
    times = settled(a_case(a_mark("gemini", 2.3, 2.3)), *late)["consensus"]
    assert times.visual_s == pytest.approx(2.0, abs=0.03)


def test_same_tells_news_from_noise() -> None:
    one = EventTimes(1.0, 1.1, "consensus", {"visual_spread_s": 0.1, "audio_spread_s": 0.1})
    assert same(one, replace(one, visual_s=1.0002))
    assert not same(one, replace(one, visual_s=1.001))
    assert not same(one, replace(one, audio_s=None))
    assert not same(one, None)


# --- settings


def test_settings_that_make_no_sense_are_the_defaults() -> None:
    assert read_settings({}) == Settings()
    odd = {"eps_visual_s": nan, "blind": "yes", "double_share": 2, "gold_share": None, "seed": 1.5, "unknown": 3}
    assert read_settings(odd) == Settings()
    assert read_settings({"eps_visual_s": 1, "blind": False}) == Settings(eps_visual_s=1.0, blind=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("eps_visual_s", -1),
        ("eps_audio_s", nan),
        ("blind", 1),
        ("double_share", True),
        ("seed", 1.5),
        ("eps_visual_s", 10**400),
        ("x", 1),
    ],
)
def test_settings_are_checked(name: str, value: Any) -> None:
    with pytest.raises(BadRequest):
        checked_setting(name, value)
    assert all(checked_setting(each, default) == default for each, default in DEFAULTS.items())


def test_habits_are_kept_per_machine() -> None:
    body = {"machine": "m1", "sound_late_ms": 42, "spread_ms": 9.5, "taps": [40, 44], "reaction_ms": 210}
    first = changed_habits(read_habits({}, "ana"), body, "now")
    second = changed_habits(first, {"delayed": True}, "later")
    assert (second.delayed, second.reaction_ms, second.machines["m1"]["sound_late_ms"]) == (True, 210, 42.0)
    for bad in (
        {"delayed": 1},
        {"reaction_ms": -1},
        {"reaction_ms": nan},
        {**body, "machine": ""},
        {**body, "machine": ["m"]},
        {**body, "taps": "x"},
        {**body, "taps": [inf]},
        {"machine": "m"},
    ):
        with pytest.raises(BadRequest):
            changed_habits(first, bad, "now")
    assert read_habits({"person/ana": {"delayed": "x", "reaction_ms": "1", "machines": [1]}}, "ana").machines == {}

"""The paper's rule against a table worked by hand, and what it says where somebody has not answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from thud.errors import BadRequest
from thud.events.agreement import EPS_AUDIO_S, EPS_VISUAL_S, Check, Placement, Ruling, rule

Window = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """Picture times and frame units of the three models, sound times of Gemini and a person, and the ruling by hand."""

    words: str
    seen: dict[str, float | None | str]
    heard: tuple[float | None, float | None]
    visual: bool | None
    audio: bool | None
    visual_s: float | None
    audio_s: float | None
    units: dict[str, Window] = field(default_factory=dict)


CASES = [
    Case("all three within 0.3 s", {"gemini": 3.0, "gpt": 3.3, "claude": 3.1}, (3.2, 3.3), True, True, 3.1, 3.3),
    Case("farthest exactly 0.8 s", {"gemini": 2.3, "gpt": 3.1, "claude": 2.9}, (2.4, 2.4), True, True, 2.9, 2.4),
    Case("farthest 0.801 s", {"gemini": 2.3, "gpt": 3.101, "claude": 2.9}, (2.4, 2.4), False, True, None, 2.4),
    Case("each step small, ends 1.2 s apart", {"gemini": 1, "gpt": 1.6, "claude": 2.2}, (1, 1), False, True, None, 1),
    Case("sound exactly 0.5 s apart", {"gemini": 4.0, "gpt": 4.0, "claude": 4.0}, (4.6, 4.1), True, True, 4.0, 4.1),
    Case("sound 0.501 s apart", {"gemini": 4.0, "gpt": 4.0, "claude": 4.0}, (4.601, 4.1), True, False, 4.0, 4.1),
    Case("no person has listened", {"gemini": 4.0, "gpt": 4.2, "claude": 4.1}, (4.3, None), True, None, 4.1, 4.3),
    Case("two placed, one uncertain", {"gemini": 5.0, "gpt": "uncertain", "claude": 5.6}, (5, 5), True, True, 5.3, 5),
    Case("one placed", {"gemini": 5.0, "gpt": "uncertain", "claude": None}, (5.0, 5.0), False, True, None, 5.0),
    Case(
        "0.9 s apart, in one unit",
        {"gemini": 6.05, "gpt": 6.95, "claude": 6.5},
        (6.1, 6.2),
        True,
        True,
        6.5,
        6.2,
        {"gpt": (6.0, 7.0), "claude": (6.0, 7.0)},
    ),
    Case(
        "neighbouring units share an edge only",
        {"gemini": 7.0, "gpt": 6.2, "claude": 7.9},
        (7.1, 7.2),
        False,
        True,
        None,
        7.2,
        {"gpt": (6.0, 7.0), "claude": (7.0, 8.0)},
    ),
    Case("Gemini heard nothing", {"gemini": 3.0, "gpt": 3.3, "claude": 3.1}, (None, 3.3), True, None, 3.1, 3.3),
]


def placements(case: Case) -> list[Placement]:
    made = [
        Placement(
            name,
            time_s if isinstance(time_s, float | int) else None,
            case.heard[0] if name == "gemini" else None,
            unit=case.units.get(name),
            verdict="uncertain" if time_s == "uncertain" else "placed",
        )
        for name, time_s in case.seen.items()
        if time_s is not None
    ]
    return [*made, Placement("kim", None, case.heard[1])]


def check(ruling: Ruling, name: str) -> Check:
    return next(one for one in ruling.checks if one.name == name)


def judge(*given: Placement, clear: bool | None = True, salient: bool | None = True) -> Ruling:
    """A ruling with kim and lee as people, and the quality checks passed unless told."""
    return rule(given, people={"kim", "lee"}, clear=clear, salient=salient, valid=True)


GEMINI = Placement("gemini", 3.0, 3.2)
GPT = Placement("gpt", 3.3, None, unit=(3.0, 4.0))
CLAUDE = Placement("claude", 3.1, None, unit=(3.0, 4.0))
KIM = Placement("kim", None, 3.3)
FAR = replace(CLAUDE, visual_s=9.1, unit=(9.0, 10.0))


def test_the_tolerances_are_the_papers() -> None:
    assert (EPS_VISUAL_S, EPS_AUDIO_S) == (0.8, 0.5)
    assert len(CASES) == 12


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words)
def test_the_table(case: Case) -> None:
    ruling = judge(*placements(case))
    assert (check(ruling, "visual").passed, check(ruling, "audio").passed) == (case.visual, case.audio)
    assert (ruling.visual_s, ruling.audio_s) == (case.visual_s, case.audio_s)
    assert ruling.retained is (case.visual is True and case.audio is True)
    assert [one.name for one in ruling.checks] == ["visual", "audio", "clarity", "salience", "validity"]
    assert len(ruling.needs) == (case.visual is not True) + (case.audio is not True)


@pytest.mark.parametrize("base_s", [0.0, 0.1, 2.3, 7.7, 1234.5])
def test_a_difference_of_exactly_epsilon_passes_wherever_it_lies(base_s: float) -> None:
    late = Placement("gpt", base_s + 0.8, None)
    ruling = judge(Placement("gemini", base_s, base_s), late, Placement("kim", None, base_s + 0.5))
    assert ruling.retained
    over = judge(Placement("gemini", base_s, base_s), replace(late, visual_s=base_s + 0.8 + 1e-6), KIM)
    assert check(over, "visual").passed is False


def test_other_tolerances_are_obeyed() -> None:
    given = [GEMINI, GPT, CLAUDE, KIM]
    assert rule(given, people={"kim"}, eps_visual_s=0.1).checks[0].passed is True  # by their units
    points = [replace(one, unit=None) for one in given]
    assert rule(points, people={"kim"}, eps_visual_s=0.1).checks[0].passed is False
    assert rule(points, people={"kim"}, eps_audio_s=0.05).checks[1].passed is False


def test_words_never_round_a_difference_onto_the_limit() -> None:
    ruling = judge(Placement("gemini", 2.0, None), Placement("gpt", 2.801, None))
    assert "Gemini and GPT are 0.801 s apart (limit 0.80 s)" in ruling.needs[0]


@pytest.mark.parametrize("name", ["clear", "salient", "valid"])
@pytest.mark.parametrize("answer", [None, False])
def test_every_quality_check_must_have_been_passed(name: str, answer: bool | None) -> None:
    answers: dict[str, bool | None] = {"clear": True, "salient": True, "valid": True}
    given = (GEMINI, GPT, CLAUDE, KIM)
    assert rule(given, people={"kim"}, **answers).retained
    ruling = rule(given, people={"kim"}, **(answers | {name: answer}))
    assert not ruling.retained
    assert len(ruling.needs) == (answer is None)  # a failed quality is final: nobody has to look again


def test_a_persons_mark_settles_the_picture_event() -> None:
    ruling = judge(GEMINI, GPT, FAR, replace(KIM, visual_s=3.4))
    assert ruling.retained
    assert ruling.visual_s == 3.4


def test_two_people_who_differ_settle_nothing() -> None:
    kim, lee = Placement("kim", 3.0, 3.2), Placement("lee", 4.0, 3.9)
    ruling = judge(GEMINI, GPT, CLAUDE, kim, lee)
    assert (check(ruling, "visual").passed, check(ruling, "audio").passed) == (False, False)
    assert ruling.needs[0] == "People disagree on the picture event: kim and lee are 1.00 s apart (limit 0.80 s)."
    assert "Gemini and lee are 0.70 s apart (limit 0.50 s)" in ruling.needs[1]
    assert judge(kim, replace(lee, visual_s=3.5, audio_s=3.5)).retained


def test_gemini_must_lie_in_the_unit_that_the_others_chose() -> None:
    wide = [replace(GPT, visual_s=6.1, unit=(6.0, 8.0)), replace(CLAUDE, visual_s=7.9, unit=(6.0, 8.0))]
    for gemini_s, agreed in ((6.0, True), (8.0, True), (5.9, False), (8.1, False)):
        ruling = judge(Placement("gemini", gemini_s, None), *wide)
        assert check(ruling, "visual").passed is agreed
    unit_only = [replace(one, visual_s=None) for one in wide]
    assert judge(*unit_only).visual_s == 7.0


def test_who_has_not_answered_is_told() -> None:
    nobody = judge()
    assert "no model placed the picture event" in nobody.needs[0]
    assert "Gemini has not answered. GPT has not answered. Claude has not answered." in nobody.needs[0]
    assert nobody.needs[1] == "No person has placed the sound event yet."
    one = judge(GEMINI, replace(GPT, verdict="uncertain"))
    assert "only Gemini placed the picture event. GPT is uncertain. Claude has not answered." in one.needs[0]
    alone = judge(replace(GEMINI, audio_s=None), GPT, KIM)
    assert alone.needs == ("A second mark of the sound event is needed. Gemini placed no event.",)
    assert alone.audio_s == 3.3


def test_uncertain_times_and_other_annotators_are_not_used() -> None:
    doubt = replace(FAR, verdict="uncertain")
    ruling = judge(GEMINI, GPT, doubt, KIM, Placement("signal", 9.9, 9.9))
    assert ruling.retained
    assert ruling.visual_s == pytest.approx(3.15)


def test_people_can_turn_a_clip_down() -> None:
    deaf = judge(GEMINI, GPT, CLAUDE, Placement("kim", 3.1, None, verdict="no_sound"))
    assert (deaf.retained, deaf.needs, check(deaf, "audio").passed) == (False, (), False)
    gone = judge(GEMINI, GPT, CLAUDE, Placement("kim", None, None, verdict="discarded"), clear=None)
    assert (gone.retained, gone.needs, check(gone, "clarity").words) == (False, (), "kim discarded this clip.")


def test_people_split_on_turning_a_clip_down_are_looked_at_again() -> None:
    split = judge(GEMINI, GPT, CLAUDE, KIM, Placement("lee", None, None, verdict="no_sound"))
    assert split.needs == ("kim placed a sound event, lee heard none.",)
    gone = judge(GEMINI, GPT, CLAUDE, KIM, Placement("lee", None, None, verdict="discarded"))
    assert gone.needs == ("lee discarded this clip.",)


@pytest.mark.parametrize(
    "wrong",
    [
        (GEMINI, GEMINI),
        (replace(GEMINI, visual_s=float("nan")),),
        (replace(GEMINI, audio_s=float("inf")),),
        (replace(GEMINI, visual_s=-0.1),),
        (replace(GPT, unit=(4.0, 3.0)),),
    ],
)
def test_what_is_no_placement_is_refused(wrong: tuple[Placement, ...]) -> None:
    with pytest.raises(BadRequest):
        judge(*wrong)

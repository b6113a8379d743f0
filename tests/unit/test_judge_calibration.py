"""A judge and the rules against people, on counts that can be reckoned by hand; and who is labelled next."""

from __future__ import annotations

import pytest

from thud.evaluation.calibration import Candidate, Case, calibrate, sample


def case(number: int, person: str, judge: str | None, rules: str = "unparsed", sure: float | None = 0.9) -> Case:
    sure = None if judge is None else sure
    return Case(f"r{number}", "m", "sync", person, rules, judge, sure, "" if judge else "an invented quote")


CASES = [
    *(case(n, "synced", "synced", "synced", 0.97) for n in range(40)),
    *(case(n, "early", "early", "unparsed", 0.85) for n in range(40, 60)),
    *(case(n, "early", "synced", "unparsed", 0.6) for n in range(60, 65)),
    *(case(n, "synced", "early", "synced", 0.65) for n in range(65, 70)),
    *(case(n, "delayed", None, "delayed") for n in range(70, 80)),
]


def test_figures_of_judge_and_rules_rest_on_the_same_responses() -> None:
    found = calibrate(CASES)
    assert (found.labelled, found.judged, found.rejected) == (80, 70, 10)
    assert found.judge is not None
    assert found.judge.agreed.value == pytest.approx(60 / 70) and found.judge.agreed.n == 70
    assert found.rules.agreed.n == 70 and found.rules.agreed.value == pytest.approx(45 / 70)
    # By hand: agreement 60/70; by chance (45² + 25²) / 70².
    chance = (45 * 45 + 25 * 25) / 4900
    assert found.judge.kappa.kappa.value == pytest.approx((60 / 70 - chance) / (1 - chance))
    assert found.judge.kappa.base_rate == pytest.approx(45 / 70)
    assert found.commonest == ("synced", pytest.approx(45 / 70))
    early = found.judge.classes["early"]
    assert (early.precision.value, early.recall.value) == (20 / 25, 20 / 25)
    assert found.rules.classes["early"].recall.value == 0.0 and found.rules.classes["early"].precision.value is None
    assert found.confusion == {
        ("synced", "synced"): 40, ("early", "early"): 20, ("early", "synced"): 5, ("synced", "early"): 5,
    }  # fmt: skip
    assert not found.enough and calibrate(CASES * 3).enough


def test_disagreements_begin_where_the_judge_was_surest() -> None:
    found = calibrate(CASES).disagreements
    assert len(found) == 10 and [one.confidence for one in found] == [0.65] * 5 + [0.6] * 5


def test_confidence_is_compared_with_how_often_it_is_right() -> None:
    bins = {(one.low, one.high): one for one in calibrate(CASES).bins}
    assert set(bins) == {(0.5, 0.7), (0.8, 0.9), (0.95, 1.0)}
    assert bins[0.5, 0.7].right.value == 0.0 and bins[0.5, 0.7].said == pytest.approx(0.625)
    assert bins[0.95, 1.0].right.n == 40
    edge = calibrate([case(1, "early", "early", sure=1.0), case(2, "early", "early", sure=0.0)]).bins
    assert [(one.low, one.right.n) for one in edge] == [(0.0, 1), (0.95, 1)]


def test_with_nothing_there_is_no_figure() -> None:
    none = calibrate([])
    assert (none.judge, none.commonest, none.bins, none.labelled) == (None, None, (), 0)
    only_rules = calibrate([case(n, "early", None, "early") for n in range(3)])
    assert only_rules.judge is None and only_rules.rules.agreed.value == 1.0 and only_rules.confusion == {}


def test_the_next_to_label_come_from_every_listener_and_outcome_in_turn() -> None:
    many = [Candidate(f"a{n}", ("loud", "synced")) for n in range(500)]
    few = [Candidate(f"b{n}", ("loud", "unparsed")) for n in range(5)] + [Candidate("c", ("rare", "early"))]
    chosen = sample([*many, *few], 9)
    assert {one[0] for one in chosen[:3]} == {"a", "b", "c"}
    assert sum(one.startswith("b") for one in chosen) == 4
    assert sample([*reversed(few), *many], 9) == chosen, "whatever order they come in"
    assert sample([*many, *few], 20)[:9] == chosen
    assert sample([*many, *few], 9, seed=1) != chosen
    assert len(sample(few, 50)) == 6

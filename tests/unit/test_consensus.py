"""The consensus on simulated annotators, whose habits and whose clips' times are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.simulation import MODELS, Simulated, caught, errors, rivals, settled_times, simulate, table
from thud.errors import BadRequest
from thud.events.consensus import LEAST_SPREAD_S, Consensus, learn, refine

SEEDS = range(12)


def learned(seed: int, **settings: object) -> Consensus:
    world = simulate(seed, **settings)  # type: ignore[arg-type]
    return learn(world.marks, world.gold, world.durations_s)


def test_median_error_halves_against_the_median_of_three() -> None:
    rows = {name: median_s for name, median_s, *_ in table(SEEDS)}
    assert rows["consensus with gold"] <= 0.075
    assert 0.13 <= rows["median of three"] <= 0.15
    assert (
        rows["consensus with gold"] < rows["consensus without gold"] < min(rows["mean of three"], rows["gemini alone"])
    )


def test_learned_habits_are_unbiased() -> None:
    drawn = [learned(seed).learned for seed in range(30)]
    for model in MODELS:
        for figure, true, slack in (
            ("lag_s", model.lag_s, 0.0),
            ("spread_s", model.spread_s, 0.015),
            ("outlier_rate", model.outlier_rate, 0.01),
        ):
            values = np.array([getattr(one[model.name], figure) for one in drawn])
            error = values.std(ddof=1) / np.sqrt(len(values))
            assert abs(values.mean() - true) <= 3 * error + slack, figure
            assert values.std() < 0.05


def test_the_head_of_the_queue_holds_what_is_off() -> None:
    hits = bad = 0
    for seed in SEEDS:
        world = simulate(seed)
        consensus = learn(world.marks, world.gold, world.durations_s)
        spreads = {clip: one.spread_s for clip, one in consensus.settled.items()}
        held, off = caught(world, errors(world, settled_times(consensus)), spreads)
        hits, bad = hits + held, bad + off
    assert bad > 100
    assert hits / bad >= 0.8


def test_the_spread_says_how_far_off_a_time_is() -> None:
    world = simulate(3, clips=12_000)
    consensus = learn(world.marks, world.gold, world.durations_s)
    off = errors(world, settled_times(consensus))
    spread = np.array([consensus.settled[clip].spread_s for clip in world.open])
    for low, high in ((0.0, 0.15), (0.15, 0.5), (0.5, 1.5), (1.5, 5.0)):
        some = (spread >= low) & (spread < high)
        assert some.sum() > 200
        assert 0.75 < np.sqrt(np.mean(off[some] ** 2)) / np.sqrt(np.mean(spread[some] ** 2)) < 1.25


def test_gold_is_never_doubted() -> None:
    # kim is very exact and all three models are far from the gold: the marks are outliers, the gold stays.
    world = simulate(5, models=(*MODELS, Simulated("kim", 0.0, 0.01, 0.0)))
    clip = next(iter(world.gold))
    marks = world.marks | {clip: dict.fromkeys(world.marks[clip], 9.0)}
    consensus = learn(marks, world.gold | {clip: 1.0}, world.durations_s)
    settled = consensus.settled[clip]
    assert (settled.time_s, settled.spread_s, settled.sources) == (1.0, 0.0, ("gold",))
    assert min(settled.outlier.values()) > 0.99
    assert consensus.learned["kim"].spread_s < 0.04


def test_the_best_annotator_does_not_take_over() -> None:
    # Without the posterior's variance in the M step the spread of the best falls to a fifth of what it is.
    spreads = [learned(seed, gold_share=0).learned["gemini"].spread_s for seed in range(6)]
    assert np.mean(spreads) == pytest.approx(0.11, abs=0.025)
    assert min(spreads) > 0.05


@pytest.mark.parametrize("gold_share", [0.004, 0.15])
def test_a_lag_that_all_share_is_found_by_gold_even_when_it_is_rare(gold_share: float) -> None:
    late = [replace(model, lag_s=model.lag_s + 0.4) for model in MODELS]
    found = learned(1, clips=10_000, gold_share=gold_share, models=late)
    assert found.identified
    for model in late:
        assert found.learned[model.name].lag_s == pytest.approx(model.lag_s, abs=0.04)


@pytest.mark.parametrize("gold_share", [0.0, 0.15])
def test_a_long_lag_is_a_lag_and_not_a_run_of_outliers(gold_share: float) -> None:
    slow = (*MODELS, Simulated("kim", 0.0, 0.1, 0.02), Simulated("slow", 1.5, 0.1, 0.05))
    found = learned(1, models=slow, gold_share=gold_share).learned
    assert found["slow"].lag_s - found["kim"].lag_s == pytest.approx(1.5, abs=0.05)
    assert found["slow"].outlier_rate < 0.1


def test_a_long_lag_of_the_only_annotator_is_read_off_gold() -> None:
    found = learned(1, models=(Simulated("slow", 1.0, 0.05, 0.05),)).learned["slow"]
    assert found.lag_s == pytest.approx(1.0, abs=0.03)
    assert found.outlier_rate < 0.1


def test_without_gold_only_differences_are_known_and_it_says_so() -> None:
    late = [replace(model, lag_s=model.lag_s + 0.4) for model in MODELS]
    found = learned(1, clips=2000, gold_share=0, models=late)
    assert not found.identified
    lags = [found.learned[model.name].lag_s for model in late]
    assert sum(lags) == pytest.approx(0, abs=1e-3)
    assert np.diff(lags) == pytest.approx(np.diff([model.lag_s for model in late]), abs=0.03)


def test_gold_in_one_circle_of_annotators_says_nothing_about_another() -> None:
    here = simulate(1, models=MODELS[:2])
    away = simulate(2, gold_share=0, models=(Simulated("kim", 0.3, 0.1, 0.05), Simulated("lee", 0.1, 0.1, 0.05)))
    marks = here.marks | {f"other {clip}": placed for clip, placed in away.marks.items()}
    found = learn(marks, here.gold, dict.fromkeys(marks, 10.0)).learned
    assert {name: one.identified for name, one in found.items()} == {
        "gemini": True,
        "gpt": True,
        "kim": False,
        "lee": False,
    }
    assert found["gemini"].lag_s == pytest.approx(0.18, abs=0.04)
    assert found["kim"].lag_s == pytest.approx(0.1, abs=0.03)
    assert found["lee"].lag_s == pytest.approx(-0.1, abs=0.03)


def test_an_annotator_without_gold_is_tied_to_it_through_others() -> None:
    world = simulate(4, models=(*MODELS, Simulated("kim", 0.25, 0.05, 0.02)))
    marks = {
        clip: {name: time_s for name, time_s in placed.items() if name != "kim" or clip not in world.gold}
        for clip, placed in world.marks.items()
    }
    kim = learn(marks, world.gold, world.durations_s).learned["kim"]
    assert (kim.n_gold, kim.identified, kim.enough_gold) == (0, True, False)
    assert kim.lag_s == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_few_marks_give_no_nonsense(count: int) -> None:
    marks = {f"c{number}": {"kim": 2.0 + number} for number in range(count)}
    for gold in ({}, {clip: placed["kim"] for clip, placed in marks.items()}):
        found = learn(marks, gold, dict.fromkeys(marks, 10.0))
        assert len(found.settled) == count
        for one in found.learned.values():
            assert (one.n, one.n_gold) == (count, len(gold))
            assert abs(one.lag_s) < 0.01
            assert 0.1 < one.spread_s < 0.3
            assert 0.05 < one.outlier_rate < 0.15


def test_a_mark_is_believed_as_far_as_its_annotator_is() -> None:
    world = simulate(7)
    consensus = learn(world.marks, world.gold, world.durations_s)
    alone = {name: refine(consensus, {name: 5.0}, 10.0).spread_s for name in ("gemini", "gpt", "claude")}
    assert alone["gemini"] < alone["gpt"] < alone["claude"]
    both = refine(consensus, {"gemini": 5.18, "gpt": 4.95}, 10.0)
    assert both.time_s == pytest.approx(5.0, abs=0.05)
    assert both.spread_s < 0.15
    torn = refine(consensus, {"gemini": 2.0, "gpt": 8.0}, 10.0)
    assert torn.spread_s > 1
    assert torn.outlier["gemini"] + torn.outlier["gpt"] > 0.99
    new = refine(consensus, {"gemini": 5.18, "stranger": 5.0}, 10.0, "c1")
    assert (new.clip_id, new.sources) == ("c1", ("gemini", "stranger"))


def test_fifty_people_on_one_clip_are_weighed() -> None:
    crowd = tuple(Simulated(f"p{number:02d}", 0.0, 0.1, 0.2) for number in range(50))
    world = simulate(9, clips=40, models=crowd)
    consensus = learn(world.marks, world.gold, world.durations_s)
    assert np.median(errors(world, settled_times(consensus))) < 0.03
    assert np.mean([one.outlier_rate for one in consensus.learned.values()]) == pytest.approx(0.2, abs=0.04)


def test_clips_without_marks_are_left_open_and_gold_alone_is_settled() -> None:
    found = learn({"empty": {}}, {"known": 1.5}, {"known": 3.0, "empty": 3.0})
    assert list(found.settled) == ["known"]
    assert found.learned == {}
    assert found.identified


def test_equal_marks_do_not_break_it() -> None:
    marks = {f"c{number}": {"a": 1.0, "b": 1.0, "c": 1.0} for number in range(50)}
    found = learn(marks, {}, dict.fromkeys(marks, 2.0))
    assert all(one.spread_s >= LEAST_SPREAD_S for one in found.learned.values())
    assert all(one.time_s == pytest.approx(1.0) for one in found.settled.values())


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), -0.01, 10.01])
def test_times_outside_the_clip_are_refused(time_s: float) -> None:
    with pytest.raises(BadRequest, match="outside the clip"):
        learn({"c": {"kim": time_s}}, {}, {"c": 10.0})
    with pytest.raises(BadRequest, match="gold"):
        learn({}, {"c": time_s}, {"c": 10.0})
    with pytest.raises(BadRequest):
        refine(learn({}, {}, {}), {"kim": time_s}, 10.0)


@pytest.mark.parametrize("durations_s", [{}, {"c": 0.0}, {"c": float("nan")}])
def test_a_clip_of_unknown_duration_is_refused(durations_s: dict[str, float]) -> None:
    with pytest.raises(BadRequest, match="duration"):
        learn({"c": {"kim": 0.0}}, {}, durations_s)


def test_nothing_to_settle_is_refused() -> None:
    with pytest.raises(BadRequest, match="nobody"):
        refine(learn({}, {}, {}), {}, 10.0)


def test_every_rival_settles_every_clip() -> None:
    world = simulate(0, clips=30)
    assert all(times.keys() == world.truth.keys() for times in rivals(world).values())

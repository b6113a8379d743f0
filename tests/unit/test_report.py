"""Agreement and quality reports on marks whose bias, spread and misses were put there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from thud.errors import BadRequest
from thud.events.report import Marked, Quality, pairs, person_quality, verdicts

START = datetime(2026, 1, 1, tzinfo=UTC)
CLIPS = [f"clip{number:03d}" for number in range(400)]
GOLD = dict.fromkeys(CLIPS[::4], 5.0)


def worked(person: str, apart: list[float | None]) -> list[Marked]:
    """One mark after another, the n-th `apart[n]` s from 5 s (None = nothing placed)."""
    return [
        Marked(person, clip, START + timedelta(seconds=nth), None if off is None else 5.0 + off)
        for nth, (clip, off) in enumerate(zip(CLIPS, apart, strict=False))
    ]


def quality(apart: list[float | None]) -> Quality:
    (one,) = person_quality(worked("kim", apart), GOLD)
    return one


def noise(seed: int, spread_s: float = 0.03) -> list[float]:
    return np.random.default_rng(seed).normal(0, spread_s, len(CLIPS)).tolist()


def test_a_pair_by_hand() -> None:
    marks = {
        "a": {"gemini": 1.00, "kim": 1.04},
        "b": {"gemini": 2.00, "kim": 1.91},
        "c": {"gemini": 3.00, "kim": 3.15},
        "d": {"gemini": 4.00, "kim": 4.30},
        "e": {"gemini": 4.00},
    }
    (pair,) = pairs(marks)
    assert (pair.a, pair.b, pair.n) == ("gemini", "kim", 4)
    assert pair.bias_s.value == pytest.approx(-0.1)  # Gemini is 100 ms earlier
    assert pair.median_abs_s == pytest.approx(0.12)
    assert pair.p90_abs_s == pytest.approx(0.255)
    assert [one.share.value for one in pair.within] == [0.25, 0.5, 0.75]
    sd = float(np.std([-0.04, 0.09, -0.15, -0.3], ddof=1))
    assert pair.loa_low_s.value == pytest.approx(-0.1 - 1.96 * sd, abs=1e-4)
    assert pair.loa_high_s.value == pytest.approx(-0.1 + 1.96 * sd, abs=1e-4)


def test_every_pair_that_shares_a_clip_is_there() -> None:
    marks = {"a": {"kim": 1.0, "gpt": 1.1, "claude": 1.2}, "b": {"lee": 2.0}}
    assert [(one.a, one.b) for one in pairs(marks)] == [("claude", "gpt"), ("claude", "kim"), ("gpt", "kim")]
    assert pairs({}) == []
    with pytest.raises(BadRequest):
        pairs({"a": {"kim": 1.0, "gpt": float("nan")}})


def test_a_lag_is_seen_where_a_correlation_would_hide_it() -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(0, 10, 200)
    marks = {
        f"c{number}": {"a": time_s + rng.normal(0, 0.02), "b": time_s + 0.15 + rng.normal(0, 0.02)}
        for number, time_s in enumerate(truth.tolist())
    }
    (pair,) = pairs(marks)
    assert pair.bias_s.value == pytest.approx(-0.15, abs=0.01)
    assert pair.within[1].share.value < 0.1  # type: ignore[operator]


def test_verdicts_of_two_and_of_many() -> None:
    judged = {f"c{number}": {"kim": "placed", "lee": "placed"} for number in range(20)}
    judged |= {f"d{number}": {"kim": "discarded", "lee": "discarded"} for number in range(15)}
    judged |= {f"e{number}": {"kim": "placed", "lee": "discarded"} for number in range(5)}
    judged |= {f"f{number}": {"kim": "discarded", "lee": "placed"} for number in range(10)}
    found = verdicts(judged)
    assert list(found.kappas) == [("kim", "lee")]
    assert found.kappas["kim", "lee"].kappa.value == pytest.approx(0.4)
    assert found.base_rates == {"discarded": pytest.approx(0.45), "placed": pytest.approx(0.55)}
    many = verdicts(judged | {"c0": {"kim": "placed", "lee": "placed", "max": "discarded"}, "g": {"max": "placed"}})
    assert list(many.kappas) == [("kim", "lee"), ("kim", "max"), ("lee", "max")]
    assert many.alpha.n == 50
    assert many.alpha.value is not None
    assert many.alpha.value < found.alpha.value  # type: ignore[operator]
    assert verdicts({}).alpha.value is None


def test_a_stable_bias_is_corrected() -> None:
    found = quality([0.12 + off for off in noise(1)])
    assert (found.person, found.n) == ("kim", 100)
    assert found.bias_s.value == pytest.approx(0.12, abs=0.01)
    assert found.spread_s == pytest.approx(0.03, abs=0.006)
    assert found.misses.value == 0
    assert found.drift_s.value == pytest.approx(0, abs=0.01)
    assert found.correction_s == -found.bias_s.value  # type: ignore[operator]


def test_no_correction_for_chance_for_a_few_marks_or_for_a_drift() -> None:
    assert quality([0.0005 + off for off in noise(4)]).correction_s == 0
    few = quality([0.12 + off for off in noise(1)[:36]])
    assert (few.n, few.correction_s) == (9, 0)
    assert quality([0.12 + off for off in noise(1)[:37]]).correction_s < -0.05
    drifting = quality([0.12 + 0.0005 * nth + off for nth, off in enumerate(noise(1))])
    assert drifting.drift_s.value == pytest.approx(0.05, abs=0.01)  # 0.5 ms a mark
    assert drifting.correction_s == 0


def test_misses_are_counted_and_kept_out_of_bias_and_spread() -> None:
    apart: list[float | None] = [0.1 + off for off in noise(3)]
    apart[0], apart[4], apart[8] = None, 3.0, -2.0
    found = quality(apart)
    assert found.misses.value == pytest.approx(0.03)
    assert found.bias_s.value == pytest.approx(0.1, abs=0.01)
    assert found.spread_s == pytest.approx(0.03, abs=0.006)


def test_a_large_but_steady_lag_is_a_bias_and_no_miss() -> None:
    found = quality([0.7 + off for off in noise(5)])
    assert found.misses.value == 0
    assert found.correction_s == pytest.approx(-0.7, abs=0.01)


def test_moments_make_the_order() -> None:
    marks = worked("kim", [0.001 * nth for nth in range(400)])
    assert person_quality(marks[::-1], GOLD) == person_quality(marks, GOLD)
    assert person_quality(marks, GOLD)[0].drift_s.value == pytest.approx(0.1)


@pytest.mark.parametrize("count", [0, 1, 5, 9])
def test_little_gold_gives_unknown_figures_not_errors(count: int) -> None:
    # 0, 1, 2 and 3 gold clips
    both = person_quality(worked("kim", [0.1] * count) + worked("lee", [None] * count), GOLD)
    assert [one.person for one in both] == (["kim", "lee"] if count else [])
    for one in both:
        assert one.n == -(-count // 4)
        assert one.correction_s == 0
    if count:
        assert both[1].bias_s.value is None
        assert both[1].misses.value == 1

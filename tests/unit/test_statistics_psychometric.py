"""Thresholds against curves whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from thud.errors import BadRequest
from thud.statistics import Psychometric, fit_psychometric
from thud.statistics.psychometric import MOST_SIZES

SIZES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0])


def truth(sizes: np.ndarray, middle: float, width: float, guess: float, lapse: float) -> np.ndarray:
    return np.asarray(guess + (1 - guess - lapse) * norm.cdf(np.log(sizes / middle) / width))


def threshold(middle: float, width: float, guess: float, lapse: float, level: float) -> float:
    return float(middle * np.exp(width * norm.ppf((level - guess) / (1 - guess - lapse))))


def fitted(seed: int, n: int, curve: tuple[float, float, float, float], level: float = 0.75) -> Psychometric:
    right = np.random.default_rng(seed).binomial(n, truth(SIZES, *curve))
    return fit_psychometric(SIZES, right.tolist(), [n] * len(SIZES), level=level)


@pytest.mark.parametrize(
    ("curve", "level", "n"),
    [
        ((0.35, 0.5, 0.05, 0.05), 0.5, 40),
        ((0.35, 0.5, 0.05, 0.05), 0.75, 200),
        ((0.4, 0.15, 0.05, 0.05), 0.75, 40),
        ((0.25, 0.3, 0.3, 0.02), 0.75, 40),
    ],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(
    curve: tuple[float, float, float, float], level: float, n: int
) -> None:
    true, inside, values = threshold(*curve, level), 0, []
    for seed in range(40):
        found = fitted(seed, n, curve, level)
        assert found.status == "measured"
        assert found.threshold.value is not None
        assert found.threshold.low is not None
        assert found.threshold.high is not None
        inside += found.threshold.low <= true <= found.threshold.high
        values.append(found.threshold.value)
    assert inside >= 35
    assert np.median(values) == pytest.approx(true, rel=0.06)


def test_more_items_make_it_surer() -> None:
    narrow, wide = (fitted(1, n, (0.35, 0.5, 0.05, 0.05)).threshold for n in (400, 25))
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.low is not None
    assert wide.high is not None
    assert (wide.high - wide.low) > 2 * (narrow.high - narrow.low)
    assert (narrow.n, wide.n) == (3200, 200)


def test_the_curve_follows_what_was_seen() -> None:
    curve = (0.35, 0.5, 0.1, 0.05)
    found = fitted(3, 300, curve)
    assert (found.curve[0].offset_s, found.curve[-1].offset_s) == (0, 2.0)
    drawn = np.array([(point.offset_s, point.value, point.low, point.high) for point in found.curve[1:]])
    assert np.abs(drawn[:, 1] - truth(drawn[:, 0], *curve)).max() < 0.06
    assert (drawn[:, 2] <= drawn[:, 1]).all()
    assert (drawn[:, 1] <= drawn[:, 3]).all()
    assert (np.diff(drawn[:, 1]) > -1e-9).all()
    assert [size for size, _ in found.seen] == SIZES.tolist()
    assert all(share.n == 300 for _, share in found.seen)


def test_a_listener_who_never_hears_a_shift_has_no_threshold() -> None:
    for right in ([0] * 8, [2] * 8, [0, 0, 0, 1, 1, 2, 3, 6]):
        found = fit_psychometric(SIZES, right, [20] * 8)
        assert (found.status, found.threshold.value, found.largest_s) == ("not_reached", None, 2.0)
        assert found.threshold.n == 160


def test_a_threshold_is_not_stated_where_its_upper_limit_lies_beyond_what_was_tested() -> None:
    found = fitted(0, 300, (1.5, 0.4, 0.0, 0.0))  # 75 % at 1.96 s, the largest offset is 2 s
    assert (found.status, found.threshold.value) == ("not_reached", None)
    assert fitted(0, 300, (1.0, 0.4, 0.0, 0.0)).status == "measured"


def test_one_who_always_does_is_beyond_the_smallest_offset() -> None:
    found = fit_psychometric(SIZES, [60] * 8, [60] * 8)
    assert (found.status, found.threshold.value) == ("below", None)


def test_originals_tell_the_guess() -> None:
    """Half of all originals are called late: then half right on late ones is no hearing."""
    found = fit_psychometric([0, *SIZES], [100, *[20] * 8], [200, *[40] * 8])
    assert found.status == "not_reached"
    assert found.guess == pytest.approx(0.5, abs=0.08)
    assert found.seen[0][0] == 0
    assert found.smallest_s == 0.1


def test_signs_do_not_matter_and_equal_sizes_are_added() -> None:
    right = [1, 2, 4, 9, 9, 10, 10, 10]
    once = fit_psychometric(SIZES, right, [10] * 8)
    split = fit_psychometric([*SIZES, *-SIZES], [*right, *right], [10] * 16)
    twice = fit_psychometric(SIZES, [2 * each for each in right], [20] * 8)
    assert split == twice
    assert once.threshold != twice.threshold


def test_offsets_that_are_all_different_are_binned() -> None:
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(np.log(0.1), np.log(2), 900))
    right = rng.random(900) < truth(sizes, 0.35, 0.5, 0.05, 0.05)
    found = fit_psychometric(sizes, right.astype(int).tolist(), [1] * 900)
    assert len(found.seen) > MOST_SIZES
    assert found.threshold.low is not None
    assert found.threshold.high is not None
    assert found.threshold.low < threshold(0.35, 0.5, 0.05, 0.05, 0.75) < found.threshold.high
    assert found.threshold.high - found.threshold.low < 0.25


def test_nothing_to_fit() -> None:
    for sizes, right, total in (([], [], []), ([0.0], [3], [9]), ([0.4], [0], [0])):
        found = fit_psychometric(sizes, right, total)
        assert (found.status, found.threshold.value, found.curve) == ("unknown", None, ())
    for sizes, right, total in (([0.1], [3], [2]), ([float("nan")], [1], [2]), ([0.1, 0.2], [1], [2])):
        with pytest.raises(BadRequest):
            fit_psychometric(sizes, right, total)

"""Bootstrap over sources, paired tests and d′: their promises on data whose truth is known, and their edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from thud.errors import BadRequest
from thud.statistics import (
    Estimate,
    Numbers,
    bootstrap_derived,
    cluster_bootstrap,
    cluster_weights,
    confusion_counts,
    d_prime,
    detection,
    drawn_sums,
    mcnemar,
    minimum_detectable,
    precision_recall,
    sign_flip,
    tango,
    weighted_sum,
    wilson,
)
from thud.statistics.clusters import MATRIX_LIMIT


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def ratio(sums: Numbers) -> Numbers:
    return np.asarray(sums[:, 0] / sums[:, 1])


def test_weights_draw_as_many_clusters_as_there_are() -> None:
    weights = cluster_weights(50, 400, 3)
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.03)  # of a multinomial count
    assert cluster_weights(50, 400, 3) is weights
    assert (cluster_weights(50, 400, 4) != weights).any()
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 9
    with pytest.raises(BadRequest):
        cluster_weights(0)


def test_intervals_over_clusters_cover_and_those_over_items_do_not() -> None:
    """Sixty sources of eight items that rise and fall together."""
    rng = np.random.default_rng(8)
    clustered = single = 0
    for seed in range(200):
        right = rng.binomial(8, rng.beta(1.2, 1.8, 60))
        low, high = bounds(cluster_bootstrap(right[:, None], np.full((60, 1), 8), seed=seed)[0])
        clustered += low <= 0.4 <= high
        low, high = bounds(wilson(int(right.sum()), 480))
        single += low <= 0.4 <= high
    assert 0.9 <= clustered / 200 <= 0.99
    assert single / 200 < 0.8


def test_cells_are_drawn_together_and_equal_themselves_alone() -> None:
    rng = np.random.default_rng(1)
    total = rng.integers(0, 5, (90, 7))
    right = rng.binomial(total, 0.5)
    together = cluster_bootstrap(right, total)
    alone = [cluster_bootstrap(right[:, [i]], total[:, [i]])[0] for i in range(7)]
    for one, other in zip(together, alone, strict=True):
        assert (one.value, *bounds(one)) == pytest.approx((other.value, *bounds(other)))
        assert one.n == other.n


def test_what_has_no_spread_is_not_given_an_interval_of_no_width() -> None:
    ones, zeros = np.ones((40, 1)), np.zeros((40, 1))
    assert cluster_bootstrap(zeros, ones)[0] == wilson(0, 40)
    assert cluster_bootstrap(3 * ones, 3 * ones)[0] == wilson(40, 40)  # by clusters, not by 120 items
    few = zeros.copy()
    few[:4] = 1
    assert cluster_bootstrap(few, ones)[0] == wilson(4, 40)
    low, high = bounds(cluster_bootstrap(ones, 2 * ones)[0])  # every source has one of two right
    assert (low, high) == bounds(wilson(20, 40))


def test_nothing_and_one_cluster() -> None:
    assert cluster_bootstrap(np.zeros((0, 2)), np.zeros((0, 2))) == [Estimate(None, None, None, 0)] * 2
    assert cluster_bootstrap(np.zeros((5, 1)), np.zeros((5, 1))) == [Estimate(None, None, None, 0)]
    assert cluster_bootstrap([[3]], [[4]]) == [Estimate(0.75, None, None, 1)]
    assert bootstrap_derived(np.zeros((0, 2)), ratio) == Estimate(None, None, None, 0)
    assert bootstrap_derived([[3, 4]], ratio) == Estimate(0.75, None, None, 1)
    assert bootstrap_derived(np.ones((9, 2)), ratio) == Estimate(1, None, None, 9)
    for right, total in (([[2]], [[1]]), ([[1, 1]], [[1]]), ([1], [1])):
        with pytest.raises(BadRequest):
            cluster_bootstrap(right, total)


def test_many_clusters_are_drawn_alike_by_kinds() -> None:
    rng = np.random.default_rng(0)
    total = rng.integers(1, 4, MATRIX_LIMIT + 1)
    table = np.column_stack([rng.binomial(total, 0.3), total]).astype(float)
    many, few = drawn_sums(table), drawn_sums(table[:-1])
    assert many.mean(axis=0) == pytest.approx(few.mean(axis=0), rel=0.01)
    assert many.std(axis=0) == pytest.approx(few.std(axis=0), rel=0.06)
    assert np.corrcoef(many.T)[0, 1] == pytest.approx(np.corrcoef(few.T)[0, 1], abs=0.05)
    large = cluster_bootstrap(table[:, :1], table[:, 1:])[0]
    small = cluster_bootstrap(table[:-1, :1], table[:-1, 1:])[0]
    assert bounds(large) == pytest.approx(bounds(small), abs=0.002)


def test_a_derived_figure_covers_its_truth() -> None:
    rng = np.random.default_rng(5)
    truth, inside = norm.ppf(0.8) - norm.ppf(0.3), 0
    for _ in range(100):
        counts = np.column_stack([rng.binomial(2, 0.8, 120), np.full(120, 2), rng.binomial(1, 0.3, 120), np.ones(120)])
        low, high = bounds(bootstrap_derived(counts, d_prime))
        inside += low <= truth <= high
    assert 0.9 <= inside / 100 <= 0.99


def test_the_prior_has_no_sensitivity_and_a_strong_lean() -> None:
    found = detection(0, 100, 0, 100)
    assert (found.d_prime, found.criterion, found.balanced) == (0, pytest.approx(2.58, abs=0.005), 0.5)
    for hits, alarms in ((0, 0), (133, 24)):
        assert detection(hits, 133, alarms, 24).d_prime == pytest.approx(0, abs=1e-12), "also of unequal kinds"
    found = detection(60, 100, 20, 100)
    assert (found.d_prime, found.criterion) == pytest.approx((1.08, 0.29), abs=0.005)
    assert found.balanced == pytest.approx(0.7)
    nothing = detection(0, 0, 3, 9)
    assert (nothing.d_prime, nothing.criterion, nothing.balanced) == (None, None, None)
    with pytest.raises(BadRequest):
        detection(3, 2, 0, 1)


@pytest.mark.parametrize(
    ("n", "at_15", "at_30"), [(50, 14, 20), (100, 10, 15), (200, 7.5, 10.6), (400, 5.4, 7.6), (800, 3.8, 5.4)]
)
def test_the_smallest_difference_that_can_be_shown(n: int, at_15: float, at_30: float) -> None:
    places = 0 if at_15 == round(at_15) else 1
    found = [round(100 * (minimum_detectable(n, share) or 0), places) for share in (0.15, 0.3)]
    assert found == [at_15, at_30]


def test_a_difference_at_the_limit_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(3)
    n, discordance = 200, 0.3
    apart = minimum_detectable(n, discordance)
    assert apart is not None
    counts = rng.multinomial(n, [(discordance - apart) / 2, (discordance + apart) / 2, 1 - discordance], 1500)
    power = np.mean([mcnemar(int(a), int(b)) < 0.05 for a, b, _ in counts])
    assert 0.72 <= power <= 0.82  # the exact test is a little weaker than the formula


def test_the_limit_is_never_below_what_the_differing_pairs_allow() -> None:
    found = minimum_detectable(142, 0.0)
    assert found == pytest.approx(minimum_detectable(142, found or 0.0))
    assert minimum_detectable(0, 0.3) is None
    assert (minimum_detectable(2, 1.0) or 0) <= 1
    with pytest.raises(BadRequest):
        minimum_detectable(10, 1.2)


def test_sign_flips_are_exact_for_few_clusters() -> None:
    assert sign_flip([1, 2, 3]) == 2 / 8
    assert sign_flip([1, 2, -3]) == 1  # every pattern is at least 0 apart
    assert sign_flip([0.2] * 12) == 2 / 2**12
    assert sign_flip([0, 0]) == sign_flip([]) == 1
    assert sign_flip([3, 0, 0, 0, 2, 1]) == 2 / 8  # clusters without a difference say nothing


def test_random_sign_flips_agree_with_the_limit_and_hold_their_level() -> None:
    rng = np.random.default_rng(7)
    unequal = rng.normal(0.25, 1, 60)
    p = sign_flip(unequal)
    assert p == pytest.approx(2 * norm.sf(abs(unequal.sum()) / np.sqrt((unequal**2).sum())), abs=0.02)
    assert sign_flip(rng.normal(0.2, 1, 1500)) < 1e-9  # beyond 1000 sizes: the limit, not 1/10001
    assert sign_flip([1.0] * 300) == 1 / 10_001
    null = [sign_flip(rng.choice([-2.0, -1, 0, 1, 2], 40), draws=500, seed=i) for i in range(400)]
    assert 0.02 <= np.mean(np.array(null) < 0.05) <= 0.08


def test_tango_at_its_edges_and_over_repeated_draws() -> None:
    z2 = norm.ppf(0.975) ** 2
    assert bounds(tango(0, 0, 142)) == pytest.approx((-z2 / (142 + z2), z2 / (142 + z2)), abs=1e-6)
    low, high = bounds(tango(0, 20, 20))
    assert (low > 0.6, high) == (True, 1)
    assert bounds(tango(3, 9, 50)) == pytest.approx([-each for each in bounds(tango(9, 3, 50))[::-1]], abs=1e-9)
    assert tango(0, 0, 0).value is None
    with pytest.raises(BadRequest):
        tango(3, 3, 5)
    rng, inside = np.random.default_rng(0), 0
    for a, b, _ in rng.multinomial(60, [0.01, 0.04, 0.95], 600):
        low, high = bounds(tango(int(a), int(b), 60))
        inside += low <= 0.03 <= high
    assert 0.93 <= inside / 600 <= 0.99


def test_precision_and_recall_per_label() -> None:
    truth = ["synced"] * 6 + ["early"] * 4
    given = ["synced"] * 5 + ["unparsed"] + ["synced"] * 1 + ["early"] * 3
    scores = precision_recall(truth, given)
    assert list(scores) == ["synced", "early", "unparsed"]
    assert (scores["synced"].precision, scores["synced"].recall) == (wilson(5, 6), wilson(5, 6))
    assert (scores["early"].precision, scores["early"].recall) == (wilson(3, 3), wilson(3, 4))
    assert (scores["unparsed"].precision.value, scores["unparsed"].recall.value) == (0, None)
    assert confusion_counts(truth, given)["early", "synced"] == 1
    with pytest.raises(BadRequest):
        precision_recall(["a"], [])


def test_a_weighted_sum_of_shares_has_the_interval_of_newcombe() -> None:
    """Newcombe (1998), method 10: 56 of 70 against 48 of 80 gives 0.0524 to 0.3339."""
    found = weighted_sum([wilson(56, 70), wilson(48, 80)], [1, -1])
    assert (found.value, *bounds(found)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    certain = weighted_sum([wilson(20, 20), wilson(0, 20)], [0.5, -0.5])
    assert certain.value == 0.5 and bounds(certain)[0] < 0.5
    assert weighted_sum([wilson(0, 0), wilson(1, 2)], [1, 1]).value is None

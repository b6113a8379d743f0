"""Our figures beside those of statsmodels, krippendorff and scipy, on random data."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap, false_discovery_control, norm
from statsmodels.stats.contingency_tables import mcnemar as oracle_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from thud.statistics import (
    benjamini_hochberg,
    cluster_bootstrap,
    cohen_kappa,
    detection,
    holm,
    krippendorff_alpha,
    mcnemar,
    sign_flip,
    wilson,
    wilson_share,
)

SEEDS = range(6)


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 7), (7, 7), (142, 284), (1, 1000)])
def test_wilson_equals_statsmodels(hits: int, n: int) -> None:
    ours = wilson(hits, n)
    assert (ours.low, ours.high) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-12)
    assert wilson_share(hits / n, n) == ours


@pytest.mark.parametrize(("a_only", "b_only"), [(0, 0), (0, 6), (5, 6), (14, 6), (40, 3), (208, 5)])
def test_exact_mcnemar_equals_statsmodels(a_only: int, b_only: int) -> None:
    theirs = oracle_mcnemar([[50, a_only], [b_only, 9]], exact=True).pvalue if a_only + b_only else 1.0
    assert mcnemar(a_only, b_only) == pytest.approx(theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_corrections_equal_statsmodels_and_scipy(seed: int) -> None:
    p = np.random.default_rng(seed).beta(0.4, 2, 9).tolist()
    p[3] = p[5]  # a tie
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_kappa_and_its_interval_equal_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 160)
    second = np.where(rng.random(160) < 0.6, first, rng.integers(0, 4, 160))
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    theirs, ours = cohens_kappa(table), cohen_kappa(first.tolist(), second.tolist()).kappa
    assert ours.value == pytest.approx(theirs.kappa)
    assert (ours.low, ours.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_alpha_equals_krippendorff_with_labels_missing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, 50)
    given = np.where(rng.random((4, 50)) < 0.7, truth, rng.integers(0, 3, (4, 50))).astype(float)
    given[rng.random((4, 50)) < 0.25] = np.nan
    items = [[None if np.isnan(label) else int(label) for label in column] for column in given.T]
    theirs = krippendorff.alpha(reliability_data=given, level_of_measurement="nominal")
    assert krippendorff_alpha(items).value == pytest.approx(theirs)


def test_bootstrap_of_single_items_equals_scipys() -> None:
    right = np.random.default_rng(2).random(300) < 0.35
    ours = cluster_bootstrap(right[:, None], np.ones((300, 1)), draws=20_000)[0]
    theirs = bootstrap((right,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_sign_flips_of_equal_sizes_are_the_sign_test() -> None:
    for ups, downs in ((3, 8), (9, 1), (40, 22)):
        p = sign_flip([1.0] * ups + [-1.0] * downs + [0.0] * 30)
        assert p == pytest.approx(binomtest(ups, ups + downs).pvalue, abs=0.01)


@pytest.mark.parametrize(("hits", "alarms"), [(0, 0), (60, 20), (100, 100), (99, 1)])
def test_d_prime_equals_its_formula(hits: int, alarms: int) -> None:
    found = detection(hits, 100, alarms, 100)
    z = norm.ppf([(hits + 0.5) / 101, (alarms + 0.5) / 101])
    assert (found.d_prime, found.criterion) == pytest.approx((z[0] - z[1], -(z[0] + z[1]) / 2))

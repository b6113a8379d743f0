"""The figures against worked examples from the literature, and their behaviour where there is little or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from thud.errors import BadRequest
from thud.statistics import cohen_kappa, krippendorff_alpha, limits_of_agreement, share_within, wilson

WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def raters(table: list[list[int]]) -> tuple[list[int], list[int]]:
    """Two raters' labels that cross-tabulate to `table`."""
    cells = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return [i for i, _ in cells], [j for _, j in cells]


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (0, 20), (1, 20), (10, 20), (19, 20), (20, 20), (333, 1000)])
def test_wilson_equals_scipy(hits: int, n: int) -> None:
    ours = wilson(hits, n)
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == hits / n


def test_wilson_of_nothing_is_unknown_and_of_nonsense_is_refused() -> None:
    assert wilson(0, 0).value is None
    for hits, n in ((3, 2), (-1, 2)):
        with pytest.raises(BadRequest):
            wilson(hits, n)


def test_kappa_of_a_two_by_two_table() -> None:
    # 50 grant proposals: 20 both yes, 15 both no, 5 and 10 split. po = .7, pe = .6*.5 + .4*.5 = .5, kappa = .4
    kappa = cohen_kappa(*raters([[20, 5], [10, 15]]))
    assert kappa.kappa.value == pytest.approx(0.4)
    assert (kappa.agreement, kappa.expected) == pytest.approx((0.7, 0.5))
    assert kappa.base_rate == pytest.approx(0.55)


def test_kappa_and_its_error_of_fleiss_cohen_and_everitt() -> None:
    # Their diagnostic example: 200 patients, kappa .429, standard error .054.
    kappa = cohen_kappa(*raters([[106, 10, 4], [22, 28, 10], [2, 12, 6]])).kappa
    assert kappa.value == pytest.approx(0.4286, abs=5e-4)
    assert kappa.low is not None
    assert kappa.high is not None
    assert (kappa.high - kappa.low) / 2 / 1.96 == pytest.approx(0.054, abs=5e-4)


def test_kappa_interval_covers_what_repeated_draws_give() -> None:
    rng = np.random.default_rng(11)
    chances = np.array([0.5, 0.1, 0.15, 0.25])
    truth = (0.75 - (0.6 * 0.65 + 0.4 * 0.35)) / (1 - (0.6 * 0.65 + 0.4 * 0.35))
    inside = 0
    for _ in range(300):
        cells = rng.multinomial(150, chances).reshape(2, 2).tolist()
        kappa = cohen_kappa(*raters(cells)).kappa
        assert kappa.low is not None
        assert kappa.high is not None
        inside += kappa.low <= truth <= kappa.high
    assert 0.91 <= inside / 300 <= 0.99


def test_kappa_is_unknown_where_one_label_is_all() -> None:
    kappa = cohen_kappa(["placed"] * 9, ["placed"] * 9)
    assert kappa.kappa.value is None
    assert (kappa.agreement, kappa.base_rate) == (1, 1)
    assert cohen_kappa([], []).kappa.value is None
    with pytest.raises(BadRequest):
        cohen_kappa(["a"], [])


def test_alpha_of_krippendorffs_four_observers() -> None:
    rows = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    columns = zip(*(row.split() for row in rows), strict=True)
    alpha = krippendorff_alpha([[None if label == "." else label for label in column] for column in columns])
    assert alpha.value == pytest.approx(0.743, abs=5e-4)
    assert alpha.n == 11  # the last unit was judged once
    assert alpha.low is not None
    assert alpha.high is not None
    assert 0.3 < alpha.low < 0.743 < alpha.high <= 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("0100000010", "1110010000", 0.095), ("aabbdcccedda", "babbbccceddd", 0.692)],
)
def test_alpha_of_krippendorffs_two_observers(first: str, second: str, expected: float) -> None:
    assert krippendorff_alpha(list(zip(first, second, strict=True))).value == pytest.approx(expected, abs=5e-4)


def test_alpha_is_unknown_where_nothing_can_disagree() -> None:
    assert krippendorff_alpha([]).value is None
    assert krippendorff_alpha([["a", "a"], ["a", None]]).value is None
    assert krippendorff_alpha([["a"], ["b"]]) == krippendorff_alpha([])
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]).value == 1


def test_limits_of_agreement_of_bland_and_altman() -> None:
    # Peak flow by two meters, 17 people. The paper multiplies by 2 where we take 1.96: sd 38.8, bias -2.1.
    limits = limits_of_agreement(np.subtract(WRIGHT, MINI))
    assert limits.bias.value == pytest.approx(-2.1, abs=0.05)
    assert (limits.bias.low, limits.bias.high) == pytest.approx((-22.1, 17.8), abs=0.1)
    assert limits.sd == pytest.approx(38.8, abs=0.05)
    assert (limits.low.value, limits.high.value) == pytest.approx((-2.1 - 1.96 * 38.77, -2.1 + 1.96 * 38.77), abs=0.1)
    assert limits.low.low is not None
    assert limits.low.high is not None
    assert (limits.low.high - limits.low.low) / 2 == pytest.approx(34.6, abs=0.3)


def test_limits_of_little_are_unknown() -> None:
    assert limits_of_agreement([]).bias.value is None
    one = limits_of_agreement([0.25])
    assert (one.bias.value, one.bias.low, one.low.value, one.sd) == (0.25, None, None, None)
    with pytest.raises(BadRequest, match="not a number"):
        limits_of_agreement([0.1, float("nan")])


def test_share_within_counts_the_tolerance_itself() -> None:
    differences = [0.0, 3.05 - 3.0, 3.0 - 3.1, 0.1001, -0.2, 0.3]  # 3.05 - 3.0 is above 0.05 by float noise
    assert [(w.tolerance_s, w.share.value) for w in share_within(differences)] == [
        (0.05, pytest.approx(2 / 6)),
        (0.1, pytest.approx(3 / 6)),
        (0.2, pytest.approx(5 / 6)),
    ]
    assert share_within([])[0].share.value is None

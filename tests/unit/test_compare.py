"""Paired comparisons: the tests, the intervals and the sentence, on outcomes put there."""

from __future__ import annotations

import numpy as np
import pytest

from thud.errors import BadRequest
from thud.evaluation.compare import Comparison, Scored, Tally, compare, pair
from thud.statistics import minimum_detectable, tango

CELLS = (
    "sync_original",
    "sync_shifted",
    "existence_original",
    "existence_muted",
    "consistency_original",
    "consistency_swapped",
)
EDITED = ("sync_shifted", "existence_muted", "consistency_swapped")


def cell(key: str, both: int, a_only: int, b_only: int, neither: int) -> list[Tally]:
    """One item per source."""
    kinds = [(1, 0, 0, 0)] * both + [(0, 1, 0, 0)] * a_only + [(0, 0, 1, 0)] * b_only + [(0, 0, 0, 1)] * neither
    return [Tally(key, f"clip{i}", *kind) for i, kind in enumerate(kinds)]


def finding(*cells: list[Tally]) -> Comparison:
    return compare([tally for each in cells for tally in each])


def test_a_better_listener_reads_as_in_the_picture() -> None:
    found = finding(
        cell("sync_original", 119, 14, 6, 3),
        cell("sync_shifted", 10, 2, 100, 30),
        cell("existence_original", 135, 3, 3, 1),
        cell("existence_muted", 9, 0, 131, 2),
        cell("consistency_original", 105, 12, 23, 2),
        cell("consistency_swapped", 38, 6, 77, 21),
    )
    assert [row.key for row in found.cells] == list(CELLS)
    assert found.answer == "Yes."
    assert found.reason == (
        "B notices edited sound far more often on all three dimensions. "
        "On untouched clips no difference is shown: 142 clips cannot tell a change of 6 or 8 points from none."
    )
    sync = found.cells[0]
    assert (sync.a_only, sync.b_only, sync.items, sync.sources, sync.test) == (14, 6, 142, 142, "mcnemar")
    assert sync.mcnemar_p == pytest.approx(0.115, abs=0.001)
    assert sync.holm_p == pytest.approx(
        3 * found.cells[4].p
    )  # fourth of six is consistency, .090·3; sync's .115·2 may not fall below
    assert sync.difference.value == pytest.approx(-8 / 142)
    assert sync.detectable == pytest.approx(minimum_detectable(142, 20 / 142))
    assert [row.shown for row in found.cells] == [False, True, False, True, False, True]
    assert (sync.a.value, sync.b.value) == pytest.approx((133 / 142, 125 / 142))


def test_turning_round_turns_the_finding_round() -> None:
    def tallies(turned: bool) -> list[Tally]:
        return cell("existence_muted", 9, *((131, 0) if turned else (0, 131)), 2)

    here, there = (finding(tallies(turned)).cells[0] for turned in (False, True))
    assert here.difference.value == -(there.difference.value or 0)
    assert (here.p, here.detectable) == (there.p, there.detectable)
    assert finding(tallies(True)).reason.startswith("A notices muted sound far more often")


def test_no_difference_is_shown() -> None:
    found = finding(*(cell(key, 60, 12, 16, 54) for key in CELLS))
    assert found.answer == "No difference is shown."
    assert found.reason == "142 clips cannot tell a change of 3 points from none."
    same = finding(*(cell(key, 71, 0, 0, 71) for key in CELLS))
    assert same.reason == "142 clips would show a change of 5 points or more."
    row = same.cells[0]
    assert (row.mcnemar_p, row.difference.value) == (1, 0)
    assert (row.difference.low, row.difference.high) == pytest.approx((-0.0263, 0.0263), abs=1e-4)


def test_too_few_clips() -> None:
    found = finding(*(cell(key, 3, 1, 4, 4) for key in EDITED))
    assert found.answer == "Too few clips."
    assert found.reason == (
        "With 12 only a difference of 41 points or more could be shown; about 320 are needed to show 10."
    )
    assert not any(row.shown for row in found.cells)


def test_a_few_clips_show_a_difference_that_is_total() -> None:
    found = finding(cell("existence_muted", 0, 0, 12, 0))
    assert found.answer == "Yes."
    low = found.cells[0].difference.low
    assert low is not None
    assert 0.4 < low < 0.9


def test_where_few_sources_differ_the_interval_is_tangos() -> None:
    assert finding(cell("sync_original", 90, 0, 3, 7)).cells[0].difference == tango(0, 3, 100)
    assert finding(cell("sync_original", 50, 10, 12, 28)).cells[0].difference != tango(10, 12, 100)
    pairs = [Tally("sync_shifted", f"s{i}", 2 - 2 * (i == 0), 0, 2 * (i == 0), 0) for i in range(50)]
    assert compare(pairs).cells[0].difference == tango(0, 1, 50)  # one source of fifty, not two items of a hundred


def test_what_is_not_shown_is_said_beside_what_is() -> None:
    found = finding(cell("sync_shifted", 60, 20, 24, 38), cell("existence_muted", 20, 2, 30, 90))
    assert found.answer == "Yes."
    assert found.reason == (
        "B notices muted sound more often. On shifted sound no difference is shown: "
        "142 clips cannot tell a change of 3 points from none."
    )


def test_better_on_edits_and_worse_on_originals_raises_a_doubt() -> None:
    found = finding(cell("sync_original", 60, 60, 5, 17), cell("sync_shifted", 10, 5, 90, 37))
    assert found.reason == (
        "B notices shifted sound far more often. A is right more often on untouched clips (sync, 39 points); "
        "part of what B gains may be a readiness to call any sound edited."
    )


def test_each_better_somewhere() -> None:
    found = finding(cell("sync_shifted", 10, 5, 90, 37), cell("existence_muted", 10, 60, 5, 67))
    assert found.answer == "Yes, in both directions."
    assert found.reason == "A notices muted sound far more often, B notices shifted sound far more often."


def test_only_untouched_clips_differ() -> None:
    found = finding(cell("sync_original", 60, 60, 5, 17), cell("sync_shifted", 60, 20, 24, 38))
    assert found.answer == "Yes, on untouched clips only."
    assert "On edited sound no difference is shown" in found.reason


def test_nothing_in_common() -> None:
    found = compare([])
    assert (found.cells, found.answer) == ((), "Nothing to compare.")


def test_items_of_one_source_do_not_count_as_independent() -> None:
    """Six sources of twenty items that all go one way: McNemar is sure, six sources are not."""
    found = compare([Tally("sync_shifted", f"s{i}", 0, 0 if i else 20, 20 if i else 0, 0) for i in range(6)])
    row = found.cells[0]
    assert row.test == "sign_flip"
    assert row.mcnemar_p < 1e-9
    assert row.p == pytest.approx(2 * 7 / 64)  # as far or further from even: one or none of six the other way
    assert not row.shown
    assert row.detectable == pytest.approx(minimum_detectable(6, 1.0))


def test_difference_interval_covers_the_truth_over_clusters() -> None:
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(120):
        tallies = []
        for source in range(60):  # B − A is .2 on average and varies between sources
            lean = rng.beta(2, 2)
            four = rng.multinomial(4, [0.3, 0.4 * (1 - lean), 0.4 * lean + 0.1 * 0, 0.3])
            tallies.append(Tally("sync_shifted", str(source), *four.tolist()))
        difference = compare(tallies).cells[0].difference
        assert difference.low is not None
        assert difference.high is not None
        inside += difference.low <= 0 <= difference.high
    assert 0.88 <= inside / 120 <= 1


def scored(**rights: bool | None) -> list[Scored]:
    return [Scored(item, item[0], "sync_shifted", right) for item, right in rights.items()]


def test_pairing_is_by_item_and_leaves_out_what_one_did_not_answer() -> None:
    found = pair(
        scored(a1=True, a2=True, b1=False, c1=True, d1=None), scored(a1=True, a2=False, b1=True, d1=True, e1=True)
    )
    assert set(found.tallies) == {Tally("sync_shifted", "a", 1, 1, 0, 0), Tally("sync_shifted", "b", 0, 0, 1, 0)}
    assert (found.gained, found.lost) == (("b1",), ("a2",))
    assert (found.a_alone, found.b_alone) == (1, 2)
    with pytest.raises(BadRequest, match="twice"):
        pair([*scored(a1=True), *scored(a1=False)], [])

"""Figures, panels, confusion and d′ on answers whose figures are known by hand."""

from __future__ import annotations

import pytest

from thud.errors import BadRequest
from thud.evaluation.decomposition import AVERAGE_GAP, AXES, CELL_FIGURES, FIGURES, PANELS
from thud.evaluation.localise import localise, thresholds, timing
from thud.evaluation.measure import (
    Measured,
    Table,
    both_right,
    confusion,
    detect,
    measure,
    panel,
    table_of,
    tabulate,
)
from thud.evaluation.scoring import (
    ABSENT,
    CELLS,
    LABELS,
    QUESTIONS,
    binary_right,
    cell_of,
    direction_right,
    expected_label,
    is_right,
    outcome,
    three_class_right,
)

Row = tuple[str, str, str, str, int]
PRIOR = {"sync": "synced", "existence": "audio_described", "consistency": "match"}


def always_synced(clips: int = 40) -> Table:
    return tabulate((f"c{i}", task, cond, PRIOR[task], 1) for i in range(clips) for task, cond in QUESTIONS)


def value(measured: Measured) -> float | None:
    return measured.estimate.value


def values(table: Table, absent: str = "wrong") -> dict[str, float | None]:
    return {key: value(each) for key, each in measure(FIGURES, table, absent).items()}  # type: ignore[arg-type]


def test_what_is_right() -> None:
    assert [expected_label(*question) for question in QUESTIONS] == [
        "synced",
        "early",
        "delayed",
        "audio_described",
        "muted",
        "match",
        "mismatched",
    ]
    assert expected_label("sync", "muted") is None
    assert cell_of("sync", "early") == cell_of("sync", "delayed") == "sync_shifted"
    assert cell_of("choice", "original") is None
    assert not is_right(None, "synced")
    assert [
        (binary_right("early", x), three_class_right("early", x)) for x in ("early", "desync", "delayed", "synced")
    ] == [
        (True, True),
        (True, False),
        (True, False),
        (False, False),
    ]
    assert binary_right("original", "synced")
    assert not binary_right("original", "unparsed")
    assert (direction_right("early", "early"), direction_right("delayed", "early")) == (True, False)
    assert direction_right("original", "early") is None


@pytest.mark.parametrize("label", ABSENT)
def test_no_answer_is_never_right_and_may_be_left_out(label: str) -> None:
    for task, condition in QUESTIONS:
        expected = expected_label(task, condition)
        assert outcome(expected, label) is False
        assert outcome(expected, label, "left_out") is None
    assert outcome("synced", "synced", "left_out") is True
    assert outcome(None, "synced") is None


def test_always_synced_shows_the_clever_hans_pattern() -> None:
    table = always_synced()
    found = measure(FIGURES, table)
    assert [value(found[cell.key]) for cell in CELLS] == [1, 0, 1, 0, 1, 0]
    assert value(found["average_gap"]) == pytest.approx(1)
    assert {axis.key: value(found[axis.key]) for axis in AXES} == {
        "mute_hallucination": 1,
        "swap_false_match": 1,
        "false_silence": 0,
        "swap_false_mismatch": 0,
        "audio_dodge": 0,
        "offset_blindness": 1,
        "direction_confusion": None,  # it never flags anything, so it cannot mistake a direction
        "false_sync_alarm": 0,
    }
    assert (value(found["three_class"]), value(found["existence_combined"])) == (pytest.approx(1 / 3), 0.5)
    original = found["sync_original"].estimate
    assert original.low is not None
    assert (original.n, original.high) == (40, 1)
    assert 0.9 < original.low < 0.95  # Wilson of 40 of 40, not an interval of no width
    detected = detect("sync", table)
    assert abs(detected.counts.d_prime or 0) < 0.3
    assert (detected.counts.hits, detected.counts.signals, detected.counts.noises) == (0, 80, 40)


def test_the_eight_axes_by_hand() -> None:
    rows: list[Row] = [
        ("a", "existence", "muted", "audio_described", 3),
        ("b", "existence", "muted", "delayed", 1),
        ("b", "existence", "muted", "visual_only", 2),
        ("c", "existence", "muted", "muted", 2),
        ("c", "existence", "muted", "refused", 2),
        ("a", "existence", "original", "audio_described", 3),
        ("a", "existence", "original", "muted", 1),
        ("b", "existence", "original", "visual_only", 1),
        ("a", "consistency", "swapped", "match", 2),
        ("a", "consistency", "swapped", "early", 1),
        ("b", "consistency", "swapped", "visual_only", 1),
        ("b", "consistency", "original", "mismatched", 1),
        ("b", "consistency", "original", "match", 3),
        ("a", "sync", "early", "early", 2),
        ("a", "sync", "early", "delayed", 1),
        ("b", "sync", "delayed", "synced", 3),
        ("b", "sync", "delayed", "desync", 1),
        ("c", "sync", "delayed", "error", 1),
        ("a", "sync", "original", "desync", 1),
        ("b", "sync", "original", "synced", 4),
    ]
    found = values(tabulate(rows))
    assert [found[axis.key] for axis in AXES] == pytest.approx(
        [4 / 10, 3 / 4, 1 / 5, 1 / 4, (2 / 10 + 1 / 5) / 2, 3 / 8, 1 / 4, 1 / 5]
    )
    assert found["binary"] == pytest.approx((4 + 2 + 1 + 1) / 13)
    assert found["no_answer"] == pytest.approx(3 / 36)
    assert (found["existence_detection"], found["existence_false_alarm"]) == pytest.approx((2 / 10, 2 / 5))
    left_out = values(tabulate(rows), "left_out")
    assert left_out["mute_hallucination"] == pytest.approx(4 / 8)
    assert left_out["sync_shifted"] == pytest.approx(2 / 7)
    assert left_out["no_answer"] == found["no_answer"]


def test_the_average_gap_needs_all_three_dimensions() -> None:
    table = tabulate((f"c{i}", task, cond, PRIOR[task], 1) for i in range(9) for task, cond in QUESTIONS[:5])
    found = measure(FIGURES, table)
    assert value(found["average_gap"]) is None
    assert value(found["consistency_original"]) is None
    assert value(found["sync_original"]) == 1
    assert measure(FIGURES, tabulate([]))["average_gap"].estimate.value is None


def test_a_gap_over_sources_has_an_interval_and_one_over_plain_counts_has_none() -> None:
    rows = [
        (f"c{i}", task, cond, expected_label(task, cond) if (i * 7 + at) % 3 else PRIOR[task], 1)
        for i in range(60)
        for at, (task, cond) in enumerate(QUESTIONS)
    ]
    table = tabulate(rows)  # type: ignore[arg-type]
    gap = measure([AVERAGE_GAP], table)["average_gap"].estimate
    assert gap.low is not None
    assert gap.high is not None
    assert gap.value is not None
    assert gap.low < gap.value < gap.high
    assert gap.high - gap.low < 0.3
    counts = dict(zip(table.keys, table.counts.sum(axis=0).astype(int).tolist(), strict=True))
    plain = measure([AVERAGE_GAP], table_of(counts))["average_gap"].estimate
    assert (plain.value, plain.low) == (pytest.approx(gap.value), None)


@pytest.mark.parametrize("bar", PANELS, ids=lambda bar: bar.key)
def test_every_answer_is_in_exactly_one_segment(bar) -> None:  # type: ignore[no-untyped-def]
    for task, condition in bar.questions:
        for label in LABELS:
            parts = panel(bar, table_of({(task, condition, label): 5}))
            assert [part.hits for part in parts if part.hits] == [5]
            assert {part.n for part in parts} == {5}
            assert (next(part for part in parts if part.hits).segment.look == "absent") == (label in ABSENT)


def test_figures_pick_only_what_is_asked_and_their_parts_lie_within() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        for term in figure.terms:
            for pick in term.numerator:
                assert (pick.task, pick.condition) in QUESTIONS
                assert pick.labels
                assert all(
                    any(whole.holds(pick.task, pick.condition, x) for whole in term.denominator) for x in pick.labels
                )
    assert [figure.key for figure in CELL_FIGURES] == [cell.key for cell in CELLS]


def test_confusion_shows_what_was_answered_to_what() -> None:
    table = tabulate(
        [
            ("a", "sync", "original", "synced", 3),
            ("b", "sync", "original", "refused", 1),
            ("a", "sync", "delayed", "early", 2),
            ("b", "existence", "muted", "visual_only", 4),
            ("b", "choice", "original", "B", 9),
        ]
    )
    found = confusion(table)
    assert found.rows == (("sync", "original"), ("sync", "delayed"), ("existence", "muted"))
    assert found.columns == ("synced", "early", "delayed", "muted", "visual_only", *ABSENT)
    assert found.counts == ((3, 0, 0, 0, 0, 0, 1, 0), (0, 2, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 4, 0, 0, 0))
    assert found.right == (0, 2, 3)


def test_what_no_reader_says_is_refused() -> None:
    for row in (("a", "sync", "original", "in sync", 1), ("a", "sync", "muted", "synced", 1)):
        with pytest.raises(BadRequest, match="nothing is known"):
            tabulate([row])


def test_both_right_asks_for_the_original_and_every_edit() -> None:
    rows = [
        ("s1", "a", "sync", "original", True),
        ("s1", "a", "sync", "early", True),
        ("s1", "a", "sync", "delayed", False),
        ("s2", "b", "sync", "original", True),
        ("s2", "b", "sync", "early", True),
        ("s3", "c", "sync", "original", True),  # no edit asked: does not count
        ("s1", "a", "existence", "muted", True),
    ]
    found = both_right(rows)
    assert (found["sync"].value, found["sync"].n) == (0.5, 2)
    assert found["existence"].value is None


def test_coverage_counts_what_was_missed_and_conditional_does_not() -> None:
    made = [0.6, 0.6, -0.6, -0.6, 1.2, 0.0, None]
    told = [0.7, None, -1.0, 0.6, 1.2, 0.5, None]
    labels = ["delayed", "delayed", "early", "delayed", "synced", "delayed", "synced"]
    found = localise([f"c{i}" for i in range(7)], labels, made, told)
    assert (found.shifted, found.flagged, found.told) == (5, 4, 3)  # an offset told beside "synced" is no claim
    near = {each.tolerance_s: (each.hits, each.coverage.value, each.conditional.value) for each in found.near}
    assert near == {0.2: (1, 1 / 5, 1 / 4), 0.5: (2, 2 / 5, 2 / 4), 1.0: (2, 2 / 5, 2 / 4)}
    assert found.mae_s.value == pytest.approx((0.1 + 0.4 + 1.2) / 3)
    assert found.median_s == pytest.approx(0.4)
    assert found.bias_s.value == pytest.approx((0.1 - 0.4 + 1.2) / 3)
    assert found.same_side.value == pytest.approx(2 / 3)
    nothing = localise([], [], [], [])
    assert (nothing.shifted, nothing.median_s, nothing.near[0].coverage.value) == (0, None, None)
    with pytest.raises(BadRequest):
        localise(["a"], ["early", "early"], [1.0], [1.0])


def test_a_tolerance_holds_its_own_edge() -> None:
    found = localise(["a"], ["delayed"], [0.3], [0.3 + 0.2])
    assert found.near[0].hits == 1


def test_times_of_the_event_are_compared_where_both_are_known() -> None:
    found = timing(["a", "b", "c", "d"], [1.0, 2.0, None, 4.0], [1.5, 1.9, 3.0, None])
    assert (found.n, found.median_s) == (2, pytest.approx(0.3))
    assert found.mae_s.value == pytest.approx(0.3)
    assert found.bias_s.value == pytest.approx(0.2)


def test_thresholds_of_the_two_directions_are_apart() -> None:
    offsets, labels = [], []
    for size in (0.1, 0.2, 0.4, 0.8, 1.6):
        offsets += [size] * 20 + [-size] * 20
        labels += ["delayed" if size > 0.25 else "synced"] * 20 + ["synced"] * 20  # hears late sound only
    found = thresholds(offsets + [0.0] * 20, labels + ["synced"] * 20)
    assert found["early"].status == "not_reached"
    late = found["delayed"]
    assert late.status == "measured"
    assert late.threshold.value is not None
    assert 0.2 < late.threshold.value < 0.4
    assert late.guess is not None
    assert late.guess < 0.1
    assert [(size, share.n) for size, share in late.seen][:2] == [(0.0, 20), (0.1, 20)]

"""The leaderboard's sums against the figures of the single listener, and the links behind figures."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.results_kit import Mind, middling, responses
from thud.evaluation.decomposition import AVERAGE_GAP, AXES, CELL_FIGURES, PANELS, SYNC_FIGURES, Pick
from thud.evaluation.items_view import link, link_of_picks
from thud.evaluation.leaderboard import EDITED, derived, leaderboard, ranked, shares, split_rows
from thud.evaluation.measure import detect, measure
from thud.evaluation.model_view import table_from
from thud.evaluation.scoring import LABELS, Absent, expected_label
from thud.store import changes, open_store
from thud.store.score_filter import RowKey, ScoreFilter

MINDS = (Mind("a", middling(0.3)), Mind("b", middling(0.8)))
CLIPS = [f"clip{number:012d}" for number in range(60)]


@pytest.mark.parametrize("absent", ["wrong", "left_out"])
def test_the_table_shows_what_the_page_of_one_listener_shows(tmp_path: Path, absent: Absent) -> None:
    """Folded sums drawn together for all rows, and full counts of one row, give the same figures and intervals."""
    wanted = ScoreFilter(unparsed="out" if absent == "left_out" else "wrong")
    with open_store(tmp_path / "a.duckdb", tmp_path) as store:
        store.write_many([changes.add_response(each, "test") for each in responses(MINDS, CLIPS)])
        store.write_many([changes.add_response(each, "test") for each in responses([Mind("few")], CLIPS[:7])])
        known = store.score_rows()
        names = ("listener_key", "arm", "question_set", "task")
        lines = zip(known["part"].tolist(), *(known[name].tolist() for name in names), strict=True)
        parts = {part: ((key, arm, question_set), task) for part, key, arm, question_set, task in lines}
        rows = split_rows(store.score_counts(wanted), parts)
        details = [store.score_detail(RowKey(*row.row), wanted) for row in rows]
    figures = (*CELL_FIGURES, next(figure for figure in SYNC_FIGURES if figure.key == "three_class"), AVERAGE_GAP)
    assert len(rows) == 3
    for row, cells, (gap, noticed), detail in zip(
        rows, shares(rows, absent), derived(rows, absent), details, strict=True
    ):
        table = table_from(detail)
        measured = measure(figures, table, absent)
        for figure in figures[:-1]:
            assert cells[figure.key].estimate == measured[figure.key].estimate, (row.row, figure.key)
            assert cells[figure.key].n == measured[figure.key].n
        seen = detect("sync", table)
        for mine, theirs in ((gap.estimate, measured[AVERAGE_GAP.key].estimate), (noticed.estimate, seen.d_prime)):
            assert mine.value == pytest.approx(theirs.value)
            assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=1e-4)
    assert len(leaderboard(rows, absent)) == 3


def test_nothing_asked_is_an_empty_table(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.duckdb", tmp_path) as store:
        assert leaderboard(split_rows(store.score_counts(ScoreFilter()), {}), "wrong") == {}


def picked(query: str) -> set[tuple[str, str, str]]:
    """The answers that a link leads to."""
    asked = {name: value[0].split(",") for name, value in parse_qs(query).items()}
    found = {
        (task, condition, label)
        for task in asked["task"] for condition in asked["condition"] for label in asked.get("label", LABELS)
    }  # fmt: skip
    right = {key for key in found if expected_label(key[0], key[1]) == key[2]}
    return {"yes": found & right, "no": found - right}.get(asked.get("right", [""])[0], found)


def held(picks: tuple[Pick, ...]) -> set[tuple[str, str, str]]:
    return {(pick.task, pick.condition, label) for pick in picks for label in pick.labels or LABELS}


def test_links_lead_to_exactly_what_a_figure_counts() -> None:
    for figure in (*AXES, *CELL_FIGURES):
        assert picked(link_of_picks({"row": "r"}, figure.numerator)) == held(figure.numerator), figure.key
    for panel in PANELS:
        for segment in panel.segments:
            assert picked(link_of_picks({"row": "r"}, segment.picks)) == held(segment.picks), segment.key


def test_a_link_carries_what_would_break_it() -> None:
    query = link({"row": "a.audio_video.s&t", "kinds": "glass, broken=yes"}, offset=-0.6, label=("early", "desync"))
    assert parse_qs(query) == {
        "row": ["a.audio_video.s&t"], "kinds": ["glass, broken=yes"], "offset": ["-0.6"], "label": ["early,desync"],
    }  # fmt: skip


def test_rows_without_all_three_tasks_have_no_rank_and_come_last() -> None:
    rows = [
        {"listener": name, "gap": None if gap is None else {"value": gap}, "cells": {}, "three": {"value": three}}
        for name, gap, three in (("c", 0.5, 0.2), ("a", None, 0.9), ("b", 0.1, 0.5))
    ]
    assert [(row["listener"], row["rank"]) for row in ranked(rows, "gap")] == [("b", 1), ("c", 2), ("a", None)]
    assert [row["listener"] for row in ranked(rows, "three")] == ["a", "b", "c"]
    assert [row["listener"] for row in ranked(rows, "listener")] == ["a", "b", "c"]


def test_early_stands_for_both_directions() -> None:
    assert {expected_label(task, condition) for task, condition in EDITED.items()} == {"early", "muted", "mismatched"}

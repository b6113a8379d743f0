"""The six-benchmark row: means only where all parts are there, differences only over questions both answered."""

from __future__ import annotations

import random

import pytest

from thud.errors import BadRequest
from thud.evaluation.alignment_tax import COLUMNS, GENERAL, Marked, published_rows, tax_row
from thud.evaluation.published import published


def marks(n: int, right: int, seed: int = 0) -> list[Marked]:
    """n questions, three to a video, of which `right` are right."""
    flags = [at < right for at in range(n)]
    random.Random(seed).shuffle(flags)
    return [Marked(f"q{at}", f"v{at // 3}", flag) for at, flag in enumerate(flags)]


def test_means_differences_and_the_tax() -> None:
    base = {column: marks(90, 54, at) for at, column in enumerate(COLUMNS)}
    checkpoint = {column: marks(90, 45 if column in GENERAL else 81, at + 9) for at, column in enumerate(COLUMNS)}
    row = tax_row("ours", checkpoint, base)
    assert row.average is not None and row.average.value == pytest.approx((0.9 * 2 + 0.5 * 4) / 6)
    assert row.general is not None and row.general.value == pytest.approx(0.5)
    tax = row.general_change
    assert tax is not None and tax.value == pytest.approx(-0.1)
    assert tax.low is not None and tax.high is not None and tax.low < -0.1 < tax.high
    cell = row.cells["vmme"]
    assert cell is not None and cell.base is not None and cell.change is not None
    assert (cell.accuracy.value, cell.base.value) == (0.5, 0.6)
    assert cell.change.value == pytest.approx(-0.1)
    assert (cell.accuracy.n, cell.alone) == (30, 0)


def test_the_mean_of_four_is_surer_than_each_of_them() -> None:
    row = tax_row("one", dict.fromkeys(COLUMNS, marks(90, 45)))  # the same answers, and yet four separate draws

    def width(estimate: object) -> float:
        return float(getattr(estimate, "high")) - float(getattr(estimate, "low"))  # noqa: B009

    cells = [row.cells[column] for column in GENERAL]
    assert width(row.general) < min(width(cell.accuracy) for cell in cells if cell) * 0.7


def test_what_was_not_run_is_none_and_so_is_every_mean_that_needs_it() -> None:
    row = tax_row("part", {"vmme": marks(30, 20), "sync": []}, {"lvb": marks(30, 20)})
    assert row.cells["sync"] is None and row.cells["lvb"] is None
    assert (row.average, row.general, row.general_change) == (None, None, None)
    cell = row.cells["vmme"]
    assert cell is not None and (cell.base, cell.change, cell.alone) == (None, None, 0)


def test_only_shared_questions_are_compared() -> None:
    now = [Marked("a", "v1", True), Marked("b", "v2", True), Marked("only now", "v3", False)]
    then = [Marked("a", "v1", True), Marked("b", "v2", False), Marked("only then", "v4", True)]
    cell = tax_row("x", {"do": now}, {"do": then}).cells["do"]
    assert cell is not None and cell.base is not None and cell.change is not None
    assert (cell.accuracy.value, cell.base.value, cell.change.value) == (2 / 3, 0.5, 0.5)
    assert cell.alone == 2


def test_no_spread_is_not_certainty() -> None:
    same = tax_row("same", {"ws": marks(30, 20)}, {"ws": marks(30, 20)}).cells["ws"]
    assert same is not None and same.change is not None
    assert (same.change.value, same.change.low, same.change.high) == (0.0, None, None)
    perfect = tax_row("perfect", {"ws": marks(30, 30)}).cells["ws"]
    assert perfect is not None and perfect.accuracy.low is not None
    assert 0.6 < perfect.accuracy.low < 0.8  # ten videos, not thirty questions


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadRequest, match="none of the six"):
        tax_row("x", {"mmlu": marks(3, 1)})
    with pytest.raises(BadRequest, match="twice"):
        tax_row("x", {"do": marks(3, 1) * 2})
    with pytest.raises(BadRequest, match="no recipe"):
        published_rows([("other", 1, 2, 3, 4, 5, 6, 3.5)])


def test_published_rows_give_the_general_means() -> None:
    table = published().table_2()
    rows = {row.name: row for row in published_rows(table)}
    general = [rows[name].general for name in ("vanilla", "Ours CTP+FV-D+FV-A-L", "SFT CTP+FV-D+FV-A-L")]
    assert [round(100 * each.value, 2) for each in general if each and each.value] == [59.20, 60.10, 49.92]
    for name, *figures in table:
        row = rows[name]
        assert row.published
        if figures[-1] is None:
            assert row.average is None and row.cells["vmme"] is None
        else:
            assert row.average is not None and row.average.value is not None
            assert 100 * row.average.value == pytest.approx(figures[-1], abs=0.0501)
    change = rows["SFT CTP+FV-D+FV-A-L"].general_change
    assert change is not None and change.value == pytest.approx(-0.09275)
    assert change.low is None

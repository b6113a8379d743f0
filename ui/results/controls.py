"""The controls of the Results page as JSON: beside a row, on a listener's page, and between two listeners compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thud.evaluation.controls import Controls, controls_json
from thud.evaluation.items_view import estimate_json
from thud.runs.controls import SHUFFLED, compare_rows, one_row_controls, row_controls
from thud.store.score_filter import RowKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from thud.evaluation.leaderboard import Row, RowSums
    from thud.store import Store
    from ui.results.asked import Asked
    from ui.results.rows import Known

Json = dict[str, Any]
NOTHING: Json = {"controls": None, "alike": None}


def rows_json(store: Store, found: Known, sums: Sequence[RowSums], want: Asked) -> dict[Row, Json]:
    """Every row's `controls` and `alike` (its accuracy on sync, classes alike), None where it heard nothing of it."""
    held = row_controls(store, sums, want.scores, found.parts)
    return {row.row: _row(found.rows[row.row], held.get(row.row)) for row in sums if row.row in found.rows}


def model_controls(store: Store, found: Known, row: RowKey, want: Asked) -> Json | None:
    """One row's controls; None where it was not asked about synchrony with a sound."""
    about = found.about(row)
    return _row(about, one_row_controls(store, row, want.scores, found.parts))["controls"]


def compared_controls(store: Store, found: Known, a: RowKey, b: RowKey, want: Asked) -> Json | None:
    """Whether the gain of one of two listeners counts as listening: a, b, difference, p, counts, words."""
    told = compare_rows(store, a, b, want.scores, found.parts)
    if told is None:
        return None
    return {
        "a": _row(found.about(a), told.a)["controls"], "b": _row(found.about(b), told.b)["controls"],
        "difference": estimate_json(told.difference), "p": told.p, "counts": told.counts, "words": told.words,
    }  # fmt: skip


def _row(about: Json, held: Controls | None) -> Json:
    if held is None:
        return NOTHING
    told = controls_json(held, about["arm"])
    return {"controls": {**told, "ask": _to_ask(about, told)}, "alike": told["accuracy"]}


def _to_ask(about: Json, told: Json) -> Json | None:
    """What to ask so that the control is there: listener, set, arm, tasks. None where it is, or cannot be asked."""
    if about["arm"] != "audio_video" or about["people"] or told["shuffled"] is not None or told["accuracy"] is None:
        return None
    return {"listener": about["listener"], "set": about["set"]["id"], "arms": [SHUFFLED], "tasks": ["sync"]}

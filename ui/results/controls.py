"""The controls of the Results page as JSON: beside a row, on a listener's page, and between two listeners compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thud.evaluation.controls import Controls, controls_json
from thud.evaluation.items_view import estimate_json
from thud.runs.listening.controls import SHUFFLED, compare_rows, one_row_controls, row_controls
from thud.statistics import TEST_WORDS
from thud.store.score_filter import RowKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from thud.evaluation.leaderboard import Row, RowSums
    from thud.store import Store
    from ui.results.asked import Asked
    from ui.results.rows import Known

Json = dict[str, Any]
NOTHING: Json = {"controls": None, "alike": None}
MOST_CLIPS = 2000
"""A row that was asked about more clips than this is not told which: a leaderboard of such rows would be megabytes."""


def rows_json(store: Store, found: Known, sums: Sequence[RowSums], want: Asked) -> dict[Row, Json]:
    """Every row's `controls` and `alike` (its accuracy on sync, classes alike), None where it heard nothing of it."""
    held = row_controls(store, sums, want.scores, found.parts)
    told = {row.row: _row(found.rows[row.row], held.get(row.row)) for row in sums if row.row in found.rows}
    _name_clips(store, {row: one["controls"] for row, one in told.items()})
    return told


def model_controls(store: Store, found: Known, row: RowKey, want: Asked) -> Json | None:
    """One row's controls; None where it was not asked about synchrony with a sound."""
    about = found.about(row)
    told: Json | None = _row(about, one_row_controls(store, row, want.scores, found.parts))["controls"]
    _name_clips(store, {(row.listener_key, row.arm, row.question_set): told})
    return told


def compared_controls(store: Store, found: Known, a: RowKey, b: RowKey, want: Asked) -> Json | None:
    """Whether the gain of one of two listeners counts as listening: a, b, difference, p, test (its words beside it),
    counts, words.
    """
    told = compare_rows(store, a, b, want.scores, found.parts)
    if told is None:
        return None
    sides = [_row(found.about(row), held)["controls"] for row, held in ((a, told.a), (b, told.b))]
    _name_clips(
        store, {(row.listener_key, row.arm, row.question_set): one for row, one in zip((a, b), sides, strict=True)}
    )
    return {
        "a": sides[0], "b": sides[1],
        "difference": estimate_json(told.difference, told.items), "p": told.tested.p, "test": told.tested.test,
        "test_words": TEST_WORDS[told.tested.test],
        "counts": told.counts, "words": told.words,
    }  # fmt: skip


def _row(about: Json, held: Controls | None) -> Json:
    if held is None:
        return NOTHING
    told = controls_json(held, about["arm"])
    return {"controls": {**told, "ask": _to_ask(about, told)}, "alike": told["accuracy"]}


def _name_clips(store: Store, held: Mapping[Row, Json | None]) -> None:
    """Puts into what is to be asked which clips the row was asked about, where that is not every clip: else the control
    of a listener asked about held-out clips would be of those it was trained on, too.
    """
    asks = {(key, set_id): one["ask"] for (key, _, set_id), one in held.items() if one and one["ask"]}
    if not asks:
        return
    for row, clips in store.score_row_clips(min(store.count_built(), MOST_CLIPS + 1)).items():
        if row in asks:
            asks[row]["clips"] = clips


def _to_ask(about: Json, told: Json) -> Json | None:
    """What to ask so that the control is there: listener, set, arms, tasks (clips: see above). None where it is there,
    or cannot be asked.
    """
    if about["arm"] != "audio_video" or about["people"] or told["shuffled"] is not None or told["accuracy"] is None:
        return None
    return {"listener": about["listener"], "set": about["set"]["id"], "arms": [SHUFFLED], "tasks": ["sync"]}

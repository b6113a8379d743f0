"""Addresses of the items behind a figure; estimates and items as the page takes them. Pure: values to plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from thud.evaluation.decomposition import Pick
from thud.evaluation.scoring import LABELS, expected_label
from thud.statistics import Estimate

Json = dict[str, Any]


def estimate_json(estimate: Estimate, n: int | None = None) -> Json | None:
    """{value, low, high, n, sources}; n: items, `sources` what the interval rests on. None where nothing is known."""
    if estimate.value is None:
        return None
    items = estimate.n if n is None else n
    return {
        "value": estimate.value, "low": estimate.low, "high": estimate.high, "n": items, "sources": estimate.n,
    }  # fmt: skip


def link(base: Mapping[str, str], **narrowed: str | Sequence[str] | float | None) -> str:
    """A query of /api/results/items: `base` (row and filter) narrowed further; lists go in with commas."""
    values = dict(base)
    for name, value in narrowed.items():
        if value is not None and value != "" and value != ():
            values[name] = f"{value:g}" if isinstance(value, float) else _joined(value)
    return urlencode(values, quote_via=quote, safe=",")


def _joined(value: str | Sequence[str] | float) -> str:
    return value if isinstance(value, str) else ",".join(value) if isinstance(value, Sequence) else str(value)


def link_of_picks(base: Mapping[str, str], picks: Sequence[Pick]) -> str:
    """The query of exactly the answers that the picks hold, where one query can say it; else the least that holds them.

    Picks of several conditions with labels of their own are told apart by right and wrong.
    """
    tasks = list(dict.fromkeys(pick.task for pick in picks))
    conditions = list(dict.fromkeys(pick.condition for pick in picks))
    wanted = {(pick.task, pick.condition, label) for pick in picks for label in pick.labels or LABELS}
    labels = [label for label in LABELS if any(label == held for _, _, held in wanted)]
    every = {(task, condition, label) for task in tasks for condition in conditions for label in labels}
    right = {key for key in every if expected_label(key[0], key[1]) == key[2]}
    said = () if len(labels) == len(LABELS) else labels
    which = None if wanted == every else "yes" if wanted == every & right else "no" if wanted == every - right else None
    return link(base, task=tasks, condition=conditions, label=said, right=which)


def item_json(row: Mapping[str, Any]) -> Json:
    """One line of the list of items."""
    line = {
        "response": row["id"], "clip": row["clip_id"], "clip_title": row["clip_title"], "condition": row["condition"],
        "offset_s": row["offset_s"], "donor": row["donor_title"] or row["donor"], "task": row["task"],
        "question": row["question_id"], "expected": row["expected"], "label": row["said"], "right": bool(row["hit"]),
        "method": row["method"], "listener": row["listener"],
    }  # fmt: skip
    if "b_id" not in row:
        return line
    return {**line, "response_b": row["b_id"], "b_label": row["b_said"], "b_right": bool(row["b_hit"])}


def items_json(total: int, page: int, per: int, rows: Iterable[Mapping[str, Any]]) -> Json:
    """One page of items."""
    return {"total": total, "page": page, "per": per, "items": [item_json(row) for row in rows]}

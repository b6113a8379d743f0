"""One listener's page from counts per source: axes, panels, matrices, accuracy over offset, by sound class. Pure.

Counts come as the store's `score_detail` gives them; every figure carries the query of the items behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thud.evaluation.decomposition import AXES, PANELS, Panel
from thud.evaluation.items_view import Json, estimate_json, link, link_of_picks
from thud.evaluation.localise import Localisation, localise, thresholds
from thud.evaluation.measure import Key, Table, confusion, measure
from thud.evaluation.published import published
from thud.evaluation.scoring import ABSENT, LABELS, TASKS, Absent, expected_label
from thud.statistics import Psychometric, cluster_bootstrap

Columns = Mapping[str, NDArray[Any]]
Base = Mapping[str, str]
SHIFTED = ("early", "delayed")
OTHERS = 6
"""How many other listeners stand beside this one, so that a panel can be read."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another row to be shown beside this one: how often each (task, condition, label) was said, and over offset."""

    listener: str
    row: str
    counts: Mapping[Key, int]
    offsets: tuple[Json, ...] = ()


def known_labels(said: NDArray[Any]) -> NDArray[Any]:
    """The labels with what nobody knows (a judge's own word) as unparsed."""
    return np.where(np.isin(said.astype(str), LABELS), said, "unparsed")


def table_from(detail: Columns) -> Table:
    """Counts per source of what was said to each question."""
    names = list(zip(*(detail[name].tolist() for name in ("task", "condition", "said")), strict=True))
    index = {key: i for i, key in enumerate(dict.fromkeys(names))}
    sources, place = np.unique(detail["source"], return_inverse=True)
    counts = np.zeros((len(sources), len(index)))
    np.add.at(counts, (place, np.array([index[name] for name in names], dtype=np.intp)), detail["items"])
    return Table(tuple(index), counts, True)


def axes(table: Table, absent: Absent, base: Base) -> list[Json]:
    """The eight ways to fail, each with its rate; None where it was not asked."""
    measured = measure(AXES, table, absent)
    return [
        {
            "key": figure.key, "title": figure.title, "words": figure.plain, "group": figure.group,
            **_flat(estimate_json(measured[figure.key].estimate, measured[figure.key].n)),
            "items": link_of_picks(base, figure.numerator),
        }
        for figure in AXES
    ]  # fmt: skip


def _flat(estimate: Json | None) -> Json:
    return estimate or {"value": None, "low": None, "high": None, "n": 0, "sources": 0}


def panels(name: str, row: str, table: Table, others: Sequence[Other], base: Base) -> list[Json]:
    """The three decomposition bars: this listener, others measured here, and the paper's. `of`: items of this one."""
    counts = dict(zip(table.keys, table.counts.sum(axis=0).astype(int).tolist(), strict=True))
    return [_panel(bar, name, row, counts, others, base) for bar in PANELS]


def _panel(bar: Panel, name: str, row: str, counts: Mapping[Key, int], others: Sequence[Other], base: Base) -> Json:
    mine = _segments(bar, counts, base)
    rows = [{"listener": name, "row": row, "current": True, "published": False, "segments": mine}]
    for other in others:
        segments = _segments(bar, other.counts, {**base, "row": other.row})
        if any(segment["count"] for segment in segments):
            rows.append(
                {
                    "listener": other.listener,
                    "row": other.row,
                    "current": False,
                    "published": False,
                    "segments": segments,
                }
            )
    rows += [
        {"listener": f"{model.name}, published", "row": "", "current": False, "published": True,
         "segments": _published_segments(bar, model.panels[bar.key])}
        for model in published().models if bar.key in model.panels
    ]  # fmt: skip
    return {"key": bar.key, "title": bar.title, "of": sum(segment["count"] for segment in mine), "rows": rows}


def _segments(bar: Panel, counts: Mapping[Key, int], base: Base) -> list[Json]:
    found = [
        sum(count for key, count in counts.items() if any(pick.holds(*key) for pick in segment.picks))
        for segment in bar.segments
    ]
    total = sum(found)
    return [
        {"key": segment.key, "title": segment.title, "look": segment.look, "count": count,
         "share": count / total if total else None, "items": link_of_picks(base, segment.picks)}
        for segment, count in zip(bar.segments, found, strict=True)
    ]  # fmt: skip


def _published_segments(bar: Panel, shares: Mapping[str, float]) -> list[Json]:
    return [
        {"key": segment.key, "title": segment.title, "look": segment.look, "count": None,
         "share": shares.get(segment.key, 0.0), "items": ""}
        for segment in bar.segments
    ]  # fmt: skip


def matrices(table: Table, base: Base) -> list[Json]:
    """One matrix per task: what was shown against what was answered, outcomes in columns of their own."""
    found = []
    for task in TASKS:
        mine = [i for i, key in enumerate(table.keys) if key[0] == task]
        matrix = confusion(Table(tuple(table.keys[i] for i in mine), table.counts[:, mine], True))
        if matrix.rows:
            columns = [{"label": label, "outcome": label in ABSENT} for label in matrix.columns]
            rows = []
            for (_, condition), counts in zip(matrix.rows, matrix.counts, strict=True):
                expected = expected_label(task, condition)
                cells = [
                    {"label": label, "count": count, "right": label == expected,
                     "items": link(base, task=task, condition=condition, label=label)}
                    for label, count in zip(matrix.columns, counts, strict=True)
                ]  # fmt: skip
                rows.append({"condition": condition, "expected": expected, "n": sum(counts), "cells": cells})
            found.append({"task": task, "columns": columns, "rows": rows})
    return found


def grouped(detail: Columns, keys: Sequence[Any], chosen: NDArray[np.bool_], absent: Absent) -> dict[Any, Json]:
    """The share that is right for each of `keys` (one per line of `detail`), over the chosen lines, keys in order."""
    if absent == "left_out":
        chosen = chosen & ~np.isin(detail["said"].astype(str), ABSENT)
    lines = np.flatnonzero(chosen)
    held = [keys[line] for line in lines.tolist()]
    names = sorted(set(held))
    if not names:
        return {}
    column = {name: i for i, name in enumerate(names)}
    sources, place = np.unique(detail["source"][lines], return_inverse=True)
    where = (place, np.array([column[key] for key in held], dtype=np.intp))
    items, hits = np.zeros((len(sources), len(names))), np.zeros((len(sources), len(names)))
    np.add.at(items, where, detail["items"][lines])
    np.add.at(hits, where, detail["items"][lines] * (detail["said"][lines] == detail["expected"][lines]))
    estimates = cluster_bootstrap(hits, items)
    return {
        name: _flat(estimate_json(estimate, int(total)))
        for name, estimate, total in zip(names, estimates, items.sum(axis=0), strict=True)
    }


def offset_points(detail: Columns, absent: Absent, base: Base) -> tuple[list[Json], Json | None]:
    """Share of shifted sync items whose direction is right, by signed offset, and of originals that are told so."""
    sync = detail["task"] == "sync"
    shifted = sync & np.isfinite(detail["offset_s"]) & np.isin(detail["condition"].astype(str), SHIFTED)
    offsets_s = np.round(detail["offset_s"], 3).tolist()
    points = [
        {"offset_s": offset_s, "direction": "early" if offset_s < 0 else "delayed", **estimate,
         "items": link(base, task="sync", condition=SHIFTED, offset=float(offset_s))}
        for offset_s, estimate in grouped(detail, offsets_s, shifted, absent).items()
    ]  # fmt: skip
    original = grouped(detail, detail["task"].tolist(), sync & (detail["condition"] == "original"), absent)
    told = original.get("sync")
    return points, None if told is None else {**told, "items": link(base, task="sync", condition="original")}


def bands(detail: Columns, absent: Absent, base: Base) -> list[Json]:
    """Three-class accuracy by the size of the offset, 0 = original, the largest first as in the paper's figure 5."""
    sync = (detail["task"] == "sync") & (np.isfinite(detail["offset_s"]) | (detail["condition"] == "original"))
    sizes = np.where(detail["condition"] == "original", 0.0, np.round(np.abs(detail["offset_s"]), 3)).tolist()
    found = grouped(detail, sizes, sync, absent)
    return [
        {"offset_s": size, "title": "in sync" if size == 0 else f"±{size:g} s", **found[size],
         "items": link(base, task="sync", condition="original" if size == 0 else SHIFTED,
                       offsets=None if size == 0 else f"{size:g}")}
        for size in sorted(found, key=lambda size: (size != 0, -size))
    ]  # fmt: skip


def kinds(detail: Columns, absent: Absent, base: Base) -> list[Json]:
    """Share right on edited clips by sound class: shifted ones where sync was asked, else all that are edited."""
    sync = bool((detail["task"] == "sync").any())
    edited = (detail["condition"] != "original") & ((detail["task"] == "sync") | (not sync))
    found = grouped(detail, detail["kind"].tolist(), edited, absent)
    narrowed = {"task": "sync", "condition": SHIFTED} if sync else {"condition": ("muted", "swapped")}
    rows = [{"kind": kind, **estimate, "items": link(base, **narrowed, kind=kind)} for kind, estimate in found.items()]
    return sorted(rows, key=lambda row: (-row["n"], row["kind"]))


def curves(detail: Columns, absent: Absent) -> list[Json]:
    """The fitted share of the right direction over the size of the offset, early and delayed apart."""
    sync = detail["task"] == "sync"
    lines = np.flatnonzero(sync & (np.isfinite(detail["offset_s"]) | (detail["condition"] == "original")))
    if not np.isfinite(detail["offset_s"][lines]).any():
        return []
    made = np.where(detail["condition"][lines] == "original", 0.0, detail["offset_s"][lines])
    times = detail["items"][lines]
    said = np.repeat(detail["said"][lines], times).tolist()
    fitted = thresholds(np.repeat(made, times), said, absent=ABSENT if absent == "left_out" else ())
    return [_curve(direction, curve) for direction, curve in fitted.items() if curve.largest_s]


def _curve(direction: str, curve: Psychometric) -> Json:
    sign = -1.0 if direction == "early" else 1.0
    return {
        "direction": direction, "points": [[sign * point.offset_s, point.value] for point in curve.curve],
        "threshold": estimate_json(curve.threshold), "words": _threshold_words(direction, sign, curve),
    }  # fmt: skip


def _threshold_words(direction: str, sign: float, curve: Psychometric) -> str:
    right, largest, smallest = f"{curve.level:.0%} right", curve.largest_s or 0.0, curve.smallest_s or 0.0
    told = curve.threshold
    if told.value is not None and told.low is not None and told.high is not None:
        low, high = sorted((sign * told.low, sign * told.high))
        return f"{direction} {sign * told.value:+.2f} [{low:+.2f}, {high:+.2f}] s ({right})"
    if curve.status == "below":
        return f"{direction} before {sign * smallest:+.1f} s, under the tested range ({right})"
    return f"{direction} beyond {sign * largest:+.1f} s, outside the tested range ({right})"


def localisation(times: Columns) -> Json | None:
    """How well the size of the offset is told; None where no shifted item was asked about."""
    if not len(times["offset_s"]):
        return None
    found = localise(times["source"].tolist(), times["said"].tolist(), times["offset_s"], times["said_offset_s"])
    within = [
        {"tolerance_s": near.tolerance_s, "coverage": estimate_json(near.coverage, found.shifted),
         "conditional": estimate_json(near.conditional, found.flagged), "n": found.shifted, "flagged": found.flagged}
        for near in found.near
    ]  # fmt: skip
    return {
        "words": _localised(found), "within": within, "told": found.told, "median_s": found.median_s,
        "bias_s": found.bias_s.value,
    }  # fmt: skip


def _localised(found: Localisation) -> str:
    if not found.flagged:
        return f"It called none of the {found.shifted} shifted items shifted."
    if not found.told:
        return f"It called {found.flagged} of the {found.shifted} shifted items shifted and told no offset."
    near = next(each for each in found.near if each.tolerance_s == 0.5)
    of_all, of_flagged = (100 * (each.value or 0.0) for each in (near.coverage, near.conditional))
    bias_s = "" if found.bias_s.value is None else f", bias {found.bias_s.value:+.2f} s".replace("-", "−")
    return (
        f"Within 0.5 s: {of_all:.1f} % of the {found.shifted} shifted items (coverage), {of_flagged:.1f} % of the "
        f"{found.flagged} it flagged. Median error {found.median_s or 0.0:.2f} s{bias_s}."
    )


def others_of(shares: Columns, mine: str, names: Mapping[str, str]) -> list[Other]:
    """Other rows beside this one, people first, then by name. names: row key → listener, of all that may be chosen."""
    keys = zip(*(shares[name].tolist() for name in ("listener_key", "arm", "question_set")), strict=True)
    rows = np.array([".".join(key) for key in keys], dtype=object)
    wanted = sorted(
        (name for name in names if name != mine), key=lambda key: (not key.startswith("people."), names[key])
    )
    return [_other(shares, rows == key, key, names[key]) for key in wanted[:OTHERS] if (rows == key).any()]


def _other(shares: Columns, lines: NDArray[np.bool_], row: str, name: str) -> Other:
    counts: dict[Key, int] = {}
    by_offset: dict[float, list[int]] = {}
    columns = (shares[key][lines].tolist() for key in ("task", "condition", "said", "expected", "offset_s", "items"))
    for task, condition, said, expected, offset_s, items in zip(*columns, strict=True):
        counts[task, condition, said] = counts.get((task, condition, said), 0) + items
        if task == "sync" and condition in SHIFTED and np.isfinite(offset_s):
            sums = by_offset.setdefault(round(offset_s, 3), [0, 0])
            sums[0] += items * (said == expected)
            sums[1] += items
    points = tuple({"offset_s": each, "value": k / n, "n": n} for each, (k, n) in sorted(by_offset.items()))
    return Other(name, row, counts, points)


def model_page(
    detail: Columns, times: Columns, others: Sequence[Other], name: str, row: str, absent: Absent, base: Base
) -> Json:
    """Everything of the model's page but its head, its floor and its notes."""
    detail = {**detail, "said": known_labels(detail["said"])}
    table = table_from(detail)
    points, original = offset_points(detail, absent, base)
    beside = [{"name": other.listener, "points": list(other.offsets)} for other in others if other.offsets]
    return {
        "axes": axes(table, absent, base),
        "panels": panels(name, row, table, others, base),
        "matrices": matrices(table, base),
        "offsets": {"points": points, "original": original, "curves": curves(detail, absent), "others": beside},
        "bands": bands(detail, absent, base),
        "kinds": kinds(detail, absent, base),
        "localise": localisation(times),
    }

"""The Results page from the store: who, what was counted, and the figures of it, as JSON. One function per view."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from thud.evaluation.answers import RULES_VERSION
from thud.evaluation.compare import Tally, compare
from thud.evaluation.items_view import Json, estimate_json, items_json, link
from thud.evaluation.leaderboard import MUCH_UNANSWERED, leaderboard, ranked, split_rows
from thud.evaluation.model_view import model_page, others_of
from thud.evaluation.published import published
from thud.evaluation.scoring import ABSENT, CELLS, cell_of
from thud.runs.listening.controls import SHUFFLED
from thud.runs.listening.leak import heard_without_picture, leak_report
from thud.statistics import TEST_WORDS
from thud.store.score_filter import RowKey, ScoreFilter
from ui.results.asked import Asked, Query, asked, items_asked, row_of
from ui.results.controls import NOTHING, compared_controls, model_controls, rows_json
from ui.results.rows import Known, known, options

if TYPE_CHECKING:
    from thud.store import Store


def leak_of(store: Store, found: Known) -> Json:
    """What can be scored on these stimuli without watching and listening: floor, leak, advice, chance."""
    heard = heard_without_picture(store) if any(arm == SHUFFLED for _, arm, _ in found.rows) else ()
    return leak_report(store, store.workspace, heard=heard, measure=True)


def leaderboard_json(store: Store, query: Query) -> Json:
    """Every row that the filter leaves, ranked and sorted, with the paper's rows beside them."""
    began = time.perf_counter()
    found = known(store)
    want = asked(query, found.sets)
    leak = leak_of(store, found)
    floor = leak["floor"]
    sums = split_rows(store.score_counts(want.scores), found.parts)
    figures, controls = leaderboard(sums, want.scores.absent), rows_json(store, found, sums, want)
    rows = [
        _row(store, want, found.rows[row], {**figure, **controls.get(row, NOTHING)})
        for row, figure in figures.items()
        if row in found.rows
    ]
    return {
        "filter": _shown_filter(want), "options": options(found), "rows": ranked(rows, want.sort),
        "items": sum(row["no_answer"]["n"] for row in rows), "clips": store.score_clips(want.scores),
        "chance": leak["chance"], "published": published_rows(), "floor": floor, "leak": leak["leak"],
        "advice": leak["advice"],
        "warnings": [*_older(store), *(line for row in rows for line in _warnings(want, row))],
        "method": "95 % intervals: bootstrap over sources, 2000 draws; Wilson's where fewer than 5 sources differ.",
        "ms": round(1000 * (time.perf_counter() - began)),
    }  # fmt: skip


def _older(store: Store) -> list[Json]:
    """Answers that rules of another version read must not stand beside today's without a word."""
    count = store.count_older(RULES_VERSION)
    text = f"{count} responses were read by older rules. Stop thud and run: .venv/bin/python -m thud reread"
    return [{"level": "warn", "text": text, "items": None}] if count else []


def _row(store: Store, want: Asked, about: Json, figures: Json) -> Json:
    about = {**about, "warning": about["warnings"][0] if about["warnings"] else ""}
    if about["people"]:
        key = RowKey(*about["row"].split(".", 2))
        clips = store.score_clips(replace(want.scores, row=key, arms=(), question_sets=(), text=""))
        about["note"] += f", {clips} {'clip' if clips == 1 else 'clips'}"
    shown = {key: value for key, value in about.items() if key not in ("warnings", "items", "step")}
    return {**shown, **figures}


def _shown_filter(want: Asked) -> Json:
    return {
        "set": want.set, "arm": ",".join(want.scores.arms), "answers": want.scores.answers,
        "unparsed": want.scores.unparsed, "kinds": list(want.scores.kinds), "offsets": list(want.scores.offsets_s),
        "tasks": list(want.scores.tasks), "sort": want.sort, "q": want.scores.text, "judge": want.scores.judge,
    }  # fmt: skip


def _warnings(want: Asked, row: Json) -> list[Json]:
    found: list[Json] = []
    share = row["no_answer"]["value"] or 0.0
    name = f"{row['listener']} ({row['arm_words']})"
    if share > MUCH_UNANSWERED:
        query = link({"row": row["row"], **want.carried}, label=ABSENT)
        text = f"{name} gave no answer to {100 * share:.1f} % of the items."
        if want.scores.unparsed == "wrong":
            text += " They count as wrong."
        found.append({"level": "warn", "text": text, "items": {"query": query}})
    canary = row["canary"]
    if canary and canary["override"]:
        text = f"{name} failed the audio canary ({canary['passed']} of {canary['of']}) and was scored all the same."
        found.append({"level": "bad", "text": f"{text} {canary['words']}".strip(), "items": None})
    if row["warning"]:
        found.append({"level": "warn", "text": row["warning"], "items": None})
    return found


def published_rows() -> list[Json]:
    """The paper's table 1: name, size, cells with Wilson's interval, gap, three-class accuracy.

    Its classes have as many items each, so with its classes alike that accuracy is the same.
    """
    paper = published()
    return [
        {
            "name": model.name, "size": model.size, "source": paper.source, "gap": _value(model.average_gap),
            "cells": {cell: estimate_json(model.estimate(cell), model.items[cell]) for cell in model.cells},
            "three": _value(model.three_class), "alike": _value(model.three_class),
        }
        for model in paper.models
    ]  # fmt: skip


def _value(share: float) -> Json:
    return {"value": share, "low": None, "high": None, "n": 0, "sources": 0}


def head_of(about: Json, notes: Sequence[Json] = ()) -> Json:
    """What stands over the page of a row."""
    kept = (
        "row",
        "listener",
        "model",
        "backend",
        "arm",
        "arm_words",
        "set",
        "items",
        "at",
        "runs",
        "simulated",
        "canary",
        "untested",
    )
    run = about["runs"][-1] if about["runs"] else ""
    return {
        **{name: about[name] for name in kept},
        "run": run,
        "note_text": notes[-1]["text"] if notes else about["note"],
    }


def model_json(store: Store, query: Query) -> Json:
    """One row's page."""
    found, row = known(store), row_of(query)
    about = found.about(row)
    want = asked(query, found.sets)
    base = {"row": str(row), **want.carried}
    shares = store.score_shares(replace(want.scores, arms=(), question_sets=(row.question_set,), text=""))
    names = {
        ".".join(key): _short_name(found.rows[key], row)
        for key in found.rows if key[2] == row.question_set and key[1] in (row.arm, "audio_video")
    }  # fmt: skip
    others = others_of(shares, str(row), names)
    detail, times = store.score_detail(row, want.scores), store.score_times(row, want.scores)
    page = model_page(detail, times, others, about["listener"], str(row), want.scores.absent, base)
    floor = leak_of(store, found)["floor"]
    page["offsets"]["floor"] = floor["shifted"] if floor else None
    notes = row_notes(store, row)
    listening = model_controls(store, found, row, want)
    return {"head": head_of(about, notes), **page, "step": about["step"], "notes": notes, "controls": listening}


def _short_name(about: Json, row: RowKey) -> str:
    return str(about["listener"]) if about["arm"] == row.arm else f"{about['listener']}, {about['arm_words']}"


def compare_json(store: Store, query: Query) -> Json:
    """Two rows, paired by item."""
    found, a, b = known(store), row_of(query, "a"), row_of(query, "b")
    heads = [head_of(found.about(row)) for row in (a, b)]
    want = asked(query, found.sets)
    tallies, flipped, items = _tallies(store, a, b, want.scores)
    result = compare(tallies)
    base = {"a": str(a), "b": str(b), **want.carried}
    cells = [
        {
            "cell": row.key, "title": row.title, "a": estimate_json(row.a, row.items),
            "b": estimate_json(row.b, row.items), "difference": estimate_json(row.difference, row.items),
            "a_only": row.a_only, "b_only": row.b_only, "p": row.p, "mcnemar": row.mcnemar_p, "test": row.test,
            "holm": row.holm_p, "shown": row.shown, "can_show": row.detectable,
            "items_a": link(base, **_cell_link(row.key), flip="b_wrong"),
            "items_b": link(base, **_cell_link(row.key), flip="a_wrong"),
        }
        for row in result.cells
    ]  # fmt: skip
    return {
        "a": heads[0], "b": heads[1], "items": items, "clips": len({tally.source for tally in tallies}),
        "verdict": {"answer": result.answer, "text": result.reason}, "cells": cells, "flipped": flipped,
        "listening": compared_controls(store, found, a, b, want),
        "note": _compare_note(a, b, items, result.cells),
    }  # fmt: skip


def _tallies(store: Store, a: RowKey, b: RowKey, wanted: ScoreFilter) -> tuple[list[Tally], Json, int]:
    pairs = store.score_pairs(a, b, wanted)
    four: dict[tuple[str, str], list[int]] = {}
    names = ("task", "condition", "source", "hit", "b_hit", "items")
    for task, condition, source, hit, b_hit, items in zip(*(pairs[name].tolist() for name in names), strict=True):
        cell = cell_of(task, condition)
        if cell is not None:
            four.setdefault((cell, str(source)), [0, 0, 0, 0])[2 * (not hit) + (not b_hit)] += items
    tallies = [Tally(cell, source, *counts) for (cell, source), counts in sorted(four.items())]
    flipped = {"a_wrong": sum(each.b_only for each in tallies), "b_wrong": sum(each.a_only for each in tallies)}
    return tallies, flipped, sum(sum(counts) for counts in four.values())


def _cell_link(key: str) -> Json:
    cell = next(each for each in CELLS if each.key == key)
    return {"task": cell.task, "condition": cell.conditions}


def _compare_note(a: RowKey, b: RowKey, items: int, cells: Sequence[Any]) -> str:
    if not items:
        if a.question_set != b.question_set:
            return "They were asked different questions: choose two rows of the same question set."
        return "They share no item that both answered."
    tests = {row.test for row in cells}
    test = TEST_WORDS["mcnemar" if tests == {"mcnemar"} else "sign_flip"]
    return (
        f"Intervals: bootstrap over sources, 2000 draws. Test: {test}; Holm over the {len(cells)} rows. “Can show” is "
        "the smallest difference found with power 0.8. Items of one source are drawn together."
    )


def list_items(store: Store, query: Query) -> Json:
    """One page of the items behind a figure."""
    found = known_sets(store)
    items, wanted = items_asked(query, asked(query, found).scores)
    total, rows = store.score_items(items, wanted)
    return items_json(total, items.page, items.per, rows)


def known_sets(store: Store) -> dict[str, Json]:
    """Question sets by id, without counting anything."""
    from thud.runs.listening.listen import question_sets

    return {id_: {"name": one.name, "style": one.style} for id_, one in question_sets(store).items()}


def row_notes(store: Store, row: RowKey) -> list[Json]:
    """The notes on a row, the oldest first."""
    kept = store.definitions("row_note").values()
    mine = [note for note in kept if isinstance(note, dict) and note.get("row") == str(row)]
    return sorted(mine, key=lambda note: str(note.get("at", "")))

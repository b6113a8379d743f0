"""/api/results/benchmarks and /tax: sets that others made, asking a listener about them, the six-benchmark table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request

from ui.body import text
from ui.house import House, actor

if TYPE_CHECKING:
    from thud.evaluation.alignment_tax import TaxRow
    from thud.statistics import Estimate

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
LONGEST_PATH, LONGEST_NAME = 4000, 80
MOST_REFUSED = 20


def benchmarks_router(house: House) -> APIRouter:
    """Routes over imported benchmarks. Paths are of the machine that thud runs on."""
    router = APIRouter(prefix="/api/results")

    @router.get("/tax")
    def tax(base: str = "") -> Json:
        return tax_json(house, base)

    @router.post("/benchmarks/import")
    def take(request: Request, body: JsonBody) -> Json:
        from thud.runs.listening.benchmarks import import_benchmark

        kind = text(body, "kind", LONGEST_NAME, "") or None
        path = Path(text(body, "path", LONGEST_PATH)).expanduser()
        made, found = import_benchmark(house.store, path, actor(request), kind)
        refused = [{"subject": one.subject, "reason": one.reason} for one in found.refused[:MOST_REFUSED]]
        about = {"id": made.id, "name": made.name, "questions": made.questions}
        return {**about, "refused": len(found.refused), "reasons": made.refused, "first": refused}

    @router.post("/benchmarks/ask")
    def ask(request: Request, body: JsonBody) -> Json:
        from thud.runs.listening.benchmarks import find_benchmark, start_benchmark
        from thud.runs.listening.listen import find_listener

        listener = find_listener(house.store, text(body, "listener", LONGEST_NAME))
        benchmark = find_benchmark(house.store, text(body, "benchmark", LONGEST_NAME))
        arm = text(body, "arm", LONGEST_NAME, "") or listener.arms[0]
        override = body.get("override") is True
        run = start_benchmark(
            house.store, house.runs, listener, benchmark, actor(request), arm=arm, override=override
        )  # fmt: skip
        return {"run": {"id": run.id, "title": run.title}}

    return router


def tax_json(house: House, base: str) -> Json:
    """The table: measured rows, then the paper's; and which sets and listeners there are."""
    from thud.evaluation.alignment_tax import COLUMNS, published_rows
    from thud.evaluation.published import published
    from thud.runs.listening.benchmarks import imported, tax_rows
    from thud.runs.listening.listen import find_listener, listeners

    known = listeners(house.store)
    rows = tax_rows(house.store, find_listener(house.store, base).key() if base else "")
    sets = [{"id": key, **body} for key, body in imported(house.store).items()]
    return {
        "columns": [{"key": key, "title": title} for key, title in COLUMNS.items()],
        "base": base,
        "rows": [_row(row) for row in rows],
        "published": [_row(row) for row in published_rows(published().table_2())],
        "sets": sets,
        "listeners": [name for name, one in known.items() if one.backend != "signal"],
    }


def _row(row: TaxRow) -> Json:
    cells = {
        key: cell and {"value": _json(cell.accuracy), "change": _json(cell.change), "alone": cell.alone}
        for key, cell in row.cells.items()
    }
    means = {"average": row.average, "general": row.general, "change": row.general_change}
    return {"name": row.name, "cells": cells, **{name: _json(figure) for name, figure in means.items()}}


def _json(figure: Estimate | None) -> Json | None:
    if figure is None or figure.value is None:
        return None
    return {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}

"""/api/pairs: recipes, sets with their funnel and lint, single pairs, and what people decide about them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from ui.house import House
from ui.routes.pairs_making import making_router

Json = dict[str, Any]


def pairs_router(house: House) -> APIRouter:
    """Routes of the Pairs page, for researchers."""
    router = APIRouter(prefix="/api/pairs")
    router.include_router(making_router(house))

    @router.get("")
    def overview() -> Json:
        from ui.pairs.rows import overview_json

        return overview_json(house)

    @router.get("/runs/{run_id}")
    def outcome(run_id: str) -> Json:
        from ui.pairs.rows import outcome_json

        return outcome_json(house, run_id)

    @router.get("/sets/{set_id}")
    def one_set(set_id: str) -> Json:
        from ui.pairs.rows import set_json

        return set_json(house, set_id)

    @router.get("/sets/{set_id}/rows")
    def rows(set_id: str, request: Request) -> Json:
        from ui.pairs.rows import asked, rows_json

        return rows_json(house, set_id, asked(request.query_params))

    @router.get("/sets/{set_id}/pair/{number}")
    def pair(set_id: str, number: int) -> Json:
        from ui.pairs.pair import pair_full

        return pair_full(house, set_id, number)

    return router

"""/api/train: runs and chains of the Train page, what speaks against a new run, what one has learnt."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ui.body import read_json
from ui.house import House
from ui.routes.train_doing import doing_router

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
LOG_BYTES = 20_000


def train_router(house: House) -> APIRouter:
    """Routes of the Train page, for researchers."""
    router = APIRouter(prefix="/api/train")
    router.include_router(doing_router(house))
    _looking(router, house)
    _one_run(router, house)
    return router


def _looking(router: APIRouter, house: House) -> None:
    @router.get("")
    def overview() -> Json:
        from ui.train.rows import overview_json

        return overview_json(house)

    @router.get("/recipes")
    def recipes() -> Json:
        from ui.train.rows import recipes_json

        return recipes_json(house)

    @router.post("/check")
    def check(body: JsonBody) -> Json:
        from ui.train.rows import check_json

        return check_json(house, body)

    @router.get("/exported/{run_id}")
    def exported(run_id: str) -> Json:
        lines = house.runs.results(run_id)
        told = next((line["result"] for line in lines if line.get("result")), {})
        return {"folder": str(told.get("folder", "")), "address": str(told.get("address", ""))}


def _one_run(router: APIRouter, house: House) -> None:
    @router.get("/runs/{run_id}")
    def one(run_id: str, offset: str = "") -> Json:
        from ui.train.rows import one_run_json

        return one_run_json(house, run_id, offset)

    @router.get("/runs/{run_id}/log")
    def log(run_id: str) -> Json:
        return {"log": house.runs.log(run_id, LOG_BYTES)}

    @router.get("/runs/{run_id}/before-after")
    def before_after(run_id: str) -> Json:
        from ui.train.card import card_json

        return card_json(house, run_id)

    @router.get("/runs/{run_id}/before-after.csv")
    def before_after_csv(run_id: str) -> Response:
        from ui.train.card import card_csv, card_json

        headers = {"Content-Disposition": f'attachment; filename="thud-before-after-{run_id[:16]}.csv"'}
        return Response(card_csv(card_json(house, run_id)), media_type="text/csv; charset=utf-8", headers=headers)

"""/api/pairs/rewrite: what putting a set's answers into other words would cost, and starting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request

from ui.body import read_json, text
from ui.house import House, actor, started

if TYPE_CHECKING:
    from thud.runs.pairs.rewriting import RewritePlan

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
FIELDS = ("provider", "model", "base_url", "key_env", "at_once", "per_minute")
LONGEST_ID = 100


def rewriting_router(house: House) -> APIRouter:
    """Routes over rewriting. No answer holds a key, only the name of its variable."""
    router = APIRouter(prefix="/api/pairs/rewrite")

    @router.post("/plan")
    def plan(body: JsonBody) -> Json:
        from thud.runs.pairs.rewriting import plan_row

        return plan_row(_planned(house, body))

    @router.post("")
    def start(request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.rewriting import start_rewriting

        return started(start_rewriting(house.store, house.runs, _planned(house, body), actor(request)))

    return router


def _planned(house: House, body: Json) -> RewritePlan:
    from thud.runs.pairs.rewriting import parse_rewriter, plan_rewriting

    rewriter = parse_rewriter({name: body[name] for name in FIELDS if body.get(name) is not None})
    return plan_rewriting(house.store, house.runs, rewriter, text(body, "set", LONGEST_ID))

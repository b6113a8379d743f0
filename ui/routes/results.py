"""/api/results: leaderboard, one listener, two compared, the items behind every figure, people's readings of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request

from ui.body import text
from ui.house import House, actor
from ui.routes.results_export import export_router

if TYPE_CHECKING:
    from ui.results.asked import Query

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
LONGEST_NAME, LONGEST_QUERY, LONGEST_NOTE, LONGEST_ID = 80, 4000, 4000, 64


def results_router(house: House) -> APIRouter:
    """Routes of the Results page. Every parameter is optional text; a wrong one is answered with a sentence."""
    router = APIRouter(prefix="/api/results")
    _figures(router, house)
    _items(router, house)
    _words(router, house)
    router.include_router(export_router(house))
    return router


def _figures(router: APIRouter, house: House) -> None:
    @router.get("/leaderboard")
    def leaderboard(request: Request) -> Json:
        from ui.results.data import leaderboard_json

        return leaderboard_json(house.store, _query(request))

    @router.get("/model")
    def model(request: Request) -> Json:
        from ui.results.data import model_json

        return model_json(house.store, _query(request))

    @router.get("/compare")
    def compare(request: Request) -> Json:
        from ui.results.data import compare_json

        return compare_json(house.store, _query(request))


def _items(router: APIRouter, house: House) -> None:
    @router.get("/items")
    def items(request: Request) -> Json:
        from ui.results.data import list_items

        return list_items(house.store, _query(request))

    @router.get("/item/{response}")
    def item(response: str, request: Request) -> Json:
        from ui.results.item import item_full

        return item_full(house.store, response, _query(request))

    @router.post("/readings")
    def read(request: Request, body: JsonBody) -> Json:
        from ui.results.item import relabel

        response, label = text(body, "response", LONGEST_ID), text(body, "label", LONGEST_ID)
        return relabel(house.store, response, label, actor(request))

    @router.post("/readings/undo")
    def undo(request: Request, body: JsonBody) -> Json:
        from ui.results.item import undo_reading

        return undo_reading(house.store, text(body, "response", LONGEST_ID), actor(request))


def _words(router: APIRouter, house: House) -> None:
    @router.get("/views")
    def views() -> Json:
        from ui.results.item import views as saved

        return saved(house.store)

    @router.post("/views")
    def save_view(request: Request, body: JsonBody) -> Json:
        from ui.results.item import save_view as save

        name = text(body, "name", LONGEST_NAME)
        query = None if body.get("query") is None else text(body, "query", LONGEST_QUERY, "")
        return save(house.store, name, query, actor(request))

    @router.post("/notes")
    def note(request: Request, body: JsonBody) -> Json:
        from ui.results.asked import row_of
        from ui.results.item import add_note

        row = row_of({"row": text(body, "row", 300)})
        return add_note(house.store, row, text(body, "text", LONGEST_NOTE), actor(request))


def _query(request: Request) -> Query:
    return dict(request.query_params)

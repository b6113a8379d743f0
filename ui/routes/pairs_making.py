"""Everything on the Pairs page that makes, keeps or takes away something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from thud.errors import BadRequest
from ui.body import read_json, text
from ui.house import House, actor, started

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
LONGEST_NAME, LONGEST_PATH, MOST_REMAPS = 80, 4000, 20


def making_router(house: House) -> APIRouter:
    """POST routes; every one answers with what it made or the run that makes it."""
    router = APIRouter()
    _recipes(router, house)
    _words(router, house)
    _sets(router, house)
    _material(router, house)
    return router


def _recipes(router: APIRouter, house: House) -> None:
    @router.post("/recipe/save")
    def save(request: Request, body: JsonBody) -> Json:
        from thud.pairs.recipe import parse_recipe
        from thud.runs.pairs.sets import save_recipe
        from ui.pairs.rows import recipe_row

        recipe = parse_recipe(body.get("recipe"))
        save_recipe(house.store, recipe, actor(request))
        return {"recipe": recipe_row(recipe, own=True)}

    @router.post("/recipe/remove")
    def remove(request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.sets import remove_recipe

        name = text(body, "name", LONGEST_NAME)
        remove_recipe(house.store, name, actor(request))
        return {"removed": name}

    @router.post("/build")
    def build(request: Request, body: JsonBody) -> Json:
        from thud.pairs.recipe import parse_recipe
        from thud.runs.pairs.sets import start_build

        return started(start_build(house.store, house.runs, parse_recipe(body.get("recipe")), actor(request)))


def _words(router: APIRouter, house: House) -> None:
    @router.post("/word")
    def word(request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.sets import say

        pair, said = text(body, "id", LONGEST_NAME), text(body, "word", 20, "")
        say(house.store, pair, said, actor(request))
        return {"id": pair, "word": said}


def _sets(router: APIRouter, house: House) -> None:
    @router.post("/sets/{set_id}/fix")
    def fix(set_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.sets import start_fix

        how, check = text(body, "fix", LONGEST_NAME), text(body, "check", LONGEST_NAME, "")
        return started(start_fix(house.store, house.runs, set_id, how, check, actor(request)))

    @router.post("/sets/{set_id}/export")
    def export(set_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.files import start_export

        form, name = text(body, "format", LONGEST_NAME), text(body, "name", LONGEST_NAME, "")
        return started(start_export(house.store, house.runs, set_id, form, actor(request), name))

    @router.post("/sets/{set_id}/freeze")
    def freeze(set_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.sets import freeze as keep

        name = text(body, "name", LONGEST_NAME)
        keep(house.store, set_id, name, actor(request))
        return {"name": name}


def _material(router: APIRouter, house: House) -> None:
    @router.post("/import")
    def take_in(request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.files import start_import

        return started(start_import(house.store, house.runs, _path(body), _remap(body), actor(request)))

    @router.post("/material")
    def material(request: Request, body: JsonBody) -> Json:
        from dataclasses import asdict

        from thud.runs.pairs.material import import_material

        kind = text(body, "kind", LONGEST_NAME, "") or None
        return asdict(import_material(house.store, _path(body), actor(request), kind))

    @router.post("/ask-without-sound")
    def ask(request: Request, body: JsonBody) -> Json:
        from thud.runs.pairs.material import start_picture_only

        listener = text(body, "listener", LONGEST_NAME)
        return started(start_picture_only(house.store, house.runs, listener, actor(request)))


def _path(body: Json) -> Path:
    return Path(text(body, "path", LONGEST_PATH).strip())


def _remap(body: Json) -> tuple[tuple[str, str], ...]:
    """(old, new) beginnings of paths."""
    value = body.get("remap") or []
    good = isinstance(value, list) and len(value) <= MOST_REMAPS
    if not good or not all(isinstance(one, list) and [type(part) for part in one] == [str, str] for one in value):
        raise BadRequest("remap is a list of pairs: how a path begins in the file, and how it begins here.")
    return tuple((old, new) for old, new in value)

"""Everything on the Train page that starts, stops, makes or takes away something."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from thud.errors import BadRequest
from ui.body import read_json, text, texts
from ui.house import House, actor, started

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
LONGEST_PATH, LONGEST_REPO = 4000, 200


def doing_router(house: House) -> APIRouter:
    """POST routes; each answers with what it started, or what it left."""
    router = APIRouter()
    _starting(router, house)
    _chains(router, house)
    _runs(router, house)
    _adapters(router, house)
    return router


def _starting(router: APIRouter, house: House) -> None:
    @router.post("/start")
    def start(request: Request, body: JsonBody) -> Json:
        from thud.runs.training import plan_training
        from thud.runs.training.afterwards import look_ahead, start_with
        from ui.train.asked import after_of, wanted_of

        wanted, checker = wanted_of(body), house.runs.checker
        plan = plan_training(house.store, house.runs, wanted, checker)
        ahead = look_ahead(house.store, house.runs, wanted, plan, after_of(body), checker)
        run = start_with(house.store, house.runs, plan, ahead, actor(request))
        return {**started(run), "name": plan.name, "exports": plan.exports}

    @router.post("/demo")
    def demo(request: Request) -> Json:
        from thud.runs.training.teaching import teach_tiny

        return {"chain": teach_tiny(house.store, house.runs, actor(request))}


def _chains(router: APIRouter, house: House) -> None:
    @router.post("/chains/{chain_id}/stop")
    def stop(chain_id: str, request: Request) -> Json:
        from thud.runs.chain import stop_chain

        stop_chain(house.store, house.runs, chain_id, actor(request))
        return {"chain": chain_id}

    @router.post("/chains/{chain_id}/go-on")
    def go_on(chain_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.chain import go_on as let_go_on
        from ui.train.asked import MOST_WAIVED

        let_go_on(house.store, house.runs, chain_id, actor(request), texts(body, "waive", MOST_WAIVED))
        return {"chain": chain_id}


def _runs(router: APIRouter, house: House) -> None:
    @router.post("/runs/{run_id}/stop")
    def stop(run_id: str, body: JsonBody) -> Json:
        _trained(house, run_id)
        return started(house.runs.cancel(run_id, wait_s=0, now=body.get("now") is True))

    @router.post("/runs/{run_id}/resume")
    def resume(run_id: str) -> Json:
        _trained(house, run_id)
        return started(house.runs.resume(run_id))

    @router.post("/runs/{run_id}/clone")
    def clone(run_id: str) -> Json:
        from ui.train.rows import clone_json

        _trained(house, run_id)
        return clone_json(house, run_id)

    @router.post("/runs/{run_id}/delete")
    def delete(run_id: str, request: Request) -> Json:
        from thud.runs.training import delete_run

        delete_run(house.store, house.runs, run_id, actor(request))
        return {"deleted": run_id}

    @router.post("/runs/{run_id}/measure")
    def measure(run_id: str, request: Request) -> Json:
        from thud.runs.chain import chain
        from thud.runs.training.measuring import measure as ask_all

        made = ask_all(house.store, house.runs, run_id, actor(request))
        return {"chain": made, "state": chain(house.store, house.runs, made).state if made else "done"}


def _trained(house: House, run_id: str) -> None:
    """BadRequest for a run of another kind: this page neither stops nor resumes those."""
    if house.runs.run(run_id).kind != "train":
        raise BadRequest("This run trains nothing.")


def _adapters(router: APIRouter, house: House) -> None:
    @router.post("/runs/{run_id}/export")
    def export(run_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.training import export_adapter

        folder = text(body, "folder", LONGEST_PATH, "")
        return started(export_adapter(house.store, house.runs, run_id, actor(request), folder))

    @router.post("/runs/{run_id}/merge")
    def merge(run_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.training import merge as merged

        folder = text(body, "folder", LONGEST_PATH, "")
        return started(merged(house.store, house.runs, run_id, actor(request), folder))

    @router.post("/runs/{run_id}/push")
    def push(run_id: str, request: Request, body: JsonBody) -> Json:
        from thud.runs.training import push as pushed

        repo, whole, public = text(body, "repo", LONGEST_REPO), body.get("merged") is True, body.get("public") is True
        run = pushed(house.store, house.runs, run_id, repo, actor(request), merged=whole, public=public)
        return started(run)

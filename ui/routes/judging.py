"""/api/judging: who reads responses, what that costs, starting it, how far it can be trusted, and what people label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request

from thud.errors import BadRequest
from ui.body import whole
from ui.house import House, actor
from ui.routes.agreement import Once
from ui.routes.listeners import refuse_keys

if TYPE_CHECKING:
    from thud.runs.listening.judges import Judge
    from thud.runs.listening.judging import JudgePlan, Material, Wanted

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
MOST_QUEUED, MOST_AUDITED = 200, 10_000


def judging_router(house: House) -> APIRouter:
    """Routes over judges. No answer holds a key, only the name of its variable."""
    router = APIRouter(prefix="/api/judging")
    once = Once(lambda: _newest(house))

    def material() -> Material:
        from thud.runs.listening.judging import material_of

        found: Material = once.get(("material",), lambda: material_of(house.store))
        return found

    @router.get("/judges")
    def judges() -> Json:
        from ui.results.judging import judges_json

        return judges_json(house.store, material())

    @router.get("/calibration")
    def calibration(judge: str = "") -> Json:
        from ui.results.judging import calibration_json

        return calibration_json(house.store, material(), judge)

    @router.get("/queue")
    def queue(n: int = 50) -> Json:
        from ui.results.judging import queue_json

        if not 1 <= n <= MOST_QUEUED:
            raise BadRequest(f"n is a whole number from 1 to {MOST_QUEUED}.")
        return queue_json(material(), n)

    @router.post("/plan")
    def plan(body: JsonBody) -> Json:
        from ui.results.judging import plan_json

        return plan_json(_plan(house, body, material()))

    @router.post("/start")
    def start(request: Request, body: JsonBody) -> Json:
        from thud.runs.listening.judging import start_judging

        run = start_judging(house.store, house.runs, _plan(house, body, None), actor(request))
        return {"run": run.id, "title": run.title}

    return router


def _newest(house: House) -> int:
    newest = house.store.events(limit=1)
    return newest[0].ev_id if newest else 0


def _plan(house: House, body: Json, material: Material | None) -> JudgePlan:
    from thud.runs.listening.judging import plan_judging

    return plan_judging(house.store, house.runs, _judge(body), _wanted(body), material)


def _judge(body: Json) -> Judge:
    from thud.runs.listening.judges import parse_judge

    refuse_keys(body)
    return parse_judge(body.get("judge"))


def _wanted(body: Json) -> Wanted:
    from thud.runs.listening.judging import WHICH, Wanted

    which = body.get("which", "unparsed")
    if which not in WHICH:
        raise BadRequest(f"which is one of {', '.join(WHICH)}.")
    audit = whole(body, "audit", 200)
    if not 1 <= audit <= MOST_AUDITED:
        raise BadRequest(f"audit is a whole number from 1 to {MOST_AUDITED:,}.")
    return Wanted(which, audit, whole(body, "seed", 0), _flag(body, "again"), _flag(body, "batch"))


def _flag(body: Json, name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is true or false.")
    return value

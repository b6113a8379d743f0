"""/api/segments: described segments for people to go over, what they say, and models that check them too.

What others say of a segment goes to nobody who has not spoken of it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request

from thud.errors import BadRequest
from ui.body import read_json, text
from ui.house import House, actor, started

if TYPE_CHECKING:
    from thud.pairs.segment_words import Word
    from thud.runs.annotating.segments import Counts, Task

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
AT_ONCE = 200
LONGEST_ID, LONGEST_NOTE = 100, 300


def segments_router(house: House) -> APIRouter:
    """Routes over segments. Annotators may read the queue and say their word; the rest is for researchers."""
    router = APIRouter(prefix="/api/segments")
    _people(router, house)
    _models(router, house)
    return router


def _people(router: APIRouter, house: House) -> None:
    @router.get("")
    def queue(request: Request, first: str = "") -> Json:
        from thud.runs.annotating.segments import queue

        found = queue(house.store, actor(request), first[:LONGEST_ID])
        rows = [_row(task, actor(request)) for task in found.tasks[:AT_ONCE]]
        return {"segments": rows, "counts": _counts(found)}

    @router.get("/count")
    def count(request: Request) -> Json:
        from thud.runs.annotating.segments import counts, tasks

        return _counts(counts(tasks(house.store), actor(request)))

    @router.post("/word")
    def word(request: Request, body: JsonBody) -> Json:
        from thud.runs.annotating.segments import counts, say_word, tasks

        verdict = text(body, "verdict", 20)
        told = {name: body[name] for name in ("start_s", "end_s", "description", "sounds") if name in body}
        note = text(body, "note", LONGEST_NOTE, "")
        task = say_word(house.store, actor(request), text(body, "segment", LONGEST_ID), verdict, told, note)
        return {"segment": _row(task, actor(request)), "counts": _counts(counts(tasks(house.store), actor(request)))}

    @router.get("/agreement")
    def agreement() -> Json:
        from thud.runs.annotating.segments import agreement, agreement_row

        return agreement_row(agreement(house.store))


def _counts(found: Counts) -> Json:
    return {"all": found.all, "seen": found.seen, "mine": found.mine, "left": found.left}


def _row(task: Task, person: str) -> Json:
    """A segment for this person; with what others say only where they have spoken themselves."""
    from thud.runs.annotating.segments import others

    mine = task.of(person)
    return {
        **asdict(task.segment), "id": task.segment.id, "sounds": list(task.segment.sounds), "title": task.clip.title,
        "clip": task.clip.id, "duration_s": task.clip.probe.duration_s, "has_sound": task.clip.probe.has_sound,
        "mine": _word(mine) if mine else None,
        "others": [_word(one) for one in others(task, person)] if mine else [],
    }  # fmt: skip


def _word(word: Word) -> Json:
    from thud.pairs.segment_words import PERSON, word_json

    return {**word_json(word), "person": word.person, "by": word.by.removeprefix(PERSON)}


def _models(router: APIRouter, house: House) -> None:
    @router.post("/check/plan")
    def plan(body: JsonBody) -> Json:
        from thud.runs.annotating.reannotating import plan_reannotation, plan_row

        return plan_row(plan_reannotation(house.store, house.runs, _asked(body), again=body.get("again") is True))

    @router.post("/check")
    def check(request: Request, body: JsonBody) -> Json:
        from thud.runs.annotating.reannotating import plan_reannotation, start_reannotation

        planned = plan_reannotation(house.store, house.runs, _asked(body), again=body.get("again") is True)
        return started(start_reannotation(house.store, house.runs, planned, actor(request)))


def _asked(body: Json) -> Any:
    from thud.events.annotators import parse_annotator

    row = body.get("annotator")
    if not isinstance(row, dict):
        raise BadRequest("annotator is an object with a name, for example {“name”: “gemini”}.")
    return parse_annotator(row)

"""/api/tasks, /api/marks, /api/notes, /api/me, /api/calibration: a person's work at the Annotate page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import StreamingResponse

from thud.errors import BadRequest
from thud.events.desk import MOST_HELD, MOST_NOTE, Desk
from thud.events.needs import LONGEST_REASON, PEOPLE_VERDICTS
from thud.events.settings import changed_habits
from thud.records import Mark, Verdict
from ui.body import read_bytes, read_json, seconds, text, texts, whole
from ui.door.auth import user_of
from ui.house import House, actor
from ui.marks import check_rows, history_rows, mark_row, me_row, moment, progress_row, saved_row, settings_row, task_row

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
HISTORY = 200
LONGEST_ID = 100
IMPORT_BYTES = 200_000_000


def annotate_router(house: House) -> APIRouter:
    """Routes over the desk. Handlers are plain functions: FastAPI runs them on its threads."""
    router = APIRouter(prefix="/api")
    _tasks(router, house)
    _marks(router, house)
    _adjudication(router, house.desk)
    _person(router, house.desk)
    _files(router, house)
    return router


def _tasks(router: APIRouter, house: House) -> None:
    desk = house.desk

    @router.post("/tasks")
    def tasks(request: Request, body: JsonBody) -> Json:
        clip = text(body, "clip", LONGEST_ID, "") or None
        have, count = texts(body, "have", MOST_HELD), whole(body, "count", 1)
        found = desk.tasks(actor(request), count, have=have, clip=clip)
        return {"tasks": [task_row(task) for task in found], **_about(house, request)}

    @router.post("/tasks/reveal")
    def reveal(request: Request, body: JsonBody) -> Json:
        times = seconds(body, "visual_s"), seconds(body, "audio_s")
        task = desk.reveal(actor(request), text(body, "clip", LONGEST_ID), *times)
        marks = [mark_row(mark) for mark in task.marks]
        return {"marks": marks, "reasons": list(task.reasons), "checks": check_rows(task.checks)}

    @router.post("/tasks/skip")
    def skip(request: Request, body: JsonBody) -> Json:
        desk.skip(actor(request), text(body, "clip", LONGEST_ID))
        return {"progress": progress_row(desk.progress(actor(request)))}

    @router.post("/tasks/release")
    def release(request: Request, body: JsonBody) -> Json:
        desk.release(actor(request), texts(body, "clips", MOST_HELD))
        return {}


def _about(house: House, request: Request) -> Json:
    """What goes with every list of tasks: how far the person is, the settings in force, and who they are."""
    return {
        "progress": progress_row(house.desk.progress(actor(request))),
        "settings": settings_row(house.desk.settings()),
        "me": _me(house.desk, request),
    }


def _me(desk: Desk, request: Request) -> Json:
    return me_row(user_of(request), desk.habits(actor(request)))


def _marks(router: APIRouter, house: House) -> None:
    desk = house.desk

    @router.post("/marks")
    def submit(request: Request, body: JsonBody) -> Json:
        note = text(body, "note", MOST_NOTE, "")
        saved = desk.submit(_mark(body, actor(request)), note)
        return {**saved_row(saved), "progress": progress_row(desk.progress(actor(request)))}

    @router.post("/marks/undo")
    def undo(request: Request, body: JsonBody) -> Json:
        clip_id = text(body, "clip", LONGEST_ID)
        mine = desk.undo(actor(request), clip_id)
        progress = progress_row(desk.progress(actor(request)))
        return {"clip": clip_id, "mine": mark_row(mine) if mine else None, "progress": progress}

    @router.post("/notes")
    def note(request: Request, body: JsonBody) -> Json:
        note_id, words = text(body, "id", LONGEST_ID), text(body, "text", MOST_NOTE, "")
        own = f"{actor(request)}/{note_id}"  # so that nobody writes over another's note
        ev_id = house.store.add_note(own, text(body, "clip", LONGEST_ID), words, actor(request))
        return {"ev_id": ev_id, "at": moment(datetime.now(UTC).replace(tzinfo=None))}

    @router.get("/clips/{clip_id}/history")
    def history(request: Request, clip_id: str) -> Json:
        house.store.clip(clip_id)
        events = house.store.events(clip_id, HISTORY)
        return {"events": history_rows(events, actor(request), request.state.user.role != "annotator")}


def _mark(body: Json, person: str) -> Mark:
    detail = body.get("detail") or {}
    if not isinstance(detail, dict):
        raise BadRequest("detail is an object with names.")
    return Mark(
        text(body, "clip", LONGEST_ID),
        person,
        seconds(body, "visual_s"),
        seconds(body, "audio_s"),
        _verdict(body),
        text(body, "reason", LONGEST_REASON, ""),
        save_id=text(body, "save_id", LONGEST_ID),
        seq=whole(body, "seq"),
        detail=detail,
    )


def _verdict(body: Json) -> Verdict:
    verdict = body.get("verdict", "placed")
    if verdict not in PEOPLE_VERDICTS:
        raise BadRequest(f"A verdict is one of {', '.join(PEOPLE_VERDICTS)}.")
    return verdict  # type: ignore[no-any-return]


def _adjudication(router: APIRouter, desk: Desk) -> None:
    @router.post("/tasks/adjudicate/next")
    def disputes(request: Request, body: JsonBody) -> Json:
        have, count = texts(body, "have", MOST_HELD), whole(body, "count", 1)
        found = desk.adjudications(actor(request), count, have=have)
        return {"tasks": [task_row(task) for task in found], "progress": progress_row(desk.progress(actor(request)))}

    @router.post("/tasks/adjudicate")
    def adjudicate(request: Request, body: JsonBody) -> Json:
        saved = desk.adjudicate(
            actor(request),
            text(body, "clip", LONGEST_ID),
            seconds(body, "visual_s"),
            seconds(body, "audio_s"),
            _verdict(body),
            text(body, "reason", LONGEST_REASON, ""),
            whole(body, "expects", 0),
        )
        return {**saved_row(saved), "progress": progress_row(desk.progress(actor(request)))}


def _person(router: APIRouter, desk: Desk) -> None:
    @router.get("/me")
    def me(request: Request) -> Json:
        return _me(desk, request)

    @router.post("/calibration")
    def calibration(request: Request, body: JsonBody) -> Json:
        now = moment(datetime.now(UTC).replace(tzinfo=None)) or ""
        desk.set_habits(actor(request), changed_habits(desk.habits(actor(request)), body, now))
        return _me(desk, request)


def _files(router: APIRouter, house: House) -> None:
    from thud.runs.annotating.marks_file import export_lines, import_marks

    @router.get("/marks.jsonl")
    def export() -> StreamingResponse:
        headers = {"content-disposition": 'attachment; filename="marks.jsonl"', "cache-control": "no-store"}
        return StreamingResponse(_encoded(export_lines(house.store)), media_type="application/jsonl", headers=headers)

    @router.post("/marks/import")
    def bring(request: Request, lines: Annotated[list[str], Depends(read_lines)]) -> Json:
        report = import_marks(house.store, lines, actor(request))
        house.desk.changed()
        refused = [{"line": each.line, "reason": each.reason} for each in report.refused]
        return {"added": report.added, "known": report.known, "refused": refused}


def _encoded(lines: Iterator[str]) -> Iterator[bytes]:
    return (line.encode() for line in lines)


async def read_lines(request: Request) -> list[str]:
    """The lines of an upload: the body itself, or the file of a form."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form(max_files=1, max_fields=4)
        files = [value for value in form.values() if not isinstance(value, str)]
        if not files:
            raise BadRequest("There is no file in what was sent. Choose a JSONL file.")
        data = await files[0].read(IMPORT_BYTES + 1)
        await form.close()
        if len(data) > IMPORT_BYTES:
            raise BadRequest(f"The file is more than {IMPORT_BYTES // 10**6} MB. Split it and import the parts.")
    else:
        data = await read_bytes(request, IMPORT_BYTES)
    return data.decode("utf-8", "replace").split("\n")

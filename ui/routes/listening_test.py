"""/api/test: people take the items that models are asked, blind. Nothing that is sent says which condition it is."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from thud.errors import BadRequest, NotFound
from ui.body import read_json, seconds, text, texts, whole
from ui.house import House, actor
from ui.listening import ListeningTest, media_row
from ui.marks import moment
from ui.routes.media import KEEP, OCTETS, send

Json = dict[str, Any]
JsonBody = Annotated[Json, Depends(read_json)]
MOST_AHEAD, MOST_HAVE, LONGEST = 8, 400, 60
LONGEST_S, MOST_PLAYS = 86_400.0, 10_000


def listening_router(house: House) -> APIRouter:
    """Routes over the listening test. Handlers are plain functions: FastAPI runs them on its threads."""
    router = APIRouter(prefix="/api/test")
    test = ListeningTest(house)
    _turns(router, house, test)
    _media(router, house, test)
    return router


def _turns(router: APIRouter, house: House, test: ListeningTest) -> None:
    @router.get("")
    def overview(request: Request) -> Json:
        return {"tasks": test.overview(actor(request))}

    @router.post("/next")
    def following(request: Request, body: JsonBody) -> Json:
        person, count = actor(request), whole(body, "count", 1)
        if not 0 <= count <= MOST_AHEAD:
            raise BadRequest(f"count is 0 to {MOST_AHEAD}.")
        tokens, progress = test.upcoming(person, text(body, "task", LONGEST), texts(body, "have", MOST_HAVE), count)
        clips = {token: test.item(person, token)[1] for token in tokens}
        rows = [media_row(clip, token, house.clip_folder(clip.id)) for token, clip in clips.items()]
        return {"items": rows, "progress": progress}

    @router.post("/answers")
    def answer(request: Request, body: JsonBody) -> Json:
        latency_s, plays = seconds(body, "latency_s") or 0.0, whole(body, "plays", 1)
        if not 0 <= latency_s <= LONGEST_S or not 1 <= plays <= MOST_PLAYS:
            raise BadRequest("latency_s is a time within a day, and plays says how often it was heard.")
        said = text(body, "id", LONGEST), text(body, "label", LONGEST)
        progress = test.save(actor(request), *said, latency_s, plays)
        return {"progress": progress, "at": moment(datetime.now(UTC).replace(tzinfo=None))}


def _media(router: APIRouter, house: House, test: ListeningTest) -> None:
    def kept(request: Request, token: str, name: str, kind: str) -> FileResponse:
        _, clip, _ = test.item(actor(request), token)
        return send(house.clip_folder(clip.id) / name, kind)

    @router.get("/media/{token}/picture.mp4")
    def picture(request: Request, token: str) -> FileResponse:
        return kept(request, token, "proxy.mp4", "video/mp4")

    @router.get("/media/{token}/frames.f64")
    def frames(request: Request, token: str) -> FileResponse:
        return kept(request, token, "frames.f64", OCTETS)

    @router.get("/media/{token}/sound.wav")
    def sound(request: Request, token: str) -> Response:
        _, _, path = test.item(actor(request), token)
        return Response(plain_wav(path), media_type="audio/wav", headers={"cache-control": KEEP})


def plain_wav(path: Path) -> bytes:
    """A sound as 16-bit WAV: 44 bytes and the samples, so a silent one is as long as a loud one. NotFound."""
    from thud.media.sound import read_written
    from thud.media.write import to_16_bit

    if not path.is_file():
        raise NotFound("this sound is no longer in the workspace; build it again")
    sound, held = read_written(path), io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(sound.samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sound.rate_hz)
        file.writeframes(to_16_bit(sound.samples).tobytes())
    return held.getvalue()

"""/media: pictures, sounds and figures as files. An address names content that never changes, so browsers keep it."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse

from thud.errors import NotFound
from thud.records import Clip, EventTimes, Intervention, Stimulus, content_id, stimulus_id
from ui.house import House, sees_times

KEEP = "private, max-age=31536000, immutable"
ID = re.compile(r"[0-9a-f]{16}")
SHEET_FRAMES = 12
OCTETS = "application/octet-stream"
KEPT = {"proxy.mp4": "video/mp4", "thumb.webp": "image/webp", "frames.f64": OCTETS, "peaks.i8": OCTETS}
"""What ingest left of a clip, by name."""
ORIGINAL = Intervention("original")

_making: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


def send(path: Path, media_type: str, name: str = "", cache_control: str = KEEP) -> FileResponse:
    """The file with Range, ETag and a year's keep. name: offered when the user saves it."""
    if not path.is_file():
        raise NotFound("this file is no longer in the workspace; add or build the clip again")
    headers = {"cache-control": cache_control}
    kept_as = name or None
    return FileResponse(
        path, media_type=media_type, headers=headers, filename=kept_as, content_disposition_type="inline"
    )


def made(path: Path, make: Callable[[Path], object]) -> Path:
    """`path`, made on first use: aside and renamed, once however many ask at the same time."""
    with _making[path]:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".part-{path.name}")
            make(aside)
            aside.replace(path)
    return path


def checked(*ids: str) -> None:
    """Raises NotFound for anything that is not an id, before it becomes part of a path."""
    if not all(ID.fullmatch(i) for i in ids):
        raise NotFound("there is no such file")


def media_router(house: House) -> APIRouter:
    router = APIRouter(prefix="/media")
    _clip_routes(router, house)
    _stimulus_routes(router, house)
    return router


def _clip_routes(router: APIRouter, house: House) -> None:
    @router.get("/clip/{clip_id}/sound.flac")
    def sound(clip_id: str) -> FileResponse:
        return send(_source_sound(house, house.store.clip(clip_id)), "audio/flac")

    @router.get("/clip/{clip_id}/spectrogram.png")
    def spectrogram(clip_id: str) -> FileResponse:
        source = _source_sound(house, house.store.clip(clip_id))
        path = made(house.cache("clip", clip_id, "spectrogram.png"), lambda p: _spectrogram(source, p))
        return send(path, "image/png")

    @router.get("/clip/{clip_id}/sheet.jpg")
    def sheet(clip_id: str) -> FileResponse:
        clip = house.store.clip(clip_id)
        path = made(house.cache("clip", clip_id, "sheet.jpg"), lambda p: _sheet(clip, p))
        return send(path, "image/jpeg", f"{Path(clip.path).stem}-sheet.jpg")

    @router.get("/clip/{clip_id}/reel.mp4")
    def reel(request: Request, clip_id: str, sound: str = Query(pattern=ID.pattern)) -> FileResponse:
        clip, stimulus = house.store.clip(clip_id), house.store.stimulus(sound)
        times = house.store.times().get(clip_id) if sees_times(request) else None
        # Its markers move with the event times, so they are part of its name here, and browsers ask again.
        name = f"{sound}-{content_id(asdict(times)) if times else 'untimed'}.mp4"
        path = made(house.cache("reel", clip_id, name), lambda p: _reel(house, clip, times, stimulus, p))
        offered = f"{Path(clip.path).stem}-{stimulus.condition}-reel.mp4"
        return send(path, "video/mp4", offered, cache_control="no-cache")

    # Last, so that the names above come first.
    @router.get("/clip/{clip_id}/{name}")
    def kept(clip_id: str, name: str) -> FileResponse:
        checked(clip_id)
        if name not in KEPT:
            raise NotFound("there is no such file")
        return send(house.clip_folder(clip_id) / name, KEPT[name])


def _stimulus_routes(router: APIRouter, house: House) -> None:
    base = "/stimulus/{clip_id}/{key}"

    def file(clip_id: str, key: str, suffix: str) -> Path:
        checked(clip_id, key)
        return house.stimulus_folder(clip_id) / f"{key}{suffix}"

    @router.get(base + "/people.flac")
    def people(clip_id: str, key: str) -> FileResponse:
        return send(file(clip_id, key, ".flac"), "audio/flac")

    @router.get(base + "/models.wav")
    def models(clip_id: str, key: str) -> FileResponse:
        return send(file(clip_id, key, ".wav"), "audio/wav")

    @router.get(base + "/peaks.i8")
    def peaks(clip_id: str, key: str) -> FileResponse:
        source = file(clip_id, key, ".flac")
        path = made(house.cache("stimulus", clip_id, f"{key}.i8"), lambda p: write_peaks(source, p))
        return send(path, OCTETS)

    @router.get(base + "/spectrogram.png")
    def spectrogram(clip_id: str, key: str) -> FileResponse:
        source, own = file(clip_id, key, ".flac"), file(clip_id, stimulus_id(clip_id, ORIGINAL), ".flac")
        path = made(house.cache("stimulus", clip_id, f"{key}.png"), lambda p: _spectrogram(source, p, own))
        return send(path, "image/png")

    @router.get(base + "/file.mp4")
    def muxed(clip_id: str, key: str) -> FileResponse:
        checked(clip_id, key)
        clip, stimulus = house.store.clip(clip_id), house.store.stimulus(key)
        path = mux_stimulus(house, clip, stimulus)
        kind = "video/mp4" if path.suffix == ".mp4" else "video/x-matroska"
        return send(path, kind, f"{Path(clip.path).stem}-{stimulus.condition}{path.suffix}")


def _source_sound(house: House, clip: Clip) -> Path:
    from thud.media.sound import read_sound
    from thud.media.write import write_flac

    def make(path: Path) -> None:
        sound = read_sound(Path(clip.path), clip.probe)
        if sound is None:
            raise NotFound("this clip has no sound")
        write_flac(path, sound)

    return made(house.cache("clip", clip.id, "sound.flac"), make)


def write_peaks(source: Path, path: Path) -> None:
    from thud.media.sound import read_written
    from thud.media.waveform import peaks

    if not source.is_file():
        raise NotFound("this sound is no longer in the workspace; build it again")
    peaks(read_written(source)).tofile(path)


def _spectrogram(source: Path, path: Path, scale: Path | None = None) -> None:
    """scale: the sound whose loudest moment is full ink, so that all conditions of a clip are drawn alike."""
    from thud.media.sound import read_written
    from thud.media.waveform import mel_db, spectrogram_png

    if not source.is_file():
        raise NotFound("this sound is no longer in the workspace; build it again")
    ceiling_db = float(mel_db(read_written(scale)).max()) if scale is not None and scale.is_file() else None
    path.write_bytes(spectrogram_png(read_written(source), ceiling_db))


def _sheet(clip: Clip, path: Path) -> None:
    from thud.media.frames import contact_sheet

    path.write_bytes(contact_sheet(Path(clip.path), SHEET_FRAMES))


def mux_stimulus(house: House, clip: Clip, stimulus: Stimulus) -> Path:
    """The stimulus as one file with the source's own picture packets, made on first use and kept."""
    from thud.media.picture import mux
    from thud.media.sound import read_written

    base = house.cache("mux", clip.id, f"{stimulus.id}.mp4")
    with _making[base]:
        found = next((p for p in (base, base.with_suffix(".mkv")) if p.is_file()), None)
        if found is not None:
            return found
        base.parent.mkdir(parents=True, exist_ok=True)
        sound = read_written(house.stimulus_folder(clip.id) / stimulus.people) if stimulus.models else None
        return mux(Path(clip.path), sound, base)


def _reel(house: House, clip: Clip, times: EventTimes | None, stimulus: Stimulus, path: Path) -> None:
    from thud.stimuli.reel import comparison_reel

    comparison_reel(clip, times, [stimulus], house.stimulus_folder(clip.id), path)

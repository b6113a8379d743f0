"""Ingest: listed files become clips. A clip is read where it lies, never copied or changed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import NotFound, RefusedClip
from thud.media.frames import frame_times, thumbnail
from thud.media.guard import inside
from thud.media.picture import picture_hash
from thud.media.probe import decode_check, probe
from thud.media.proxy import write_proxy
from thud.media.sound import read_sound
from thud.media.waveform import peaks
from thud.records import Clip, EventTimes, clip_from_json
from thud.runs.sources import Source

if TYPE_CHECKING:
    from thud.store import Store

kind = "ingest"
THUMB_WIDTH = 400


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_clip(source: Source) -> Clip:
    """The Clip in a file, every packet of it read. Raises RefusedClip with one sentence."""
    path = inside(Path(source.path), Path(source.folder))
    found = probe(path)
    found = replace(found, damage=tuple(dict.fromkeys((*found.damage, *decode_check(path)))))
    made_here = source.times == "construction"
    return Clip(
        hash_file(path), str(path), source.title, found, picture_hash(path), source.kind, source.source, made_here
    )


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Reads one file, writes its proxy and thumbnail; runs in a child that may be killed. Raises RefusedClip."""
    if "refuse" in item:
        raise RefusedClip(item["refuse"])
    source = Source(**{key: value for key, value in item.items() if key not in ("key", "by", "run")})
    clip = read_clip(source)
    folder = workspace / "clips" / clip.id
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(clip.path)
    known = (folder / "view.json").exists()
    if not known:
        proxy = write_proxy(path, folder / "proxy.mp4", clip.probe)
        frame_times(path).astype("<f8").tofile(folder / "frames.f64")
        at = source.visual_s if source.visual_s is not None else clip.probe.duration_s / 2
        (folder / "thumb.webp").write_bytes(thumbnail(path, at, THUMB_WIDTH))
        sound = read_sound(path, clip.probe)
        if sound is not None:
            peaks(sound).tofile(folder / "peaks.i8")
        # Written last: its presence says that the others are whole.
        (folder / "view.json").write_text(json.dumps({"proxy_fps": proxy.fps, "proxy_frames": proxy.frames}))
    times = None
    if source.visual_s is not None or source.audio_s is not None:
        times = asdict(EventTimes(source.visual_s, source.audio_s, source.times or "manifest"))
    return {"clip": asdict(clip), "times": times, "known": known}


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes one result into the store; the same result again changes nothing."""
    actor = item.get("by", "thud")
    clip = _as_described(store, clip_from_json(result["clip"]))
    store.add_clip(clip, actor)
    if result["times"] is not None:
        store.set_times(clip.id, EventTimes(**result["times"]), actor)


def _as_described(store: Store, clip: Clip) -> Clip:
    """The clip with what is known of it already, where this time nobody said anything."""
    try:
        before = store.clip(clip.id)
    except NotFound:
        return clip
    said_title = clip.title != Path(clip.path).stem
    return replace(
        clip,
        title=clip.title if said_title else before.title,
        kind=clip.kind or before.kind,
        source=clip.source or before.source,
        synthetic=clip.synthetic or before.synthetic,
    )

"""A workspace of many clips, written through the store before the app starts: bringing in hundreds one by one takes
minutes. Each clip is a file of its own; they share picture and sound, so proxy and thumbnail are made once.
"""

from __future__ import annotations

import os
import struct
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from app import parse, place
from tests.sounds import make_ding_clip
from thud.records import Clip, EventTimes, Intervention, clip_from_json
from thud.runs.jobs.ingest import hash_file, work
from thud.runs.sources import Source
from thud.store import Store, open_store

COUNT = 240
KINDS = ("anvil", "bell", "cork", "drum")
SECONDS, EVENT_S = 2.0, 0.8
DAMAGE = "The file was cut short: 1.2 s of 2.0 s can be read."
REASON = "The event would leave the clip."
NASTY = {"bell_001": '<img src=x onerror="window.pwned=1">', "bell_005": "${window.pwned=2} {{value}}"}
"""Titles by name that would run if the page took them for markup or a template."""


def state(number: int) -> str:
    """What the gallery files clip `number` under; the rests are chosen so that no clip is two things."""
    if number % 15 == 3:
        return "refused"
    if number % 30 == 9:
        return "damaged"
    return "waiting" if number % 24 == 11 else "none"


def kind(number: int) -> str:
    return KINDS[number % len(KINDS)]


def name(number: int) -> str:
    return f"{kind(number)}_{number:03d}"


def times_from(number: int) -> str | None:
    return None if state(number) == "waiting" else "manifest" if number % 3 else "gold"


def numbers(**wanted: str) -> list[int]:
    """The clips of a kind, a state or both, in the gallery's order: by path."""
    reads = {"kind": kind, "state": state}
    return sorted((n for n in range(COUNT) if all(reads[k](n) == v for k, v in wanted.items())), key=name)


def another_file(data: bytes, number: int) -> bytes:
    """The same video with other bytes: a number in a free box at its end."""
    return data + struct.pack(">I4sI", 12, b"free", number)


def write_crowd(folder: Path) -> Path:
    """Fills the workspace that the app opens for the returned, empty folder of clips."""
    clips, files = folder / "nothing", folder / "files"
    clips.mkdir()
    files.mkdir()
    database, workspace, _ = place(parse(["--clips", str(clips), "--workspace", str(folder / "workspace")]))
    make_ding_clip(files / "one.mp4", SECONDS, EVENT_S)
    made = work(asdict(Source(str(files / "one.mp4"), str(files))), workspace)
    with open_store(database, workspace) as store:
        _add_all(store, made["clip"], workspace / "clips", files)
    return clips


def _add_all(store: Store, made: dict[str, Any], views: Path, files: Path) -> None:
    one = clip_from_json(made)
    data = Path(one.path).read_bytes()
    clips = {number: _make(one, files, data, number) for number in range(COUNT)}
    for clip in clips.values():
        (views / clip.id).mkdir()
        for part in (views / one.id).iterdir():
            os.link(part, views / clip.id / part.name)
    store.add_clips(clips.values(), "test")
    for number, clip in clips.items():
        if method := times_from(number):
            store.set_times(clip.id, EventTimes(EVENT_S, EVENT_S, method), "test")
        if state(number) == "refused":
            store.add_refusal(clip.id, Intervention("shift", -1.2, "room"), REASON, "test")


def _make(one: Clip, files: Path, data: bytes, number: int) -> Clip:
    path = files / f"{name(number)}.mp4"
    path.write_bytes(another_file(data, number))
    title = NASTY.get(path.stem, path.stem.replace("_", " ").capitalize())
    damage = (DAMAGE,) if state(number) == "damaged" else ()
    probe = replace(one.probe, damage=damage, size_bytes=path.stat().st_size)
    return replace(one, sha256=hash_file(path), path=str(path), title=title, kind=kind(number), probe=probe)

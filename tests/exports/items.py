"""Twelve items with a planned response to each, so that every figure the other tools report is known beforehand."""

from __future__ import annotations

import struct
import wave
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from thud.evaluation.handover import ExportItem

TIMING = (("A", "early"), ("B", "delayed"), ("C", "synced"))
FITTING = (("A", "match"), ("B", "mismatched"))
ANIMALS = (("A", "A"), ("B", "B"), ("C", "C"), ("D", "D"))
NO_OPTIONS: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Planned:
    """What is asked, what comes back, and what that must count as."""

    task: str
    condition: str
    expected: str
    response: str
    label: str
    options: tuple[tuple[str, str], ...] = NO_OPTIONS


PLAN = (
    Planned("sync", "original", "synced", '{"synced": true, "direction": "none", "offset_sec": 0}', "synced"),
    Planned("sync", "delayed", "delayed", '```json\n{"synced": false, "direction": "delay"}\n```', "delayed"),
    Planned("sync", "early", "early", "It is hard to say; the sound may come a little early.", "unparsed"),
    Planned("sync", "original", "synced", '{"synced": false, "direction": "early"}', "early"),
    Planned(
        "existence", "original", "audio_described", '{"audio_present": true, "sounds": ["a bark"]}', "audio_described"
    ),
    Planned("existence", "muted", "muted", "I'm sorry, I can't help with that.", "refused"),
    Planned("existence", "muted", "muted", '{"audio_present": true, "sounds": ["music"]}', "audio_described"),
    Planned("consistency", "original", "match", 'Sure: {"match": true, "seen": "a dog"}', "match"),
    Planned("consistency", "swapped", "mismatched", "B", "mismatched", FITTING),
    Planned("sync", "delayed", "delayed", "C) They are synchronized.", "synced", TIMING),
    Planned("consistency", "swapped", "mismatched", "", "unparsed", FITTING),
    Planned("choice", "original", "C", "The answer is (C).", "C", ANIMALS),
)
WITHOUT_SOUND = 6
"""The item whose sound track was dropped."""

STILLS = 2


def text(number: int) -> str:
    """What item `number` asks; the server tells the items by it."""
    return f"Item {number:02d}: what do you see and hear?"


def items(folder: Path) -> list[ExportItem]:
    """The items, with media that are as small as they can be. Neither tool opens the videos; they only pass them on."""
    return [_item(number, planned, folder) for number, planned in enumerate(PLAN, 1)]


def _item(number: int, planned: Planned, folder: Path) -> ExportItem:
    video, picture, sound = (folder / f"{number}{end}" for end in ("-sound.mp4", "-silent.mp4", ".wav"))
    video.write_bytes(b"video with sound %d" % number)
    picture.write_bytes(b"video without sound %d" % number)
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(struct.pack("<4h", 0, 16384, -16384, number))
    frames = []
    for still in range(STILLS):
        path = folder / f"{number}-{still}.jpg"
        Image.new("RGB", (16, 16), (20 * number, 100 * still, 0)).save(path)
        frames.append((0.5 * still, path))
    return ExportItem(
        id=f"item-{number:02d}",
        text=text(number),
        task=planned.task,
        condition=planned.condition,
        expected=planned.expected,
        source=f"source {number % 4}",
        clip=f"clip {number}",
        style="choice" if planned.options else "structured",
        options=planned.options,
        offset_s={"early": -0.8, "delayed": 0.8}.get(planned.condition),
        video=video,
        picture=picture,
        sound=None if number == WITHOUT_SOUND else sound,
        frames=tuple(frames),
    )

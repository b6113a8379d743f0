"""What is handed over: items with their media, checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.evaluation.handover.templates.thud_reading import WORDS
from thud.records import Refusal

READABLE = ("structured", "choice")
"""Styles of question whose answers the exported reader can read; free text needs the rules that stay here."""


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One item for somebody else's tool: what is asked, what is right, and the files that are shown.

    options: (letter, label) as the text lists them. expected: the right label. style: of the question. source: what
    statistics cluster by. video: with its sound; picture: the same without a sound track; sound: a WAV; frames: stills
    with the second each is shown at. Any of the four may be missing; the tasks that need it leave the item out.
    """

    id: str
    text: str
    task: str
    condition: str
    expected: str
    source: str
    clip: str = ""
    arm: str = "audio_video"
    style: str = "structured"
    options: tuple[tuple[str, str], ...] = ()
    offset_s: float | None = None
    video: Path | None = None
    picture: Path | None = None
    sound: Path | None = None
    frames: tuple[tuple[float, Path], ...] = ()

    @property
    def cell(self) -> str:
        """Where its answer is counted: the task, and whether its sound was edited."""
        if self.task == "choice":
            return "choice"
        return f"{self.task} {'shifted' if self.condition in ('early', 'delayed') else self.condition}"

    def files(self) -> list[Path]:
        """All its media."""
        single = [path for path in (self.video, self.picture, self.sound) if path is not None]
        return [*single, *(path for _, path in self.frames)]


def checked(items: Iterable[ExportItem]) -> tuple[list[ExportItem], list[Refusal]]:
    """(items that can be handed over, the others with the reason). Raises BadRequest when none can."""
    good: dict[str, ExportItem] = {}
    refused = []
    for item in items:
        reason = "an item of the same id was there before" if item.id in good else _problem(item)
        if reason:
            refused.append(Refusal(item.id, reason))
        else:
            good[item.id] = item
    if not good:
        why = f": {refused[0].reason}" if refused else ""
        raise BadRequest(f"There is nothing to hand over{why}.")
    return list(good.values()), refused


def row(item: ExportItem, places: dict[Path, str]) -> dict[str, Any]:
    """The item as a row of dataset.jsonl. places: where in the folder each of its files lies."""
    return {
        "id": item.id,
        "task": item.task,
        "condition": item.condition,
        "cell": item.cell,
        "arm": item.arm,
        "source": item.source or item.clip or item.id,
        "clip": item.clip,
        "offset_s": item.offset_s,
        "text": item.text,
        "options": [{"letter": letter, "label": label} for letter, label in item.options],
        "expected": item.expected,
        "video": _place(item.video, places),
        "picture": _place(item.picture, places),
        "sound": _place(item.sound, places),
        "frames": [{"time_s": time_s, "file": places[path]} for time_s, path in item.frames],
    }


def _place(path: Path | None, places: dict[Path, str]) -> str:
    return "" if path is None else places[path]


def _problem(item: ExportItem) -> str:
    labels = {label for _, label in item.options} or set(WORDS.get(item.task, {}).values())
    if item.style not in READABLE:
        return (
            "its question is answered in free text, which the exported scorer does not read; ask for a letter or JSON"
        )
    if item.expected not in labels:
        return f"no answer to its question can be the expected one, {item.expected or 'which is not given'}"
    if not item.files():
        return "it has no video, sound or frames"
    lost = next((path for path in item.files() if not path.is_file()), None)
    if lost:
        return f"{lost.name} is not on this disk any more; build it again"
    odd = next((path for path in (item.video, item.picture) if path and path.suffix.lower() != ".mp4"), None)
    if item.sound and item.sound.suffix.lower() != ".wav":
        odd = item.sound
    return f"other tools do not take {odd.suffix or 'such'} files; MP4 and WAV are handed over" if odd else ""

"""Waiting for a vendor's batch: what was handed over is noted in the run's folder, so a resumed run finds it again."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from thud.errors import RunFailed
from thud.providers import Endpoint, Question, Shelf, poll_batch, read_batch, submit_batch
from thud.records import Reply
from thud.runs.asking import undisturbed

LONGEST_PAUSE_S = 60.0
Asked = list[tuple[str, Question]]


def note_of(item: dict[str, Any], workspace: Path) -> Note:
    """The note of one line of a run's plan."""
    return Note(workspace / "runs" / item["run"] / "batches" / f"{item['key']}.json")


def waiting_words(folder: Path) -> str:
    """ "Waiting for the vendor's batch: 3 of 20 answered.", "" when none is under way or noted. folder: the run's."""
    notes = [Note(path).read() for path in sorted((folder / "batches").glob("*.json"))]
    waiting = [row for row in notes if "batch" in row]
    if not waiting:
        return ""
    done, total = (sum(int(row[key]) for row in waiting) for key in ("done", "total"))
    what = "the vendor's batch" if len(waiting) == 1 else f"{len(waiting)} of the vendor's batches"
    return f"Waiting for {what}: {done} of {total} answered."


def replies_of(asked: Asked, endpoint: Endpoint, shelf: Shelf, item: dict[str, Any], note: Note) -> dict[str, Reply]:
    """A Reply by own id: what is on the shelf already, and the rest from the vendor's batch. RunFailed, BadRequest,
    MissingPart as the vendor or the lack of a key has it.
    """
    known = note.read().get("known")
    if known is None:
        known = [] if item.get("again") else [own for own, question in asked if shelf.get(_key(question, endpoint))]
        note.write({"known": known})
    stored = {own: shelf.get(_key(question, endpoint)) for own, question in asked if own in known}
    replies = {own: reply for own, reply in stored.items() if reply is not None}
    rest = [(own, question) for own, question in asked if own not in known]
    if rest:
        with undisturbed():
            batch_id = submit_batch(rest, endpoint, shelf, f"{item['run']}-{item['key']}")
        _wait(batch_id, endpoint, float(item.get("pause_s", 2.0)), note, known)
        replies |= read_batch(batch_id, endpoint, rest)
    note.write({"known": known, "read": True})
    return replies


def _key(question: Question, endpoint: Endpoint) -> str:
    return question.sent_sha256(endpoint.provider)


def _wait(batch_id: str, endpoint: Endpoint, pause_s: float, note: Note, known: list[str]) -> None:
    """Returns when the batch has ended; asks ever less often. RunFailed when the vendor failed it."""
    while True:
        state = poll_batch(batch_id, endpoint)
        note.write({"known": known, "batch": batch_id, "done": state.done + state.failed, "total": state.total})
        if state.state == "failed":
            raise RunFailed(f"The vendor could not work on the batch {batch_id}: {state.message or 'no reason given'}.")
        if state.state == "ended":
            return
        time.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 1.5)


class Note:
    """A small file in the run's folder: what was handed over, and how far the vendor is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """What was noted; {} when nothing was, or nothing readable."""
        try:
            row = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return row if isinstance(row, dict) else {}

    def write(self, row: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(".tmp")
        aside.write_text(json.dumps(row))
        aside.replace(self.path)

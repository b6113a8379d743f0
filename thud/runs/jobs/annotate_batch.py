"""Annotate in batches: hands the vendor many clips' questions at once and waits for hours if need be.

The batch is the vendor's: stopping the run leaves it at work there, and a resumed run finds it by its name.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart, RefusedClip, RunFailed
from thud.events.annotators import (
    Annotator,
    Outcome,
    endpoint_of,
    first_question,
    parse_annotator,
    read,
    shown_units,
)
from thud.events.frame_units import LONGEST_SIDE, windows
from thud.providers import Endpoint, Question, Shelf, poll_batch, read_batch, submit_batch
from thud.records import Clip, Reply, Run, clip_from_json
from thud.runs import answers
from thud.runs.asking import shelf_of, undisturbed
from thud.runs.job import CannotGoOn
from thud.runs.jobs import annotate

if TYPE_CHECKING:
    from thud.store import Store

kind = "annotate_batch"
LIMIT_S = 0.0
"""A vendor may take a day, and a stop reaches a waiting worker all the same."""

MOST_BYTES = 100_000_000
"""By the estimate below; vendors stop at about twice as much."""

BYTES_A_PIXEL = 0.5
"""Of a still as JPEG in base64, on the safe side."""

MOST_CLIPS = 2000
LONGEST_PAUSE_S = 60.0
Asked = list[tuple[str, Question]]


def size_of(annotator: Annotator, clip: Clip) -> int:
    """About how many bytes the question about that clip takes."""
    width, height = max(1, clip.probe.width), max(1, clip.probe.height)
    share = min(1.0, LONGEST_SIDE / max(width, height))
    stills = (
        len(windows(clip.probe.duration_s, annotator.window_s, annotator.frames_per_unit)) * annotator.frames_per_unit
    )
    return round(stills * (2000 + BYTES_A_PIXEL * width * height * share**2))


def chunks(sized: Sequence[tuple[Clip, int]]) -> Iterator[tuple[Clip, ...]]:
    """The clips in groups that fit into a batch, by their bytes and number; a clip too large goes alone."""
    held: list[Clip] = []
    size = 0
    for clip, own in sized:
        if held and (size + own > MOST_BYTES or len(held) >= MOST_CLIPS):
            yield tuple(held)
            held, size = [], 0
        held.append(clip)
        size += own
    if held:
        yield tuple(held)


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Hands over, waits and reads. Raises CannotGoOn for a bad key, RunFailed when the vendor failed the batch."""
    clips = [clip_from_json(row) for row in item["clips"]]
    annotator = parse_annotator(item["annotator"])
    endpoint = endpoint_of(annotator)
    note = _Note(workspace / "runs" / item["run"] / "batches" / f"{item['key']}.json")
    rows: list[dict[str, Any]] = []
    asked: Asked = []
    for clip in clips:
        try:
            asked.append((clip.id, first_question(annotator, clip, clip.path)))
        except (RefusedClip, BadRequest) as error:
            rows.append(answers.answer(item, clip, Outcome(None, "rejected", str(error))))
    try:
        replies = _replies(asked, endpoint, shelf_of(endpoint, workspace), item, note)
    except (BadRequest, MissingPart) as error:
        raise CannotGoOn(str(error)) from error
    rows += [_read(item, annotator, clip, replies[clip.id]) for clip in clips if clip.id in replies]
    return answers.result(clips, rows)


def _read(item: dict[str, Any], annotator: Annotator, clip: Clip, reply: Reply) -> dict[str, Any]:
    return answers.answer(item, clip, read(annotator, clip, shown_units(annotator, clip), reply))


def _replies(asked: Asked, endpoint: Endpoint, shelf: Shelf, item: dict[str, Any], note: _Note) -> dict[str, Reply]:
    """A Reply per clip: what is on the shelf already, and the rest from the vendor's batch."""
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


def _wait(batch_id: str, endpoint: Endpoint, pause_s: float, note: _Note, known: list[str]) -> None:
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


class _Note:
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


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """As for single questions, at the batch's price."""
    answers.take_in(store, item, result["answers"], batch=True)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What was placed so far, and that the vendor is at work on the rest."""
    notes = [_Note(path).read() for path in sorted((folder / "batches").glob("*.json"))]
    waiting = [row for row in notes if "batch" in row]
    if not waiting:
        return answers.tally_words(tally)
    done, total = (sum(int(row[key]) for row in waiting) for key in ("done", "total"))
    what = "the vendor's batch" if len(waiting) == 1 else f"{len(waiting)} of the vendor's batches"
    return f"{answers.tally_words(tally)} Waiting for {what}: {done} of {total} answered.".strip()


def conclude(store: Store, run: Run) -> None:
    """As for single questions."""
    annotate.conclude(store, run)

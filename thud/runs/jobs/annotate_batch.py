"""Annotate in batches: hands the vendor many clips' questions at once and waits for hours if need be.

The batch is the vendor's: stopping the run leaves it at work there, and a resumed run finds it by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart, RefusedClip
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
from thud.records import Clip, Reply, Run, clip_from_json
from thud.runs.annotating import answers
from thud.runs.asking import shelf_of
from thud.runs.batch import Asked, note_of, replies_of, waiting_words
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
    note = note_of(item, workspace)
    rows: list[dict[str, Any]] = []
    asked: Asked = []
    for clip in clips:
        try:
            asked.append((clip.id, first_question(annotator, clip, clip.path)))
        except (RefusedClip, BadRequest) as error:
            rows.append(answers.answer(item, clip, Outcome(None, "rejected", str(error))))
    try:
        replies = replies_of(asked, endpoint, shelf_of(endpoint, workspace), item, note)
    except (BadRequest, MissingPart) as error:
        raise CannotGoOn(str(error)) from error
    rows += [_read(item, annotator, clip, replies[clip.id]) for clip in clips if clip.id in replies]
    return answers.result(clips, rows)


def _read(item: dict[str, Any], annotator: Annotator, clip: Clip, reply: Reply) -> dict[str, Any]:
    return answers.answer(item, clip, read(annotator, clip, shown_units(annotator, clip), reply))


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """As for single questions, at the batch's price."""
    answers.take_in(store, item, result["answers"], batch=True)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What was placed so far, and that the vendor is at work on the rest."""
    return f"{answers.tally_words(tally)} {waiting_words(folder)}".strip()


def conclude(store: Store, run: Run) -> None:
    """As for single questions."""
    annotate.conclude(store, run)

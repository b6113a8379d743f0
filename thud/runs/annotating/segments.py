"""Described segments as people go over them: the queue, what they say, and how far people, models and files agree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.pairs.material import Segment, segment_from_json
from thud.pairs.segment_words import (
    KIND,
    LONGEST_NOTE,
    PERSON,
    VERDICTS,
    Word,
    correct,
    last_word,
    name_of,
    overlap,
    say,
    word_json,
    words_by_segment,
)
from thud.records import Clip, content_id
from thud.runs.follow import now
from thud.statistics import Estimate, cohen_kappa, wilson

if TYPE_CHECKING:
    from thud.store import Store

MATERIAL = "pair_material"
FILE = "the file"
ENOUGH_PEOPLE = 2
SAME_INTERVAL = 0.7
"""Two intervals that overlap at least so far (intersection over union) say the same."""


@dataclass(frozen=True, slots=True)
class Task:
    """A segment to look at. words: all that was said of it, models' included: not for who has not spoken yet."""

    segment: Segment
    clip: Clip
    words: tuple[Word, ...]

    def of(self, person: str) -> Word | None:
        """That person's word."""
        return next((word for word in self.words if word.by == PERSON + person), None)

    @property
    def people(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if word.person)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of all segments: how many there are, with anybody's word, with one person's, and left for that person."""

    all: int
    seen: int
    mine: int
    left: int


@dataclass(frozen=True, slots=True)
class Queue(Counts):
    """What one person may look at, in order, beside the counts of all segments."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """People against a model, or against what the file said. n: segments that both spoke of.

    agree: the same verdict, and intervals that overlap where both correct. kappa: of keeping against rejecting; None
    against a file, which keeps everything. iou: mean overlap of intervals where both keep.
    """

    name: str
    n: int
    agree: Estimate
    kappa: Estimate
    iou: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """segments: imported. seen: with a person's word. disputed: ids of those about which two people differ."""

    segments: int
    seen: int
    disputed: int
    against: tuple[Against, ...]
    disputes: tuple[str, ...] = ()


def imported_segments(store: Store) -> dict[str, tuple[Segment, ...]]:
    """By clip id, the segments as they were imported, whatever was said of them since; none twice."""
    found: dict[str, dict[str, Segment]] = {}
    for name, body in store.definitions(MATERIAL).items():
        if body and body.get("kind") == "segments":
            for one in _lines(material_file(store.workspace, name)):
                found.setdefault(one.clip_id, {}).setdefault(one.id, one)
    return {clip_id: tuple(sorted(many.values(), key=_begin)) for clip_id, many in found.items()}


def material_file(workspace: Path, name: str) -> Path:
    """Where the rows of imported material lie."""
    return workspace / "pairs" / "material" / f"{name}.jsonl"


@lru_cache(maxsize=32)
def _lines(path: Path) -> tuple[Segment, ...]:
    """A file of material is named by its content, so it never changes; one that is gone holds nothing."""
    try:
        with path.open(encoding="utf-8") as lines:
            return tuple(segment_from_json(json.loads(line)) for line in lines)
    except FileNotFoundError:
        return ()


def _begin(segment: Segment) -> tuple[float, float]:
    return segment.start_s, segment.end_s


def tasks(store: Store) -> list[Task]:
    """All segments of clips that are here, each with its clip and what was said of it."""
    words = words_by_segment(store.definitions(KIND))
    clips = {clip.id: clip for clip in store.clips()}
    every = (one for clip_id, many in imported_segments(store).items() if clip_id in clips for one in many)
    return [Task(one, clips[one.clip_id], words.get(one.id, ())) for one in every]


def queue(store: Store, person: str, first: str = "") -> Queue:
    """What `person` may look at: what nobody has spoken of comes first, then what one other person has.

    Segments of a clip come one after the other. first: the segment to begin with, also where theirs is said.
    """
    every = tasks(store)
    open_ = [one for one in every if _is_left(one, person)]
    ordered = sorted(open_, key=lambda one: (len(one.people), content_id(person, one.clip.id), *_begin(one.segment)))
    if named := [one for one in every if one.segment.id == first]:
        ordered = [*named, *(one for one in ordered if one.segment.id != first)]
    told = counts(every, person)
    return Queue(told.all, told.seen, told.mine, told.left, tuple(ordered))


def counts(every: Iterable[Task], person: str) -> Counts:
    """How far `person` and all others are with these segments; nothing is put in order."""
    known = list(every)
    return Counts(
        len(known),
        sum(bool(one.people) for one in known),
        sum(one.of(person) is not None for one in known),
        sum(_is_left(one, person) for one in known),
    )


def _is_left(task: Task, person: str) -> bool:
    return task.of(person) is None and len(task.people) < ENOUGH_PEOPLE


def find_task(store: Store, segment_id: str) -> Task:
    """That segment. NotFound when it is gone."""
    for one in tasks(store):
        if one.segment.id == segment_id:
            return one
    raise NotFound("This segment is not in the workspace any more. Reload the page.")


def say_word(store: Store, person: str, segment_id: str, verdict: str, told: Mapping[str, Any], note: str = "") -> Task:
    """The segment with the person's word in the store. told: see `correct`; only read for a correction.

    A second word of theirs takes the place of the first, which stays known: it was said before they saw others'.
    BadRequest in one sentence.
    """
    if verdict not in VERDICTS:
        raise BadRequest(f"A word about a segment is one of {', '.join(VERDICTS)}.")
    if verdict == "reject" and not note.strip():
        raise BadRequest("Say in a few words why the segment is left out.")
    task, by = find_task(store, segment_id), PERSON + person
    more: dict[str, Any] = {
        "note": note.strip()[:LONGEST_NOTE],
        "at": now(),
    }
    if verdict == "correct":
        word = correct(task.segment, by, told, task.clip.probe.duration_s, **more)
    else:
        word = say(task.segment, by, "agree" if verdict == "agree" else "reject", **more)
    before = task.of(person)
    if before is not None:
        word = replace(word, blind=before.blind or (before.verdict, before.start_s, before.end_s))
    store.define(KIND, name_of(word), word_json(word), person)
    return replace(task, words=(*(one for one in task.words if one.by != by), word))


def agreement(store: Store) -> Agreement:
    """How far people agree with each model and with the files, by what they said before they saw others' words."""
    every = tasks(store)
    seen = [one for one in every if one.people]
    disputes = tuple(one.segment.id for one in seen if differ(one.people))
    models = sorted({word.by for one in every for word in one.words if not word.person})
    against = [_against(FILE, [(_said(one), _as_filed(one.segment)) for one in seen])]
    for name in models:
        both = [(_said(one), word) for one in seen for word in one.words if word.by == name]
        against.append(_against(name, both))
    return Agreement(len(every), len(seen), len(disputes), tuple(against), disputes)


def _said(task: Task) -> Word:
    word = last_word(task.people)
    if word is None:
        raise BadRequest("Nobody has spoken of this segment yet.")
    return word.unseen


def _as_filed(segment: Segment) -> Word:
    return say(segment, FILE, "agree")


def differ(words: Sequence[Word]) -> bool:
    """Whether any two of them do not say the same."""
    return any(not _same(a, b) for n, a in enumerate(words) for b in words[n + 1 :])


def _same(a: Word, b: Word) -> bool:
    return a.verdict == b.verdict and (a.verdict != "correct" or _iou(a, b) >= SAME_INTERVAL)


def _iou(a: Word, b: Word) -> float:
    return overlap((a.start_s, a.end_s), (b.start_s, b.end_s))


def _against(name: str, both: Sequence[tuple[Word, Word]]) -> Against:
    agreed = sum(_same(person, other) for person, other in both)
    kept = [_iou(person, other) for person, other in both if person.keeps and other.keeps]
    kappa = Estimate(None, None, None, len(both))
    if name != FILE and both:
        kappa = cohen_kappa([person.keeps for person, _ in both], [other.keeps for _, other in both]).kappa
    return Against(name, len(both), wilson(agreed, len(both)), kappa, sum(kept) / len(kept) if kept else None)


def agreement_row(report: Agreement) -> dict[str, Any]:
    """The report as JSON."""
    return {**asdict(report), "against": [asdict(one) for one in report.against], "disputes": list(report.disputes)}


def others(task: Task, person: str) -> Iterable[Word]:
    """What all others said of it, models first."""
    return sorted((word for word in task.words if word.by != PERSON + person), key=lambda one: (one.person, one.at))

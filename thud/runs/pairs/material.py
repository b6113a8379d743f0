"""Segments and choice questions about clips: taken in from files, kept in the workspace, read back for pairs.

What was taken in lies in `workspace/pairs/material/<id>.jsonl`, a row a line; the store knows title, kind and counts.
Questions about sound are asked of a listener that hears none; what it gets right teaches nothing about listening.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, StoreFull
from thud.evaluation.benchmarks import BenchmarkQuestion, BenchmarkSet
from thud.evaluation.benchmarks.question import LETTERS, BadRow, text_of
from thud.pairs.choices import choices_in, looks_asked, sound_choices
from thud.pairs.material import Choice, Segment, choice_from_json
from thud.pairs.rows import Finder, Row, cause_of, rows_of
from thud.pairs.segment_words import KIND as SEGMENT_WORD
from thud.pairs.segment_words import corrected, words_by_segment
from thud.pairs.segments import MADE_UP, demo_segments, looks_described, segments_in
from thud.records import Clip, Refusal, Response, Run
from thud.runs.annotating.segments import MATERIAL, imported_segments, material_file
from thud.runs.listening.benchmarks import imported as benchmarks_of
from thud.runs.listening.benchmarks import keep_benchmark, start_benchmark
from thud.runs.listening.listen import find_listener

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

KINDS = ("segments", "choices")
WITHOUT_SOUND = "fva"
"""The kind under which questions that are asked without sound stand among the benchmarks."""
DEMO_TITLE = "The demo's segments, made up with the clip"
MOST_REFUSALS = 1000
SNIFFED = 200
Found = Segment | Choice
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """Material as it was taken in. id: the hash of its rows, so that the same file is the same material.

    rows: segments or questions. refused: reason → rows. refusals: the first thousand of them, each with its row.
    """

    id: str
    kind: str
    title: str
    rows: int
    refused: dict[str, int]
    refusals: tuple[Refusal, ...] = ()


def import_material(store: Store, path: Path, actor: str, kind: str | None = None) -> Imported:
    """The segments or choice questions of a file, taken in. kind: one of KINDS, None = told by the fields.

    The file is read row by row and may be of any size. Raises BadRequest when nothing in it can be used.
    """
    from thud.store.parquet import read_parquet

    path = path.expanduser().absolute()
    if kind is not None and kind not in KINDS:
        raise BadRequest(f"There is no material {kind!r}; there are {' and '.join(KINDS)}.")
    kind = kind or _kind_of(path, rows_of(path, read_parquet))
    counts: Counter[str] = Counter()
    refusals: list[Refusal] = []

    def refused(subject: str, error: BadRow) -> None:
        counts[cause_of(error)] += 1
        if len(refusals) < MOST_REFUSALS:
            refusals.append(Refusal(subject, str(error)))

    found = _found(path.name, rows_of(path, read_parquet), kind, Finder(store.clips()), refused)
    name, rows = _keep(store.workspace, found)
    if not rows:
        most = next((cause for cause, _ in counts.most_common(1)), "it holds no row")
        raise BadRequest(f"Nothing in {path.name} can be used: {sum(counts.values())} rows refused, mostly: {most}.")
    made = Imported(name, kind, path.name, rows, dict(counts.most_common()), tuple(refusals))
    _define(store, made, str(path), actor)
    return made


def segments_of(store: Store) -> dict[str, tuple[Segment, ...]]:
    """The segments of each clip, by clip id, as the last word about each has them; rejected ones are left out."""
    words = words_by_segment(store.definitions(SEGMENT_WORD))
    found = {}
    for clip_id, many in imported_segments(store).items():
        kept = (corrected(one, words.get(one.id, ())) for one in many)
        if left := tuple(one for one in kept if one is not None):
            found[clip_id] = left
    return found


def choices_of(store: Store) -> dict[str, tuple[Choice, ...]]:
    """The choice questions about each clip, by clip id: imported, and made from the sounds of its segments."""
    found: dict[str, dict[str, Choice]] = {}
    for name, body in store.definitions(MATERIAL).items():
        for row in _lines(material_file(store.workspace, name)) if body["kind"] == "choices" else ():
            choice = choice_from_json(row)
            found.setdefault(choice.clip_id, {}).setdefault(choice.id, choice)
    for clip_id, made in _of_sounds({clip.id: clip for clip in store.clips()}, segments_of(store)).items():
        found.setdefault(clip_id, {}).update((choice.id, choice) for choice in made)
    return {clip_id: tuple(many.values()) for clip_id, many in found.items()}


def picture_only(store: Store) -> dict[str, bool]:
    """Of each choice (by id) that was asked without sound: whether every listener so asked failed it.

    A refusal, or words that choose nothing, fail it: they do not get it right. Errors and empty replies are no answer,
    so the choice counts as not asked.
    """
    found: dict[str, bool] = {}
    for choice_id, response in _blind_responses(store):
        if response.outcome in ("ok", "refused"):
            failed = response.answer.label != response.item.expected
            found[choice_id] = found.get(choice_id, True) and failed
    return found


def start_picture_only(store: Store, runs: Runs, listener_name: str, actor: str) -> Run:
    """The run that asks a listener, without sound, all questions about sound that it was not asked yet.

    Raises NotFound for the listener; BadRequest when there is no such question, or it cannot be asked in that arm.
    """
    listener = find_listener(store, listener_name)
    key = listener.key()
    audio = [one for many in choices_of(store).values() for one in many if one.family == "audio"]
    if not audio:
        raise BadRequest("There is no question about sound yet; import questions, or segments whose sounds are named.")
    done = {choice_id for choice_id, one in _blind_responses(store) if one.listener_key == key and one.outcome == "ok"}
    clips = {clip.id: clip for clip in store.clips()}
    left = [_as_question(one, clips[one.clip_id], n) for n, one in enumerate(audio, 1) if _open(one, done, clips)]
    if not left:
        raise BadRequest(f"{listener.label} has answered all questions about sound without hearing any.")
    title = f"Questions about sound, for {listener.label} without sound"
    kept = keep_benchmark(store, BenchmarkSet(WITHOUT_SOUND, title, tuple(left)), "this workspace", actor)
    return start_benchmark(store, runs, listener, kept.id, actor, arm="picture_only")


def add_demo_segments(store: Store, actor: str) -> int:
    """How many segments of the demo's clips were added: 0 where they are there already, or there is no demo."""
    clips = store.clips()
    made = demo_segments(clips, store.times("construction"))
    known = {one.id for many in imported_segments(store).values() for one in many}
    if not made or all(one.id in known for one in made):
        return 0
    name, rows = _keep(store.workspace, iter(made))
    _define(store, Imported(name, "segments", DEMO_TITLE, rows, {}), MADE_UP, actor)
    return rows


def _found(
    file: str,
    rows: Iterable[tuple[int, Row | BadRow]],
    kind: str,
    finder: Finder,
    refused: Callable[[str, BadRow], None],
) -> Iterator[Found]:
    """What the rows hold, none twice. refused: told of every row, or part of one, that cannot be used."""
    seen: set[int] = set()
    for number, row in rows:
        for each in [row] if isinstance(row, BadRow) else _read(kind, row, number, finder):
            if isinstance(each, BadRow):
                refused(f"{file}, row {number}", each)
            elif (key := int(each.id, 16)) not in seen:
                seen.add(key)
                yield each
            else:
                refused(f"{file}, row {number}", BadRow("the same stands further up"))


def _read(kind: str, row: Row, number: int, finder: Finder) -> Iterator[Found | BadRow]:
    yield from segments_in(row, finder) if kind == "segments" else choices_in(row, number, finder)


def _kind_of(path: Path, rows: Iterator[tuple[int, Row | BadRow]]) -> str:
    """What most of a file's first rows are. BadRequest where none is either."""
    first = [row for _, row in islice(rows, SNIFFED) if not isinstance(row, BadRow)]
    if any(looks_asked(row) for row in first):
        return "choices"
    if any(looks_described(row) for row in first):
        return "segments"
    fields = ", ".join(list(first[0])[:8]) if first else "no row at all"
    raise BadRequest(
        f"{path.name} holds neither segments (start, end, description) nor choice questions (question, options, "
        f"answer); its first row has {fields}."
    )


def _keep(workspace: Path, found: Iterator[Found]) -> tuple[str, int]:
    """(id, rows) of what was written, under a name that is the hash of its lines. StoreFull."""
    folder = workspace / "pairs" / "material"
    aside = folder / f".{os.getpid()}.tmp"
    digest, rows = hashlib.sha256(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as out:
            for each in found:
                line = json.dumps(asdict(each), ensure_ascii=False) + "\n"
                digest.update(line.encode())
                out.write(line)
                rows += 1
        name = digest.hexdigest()[:16]
        if rows:
            aside.replace(material_file(workspace, name))
    except OSError as error:
        raise StoreFull(
            f"The material could not be written: {error.strerror}. Free some space and try again."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    return name, rows


def _define(store: Store, made: Imported, where: str, actor: str) -> None:
    body = {"title": made.title, "kind": made.kind, "rows": made.rows, "refused": made.refused, "from": where}
    store.define(MATERIAL, made.id, body, actor)


_made: list[tuple[Json, Json, dict[str, tuple[Choice, ...]]]] = []


def _of_sounds(clips: dict[str, Clip], segments: dict[str, tuple[Segment, ...]]) -> dict[str, tuple[Choice, ...]]:
    """The questions made from sounds; made anew only when a clip or a segment has changed."""
    for old_clips, old_segments, made in _made:
        if old_clips == clips and old_segments == segments:
            return made
    made = sound_choices(clips, segments)
    _made[:] = [(clips, segments, made)]
    return made


def _lines(file: Path) -> Iterator[Json]:
    """The rows of a file; none of one that is gone."""
    if file.is_file():
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)


def _open(choice: Choice, done: set[str], clips: dict[str, Clip]) -> bool:
    return choice.id not in done and choice.clip_id in clips and Path(clips[choice.clip_id].path).is_file()


def _as_question(choice: Choice, clip: Clip, number: int) -> BenchmarkQuestion:
    """The choice as a benchmark's question, named by the choice's id; letters anew, so that none is right too often."""
    texts = list(choice.options)
    random.Random(choice.id).shuffle(texts)
    options = tuple((letter, text) for letter, (_, text) in zip(LETTERS, texts, strict=False))
    right = LETTERS[[old for old, _ in texts].index(choice.answer)]
    group = {"clip": (clip.source or clip.id,)}
    return BenchmarkQuestion(
        choice.id, str(Path(clip.path).absolute()), choice.question, options, right, number, group=group
    )


def _blind_responses(store: Store) -> Iterator[tuple[str, Response]]:
    """(choice id, response) of all that was asked without sound."""
    sets = [name for name, body in benchmarks_of(store).items() if body["kind"] == WITHOUT_SOUND]
    choices = {
        text_of(row, "id"): text_of(row, "uid")
        for name in sets
        for row in _lines(store.workspace / "benchmarks" / f"{name}.jsonl")
    }
    asked = [run.id for run in store.runs() if run.settings.get("question_set") in sets] if sets else []
    for run_id in asked:
        for response in store.responses(run_id):
            if response.item.question_id in choices and response.item.arm == "picture_only":
                yield choices[response.item.question_id], response

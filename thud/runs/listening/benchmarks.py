"""Benchmarks that others made: import from a folder, ask a listener, and the row of six that shows the alignment tax.

An imported set lies in `workspace/benchmarks/<id>.jsonl`, a question a line; the store knows its name and size.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.evaluation.alignment_tax import Marked, TaxRow, tax_row
from thud.evaluation.benchmarks import BenchmarkSet, as_question_set, read_benchmark
from thud.listeners.foreign import stamp
from thud.listeners.roster import Listener
from thud.listeners.roster import to_json as listener_json
from thud.records import Item, Run, content_id, item_json
from thud.runs.jobs import listen
from thud.runs.listening.gate import NEEDED, OVERRIDDEN, canary_needed
from thud.runs.listening.listen import pace_of

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

DEFINITION = "benchmark"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """A set as it was taken in. id: the hash of its questions, so that the same file is the same set."""

    id: str
    kind: str
    name: str
    questions: int
    refused: dict[str, int]


def import_benchmark(
    store: Store, path: Path, actor: str, kind: str | None = None, videos: Path | None = None, seed: int | None = None
) -> tuple[Imported, BenchmarkSet]:
    """The set in a folder or file, taken in. seed: shuffles letters. BadRequest when nothing in it can be asked."""
    from thud.store.parquet import read_parquet

    found = read_benchmark(path, kind, videos=videos, parquet=read_parquet)
    if not found.questions:
        reason = next(iter(found.reasons()), "it holds no question")
        raise BadRequest(f"Nothing in {path.name} can be asked: {len(found.refused)} rows refused, mostly: {reason}.")
    return keep_benchmark(store, found, str(path), actor, seed), found


def keep_benchmark(store: Store, found: BenchmarkSet, where: str, actor: str, seed: int | None = None) -> Imported:
    """The set as it was taken in: its questions lie in the workspace and can be asked. where: what it came from."""
    rows = as_question_set(found, seed)
    made = Imported(content_id([row["id"] for row in rows]), found.kind, found.name, len(rows), found.reasons())
    file = _file(store.workspace, made.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    aside.replace(file)
    body = {"kind": made.kind, "name": made.name, "questions": made.questions, "refused": made.refused}
    store.define(DEFINITION, made.id, {**body, "from": where}, actor)
    return made


def imported(store: Store) -> dict[str, Json]:
    """The sets that were taken in, by id: kind, name, questions, refused, from."""
    return store.definitions(DEFINITION)


def find_benchmark(store: Store, name: str) -> str:
    """The id of the set of that id, kind or name. NotFound; BadRequest when several are called so."""
    known = imported(store)
    found = [key for key, body in known.items() if name in (key, body["kind"], body["name"])]
    if not found:
        names = ", ".join(body["name"] for body in known.values()) or "none was imported yet"
        raise NotFound(f"There is no benchmark “{name[:60]}”: {names}.")
    if len(found) > 1:
        raise BadRequest(f"{len(found)} sets are called “{name[:60]}”: {', '.join(found)}. Give the id.")
    return found[0]


def items_of(store: Store, benchmark: str, arm: str) -> list[tuple[Item, Json]]:
    """The set's items and the rows they come from. NotFound for a video that is gone or a set that was removed."""
    file = _file(store.workspace, benchmark)
    if not file.is_file():
        raise NotFound("The questions of this benchmark are gone from the workspace; import it anew.")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [(_item(row, benchmark, arm), row) for row in rows]


def _item(row: Json, benchmark: str, arm: str) -> Item:
    video, sound = stamp(row["video"]), stamp(row["sound"]) if row["sound"] else ""
    return Item(
        stimulus_id="",
        clip_id=video[:16],
        condition=row["condition"],
        offset_s=row["offset_s"],
        task=row["task"],
        question_set=benchmark,
        question_id=row["id"],
        text=row["text"],
        arm=arm,
        expected=_expected(row),
        options=tuple((letter, label) for letter, label in row["options"]),
        seed=row["seed"] or 0,
        stimulus_hash=sound or video,
    )


def _expected(row: Json) -> str:
    """The right label; of a choice question the letter that stands before the right option as it is shown."""
    if row["task"] != "choice":
        return str(row["expected"])
    return next(str(letter) for letter, label in row["options"] if label == row["expected"])


def start_benchmark(
    store: Store,
    runs: Runs,
    listener: Listener,
    benchmark: str,
    actor: str,
    *,
    arm: str = "audio_video",
    override: bool = False,
    most: int | None = None,
) -> Run:
    """Asks a listener what it was not asked yet of that set. most: only so many, the first by id.

    BadRequest when nothing is left, or the listener cannot be asked in that arm.
    """  # fmt: skip
    if arm not in listener.allowed_arms or arm == "shuffled_picture" or listener.backend == "signal":
        raise BadRequest(f"{listener.label} cannot be asked about a benchmark in the arm {arm}.")
    key = listener.key()
    planned = items_of(store, benchmark, arm)
    ids = {content_id(item.id, key, ""): (item, row) for item, row in planned}
    done = store.answered(key, list(ids))
    left = [pair for name, pair in sorted(ids.items()) if name not in done][:most]
    if not left:
        raise BadRequest("There is nothing to ask: every question of this set has an outcome.")
    canary = (OVERRIDDEN if override else NEEDED) if canary_needed(listener, arm) else ""
    common = {
        "listener": listener_json(listener), "listener_key": key, "arm": arm, "canary": canary, "by": actor,
        "again": False, "clips": [],
    }  # fmt: skip
    size, workers = pace_of(listener)
    lines = [_line(left[at : at + size], common, key) for at in range(0, len(left), size)]
    name = imported(store).get(benchmark, {}).get("name", benchmark)
    settings = {"listener": listener_json(listener), "listener_key": key, "question_set": benchmark, "arm": arm}
    title = f"Ask {listener.label}: {len(left)} questions of {name}"
    return runs.start(listen.kind, title, settings, lines, actor, workers=workers, limit_s=listen.LIMIT_S)


def _line(pairs: list[tuple[Item, Json]], common: Json, key: str) -> Json:
    return {
        **common,
        "key": content_id([content_id(item.id, key, "") for item, _ in pairs]),
        "subject": Path(pairs[0][1]["video"]).name,
        "asks": [item_json(item) for item, _ in pairs],
        "files": [{"video": row["video"], "sound": row["sound"], "source": row["source"]} for _, row in pairs],
    }


def tax_rows(store: Store, base_key: str = "") -> list[TaxRow]:
    """One row per listener that answered a benchmark, beside the base's where one is named.

    By the rules' reading; what was not answered counts as not right, as on the leaderboard. Sync: the workspace's own.
    """
    kinds = {key: body["kind"] for key, body in imported(store).items()}
    answers: dict[str, dict[str, list[Marked]]] = {}
    names: dict[str, str] = {}
    for key, name, question_set, item, source, right in store.marked(list(kinds)):
        names[key] = name
        column = kinds.get(question_set, "sync")
        answers.setdefault(key, {}).setdefault(column, []).append(Marked(item, source, right))
    base = answers.get(base_key)
    return [tax_row(names[key], by_kind, base if key != base_key else None) for key, by_kind in answers.items()]


def _file(workspace: Path, benchmark: str) -> Path:
    return workspace / "benchmarks" / f"{benchmark}.jsonl"

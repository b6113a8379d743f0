"""Everything the store claims, looked at again: source files, written sounds, and the log against the state tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from thud.disk import file_sha256
from thud.records import Clip, Stimulus, stimulus_folder
from thud.store.batch import read_state, select_events
from thud.store.database import Database
from thud.store.log import Row, State, replay

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing that is not as the store says. subject: clip, stimulus or table; reason: one sentence."""

    subject: str
    reason: str


def check_files(
    clips: list[Clip], stimuli: list[Stimulus], workspace: Path, progress: Progress
) -> Iterator[Disagreement]:
    """Every source and every sound, hashed anew. `progress(done, total)` after each clip and stimulus."""
    total = len(clips) + len(stimuli)
    for done, clip in enumerate(clips, 1):
        yield from _check_file(f"clip {clip.id}", Path(clip.path), clip.sha256, clip.probe.size_bytes)
        progress(done, total)
    for done, stimulus in enumerate(stimuli, len(clips) + 1):
        proof, subject = stimulus.proof, f"stimulus {stimulus.id}"
        folder = stimulus_folder(workspace, stimulus.clip_id)
        if stimulus.models:
            yield from _check_file(subject, folder / stimulus.models, proof.models_sha256, proof.models_bytes)
        if stimulus.people:
            yield from _check_file(subject, folder / stimulus.people, proof.people_sha256, None)
        progress(done, total)


def _check_file(subject: str, path: Path, sha256: str, size: int | None) -> Iterator[Disagreement]:
    try:
        found_size = path.stat().st_size
        if size is not None and found_size != size:
            yield Disagreement(subject, f"{path} has {found_size} bytes, {size} were recorded.")
            return
        found = file_sha256(path)
    except OSError as error:
        yield Disagreement(subject, f"{path} cannot be read: {error.strerror}.")
        return
    if found != sha256:
        yield Disagreement(
            subject, f"{path} has other bytes than recorded (sha256 {found[:12]}… instead of {sha256[:12]}…)."
        )


def check_log(database: Database) -> list[Disagreement]:
    """State tables against the replay of the log, at one moment."""
    with database.snapshot() as cursor:
        events = select_events(cursor, "ORDER BY ev_id", [])
        stored = read_state(cursor)
    return list(compare(stored, replay(events)))


def compare(stored: State, replayed: State) -> Iterator[Disagreement]:
    """Rows that differ, are missing, or have no event.

    A row that is not live and has no event says nothing, so it may stay.
    """
    for table, rows in replayed.items():
        for key in sorted(rows.keys() | stored[table].keys()):
            said, found = rows.get(key), stored[table].get(key)
            if said == found or (said is None and found is not None and not found["live"]):
                continue
            yield Disagreement(f"{table} {' '.join(key)}", _difference(said, found))


def _difference(said: Row | None, found: Row | None) -> str:
    if found is None:
        return "The log has this and the table does not. Rebuild the tables from the log."
    if said is None:
        return "The table has this and the log does not. Rebuild the tables from the log."
    columns = ", ".join(name for name, value in said.items() if found[name] != value)
    return f"The table and the log differ in {columns}. Rebuild the tables from the log."

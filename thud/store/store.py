"""The store: records in, records out. Every write is an event in the log and returns after COMMIT; reads see what is
committed.

    with open_store(Path("annotations.duckdb"), Path("workspace")) as store:
        store.add_clip(clip, actor="ada")

Writes give the new event's id, or None when the store knew it all already. Any method may raise StoreFull (reading goes
on) or StoreBroken; all may be called from any thread.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, TimeoutError
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from thud.errors import BadRequest, ThudError
from thud.records import Clip, EventTimes, Intervention, Mark, Reading, Run, Stimulus
from thud.store import changes
from thud.store.backup import BackupReport, copy_database
from thud.store.batch import last_event, rebuild_state, select_rows
from thud.store.changes import Change
from thud.store.database import Database, is_dead, translate, translate_os
from thud.store.leases import HOLD_S, Leases
from thud.store.log import TABLE_OF, TABLES, UNDO
from thud.store.migrate import migrate
from thud.store.reads import Answer, Reads
from thud.store.scores import Scores
from thud.store.snapshot import write_snapshot
from thud.store.verify import Disagreement, Progress, check_files, check_log
from thud.store.writer import Changed, Writer

MIN_FREE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the store can be read and written just now, with the reason in words when it cannot."""

    readable: bool
    writable: bool
    free_bytes: int
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.readable and self.writable


def open_store(
    db_path: Path | str,
    workspace: Path | str,
    *,
    min_free_bytes: int = MIN_FREE_BYTES,
    hold_s: float = HOLD_S,
    clock: Callable[[], float] = time.monotonic,
) -> Store:
    """The store in `db_path`, made when it is new, brought to this version's schema (after a backup) when it is old.

    min_free_bytes: writes are refused when the disk has less left. hold_s, clock: how long a claimed clip is held.
    StoreBusy names the process that has the file; StoreBroken says what is wrong with it.
    """
    path = Path(db_path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate_os(error, path) from error
    database = Database(path)
    try:
        migrate(database, Path(workspace) / "backups")
        return Store(database, Path(workspace), min_free_bytes, Leases(hold_s, clock))
    except BaseException:
        database.close()
        raise


class Store(Reads, Scores):
    """An open store; use `open_store`. Close it, or use it in a `with`, so that the write-ahead log is folded in."""

    def __init__(self, database: Database, workspace: Path, min_free_bytes: int, leases: Leases) -> None:
        self.path = database.path
        self.workspace = workspace
        self.leases = leases
        self._database = database
        self._copying = threading.Lock()
        self._closed = False
        for mark in select_rows(database.cursor(), TABLES["mark"], "WHERE live"):
            leases.set_marked(mark["annotator"], mark["clip_id"], True)
        self._writer = Writer(database, min_free_bytes, self._committed)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is waiting, fold in the write-ahead log, let the file go. A second call does nothing."""
        self._closed = True
        self._writer.close()
        self._database.close()

    @property
    def full(self) -> bool:
        """The last write met a full disk: show the banner. The next write that succeeds clears it."""
        return self._writer.full

    # --- writing

    def write(self, change: Change) -> int | None:
        """The event id of one change (see `thud.store.changes`), or None when it is nothing new."""
        return self.write_many([change])[0]

    def write_many(self, many: Sequence[Change]) -> list[int | None]:
        """Event ids of changes that stand or fall together, in one transaction: use it to ingest a run's results."""
        return self._writer.submit(many).result() if many else []

    def append(
        self, kind: str, subject: str, actor: str, payload: dict[str, Any], undoes: int | None = None
    ) -> Future[int | None]:
        """Future of the id of an event that is history only (a note, an override), or of an undo.

        BadRequest for kinds with state.
        """
        if undoes is not None:
            return _first(self._writer.submit([changes.undo(undoes, actor)]))
        if kind in TABLE_OF or kind == UNDO:
            raise BadRequest(f"“{kind}” keeps state: use the method of that name.")
        return _first(self._writer.submit([changes.change(kind, subject, actor, payload)]))

    def add_clip(self, clip: Clip, actor: str) -> int | None:
        """A clip as it is now; the same bytes at another path are the same clip, moved."""
        return self.write(changes.add_clip(clip, actor))

    def add_clips(self, clips: Iterable[Clip], actor: str) -> list[int | None]:
        """Several clips, all or none."""
        return self.write_many([changes.add_clip(clip, actor) for clip in clips])

    def set_times(self, clip_id: str, times: EventTimes, actor: str, expects: int | None = None) -> int | None:
        """Event times by one method; methods stand beside each other. NotFound when the clip is unknown, as below.

        expects: Conflict when another event than this (0 = none) has put the times of that method in force.
        """
        return self.write(changes.set_times(clip_id, times, actor, expects))

    def add_stimulus(self, stimulus: Stimulus, actor: str) -> int | None:
        """A stimulus that was built, whatever its proof says."""
        return self.write(changes.add_stimulus(stimulus, actor))

    def add_stimuli(self, stimuli: Iterable[Stimulus], actor: str) -> list[int | None]:
        """Several stimuli, all or none."""
        return self.write_many([changes.add_stimulus(stimulus, actor) for stimulus in stimuli])

    def add_refusal(self, clip_id: str, intervention: Intervention, reason: str, actor: str) -> int | None:
        """An intervention that was asked for and not made, with the reason in one sentence."""
        return self.write(changes.add_refusal(clip_id, intervention, reason, actor))

    def reject_donor(self, clip_id: str, donor_id: str, reason: str, actor: str) -> int | None:
        """A person's word that this donor must not give its sound to this clip."""
        return self.write(changes.reject_donor(clip_id, donor_id, reason, actor))

    def add_run(self, run: Run, actor: str) -> int | None:
        """A new run."""
        return self.write(changes.add_run(run, actor))

    def update_run(self, run: Run, actor: str) -> int | None:
        """A known run as it stands now. NotFound when it was never added."""
        return self.write(changes.update_run(run, actor))

    def undo(self, ev_id: int, actor: str) -> int | None:
        """The id of a new event that takes `ev_id` back: the state before it is in force again. An undo can be undone.

        NotFound; BadRequest when it is undone already or is of a kind that cannot be.
        """
        return self.write(changes.undo(ev_id, actor))

    # --- holding and marking clips

    def claim(self, annotator: str, clip_ids: Iterable[str]) -> str | None:
        """The first clip of the queue that nobody else holds and `annotator` has not marked, held for them; None if
        none.
        """
        return self.leases.claim(annotator, clip_ids)

    def release(self, annotator: str, clip_id: str) -> bool:
        """Give a clip back unmarked."""
        return self.leases.release(annotator, clip_id)

    def submit_mark(self, mark: Mark, actor: str = "", keep_late: bool = False) -> int | None:
        """Save a mark and let the clip go. A second one by the same annotator corrects the first.

        None when it is nothing new: the same save again, or one older than what is in force.
        BadRequest when the hold ran out and somebody else has the clip now; keep_late saves it all the same.
        """

        def check() -> None:
            self.leases.check(mark.annotator, mark.clip_id)

        return self.write(changes.submit_mark(mark, actor, None if keep_late else check))

    def add_reading(self, reading: Reading, actor: str) -> int | None:
        """A judge's or a person's answer to a response."""
        return self.write(changes.add_reading(reading, actor))

    def define(self, kind: str, name: str, body: Any, actor: str) -> int | None:
        """A listener, question set, saved view or note under its name; None takes it away."""
        return self.write(changes.define(kind, name, body, actor))

    def set_setting(self, name: str, value: Any, actor: str) -> int | None:
        """One setting of this workspace."""
        return self.write(changes.set_setting(name, value, actor))

    def add_note(self, note_id: str, clip_id: str, text: str, actor: str) -> int | None:
        """A note on a clip."""
        return self.write(changes.add_note(note_id, clip_id, text, actor))

    # --- care

    def backup(self, path: Path | str) -> BackupReport:
        """A copy in a new file, opened and compared table by table. BadRequest when the file exists."""
        with self._copying:
            return copy_database(self._database, Path(path))

    def snapshot(self, folder: Path | str) -> Path:
        """Parquet for other processes; gives its folder, at which `folder/current` points from now on."""
        with self._copying:
            return write_snapshot(self._database, Path(folder))

    def verify(self, progress: Progress = lambda done, total: None) -> list[Disagreement]:
        """Everything that is not as the store says: source files, sounds, and the tables against the log.

        Empty is good.
        """
        found = self._read(lambda cursor: check_log(self._database))
        return [*found, *check_files(self.clips(), self.stimuli(), self.workspace, progress)]

    def rebuild(self) -> None:
        """Write the state tables anew from the log, in one transaction."""
        state = self._writer.submit_job(rebuild_state).result()
        self._committed(state)

    def health(self, timeout_s: float = 5.0) -> Health:
        """Found out by reading and by writing, not by being alive."""
        free = shutil.disk_usage(self.path.parent).free
        try:
            self._read(last_event)
        except ThudError as error:
            return Health(False, False, free, str(error))
        try:
            self._writer.submit_job(_probe).result(timeout_s)
        except TimeoutError:
            return Health(True, False, free, f"The writer has not answered for {timeout_s:g} s.")
        except ThudError as error:
            return Health(True, False, free, str(error))
        return Health(True, True, free)

    def _read(self, query: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """The query's answer. A dead instance is reopened by the writer, and the query asked once more."""
        for attempt in (1, 2):
            if not self._database.is_open and not self._closed:
                self._revive()
            try:
                with self._database.reading() as cursor:
                    return query(cursor)
            except duckdb.Error as error:
                if attempt == 2 or not is_dead(error):
                    raise translate(error, self.path) from error
            self._revive()
        raise AssertionError("the loop above returns or raises")

    def _revive(self) -> None:
        """Any job meets the dead instance in the writer, which reopens it."""
        self._writer.submit_job(last_event).result()

    def _committed(self, changed: Changed) -> None:
        """In the writer, after COMMIT and before anyone is told: what the leases must know."""
        for mark in changed.get("mark", {}).values():
            self.leases.set_marked(mark["annotator"], mark["clip_id"], mark["live"])


def _probe(cursor: duckdb.DuckDBPyConnection) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    cursor.execute("INSERT OR REPLACE INTO probe VALUES (1, ?)", [now]).fetchall()


def _first(many: Future[list[int | None]]) -> Future[int | None]:
    """The future of the first of `many`."""
    one: Future[int | None] = Future()

    def pass_on(done: Future[list[int | None]]) -> None:
        error = done.exception()
        if error is None:
            one.set_result(done.result()[0])
        else:
            one.set_exception(error)

    one.set_running_or_notify_cancel()
    many.add_done_callback(pass_on)
    return one

"""The one thread that writes: group commit, and a future per request that resolves after COMMIT, always.

Requests that wait are written together (<= GROUP changes a transaction). DuckDB has no savepoints, so a request that
cannot be taken is found before anything is inserted; if the database itself refuses, the group is rolled back and
redone one by one. Whether a failed COMMIT is on disk is asked, not guessed: event ids come from this thread alone, so
the log's last id tells.
"""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import duckdb

from thud.errors import StoreBroken, StoreFull, ThudError
from thud.store.batch import Batch, last_event
from thud.store.changes import Change
from thud.store.database import Database, is_dead, is_full, rollback, translate, was_dead
from thud.store.log import Key, Row

GROUP = 256
RETRIES = 5
Job = Callable[[duckdb.DuckDBPyConnection], Any]
Changed = dict[str, dict[Key, Row]]


@dataclass(slots=True)
class Request:
    """Changes that stand or fall together, or a job that runs alone in a transaction of its own."""

    changes: Sequence[Change] = ()
    job: Job | None = None
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Owns all writing to `database`. `on_commit(changed rows)` runs in this thread before the futures resolve."""

    def __init__(self, database: Database, min_free_bytes: int, on_commit: Callable[[Changed], None]) -> None:
        self._database = database
        self._min_free_bytes = min_free_bytes
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopped = False
        self._next = last_event(database.cursor()) + 1
        self._known_clips: set[str] = set()
        self.full = False
        self.transactions = 0
        self._thread = threading.Thread(target=self._loop, name="thud-writer", daemon=True)
        self._thread.start()

    def submit(self, changes: Sequence[Change]) -> Future[list[int | None]]:
        """Future of one event id per change, None where it was nothing new.

        Resolves after COMMIT, or with a ThudError.
        """
        return self._put(Request(changes=changes))

    def submit_job(self, job: Job) -> Future[Any]:
        """Future of what `job(cursor)` returns, after COMMIT. It may run again if the first try was lost."""
        return self._put(Request(job=job))

    def _put(self, request: Request) -> Future[Any]:
        with self._lock:
            if self._stopped:
                request.future.set_exception(StoreBroken("The store is closed: open it again to write."))
            else:
                self._queue.put(request)
        return request.future

    def close(self) -> None:
        """Write what is waiting, then stop. Returns when the thread has ended."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        taken: list[Request] = []
        try:
            going = True
            while going:
                taken, going = self._take()
                self._write_all([request for request in taken if request.future.set_running_or_notify_cancel()])
        finally:
            # Reached early only by a bug in this program; even then nobody is left waiting.
            with self._lock:
                self._stopped = True
            self._abandon(taken)

    def _take(self) -> tuple[list[Request], bool]:
        """Everything that waits, up to GROUP changes, and whether to go on afterwards. Blocks for the first."""
        taken: list[Request] = []
        changes = 0
        while changes < GROUP:
            try:
                request = self._queue.get(block=not taken)
            except queue.Empty:
                break
            if request is None:
                return taken, False
            taken.append(request)
            changes += max(1, len(request.changes))
        return taken, True

    def _abandon(self, taken: list[Request]) -> None:
        while not self._queue.empty():
            request = self._queue.get()
            if request is not None:
                taken.append(request)
        for request in taken:
            if not request.future.done():
                request.future.set_exception(StoreBroken("The writer stopped. Close the store and open it again."))

    def _write_all(self, requests: list[Request]) -> None:
        """Changes as one group, jobs each alone, in the order they came."""
        group: list[Request] = []
        for request in requests:
            if request.job is None:
                group.append(request)
                continue
            self._write(group)
            group = []
            self._write([request])
        self._write(group)

    def _write(self, requests: list[Request]) -> None:
        """Resolve every future of `requests`, written or refused."""
        if not requests:
            return
        try:
            self._guard_disk()
            batch = self._commit(requests)
        except ThudError as error:
            self.full = self.full or isinstance(error, StoreFull)
            if len(requests) == 1 or isinstance(error, StoreFull):
                _fail(requests, error)
            else:
                for request in requests:
                    self._write([request])
            return
        self.full = False
        self.transactions += 1
        self._on_commit(batch.changed)
        for request, outcome in zip(requests, batch.outcomes, strict=True):
            if isinstance(outcome, ThudError):
                request.future.set_exception(outcome)
            else:
                request.future.set_result(outcome)

    def _guard_disk(self) -> None:
        free = shutil.disk_usage(self._database.path.parent).free
        if free < self._min_free_bytes:
            raise StoreFull(
                f"The disk under {self._database.path} has {free >> 20} MB left and {self._min_free_bytes >> 20} MB "
                "stay in reserve: nothing is saved until space is freed. Reading goes on."
            )

    def _commit(self, requests: list[Request]) -> Batch:
        """The batch once it is on disk.

        Conflicts are tried again, a dead instance is reopened once; else a ThudError.
        """
        reopened = False
        if not self._database.is_open:
            self._database.reopen()
            self._next = last_event(self._database.cursor()) + 1
        for attempt in range(RETRIES + 1):
            batch = Batch(self._next, self._known_clips)
            try:
                self._transact(requests, batch)
                self._next = batch.next_id
                return batch
            except duckdb.Error as error:
                dead = is_dead(error)
                if self._landed(batch, dead):
                    return batch
                # An instance that was dead on arrival repeats what it died of, perhaps a disk that was full then.
                full = is_full(error) and (reopened or not was_dead(error))
                again = isinstance(error, duckdb.TransactionException) or (dead and not reopened)
                if full or not again or attempt == RETRIES:
                    raise translate(error, self._database.path) from error
                reopened = reopened or dead
                time.sleep(0.002 * 2**attempt)
        raise AssertionError("the loop above returns or raises")

    def _transact(self, requests: list[Request], batch: Batch) -> None:
        cursor = self._database.cursor()
        cursor.execute("BEGIN TRANSACTION")
        if requests[0].job is not None:
            self._known_clips.clear()  # a job may do anything, rebuild the tables for one
            batch.outcomes.append(_run_job(requests[0].job, cursor))
        else:
            batch.take_all(cursor, [request.changes for request in requests])
        cursor.execute("COMMIT")

    def _landed(self, batch: Batch, dead: bool) -> bool:
        """Whether the transaction that failed is in the database after all. Reopens a dead instance first."""
        if dead:
            self._database.reopen()
        try:
            cursor = self._database.cursor()
            rollback(cursor)
            self._next = last_event(cursor) + 1
            return bool(batch.events) and self._next == batch.next_id
        except duckdb.Error as error:
            raise translate(error, self._database.path) from error


def _run_job(job: Job, cursor: duckdb.DuckDBPyConnection) -> Any:
    try:
        return job(cursor)
    except ThudError:
        rollback(cursor)
        raise


def _fail(requests: list[Request], error: ThudError) -> None:
    for request in requests:
        request.future.set_exception(error)

"""The one door to DuckDB: open, a cursor per thread, reopen after a fatal error, and its errors in our words.

DuckDB gives the file to one process. After a FatalException the whole instance is dead, readers included, until every
connection to it is closed and the file is opened again; `reopen` does that once all readers are out.
"""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from thud.errors import StoreBroken, StoreBusy, StoreFull, ThudError

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Nothing leaves this machine: DuckDB would otherwise fetch extensions from its own server."""

_OPEN: set[Path] = set()
_OPEN_LOCK = threading.Lock()


def is_full(error: Exception) -> bool:
    """The disk is full. DuckDB gives several classes for it, a retryable one among them, so only the text tells."""
    text = str(error)
    return "No space left on device" in text or "Could not write" in text or "File too large" in text


def is_dead(error: Exception) -> bool:
    """The instance answers nothing any more, not even reads."""
    return isinstance(error, duckdb.FatalException | duckdb.InternalException) or was_dead(error)


def was_dead(error: Exception) -> bool:
    """The instance had died before this statement came to it."""
    return "has been invalidated" in str(error)


def translate(error: duckdb.Error, path: Path) -> ThudError:
    """DuckDB's error as ours, in a sentence that says what to do."""
    text = str(error).strip().split("\n")[0]
    if "lock is held" in text or "Could not set lock" in text:
        pid = re.search(r"PID (\d+)", text)
        who = f"the process with PID {pid[1]}" if pid else "another process"
        return StoreBusy(f"{path} is held by {who}. Stop it, or use the page it serves.")
    if is_full(error):
        return StoreFull(f"The disk under {path} is full: nothing more can be saved until space is freed. ({text})")
    if "not a valid DuckDB" in text:
        return StoreBroken(f"{path} is not a database of ours. Move it away, or name another file.")
    return StoreBroken(
        f"The database {path} gave: {text}. Start the program again; if it says the same, keep the file and its .wal "
        "as they are and open the newest file under backups."
    )


def translate_os(error: OSError, path: Path) -> ThudError:
    """The system's error about a file of the store as ours."""
    if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return StoreFull(f"The disk under {path} is full: nothing more can be saved until space is freed.")
    where = error.filename or path
    return StoreBroken(f"{where} cannot be written: {error.strerror}. Give thud the right to, or name another place.")


class Database:
    """The open file. `cursor()` is this thread's own; `reading()` keeps the instance open while a reader is inside."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. StoreBusy (with the PID), StoreBroken, StoreFull."""
        self.path = path.resolve()
        self._gate = threading.Condition()
        self._readers = 0
        self._closing = False
        self._local = threading.local()
        self._generation = 0
        self._root: duckdb.DuckDBPyConnection | None = None
        with _OPEN_LOCK:
            if self.path in _OPEN:
                raise StoreBusy(f"{self.path} is already open in this process. Use the store that is open.")
            _OPEN.add(self.path)
        try:
            self._connect()
        except ThudError:
            _OPEN.discard(self.path)
            raise

    @property
    def is_open(self) -> bool:
        """False after `close`, and after a `reopen` that could not."""
        return self._root is not None

    def _connect(self) -> None:
        try:
            self._root = duckdb.connect(str(self.path), config=CONFIG)
        except duckdb.Error as error:
            raise translate(error, self.path) from error
        self._generation += 1

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's cursor on the instance that is open now. StoreBroken when none is."""
        local = self._local
        if getattr(local, "generation", -1) != self._generation:
            with self._gate:
                if self._root is None:
                    raise StoreBroken(f"{self.path} is closed.")
                local.cursor = self._root.cursor()
                local.generation = self._generation
        cursor: duckdb.DuckDBPyConnection = local.cursor
        return cursor

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """This thread's cursor; the instance is not closed under it. Fetch everything before leaving."""
        depth = getattr(self._local, "depth", 0)
        with self._gate:
            # A thread that is already inside must not wait for itself.
            self._gate.wait_for(lambda: depth > 0 or not self._closing)
            self._readers += 1
        self._local.depth = depth + 1
        try:
            yield self.cursor()
        finally:
            self._local.depth = depth
            with self._gate:
                self._readers -= 1
                self._gate.notify_all()

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """`reading()` inside one transaction: every statement sees the same moment."""
        with self.reading() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield cursor
            finally:
                rollback(cursor)

    def reopen(self) -> None:
        """Close the dead instance and open the file again.

        For the writer only; StoreBroken or StoreBusy if it cannot.
        """
        with self._gate:
            self._closing = True
            try:
                self._gate.wait_for(lambda: self._readers == 0)
                self._disconnect()
                self._connect()
            finally:
                self._closing = False
                self._gate.notify_all()

    def close(self) -> None:
        """Fold the write-ahead log into the file and let it go."""
        with self._gate:
            self._closing = True
            self._gate.wait_for(lambda: self._readers == 0)
            if self._root is not None:
                # It fails on a full disk; the write-ahead log holds everything then and is replayed at the next start.
                with suppress(duckdb.Error):
                    self._root.execute("CHECKPOINT")
            self._disconnect()
            self._closing = False
            self._gate.notify_all()
        with _OPEN_LOCK:
            _OPEN.discard(self.path)

    def _disconnect(self) -> None:
        """Closes the cursors of all threads too, so that no dead instance keeps its hold on the file."""
        if self._root is not None:
            self._root.close()
        self._root = None
        self._generation += 1


def rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    """End the transaction, if one is open and the instance is alive."""
    # A failed COMMIT has ended it already; a dead instance will be reopened.
    with suppress(duckdb.Error):
        cursor.execute("ROLLBACK")

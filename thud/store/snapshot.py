"""Parquet for other processes, which must not open the database: one folder per state of the log, one pointer to the
newest.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import duckdb

from thud.disk import sync
from thud.errors import StoreBroken
from thud.store.batch import last_event
from thud.store.database import Database, translate, translate_os
from thud.store.log import TABLES

KEEP = 3
POINTER = "current"


def write_snapshot(database: Database, folder: Path) -> Path:
    """The snapshot's folder, `folder/<last event id>`: event.parquet, one file per state table (live rows),
    tables.json.

    `folder/current` points at it from one instant to the next; the newest KEEP stay, so a reader that has resolved the
    pointer is not cut off. Nothing is written when the log has not grown. StoreFull, StoreBroken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = _write(database, folder)
        _point(folder, target.name)
    except duckdb.Error as error:
        raise translate(error, database.path) from error
    except OSError as error:
        raise translate_os(error, folder) from error
    for old in sorted(path for path in folder.glob("[0-9]" * 12) if path.name < target.name)[: -(KEEP - 1)]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def _write(database: Database, folder: Path) -> Path:
    """Written aside and renamed, so that a folder with a number is whole."""
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        with database.snapshot() as cursor:
            target = folder / f"{last_event(cursor):012d}"
            if not target.exists():
                _write_tables(cursor, aside)
        if not target.exists():
            aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def current_snapshot(folder: Path) -> Path:
    """The newest snapshot under `folder`, resolved once, so that all its tables are of one moment.

    StoreBroken if none.
    """
    try:
        return (folder / POINTER).resolve(strict=True)
    except OSError as error:
        raise StoreBroken(
            f"There is no snapshot under {folder}. Write one from the program that has the store open."
        ) from error


def _write_tables(cursor: duckdb.DuckDBPyConnection, aside: Path) -> None:
    rows = {}
    queries = {"event": "FROM event ORDER BY ev_id"}
    queries.update({name: f"SELECT * EXCLUDE (live) FROM {name} WHERE live ORDER BY ev_id" for name in TABLES})
    for name, query in queries.items():
        path = str(aside / f"{name}.parquet").replace("'", "''")
        written = cursor.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)").fetchone()
        rows[name] = int(written[0]) if written else 0
        sync(aside / f"{name}.parquet")
    (aside / "tables.json").write_text(json.dumps(rows, indent=1), "utf-8")
    aside.chmod(0o755)  # mkdtemp makes it private; the readers are other processes


def _point(folder: Path, name: str) -> None:
    """A symbolic link that is replaced by renaming: readers see the old one or the new one."""
    aside = folder / f".{POINTER}-{os.getpid()}"
    aside.unlink(missing_ok=True)
    aside.symlink_to(name)
    aside.replace(folder / POINTER)
    sync(folder)

"""A copy of the live database that has been opened and compared before it gets its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from thud.disk import sync
from thud.errors import BadRequest, StoreBroken
from thud.store.database import CONFIG, Database, translate, translate_os


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that holds what the database held: rows per table, and the bytes of the file."""

    path: Path
    rows: dict[str, int]
    size_bytes: int


def copy_database(database: Database, path: Path) -> BackupReport:
    """The report of a backup written to `path`, while writing goes on. Every table's rows and content hash are
    compared.

    BadRequest when the file exists; StoreFull; StoreBroken when the copy is not equal (it is left aside under `.tmp`).
    """
    if path.exists():
        raise BadRequest(f"{path} exists already. Name a new file: a backup is never written over another.")
    aside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _forget(aside)
        expected = _copy(database, aside)
        found = _reread(aside)
        if found != expected:
            wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            raise StoreBroken(f"The backup {aside} differs from the database in {', '.join(wrong)}. Make another one.")
        sync(aside)
        aside.rename(path)
        sync(path.parent)
    except duckdb.Error as error:
        _forget(aside)
        raise translate(error, aside) from error
    except OSError as error:
        raise translate_os(error, path) from error
    return BackupReport(path, {name: count for name, (count, _) in found.items()}, path.stat().st_size)


def _forget(aside: Path) -> None:
    """Half a backup, of now or of a process that was killed, is of no use to anyone."""
    for leftover in (aside, aside.with_name(aside.name + ".wal")):
        leftover.unlink(missing_ok=True)


def _copy(database: Database, aside: Path) -> dict[str, tuple[int, int]]:
    """Copies in one transaction and gives the content of the source as that transaction saw it."""
    with database.reading() as cursor:
        cursor.execute(f"ATTACH {_text(str(aside))} AS backup_copy")
        try:
            with database.snapshot():
                cursor.execute(f"COPY FROM DATABASE {_name(_current(cursor))} TO backup_copy").fetchall()
                expected = contents(cursor)
                cursor.execute("COMMIT")
        finally:
            cursor.execute("DETACH backup_copy")
    return expected


def _reread(aside: Path) -> dict[str, tuple[int, int]]:
    connection = duckdb.connect(str(aside), read_only=True, config=CONFIG)
    try:
        return contents(connection)
    finally:
        connection.close()


def contents(cursor: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """Per table of the current database: number of rows and a hash of them that does not depend on their order."""
    database = _current(cursor)
    names = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND database_name = ? ORDER BY 1", [database]
    ).fetchall()
    found = {}
    for (name,) in names:
        counted = cursor.execute(
            f"SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0) FROM {_name(database)}.{_name(name)} t"
        ).fetchone()
        assert counted is not None
        found[name] = (int(counted[0]), int(counted[1]))
    return found


def _current(cursor: duckdb.DuckDBPyConnection) -> str:
    found = cursor.execute("SELECT current_database()").fetchone()
    return str(found[0]) if found else ""


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

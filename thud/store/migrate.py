"""Numbered SQL files, applied once each, in order, and never changed afterwards (their sha256 is kept to notice)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from thud.errors import StoreBroken
from thud.store.backup import copy_database
from thud.store.database import Database, rollback, translate

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file: `0002_name.sql`.

    sha256 is over its text with plain line ends, so that a checkout cannot change it.
    """

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """The folder's migrations in order. StoreBroken when the numbers are not 1, 2, 3, …"""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_(\w+)", path.stem)
        if match:
            found.append(Migration(int(match[1]), match[2], path.read_text("utf-8")))
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise StoreBroken(
            f"The migrations in {folder} are not numbered 0001, 0002, … without gaps. Install thud again."
        )
    return found


def migrate(database: Database, backups: Path, folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations that were applied now. A database with data is copied into `backups` first. StoreBroken."""
    cursor = database.cursor()
    try:
        known = read_migrations(folder)
        applied = _applied(cursor, database)
        _compare(database, known, applied)
        pending = known[len(applied) :]
        if pending and applied:
            moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
            backups.mkdir(parents=True, exist_ok=True)
            copy_database(database, backups / f"before-{pending[0].version:04d}-{moment}.duckdb")
        for migration in pending:
            _apply(cursor, migration)
        return pending
    except duckdb.Error as error:
        raise translate(error, database.path) from error


def _applied(cursor: duckdb.DuckDBPyConnection, database: Database) -> list[tuple[int, str, str]]:
    """(version, name, sha256) of what this file has seen; the table is made when the file is new."""
    tables = {row[0] for row in cursor.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()}
    if tables and "schema_version" not in tables:
        raise StoreBroken(f"{database.path} holds tables that thud did not make. Name another file.")
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS schema_version "
        "(version BIGINT PRIMARY KEY, name VARCHAR, sha256 VARCHAR, applied TIMESTAMP)"
    ).fetchall()
    return cursor.execute("SELECT version, name, sha256 FROM schema_version ORDER BY version").fetchall()


def _compare(database: Database, known: list[Migration], applied: list[tuple[int, str, str]]) -> None:
    if len(applied) > len(known):
        raise StoreBroken(
            f"{database.path} was written by a newer thud (schema {len(applied)}; this one knows {len(known)}). "
            "Update thud, or open a file under backups."
        )
    for migration, (version, name, sha256) in zip(known, applied, strict=False):
        if (migration.version, migration.sha256) != (version, sha256):
            raise StoreBroken(
                f"Migration {version:04d}_{name} was changed after it was applied to {database.path}. "
                "Put the file back as it was and make a new migration for the change."
            )


def _apply(cursor: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    """All of the file or none of it; then CHECKPOINT, since schema changes are best not left in the write-ahead log."""
    cursor.execute("BEGIN TRANSACTION")
    try:
        cursor.execute(migration.sql).fetchall()
        now = datetime.now(UTC).replace(tzinfo=None)
        values = [migration.version, migration.name, migration.sha256, now]
        cursor.execute("INSERT INTO schema_version VALUES (?, ?, ?, ?)", values).fetchall()
        cursor.execute("COMMIT")
    except duckdb.Error as error:
        rollback(cursor)
        raise StoreBroken(
            f"Migration {migration.version:04d}_{migration.name} failed and left nothing behind: {error}"
        ) from error
    cursor.execute("CHECKPOINT")

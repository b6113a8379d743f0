"""Backups of the database: what each held when it was opened and compared, and whether it still does."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from thud.disk import file_sha256
from thud.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from thud.store import Store

ENDING = ".duckdb"


@dataclass(frozen=True, slots=True)
class Backup:
    """One file. rows, sha256, by: from the record written when it was made; None and "" where there is no record."""

    name: str
    size_bytes: int
    at: str
    rows: int | None = None
    sha256: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """sound: every byte is as recorded; None = nothing to compare with. words: one sentence."""

    name: str
    sound: bool | None
    words: str


def all_backups(folder: Path) -> list[Backup]:
    """The newest first."""
    found = [_read(path) for path in folder.glob(f"*{ENDING}") if path.is_file()]
    return sorted(found, key=lambda backup: (backup.at, backup.name), reverse=True)


def make_backup(store: Store, folder: Path, by: str) -> Backup:
    """A new backup, opened and compared with the database, with its record beside it."""
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%d_%H%M%S}_{now.microsecond // 1000:03d}{ENDING}"
    report = store.backup(path)
    at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    backup = Backup(path.name, report.size_bytes, at, sum(report.rows.values()), _sha256(path), by)
    _keep(_record_of(path), json.dumps(asdict(backup), indent=1))
    return backup


def check_backup(folder: Path, name: str) -> Checked:
    """Reads the whole file again and compares it with its record."""
    backup = next((each for each in all_backups(folder) if each.name == name), None)
    if backup is None:
        raise NotFound(f"There is no backup {name}.")
    if not backup.sha256:
        return Checked(name, None, "No record lies beside this file, so there is nothing to compare it with.")
    if _sha256(folder / name) != backup.sha256:
        return Checked(name, False, "The file has changed since it was made. Do not rely on it; make another backup.")
    return Checked(name, True, "Every byte is as it was when the copy was opened and compared.")


def _read(path: Path) -> Backup:
    status = path.stat()
    at = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    bare = Backup(path.name, status.st_size, at)
    try:
        row = json.loads(_record_of(path).read_text(encoding="utf-8"))
        return Backup(path.name, status.st_size, str(row["at"]), int(row["rows"]), str(row["sha256"]), str(row["by"]))
    except (OSError, ValueError, KeyError, TypeError):
        return bare


def _record_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _keep(path: Path, text: str) -> None:
    fresh = path.with_suffix(".tmp")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}. Look at the disk it lies on.") from error

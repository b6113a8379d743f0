"""What was asked and what was answered, on disk before anybody reads it: no paid reply is lost, none is paid for twice.

Files, each named by the hash of what was sent:
    asked/     not empty while a request is under way. Left over by a killed process it means: in doubt.
               Locked by whoever is asking, so that two workers never ask the same at once
    replies/   the whole reply
    uploads/   where a vendor keeps a file of ours, and until when
    batches/   the vendor's id of a batch, or only the intent to make one
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from thud.disk import sync
from thud.errors import RunFailed, StoreFull, ThudError
from thud.records import Reply, reply_from_json


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of ours at a vendor. expires_at: Unix seconds."""

    name: str
    uri: str
    expires_at: float


class Shelf:
    """One folder for one endpoint: the address of a server is no part of what is hashed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            for name in ("asked", "replies", "uploads", "batches"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise translated(error) from error

    @contextmanager
    def alone(self, key: str, kind: str = "asked") -> Iterator[None]:
        """Holds `key` for this worker; others wait. The hold ends with the process."""
        handle = os.open(self._path(kind, key, "lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def asked(self, key: str) -> None:
        """On disk before the request leaves: from here on it may be billed."""
        self._write("asked", key, {"at": time.time(), "pid": os.getpid()})

    def withdraw(self, key: str) -> None:
        """The request was surely not billed (refused, or never left), so it may be asked again."""
        path = self._path("asked", key)
        if path.exists():
            path.unlink()
            sync(path.parent)

    def put(self, key: str, reply: Reply) -> None:
        """Returns when the reply is on disk, whole."""
        self._write("replies", key, asdict(reply))
        self.withdraw(key)

    def get(self, key: str) -> Reply | None:
        """The reply that was stored, or None."""
        row = self._read("replies", key)
        return reply_from_json(row) if row else None

    def in_doubt(self, key: str) -> bool:
        """Whether this was asked and no reply came: it may have been billed."""
        return self._path("asked", key).exists() and self.get(key) is None

    def doubtful(self) -> list[str]:
        """The keys that are in doubt; requests that are under way right now are among them."""
        return sorted(path.stem for path in (self.folder / "asked").glob("*.json") if self.in_doubt(path.stem))

    def forgive(self, key: str) -> None:
        """Forget what is known of this question, so that it is asked again, even if that bills twice."""
        self._path("replies", key).unlink(missing_ok=True)
        self.withdraw(key)

    def upload(self, sha256: str, account: str, now_s: float) -> Upload | None:
        """Where the vendor keeps this file for this account (`keys.fingerprint`), if it still does."""
        row = self._read("uploads", f"{sha256}-{account}")
        return Upload(**row) if row and row["expires_at"] > now_s else None

    def put_upload(self, sha256: str, account: str, upload: Upload) -> None:
        """Remember where a file lies."""
        self._write("uploads", f"{sha256}-{account}", asdict(upload))

    def forget_upload(self, sha256: str, account: str) -> None:
        """The vendor does not have the file any more."""
        self._path("uploads", f"{sha256}-{account}").unlink(missing_ok=True)

    def batch(self, name: str) -> dict[str, Any] | None:
        """What was noted of the batch of this name, or None."""
        return self._read("batches", safe_name(name))

    def put_batch(self, name: str, row: dict[str, Any]) -> None:
        """Returns when the note is on disk."""
        self._write("batches", safe_name(name), row)

    def drop_batch(self, name: str) -> None:
        """The batch was surely not taken."""
        self._path("batches", safe_name(name)).unlink(missing_ok=True)

    def known_batches(self) -> set[str]:
        """The vendor's ids of all batches noted here."""
        rows = [self._read("batches", path.stem) for path in (self.folder / "batches").glob("*.json")]
        return {row["batch_id"] for row in rows if row and row["batch_id"]}

    def _path(self, kind: str, key: str, ending: str = "json") -> Path:
        return self.folder / kind / f"{key}.{ending}"

    def _read(self, kind: str, key: str) -> dict[str, Any] | None:
        try:
            row = json.loads(self._path(kind, key).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunFailed(
                f"{self._path(kind, key)} cannot be read ({error}). Move it away to have it asked again; "
                "that may be billed a second time."
            ) from error
        return row if isinstance(row, dict) else None

    def _write(self, kind: str, key: str, row: dict[str, Any]) -> None:
        path = self._path(kind, key)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with aside.open("w", encoding="utf-8") as file:
                json.dump(row, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
            sync(path.parent)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise translated(error) from error


def safe_name(name: str) -> str:
    """`name` as a file name: itself when it is plain, else a readable beginning and a hash."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
        return name
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40] + "-" + hashlib.sha256(name.encode()).hexdigest()[:12]


def translated(error: OSError) -> ThudError:
    """The same trouble as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull("The disk is full: free space and resume. Nothing was asked that could not be written down.")
    return RunFailed(f"The folder of replies cannot be written: {error}.")

"""accounts.json, read and written: names, roles, argon2 hashes, and the secret that signs the sessions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from thud.errors import BadRequest

Role = Literal["annotator", "researcher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most rights."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
VERSION = 1


@dataclass(frozen=True, slots=True)
class Account:
    """hash: argon2id with its salt and settings; the password is never kept. epoch: goes up to end all sessions."""

    name: str
    role: Role
    hash: str = field(default="", repr=False)
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """The file's content. by_name: keys in lower case. ended: sessions that signed out, and when to forget them."""

    secret: bytes
    by_name: Mapping[str, Account]
    ended: Mapping[str, int]


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """What is another when the file is another."""
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def read_accounts(path: Path) -> tuple[tuple[int, ...], Held]:
    """The file's stamp and content. `BadRequest` when it holds anything but accounts."""
    try:
        with path.open(encoding="utf-8") as file:
            stamp, row = stamp_of(os.fstat(file.fileno())), json.load(file)
        accounts = [Account(**entry) for entry in row["accounts"]]
        secret, ended = bytes.fromhex(row["secret"]), {str(key): int(until) for key, until in row["ended"].items()}
        if row["version"] != VERSION or len(secret) < 32 or not accounts or not all(map(_sound, accounts)):
            raise ValueError("accounts")
        return stamp, Held(secret, {account.name.lower(): account for account in accounts}, ended)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(
            f"{path.name} is not a list of accounts. Restore it from a backup, or delete it and add them again."
        ) from error


def _sound(account: Account) -> bool:
    texts = isinstance(account.name, str) and isinstance(account.hash, str) and type(account.epoch) is int
    return texts and bool(NAME.fullmatch(account.name)) and account.role in ROLES


def write_accounts(path: Path, held: Held) -> None:
    """Aside and renamed; readable by its owner only, because the secret lets anybody be anyone."""
    rows = [asdict(account) for account in held.by_name.values()]
    row = {"version": VERSION, "secret": held.secret.hex(), "ended": dict(held.ended), "accounts": rows}
    fresh = path.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(row, indent=1))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)

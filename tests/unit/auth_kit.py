"""Accounts for the tests, hashed once: hashing is slow on purpose."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from ui.door.account_file import Account
from ui.door.accounts import AccountBook

PASSWORD = "correct horse battery"
START_S = 1_800_000_000.0


class Clock:
    """Time that a test sets."""

    def __init__(self, now: float = START_S) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@functools.cache
def _three() -> str:
    """accounts.json with ada (admin), rob (researcher) and ana (annotator)."""
    with tempfile.TemporaryDirectory() as folder:
        book = AccountBook(Path(folder) / "accounts.json")
        book.add("ada", PASSWORD, "admin")
        book.add("rob", PASSWORD, "researcher")
        book.add("ana", PASSWORD, "annotator")
        return book.path.read_text()


def write_three(path: Path) -> None:
    path.write_text(_three())


def three_accounts(folder: Path, clock: Callable[[], float] | None = None) -> AccountBook:
    """ada the admin, rob the researcher, ana the annotator, all with `PASSWORD`."""
    write_three(folder / "accounts.json")
    return AccountBook(folder / "accounts.json", clock or Clock())


def account(book: AccountBook, name: str) -> Account:
    found = book.find(name)
    assert found is not None
    return found


def cookie_of(book: AccountBook, name: str) -> str:
    return book.cookie(account(book, name))

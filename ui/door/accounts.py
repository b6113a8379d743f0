"""The accounts of a workspace, who may be changed and how, and the sessions they hold.

`workspace/accounts.json` is the truth. It is looked at on every request, so an account that another process adds, a
changed role or a new password counts at once. Sessions are signed cookies; the file holds the secret that signs them.
"""

from __future__ import annotations

import base64
import fcntl
import functools
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from thud.errors import BadRequest, NotFound
from ui.door.account_file import NAME, ROLES, Account, Held, Role, read_accounts, stamp_of, write_accounts

SESSION_S = 14 * 24 * 3600
"""A session ends this long after signing in, whatever happens."""
IDLE_S = 24 * 3600
"""A session ends this long after its last use: who works every day stays in, a forgotten browser does not."""
RENEW_S = 600
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1000
RESERVED = frozenset(("gemini", "gpt", "claude", "signal", "thud", "local"))
"""Names that marks already have a meaning for."""
HASHER = PasswordHasher()
LOCAL_USER = Account("local", "admin")
"""Who asks when nobody signs in."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a valid cookie says. born_s, seen_s: when it was signed in and last renewed, in seconds since 1970."""

    account: Account
    id: str
    born_s: int
    seen_s: int


class AccountBook:
    """The accounts of one file, always as the file is now. Every method may raise `BadRequest` when it is broken."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = path, clock
        self._last: tuple[tuple[int, ...], Held] | None = None

    def required(self) -> bool:
        """True where people must sign in: from the first account on, and for good while this process runs."""
        return bool(self._held().by_name)

    def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        return tuple(sorted(self._held().by_name.values(), key=lambda account: account.name.lower()))

    def find(self, name: str) -> Account | None:
        return self._held().by_name.get(name.lower())

    def add(self, name: str, password: str, role: Role) -> Account:
        """A new account. The first one is an admin, because somebody has to be able to add the others."""
        name = _good_name(name)
        account = Account(name, _good_role(role), _hash(password))

        def edit(held: Held) -> Held:
            if name.lower() in held.by_name:
                raise BadRequest(f"There is an account {name} already. Change it, or take another name.")
            if not held.by_name and role != "admin":
                raise BadRequest("The first account has to be an admin. Add the admin, then the others.")
            return _with(held, account)

        self._change(edit)
        return account

    def set_role(self, name: str, role: Role) -> Account:
        """The account with its new role; its sessions end."""
        _good_role(role)
        return self._set(name, lambda account: replace(account, role=role))

    def set_password(self, name: str, password: str) -> Account:
        """The account with its new password; its sessions end."""
        fresh = _hash(password)
        return self._set(name, lambda account: replace(account, hash=fresh))

    def sign_out_everywhere(self, name: str) -> Account:
        """The account, all of whose sessions have ended."""
        return self._set(name, lambda account: replace(account, epoch=account.epoch + 1))

    def remove(self, name: str) -> None:
        """The account and its sessions are gone; what was marked under the name stays."""

        def edit(held: Held) -> Held:
            gone = _known(held, name)
            rest = {key: account for key, account in held.by_name.items() if account is not gone}
            return _with_an_admin(held, replace(held, by_name=rest))

        self._change(edit)

    def check(self, name: str, password: str) -> Account | None:
        """The account if the password is right. An unknown name takes as long as a wrong password."""
        account = self.find(name)
        try:
            HASHER.verify(account.hash if account else _nobodys_hash(), password[: LONGEST_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return None
        return account

    def cookie(self, account: Account) -> str:
        """The value of a new session's cookie."""
        now = int(self.clock())
        return _written(self._held(), Session(account, secrets.token_urlsafe(12), now, now))

    def renewed(self, session: Session) -> str | None:
        """The session's cookie with its last use set to now, or None while that is too early to matter."""
        now = int(self.clock())
        return _written(self._held(), replace(session, seen_s=now)) if now - session.seen_s >= RENEW_S else None

    def read_session(self, value: str) -> Session | None:
        """What a cookie says, or None when it is forged, old, unused for long, signed out or of a changed account."""
        held = self._held()
        said, _, signature = value.partition(".")
        try:
            name, session_id, born_s, seen_s = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
            session = Session(held.by_name[name], str(session_id), int(born_s), int(seen_s))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        now = self.clock()
        good = hmac.compare_digest(signature.encode(), _signature(held.secret, session).encode())
        fresh = now < session.born_s + SESSION_S and now < session.seen_s + IDLE_S
        return session if good and fresh and session.id not in held.ended else None

    def read_cookie(self, value: str) -> Account | None:
        """Who a cookie speaks for."""
        session = self.read_session(value)
        return session.account if session else None

    def end(self, value: str) -> None:
        """Signs a session out: its cookie is worth nothing from now on, wherever a copy of it lies."""
        session = self.read_session(value)
        if session is None:
            return
        now = self.clock()

        def edit(held: Held) -> Held:
            kept = {key: until for key, until in held.ended.items() if until > now}
            return replace(held, ended={**kept, session.id: session.born_s + SESSION_S})

        self._change(edit)

    def _set(self, name: str, change: Callable[[Account], Account]) -> Account:
        def edit(held: Held) -> Held:
            return _with_an_admin(held, _with(held, change(_known(held, name))))

        return _known(self._change(edit), name)

    def _held(self) -> Held:
        """The file, read again when it is another one than last time."""
        try:
            stamp = stamp_of(self.path.stat())
        except FileNotFoundError:
            if self._last is not None:
                raise BadRequest(
                    f"{self.path.name} is gone, so nobody can come in. Put it back, or start thud again to do without."
                ) from None
            return Held(b"", {}, {})
        if self._last is None or self._last[0] != stamp:
            self._last = read_accounts(self.path)
        return self._last[1]

    def _change(self, edit: Callable[[Held], Held]) -> Held:
        """The accounts after `edit`, written in one step; one change at a time, whichever process makes it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = self._held()
            changed = edit(held if held.secret else replace(held, secret=secrets.token_bytes(32)))
            write_accounts(self.path, changed)
            self._last = read_accounts(self.path)
            return changed


def load_accounts(path: Path) -> AccountBook:
    """The accounts of a workspace; there may be none yet. `BadRequest` when the file holds something else."""
    book = AccountBook(path)
    book.required()
    return book


def save_account(path: Path, name: str, password: str, role: Role) -> Account:
    """Add an account, or give an existing one this password and role."""
    book = load_accounts(path)
    if book.find(name) is None:
        return book.add(name, password, role)
    book.set_role(name, role)
    return book.set_password(name, password)


def _good_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise BadRequest("A name has 1 to 40 letters, digits, dots, hyphens or underscores, and nothing else.")
    if name.lower() in RESERVED:
        raise BadRequest(f"{name} is a name that thud uses itself. Take another one.")
    return name


def _good_role(role: Role) -> Role:
    if role not in ROLES:
        raise BadRequest(f"A role is one of {', '.join(ROLES)}.")
    return role


def _hash(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise BadRequest(f"The password is too short. Use {SHORTEST_PASSWORD} characters or more.")
    if len(password) > LONGEST_PASSWORD:
        raise BadRequest(f"The password is too long. Use {LONGEST_PASSWORD} characters or fewer.")
    return HASHER.hash(password)


@functools.cache
def _nobodys_hash() -> str:
    return HASHER.hash(secrets.token_hex(16))


def _known(held: Held, name: str) -> Account:
    account = held.by_name.get(name.lower())
    if account is None:
        raise NotFound(f"There is no account {name}.")
    return account


def _with(held: Held, account: Account) -> Held:
    return replace(held, by_name={**held.by_name, account.name.lower(): account})


def _with_an_admin(before: Held, after: Held) -> Held:
    """`after`, unless it takes the last admin away."""

    def admins(held: Held) -> int:
        return sum(account.role == "admin" for account in held.by_name.values())

    if admins(before) and not admins(after):
        raise BadRequest("This is the last admin. Make somebody else an admin first.")
    return after


def _signature(secret: bytes, session: Session) -> str:
    """Signs the account's role, hash and epoch too, so that a cookie dies when one of them changes."""
    text = json.dumps([asdict(session.account), session.id, session.born_s, session.seen_s])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _written(held: Held, session: Session) -> str:
    said = json.dumps([session.account.name.lower(), session.id, session.born_s, session.seen_s])
    return f"{base64.urlsafe_b64encode(said.encode()).decode().rstrip('=')}.{_signature(held.secret, session)}"

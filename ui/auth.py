"""Who may come in. On this machine nobody signs in, but pages of other origins get nothing; elsewhere: accounts.

`workspace/accounts.json` holds names, roles, scrypt hashes and the secret that signs the cookie. One ASGI layer
(`Guard`) stands before every route, media and Gradio included; a route reads who asks from `request.state.user`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import asdict, dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, urlsplit

from thud.errors import BadRequest

Role = Literal["annotator", "researcher", "admin"]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
COOKIE = "thud_session"
SESSION_S = 14 * 24 * 3600
SHORTEST_PASSWORD = 10
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
SIGN_IN = "/sign-in"
ANNOTATOR_MAY_POST = ("/api/marks", "/api/tasks", "/gradio_api/", "/sign-out")
READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Account:
    """salt, hash: hex; the password itself is never kept."""

    name: str
    role: Role
    salt: str = ""
    hash: str = ""


LOCAL_USER = Account("local", "admin")
"""Who asks when nobody signs in."""


def _scrypt(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **SCRYPT).hex()  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts by name, and the secret of the cookies."""

    secret: bytes
    by_name: dict[str, Account]

    def check(self, name: str, password: str) -> Account | None:
        """The account if the password is right. An unknown name takes as long as a wrong password."""
        account = self.by_name.get(name)
        found = _scrypt(password, account.salt if account else "00" * 16)
        return account if account and hmac.compare_digest(found, account.hash) else None

    def cookie(self, account: Account, now: float | None = None) -> str:
        """A signed "name.expiry.signature"; it dies with the password, because the hash is signed too."""
        expires = int((now or time.time()) + SESSION_S)
        name = base64.urlsafe_b64encode(account.name.encode()).decode().rstrip("=")
        return f"{name}.{expires}.{self._sign(account, expires)}"

    def read_cookie(self, value: str) -> Account | None:
        """The account a cookie speaks for, or None when it is forged, old or of a changed account."""
        try:
            name, expires, signature = value.split(".")
            account = self.by_name[base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()]
            if int(expires) < time.time():
                return None
        except (ValueError, KeyError):
            return None
        return account if hmac.compare_digest(signature, self._sign(account, int(expires))) else None

    def _sign(self, account: Account, expires: int) -> str:
        text = json.dumps([account.name, account.role, account.hash, expires])
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


def load_accounts(path: Path) -> Accounts | None:
    """The accounts of a workspace, or None when there is no file. `BadRequest` when the file holds something else."""
    if not path.is_file():
        return None
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        accounts = [Account(**entry) for entry in held["accounts"]]
        if any(account.role not in get_args(Role) for account in accounts):
            raise ValueError("role")
        return Accounts(bytes.fromhex(held["secret"]), {account.name: account for account in accounts})
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            f"{path.name} is not a list of accounts. Restore it from a backup, or delete it and add them again."
        ) from error


def save_account(path: Path, name: str, password: str, role: Role) -> Account:
    """Add or change one account. The file is replaced in one step and readable by its owner only."""
    if not name.strip() or role not in get_args(Role):
        raise BadRequest(f"An account needs a name and one of the roles {', '.join(get_args(Role))}.")
    if len(password) < SHORTEST_PASSWORD:
        raise BadRequest(f"The password is too short. Use {SHORTEST_PASSWORD} characters or more.")
    held = load_accounts(path) or Accounts(secrets.token_bytes(32), {})
    salt = secrets.token_hex(16)
    account = Account(name.strip(), role, salt, _scrypt(password, salt))
    everyone = {**held.by_name, account.name: account}
    text = json.dumps({"secret": held.secret.hex(), "accounts": [asdict(each) for each in everyone.values()]}, indent=1)
    fresh = path.with_suffix(".tmp")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
    return account


def check_bind(host: str, accounts: Accounts | None) -> None:
    """Raises `BadRequest` for a host that others can reach while there are no accounts."""
    if host not in LOCAL_HOSTS and not (accounts and accounts.by_name):
        raise BadRequest(
            f"Not started: at {host} other people could reach the clips, and this workspace has no accounts. "
            "Add an account first, or use 127.0.0.1."
        )


def _host_of(value: str) -> str:
    """ "[::1]:7860" -> "::1"; "" when it is no host."""
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""


class Guard:
    """Refuses foreign hosts and origins, asks for a sign-in where there are accounts, holds roles to their rights."""

    def __init__(self, app: App, accounts: Accounts | None, allowed_hosts: Iterable[str]) -> None:
        self.app, self.accounts, self.allowed_hosts = app, accounts, frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method = scope.get("method", "GET")
        refusal = self._foreign(headers, method) or self._unwelcome(scope, headers, method)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _foreign(self, headers: dict[str, str], method: str) -> App | None:
        """DNS rebinding shows as a foreign Host, forged forms as a foreign Origin."""
        host = headers.get("host", "")
        if self.accounts is None and _host_of(host) not in self.allowed_hosts:
            return _sentence(
                421, "This address is not one thud answers at. Open http://127.0.0.1 with the port it printed."
            )
        if method in READS:
            return None
        origin = headers.get("origin")
        same = (
            urlsplit(origin).netloc == host
            if origin
            else headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        )
        return None if same else _sentence(403, "This request came from another site and was not carried out.")

    def _unwelcome(self, scope: Scope, headers: dict[str, str], method: str) -> App | None:
        state = scope.setdefault("state", {})
        if self.accounts is None:
            state["user"] = LOCAL_USER
            return None
        account = self.accounts.read_cookie(_cookie(headers.get("cookie", "")))
        state["user"] = account
        path = scope["path"]
        if path == SIGN_IN:
            return None
        if account is None:
            page = method == "GET" and "text/html" in headers.get("accept", "")
            query = scope.get("query_string", b"").decode("latin-1")
            there = quote(f"{path}?{query}" if query else path)
            return (
                _redirect(f"{SIGN_IN}?next={there}")
                if page
                else _sentence(401, "You are signed out. Reload the page and sign in.")
            )
        if account.role == "annotator" and method not in READS and not path.startswith(ANNOTATOR_MAY_POST):
            return _sentence(403, "Annotators cannot do this. Ask a researcher or an admin.")
        return None


def _cookie(header: str) -> str:
    try:
        held = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return held.value if held else ""


def _sentence(status: int, text: str) -> App:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": text}, status_code=status)


def _redirect(url: str) -> App:
    from starlette.responses import RedirectResponse

    return RedirectResponse(url, status_code=303)

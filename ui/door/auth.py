"""Who may come in. On this machine nobody signs in, but pages of other origins get nothing; elsewhere: accounts.

One ASGI layer (`Guard`) stands before every route, media and Gradio included. It reads the accounts (accounts.py) and
the table of rights (rights.py); a route reads who asks from `user_of(request)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from thud.errors import BadRequest
from ui.door.account_file import Account, Role
from ui.door.accounts import LOCAL_USER, SESSION_S, AccountBook, Session, load_accounts, save_account
from ui.door.rights import READS, SIGN_IN, SIGN_OUT, least_role, may

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = [
    "COOKIE",
    "LOCAL_HOSTS",
    "LOCAL_USER",
    "SESSION_S",
    "SIGN_IN",
    "SIGN_OUT",
    "Account",
    "AccountBook",
    "Accounts",
    "Guard",
    "Role",
    "accounts_of",
    "check_bind",
    "load_accounts",
    "save_account",
    "session_cookie",
    "user_of",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
Accounts = AccountBook

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
COOKIE = "thud_session"
PLURAL: dict[Role, str] = {"annotator": "Annotators", "researcher": "Researchers", "admin": "Admins"}
ASKED_BY_THE_PAGE = ("/api/runs", "/api/health")
"""What an open page asks again and again by itself: that is no use of a session."""


def user_of(request: Request) -> Account:
    """Who asks; the local user where nobody signs in."""
    account = request.state.user
    if not isinstance(account, Account):
        raise BadRequest("You are signed out. Reload the page and sign in.")
    return account


def accounts_of(request: Request) -> AccountBook:
    """The accounts of this workspace, to look at and to change."""
    book = request.state.accounts
    if not isinstance(book, AccountBook):
        raise BadRequest("This thud was started without accounts.")
    return book


def check_bind(host: str, accounts: AccountBook | None) -> None:
    """Raises `BadRequest` for a host that others can reach while there are no accounts."""
    if host not in LOCAL_HOSTS and not (accounts and accounts.required()):
        raise BadRequest(
            f"Not started: at {host} other people could reach the clips, and this workspace has no accounts. "
            "Add an account first (--add-account NAME admin), or use 127.0.0.1."
        )


def session_cookie(header: str) -> str:
    """The value of our cookie in a Cookie header, or ""."""
    try:
        held = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return held.value if held else ""


class Guard:
    """Refuses foreign hosts and origins, asks for a sign-in where there are accounts, holds roles to their rights."""

    def __init__(self, app: App, accounts: AccountBook | None, allowed_hosts: Iterable[str]) -> None:
        self.app, self.accounts, self.allowed_hosts = app, accounts, frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method = scope.get("method", "WEBSOCKET")
        try:
            required = self.accounts is not None and self.accounts.required()
            session = self._session(headers) if required else None
        except BadRequest as error:
            refusal: App | None = _sentence(503, str(error))
        else:
            scope.setdefault("state", {}).update(
                user=LOCAL_USER if not required else session.account if session else None, accounts=self.accounts
            )
            refusal = self._foreign(headers, method, required) or _unwelcome(scope, headers, method)
        if refusal is None:
            await self.app(scope, receive, self._renewing(scope, session, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _session(self, headers: dict[str, str]) -> Session | None:
        return self.accounts.read_session(session_cookie(headers.get("cookie", ""))) if self.accounts else None

    def _foreign(self, headers: dict[str, str], method: str, required: bool) -> App | None:
        """DNS rebinding shows as a foreign Host, forged forms as a foreign Origin."""
        host = headers.get("host", "")
        if not required and _host_of(host) not in self.allowed_hosts:
            return _sentence(
                421, "This address is not one thud answers at. Open http://127.0.0.1 with the port it printed."
            )
        if method in READS:
            return None
        origin = headers.get("origin")
        same = (
            _netloc(origin) == host
            if origin
            else headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        )
        return None if same else _sentence(403, "This request came from another site and was not carried out.")

    def _renewing(self, scope: Scope, session: Session | None, send: Any) -> Any:
        """`send`, adding the renewed cookie to what is asked under /api: nothing there is kept by a cache."""
        path = scope["path"]
        if session is None or self.accounts is None or not path.startswith("/api/") or path in ASKED_BY_THE_PAGE:
            return send
        value = self.accounts.renewed(session)
        if value is None:
            return send
        cookie = cookie_header(value, secure=scope.get("scheme") == "https")

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie)]
            await send(message)

        return out


def cookie_header(value: str, *, secure: bool) -> bytes:
    """A Set-Cookie value that scripts cannot read and other sites cannot send along with a form."""
    text = f"{COOKIE}={value}; HttpOnly; Max-Age={SESSION_S}; Path=/; SameSite=lax"
    return (text + "; Secure" if secure else text).encode("latin-1")


def _unwelcome(scope: Scope, headers: dict[str, str], method: str) -> App | None:
    account, path = scope["state"]["user"], scope["path"]
    least = least_role(method, path)
    if least is None:
        return None
    if account is None:
        if method != "GET" or "text/html" not in headers.get("accept", ""):
            return _sentence(401, "You are signed out. Reload the page and sign in.")
        query = scope.get("query_string", b"").decode("latin-1")
        return _redirect(f"{SIGN_IN}?next={quote(f'{path}?{query}' if query else path)}")
    if may(account.role, method, path):
        return None
    whom = "a researcher or an admin" if least == "researcher" else "an admin"
    return _sentence(403, f"{PLURAL[account.role]} cannot do this. Ask {whom}.")


def _host_of(value: str) -> str:
    """ "[::1]:7860" -> "::1"; "" when it is no host."""
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _sentence(status: int, text: str) -> App:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": text}, status_code=status)


def _redirect(url: str) -> App:
    from starlette.responses import RedirectResponse

    return RedirectResponse(url, status_code=303)

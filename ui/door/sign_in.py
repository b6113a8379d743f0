"""The way in and out: a sign-in form and an account page that work without any script."""

from __future__ import annotations

import functools
import html
import re
from pathlib import Path
from urllib.parse import parse_qs

import anyio
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui.door.auth import COOKIE, SIGN_IN, SIGN_OUT, AccountBook, cookie_header, session_cookie, user_of
from ui.door.doorman import Doorman
from ui.first_paint import ICON

FORMS = Path(__file__).parents[1] / "widget/base"
LONGEST_FORM = 8192
HASHES_AT_ONCE = 2
"""Checking a password takes 64 MiB for a moment, so a crowd at the door waits in line."""
WRONG = "The name or the password is wrong."
ENDED = "Your session has ended. Sign in to go on where you were."
LEFT = "You are signed out."


def sign_in_router(accounts: AccountBook, doorman: Doorman | None = None) -> APIRouter:
    """GET and POST /sign-in and /sign-out."""
    router = APIRouter(include_in_schema=False)
    _way_in(router, accounts, doorman or Doorman())
    _way_out(router, accounts)
    return router


def _way_in(router: APIRouter, accounts: AccountBook, doorman: Doorman) -> None:
    line = anyio.CapacityLimiter(HASHES_AT_ONCE)

    @router.get(SIGN_IN)
    async def show(request: Request, next: str = "/", left: bool = False) -> Response:
        if request.state.user is not None:
            return RedirectResponse(_local(next), status_code=303)
        stale = bool(session_cookie(request.headers.get("cookie", "")))
        return _form(_local(next), note=LEFT if left else ENDED if stale else "")

    @router.post(SIGN_IN)
    async def enter(request: Request) -> Response:
        form = await _fields(request)
        name, then = form.get("name", "").strip(), _local(form.get("next", "/"))
        address = request.client.host if request.client else ""
        wait_s = doorman.knock(name, address, known=accounts.find(name) is not None)
        if wait_s:
            said = f"Too many wrong passwords. Wait {_span(wait_s)} and try again."
            return _form(then, name, said, 429, {"retry-after": str(wait_s)})
        account = await anyio.to_thread.run_sync(accounts.check, name, form.get("password", ""), limiter=line)
        if account is None:
            return _form(then, name, WRONG, 401)
        doorman.welcome(name, address)
        answer = RedirectResponse(then, status_code=303)
        _set_cookie(answer, cookie_header(accounts.cookie(account), secure=request.url.scheme == "https"))
        return answer


def _way_out(router: APIRouter, accounts: AccountBook) -> None:
    @router.get(SIGN_OUT)
    async def account(request: Request) -> Response:
        user = user_of(request)
        if not accounts.required():
            return RedirectResponse("/", status_code=303)
        return _page("signed_in.html", "Your account", {"name": user.name, "role": user.role})

    @router.post(SIGN_OUT)
    async def leave(request: Request) -> RedirectResponse:
        everywhere = (await _fields(request)).get("where") == "everywhere"
        if everywhere and accounts.required():
            accounts.sign_out_everywhere(user_of(request).name)
        accounts.end(session_cookie(request.headers.get("cookie", "")))
        answer = RedirectResponse(f"{SIGN_IN}?left=true", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer


async def _fields(request: Request) -> dict[str, str]:
    """The form's fields; what is longer than any sign-in is cut off and not kept in memory."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            break
    fields = parse_qs(body[:LONGEST_FORM].decode("utf-8", "replace"))
    return {key: values[0] for key, values in fields.items()}


def _local(path: str) -> str:
    """`path` if it is one of ours, else the home page: a sign-in must not lead to another site."""
    fine = path.startswith("/") and not path.startswith("//") and not re.search(r"[\\\x00-\x20\x7f]", path)
    return path if fine else "/"


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds <= 90 else f"{-(-seconds // 60)} minutes"


def _set_cookie(answer: Response, cookie: bytes) -> None:
    answer.raw_headers.append((b"set-cookie", cookie))


def _form(
    then: str, name: str = "", said: str = "", status: int = 200, headers: dict[str, str] | None = None, note: str = ""
) -> HTMLResponse:
    """The form. said: what went wrong, beside the password. note: what happened before, above the fields."""
    words = {"next": then, "name": name, "said": said, "note": note, "invalid": "true" if said else "false"}
    # The cursor is where the person goes on: after a wrong password that is the password.
    words |= {"at-name": "" if name else "autofocus", "at-password": "autofocus" if name else ""}
    return _page("sign_in.html", "Sign in", words, status, headers)


def _page(
    body: str, title: str, words: dict[str, str], status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    page = _parts(body, title)
    text = re.sub(r"<!--([a-z-]+)-->|\{([a-z-]+)\}", lambda m: html.escape(words[m[1] or m[2]]), page[1])
    return HTMLResponse(page[0] + text + page[2], status, {"cache-control": "no-store", **(headers or {})})


@functools.cache
def _parts(body: str, title: str) -> tuple[str, str, str]:
    """What stands before, in and after the panel. Styles and the theme script are inside the page: until somebody is
    signed in, the guard lets no other file out.
    """

    def read(name: str) -> str:
        return (FORMS / name).read_text(encoding="utf-8")

    frame = read("door.html").replace("<!--title-->", html.escape(title)).replace("<!--icon-->", ICON)
    frame = frame.replace("<!--style-->", read("tokens.css") + read("sign_in.css"))
    before, after = frame.replace("<!--script-->", read("first.js")).split("<!--body-->")
    return before, read(body), after

"""The sign-in page and its two routes; a form that works without any script."""

from __future__ import annotations

import html
import time
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui.auth import COOKIE, SESSION_S, SIGN_IN, Accounts

PAGE = Path(__file__).parent / "widget" / "sign_in.html"
WRONG_IN_A_ROW, WAIT_S = 5, 30
LONGEST_FORM = 4096


class Doorman:
    """Counts wrong passwords per name: after five in a row the name waits half a minute. Kept in memory."""

    def __init__(self) -> None:
        self.wrong: dict[str, tuple[int, float]] = {}

    def waits(self, name: str) -> bool:
        count, last = self.wrong.get(name, (0, 0.0))
        return count >= WRONG_IN_A_ROW and time.monotonic() - last < WAIT_S

    def note(self, name: str, right: bool) -> None:
        if right:
            self.wrong.pop(name, None)
        else:
            if len(self.wrong) > 10_000:  # made-up names must not fill the memory
                self.wrong.clear()
            self.wrong[name] = (self.wrong.get(name, (0, 0.0))[0] + 1, time.monotonic())


def _local(path: str) -> str:
    """`path` if it is one of ours, else the home page: a sign-in must not lead to another site."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path
    return path if fine else "/"


def _page(then: str, said: str = "", status: int = 200) -> HTMLResponse:
    text = (
        PAGE.read_text(encoding="utf-8")
        .replace("<!--next-->", html.escape(then))
        .replace("<!--said-->", html.escape(said))
    )
    return HTMLResponse(text, status_code=status, headers={"cache-control": "no-store"})


def sign_in_router(accounts: Accounts) -> APIRouter:
    """GET and POST /sign-in, POST /sign-out."""
    router = APIRouter(include_in_schema=False)
    doorman = Doorman()

    @router.get(SIGN_IN)
    async def show(next: str = "/") -> HTMLResponse:
        return _page(_local(next))

    @router.post(SIGN_IN)
    async def enter(request: Request) -> Response:
        body = await request.body()
        form = {key: values[0] for key, values in parse_qs(body[:LONGEST_FORM].decode("utf-8", "replace")).items()}
        name, then = form.get("name", ""), _local(form.get("next", "/"))
        if doorman.waits(name):
            return _page(then, f"Too many wrong passwords. Wait {WAIT_S} s and try again.", 429)
        account = await run_in_threadpool(accounts.check, name, form.get("password", ""))
        doorman.note(name, account is not None)
        if account is None:
            return _page(then, "The name or the password is wrong.", 401)
        answer = RedirectResponse(then, status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, accounts.cookie(account), SESSION_S, httponly=True, samesite="lax", secure=secure)
        return answer

    @router.post("/sign-out")
    async def leave() -> RedirectResponse:
        answer = RedirectResponse(SIGN_IN, status_code=303)
        answer.delete_cookie(COOKIE)
        return answer

    return router

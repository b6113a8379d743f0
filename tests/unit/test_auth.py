"""Who may come in: hosts, origins, sessions and the sign-in, asked over the guard and our own routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse

from tests.unit.auth_kit import PASSWORD, Clock, cookie_of, three_accounts, write_three
from thud.errors import BadRequest
from ui.door.accounts import IDLE_S, RENEW_S, SESSION_S, AccountBook, load_accounts, save_account
from ui.door.auth import COOKIE, Guard, accounts_of, check_bind, user_of
from ui.door.doorman import FREE_PER_NAME, WAIT_S, Doorman
from ui.door.sign_in import ENDED, LEFT, LONGEST_FORM, WRONG, sign_in_router
from ui.first_paint import FirstPaint
from ui.house import actor
from ui.widget_files import find_widget, widget_router

HERE = "http://127.0.0.1:7860"
PAGE = {"accept": "text/html"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> AccountBook:
    return three_accounts(tmp_path, clock)


def app_with(accounts: AccountBook | None, clock: Clock | None = None) -> FastAPI:
    """Our layers around a few routes, without Gradio, which takes seconds to import."""
    app, router, widget = FastAPI(), APIRouter(), find_widget()

    @router.api_route("/api/clips", methods=["GET", "POST"])
    @router.api_route("/api/marks", methods=["GET", "POST"])
    @router.get("/api/runs")
    def who(request: Request) -> dict[str, str]:
        return {"name": actor(request), "role": user_of(request).role}

    @router.get("/api/admin/people")
    def people(request: Request) -> list[str]:
        return [account.name for account in accounts_of(request).all()]

    @router.get("/media/clip.mp4")
    @router.get("/clips")
    def media() -> PlainTextResponse:
        return PlainTextResponse("bytes")

    app.include_router(router)
    app.include_router(widget_router(widget))
    if accounts:
        app.include_router(sign_in_router(accounts, Doorman(clock or Clock())))
    app.add_middleware(Guard, accounts=accounts, allowed_hosts=("127.0.0.1", "localhost", "::1"))
    app.add_middleware(FirstPaint, widget=widget)
    return app


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client(accounts: AccountBook | None = None, base: str = HERE, clock: Clock | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app_with(accounts, clock)), base_url=base)


def as_user(here: httpx.AsyncClient, accounts: AccountBook, name: str) -> None:
    here.cookies.set(COOKIE, cookie_of(accounts, name), domain="127.0.0.1", path="/")


async def sign_in(here: httpx.AsyncClient, name: str, password: str = PASSWORD, then: str = "/") -> httpx.Response:
    return await here.post("/sign-in", data={"name": name, "password": password, "next": then})


@pytest.mark.anyio
async def test_on_this_machine_nobody_signs_in() -> None:
    async with client() as here:
        assert (await here.get("/api/clips")).json() == {"name": "local", "role": "admin"}


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "", "[::1", "10.0.0.5:7860"])
async def test_foreign_host_names_get_nothing(host: str) -> None:
    async with client() as here:
        assert (await here.get("/media/clip.mp4", headers={"host": host})).status_code == 421


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860"])
async def test_names_of_this_machine_are_answered(host: str) -> None:
    async with client() as here:
        assert (await here.get("/media/clip.mp4", headers={"host": host})).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": HERE}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
async def test_writes_from_other_origins_are_refused(headers: dict[str, str], status: int) -> None:
    async with client() as here:
        assert (await here.post("/api/clips", headers=headers)).status_code == status


@pytest.mark.anyio
async def test_with_accounts_writes_from_other_origins_are_refused_too(accounts: AccountBook) -> None:
    async with client(accounts) as here:
        as_user(here, accounts, "ada")
        for path in ("/api/clips", "/api/marks", "/sign-out"):
            assert (await here.post(path, headers={"origin": "http://evil.example"})).status_code == 403
            assert (await here.post(path, headers={"sec-fetch-site": "cross-site"})).status_code == 403
            assert (await here.post(path, headers={"origin": "http://[::1"})).status_code == 403
        assert (await here.post("/api/clips", headers={"origin": HERE})).status_code == 200
        forged = {"origin": "http://evil.example"}
        got = await here.post("/sign-in", data={"name": "ada", "password": PASSWORD}, headers=forged)
        assert (got.status_code, "set-cookie" in got.headers) == (403, False)


@pytest.mark.anyio
async def test_signing_in_leads_back_and_opens_the_door(accounts: AccountBook) -> None:
    async with client(accounts) as here:
        page = await here.get("/clips?state=refused", headers=PAGE)
        assert page.status_code == 303
        assert page.headers["location"] == "/sign-in?next=/clips%3Fstate%3Drefused"
        form = await here.get(page.headers["location"])
        assert 'value="/clips?state=refused"' in form.text
        wrong = await sign_in(here, "rob", "no", "/clips?state=refused")
        assert (wrong.status_code, WRONG in wrong.text, 'value="rob"' in wrong.text) == (401, True, True)
        assert 'value="/clips?state=refused"' in wrong.text
        right = await sign_in(here, "rob", then="/clips?state=refused")
        assert (right.status_code, right.headers["location"]) == (303, "/clips?state=refused")
        assert (await here.post("/api/clips")).json() == {"name": "rob", "role": "researcher"}
        again = await here.get("/sign-in?next=/clips")
        assert (again.status_code, again.headers["location"]) == (303, "/clips")


@pytest.mark.anyio
@pytest.mark.parametrize(("base", "secure"), [(HERE, False), ("https://127.0.0.1", True)])
async def test_the_cookie_is_kept_from_scripts_and_other_sites(accounts: AccountBook, base: str, secure: bool) -> None:
    async with client(accounts, base) as here:
        flags = [part.strip().lower() for part in (await sign_in(here, "rob")).headers["set-cookie"].split(";")[1:]]
        assert {"httponly", "samesite=lax", "path=/", f"max-age={SESSION_S}"} <= set(flags)
        assert ("secure" in flags) is secure


@pytest.mark.anyio
async def test_signing_out_ends_the_session_wherever_its_cookie_lies(accounts: AccountBook) -> None:
    async with client(accounts) as here, client(accounts) as thief:
        await sign_in(here, "rob")
        thief.cookies.update(here.cookies)
        assert (await thief.get("/api/clips")).status_code == 200
        page = await here.get("/sign-out", headers=PAGE)
        assert "<dd>rob</dd>" in page.text
        left = await here.post("/sign-out")
        assert (left.status_code, left.headers["location"]) == (303, "/sign-in?left=true")
        assert LEFT in (await here.get(left.headers["location"])).text
        assert (await here.get("/api/clips")).status_code == 401
        assert (await thief.get("/api/clips")).status_code == 401


@pytest.mark.anyio
async def test_signing_out_everywhere_ends_all_sessions_of_one_person(accounts: AccountBook) -> None:
    async with client(accounts) as here, client(accounts) as there, client(accounts) as other:
        await sign_in(here, "rob")
        await sign_in(there, "rob")
        await sign_in(other, "ana")
        await here.post("/sign-out", data={"where": "everywhere"})
        assert [(await each.get("/api/clips")).status_code for each in (here, there, other)] == [401, 401, 200]


@pytest.mark.anyio
async def test_a_session_lives_while_it_is_used_and_ends_after_rest(accounts: AccountBook, clock: Clock) -> None:
    async with client(accounts) as here:
        await sign_in(here, "rob")
        assert "set-cookie" not in (await here.get("/api/clips")).headers
        clock.now += RENEW_S
        for path in ("/api/runs", "/media/clip.mp4", "/clips"):  # asked by an open page, or kept by caches
            assert "set-cookie" not in (await here.get(path)).headers
        assert "set-cookie" in (await here.get("/api/clips")).headers
        clock.now += IDLE_S - 1
        assert (await here.get("/api/clips")).status_code == 200
        clock.now += IDLE_S
        assert (await here.get("/api/clips")).status_code == 401
        assert ENDED in (await here.get("/sign-in")).text


@pytest.mark.anyio
async def test_a_forged_cookie_is_no_session(accounts: AccountBook) -> None:
    async with client(accounts) as here:
        for value in ("x", "a.b", cookie_of(accounts, "ada") + "0", '"', "=;,"):
            got = await here.get("/api/clips", headers={"cookie": f"{COOKIE}={value}"})
            assert got.status_code == 401


@pytest.mark.anyio
async def test_accounts_may_change_while_the_app_runs(accounts: AccountBook) -> None:
    async with client(accounts) as here:
        assert (await sign_in(here, "kim")).status_code == 401
        save_account(accounts.path, "kim", PASSWORD, "annotator")  # as --add-account does in another process
        assert (await sign_in(here, "kim")).status_code == 303
        assert (await here.post("/api/clips")).status_code == 403
        accounts.set_role("kim", "researcher")
        assert (await here.post("/api/clips")).status_code == 401
        accounts.remove("kim")
        assert (await sign_in(here, "kim")).status_code == 401


@pytest.mark.anyio
async def test_the_first_account_shuts_the_door_at_once_and_for_good(tmp_path: Path) -> None:
    book = load_accounts(tmp_path / "accounts.json")
    async with client(book) as here:
        assert (await here.get("/api/admin/people")).json() == []
        for path in ("/sign-in", "/sign-out"):
            assert (await here.get(path)).headers["location"] == "/"
        write_three(book.path)
        assert (await here.get("/api/admin/people")).status_code == 401
        book.path.unlink()
        gone = await here.get("/api/admin/people")
        assert (gone.status_code, "gone" in gone.json()["error"]) == (503, True)
        book.path.write_text("{")
        for path in ("/api/clips", "/sign-in", "/media/clip.mp4"):
            assert (await here.get(path)).status_code == 503
            assert (await here.post(path)).status_code == 503


@pytest.mark.anyio
async def test_too_many_wrong_passwords_wait(accounts: AccountBook, clock: Clock) -> None:
    async with client(accounts, clock=clock) as here:
        for _ in range(FREE_PER_NAME):
            assert (await sign_in(here, "rob", "no")).status_code == 401
        waits = await sign_in(here, "rob")
        assert (waits.status_code, waits.headers["retry-after"]) == (429, "30")
        assert "Wait 30 s and try again." in waits.text
        assert (await sign_in(here, "ana")).status_code == 303
        clock.now += WAIT_S
        assert (await sign_in(here, "rob")).status_code == 303


@pytest.mark.anyio
@pytest.mark.parametrize(
    "there",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", ""],
)
async def test_signing_in_never_leads_away(accounts: AccountBook, there: str) -> None:
    async with client(accounts) as here:
        assert 'name="next" value="/"' in (await here.get("/sign-in", params={"next": there})).text
        assert (await sign_in(here, "rob", then=there)).headers["location"] == "/"


@pytest.mark.anyio
async def test_what_is_typed_stays_text(accounts: AccountBook) -> None:
    async with client(accounts) as here:
        name = '"><script>alert(1)</script>{next}<!--said-->'
        page = await sign_in(here, name, "no", '/"><script>alert(2)</script>')
        assert "<script>alert" not in page.text
        assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{next}&lt;!--said--&gt;" in page.text


@pytest.mark.anyio
async def test_a_form_of_any_length_is_cut_off(accounts: AccountBook) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b"a" * 1024
            assert sent <= 4 * LONGEST_FORM

    async with client(accounts) as here:
        head = {"content-type": "application/x-www-form-urlencoded"}
        assert (await here.post("/sign-in", content=endless(), headers=head)).status_code == 401


@pytest.mark.anyio
async def test_a_web_socket_without_a_session_is_closed(accounts: AccountBook) -> None:
    said = []

    async def send(message: object) -> None:
        said.append(message)

    async def nothing(*_: object) -> None:
        raise AssertionError("the app was reached")

    scope = {"type": "websocket", "path": "/gradio_api/x", "headers": [(b"host", b"127.0.0.1")]}
    await Guard(nothing, accounts, ())(scope, nothing, send)
    assert said == [{"type": "websocket.close", "code": 1008}]


def test_other_hosts_need_accounts(accounts: AccountBook, tmp_path: Path) -> None:
    nobody = AccountBook(tmp_path / "none" / "accounts.json")
    check_bind("127.0.0.1", None)
    check_bind("127.0.0.1", nobody)
    check_bind("0.0.0.0", accounts)
    for host in ("0.0.0.0", "::", "thud.example", "192.168.1.4"):
        for without in (None, nobody):
            with pytest.raises(BadRequest, match="no accounts"):
                check_bind(host, without)


@pytest.mark.anyio
async def test_files_of_the_page_are_kept_for_ever_under_their_version() -> None:
    async with client() as here:
        url = find_widget().url("clips/page.js")
        first = await here.get(url)
        assert (first.status_code, first.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert first.headers["content-type"].startswith("text/javascript")
        again = await here.get("/av/old/clips/page.js", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
        for path in ("/av/x/auth.py", "/av/x/..%2Fauth.py", "/av/x/base/page.html", "/av/x/base/..%2F..%2Fauth.py"):
            assert (await here.get(path)).status_code == 404


@pytest.mark.anyio
async def test_every_answer_carries_the_security_headers() -> None:
    async with client() as here:
        for path in ("/api/clips", "/media/clip.mp4", "/nowhere", "/clips"):
            headers = (await here.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"

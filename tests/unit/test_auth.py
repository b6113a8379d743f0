"""Who may come in: hosts, origins, accounts, cookies and roles, asked over the whole app and over the guard alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse

from thud.errors import BadRequest
from ui.auth import COOKIE, SESSION_S, Accounts, Guard, check_bind, load_accounts, save_account
from ui.first_paint import FirstPaint
from ui.sign_in import sign_in_router
from ui.widget_files import find_widget, widget_router

PASSWORD = "correct horse battery"
HERE = "http://127.0.0.1:7860"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    path = tmp_path / "accounts.json"
    save_account(path, "ana", PASSWORD, "annotator")
    save_account(path, "rob", PASSWORD, "researcher")
    found = load_accounts(path)
    assert found is not None
    return found


def app_with(accounts: Accounts | None) -> FastAPI:
    """Our layers around three routes, without Gradio, which takes seconds to import."""
    app, router, widget = FastAPI(), APIRouter(), find_widget()

    @router.api_route("/api/clips", methods=["GET", "POST"])
    @router.api_route("/api/marks", methods=["GET", "POST"])
    def who(request: Request) -> dict[str, str]:
        return {"name": request.state.user.name, "role": request.state.user.role}

    @router.get("/media/clip.mp4")
    @router.get("/clips")
    def media() -> PlainTextResponse:
        return PlainTextResponse("bytes")

    app.include_router(router)
    app.include_router(widget_router(widget))
    if accounts:
        app.include_router(sign_in_router(accounts))
    app.add_middleware(Guard, accounts=accounts, allowed_hosts=("127.0.0.1", "localhost", "::1"))
    app.add_middleware(FirstPaint, widget=widget)
    return app


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client(accounts: Accounts | None = None, base: str = HERE) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app_with(accounts)), base_url=base)


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
@pytest.mark.parametrize(
    "path", ["/api/clips", "/media/clip.mp4", "/av/x/main.js", "/gradio_api/queue/join", "/nowhere"]
)
async def test_with_accounts_every_route_is_shut(accounts: Accounts, path: str) -> None:
    async with client(accounts) as out:
        assert (await out.get(path)).status_code == 401
        assert (await out.post(path)).status_code == 401


@pytest.mark.anyio
async def test_signing_in_leads_back_and_opens_the_door(accounts: Accounts) -> None:
    async with client(accounts) as out:
        page = await out.get("/clips?state=refused", headers={"accept": "text/html"})
        assert page.status_code == 303
        assert page.headers["location"] == "/sign-in?next=/clips%3Fstate%3Drefused"
        form = await out.get(page.headers["location"])
        assert 'value="/clips?state=refused"' in form.text
        wrong = await out.post("/sign-in", data={"name": "rob", "password": "no", "next": "/clips"})
        assert (wrong.status_code, "wrong" in wrong.text) == (401, True)
        right = await out.post("/sign-in", data={"name": "rob", "password": PASSWORD, "next": "/clips"})
        assert (right.status_code, right.headers["location"]) == (303, "/clips")
        assert "httponly" in right.headers["set-cookie"].lower()
        assert (await out.post("/api/clips")).json() == {"name": "rob", "role": "researcher"}


@pytest.mark.anyio
async def test_a_name_waits_after_five_wrong_passwords(accounts: Accounts) -> None:
    async with client(accounts) as out:
        for _ in range(5):
            await out.post("/sign-in", data={"name": "rob", "password": "no"})
        assert (await out.post("/sign-in", data={"name": "rob", "password": PASSWORD})).status_code == 429


@pytest.mark.anyio
@pytest.mark.parametrize("there", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_signing_in_never_leads_away(accounts: Accounts, there: str) -> None:
    async with client(accounts) as out:
        got = await out.post("/sign-in", data={"name": "rob", "password": PASSWORD, "next": there})
        assert got.headers["location"] == "/"


@pytest.mark.anyio
async def test_annotators_mark_and_look_but_do_not_build(accounts: Accounts) -> None:
    async with client(accounts) as out:
        out.cookies.set(COOKIE, accounts.cookie(accounts.by_name["ana"]))
        assert (await out.get("/api/clips")).status_code == 200
        assert (await out.post("/api/marks")).status_code == 200
        assert (await out.post("/api/clips")).status_code == 403


def test_cookies_die_with_time_password_and_forgery(accounts: Accounts) -> None:
    rob = accounts.by_name["rob"]
    good = accounts.cookie(rob)
    assert accounts.read_cookie(good) == rob
    assert accounts.read_cookie(accounts.cookie(rob, now=1000.0 - SESSION_S)) is None
    name, expires, signature = good.split(".")
    for forged in (f"{name}.{int(expires) + 1}.{signature}", f"{name}.{expires}.", "", "a.b.c", "..", "é.1.x"):
        assert accounts.read_cookie(forged) is None
    others = Accounts(b"another secret of another place", accounts.by_name)
    assert others.read_cookie(good) is None


def test_accounts_are_kept_hashed_and_private(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    assert load_accounts(path) is None
    save_account(path, "kim", PASSWORD, "admin")
    assert PASSWORD not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = load_accounts(path)
    assert found and found.check("kim", PASSWORD) and not found.check("kim", "other") and not found.check("x", PASSWORD)
    save_account(path, "kim", "another password", "admin")
    again = load_accounts(path)
    assert again and again.secret == found.secret and again.read_cookie(found.cookie(found.by_name["kim"])) is None


@pytest.mark.parametrize(
    ("name", "password", "role"), [("", PASSWORD, "admin"), ("a", "short", "admin"), ("a", PASSWORD, "boss")]
)
def test_poor_accounts_are_refused(tmp_path: Path, name: str, password: str, role: str) -> None:
    with pytest.raises(BadRequest):
        save_account(tmp_path / "accounts.json", name, password, role)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "[]", '{"accounts": 3}', json.dumps({"secret": "zz", "accounts": []})])
def test_a_broken_accounts_file_shuts_the_door(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text)
    with pytest.raises(BadRequest):
        load_accounts(path)


def test_other_hosts_need_accounts(accounts: Accounts) -> None:
    check_bind("127.0.0.1", None)
    check_bind("0.0.0.0", accounts)
    for host in ("0.0.0.0", "::", "thud.example", "192.168.1.4"):
        with pytest.raises(BadRequest, match="no accounts"):
            check_bind(host, None)


@pytest.mark.anyio
async def test_files_of_the_page_are_kept_for_ever_under_their_version() -> None:
    async with client() as here:
        url = find_widget().url("main.js")
        first = await here.get(url)
        assert (first.status_code, first.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert first.headers["content-type"].startswith("text/javascript")
        again = await here.get("/av/old/main.js", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
        for path in ("/av/x/auth.py", "/av/x/..%2Fauth.py", "/av/x/page.html"):
            assert (await here.get(path)).status_code == 404


@pytest.mark.anyio
async def test_every_answer_carries_the_security_headers() -> None:
    async with client() as here:
        for path in ("/api/clips", "/media/clip.mp4", "/nowhere", "/clips"):
            headers = (await here.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"

"""The table of rights, and a walk over every route of the real app, Gradio's own included, as everybody who may ask."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app_server import free_port
from tests.unit.auth_kit import cookie_of, three_accounts
from ui.door.account_file import ROLES, Role
from ui.door.accounts import AccountBook
from ui.door.auth import COOKIE, LOCAL_HOSTS, Guard
from ui.door.rights import READS, least_role, may

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0
WHO: dict[Role, str] = {"annotator": "ana", "researcher": "rob", "admin": "ada"}
TABLE: list[tuple[str, str, Role | None]] = [
    ("GET", "/sign-in", None),
    ("POST", "/sign-in", None),
    ("GET", "/sign-in/", "annotator"),
    ("GET", "/sign-in.html", "annotator"),
    ("POST", "/sign-out", "annotator"),
    ("GET", "/", "annotator"),
    ("GET", "/clips", "annotator"),
    ("GET", "/api/clips", "annotator"),
    ("HEAD", "/media/clip/x/proxy.mp4", "annotator"),
    ("GET", "/av/x/clips/page.js", "annotator"),
    ("GET", "/config", "annotator"),
    ("GET", "/gradio_api/info", "annotator"),
    ("POST", "/gradio_api/queue/join", "annotator"),
    ("POST", "/api/marks", "annotator"),
    ("POST", "/api/marks/undo", "annotator"),
    ("POST", "/api/marks/import", "researcher"),
    ("POST", "/api/marks/", "researcher"),
    ("GET", "/api/marks.jsonl", "researcher"),
    ("GET", "/api/marks.jsonl/", "annotator"),
    ("GET", "/api/tasks/next", "annotator"),
    ("POST", "/api/tasks", "annotator"),
    ("POST", "/api/tasks/next", "annotator"),
    ("POST", "/api/tasksy", "researcher"),
    ("GET", "/api/tasks/adjudicate", "researcher"),
    ("POST", "/api/tasks/adjudicate", "researcher"),
    ("POST", "/api/tasks/adjudicate/x", "researcher"),
    ("POST", "/api/notes", "annotator"),
    ("POST", "/api/calibration", "annotator"),
    ("GET", "/api/agreement", "researcher"),
    ("GET", "/api/agreement/pairs", "researcher"),
    ("GET", "/api/settings", "annotator"),
    ("POST", "/api/settings", "researcher"),
    ("GET", "/api/annotators", "researcher"),
    ("GET", "/api/ledger", "researcher"),
    ("POST", "/api/annotators", "researcher"),
    ("POST", "/api/annotators/plan", "researcher"),
    ("POST", "/api/runs/x/cancel", "researcher"),
    ("POST", "/api/build", "researcher"),
    ("POST", "/api/upload", "researcher"),
    ("PUT", "/api/clips", "researcher"),
    ("DELETE", "/api/clips", "researcher"),
    ("WEBSOCKET", "/gradio_api/x", "annotator"),
    ("WEBSOCKET", "/x", "researcher"),
    ("GET", "/api/admin", "admin"),
    ("GET", "/api/admin/people", "admin"),
    ("POST", "/api/admin/people", "admin"),
    ("GET", "/api/administer", "annotator"),
    ("POST", "/login", "researcher"),
]


@pytest.mark.parametrize(("method", "path", "least"), TABLE, ids=lambda value: str(value))
def test_the_table_of_rights(method: str, path: str, least: Role | None) -> None:
    assert least_role(method, path) == least
    for role in ROLES:
        assert may(role, method, path) is (least is None or ROLES.index(role) >= ROLES.index(least))


@dataclass(frozen=True, slots=True)
class Running:
    """The app in its own process, and all it answers to."""

    url: str
    book: AccountBook
    routes: tuple[tuple[str, str], ...]

    def client(self, role: Role | None) -> httpx.Client:
        return httpx.Client(base_url=self.url, cookies=cookies(self.book, role), timeout=60)


def cookies(book: AccountBook, role: Role | None) -> dict[str, str]:
    return {COOKIE: cookie_of(book, WHO[role])} if role else {}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp("house"), free_port()
    book = three_accounts(folder, time.time)
    command = [sys.executable, "-m", "tests.unit.rights_app", str(folder), str(book.path), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            routes = tuple((method, path) for method, path in json.loads(process.stdout.readline()))
            wait_for(f"http://127.0.0.1:{port}", process)
            yield Running(f"http://127.0.0.1:{port}", book, routes)
        finally:
            process.send_signal(2)
            process.wait(20)


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            assert httpx.get(url + "/sign-in", timeout=10).status_code == 200
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError("the app did not start; its words are above")


def test_the_walk_reaches_our_routes_and_gradios(app: Running) -> None:
    ours = {("GET", "/api/clips"), ("POST", "/api/build"), ("GET", "/media/clip/x/x"), ("GET", "/av/x/x"), ("GET", "/")}
    gradios = {("GET", "/clips"), ("GET", "/config"), ("POST", "/gradio_api/queue/join"), ("GET", "/assets/x")}
    assert ours | gradios | {("POST", "/sign-in"), ("POST", "/sign-out"), ("GET", "/api/me")} <= set(app.routes)
    assert len(app.routes) > 100


def test_without_a_session_every_route_is_shut(app: Running) -> None:
    with app.client(None) as here:
        answers = {
            (method, path): here.request(method, path).status_code
            for method, path in (*app.routes, ("GET", "/nowhere"), ("POST", "/nowhere"))
        }
    let_in = {asked: status for asked, status in answers.items() if status != 401}
    assert set(let_in) == {("GET", "/sign-in"), ("OPTIONS", "/sign-in")}
    assert (let_in["GET", "/sign-in"], let_in["OPTIONS", "/sign-in"] // 100) == (200, 4)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_is_shut_to_lesser_roles(app: Running, role: Role) -> None:
    """Only what is refused is asked of the whole app: what is allowed would start work."""
    refused = [asked for asked in app.routes if not may(role, *asked)]
    with app.client(role) as here:
        assert {here.request(*asked).status_code for asked in refused} <= {403}
        assert (here.get("/api/clips").status_code, here.get("/config").status_code) == (200, 200)
        me = here.get("/api/me").json()
        assert (me["name"], me["role"]) == (WHO[role], role)
    assert (("POST", "/api/build") in refused) is (role == "annotator")


@pytest.mark.parametrize(
    "trick", ["/api//build", "/API/build", "/gradio_api/../api/build", "/gradio_api/%2e%2e/api/build"]
)
def test_no_spelling_of_a_path_opens_a_route(app: Running, trick: str) -> None:
    """What the table allows under an odd spelling, no route answers to."""
    with app.client("annotator") as here:
        raw = httpx.URL(app.url).copy_with(raw_path=trick.encode())
        assert here.post(raw, json={"settings": {}}).status_code in (403, 404, 405)


def test_a_slash_at_the_end_opens_nothing(app: Running) -> None:
    with app.client("annotator") as here:
        for method, path in app.routes:
            if method in READS and not may("annotator", method, path):
                assert here.request(method, path + "/", follow_redirects=True).status_code in (403, 404), path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("role", ROLES)
async def test_every_route_is_open_to_its_roles(app: Running, role: Role) -> None:
    """The guard alone, before an app that answers 204 to all: it lets through exactly what the table says."""

    async def answers(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    wall = httpx.ASGITransport(app=Guard(answers, app.book, LOCAL_HOSTS))
    async with httpx.AsyncClient(transport=wall, base_url=app.url, cookies=cookies(app.book, role)) as here:
        asked = {(method, path) for method, path, _ in TABLE if method != "WEBSOCKET"}
        for method, path in sorted({*app.routes, *asked}):
            expected = 204 if may(role, method, path) else 403
            assert (await here.request(method, path)).status_code == expected, (method, path)

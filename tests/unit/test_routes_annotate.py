"""The Annotate page's routes on a real server: what a page sends and gets, bad input included, by role."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from tests.e2e.app_server import free_port
from tests.unit.store_samples import a_clip
from thud.errors import ThudError
from thud.records import EventTimes, Mark
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, open_store
from ui.door.auth import COOKIE, AccountBook, Guard
from ui.house import House
from ui.routes.annotate import annotate_router
from ui.routes.clips import clip_router
from ui.serve import STATUS, _say

PASSWORD = "correct horse battery"
PEOPLE = {"root": "admin", "ana": "annotator", "ben": "annotator", "rob": "researcher"}
CLIPS = 4


@dataclass(frozen=True, slots=True)
class Site:
    """A running server. by_name: a client signed in as each."""

    store: Store
    house: House
    by_name: dict[str, httpx.Client]

    @property
    def clips(self) -> list[str]:
        return [clip.id for clip in self.store.clips()]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def make_app(house: House, accounts: AccountBook) -> FastAPI:
    """Our routes behind the guard, without Gradio, which takes seconds to import."""
    app = FastAPI()
    app.add_exception_handler(ThudError, _say)
    app.include_router(clip_router(house))
    app.include_router(annotate_router(house))
    app.add_middleware(Guard, accounts=accounts, allowed_hosts=("127.0.0.1",))
    return app


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> AccountBook:
    """Made once: hashing a password takes its time on purpose."""
    book = AccountBook(tmp_path_factory.mktemp("accounts") / "accounts.json")
    for name, role in PEOPLE.items():
        book.add(name, PASSWORD, role)
    return book


@contextmanager
def open_site(folder: Path, accounts: AccountBook) -> Iterator[Site]:
    with (
        open_store(folder / "a.duckdb", folder) as store,
        Runs(store, folder, LocalExecutor()) as runs,
    ):
        store.add_clips([a_clip(number) for number in range(CLIPS)], "test")
        for name, value in {"double_share": 0.0, "gold_share": 0.0}.items():
            store.set_setting(name, value, "test")
        house = House(store, runs, folder, "test")
        with serving(make_app(house, accounts)) as url, house.desk, ExitStack() as clients:
            cookies = {name: accounts.cookie(account) for name in PEOPLE if (account := accounts.find(name))}
            by_name = {
                name: clients.enter_context(httpx.Client(base_url=url, cookies={COOKIE: value}, timeout=60))
                for name, value in cookies.items()
            }
            yield Site(store, house, by_name)


@pytest.fixture
def site(tmp_path: Path, accounts: AccountBook) -> Iterator[Site]:
    with open_site(tmp_path, accounts) as found:
        yield found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory, accounts: AccountBook) -> Iterator[Site]:
    """For requests that must leave nothing behind."""
    with open_site(tmp_path_factory.mktemp("site"), accounts) as found:
        yield found


def post(client: httpx.Client, path: str, body: Any, status: int = 200) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    row = answer.json()
    assert status == 200 or isinstance(row["error"], str) and row["error"]
    return dict(row)


def a_save(clip_id: str, seq: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "save_id": f"save-{clip_id}-{seq}",
        "seq": seq,
        "clip": clip_id,
        "visual_s": 1.0,
        "audio_s": 1.1,
        "verdict": "placed",
        "reason": "",
        "note": "",
        "detail": {"how": {"visual": "paused", "audio": "playing"}},
        **changed,
    }


def test_a_clip_from_task_to_save_to_undo(site: Site) -> None:
    ana, first = site.by_name["ana"], site.clips[0]
    site.store.submit_mark(
        Mark(first, "gemini", 1.2, 1.3, person=False, detail={"confidence": "high", "unit": [1.0, 2.0]})
    )
    got = post(ana, "/api/tasks", {"count": 2, "have": [], "clip": first})
    task = got["tasks"][0]
    assert task["clip"] == first and task["need"] == "first"
    assert (task["blind"], task["hidden"], task["marks"], task["reasons"], task["mine"]) == (True, 1, [], [], None)
    habits = {"delayed": False, "reaction_ms": 0, "machines": {}}
    assert got["me"] == {"name": "ana", "role": "annotator", "signed_in": True, **habits}
    assert got["settings"]["eps_visual_s"] == 0.8 and got["progress"]["remaining"] == CLIPS
    shown = post(ana, "/api/tasks/reveal", {"clip": first, "visual_s": 1.0, "audio_s": 1.1})
    (mark,) = shown["marks"]
    assert (mark["label"], mark["confidence"], mark["unit"], mark["hears"]) == ("Gemini", "high", [1.0, 2.0], True)
    assert len(shown["checks"]) == 5 and shown["reasons"]
    saved = post(ana, "/api/marks", a_save(first, note="clear"))
    assert (saved["state"], saved["late"], saved["progress"]["mine"]) == ("saved", False, 1)
    assert saved["at"].endswith("Z")
    (kept,) = [each for each in site.store.marks(first) if each.person]
    assert (kept.ev_id, kept.detail["how"]["visual"]) == (saved["ev_id"], "paused")
    assert post(ana, "/api/marks", a_save(first))["state"] == "known"
    assert post(ana, "/api/marks", a_save(first, 0))["state"] == "older"
    history = ana.get(f"/api/clips/{first}/history").json()["events"]
    assert [row["what"] for row in history if row["kind"] == "submit_mark"] == [
        "Placed the event: picture 1.000 s, sound 1.100 s",
        "Placed the event",
    ], "times of others stay hidden from annotators"
    back = post(ana, "/api/marks/undo", {"clip": first})
    assert (back["clip"], back["mine"], back["progress"]["mine"]) == (first, None, 0)
    assert [row["undone_by"] for row in ana.get(f"/api/clips/{first}/history").json()["events"]].count("ana") == 1
    post(ana, "/api/marks/undo", {"clip": first}, 400)


@pytest.mark.parametrize(
    "change",
    [
        {"visual_s": "1.0"},
        {"visual_s": True},
        {"visual_s": [1]},
        {"visual_s": 1e400},
        {"visual_s": 10**400},
        {"audio_s": -1},
        {"audio_s": 99},
        {"audio_s": None},
        {"verdict": "gold"},
        {"verdict": ["placed"]},
        {"verdict": "uncertain"},
        {"verdict": "discarded", "reason": ""},
        {"reason": "x" * 600},
        {"reason": 3},
        {"note": "x" * 2001},
        {"save_id": ""},
        {"save_id": None},
        {"save_id": "x" * 101},
        {"seq": "1"},
        {"seq": 1.5},
        {"seq": 2**70},
        {"seq": 10**400},
        {"detail": [1]},
        {"detail": {"x": "\ud800"}},
        {"clip": ""},
        {"clip": None},
        {"clip": {"id": 1}},
    ],
)
def test_bad_saves_are_refused_with_a_sentence_and_leave_nothing(untouched: Site, change: dict[str, Any]) -> None:
    ana = untouched.by_name["ana"]
    body = json.dumps({**a_save(untouched.clips[0]), **change})
    answer = ana.post("/api/marks", content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].endswith(".")
    assert untouched.store.marks() == [] and untouched.store.notes() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"visual_s": NaN}', b"[" * 60_000, b"{" + b" " * 10_000_000 + b"}"],
    ids=["empty", "list", "null", "cut", "bytes", "nan", "deep", "10 MB"],
)
def test_bodies_that_are_none_are_refused(untouched: Site, content: bytes) -> None:
    for path in ("/api/marks", "/api/tasks", "/api/notes", "/api/calibration"):
        answer = untouched.by_name["ana"].post(path, content=content)
        assert answer.status_code == 400 and answer.json()["error"]
    assert untouched.store.marks() == []


def test_unknown_clips_are_not_found_anywhere(untouched: Site) -> None:
    ana = untouched.by_name["ana"]
    for path in ("/api/tasks/reveal", "/api/tasks/skip", "/api/marks/undo", "/api/tasks"):
        post(ana, path, {"clip": "nothing", "visual_s": 1.0}, 404)
    post(ana, "/api/marks", a_save("nothing"), 404)
    post(ana, "/api/notes", {"id": "n", "clip": "nothing", "text": "x"}, 404)
    assert ana.get("/api/clips/nothing/history").status_code == 404


def test_a_beacon_releases_in_plain_text(site: Site) -> None:
    ana, ben = site.by_name["ana"], site.by_name["ben"]
    held = [task["clip"] for task in post(ana, "/api/tasks", {"count": 4})["tasks"]]
    assert len(held) == CLIPS and post(ben, "/api/tasks", {"count": 1})["tasks"] == []
    answer = ana.post(
        "/api/tasks/release", content=json.dumps({"clips": held[:1]}), headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 200
    assert [task["clip"] for task in post(ben, "/api/tasks", {"count": 1})["tasks"]] == held[:1]
    post(ben, "/api/tasks/skip", {"clip": held[0]})
    post(ana, "/api/tasks/release", {"clips": "all"}, 400)
    post(ana, "/api/tasks", {"count": "many"}, 400)
    post(ana, "/api/tasks", {"have": [1]}, 400)
    assert post(ana, "/api/tasks", {"count": -3})["tasks"] == []


def test_disputes_are_for_researchers_and_the_slower_one_is_told(site: Site) -> None:
    ana, ben, rob, root = (site.by_name[name] for name in ("ana", "ben", "rob", "root"))
    clip_id = site.clips[0]
    post(ana, "/api/marks", a_save(clip_id))
    post(ben, "/api/marks", a_save(clip_id, 2, visual_s=2.0))
    post(ana, "/api/tasks/adjudicate/next", {"count": 1}, 403)
    post(ana, "/api/tasks/adjudicate", {"clip": clip_id}, 403)
    got = post(rob, "/api/tasks/adjudicate/next", {"count": 1})
    (task,) = got["tasks"]
    assert task["need"] == "adjudicate" and {mark["annotator"] for mark in task["marks"]} == {"ana", "ben"}
    assert got["progress"]["waiting_adjudication"] == 1
    word = {
        "clip": clip_id,
        "visual_s": 1.5,
        "audio_s": 1.1,
        "verdict": "placed",
        "reason": "",
        "expects": task["expects"],
    }
    assert post(rob, "/api/tasks/adjudicate", word)["state"] == "saved"
    told = post(root, "/api/tasks/adjudicate", {**word, "visual_s": 1.6}, 409)["error"]
    assert "rob changed this" in told
    assert site.store.times("adjudicated")[clip_id].visual_s == 1.5
    post(rob, "/api/tasks/adjudicate", {**word, "visual_s": 99}, 400)


def test_annotators_do_not_see_event_times(site: Site) -> None:
    clip_id = site.clips[0]
    site.store.set_times(clip_id, EventTimes(1.234, 1.345, "gold"), "test")
    folder = site.house.clip_folder(clip_id)
    folder.mkdir(parents=True)
    (folder / "view.json").write_text('{"proxy_fps": 30}')
    for name, hidden in (("ana", True), ("rob", False)):
        client = site.by_name[name]
        page, cards = client.get(f"/api/clips/{clip_id}"), client.get("/api/clips")
        assert page.status_code == cards.status_code == 200
        for row in (page.json()["clip"], next(c for c in cards.json()["clips"] if c["id"] == clip_id)):
            times = [row["visual_s"], row["audio_s"], row["times_from"]]
            assert times == ([None] * 3 if hidden else [1.234, 1.345, "gold"])
        text = page.text + cards.text + client.get(f"/api/clips/{clip_id}/history").text
        assert ("1.234" in text) is ("by gold" in text) is not hidden


def test_notes_are_ones_own(site: Site) -> None:
    clip_id = site.clips[0]
    hostile = '<img src=x onerror="alert(1)">'
    post(site.by_name["ana"], "/api/notes", {"id": "n1", "clip": clip_id, "text": hostile})
    post(site.by_name["ben"], "/api/notes", {"id": "n1", "clip": clip_id, "text": "mine"})
    post(site.by_name["ana"], "/api/notes", {"id": "n1", "clip": clip_id, "text": hostile + "!"})
    assert sorted((note.actor, note.text) for note in site.store.notes(clip_id)) == [
        ("ana", hostile + "!"),
        ("ben", "mine"),
    ]
    rows = site.by_name["ana"].get(f"/api/clips/{clip_id}/history").json()["events"]
    assert rows[0]["what"] == f"Note: {hostile}!"


def test_calibration_is_kept_per_person_and_machine(site: Site) -> None:
    ana = site.by_name["ana"]
    body = {"machine": "m1", "sound_late_ms": 42.5, "spread_ms": 8, "taps": [40, 45]}
    assert post(ana, "/api/calibration", body)["machines"]["m1"]["sound_late_ms"] == 42.5
    post(ana, "/api/calibration", {"delayed": True, "reaction_ms": 215})
    me = ana.get("/api/me").json()
    assert (me["name"], me["delayed"], me["reaction_ms"], list(me["machines"])) == ("ana", True, 215, ["m1"])
    assert site.by_name["ben"].get("/api/me").json()["machines"] == {}
    for bad in ({**body, "sound_late_ms": "x"}, {"reaction_ms": -5}, {"delayed": "yes"}, {**body, "taps": [0] * 300}):
        post(ana, "/api/calibration", bad, 400)


def test_marks_go_out_and_come_in_again(site: Site) -> None:
    ana, rob = site.by_name["ana"], site.by_name["rob"]
    first, second = site.clips[:2]
    post(ana, "/api/marks", a_save(first))
    assert ana.get("/api/marks.jsonl").status_code == 403
    assert ana.post("/api/marks/import", content=b"").status_code == 403
    out = rob.get("/api/marks.jsonl")
    assert [json.loads(line)["annotator"] for line in out.text.splitlines()] == ["ana"]
    again = rob.post("/api/marks/import", content=out.content).json()
    assert again == {"added": 0, "known": 1, "refused": []}
    lines = "\n".join(
        [
            json.dumps({"clip": second, "annotator": "gemini", "visual_s": 1.0, "audio_s": 1.0}),
            "not json",
            json.dumps({"clip": second, "annotator": "gpt", "visual_s": 99}),
        ]
    )
    report = rob.post("/api/marks/import", files={"file": ("marks.jsonl", lines.encode())}).json()
    assert report["added"] == 1 and [row["line"] for row in report["refused"]] == [2, 3]
    assert rob.post("/api/marks/import", data={"x": "y"}, files={}).json() == {
        "added": 0, "known": 0, "refused": [{"line": 1, "reason": "This is not JSON."}],
    }  # fmt: skip


def test_signed_out_gets_nothing(untouched: Site) -> None:
    bare = httpx.Client(base_url=untouched.by_name["ana"].base_url)
    for path in ("/api/tasks", "/api/marks", "/api/tasks/reveal", "/api/notes", "/api/calibration"):
        assert bare.post(path, json={}).status_code == 401
    for path in ("/api/me", "/api/marks.jsonl", f"/api/clips/{untouched.clips[0]}/history"):
        assert bare.get(path).status_code == 401
    bare.close()


def test_conflicts_have_their_status() -> None:
    assert {kind.__name__: code for kind, code in STATUS.items()}["Conflict"] == 409

"""Starting model annotation over HTTP: what the dialog asks and gets, and what nonsense gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.annotate_kit import make_numbered_clip, workspace
from tests.unit.test_routes_annotate import serving
from tests.vendors.kit import KEY, give_keys
from thud.errors import ThudError
from ui.door.auth import AccountBook, Guard
from ui.house import House
from ui.routes.annotators import annotators_router
from ui.serve import _say


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    give_keys(monkeypatch)
    monkeypatch.delenv("OPENAI_API_KEY")
    with workspace(tmp_path, [make_numbered_clip(tmp_path, 1)]) as place:
        house = House(place.store, place.runs, place.workspace, "test")
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        app.include_router(annotators_router(house))
        book = AccountBook(tmp_path / "accounts.json")
        app.add_middleware(Guard, accounts=book, allowed_hosts=("127.0.0.1",))
        with serving(app) as url, house.desk, httpx.Client(base_url=url, timeout=60) as opened:
            yield opened


def post(client: httpx.Client, path: str, **body: Any) -> httpx.Response:
    return client.post(f"/api/annotators/{path}", json=body)


def test_a_plan_says_what_it_costs_and_what_keeps_it_from_starting(client: httpx.Client) -> None:
    answer = client.get("/api/annotators")
    assert KEY not in answer.text
    rows = {row["name"]: row for row in answer.json()["annotators"]}
    assert {name: row["key_set"] for name, row in rows.items()} == {
        "gemini": True, "gpt": False, "claude": True, "signal": False,
    }  # fmt: skip
    both = [{"name": "claude"}, {"name": "gpt", "model": "nobody-knows-1"}]
    plan = post(client, "plan", clips=None, annotators=both).json()
    assert (plan["clips"], plan["requests"], plan["cost_usd"], plan["blocked"]) == (2, 4, None, True)
    assert plan["cost_known_usd"] > 0
    assert plan["notes"][0] == {"level": "bad", "text": plan["missing_key"]}
    assert "OPENAI_API_KEY is not set" in plan["missing_key"]
    assert any("The price of nobody-knows-1 is not known" in note["text"] for note in plan["notes"])
    assert plan["notes"][-1]["text"] == "This sends still pictures to Anthropic and OpenAI."
    refused = post(client, "start", clips=None, annotators=both)
    assert (refused.status_code >= 400, "OPENAI_API_KEY is not set" in refused.json()["error"]) == (True, True)
    batch = post(client, "plan", clips=None, annotators=[{"name": "claude"}], batch=True).json()
    assert 0 < batch["cost_usd"] < plan["cost_known_usd"]
    ledger = client.get("/api/ledger").json()
    assert (ledger["replies"], ledger["cost_usd"], ledger["rows"]) == (0, 0, [])


NONSENSE: list[dict[str, Any]] = [
    {},
    {"annotators": "all"},
    {"annotators": [{"name": "claude"}] * 2},
    {"annotators": [{"name": "claude", "base_url": "file:///etc/passwd"}]},
    {"annotators": [{"name": "claude", "at_once": 0}]},
    {"annotators": [{"name": "claude", "at_once": "4"}]},
    {"annotators": [{"name": "claude", "key_env": "PATH"}]},
    {"annotators": [{"name": "<b>"}]},
    {"annotators": [{"name": "signal"}], "clips": ["no such clip"]},
    {"annotators": [{"name": "signal"}], "clips": "all"},
    {"annotators": [{"name": "signal"}], "again": "yes"},
]


@pytest.mark.parametrize("verb", ["plan", "start"])
def test_nonsense_is_refused_in_a_sentence(client: httpx.Client, verb: str) -> None:
    for body in NONSENSE:
        answer = post(client, verb, **body)
        assert answer.status_code == 400, body
        assert len(answer.json()["error"]) > 10


def test_nothing_to_ask_is_said(client: httpx.Client) -> None:
    assert post(client, "plan", annotators=[]).json()["clips"] == 0
    assert "nothing to ask" in post(client, "start", annotators=[]).json()["error"].lower()

"""The judge over HTTP and from a shell: plans, calibration, the queue that people label from, and nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.annotate_kit import workspace
from tests.results_kit import Mind, middling, responses
from tests.unit.test_routes_annotate import serving
from tests.vendors.kit import KEY, give_keys
from thud.cli import main
from thud.errors import ThudError
from thud.records import Answer, Reading, Response
from thud.runs.listening.judges import parse_judge
from thud.runs.listening.judging import judgeable
from thud.store import Store, changes
from ui.door.auth import AccountBook, Guard
from ui.house import House
from ui.routes.judging import judging_router
from ui.serve import _say

CLIPS = tuple(f"{number:016x}" for number in range(6))
JUDGE = parse_judge({"provider": "anthropic"})


def fill(store: Store) -> list[Response]:
    """Two listeners; a person has read ten responses of the first, the judge nine: one wrong, one invented."""
    loud = list(responses([Mind("loud", middling(0.4)), Mind("Claude", middling(0.4))], CLIPS))
    made = [replace(one, text=f"{one.text} ({number})") for number, one in enumerate(loud)]
    store.write_many([changes.add_response(one, "test") for one in made])
    able = [one for one in made if judgeable(one) and one.listener == "loud"][:10]
    store.define("judge", JUDGE.key, {"name": JUDGE.model, "prompt": "judge_v1"}, "test")
    for number, one in enumerate(able):
        store.add_reading(Reading(one.id, "person:eva", Answer("refused", method="person")), "eva")
        if number < 9:
            label, problem = ("unparsed", "invented") if number == 0 else ("refused", "")
            label = "unparsed" if number == 1 else label
            sure = None if problem else 0.5 + number / 20
            store.add_reading(Reading(one.id, JUDGE.reader, Answer(label, confidence=sure), problem), "test")
    return able


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    give_keys(monkeypatch)
    with workspace(tmp_path, []) as place:
        fill(place.store)
        house = House(place.store, place.runs, place.workspace, "test")
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        app.include_router(judging_router(house))
        app.add_middleware(Guard, accounts=AccountBook(tmp_path / "accounts.json"), allowed_hosts=("127.0.0.1",))
        with serving(app) as url, house.desk, httpx.Client(base_url=f"{url}/api/judging", timeout=60) as opened:
            yield opened


def test_judges_calibration_plan_and_queue(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    told = client.get("/judges")
    assert KEY not in told.text
    known = told.json()
    assert [(one["key"], one["read"], one["rejected"]) for one in known["judges"]] == [(JUDGE.key, 8, 1)]
    assert known["labelled"] == 10 and [one["key_set"] for one in known["providers"]] == [True] * 4
    found = client.get("/calibration").json()
    assert (found["labelled"], found["judged"], found["rejected"]) == (10, 8, 1)
    assert found["readers"]["judge"]["agreed"]["value"] == pytest.approx(7 / 8)
    assert len(found["disagreements"]) == 1 and found["disagreements"][0]["judge"] == "unparsed"
    assert "8 responses" in found["words"] and "refused" in found["words"]
    plan = client.post("/plan", json={"judge": {"provider": "anthropic"}, "which": "labelled"}).json()
    assert (plan["responses"], plan["read"], plan["before"], plan["blocked"]) == (1, 8, 1, False)
    again = client.post("/plan", json={"judge": {"provider": "anthropic"}, "which": "labelled", "again": True}).json()
    assert again["responses"] == 2 and any("billed twice" in note["text"] for note in again["notes"])
    everything = client.post("/plan", json={"judge": {"provider": "anthropic"}, "which": "all"}).json()
    assert any("one family" in note["text"] for note in everything["notes"]) and everything["cost_usd"] > 0
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    blocked = client.post("/plan", json={"judge": {"provider": "anthropic"}, "which": "all"}).json()
    assert blocked["blocked"] and "ANTHROPIC_API_KEY is not set" in blocked["notes"][0]["text"]
    refused = client.post("/start", json={"judge": {"provider": "anthropic"}, "which": "all"})
    assert refused.status_code == 400 and "not set" in refused.json()["error"]


def test_the_queue_hints_at_nothing(client: httpx.Client) -> None:
    found = client.get("/queue?n=20").json()
    assert len(found["items"]) == 20 and found["labelled"] == 10
    assert {key for one in found["items"] for key in one} == {"response", "task", "question", "text", "labels"}
    raw = json.dumps(found)
    assert "loud" not in raw.replace("A loud crack", "") and "Claude" not in raw and "expected" not in raw
    assert {one["labels"][-1] for one in found["items"]} == {"unparsed"}


NONSENSE: list[dict[str, Any]] = [
    {}, {"judge": "me"}, {"judge": {"provider": "anthropic"}, "which": "some"},
    {"judge": {"provider": "anthropic"}, "audit": 0}, {"judge": {"provider": "anthropic"}, "again": "yes"},
    {"judge": {"provider": "anthropic"}, "seed": "x"},
    {"judge": {"provider": "anthropic", "model": KEY}},
]  # fmt: skip


def test_nonsense_is_refused_in_a_sentence(client: httpx.Client) -> None:
    for body in NONSENSE:
        for verb in ("plan", "start"):
            answer = client.post(f"/{verb}", json=body)
            assert answer.status_code == 400 and len(answer.json()["error"]) > 10, body
            assert KEY not in answer.text
    assert client.get("/queue?n=100000").status_code == 400
    assert client.get("/calibration?judge=nobody").status_code == 404


def test_the_verb_tells_plan_and_calibration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give_keys(monkeypatch)
    with workspace(tmp_path, []) as place:
        fill(place.store)
    where = ["--workspace", str(tmp_path / "workspace")]
    assert main(["judge", "anthropic", "--plan", "--which", "labelled", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["responses"], told["read"], told["key"]) == (1, 8, JUDGE.key)
    assert main(["judge", "anthropic", "--calibration", *where]) == 1, "8 are too few to rely on"
    words = capsys.readouterr().out
    assert "over 8 responses" in words and "refused: precision 100.0%, recall 87.5%" in words
    assert main(["judge", "openai", "--calibration", *where]) == 1
    assert "has read none of them" in capsys.readouterr().out

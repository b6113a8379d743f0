"""Benchmarks on the page: sets are imported from a path, listeners asked, and the table stands beside the paper's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.annotate_kit import workspace
from tests.unit.test_routes_annotate import serving
from tests.unit.test_runs_benchmarks import daily
from thud.errors import ThudError
from thud.store import Store
from ui.door.auth import LOCAL_HOSTS, AccountBook, Guard
from ui.house import House
from ui.routes.benchmarks import benchmarks_router
from ui.serve import _say


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[httpx.Client, Store, House]]:
    with workspace(tmp_path, []) as place:
        house = House(place.store, place.runs, place.workspace, "benchmarks")
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        app.include_router(benchmarks_router(house))
        app.add_middleware(Guard, accounts=AccountBook(tmp_path / "accounts.json"), allowed_hosts=LOCAL_HOSTS)
        with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
            yield client, place.store, house
        house.desk.close()


def test_a_folder_becomes_a_set_and_a_listener_gets_its_row(
    site: tuple[httpx.Client, Store, House], tmp_path: Path
) -> None:
    client, _, house = site
    taken = client.post("/api/results/benchmarks/import", json={"path": str(daily(tmp_path / "daily"))}).json()
    assert (taken["questions"], taken["refused"]) == (2, 1) and taken["first"][0]["reason"]
    asked = client.post(
        "/api/results/benchmarks/ask", json={"benchmark": taken["id"], "listener": "always-synced"}
    ).json()
    assert house.runs.wait(asked["run"]["id"]).state == "done"
    found = client.get("/api/results/tax").json()
    (row,) = found["rows"]
    assert row["name"] == "always-synced" and row["cells"]["do"]["value"]["n"] == 2 and row["cells"]["vmme"] is None
    assert row["average"] is None and row["change"] is None
    published = {one["name"]: one for one in found["published"]}
    assert published["vanilla"]["cells"]["vmme"]["value"]["value"] == pytest.approx(0.692)
    assert [one["id"] for one in found["sets"]] == [taken["id"]] and "signal" not in found["listeners"]


def test_what_is_wrong_is_one_sentence(site: tuple[httpx.Client, Store, House], tmp_path: Path) -> None:
    client, _, _ = site
    for path, body, word in (
        ("import", {"path": str(tmp_path / "nowhere")}, "nowhere"),
        ("import", {"path": ""}, "path"),
        ("import", {"path": str(tmp_path), "kind": "mmlu"}, "mmlu"),
        ("ask", {"listener": "nobody", "benchmark": "do"}, "nobody"),
        ("ask", {"listener": "always-synced", "benchmark": "do"}, "no benchmark"),
    ):
        answer = client.post(f"/api/results/benchmarks/{path}", json=body)
        assert 400 <= answer.status_code < 500 and word in answer.json()["error"], answer.text
    assert client.get("/api/results/tax", params={"base": "nobody"}).status_code == 404

"""The dialogs of the Pairs page that ask models: what it would cost and what is missing first, then a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.annotate import write_queue
from tests.e2e.app_server import App, running_app
from tests.e2e.conftest import visiting
from tests.e2e.page import WIDER, WORK_MS, Visit
from tests.e2e.test_pairs import built, opened, panel, ready, rows  # noqa: F401  (built is a fixture)
from tests.unit.test_rewrite import LATE, SYNCED, rewriting
from tests.vendors import ClaudeServer
from tests.vendors.kit import KEY, give_keys

REWORDED = LATE.replace("shuts", "closes").replace("is heard", "sounds")
MISSING = "is not set. Set it in the environment"


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog")


def start_button(page: Page, name: str) -> Locator:
    return dialog_of(page).get_by_role("button", name=name)


def lines(page: Page) -> dict[str, str]:
    """What the dialog says will happen."""
    expect(dialog_of(page).locator(".plan tr").first).to_be_visible()
    cells = [row.split("\t") for row in dialog_of(page).locator(".plan tr").all_inner_texts()]
    return {words.strip(): value.strip() for words, value in cells}


def write_rows(folder: Path) -> Path:
    """A file for TRL with one pair, about a clip that is there."""
    asks, video = "<video>Do sound and picture go together?", str(folder / "clips" / "queue_0.mp4")
    row = {"prompt": asks, "chosen": LATE, "rejected": SYNCED, "videos": [video]}
    path = folder / "one pair.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return path


def write_segments(folder: Path) -> Path:
    spans = [(0.1, 0.4), (0.3, 0.9)]
    told: list[dict[str, Any]] = [
        {"video": "queue_0", "start": start_s, "end": end_s, "description": f"Squares from {start_s} s on."}
        for start_s, end_s in spans
    ]
    path = folder / "segments.jsonl"
    path.write_text("".join(json.dumps({**row, "sounds": ["a click"]}) + "\n" for row in told))
    return path


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, str, str]]:
    """(app, the id of a set with one pair, the address of a Claude that rewords); there is no key for Gemini."""
    folder = tmp_path_factory.mktemp("dialogs")
    with pytest.MonkeyPatch.context() as patch, ClaudeServer(answer=rewriting()) as claude:
        give_keys(patch)
        patch.delenv("GEMINI_API_KEY")
        with running_app(folder, "--clips", str(write_queue(folder / "clips", 1))) as app:
            app.wait_until_built()
            app.post("/api/pairs/material", {"path": str(write_segments(folder))})
            run = app.post("/api/pairs/import", {"path": str(write_rows(folder))})["run"]
            assert app.wait_for(run)["state"] == "done"
            yield app, str(app.get(f"/api/pairs/runs/{run}")["set"]), claude.url


@pytest.fixture
def go(keyed: tuple[App, str, str], window: BrowserContext) -> Iterator[Visit]:
    with visiting(keyed[0], window) as visit:
        yield visit


def test_rewording_says_its_cost_and_the_variable_that_is_missing(app: App, visit: Visit, built: str) -> None:  # noqa: F811
    page = opened(visit("/pairs"), built)
    panel(page, "Lint").get_by_role("button", name="Reword…").click()
    told = lines(page)
    plan = app.post("/api/pairs/rewrite/plan", {"set": built})
    assert (told["model"], told["answers to reword"]) == (plan["model"], str(plan["texts"]))
    assert told["requests"] == str(plan["requests"]) and told["cost, about"].count("$") == 1
    expect(dialog_of(page)).to_contain_text("label, direction, every time and every number survive")
    expect(dialog_of(page)).to_contain_text(f"ANTHROPIC_API_KEY {MISSING}")
    expect(start_button(page, "Cannot start")).to_be_disabled()
    page.keyboard.press("Control+Enter")
    expect(dialog_of(page)).to_be_visible()
    assert not [run for run in app.get("/api/runs")["runs"] if run["kind"] == "rewrite"]


def test_a_reworded_set_is_shown_when_it_is_there(keyed: tuple[App, str, str], go: Visit) -> None:
    app, set_id, address = keyed
    page = opened(go("/pairs"), set_id)
    expect(page.locator(".head .lead")).to_have_text("1 pair")
    expect(panel(page, "Recipe")).to_contain_text("General sharenot known")
    panel(page, "Lint").get_by_role("button", name="Reword…").click()
    dialog = dialog_of(page)
    dialog.get_by_text("Model, address").click()
    dialog.get_by_label("Model", exact=True).fill("claude-test")
    dialog.get_by_label("Address of the server").fill(address)
    expect(dialog.locator(".plan")).to_contain_text("claude-test")
    start_button(page, "Reword 2 answers").click()
    expect(page.locator(".head")).to_contain_text("reworded", timeout=WORK_MS)
    (made,) = [one for one in app.get("/api/pairs")["sets"] if one["origin"] == "rewritten"]
    assert made["parent"] == set_id
    page.wait_for_function(f"() => new URLSearchParams(location.search).get('set') === '{made['id']}'")
    expect(page.locator(".pvt .resp").first).to_have_text(REWORDED)
    expect(panel(page, "What is left")).to_contain_text("made from another set")
    assert len(rows(app, set_id)) == 1 and KEY not in page.content()


def test_described_material_is_listed_and_can_be_checked_by_models_and_people(
    keyed: tuple[App, str, str], go: Visit
) -> None:
    app = keyed[0]
    page = ready(go("/pairs"))
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("General-video material…").click()
    dialog = dialog_of(page)
    (file,) = app.get("/api/pairs")["material"]["files"]
    expect(dialog.locator(".subjects li")).to_contain_text(f"{file['title']}  2 rows, segments")
    expect(dialog.get_by_role("status")).to_contain_text("Nobody has gone over the 2 segments yet")
    expect(dialog.get_by_role("link", name="Go over them yourself")).to_have_attribute("href", "/annotate?segments=1")
    for one in app.get("/api/segments")["segments"]:
        note = {"verdict": "reject", "note": "Nothing is seen."} if one["start_s"] == 0.1 else {"verdict": "agree"}
        app.post("/api/segments/word", {"segment": one["id"], **note})
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("General-video material…").click()
    said = "People have gone over 2 of 2 segments. They say the same as the file about 1 of 2."
    expect(dialog.get_by_role("status")).to_have_text(said)
    dialog.get_by_role("button", name="Check with a model…").click()
    expect(dialog).to_contain_text(f"GEMINI_API_KEY {MISSING}")
    expect(start_button(page, "Cannot start")).to_be_disabled()
    assert lines(page)["segments to check"] == "2"
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.evaluate(WIDER) <= 0
    dialog.get_by_label("Claude").check()
    expect(start_button(page, "Check 2 segments")).to_be_enabled()
    assert lines(page)["model"].startswith("claude")

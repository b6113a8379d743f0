"""The judge's view in a real browser: figures that can be reckoned, labelling with the keyboard, asking a judge."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.app_server import running_module
from tests.e2e.conftest import SIZE
from tests.e2e.judging_app import LABELLED, REJECTED, WRONG
from tests.e2e.page import WIDER
from tests.vendors import Asked, ChatServer
from thud.providers.keys import USUAL

JUDGED = LABELLED - REJECTED


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    env = {name: value for name, value in os.environ.items() if name not in USUAL.values()}
    with running_module("tests.e2e.judging_app", tmp_path_factory.mktemp("judging"), env=env) as url:
        yield url


@pytest.fixture
def page(url: str, chromium: Browser) -> Iterator[Page]:
    """The judge's view; no script may fail, and nothing may be asked of another host."""
    trouble: list[str] = []
    context = chromium.new_context(viewport=SIZE, color_scheme="dark")
    page = context.new_page()
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("request", lambda sent: None if sent.url.startswith((url, "blob:", "data:")) else trouble.append(sent.url))
    page.goto(f"{url}/results?view=judge")
    page.wait_for_function("performance.getEntriesByName('thud-mount').length > 0", timeout=60_000)
    expect(page.get_by_role("heading", name="How far can the judge be trusted?")).to_be_visible()
    yield page
    context.close()
    assert trouble == []


def test_kappa_stands_with_its_interval_and_base_rate(page: Page, url: str) -> None:
    found = httpx.get(f"{url}/api/judging/calibration").json()
    assert (found["judged"], found["rejected"], len(found["disagreements"])) == (JUDGED, REJECTED, WRONG)
    kappa = found["readers"]["judge"]["kappa"]
    says = page.locator(".verdict")
    expect(says).to_contain_text(f"Kappa {kappa['value']:.2f} ({kappa['low']:.2f} … {kappa['high']:.2f})")
    expect(says).to_contain_text(f"over {JUDGED} responses; base rate")
    expect(says).to_contain_text(f"agrees with people on {100 * (JUDGED - WRONG) / JUDGED:.1f} %")
    expect(page.get_by_text(re.compile(f"^{REJECTED} readings of the same responses rejected"))).to_be_visible()
    rows = page.get_by_role("region", name="Precision and recall by answer").locator("tbody tr")
    expect(rows).to_have_count(len(found["classes"]))
    expect(page.get_by_role("region", name="Confidence").locator("tbody tr")).to_have_count(len(found["bins"]))


def test_a_disagreement_opens_the_item(page: Page) -> None:
    first = page.get_by_role("region", name="Disagreements").get_by_role("link").first
    first.click()
    expect(page).to_have_url(re.compile(r"view=judge.*item=|item=.*view=judge"))
    expect(page.get_by_label("Items")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1024])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_view_never_scrolls_sideways(page: Page, width: int, theme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    page.emulate_media(color_scheme=theme)
    assert page.evaluate(WIDER) <= 0
    table = page.get_by_role("region", name="Precision and recall by answer")
    expect(table.locator("tbody tr").first).to_be_visible()
    head, row = table.locator("thead th:visible").count(), table.locator("tbody tr").first
    assert row.locator("td:visible").count() == head, "what is hidden is hidden with its head"


def test_a_person_labels_with_digits_and_sees_no_hint(page: Page, url: str) -> None:
    before = httpx.get(f"{url}/api/judging/judges").json()["labelled"]
    page.keyboard.press("l")
    dialog = page.get_by_role("dialog", name="What does this response say?")
    expect(dialog.get_by_text("1 of 50")).to_be_visible()
    expect(dialog.get_by_role("region", name="Response")).to_be_focused()
    words = dialog.inner_text()
    assert not re.search(r"sharp|says synced|middling|original|expected|right|wrong", words)
    page.keyboard.press("1")
    expect(dialog.get_by_text("2 of 50")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("3 of 50")).to_be_visible()
    page.keyboard.press("2")
    expect(dialog.get_by_text("4 of 50")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("button", pressed=True)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(f"{before + 2} of 200")).to_be_visible()
    assert httpx.get(f"{url}/api/judging/judges").json()["labelled"] == before + 2


def leave_open(asked: Asked) -> str:
    times = dict.fromkeys(("offset_s", "visual_s", "audio_s"))
    return json.dumps({"label": "unparsed", "quote": "", "confidence": 0.7, **times})


def test_a_judge_is_asked_from_the_dialog_and_its_word_shows(page: Page, url: str) -> None:
    with ChatServer(answer=leave_open) as server:
        page.keyboard.press("g")
        dialog = page.get_by_role("dialog", name="Ask a judge")
        expect(dialog.get_by_text("ANTHROPIC_API_KEY is not set.")).to_be_visible()
        expect(dialog.get_by_role("button", name="Cannot start")).to_be_visible()
        dialog.get_by_role("radio", name="OpenAI-compatible server").check()
        expect(dialog.get_by_text("Name the model and the address of its server.")).to_be_visible()
        dialog.get_by_label("Model").fill("tiny-judge")
        dialog.get_by_label("Address of the server").fill(server.url)
        dialog.get_by_role("button", name=re.compile(r"^Judge \d+ responses")).click()
        expect(dialog).to_have_count(0)
        judge = page.get_by_role("combobox", name="Judge")
        expect(judge.locator("option")).to_have_count(2, timeout=90_000)
        expect(judge.locator("option").first).to_have_text(re.compile("tiny-judge, "))
        assert server.questions and max(server.billed.values()) == 1
    old = next(one for one in httpx.get(f"{url}/api/judging/judges").json()["judges"] if "claude" in one["name"])
    judge.select_option(old["key"])
    expect(page.locator(".verdict")).to_contain_text(f"over {JUDGED} responses")
    assert f"judge={old['key']}" in page.url

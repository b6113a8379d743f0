"""Described segments on the Annotate page in a real browser: one's own word first, saved before the next comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.annotate import clip_called, write_queue
from tests.e2e.app_server import App, running_app
from tests.e2e.conftest import visiting
from tests.e2e.page import WIDER, Visit
from tests.vendors import ClaudeServer
from tests.vendors.kit import give_keys
from thud.pairs.material import Segment

Json = dict[str, Any]
MODEL = "claude-test"
PROPOSED = "A grid of squares, as the model has it."
SEGMENTS = [("queue_0", 0.1, 0.5), ("queue_0", 0.3, 0.9), ("queue_1", 0.2, 0.8)]

SOUNDS = ("a click",)


def words_of(start_s: float) -> str:
    return f"Squares from {start_s} s on."


def write_segments(folder: Path) -> Path:
    path = folder / "segments.jsonl"
    rows = [
        {"video": name, "start": start_s, "end": end_s, "description": words_of(start_s), "sounds": [*SOUNDS]}
        for name, start_s, end_s in SEGMENTS
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on two clips with three segments, all of which a model that does not hear has corrected."""
    folder = tmp_path_factory.mktemp("segments")
    answer = {"verdict": "correct", "start_s": 0.25, "end_s": 0.75, "description": PROPOSED, "note": "Seen so."}
    with pytest.MonkeyPatch.context() as patch, ClaudeServer(answer=lambda asked: json.dumps(answer)) as claude:
        give_keys(patch)
        with running_app(folder, "--clips", str(write_queue(folder / "clips", 2))) as app:
            app.wait_until_built()
            app.post("/api/pairs/material", {"path": str(write_segments(folder))})
            asked = {"name": "claude", "model": MODEL, "base_url": claude.url, "at_once": 1, "per_minute": 10_000}
            app.wait_for(app.post("/api/segments/check", {"annotator": asked})["run"])
            yield app


@pytest.fixture
def go(described: App, window: BrowserContext) -> Iterator[Visit]:
    with visiting(described, window, faults=True) as visit:
        yield visit


def there(page: Page) -> Page:
    """The page once the picture of its segment is there."""
    page.wait_for_function("performance.getEntriesByName('thud-segments').length > 0", timeout=60_000)
    page.wait_for_function("window.__thud?.engine?.media", timeout=60_000)
    return page


def said(app: App, segment: str) -> Json:
    """This person's word in force."""
    (row,) = [one for one in app.get(f"/api/segments?first={segment}")["segments"] if one["id"] == segment]
    return dict(row["mine"] or {})


def on_page(page: Page) -> str:
    found = re.search(r"segment=(\w+)", page.url)
    assert found
    return found[1]


def saved(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text=re.compile(r"^Saved \d\d:"))


def corrects(described: App, page: Page) -> None:
    """A correction in place, then the model's words instead of it."""
    second = on_page(page)
    page.keyboard.press("e")
    seen, ends = page.get_by_label("Seen"), page.get_by_label("Ends, s")
    expect(seen).to_be_focused()
    seen.fill("")
    seen.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("to leave it out, reject it")
    seen.fill("White squares on black.")
    ends.fill("0,95")
    page.get_by_label("Heard, one sound a line").fill("a click\na hum")
    ends.press("Enter")
    expect(page.get_by_text("You corrected it")).to_be_visible()
    word = said(described, second)
    assert (word["verdict"], word["end_s"], word["description"]) == ("correct", 0.95, "White squares on black.")
    assert word["sounds"] == ["a click", "a hum"]
    page.keyboard.press("t")  # the model's words instead

    expect(page).not_to_have_url(re.compile(second))
    word = said(described, second)
    assert (word["description"], word["start_s"], word["sounds"]) == (PROPOSED, 0.25, ["a click"])
    assert word["blind"] == ["correct", word["blind"][1], 0.95], "what was said first stays known"


def rejects(described: App, page: Page) -> None:
    """A rejection of the last one that is left: not without a reason, and not by leaving it for later."""
    third = on_page(page)
    page.keyboard.press("s")
    expect(page.get_by_text("the last one that is left")).to_be_visible()
    page.keyboard.press("x")
    why = page.get_by_label("Why it is left out")
    expect(why).to_be_focused()
    why.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Say in a few words why")
    why.press("Escape")
    expect(why).to_have_count(0)
    page.keyboard.press("x")
    why.fill("no squares at all")
    why.press("Enter")
    expect(page.get_by_text("What others say")).to_be_visible()
    assert (said(described, third)["verdict"], said(described, third)["note"]) == ("reject", "no squares at all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have looked at 3 of 3 segments")).to_be_visible()


def test_segments_are_gone_over_with_the_keyboard(described: App, go: Visit) -> None:
    page = there(go("/annotate?segments=1"))
    first = on_page(page)
    expect(page.get_by_text("Squares from")).to_be_visible()
    expect(page.get_by_text("0 of 3")).to_be_visible()
    assert PROPOSED not in page.content(), "others' words come after one's own"
    loop = page.evaluate("__thud.engine.loop")
    row = described.get(f"/api/segments?first={first}")["segments"][0]
    assert (round(loop["start"], 2), round(loop["end"], 2)) == (row["start_s"], row["end_s"])
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.playing")
    page.keyboard.press(" ")

    # Nothing goes on while it is not saved.
    page.route("**/api/segments/word", lambda route: route.abort())
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("Not saved. The server does not answer")
    assert on_page(page) == first and said(described, first) == {}
    page.unroute("**/api/segments/word")
    page.keyboard.press("a")
    expect(saved(page)).to_be_visible()
    assert said(described, first)["verdict"] == "agree"
    expect(page.get_by_role("heading", name="What others say")).to_be_visible()
    expect(page.get_by_text(PROPOSED)).to_be_visible()
    expect(page.get_by_text("saw pictures only")).to_be_visible()
    page.keyboard.press("Enter")

    expect(page).not_to_have_url(re.compile(first))
    corrects(described, page)
    rejects(described, page)
    report = described.get("/api/segments/agreement")
    assert (report["seen"], [one["name"] for one in report["against"]]) == (3, ["the file", MODEL])


def test_the_queue_is_linked_where_times_are_placed_and_a_link_opens_its_segment(described: App, go: Visit) -> None:
    page = go("/annotate")
    link = page.get_by_role("link", name=re.compile("^Segments"))
    expect(link).to_be_visible()
    link.click()
    expect(page.get_by_role("heading", name="Segments")).to_be_visible()
    name, start_s, end_s = SEGMENTS[2]
    clip = clip_called(described, name.replace("queue_", "Queue "))
    segment = Segment(clip, start_s, end_s, words_of(start_s), SOUNDS).id
    page = there(go(f"/annotate?segments=1&segment={segment}"))
    assert on_page(page) == segment


@pytest.mark.parametrize("width", [1440, 1024])
def test_the_page_never_scrolls_sideways(described: App, go: Visit, width: int) -> None:
    page = go("/annotate?segments=1")
    page.set_viewport_size({"width": width, "height": 768})
    expect(page.get_by_role("heading", name="Segments")).to_be_visible()
    assert page.evaluate(WIDER) <= 0

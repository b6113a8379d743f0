"""The dialog that asks listeners, in a real browser on a server that really listens: add, test, plan, ask, read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.app_server import App, running_app, write_manifest
from tests.e2e.conftest import visiting
from tests.e2e.page import WIDER, WORK_MS, Visit, drawer, run_row
from tests.hearing_server import deaf, hearing
from tests.sounds import make_ding_clip
from tests.vendors import ChatServer
from tests.vendors.kit import KEY, give_keys

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
PLANNED = re.compile(r"Ask \d+ item")


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with ChatServer(answer=hearing) as running:
        yield running


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with two clips and all their conditions, started with a key for Gemini and none for GPT."""
    folder = tmp_path_factory.mktemp("asking")
    clips = folder / "clips"
    clips.mkdir()
    for seed, name in enumerate(("glass", "metal")):
        make_ding_clip(clips / f"{name}.mp4", 3.0, 1.5, seed=seed, pitch_hz=500.0 + 300 * seed)
    write_manifest(
        clips, [{"path": f"{n}.mp4", "kind": n, "visual_s": 1.5, "audio_s": 1.5} for n in ("glass", "metal")]
    )
    with pytest.MonkeyPatch.context() as patch:
        give_keys(patch)
        patch.delenv("OPENAI_API_KEY")
        with running_app(folder, "--clips", str(clips)) as running:
            running.wait_until_built()
            yield running


@pytest.fixture
def visit(asking: App, window: BrowserContext) -> Iterator[Visit]:
    with visiting(asking, window) as open_page:
        yield open_page


@pytest.fixture
def visit_wrong(asking: App, window: BrowserContext) -> Iterator[Visit]:
    """For tests in which the server says no."""
    with visiting(asking, window, faults=True) as open_page:
        yield open_page


def results(page: Page) -> Page:
    marks = "['thud-results', 'thud-mount'].every((name) => performance.getEntriesByName(name).length > 0)"
    page.wait_for_function(marks, timeout=60_000)
    return page


def open_dialog(page: Page) -> Locator:
    page.locator(".head").get_by_role("button", name="Ask…").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".plan")).to_be_visible()
    return dialog


def tab_to(page: Page, place: Locator) -> Locator:
    """Moves the focus there with the Tab key alone."""
    expect(place).to_be_visible()
    for _ in range(80):
        if place.evaluate("node => node === document.activeElement"):
            return place
        page.keyboard.press("Tab")
    raise AssertionError("Tab never comes there")


def go(dialog: Locator) -> Locator:
    return dialog.locator(".ph.end .btn.p").last


def listener(dialog: Locator, name: str) -> Locator:
    return dialog.get_by_role("radiogroup", name="Listener").locator(f"input[value='{name}']")


def add(asking: App, server: ChatServer, name: str, **more: Any) -> None:
    about = {"name": name, "backend": "compatible", "model": "tiny-omni", "base_url": server.url}
    pace = {"transport": "frames+input_audio", "at_once": 1, "per_minute": 10_000}
    asking.post("/api/listeners/save", {"listener": {**about, **pace, **more}})


def rows(asking: App, name: str) -> list[dict[str, Any]]:
    return [row for row in asking.get("/api/results/leaderboard")["rows"] if row["listener"] == name]


def test_with_the_keyboard_alone_from_nobody_to_a_row_of_results(asking: App, server: ChatServer, visit: Visit) -> None:
    page = results(visit("/results"))
    dialog = open_dialog(page)
    expect(dialog.get_by_role("heading", level=1)).to_have_text("Ask listeners")
    tab_to(page, dialog.get_by_role("button", name="Add a listener")).press("Enter")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("small")
    tab_to(page, dialog.get_by_label("Model", exact=True))
    page.keyboard.type("tiny-omni")
    tab_to(page, dialog.get_by_label("Address of the server"))
    page.keyboard.type(server.url)
    transport = tab_to(page, dialog.get_by_label("How picture and sound are sent"))
    transport.press("ArrowDown")
    transport.press("ArrowDown")
    expect(transport).to_have_value("frames+input_audio")
    expect(transport).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("heading", level=1)).to_have_text("Ask listeners")
    expect(listener(dialog, "small")).to_be_focused()
    expect(listener(dialog, "small")).to_be_checked()
    expect(dialog.locator(".pv")).to_contain_text(f"to {server.url}, a server on this machine")
    expect(dialog.locator(".pv")).to_contain_text("never tested")
    tab_to(page, dialog.get_by_role("button", name="Test it small")).press("Enter")
    expect(dialog.locator(".ask-told")).to_contain_text("It hears: 6 of 6", timeout=WORK_MS)
    expect(dialog.get_by_role("button", name="Test it small")).to_be_focused()
    expect(dialog.locator(".pv")).to_contain_text("heard before, 6 of 6 right")
    plan = asking.post("/api/listeners/plan", {"listener": "small", "set": "structured", "arms": ["audio_video"],
                                               "tasks": ["sync", "existence", "consistency"]})  # fmt: skip
    expect(go(dialog)).to_contain_text(f"Ask {plan['items']} items")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_have_count(0)
    row = run_row(page, f"Ask small: {plan['items']} items, Structured, audio video")
    expect(drawer(page)).to_be_visible()
    expect(row).to_contain_text(f"{plan['items']} answered.", timeout=WORK_MS)
    expect(page.locator("tr[data-row] .who", has_text="small")).to_be_visible()
    (found,) = rows(asking, "small")
    assert found["cells"]["existence_original"]["value"] == 1.0 and found["canary"]["passed"] == 6
    assert max(server.billed.values()) == 1
    dialog = open_dialog(page)
    expect(go(dialog)).to_have_text("Nothing to ask")
    expect(dialog.locator(".plan tbody")).to_contain_text(str(plan["items"]))


def test_a_mistake_is_marked_and_what_was_typed_stays(asking: App, visit_wrong: Visit) -> None:
    page = results(visit_wrong("/results"))
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Add a listener").click()
    dialog.get_by_label("Name", exact=True).fill("no key here")
    dialog.get_by_label("Model", exact=True).fill("tiny-omni")
    dialog.get_by_label("Address of the server").fill("http://127.0.0.1:1/v1")
    dialog.get_by_label("Variable that holds the key").fill(KEY)
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("key_env looks like a key, and keys are never stored.")
    expect(dialog.get_by_role("alert")).not_to_contain_text(KEY)
    field = dialog.get_by_label("Variable that holds the key")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("MY_OWN_KEY")
    dialog.get_by_label("Pictures a second").fill("many")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_have_text("fps must be a number.")
    expect(dialog.get_by_label("Pictures a second")).to_be_focused()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("no key here")
    dialog.get_by_label("Backend", exact=True).select_option("openai")
    expect(dialog.get_by_label("Sound only")).to_be_disabled()
    expect(dialog).to_contain_text("Picture only: it takes no sound.")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("no key here")
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("button", name="Add a listener")).to_be_focused()
    assert "no key here" not in json.dumps(asking.get("/api/listeners"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".head").get_by_role("button", name="Ask…")).to_be_focused()


def test_what_stands_in_the_way_is_said_and_a_picture_only_listener_is_called_so(asking: App, visit: Visit) -> None:
    page = results(visit("/results"))
    page.set_viewport_size({"width": 1024, "height": 768})
    dialog = open_dialog(page)
    listener(dialog, "GPT-5.5").check()
    expect(dialog.locator(".ask-chosen")).to_contain_text("picture only: it takes no sound; OPENAI_API_KEY is not set")
    expect(go(dialog)).to_have_text("Cannot start")
    expect(dialog.locator(".pv .st.bad")).to_contain_text("OPENAI_API_KEY is not set. Set it in the environment")
    expect(dialog.get_by_label("Audio + video")).to_be_disabled()
    expect(dialog.get_by_role("button", name="Test it GPT-5.5")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_visible()
    assert page.evaluate(WIDER) == 0
    assert dialog.evaluate(
        "node => [...node.querySelectorAll('.ask-left,.pv')].every((one) => one.scrollWidth <= one.clientWidth)"
    )
    listener(dialog, "Gemini-3.1-Pro").check()
    expect(dialog.locator(".ask-chosen")).to_contain_text("GEMINI_API_KEY is set")
    expect(dialog.locator(".pv")).to_contain_text("to Google.")
    assert KEY not in page.content()


def test_clips_are_filtered_and_a_removed_listener_can_be_had_back(
    asking: App, server: ChatServer, visit: Visit
) -> None:
    add(asking, server, "spare", temperature=0.3)
    page = results(visit("/results"))
    dialog = open_dialog(page)
    listener(dialog, "spare").check()
    expect(go(dialog)).to_contain_text(PLANNED)
    every = int(go(dialog).inner_text().split()[1])
    dialog.get_by_label("Only", exact=True).check()
    dialog.get_by_label("Which clips: name, sound or id").fill("metal")
    expect(dialog).to_contain_text("1 of 2")
    expect(go(dialog)).to_contain_text(f"Ask {every // 2} items")
    dialog.get_by_label("consistency").uncheck()
    expect(go(dialog)).to_contain_text(PLANNED)
    assert int(go(dialog).inner_text().split()[1]) < every // 2
    dialog.get_by_role("button", name="Remove spare").click()
    expect(dialog.locator(".ask-told")).to_contain_text("spare is removed; its answers stay.")
    expect(listener(dialog, "spare")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(listener(dialog, "spare")).to_be_checked()


def test_who_does_not_hear_is_not_scored_unless_somebody_insists(asking: App, visit: Visit) -> None:
    with ChatServer(answer=deaf) as server:
        add(asking, server, "deaf one")
        page = results(visit("/results"))
        dialog = open_dialog(page)
        listener(dialog, "deaf one").check()
        dialog.get_by_role("button", name="Test it deaf one").click()
        expect(dialog.locator(".ask-told")).to_contain_text("It does not seem to hear", timeout=WORK_MS)
        expect(dialog.locator(".pv")).to_contain_text("did not hear")
        dialog.get_by_label("sync", exact=True).uncheck()
        dialog.get_by_label("consistency").uncheck()
        expect(go(dialog)).to_contain_text(PLANNED)
        page.keyboard.press("Control+Enter")
        failed = drawer(page).locator("li.run", has_text="Ask deaf one").first
        expect(failed).to_contain_text("The audio canary failed", timeout=WORK_MS)
        assert rows(asking, "deaf one") == []
        dialog = open_dialog(page)
        insist = dialog.get_by_label("Score it even if it does not hear")
        insist.check()
        expect(go(dialog)).to_contain_text(PLANNED)
        expect(insist).to_be_focused()
        page.keyboard.press("Control+Enter")
        expect(page.locator("tr[data-row] .who", has_text="deaf one")).to_be_visible(timeout=WORK_MS)
        (row,) = rows(asking, "deaf one")
        assert row["canary"]["override"] and row["cells"]["existence_muted"]["value"] == 0.0


def test_every_question_is_read_and_a_copy_is_a_set_of_its_own(asking: App, visit_wrong: Visit) -> None:
    page = results(visit_wrong("/results"))
    dialog = open_dialog(page)
    dialog.get_by_label("Question set").select_option(label="Multiple choice")
    dialog.get_by_text("Read all 3 questions").click()
    expect(dialog.locator(".ask-question")).to_have_count(3)
    expect(dialog.locator(".ask-question").first.locator("li")).not_to_have_count(0)
    dialog.get_by_role("button", name="Copy and edit").click()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Multiple choice (copy)")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("These are the questions of “Multiple choice”.")
    second = dialog.get_by_label("Question 2", exact=True)
    second.fill("")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Question 2: its text has 1 to")
    expect(second).to_be_focused()
    second.fill(HOSTILE)
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_label("Question set")).to_be_focused()
    expect(dialog.get_by_label("Question set").locator("option:checked")).to_have_text("Multiple choice (copy) (yours)")
    expect(dialog.locator(".ask-question").nth(1)).to_contain_text(HOSTILE)
    expect(go(dialog)).to_contain_text(PLANNED)
    assert page.title() != "taken"
    kept = [one for one in asking.get("/api/listeners")["sets"] if one["own"]]
    assert [one["name"] for one in kept] == ["Multiple choice (copy)"]


def test_a_server_that_is_away_is_said_and_asked_again(visit_wrong: Visit) -> None:
    page = results(visit_wrong("/results"))
    page.route("**/api/listeners/plan", lambda route: route.abort())
    page.locator(".head").get_by_role("button", name="Ask…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("The server does not answer.")
    page.unroute("**/api/listeners/plan")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.locator(".plan")).to_be_visible()
    page.route("**/api/listeners/start", lambda route: route.fulfill(status=500, body=""))
    listener(dialog, "signal").check()
    expect(go(dialog)).to_contain_text(PLANNED)
    page.keyboard.press("Control+Enter")
    expect(dialog.locator(".note.bad")).to_contain_text("The server answered 500.")
    expect(dialog).to_be_visible()

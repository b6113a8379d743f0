"""The dialog that has models place event times: who can be asked, what it will cost, the run, and the ledger after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.annotate_kit import FRAMES_ANSWER, Vendors, make_numbered_clip, vendors
from tests.e2e.app_server import App, running_app
from tests.e2e.conftest import visiting
from tests.e2e.page import WORK_MS, Visit, drawer, ready, run_row, toast
from tests.vendors.kit import KEY, give_keys

COUNT = 2
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def asked() -> Iterator[Vendors]:
    with vendors() as running:
        yield running


@pytest.fixture(scope="module")
def placing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with two clips, started with a key for Claude and none for GPT."""
    folder = tmp_path_factory.mktemp("placing")
    (folder / "clips").mkdir()
    for number in range(COUNT):
        make_numbered_clip(folder / "clips", number)
    with pytest.MonkeyPatch.context() as patch:
        give_keys(patch)
        patch.delenv("OPENAI_API_KEY")
        with running_app(folder, "--clips", str(folder / "clips")) as running:
            running.wait_until_built()
            yield running


@pytest.fixture
def visit_placing(placing: App, window: BrowserContext) -> Iterator[Visit]:
    with visiting(placing, window) as open_page:
        yield open_page


def open_dialog(page: Page) -> Locator:
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Place event times")
    expect(dialog).to_be_visible()
    return dialog


def only(dialog: Locator, *labels: str) -> None:
    for label in ("Gemini", "GPT", "Claude", "signal"):
        dialog.get_by_label(f"Ask {label}").set_checked(label in labels)


def go(dialog: Locator) -> Locator:
    return dialog.locator(".btn.p")


def use_server(dialog: Locator, label: str, url: str) -> None:
    row = dialog.locator(".bo").filter(has=dialog.page.get_by_label(f"Ask {label}"))
    row.get_by_text("Model, address, pace").click()
    field = dialog.get_by_label(f"Address of the server, {label}")
    field.fill(url)
    field.press("Tab")


def test_a_missing_key_is_named_and_nothing_starts(visit_placing: Visit) -> None:
    page = ready(visit_placing("/clips"))
    dialog = open_dialog(page)
    expect(dialog).to_contain_text(f"on all {COUNT} clips")
    expect(dialog).to_contain_text("OPENAI_API_KEY is not set")
    expect(dialog).to_contain_text("ANTHROPIC_API_KEY is set")
    expect(dialog.get_by_label("Ask GPT")).not_to_be_checked()
    only(dialog, "GPT", "signal")
    expect(go(dialog)).to_have_text("Cannot start")
    expect(dialog.locator(".pv")).to_contain_text("OPENAI_API_KEY is not set. Set it in the environment")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_visible()
    only(dialog)
    expect(go(dialog)).to_have_text("Nothing to ask")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_what_is_planned_is_asked_and_shown_in_the_ledger(placing: App, asked: Vendors, visit_placing: Visit) -> None:
    unsure = {**FRAMES_ANSWER, "unit": None, "time_s": None, "uncertain": True, "sentence": HOSTILE}
    asked.claude.answer = lambda _: json.dumps(unsure if len(asked.claude.questions) == 1 else FRAMES_ANSWER)
    page = ready(visit_placing("/clips"))
    page.get_by_role("button", name="Place event times…").click()
    dialog = page.get_by_role("dialog", name="Place event times")
    expect(dialog).to_contain_text("Nothing has been asked of a model yet.")
    only(dialog, "Claude")
    use_server(dialog, "Claude", asked.claude.url)
    expect(dialog.locator(".pv")).to_contain_text(f"still pictures to {asked.claude.url}")
    expect(go(dialog)).to_contain_text(f"Place {COUNT} marks")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_have_count(0)
    expect(drawer(page)).to_be_visible()
    row = run_row(page, f"Place event times: claude, {COUNT} clips")
    expect(row).to_contain_text("1 placed, 1 not: 1 not sure.", timeout=WORK_MS)
    expect(toast(page)).to_contain_text("done", timeout=WORK_MS)
    row.get_by_text("Problems and log").click()
    expect(row.locator(".problems li")).to_contain_text(f"The model is not sure. {HOSTILE}")
    assert page.title() != "taken"
    dialog = open_dialog(page)
    expect(dialog.locator(".spent")).to_contain_text(re.compile(r"So far 3 replies, (under )?\$0\.\d\d"))
    expect(go(dialog)).to_have_text("Nothing to ask")
    dialog.get_by_label("Ask again").check()
    expect(go(dialog)).to_contain_text("Place 1 mark")
    assert asked.billed_twice == 0
    assert KEY not in page.content() + json.dumps(placing.get("/api/annotators")) + json.dumps(
        placing.get("/api/ledger")
    )


def test_one_clip_from_its_own_page_without_a_model(visit_placing: Visit) -> None:
    page = ready(visit_placing("/clips?q=0001"))
    page.locator(".card [data-id], .card[data-id]").first.click()
    expect(page.get_by_role("heading", name="clip_0001")).to_be_visible()
    dialog = open_dialog(page)
    expect(dialog).to_contain_text("on clip_0001")
    only(dialog, "signal")
    expect(dialog.locator(".plan tbody tr")).to_have_count(2)
    expect(go(dialog)).to_contain_text("Place 1 mark")
    expect(dialog.locator(".pv")).to_contain_text("free")
    page.keyboard.press("Control+Enter")
    expect(run_row(page, "Place event times: signal, 1 clip")).to_contain_text("1 placed.", timeout=WORK_MS)


def test_the_dialog_says_what_the_server_could_not_do(placing: App, window: BrowserContext) -> None:
    with visiting(placing, window, faults=True) as open_page:
        page = ready(open_page("/clips"))
        page.route("**/api/annotators/plan", lambda route: route.abort())
        dialog = open_dialog(page)
        expect(dialog.get_by_role("alert")).to_contain_text("The server does not answer.")
        page.unroute("**/api/annotators/plan")
        dialog.get_by_role("button", name="Try again").click()
        page.route("**/api/annotators/start", lambda route: route.fulfill(status=500, body=""))
        only(dialog, "signal")
        expect(go(dialog)).to_contain_text("Place 1 mark")
        page.keyboard.press("Control+Enter")
        expect(dialog.locator(".note.bad")).to_contain_text("The server answered 500.")

"""The Admin page in a real browser: tabs by role, accounts, figures, backups, settings, and names that stay text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.app_server import running_module
from tests.e2e.conftest import SIZE
from tests.unit.auth_kit import PASSWORD, write_three
from tests.unit.marks_kit import CLIPS, HOSTILE
from ui.door.accounts import AccountBook
from ui.door.auth import COOKIE

OVER = "(root => [root.scrollHeight - innerHeight, root.scrollWidth - innerWidth])(document.documentElement)"
TABS = ("people", "quality", "agreement", "backups", "settings")


@dataclass(frozen=True, slots=True)
class Office:
    """The running app; ada is the admin, rob a researcher, ana an annotator."""

    url: str
    folder: Path


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    write_three(folder / "accounts.json")
    with running_module("tests.e2e.admin_app", folder, status=401) as url:
        yield Office(url, folder)


@pytest.fixture
def trouble() -> list[str]:
    """What the browser complains of; every test ends with it empty, or looks at it itself."""
    return []


@pytest.fixture
def page(office: Office, chromium: Browser, trouble: list[str]) -> Iterator[Page]:
    """A window of its own, so that no session stays; ada's."""
    context = chromium.new_context(viewport=SIZE)
    context.on("weberror", lambda error: trouble.append(str(error.error)))
    context.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    context.on("dialog", lambda dialog: trouble.append(f"a script ran: {dialog.message}"))
    page = context.new_page()
    sign_in(page, office, "ada")
    yield page
    context.close()
    assert trouble == []


def sign_in(page: Page, office: Office, name: str) -> None:
    book = AccountBook(office.folder / "accounts.json")
    account = book.find(name)
    assert account is not None
    page.context.add_cookies([{"name": COOKIE, "value": book.cookie(account), "url": office.url}])


def open_tab(page: Page, office: Office, tab: str, more: str = "") -> Locator:
    page.goto(f"{office.url}/admin?tab={tab}{more}")
    body = page.locator("#admin-body:not([aria-busy])")
    expect(body).to_be_visible()
    return body


def row(page: Page, person: str) -> Locator:
    return page.locator("tbody tr").filter(has=page.get_by_text(person, exact=True)).first


def test_every_tab_fits_the_window_and_says_its_name(office: Office, page: Page) -> None:
    for tab in TABS:
        open_tab(page, office, tab)
        expect(page).to_have_title(f"{tab.capitalize()} · Admin · thud")
        expect(page.get_by_role("tab", name=tab.capitalize())).to_have_attribute("aria-selected", "true")
        for width, height in ((1440, 900), (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            assert max(page.evaluate(OVER)) <= 0, (tab, width)
    expect(page.get_by_role("link", name="Admin")).to_have_attribute("aria-current", "page")


def test_tabs_go_by_key_and_the_back_button(office: Office, page: Page) -> None:
    open_tab(page, office, "people")
    page.keyboard.press("4")
    expect(page).to_have_url(re.compile("tab=backups"))
    expect(page.get_by_text("There is no backup yet.")).to_be_visible()
    page.get_by_role("tab", name="Backups").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Two people agree within")).to_be_visible()
    expect(page.get_by_role("tab", name="Settings")).to_be_focused()
    page.go_back()
    expect(page.get_by_text("There is no backup yet.")).to_be_visible()


def test_researchers_get_the_figures_only_and_annotators_neither(office: Office, page: Page) -> None:
    page.context.clear_cookies()
    sign_in(page, office, "rob")
    open_tab(page, office, "people")
    expect(page.get_by_role("tab")).to_have_text(["Quality", "Agreement"])
    page.context.clear_cookies()
    sign_in(page, office, "ana")
    page.goto(f"{office.url}/admin")
    expect(page.get_by_text("This page is for researchers and admins.")).to_be_visible()
    expect(page.locator(".nav a").filter(has_text="Admin")).to_be_hidden()


def test_an_account_is_added_changed_and_removed_by_keyboard(office: Office, page: Page, trouble: list[str]) -> None:
    open_tab(page, office, "people")
    page.get_by_role("button", name="Add an account").press("Enter")
    dialog = page.get_by_role("dialog", name="Add an account")
    page.keyboard.type("eve")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("The password is too short.")
    dialog.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row(page, "eve")).to_contain_text("annotator")
    page.get_by_label("Role of eve").select_option("researcher")
    expect(page.get_by_text("eve is now researcher.")).to_be_visible()
    page.get_by_label("Role of ada").select_option("annotator")
    expect(page.locator(".toast")).to_contain_text("This is the last admin.")
    expect(page.get_by_label("Role of ada")).to_have_value("admin")
    page.get_by_label("Remove eve").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove eve").click()
    expect(page.get_by_label("Role of eve")).to_have_count(0)
    assert [said for said in trouble if "400" not in said] == []
    trouble.clear()


def test_names_stay_text(office: Office, page: Page) -> None:
    for tab in ("people", "quality", "agreement"):
        open_tab(page, office, tab)
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        expect(page.locator("main img")).to_have_count(0)


def test_agreement_shows_pairs_and_a_chosen_pair_with_its_clips(office: Office, page: Page) -> None:
    open_tab(page, office, "agreement")
    one = page.locator("tr").filter(has_text=re.compile("Gemini.*gold times"))
    expect(one).to_contain_text("+180")
    page.get_by_role("button", name=re.compile("Gemini.*gold times")).press("Enter")
    expect(one).to_have_attribute("aria-selected", "true")
    expect(
        page.get_by_role("img", name=re.compile(r"gemini minus gold times over 12 clips: bias \+180 ms"))
    ).to_be_visible()
    link = page.locator(".adm-links a").first
    expect(link).to_have_attribute("href", re.compile(r"^/clips\?clip=[0-9a-f]{16}&t=\d"))
    rule = page.get_by_role("region", name="Checks of the rule, table")
    expect(rule.locator("tr").filter(has_text="picture agreed")).to_have_text(f"picture agreed{CLIPS}00")
    page.get_by_role("radio", name="Final").click()
    expect(page).to_have_url(re.compile("marks=final"))
    expect(page.locator("tr").filter(has_text=re.compile("ben.*gold times"))).to_contain_text("+340")
    page.get_by_role("radiogroup", name="Event").get_by_role("radio", checked=True).press("ArrowRight")
    expect(page.locator("tr").filter(has_text=re.compile("GPT.*gold times"))).to_have_count(0)
    with page.expect_download() as got:
        page.get_by_role("link", name="CSV").click()
    assert got.value.suggested_filename == "agreement-final.csv"


def test_quality_shows_bias_correction_and_the_course(office: Office, page: Page) -> None:
    open_tab(page, office, "quality")
    page.get_by_role("radio", name="First, blind").click()
    ben = page.locator("tr[data-person=ben]")
    expect(ben).to_contain_text("+40")
    expect(ben.locator("td").last).to_have_text("−40")
    page.get_by_role("button", name="ben").press("Enter")
    expect(page.get_by_role("img", name="ben, picture: 12 gold clips, bias +40 ms")).to_be_visible()


def test_settings_are_checked_saved_and_their_history_told(office: Office, page: Page) -> None:
    open_tab(page, office, "settings")
    save, field = page.get_by_role("button", name="Save the settings"), page.get_by_label("Marked by two people")
    expect(save).to_be_disabled()
    for wrong in ("120", "ten", "-1", ""):
        field.fill(wrong)
        expect(page.get_by_text("A number from 0 to 100 %.")).to_be_visible()
        expect(save).to_be_disabled()
    field.fill("12,5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("One setting is changed.")).to_be_visible()
    expect(page.locator(".adm-history li").first).to_contain_text("Marked by two people 12.5 %ada")
    page.reload()
    expect(field).to_have_value("12.5")
    expect(page.get_by_text("delivered as 10 %")).to_be_visible()


def test_a_backup_is_made_and_verified(office: Office, page: Page) -> None:
    open_tab(page, office, "backups")
    page.get_by_role("button", name="Back up now").click()
    line = page.locator("tr[data-backup]")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("opened and compared when made")
    line.get_by_role("button", name="Verify").click()
    expect(line).to_contain_text("Every byte is as it was")
    (made,) = (office.folder / "backups").glob("*.duckdb")
    made.write_bytes(made.read_bytes() + b"x")
    line.get_by_role("button", name="Verify").click()
    expect(line).to_contain_text("The file has changed since it was made.")


def test_a_server_that_cannot_answer_is_told_with_a_way_on(office: Office, page: Page, trouble: list[str]) -> None:
    page.route("**/api/agreement?*", lambda route: route.fulfill(status=500, json={"error": "The disk is gone."}))
    open_tab(page, office, "agreement")
    expect(page.get_by_text("The disk is gone.")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="Pairs of annotators, table")).to_be_visible()
    assert all("500" in said for said in trouble)
    trouble.clear()

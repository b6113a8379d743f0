"""Signing in and out in a real browser, by keyboard, at the real app; and --add-account while it runs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.app_server import ROOT, START_S, free_port
from tests.e2e.conftest import SIZE
from tests.sounds import make_ding_clip
from tests.unit.auth_kit import PASSWORD, write_three
from ui.door.accounts import load_accounts
from ui.door.sign_in import LEFT, WRONG


@dataclass(frozen=True, slots=True)
class Shut:
    """A running app with accounts: ada the admin, rob the researcher, ana the annotator."""

    url: str
    flags: tuple[str, ...]
    accounts: Path


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shut]:
    folder, port = tmp_path_factory.mktemp("shut"), free_port()
    (folder / "clips").mkdir()
    make_ding_clip(folder / "clips" / "ding.mp4", 2.0, 1.0)
    flags = ("--workspace", str(folder / "workspace"), "--clips", str(folder / "clips"))
    accounts = accounts_file(flags)
    accounts.parent.mkdir(parents=True)
    write_three(accounts)
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), *flags]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}", process)
            yield Shut(f"http://127.0.0.1:{port}", flags, accounts)
        finally:
            process.send_signal(2)
            process.wait(20)


def accounts_file(flags: tuple[str, ...]) -> Path:
    """Where app.py looks for the accounts, given these flags."""
    import app

    return app.place(app.parse(list(flags)))[1] / app.ACCOUNTS


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            assert httpx.get(url + "/api/clips", timeout=10).status_code == 401
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError("the app did not start; its words are above")


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A window of its own, so that no session stays."""
    context = chromium.new_context(viewport=SIZE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """By keyboard alone, from where the cursor is when the form opens."""
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def statuses(page: Page, *asked: str) -> list[int]:
    """What the page gets for "METHOD /path"."""
    ask = """asked => Promise.all(asked.map((each) => {
      const [method, path] = each.split(" ");
      return fetch(path, { method }).then((answer) => answer.status);
    }))"""
    return list(page.evaluate(ask, list(asked)))


def test_signing_in_by_keyboard_leads_to_the_page_that_was_asked_for(shut: Shut, page: Page) -> None:
    page.goto(shut.url + "/clips?q=ding")
    expect(page).to_have_url(f"{shut.url}/sign-in?next=/clips%3Fq%3Dding")
    sign_in(page, "rob")
    expect(page).to_have_url(shut.url + "/clips?q=ding")
    expect(page.get_by_role("heading", name="Clips")).to_be_visible()


def test_a_wrong_password_is_said_beside_it_and_typing_goes_on(shut: Shut, page: Page) -> None:
    page.goto(shut.url + "/sign-in?next=/clips")
    sign_in(page, "rob", "not this one")
    password = page.get_by_label("Password")
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    expect(password).to_have_accessible_description(WRONG)
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("rob")
    expect(password).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(shut.url + "/clips")


def test_signing_out_shuts_the_door_behind(shut: Shut, page: Page) -> None:
    page.goto(shut.url + "/sign-out")
    sign_in(page, "ana")
    expect(page).to_have_url(shut.url + "/sign-out")
    expect(page.get_by_text("annotator", exact=True)).to_be_visible()
    assert statuses(page, "GET /api/clips") == [200]
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(LEFT)
    assert statuses(page, "GET /api/clips") == [401]
    page.goto(shut.url + "/clips")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_on_every_device_reaches_another_window(shut: Shut, page: Page, chromium: Browser) -> None:
    other = chromium.new_context()
    try:
        there = other.new_page()
        for each in (page, there):
            each.goto(shut.url + "/sign-out")
            sign_in(each, "rob")
            expect(each.get_by_role("heading", name="Your account")).to_be_visible()
        page.get_by_role("button", name="Sign out on every device").click()
        expect(page.get_by_role("status")).to_have_text(LEFT)
        assert statuses(there, "GET /api/clips") == [401]
    finally:
        other.close()


@pytest.mark.parametrize(("name", "expected"), [("ana", [200, 403, 403]), ("rob", [200, 422, 403])])
def test_a_role_is_held_to_its_rights(shut: Shut, page: Page, name: str, expected: list[int]) -> None:
    page.goto(shut.url + "/sign-out")
    sign_in(page, name)
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    # 422: let in, and then found to be no build.
    assert statuses(page, "GET /api/clips", "POST /api/build", "GET /api/admin/people") == expected


@pytest.mark.parametrize(("name", "buttons"), [("ana", 0), ("rob", 1)])
def test_a_page_has_no_buttons_and_keys_that_would_be_refused(shut: Shut, page: Page, name: str, buttons: int) -> None:
    page.goto(f"{shut.url}/clips")
    sign_in(page, name)
    page.wait_for_function("performance.getEntriesByName('thud-cards').length > 0")
    expect(page.locator("[data-part=account]")).to_have_text(name)
    expect(page.get_by_role("button", name="Add clips…")).to_have_count(buttons)
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_have_count(buttons)


def test_no_script_reads_the_session_and_no_style_is_asked_for(shut: Shut, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: asked.append(said.text))
    page.goto(shut.url + "/sign-in?next=/sign-out")
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith("data:")] == [shut.url + "/sign-in?next=/sign-out"]
    sign_in(page, "rob")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 1024, 360])
def test_the_form_fits_and_has_enough_contrast(shut: Shut, page: Page, theme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900 if width > 360 else 640})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto(shut.url + "/sign-in")
    sign_in(page, f"nobody-{theme}-{width}", "no")
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate(CONTRAST) == []


CONTRAST = """() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((c) => {
      const share = c / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? ground(element.parentElement) : colour;
  };
  return [...document.querySelectorAll("h1,label,.mark,.said,.foot,.btn,.in")].filter((element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((element) => element.outerHTML);
}"""
"""The elements whose words stand out less than WCAG AA asks for."""


def add_account(shut: Shut, name: str, role: str, *typed: str) -> tuple[int, str]:
    """(exit status, what was said) of app.py --add-account at a terminal."""
    here, there = pty.openpty()
    command = [sys.executable, str(ROOT / "app.py"), *shut.flags, "--add-account", name, role]
    said = b""
    try:
        with subprocess.Popen(
            command, cwd=ROOT, stdin=there, stdout=there, stderr=there, start_new_session=True
        ) as process:
            os.close(there)
            waiting = list(typed)
            while True:
                try:
                    said += os.read(here, 1024)
                except OSError:  # the other end is closed
                    break
                if waiting and said.count(b": ") > len(typed) - len(waiting):
                    os.write(here, waiting.pop(0).encode() + b"\n")
            return process.wait(), said.decode()
    finally:
        os.close(here)


def test_an_account_is_added_while_the_app_runs(shut: Shut, page: Page) -> None:
    status, said = add_account(shut, "kim", "annotator", PASSWORD, PASSWORD)
    assert (status, PASSWORD in said) == (0, False), said
    page.goto(shut.url + "/sign-out")
    sign_in(page, "kim")
    expect(page.get_by_text("kim", exact=True)).to_be_visible()


def test_a_mistyped_password_adds_nobody(shut: Shut) -> None:
    status, said = add_account(shut, "lee", "annotator", PASSWORD, PASSWORD + "x")
    assert (status, "differ" in said) == (1, True), said
    assert load_accounts(shut.accounts).find("lee") is None

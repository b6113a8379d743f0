"""The page around everything: how it first comes, its look, its keys, its sizes."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.app_server import App
from tests.e2e.crowd import COUNT, numbers
from tests.e2e.page import Visit, drawer, head, ready, search_field

THEME = "[document.documentElement.dataset.theme, document.body.classList.contains('dark')]"
GROUND = "getComputedStyle(document.querySelector('#thud')).backgroundColor"


def test_the_first_answer_holds_the_frame_and_its_styles(app: App) -> None:
    answer = httpx.get(f"{app.url}/clips", timeout=60)
    assert '<div id="thud"' in answer.text
    assert "<h1>Clips</h1>" in answer.text
    assert '<a href="/clips" aria-current="page">Clips</a>' in answer.text
    own = re.findall(r'<(?:link|script)[^>]+(?:href|src)="(https?://[^"]+)"', answer.text)
    assert own == []
    for sheet in re.findall(r'<link rel="stylesheet" href="(/av/[^"]+)"', answer.text):
        assert httpx.get(app.url + sheet).headers["content-type"].startswith("text/css")


def test_every_answer_carries_the_security_headers(app: App) -> None:
    clip = app.get("/api/clips")["clips"][0]
    for path in ("/clips", "/api/clips", clip["thumb"], "/api/clips/nothing"):
        headers = httpx.get(app.url + path, timeout=60).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers


def test_home_leads_to_the_clips_to_annotate(visit: Visit) -> None:
    page = visit("/")
    expect(page).to_have_url(re.compile("/annotate"))
    expect(page.locator("gradio-app .wb h1")).to_have_text(re.compile("Clip at"))
    expect(page.locator(".nav a[aria-current]")).to_have_text("Annotate")


def test_a_page_is_painted_before_gradio_and_then_inside_it(visit: Visit) -> None:
    page = ready(visit("/clips"))
    expect(page).to_have_title("Clips · thud")
    expect(page.locator("gradio-app #thud")).to_have_count(1)
    expect(page.locator("footer")).not_to_be_visible()
    assert page.evaluate("document.querySelector('#thud').getBoundingClientRect().width") >= 1420
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert paint < page.evaluate("performance.getEntriesByName('thud-mount')[0].startTime")


def test_the_theme_is_kept_and_gradio_follows(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    assert page.evaluate(THEME) == ["light", False]
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.get_by_role("button", name="Switch to light").click()
    assert page.evaluate(THEME) == ["light", False]
    assert page.evaluate(GROUND) == "rgb(245, 246, 247)"
    page.reload()
    ready(page)
    assert page.evaluate(THEME) == ["light", False]
    page.get_by_role("button", name="Switch to dark").click()
    page.emulate_media(color_scheme="light")
    page.reload()
    ready(page)
    assert page.evaluate(THEME) == ["dark", True]
    assert page.evaluate(GROUND) != "rgb(245, 246, 247)"


def test_every_key_is_listed_and_can_be_changed(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    for label in (
        "Go to clip",
        "Build soundtracks",
        "Add clips",
        "Show or hide the runs",
        "First clip",
        "Keys and help",
    ):
        expect(dialog.get_by_role("button", name=re.compile(f"^{label}: "))).to_be_visible()
    dialog.get_by_role("button", name="Grid or table: v.").click()
    page.keyboard.press("b")
    expect(dialog).to_contain_text("b is taken by “Build soundtracks”.")
    dialog.get_by_role("button", name="Grid or table: v.").click()
    page.keyboard.press("g")
    expect(dialog).to_contain_text("Grid or table: g.")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator(".clips-table")).to_be_visible()
    page.reload()
    ready(page)
    page.keyboard.press("g")
    expect(page.locator(".clips-table")).to_have_count(0)
    page.get_by_role("button", name="Keys and help").click()
    dialog.get_by_role("button", name="Put all back").click()
    expect(dialog.get_by_role("button", name="Grid or table: v.")).to_be_visible()


def test_keys_can_be_switched_off(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    page.keyboard.press("?")
    page.get_by_label("Keys off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.keyboard.press("b")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    expect(page.locator(".clips-table")).to_have_count(0)
    page.get_by_label("Keys off").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    expect(page.locator(".clips-table")).to_be_visible()


def test_keys_are_silent_in_fields(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    page.keyboard.press("f")
    page.keyboard.type("vab?p")
    expect(search_field(page)).to_have_value("vab?p")
    expect(page.locator("dialog")).to_have_count(0)
    expect(drawer(page)).not_to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(drawer(page)).to_be_visible()


def test_focus_stays_in_a_dialog(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips?q=anvil_000"))
    page.keyboard.press("b")
    expect(page.locator("dialog[open] .plan")).to_be_visible()
    outside = "document.activeElement !== document.body && !document.activeElement.closest('dialog')"
    for _ in range(40):
        page.keyboard.press("Tab")
        assert not page.evaluate(outside)


def no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_narrow_window_keeps_everything_in_reach(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    page.set_viewport_size({"width": 1024, "height": 768})
    assert no_sideways_scroll(page)
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Some refused").check()
    expect(head(page)).to_have_text(f"{len(numbers(state='refused'))} of {COUNT} clips")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(drawer(page)).to_be_visible()
    assert no_sideways_scroll(page)

"""The page around the clips, in a real browser over made-up data: what is seen, kept in the address, sent and said."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.shell_harness import NASTY

CHROMIUM = "/usr/bin/chromium"
START_S = 60


class Stage:
    """The made-up server in its own process: set what it says, read what it was asked."""

    def __init__(self, address: str) -> None:
        self.address = address

    def set(self, **what: Any) -> None:
        httpx.post(f"{self.address}/stage", json=what).raise_for_status()

    @property
    def asked(self) -> list[Any]:
        return list(httpx.get(f"{self.address}/stage").json())


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.e2e.shell_harness", str(port), "0"])
    found = Stage(f"http://127.0.0.1:{port}")
    for _ in range(START_S * 10):
        try:
            httpx.get(f"{found.address}/api/health")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    yield found
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = CHROMIUM if Path(CHROMIUM).exists() else None
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


Open = Callable[..., Page]


@pytest.fixture
def opened(stage: Stage, browser: Browser) -> Iterator[Open]:
    """Opens a path with `clips` made-up clips; at the end nothing may have gone wrong, or outside this machine."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")

    def note(page: Page) -> None:
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((stage.address, "data:", "blob:")) else wrong.append(asked.url),
        )

    context.on("page", note)

    def go(path: str = "/clips", clips: int = 142, gradio: bool = True) -> Page:
        stage.set(clips=clips)
        page = context.new_page()
        page.goto(stage.address + path)
        page.wait_for_function("performance.getEntriesByName('thud-cards').length > 0")
        if gradio:
            page.wait_for_function("document.querySelector('gradio-app #thud') !== null")
        return page

    yield go
    context.close()
    assert wrong == []


def titles(page: Page) -> list[str]:
    return page.locator(".card b").all_inner_texts()


def lead(page: Page) -> str:
    return page.locator(".head .lead").inner_text()


def test_home_leads_to_the_clips_inside_gradio(opened: Open) -> None:
    page = opened("/")
    assert page.url.endswith("/clips")
    assert page.title() == "Clips · thud"
    assert page.locator("gradio-app #thud").count() == 1
    expect(page.locator("footer")).not_to_be_visible()
    assert page.evaluate("document.querySelector('#thud').getBoundingClientRect().width") >= 1420


def test_the_frame_is_painted_before_gradio(opened: Open) -> None:
    page = opened()
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    mounted = page.evaluate("performance.getEntriesByName('thud-mount')[0].startTime")
    assert paint < mounted


def test_cards_say_what_is_known(opened: Open) -> None:
    page = opened()
    assert lead(page) == "142 clips, 131 with event times, 635 stimuli verified"
    card = page.locator(".card").nth(3)
    expect(card).to_contain_text("door_0003")
    expect(card).to_contain_text("1 refused")
    expect(card.locator(".cgl.early")).to_have_attribute("title", "early: 1 refused")
    expect(page.locator(".card").nth(8)).to_contain_text("cut short")
    expect(page.locator(".card").nth(9)).to_contain_text("no times")
    expect(page.locator(".card").first.locator(".wf path")).to_have_attribute("d", re.compile("^M0,"))


def test_filters_go_into_the_address_and_come_back_from_it(opened: Open) -> None:
    page = opened()
    page.get_by_label("Some refused").check()
    page.get_by_label("door").check()
    assert lead(page) == "3 of 142 clips"
    assert "state=refused" in page.url and "kind=door" in page.url
    page.get_by_label("Filter by name, sound or id").fill("nothing has this name")
    expect(page.get_by_text("No clip matches")).to_be_visible()
    page.get_by_label("Filter by name, sound or id").fill("")
    page.reload()
    page.wait_for_selector(".card")
    assert lead(page) == "3 of 142 clips"
    expect(page.get_by_label("Some refused")).to_be_checked()
    page.get_by_role("button", name="Clear the filters").first.click()
    assert page.url.endswith("/clips")


def test_counts_of_a_group_follow_the_other_groups(opened: Open) -> None:
    page = opened()
    page.get_by_label("Some refused").check()
    door = page.locator(".rail label", has_text="door").locator("span").last
    assert door.inner_text() == "3"
    verified = page.locator(".rail label", has_text="All verified").locator("span").last
    assert verified.inner_text() == "120"


def test_clips_that_need_a_look(opened: Open) -> None:
    page = opened()
    expect(page.locator(".note")).to_contain_text("11 clips need a look.")
    page.get_by_role("button", name="Show only these").click()
    assert lead(page) == "11 of 142 clips"
    assert "look=1" in page.url


def test_table_shows_the_same_clips(opened: Open) -> None:
    page = opened("/clips?view=table&state=refused")
    assert page.locator("tbody tr.cell").count() == 7
    expect(page.locator("tbody tr.cell").first).to_contain_text("door_0003")
    page.get_by_role("radio", name="Grid").click()
    assert page.locator(".card").count() == 7
    assert "view=" not in page.url


def test_arrows_move_between_cards_and_enter_opens(opened: Open) -> None:
    page = opened()
    focused = "document.activeElement.dataset.id"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == f"{0:016x}"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == f"{6:016x}"
    page.keyboard.press("End")
    assert page.evaluate(focused) == f"{141:016x}"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/clips?clip={141:016x}**")
    expect(page.locator(".clip-page h1")).to_have_text("Glass cracks on the floor" if 141 % 6 == 2 else re.compile("."))


def test_back_from_a_clip_restores_filters_and_scroll(opened: Open) -> None:
    page = opened("/clips?times=gold")
    page.wait_for_selector(".card")
    page.mouse.wheel(0, 1500)
    page.wait_for_timeout(300)
    before = page.evaluate("window.scrollY")
    assert before > 500
    page.evaluate("document.elementFromPoint(600, 500).closest('a.card').click()")
    page.wait_for_selector(".clip-page")
    assert "times=gold" in page.url
    page.go_back()
    page.wait_for_selector(".card")
    assert abs(page.evaluate("window.scrollY") - before) < 60
    expect(page.get_by_label("Gold")).to_be_checked()
    page.go_forward()
    page.wait_for_selector(".clip-page")


def test_titles_are_text_and_nothing_else(opened: Open) -> None:
    page = opened()
    for nasty in NASTY:
        assert nasty in titles(page)
    page.keyboard.press("v")
    expect(page.get_by_text(NASTY[0])).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("voice_0005")
    expect(page.locator("#jump-list")).to_contain_text(NASTY[0])
    assert page.evaluate("window.pwned") is None


def test_go_to_clip(opened: Open) -> None:
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("glass_0014")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/clips?clip={14:016x}**")


def test_thousands_of_clips_are_drawn_a_screenful_at_a_time(opened: Open) -> None:
    page = opened(clips=5000)
    assert page.locator(".cell").count() <= 180
    took = page.evaluate(
        """() => { const t = performance.now(); const f = document.querySelector('.rail input[type=search]');
        f.value = 'hammer'; f.dispatchEvent(new Event('input')); return performance.now() - t; }"""
    )
    assert took < 500
    assert lead(page) == "834 of 5000 clips"


def test_theme_is_kept_and_gradio_follows(opened: Open) -> None:
    page = opened()
    dark = "[document.documentElement.dataset.theme, document.body.classList.contains('dark')]"
    assert page.evaluate(dark) == ["dark", True]
    page.get_by_role("button", name="Switch to light").click()
    assert page.evaluate(dark) == ["light", False]
    assert page.evaluate("getComputedStyle(document.querySelector('#thud')).backgroundColor") == "rgb(245, 246, 247)"
    page.reload()
    page.wait_for_function("document.querySelector('gradio-app #thud') !== null")
    assert page.evaluate(dark) == ["light", False]


def test_build_dialog_plans_tries_and_builds(opened: Open, stage: Stage) -> None:
    page = opened("/clips?kind=glass")
    page.keyboard.press("b")
    dialog = page.get_by_role("dialog", name="Build soundtracks")
    expect(dialog).to_contain_text("for 24 clips chosen by the filter")
    build = dialog.get_by_role("button", name=re.compile(r"^Build \d+ stimuli"))
    expect(build).to_be_visible()
    assert "build=1" in page.url
    offset = dialog.get_by_label("Add an offset, early, in seconds")
    offset.fill("zero")
    offset.press("Enter")
    expect(dialog.get_by_text("Write seconds, such as 0.6")).to_be_visible()
    offset.fill("8")
    offset.press("Enter")
    chip = dialog.get_by_role("button", name=re.compile("−8.00 s, remove; .* refused"))
    expect(chip).to_be_visible()
    before = int(re.findall(r"\d+", build.inner_text())[0])
    dialog.get_by_label("Build delayed").uncheck()
    expect(build).not_to_contain_text(str(before))
    dialog.get_by_role("radio", name="circular").click()
    expect(build).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(dialog).to_have_count(0)
    kind, sent = stage.asked[-1]
    assert kind == "build"
    assert sent["settings"] == {
        "shifts": [-0.4, -0.6, -1.2, -8.0], "shift_fill": "circular", "mutes": ["silence"], "swap": True, "seed": 17,
    }  # fmt: skip
    assert len(sent["clips"]) == 24
    expect(page.locator("#drawer")).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("Build soundtracks, 8 settings: done")
    assert "build" not in page.url


def test_build_dialog_listens_before_the_batch(opened: Open, stage: Stage) -> None:
    page = opened()
    page.get_by_role("button", name="Build soundtracks…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Preview on one clip").click()
    first = dialog.get_by_role("button", name="Play original, matched control")
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    dialog.get_by_role("button", name="Look at donors").click()
    expect(dialog.get_by_text("would hear")).to_be_visible()
    dialog.get_by_label("Reject this donor for hammer_0000").select_option("unrelated")
    expect(dialog.get_by_label("Reject this donor for hammer_0000")).to_have_value("")
    assert stage.asked[-1][1]["reason"] == "unrelated"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.evaluate("document.activeElement.textContent") == "Build soundtracks…"


def test_focus_stays_in_a_dialog(opened: Open) -> None:
    page = opened()
    page.keyboard.press("b")
    page.wait_for_selector("dialog[open] .plan")
    for _ in range(40):
        page.keyboard.press("Tab")
        outside = "document.activeElement !== document.body && !document.activeElement.closest('dialog')"
        assert not page.evaluate(outside)


def test_adding_paths_ends_in_a_report(opened: Open, stage: Stage) -> None:
    page = opened(clips=3)
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Add clips")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Write a path first, or choose files.")
    dialog.get_by_role("textbox").fill("/videos/one\n\n  /videos/two.mp4 ")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_text("12 added")).to_be_visible()
    assert stage.asked[-1] == ["ingest", {"paths": ["/videos/one", "/videos/two.mp4"]}]
    expect(dialog.get_by_text("5 already here")).to_be_visible()
    expect(dialog.get_by_text("2 have no sound")).to_be_visible()
    expect(dialog.get_by_text("playlists are not opened")).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="CSV").click()
    assert download.value.path().read_text() == 'file,reason\n"list.m3u8","playlists are not opened"\n'
    dialog.get_by_role("button", name="Done").click()
    assert lead(page).startswith("15 clips")


def test_empty_workspace_makes_demo_clips(opened: Open) -> None:
    page = opened(clips=0)
    expect(page.get_by_text("No clips yet")).to_be_visible()
    page.get_by_role("button", name="Make 24 demo clips").click()
    expect(page.locator(".card")).to_have_count(24)
    expect(page.locator(".toast")).to_contain_text("Make 24 demo clips: done, 24 of 24.")


def test_dropped_files_are_sent(opened: Open, stage: Stage) -> None:
    page = opened(clips=0)
    page.evaluate(
        """() => { const data = new DataTransfer(); data.items.add(new File(['x'], 'glass.mp4', { type: 'video/mp4' }));
        for (const name of ['dragenter', 'dragover', 'drop'])
          document.body.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }))}"""
    )
    expect(page.locator(".card")).to_have_count(1)
    assert stage.asked[-1] == ["upload", ["glass.mp4"]]


def test_runs_can_be_stopped_and_go_on(opened: Open, stage: Stage) -> None:
    page = opened()
    problems = [{"subject": "door_0003", "reason": "The event would leave."}]
    stage.set(per_second=5, run={"kind": "build", "title": "A long build", "total": 60, "problems": problems})
    page.keyboard.press("p")
    drawer = page.locator("#drawer")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    drawer.get_by_role("button", name="Stop").click()
    expect(drawer).to_contain_text("stopped")
    expect(drawer).to_contain_text("Nothing is lost")
    page.reload()
    page.wait_for_selector(".card")
    expect(drawer).to_be_visible()
    stage.set(per_second=400)
    drawer.get_by_role("button", name="Go on").click()
    expect(drawer).to_contain_text("done")
    drawer.get_by_text("Problems and log").click()
    expect(drawer).to_contain_text("The event would leave.")
    expect(drawer.get_by_label("Log")).to_contain_text("worker 1 started")


def test_a_full_disk_is_said_at_the_top(opened: Open, stage: Stage) -> None:
    page = opened()
    full = "The disk is full: nothing more can be saved until space is freed."
    stage.set(reason=full)
    page.reload()
    expect(page.locator(".banner")).to_have_text(full)


def test_keys_can_be_listed_changed_and_switched_off(opened: Open) -> None:
    page = opened()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    key = dialog.get_by_role("button", name=re.compile("^Grid or table: v"))
    key.click()
    page.keyboard.press("b")
    expect(dialog).to_contain_text("b is taken by “Build soundtracks”.")
    dialog.get_by_role("button", name=re.compile("^Grid or table: v")).click()
    page.keyboard.press("g")
    expect(dialog).to_contain_text("Grid or table: g.")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator(".clips-table")).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("Keys off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator(".clips-table")).to_be_visible()
    page.keyboard.press("?")
    page.get_by_role("button", name="Put all back").click()
    page.get_by_label("Keys off").uncheck()


def test_keys_are_silent_in_fields(opened: Open) -> None:
    page = opened()
    page.keyboard.press("f")
    page.keyboard.type("vab?")
    assert page.get_by_label("Filter by name, sound or id").input_value() == "vab?"
    assert page.locator("dialog").count() == 0


def test_a_narrow_window_keeps_everything_in_reach(opened: Open) -> None:
    page = opened()
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Some refused").check()
    assert lead(page) == "7 of 142 clips"
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#drawer")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

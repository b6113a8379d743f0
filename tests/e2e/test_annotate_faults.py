"""The Annotate page when something breaks: nothing saved is lost, nothing is there twice, and the page says so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.e2e.annotate import (
    all_sent,
    bring_models,
    cards,
    clip_id,
    draft,
    frame_times,
    history,
    mine,
    open_bench,
    place,
    press,
    row,
    save_state,
    title,
    to_next,
    write_queue,
)
from tests.e2e.app_server import ROOT, START_S, App, free_port
from tests.e2e.conftest import visiting
from tests.e2e.page import Held, Visit

pytestmark = pytest.mark.alone

SAVED = re.compile(r"^Saved \d\d:\d\d:\d\d$")
SAVES = "**/api/marks"


@dataclass
class Mortal:
    """An app that can be killed and started again at the same address."""

    workspace: Path
    port: int
    app: App | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> App:
        command = [sys.executable, str(ROOT / "app.py"), "--workspace", str(self.workspace), "--port", str(self.port)]
        clips = ["--clips", str(self.workspace.parent / "clips")]
        began = time.monotonic()
        process = subprocess.Popen([*command, *clips], cwd=ROOT)
        while not self._answers():
            assert process.poll() is None, "the app did not start; its words are above"
            assert time.monotonic() - began < START_S
            time.sleep(0.05)
        self.app = App(self.url, self.workspace, process, time.monotonic() - began)
        return self.app

    def kill(self) -> None:
        assert self.app
        self.app.process.kill()
        self.app.process.wait(20)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/runs", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    folder = tmp_path_factory.mktemp("mortal")
    write_queue(folder / "clips", 16)
    mortal = Mortal(folder / "workspace", free_port())
    app = mortal.start()
    app.wait_until_built()
    bring_models(app)
    yield mortal
    mortal.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def visit_mortal(mortal: Mortal, window: BrowserContext) -> Iterator[Visit]:
    assert mortal.app
    with visiting(mortal.app, window, faults=True) as open_page:
        yield open_page


def now(mortal: Mortal) -> App:
    assert mortal.app
    return mortal.app


def saves_of(app: App, clip: str) -> list[Any]:
    """The person's own; a model's mark that came by import names the model first."""
    return [event for event in history(app, clip, "submit_mark") if event["what"].startswith(("Placed", "No sound"))]


def test_a_server_killed_between_save_and_reply_costs_nothing_and_doubles_nothing(
    mortal: Mortal, visit_mortal: Visit
) -> None:
    page = open_bench(visit_mortal)
    committed: list[int] = []

    def lose_the_reply(route: Route) -> None:
        committed.append(route.fetch().status)
        mortal.kill()
        route.abort()

    page.route(SAVES, lose_the_reply, times=1)
    place(page)
    first = to_next(page)
    place(page, 5)
    second = to_next(page)
    expect(save_state(page)).to_contain_text("2 waiting to be sent")
    expect(save_state(page)).to_have_attribute("title", re.compile("kept on this machine"))
    assert committed == [200]
    app = mortal.start()
    expect(save_state(page)).to_have_text(SAVED, timeout=90_000)
    all_sent(page)
    assert {first, second} <= set(mine(app))
    assert [len(saves_of(app, clip)) for clip in (first, second)] == [1, 1]


def test_what_waits_survives_a_reload_and_a_closed_tab(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    page.route(SAVES, lambda route: route.abort())
    place(page)
    clip = to_next(page)
    expect(save_state(page)).to_contain_text("1 waiting to be sent")
    page.goto("about:blank")
    assert clip not in mine(now(mortal))
    page.unroute_all()
    page.goto(f"{mortal.url}/annotate")
    expect(save_state(page)).to_have_text(SAVED)
    assert len(saves_of(now(mortal), clip)) == 1


def test_a_full_disk_is_said_and_the_save_is_kept_until_there_is_room(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    page.route(SAVES, lambda route: route.fulfill(status=507, json={"error": "The disk is full."}), times=1)
    place(page)
    clip = to_next(page)
    expect(save_state(page)).to_have_text("Disk full, not saved")
    expect(save_state(page)).to_have_text(SAVED)
    assert len(saves_of(now(mortal), clip)) == 1


def test_an_ended_session_keeps_the_save_and_offers_to_sign_in(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    page.route(SAVES, lambda route: route.fulfill(status=401, json={"error": "Sign in first."}), times=1)
    place(page)
    to_next(page)
    expect(save_state(page)).to_contain_text("Not saved, your session ended")
    expect(save_state(page).get_by_role("link", name="Sign in")).to_have_attribute("href", re.compile("/sign-in"))
    expect(save_state(page)).to_have_text(SAVED)


def test_a_refused_save_is_shown_and_can_be_sent_again(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    said = "visual_s is after the end of the clip <b>."
    page.route(SAVES, lambda route: route.fulfill(status=400, json={"error": said}), times=1)
    place(page)
    clip = to_next(page)
    expect(save_state(page)).to_contain_text("1 save was refused")
    page.reload()
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(said)
    page.get_by_role("button", name="Send it again").click()
    expect(save_state(page)).to_have_text(SAVED)
    assert len(saves_of(now(mortal), clip)) == 1


def test_nobody_elses_saves_are_sent(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    clip = clip_id(page)
    body = {"clip": clip, "visual_s": 0.1, "audio_s": 0.1, "verdict": "placed", "save_id": "of-ben", "seq": 1}
    entry = {"id": "of-ben", "seq": 1, "person": "ben", "path": "/api/marks", "clip": clip, "tried": 0, "body": body}
    page.evaluate("entry => localStorage.setItem('thud.out.of-ben', JSON.stringify(entry))", entry)
    page.reload()
    page.wait_for_function("window.__thud?.bench?.bundle")
    place(page)
    to_next(page)
    expect(save_state(page)).to_have_text(SAVED)
    assert page.evaluate("localStorage.getItem('thud.out.of-ben')") is not None
    assert saves_of(now(mortal), clip)[0]["what"].startswith("Placed the event: picture 0.100")


def test_undo_and_a_new_save_right_after_it_arrive_in_that_order(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    undo = Held(page, "**/api/marks/undo", times=1)
    place(page)
    clip = to_next(page)
    all_sent(page)
    press(page, "u")
    page.wait_for_function("was => __thud.clipId() === was && __thud.bench.bundle", arg=clip)
    undo.wait()
    press(page, ".", ".", "v", "Enter")  # the clip is shown where its picture was set: two frames after that
    page.wait_for_function("was => __thud.clipId() !== was", arg=clip)
    page.wait_for_timeout(500)  # a save that did not wait would be there by now, and be what is taken back
    with page.expect_response("**/api/marks/undo"):
        undo.let_go()
    all_sent(page)
    app = now(mortal)
    kept = mine(app)[clip]
    assert len(saves_of(app, clip)) == 2
    assert kept["visual_s"] == pytest.approx(frame_times(app, clip)[5], abs=1e-6)


def test_a_clip_that_cannot_be_played_is_told_and_passed(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    broken = page.evaluate("__thud.clipId()")
    page.route(f"**/media/clip/{broken}/proxy.mp4", lambda route: route.fulfill(status=200, body=b"no video"))
    page.reload()
    expect(title(page)).to_have_text("This clip cannot be played")
    expect(page.locator(".trouble")).to_contain_text("Your marks on other clips are not touched")
    press(page, "v")
    assert page.evaluate("__thud.bench.draft.visual_s") is None
    press(page, "s")
    expect(page.locator(".trouble")).to_be_hidden()
    page.wait_for_function("was => __thud.bench.bundle && __thud.clipId() !== was", arg=broken)


def test_models_marks_that_do_not_come_hold_nobody_up(mortal: Mortal, visit_mortal: Visit) -> None:
    page = open_bench(visit_mortal)
    page.route("**/api/tasks/reveal", lambda route: route.abort())
    place(page)
    expect(page.locator(".toast")).to_contain_text("You can save all the same")
    expect(row(page, "Gemini")).to_contain_text("hidden")
    assert draft(page)["first"] is not None
    clip = to_next(page)
    all_sent(page)
    assert clip in mine(now(mortal))


def test_a_queue_that_cannot_be_asked_for_says_so_and_tries_again(mortal: Mortal, visit_mortal: Visit) -> None:
    page = visit_mortal("/clips")
    page.route("**/api/tasks", lambda route: route.fulfill(status=500, json={"error": "Out of order."}))
    page.goto(f"{mortal.url}/annotate")
    expect(page.get_by_role("heading", name="The next clips could not be asked for")).to_be_visible()
    expect(page.locator(".none")).to_contain_text("Out of order.")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function("window.__thud?.bench?.bundle")


def test_an_empty_queue_says_what_was_done(mortal: Mortal, visit_mortal: Visit) -> None:
    """Last: it marks all that is left."""
    page = open_bench(visit_mortal)
    for _ in range(len(cards(now(mortal)))):
        press(page, "v", "n")
        before = clip_id(page)
        press(page, "Enter")
        page.wait_for_function(
            "was => __thud.clipId() !== was && (__thud.bench.bundle || __thud.queue.empty)", arg=before
        )
        all_sent(page)
        if page.locator(".none").is_visible():
            break
    expect(page.get_by_role("heading", name="Nothing left for you in this queue")).to_be_visible()
    expect(page.locator(".none")).to_contain_text("16 of 16 marked")
    page.get_by_role("button", name="Look back at mine").click()
    page.wait_for_function("__thud.bench.bundle")
    expect(page.locator(".wb")).to_contain_text("marked by you before")

"""The Listen page by keyboard: blind, once each, and nothing lost by a reload or a server that dies."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.barcode import make_clip
from tests.e2e.app_server import App, free_port, write_manifest
from tests.e2e.conftest import visiting
from tests.e2e.page import PATIENCE_MS, Visit
from tests.e2e.test_annotate_faults import Mortal

pytestmark = pytest.mark.alone

Json = dict[str, Any]
TITLE = "Steel on steel"
SAVES = "**/api/test/answers"
SAVED = re.compile(r"^Saved \d\d:\d\d:\d\d$")
HEARD = "() => __thud.listen.turns?.current && __thud.listen.turns.whole"
COUNT_PLAYS = """() => {
  Object.assign(window, { ends: 0, longest_s: 0 });
  let began = 0;
  __thud.engine.subscribe((kind, engine) => {
    if (kind !== "state") return;
    if (engine.playing) began ||= performance.now();
    else if (began) Object.assign(window, { ends: ends + 1, longest_s: (performance.now() - began) / 1000 });
  });
}"""
LABELS = {"1": "synced", "2": "early", "3": "delayed", "4": "unparsed"}


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    """An app that can be killed, on four clips of 1.6 s with all their soundtracks."""
    folder = tmp_path_factory.mktemp("listen")
    (folder / "clips").mkdir()
    rows = []
    for number in range(4):
        name = f"clip_{number}.mp4"
        make_clip(folder / "clips" / name, seconds=1.6, click_s=0.8, seed=number, first=number + 1 << 9)
        rows.append({"path": name, "title": f"{TITLE} {number}", "source": name, "visual_s": 0.8, "audio_s": 0.8})
    write_manifest(folder / "clips", [{**row, "kind": "ab"[n % 2]} for n, row in enumerate(rows)])
    mortal = Mortal(folder / "workspace", free_port())
    mortal.start().wait_until_built()
    yield mortal
    mortal.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def visit_test(mortal: Mortal, window: BrowserContext) -> Iterator[Visit]:
    assert mortal.app
    with visiting(mortal.app, window, faults=True) as open_page:
        yield open_page


def now(mortal: Mortal) -> App:
    assert mortal.app
    return mortal.app


def begun(page: Page) -> Page:
    """The page once the first item plays. By keyboard."""
    expect(page.locator("[data-do=begin]")).to_be_enabled(timeout=3 * PATIENCE_MS)
    page.wait_for_function("performance.getEntriesByName('thud-mount').length > 0", timeout=3 * PATIENCE_MS)
    page.keyboard.press("Enter")
    page.wait_for_function("__thud.listen.turns?.plays > 0", timeout=PATIENCE_MS)
    return page


def token(page: Page) -> str:
    return str(page.evaluate("__thud.listen.turns.current?.id"))


def answer(page: Page, key: str) -> str:
    """Hears the item to its end and answers it. Returns its token."""
    page.wait_for_function(HEARD, timeout=PATIENCE_MS)
    answered = token(page)
    page.keyboard.press(key)
    page.wait_for_function("was => __thud.listen.turns.current?.id !== was", arg=answered, timeout=PATIENCE_MS)
    return answered


def save_state(page: Page) -> Any:
    return page.locator(".lt .save")


def task(app: App, name: str) -> Json:
    return next(row for row in app.get("/api/test")["tasks"] if row["task"] == name)


def rows(app: App, name: str) -> list[Json]:
    """What people answered in one task, as researchers see it."""
    found = app.get("/api/results/leaderboard")["rows"]
    people = [row["row"] for row in found if row["people"]]
    if not people:
        return []
    assert len(people) == 1
    return list(app.get(f"/api/results/items?row={people[0]}&task={name}&per=100")["items"])


def test_ten_items_by_keyboard_with_a_reload_are_ten_rows(mortal: Mortal, visit_test: Visit) -> None:
    page = begun(visit_test("/listen?task=sync"))
    keys = "1234312211"
    heard = [answer(page, key) for key in keys[:5]]
    page.reload()
    begun(page)
    heard += [answer(page, key) for key in keys[5:]]
    expect(save_state(page)).to_have_text(SAVED)
    page.wait_for_function("!__thud.outbox.state.waiting && !__thud.outbox.sending")
    found = rows(now(mortal), "sync")
    assert len(set(heard)) == len(found) == task(now(mortal), "sync")["answered"] == 10
    assert len({row["response"] for row in found}) == 10
    assert Counter(row["label"] for row in found) == Counter(LABELS[key] for key in keys)
    clips = [row["clip"] for row in found]
    assert max(Counter(clips).values()) <= 3  # ten items over four clips: none is played out before the others


def test_a_server_killed_in_the_middle_loses_no_answer_and_doubles_none(mortal: Mortal, visit_test: Visit) -> None:
    page = begun(visit_test("/listen?task=existence"))
    committed: list[int] = []

    def lose_the_reply(route: Route) -> None:
        committed.append(route.fetch().status)
        mortal.kill()
        route.abort()

    page.route(SAVES, lose_the_reply, times=1)
    page.wait_for_function("__thud.listen.turns.prefetch.stats().whole >= 3", timeout=PATIENCE_MS)
    answer(page, "1")
    answer(page, "2")
    expect(save_state(page)).to_contain_text("2 waiting to be sent")
    assert committed == [200]
    page.wait_for_function(HEARD, timeout=PATIENCE_MS)  # the next one was there before the server went
    app = mortal.start()
    expect(save_state(page)).to_have_text(SAVED, timeout=90_000)
    page.wait_for_function("!__thud.outbox.state.waiting && !__thud.outbox.sending", timeout=PATIENCE_MS)
    answer(page, "3")
    expect(page.locator(".lt .pgs b")).to_have_text("3")
    page.wait_for_function("!__thud.outbox.state.waiting && !__thud.outbox.sending", timeout=PATIENCE_MS)
    assert sorted(row["label"] for row in rows(app, "existence")) == ["audio_described", "muted", "unparsed"]
    assert task(app, "existence")["answered"] == 3


def test_backspace_goes_back_once_and_the_new_answer_takes_the_olds_place(mortal: Mortal, visit_test: Visit) -> None:
    page = begun(visit_test("/listen?task=consistency"))
    page.keyboard.press("Backspace")
    expect(page.locator(".lt-hint")).to_have_text("There is no answer to change yet.")
    first = answer(page, "1")
    page.wait_for_function("!__thud.outbox.state.waiting && !__thud.outbox.sending")
    second = token(page)
    page.keyboard.press("Backspace")
    expect(page.locator(".lt-hint")).to_contain_text("Your answer was “It belongs”")
    assert token(page) == first
    page.wait_for_function(HEARD)
    page.keyboard.press("Backspace")
    expect(page.locator(".lt-hint")).to_contain_text("Only your last answer can be changed.")
    page.keyboard.press("2")
    page.wait_for_function("was => __thud.listen.turns.current?.id === was", arg=second)
    page.wait_for_function("!__thud.outbox.state.waiting && !__thud.outbox.sending")
    expect(page.locator(".lt .pgs b")).to_have_text("1")
    assert [row["label"] for row in rows(now(mortal), "consistency")] == ["mismatched"]


def test_an_answer_waits_until_it_was_heard_and_replays_are_counted(mortal: Mortal, visit_test: Visit) -> None:
    page = visit_test("/listen?task=consistency")
    sent: list[Json] = []
    page.on(
        "request", lambda one: sent.append(json.loads(one.post_data or "{}")) if "test/answers" in one.url else None
    )
    begun(page)
    was = token(page)
    page.evaluate("__thud.engine.pause()")
    page.keyboard.press("1")
    expect(page.locator(".lt-hint")).to_have_text("Hear it to its end once, then answer.")
    assert token(page) == was
    page.keyboard.press(" ")
    page.wait_for_function(HEARD, timeout=PATIENCE_MS)
    page.evaluate(COUNT_PLAYS)
    page.keyboard.press(" ")  # right at its end
    page.wait_for_function("window.ends === 1", timeout=PATIENCE_MS)
    assert page.evaluate("window.longest_s") > 1.0
    answer(page, "3")
    page.wait_for_function("!__thud.outbox.state.waiting && !__thud.outbox.sending")
    assert [(one["id"], one["label"], one["plays"]) for one in sent] == [(was, "unparsed", 3)]
    assert sent[0]["latency_s"] > 1.6


def test_the_page_knows_and_shows_nothing_that_tells_items_apart(mortal: Mortal, visit_test: Visit) -> None:
    page = visit_test("/listen?task=existence")
    asked: list[str] = []
    seen: list[Request] = []
    page.on("request", lambda one: (asked.append(one.url.removeprefix(mortal.url)), seen.append(one)))
    begun(page)
    answer(page, "3")
    page.wait_for_function(HEARD, timeout=PATIENCE_MS)
    media = [path for path in asked if path.startswith("/api/test/media/")]
    assert len(media) >= 6 and not [
        path for path in asked if path.startswith(("/media/", "/api/clips", "/api/results"))
    ]
    text = page.locator("#thud").inner_text()
    assert TITLE not in text and not re.search(r"muted|swapped|original|\d\.\d+ s", text)
    assert page.locator(".lt canvas, .lt input, .lt [title*='clip']").count() == 0
    page.keyboard.press("Escape")
    expect(page.locator(".lt-card [data-task=existence] small")).to_contain_text("of")
    assert page.evaluate("__thud.engine.playing") is False

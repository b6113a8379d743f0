"""What takes time, as the page shows it: progress, stop, go on, problems and log; and a server that is away."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.e2e.app_server import App
from tests.e2e.crowd import another_file
from tests.e2e.page import WORK_MS, Visit, cards, drawer, head, ready, run_row, toast
from tests.sounds import make_ding_clip

COPIES = 40
FULL = "The disk is full: nothing more can be saved until space is freed."


def write_copies(folder: Path, count: int) -> Path:
    """A folder of `count` clips in a subfolder of its own kind: small files that differ in their last bytes."""
    make_ding_clip(folder / "one.mp4", 1.0, 0.5, seed=41)
    data = (folder / "one.mp4").read_bytes()
    inside = folder / "copies" / "stopped"
    inside.mkdir(parents=True)
    for number in range(count):
        (inside / f"stopped_{number:03d}.mp4").write_bytes(another_file(data, number))
    return folder / "copies"


def look_again(page: Page) -> None:
    """As when a user comes back to the tab: the page asks at once, not at its next turn."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_run_is_followed_stopped_and_goes_on(app: App, visit_broken: Visit, tmp_path: Path) -> None:
    page = ready(visit_broken("/clips?kind=stopped"))
    page.keyboard.press("p")
    run = app.post("/api/ingest", {"paths": [str(write_copies(tmp_path, COPIES))]})["run"]
    look_again(page)
    row = run_row(page, "Add clips from copies")
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("stopped")
    expect(toast(page)).to_contain_text("Nothing is lost.")
    assert app.get(f"/api/runs/{run}")["state"] == "cancelled"
    page.reload()
    ready(page)
    expect(drawer(page)).to_be_visible()
    page.route("**/resume", lambda route: route.abort())
    row.get_by_role("button", name="Go on").click()
    expect(toast(page)).to_contain_text("The server does not answer.")
    page.unroute("**/resume")
    row.get_by_role("button", name="Go on").click()
    expect(row.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"^\d+ runs?$"))).to_be_visible()
    expect(row).to_contain_text(re.compile(rf"[1-9]\d* of {COPIES}"), timeout=WORK_MS)
    expect(row).to_contain_text("done", timeout=WORK_MS)
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(cards(page)).to_have_count(COPIES)
    assert app.get(f"/api/runs/{run}")["report"]["added"] == COPIES


def test_problems_and_log_are_shown(app: App, pair: str, visit: Visit) -> None:
    page = ready(visit(f"/clips?kind={pair}"))
    page.locator("[data-do=runs]").click()
    row = run_row(page, "Add clips from pair")
    expect(row).to_contain_text("3 of 3, 1 refused.")
    row.get_by_text("Problems and log").click()
    expect(row.locator(".problems li")).to_contain_text("poor.mp4")
    expect(row.get_by_label("Log")).to_contain_text("3 of 3 items settled")
    drawer(page).get_by_role("button", name="Close the runs").click()
    expect(drawer(page)).not_to_be_visible()
    expect(page.locator("[data-do=runs]")).to_be_focused()
    page.keyboard.press("p")
    expect(drawer(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer(page)).not_to_be_visible()


def full(route: Route) -> None:
    """The app's own answer, but for its last word: a disk cannot be filled here."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "writable": False, "reason": FULL})


def test_what_goes_on_until_it_is_mended_is_said_at_the_top(visit_broken: Visit) -> None:
    page = ready(visit_broken("/clips"))
    banner = page.locator(".banner")
    page.route("**/api/runs", lambda route: route.abort())
    look_again(page)
    expect(banner).to_contain_text("The server does not answer. Nothing you saved is lost")
    page.route("**/api/health", full)
    page.unroute("**/api/runs")
    look_again(page)
    expect(banner).to_have_text(FULL)
    page.unroute("**/api/health")
    expect(banner).not_to_be_visible()


def test_clips_that_cannot_be_listed_are_asked_for_again(visit_broken: Visit) -> None:
    page = ready(visit_broken("/clips"))
    page.route("**/api/clips", lambda route: route.fulfill(status=500, body=""))
    page.reload()
    expect(page.get_by_text("The clips could not be listed")).to_be_visible()
    expect(page.locator("#view")).to_contain_text("The server answered 500.")
    page.unroute("**/api/clips")
    page.get_by_role("button", name="Try again").click()
    expect(head(page)).to_contain_text("clips, ")

"""The build dialog: what is asked for, what it will do, one clip to listen to first, and the build itself."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.app_server import App
from tests.e2e.crowd import numbers
from tests.e2e.page import WORK_MS, Held, Visit, drawer, ready, run_row, toast


def open_dialog(page: Page) -> Locator:
    ready(page)
    page.keyboard.press("b")
    dialog = page.get_by_role("dialog", name="Build soundtracks")
    expect(dialog).to_be_visible()
    return dialog


def go(dialog: Locator) -> Locator:
    return dialog.locator(".btn.p")


def planned(dialog: Locator, condition: str) -> Locator:
    """That condition's row of the plan: build, refused, reused."""
    return dialog.locator(".plan tr").filter(has_text=condition)


def rows_of(app: App, kind: str) -> list[dict[str, Any]]:
    cards = [card for card in app.get("/api/clips")["clips"] if card["kind"] == kind]
    return [{row["condition"]: row["verified"] for row in card["conditions"]} for card in cards]


def test_offsets_are_read_refused_and_taken_back(pair: str, visit: Visit) -> None:
    page = visit(f"/clips?kind={pair}")
    dialog = open_dialog(page)
    expect(page).to_have_url(re.compile("build=1"))
    expect(dialog).to_contain_text("for 2 clips chosen by the filter")
    expect(go(dialog)).to_contain_text(re.compile(r"^Build \d+ stimuli"))
    offset = dialog.get_by_label("Add an offset, early, in seconds")
    for typed, said in (("zero", "Write seconds, such as 0.6"), ("0", "0 s is the original"), ("0,6", "Already there")):
        offset.fill(typed)
        offset.press("Enter")
        expect(dialog.get_by_text(said)).to_be_visible()
    offset.fill("8")
    offset.press("Enter")
    chip = dialog.get_by_role("button", name=re.compile("^−8.00 s, remove; 2 refused"))
    expect(chip).to_be_visible()
    dialog.get_by_text("What is refused, and why").click()
    expect(dialog.locator(".refusals li").filter(has_text="−8.000 s")).to_have_count(2)
    chip.click()
    expect(chip).to_have_count(0)
    dialog.get_by_label("Build muted").uncheck()
    expect(planned(dialog, "muted")).to_contain_text(re.compile("^muted000$"))


def test_a_balanced_draw_has_one_early_and_one_delayed_per_clip(pair: str, visit: Visit) -> None:
    page = visit(f"/clips?kind={pair}")
    dialog = open_dialog(page)
    note = dialog.locator(".pv .st").filter(has_text="the sound's place alone is predicted to score")
    expect(note).to_contain_text(re.compile(r"on sync \(chance [45]\d\.\d\)"))
    dialog.get_by_label(re.compile("^Balanced draw one early and one delayed per clip")).check()
    expect(note).to_contain_text("on sync (chance 33.3)")
    expect(planned(dialog, "early")).to_contain_text(re.compile("^early(200|002)$"))
    expect(planned(dialog, "delayed")).to_contain_text(re.compile("^delayed(200|002)$"))
    expect(dialog.locator(".pv .st").filter(has_text="the draw:")).to_contain_text(re.compile(r"−0\.\d\d s for 2"))
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    box = dialog.get_by_label(re.compile("^Balanced draw"))
    expect(box).to_be_checked()
    box.uncheck()
    expect(note).to_contain_text(re.compile(r"\(chance [45]\d\.\d\)"))


def test_what_is_planned_is_built(app: App, pair: str, visit: Visit) -> None:
    page = visit(f"/clips?kind={pair}")
    dialog = open_dialog(page)
    for condition in ("early", "muted", "swapped"):
        dialog.get_by_label(f"Build {condition}").uncheck()
    for offset in ("+0.60", "+1.20"):
        dialog.get_by_role("button", name=f"{offset} s, remove").click()
    dialog.get_by_role("radio", name="circular").click()
    expect(planned(dialog, "delayed")).to_contain_text(re.compile("^delayed200$"))
    expect(go(dialog)).to_contain_text("Build 4 stimuli")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("build=1"))
    expect(drawer(page)).to_be_visible()
    expect(toast(page)).to_contain_text("Build soundtracks, 4 stimuli: done, 2 of 2.", timeout=WORK_MS)
    expect(run_row(page, "Build soundtracks, 4 stimuli").first).to_contain_text(re.compile("done.*2 of 2"))
    assert [(row["original"], row["delayed"], row["early"]) for row in rows_of(app, pair)] == [(1, 1, 0)] * 2
    expect(page.locator(".card").first).to_contain_text("2 verified")
    page.keyboard.press("b")
    expect(planned(dialog, "delayed")).to_contain_text(re.compile("^delayed002$"))
    expect(go(dialog)).to_have_text("Nothing to build")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_visible()


def test_one_clip_is_heard_before_the_batch(visit: Visit) -> None:
    page = ready(visit("/clips?q=Clip+at+25"))
    page.get_by_role("button", name="Build soundtracks…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("for Clip at 25")
    dialog.get_by_label("Build swapped").uncheck()
    for offset in ("−0.60", "−1.20", "+0.60", "+1.20"):
        dialog.get_by_role("button", name=f"{offset} s, remove").click()
    dialog.get_by_label("Add an offset, delayed, in seconds").fill("0.333")
    dialog.get_by_role("button", name="Preview on one clip").click()
    late = dialog.get_by_role("button", name="Play delayed, +0.333 s, room")
    late.click()
    expect(late).to_have_attribute("aria-pressed", "true")
    original = dialog.get_by_role("button", name="Play original, matched control")
    original.click()
    expect(late).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Build soundtracks…")).to_be_focused()


def test_a_donor_can_be_rejected(visit_crowd: Visit) -> None:
    page = visit_crowd("/clips?q=anvil_000")
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Look at donors").click()
    donor = dialog.locator(".below tbody tr").first.locator("td").nth(2)
    expect(donor).not_to_be_empty()
    before = donor.inner_text()
    dialog.get_by_label("Reject this donor for anvil_000").select_option("unrelated")
    expect(donor).not_to_have_text(before)
    expect(dialog.get_by_label("Reject this donor for anvil_000")).to_have_value("")


def test_the_dialog_says_what_the_server_could_not_do(pair: str, visit_broken: Visit) -> None:
    page = visit_broken(f"/clips?kind={pair}")
    page.route("**/api/build/plan", lambda route: route.abort())
    page.route("**/api/build/try", lambda route: route.fulfill(status=500, body=""))
    page.route("**/api/build", lambda route: route.fulfill(status=500, body=""))
    dialog = open_dialog(page)
    expect(dialog.get_by_role("alert").filter(has_text="The server does not answer.")).to_be_visible()
    page.unroute("**/api/build/plan")
    dialog.get_by_role("button", name="Try again").click()
    expect(go(dialog)).to_contain_text(re.compile(r"^Build \d+ stimuli"))
    page.keyboard.press("Control+Enter")
    expect(dialog.locator(".note.bad")).to_have_text("The server answered 500. Reload the page and try again.")
    dialog.get_by_role("button", name="Preview on one clip").click()
    expect(dialog.locator(".below").get_by_role("alert")).to_contain_text("The server answered 500.")


def test_a_late_answer_to_an_older_question_is_not_shown(visit_crowd: Visit) -> None:
    page = visit_crowd("/clips?kind=bell")
    first = Held(page, "**/api/build/plan", times=1)
    dialog = open_dialog(page)
    page.wait_for_function("document.querySelector('dialog .pv').getAttribute('aria-busy') === 'true'")
    expect(go(dialog)).to_have_text("Build …")
    for condition in ("early", "delayed", "swapped"):
        dialog.get_by_label(f"Build {condition}").uncheck()
    count = len(numbers(kind="bell"))
    expect(go(dialog)).to_contain_text(f"Build {3 * count} stimuli")
    with page.expect_response("**/api/build/plan"):
        first.let_go()
    expect(planned(dialog, "early")).to_contain_text(re.compile("^early000$"))
    expect(go(dialog)).to_contain_text(f"Build {3 * count} stimuli")

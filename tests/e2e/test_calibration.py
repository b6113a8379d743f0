"""Calibration in a real browser: known presses give known figures, useless ones store nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.app_server import App
from tests.e2e.page import Visit
from tests.e2e.tapper import SCATTERED, STEADY, TAPPER, Hand

pytestmark = pytest.mark.alone

ROUND_MS = 60_000
"""How long one round of twelve beats may take on a busy machine."""
CLOCK_MS = 20
"""How far the browser's two clocks may be read apart; the presses themselves are exact."""


def machines(app: App) -> Mapping[str, Any]:
    return dict(app.post("/api/tasks", {"count": 0})["me"]["machines"])


def open_calibration(page: Page, hand: Hand) -> Locator:
    """The dialog, with a person at it. Beats come as close as they may, so that the test is short."""
    page.evaluate("Math.random = () => 0")
    page.evaluate(TAPPER, hand)
    dialog = page.get_by_role("dialog", name="Sound and picture of this machine")
    expect(dialog.get_by_role("button", name="Start round 1")).to_be_focused()
    return dialog


def test_presses_with_known_delays_give_this_machines_offset(app: App, visit: Visit) -> None:
    page = visit("/annotate?calibrate=1")
    dialog = open_calibration(page, STEADY)
    before = machines(app)
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("12 of 12 flashes answered.")).to_be_visible(timeout=ROUND_MS)
    assert page.evaluate("window.__clicks") == []
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Save for this machine")).to_be_focused(timeout=ROUND_MS)
    late_ms = STEADY["late_ms"] + STEADY["hear_ms"] - STEADY["see_ms"]
    slider = dialog.get_by_label("Sound later than picture, in milliseconds")
    assert float(slider.input_value()) == pytest.approx(late_ms, abs=CLOCK_MS)
    expect(dialog).to_contain_text(f"Your hand answers after{STEADY['see_ms']:g} ms")
    by_ear = float(slider.input_value()) - 10
    slider.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    expect(dialog).to_contain_text("by your eye and ear")
    dialog.get_by_label("Delayed mode").check()
    dialog.get_by_role("button", name="Save for this machine").press("Enter")
    expect(dialog).to_have_count(0)
    told = app.post("/api/tasks", {"count": 0})["me"]
    (name,) = set(told["machines"]) - set(before)
    assert re.fullmatch("[0-9a-f]{16}", name)
    assert page.evaluate("localStorage.getItem('thud.machine')") == name
    assert told["machines"][name]["sound_late_ms"] == pytest.approx(by_ear, abs=5)
    assert len(told["machines"][name]["taps"]) == 24
    assert (told["delayed"], told["reaction_ms"]) == (True, STEADY["see_ms"])
    app.post("/api/calibration", {"delayed": False, "reaction_ms": 0})


def test_scattered_presses_say_so_and_store_nothing(app: App, visit: Visit) -> None:
    page = visit("/annotate?calibrate=1")
    dialog = open_calibration(page, SCATTERED)
    before = machines(app)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("scattered by", timeout=ROUND_MS)
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing was stored.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert machines(app) == before


SUMS = """async ([seen, heard]) => {
  const version = document.querySelector("link[rel=modulepreload]").href.split("/").slice(0, -2).join("/");
  const taps = await import(version + "/annotate/calibrate_taps.js");
  const beats = Array.from({ length: 12 }, (_, i) => 1000 + i * 1200);
  const at = (all) => all.map(([beat, delay]) => beats[beat] + delay);
  const [first, second] = [seen, heard].map((all) => taps.delaysOf(beats, at(all)));
  const problem = taps.problemOf(first, "flashes") ?? taps.problemOf(second, "clicks");
  return problem ? { problem } : taps.resultOf(first, second);
}"""
ALL = range(12)


@pytest.mark.parametrize(
    ("seen", "heard", "found"),
    [
        ([(b, 200) for b in ALL], [(b, 260) for b in ALL], {"sound_late_ms": 60, "reaction_ms": 200, "spread_ms": 0}),
        ([(b, 250) for b in ALL], [(b, 220) for b in ALL], {"sound_late_ms": -30}),
        # a guess before the beat, a second press, and three beats missed change nothing
        ([(b, d) for b in range(3, 12) for d in (20, 200, 500)], [(b, 260) for b in ALL], {"sound_late_ms": 60}),
        (
            [(b, 200) for b in range(7)],
            [(b, 260) for b in ALL],
            {"problem": "Only 7 of 12 flashes got a press in time"},
        ),
        ([(b, 200) for b in ALL], [], {"problem": "Only 0 of 12 clicks got a press in time"}),
        ([(b, 200 + 40 * b) for b in ALL], [(b, 260) for b in ALL], {"problem": "for the flashes are scattered by"}),
        ([(b, 100) for b in ALL], [(b, 880) for b in ALL], {"problem": "780 ms apart"}),
    ],
)
def test_what_presses_say(
    visit: Visit, seen: list[tuple[int, int]], heard: list[tuple[int, int]], found: dict[str, Any]
) -> None:
    page = visit("/annotate")
    told = page.evaluate(SUMS, [seen, heard])
    for name, value in found.items():
        if name == "problem":
            assert value in told["problem"]
        else:
            assert told[name] == value

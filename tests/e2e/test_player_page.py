"""The clip page around its player: keys, address, proof, timeline, and what it says when something is missing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from tests.e2e import measure
from tests.e2e.app_server import App
from tests.e2e.page import Held, Visit, cards, ready, toast
from tests.e2e.player import Json, clip_page, clips_of, open_clip, sound_id, state

pytestmark = pytest.mark.alone

ZOOM = "__thud.timeline.view.end - __thud.timeline.view.start"


def heading(page: Page) -> Locator:
    return page.locator(".cpg h1")


# ---- keys


def test_sounds_frames_and_zoom_by_keyboard(app: App, stay: Visit) -> None:
    shown = clip_page(app)
    ids = [row["id"] for row in shown["sounds"]]
    page = open_clip(stay, shown, t=1.0)
    for key, heard in (("3", ids[2]), ("b", ids[0]), ("b", ids[2]), ("]", ids[3]), ("[", ids[2])):
        page.keyboard.press(key)
        assert state(page)["sound"] == heard
    for key, at_s in ((".", 31 / 30), (",", 1.0), ("ArrowRight", 1.01), ("Shift+ArrowLeft", 0.91)):
        page.keyboard.press(key)
        assert state(page)["position"] == pytest.approx(at_s, abs=1e-3)
    span = page.evaluate(ZOOM)
    page.keyboard.press("+")
    assert page.evaluate(ZOOM) == pytest.approx(span * 0.6)
    page.keyboard.press("-")
    page.keyboard.press("l")
    heard_s = 1.5 + shown["sounds"][2]["offset_s"]
    assert state(page)["playing"] is True
    assert state(page)["loop"] == pytest.approx({"start": heard_s - 0.5, "end": 2.0})
    page.keyboard.press("l")
    page.keyboard.press(" ")
    assert (state(page)["playing"], state(page)["loop"]) == (False, None)


def test_from_clip_to_clip_by_keyboard_with_the_like_of_what_was_heard(app: App, stay: Visit) -> None:
    first, second = clips_of(app, "a")[:2]
    shown = clip_page(app, first["title"])
    page = open_clip(stay, shown, kind="a", sound=sound_id(shown, "delayed"))
    page.keyboard.press("j")
    expect(heading(page)).to_have_text(second["title"])
    assert state(page)["sound"] == sound_id(clip_page(app, second["title"]), "delayed")
    page.keyboard.press("k")
    expect(heading(page)).to_have_text(first["title"])
    page.keyboard.press("k")
    expect(toast(page)).to_contain_text("This is the first clip of the list.")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/clips\?kind=a$"))
    expect(cards(page)).to_have_count(len(clips_of(app, "a")))


def test_keys_leave_fields_and_buttons_alone_and_a_rejected_donor_is_not_used_again(app: App, stay: Visit) -> None:
    shown = clip_page(app, "Clip at vfr")
    swapped = next(row for row in shown["sounds"] if row["condition"] == "swapped")
    page = open_clip(stay, shown, sound=swapped["id"])
    before = state(page)
    page.get_by_role("button", name="Reject…").click()
    field = page.get_by_label("Reason")
    expect(field).to_be_focused()
    page.keyboard.type("b 3 j . l same sound")
    expect(field).to_have_value("b 3 j . l same sound")
    assert {key: state(page)[key] for key in ("sound", "frame", "playing")} == {
        key: before[key] for key in ("sound", "frame", "playing")
    }
    page.keyboard.press("Enter")
    expect(toast(page)).to_contain_text("will not be used for this clip again")
    plan = {"clips": [shown["clip"]["id"]], "settings": {"swap": True}}
    assert app.post("/api/build/plan", plan)["donors"][0]["donor"] != swapped["donor"]
    page.locator(".tp").get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press(" ")
    assert state(page)["playing"] is True  # pressed once: neither twice nor not at all


# ---- proof


def test_the_proof_says_verified_failed_and_refused_in_a_table_and_a_file(walk: App, stay: Visit) -> None:
    shown = clip_page(walk)
    page = open_clip(stay, shown)
    rows = page.get_by_role("region", name="Soundtracks and their proof, table").locator("tbody tr")
    expect(rows).to_have_count(len(shown["sounds"]) + len(shown["refused"]))
    expect(rows.filter(has_text="swapped")).to_contain_text("failed")
    expect(rows.filter(has_text="swapped")).to_contain_text("sounds too much like the original")
    expect(rows.filter(has_text="+2.900 s")).to_contain_text("refused")
    expect(rows.filter(has_text="+2.900 s")).to_contain_text("the event would leave the clip by 1.400 s")
    early = rows.filter(has_text="−0.600 s")
    expect(early).to_contain_text("verified")
    early.click()
    assert state(page)["sound"] == sound_id(shown, "−0.600 s")
    expect(early).to_have_attribute("aria-selected", "true")
    expect(page.locator(".said")).to_contain_text("0.6000 s early, 0 samples off what was asked")
    check_csv(page, shown)


def check_csv(page: Page, shown: Json) -> None:
    """The same proof as a file."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    told = [(row["sound"], row["verdict"], row["people_sha256"]) for row in rows if row["sound"]]
    proofs = [(row["id"], row["proof"]) for row in shown["sounds"]]
    assert told == [(sound, proof["verdict"], proof["people_sha256"]) for sound, proof in proofs]
    early = next(row for row in rows if row["sound"] == sound_id(shown, "−0.600 s"))
    assert (float(early["asked_offset_s"]), float(early["offset_s"])) == (-0.6, -0.6)
    refused = next(row for row in rows if row["verdict"] == "refused")
    assert refused["asked"].endswith("+2.900 s, room")  # behind a quote, so that a spreadsheet takes it for text
    assert refused["note"].startswith("the event would leave")


def test_a_clip_with_nothing_built_offers_to_build(walk: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(walk, "Walk 1"))
    expect(page.locator(".cpg .scene")).to_contain_text("hearing sound as found")
    expect(page.get_by_text("Nothing is built for this clip yet.")).to_be_visible()
    page.get_by_role("button", name="Build soundtracks…").last.click()
    expect(page.get_by_role("dialog", name="Build soundtracks")).to_contain_text("for Walk 1")


# ---- timeline


def box_of(page: Page) -> FloatRect:
    box = page.locator(".cv").bounding_box()
    assert box is not None
    return box


def drag(page: Page, start: float, end: float) -> None:
    """Over the waveform, between two distances from its left edge."""
    box = box_of(page)
    page.mouse.move(box["x"] + start, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + end, box["y"] + 150, steps=4)
    page.mouse.up()


def test_a_click_seeks_a_drag_scrolls_and_with_shift_selects_what_the_loop_takes(app: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(app))
    page.keyboard.press("+")
    page.keyboard.press("+")
    box, view = box_of(page), page.evaluate("__thud.timeline.view")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 150)
    middle = (view["start"] + view["end"]) / 2
    assert state(page)["position"] == pytest.approx(middle, abs=0.005)
    head = page.get_by_role("slider", name="Playhead")
    expect(head).to_have_attribute("aria-valuetext", re.compile(rf"^{middle:.2f}\d seconds, frame {int(middle * 30)}$"))
    expect(head).to_have_attribute("aria-valuemax", "3.000")
    drag(page, 500, 400)
    by = 100 * (view["end"] - view["start"]) / box["width"]
    assert page.evaluate("__thud.timeline.view.start") == pytest.approx(view["start"] + by, abs=0.01)

    page.keyboard.down("Shift")
    drag(page, 200, 400)
    page.keyboard.up("Shift")
    chosen = page.evaluate("__thud.timeline.selection")
    page.keyboard.press("l")
    assert state(page)["loop"] == pytest.approx(chosen)


def test_another_theme_redraws_the_canvas(app: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(app))
    lightness = """() => {
      const c = document.querySelector(".cv canvas"), lane = [0, 24, c.width, 24];
      const { data } = c.getContext("2d").getImageData(...lane);
      const reds = [...data].filter((v, i) => i % 4 === 0 && data[i + 3] > 200);
      return reds.reduce((sum, red) => sum + red, 0) / reds.length;
    }"""
    page.wait_for_function(f"({lightness})() > 150")
    page.get_by_role("button", name="Switch to dark").click()
    page.wait_for_function(f"({lightness})() < 100")
    page.get_by_role("button", name="Switch to light").click()
    page.wait_for_function(f"({lightness})() > 150")


def test_a_slow_clip_does_not_replace_the_one_gone_to_meanwhile(app: App, stay: Visit) -> None:
    first, second = clips_of(app, "a")[:2]
    page = ready(stay("/clips?kind=a"))
    held = Held(page, f"**/api/clips/{first['id']}")
    cards(page).first.click()
    expect(page.locator(".cpg")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("j")
    expect(heading(page)).to_have_text(second["title"])
    held.let_go()
    measure.prepare(page)
    page.wait_for_function("id => __thud.prefetch.isWhole(id)", arg=first["id"])
    expect(heading(page)).to_have_text(second["title"])
    assert page.evaluate("__thud.clipId()") == second["id"]
    expect(page).to_have_url(re.compile(f"clip={second['id']}"))


# ---- freshly opened


def test_the_address_brings_back_clip_sound_and_moment(app: App, visit: Visit) -> None:
    shown = clip_page(app, "Clip at 23.976")
    late = sound_id(shown, "delayed")
    page = open_clip(visit, shown, sound=late, t=1.25)
    assert state(page)["sound"] == late
    assert state(page)["shown"]["mediaTime"] == pytest.approx(1.25, abs=0.05)
    for key in ("2", ".", ".", "."):
        page.keyboard.press(key)
    page.wait_for_function("location.search.includes(`t=${__thud.engine.position.toFixed(3)}`)")
    was = state(page)
    page.reload()
    measure.prepare(page)
    seen = page.evaluate("settled().then(() => onScreen() & 511)")
    assert (state(page)["sound"], state(page)["frame"]) == (was["sound"], was["frame"])
    assert seen == was["frame"]


# ---- what is not there


def test_an_unknown_clip_says_what_to_do(visit_broken: Visit) -> None:
    page = visit_broken("/clips?clip=ffffffffffffffff")
    expect(page.locator(".cpg").get_by_role("alert")).to_contain_text("look in the list of all")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize(
    ("asked", "answer", "words"),
    [
        ("**/api/clips/*", lambda route: route.abort(), "The server does not answer"),
        (
            "**/proxy.mp4",
            lambda route: route.fulfill(body=bytes(200)),
            "The picture of this clip cannot be played here",
        ),
    ],
)
def test_what_does_not_come_is_said_and_can_be_tried_again(
    visit_broken: Visit, asked: str, answer: Callable[[Route], Any], words: str
) -> None:
    page = ready(visit_broken("/clips?q=Clip+at+30"))
    page.route(asked, answer)
    cards(page).first.click()
    expect(page.locator(".cpg").get_by_role("alert")).to_contain_text(words)
    page.unroute(asked)
    page.get_by_role("button", name="Try again").click()
    expect(heading(page)).to_have_text("Clip at 30")
    measure.prepare(page)

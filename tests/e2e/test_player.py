"""The clip page in a real browser, on clips whose truth is exact: what is seen and heard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from tests.barcode import VARIANTS
from tests.e2e import measure
from tests.e2e.app_server import App
from tests.e2e.conftest import CLICK_S, FLAGS
from tests.e2e.page import Held, Visit, cards, ready, toast
from tests.e2e.player import SILENT, address, clip_page, clips_of, open_clip, sound_id, state, wait_until_heard

pytestmark = pytest.mark.alone

HALF_A_FRAME_MS = 1000 / 30 / 2
SKIP = 2400
"""Samples that are left out after a start or a switch: the fade, and the block that it began in."""


def same(heard: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    """Whether every sample that was recorded is the expected one: a busy machine loses blocks, which then are zeros."""
    there = (heard != 0) & (expected != 0)
    return bool(there.mean() > 0.9 and np.allclose(heard[there], expected[there], rtol=0, atol=1e-6))


def test_switching_sounds_moves_no_sample(app: App, stay: Visit) -> None:
    shown = clip_page(app)
    first, early, late = (sound_id(shown, words) for words in ("original", "early", "delayed"))
    toggles = [first, late, first, early, late, first]
    assert measure.switching(open_clip(stay, shown), toggles)["lags"] == [0] * len(toggles)


def test_every_step_and_every_seek_shows_the_frame_of_that_moment(app: App, stay: Visit) -> None:
    rates = clips_of(app, "a", "b")
    assert {card["title"].removeprefix("Clip at ") for card in rates} == set(VARIANTS)
    page = open_clip(stay, {"clip": rates[0]}, kind=["a", "b"])
    for card in rates:
        expect(page.locator(".cpg h1")).to_have_text(card["title"])
        measure.prepare(page)
        assert measure.steps(page, 12)["wrong"] == [], card["title"]
        assert measure.seeks(page, 12)["wrong"] == [], card["title"]
        page.keyboard.press("j")


def test_what_the_numbers_say_is_on_screen(app: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(app), t=0.4)
    look = "await settled(); return [onScreen() & 511, __thud.engine.frame];"
    quick = page.evaluate(f"async () => {{ for (let i = 0; i < 9; i++) press('.'); {look} }}")
    assert quick == [12 + 9, 12 + 9]
    for _ in range(3):
        seen, told = page.evaluate(f"async () => {{ press(' '); await sleep(350); press(' '); {look} }}")
        assert seen == told
        assert state(page)["position"] == pytest.approx(told / 30)


def test_picture_and_sound_meet_at_the_event(app: App, stay: Visit) -> None:
    # Once of eight times: a busy machine shows frames late, and `make bench` prints how well they meet on a quiet one.
    page = open_clip(stay, clip_page(app))
    assert any(abs(measure.in_step(page, 1, CLICK_S)["event"][0]) < HALF_A_FRAME_MS for _ in range(8))


def two_rounds(page: Page) -> tuple[list[float], NDArray[np.float32], NDArray[np.float32]]:
    """Picture times while a loop of half a second plays, and the sound of its first two rounds."""
    measure.start_recording(page)
    run = page.evaluate(
        """async () => {
          const { engine } = __thud, frames = [];
          engine.setLoop({ start: 1.2, end: 1.7 }); engine.play();
          while (!engine.deck.running) await sleep(5);
          const { when, loop } = engine.deck.run;
          for (let i = 0; i < 100; i++) { await sleep(20); frames.push(engine.shown.mediaTime); }
          engine.pause();
          return { when, length: loop.end - loop.start, frames, rate: engine.context.sampleRate };
        }"""
    )
    first, heard = measure.stop_recording(page)
    lap = round(run["length"] * run["rate"])
    start = round(run["when"] * run["rate"]) - first + SKIP
    return run["frames"], heard[start : start + lap], heard[start + lap : start + 2 * lap]


def test_a_loop_goes_round_to_the_sample_and_keeps_the_picture_inside(app: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(app))
    for _ in range(5):  # a busy machine loses blocks of a recording; a loop that is off is off every time
        frames, one, two = two_rounds(page)
        if same(one, two):
            break
    assert np.abs(one).max() > 0.01
    assert same(one, two)
    assert sum(1.1 < at < 1.8 for at in frames) > 0.5 * len(frames)


def test_switching_in_a_loop_does_not_restart_it(app: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(app))
    page.keyboard.press("l")
    wait_until_heard(page)
    before = state(page)
    page.keyboard.press("3")
    page.keyboard.press("b")
    page.keyboard.press("b")
    after = state(page)
    assert after["sound"] != before["sound"]
    assert (after["audible"], after["loop"]) == (before["audible"], before["loop"])


def test_half_speed_sounds_at_half_speed_and_says_that_the_pitch_drops(app: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(app), t=1.2)
    measure.start_recording(page)
    page.keyboard.press("r")
    expect(page.locator(".tp")).to_contain_text("0.5× (pitch drops)")
    run = page.evaluate(
        """async () => {
          const { engine } = __thud, { deck } = engine;
          engine.play();
          while (engine.playing && engine.position < 1.7) await sleep(20);
          const { when, offset } = deck.run, data = deck.buffers.get(engine.sound).getChannelData(0);
          engine.pause();
          return { when, offset, data: packed(data), rate: engine.context.sampleRate };
        }"""
    )
    first, heard = measure.stop_recording(page)
    start, at = (round(seconds * run["rate"]) for seconds in (run["when"], run["offset"]))
    source = measure.unpacked(run["data"])[at + SKIP // 2 :][:12_000]
    slowed = heard[start - first + SKIP :][:24_000]
    assert same(slowed[::2], source)


NO_GESTURE = """
const wait = setInterval(() => {
  const { engine } = window.__thud ?? {};
  if (!engine?.media || engine.deck.buffers.size < 7) return;
  clearInterval(wait);
  engine.setLoop({ start: 0, end: engine.duration });
  engine.play();
  const look = setInterval(() => {
    if (engine.shown.frame < 5) return;
    clearInterval(look);
    console.log("seen", document.querySelector(".cpg .tag.top.right").hidden, engine.deck.running);
  }, 50);
}, 50);
"""


@contextmanager
def a_browser_that_waits(chromium: Browser) -> Iterator[Page]:
    """As browsers are outside of tests: no sound before the user has clicked or pressed a key."""
    silent = [flag for flag in FLAGS if "autoplay" not in flag]
    strict = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=silent)
    yield strict.new_page()
    strict.close()


def test_sound_that_waits_for_a_gesture_joins_in_step(app: App, chromium: Browser) -> None:
    with a_browser_that_waits(chromium) as page:
        page.add_init_script(NO_GESTURE)  # from the page itself: what a test evaluates counts as a gesture
        with page.expect_console_message(lambda said: said.text.startswith("seen")) as said:
            page.goto(app.url + address(clip_page(app), t=0))
        assert said.value.text == "seen false false"
        page.mouse.click(700, 30)
        wait_until_heard(page)
        expect(page.get_by_text("Sound starts at your next click or key")).to_be_hidden()
        page.wait_for_function("Math.abs(__thud.engine.shown.mediaTime - __thud.engine.position) < 0.1")


# ---- clips that lack something


def test_a_clip_without_sound_plays_its_picture(walk: App, stay: Visit) -> None:
    page = open_clip(stay, clip_page(walk, SILENT))
    expect(page.get_by_text("This clip has no sound. The picture plays alone.")).to_be_visible()
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.shown.frame > 8")
    page.keyboard.press(" ")
    for key in ("b", "]", "1", "l", "l"):
        page.keyboard.press(key)
    assert state(page)["sound"] is None


def test_a_dropped_sound_stream_is_silent_and_plays(walk: App, stay: Visit) -> None:
    shown = clip_page(walk)
    page = open_clip(stay, shown, sound=sound_id(shown, "no stream"))
    expect(page.locator(".cpg .scene")).to_contain_text("hearing nothing: muted, no stream")
    measure.start_recording(page)
    page.keyboard.press(" ")
    wait_until_heard(page)
    page.wait_for_function("__thud.engine.position > 0.5")
    assert not np.any(measure.stop_recording(page)[1])


def test_a_sound_that_cannot_be_decoded_says_so_and_leaves_the_others(app: App, stay: Visit) -> None:
    shown = clip_page(app)
    ids = [row["id"] for row in shown["sounds"]]
    page = ready(stay("/clips?q=Clip+at+30"))
    page.route(f"**/{ids[2]}/people.flac", lambda route: route.fulfill(body=b"fLaC" + bytes(200)))
    cards(page).first.click()
    measure.prepare(page)
    page.keyboard.press("3")
    expect(page.get_by_text("This sound cannot be decoded here.")).to_be_visible()
    expect(page.get_by_role("radio", name="cannot play")).to_have_attribute("data-sound", ids[2])
    page.keyboard.press("2")
    page.keyboard.press(" ")
    wait_until_heard(page)
    assert page.evaluate("[...__thud.engine.deck.run.nodes.keys()].length") == len(ids) - 1


def test_a_sound_that_comes_late_joins_the_others_to_the_sample(app: App, stay: Visit) -> None:
    late = sound_id(clip_page(app), "delayed")
    page = ready(stay("/clips?q=Clip+at+30"))
    held = Held(page, f"**/{late}/people.flac")
    cards(page).first.click()
    page.wait_for_function("window.__thud?.engine.deck.buffers.size >= 7")
    page.evaluate(measure.HELPERS)
    measure.start_recording(page)
    page.evaluate("__thud.engine.setLoop({ start: 0, end: 2.9 }), __thud.engine.play()")
    wait_until_heard(page)
    page.locator(f"[role=radio][data-sound='{late}']").click()
    page.wait_for_function("document.querySelector('.cs [aria-checked=true]')")
    held.let_go()
    page.wait_for_function("id => __thud.engine.deck.run.nodes.has(id)", arg=late)
    start, at, data = page.evaluate(
        """async () => {
          const { deck, context, sound } = __thud.engine, rate = context.sampleRate;
          let at = 0, start = 0;
          do {
            await sleep(10);
            start = Math.round((context.currentTime + 0.1) * rate);
            at = Math.round(deck.positionAt(start / rate) * rate);
          } while (at < 0.2 * rate || at > 2 * rate);
          await sleep(500);
          press(" ");
          return [start, at, packed(deck.buffers.get(sound).getChannelData(0))];
        }"""
    )
    first, heard = measure.stop_recording(page)
    assert same(heard[start - first :][:9600], measure.unpacked(data)[at:][:9600])


# ---- coming and going


def test_many_clips_in_a_row_stay_right_and_within_bounds(walk: App, stay: Visit) -> None:
    order = clips_of(walk, "a", "walk")
    page = open_clip(stay, {"clip": order[0]}, kind=["a", "walk"])
    result = measure.next_clips(page, len(order) - 1, pause_ms=150)
    assert result["wrong"] == []
    assert result["videos"] == 1
    assert result["stats"]["clips"] <= 5 and result["stats"]["spare"] <= 5
    assert page.evaluate("__thud.clipId()") == order[-1]["id"]


def test_leaving_leaves_nothing_behind_and_coming_back_plays(app: App, stay: Visit) -> None:
    page = ready(stay("/clips?q=Clip+at+30"))
    for _ in range(2):
        cards(page).first.click()
        measure.prepare(page)
        page.keyboard.press(" ")
        wait_until_heard(page)
        page.keyboard.press("Escape")
        expect(page.locator(".clip-page")).to_have_count(0)
        assert page.evaluate("[__thud.prefetch.stats().clips, __thud.engine.playing]") == [0, False]
        page.keyboard.press(" ")
        page.keyboard.press("j")


def test_a_build_brings_its_sound_when_the_listener_pauses(app: App, stay: Visit) -> None:
    shown = clip_page(app, "Clip at vfr")
    heard, settings = sound_id(shown, "delayed"), {"shifts": [0.2], "mutes": [], "swap": False}
    page = open_clip(stay, shown, sound=heard, t=1.0)
    page.keyboard.press("l")
    wait_until_heard(page)
    page.evaluate("() => { window.was = __thud.engine.media; }")
    app.post("/api/build", {"clips": [shown["clip"]["id"]], "settings": settings})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(toast(page)).to_contain_text("Build soundtracks, 1 stimuli: done")
    assert page.evaluate("__thud.engine.playing && __thud.engine.media === was")
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.media && __thud.engine.media !== was")
    expect(page.get_by_role("radio", name="+0.200 s")).to_be_visible()
    assert state(page)["sound"] == heard
    assert 0.5 <= state(page)["position"] <= 2.9

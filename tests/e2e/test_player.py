"""The clip page in a real browser, on clips whose truth is exact: what is seen and heard, and that keys do it all."""

from __future__ import annotations

import csv
import io
import re
import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e import measure
from tests.e2e.conftest import FLAGS
from tests.e2e.player_harness import Harness

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with Harness(tmp_path_factory.mktemp("player")) as server:
        yield server


@pytest.fixture
def open_clip(chromium: Browser, harness: Harness) -> Iterator[Opener]:
    """Opens a clip's page; afterwards no page may have had an error, or have asked another machine for anything."""
    trouble: list[str] = []
    contexts = []

    def open_page(clip: int = 0, **query: object) -> Page:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda sent: trouble.append(sent.url) if not sent.url.startswith((harness.url, "blob:", "data:")) else None,
        )
        page.goto(harness.page(clip, **query))
        if "raw" not in query:
            measure.prepare(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def state(page: Page) -> dict[str, object]:
    return page.evaluate("__thud.engine.state()")


# ---- what is seen and heard


def test_switching_sounds_moves_no_sample(open_clip: Opener) -> None:
    toggles = ["original", "p0.6", "original", "swap", "m0.6", "p0.6", "original"]
    assert measure.switching(open_clip(0), toggles)["lags"] == [0] * len(toggles)


@pytest.mark.parametrize("clip", [0, 2, 3, 4], ids=["30", "24000/1001", "uneven", "25"])
def test_every_step_shows_the_neighbouring_source_frame(open_clip: Opener, clip: int) -> None:
    assert measure.steps(open_clip(clip), 25)["wrong"] == []


@pytest.mark.parametrize("clip", [0, 2, 3, 4], ids=["30", "24000/1001", "uneven", "25"])
def test_every_seek_shows_the_frame_on_screen_at_that_time(open_clip: Opener, clip: int) -> None:
    assert measure.seeks(open_clip(clip), 25)["wrong"] == []


def test_quick_steps_add_up_while_the_picture_is_behind(open_clip: Opener) -> None:
    page = open_clip(0)
    seen = page.evaluate(
        """async () => {
          for (let i = 0; i < 9; i++) press(".");
          await settled();
          return [onScreen() & 511, __thud.engine.frame];
        }"""
    )
    assert seen == [84 + 9, 84 + 9]


def test_picture_and_sound_meet_at_the_event(open_clip: Opener) -> None:
    late = measure.in_step(open_clip(0), plays=4, at_s=4.3)["event"]
    assert statistics.median(abs(ms) for ms in late) < 17  # half a frame; the benchmark prints what it really is


def test_pausing_stops_on_the_frame_last_seen(open_clip: Opener) -> None:
    page = open_clip(0)
    for _ in range(4):
        shown = page.evaluate(
            """async () => {
              const { engine } = __thud;
              engine.play(); await sleep(350); engine.pause(); await settled();
              return [onScreen() & 511, engine.frame, engine.position];
            }"""
        )
        assert shown[0] == shown[1]
        assert shown[2] == pytest.approx(shown[1] / 30)


def test_a_loop_goes_round_to_the_sample_and_keeps_the_picture_inside(open_clip: Opener) -> None:
    page = open_clip(1)
    measure.start_recording(page)
    run = page.evaluate(
        """async () => {
          const { engine } = __thud, frames = [];
          engine.setLoop({ start: 1.5, end: 2.0 }); engine.play();
          while (!engine.deck.running) await sleep(5);
          const { when, offset, loop } = engine.deck.run;
          for (let i = 0; i < 100; i++) { await sleep(20); frames.push(engine.shown.mediaTime); }
          engine.pause();
          return { when, offset, length: loop.end - loop.start, frames, rate: engine.context.sampleRate };
        }"""
    )
    first, heard = measure.stop_recording(page)
    lap = round(run["length"] * run["rate"])
    start = round(run["when"] * run["rate"]) - first + 2400
    one, two = heard[start : start + lap], heard[start + lap : start + 2 * lap]
    assert np.abs(one).max() > 0.01
    assert np.array_equal(one, two)
    assert sum(1.4 < at < 2.1 for at in run["frames"]) > 0.6 * len(run["frames"])


def test_switching_in_a_loop_does_not_restart_it(open_clip: Opener) -> None:
    page = open_clip(1)
    before, after = page.evaluate(
        """async () => {
          const { engine } = __thud;
          press("l"); while (!engine.deck.running) await sleep(5);
          const before = { ...engine.deck.run }; press("3"); await sleep(200); press("b"); await sleep(200);
          const after = { ...engine.deck.run }; engine.pause();
          return [[before.when, before.offset], [after.when, after.offset]];
        }"""
    )
    assert before == after


def test_half_speed_is_half_as_fast_and_says_that_the_pitch_drops(open_clip: Opener) -> None:
    page = open_clip(0)
    page.keyboard.press("r")
    expect(page.locator(".tp")).to_contain_text("0.5× (pitch drops)")
    moved = page.evaluate(
        """async () => {
          const { engine } = __thud;
          engine.play();
          while (!engine.deck.running) await sleep(5);
          const from = engine.position, began = performance.now();
          await sleep(800);
          return (engine.position - from) / (performance.now() - began) * 1000;
        }"""
    )
    assert moved == pytest.approx(0.5, abs=0.05)


NO_GESTURE = """
const wait = setInterval(() => {
  const { engine } = window.__thud ?? {};
  if (!engine?.media || engine.deck.buffers.size < 7) return;
  clearInterval(wait);
  engine.play();
  const hidden = () => document.querySelector(".scene .tag.top.right").hidden;
  const look = () => ({ hidden: hidden(), running: engine.deck.running, moved: engine.shown.frame > 5 });
  setTimeout(() => { window.before = look(); }, 900);
}, 50);
"""


def test_sound_that_waits_for_a_gesture_joins_in_step(chromium: Browser, harness: Harness) -> None:
    silent = [flag for flag in FLAGS if "autoplay" not in flag]
    strict = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=silent)
    page = strict.new_page()
    page.add_init_script(NO_GESTURE)  # from the page itself: what a test evaluates counts as a gesture
    page.goto(harness.page(0, t=0))
    page.wait_for_timeout(3000)
    assert page.evaluate("window.before") == {"hidden": False, "running": False, "moved": True}
    page.mouse.click(700, 30)
    page.wait_for_function("__thud.engine.deck.running")
    expect(page.get_by_text("Sound starts at your next click or key")).to_be_hidden()
    apart = page.evaluate("() => __thud.engine.shown.mediaTime - __thud.engine.position")
    strict.close()
    assert abs(apart) < 0.1


# ---- clips that lack something


def test_a_clip_without_sound_plays_its_picture(open_clip: Opener) -> None:
    page = open_clip(5)
    expect(page.get_by_text("This clip has no sound. The picture plays alone.")).to_be_visible()
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.shown.frame > 8")
    page.keyboard.press(" ")
    for key in ("b", "]", "1", "l", "Escape"):
        page.keyboard.press(key)
    assert state(page)["sound"] is None


def test_a_sound_that_cannot_be_decoded_says_so_and_leaves_the_others(open_clip: Opener) -> None:
    page = open_clip(6)
    page.keyboard.press("3")
    expect(page.get_by_text("This sound cannot be decoded here.")).to_be_visible()
    expect(page.get_by_role("radio", name="delayed cannot play")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.deck.running")
    assert page.evaluate("[...__thud.engine.deck.run.nodes.keys()]").count("m0.6") == 1


def test_a_dropped_sound_stream_is_silent_and_plays(open_clip: Opener) -> None:
    page = open_clip(6, sound="zero")
    expect(page.locator(".scene")).to_contain_text("hearing nothing: muted, digital silence")
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.deck.running")
    assert page.evaluate("__thud.engine.deck.run.nodes.has('zero')") is False


def test_an_unknown_clip_says_what_to_do(chromium: Browser, harness: Harness) -> None:
    page = chromium.new_page()
    page.goto(f"{harness.url}/clips?clip=ffffffffffffffff")
    expect(page.get_by_role("alert")).to_contain_text("go back to all clips")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.close()


def test_a_server_that_went_away_is_said_and_can_be_tried_again(chromium: Browser, harness: Harness) -> None:
    page = chromium.new_page()
    away = re.compile(r"/api/clips/0000000000000001")

    def refuse(route: Route) -> None:
        route.abort()

    page.route(away, refuse)
    page.goto(harness.page(1))
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    page.unroute(away, refuse)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hammer strikes the anvil")
    page.close()


# ---- keys, address, table


def test_everything_works_by_keyboard(open_clip: Opener) -> None:
    page = open_clip(0)
    press = page.keyboard.press
    press("3")
    assert state(page)["sound"] == "p0.6"
    press("b")
    assert state(page)["sound"] == "original"
    press("b")
    assert state(page)["sound"] == "p0.6"
    press("]")
    assert state(page)["sound"] == "p1.2"
    press("[")
    assert state(page)["sound"] == "p0.6"
    press(".")
    assert state(page)["frame"] == 85
    press(",")
    assert state(page)["frame"] == 84
    at = float(str(state(page)["position"]))
    press("ArrowRight")
    assert state(page)["position"] == pytest.approx(at + 0.01)
    press("Shift+ArrowLeft")
    assert state(page)["position"] == pytest.approx(at - 0.09)
    span = page.evaluate("__thud.timeline.view.end - __thud.timeline.view.start")
    press("+")
    assert page.evaluate("__thud.timeline.view.end - __thud.timeline.view.start") == pytest.approx(span * 0.6)
    press("-")
    press("l")
    assert state(page)["playing"] is True
    assert state(page)["loop"] == pytest.approx({"start": 3.8, "end": 5.423})
    press("l")
    press(" ")
    assert state(page)["playing"] is False and state(page)["loop"] is None
    press("j")
    expect(page.locator(".cpg .name")).to_have_text("hammer_0001")
    assert state(page)["sound"] == "p0.6"  # the like of what was heard on the clip before
    press("k")
    expect(page.locator(".cpg .name")).to_have_text("hammer_0000")
    press("k")
    expect(page.get_by_text("This is the first clip of the list.")).to_be_visible()
    press("Escape")
    assert page.evaluate("calls.at(-1)[0]") == "back"


def test_keys_are_silent_in_a_text_field_and_space_on_a_button_presses_it_once(
    open_clip: Opener, harness: Harness
) -> None:
    page = open_clip(0, sound="swap")
    before = state(page)
    page.get_by_role("button", name="Reject…").click()
    field = page.get_by_label("Reason")
    expect(field).to_be_focused()
    page.keyboard.type("b 3 j . l same sound")
    expect(field).to_have_value("b 3 j . l same sound")
    assert {k: state(page)[k] for k in ("sound", "frame", "playing")} == {
        k: before[k] for k in ("sound", "frame", "playing")
    }
    page.keyboard.press("Enter")
    expect(page.get_by_text("will not be used for this clip again")).to_be_visible()
    assert harness.app.state.rejected[-1] == {"clip": f"{0:016x}", "donor": "ab" * 8, "reason": "b 3 j . l same sound"}
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press(" ")
    assert state(page)["playing"] is True


def test_the_address_brings_back_clip_sound_and_moment(open_clip: Opener) -> None:
    page = open_clip(2)
    page.keyboard.press("2")
    for _ in range(3):
        page.keyboard.press(".")
    page.wait_for_function("location.search.includes('t=')")
    page.wait_for_timeout(400)
    was = state(page)
    page.reload()
    measure.prepare(page)
    page.evaluate("settled()")
    now = state(page)
    assert (now["sound"], now["frame"]) == (was["sound"], was["frame"])
    assert page.evaluate("onScreen() & 511") == was["frame"]


def test_the_proof_table_says_verified_failed_and_refused_in_words(open_clip: Opener) -> None:
    page = open_clip(6)
    table = page.get_by_role("region", name="Soundtracks and their proof, table")
    expect(table.locator("tbody tr")).to_have_count(8)
    expect(table.locator("tbody tr", has_text="+1.200 s")).to_contain_text("failed")
    expect(table.locator("tbody tr", has_text="+1.200 s")).to_contain_text("3 samples off")
    expect(table.locator("tbody tr", has_text="−7.000 s")).to_contain_text("refused")
    expect(table.locator("tbody tr", has_text="−7.000 s")).to_contain_text("the event would leave the clip by")
    table.locator("tbody tr", has_text="−0.600 s").click()
    assert state(page)["sound"] == "m0.6"
    expect(table.locator("tr[aria-selected=true]")).to_contain_text("early")
    expect(page.locator(".said")).to_contain_text("measured −0.6000 s")


def test_the_table_can_be_saved_as_csv(open_clip: Opener) -> None:
    page = open_clip(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    assert len(rows) == 8
    assert [row["verdict"] for row in rows].count("verified") == 7
    assert next(row for row in rows if row["sound"] == "m0.6")["offset_s"] == "-0.6"
    assert rows[-1]["note"].startswith("the event would leave")


def test_a_clip_with_nothing_built_offers_to_build(open_clip: Opener) -> None:
    page = open_clip(7)
    expect(page.get_by_text("Nothing is built for this clip yet.")).to_be_visible()
    page.get_by_role("button", name="Build soundtracks…").last.click()
    assert page.evaluate("calls.at(-1)") == ["build", f"{7:016x}"]


# ---- timeline


def test_a_click_seeks_and_a_drag_scrolls(open_clip: Opener) -> None:
    page = open_clip(0)
    box = page.locator(".cv").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 150
    view = page.evaluate("__thud.timeline.view")
    page.mouse.click(x, y)
    assert state(page)["position"] == pytest.approx((view["start"] + view["end"]) / 2, abs=0.005)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y, steps=4)
    page.mouse.up()
    moved = page.evaluate("__thud.timeline.view")
    assert moved["start"] == pytest.approx(view["start"] - 200 * (view["end"] - view["start"]) / box["width"], abs=0.01)


def test_a_shift_drag_selects_and_the_loop_takes_the_selection(open_clip: Opener) -> None:
    page = open_clip(0)
    box = page.locator(".cv").bounding_box()
    assert box is not None
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 150, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    chosen = page.evaluate("__thud.timeline.selection")
    page.keyboard.press("l")
    assert state(page)["loop"] == pytest.approx(chosen)


def test_the_playhead_is_a_slider_with_words(open_clip: Opener) -> None:
    head = open_clip(0).get_by_role("slider", name="Playhead")
    expect(head).to_have_attribute("aria-valuetext", "2.800 seconds, frame 84")
    expect(head).to_have_attribute("aria-valuemax", "8.000")


def test_another_theme_redraws_the_canvas(open_clip: Opener) -> None:
    page = open_clip(0)
    ink = """async () => {
      await nextPaint();
      const c = document.querySelector(".cv canvas"), brush = c.getContext("2d");
      const { data } = brush.getImageData(0, c.height - 20, c.width, 1);
      const reds = [...data].filter((v, i) => i % 4 === 0 && data[i + 3] > 60);
      return reds.reduce((sum, red) => sum + red, 0) / reds.length;
    }"""
    bright = page.evaluate(ink)
    page.evaluate("async () => { document.documentElement.dataset.theme = 'light'; await sleep(200); }")
    assert bright > 150 > 100 > page.evaluate(ink)


def test_a_reload_after_a_build_keeps_sound_and_moment_and_waits_for_the_listener(open_clip: Opener) -> None:
    page = open_clip(0, sound="p0.6", t=3.0)
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.deck.running")
    page.evaluate("() => { window.was = __thud.engine.media; window.page.reload(); }")
    assert page.evaluate("__thud.engine.playing && __thud.engine.media === was")
    page.keyboard.press(" ")
    page.wait_for_function("__thud.engine.media && __thud.engine.media !== was")
    assert state(page)["sound"] == "p0.6"
    assert 3.0 <= float(str(state(page)["position"])) < 8


# ---- many clips


def test_many_clips_in_a_row_stay_right_and_within_bounds(open_clip: Opener) -> None:
    result = measure.next_clips(open_clip(8), count=15, pause_ms=150)
    assert result["wrong"] == []
    assert result["videos"] == 1
    assert result["stats"]["clips"] <= 5 and result["stats"]["spare"] <= 5


def test_leaving_the_page_leaves_nothing_behind(open_clip: Opener) -> None:
    page = open_clip(0)
    page.keyboard.press(" ")
    page.evaluate("() => { window.page.destroy(); }")
    assert page.evaluate(
        "[document.querySelector('#root').childElementCount, __thud.prefetch.stats().clips, __thud.engine.playing]"
    ) == [0, 0, False]
    page.keyboard.press(" ")
    page.keyboard.press("j")

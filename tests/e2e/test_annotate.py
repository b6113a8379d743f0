"""The Annotate page on the real app: marks by keyboard, exact to the frame, blind first, and others' beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.annotate import (
    HOSTILE,
    all_sent,
    annotating_app,
    bring,
    cards,
    clip_called,
    clip_id,
    draft,
    frame_times,
    history,
    mine,
    open_bench,
    place,
    prepare,
    press,
    row,
    save_state,
    title,
    to_next,
)
from tests.e2e.app_server import App
from tests.e2e.conftest import visiting
from tests.e2e.page import Visit, toast

pytestmark = pytest.mark.alone

FITS = """() => [document.documentElement, document.querySelector('.wb'), document.querySelector('.wb .side')]
    .every((node) => node.scrollHeight <= node.clientHeight && node.scrollWidth <= node.clientWidth)"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with annotating_app(tmp_path_factory.mktemp("annotate"), 24) as running:
        yield running


@pytest.fixture
def visit_desk(desk: App, window: BrowserContext) -> Iterator[Visit]:
    with visiting(desk, window) as open_page:
        yield open_page


@pytest.fixture
def visit_conflict(desk: App, window: BrowserContext) -> Iterator[Visit]:
    """As `visit_desk`, for a test in which the app refuses something."""
    with visiting(desk, window, faults=True) as open_page:
        yield open_page


# ---- marks


def test_clips_are_resolved_by_keyboard_alone(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    before = set(mine(desk))
    done = []
    for frames in (3, 5, 7):
        place(page, frames)
        done.append((to_next(page), frames))
    expect(save_state(page)).to_have_text(re.compile(r"^Saved \d\d:\d\d:\d\d$"))
    all_sent(page)
    saved = mine(desk)
    assert set(saved) - before == {clip for clip, _ in done}
    for clip, frames in done:
        assert saved[clip]["visual_s"] == pytest.approx(frame_times(desk, clip)[frames], abs=1e-6)
        assert saved[clip]["audio_s"] == pytest.approx(saved[clip]["visual_s"] + 0.01, abs=1e-6)
        assert saved[clip]["detail"]["how"] == {"visual": "paused", "audio": "paused"}
        assert saved[clip]["detail"]["machine"] == page.evaluate("localStorage.getItem('thud.machine')")
    expect(page.locator(".pgs")).to_contain_text(f"{len(saved)} of ")


@pytest.mark.parametrize("variant", ["30", "23.976", "vfr"])
def test_a_paused_mark_is_the_frame_on_screen(desk: App, visit_desk: Visit, variant: str) -> None:
    clip = clip_called(desk, f"Built at {variant}")
    page = open_bench(visit_desk, clip=clip)
    times = frame_times(desk, clip)
    for steps in (["."] * 11, ["."] * 4, [","] * 7, ["ArrowRight", "Shift+ArrowRight"]):
        press(page, *steps)
        page.evaluate("settled()")
        press(page, "v")
        assert draft(page)["visual_s"] == pytest.approx(times[page.evaluate("onScreen()")], abs=1e-6)


def test_a_mark_while_playing_is_the_frame_last_shown_and_the_sound_heard(desk: App, visit_desk: Visit) -> None:
    clip = clip_called(desk, "Built at 30")
    page = open_bench(visit_desk, clip=clip)
    press(page, " ")
    page.wait_for_function("__thud.engine.deck.running && __thud.engine.position > 0.5")
    # the page's own clock says what was shown and audible when the key went down
    seen = page.evaluate("""() => {
        const { engine } = __thud, shown = engine.shown.frame;
        press("v");
        const event = keydown("a"), heard = engine.positionAt(event.timeStamp);
        document.body.dispatchEvent(event);
        return { shown, heard };
    }""")
    now = draft(page)
    assert now["visual_s"] == pytest.approx(frame_times(desk, clip)[seen["shown"]], abs=1e-6)
    assert now["audio_s"] == pytest.approx(seen["heard"], abs=2e-3)
    assert now["how"] == {"visual": "playing", "audio": "playing"}
    assert abs(page.evaluate("onScreen()") - seen["shown"]) < 90


def test_what_the_machine_and_the_hand_are_late_is_taken_off_while_playing_only(desk: App, visit_desk: Visit) -> None:
    clip = clip_called(desk, "Built at 30")
    page = open_bench(visit_desk, clip=clip)
    machine = "0123456789abcdef"
    page.evaluate("id => localStorage.setItem('thud.machine', id)", machine)
    measured = {
        "machine": machine,
        "sound_late_ms": 120,
        "spread_ms": 5,
        "taps": [],
        "delayed": True,
        "reaction_ms": 200,
    }
    desk.post("/api/calibration", measured)
    try:
        page.reload()
        prepare(page)
        press(page, " ")
        page.wait_for_function("__thud.engine.deck.running && __thud.engine.position > 1")
        heard_s, frame = page.evaluate("""() => {
            const { engine } = __thud, event = keydown("a");
            const now = [engine.positionAt(event.timeStamp), engine.shown.frame];
            document.body.dispatchEvent(event);
            press("v");
            return now;
        }""")
        now = draft(page)
        assert now["audio_s"] == pytest.approx(heard_s - 0.32, abs=2e-3)
        assert now["visual_s"] == pytest.approx(frame_times(desk, clip)[frame - 6], abs=1e-6)
        assert now["taken"] == {"visual": 200, "audio": 320}
        press(page, " ", "a")
        assert draft(page)["taken"]["audio"] == 0
        assert draft(page)["audio_s"] == pytest.approx(page.evaluate("__thud.engine.position"), abs=1e-6)
    finally:
        desk.post(
            "/api/calibration", {"machine": machine, "sound_late_ms": 0, "spread_ms": 0, "taps": [], "delayed": False}
        )


def test_no_sound_mark_while_an_edited_sound_is_heard(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk, clip=clip_called(desk, "Built at 30"))
    press(page, "b", "a")
    expect(toast(page)).to_contain_text("Marks are times of the original")
    expect(toast(page)).to_contain_text("Press b for the original, then a.")
    assert draft(page)["audio_s"] is None
    press(page, "b", "a")
    assert draft(page)["audio_s"] == 0


def test_markers_are_sliders_that_step_and_snap(desk: App, visit_desk: Visit) -> None:
    clip = clip_called(desk, "Built at 23.976")
    page = open_bench(visit_desk, clip=clip)
    times = frame_times(desk, clip)
    place(page, 12)
    frame = page.evaluate("__thud.bench.frame") + 11
    slider = page.get_by_role("slider", name="Your picture time")
    slider.focus()
    press(page, "ArrowRight", "ArrowRight", "ArrowLeft", "Shift+ArrowRight")
    assert draft(page)["visual_s"] == pytest.approx(times[frame], abs=1e-6)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"seconds, frame {frame}$"))
    page.get_by_role("slider", name="Your sound time").focus()
    before = draft(page)["audio_s"]
    press(page, "ArrowRight")
    assert draft(page)["audio_s"] == pytest.approx(before + 0.01, abs=1e-6)
    _drag(page, ".lane.picture .mk.human", 333)
    dragged = draft(page)
    assert min(abs(dragged["visual_s"] - time_s) for time_s in times) < 1e-6
    assert dragged["visual_s"] > times[frame] + 0.1
    assert dragged["how"]["visual"] == "dragged"
    press(page, "u")
    assert draft(page)["visual_s"] == pytest.approx(times[frame], abs=1e-6)


def _drag(page: Page, what: str, by_px: int) -> None:
    box = page.locator(what).bounding_box()
    assert box
    x, y = box["x"] + 6, box["y"] + 6
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + by_px * step / 5, y)
    page.mouse.up()


# ---- others' marks


def test_models_marks_are_not_even_sent_before_both_own_times_are_set(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    first_marks = len(history(desk, clip, "first_mark"))
    told = desk.post("/api/tasks", {"count": 0, "have": [], "clip": clip})["tasks"][0]
    assert (told["marks"], told["reasons"], told["checks"]) == ([], [], [])
    expect(page.locator(".wb")).to_contain_text("blind first mark")
    expect(row(page, "Gemini")).to_contain_text("hidden")
    press(page, "1", "Shift+1")
    expect(toast(page)).to_contain_text("hidden until both of your times are set")
    press(page, ".", "v")
    expect(row(page, "Gemini")).to_contain_text("hidden")
    press(page, "n")
    expect(row(page, "Gemini")).to_contain_text("0.310")
    expect(page.locator(".wb .models .mk")).to_have_count(6)
    seen_s = frame_times(desk, clip)[1]
    assert draft(page)["first"] == pytest.approx({"visual_s": seen_s, "audio_s": None}, abs=1e-6)
    assert len(history(desk, clip, "first_mark")) == first_marks + 1
    press(page, "n", "ArrowRight", "a")
    to_next(page)
    all_sent(page)
    saved = mine(desk)[clip]
    assert saved["detail"]["first"]["audio_s"] is None
    assert saved["audio_s"] is not None


def test_a_models_times_are_accepted_by_key(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    place(page)
    expect(row(page, "Gemini")).to_contain_text("0.310")
    press(page, "2", "Shift+1")
    assert (draft(page)["visual_s"], draft(page)["audio_s"]) == (0.9, 0.35)
    press(page, "Shift+2")
    expect(toast(page)).to_contain_text("GPT has not placed the sound")
    press(page, "1", "Shift+4")
    expect(row(page, "You")).to_contain_text("0.310")
    expect(row(page, "GPT").locator(".out")).to_have_count(0)
    to_next(page)
    all_sent(page)
    saved = mine(desk)[clip]
    assert (saved["visual_s"], saved["audio_s"]) == (0.31, 0.402)
    assert saved["detail"]["how"] == {"visual": "accepted:gemini", "audio": "accepted:signal"}


def test_hostile_words_stay_words(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    bring(
        desk,
        [
            {
                "clip": clip,
                "annotator": HOSTILE,
                "visual_s": 0.5,
                "audio_s": 0.5,
                "confidence": HOSTILE,
                "detail": {"sentence": HOSTILE},
            }
        ],
    )
    while desk.post("/api/tasks", {"count": 0, "clip": clip})["tasks"][0]["hidden"] < 5:
        page.wait_for_timeout(100)
    place(page)
    expect(row(page, "<img src=x")).to_be_visible()
    press(page, "t")
    page.keyboard.type(HOSTILE)
    press(page, "Enter")
    to_next(page)
    all_sent(page)
    page.goto(f"{desk.url}/annotate?clip={clip}")
    prepare(page)
    press(page, "h")
    expect(page.locator(".hist")).to_contain_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".wb img").count() == 0


# ---- what becomes of it


def test_nothing_is_saved_before_both_times_are_set(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    press(page, "Enter")
    expect(toast(page)).to_contain_text("The picture is not set yet")
    press(page, "v", "Enter")
    expect(toast(page)).to_contain_text("The sound is not set yet")
    assert (clip_id(page), page.evaluate("__thud.outbox.entries.size")) == (clip, 0)
    expect(page.get_by_role("button", name="Save and next")).to_have_attribute("aria-disabled", "true")


def test_a_draft_survives_a_reload(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    place(page, 4)
    press(page, "t")
    page.keyboard.type("behind the hand")
    press(page, "Escape")
    expect(save_state(page)).to_have_text("Draft kept on this machine")
    kept = draft(page)
    page.reload()
    prepare(page)
    now = draft(page)
    assert clip_id(page) == clip
    assert [now[key] for key in ("visual_s", "audio_s", "note")] == [
        kept[key] for key in ("visual_s", "audio_s", "note")
    ]
    expect(page.get_by_label("Note for the adjudicator")).to_have_value("behind the hand")
    expect(row(page, "Gemini")).to_contain_text("0.310")
    press(page, "u")
    assert draft(page)["audio_s"] is None


def test_undo_goes_back_step_by_step_and_then_takes_the_last_save_back(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    press(page, ".", "v", ".", "v")
    press(page, "u")
    assert draft(page)["visual_s"] == pytest.approx(frame_times(desk, clip_id(page))[1], abs=1e-6)
    press(page, "ArrowRight", "a")
    kept = draft(page)
    clip = to_next(page)
    all_sent(page)
    assert clip in mine(desk)
    press(page, "u")
    page.wait_for_function("was => __thud.clipId() === was", arg=clip)
    page.wait_for_function("__thud.queue.current.mine === null && !__thud.outbox.sending")
    expect(title(page)).not_to_be_empty()
    assert (draft(page)["visual_s"], draft(page)["audio_s"]) == (kept["visual_s"], kept["audio_s"])
    _until_gone(page, desk, clip)
    assert history(desk, clip, "submit_mark")[0]["undone_by"] == "local"
    to_next(page)
    all_sent(page)
    assert mine(desk)[clip]["visual_s"] == kept["visual_s"]


def _until_gone(page: Page, desk: App, clip: str) -> None:
    for _ in range(100):
        if clip not in mine(desk):
            return
        page.wait_for_timeout(50)
    raise AssertionError("the save was not taken back")


def test_undo_finds_the_last_save_after_a_reload(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    place(page)
    kept = draft(page)
    clip = to_next(page)
    all_sent(page)
    expect(page).to_have_url(re.compile(f"clip={clip_id(page)}"))
    page.reload()
    prepare(page)
    press(page, "u")
    page.wait_for_function("was => __thud.clipId() === was && __thud.bench.bundle", arg=clip)
    assert clip not in mine(desk)
    assert draft(page)["visual_s"] == kept["visual_s"]


def test_a_clip_is_discarded_with_a_reason(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    press(page, "d", "Enter")
    expect(page.get_by_role("alert").filter(has_text="Choose a reason")).to_be_visible()
    press(page, "2", "Enter")
    page.wait_for_function("was => __thud.clipId() !== was", arg=clip)
    all_sent(page)
    saved = mine(desk)[clip]
    assert (saved["verdict"], saved["reason"]) == ("discarded", "Sound weak, masked or not tied to the picture")
    assert (saved["visual_s"], saved["audio_s"]) == (None, None)
    expect(toast(page)).to_contain_text("discarded: Sound weak")


def test_a_skipped_clip_goes_back_unmarked(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = to_next(page, "s")
    assert clip not in mine(desk)
    page.wait_for_function("was => !__thud.queue.held().includes(was) && !__thud.queue.skipped.has(was)", arg=clip)
    assert len(history(desk, clip, "skip_clip")) == 1


# ---- keys


def test_keys_are_changed_and_silent_while_somebody_types(desk: App, visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    clip = clip_id(page)
    press(page, "t")
    page.keyboard.type("v a n s d 1 u b")
    assert (clip_id(page), draft(page)["visual_s"], draft(page)["note"]) == (clip, None, "v a n s d 1 u b")
    press(page, "Enter", "?")
    page.get_by_role("button", name=re.compile("^Picture event is here")).click()
    press(page, "x")
    press(page, "Escape")
    expect(page.locator(".you kbd").first).to_have_text("x")
    press(page, "v")
    assert draft(page)["visual_s"] is None
    press(page, "x")
    assert draft(page)["visual_s"] == 0
    press(page, "?")
    page.get_by_label("Keys off").check()
    press(page, "Escape", "u")
    assert draft(page)["visual_s"] == 0
    expect(page.locator(".foot-keys")).to_contain_text("keys off")


def test_digits_go_by_their_place_whatever_shift_types(visit_desk: Visit) -> None:
    page = open_bench(visit_desk)
    place(page)
    expect(row(page, "Gemini")).to_contain_text("0.310")
    for key, code, shift in (("!", "Digit1", True), ("&", "Digit2", False)):
        page.evaluate(
            "(init) => document.body.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true }))",
            {"key": key, "code": code, "shiftKey": shift},
        )
    assert (draft(page)["visual_s"], draft(page)["audio_s"]) == (0.9, 0.35)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_the_page_never_scrolls(desk: App, visit_desk: Visit, size: tuple[int, int]) -> None:
    page = open_bench(visit_desk, clip=clip_called(desk, "Built at 30"))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    place(page)
    expect(row(page, "Gemini")).to_contain_text("0.310")
    page.wait_for_function(FITS)
    for part in (".act", ".foot-keys", ".tl", ".mt .you"):
        box: Any = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= size[1]


# ---- deciding


def test_an_adjudicator_sees_all_and_decides_and_overwrites_nobody(desk: App, visit_conflict: Visit) -> None:
    free = [card["id"] for card in cards(desk) if card["title"].startswith("Queue") and card["id"] not in mine(desk)]
    people = [("ana", 0.3, 0.31, "placed"), ("ben", 0.7, None, "no_sound")]
    for clip in free[:2]:
        rows = [dict(zip(("annotator", "visual_s", "audio_s", "verdict"), row, strict=True)) for row in people]
        bring(desk, [{"clip": clip, "person": True, **each} for each in rows])
    page = open_bench(visit_conflict, "/annotate?adjudicate=1")
    expect(row(page, "ben")).to_contain_text("no sound")
    assert clip_id(page) in free[:2]
    press(page, page.evaluate("__thud.bench.rows.find((row) => row.label === 'ana').key"), "Shift+4")
    first = to_next(page)
    expect(save_state(page)).to_have_text(re.compile("^Saved"))
    assert _decisions(desk, first)[0]["what"] == "Event times by adjudicated: picture 0.300 s, sound 0.402 s"

    second = clip_id(page)
    decision = {"clip": second, "visual_s": 0.5, "audio_s": 0.6, "verdict": "placed", "reason": "", "expects": 0}
    desk.post("/api/tasks/adjudicate", decision)
    press(page, "1", "Shift+1", "Enter")
    expect(page.get_by_role("heading", name="Nothing to adjudicate")).to_be_visible()
    expect(save_state(page)).to_contain_text("Changed by local at")
    assert len(_decisions(desk, second)) == 1
    page.get_by_role("button", name="Compare the two").click()
    expect(page.get_by_role("dialog")).to_contain_text("picture 0.500 s, sound 0.600 s")
    page.get_by_role("button", name="Put mine in force").click()
    expect(save_state(page)).to_have_text(re.compile("^Saved"))
    assert _decisions(desk, second)[0]["what"] == "Event times by adjudicated: picture 0.310 s, sound 0.350 s"


def _decisions(desk: App, clip: str) -> list[dict[str, Any]]:
    return [event for event in history(desk, clip, "set_times") if "adjudicated" in event["what"]]

"""The Train page in a real browser: runs written by hand for what it shows, and one real training of `tiny`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.app_server import App, running_module
from tests.e2e.page import WIDER, WORK_MS, Visit, toast
from tests.e2e.train_page import LONG_MS, Hand, chart, head, line, panel, ready
from tests.train_kit import add_lines, journal

# ---------- runs that were written by hand ----------


def test_every_run_says_in_a_word_how_it_stands(hand: Hand) -> None:
    page = hand.open()
    said = {
        "dpo-0005": ("done", "20 of 20"), "dpo-0004": ("running", "25 of 40"), "sft-0003": ("failed", "7 of 40"),
        "sft-0002": ("stopped at 18", "18 of 40"), "sft-0001": ("done", "40 of 40"),
    }  # fmt: skip
    for name, (state, steps) in said.items():
        expect(line(page, name)).to_contain_text(state)
        expect(line(page, name)).to_contain_text(steps)
    expect(line(page, "sft-0001")).to_contain_text("95.0")
    expect(line(page, "sft-0001")).to_contain_text("+70.0")
    expect(line(page, "sft-0003").get_by_role("button", name="Resume sft-0003")).to_be_visible()
    expect(line(page, "sft-0003")).to_contain_text("out of memory")


def test_the_address_names_the_run(hand: Hand) -> None:
    page = hand.open()
    expect(line(page, "dpo-0005")).to_have_attribute("aria-selected", "true")
    line(page, "sft-0002").click()
    expect(page).to_have_url(re.compile(r"\?run=sft-0002$"))
    page.keyboard.press("j")
    expect(head(page).get_by_role("heading")).to_have_text("sft-0001")
    page.go_back()
    expect(head(page).get_by_role("heading")).to_have_text("sft-0002")
    page.reload()
    expect(head(ready(page)).get_by_role("heading")).to_have_text("sft-0002")
    expect(page.locator(".how1")).to_contain_text("checkpoint of step 10")
    expect(head(page)).to_contain_text("0.3 GB")
    expect(head(page)).not_to_contain_text("expected")  # on a processor the libraries are held too


def test_a_run_that_is_not_there_is_said_and_nothing_else_is_touched(hand: Hand) -> None:
    page = hand.open("/train?run=sft-0099")
    expect(
        page.locator("#view").get_by_role("status").filter(has_text="There is no run sft-0099 (yet).")
    ).to_be_visible()
    expect(head(page)).to_be_hidden()
    expect(page.locator("tr[aria-selected=true]")).to_have_count(0)
    page.keyboard.press("s")
    page.keyboard.press("j")
    expect(head(page).get_by_role("heading")).to_have_text("dpo-0005")


def test_a_key_that_is_held_down_stops_once_and_only_one_button_stops_at_once(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0004")
    sent: list[Any] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json={"run": "", "title": ""})  # of a run by hand no worker could be stopped

    page.route("**/stop", answer)
    expect(head(page).get_by_role("button", name="Stop and keep")).to_be_visible()
    page.keyboard.down("s")
    for _ in range(3):
        page.keyboard.down("s")
    page.keyboard.up("s")
    page.wait_for_timeout(300)  # for what must not come
    assert sent == [{}]


def test_lines_that_come_after_another_run_was_chosen_are_not_taken(hand: Hand) -> None:
    page, held = hand.open("/train?run=sft-0001"), list[Route]()
    expect(chart(page, "Loss")).to_be_visible()
    path = f"**/runs/{hand.folder('dpo-0004').name}?offset="
    page.route(path, lambda route: route.continue_() if held else held.append(route))
    line(page, "dpo-0004").click()
    page.wait_for_timeout(200)
    line(page, "sft-0002").click()
    expect(head(page)).to_contain_text("step 18 of 40")
    with page.expect_response(re.compile("offset=$")):
        line(page, "dpo-0004").click()
    expect(chart(page, "Preference margin")).to_be_visible()
    assert len(held) == 1
    with page.expect_response(re.compile("offset=$")):
        held[0].continue_()
    page.wait_for_timeout(300)
    drawn = chart(page, "Loss").locator("path").first.get_attribute("d") or ""
    assert drawn.count("L") == 24, "each of the 25 steps once"


def test_charts_show_the_values_of_a_step(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0004")
    for title in ("Loss", "Preference margin", "Log-probability", "Held-out accuracy"):
        expect(chart(page, title)).to_be_visible()
    loss = chart(page, "Loss")
    loss.focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wanted = next(one for one in journal(25, 40, dpo=True) if one.get("step") == 3)
    expect(loss).to_have_attribute("aria-valuetext", re.compile(f"step 3: loss {wanted['loss']:.3f}"))
    expect(chart(page, "Preference margin")).to_have_attribute("aria-valuetext", re.compile("margin 0.150"))
    held_out = chart(page, "Held-out accuracy")
    expect(held_out.locator(".ce")).to_have_text(["original 100", "early 30", "delayed 20", "muted 60", "all 60"])
    assert loss.locator(".pt").count() == 3, "a ring for each held-out round"


def test_what_is_written_meanwhile_appears_and_a_run_that_went_back_is_drawn_anew(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0004")
    expect(head(page)).to_contain_text("step 25 of 40")
    other = line(page, "sft-0003").get_by_role("button", name="Resume sft-0003").element_handle()
    folder = hand.folder("dpo-0004")
    kept = (folder / "metrics.jsonl").read_text()
    add_lines(folder, [{"event": "step", "step": 31, "of": 40, "loss": 0.25, "margin": 9.0, "seconds": 0.5}])
    expect(head(page)).to_contain_text("step 31 of 40")
    expect(line(page, "dpo-0004")).to_contain_text("31 of 40")
    assert other and other.evaluate("(node) => node.isConnected"), "what has not changed is not made anew"
    expect(chart(page, "Loss")).to_have_attribute("aria-valuetext", re.compile("step 31: loss 0.250"))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in journal(12, 40, dpo=True)))
    expect(head(page)).to_contain_text("step 12 of 40")
    expect(chart(page, "Loss")).to_have_attribute("aria-valuetext", re.compile("step 12"))
    drawn = chart(page, "Loss").locator("path").first.get_attribute("d") or ""
    assert drawn.count("L") == 11, "of what was taken back nothing is drawn"
    (folder / "metrics.jsonl").write_text(kept)


def test_an_alert_shows_where_it_began(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0004")
    alert = page.locator(".run1 .note.warn")
    expect(alert).to_contain_text("less likely, by 0.61 nats")
    alert.get_by_role("button", name="Show where it began").click()
    expect(page.locator(".chart1[aria-label='Log-probability'] .ph")).to_contain_text("step 21")


def test_a_failure_says_what_happened_what_to_do_and_what_the_log_holds(hand: Hand) -> None:
    page = hand.open("/train?run=sft-0003")
    expect(page.locator(".how1 .note.bad")).to_contain_text("Memory did not suffice")
    expect(page.locator(".how1 .note.bad")).to_contain_text("begins anew")
    page.locator(".how1").get_by_role("button", name="Log, the last lines").click()
    expect(page.get_by_label("Log", exact=True)).to_contain_text("last words")


def test_the_settings_of_a_run_are_taken_over(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0004")
    head(page).get_by_role("button", name="More about dpo-0004").click()
    page.get_by_role("button", name="Same settings, as a new run").click()
    form = panel(page, "New run")
    expect(form.get_by_role("radio", name="DPO")).to_have_attribute("aria-checked", "true")
    expect(form.get_by_role("textbox", name="Learning rate")).to_have_value("2e-3")
    expect(form.get_by_role("button", name="Pairs: by-hand")).to_be_visible()
    page.reload()
    expect(panel(ready(page), "New run").get_by_role("textbox", name="Learning rate")).to_have_value("2e-3")


def test_a_run_is_deleted_only_when_nothing_goes_on_from_it(hand: Hand) -> None:
    page = hand.open("/train?run=sft-0001")
    head(page).get_by_role("button", name="More about sft-0001").click()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("dpo-0005 went on from it")
    expect(dialog.get_by_role("button", name=re.compile("^Delete"))).to_be_disabled()
    page.keyboard.press("Escape")


def test_the_card_holds_everyone_against_the_same_items_and_both_controls(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0005")
    card = panel(page, "Before and after, the same held-out items")
    table = card.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_contain_text(
        ["right, %", "before", "after SFT", "after DPO", "change"]
    )
    rows = table.locator("tbody tr")
    expect(rows.first).to_contain_text(re.compile(r"25\.0.*100\.0.*100\.0.*\+75\.0"))
    expect(rows).to_have_count(5)
    side = card.locator(".bx")
    expect(side).to_contain_text("what the sound alone allows")
    expect(side).to_contain_text(re.compile(r"another clip’s picture\s*50\.0"))
    expect(side).to_contain_text(re.compile(r"Yes\. It gains 75 points"))
    expect(side).to_contain_text("Not asked with another clip’s picture: before.")
    expect(card.locator(".cav")).to_contain_text("nothing about real video")
    with page.expect_download() as got:
        card.get_by_role("link", name="CSV").click()
    assert got.value.suggested_filename.endswith(".csv")
    assert "verdict,Yes.," in Path(got.value.path()).read_text()
    items = rows.nth(2).get_by_role("link", name="items").get_attribute("href") or ""
    compare = card.get_by_role("link", name="Results").get_attribute("href") or ""
    assert "condition%3Dearly" in items and "view=compare" in compare


def test_results_open_where_the_card_points(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0005")
    panel(page, "Before and after, the same held-out items").get_by_role("link", name="Results").click()
    expect(page.get_by_role("heading", name="Is the difference real?")).to_be_visible(timeout=WORK_MS)
    expect(page.locator("#view")).to_contain_text("tiny dpo-0005")


def test_the_one_button_shows_what_it_has_taught(hand: Hand) -> None:
    page = hand.open("/train?run=sft-0002")
    strip = panel(page, "Teach tiny to listen")
    expect(strip).to_contain_text("done")
    strip.get_by_role("button", name="Show what it learnt").click()
    expect(page).to_have_url(re.compile("run=dpo-0005"))
    strip.get_by_role("button", name="Hide").click()
    expect(strip).to_be_hidden()
    page.reload()
    expect(panel(ready(page), "Runs")).to_be_visible()
    expect(strip).to_be_hidden()
    expect(page.get_by_role("button", name="Teach tiny to listen")).to_be_enabled()


def test_a_setting_that_cannot_be_is_told_beside_its_field(hand: Hand) -> None:
    page = hand.open()
    form, before = panel(page, "New run"), panel(page, "Before you start")
    form.get_by_role("button", name=re.compile("^Pairs: ")).click()
    page.get_by_role("button", name="Another folder…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("/nowhere")
    page.keyboard.press("Enter")
    expect(before).to_contain_text("/nowhere is no export for TRL", timeout=WORK_MS)
    expect(before).to_contain_text("1 stops it")
    form.locator("summary").click()
    form.get_by_role("textbox", name="All other settings, YAML").fill("seed: [1")
    expect(before).to_contain_text("no YAML in line 1", timeout=WORK_MS)
    expect(panel(page, "What will run").get_by_role("button", name="Start")).to_have_attribute("aria-disabled", "true")


def test_a_number_that_is_none_keeps_the_one_before_from_starting(hand: Hand) -> None:
    page = hand.open()
    form, before = panel(page, "New run"), panel(page, "Before you start")
    rate, alpha = (form.get_by_role("textbox", name=name) for name in ("Learning rate", "LoRA alpha"))
    for wrong in ("e5", "", ".", "1e999", "-1"):
        rate.fill(wrong)
        expect(rate).to_have_attribute("aria-invalid", "true")
        expect(before).to_contain_text("Learning rate")
    alpha.fill("x")
    expect(before).to_contain_text("Learning rate, LoRA alpha")
    expect(panel(page, "What will run").get_by_role("button", name="Start")).to_have_attribute("aria-disabled", "true")
    rate.fill("2e-4")
    alpha.fill("16")
    expect(before).to_contain_text("Say which pairs", timeout=WORK_MS)
    form.locator("summary").click()
    form.get_by_role("textbox", name="All other settings, YAML").fill("max_steps: 3")
    expect(before).to_contain_text("max_steps has a field of its own above", timeout=WORK_MS)


def test_what_is_to_follow_is_chosen_sent_and_kept_and_what_cannot_follow_is_said(hand: Hand) -> None:
    """No training starts: the answer to Start is made here. Of tiny the demo's own clips are held out."""
    page = hand.open()
    form, what = panel(page, "New run"), panel(page, "What will run")
    after, tick = (
        form.get_by_role("group", name="Afterwards"),
        form.get_by_role("checkbox", name="ask before and after"),
    )
    after.get_by_role("button", name="Afterwards: nothing").click()
    page.get_by_role("radio", name=re.compile("demo", re.IGNORECASE)).first.click()
    expect(after.get_by_role("button", name=re.compile("^Afterwards: .*demo", re.IGNORECASE))).to_be_focused()
    expect(after.get_by_role("button", name="DPO on: choose pairs")).to_be_visible()
    expect(tick).to_be_enabled(timeout=WORK_MS)
    tick.check()
    page.reload()
    expect(tick).to_be_checked()
    sent: list[Any] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        found = {"facts": [], "blocked": "", "command": "", "wrong": "", "config": {}, "seconds": None}
        route.fulfill(json=found | {"exports": False, "then": {"train": "", "ask": "No clips are held out."}})

    page.route("**/api/train/check", answer)
    form.get_by_role("textbox", name="Steps").fill("3")
    expect(tick).to_be_disabled()
    expect(tick).not_to_be_checked()
    expect(after).to_contain_text("No clips are held out.")
    assert sent[0]["then"] == {"recipe": "demo-dpo", "set": "", "ask": True}
    expect(what.get_by_role("button", name="Start")).to_have_attribute("aria-disabled", "false")
    page.route("**/start", lambda route: route.fulfill(json={"run": "", "title": "", "name": "x", "exports": False}))
    with page.expect_request("**/start") as begun:
        what.get_by_role("button", name="Start").click()
    assert begun.value.post_data_json["then"]["ask"] is False, "nobody is asked about nothing"
    form.get_by_role("radio", name="DPO").click()
    expect(after.get_by_role("button")).to_have_count(0)


def test_what_is_answered_already_is_said_and_shown(hand: Hand) -> None:
    page = hand.open("/train?run=sft-0001")
    states = ["running", "done"]
    page.route("**/measure", lambda route: route.fulfill(json={"chain": "", "state": states.pop()}))
    for words in ("All of it is answered already.", "They are being asked"):
        line(page, "dpo-0005").get_by_role("button", name="Test dpo-0005").click()
        expect(toast(page).filter(has_text=words)).to_be_visible()
    expect(panel(page, "Before and after, the same held-out items")).to_be_visible()


def test_chains_stand_side_by_side_each_with_its_own_buttons(hand: Hand) -> None:
    page = hand.open()
    whole = httpx.get(f"{hand.url}/api/train", timeout=60).json()
    step = {"words": "Ask tiny", "run": "", "state": "stopped", "message": "", "name": "", "done": 0, "of": 0}
    about = {"kind": "", "at": "", "last": "", "problem": "", "waive": {}, "steps": [step]}
    going = [
        {**about, "id": "a", "title": "Mine", "state": "running", "steps": [{**step, "state": "running"}]},
        {**about, "id": "b", "title": "Older", "state": "paused", "problem": "Stopped by ana."},
    ]
    page.route("**/api/train", lambda route: route.fulfill(json={**whole, "chains": [*going, *whole["chains"]]}))
    page.reload()
    ready(page)
    expect(panel(page, "Mine").get_by_role("button", name="Stop")).to_be_visible()
    expect(panel(page, "Older").get_by_role("button", name="Go on")).to_be_visible()
    panel(page, "Older").get_by_role("button", name="Hide").click()
    expect(panel(page, "Older")).to_have_count(0)
    expect(panel(page, "Mine")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024])
def test_nothing_is_wider_than_the_window(hand: Hand, width: int, scheme: Any) -> None:
    hand.page.set_viewport_size({"width": width, "height": 900})
    hand.page.emulate_media(color_scheme=scheme)
    page = hand.open("/train?run=dpo-0005")
    expect(panel(page, "Before and after, the same held-out items")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    page.keyboard.press("p")
    expect(page.locator("#drawer")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    line(page, "dpo-0004").get_by_role("button").first.click()
    expect(chart(page, "Preference margin")).to_be_visible()
    assert page.evaluate(WIDER) <= 0


def test_an_empty_workspace_says_what_to_do_first(chromium: Browser, tmp_path: Path) -> None:
    with running_module("tests.e2e.train_app", tmp_path, "empty") as url:
        page = chromium.new_page(viewport={"width": 1024, "height": 768})
        page.goto(f"{url}/train")
        expect(panel(ready(page), "Runs")).to_contain_text("Nothing trained yet")
        expect(panel(page, "Before you start")).to_contain_text("Say which pairs", timeout=WORK_MS)
        expect(page.get_by_role("button", name="Teach tiny to listen")).to_have_count(0)
        assert page.evaluate(WIDER) <= 0
        page.close()


SUMS = """async () => {
  const link = document.querySelector("link[rel=modulepreload][href$='/train/chart.js']");
  const { ticksOf, fewer, apart, reach, nearest } = await import(link.href);
  const line = Array.from({ length: 5000 }, (_, at) => [at, at === 1234 ? 99 : Math.sin(at)]);
  return {
    ticks: ticksOf(0, 1, 5).map(({ words }) => words), falling: ticksOf(-57, -31, 4).map(({ at }) => at),
    kept: fewer(line).length, spike: fewer(line).some(([step, value]) => step === 1234 && value === 99),
    steps: fewer(line).every(([step], at, all) => at === 0 || step > all[at - 1][0]),
    apart: apart([{ at: 50 }, { at: 51 }, { at: 98 }, { at: 98 }]).map(({ at }) => at),
    reach: reach(line.map(([, value]) => value)), one: reach([3]), none: reach([]),
    before: nearest([[1, 7], [5, 8]], 4), nothing: nearest([[1, 7]], 0),
  };
}"""


def test_charts_keep_spikes_and_labels_apart(hand: Hand) -> None:
    found = hand.open().evaluate(SUMS)
    assert found["ticks"] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert found["falling"] == [-60, -50, -40, -30]
    assert found["kept"] <= 600 and found["spike"] and found["steps"]
    heights = sorted(found["apart"])
    assert all(b - a >= 11 for a, b in zip(heights, heights[1:], strict=False)) and heights[-1] <= 97
    assert found["reach"][1] < 2, "one spike does not squeeze the rest"
    assert found["one"] == [1.5, 4.5] and found["none"] == [0, 1]
    assert found["before"] == [1, 7] and found["nothing"] is None


# ---------- one real training ----------


def mute_pairs(app: App) -> str:
    """The title of a set of pairs, built without the page."""
    found: dict[str, Any] = app.get("/api/pairs")["recipes"][0]
    kept = {key: value for key, value in found.items() if key not in ("total", "own", "table_row")}
    recipe = {**kept, "name": "to train on", "title": "To train on", "counts": {"mute": 8, "shift": 8}}
    run = app.post("/api/pairs/build", {"recipe": recipe})["run"]
    assert app.wait_for(run)["state"] == "done"
    return "To train on"


@pytest.mark.timeout(900)  # two starts of the trainer, each as long as its libraries take
def test_a_run_is_started_stopped_with_a_checkpoint_and_resumed_to_its_end(app: App, visit: Visit) -> None:
    title = mute_pairs(app)
    page = ready(visit("/train"))
    form, before, what = (panel(page, name) for name in ("New run", "Before you start", "What will run"))
    form.get_by_role("button", name=re.compile("^Pairs: ")).click()
    page.get_by_role("radio", name=re.compile(f"^{title}")).first.click()
    form.get_by_role("textbox", name="Steps").fill("60")
    form.get_by_role("textbox", name="Rows a step").fill("2")
    form.get_by_role("textbox", name="Check every").fill("0")
    start = what.get_by_role("button", name="Start")
    expect(before.locator(".chip")).not_to_be_empty(timeout=LONG_MS)
    while (waive := before.get_by_role("button", name="Go on all the same")).count():
        waive.first.click()
        page.wait_for_timeout(500)
        expect(before).not_to_have_attribute("aria-busy", "true", timeout=LONG_MS)
    expect(start).to_have_attribute("aria-disabled", "false", timeout=LONG_MS)
    expect(what.get_by_label("Command")).to_contain_text("--config RUN/config.json")
    start.click()
    expect(line(page, "sft-0001")).to_contain_text(re.compile(r"[1-9]\d* of 60"), timeout=LONG_MS)
    head(page).get_by_role("button", name="Stop and keep").click()
    expect(line(page, "sft-0001")).to_contain_text("stopped at", timeout=LONG_MS)
    expect(head(page)).to_contain_text("checkpoint")
    page.reload()
    ready(page)
    line(page, "sft-0001").get_by_role("button", name="Resume sft-0001").click()
    expect(line(page, "sft-0001")).to_contain_text("60 of 60", timeout=LONG_MS)
    expect(line(page, "sft-0001")).to_contain_text("done", timeout=LONG_MS)
    expect(panel(page, "Before and after, the same held-out items")).to_contain_text("held", timeout=LONG_MS)
    expect(toast(page).or_(head(page)).first).to_be_visible()

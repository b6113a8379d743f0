"""The Pairs page in a real browser, on real clips: from settled event times to an exported set."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.app_server import App, running_module
from tests.e2e.page import PATIENCE_MS, WIDER, WORK_MS, Held, Visit, toast

COUNTS = {"CTP": 16, "shift": 12, "mute": 6, "OP": 6}
THIN = "\u202f"
"""Between thousands."""


def ready(page: Page) -> Page:
    """The page once its panels are drawn and it sits in Gradio's component."""
    marks = "['thud-pairs', 'thud-mount'].every((name) => performance.getEntriesByName(name).length > 0)"
    page.wait_for_function(marks, timeout=3 * PATIENCE_MS)
    return page


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=f"Pairs of {name}", exact=True)


def place(page: Page) -> Locator:
    return page.locator(".place1")


def word(page: Page) -> Locator:
    return page.locator(".w1")


def asked(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def recipe(app: App, counts: dict[str, int], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = app.get("/api/pairs")["recipes"][0]
    kept = {key: value for key, value in found.items() if key not in ("total", "own", "table_row")}
    return {**kept, "name": "small", "title": "Small", "counts": counts, **more}


def build(app: App, counts: dict[str, int], **more: Any) -> str:
    """The id of a set that was built without the page."""
    run = app.post("/api/pairs/build", {"recipe": recipe(app, counts, **more)})["run"]
    assert app.wait_for(run)["state"] == "done"
    return str(app.get(f"/api/pairs/runs/{run}")["set"])


@pytest.fixture(scope="module")
def built(app: App) -> str:
    return build(app, COUNTS)


def rows(app: App, set_id: str, **query: Any) -> list[dict[str, Any]]:
    asked_for = "&".join(f"{key}={value}" for key, value in {"n": 500, **query}.items())
    found: list[dict[str, Any]] = app.get(f"/api/pairs/sets/{set_id}/rows?{asked_for}")["rows"]
    return found


def opened(page: Page, set_id: str, **query: Any) -> Page:
    more = "".join(f"&{key}={value}" for key, value in query.items())
    page.goto(page.url.split("/pairs")[0] + f"/pairs?set={set_id}{more}")
    return ready(page)


# ---------- from settled clips to an exported set ----------


def test_a_recipe_is_edited_built_looked_through_and_exported(app: App, visit: Visit) -> None:
    page = ready(visit("/pairs"))
    for name, count in {"CTP": 10, "Shift": 8, "Mute": 4, "OP": 4, "Swap": 0, "FV-D": 0}.items():
        field(page, name).fill(str(count))
    field(page, "FV-D").blur()
    muted = page.locator("tr[data-type='FV-D']")
    expect(muted).to_have_class("off")
    expect(page.locator("tr.all")).to_contain_text("26")
    page.get_by_role("button", name="Build 26 pairs", exact=True).click()
    expect(toast(page)).to_contain_text("26 pairs", timeout=WORK_MS)
    expect(page.locator(".head .lead")).to_contain_text("26 pairs")
    expect(page.locator(".fn.end")).to_contain_text("26 pairs")
    expect(place(page)).to_have_text("1 of 26")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("26 pairs")
    dialog.get_by_role("textbox").fill("first export")
    page.keyboard.press("Control+Enter")
    expect(toast(page)).to_contain_text("Exported to", timeout=WORK_MS)
    folder = next(app.workspace.glob("*/exports/pairs/first-export"))
    expect(toast(page)).to_contain_text(str(folder.absolute()))
    lines = [json.loads(line) for name in folder.glob("*.jsonl") for line in name.read_text().splitlines()]
    assert len(lines) == 26 and {"prompt", "chosen", "rejected"} <= lines[0].keys()


def test_a_build_goes_on_and_is_seen_after_a_reload(app: App, visit: Visit) -> None:
    page = ready(visit("/pairs"))
    for name in ("CTP", "Shift", "Mute", "Swap", "OP", "FV-D"):
        field(page, name).fill("0")
    expect(page.get_by_role("button", name="Nothing to build")).to_be_visible()
    field(page, "Shift").fill("9")
    before = len(app.get("/api/pairs")["sets"])
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Build 9 pairs", exact=True).click()
    expect(page.get_by_role("progressbar", name=re.compile("Build pairs")).first).to_be_visible()
    page.reload()
    ready(page)
    expect(field(page, "Shift")).to_have_value("9")
    expect(page.locator(".fn.end")).to_contain_text("9 pairs", timeout=WORK_MS)
    expect(page.locator(".working")).to_be_hidden(timeout=WORK_MS)
    assert len(app.get("/api/pairs")["sets"]) == before + 1


# ---------- looking and deciding ----------


def test_pairs_are_gone_through_and_decided_by_keyboard(app: App, visit: Visit, built: str) -> None:
    page = opened(visit("/pairs"), built, type="shift")
    total = len(rows(app, built, type="shift"))
    expect(place(page)).to_have_text(f"1 of {total}")
    page.keyboard.press("a")
    expect(place(page)).to_have_text(f"2 of {total}")
    page.keyboard.press("x")
    expect(place(page)).to_have_text(f"3 of {total}")
    page.keyboard.press("ArrowLeft")
    expect(word(page)).to_have_text("dropped")
    page.keyboard.press("k")
    expect(word(page)).to_have_text("approved")
    first, second = (row["id"] for row in rows(app, built, type="shift")[:2])
    words = {row["id"]: row["word"] for row in rows(app, built, type="shift")}
    assert (words[first], words[second]) == ("approved", "dropped")
    number = rows(app, built, type="shift")[0]["n"]
    expect(page).to_have_url(re.compile(rf"[?&]pair={number}(&|$)"))
    page.reload()
    expect(word(ready(page))).to_have_text("approved")
    for expected in ("dropped", ""):
        app.post("/api/pairs/word", {"id": first, "word": expected})
    page.reload()
    expect(word(ready(page))).to_be_hidden()
    app.post("/api/pairs/word", {"id": second, "word": ""})


def test_undo_takes_back_the_last_decision_where_it_was_made(app: App, visit: Visit, built: str) -> None:
    page = opened(visit("/pairs"), built, type="mute")
    total = len(rows(app, built, type="mute"))
    expect(place(page)).to_have_text(f"1 of {total}")
    page.keyboard.press("x")
    expect(place(page)).to_have_text(f"2 of {total}")
    page.keyboard.press("j")
    expect(place(page)).to_have_text(f"3 of {total}")
    page.keyboard.press("u")
    expect(place(page)).to_have_text(f"1 of {total}")
    expect(word(page)).to_be_hidden()
    assert {row["word"] for row in rows(app, built, type="mute")} == {""}
    page.keyboard.press("u")
    expect(toast(page)).to_contain_text("no decision of yours")


def test_a_decision_that_does_not_arrive_is_said_kept_and_sent_again(app: App, visit_broken: Visit, built: str) -> None:
    page = opened(visit_broken("/pairs"), built, type="OP")
    expect(place(page)).to_contain_text("1 of")
    page.route("**/api/pairs/word", lambda route: route.abort())
    page.keyboard.press("x")
    expect(page.locator(".pv-note")).to_contain_text("1 decision is not saved yet")
    page.keyboard.press("k")
    expect(word(page)).to_have_text("dropped, not saved yet")
    first = rows(app, built, type="OP")[0]["n"]
    page.wait_for_function(f"() => new URLSearchParams(location.search).get('pair') === '{first}'")
    page.unroute("**/api/pairs/word")
    page.reload()
    ready(page)
    expect(word(page)).to_have_text("dropped")
    expect(page.locator(".pv-note")).to_be_empty()
    gone = rows(app, built, type="OP")[0]
    assert gone["word"] == "dropped"
    app.post("/api/pairs/word", {"id": gone["id"], "word": ""})


def test_the_player_plays_the_file_of_the_models_and_flips(app: App, visit: Visit, built: str) -> None:
    page = visit("/pairs")
    heard: list[str] = []
    page.on("request", lambda sent: heard.append(sent.url) if "/media/stimulus/" in sent.url else None)
    opened(page, built, type="shift")
    row = rows(app, built, type="shift")[0]
    pair = app.get(f"/api/pairs/sets/{built}/pair/{row['n']}")
    expect(page.locator(".pvm .tag.top").first).to_contain_text(f"hearing {pair['condition']}")
    wanted = f"/media/stimulus/{pair['clip_id']}/{pair['about']['stimulus']['id']}/models.wav"
    page.wait_for_function("() => window.__thud?.engine?.media?.buffers?.size > 1")
    assert any(url.endswith(wanted) for url in heard)
    assert not any(url.endswith(".flac") for url in heard)
    page.keyboard.press(" ")
    page.wait_for_function("() => window.__thud.engine.playing")
    page.keyboard.press("b")
    expect(page.locator(".pvm .tag.top").first).not_to_contain_text(f"hearing {pair['condition']}")
    page.keyboard.press(" ")


def test_what_differs_is_marked_and_the_rest_is_not(app: App, visit: Visit, built: str) -> None:
    page = opened(visit("/pairs"), built, type="CTP")
    row = rows(app, built, type="CTP")[0]
    pair = app.get(f"/api/pairs/sets/{built}/pair/{row['n']}")["json"]
    answers = page.locator(".pvt .resp")
    expect(answers).to_have_text([pair["chosen"], pair["rejected"]])
    marked = " ".join(page.locator("ins").all_text_contents()).split()
    assert marked and set(marked) <= set(pair["chosen"].split()) and marked != pair["chosen"].split()
    page.get_by_role("radio", name="plain", exact=True).click()
    expect(page.locator(".pvt :is(ins, del)")).to_have_count(0)
    page.keyboard.press("d")
    assert json.loads(page.locator(".pvt .json").inner_text()) == pair


def test_the_address_names_set_filter_and_pair(app: App, visit: Visit, built: str) -> None:
    page = opened(visit("/pairs"), built)
    page.get_by_role("button", name="Mute", exact=True).click()
    total = len(rows(app, built, type="mute"))
    expect(place(page)).to_have_text(f"1 of {total}")
    page.keyboard.press("j")
    expect(place(page)).to_have_text(f"2 of {total}")
    page.wait_for_function("() => /pair=\\d/.test(location.search)")
    there = asked(page)
    assert (there["set"], there["type"]) == (built, "mute")
    page.wait_for_function(f"() => location.search.includes('pair={rows(app, built, type='mute')[1]['n']}')")
    page.reload()
    expect(place(ready(page))).to_have_text(f"2 of {total}")
    page.get_by_role("button", name=re.compile("^Mute: take this filter away")).click()
    expect(place(page)).to_have_text(f"1 of {len(rows(app, built, held='no'))}")


def test_an_answer_about_one_set_that_comes_late_is_not_taken_for_another(app: App, visit: Visit, built: str) -> None:
    other = build(app, {"mute": 2}, name="two", title="Two")
    page = opened(visit("/pairs"), other)
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_role("radio", name=re.compile("^Small")).last.click()
    expect(page).to_have_url(re.compile(f"set={built}"))
    expect(panel(page, "What is left").locator(".fn.end")).to_contain_text(f"{sum(COUNTS.values())} pairs")
    held = Held(page, f"**/api/pairs/sets/{built}")
    page.get_by_role("button", name="Save as…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("kept")
    page.keyboard.press("Control+Enter")
    held.wait()
    page.go_back()
    expect(page.locator(".head .lead")).to_contain_text("2 pairs")
    held.let_go()
    expect(toast(page)).to_contain_text("The recipe is kept")
    expect(page.locator(".head .lead")).to_contain_text("2 pairs")
    app.post("/api/pairs/recipe/remove", {"name": "kept"})


# ---------- funnel, lint, files ----------


def test_an_export_says_what_leaves_and_what_stays(app: App, visit: Visit, built: str) -> None:
    first = rows(app, built, held="no")[0]["id"]
    page = opened(visit("/pairs"), built)
    before = app.get(f"/api/pairs/sets/{built}")["leaves"]["pairs"]
    page.keyboard.press("x")
    expect(place(page)).to_contain_text("2 of")
    page.keyboard.press("e")
    facts = page.get_by_role("dialog").locator(".facts")
    expect(facts).to_contain_text(f"{before - 1} pairs")
    expect(facts.locator("li").filter(has_text="dropped by hand")).to_contain_text("1 stays here")
    app.post("/api/pairs/word", {"id": first, "word": ""})


def test_every_loss_opens_what_was_lost(app: App, visit: Visit) -> None:
    set_id = build(app, {**COUNTS, "FV-A": 5}, name="with audio questions", title="With audio questions")
    page = opened(visit("/pairs"), set_id)
    page.locator("tr[data-type='FV-A']").get_by_role("button", name="none, why?").click()
    left = panel(page, "What is left")
    expect(left.locator(".fn.end")).to_contain_text("0 pairs")
    expect(left.get_by_role("button", name="Take material in…")).to_be_visible()
    loss = next(
        loss for step in app.get(f"/api/pairs/sets/{set_id}")["funnel"]["FV-A"] for loss in step["losses"]
         if loss["subjects"]
    )  # fmt: skip
    left.get_by_role("button", name=re.compile(f"^{loss['count']}: ")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(loss["reason"])
    expect(dialog.get_by_role("link")).to_have_count(len(loss["subjects"]))


def hand_made(folder: Path) -> Path:
    """Three rows for TRL: one good, one whose answers are the same, one that is no pair."""
    talk = {"prompt": "Is the sound late?", "chosen": "No, they agree.", "rejected": "Yes, it is late."}
    good = {**talk, "videos": ["a.mp4"]}
    lines = [good, {**good, "prompt": "Is it in step?", "rejected": good["chosen"]}, {"text": "no pair"}]
    path = folder / "hand made.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_an_imported_file_is_linted_and_its_finding_opens_the_row(app: App, visit: Visit, tmp_path: Path) -> None:
    page = ready(visit("/pairs"))
    page.keyboard.press("i")
    dialog = page.get_by_role("dialog")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Write the path")
    dialog.get_by_role("textbox").first.fill(str(hand_made(tmp_path)))
    page.keyboard.press("Control+Enter")
    left, lint = panel(page, "What is left"), panel(page, "Lint")
    expect(left).to_contain_text("2 read", timeout=WORK_MS)
    expect(left).to_contain_text("1 skipped")
    expect(left).to_contain_text("Split by clip: not split")
    expect(page.locator(".head .lead")).to_have_text("0 pairs, 2 held back")
    expect(lint.locator(".passed summary")).to_have_text(re.compile(r"^\d+ checks? passed, \d+ had nothing to check$"))
    left.get_by_role("button", name="1 skipped").click()
    expect(page.get_by_role("dialog")).to_contain_text("row")
    page.keyboard.press("Escape")
    lint.get_by_role("button", name="chosen = rejected").click()
    expect(place(page)).to_have_text("1 of 1")
    expect(page.locator(".filters1")).to_contain_text("only: chosen = rejected")
    expect(page.locator(".pvt")).to_contain_text("Is it in step?")
    expect(page.locator(".pvc")).to_contain_text("Chosen and rejected are the same")
    expect(page.locator(".media1")).to_contain_text("a.mp4")
    opened(page, asked(page)["set"], word="approved")
    expect(place(page)).to_have_text("none")
    left.get_by_role("button", name="2 held back").click()
    expect(place(page)).to_have_text("1 of 2")


def test_an_empty_workspace_says_what_to_do_first(chromium: Browser, tmp_path: Path) -> None:
    with running_module("tests.e2e.results_app", tmp_path, "empty") as url:
        page = chromium.new_page(viewport={"width": 1024, "height": 768})
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
        page.goto(f"{url}/pairs")
        ready(page)
        left = panel(page, "What is left")
        expect(left).to_contain_text("No clips yet")
        expect(left.get_by_role("link", name="Add clips")).to_have_attribute("href", "/clips?add=1")
        page.keyboard.press("m")
        expect(toast(page)).to_be_visible(timeout=WORK_MS)
        assert page.evaluate(WIDER) <= 0
        page.close()
    assert trouble == []


@pytest.mark.parametrize("width", [1440, 1024])
def test_nothing_is_wider_than_the_window(visit: Visit, built: str, width: int) -> None:
    page = visit("/pairs")
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, built)
    assert page.evaluate(WIDER) <= 0
    page.keyboard.press("p")
    expect(page.locator("#drawer")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    page.keyboard.press("p")

"""One listener's page and an opened item in a real browser: every figure opens just the items it counts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.app_server import START_S, running_module
from tests.e2e.conftest import SIZE
from tests.e2e.page import WIDER
from tests.e2e.results_app import GUESSING, HOSTILE, MIDDLING, ODD, SHARP
from tests.e2e.results_media_app import EVENT_S, GONE, SPOKEN
from tests.results_kit import Mind

WITHOUT_COLOUR = """all => all.map((one) => getComputedStyle(one)).map((style) =>
    style.backgroundImage.replace(/rgba?\\([^)]*\\)|color\\([^)]*\\)/g, "") + style.borderStyle)"""
MARKS = "['thud-results', 'thud-mount'].every((name) => performance.getEntriesByName(name).length > 0)"
FIGURES = (
    "Eight ways to fail",
    "Muted, swapped, shifted",
    "What it answered",
    "Accuracy over offset",
    "By sound class",
)
LEAD_S = 1.5
"""How long before its event an item begins to play."""
Json = dict[str, Any]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Four listeners on clips that have no media."""
    with running_module("tests.e2e.results_app", tmp_path_factory.mktemp("model"), start_s=2 * START_S) as url:
        yield url


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two listeners on one clip that can be seen and heard."""
    with running_module("tests.e2e.results_media_app", tmp_path_factory.mktemp("heard"), start_s=2 * START_S) as url:
        yield url


@pytest.fixture(scope="module")
def tab(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=SIZE, color_scheme="dark")
    yield context
    context.close()


@pytest.fixture
def page(tab: BrowserContext) -> Iterator[Page]:
    """A page in which nothing may go wrong and from which nothing may be asked of elsewhere."""
    page, trouble = tab.new_page(), list[str]()
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: trouble.append(f"a script ran: {dialog.message}"))
    own = ("http://127.0.0.1", "blob:", "data:")
    page.on("request", lambda sent: None if sent.url.startswith(own) else trouble.append(sent.url))
    yield page
    page.close()
    assert trouble == []


def row_of(mind: Mind) -> str:
    return f"{mind.key}.audio_video.structured"


def opened(page: Page, url: str, mind: Mind, **query: str) -> Page:
    """The page of a listener once it is drawn and sits in Gradio's component."""
    page.goto(f"{url}/results?{urlencode({'view': 'model', 'row': row_of(mind), **query})}")
    page.wait_for_function(MARKS, timeout=60_000)
    return page


def asked(page: Page) -> dict[str, str]:
    """What the address says."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def model_of(url: str, mind: Mind) -> Json:
    return dict(httpx.get(f"{url}/api/results/model", params={"row": row_of(mind)}).raise_for_status().json())


def behind(url: str, link: Locator) -> int:
    """How many items the address of a figure lists."""
    query = parse_qs(urlsplit(link.get_attribute("href") or "").query)["items"][0]
    return int(httpx.get(f"{url}/api/results/items?{query}").raise_for_status().json()["total"])


def tile(page: Page, title: str) -> Locator:
    return page.locator(".axc", has_text=title)


# ---------- eight ways to fail, panels ----------


def test_a_rate_stands_with_its_interval_and_its_n(page: Page, url: str) -> None:
    opened(page, url, GUESSING)
    expect(page.get_by_role("heading", name=GUESSING.name, level=1)).to_be_visible()
    expect(page.locator(".axc")).to_have_count(8)
    fails = page.get_by_role("link", name=re.compile(r"^Mute hallucination.*: 100\.0 %, 95 % interval .* n 30"))
    expect(fails).to_contain_text(re.compile(r"100\.0\d+–100.*n 30", re.DOTALL))
    assert fails.locator(".axb i").evaluate("bar => bar.offsetWidth / bar.parentNode.offsetWidth") == pytest.approx(1)
    expect(tile(page, "Wrong direction")).to_contain_text("it flagged nothing")
    opened(page, url, SHARP)
    expect(tile(page, "Mute hallucination")).to_contain_text("0.0")


def test_every_figure_opens_just_the_items_it_counts(page: Page, url: str) -> None:
    opened(page, url, MIDDLING)
    counted = page.locator(".sb a, .cmx a, .kk a")
    assert counted.count() > 30
    for link in counted.all():
        name = link.get_attribute("aria-label") or ""
        said = re.search(r": (\d+) (?:items?|of)|, (\d+)(?:\. Show)", name)
        assert said is not None, name
        assert behind(url, link) == int(said[1] or said[2]), name
    for link in page.locator(".ch a.pt, .bc a").all():
        name = link.get_attribute("aria-label") or ""
        size = re.search(r", n (\d+)", name)
        assert size is not None, name
        assert behind(url, link) == int(size[1]), name


def test_a_tile_opens_its_items_and_esc_comes_back_to_it(page: Page, url: str) -> None:
    opened(page, url, GUESSING)
    fails = tile(page, "Mute hallucination")
    fails.focus()
    page.keyboard.press("Enter")
    side = page.get_by_role("complementary", name="Items")
    expect(side.get_by_role("heading", name="30 items")).to_be_visible()
    expect(side.locator("tbody tr").first).to_contain_text("muted")
    assert "existence" in asked(page)["items"]
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    expect(fails).to_be_focused()


def test_the_parts_of_a_bar_are_told_apart_without_colour(page: Page, url: str) -> None:
    opened(page, url, MIDDLING)
    panel = page.get_by_role("region", name="Shifted and original")
    looks = panel.locator(".kk i").evaluate_all(WITHOUT_COLOUR)
    patterned = [look for look in looks if "gradient" in look or "dashed" in look]
    assert len(patterned) >= 5
    assert len(set(patterned)) == len(patterned)
    assert panel.locator(".kk").inner_text().count("shift, right") == 1


def test_others_and_published_bars_stand_beside(page: Page, url: str) -> None:
    opened(page, url, MIDDLING)
    panel = page.get_by_role("region", name="Muted", exact=True)
    expect(panel.get_by_role("group", name=f"Muted: {SHARP.name}")).to_be_visible()
    expect(panel.locator(".sr3", has_text="publ.")).to_have_count(1)
    panel.get_by_role("button", name=re.compile("^All . published")).click()
    expect(panel.get_by_role("button", name="Fewer published")).to_be_focused()
    expect(panel.locator(".sr3", has_text="publ.")).to_have_count(6)
    panel.get_by_role("button", name="Fewer published").click()


# ---------- what it answered, accuracy over offset ----------


def test_the_matrix_counts_every_item_and_outlines_what_is_right(page: Page, url: str) -> None:
    opened(page, url, MIDDLING)
    rows = page.locator(".cmx tbody tr")
    expect(rows).to_have_count(3)
    for cells in (row.locator("td").all_inner_texts() for row in rows.all()):
        assert sum(map(int, cells[:-1])) == int(cells[-1]) == 30
    assert page.locator(".cmx .hit").count() == 3
    hit = page.locator(".cmx .hit").first.evaluate(
        "cell => [getComputedStyle(cell).boxShadow, getComputedStyle(cell).fontWeight]"
    )
    assert "inset" in hit[0] and hit[1] == "600"
    assert page.locator(".cmx thead th").all_inner_texts()[-4:] == ["unparsed", "refused", "no response", "n"]


def test_the_task_of_the_matrix_is_chosen_by_key_and_kept_in_the_address(page: Page, url: str) -> None:
    opened(page, url, MIDDLING)
    page.get_by_role("radio", name="Sync").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Existence")).to_be_focused()
    expect(page.locator(".cmx tbody th")).to_have_text(["original", "muted"])
    page.wait_for_function("location.search.includes('matrix=existence')")
    page.reload()
    page.wait_for_function(MARKS, timeout=60_000)
    expect(page.get_by_role("radio", name="Existence")).to_be_checked()


def test_points_lie_where_their_numbers_say(page: Page, url: str) -> None:
    opened(page, url, MIDDLING)
    points = {point["offset_s"]: point["value"] for point in model_of(url, MIDDLING)["offsets"]["points"]}
    chart = page.get_by_role("group", name="Accuracy over offset")
    expect(chart.locator("a.pt")).to_have_count(3)
    box = chart.bounding_box()
    assert box is not None
    for shape, offset_s in ((".early", -0.6), (".delayed.di", 0.6)):
        dot = chart.locator(f"a.pt{shape}").bounding_box()
        assert dot is not None
        x, y = dot["x"] + dot["width"] / 2 - box["x"], dot["y"] + dot["height"] / 2 - box["y"]
        assert x / box["width"] == pytest.approx(0 if offset_s < 0 else 1, abs=0.01)
        assert 1 - y / box["height"] == pytest.approx(points[offset_s], abs=0.01)
    dashes = chart.locator("svg path").evaluate_all("all => all.map((one) => one.getAttribute('stroke-dasharray'))")
    assert dashes == [None, "7 3"]
    expect(page.get_by_text(re.compile("^Threshold: early .*; delayed "))).to_be_visible()
    expect(page.get_by_text(re.compile("^Localisation. "))).to_be_visible()
    assert set(page.locator(".bc tbody tr td:first-child").all_inner_texts()) >= {"metal", "glass", "wood", "±0.6 s"}


# ---------- notes, others, exports ----------


def test_a_note_is_written_by_key_and_stays_text(page: Page, url: str) -> None:
    opened(page, url, ODD)
    page.keyboard.press("n")
    page.get_by_label("Note", exact=True).fill(HOSTILE)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("region", name="Notes").get_by_text(HOSTILE)).to_be_visible()
    assert page.locator("#view img").count() == 0


def test_the_next_listener_is_one_key_away(page: Page, url: str) -> None:
    opened(page, url, SHARP)
    page.keyboard.press("]")
    title = page.locator("h1")
    expect(title).not_to_have_text(SHARP.name)
    assert asked(page)["row"] != row_of(SHARP)
    page.keyboard.press("[")
    expect(title).to_have_text(SHARP.name)
    page.get_by_role("button", name=f"Listener: {SHARP.name}. Choose another").click()
    page.get_by_role("radio", name=re.compile("^middling")).click()
    expect(title).to_have_text(MIDDLING.name)


def test_each_figure_is_a_file_of_its_own(page: Page, url: str) -> None:
    opened(page, url, ODD)
    for title in FIGURES:
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=f"{title}, SVG").click()
        drawn = Path(download.value.path()).read_text()
        assert not re.search(r"var\(|href|NaN|undefined", drawn), title
        assert set(re.findall(r"url\(([^)]*)\)", drawn)) <= {f"#{name}" for name in re.findall(r'id="([^"]*)"', drawn)}
        said = [node.text or "" for node in ET.fromstring(drawn).iter() if node.tag.endswith("text")]
        assert said[0] == title
        assert said[1].startswith(HOSTILE)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("link", name="Table, LaTeX")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1024])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_never_scrolls_sideways(page: Page, url: str, width: int, theme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    page.emulate_media(color_scheme=theme)
    for more in ({}, {"items": f"row={row_of(ODD)}&task=sync"}):
        opened(page, url, ODD, **more)
        expect(page.locator(".cmx tbody tr").first).to_be_visible()
        assert page.evaluate(WIDER) <= 0


# ---------- one item, text only ----------


def first_item(url: str, mind: Mind, **query: str) -> Json:
    found = httpx.get(f"{url}/api/results/items", params={"row": row_of(mind), **query}).raise_for_status().json()
    return dict(found["items"][0])


def show(page: Page, url: str, mind: Mind, **query: str) -> tuple[Locator, Json]:
    """The drawer on the first item that the query lists."""
    item = first_item(url, mind, **query)
    opened(page, url, mind, items=urlencode({"row": row_of(mind), **query}), item=item["response"])
    return page.get_by_role("complementary", name="Items"), item


def test_an_item_without_media_is_text_and_says_so(page: Page, url: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    side, _ = show(page, url, GUESSING, task="sync", condition="delayed")
    expect(side.get_by_text("not in this workspace")).to_be_visible()
    expect(side.get_by_text("About sync?")).to_be_visible()
    expect(side.get_by_text("delayed +0.600 s")).to_be_visible()
    response = side.get_by_role("region", name="Response", exact=True)
    expect(response.locator("mark")).to_have_text("The picture and the ")
    expect(response.get_by_role("heading")).to_have_text(f"{GUESSING.name}synced, wrong")
    expect(side.get_by_text("The paper’s own parser: synced")).to_be_visible()
    rest = side.get_by_role("region", name="Others on the same item")
    expect(rest.locator("summary")).to_have_count(3)
    rest.locator("summary", has_text=SHARP.name).click()
    expect(rest.locator("details[open] .resp")).to_have_text("The sound comes after the picture.")
    assert not [url for url in sent if "/media/" in url or "/api/clips/" in url]


def test_j_and_k_go_through_the_list_and_esc_goes_back(page: Page, url: str) -> None:
    side, item = show(page, url, GUESSING, task="sync", condition="delayed")
    expect(side.get_by_text("1 of 30")).to_be_visible()
    page.keyboard.press("j")
    expect(side.get_by_text("2 of 30")).to_be_visible()
    assert asked(page)["item"] != item["response"]
    page.keyboard.press("k")
    expect(side.get_by_text("1 of 30")).to_be_visible()
    page.keyboard.press("Escape")
    expect(side.get_by_role("heading", name="30 items")).to_be_visible()


def test_a_persons_reading_counts_at_once_and_can_be_taken_back(page: Page, url: str) -> None:
    side, item = show(page, url, GUESSING, task="sync", condition="delayed")
    reading = side.get_by_role("region", name="Your reading")
    expect(reading).to_be_visible()
    keys = reading.locator("button kbd").all_inner_texts()
    words = [text.strip() for text in reading.locator(".reads button").all_inner_texts()]
    at = next(number for number, text in enumerate(words) if "delayed" in text)
    page.keyboard.press(keys[at])
    response = side.get_by_role("region", name="Response", exact=True)
    expect(response.get_by_role("heading")).to_have_text(f"{GUESSING.name}delayed, right")
    expect(reading.get_by_role("button", name="delayed")).to_have_attribute("aria-pressed", "true")
    counted = page.locator(".cmx tbody tr", has_text="delayed").last.locator(".hit")
    expect(counted).to_have_text("1")
    final = httpx.get(f"{url}/api/results/item/{item['response']}").json()["final"]
    assert final == {"label": "delayed", "method": "person", "right": True}
    page.keyboard.press("u")
    expect(response.get_by_role("heading")).to_have_text(f"{GUESSING.name}synced, wrong")
    expect(counted).to_have_text("0")
    expect(reading.get_by_role("button", name="Undo")).to_have_count(0)


# ---------- one item, seen and heard ----------

ENGINE = "window.__thud?.engine?.state()"


def engine(page: Page) -> Json:
    return dict(page.evaluate(ENGINE))


def loaded(page: Page) -> None:
    page.wait_for_function(f"{ENGINE}?.shown && window.__thud.engine.media?.buffers.size > 2")


def test_the_very_stimulus_is_there_before_its_event(page: Page, heard: str) -> None:
    side, item = show(page, heard, SHARP, task="sync", condition="early")
    loaded(page)
    about = httpx.get(f"{heard}/api/results/item/{item['response']}").json()
    now = engine(page)
    assert now["sound"] == about["stimulus"]["id"]
    first_s = EVENT_S + item["offset_s"]
    assert now["position"] == pytest.approx(max(0.0, first_s - LEAD_S), abs=0.05)
    expect(side.get_by_text(re.compile("^hearing early"))).to_be_visible()
    expect(side.locator(".evs span.tv")).to_have_text(re.compile(r"^picture 1\.5"))
    expect(side.locator(".evs span.ta")).to_have_text(f"sound {first_s:.3f}")
    page.keyboard.press("b")
    expect(side.get_by_text("hearing original")).to_be_visible()
    expect(side.locator(".evs span.ta")).to_have_text("sound 1.500")
    assert engine(page)["sound"] != about["stimulus"]["id"]
    page.keyboard.press("b")
    assert engine(page)["sound"] == about["stimulus"]["id"]
    page.keyboard.press(" ")
    page.wait_for_function(f"{ENGINE}.playing && {ENGINE}.audible")
    page.keyboard.press(" ")
    page.wait_for_function(f"!{ENGINE}.playing")
    page.keyboard.press("Home")
    assert engine(page)["position"] == pytest.approx(max(0.0, first_s - LEAD_S), abs=0.05)


def test_who_listens_through_the_list_goes_on_listening(page: Page, heard: str) -> None:
    side, _ = show(page, heard, SHARP, task="sync")
    loaded(page)
    first = engine(page)["sound"]
    page.keyboard.press(" ")
    page.wait_for_function(f"{ENGINE}.playing")
    page.keyboard.press("j")
    expect(side.get_by_text(re.compile("^2 of"))).to_be_visible()
    page.wait_for_function(f"{ENGINE}.playing && {ENGINE}.sound && {ENGINE}.sound !== '{first}'")
    page.keyboard.press("Escape")
    page.wait_for_function(f"!{ENGINE}.playing")


def test_the_judges_quote_decides_and_markup_stays_text(page: Page, heard: str) -> None:
    side, _ = show(page, heard, SHARP, task="sync", condition="delayed")
    expect(side.locator(".resp").first).to_have_text(SPOKEN)
    expect(side.locator(".resp mark").first).to_have_text("It is late.")
    expect(side.get_by_text("sure 0.97, quote found in the text")).to_be_visible()
    page.goto("about:blank")
    show(page, heard, SHARP, task="existence", condition="original")
    expect(side.locator(".resp mark").first).to_have_text(HOSTILE)
    assert page.locator("#view img").count() == 0


def test_a_stimulus_that_is_gone_is_named_and_the_original_plays(page: Page, heard: str) -> None:
    found = httpx.get(
        f"{heard}/api/results/items", params={"row": row_of(SHARP), "task": "existence", "condition": "muted"}
    ).json()
    gone = next(
        item["response"] for item in found["items"]
        if httpx.get(f"{heard}/api/results/item/{item['response']}").json()["stimulus"]["id"] == GONE
    )  # fmt: skip
    opened(page, heard, SHARP, item=gone)
    side = page.get_by_role("complementary", name="Items")
    expect(side.get_by_text("The stimulus is no longer in this workspace.")).to_be_visible()
    expect(side.get_by_text("hearing original")).to_be_visible()


def test_both_of_a_comparison_are_read_side_by_side(page: Page, heard: str) -> None:
    query = {"view": "compare", "a": row_of(GUESSING), "b": row_of(SHARP)}
    page.goto(f"{heard}/results?{urlencode(query)}")
    page.wait_for_function(MARKS, timeout=60_000)
    page.locator(".flips tbody a").first.click()
    side = page.get_by_role("complementary", name="Items")
    expect(side.get_by_role("region", name=f"Response of {SHARP.name}")).to_contain_text(SPOKEN)
    expect(side.get_by_role("region", name="Response", exact=True)).to_contain_text(GUESSING.name)

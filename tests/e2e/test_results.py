"""The Results page in a real browser, on responses whose counts are known: figures, filters, items, comparing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.app_server import running_module
from tests.e2e.conftest import SIZE
from tests.e2e.page import WIDER
from tests.e2e.results_app import GUESSING, HOSTILE, MIDDLING, SHARP
from tests.results_kit import Mind

SHARP_GAP, GUESSING_GAP = "0.0", "100.0"
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_module("tests.e2e.results_app", tmp_path_factory.mktemp("results")) as url:
        yield url


@pytest.fixture
def trouble() -> list[str]:
    """What the browser complains of; every test ends with it empty, or empties it itself."""
    return []


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """One window for all tests, so that what Gradio loads is loaded and compiled once."""
    context = chromium.new_context(viewport=SIZE, color_scheme="dark")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def page(url: str, window: BrowserContext, trouble: list[str]) -> Iterator[Page]:
    page = window.new_page()
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: trouble.append(f"a script ran: {dialog.message}"))
    page.on("request", lambda sent: None if sent.url.startswith((url, "blob:", "data:")) else trouble.append(sent.url))
    yield page
    page.close()
    assert trouble == []


def opened(page: Page, address: str) -> Page:
    """The page at that address once it is drawn and sits in Gradio's component."""
    page.goto(address)
    return ready(page)


def ready(page: Page) -> Page:
    marks = "['thud-results', 'thud-mount'].every((name) => performance.getEntriesByName(name).length > 0)"
    page.wait_for_function(marks, timeout=60_000)
    return page


def row_of(page: Page, mind: Mind | str) -> Locator:
    name = mind if isinstance(mind, str) else mind.name
    return page.locator("tr[data-row]").filter(has=page.get_by_role("link", name=name, exact=True))


def names(page: Page) -> list[str]:
    return page.locator("tr[data-row] .who").all_text_contents()


def asked(page: Page) -> dict[str, str]:
    """What the address says."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def choose(page: Page, chip: str, *words: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{chip}")).click()
    for word in words:
        page.get_by_role("radio", name=word).or_(page.get_by_role("checkbox", name=word)).first.click()
    page.keyboard.press("Escape")


# ---------- the leaderboard ----------


def test_figures_stand_with_their_interval_and_how_many_they_rest_on(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    row = row_of(page, GUESSING)
    expect(row.locator(".gp")).to_have_text(GUESSING_GAP)
    expect(row_of(page, SHARP).locator(".gp")).to_have_text(SHARP_GAP)
    expect(
        row.get_by_role("link", name=re.compile(r"^Sync, original: 100\.0 %, 95 % interval .*, n 30"))
    ).to_be_visible()
    expect(row.get_by_role("link", name=re.compile(r"^Sync, shifted: 0\.0 %, .*, n 60"))).to_be_visible()
    expect(row.get_by_role("img")).to_have_count(3)


def test_published_rows_have_no_rank_and_say_whose_they_are(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    row = page.locator("tr.pubr", has_text="Gemini-3.1-Pro")
    expect(row.locator(".gp")).to_have_text("56.8")
    expect(row.locator("td").first).to_have_text("")
    expect(page.locator("tr.grp", has_text="Not ranked with the rows above")).to_contain_text("Published")


def test_a_name_that_is_markup_stays_text(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    expect(row_of(page, HOSTILE)).to_be_visible()
    assert page.locator("#view img").count() == 0


@pytest.mark.parametrize("width", [1440, 1024])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_never_scrolls_sideways(page: Page, url: str, width: int, theme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    page.emulate_media(color_scheme=theme)
    for address in ("/results", "/results?view=compare", "/results?items=task%3Dsync"):
        opened(page, url + address)
        expect(page.locator("tbody tr").first).to_be_visible()
        assert page.evaluate(WIDER) <= 0, address
    head = page.locator(".lb thead").bounding_box()
    page.locator(".lbw").evaluate("node => node.scrollTo(0, 500)")
    assert head == page.locator(".lb thead").bounding_box()


def test_sorting_by_a_column_is_in_the_address(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    assert names(page)[0] == SHARP.name
    head = page.get_by_role("button", name="Sort by average gap")
    head.click()
    expect(page.locator(".who").first).to_have_text(GUESSING.name)
    assert asked(page)["sort"] == "-gap"
    expect(page.get_by_role("button", name="Sort by average gap")).to_be_focused()
    down = names(page)
    page.reload()
    assert names(ready(page)) == down
    page.get_by_role("button", name="Sort by listener").click()
    expect(page.get_by_role("columnheader", name="listener")).to_have_attribute("aria-sort", "ascending")
    assert names(page) == sorted(names(page), key=str.lower)


def test_a_filter_changes_the_figures_and_a_link_brings_it_back(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    choose(page, "clips all", "glass")
    original = row_of(page, GUESSING).get_by_role("link", name=re.compile("^Sync, original"))
    expect(original).to_have_accessible_name(re.compile("n 10"))
    assert asked(page) == {"kinds": "glass"}
    page.reload()
    expect(row_of(ready(page), GUESSING).get_by_role("link", name=re.compile("^Sync, original.*n 10"))).to_be_visible()
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(original).to_have_accessible_name(re.compile("n 30"))
    assert asked(page) == {}


def test_unparsed_may_be_left_out_of_the_count(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    shifted = row_of(page, MIDDLING).get_by_role("link", name=re.compile("^Sync, shifted"))
    expect(shifted).to_have_accessible_name(re.compile("n 60"))
    choose(page, "unparsed count as", "left out")
    expect(shifted).not_to_have_accessible_name(re.compile("n 60"))
    assert asked(page) == {"unparsed": "out"}


def test_filters_that_leave_nothing_say_so_and_can_be_cleared(page: Page, url: str) -> None:
    opened(page, f"{url}/results?q=nobody")
    expect(page.get_by_role("heading", name="No row matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(row_of(page, SHARP)).to_be_visible()


def test_rows_and_figures_are_reached_by_keyboard(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    page.keyboard.press("j")
    expect(row_of(page, SHARP).locator(".who")).to_be_focused()
    page.keyboard.press("j")
    second = page.locator("tr[data-row]").nth(1)
    expect(second.locator(".who")).to_be_focused()
    expect(second).to_have_attribute("aria-selected", "true")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(second.get_by_role("link", name=re.compile("^Sync, original"))).to_be_focused()
    page.wait_for_function("location.search.includes('row=')")
    assert page.locator("tr[data-row] [tabindex='0']").count() == second.locator("[tabindex='0']").count()
    page.keyboard.press("k")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function("location.search.includes('view=model')")
    assert asked(page)["row"].startswith(SHARP.key)
    expect(page.locator(".res-body:not([aria-busy])")).to_be_visible()


# ---------- items ----------


def test_a_figure_opens_its_items_and_gives_the_focus_back(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    figure = row_of(page, GUESSING).get_by_role("link", name=re.compile("^Sync, shifted"))
    figure.click()
    panel = page.get_by_role("complementary", name="Items")
    expect(panel.get_by_role("heading", name="60 items")).to_be_visible()
    expect(panel.locator("tbody tr")).to_have_count(50)
    first = panel.locator("tbody tr").first
    expect(first).to_contain_text("synced, wrong")
    expect(first).to_contain_text(re.compile("expected (early|delayed)"))
    expect(first.get_by_role("link")).to_be_focused()
    for _ in range(55):
        page.keyboard.press("j")
    expect(panel.locator("tbody tr")).to_have_count(60)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(figure).to_be_focused()
    assert "items" not in asked(page)
    page.go_back()
    expect(panel).to_be_visible()


def test_a_link_to_items_opens_them(page: Page, url: str) -> None:
    opened(page, f"{url}/results?kinds=glass&items=task%3Dsync%26condition%3Doriginal")
    expect(page.get_by_role("heading", name="40 items")).to_be_visible()  # ten clips, four listeners


# ---------- comparing ----------


def test_two_rows_are_compared_by_keyboard(page: Page, url: str) -> None:
    opened(page, f"{url}/results?row={GUESSING.key}.audio_video.structured")
    page.keyboard.press("c")
    expect(row_of(page, GUESSING).get_by_text("A", exact=True)).to_be_visible()
    row_of(page, SHARP).locator(".who").focus()
    page.keyboard.press("x")
    expect(page.get_by_role("heading", name="Is the difference real?")).to_be_visible()
    expect(page.locator(".verdict b")).to_have_text(re.compile("^Yes"))
    muted = page.get_by_role("row", name=re.compile("^Existence, muted"))
    expect(muted).to_contain_text("+100.0")
    expect(muted.get_by_role("img", name=re.compile("B minus A .100.0 points, 95 % interval"))).to_be_visible()
    assert asked(page)["a"].startswith(GUESSING.key)
    assert asked(page)["b"].startswith(SHARP.key)


def pair(url: str, a: Mind = GUESSING, b: Mind = SHARP) -> str:
    return f"{url}/results?view=compare&a={a.key}.audio_video.structured&b={b.key}.audio_video.structured"


def test_the_items_that_flipped_are_listed_each_way(page: Page, url: str) -> None:
    opened(page, pair(url))
    flips = page.get_by_role("region", name="Items that flipped").last
    tab = page.get_by_role("radio", name=re.compile("^A wrong, B right 120"))  # 60 shifted, 30 muted, 30 swapped
    expect(tab).to_be_checked()
    expect(flips.locator("tbody tr").first).to_contain_text("wrong")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name=re.compile("^A right, B wrong 0"))).to_be_focused()
    assert asked(page)["flip"] == "b_wrong"
    expect(page.get_by_text("No item matches.")).to_be_visible()


def test_turning_round_turns_every_sign(page: Page, url: str) -> None:
    opened(page, pair(url))
    muted = page.get_by_role("row", name=re.compile("^Existence, muted"))
    expect(muted).to_contain_text("+100.0")
    page.get_by_role("button", name="Turn round").click()
    expect(muted).to_contain_text("−100.0")
    expect(page.get_by_role("button", name="Turn round")).to_be_focused()
    assert asked(page)["a"].startswith(SHARP.key)


# ---------- views, notes, exports, faults ----------


def test_a_view_is_saved_opened_and_deleted(page: Page, url: str) -> None:
    opened(page, f"{url}/results?kinds=wood&sort=listener")
    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Name of this view").fill("Wood by name")
    page.keyboard.press("Enter")
    saved = page.get_by_role("button", name="Wood by name", exact=True)
    expect(saved).to_be_visible()
    opened(page, f"{url}/results")
    page.get_by_role("button", name="Saved views").click()
    saved.click()
    page.wait_for_function("location.search.includes('kinds=wood')")
    assert asked(page) == {"kinds": "wood", "sort": "listener"}
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("button", name="Delete the view Wood by name").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    assert not httpx.get(f"{url}/api/results/views").json()["views"]


def test_a_note_on_a_row_is_kept(page: Page, url: str) -> None:
    row = f"{SHARP.key}.audio_video.structured"
    opened(page, f"{url}/results?row={row}")
    page.keyboard.press("n")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="Write something first.")).to_be_visible()
    page.get_by_label("Note", exact=True).fill("Too good to be true.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The note on sharp is kept")).to_be_visible()
    kept = httpx.get(f"{url}/api/results/model", params={"row": row}).json()["notes"]
    assert [note["text"] for note in kept] == ["Too good to be true."]


def test_the_plot_is_a_file_of_its_own(page: Page, url: str, tmp_path: Path) -> None:
    opened(page, f"{url}/results")
    for words, name in (("Plot, SVG", "plot.svg"), ("Plot, PNG", "plot.png")):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=words).click()
        download.value.save_as(tmp_path / name)
    drawn = (tmp_path / "plot.svg").read_text()
    assert "var(" not in drawn and "href" not in drawn and "url(" not in drawn
    said = {node.text for node in ET.fromstring(drawn).iter() if node.tag.endswith("text")}
    assert {SHARP.name, GUESSING.name, "Gemini-3.1-Pro", "average gap", HOSTILE} <= said
    assert (tmp_path / "plot.png").read_bytes().startswith(PNG)


def test_exports_carry_the_filter_and_the_link_is_copied(page: Page, url: str) -> None:
    opened(page, f"{url}/results?kinds=glass")
    page.get_by_role("button", name="Export").click()
    href = page.get_by_role("link", name="Numbers, CSV").get_attribute("href")
    assert href is not None
    assert parse_qs(urlsplit(href).query) == {"kind": ["csv"], "kinds": ["glass"], "view": ["leaderboard"]}
    assert SHARP.name in httpx.get(url + href).raise_for_status().text
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_text("The link is copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_a_fault_is_one_sentence_and_can_be_tried_again(page: Page, url: str, trouble: list[str]) -> None:
    page.route("**/api/results/leaderboard*", lambda route: route.abort())
    opened(page, f"{url}/results")
    expect(page.get_by_role("alert").filter(has_text="The server does not answer")).to_be_visible()
    trouble.clear()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(row_of(page, SHARP)).to_be_visible()


def test_a_filter_nobody_knows_is_refused_in_words(page: Page, url: str, trouble: list[str]) -> None:
    opened(page, f"{url}/results?arm=telepathy")
    expect(page.get_by_role("alert").filter(has_text="telepathy")).to_be_visible()
    trouble.clear()


def test_nobody_was_asked_yet(page: Page, tmp_path: Path, trouble: list[str]) -> None:
    with running_module("tests.e2e.results_app", tmp_path, "empty") as url:
        opened(page, f"{url}/results")
        expect(page.get_by_role("heading", name="No listener was asked yet")).to_be_visible()
        expect(page.locator("tr.pubr").first).to_be_visible()
        opened(page, f"{url}/results?view=compare")
        expect(page.get_by_role("heading", name="Nothing to compare yet")).to_be_visible()
        page.goto("about:blank")
    assert all(url in each for each in trouble)
    trouble.clear()


def test_the_benchmarks_view_shows_the_papers_recipes_and_says_what_is_wrong_with_a_path(
    page: Page, url: str, trouble: list[str]
) -> None:
    page.goto(f"{url}/results?view=benchmarks")
    table = page.locator("table.tax")
    expect(table.get_by_role("row", name=re.compile("^vanilla"))).to_contain_text("69.2")
    expect(table.get_by_role("row", name=re.compile("^Ours"))).to_contain_text("+0.9")
    page.get_by_label("Folder or file with the questions").fill("/nowhere/at/all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="nowhere")).to_be_visible()
    assert [line for line in trouble if "400" not in line] == [] and page.evaluate(WIDER) <= 0
    trouble.clear()

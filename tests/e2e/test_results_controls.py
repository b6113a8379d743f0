"""What the sound alone allows, and another picture, beside every accuracy on sync: on the page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.app_server import running_module
from tests.e2e.conftest import SIZE
from tests.e2e.controls_app import BY_EAR, HELD_OUT, LISTENS, PRIOR, UNSURE
from tests.e2e.page import WIDER
from tests.e2e.test_results import asked, opened, row_of


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_module("tests.e2e.controls_app", tmp_path_factory.mktemp("controls")) as url:
        yield url


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=SIZE, color_scheme="dark")
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert trouble == []


def held(page: Page, name: str) -> Locator:
    """The cell of a row that holds its controls; of those asked with picture and sound."""
    return row_of(page, name).filter(has_text="audio + video").locator(".fln")


def model(page: Page, url: str, name: str) -> Locator:
    opened(page, f"{url}/results")
    row_of(page, name).filter(has_text="audio + video").get_by_role("link", name=name, exact=True).click()
    return page.get_by_role("region", name="Is it listening?")


def test_every_row_of_the_leaderboard_has_both_beside_it(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    expect(held(page, LISTENS)).to_have_text(re.compile(r"100\.0.*alone \d+.*other \d+"))
    expect(held(page, LISTENS).locator(".held")).to_have_attribute("title", re.compile("gone under another picture"))
    expect(held(page, PRIOR)).to_contain_text("33.3")
    expect(held(page, PRIOR).locator(".held")).to_have_attribute("title", re.compile("Not above what the sound alone"))
    expect(row_of(page, "frames").locator(".fln")).to_have_text("–")
    expect(row_of(page, LISTENS).filter(has_text="another clip").locator(".held")).to_have_attribute(
        "title", re.compile("The control")
    )


def test_the_order_by_classes_alike_is_in_the_address(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    page.get_by_role("button", name="Sort by sync, classes alike").click()
    expect(page.locator("tr[data-row] .who").first).to_have_text(re.compile(f"{LISTENS}|{UNSURE}"))
    assert asked(page)["sort"] == "-alike"


def test_what_was_not_asked_can_be_asked_from_its_row(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    button = held(page, UNSURE).get_by_role("button", name=f"Ask {UNSURE} under another clip’s picture")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name=re.compile(UNSURE))).to_be_checked()
    expect(dialog.get_by_role("checkbox", name=re.compile("Another clip’s picture"))).to_be_checked()
    expect(dialog.get_by_role("checkbox", name=re.compile("Picture and sound|Audio"))).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_what_is_asked_is_of_the_clips_that_it_was_asked_about(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    held(page, HELD_OUT).get_by_role("button", name=f"Ask {HELD_OUT} under another clip’s picture").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="The 2 clips it was asked about")).to_be_checked()
    with page.expect_request("**/api/listeners/plan") as sent:
        dialog.get_by_role("checkbox", name="Ask again").click()
    assert len(sent.value.post_data_json["clips"]) == 2
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    held(page, UNSURE).get_by_role("button", name=f"Ask {UNSURE}").click()
    expect(dialog.get_by_role("radio", name="All", exact=True)).to_be_checked()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_listeners_page_says_whether_it_listens(page: Page, url: str) -> None:
    panel = model(page, url, LISTENS)
    expect(panel).to_contain_text("over what the sound alone allows, and gone under another picture.")
    expect(panel.locator("tbody tr")).to_have_count(3)
    expect(panel.get_by_role("row", name=re.compile("^Sync, classes alike"))).to_contain_text("100.0")
    expect(model(page, url, BY_EAR)).to_contain_text("Not above what the sound alone allows.")
    expect(model(page, url, UNSURE).get_by_role("button", name=re.compile("^Ask"))).to_be_visible()


def test_a_gain_counts_only_by_listening(page: Page, url: str) -> None:
    opened(page, f"{url}/results")
    rows = {name: row_of(page, name).filter(has_text="audio + video") for name in (PRIOR, LISTENS, BY_EAR, UNSURE)}
    ids = {name: row.get_attribute("data-row") for name, row in rows.items()}
    told = {
        LISTENS: "B gains 67 points",
        BY_EAR: "does not count",
        UNSURE: "not known until it is asked under another picture",
    }
    for name, words in told.items():
        opened(page, f"{url}/results?view=compare&a={ids[PRIOR]}&b={ids[name]}")
        panel = page.get_by_role("region", name="Is the gain listening?")
        expect(panel).to_contain_text(words)
        cells = panel.get_by_role("row", name=re.compile("^Sync, classes alike")).get_by_role("cell")
        expect(cells.nth(3)).to_have_text(re.compile(r"^[+−]\d+\.\d … [+−]\d+\.\d$"))
        expect(cells.nth(4)).to_have_text(re.compile(r"^(< \.001|[.1]\d+)"))
        expect(cells.nth(4).locator("[title]")).to_have_attribute("title", re.compile("; n 72 from 24 sources$"))


@pytest.mark.parametrize("width", [1440, 1024])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_never_scrolls_sideways(page: Page, url: str, width: int, theme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    page.emulate_media(color_scheme=theme)
    for address in ("/results", "/results?view=compare", "/results?view=model"):
        opened(page, url + address)
        expect(page.locator("tbody tr").first).to_be_visible()
        assert page.evaluate(WIDER) <= 0, address
    opened(page, f"{url}/results")
    board = page.locator(".lbw")
    assert board.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    page.set_viewport_size(SIZE)

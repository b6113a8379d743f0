"""The gallery, on hundreds of clips: what cards say, what filters do to the address, keys, and there and back."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.app_server import App
from tests.e2e.crowd import COUNT, KINDS, NASTY, REASON, name, numbers
from tests.e2e.page import Held, Visit, cards, head, ready, search_field

SCREENFUL = 180
REFUSED, DAMAGED = len(numbers(state="refused")), len(numbers(state="damaged"))


def count_beside(page: Page, label: str) -> Locator:
    return page.locator(".rail label", has_text=label).locator("span").last


def named(page: Page, clip: str) -> Locator:
    """The card or row of the clip with this name."""
    return page.locator(".cell").filter(has=page.locator(".mono", has_text=re.compile(f"^{clip}$")))


def focused_name(page: Page) -> Locator:
    return page.locator("[data-id]:focus .mono")


def test_cards_say_what_is_known(visit: Visit) -> None:
    page = ready(visit("/clips?q=Clip+at+30"))
    card = cards(page).first
    expect(card).to_contain_text("Clip at 30")
    expect(card).to_contain_text("1.500 s")
    expect(card).to_contain_text("3.0 s")
    expect(card.locator(".cgl.muted")).to_have_attribute("title", re.compile(r"^muted: \d verified$"))
    expect(card.locator(".wf path")).to_have_attribute("d", re.compile("^M0,"))
    page.wait_for_function("document.querySelector('.card img').naturalWidth > 0")
    search_field(page).fill("")
    expect(head(page)).to_have_text(re.compile(r"^\d+ clips, \d+ with event times, [1-9]\d* stimuli verified$"))


def test_cards_say_what_is_wrong(visit_crowd: Visit) -> None:
    page = ready(visit_crowd(f"/clips?kind={KINDS[1]}"))
    refused, damaged = name(numbers(state="refused", kind="bell")[0]), name(numbers(state="damaged", kind="bell")[0])
    expect(named(page, refused)).to_contain_text("1 refused")
    expect(named(page, refused).locator(".cgl.early")).to_have_attribute("title", "early: 1 refused")
    expect(named(page, damaged)).to_contain_text("cut short")
    expect(named(page, name(13))).to_contain_text("not built")
    page.get_by_label("bell").uncheck()
    page.get_by_label("Wait for event times").check()
    expect(cards(page)).to_have_count(len(numbers(state="waiting")))
    expect(cards(page).first).to_contain_text("no times")
    page.get_by_label("Wait for event times").uncheck()
    page.get_by_label("Some refused").check()
    cards(page).first.click()
    expect(page.locator(".clip-page")).to_contain_text(REASON)


def test_filters_go_into_the_address_and_come_back_from_it(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    page.get_by_label("Some refused").check()
    page.get_by_label("drum").check()
    shown = f"{len(numbers(state='refused', kind='drum'))} of {COUNT} clips"
    expect(head(page)).to_have_text(shown)
    expect(page).to_have_url(re.compile(r"\?state=refused&kind=drum$"))
    page.reload()
    ready(page)
    expect(head(page)).to_have_text(shown)
    expect(page.get_by_label("Some refused")).to_be_checked()
    search_field(page).fill("nothing has this name")
    expect(page.get_by_text("No clip matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").first.click()
    expect(page).to_have_url(re.compile(r"/clips$"))
    expect(head(page)).to_have_text(re.compile(f"^{COUNT} clips, "))


def test_counts_of_a_group_follow_the_other_groups(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    expect(count_beside(page, "bell")).to_have_text(str(len(numbers(kind="bell"))))
    page.get_by_label("Some refused").check()
    expect(count_beside(page, "bell")).to_have_text(str(len(numbers(kind="bell", state="refused"))))
    expect(count_beside(page, "Damaged")).to_have_text(str(DAMAGED))
    page.get_by_label("bell").check()
    expect(count_beside(page, "Damaged")).to_have_text(str(len(numbers(kind="bell", state="damaged"))))
    expect(count_beside(page, "drum")).to_have_text(str(len(numbers(kind="drum", state="refused"))))


def test_search_finds_names_titles_kinds_and_ids(crowd: App, visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    some_id = crowd.get("/api/clips")["clips"][7]["id"]
    page.keyboard.press("f")
    for typed, found in (("bell_013", 1), ("BELL 013", 1), ("cork", 60), ("13 bell", 5), (some_id[:12], 1)):
        search_field(page).fill(typed)
        expect(head(page)).to_have_text(f"{found} of {COUNT} clips")


def test_clips_that_need_a_look(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    expect(page.locator(".note")).to_contain_text(f"{REFUSED + DAMAGED} clips need a look.")
    expect(page.locator(".note")).to_contain_text(f"in {DAMAGED}, the file is damaged")
    page.get_by_role("button", name="Show only these").click()
    expect(head(page)).to_have_text(f"{REFUSED + DAMAGED} of {COUNT} clips")
    expect(page).to_have_url(re.compile("look=1"))
    page.get_by_role("button", name="Show all again").click()
    expect(head(page)).to_have_text(re.compile(f"^{COUNT} clips, "))


def test_the_table_shows_the_same_clips(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips?view=table&state=refused"))
    rows = page.locator("tbody tr.cell")
    expect(rows).to_have_count(REFUSED)
    expect(rows.first).to_contain_text(name(numbers(state="refused")[0]))
    expect(rows.first).to_contain_text("0.800")
    page.get_by_role("radio", name="Grid").click()
    expect(cards(page)).to_have_count(REFUSED)
    assert "view=" not in page.url
    page.keyboard.press("v")
    expect(rows).to_have_count(REFUSED)
    expect(page).to_have_url(re.compile("view=table"))
    rows.nth(1).locator("td").nth(2).click()
    expect(page.locator(".clip-page h1")).to_have_text(name(numbers(state="refused")[1]).replace("_", " ").capitalize())


def test_arrows_move_between_cards_and_enter_opens(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    order = [name(number) for number in numbers()]
    page.keyboard.press("ArrowRight")
    expect(focused_name(page)).to_have_text(order[0])
    page.keyboard.press("ArrowRight")
    expect(focused_name(page)).to_have_text(order[1])
    above = page.locator("[data-id]:focus").bounding_box()
    page.keyboard.press("ArrowDown")
    expect(focused_name(page)).not_to_have_text(order[1])
    below = page.locator("[data-id]:focus").bounding_box()
    assert above and below and abs(above["x"] - below["x"]) < 2
    page.keyboard.press("ArrowUp")
    expect(focused_name(page)).to_have_text(order[1])
    page.keyboard.press("End")
    expect(focused_name(page)).to_have_text(order[-1])
    page.keyboard.press("Home")
    expect(focused_name(page)).to_have_text(order[0])
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".clip-page h1")).to_have_text(order[-1].replace("_", " ").capitalize())
    page.keyboard.press("Escape")
    expect(focused_name(page)).to_have_text(order[-1])


def test_back_from_a_clip_restores_filters_and_scroll(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips?times=gold"))
    page.wait_for_function("scrollTo(0, 1200), scrollY > 800")
    page.evaluate("document.elementFromPoint(700, 450).closest('a.card').click()")
    expect(page.locator(".clip-page h1")).to_be_visible()
    assert "times=gold" in page.url
    page.go_back()
    expect(cards(page).first).to_be_attached()
    page.wait_for_function("scrollY > 800")
    expect(page.get_by_label("Gold")).to_be_checked()
    page.go_forward()
    expect(page.locator(".clip-page h1")).to_be_visible()


def test_many_clips_are_drawn_a_screenful_at_a_time(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    expect(page.locator(".foot")).to_contain_text(f"of {COUNT} shown; more load as you scroll")
    assert page.locator(".cell").count() <= SCREENFUL
    page.wait_for_function(f"scrollTo(0, 1e6), document.querySelectorAll('.cell').length === {COUNT}")
    expect(page.locator(".foot")).to_have_text("")


def test_go_to_a_clip_by_its_name(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips"))
    page.keyboard.press("/")
    page.keyboard.type("drum_0")
    expect(page.get_by_role("option")).to_have_count(8)
    page.keyboard.type("nowhere")
    expect(page.get_by_role("option")).to_have_text("No clip has this name")
    page.get_by_label("Go to clip").fill("drum_0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".clip-page h1")).to_have_text("Drum 007")


def test_titles_are_text_and_nothing_else(visit_crowd: Visit) -> None:
    page = ready(visit_crowd("/clips?q=bell_00"))
    for clip, title in NASTY.items():
        expect(named(page, clip)).to_contain_text(title)
    page.keyboard.press("v")
    expect(page.get_by_text(NASTY["bell_001"])).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("bell_005")
    expect(page.locator("#jump-list")).to_contain_text(NASTY["bell_005"])
    page.keyboard.press("Enter")
    expect(page.locator(".clip-page h1")).to_have_text(NASTY["bell_005"])
    expect(page).to_have_title(f"{NASTY['bell_005']} · thud")
    assert page.evaluate("window.pwned") is None


def test_resting_on_a_card_shows_the_moment_and_leaving_early_is_no_trouble(visit: Visit) -> None:
    page = ready(visit("/clips?q=Clip+at+30"))
    film = Held(page, "**/proxy.mp4", times=1)
    peek = page.locator("video.peek")
    cards(page).first.hover()
    expect(peek).to_be_attached()
    film.wait()
    page.mouse.move(5, 5)
    expect(peek).to_have_count(0)
    with page.expect_response("**/proxy.mp4"):
        film.let_go()
    cards(page).first.hover()
    expect(peek).to_have_js_property("muted", True)
    page.wait_for_function("document.querySelector('video.peek').currentTime > 1")

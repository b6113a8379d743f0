"""The form of the Train page in a real browser: focus, drafts, lists that grow; and a log that is being read."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, Route, expect

from tests.e2e.page import WORK_MS
from tests.e2e.train_page import LONG_MS, Hand, head, panel


def pick(page: Page, menu: str, *words: str) -> None:
    """Chooses by keys alone, as somebody does who loses the most when the focus is lost."""
    button = panel(page, "New run").get_by_role("button", name=re.compile(f"^{menu}: "))
    button.focus()
    page.keyboard.press("Enter")
    for each in words:
        choice = panel(page, "New run").get_by_role("radio", name=re.compile(each))
        choice.focus()
        page.keyboard.press("Enter")
    expect(button).to_be_focused()


def test_another_choice_keeps_the_focus_and_what_was_written(hand: Hand) -> None:
    page = hand.open()
    form = panel(page, "New run")
    form.locator("summary").click()
    yaml, cluster = (form.get_by_role("textbox", name=name) for name in ("All other settings, YAML", "Cluster"))
    expect(yaml).not_to_be_empty(timeout=LONG_MS)
    first = yaml.input_value()
    yaml.fill("seed: 7")
    cluster.fill("slurm:gpu")
    form.get_by_role("textbox", name="Learning rate").fill("2e-3")
    pick(page, "Start from", "^sft-0001, step 40")
    expect(form.get_by_role("button", name="Start from: sft-0001, step 40")).to_be_focused()
    pick(page, "Recipe", "^The paper.s SFT")
    expect(form.get_by_text("all weights train")).to_be_visible()
    expect(form.get_by_role("textbox", name="LoRA rank")).to_have_count(0)
    expect(cluster).to_have_value("slurm:gpu")
    pick(page, "Recipe", "^Demo SFT")
    for stage in ("DPO", "SFT"):
        form.get_by_role("radio", name=stage, exact=True).click()
        expect(cluster).to_have_value("slurm:gpu")
    page.reload()
    expect(form.get_by_role("button", name="Recipe: Demo SFT")).to_be_visible(timeout=LONG_MS)
    form.locator("summary").click()
    expect(yaml).to_have_value("seed: 7")
    expect(form.get_by_role("textbox", name="Learning rate")).to_have_value("2e-3")
    expect(form.get_by_role("button", name="Start from: sft-0001, step 40")).to_be_visible()
    form.get_by_role("button", name="All as the recipe has it").click()
    expect(yaml).to_be_focused()
    expect(form.get_by_role("textbox", name="Learning rate")).to_have_value("1e-3")
    expect(form.get_by_role("button", name="All as the recipe has it")).to_be_hidden()
    expect(yaml).to_have_value(first)
    form.get_by_role("button", name=re.compile("^Start from: ")).click()
    form.get_by_role("button", name="Another folder…").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("models/mine")
    page.keyboard.press("Enter")
    expect(form.get_by_role("button", name="Start from: models/mine")).to_be_focused()


def test_a_recipe_that_was_chosen_does_not_go_on_from_another_base(hand: Hand) -> None:
    page = hand.open()
    form = panel(page, "New run")
    form.get_by_role("radio", name="DPO", exact=True).click()
    expect(form.get_by_role("button", name="Start from: sft-0001, step 40")).to_be_visible()
    expect(form.get_by_role("button", name="Recipe: Demo DPO")).to_be_visible(timeout=LONG_MS)
    pick(page, "Recipe", "^The paper.s DPO")
    expect(form.get_by_role("button", name="Start from: models/paper-sft/model")).to_be_visible()


def test_what_follows_stays_with_another_recipe(hand: Hand) -> None:
    page = hand.open()
    form = panel(page, "New run")
    for recipe, other in (("Demo SFT", "^The paper.s SFT"), ("The paper.s SFT", "^Demo SFT")):
        expect(form.get_by_role("button", name=re.compile(f"^Recipe: {recipe}"))).to_be_visible(timeout=LONG_MS)
        if recipe == "Demo SFT":
            pick(page, "Afterwards", "^DPO with Demo DPO")
        pick(page, "Recipe", other)
        expect(form.get_by_role("button", name="Afterwards: DPO with Demo DPO")).to_be_visible()


def test_what_a_chain_waits_for_is_accepted_by_a_button(hand: Hand) -> None:
    page = hand.page
    found = httpx.get(f"{hand.url}/api/train", timeout=60).json()
    steps = [{"words": "Train by DPO", "run": "", "state": "failed", "message": "", "name": "", "done": 0, "of": 0}]
    chain = {"id": "c1", "title": "SFT, then DPO", "kind": "after", "state": "paused", "problem": "It may be chance.",
             "at": "", "steps": steps, "last": "", "waive": {"no_gain": "It may be chance."}}  # fmt: skip
    page.route("**/api/train", lambda route: route.fulfill(json={**found, "chains": [chain]}))
    page.route("**/go-on", lambda route: route.fulfill(json={"chain": "c1"}))
    strip = panel(hand.open(), "SFT, then DPO")
    button = strip.get_by_role("button", name="Accept and go on")
    expect(button).to_have_attribute("title", "It may be chance.")
    with page.expect_request("**/api/train/chains/c1/go-on") as sent:
        button.click()
    assert sent.value.post_data_json == {"waive": ["no_gain"]}
    with page.expect_request("**/api/train/chains/c1/go-on") as sent:
        strip.get_by_role("button", name="Go on", exact=True).click()
    assert sent.value.post_data_json == {}


def test_fields_of_lora_are_there_where_the_settings_below_train_an_adapter(hand: Hand) -> None:
    page = hand.open()
    form = panel(page, "New run")
    rank, yaml = (form.get_by_role("textbox", name=name) for name in ("LoRA rank", "All other settings, YAML"))
    form.locator("summary").click()
    for written, fields in (("tuning: full", 0), ("tuning: full\nlora: {rank: 3}", 1), ("tuning: lora", 1)):
        yaml.fill(written)
        expect(form.get_by_text("all weights train")).to_have_count(1 - fields, timeout=WORK_MS)
        expect(rank).to_have_count(fields)


def test_what_is_accepted_can_be_taken_back_at_once(hand: Hand) -> None:
    """The check is answered as for pairs that no linter has seen, which none of the runs by hand has."""
    page = hand.page
    line_ = {"level": "bad", "title": "Lint", "words": "Not linted.", "fix": "", "waive": "never_linted"}

    def answer(route: Route) -> None:
        waived = "never_linted" in route.request.post_data_json["waive"]
        told = {"name": "sft-0009", "command": "", "facts": [{**line_, "waived": waived}], "steps": 4, "config": {},
                "blocked": "", "wrong": "", "seconds": None}  # fmt: skip
        route.fulfill(json=told)

    page.route("**/api/train/check", answer)
    before = panel(hand.open(), "Before you start")
    for words in ("Go on all the same", "Take that back", "Go on all the same"):
        button = before.get_by_role("button", name=words)
        expect(button).to_be_visible()
        button.focus()
        page.keyboard.press("Enter")
    expect(before.get_by_role("button", name="Take that back")).to_be_focused()


def test_what_was_trained_meanwhile_can_be_gone_on_from_at_once(hand: Hand) -> None:
    page = hand.open("/train?run=dpo-0004")
    found = httpx.get(f"{hand.url}/api/train", timeout=60).json()
    new = {**found["adapters"][0], "run": "new", "name": "sft-0042", "full": True}
    page.route("**/api/train", lambda route: route.fulfill(json={**found, "adapters": [new, *found["adapters"]]}))
    page.route("**/stop", lambda route: route.fulfill(json={"run": "", "title": ""}))
    with page.expect_response("**/api/train"):
        head(page).get_by_role("button", name="Stop and keep").click()
    form = panel(page, "New run")
    form.get_by_role("button", name=re.compile("^Start from: ")).click()
    expect(form.get_by_role("radio", name=re.compile("^sft-0042, step .* of tiny, all weights$"))).to_be_visible()


def test_a_log_that_is_read_stays_where_it_is(hand: Hand) -> None:
    page, told = hand.open("/train?run=dpo-0004"), [f"line {number}" for number in range(300)]
    page.route("**/log", lambda route: route.fulfill(json={"log": "\n".join(told)}))
    log = page.get_by_label("Log", exact=True)
    page.keyboard.press("l")
    expect(log).to_contain_text("line 299")
    end = "(log) => log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 4"
    assert log.evaluate(end), "it opens at its end"
    told.append("line 300")
    expect(log).to_contain_text("line 300")
    assert log.evaluate(end), "and follows it"
    log.evaluate("(log) => log.scrollTo(0, 100)")
    told.append("line 301")
    expect(log).to_contain_text("line 301")
    assert log.evaluate("(log) => log.scrollTop") == 100
    log.evaluate("(log) => getSelection().setBaseAndExtent(log.firstChild, 0, log.firstChild, 6)")
    told.append("line 302")
    with page.expect_response("**/log"), page.expect_response("**/log"):
        pass
    expect(log).not_to_contain_text("line 302")
    assert page.evaluate("String(getSelection())") == "line 0"
    page.evaluate("getSelection().removeAllRanges()")
    expect(log).to_contain_text("line 302")

"""The rules read answers that they were not written from, and where they cannot they say so.

The held texts are for measuring only, so a failure here tells figures and never the texts
(`python -m tests.answers.report held --texts` does).
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.answers.report import TASKS, Read, agreement, corpus, read_all, told_times, unparsed_share, wrong_times

POSITIVE = {"synced", "match", "audio_described"}
SAYS_NOTHING = {"unparsed", "refused"}
LABELS = {
    "sync": {"synced", "early", "delayed", "desync", "muted", "visual_only", "refused", "unparsed"},
    "existence": {"audio_described", "muted", "visual_only", "refused", "unparsed"},
    "consistency": {"match", "mismatched", "muted", "visual_only", "refused", "unparsed"},
}


@pytest.fixture(scope="module")
def held() -> dict[str, list[Read]]:
    return {task: read_all("held", task) for task in TASKS}


@pytest.fixture(scope="module")
def everything(held: dict[str, list[Read]]) -> list[Read]:
    return [read for task in TASKS for read in [*held[task], *read_all("dev", task)]]


@pytest.mark.parametrize("task", TASKS)
def test_held_and_dev_share_no_text_and_hold_every_label(task: str) -> None:
    dev, blind = corpus("dev", task), corpus("held", task)
    texts = Counter(written.response for written in dev + blind)
    assert max(texts.values()) == 1
    for part in (dev, blind):
        assert len(part) >= 90
        assert {written.label for written in part} == LABELS[task]
        assert {written.task for written in part} == {task}


@pytest.mark.parametrize(("task", "least"), [("sync", 0.75), ("existence", 0.71), ("consistency", 0.66)])
def test_held_answers_are_read_as_a_careful_reader_does(held: dict[str, list[Read]], task: str, least: float) -> None:
    share = agreement(held[task])
    assert share >= least


@pytest.mark.parametrize(("task", "most"), [("sync", 0.16), ("existence", 0.27), ("consistency", 0.25)])
def test_few_telling_answers_are_left_unparsed(held: dict[str, list[Read]], task: str, most: float) -> None:
    share = unparsed_share(held[task])
    assert share <= most


def test_told_times_are_found_in_held_answers(held: dict[str, list[Read]]) -> None:
    share = len(wrong_times(held["sync"])) / told_times(held["sync"])
    assert share <= 0.27


def test_an_answer_that_says_nothing_is_never_read_as_a_positive_one(everything: list[Read]) -> None:
    labels = [read.answer.label for read in everything if read.written.label in SAYS_NOTHING]
    taken = sum(label in POSITIVE for label in labels)
    assert len(labels) > 100
    assert taken == 0


@pytest.mark.parametrize("task", TASKS)
def test_an_empty_answer_is_unparsed(everything: list[Read], task: str) -> None:
    empty = [read for read in everything if read.written.task == task and not read.written.response.strip()]
    assert len(empty) >= 3
    assert {read.answer.label for read in empty} == {"unparsed"}


def test_the_direction_is_hardly_ever_turned_round(held: dict[str, list[Read]]) -> None:
    shifted = [read for read in held["sync"] if read.written.label in ("early", "delayed")]
    share = sum({read.written.label, read.answer.label} == {"early", "delayed"} for read in shifted) / len(shifted)
    assert share <= 0.03


def test_the_quote_occurs_in_the_answer_and_is_there_when_a_label_is(everything: list[Read]) -> None:
    invented = sum(read.answer.quote not in read.written.response for read in everything)
    bare = {read.answer.label for read in everything if not read.answer.quote}
    assert invented == 0
    assert bare <= {"unparsed", "refused", "visual_only"}


def test_the_sign_of_an_offset_agrees_with_the_label(everything: list[Read]) -> None:
    signs = {"delayed": 1, "early": -1}
    told = [read.answer for read in everything if read.answer.label in signs and read.answer.offset_s is not None]
    against = sum(answer.offset_s * signs[answer.label] < 0 for answer in told if answer.offset_s is not None)
    assert len(told) > 50
    assert against == 0

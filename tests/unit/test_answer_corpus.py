"""The rules read written answers of every kind as a careful reader does, and abstain where nothing is said.

`python -m tests.answers.report dev` lists what they misread.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.answers.report import (
    PARTS,
    TASKS,
    Read,
    agreement,
    corpus,
    read_all,
    told_times,
    unparsed_share,
    wrong_times,
)

POSITIVE = {"synced", "match", "audio_described"}
SAYS_NOTHING = {"unparsed", "refused"}
LABELS = {
    "sync": {"synced", "early", "delayed", "desync", "muted", "visual_only", "refused", "unparsed"},
    "existence": {"audio_described", "muted", "visual_only", "refused", "unparsed"},
    "consistency": {"match", "mismatched", "muted", "visual_only", "refused", "unparsed"},
}


LEAST = {"dev": 0.96, "dev2": 0.93, "dev3": 0.92, "dev4": 0.93, "dev5": 0.88}
"""The share of each part that the rules must read rightly."""


@pytest.fixture(scope="module")
def reads() -> dict[tuple[str, str], list[Read]]:
    return {(part, task): read_all(part, task) for part in PARTS for task in TASKS}


@pytest.fixture(scope="module")
def everything(reads: dict[tuple[str, str], list[Read]]) -> list[Read]:
    return [read for found in reads.values() for read in found]


@pytest.mark.parametrize("task", TASKS)
def test_no_text_of_any_length_is_written_twice_and_every_label_occurs(task: str) -> None:
    parts = [corpus(part, task) for part in PARTS]
    texts = Counter(written.response for part in parts for written in part if len(written.response) > 40)
    assert max(texts.values()) == 1
    for part in parts:
        assert len(part) >= 60
        assert {written.label for written in part} == LABELS[task]
        assert {written.task for written in part} == {task}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("task", TASKS)
def test_answers_are_read_as_a_careful_reader_does(
    reads: dict[tuple[str, str], list[Read]], part: str, task: str
) -> None:
    share = agreement(reads[part, task])
    assert share >= LEAST[part]


@pytest.mark.parametrize("task", TASKS)
def test_few_telling_answers_are_left_unparsed(reads: dict[tuple[str, str], list[Read]], task: str) -> None:
    share = unparsed_share([read for part in PARTS for read in reads[part, task]])
    assert share <= 0.05


def test_told_times_are_found(reads: dict[tuple[str, str], list[Read]]) -> None:
    timed = [read for part in PARTS for read in reads[part, "sync"]]
    share = len(wrong_times(timed)) / told_times(timed)
    assert share <= 0.1


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


def test_the_direction_is_hardly_ever_turned_round(everything: list[Read]) -> None:
    shifted = [read for read in everything if read.written.label in ("early", "delayed")]
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

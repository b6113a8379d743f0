"""The paper's rules, rebuilt: right where they are right, wrong where they are known to be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thud.evaluation.answers import TASKS
from thud.evaluation.paper_parser import paper_answer


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The tracks are in sync.", "synced"),
        ("They are out of sync, the sound is late.", "delayed"),
        ('{"synced": false, "direction": "early", "offset_sec": 0.5}', "early"),
        ('{"synced": "yes", "direction": "delay"}', "synced"),
        ('{"synced": false, "direction": "sideways"}', "desync"),
        ("", "synced"),
        ("I cannot hear audio.", "synced"),
        ("They are not perfectly synchronized; the sound lags 0.5 s.", "synced"),
        ("They are unsynchronized.", "synced"),
        ("The sound comes 400 ms after, it is delayed.", "synced"),
        ("A clear mismatch: the thud is heard at 3.0 s, the hammer is seen at 2.5 s.", "early"),
    ],
)
def test_sync(text: str, label: str) -> None:
    assert paper_answer("sync", text).label == label


def test_no_mismatch_is_taken_for_one() -> None:
    assert paper_answer("sync", "There is no mismatch; in sync.").label != "synced"
    assert paper_answer("sync", "It is not out of sync.").label != "synced"


def test_times_are_taken_in_the_order_of_the_text() -> None:
    answer = paper_answer("sync", "A mismatch: heard at 3.0 s, seen at about 2.5 s.")
    assert (answer.visual_s, answer.audio_s) == (3.0, 2.5)
    answer = paper_answer("sync", "Both at 4.0s.")
    assert (answer.visual_s, answer.audio_s) == (4.0, 4.0)


@pytest.mark.parametrize(
    ("task", "text", "label"),
    [
        ("existence", "The clip is silent.", "muted"),
        ("existence", "There is no sound, not even a thud.", "synced"),
        ("existence", "A man falls.", "synced"),
        ("consistency", "It is a bit odd.", "mismatched"),
        ("consistency", "A man falls.", "synced"),
    ],
)
def test_defaults_of_the_other_tasks(task: str, text: str, label: str) -> None:
    assert paper_answer(task, text).label == label


@given(st.sampled_from(TASKS), st.text(max_size=300))
def test_never_abstains(task: str, text: str) -> None:
    answer = paper_answer(task, text)
    assert answer.method == "paper"
    assert answer.label not in ("unparsed", "refused")


def test_agreement_is_about_what_was_measured_on_the_authors_answers() -> None:
    folder = os.environ.get("THUD_REFERENCE")
    if not folder:
        pytest.skip("THUD_REFERENCE names no folder that holds wvs_answers_dev.jsonl")
    lines = (Path(folder) / "wvs_answers_dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    right = sum(paper_answer("sync", row["text"]).label == row["condition"] for row in rows) / len(rows)
    assert right == pytest.approx(0.708, abs=0.04)

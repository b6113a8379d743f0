"""What the rules read in a response: wordings of every kind, and never a class where nothing was said."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.answers_samples import LABELLED, TIMED
from thud.evaluation.answers import TASKS, read_answer
from thud.evaluation.reading.text import sentences

OPTIONS = (("A", "early"), ("B", "delayed"), ("C", "synced"))


@pytest.mark.parametrize(("task", "label", "text"), LABELLED)
def test_wordings(task: str, label: str, text: str) -> None:
    answer = read_answer(task, text)
    assert (answer.label, answer.quote in text) == (label, True)
    assert bool(answer.quote) == (label != "unparsed")


@pytest.mark.parametrize(("text", "label", "offset_s", "visual_s", "audio_s"), TIMED)
def test_times(text: str, label: str, offset_s: float | None, visual_s: float | None, audio_s: float | None) -> None:
    answer = read_answer("sync", text)
    assert (answer.label, answer.visual_s, answer.audio_s) == (label, visual_s, audio_s)
    assert answer.offset_s == (None if offset_s is None else pytest.approx(offset_s, abs=0.02))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("B", "delayed"),
        ("(b)", "delayed"),
        ("**C**", "synced"),
        ("A.", "early"),
        ("Answer: B", "delayed"),
        ("The answer is B) delayed", "delayed"),
        ("I first thought of A, but the correct answer is C.", "synced"),
        ("B - the sound is late", "delayed"),
        ('{"answer": "A"}', "early"),
        ("<think>A? No.</think>\nC", "synced"),
        ("Option A is wrong. The answer is B.", "delayed"),
        ("A man falls from a ladder.", "visual_only"),
        ("THE AUDIO", "unparsed"),
        ("Based on what I see, nothing.", "unparsed"),
        ("B) early", "unparsed"),
        ("D", "unparsed"),
        ("A or B", "unparsed"),
    ],
)
def test_letters_of_a_choice_question(text: str, label: str) -> None:
    answer = read_answer("sync", text, OPTIONS)
    assert answer.label == label
    assert answer.quote in text


def test_a_choice_answer_is_the_letter() -> None:
    options = (("A", "A black screen"), ("B", "A globe logo"), ("C", "Lightning"))
    assert read_answer("choice", "Therefore the correct answer is C. Lightning.", options).label == "C"
    assert read_answer("choice", "A black dog appears; the answer is B.", options).label == "B"
    assert read_answer("choice", "It shows a globe logo.", options).label == "B"
    assert read_answer("choice", "A great question!", options).label == "unparsed"
    assert read_answer("choice", "B").label == "unparsed"


@given(st.sampled_from(TASKS), st.text(max_size=400))
def test_any_text_is_read_and_quoted_verbatim(task: str, text: str) -> None:
    answer = read_answer(task, text, OPTIONS)
    assert answer.quote in text


IN_SYNC, ANY_DELAY = "Are the tracks synchronized?", "Look closely. Is there any noticeable audio delay in this clip?"


@pytest.mark.parametrize(
    ("task", "question", "text", "label"),
    [
        ("sync", IN_SYNC, "Yes.", "synced"),
        ("sync", IN_SYNC, "No.", "desync"),
        ("sync", IN_SYNC, "No, not at all.", "desync"),
        ("sync", ANY_DELAY, "Yes.", "delayed"),
        ("sync", ANY_DELAY, "Yes, there is.", "delayed"),
        ("sync", ANY_DELAY, "No.", "synced"),
        ("sync", ANY_DELAY, "No, none.", "synced"),
        ("sync", "Does the sound come too early?", "Yes", "early"),
        ("sync", "Is the sound early, late, or in sync?", "In sync.", "synced"),
        ("existence", "Is the clip silent?", "Yes.", "muted"),
        ("existence", "Is the clip silent?", "No.", "audio_described"),
        ("existence", "Can you hear any sound?", "No.", "muted"),
        ("existence", "Can you hear any sound?", "Yes.", "audio_described"),
        ("consistency", "Does the sound match the picture?", "No.", "mismatched"),
        ("consistency", "Was the soundtrack replaced by another one?", "No.", "match"),
        ("consistency", "Was the soundtrack replaced by another one?", "Yes.", "mismatched"),
        ("consistency", "Was the soundtrack replaced by another one?", "The capital of France is Paris.", "unparsed"),
    ],
)
def test_a_bare_yes_or_no_answers_the_question_that_was_put(task: str, question: str, text: str, label: str) -> None:
    assert read_answer(task, text, question=question).label == label


@pytest.mark.parametrize(
    ("task", "text", "label"),
    [
        ("sync", "Out of sync? Not at all.", "synced"),
        ("sync", "In sync? Hardly.", "desync"),
        ("consistency", "Swapped? No.", "match"),
        ("consistency", "Does it fit? Absolutely.", "match"),
        ("existence", "Any sound? None.", "muted"),
    ],
)
def test_a_response_may_answer_its_own_question(task: str, text: str, label: str) -> None:
    assert read_answer(task, text).label == label


FRAGMENTS = (
    "the sound is", "late", "early", "not", "no", "2.0 s", "at 3,5s", "{", '"synced": true', "}", "<think>", "</think>",
    "0:02.5", "B)", "answer:", "in sync", "silent", "\n", ".", "?", "—", "İ", "\x00", "12 frames", "before", "if",
)  # fmt: skip


@given(st.sampled_from(TASKS), st.lists(st.sampled_from(FRAGMENTS), max_size=40))
def test_any_jumble_of_telling_words_is_read_and_quoted_verbatim(task: str, pieces: list[str]) -> None:
    text = " ".join(pieces)
    assert read_answer(task, text, OPTIONS).quote in text


@given(st.lists(st.text("bcdfghjklmnpqrstvwxz", min_size=9, max_size=14), max_size=30))
def test_random_words_say_nothing(words: list[str]) -> None:
    assert {read_answer(task, " ".join(words)).label for task in TASKS} == {"unparsed"}


times = st.integers(0, 600).map(lambda tenths: tenths / 10)


@given(times, times, st.booleans(), st.sampled_from(("{:.1f} s", "{:.2f}s", "{:.1f} seconds")))
def test_told_times_come_back(visual_s: float, audio_s: float, sound_first: bool, shape: str) -> None:
    seen = f"the hammer is seen to strike at {shape.format(visual_s)}"
    heard = f"the thud is heard at {shape.format(audio_s)}"
    first, second = (heard, seen) if sound_first else (seen, heard)
    answer = read_answer("sync", f"In this clip {first}, while {second}.")
    apart = audio_s - visual_s
    assert (answer.visual_s, answer.audio_s) == (visual_s, audio_s)
    if abs(apart) > 0.16:
        assert answer.label == ("delayed" if apart > 0 else "early")
        assert answer.offset_s == pytest.approx(apart, abs=0.002)
    elif abs(apart) < 0.14:
        assert answer.label == "synced"


@given(
    st.integers(200, 4000),
    st.sampled_from((("delayed", "lags behind", "leads"), ("early", "leads", "lags behind"))),
    st.booleans(),
    st.sampled_from(("{} ms", "{:.3f} s")),
)
def test_who_lags_whom_comes_back(ms: int, words: tuple[str, str, str], of_sound: bool, shape: str) -> None:
    label, sound_does, picture_does = words
    size = shape.format(ms if "ms" in shape else ms / 1000)
    said = (
        f"The audio {sound_does} the video by {size}." if of_sound else f"The video {picture_does} the audio by {size}."
    )
    answer = read_answer("sync", said)
    signed = ms / 1000 if label == "delayed" else -ms / 1000
    assert (answer.label, answer.offset_s) == (label, pytest.approx(signed))


@given(st.sampled_from(("delayed", "early", "synced")), times)
def test_json_comes_back(label: str, size_s: float) -> None:
    direction = {"delayed": "delay", "early": "early", "synced": "none"}[label]
    row = {"synced": label == "synced", "direction": direction, "offset_sec": size_s}
    for text in (json.dumps(row), f"Sure:\n```json\n{json.dumps({'result': row}, indent=1)}\n```\nHope this helps."):
        answer = read_answer("sync", text)
        assert (answer.label, answer.method) == (label, "json")
        assert answer.quote in text


JUNK = (
    "a ",
    "no not ",
    "{",
    '{"a":',
    "2.0 s at ",
    "after ",
    "answer is ",
    "<think>",
    "```",
    "x",
    "at least ",
    "(",
    "\n",
)


@pytest.mark.parametrize("piece", JUNK)
def test_a_megabyte_of_anything_is_read(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert {read_answer(task, text, OPTIONS).label for task in TASKS} == {"unparsed"}


def test_no_sentence_grows_without_end() -> None:
    found = sentences("after the " * 5_000)
    assert max(len(one.tokens) for one in found) <= 160


def test_the_end_of_a_long_response_counts() -> None:
    text = "The hammer is long. " * 60_000 + "Final answer: the sound is delayed."
    answer = read_answer("sync", text)
    assert answer.label == "delayed"
    assert answer.quote in text


@pytest.mark.parametrize(
    ("task", "first", "second"),
    [("sync", "in sync", "delayed"), ("consistency", "match", "mismatched"), ("existence", "silent", "a dog barks")],
)
@pytest.mark.parametrize("name", ["Final answer", "**Verdict**", "label"])
def test_two_verdicts_that_contradict_each_other_decide_nothing(task: str, first: str, second: str, name: str) -> None:
    both, back = f"{name}: {first}\n{name}: {second}", f"{name}: {second}\n{name}: {first}"
    assert [read_answer(task, text).label for text in (both, back)] == ["unparsed", "unparsed"]
    twice, taken = (
        f"{name}: {second}\n{name}: {second}",
        f"{name}: {first}. No, wait, that was wrong.\n{name}: {second}",
    )
    once = read_answer(task, f"{name}: {second}").label
    assert once != "unparsed" and {read_answer(task, text).label for text in (twice, taken)} == {once}


def test_agreement_with_the_answers_of_the_papers_authors() -> None:
    folder = os.environ.get("THUD_REFERENCE")
    if not folder:
        pytest.skip("THUD_REFERENCE names no folder that holds wvs_answers_dev.jsonl")
    lines = (Path(folder) / "wvs_answers_dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    read = Counter((row["condition"], read_answer("sync", row["text"]).label) for row in rows)
    assert sum(count for (told, label), count in read.items() if told == label) / len(rows) >= 0.93
    assert sum(count for (_, label), count in read.items() if label == "unparsed") / len(rows) <= 0.02

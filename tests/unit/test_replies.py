"""Reading what models say: only an exact answer is a mark; everything else is named for what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thud.events.annotators import ANNOTATORS, read, shown_units
from thud.events.replies import Answer, Trouble, parse_answer
from thud.records import Clip, Probe, Reply, Usage

CLIP = Clip("ab" * 32, "clip.mp4", "Clip", Probe("mp4", 4.2, 25.0, 105, 64, 48, 0, "h264", 1, "aac", 48_000, 2), "")
GPT, GEMINI = ANNOTATORS["gpt"], ANNOTATORS["gemini"]
UNITS = shown_units(GPT, CLIP)
FRAMES = {"visual_event": "It falls.", "unit": 2, "time_s": 1.5, "uncertain": False, "sentence": "Seen."}
HEARD = {"visual_time_s": 1.5, "audio_time_s": 1.6, "confidence": "high", "uncertain": False}
OK = Reply("openai", "m", "ok", "", {}, Usage(audio_tokens=9), "r1", "m-1", "0" * 64, 0.1)


def gpt(text: str) -> tuple[str, Any]:
    outcome = read(GPT, CLIP, UNITS, replace(OK, text=text))
    return outcome.outcome, outcome.mark


def gpt_says(**changes: Any) -> tuple[str, Any]:
    return gpt(json.dumps({**FRAMES, **changes}))


def gemini_says(**changes: Any) -> tuple[str, Any]:
    outcome = read(GEMINI, CLIP, (), replace(OK, text=json.dumps({**HEARD, **changes})))
    return outcome.outcome, outcome.mark


@pytest.mark.parametrize(
    "around",
    [
        "%s",
        "```json\n%s\n```",
        "```\n%s```",
        "The answer: %s. Hope it helps {smile}!",
        "{} %s",
        "\ufeff \n%s",
        "%s\n%s",
    ],
)
def test_json_alone_fenced_or_in_prose(around: str) -> None:
    outcome, mark = gpt(around.replace("%s", json.dumps(FRAMES)))
    assert outcome == "placed"
    assert (mark.visual_s, mark.audio_s, mark.detail["unit"], mark.detail["sentence"]) == (1.5, None, [1, 2], "Seen.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It happens at 1.5 s in unit 2.",
        "[1, 2]",
        "null",
        '{"unit": 2}',
        '{"unit": 2, "time_s": 1.5',
        '{"unit": 2, "time_s": NaN}',
        '{"unit": 2, "time_s": Infinity}',
        '{"unit": 2, "time_s": 1e999}',
        '{"unit": 2, "time_s": "1.5"}',
        '{"unit": 2, "time_s": true}',
        '{"unit": 2, "time_s": [1.5]}',
        '{"unit": 2.5, "time_s": 1.5}',
        '{"unit": "2", "time_s": 1.5}',
        '{"unit": true, "time_s": 1.5}',
        '{"unit": 2, "time_s": null}',
        '{"unit": 2, "time_s": 1.5, "uncertain": "no"}',
        '{"unit": 2, "time_s": ' + "9" * 400 + "}",
        '{"unit": 2, "time_s": ' + "9" * 5000 + "}",
        "{" * 50_000,
        '{"a":' * 50_000,
        "[" * 50_000,
        '{"unit": 2, "time_s": 1.5} {"unit": 2, "time_s": 1.6}',
        "x" * 200_000 + json.dumps(FRAMES),
    ],
)
def test_what_is_no_answer_is_unparsed(text: str) -> None:
    assert gpt(text) == ("unparsed", None)


@pytest.mark.parametrize("time_s", [-0.001, 4.201, -5, 1e6])
def test_outside_the_clip(time_s: float) -> None:
    assert gpt_says(time_s=time_s) == ("out_of_clip", None)
    assert gemini_says(visual_time_s=time_s) == ("out_of_clip", None)
    assert gemini_says(audio_time_s=time_s) == ("out_of_clip", None)


@pytest.mark.parametrize(("time_s", "unit"), [(0, 1), (4.2, 5), (4.0, 5), (4.0, 4), (2.02, 2), (0.98, 2)])
def test_edges_count_and_half_a_frame_is_forgiven(time_s: float, unit: int) -> None:
    assert gpt_says(time_s=time_s, unit=unit)[0] == "placed"


@pytest.mark.parametrize(
    "changes", [{"unit": 0}, {"unit": 6}, {"unit": -2}, {"unit": None}, {"unit": 3}, {"unit": 10**6}]
)
def test_units_that_do_not_exist_or_do_not_hold_the_time(changes: dict[str, Any]) -> None:
    assert gpt_says(**changes) == ("bad_unit", None)


@pytest.mark.parametrize("time_s", [2.021, 0.979])
def test_more_than_half_a_frame_outside_the_unit(time_s: float) -> None:
    assert gpt_says(time_s=time_s) == ("bad_unit", None)


def test_uncertain_is_a_mark_without_times() -> None:
    for changes in ({"uncertain": True}, {"unit": None, "time_s": None}, {"uncertain": True, "time_s": 99}):
        outcome, mark = gpt_says(**changes)
        assert outcome == mark.verdict == "uncertain"
        assert (mark.visual_s, mark.audio_s) == (None, None)


def test_what_gemini_sees_and_hears() -> None:
    outcome, mark = gemini_says()
    assert (outcome, mark.visual_s, mark.audio_s, mark.detail["confidence"]) == ("placed", 1.5, 1.6, "high")
    outcome, mark = gemini_says(audio_time_s=None)
    assert (outcome, mark.verdict, mark.visual_s, mark.audio_s) == ("no_sound", "no_sound", 1.5, None)
    assert gemini_says(visual_time_s=None)[1].visual_s is None
    assert gemini_says(visual_time_s=None, audio_time_s=None)[0] == "uncertain"
    assert gemini_says(confidence="very")[1].detail["confidence"] == ""


def test_a_window_holds_its_answers() -> None:
    reply = replace(OK, text=json.dumps(HEARD))
    assert read(GEMINI, CLIP, (), reply, (0.6, 2.6)).outcome == "placed"
    outcome = read(GEMINI, CLIP, (), reply, (1.55, 3.5))
    assert (outcome.outcome, outcome.mark) == ("bad_unit", None)
    assert "1.550–3.500 s" in outcome.problem


@pytest.mark.parametrize("kind", ["refused", "truncated", "rejected", "error", "in_doubt"])
def test_a_reply_that_is_none_is_not_read(kind: Any) -> None:
    outcome = read(GPT, CLIP, UNITS, replace(OK, outcome=kind, text=json.dumps(FRAMES), problem="Because."))
    assert (outcome.outcome, outcome.mark, outcome.problem) == (kind, None, "Because.")
    assert read(GPT, CLIP, UNITS, replace(OK, outcome=kind)).problem


def test_a_compatible_server_that_counts_no_sound_is_deaf_and_one_that_does_not_count_is_believed() -> None:
    mine = replace(GEMINI, name="qwen", provider="compatible", video=True)
    told = replace(OK, text=json.dumps(HEARD))
    for tokens, expected in ((0, "no_audio_read"), (None, "placed"), (12, "placed")):
        assert read(mine, CLIP, (), replace(told, usage=Usage(audio_tokens=tokens))).outcome == expected


def test_words_stay_text_and_are_cut() -> None:
    hostile = "{{ 7*7 }} <script>alert(1)</script> ' ); DROP \x00\x1b[2J\ud800" + "y" * 9000
    _, mark = gpt_says(sentence=hostile, visual_event=["no text"])
    said = mark.detail["sentence"]
    assert said.startswith("{{ 7*7 }} <script>alert(1)</script> ' ); DROP [2J")
    assert len(said) == 500
    assert mark.detail["visual_event"] == ""
    json.dumps(mark.detail, allow_nan=False, ensure_ascii=False).encode()


def test_one_reply_is_one_save() -> None:
    marks = [gpt_says()[1] for _ in range(2)]
    assert marks[0].save_id == marks[1].save_id
    other = read(GPT, CLIP, UNITS, replace(OK, text=json.dumps(FRAMES), request_id="r2")).mark
    assert other is not None
    assert other.save_id != marks[0].save_id


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.text() | JSON.map(json.dumps), st.booleans())
def test_no_text_whatever_raises(text: str, hears: bool) -> None:
    assert isinstance(parse_answer(text, hears), (Answer, Trouble))


@given(JSON, JSON, JSON)
def test_a_mark_is_always_inside_its_unit_and_clip(unit: Any, time_s: Any, uncertain: Any) -> None:
    outcome, mark = gpt_says(unit=unit, time_s=time_s, uncertain=uncertain)
    if outcome == "placed":
        start_s, end_s = mark.detail["unit"]
        assert start_s - 0.021 <= mark.visual_s <= end_s + 0.021
        assert 0 <= mark.visual_s <= 4.2
    else:
        assert mark is None or (mark.verdict == "uncertain" and mark.visual_s is None)

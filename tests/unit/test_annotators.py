"""Annotators: who they are, what is asked, how often, and what is made of the answers, down to vendors' servers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.barcode import make_clip
from tests.vendors import Asked, ChatServer, ClaudeServer, GeminiServer, GptServer
from tests.vendors.kit import give_keys
from thud.errors import BadRequest
from thud.events.annotators import (
    ANNOTATORS,
    Annotator,
    ask_clip,
    endpoint_of,
    estimate,
    first_question,
    parse_annotator,
    prompt_label,
    prompt_text,
    shown_units,
)
from thud.events.simulated import simulated_marks
from thud.media.probe import probe
from thud.providers import Image, Price, Question, Shelf, Text, Video, ask
from thud.records import Clip, EventTimes, Reply, Usage

SECONDS = 4.0
FRAMES = {"visual_event": "It falls.", "unit": 2, "time_s": 1.5, "uncertain": False, "sentence": "Between two."}
HEARD = {
    "visual_event": "It falls.",
    "visual_time_s": 1.5,
    "audio_event": "a thud",
    "audio_time_s": 1.6,
    "confidence": "high",
    "uncertain": False,
    "sentence": "Seen and heard.",
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=SECONDS).path
    return Clip("ab" * 32, str(path), "Clip", probe(path), "")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = make_clip(tmp_path_factory.mktemp("silent") / "clip.mp4", seconds=2.0, channels=0).path
    return Clip("cd" * 32, str(path), "Silent", probe(path), "")


class Model:
    """Answers in turn, and keeps what it was asked."""

    def __init__(self, *answers: dict[str, Any] | str, audio_tokens: int | None = 128) -> None:
        self.answers, self.audio_tokens = list(answers), audio_tokens
        self.asked: list[Question] = []

    def __call__(self, question: Question) -> Reply:
        answer = self.answers[len(self.asked)]
        self.asked.append(question)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        usage = Usage(audio_tokens=self.audio_tokens, video_tokens=700)
        sent = question.sent_sha256("gemini")
        return Reply("x", question.model, "ok", text, {"raw": text}, usage, f"r{len(self.asked)}", "echo", sent, 0.1)


def words(question: Question) -> list[str]:
    return [part.text for part in question.parts if isinstance(part, Text)]


def test_stills_are_numbered_and_timed_and_the_prompt_comes_last(clip: Clip) -> None:
    question = first_question(ANNOTATORS["gpt"], clip, clip.path)
    said = words(question)
    assert said[0] == "unit 1 · 0.000–1.000 s · frame t=0.000 s"
    assert said[1] == "frame t=0.333 s"
    assert said[9] == "unit 4 · 3.000–4.000 s · frame t=3.000 s"
    assert sum(isinstance(part, Image) for part in question.parts) == 12
    assert "4 numbered units" in said[-1]
    assert "4.000 seconds" in said[-1]
    assert isinstance(question.parts[-1], Text)
    assert question.schema is not None
    assert set(question.schema["required"]) == set(question.schema["properties"]) == set(FRAMES)
    assert question.schema["additionalProperties"] is False


def test_gemini_gets_the_file_at_eight_pictures_a_second(clip: Clip, silent: Clip) -> None:
    video = first_question(ANNOTATORS["gemini"], clip, clip.path).parts[0]
    assert video == Video(clip.path, clip.sha256, "video/mp4", 8.0)
    assert first_question(ANNOTATORS["gemini"], silent, silent.path).parts[0].layers == ("frames",)  # type: ignore[union-attr]


def test_another_file_is_sent_under_its_own_hash(clip: Clip, silent: Clip) -> None:
    video = first_question(ANNOTATORS["gemini"], clip, Path(silent.path)).parts[0]
    assert isinstance(video, Video)
    assert video.sha256 not in (clip.sha256, silent.sha256)
    with pytest.raises(BadRequest, match="no video model"):
        first_question(ANNOTATORS["gemini"], clip, "clip.txt")


def test_the_same_clip_gives_the_same_question(clip: Clip) -> None:
    for name in ("gemini", "gpt"):
        one, two = (first_question(ANNOTATORS[name], clip, clip.path) for _ in range(2))
        assert one.sent_sha256("x") == two.sent_sha256("x")


def test_gpt_looks_twice_and_its_mark_says_so(clip: Clip) -> None:
    model = Model(FRAMES, {**FRAMES, "time_s": 1.53})
    outcome = ask_clip(ANNOTATORS["gpt"], clip, clip.path, model)
    mark = outcome.mark
    assert mark is not None
    assert (outcome.outcome, mark.annotator, mark.visual_s, mark.audio_s) == ("placed", "gpt", 1.53, None)
    assert (mark.person, mark.verdict) == (False, "placed")
    assert mark.detail["unit"] == [1.0, 2.0]
    assert mark.detail["hears"] is False
    assert mark.detail["coarse"] == {"visual_s": 1.5, "audio_s": None}
    assert mark.detail["prompt"] == prompt_label("frames_v1")
    assert mark.detail["replies"] == [reply.id for reply in outcome.replies]
    assert "raw" not in json.dumps(mark.detail)
    near = [part for part in model.asked[1].parts if isinstance(part, Image)]
    assert len(near) == 10
    assert words(model.asked[1])[0] == "unit 2 · 1.000–2.000 s · frame t=1.000 s"
    assert '"It falls."' in words(model.asked[1])[-1]


def test_gemini_looks_again_around_its_answer(clip: Clip) -> None:
    model = Model({**HEARD, "visual_time_s": 2.5, "audio_time_s": 2.75}, {**HEARD, "visual_time_s": 2.51})
    model.answers[1]["audio_time_s"] = 2.741  # type: ignore[index]
    outcome = ask_clip(ANNOTATORS["gemini"], clip, clip.path, model)
    mark = outcome.mark
    assert mark is not None
    assert (mark.visual_s, mark.audio_s, mark.verdict) == (2.51, 2.741, "placed")
    window = model.asked[1].parts[0]
    assert isinstance(window, Video)
    assert (window.start_s, window.end_s, window.fps) == (1.5, 3.75, 24.0)
    assert mark.detail["fps"] == [8.0, 24.0]
    assert mark.detail["video_tokens"] == [700, 700]
    assert mark.detail["hears"] is True
    assert mark.detail["coarse"] == {"visual_s": 2.5, "audio_s": 2.75}


def test_the_window_stays_in_the_clip(clip: Clip) -> None:
    model = Model({**HEARD, "visual_time_s": 0.2, "audio_time_s": 3.9}, HEARD)
    ask_clip(ANNOTATORS["gemini"], clip, clip.path, model)
    window = model.asked[1].parts[0]
    assert isinstance(window, Video)
    assert (window.start_s, window.end_s) == (0.0, 4.0)


@pytest.mark.parametrize("second", ["nonsense", {**FRAMES, "time_s": 2.4}, {**FRAMES, "time_s": 99}])
def test_a_closer_look_that_fails_leaves_the_first_answer(clip: Clip, second: dict[str, Any] | str) -> None:
    outcome = ask_clip(ANNOTATORS["claude"], clip, clip.path, Model(FRAMES, second))
    assert outcome.outcome == "placed"
    assert outcome.mark is not None
    assert outcome.mark.visual_s == 1.5
    assert outcome.mark.detail["closer_look"] in ("unparsed", "bad_unit", "out_of_clip")
    assert outcome.problem.startswith("The closer look was not used. ")
    assert len(outcome.replies) == 2


def test_who_takes_its_answer_back_is_uncertain(clip: Clip) -> None:
    unsure = {**FRAMES, "unit": None, "time_s": None, "uncertain": True}
    outcome = ask_clip(ANNOTATORS["claude"], clip, clip.path, Model(FRAMES, unsure))
    assert outcome.outcome == "uncertain"
    assert outcome.mark is not None
    assert (outcome.mark.verdict, outcome.mark.visual_s) == ("uncertain", None)
    assert outcome.mark.detail["coarse"]["visual_s"] == 1.5


@pytest.mark.parametrize("first", ["nonsense", {**FRAMES, "unit": 9}, {**FRAMES, "uncertain": True}])
def test_no_second_question_without_a_first_answer(clip: Clip, first: dict[str, Any] | str) -> None:
    model = Model(first)
    assert ask_clip(ANNOTATORS["gpt"], clip, clip.path, model).outcome in ("unparsed", "bad_unit", "uncertain")
    assert len(model.asked) == 1


def test_a_sound_that_was_not_listened_to_is_no_mark(clip: Clip, silent: Clip) -> None:
    for tokens in (0, None):
        model = Model(HEARD, audio_tokens=tokens)
        outcome = ask_clip(ANNOTATORS["gemini"], clip, clip.path, model)
        assert (outcome.outcome, outcome.mark, len(outcome.replies)) == ("no_audio_read", None, 1)
    deaf = Model(HEARD, HEARD, audio_tokens=None)
    mark = ask_clip(ANNOTATORS["gemini"], silent, silent.path, deaf).mark
    assert mark is not None
    assert (mark.verdict, mark.audio_s, mark.detail["invented_audio_s"]) == ("no_sound", None, 1.6)


def test_the_signal_asks_nobody(clip: Clip) -> None:
    outcome = ask_clip(ANNOTATORS["signal"], clip, clip.path, Model())
    assert outcome.mark is not None
    assert outcome.mark.audio_s == pytest.approx(1.5, abs=0.01)
    assert outcome.replies == ()
    with pytest.raises(BadRequest, match="nothing to ask"):
        first_question(ANNOTATORS["signal"], clip, clip.path)
    with pytest.raises(BadRequest, match="nobody to ask"):
        endpoint_of(ANNOTATORS["signal"])


def test_an_event_described_with_braces_stays_text(clip: Clip) -> None:
    model = Model({**FRAMES, "visual_event": "{unit} {0} {{x}} \n$(rm)"}, FRAMES)
    ask_clip(ANNOTATORS["gpt"], clip, clip.path, model)
    assert '"{unit} {0} {{x}} $(rm)"' in words(model.asked[1])[-1]


def test_units_to_read_a_batch_with_are_those_that_were_shown(clip: Clip) -> None:
    annotator = parse_annotator({"name": "gpt", "window_s": 1.5})
    heads = [text for text in words(first_question(annotator, clip, clip.path)) if text.startswith("unit")]
    assert [f"unit {u.index} · {u.start_s:.3f}–{u.end_s:.3f} s" for u in shown_units(annotator, clip)] == [
        head.rpartition(" · ")[0] for head in heads
    ]
    assert shown_units(ANNOTATORS["gemini"], clip) == ()


# Vendors' own protocols, on loopback.

Answer = Callable[[Asked], str]


def _about_frames(asked: Asked) -> str:
    """Reads the units off what was sent, as a model would, and says the middle of the second (or of the only) one."""
    said = json.dumps(asked.json, ensure_ascii=False)
    spans = re.findall(r"unit (\d+) · ([\d.]+)–([\d.]+) s", said)
    number, start, end = spans[min(1, len(spans) - 1)]
    return json.dumps({**FRAMES, "unit": int(number), "time_s": round((float(start) + float(end)) / 2 + 0.01, 3)})


@pytest.mark.parametrize("name", ["gpt", "claude", "mine"])
def test_stills_through_a_vendors_server(
    name: str, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(monkeypatch)
    servers = {"gpt": GptServer, "claude": ClaudeServer, "mine": ChatServer}
    with servers[name](answer=_about_frames) as server:
        row = {"name": name, "base_url": server.url}
        annotator = parse_annotator(row if name != "mine" else {**row, "provider": "compatible", "model": "tiny-omni"})
        shelf = Shelf(tmp_path / "shelf")
        first, again = (
            ask_clip(annotator, clip, clip.path, lambda q: ask(q, endpoint_of(annotator), shelf=shelf))
            for _ in range(2)
        )
        assert first.mark is not None
        assert (first.outcome, first.mark.visual_s, first.mark.detail["unit"]) == ("placed", 1.51, [1.0, 2.0])
        assert first.mark == again.mark
        assert len(server.questions) == 2  # the whole, then closer; the second time from the shelf


def test_gemini_through_its_server(clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)
    with GeminiServer(answer=lambda asked: json.dumps(HEARD)) as server:
        annotator = parse_annotator({"name": "gemini", "base_url": server.url})
        shelf = Shelf(tmp_path / "shelf")
        asked = lambda q: ask(q, endpoint_of(annotator), shelf=shelf)  # noqa: E731
        mark = ask_clip(annotator, clip, clip.path, asked).mark
        assert mark is not None
        assert (mark.visual_s, mark.audio_s) == (1.5, 1.6)
        assert server.uploads == 1
        coarse, fine = mark.detail["video_tokens"]
        assert coarse / 8 / server.media_s == pytest.approx(fine / 24 / 2.1, rel=0.01)
        server.hears = False
        deaf = parse_annotator({"name": "gemini", "base_url": server.url, "fps": 4})
        assert ask_clip(deaf, clip, clip.path, asked).outcome == "no_audio_read"


@pytest.mark.parametrize("fault", ["refusal", "truncated", "400", "garbage", "empty", "cut", "prose"])
def test_faults_are_outcomes_and_never_marks(
    fault: Any, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(monkeypatch)
    expected = {"refusal": "refused", "400": "rejected", "garbage": "error", "empty": "error", "cut": "in_doubt"}
    with GptServer(answer=_about_frames, faults=[fault]) as server:
        annotator = parse_annotator({"name": "gpt", "base_url": server.url})
        outcome = ask_clip(annotator, clip, clip.path, lambda q: ask(q, endpoint_of(annotator)))
    assert outcome.mark is None
    assert outcome.outcome == {**expected, "truncated": "truncated", "prose": "unparsed"}[fault]
    assert outcome.problem
    assert len(outcome.replies) == 1


# Who can be asked.


def test_those_that_ship_describe_themselves() -> None:
    assert list(ANNOTATORS) == ["gemini", "gpt", "claude", "signal"]
    for name, annotator in ANNOTATORS.items():
        assert parse_annotator({"name": name}) == annotator
        assert annotator.hears == (name in ("gemini", "signal"))
        assert parse_annotator(json.loads(json.dumps(asdict(annotator)))) == annotator


def test_what_is_given_replaces_what_ships() -> None:
    mine = parse_annotator({"name": "gpt", "model": "gpt-6.2-sol", "window_s": 2, "effort": "low"})
    assert (mine.model, mine.window_s, mine.effort, mine.provider) == ("gpt-6.2-sol", 2.0, "low", "openai")
    local = parse_annotator(
        {"name": "qwen", "provider": "compatible", "model": "q", "base_url": "http://127.0.0.1:1", "video": True}
    )
    assert (local.hears, local.prompt, local.closer_prompt) == (True, "gemini_v1", "gemini_window_v1")
    moved = parse_annotator({"name": "gpt", "provider": "anthropic", "model": "claude-opus-5"})
    for annotator in (mine, local, moved):
        assert parse_annotator(asdict(annotator)) == annotator
    assert (moved.provider, moved.prompt, moved.base_url) == ("anthropic", "frames_v1", "")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (None, "object"),
        ({}, "name"),
        ({"name": "../x"}, "name"),
        ({"name": "gpt", "modle": "x"}, "modle"),
        ({"name": "gpt", "model": 3}, "model must be a short text"),
        ({"name": "gpt", "model": ""}, "which model"),
        ({"name": "new"}, "which model"),
        ({"name": "gpt", "refine": 1}, "refine must be true or false"),
        ({"name": "gpt", "at_once": True}, "at_once must be a whole number"),
        ({"name": "gpt", "at_once": 0}, "at_once must lie between"),
        ({"name": "gemini", "fps": 25}, "fps must lie between"),
        ({"name": "gemini", "fps": float("nan")}, "fps must lie between"),
        ({"name": "gemini", "fps": 10**400}, "fps must be a number"),
        ({"name": "gpt", "provider": "aol", "model": "x"}, "provider is one of"),
        ({"name": "gpt", "effort": "a lot"}, "effort"),
        ({"name": "gpt", "video": True}, "take no video"),
        ({"name": "gpt", "prompt": "../../etc/passwd"}, "no prompt"),
        ({"name": "gpt", "prompt": "gemini_v1"}, "not for what"),
        ({"name": "gpt", "base_url": "file:///etc/passwd"}, "base_url"),
        ({"name": "gpt", "base_url": "http://me:pw@host/v1"}, "base_url"),
        ({"name": "gpt", "base_url": "http://["}, "base_url"),
        ({"name": "gpt", "key_env": "HOME"}, "key_env"),
        ({"name": "mine", "provider": "compatible", "model": "x"}, "base_url"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(row: object, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        parse_annotator(row)


def test_prompts_are_named_with_their_hash() -> None:
    assert re.fullmatch(r"frames_v1@[0-9a-f]{6}", prompt_label("frames_v1"))
    assert "uncertain" in prompt_text("gemini_window_v1")
    with pytest.raises(BadRequest, match="frames_v1"):
        prompt_text("nothing")


def test_estimates_count_requests_and_price_them(clip: Clip) -> None:
    table = {"gpt-6.2-sol": Price(1.0, 10.0, batch=0.5)}
    both = estimate(ANNOTATORS["gpt"], [clip, clip], table)
    one = estimate(parse_annotator({"name": "gpt", "refine": False}), [clip, clip], table)
    assert (both.requests, one.requests) == (4, 2)
    assert one.cost_usd == pytest.approx(one.input_tokens / 1e6 + one.output_tokens / 1e5)
    assert one.cost_batch_usd == both.cost_batch_usd == pytest.approx(one.cost_usd / 2)  # type: ignore[operator]
    unknown = estimate(ANNOTATORS["claude"], [clip], {})
    assert (unknown.cost_usd, unknown.cost_batch_usd) == (None, None)
    assert "claude-sonnet-5-5" in unknown.notes[-1]
    heard = estimate(ANNOTATORS["gemini"], [clip], {})
    assert heard.input_tokens == pytest.approx(1000 + 4 * (8 * 70 + 32) + 2 * (24 * 70 + 32))
    assert estimate(ANNOTATORS["signal"], [clip], {}).cost_usd == 0


def test_an_estimate_is_near_what_is_sent(clip: Clip) -> None:
    question = first_question(ANNOTATORS["claude"], clip, clip.path)
    pixels = sum(320 * 180 for part in question.parts if isinstance(part, Image))
    tokens = pixels / 750 + sum(len(text) / 4 for text in words(question))
    told = estimate(parse_annotator({"name": "claude", "refine": False}), [clip], {}).input_tokens
    assert tokens / 1.5 < told < tokens * 1.5


# The demo's simulated marks.


def test_simulated_marks_say_so_and_repeat_themselves(clip: Clip) -> None:
    truth = EventTimes(1.5, 1.51, "construction")
    marks = simulated_marks(clip, truth)
    assert marks == simulated_marks(clip, truth)
    assert marks != simulated_marks(clip, truth, seed=1)
    assert [mark.annotator for mark in marks] == ["gemini", "gpt", "claude"]
    assert all(mark.detail["simulated"] and not mark.person and mark.save_id for mark in marks)


def test_simulated_errors_are_what_they_claim(clip: Clip) -> None:
    truth = EventTimes(2.0, 2.01, "construction")
    marks = [mark for seed in range(300) for mark in simulated_marks(clip, truth, seed)]
    by = {name: [mark for mark in marks if mark.annotator == name] for name in ("gemini", "gpt", "claude")}
    for name, lag_s in (("gemini", 0.02), ("gpt", -0.04), ("claude", 0.06)):
        errors = sorted(mark.visual_s - 2.0 for mark in by[name] if mark.visual_s is not None)
        assert errors[len(errors) // 2] == pytest.approx(lag_s, abs=0.02)
        assert 3 <= sum(mark.verdict == "uncertain" for mark in by[name]) <= 40
        assert 5 <= sum(abs(error) > 0.5 for error in errors) <= 60
        assert all(0 <= mark.visual_s <= SECONDS for mark in by[name] if mark.visual_s is not None)
    for mark in (*by["gpt"], *by["claude"]):
        assert mark.audio_s is None
        if mark.visual_s is not None:
            start_s, end_s = mark.detail["unit"]
            assert start_s <= mark.visual_s <= end_s


def test_annotator_is_a_value() -> None:
    assert Annotator("a", "openai", "m") == Annotator("a", "openai", "m")
    assert hash(ANNOTATORS["gpt"]) == hash(parse_annotator({"name": "gpt"}))

"""Listeners as rows: what is taken, what is refused in words, what is part of their key; and the questions they get."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.listeners_kit import world
from tests.unit.test_house import modules_after
from thud.errors import BadRequest
from thud.evaluation.answers import read_answer
from thud.listeners.estimate import estimate
from thud.listeners.questions import (
    LABELS,
    QUESTION_SETS,
    QuestionSet,
    SetQuestion,
    parse_question_set,
    shuffled,
)
from thud.listeners.questions import to_json as set_json
from thud.listeners.roster import BASELINES, LISTENERS, PRESETS, Listener, endpoint_of, parse_listener, to_json
from thud.listeners.warnings import sampling_warning, step_s, threshold_warning
from thud.providers import Price
from thud.records import ARMS, TASKS

URL = "http://127.0.0.1:8000/v1"
SERVER = {"name": "mine", "backend": "compatible", "model": "tiny-omni", "base_url": URL}


def test_those_that_ship_need_nobody() -> None:
    assert set(LISTENERS) == {"always-synced", "signal", "tiny"}
    assert not any(one.asks for one in LISTENERS.values())
    assert {one.name for one in LISTENERS.values() if one.backend in BASELINES} == {"always-synced", "signal"}
    with pytest.raises(BadRequest, match="nobody to ask"):
        endpoint_of(LISTENERS["signal"])


@pytest.mark.parametrize("listener", [*LISTENERS.values(), *PRESETS], ids=lambda one: one.name)
def test_a_listener_goes_to_json_and_back(listener: Listener) -> None:
    assert parse_listener(to_json(listener)) == listener
    assert parse_listener({"name": listener.name}) == listener


def test_the_papers_models_are_there_to_be_edited() -> None:
    names = {preset.name for preset in PRESETS}
    assert {"Gemini-3.1-Pro", "MiMo-V2.5", "Nemotron-3-Nano-Omni", "MiniCPM-o-4.5", "Ming-flash-omni-2.0"} <= names
    assert {"Qwen3-Omni", "Qwen2.5-Omni", "GPT-5.5", "Claude"} <= names
    other = parse_listener({"name": "Qwen3-Omni", "model": "somebody/finetune"})
    assert (other.model, other.base_url) == ("somebody/finetune", "http://127.0.0.1:8000/v1")


@pytest.mark.parametrize("backend", ["openai", "anthropic"])
def test_a_model_that_cannot_hear_sees_only_and_says_so(backend: str) -> None:
    listener = parse_listener({"name": "eyes", "backend": backend, "model": "m"})
    assert (listener.hears, listener.arms, listener.allowed_arms) == (False, ("picture_only",), ("picture_only",))
    assert listener.label == "eyes (picture only)"
    with pytest.raises(BadRequest, match="arms: .*cannot hear"):
        parse_listener({"name": "eyes", "backend": backend, "model": "m", "arms": ["audio_video"]})


def test_a_server_that_takes_pictures_only_does_not_hear_either() -> None:
    assert parse_listener({**SERVER, "transport": "frames"}).arms == ("picture_only",)
    assert parse_listener(SERVER).allowed_arms == ARMS


REFUSED: list[tuple[Any, str]] = [
    ([], "described by an object"),
    ({**SERVER, "name": ""}, "name is"),
    ({**SERVER, "name": "<b>"}, "name is"),
    ({"name": "x", "backend": "telepathy"}, "backend is one of"),
    ({"name": "x"}, "backend is one of"),
    ({**SERVER, "colour": 1}, "no field 'colour'"),
    ({**SERVER, "model": ""}, "model says"),
    ({**SERVER, "model": 5}, "model must be a short text"),
    ({**SERVER, "model": "a\nb"}, "model must be a short text"),
    ({**SERVER, "base_url": ""}, "base_url says"),
    ({**SERVER, "base_url": "ftp://x"}, "base_url begins"),
    ({**SERVER, "base_url": "http://me:pw@host/v1"}, "base_url begins"),
    ({**SERVER, "key_env": "sk-123456"}, "key_env is the name"),
    ({**SERVER, "key_env": "PATH"}, "key_env is the name"),
    ({**SERVER, "transport": "pigeon"}, "transport is one of"),
    ({**SERVER, "fps": "2"}, "fps must be a number"),
    ({**SERVER, "fps": float("nan")}, "fps must lie"),
    ({**SERVER, "fps": 60}, "fps must lie"),
    ({**SERVER, "fps": True}, "fps must be a number"),
    ({**SERVER, "max_frames": 2.5}, "max_frames must be a whole number"),
    ({**SERVER, "max_frames": 0}, "max_frames must lie"),
    ({**SERVER, "temperature": 9}, "temperature must lie"),
    ({**SERVER, "seed": -1}, "seed must lie"),
    ({**SERVER, "effort": "heroic"}, "effort is empty or"),
    ({**SERVER, "arms": []}, "arms is a list"),
    ({**SERVER, "arms": ["smell"]}, "arms is a list"),
    ({**SERVER, "arms": "audio_video"}, "arms is a list"),
    ({**SERVER, "four_bit": 1}, "four_bit must be true or false"),
    ({**SERVER, "api_key": "sk-1"}, "no field 'api_key'"),
]


@pytest.mark.parametrize(("row", "words"), REFUSED)
def test_a_wrong_field_is_named(row: Any, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        parse_listener(row)


def test_the_key_follows_what_determines_answers_and_nothing_else() -> None:
    one = parse_listener(SERVER)
    same = {"name": "other", "key_env": "MY_KEY", "at_once": 9, "per_minute": 5, "arms": ["sound_only"]}
    assert parse_listener({**SERVER, **same}).key() == one.key()
    # What a server has no use for is no part of it either.
    assert parse_listener({**SERVER, "adapter": "/a", "four_bit": True, "batch_size": 7}).key() == one.key()
    other: dict[str, Any] = {"model": "b", "base_url": "http://127.0.0.1:9/v1", "transport": "video_url", "fps": 8}
    other |= {"max_frames": 32, "width": 336, "max_tokens": 256, "temperature": 0.5, "seed": 3, "effort": "low"}
    keys = {parse_listener({**SERVER, name: value}).key() for name, value in other.items()}
    assert len(keys | {one.key()}) == len(other) + 1
    assert parse_listener({**SERVER, "temperature": 0}).key() == parse_listener({**SERVER, "temperature": 0.0}).key()


def test_the_key_of_a_local_one_follows_its_weights_not_their_place(tmp_path: Path) -> None:
    def local(name: str, weights: bytes, adapter: str = "", **more: Any) -> Listener:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text('{"model_type": "tiny"}')
        (folder / "weights.bin").write_bytes(weights)
        return parse_listener({"name": "l", "backend": "local", "model": str(folder), "adapter": adapter, **more})

    one, moved, trained = local("a", b"1"), local("b", b"1"), local("c", b"2")
    assert one.key() == moved.key() != trained.key()
    assert local("a", b"1", str(tmp_path / "c")).key() != one.key()
    assert local("a", b"1", four_bit=True).key() != one.key()
    assert local("a", b"1", temperature=0, seed=4, batch_size=8).key() == one.key()
    (tmp_path / "a" / "weights.bin").write_bytes(b"31")
    assert one.key() != moved.key()
    with pytest.raises(BadRequest, match="no folder"):
        replace(one, model=str(tmp_path / "gone")).key()


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    heavy = {"torch", "transformers", "google", "openai", "anthropic"}
    assert not heavy & modules_after("import thud.listeners.asking, thud.listeners.canary, thud.listeners.estimate")


def test_sets_ship_for_every_style_and_task() -> None:
    assert list(QUESTION_SETS) == ["neutral", "structured", "direct", "choice"]
    for style, questions in QUESTION_SETS.items():
        assert (questions.style, questions.tasks) == (style, TASKS)
        assert parse_question_set(set_json(questions)) == questions
    assert len({one.id for one in QUESTION_SETS.values()}) == 4


def test_neutral_questions_do_not_give_the_answer_away() -> None:
    for question in QUESTION_SETS["neutral"].questions:
        assert not {"sync", "late", "early", "delay", "silent", "mute", "match", "removed"} & set(
            question.text.lower().replace(".", "").split()
        )


STRUCTURED = {
    "sync": ('{"synced": false, "direction": "delay", "offset_sec": 1.5, "t_v": 1.0, "t_a": 2.5}', "delayed"),
    "existence": ('{"audio_present": false, "sounds": [], "explanation": "It is silent."}', "muted"),
    "consistency": (
        '{"match": false, "seen": "a dog", "heard": "a bell", "explanation": "They differ."}',
        "mismatched",
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_the_fields_that_structured_questions_ask_for_are_read(task: str) -> None:
    text, label = STRUCTURED[task]
    question = QUESTION_SETS["structured"].about(task)[0]
    assert all(f'"{name}"' in question.text for name in json.loads(text))
    assert read_answer(task, text).label == label


def test_a_copy_has_another_id_once_it_is_edited() -> None:
    row = set_json(QUESTION_SETS["direct"])
    assert parse_question_set({**row, "name": "Mine"}).id == QUESTION_SETS["direct"].id
    row["questions"][0]["text"] += " Take your time."
    copy = parse_question_set(row)
    assert copy.id != QUESTION_SETS["direct"].id
    assert copy.questions[0].id != QUESTION_SETS["direct"].questions[0].id
    assert copy.questions[1].id == QUESTION_SETS["direct"].questions[1].id


def choice(*options: tuple[str, str], task: str = "existence") -> dict[str, Any]:
    asked = {"task": task, "text": "?", "options": [{"text": text, "label": label} for text, label in options]}
    return {"name": "x", "style": "choice", "questions": [asked]}


BOTH = (("Yes", "audio_described"), ("No", "muted"))
WRONG_SETS: list[tuple[Any, str]] = [
    ("x", "is an object"),
    ({"name": "", "style": "direct", "questions": []}, "name of a question set"),
    ({"name": "x", "style": "sly", "questions": []}, "style is one of"),
    ({"name": "x", "style": "direct", "questions": []}, "has 1 to 30 questions"),
    ({"name": "x", "style": "direct", "questions": [1]}, "Question 1 is an object"),
    ({"name": "x", "style": "direct", "questions": [{"task": "taste", "text": "?"}]}, "Question 1: task is one of"),
    ({"name": "x", "style": "direct", "questions": [{"task": "choice", "text": "?"}]}, "nothing else can be scored"),
    ({"name": "x", "style": "direct", "questions": [{"task": "sync", "text": " "}]}, "its text has"),
    ({"name": "x", "style": "direct", "questions": [{"task": "sync", "text": "a" * 4001}]}, "its text has"),
    ({"name": "x", "style": "direct", "questions": [{"task": "sync", "text": "?"}] * 2}, "in the set twice"),
    ({**choice(*BOTH), "style": "direct"}, "only the questions of a set in the style choice"),
    ({**choice(*BOTH), "mood": 1}, "no field 'mood'"),
    (choice(BOTH[0]), "no option stands for muted"),
    (choice(*BOTH, ("Maybe", "early")), "stands for audio_described, muted, visual_only, not 'early'"),
    (choice(*BOTH, ("Never", "muted")), "say or stand for the same"),
    (choice(*BOTH, ("a\nb", "visual_only")), "an option is one line"),
    (choice(task="sync"), "no option stands for synced"),
]


@pytest.mark.parametrize(("row", "words"), WRONG_SETS)
def test_a_wrong_set_is_refused_in_words(row: Any, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        parse_question_set(row)


def test_letters_are_shuffled_by_the_item_and_nothing_else() -> None:
    question = QUESTION_SETS["choice"].questions[0]
    text, options, seed = shuffled(question, ("set", "stimulus"))
    assert (text, options, seed) == shuffled(question, ["set", "stimulus"])
    assert [letter for letter, _ in options] == ["A", "B", "C"]
    assert {label for _, label in options} == {"synced", "early", "delayed"}
    for letter, label in options:
        statement = next(said for said, stands_for in question.options if stands_for == label)
        assert f"\n{letter}) {statement}\n" in text
        assert read_answer("sync", f"{letter}) {statement}", options).label == label
    assert shuffled(SetQuestion("sync", "Well?"), ("a",)) == ("Well?", (), 0)


def test_every_label_gets_every_letter_equally_often() -> None:
    for question in QUESTION_SETS["choice"].questions:
        asked = [shuffled(question, ("set", number))[1] for number in range(1200)]
        seen = Counter(pair for options in asked for pair in options)
        fair = 1200 / len(question.options)
        assert len(seen) == len(question.options) ** 2
        # Five standard deviations of a fair draw.
        spread = (fair * (1 - 1 / len(question.options))) ** 0.5
        assert all(abs(count - fair) < 5 * spread for count in seen.values())


def test_options_stand_for_labels_of_their_task() -> None:
    for question in QUESTION_SETS["choice"].questions:
        assert {label for _, label in question.options} <= set(LABELS[question.task])


def test_steps_coarser_than_an_offset_are_told() -> None:
    coarse = parse_listener({**SERVER, "fps": 2, "max_frames": 64})
    words = sampling_warning(coarse, [-2.0, 2.0, 0.4, -0.4, 0.8, 0.0], [5.0])
    assert "-0.40, +0.40 s" in words and "0.80" not in words
    assert "2 pictures a second, one every 0.50 s:" in words and "at least 2.5 pictures" in words
    assert sampling_warning(coarse, [0.5, -2.0], [5.0]) == ""
    # A long clip gets fewer pictures a second than were asked for.
    assert step_s(coarse, 128.0) == 2.0
    assert "at most 64 pictures of a clip of 128 s" in sampling_warning(coarse, [1.8], [5.0, 128.0])
    assert sampling_warning(parse_listener({**SERVER, "fps": 24}), [0.4], [2.0]) == ""
    assert sampling_warning(LISTENERS["signal"], [0.01], [100.0]) == ""


def test_offsets_nobody_notices_are_told() -> None:
    assert threshold_warning([-2.0, 0.13, -0.05]) == ""
    assert "+0.10, +0.12 s" in threshold_warning([0.1, 0.12, -0.3])
    assert "-0.04 s" in threshold_warning([-0.04])


def test_what_it_takes_is_told_beforehand() -> None:
    here = world()
    gemini, gpt = parse_listener({"name": "Gemini-3.1-Pro"}), parse_listener({"name": "GPT-5.5"})
    items = here.plan(gemini).items
    price = {"gemini-3.1-pro-preview": Price(2.0, 10.0)}
    told = estimate(gemini, items, here.clips, price)
    assert told.requests == len(items)
    assert told.input_tokens == sum(
        len(item.text) // 4 + 4 * 70 + (64 if item.stimulus_hash != "none" else 0) for item in items
    )
    assert told.cost_usd == pytest.approx((told.input_tokens * 2 + told.output_tokens * 10) / 1e6)
    assert estimate(gpt, here.plan(gpt, arm="picture_only").items, here.clips, {}).cost_usd is None
    assert estimate(LISTENERS["signal"], items, here.clips).requests == 0


def test_items_that_send_the_same_are_counted_once() -> None:
    here, gpt = world(), parse_listener({"name": "GPT-5.5"})
    items = here.plan(gpt, arm="picture_only").items
    told = estimate(gpt, items, here.clips, {})
    assert told.requests == len({(item.clip_id, item.task) for item in items}) == 6
    assert f"{len(items) - 6} items send what another item sends too" in told.notes[1]


def test_a_set_of_one_task_knows_it() -> None:
    one = QuestionSet("x", "direct", (SetQuestion("existence", "Anything?"),))
    assert one.tasks == ("existence",) and one.about("sync") == ()

"""The canary: whoever hears passes, whoever does not cannot, and nothing but the sound tells its clips apart."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.vendors import Asked, ChatServer, GeminiServer, chat_server
from tests.vendors.kit import Naps, give_keys
from thud.listeners.canary import (
    NEAR_S,
    NEEDED,
    Canary,
    canary_arm,
    canary_items,
    judge_canary,
    run_canary,
)
from thud.listeners.roster import Listener, endpoint_of, parse_listener
from thud.media.sound import parse_written, read_written
from thud.providers import Question, Shelf, ask
from thud.records import Reply
from thud.runs.listening.gate import canary_needed, why_untested


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Canary, ...]:
    return canary_items(tmp_path_factory.mktemp("canary"))


def starts(samples: np.ndarray) -> list[float]:
    """Where beeps begin in a sound at 16 kHz, in seconds."""
    loud = np.abs(samples) > 0.01
    filled = np.convolve(loud, np.ones(800), "same") > 0  # a tone passes through zero
    return [float(at) / 16_000 for at in np.flatnonzero(np.diff(filled.astype(int)) == 1)]


def said(canary: Canary, data: bytes) -> str:
    """What somebody who hears answers: measured in the sound itself."""
    found = starts(parse_written(data, "x.wav").samples[:, 0])
    if canary.kind == "count":
        return f"I hear {len(found)} beeps."
    if canary.kind == "when":
        return f"The beep is at about {found[0]:.1f} seconds."
    return "I hear a beep." if found else "There is no sound in this clip."


@pytest.mark.parametrize("seed", range(12))
def test_the_clips_hold_what_they_say(seed: int, tmp_path: Path) -> None:
    canaries = canary_items(tmp_path, seed)
    assert [one.kind for one in canaries] == ["count"] * 3 + ["when"] * 2 + ["silence"]
    for one in canaries:
        assert one.media.sound is not None
        found = starts(read_written(one.media.sound).samples[:, 0])
        assert len(found) == {"count": one.right, "when": 1, "silence": 0}[one.kind]
        if one.kind == "when":
            assert found[0] == pytest.approx(one.right, abs=0.05)
    counts = [one.right for one in canaries if one.kind == "count"]
    times = [one.right for one in canaries if one.kind == "when"]
    assert len(set(counts)) == 3
    assert abs(times[0] - times[1]) > 2 * NEAR_S


def test_nothing_but_the_sound_tells_them_apart(canaries: tuple[Canary, ...]) -> None:
    assert len({one.media.picture.id for one in canaries}) == 1
    for kind in ("count", "when"):
        assert len({one.item.text for one in canaries if one.kind == kind}) == 1
    assert len({one.media.sound.stat().st_size for one in canaries if one.media.sound}) == 1
    assert len({one.media.film(with_sound=True).stat().st_size for one in canaries}) == 1
    assert len({one.item.id for one in canaries}) == 6


def test_the_same_seed_gives_the_same_bytes(canaries: tuple[Canary, ...], tmp_path: Path) -> None:
    again = canary_items(tmp_path)
    assert [one.item for one in again] == [one.item for one in canaries]
    assert [one.item.stimulus_hash for one in canary_items(tmp_path, seed=1)] != [
        one.item.stimulus_hash for one in canaries
    ]


def test_who_hears_passes(canaries: tuple[Canary, ...]) -> None:
    found = judge_canary(canaries, [said(one, one.media.sound.read_bytes()) for one in canaries if one.media.sound])
    assert (found.passed, found.of, found.hears) == (6, 6, True)
    assert all(right for _, right, _ in found.checks)


@pytest.mark.parametrize("seed", range(6))
def test_one_answer_for_all_cannot_pass(seed: int, tmp_path: Path) -> None:
    made = canary_items(tmp_path, seed)
    best = 0
    for count in range(6):
        for at_s in np.arange(0, 8, 0.25):
            texts = {"count": str(count), "when": f"At {at_s:.2f} seconds", "silence": "There is no sound."}
            best = max(best, judge_canary(made, [texts[one.kind] for one in made]).passed)
    assert best == 3 < NEEDED


def test_guessing_rarely_passes(canaries: tuple[Canary, ...]) -> None:
    dice = random.Random(4)
    passed = 0
    for _ in range(2000):
        guesses = {
            "count": lambda: str(dice.randint(1, 4)),
            "when": lambda: f"{dice.uniform(0, 8):.1f} seconds",
            "silence": lambda: dice.choice(("No, it is silent.", "Yes, a hum.")),
        }
        passed += judge_canary(canaries, [guesses[one.kind]() for one in canaries]).hears
    assert passed / 2000 < 0.08


def test_a_model_that_hears_and_invents_sounds_in_silence_still_passes(canaries: tuple[Canary, ...]) -> None:
    texts = [said(one, one.media.sound.read_bytes()) for one in canaries if one.media.sound]
    texts[-1] = "A soft hum and a distant voice."
    found = judge_canary(canaries, texts)
    assert (found.passed, found.hears) == (5, True)
    assert not found.checks[-1][1]


def test_who_says_nothing_fails_and_is_told_what_to_do(canaries: tuple[Canary, ...]) -> None:
    found = judge_canary(canaries, [""] * 6)
    assert (found.passed, found.hears) == (0, False)
    assert "does not seem to hear" in found.words and "another transport" in found.words


READ: list[tuple[str, str, float, bool]] = [
    ("count", "3", 3, True),
    ("count", "Three.", 3, True),
    ("count", "**3** beeps", 3, True),
    ("count", "<think>Maybe 2, maybe 4.</think>I hear three short beeps.", 3, True),
    ("count", "There are 3 beeps, at 1.0 s, 2.1 s and 3.2 s.", 3, True),
    ("count", "Between 2 and 4", 3, False),
    ("count", "3 or 4", 3, False),
    ("count", "1, 2, 3, 4", 3, False),
    ("count", "I hear no beeps.", 3, False),
    ("count", "13", 3, False),
    ("when", "4.2", 4.0, True),
    ("when", "At 4.2 seconds.", 4.0, True),
    ("when", "00:04", 4.0, True),
    ("when", "around the 4 second mark", 4.0, True),
    ("when", "At second 4", 4.0, True),
    ("when", "The 1 beep is heard at 4.1 s.", 4.0, True),
    ("when", "5.2 seconds", 4.0, False),
    ("when", "at 1 s or at 4 s", 4.0, False),
    ("when", "I do not hear a beep.", 4.0, False),
    ("silence", "No, there is no sound.", 0, True),
    ("silence", "I do not hear anything.", 0, True),
    ("silence", "I hear a soft hum.", 0, False),
    ("silence", "I cannot process audio.", 0, False),
]


@pytest.mark.parametrize(("kind", "text", "right", "passes"), READ)
def test_answers_are_read(canaries: tuple[Canary, ...], kind: str, text: str, right: float, passes: bool) -> None:
    like = next(one for one in canaries if one.kind == kind)
    one = Canary("x", kind, right, like.item, like.media)
    assert judge_canary([one], [text]).checks[0][1] is passes


def server_listener(server: Any, **settings: Any) -> Listener:
    row = {"name": "under test", "backend": "compatible", "model": "omni-1", "base_url": server.url, **settings}
    return parse_listener(row)


def asking(listener: Listener, shelf: Shelf | None = None) -> Callable[[Question], Reply]:
    endpoint = endpoint_of(listener)
    return lambda question: ask(question, endpoint, shelf=shelf, sleep=Naps())


def ears(canaries: tuple[Canary, ...]) -> Callable[[Asked], str]:
    """A model that hears: it measures the sound that reaches it, and says silence when none does."""
    kinds = {one.item.text: one for one in canaries}

    def answer(asked: Asked) -> str:
        parts = chat_server.parts(asked.json)
        sounds = [part["audio_url"]["url"] for part in parts if part["type"] == "audio_url"]
        import base64

        data = base64.b64decode(sounds[0].partition("base64,")[2])
        return said(kinds[parts[-1]["text"]], data)

    return answer


def test_a_server_that_hears_passes_and_leaves_nothing_behind(canaries: tuple[Canary, ...], tmp_path: Path) -> None:
    with ChatServer(answer=ears(canaries)) as server:
        listener = server_listener(server)
        found = run_canary(listener, tmp_path, asking(listener))
    assert (found["hears"], found["passed"], found["of"], found["arm"]) == (True, 6, 6, "audio_video")
    assert len(server.questions) == 6 and not list(tmp_path.iterdir())
    assert [check["right"] for check in found["checks"]] == [True] * 6


def test_a_server_that_drops_the_sound_fails(tmp_path: Path) -> None:
    with ChatServer(answer=lambda asked: "I hear 2 beeps, at 2 seconds.") as server:
        listener = server_listener(server)
        found = run_canary(listener, tmp_path, asking(listener))
    assert not found["hears"] and found["passed"] <= 2


def test_gemini_that_reads_no_sound_fails_for_that_reason(tmp_path: Path) -> None:
    with GeminiServer(answer=lambda asked: "3") as server:
        server.hears, server.media_s = False, 8.0
        listener = parse_listener({"name": "g", "backend": "gemini", "model": "m", "base_url": server.url})
        found = run_canary(listener, tmp_path, asking(listener))
    assert (found["hears"], found["passed"]) == (False, 0)
    assert "0 audio tokens" in found["words"]


def test_a_server_that_is_broken_is_not_called_deaf(tmp_path: Path) -> None:
    with ChatServer(fault_of=lambda asked: "400") as server:
        listener = server_listener(server)
        found = run_canary(listener, tmp_path, asking(listener))
    assert not found["hears"] and "could not be found out" in found["words"] and "made to fail" in found["words"]


def test_a_mended_server_is_asked_anew(canaries: tuple[Canary, ...], tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with ChatServer(answer=lambda asked: "I am not sure.") as server:
        listener = server_listener(server)
        ask_one = asking(listener, shelf)
        assert not run_canary(listener, tmp_path / "c", ask_one, seed=1)["hears"]
        assert not run_canary(listener, tmp_path / "c", ask_one, seed=1)["hears"]
        assert len(server.questions) <= 6  # the same seed is answered from the shelf
        server.answer = ears(canaries)
        found = run_canary(listener, tmp_path / "c", ask_one, seed=2)
    assert found["hears"] and found["seed"] == 2


def test_the_canary_is_asked_as_the_listener_is_given_sound() -> None:
    row = {"name": "x", "backend": "compatible", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
    assert canary_arm(parse_listener({**row, "arms": ["sound_only"]})) == "sound_only"
    assert canary_arm(parse_listener({**row, "arms": ["sound_only", "audio_video"]})) == "audio_video"
    assert canary_arm(parse_listener({**row, "arms": ["shuffled_picture"]})) == "audio_video"


@pytest.mark.parametrize(
    ("listener", "arm", "why"),
    [
        (Listener("tiny", "local", "tiny", adapter="somewhere"), "audio_video", "no words for beeps"),
        (Listener("x", "compatible", "tiny"), "audio_video", ""),
        (Listener("x", "compatible", "tiny"), "picture_only", "no sound"),
        (Listener("x", "local", "models/tiny"), "sound_only", ""),
        (Listener("signal", "signal", "signal_v1"), "audio_video", "not a model"),
    ],
)
def test_who_need_not_show_that_it_hears_and_why(listener: Listener, arm: str, why: str) -> None:
    assert (why in why_untested(listener, arm)) and bool(why) is not canary_needed(listener, arm)

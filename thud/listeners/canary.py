"""The audio canary: six short clips that show whether a listener hears at all, asked before anything is scored.

All six have the same still picture, and those of a kind the same question, so that only the sound can tell them apart:
beeps to be counted (three clips), a beep to be placed in time (two), and nothing at all (one). A model that hears
nothing and always says the same gets at most one count and one time right, and perhaps the silence: three. Beeps stand
where DESIGN asks for a spoken digit, as nothing here can speak.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thud.disk import file_sha256
from thud.evaluation.answers import read_answer
from thud.listeners.asking import Ask, respond
from thud.listeners.media import Media
from thud.listeners.roster import Listener
from thud.media.encode import write_clip
from thud.media.picture import picture_hash
from thud.media.probe import probe
from thud.media.sound import Sound
from thud.media.write import MODELS_RATE_HZ, write_wav
from thud.records import Clip, Item, content_id

VERSION = 1
"""Named in the folder; raise it when the same seed would give other clips or questions."""
NEEDED = 4
"""So many of the six must be right."""
DURATION_S, FPS, SIZE = 8.0, 10, (320, 240)
BEEP_S, BEEP_HZ, EVERY_S, PEAK = 0.25, 880.0, 1.1, 0.4
NEAR_S = 1.0
"""A time is right when it is no further off; the two times lie 4 s apart, so no one answer is right for both."""
QUESTIONS = {
    "count": "How many beeps do you hear in this clip? Answer with one number.",
    "when": "At which second of this clip do you hear the beep? Answer with the number of seconds from the start.",
    "silence": "Do you hear anything in this clip? Say what you hear, or say that there is no sound.",
}
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
EXPECTED = {"count": "a number", "when": "a time", "silence": "muted"}


@dataclass(frozen=True, slots=True)
class Canary:
    """One clip to ask about. kind: count, when or silence. right: how many beeps, or the second of the beep."""

    name: str
    kind: str
    right: float
    item: Item
    media: Media


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """How many of how many were right. checks: (name, whether it was right, what was said of it). words: a sentence."""

    passed: int
    of: int
    checks: tuple[tuple[str, bool, str], ...]
    words: str

    @property
    def hears(self) -> bool:
        """Whether this is enough to score the listener."""
        return self.passed >= NEEDED


def canary_arm(listener: Listener) -> str:
    """The arm its canary is asked in: as it is given sound when it is scored."""
    return "sound_only" if set(listener.arms) <= {"sound_only", "picture_only"} else "audio_video"


def canary_items(folder: Path, seed: int = 0, arm: str = "audio_video") -> tuple[Canary, ...]:
    """The six clips, written into `folder` where they are not there yet; same seed, same bytes.

    Raises StoreFull.
    """
    dice = random.Random(content_id("canary", VERSION, seed))
    counts = dice.sample((1, 2, 3, 4), 3)
    early = dice.randrange(8, 24) / 10
    times = [early, round(early + 4.0, 1)]
    dice.shuffle(times)
    home = folder / f"canary-{VERSION}-{seed}"
    clip = _still(home)
    asked: list[tuple[str, str, float, list[float]]] = []
    for number, count in enumerate(counts, 1):
        first_s = dice.uniform(0.4, 2.6)
        starts = [round(first_s + k * EVERY_S, 2) for k in range(count)]
        asked.append((f"count {number}", "count", float(count), starts))
    asked += [(f"time {number}", "when", at_s, [at_s]) for number, at_s in enumerate(times, 1)]
    asked.append(("silence", "silence", 0.0, []))
    return tuple(_canary(home, clip, arm, *one) for one in asked)


def run_canary(listener: Listener, folder: Path, ask: Ask, arm: str = "", seed: int | None = None) -> dict[str, Any]:
    """How the canary went, to be kept as JSON: hears, passed, of, words, arm, seed, checks.

    arm: "" = as the listener is given sound. seed: None = drawn anew, so that what a server said before it was mended,
    and is kept on the shelf, is not taken for what it says now. The clips are removed again from `folder`.
    Raises what `ask` raises, and StoreFull.
    """
    arm = arm or canary_arm(listener)
    seed = random.randrange(10**6) if seed is None else seed
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as home:
        canaries = canary_items(Path(home), seed, arm)
        heard = [respond(listener, one.item, one.media, ask) for one in canaries]
    found = judge_canary(canaries, [said.text if said.outcome == "ok" else "" for said in heard])
    words = found.words
    if all(said.outcome != "ok" for said in heard):
        words = f"It could not be found out whether it hears: {heard[0].problem or heard[0].outcome}"
    checks = [
        {"name": name, "right": right, "said": said, "problem": answer.problem}
        for (name, right, said), answer in zip(found.checks, heard, strict=True)
    ]
    told = {"passed": found.passed, "of": found.of, "words": words, "checks": checks}
    return {"hears": found.hears, "arm": arm, "seed": seed, **told}


def judge_canary(canaries: Sequence[Canary], texts: Sequence[str]) -> CanaryResult:
    """How many of the texts are right, in the order of the clips; "" for one that was not answered."""
    checks = tuple(_check(canary, text) for canary, text in zip(canaries, texts, strict=True))
    passed = sum(right for _, right, _ in checks)
    if passed >= NEEDED:
        words = f"It hears: {passed} of {len(checks)} checks of its hearing were right."
    else:
        missed = "; ".join(f"{name}: {said}" for name, right, said in checks if not right)
        words = (
            f"It does not seem to hear: {passed} of {len(checks)} checks were right, {NEEDED} are needed ({missed}). "
            "Try another transport, or look whether the server passes sound on at all."
        )
    return CanaryResult(passed, len(checks), checks, words)


def _check(canary: Canary, text: str) -> tuple[str, bool, str]:
    shown = " ".join(text.split())[:80]
    if not shown:
        return canary.name, False, "no answer"
    if canary.kind == "silence":
        return canary.name, read_answer("existence", text).label == "muted", f"silent, and it said “{shown}”"
    if canary.kind == "count":
        right = _count(text) == canary.right
        return canary.name, right, f"{canary.right:.0f} played, and it said “{shown}”"
    at_s = _second(text)
    right = at_s is not None and abs(at_s - canary.right) <= NEAR_S
    return canary.name, right, f"played at {canary.right:.1f} s, and it said “{shown}”"


def _plain(text: str) -> str:
    """The last words of a text, thoughts taken out, small, with numbers in digits."""
    text = re.sub(r"<think>.*?</think>", " ", text, flags=re.DOTALL).lower().replace("*", "")
    return re.sub(r"\b(" + "|".join(NUMBERS) + r")\b", lambda found: str(NUMBERS.index(found[1])), text)


def _count(text: str) -> float | None:
    """How many beeps a text says, None when it says none or several numbers without a word for beeps."""
    said = _plain(text)
    named = re.findall(r"\b(\d+)\s+(?:\w+\s+){0,2}(?:beeps?|tones?|sounds?|times?)\b", said)
    found = {float(number) for number in named or re.findall(r"(?<![\d.:])\d+(?![\d.:]*\d)", said)}
    return found.pop() if len(found) == 1 else None


def _second(text: str) -> float | None:
    """The one time a text says, None when it says none or several."""
    said = _plain(text)
    clock = [60 * float(minutes) + float(seconds) for minutes, seconds in re.findall(r"(\d+):(\d\d(?:\.\d+)?)", said)]
    rest = re.sub(r"\d+:\d\d(?:\.\d+)?", " ", said)
    named = re.findall(r"(\d+(?:\.\d+)?)[\s-]*(?:s\b|sec|th second)", rest) or re.findall(
        r"(?:second|at|around|about)\s+(\d+(?:\.\d+)?)", rest
    )
    found = {*clock, *(float(number) for number in named)}
    if not found:
        found = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", rest)}
    return found.pop() if len(found) == 1 else None


def _still(home: Path) -> Clip:
    """A plain still picture without sound, which all six share."""
    path = home / "still.mp4"
    if not path.is_file():
        home.mkdir(parents=True, exist_ok=True)
        picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        picture[90:150, 130:190] = (150, 150, 60)
        write_clip(path, (picture for _ in range(round(DURATION_S * FPS))), FPS)
    return Clip(file_sha256(path), str(path), "canary", probe(path), picture_hash(path), "beep", "canary", True)


def _canary(home: Path, clip: Clip, arm: str, name: str, kind: str, right: float, starts_s: list[float]) -> Canary:
    path = home / f"{name.replace(' ', '-')}.wav"
    if not path.is_file():
        write_wav(path, Sound(_beeps(starts_s), MODELS_RATE_HZ))
    sha256 = file_sha256(path)
    item = Item(
        stimulus_id=content_id("canary", sha256),
        clip_id=clip.id,
        condition="muted" if kind == "silence" else "original",
        offset_s=None,
        task="existence",
        question_set="canary",
        question_id=content_id(QUESTIONS[kind]),
        text=QUESTIONS[kind],
        arm=arm,
        expected=EXPECTED[kind],
        stimulus_hash=sha256,
    )
    return Canary(name, kind, right, item, Media(clip, path, home / "shown", None, sha256))


def _beeps(starts_s: Sequence[float]) -> NDArray[np.float32]:
    """Pure tones with soft edges at those times, digital silence elsewhere: (samples, 1) at 16 kHz."""
    out = np.zeros((round(DURATION_S * MODELS_RATE_HZ), 1), np.float32)
    time_s = np.arange(round(BEEP_S * MODELS_RATE_HZ)) / MODELS_RATE_HZ
    edge = np.minimum(1.0, np.minimum(time_s, BEEP_S - time_s) / 0.01)
    beep = (PEAK * edge * np.sin(2 * np.pi * BEEP_HZ * time_s)).astype(np.float32)
    for start_s in starts_s:
        at = round(start_s * MODELS_RATE_HZ)
        out[at : at + len(beep), 0] = beep
    return out

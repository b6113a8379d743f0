"""Files of the shape that released preference data has, made up here, with faults whose numbers are known.

Every word is made up. What is planted is counted while it is written, never by reading the text.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROMPTS = (
    "Do picture and sound of this clip happen together?",
    "Is the audio in sync with the video here?",
    "When is the hit seen, and when is it heard? Do the two line up?",
)
WHO = ("the juggler", "a girl in boots", "the painter", "an old climber", "the goalkeeper", "a courier", "the twins")
DOES = (
    "drops a crate onto the tiles", "tips over the paint tin", "lands on the trampoline's rim",
    "strikes the fence post with a mallet", "knocks the flowerpot off the sill", "runs the barrow into the gate",
)  # fmt: skip
NOISES = ("dull thud", "loud bang", "sharp crack", "metallic clang", "hollow thump")
OF = ("the crate", "the tin", "the rim", "the post", "the pot", "the gate")


@dataclass(slots=True)
class Sizes:
    """How many rows of what. The defaults are those of the released files."""

    clips: int = 1278
    early_said_synced: int = 24
    delayed_said_synced: int = 16
    originals_said_off: int = 79
    early_turned: int = 73
    delayed_turned: int = 2
    edge: int = 235
    gap_off: int = 1022
    not_whole: int = 245
    choices: dict[str, int] = field(default_factory=lambda: {"B": 772, "C": 277, "A": 235, "D": 32})
    longest: int = 645
    stops: int = 896


@dataclass(slots=True)
class Truth:
    """What was planted."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)


def write_sft(path: Path, sizes: Sizes, seed: int = 3) -> Truth:
    """Writes a ShareGPT file about originals, delayed and early stimuli; says what is wrong in it."""
    draw = random.Random(seed)
    truth, rows = Truth(), []
    plan = {"early": _plan(draw, sizes, "early"), "delayed": _plan(draw, sizes, "delayed")}
    off = set(draw.sample(range(sizes.clips), sizes.originals_said_off))
    for i in range(sizes.clips):
        words = _event(draw, i)
        name, prompt = f"yard games {i:05d}", PROMPTS[i % 3]
        truth.counts["label_text"] += i in off
        rows.append(_sft(f"original/{name}.mp4", prompt, _original(draw, words, i in off)))
        for way in ("delayed", "early"):
            shift_s = draw.randint(180, 250) / 100
            text = _shifted(draw, words, way, shift_s, plan[way][i], truth.counts)
            folder = "early" if way == "early" else "delay"
            rows.append(_sft(f"shifted/{folder}/{name}_{folder}_{shift_s:.2f}s.mp4", prompt, text))
    path.write_text(json.dumps(rows, indent=1))
    truth.rows = len(rows)
    return truth


def _plan(draw: random.Random, sizes: Sizes, way: str) -> list[str]:
    """One fault for each clip's shifted row, "" for none; which of the telling rows are off, and which are fine."""
    early = way == "early"
    said = sizes.early_said_synced if early else sizes.delayed_said_synced
    turned = sizes.early_turned if early else sizes.delayed_turned
    edge = sizes.edge if early else 0
    off = (sizes.gap_off + early) // 2 - turned
    fine = sizes.not_whole // 2 + (sizes.not_whole % 2 if early else 0)
    plan = ["synced"] * said + ["turned"] * turned + ["edge"] * edge + ["off"] * off + ["fine"] * fine
    plan += [""] * (sizes.clips - len(plan))
    assert len(plan) == sizes.clips
    draw.shuffle(plan)
    return plan


def _event(draw: random.Random, i: int) -> tuple[str, str]:
    k = draw.randrange(len(DOES))
    return f"{draw.choice(WHO)} in yard {i} {DOES[k]}", f"the {draw.choice(NOISES)} of {OF[k]}"


def _original(draw: random.Random, words: tuple[str, str], off: bool) -> str:
    seen, heard = words
    if off:
        at = draw.randint(3, 9)
        return f"The clip is not synchronized: {seen} at about {at}.0s, while {heard} is heard around {at + 1}.0s."
    return draw.choice(
        (
            f"The clip is well synchronized: as {seen}, {heard} is heard at the same moment.",
            f"Picture and sound line up: {seen}, and {heard} comes at the same instant.",
            f"{heard[0].upper()}{heard[1:]} lands exactly when {seen}, so the two are in sync.",
        )
    )


def _shifted(
    draw: random.Random, words: tuple[str, str], way: str, shift_s: float, fault: str, counts: Counter[str]
) -> str:
    seen, heard = words
    sign = 1 if way == "delayed" else -1
    if fault == "synced":
        counts["label_text"] += 1
        return f"The clip is well synchronized: {seen}, and {heard} is heard at the same moment."
    visual_s = 2.0 if fault == "edge" else float(draw.randint(4, 12)) + (0.25 if fault == "fine" else 0.0)
    gap_s = shift_s
    if fault == "edge":
        gap_s = 2.0
    elif fault == "off":
        gap_s = shift_s + draw.choice((-1, 1)) * draw.randint(60, 90) / 100
    elif fault == "turned":
        gap_s, sign = draw.randint(40, 90) / 100, -sign
    audio_s = round(visual_s + sign * gap_s, 3)
    counts["edge"] += fault == "edge"
    counts["direction_times"] += fault == "turned"
    counts["gap"] += round(abs(gap_s - shift_s), 3) > 0.5
    counts["whole_seconds"] += visual_s == int(visual_s)
    return draw.choice(
        (
            f"There is a clear mismatch: {seen} at about {visual_s}s, but {heard} is heard at {audio_s}s."
            f" That is roughly a {gap_s:.2f}s gap.",
            f"The hit is seen around {visual_s}s, when {seen}, while {heard} is heard around {audio_s}s,"
            f" about a {gap_s:.2f}s offset, which is plain to notice.",
        )
    )


def _sft(video: str, prompt: str, text: str) -> dict[str, Any]:
    turns = [{"role": "user", "content": f"<video><audio>{prompt}"}, {"role": "assistant", "content": text}]
    return {"messages": turns, "videos": [f"/lab/{video}"], "audios": [f"/lab/wav/{video[:-3]}wav"]}


def write_dpo(path: Path, sizes: Sizes, seed: int = 4) -> Truth:
    """Writes a ShareGPT file of long multiple choice pairs; says what is wrong in it."""
    draw = random.Random(seed)
    letters = [letter for letter, count in sizes.choices.items() for _ in range(count)]
    draw.shuffle(letters)
    longest = set(draw.sample(range(len(letters)), sizes.longest))
    stops = set(draw.sample(range(len(letters)), sizes.stops))
    rows = [_dpo(draw, i, letter, i in longest, i in stops) for i, letter in enumerate(letters)]
    path.write_text(json.dumps(rows, indent=1))
    counts = Counter({"same_text": len(rows), "junk": len(stops), "longest": len(longest)})
    return Truth(len(rows), counts)


def _dpo(draw: random.Random, i: int, right: str, longest: bool, stop: bool) -> dict[str, Any]:
    wrong = draw.choice([one for one in "ABCD" if one != right])
    sizes = dict(zip("ABCD", draw.sample((3, 4, 5, 6), 4), strict=True))
    if (max(sizes, key=lambda one: sizes[one]) == right) != longest:
        other = max(sizes, key=lambda one: sizes[one]) if longest else min(sizes, key=lambda one: sizes[one])
        sizes[right], sizes[other] = sizes[other], sizes[right]
    end = "." if stop else ""
    options = {one: " ".join(["shelf", "stool", "spoon", "brush", "wheel", "glove"][:size]) + f" {one.lower()}{i}{end}"
               for one, size in sizes.items()}  # fmt: skip
    listed = "\n".join(f"{one}. {text}" for one, text in options.items())
    why = (
        f"Heard in part {i}: a narrator counts the things on the bench and names the one that is wanted; meanwhile the"
        f" picture shows {draw.choice(WHO)} reaching for {options[right].rstrip('.')} beside the window."
    )
    question = f"<video><audio>What is picked up while the narrator counts to {i}?\n{listed}\nName letter and option."
    return {
        "messages": [{"role": "user", "content": question}],
        "chosen": {"role": "assistant", "content": f"{why} So the right answer is {right}. {options[right]}."},
        "rejected": {"role": "assistant", "content": f"{why} Going by that, the answer is {wrong}. {options[wrong]}."},
        "videos": [f"/lab/bench/{i:05d}.mp4"],
        "audios": [f"/lab/bench/{i:05d}.wav"],
    }

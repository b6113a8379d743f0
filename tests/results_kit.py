"""Synthetic responses whose counts are known: listeners with fixed habits, over clips that need no files."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thud.records import Answer, Item, Response, content_id

RIGHT: dict[tuple[str, str], str] = {
    ("sync", "original"): "synced", ("sync", "early"): "early", ("sync", "delayed"): "delayed",
    ("existence", "original"): "audio_described", ("existence", "muted"): "muted",
    ("consistency", "original"): "match", ("consistency", "swapped"): "mismatched",
}  # fmt: skip
WORDS = {
    "synced": "The picture and the sound are in sync.", "early": "The sound comes before the picture.",
    "delayed": "The sound comes after the picture.", "desync": "They do not line up.",
    "audio_described": "A loud crack is heard.", "muted": "There is no sound.",
    "visual_only": "A hammer comes down on an anvil.", "match": "The sound belongs to the picture.",
    "mismatched": "The sound is of something else.", "unparsed": "It depends.", "refused": "I cannot help with that.",
    "error": "",
}  # fmt: skip
Habits = Mapping[tuple[str, str], Sequence[tuple[str, float]]]
SYNCED: Habits = {
    **{("sync", condition): (("synced", 1.0),) for condition in ("original", "early", "delayed")},
    **{("existence", condition): (("audio_described", 1.0),) for condition in ("original", "muted")},
    **{("consistency", condition): (("match", 1.0),) for condition in ("original", "swapped")},
}
PERFECT: Habits = {key: ((label, 1.0),) for key, label in RIGHT.items()}


@dataclass(frozen=True, slots=True)
class Mind:
    """A made-up listener: what it answers to each task and condition, with which share."""

    name: str
    habits: Habits = field(default_factory=lambda: PERFECT)
    arm: str = "audio_video"
    rater: str = ""

    @property
    def key(self) -> str:
        return content_id("mind", self.name)


def middling(skill: float) -> Habits:
    """Habits of a listener that is right with that share, and else mostly falls for the picture."""
    habits: dict[tuple[str, str], tuple[tuple[str, float], ...]] = {}
    for (task, condition), right in RIGHT.items():
        fooled = RIGHT[task, "original"]
        habits[task, condition] = (
            (right, 0.9 if fooled == right else skill), (fooled, 0.6 * (1 - skill)), ("visual_only", 0.1),
            ("desync" if task == "sync" else "unparsed", 0.05), ("unparsed", 0.03), ("refused", 0.02), ("error", 0.01),
        )  # fmt: skip
    return habits


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: its set, its id and its task."""

    task: str
    question_set: str = "structured"
    question_id: str = "q1"


ASKED = tuple(Ask(task) for task in ("sync", "existence", "consistency"))
STIMULI: tuple[tuple[str, float | None], ...] = (
    ("original", None), ("early", -0.6), ("delayed", 0.6), ("muted", None), ("swapped", None),
)  # fmt: skip


def responses(
    minds: Iterable[Mind],
    clips: Sequence[str],
    stimuli: Sequence[tuple[str, float | None]] = STIMULI,
    asked: Sequence[Ask] = ASKED,
    *,
    run_id: str = "r1",
    seed: int = 7,
    **changed: Any,
) -> Iterator[Response]:
    """Every mind's response to every question that fits a stimulus, for each clip. Source and kind follow the clip."""
    for mind in minds:
        draw = random.Random(f"{seed} {mind.name}")
        for number, clip in enumerate(clips):
            for condition, offset_s in stimuli:
                for ask in asked:
                    if (ask.task, condition) in RIGHT:
                        label = _draw(draw, mind.habits[ask.task, condition])
                        item = make_item(clip, condition, offset_s, ask, mind.arm)
                        values: dict[str, Any] = {"source": f"film {number // 2}", "kind": KINDS[number % 3], **changed}
                        yield make_response(mind, item, label, run_id=run_id, **values)


KINDS = ("metal", "glass", "wood")


def make_item(clip: str, condition: str, offset_s: float | None, ask: Ask, arm: str = "audio_video") -> Item:
    stimulus = content_id(clip, condition, offset_s)
    return Item(
        stimulus, clip, condition, offset_s, ask.task, ask.question_set, ask.question_id, f"About {ask.task}?", arm,
        RIGHT[ask.task, condition], stimulus_hash=stimulus,
    )  # fmt: skip


def make_response(mind: Mind, item: Item, label: str, **changed: Any) -> Response:
    """A response that says `label`, in words that the rules read so."""
    outcome = {"error": "error", "refused": "refused"}.get(label, "ok")
    text = WORDS[label]
    said_s = {"early": -0.5, "delayed": 0.7}.get(label)
    answer = Answer(label, said_s, quote=text[:20] if outcome == "ok" and label != "unparsed" else "", method="rules")
    values: dict[str, Any] = {
        "run_id": "r1", "source": "film 0", "kind": "metal", "paper_label": "synced" if label == "unparsed" else label,
        "rater": mind.rater, "rules": 1, **changed,
    }  # fmt: skip
    return Response(
        listener=mind.name, listener_key=mind.key, item=item, outcome=outcome, text=text, answer=answer, **values
    )


def _draw(draw: random.Random, shares: Sequence[tuple[str, float]]) -> str:
    if len(shares) == 1:
        return shares[0][0]
    return draw.choices([label for label, _ in shares], [share for _, share in shares])[0]

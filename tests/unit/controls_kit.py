"""Sets of played sounds of which it is known what the sound alone allows, and a store that holds such a set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from tests.unit.store_samples import a_clip, a_stimulus
from thud.evaluation.controls import Played
from thud.evaluation.scoring import EXPECTED
from thud.records import Answer, EventTimes, Intervention, Item, Response, Stimulus, content_id
from thud.store import Store, changes

AUDIBLE = ("synced", "early", "delayed")
SHIFTS = {"synced": 0.0, "early": -0.6, "delayed": 0.6}
EDITS = {name: Intervention("shift", offset) if offset else Intervention("original") for name, offset in SHIFTS.items()}
MUTE = Intervention("mute", fill="silence")


def anywhere(clips: int, classes: Iterable[str] = AUDIBLE, seed: int = 0) -> list[Played]:
    """Every class of every clip lies at a place drawn from the same range: the place says nothing."""
    dice = np.random.default_rng(seed)
    return [
        Played(None if label == "muted" else float(dice.uniform(0.5, 3.0)), 4.0, label, f"clip {number}")
        for number in range(clips)
        for label in classes
    ]


def apart(clips: int, classes: Iterable[str] = AUDIBLE) -> list[Played]:
    """Every class has a place of its own, a second from the next: the place says everything."""
    at = {"early": 1.0, "synced": 2.0, "delayed": 3.0}
    return [
        Played(at.get(label, 0) + 0.002 * (number % 40) if label != "muted" else None, 4.0, label, f"clip {number}")
        for number in range(clips)
        for label in classes
    ]


def gridded(clips: int) -> list[Played]:
    """A grid finer than the smoothing: every class at places of its own, 0.03 s beside the next one's."""
    steps = {"early": 0.0, "synced": 0.03, "delayed": 0.06}
    return [
        Played(1.0 + 0.1 * (number % 12) + step, 4.0, label, f"clip {number}")
        for number in range(clips)
        for label, step in steps.items()
    ]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a store holds: its stimuli, by clip and class."""

    stimuli: dict[tuple[int, str], Stimulus]
    key: str = "k"


Says = Callable[[int, str], str]
"""What a listener says to (number of the clip, right answer)."""


def filled(store: Store, clips: int, *, timed: bool = True) -> Filled:
    """Clips of their own sources whose event lies evenly over the middle, each in sync, early, delayed and muted."""
    stimuli: dict[tuple[int, str], Stimulus] = {}
    for number in range(clips):
        clip = replace(a_clip(number), source=f"film {number}")
        store.add_clips([clip], "test")
        if timed:
            at = 1.0 + 2.0 * ((number * 0.618) % 1.0)
            store.set_times(clip.id, EventTimes(at, at, "gold"), "test")
        for label, edit in {**EDITS, "muted": MUTE}.items():
            stimuli[number, label] = a_stimulus(clip, edit)
    store.add_stimuli(list(stimuli.values()), "test")
    return Filled(stimuli)


def tell(
    store: Store, there: Filled, name: str, says: Says, arm: str = "audio_video", labels: Iterable[str] = AUDIBLE,
    task: str = "",
) -> str:  # fmt: skip
    """Has the listener `name` answer to those classes; its key. task: "" = existence of muted ones, sync of others."""
    key = content_id("listener", name)
    made = [
        _response(name, key, arm, stimulus, number, label, says(number, label), task)
        for (number, label), stimulus in there.stimuli.items()
        if label in set(labels)
    ]
    store.write_many([changes.add_response(each, "test") for each in made])
    return key


def _response(
    name: str, key: str, arm: str, stimulus: Stimulus, number: int, label: str, said: str, task: str
) -> Response:
    task = task or ("existence" if label == "muted" else "sync")
    edit = stimulus.intervention
    item = Item(
        stimulus.id, stimulus.clip_id, stimulus.condition, edit.offset_s if edit.kind == "shift" else None, task,
        "structured", f"q {task}", f"About {task}?", arm, EXPECTED.get((task, stimulus.condition), label),
        partner="other" if arm == "shuffled_picture" else "", stimulus_hash=stimulus.id,
    )  # fmt: skip
    outcome = said if said in ("refused", "error") else "ok"
    answer = Answer(said, method="rules")
    response = Response(name, key, "r1", item, f"film {number}", "glass", "ok", said, answer, paper_label=said, rules=1)
    return replace(response, outcome=outcome)


def right(number: int, label: str) -> str:
    return label


def prior(number: int, label: str) -> str:
    return "synced" if label != "muted" else "audio_described"


def by_ear(number: int, label: str) -> str:
    """Answers by where the sound lies alone: the first third is early, the last one late."""
    at = 1.0 + 2.0 * ((number * 0.618) % 1.0) + SHIFTS.get(label, 0.0)
    return "muted" if label == "muted" else "early" if at < 1.5 else "delayed" if at > 2.5 else "synced"

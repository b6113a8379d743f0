"""Which item a person is given next in the listening test, and what their answer is as a response.

Every person gets every item of a task once, in an order of their own that follows from what they have answered so far:
nothing is remembered but the answers. Between two stimuli of one clip lie as many others as half of what is possible,
so that nobody answers from having just heard the other one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from thud.errors import BadRequest
from thud.records import Answer, Clip, Item, Response, content_id

LISTENER, LISTENER_KEY, RUN = "People", "people", "listening test"
"""How people stand among the listeners."""


@dataclass(frozen=True, slots=True)
class Button:
    """One answer that can be given. key: which digit gives it."""

    key: str
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked in one task."""

    title: str
    text: str
    buttons: tuple[Button, ...]


TEST: dict[str, Asked] = {
    "sync": Asked(
        "In step",
        "Does the sound come together with what you see, before it, or after it?",
        (
            Button("1", "synced", "In sync"),
            Button("2", "early", "Sound early"),
            Button("3", "delayed", "Sound late"),
            Button("4", "unparsed", "Cannot tell"),
        ),
    ),
    "existence": Asked(
        "Sound or none",
        "Do you hear the sound of what happens? Faint noise of the room alone counts as silence.",
        (
            Button("1", "audio_described", "I hear it"),
            Button("2", "muted", "Silence"),
            Button("3", "unparsed", "Cannot tell"),
        ),
    ),
    "consistency": Asked(
        "Belongs or not",
        "Does the sound belong to what you see, or is it the sound of something else?",
        (
            Button("1", "match", "It belongs"),
            Button("2", "mismatched", "It does not"),
            Button("3", "unparsed", "Cannot tell"),
        ),
    ),
}
"""By task. Whoever cannot tell gives no answer: that is counted apart, never as one of the labels."""


def upcoming(items: Mapping[str, Item], heard: Sequence[str], person: str, count: int) -> list[str]:
    """The ids of the next `count` items for a person. items: of one task, by id. heard: ids in the order answered."""
    known = [item_id for item_id in heard if item_id in items]
    done = set(known)
    left: dict[str, list[str]] = {}
    for item_id, item in items.items():
        if item_id not in done:
            left.setdefault(item.clip_id, []).append(item_id)
    past = [items[item_id].clip_id for item_id in known]
    between = others_between(items.values())
    found: list[str] = []
    while left and len(found) < count:
        clip_id = _next_clip(left, past[-between:] if between else [], person)
        item_id = min(left[clip_id], key=lambda one: content_id(person, one))
        left[clip_id].remove(item_id)
        if not left[clip_id]:
            del left[clip_id]
        found.append(item_id)
        past.append(clip_id)
    return found


def others_between(items: Iterable[Item]) -> int:
    """How many items lie between two of one clip at least, where all are given: half of what is possible."""
    counts = Counter(item.clip_id for item in items)
    most = max(counts.values(), default=0)
    if most < 2:
        return 0
    fullest = sum(count == most for count in counts.values())
    farthest = (sum(counts.values()) - fullest) // (most - 1)
    return max(farthest // 2, min(farthest, 2)) - 1


def _next_clip(left: Mapping[str, Sequence[str]], recent: Sequence[str], person: str) -> str:
    """Of the clips not heard lately one with most left to hear, drawn by the person's name; else the one heard longest
    ago.
    """
    ready = left.keys() - set(recent)
    if not ready:
        return max(left, key=lambda clip_id: (recent[::-1].index(clip_id), clip_id))
    most = max(len(left[clip_id]) for clip_id in ready)
    fullest = [clip_id for clip_id in ready if len(left[clip_id]) == most]
    return min(fullest, key=lambda clip_id: content_id(person, most, clip_id))


def button_of(task: str, label: str) -> Button:
    """The button that stands for this label. BadRequest."""
    asked = TEST.get(task)
    if asked is None:
        raise BadRequest(f"There is no task {task[:40]!r}; there are {', '.join(TEST)}.")
    for button in asked.buttons:
        if button.label == label:
            return button
    raise BadRequest(f"An answer about {task} is one of {', '.join(one.label for one in asked.buttons)}.")


def response_of(item: Item, clip: Clip, label: str, person: str, latency_s: float) -> Response:
    """What a person answered to an item, as a response like any listener's. BadRequest for a label of another task."""
    button = button_of(item.task, label)
    return Response(
        listener=LISTENER,
        listener_key=LISTENER_KEY,
        run_id=RUN,
        item=item,
        source=clip.source or clip.id,
        kind=clip.kind,
        outcome="ok",
        text=button.words,
        answer=Answer(label, method="person"),
        rater=person,
        latency_s=latency_s,
    )

"""A store full of marks whose truth is exact: annotators who lag by known amounts, gold on every fourth clip."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.store_samples import a_clip
from thud.records import Clip, EventTimes, Mark
from thud.store import Store
from thud.store.changes import Change, add_clip, set_times, submit_mark

HOSTILE = "<img src=x onerror=alert(1)>"
LAGS_S = {"gemini": 0.18, "gpt": -0.05, "ben": 0.04, HOSTILE: 0.1}
PEOPLE = ("ben", HOSTILE)
CLIPS = 48
JITTER_S = 0.01
LED_S = 0.3
"""How far the saved times of ben lie from his first, blind ones."""


def some_clips() -> list[Clip]:
    plain = [a_clip(number) for number in range(CLIPS)]
    return [replace(c, title=f"Clip {n}", probe=replace(c.probe, duration_s=8.0)) for n, c in enumerate(plain)]


def event_s(number: int) -> float:
    """When the event of a clip is seen; it is heard 20 ms later."""
    return 2.0 + number % 5


def mark(clip: Clip, number: int, name: str) -> Mark:
    """Off by the annotator's lag and ±10 ms, which average out over two clips."""
    off_s = LAGS_S[name] + (JITTER_S if number // 4 % 2 else -JITTER_S)
    first = {"visual_s": event_s(number) + off_s, "audio_s": event_s(number) + off_s + 0.02}
    led_s = LED_S if name == "ben" else 0.0
    detail = {"first": first} if name in PEOPLE else {"hears": name == "gemini", "simulated": name == "gpt"}
    return Mark(
        clip.id,
        name,
        first["visual_s"] + led_s,
        None if name == "gpt" else first["audio_s"] + led_s,
        person=name in PEOPLE,
        save_id=f"{name} {number}",
        seq=number,
        detail=detail,
    )


def fill(store: Store) -> list[Clip]:
    """The clips, all of which everybody has marked."""
    clips = some_clips()
    changes: list[Change] = [add_clip(clip, "test") for clip in clips]
    for number, clip in enumerate(clips):
        if number % 4 == 0:
            gold = EventTimes(event_s(number), event_s(number) + 0.02, "gold")
            changes.append(set_times(clip.id, gold, "test"))
        changes += [submit_mark(mark(clip, number, name)) for name in LAGS_S]
    for start in range(0, len(changes), 100):
        store.write_many(changes[start : start + 100])
    return clips

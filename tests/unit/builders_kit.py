"""Clips, times and stimuli as values, for builders: nothing is rendered, nothing is asked."""

from __future__ import annotations

import random
from collections.abc import Sequence

from thud.pairs.builders import BUILDERS
from thud.pairs.builders.base import Situation
from thud.pairs.event_words import event_words
from thud.pairs.material import Material
from thud.pairs.pair import Pair
from thud.records import (
    Answer,
    Clip,
    EventTimes,
    Intervention,
    Item,
    Probe,
    Proof,
    Response,
    Stimulus,
    content_id,
)

KINDS = ("ball", "glass", "hands", "metal", "wood", "water", "drum", "pop", "door", "paper", "ceramic", "coin")
MADE = ("CTP", "shift", "mute", "swap", "OP", "input")
OFFSETS = (-1.2, -0.6, 0.6, 1.2)


def clip_of(number: int, kind: str = "", duration_s: float = 5.0, title: str = "") -> Clip:
    probe = Probe("mp4", duration_s, 30.0, round(30 * duration_s), 640, 360, 0, "h264", 1000, "aac", 48000, 1)
    return Clip(content_id(number) * 4, f"/videos/{number}.mp4", title, probe, f"p{number}", kind, f"source-{number}")


def stimulus_of(clip: Clip, edit: Intervention, verdict: str = "verified", models: str = "sound.wav") -> Stimulus:
    digest = content_id(clip.id, edit.id) * 4
    proof = Proof(verdict, (), clip.probe.duration_s, clip.picture_hash, models_sha256=digest)  # type: ignore[arg-type]
    return Stimulus(clip.id, edit, models, "sound.flac", proof)


def edits(donor: Clip, offsets: Sequence[float] = OFFSETS) -> list[Intervention]:
    shifts = [Intervention("shift", offset_s=one, fill="room") for one in offsets]
    mutes = [Intervention("mute", fill="silence"), Intervention("mute", fill="room")]
    return [Intervention("original"), *shifts, *mutes, Intervention("swap", donor=donor.id)]


def material(
    visual_s: float = 2.0, gap_s: float = 0.03, offsets: Sequence[float] = OFFSETS, **more: object
) -> Material:
    """Twelve clips of the demo's kinds, each with every edit; the donor of each is the next one."""
    clips = [clip_of(number, kind) for number, kind in enumerate(KINDS)]
    stimuli = {
        clip.id: tuple(stimulus_of(clip, edit) for edit in edits(donor, offsets))
        for clip, donor in zip(clips, [*clips[1:], clips[0]], strict=True)
    }
    base: dict[str, object] = {
        "clips": {clip.id: clip for clip in clips},
        "times": {clip.id: EventTimes(visual_s, visual_s + gap_s, "gold") for clip in clips},
        "stimuli": stimuli,
        "words": {clip.id: event_words(clip) for clip in clips},
    }
    return Material(**{**base, **more})  # type: ignore[arg-type]


def with_stimuli(clip: Clip, stimuli: Sequence[Stimulus], times: EventTimes | None) -> Material:
    known = {} if times is None else {clip.id: times}
    return Material({clip.id: clip}, known, {clip.id: tuple(stimuli)})


def situations(kind: str, of: Material) -> list[Situation]:
    return [one for clip_id in of.clips for one in BUILDERS[kind].situations(of, clip_id)[0]]


def reasons(kind: str, of: Material) -> set[str]:
    return {one.reason for clip_id in of.clips for one in BUILDERS[kind].situations(of, clip_id)[1]}


def sample(kind: str, of: Material, many: int, seed: int = 5) -> list[Pair]:
    """`many` pairs, every (label, rejects) equally often."""
    cells: dict[tuple[str, str], list[Situation]] = {}
    for one in situations(kind, of):
        cells.setdefault((one.label, one.rejects), []).append(one)
    draw, found = random.Random(seed), list[Pair]()
    while len(found) < many:
        for cell in cells.values():
            found.append(BUILDERS[kind].write(cell[int(draw.random() * len(cell))], of, draw))  # noqa: PERF401
    return found


def response(stimulus: Stimulus, text: str, label: str, question: str = "Is it in sync?", **item: object) -> Response:
    edit = stimulus.intervention
    row: dict[str, object] = {
        "stimulus_id": stimulus.id,
        "clip_id": stimulus.clip_id,
        "condition": stimulus.condition,
        "offset_s": edit.offset_s if edit.kind == "shift" else None,
        "task": "sync",
        "question_set": "set",
        "question_id": "question",
        "text": question,
        "arm": "audio_video",
        "expected": stimulus.condition,
    }
    asked = Item(**{**row, **item})  # type: ignore[arg-type]
    return Response("model", "key", "run", asked, "", "", "ok", text, Answer(label))

"""What the tests of general-video pairs share: clips, stimuli and segments as values, without media."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.unit.store_samples import a_clip, a_stimulus
from thud.pairs.builders.base import Builder, Situation
from thud.pairs.choices import sound_choices
from thud.pairs.material import Choice, Material, Segment
from thud.pairs.pair import Pair
from thud.records import Clip, Intervention, Proof

KINDS = ("glass", "metal", "wood", "water", "drum", "paper")
SEEN = (
    ("A jar slides over the kitchen worktop", "The jar breaks into pieces by the sink"),
    ("A smith lifts his tongs near the furnace", "Sparks jump as the smith strikes a horseshoe"),
    ("Somebody walks up to a garden gate", "Fists pound against the locked garden gate"),
    ("Rain clouds gather behind a harbour", "Waves roll in and spray wets the pier"),
    ("A marching band lines up in the street", "Twelve drummers begin to play in step"),
    ("An old librarian opens a parcel", "She tears brown wrapping from three volumes"),
)
HEARD = (
    "a bright burst of splinters", "a heavy ring of iron", "four hollow raps on planks", "a long hiss of foam",
    "a rolling rattle of sticks", "a slow ripping of fibres",
)  # fmt: skip
LENGTH_S = 9.0


def a_general_clip(number: int, **changed: Any) -> Clip:
    """A clip of nine seconds; the numbers from 0 to 5 are of different kinds and sources."""
    clip = a_clip(number, **{"kind": KINDS[number % 6], "title": f"clip {number}", **changed})
    return replace(clip, source=f"film-{number}", probe=replace(clip.probe, duration_s=LENGTH_S))


def original(clip: Clip) -> Any:
    proof = Proof("verified", (), LENGTH_S, "p" * 64, models_sha256=f"{clip.id}models")
    return a_stimulus(clip, Intervention("original"), proof=proof)


def two_segments(clip: Clip, number: int) -> tuple[Segment, Segment]:
    """What leads up to something, then it, with its sound."""
    before, then = SEEN[number % 6]
    turn_s = 2.0 + 0.5 * (number % 6)
    return (
        Segment(clip.id, 0.0, turn_s, before),
        Segment(clip.id, turn_s, turn_s + 3.0, then + ".", (HEARD[number % 6],)),
    )


def general_choice(clip: Clip, number: int) -> Choice:
    texts = (f"a red hat number {number}", "a long green coat", "two brown boots", "no clothes that can be seen")
    return Choice(clip.id, "What does the person wear?", tuple(zip("ABCD", texts, strict=True)), "ABCD"[number % 4])


def general_material(count: int = 6, **changed: Any) -> Material:
    """Clips with two segments each, questions made from their sounds (all failed without sound), and a general one."""
    clips = {clip.id: clip for clip in (a_general_clip(number) for number in range(count))}
    segments = {clip.id: two_segments(clip, number) for number, clip in enumerate(clips.values())}
    sounds = sound_choices(clips, segments)
    choices = {
        clip.id: (*sounds.get(clip.id, ()), general_choice(clip, number)) for number, clip in enumerate(clips.values())
    }
    made = Material(
        clips=clips,
        stimuli={clip.id: (original(clip),) for clip in clips.values()},
        segments=segments,
        choices=choices,
        picture_only={one.id: True for many in choices.values() for one in many},
    )
    return replace(made, **changed)


def situations_of(builder: Builder, material: Material) -> list[Situation]:
    return [one for clip_id in material.clips for one in builder.situations(material, clip_id)[0]]


def many_pairs(builder: Builder, material: Material, rounds: int) -> Iterator[tuple[Situation, Pair]]:
    """Every situation in so many wordings."""
    for number in range(rounds):
        for situation in situations_of(builder, material):
            draw = random.Random(f"{number} {situation.clip.id} {situation.rejects} {situation.facts}")
            yield situation, builder.write(situation, material, draw)

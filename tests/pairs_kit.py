"""What tests of pairs share: clips, stimuli and builders that exist in words only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.material import EventWords, Material
from thud.pairs.pair import Pair, Shown
from thud.records import Clip, EventTimes, Intervention, Probe, Proof, Stimulus

if TYPE_CHECKING:
    from thud.store import Store

OFFSETS = (-1.2, -0.6, 0.6, 1.2)


def clip(n: int, **more: object) -> Clip:
    """A clip of 4 s, told apart by its number."""
    digest = sha256(f"clip {n}".encode()).hexdigest()
    probe = Probe("mp4", 4.0, 25.0, 100, 320, 180, 0, "h264", 1000, "aac", 48000, 1)
    made = Clip(digest, f"clips/{n:03}.mp4", f"Clip {n}", probe, f"picture of {n}", "wood", f"source {n}")
    return replace(made, **more)


def stimulus(one: Clip, edit: Intervention) -> Stimulus:
    """That clip under that edit, verified."""
    name = sha256(f"{one.id} {edit.id}".encode()).hexdigest()
    proof = Proof("verified", (), 4.0, one.picture_hash, models_sha256=name, models_bytes=128)
    made = Stimulus(one.id, edit, "", "", proof, True)
    return replace(made, models=f"{made.id}.wav", people=f"{made.id}.flac")


def edits(one: Clip, donor: Clip) -> tuple[Stimulus, ...]:
    """Original, four shifts, a mute, and a swap with that donor."""
    shifts = [Intervention("shift", offset, "room") for offset in OFFSETS]
    every = [
        Intervention("original"),
        *shifts,
        Intervention("mute", fill="silence"),
        Intervention("swap", donor=donor.id),
    ]
    return tuple(stimulus(one, edit) for edit in every)


def material(count: int = 12, unsettled: Sequence[int] = ()) -> Material:
    """So many clips with all their stimuli; each takes its swapped sound from the next. unsettled: without times."""
    clips = [clip(n) for n in range(count)]
    return Material(
        clips={one.id: one for one in clips},
        times={one.id: EventTimes(2.0, 2.02, "gold") for n, one in enumerate(clips) if n not in unsettled},
        stimuli={one.id: edits(one, clips[(n + 1) % count]) for n, one in enumerate(clips)},
        words={one.id: EventWords(f"the block {one.id} drops", f"the knock of {one.id}") for one in clips},
    )


@dataclass(frozen=True, slots=True)
class Sync:
    """A builder of shift pairs with `phrasings` wordings. needs: as told."""

    type: str = "shift"
    teaches: str = "hears early or late"
    needs: str = "times"
    phrasings: int = 1000

    def situations(self, known: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
        one, found = known.clips[clip_id], []
        for shown in known.stimuli.get(clip_id, ()):
            if shown.intervention.kind == "shift":
                other = "early" if shown.condition == "delayed" else "delayed"
                found += [
                    Situation(self.type, one, shown, shown.intervention.offset_s, shown.condition, rejects)
                    for rejects in ("synced", other)
                ]
        return found, () if found else (Lost(clip_id, "It has no shifted sound"),)

    def write(self, situation: Situation, known: Material, draw: random.Random) -> Pair:
        one, shown = situation.clip, situation.stimulus
        times, words = known.times.get(one.id), draw.randrange(self.phrasings)
        return Pair(
            self.type, f"Question {words}", f"It is {situation.label}, {words}.",
            f"It is {situation.rejects}, {words}.",
            Shown(one.path, f"stimuli/{one.id}/{shown.id}.wav", one.sha256, shown.proof.models_sha256),
            clip_id=one.id, stimulus_id=shown.id, source=one.source, task="sync", condition=shown.condition,
            offset_s=situation.offset_s, visual_s=times and times.visual_s, audio_s=times and times.audio_s,
            duration_s=4.0, label=situation.label, rejected_label=situation.rejects,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edited(Sync):
    """A builder of mute or swap pairs."""

    condition: str = "muted"

    def situations(self, known: Material, clip_id: str) -> tuple[Sequence[Situation], Sequence[Lost]]:
        shown = [one for one in known.stimuli.get(clip_id, ()) if one.condition == self.condition]
        made = [Situation(self.type, known.clips[clip_id], one, None, self.condition, "synced") for one in shown]
        return made, () if made else (Lost(clip_id, f"It has no {self.condition} sound"),)


MUTE = Edited("mute", needs="stimuli", condition="muted")
SWAP = Edited("swap", needs="stimuli", condition="swapped")


def put(store: Store, known: Material) -> None:
    """Takes clips, times and stimuli into the store, and writes files that hold what their hashes say."""
    folder = store.workspace
    for n, one in enumerate(known.clips.values()):
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"clip {n}".encode())
        store.add_clip(one, "test")
        if one.id in known.times:
            store.set_times(one.id, known.times[one.id], "test")
        for shown in known.stimuli.get(one.id, ()):
            sound = folder / "stimuli" / one.id / shown.models
            sound.parent.mkdir(parents=True, exist_ok=True)
            sound.write_bytes(f"{one.id} {shown.intervention.id}".encode())
            store.add_stimulus(shown, "test")

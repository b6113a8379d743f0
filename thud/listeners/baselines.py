"""Two listeners that ship, need no model and no network: what guessing scores, and what measuring scores.

always_synced says what one expects of an ordinary clip, whatever is played: the prior. signal compares the strongest
onset of the sound with the strongest motion of the picture; it knows no objects, so it is real and imperfect.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from thud.events.signal import MODEL, audio_onset, motion_energy, visual_peak
from thud.listeners.media import Media
from thud.media.sound import read_written
from thud.records import Item

PRIOR = {"sync": "synced", "existence": "audio_described", "consistency": "match"}
SAYS = {
    "sync": "The sound and the picture are synchronized.",
    "existence": "I hear the sound of an impact and some noise in the background.",
    "consistency": "Yes, the sound matches the event that is shown.",
}

TOLERANCE_S = 0.125
"""Up to here the signal says in sync. ITU-R BT.1359: viewers begin to notice late sound at 0.125 s; it is also the two
to three pictures by which a peak of motion misses a contact."""


def always_synced(item: Item) -> str:
    """What everybody expects of a clip that nobody touched."""
    label = PRIOR.get(item.task, "")
    letter = next((letter for letter, stands_for in item.options if stands_for == label), "")
    return letter or SAYS.get(item.task, "A")


@dataclass(frozen=True, slots=True)
class Measured:
    """seen_s, heard_s: the strongest motion and onset, None where nothing stands out. sees, hears: what was shown."""

    seen_s: float | None
    heard_s: float | None
    sees: bool
    hears: bool


def measure(item: Item, media: Media) -> Measured:
    """What stands out in what this item shows. Raises RefusedClip for a picture that cannot be decoded."""
    sees = item.arm != "sound_only"
    seen_s = _seen_s(media) if sees and item.task == "sync" else None
    heard_s = audio_onset(read_written(media.sound).samples[:, 0]).time_s if media.sound is not None else None
    return Measured(seen_s, heard_s, sees, media.sound is not None)


def signal(item: Item, found: Measured) -> str:
    """What was measured, in words, as an answer to the item's question."""
    label, words = _sync(found) if item.task == "sync" else _existence(item, found)
    letter = next((letter for letter, stands_for in item.options if stands_for == label), "")
    return letter if letter else words


def _sync(found: Measured) -> tuple[str, str]:
    if not found.hears:
        return "", "I cannot tell how sound and picture relate in time: the sound was not given to me."
    if not found.sees:
        return "", "I cannot tell how sound and picture relate in time: the picture was not given to me."
    if found.heard_s is None:
        return "", "I cannot tell how sound and picture relate in time: nothing stands out in the sound."
    if found.seen_s is None:
        return "", "I cannot tell how sound and picture relate in time: nothing stands out in the picture."
    gap_s = found.heard_s - found.seen_s
    where = f"The picture event is at {found.seen_s:.2f} s and the sound at {found.heard_s:.2f} s: "
    if abs(gap_s) <= TOLERANCE_S:
        return "synced", f"{where}they are in sync."
    label, word = ("early", "early") if gap_s < 0 else ("delayed", "late")
    return label, f"{where}the sound comes {abs(gap_s):.2f} s {word}."


def _existence(item: Item, found: Measured) -> tuple[str, str]:
    if item.arm == "picture_only":
        return "", "I cannot tell whether there is sound: the picture alone was given to me."
    if found.heard_s is None:
        return "muted", "There is no sound in this clip."
    return "audio_described", f"I hear a sudden sound at {found.heard_s:.2f} s."


def _seen_s(media: Media) -> float | None:
    """The strongest motion of the picture that is shown, measured once per clip and kept beside its muxed files."""
    kept = media.folder / media.picture.id / f"{MODEL}.json"
    try:
        time_s = json.loads(kept.read_text())["seen_s"]
        return None if time_s is None else float(time_s)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = visual_peak(*motion_energy(media.picture.path)).time_s
    kept.parent.mkdir(parents=True, exist_ok=True)
    aside = kept.with_name(f".{kept.name}.{os.getpid()}.part")
    aside.write_text(json.dumps({"seen_s": found}))
    aside.replace(kept)
    return found

"""A comparison reel of one clip: original, then its edits, with captions and event markers. For talks and papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from thud.errors import RefusedEdit
from thud.media.reel import ReelPart, write_reel
from thud.media.sound import Sound, read_sound, read_written
from thud.records import Clip, EventTimes, Stimulus


def caption(stimulus: Stimulus) -> str:
    """The words under the picture: condition, and by how much."""
    edit = stimulus.intervention
    if edit.kind != "shift":
        return stimulus.condition
    return f"{stimulus.condition} {edit.offset_s:+.2f} s".replace("-", "−")


def comparison_reel(clip: Clip, times: EventTimes | None, stimuli: Sequence[Stimulus], folder: Path, out: Path) -> Path:
    """Writes the reel to `out`. folder: where the stimuli lie. Raises RefusedEdit for a clip without sound."""
    own = read_sound(Path(clip.path), clip.probe)
    if own is None:
        raise RefusedEdit(f"{Path(clip.path).name} has no sound to compare")
    edits = [s for s in stimuli if s.condition != "original"]
    parts = [_part("original", own, 0.0)]
    parts += [_part(caption(s), read_written(folder / s.people), s.intervention.offset_s) for s in edits]
    return write_reel(Path(clip.path), parts, out, times.visual_s if times else None, times.audio_s if times else None)


def _part(words: str, sound: Sound, offset_s: float) -> ReelPart:
    return ReelPart(words, sound, offset_s)

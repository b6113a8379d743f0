"""A preference pair, and what a model is shown in it. Frozen values; a pair's id is the hash of what it teaches.

Times are seconds of the stimulus as shown: `audio_s` of a delayed sound is later than `audio_s` of its clip.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from thud.records import content_id

Type = Literal[
    "shift", "mute", "swap", "OP", "SP", "CTP", "FV-D", "FV-A", "FV-A-L", "LV-MCQA", "input", "relate", "imported"
]
Split = Literal["train", "validation", "test", ""]
Stage = Literal["sft", "dpo"]

TYPES: tuple[Type, ...] = (
    "CTP", "shift", "mute", "swap", "OP", "SP", "FV-D", "FV-A", "FV-A-L", "LV-MCQA", "input", "relate",
)  # fmt: skip
"""What can be built, in the order of the page."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is shown: a picture without its sound track, and a sound beside it.

    video: the clip's file. sound: the stimulus's WAV for models, "" = none is played. Both relative to the workspace,
    or absolute; of an imported file, as they stand there after remapping. Hashes are "" where they are not known.
    """

    video: str
    sound: str = ""
    video_sha256: str = ""
    sound_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """prompt, chosen, rejected (TRL's names) about one stimulus. rejected "": an example for SFT.

    rejected_shown: input-contrastive pairs only: the same answer under another sound. source: what splits go by.
    task: sync, existence, consistency, choice; describe, locate, attribute (FV-D). condition, offset_s: as recorded of
    the stimulus (offset_s None where it is not shifted). label, rejected_label: what the answers say, as Answer.label,
    or the letter of a choice question. options: (letter, text) as shown. template: family and phrasings drawn.
    origin: what it was made from: times (visual_s, audio_s of the clip, method), response, segment, choice, twin
    (stimulus id), listener, rewritten (model), file, row, id.
    """

    type: str
    prompt: str
    chosen: str
    rejected: str
    shown: Shown
    rejected_shown: Shown | None = None
    clip_id: str = ""
    stimulus_id: str = ""
    source: str = ""
    task: str = ""
    condition: str = ""
    offset_s: float | None = None
    visual_s: float | None = None
    audio_s: float | None = None
    duration_s: float | None = None
    label: str = ""
    rejected_label: str = ""
    options: tuple[tuple[str, str], ...] = ()
    template: str = ""
    seed: int = 0
    split: str = ""
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same words about the same media are the same pair, whoever made it and in whichever split it is."""
        other = self.rejected_shown
        heard = [self.shown.sound_sha256 or self.shown.sound, other and (other.sound_sha256 or other.sound)]
        seen = self.shown.video_sha256 or self.shown.video
        return content_id(self.type, seen, heard, self.prompt, self.chosen, self.rejected)


def pair_json(pair: Pair) -> dict[str, Any]:
    """The pair as JSON can hold it; `pair_from_json` reads it back."""
    # By hand: `asdict` copies every value, and a set has ten thousand pairs.
    other = pair.rejected_shown
    return {
        **{name: getattr(pair, name) for name in _NAMES},
        "shown": _shown_json(pair.shown),
        "rejected_shown": _shown_json(other) if other else None,
        "options": [list(one) for one in pair.options],
        "origin": dict(pair.origin),
    }


_NAMES = tuple(each.name for each in fields(Pair))


def _shown_json(shown: Shown) -> dict[str, str]:
    return {
        "video": shown.video, "sound": shown.sound, "video_sha256": shown.video_sha256,
        "sound_sha256": shown.sound_sha256,
    }  # fmt: skip


def pair_from_json(row: dict[str, Any]) -> Pair:
    """The pair that `pair_json` took apart."""
    other = row["rejected_shown"]
    return Pair(
        **{
            **row,
            "shown": Shown(**row["shown"]),
            "rejected_shown": Shown(**other) if other else None,
            "options": tuple((letter, text) for letter, text in row["options"]),
        }
    )

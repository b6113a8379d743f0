"""What the counterfactual builders share: which stimuli are fit to be shown, what a model is shown, claims in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from thud.pairs.builders.base import Lost, Situation
from thud.pairs.material import Material
from thud.pairs.pair import Pair, Shown
from thud.pairs.wording import LEAST_GAP_S, Facts, Phrased, label_of, words_of
from thud.records import Clip, Stimulus
from thud.stimuli.interventions import event_survives

NO_TIMES = "Its event times are not settled; mark the clip on Annotate first."
NO_ORIGINAL = "Its original was not built; build it on Interventions first."
NO_SHIFT = "No shifted sound was built for it; build some on Interventions first."
NOT_IN_SYNC = "Its picture and sound are 0.15 s or more apart as they are, so it is no example of being in sync."
TOO_LITTLE = f"With this shift picture and sound are less than {LEAST_GAP_S} s apart, or apart the other way."
LEAVES = "The shift pushes the event out of the clip."
MOST_LOOKED_AT = 300
MARGIN_S = 0.1
"""No time that is claimed lies nearer to the edge of a clip than this."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A stimulus and when its event is seen and heard in it."""

    stimulus: Stimulus
    visual_s: float
    audio_s: float

    @property
    def label(self) -> str:
        return self.stimulus.condition if self.offset_s is not None else "synced"

    @property
    def offset_s(self) -> float | None:
        edit = self.stimulus.intervention
        return edit.offset_s if edit.kind == "shift" else None

    @property
    def gap_s(self) -> float:
        return self.audio_s - self.visual_s


def fit(stimulus: Stimulus) -> bool:
    """Whether it may be shown to a model: proven, and with a sound file."""
    return (
        stimulus.proof.verdict == "verified" and bool(stimulus.models) and stimulus.intervention.fill != "drop_stream"
    )


def stimuli_of(material: Material, clip_id: str, kind: str) -> tuple[Stimulus, ...]:
    """The clip's fit stimuli of one kind of edit, in an order that depends on their settings alone."""
    found = [one for one in material.stimuli.get(clip_id, ()) if fit(one) and one.intervention.kind == kind]
    return tuple(sorted(found, key=lambda one: (one.intervention.offset_s, one.intervention.fill, one.id)))


def placed(material: Material, clip_id: str) -> tuple[Placed | None, tuple[Placed, ...], tuple[Lost, ...]]:
    """(the original if it is in sync, the shifts whose direction is plain, why others are neither)."""
    times, clip = material.times.get(clip_id), material.clips[clip_id]
    if times is None or times.visual_s is None or times.audio_s is None:
        return None, (), (Lost(clip_id, NO_TIMES),)
    original, shifts, lost = None, list[Placed](), list[Lost]()
    for one in stimuli_of(material, clip_id, "original")[:1]:
        original = Placed(one, times.visual_s, times.audio_s)
        if label_of(original.gap_s) != "synced":
            original, lost = None, [Lost(clip_id, NOT_IN_SYNC)]
    for one in stimuli_of(material, clip_id, "shift"):
        shift = Placed(one, times.visual_s, times.audio_s + one.intervention.offset_s)
        if event_survives(one.intervention, times, clip.probe.duration_s) is False:
            lost.append(Lost(one.id, LEAVES))
        elif label_of(shift.gap_s) != one.condition:
            lost.append(Lost(one.id, TOO_LITTLE))
        else:
            shifts.append(shift)
    return original, tuple(shifts), tuple(lost)


def missing(original: Placed | None, lost: Sequence[Lost], clip_id: str) -> tuple[Lost, ...]:
    """The reasons, and one more where there is no original and nothing says why."""
    known = any(one.reason in (NOT_IN_SYNC, NO_TIMES) for one in lost)
    return (*lost, Lost(clip_id, NO_ORIGINAL)) if original is None and not known else tuple(lost)


def register_of(stimulus: Stimulus) -> str:
    """Which phrasings tell of its sound: those that speak of room tone where that is all there is."""
    edit = stimulus.intervention
    return "room" if (edit.kind, edit.fill) == ("mute", "room") else "plain"


def shown(clip: Clip, stimulus: Stimulus) -> Shown:
    """What a model is shown of a stimulus."""
    return Shown(
        video=clip.path,
        sound=f"stimuli/{clip.id}/{stimulus.models}",
        video_sha256=clip.sha256,
        sound_sha256=stimulus.proof.models_sha256,
    )


def facts_of(material: Material, clip: Clip, visual_s: float | None, audio_s: float | None, sound: str = "") -> Facts:
    """What an answer about the clip tells, its event under its own name."""
    return Facts(words_of(material, clip), visual_s, audio_s, sound)


def pair_of(situation: Situation, material: Material, words: Phrased, chosen: str, rejected: str, **more: Any) -> Pair:
    """The pair of these words, all that is recorded of the situation beside them."""
    clip, stimulus = situation.clip, situation.stimulus
    times, shift = material.times.get(clip.id), situation.offset_s
    heard = None if times is None or times.audio_s is None else times.audio_s + (shift or 0.0)
    origin: dict[str, Any] = {}
    if times is not None:
        origin["times"] = {"visual_s": times.visual_s, "audio_s": times.audio_s, "method": times.method}
    if situation.twin is not None:
        origin["twin"] = situation.twin.id
    base: dict[str, Any] = {
        "type": situation.type,
        "prompt": words.question.text,
        "chosen": chosen,
        "rejected": rejected,
        "shown": shown(clip, stimulus),
        "clip_id": clip.id,
        "stimulus_id": stimulus.id,
        "source": clip.source,
        "task": words.task,
        "condition": stimulus.condition,
        "offset_s": shift,
        "visual_s": None if times is None else times.visual_s,
        "audio_s": heard if stimulus.intervention.kind in ("original", "shift") else None,
        "duration_s": clip.probe.duration_s,
        "label": situation.label,
        "rejected_label": situation.rejects,
        "template": words.template,
        "origin": origin,
    }
    return Pair(**{**base, **more})


def others(material: Material, clip: Clip) -> tuple[str, ...]:
    """Ids of clips whose event has another name, five at most: which, depends on the clip and not on the draw."""
    own, ids = words_of(material, clip), list(material.clips)
    start, found = int(clip.id, 16) % len(ids), list[str]()
    for other in islice(chain(ids[start:], ids[:start]), MOST_LOOKED_AT):
        words = words_of(material, material.clips[other])
        if words.seen != own.seen and words.heard != own.heard:
            found.append(other)
        if len(found) == 5:
            break
    return tuple(found)

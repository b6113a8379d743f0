"""What a recipe can draw from: the situations of each type in clips that may be used, and why there are not more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from thud.pairs.builders.base import Builder, Situation
from thud.pairs.material import Material
from thud.records import Response, Stimulus

FOREIGN_DONOR = "The foreign sound is of a clip in another split"
NEED_DONORS = frozenset({"swap", "input"})
NOT_SETTLED = "Its event times are not settled"
KEPT_FOR_TESTS = "Kept for testing"
Losses = dict[str, list[str]]
"""Reason → subjects, in the order in which they were met."""


@dataclass(slots=True)
class Stock:
    """One type's situations. clips: those that may be used at all. settled: those of them whose times are known, None
    where this type needs none. lost: on the way from there to situations.
    """

    type: str
    builder: Builder
    clips: list[str]
    settled: list[str] | None
    unsettled: Losses
    valid: list[str] = field(default_factory=list)
    situations: list[Situation] = field(default_factory=list)
    lost: Losses = field(default_factory=dict)


def usable(material: Material, splits: Mapping[str, str]) -> tuple[Material, dict[str, list[str]]]:
    """(the material of clips that are not kept for testing, clip id → its stimuli that were left out).

    Left out: sounds of a donor in another split, so that no two splits share a sound; and files without a stream.
    """
    inside = {clip_id for clip_id in material.clips if splits.get(clip_id) in ("train", "validation")}
    foreign: dict[str, list[str]] = {}
    stimuli: dict[str, tuple[Stimulus, ...]] = {}
    for clip_id in inside & material.stimuli.keys():
        good = tuple(one for one in material.stimuli[clip_id] if _own(one, splits))
        stimuli[clip_id] = tuple(one for one in good if one.models and one.proof.verdict == "verified")
        out = [one.id for one in material.stimuli[clip_id] if one not in good]
        if out:
            foreign[clip_id] = out
    kept = replace(
        material,
        clips={key: clip for key, clip in material.clips.items() if key in inside},
        times={key: times for key, times in material.times.items() if key in inside},
        stimuli={key: stimuli[key] for key in material.clips if key in stimuli},
        wrong={key: _about(material.wrong[key], stimuli.get(key, ())) for key in material.wrong if key in inside},
        segments={key: many for key, many in material.segments.items() if key in inside},
        choices={key: many for key, many in material.choices.items() if key in inside},
    )
    return kept, foreign


def _about(responses: Iterable[Response], stimuli: Iterable[Stimulus]) -> tuple[Response, ...]:
    shown = {one.id for one in stimuli}
    return tuple(one for one in responses if one.item.stimulus_id in shown)


def _own(stimulus: Stimulus, splits: Mapping[str, str]) -> bool:
    donor = stimulus.intervention.donor
    return not donor or splits.get(donor) == splits.get(stimulus.clip_id)


def take_stock(
    builder: Builder, material: Material, unsettled: Mapping[str, str], foreign: Mapping[str, list[str]]
) -> Stock:
    """The stock of one type. material: as `usable` gave it. unsettled: clip id → why its times are not settled."""
    clips = [*material.clips]
    stock = Stock(builder.type, builder, clips, None, {})
    if builder.needs == "times":
        settled = [key for key in clips if key in material.times]
        for key in clips:
            if key not in material.times:
                stock.unsettled.setdefault(unsettled.get(key) or NOT_SETTLED, []).append(key)
        stock.settled = clips = settled
    for clip_id in clips:
        situations, lost = builder.situations(material, clip_id)
        stock.situations += situations
        if situations:
            stock.valid.append(clip_id)
        left_out = foreign.get(clip_id, []) if builder.type in NEED_DONORS else []
        if left_out:
            stock.lost.setdefault(FOREIGN_DONOR, []).extend(left_out)
        # The builder never saw what was left out, so it would say that nobody built it.
        for one in () if left_out and not situations else lost:
            stock.lost.setdefault(one.reason, []).append(one.subject)
    return stock

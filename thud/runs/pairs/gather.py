"""What pairs of a workspace can be made from: clips, settled times, verified stimuli, responses, described video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thud.evaluation.scoring import ABSENT
from thud.pairs.event_words import event_words
from thud.pairs.material import Material
from thud.records import Clip, EventTimes, Mark, Response, Stimulus
from thud.runs.pairs.material import choices_of, picture_only, segments_of

if TYPE_CHECKING:
    from thud.store import Store

TRUSTED = frozenset({"construction", "gold", "adjudicated", "manifest"})
NOBODY = "Nobody has marked its event yet"
UNSURE = "Its marks do not agree enough; a person should look on Annotate"
NO_SOUND = "Its event makes no sound"
DISCARDED = "People found it unusable"
HALF = "Only one of its two event times is known"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The material, and clip id → why its event times are not settled. sounds: clip id → hash of its original sound."""

    material: Material
    unsettled: dict[str, str]
    sounds: dict[str, str]


def gather_all(store: Store) -> Gathered:
    """What there is now. Reads the store, opens no media."""
    clips = {clip.id: clip for clip in store.clips()}
    times, unsettled = settled_times(store, clips)
    stimuli = _stimuli(store.stimuli(), clips)
    marks: dict[str, list[Mark]] = defaultdict(list)
    for mark in store.marks():
        marks[mark.clip_id].append(mark)
    shown = {one.id for many in stimuli.values() for one in many}
    material = Material(
        clips=clips,
        times=times,
        stimuli=stimuli,
        words={key: event_words(clip, marks.get(key, ())) for key, clip in clips.items()},
        wrong=_wrong(store, shown),
        segments={key: many for key, many in segments_of(store).items() if key in clips},
        choices={key: many for key, many in choices_of(store).items() if key in clips},
        picture_only=picture_only(store),
    )
    originals = {key: next((s for s in many if s.condition == "original"), None) for key, many in stimuli.items()}
    return Gathered(material, unsettled, {k: s.proof.models_sha256 for k, s in originals.items() if s is not None})


def settled_times(store: Store, clips: Mapping[str, Clip]) -> tuple[dict[str, EventTimes], dict[str, str]]:
    """(the times that pairs may be built on, clip id → why the others may not)."""
    best = store.times()
    people = {(mark.clip_id, mark.annotator) for mark in store.marks() if mark.person}
    doubts = {clip_id: _doubt(clip_id, best.get(clip_id), people) for clip_id in clips}
    sure = _sure(store) if UNSURE in doubts.values() else frozenset()
    unsettled = {key: reason for key, reason in doubts.items() if reason and not (reason == UNSURE and key in sure)}
    return {key: best[key] for key in clips if key not in unsettled}, unsettled


def _doubt(clip_id: str, times: EventTimes | None, people: set[tuple[str, str]]) -> str:
    """Why these times are not settled, "" when they are; UNSURE where only models placed them."""
    if times is None:
        return NOBODY
    verdict = times.detail.get("verdict")
    if verdict in ("no_sound", "discarded"):
        return NO_SOUND if verdict == "no_sound" else DISCARDED
    if times.visual_s is None or times.audio_s is None:
        return NOBODY if times.visual_s is None and times.audio_s is None else HALF
    if times.method in TRUSTED:
        return ""
    by_people = all(
        any((clip_id, name) in people for name in times.detail.get(f"{kind}_sources") or ())
        for kind in ("visual", "audio")
    )
    return "" if by_people else UNSURE


def _sure(store: Store) -> frozenset[str]:
    """The clips that need nobody, as Annotate has it: the rule retains them, or the consensus is sure of them.

    Takes about a second for 10,000 clips.
    """
    from thud.events.certain import certain  # they bring scipy, which takes most of a second
    from thud.events.settings import read_settings
    from thud.events.settle import learned, read_cases

    cases, settings = read_cases(store), read_settings(store.settings())
    retained = {key for key, times in store.times("agreement").items() if times.detail.get("retained")}
    learnt = learned(cases.values())
    return frozenset(retained | {key for key, case in cases.items() if certain(case, learnt, settings)})


def _stimuli(stimuli: Iterable[Stimulus], clips: Mapping[str, Clip]) -> dict[str, tuple[Stimulus, ...]]:
    found: dict[str, list[Stimulus]] = {}
    for one in stimuli:
        if one.clip_id in clips and one.proof.verdict == "verified" and one.models:
            found.setdefault(one.clip_id, []).append(one)
    return {key: tuple(sorted(found[key], key=lambda one: one.id)) for key in clips if key in found}


def _wrong(store: Store, shown: set[str]) -> dict[str, tuple[Response, ...]]:
    """By clip, what models answered wrongly about stimuli that can be shown, as people read it, else the rules."""
    people = {
        one.response_id: one.answer.label
        for one in store.readings() if one.reader.startswith("person:") and not one.problem
    }  # fmt: skip
    found: dict[str, list[Response]] = {}
    for one in store.responses():
        label = people.get(one.id, one.answer.label)
        able = one.outcome == "ok" and not one.rater and one.item.arm == "audio_video" and one.item.stimulus_id in shown
        if able and one.item.expected and label not in (*ABSENT, one.item.expected) and label == one.answer.label:
            found.setdefault(one.item.clip_id, []).append(one)
    return {key: tuple(sorted(many, key=lambda one: one.id)) for key, many in sorted(found.items())}

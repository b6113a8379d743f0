"""What pairs of a workspace can be made from: clips, settled times, verified stimuli, responses, described video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thud.evaluation.scoring import ABSENT
from thud.events.settings import Settings
from thud.pairs.event_words import event_words
from thud.pairs.material import Material
from thud.records import Clip, EventTimes, Mark, Response, Stimulus
from thud.runs.pair_material import choices_of, picture_only, segments_of

if TYPE_CHECKING:
    from thud.store import Store

TRUSTED = frozenset({"construction", "gold", "adjudicated", "manifest"})
LEAST_SOURCES = 2
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
    best, agreed = store.times(), store.times("agreement")
    people = {(mark.clip_id, mark.annotator) for mark in store.marks() if mark.person}
    settled: dict[str, EventTimes] = {}
    unsettled: dict[str, str] = {}
    for clip_id in clips:
        times = best.get(clip_id)
        reason = _doubt(clip_id, times, people)
        if reason == UNSURE and agreed.get(clip_id, times).detail.get("retained"):  # type: ignore[union-attr]
            reason = ""
        if times is None or reason:
            unsettled[clip_id] = reason
        else:
            settled[clip_id] = times
    return settled, unsettled


def _doubt(clip_id: str, times: EventTimes | None, people: set[tuple[str, str]]) -> str:
    """Why these times are not settled, "" when they are."""
    if times is None:
        return NOBODY
    verdict = times.detail.get("verdict")
    if verdict in ("no_sound", "discarded"):
        return NO_SOUND if verdict == "no_sound" else DISCARDED
    if times.visual_s is None or times.audio_s is None:
        return NOBODY if times.visual_s is None and times.audio_s is None else HALF
    if times.method in TRUSTED:
        return ""
    sure = all(_sure(clip_id, times, kind, people) for kind in ("visual", "audio"))
    return "" if sure else UNSURE


def _sure(clip_id: str, times: EventTimes, kind: str, people: set[tuple[str, str]]) -> bool:
    """Whether a person placed it, or several models did and the consensus is as sure as Annotate asks by default."""
    sources = times.detail.get(f"{kind}_sources") or ()
    if any((clip_id, name) in people for name in sources):
        return True
    spread = times.detail.get(f"{kind}_spread_s")
    return len(sources) >= LEAST_SOURCES and spread is not None and spread <= Settings().accept_spread_s


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

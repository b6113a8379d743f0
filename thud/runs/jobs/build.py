"""Build: plans the stimuli of many clips, builds them clip by clip, and takes the results into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.records import (
    CONDITIONS,
    Clip,
    Condition,
    EventTimes,
    Intervention,
    clip_from_json,
    content_id,
    stimulus_folder,
    stimulus_from_json,
    stimulus_id,
)
from thud.stimuli.balance import Placed, shifts_to_ask
from thud.stimuli.build import BuildSettings, Refused, build_clip, plan_clip
from thud.stimuli.donors import candidates
from thud.stimuli.held_out import is_held_out

if TYPE_CHECKING:
    from thud.evaluation.leak_guess import Guess
    from thud.store import Store

kind = "build"
LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class PlanRow:
    """How many stimuli of one condition will be built, refused and reused."""

    condition: Condition
    build: int
    refused: int
    reused: int


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What a build will do before it does it. items: one per clip with something left to build.

    shifts: clip id → the offsets it will have, with those built already. earlier: shifts of these clips that were built
    before and are not among them. places: where the event of every clip is, and the clip's source.
    """

    items: tuple[dict[str, Any], ...]
    rows: tuple[PlanRow, ...]
    refused: tuple[tuple[Clip, Refused], ...]
    unknown_times: int
    shifts: Mapping[str, tuple[float, ...]]
    earlier: int
    balanced: bool
    places: tuple[tuple[Placed, str], ...]

    @property
    def total(self) -> int:
        return sum(row.build for row in self.rows)

    def predicted(self) -> Guess | None:
        """What the sound's place alone would score on sync, once this is built. None where no event time is known."""
        from thud.evaluation.leak_advice import MOST_CLIPS, ClipPlace, predict

        known = [ClipPlace(place, source) for place, source in self.places if place.audio_s is not None]
        guessed = predict(known[:MOST_CLIPS], self.shifts)
        return guessed if guessed is not None and guessed.right.value is not None else None


def plan_build(store: Store, clip_ids: Sequence[str] | None, settings: BuildSettings) -> BuildPlan:
    """The plan for `clip_ids` (None = all clips). Reads the store, decodes nothing."""
    clips = store.clips()
    times = store.times()
    # A sound that may be trained on is not lent to a clip for testing, nor the other way round.
    pools = {side: candidates([one for one in clips if is_held_out(one) is side], times) for side in (False, True)}
    rejections: dict[str, set[str]] = {}
    for word in store.donor_rejections():
        rejections.setdefault(word.clip_id, set()).add(word.donor_id)
    stimuli = [s for s in store.stimuli() if s.proof.verdict == "verified"]
    built = {s.id for s in stimuli}
    wanted = set(clip_ids) if clip_ids is not None else {clip.id for clip in clips}
    chosen = [clip for clip in clips if clip.id in wanted]
    places = tuple((_placed(clip, times.get(clip.id)), clip.source or clip.id) for clip in chosen)
    own = _own_settings(settings, [place for place, _ in places])
    paths = {clip.id: clip.path for clip in clips}
    counts: dict[str, Counter[Condition]] = {"build": Counter(), "refused": Counter(), "reused": Counter()}
    items: list[dict[str, Any]] = []
    refused: list[tuple[Clip, Refused]] = []
    shifts: dict[str, tuple[float, ...]] = {}
    planned: set[str] = set()
    unknown = 0
    for clip in chosen:
        pool = pools[is_held_out(clip)]
        plan = plan_clip(clip, times.get(clip.id), own.get(clip.id, settings), pool, rejections.get(clip.id, ()))
        refused += [(clip, r) for r in plan.refused]
        counts["refused"].update(r.edit.condition for r in plan.refused)
        fresh = [e for e in plan.edits if stimulus_id(clip.id, e) not in built]
        counts["build"].update(e.condition for e in fresh)
        counts["reused"].update(e.condition for e in plan.edits if stimulus_id(clip.id, e) in built)
        shifts[clip.id] = tuple(e.offset_s for e in plan.edits if e.kind == "shift")
        planned |= {stimulus_id(clip.id, e) for e in plan.edits}
        known = clip.id in times and times[clip.id].audio_s is not None
        unknown += not known
        if fresh:
            items.append(_item(clip, times.get(clip.id), fresh, paths))
    rows = tuple(PlanRow(c, counts["build"][c], counts["refused"][c], counts["reused"][c]) for c in CONDITIONS)
    earlier = sum(s.intervention.kind == "shift" and s.clip_id in wanted and s.id not in planned for s in stimuli)
    return BuildPlan(tuple(items), rows, tuple(refused), unknown, shifts, earlier, settings.balanced, places)


def _placed(clip: Clip, times: EventTimes | None) -> Placed:
    return Placed(clip.id, times.audio_s if times else None, clip.probe.duration_s)


def _own_settings(settings: BuildSettings, places: Sequence[Placed]) -> dict[str, BuildSettings]:
    """What each clip gets under a balanced draw; nothing of its own otherwise."""
    if not settings.balanced:
        return {}
    drawn = shifts_to_ask(places, settings.shifts, settings.seed)
    return {clip_id: replace(settings, shifts=shifts) for clip_id, shifts in drawn.items()}


def _item(clip: Clip, times: EventTimes | None, edits: list[Intervention], paths: dict[str, str]) -> dict[str, Any]:
    donors = {edit.donor: paths[edit.donor] for edit in edits if edit.donor}
    return {
        "key": content_id(clip.id, [edit.id for edit in edits]),
        "subject": clip.title,
        "clip": asdict(clip),
        "times": asdict(times) if times else None,
        "edits": [asdict(edit) for edit in edits],
        "donors": donors,
    }


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Builds the stimuli of one clip; runs in a child that may be killed."""
    clip = clip_from_json(item["clip"])
    times = EventTimes(**item["times"]) if item["times"] else None
    edits = [Intervention(**edit) for edit in item["edits"]]
    stimuli, refused = build_clip(clip, times, edits, item["donors"], stimulus_folder(workspace, clip.id))
    return {
        "stimuli": [asdict(s) for s in stimuli],
        "refused": [{"edit": asdict(r.edit), "reason": r.reason} for r in refused],
    }


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes the stimuli of one clip into the store; the same result again changes nothing."""
    actor = item.get("by", "thud")
    for row in result["stimuli"]:
        store.add_stimulus(stimulus_from_json(row), actor)
    for row in result["refused"]:
        store.add_refusal(item["clip"]["sha256"][:16], Intervention(**row["edit"]), row["reason"], actor)


def refused(store: Store, item: dict[str, Any], reason: str) -> None:
    """A clip that could not be opened or heard refuses all that was asked of it."""
    for edit in item["edits"]:
        store.add_refusal(item["clip"]["sha256"][:16], Intervention(**edit), reason, item.get("by", "thud"))

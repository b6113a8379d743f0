"""Build: plans the stimuli of many clips, builds them clip by clip, and takes the results into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from thud.stimuli.build import BuildSettings, Refused, build_clip, plan_clip
from thud.stimuli.donors import candidates

if TYPE_CHECKING:
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
    """What a build will do before it does it. items: one per clip with something left to build."""

    items: tuple[dict[str, Any], ...]
    rows: tuple[PlanRow, ...]
    refused: tuple[tuple[Clip, Refused], ...]
    unknown_times: int

    @property
    def total(self) -> int:
        return sum(row.build for row in self.rows)


def plan_build(store: Store, clip_ids: Sequence[str] | None, settings: BuildSettings) -> BuildPlan:
    """The plan for `clip_ids` (None = all clips). Reads the store, decodes nothing."""
    clips = store.clips()
    times = store.times()
    pool = candidates(clips, times)
    rejections: dict[str, set[str]] = {}
    for word in store.donor_rejections():
        rejections.setdefault(word.clip_id, set()).add(word.donor_id)
    built = {s.id for s in store.stimuli() if s.proof.verdict == "verified"}
    chosen = set(clip_ids) if clip_ids is not None else {clip.id for clip in clips}
    paths = {clip.id: clip.path for clip in clips}
    counts: dict[str, Counter[Condition]] = {"build": Counter(), "refused": Counter(), "reused": Counter()}
    items: list[dict[str, Any]] = []
    refused: list[tuple[Clip, Refused]] = []
    unknown = 0
    for clip in (c for c in clips if c.id in chosen):
        plan = plan_clip(clip, times.get(clip.id), settings, pool, rejections.get(clip.id, ()))
        refused += [(clip, r) for r in plan.refused]
        counts["refused"].update(r.edit.condition for r in plan.refused)
        fresh = [e for e in plan.edits if stimulus_id(clip.id, e) not in built]
        counts["build"].update(e.condition for e in fresh)
        counts["reused"].update(e.condition for e in plan.edits if stimulus_id(clip.id, e) in built)
        known = clip.id in times and times[clip.id].audio_s is not None
        unknown += not known
        if fresh:
            items.append(_item(clip, times.get(clip.id), fresh, paths))
    rows = tuple(PlanRow(c, counts["build"][c], counts["refused"][c], counts["reused"][c]) for c in CONDITIONS)
    return BuildPlan(tuple(items), rows, tuple(refused), unknown)


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

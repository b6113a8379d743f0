"""What a new workspace gets by itself: clips (made here, or a folder's), then all conditions of each; the demo also
gets marks, so that there is something to settle, and the answers of the listeners that ship.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.records import Run

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

SETTINGS = {
    "shifts": [-1.2, -0.6, -0.4, 0.4, 0.6, 1.2],
    "shift_fill": "room",
    "mutes": ["silence", "room"],
    "swap": True,
    "seed": 0,
}
"""The conditions that are built at first; the build dialog starts from the same."""


INGEST_LIMIT_S = 600.0
"""One file's longest stay in a worker: ten minutes of 1080p need a proxy."""


def fill_workspace(store: Store, runs: Runs, folder: Path | None, actor: str) -> None:
    """Brings in the clips that are not there yet, waits, and builds if nothing was ever built.

    Safe to call at every start: what an earlier start left undone is done now.
    Raises BadRequest for a folder with no video.
    """
    from thud.runs.pair_material import add_demo_segments

    for active in [r for r in runs.runs() if r.kind in ("demo", "ingest") and r.state in ("queued", "running")]:
        runs.wait(active.id)
    run = start_clips(store, runs, folder, actor)
    if run is not None:
        runs.wait(run.id)
    if store.clips() and not store.stimuli() and not any(r.kind == "build" for r in store.runs()):
        start_build(store, runs, None, actor)
    if folder is None:
        for active in [r for r in runs.runs() if r.kind == "build" and r.state in ("queued", "running")]:
            runs.wait(active.id)
        add_demo_segments(store, actor)
        place_demo_times(store, runs, actor)
        ask_baselines(store, runs, actor)


def ask_baselines(store: Store, runs: Runs, actor: str) -> None:
    """Asks the listeners that ship about all conditions, so that Results has a prior and a measurement to begin with.

    Nothing happens in a workspace where a listener was asked before, or where nothing is built.
    """
    from thud.listeners.questions import QUESTION_SETS
    from thud.listeners.roster import LISTENERS
    from thud.runs.listen import Wanted, plan_listening, start_listening

    if any(run.kind == "listen" for run in store.runs()):
        return
    wanted = Wanted(QUESTION_SETS["structured"])
    plans = [plan_listening(store, runs, listener, wanted) for listener in LISTENERS.values()]
    for plan in plans:
        if plan.items and not plan.blocked:
            start_listening(store, runs, plan, actor)


def place_demo_times(store: Store, runs: Runs, actor: str) -> None:
    """Gives the demo's clips simulated marks that say so, and has `signal` measure them; then they are settled.

    Nothing happens in a workspace where anything was marked or asked before.
    """
    from thud.events.annotators import ANNOTATORS
    from thud.events.simulated import simulated_marks
    from thud.runs.annotate import start_annotations
    from thud.store import changes

    if store.marks() or any(run.kind == "annotate" for run in store.runs()):
        return
    truth = store.times("construction")
    made = [mark for clip in store.clips() if clip.id in truth for mark in simulated_marks(clip, truth[clip.id])]
    if not made:
        return
    store.write_many([changes.submit_mark(mark, actor) for mark in made])
    start_annotations(store, runs, [ANNOTATORS["signal"]], None, actor)


def start_clips(store: Store, runs: Runs, folder: Path | None, actor: str) -> Run | None:
    """The run that brings in new clips, or None when all are there. folder None: the demo clips."""
    if folder is None:
        made = [run for run in store.runs() if run.kind == "demo"]
        if made and made[0].state == "failed":
            return runs.resume(made[0].id)
        return None if made or store.clips() else start_demo(runs, actor)
    from thud.runs.sources import plan_ingest

    here = {clip.path for clip in store.clips()}
    items = [item for item in plan_ingest([folder]) if item["path"] not in here]
    return start_ingest(runs, items, folder.name, actor) if items else None


def start_demo(runs: Runs, actor: str) -> Run:
    """The run that makes the demo clips."""
    from thud.runs.jobs.demo import LIMIT_S, plan_demo

    items = plan_demo()
    return runs.start("demo", f"Make {len(items)} demo clips", {}, _signed(items, actor), actor, limit_s=LIMIT_S)


def start_ingest(runs: Runs, items: list[dict[str, Any]], where: str, actor: str) -> Run:
    """The run that reads planned files."""
    return runs.start("ingest", f"Add clips from {where}", {}, _signed(items, actor), actor, limit_s=INGEST_LIMIT_S)


def _signed(items: Iterable[dict[str, Any]], actor: str) -> list[dict[str, Any]]:
    """The items with who asked for them, for the event log."""
    return [{**item, "by": actor} for item in items]


def start_build(
    store: Store,
    runs: Runs,
    settings: Mapping[str, Any] | None,
    actor: str,
    clip_ids: Sequence[str] | None = None,
) -> Run:
    """The run that builds `settings` (the first-start set by default) for `clip_ids` (all by default).

    What the plan refuses goes into the store. Raises BadRequest when nothing is left to build.
    """
    from thud.runs.jobs.build import LIMIT_S, plan_build
    from thud.stimuli.build import BuildSettings

    settings = settings or SETTINGS
    plan = plan_build(store, clip_ids, BuildSettings.parse(settings))
    for clip, refused in plan.refused:
        store.add_refusal(clip.id, refused.edit, refused.reason, actor)
    if not plan.items:
        raise BadRequest("there is nothing to build: everything asked for is built already, or refused")
    title = f"Build soundtracks, {plan.total} stimuli"
    return runs.start("build", title, dict(settings), _signed(plan.items, actor), actor, limit_s=LIMIT_S)

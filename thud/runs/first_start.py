"""What a new workspace gets by itself: clips (made here, or a folder's), then all conditions of each. The demo also
gets marks, so that there is something to settle, clips that are held out for testing, and the answers of the listeners
that ship.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.records import Run

if TYPE_CHECKING:
    from thud.listeners.roster import Listener
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

HELD_OUT_SETTINGS = {**SETTINGS, "mutes": ["silence"], "balanced": True}
"""Those of clips that models are tested on: so that where the sound lies says as little as can be."""


INGEST_LIMIT_S = 600.0
"""One file's longest stay in a worker: ten minutes of 1080p need a proxy."""


def fill_workspace(store: Store, runs: Runs, folder: Path | None, actor: str) -> None:
    """Brings in the clips that are not there yet, waits, and builds if nothing was ever built.

    Safe to call at every start: what an earlier start left undone is done now.
    Raises BadRequest for a folder with no video.
    """
    from thud.runs.pairs.material import add_demo_segments

    _wait(runs, ("demo", "ingest"))
    run = start_clips(store, runs, folder, actor)
    if run is not None:
        runs.wait(run.id)
    if store.clips() and not store.stimuli() and not any(r.kind == "build" for r in store.runs()):
        start_build(store, runs, None, actor)
    if folder is None:
        _wait(runs, ("build",))
        add_demo_segments(store, actor)
        place_demo_times(store, runs, actor)
        for step in (start_held_out, build_held_out):
            if (started := step(store, runs, actor)) is not None:
                runs.wait(started.id)
        ask_baselines(store, runs, actor)


def _wait(runs: Runs, kinds: Sequence[str]) -> None:
    for active in [r for r in runs.runs() if r.kind in kinds and r.state in ("queued", "running")]:
        runs.wait(active.id)


def start_held_out(store: Store, runs: Runs, actor: str, seed: int | None = None) -> Run | None:
    """The run that makes the demo's clips for testing, taken up where it did not end; None when they are there, or
    there is no demo. seed: of other clips than the usual ones.
    """
    from thud.runs.jobs.demo import HELD_OUT_SEED, LIMIT_S, plan_held_out
    from thud.stimuli.held_out import is_demo, is_held_out

    clips = store.clips()
    made = held_out_runs(store)
    if made and made[0].state in ("failed", "cancelled"):
        return runs.resume(made[0].id)
    if made or any(map(is_held_out, clips)) or not any(map(is_demo, clips)):
        return None
    items = plan_held_out(HELD_OUT_SEED if seed is None else seed)
    title, about = f"Make {len(items)} clips for testing", {"held_out": True}
    return runs.start("demo", title, about, _signed(items, actor), actor, limit_s=LIMIT_S)


def held_out_runs(store: Store) -> list[Run]:
    """The runs that made clips for testing; there is one, or none."""
    return [run for run in store.runs() if run.kind == "demo" and run.settings.get("held_out")]


def build_held_out(store: Store, runs: Runs, actor: str) -> Run | None:
    """The run that builds the clips for testing as far as they are not built, None when all are or there are none.

    It is begun once all of them are there, as what each gets is drawn over all. They are test clips from now on.
    """
    from thud.runs.pairs.sets import hold_out_demo

    clips = hold_out_demo(store, actor)
    if any(run.state != "done" for run in held_out_runs(store)) or not unbuilt_held_out(store):
        return None
    return start_build(store, runs, HELD_OUT_SETTINGS, actor, clips)


def unbuilt_held_out(store: Store) -> list[str]:
    """The ids of the clips for testing that have no stimulus yet."""
    from thud.stimuli.held_out import is_held_out

    built = {stimulus.clip_id for stimulus in store.stimuli()}
    return [clip.id for clip in store.clips() if is_held_out(clip) and clip.id not in built]


def ask_baselines(store: Store, runs: Runs, actor: str) -> None:
    """Asks the listeners that ship about all conditions, so that Results has a prior and a measurement to begin with.

    The small model is asked in its own words, and only about the clips for testing, as it may be trained on the others.
    Who was asked before is left alone, so that one that a later version ships is asked too.
    """
    from thud.listeners.questions import DEMO, QUESTION_SETS, to_json
    from thud.listeners.roster import BASELINES, LISTENERS
    from thud.runs.listening.listen import Wanted, plan_listening, start_listening
    from thud.stimuli.held_out import is_held_out

    if DEMO.id not in store.definitions("question_set"):
        store.define("question_set", DEMO.id, to_json(DEMO), actor)
    asked = {run.settings.get("listener", {}).get("name") for run in store.runs() if run.kind == "listen"}
    testing = tuple(clip.id for clip in store.clips() if is_held_out(clip))
    for listener in LISTENERS.values():
        plain = listener.backend in BASELINES
        if listener.name in asked or not (plain or testing):
            continue
        wanted = Wanted(QUESTION_SETS["structured"]) if plain else Wanted(DEMO, clips=testing)
        plan = plan_listening(store, runs, listener, wanted)
        if plan.items and not plan.blocked and not _cannot_run(listener):
            start_listening(store, runs, plan, actor)


def _cannot_run(listener: Listener) -> bool:
    """Whether a model on this machine lacks what it needs; nothing of that is loaded to find out."""
    from thud.listeners.local import model_of
    from thud.providers.local_files import probe_local

    return listener.backend == "local" and probe_local(model_of(listener))[0] == "blocked"


def place_demo_times(store: Store, runs: Runs, actor: str) -> None:
    """Gives the demo's clips simulated marks that say so, and has `signal` measure them; then they are settled.

    Nothing happens in a workspace where anything was marked or asked before. Clips for testing are left alone.
    """
    from thud.events.annotators import ANNOTATORS
    from thud.events.simulated import simulated_marks
    from thud.runs.annotating.annotate import start_annotations
    from thud.stimuli.held_out import is_held_out
    from thud.store import changes

    if store.marks() or any(run.kind == "annotate" for run in store.runs()):
        return
    truth, clips = store.times("construction"), [clip for clip in store.clips() if not is_held_out(clip)]
    made = [mark for clip in clips if clip.id in truth for mark in simulated_marks(clip, truth[clip.id])]
    if not made:
        return
    store.write_many([changes.submit_mark(mark, actor) for mark in made])
    start_annotations(store, runs, [ANNOTATORS["signal"]], [clip.id for clip in clips], actor)


def start_clips(store: Store, runs: Runs, folder: Path | None, actor: str) -> Run | None:
    """The run that brings in new clips, or None when all are there. folder None: the demo clips."""
    if folder is None:
        made = [run for run in store.runs() if run.kind == "demo" and not run.settings.get("held_out")]
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

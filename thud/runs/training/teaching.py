"""Teaching the small model by one button, on the demo's clips."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.evaluation.controls import CLASSES, Ceiling, Played, sound_only_ceiling
from thud.listeners.questions import DEMO
from thud.listeners.roster import TINY
from thud.pairs.pair_set import open_set
from thud.runs.training.measuring import asks
from thud.stimuli.held_out import HELD_OUT, is_demo, is_held_out

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

Json = dict[str, Any]
TEACH = "demo"
"""The kind of its chain."""
TITLE = "Teach tiny to listen"
OLD_FIRST, OLD_LAST = 0.25, 0.75
"""Events of earlier demos lie in this part of a clip, to half a frame."""


def demo_steps() -> list[Json]:
    """The steps of the one button: pairs and SFT, pairs and DPO, then everyone is asked about the held-out clips."""
    return [
        {"do": "build_pairs", "recipe": "demo-sft"},
        {"do": "train", "stage": "sft", "base": TINY, "recipe": "demo-sft", "set": {"step": 0}},
        {"do": "build_pairs", "recipe": "demo-dpo"},
        {"do": "train", "stage": "dpo", "base": TINY, "recipe": "demo-dpo", "set": {"step": 2}, "adapter": {"step": 1}},
        *asks([TINY, {"step": 1}, {"step": 3}], source=HELD_OUT, question_set=DEMO.name),
    ]


def teach_tiny(store: Store, runs: Runs, actor: str) -> str:
    """The chain that teaches the small model. BadRequest where that cannot be done here, or goes on already."""
    from thud.runs.chain import chains_held, start_chain

    with chains_held():  # a double click teaches once
        if problem := demo_problem(store, runs):
            raise BadRequest(problem)
        return start_chain(store, runs, TITLE, demo_steps(), actor, kind=TEACH)


def demo_problem(store: Store, runs: Runs) -> str:
    """Why the button cannot be pressed now, "" when it can."""
    from thud.runs.chain import chains
    from thud.runs.first_start import held_out_runs, unbuilt_held_out

    if not has_demo(store):
        return "This workspace has no demo clips, and tiny has seen nothing else."
    if any(one.kind == TEACH and one.state == "running" for one in chains(store, runs)):
        return "It is being taught already."
    whole = any(map(is_held_out, store.clips())) and all(run.state == "done" for run in held_out_runs(store))
    if not whole or unbuilt_held_out(store):
        if any(run.kind in ("demo", "build") and run.state in ("queued", "running") for run in runs.runs()):
            return "The demo's clips are still being made. Wait until their soundtracks are built."
        return "The demo's clips for testing are not all made and built. Start thud again: it goes on with them."
    return ""


def demo_note(store: Store) -> str:
    """What there is to know of the demo's clips before it is taught on them, "" where they are today's.

    Today's events lie in the middle two thirds of a clip, those of earlier versions in its middle half.
    """
    truth = store.times("construction")
    at = [truth[clip.id].visual_s for clip in store.clips() if is_demo(clip) and clip.id in truth]
    lasts = [clip.probe.duration_s for clip in store.clips() if is_demo(clip) and clip.id in truth]
    shares = [at_s / of_s for at_s, of_s in zip(at, lasts, strict=True) if at_s is not None]
    if not shares or min(shares) < OLD_FIRST or max(shares) > OLD_LAST:
        return ""
    return (
        "The clips that it learns from were made by an earlier version, with all events near the middle; it may learn "
        "less from them. A new workspace (--workspace DIR) gets today's."
    )


def has_demo(store: Store) -> bool:
    """Whether this workspace has the demo, or a part of it."""
    return any(is_demo(clip) or is_held_out(clip) for clip in store.clips())


def validation_ceiling(store: Store, run_id: str) -> float | None:
    """What the sound alone allows of the questions that a run is asked while it trains, classes alike; None where that
    is not known. They are those of its set's validation split, as far as they are about synchrony or silence.
    """
    from thud.runs.pairs.sets import pair_sets

    set_id = str(store.run(run_id).settings.get("set", ""))
    return _ceiling_of_set(store.workspace, set_id).share if set_id in pair_sets(store) else None


@lru_cache(maxsize=64)
def _ceiling_of_set(workspace: Path, set_id: str) -> Ceiling:
    """Of a set as it was built; it never changes."""
    found = open_set(workspace, set_id)
    lines = [line for line in found.lines(split="validation", held=False) if line.label in CLASSES]
    told = {
        (pair["stimulus_id"], pair["label"]): Played(
            pair["audio_s"] if pair["label"] != "muted" else None, pair["duration_s"] or 1.0, pair["label"],
            pair["source"] or pair["clip_id"],
        )
        for pair in (row["pair"] for row in found.rows(lines))
    }  # fmt: skip
    return sound_only_ceiling(list(told.values()))

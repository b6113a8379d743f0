"""Having models check described segments: which ones, what that will cost, what stands in the way, and starting it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.events.annotators import Annotator, endpoint_of
from thud.events.estimate import (
    ANSWER_TOKENS,
    PROMPT_TOKENS,
    SOUND_TOKENS_A_SECOND,
    VIDEO_FRAME_TOKENS,
    still_tokens,
)
from thud.pairs.material import Segment
from thud.pairs.reannotate import asks_id, window_of
from thud.pairs.segment_words import KIND
from thud.providers import cost_usd, key_problem
from thud.records import Clip, Run, Usage, content_id
from thud.runs.annotating.answers import prices_of
from thud.runs.annotating.segments import imported_segments
from thud.runs.jobs import reannotate

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

ASKED_ANEW = ("error",)
"""Outcomes that were not billed: their segments are asked about again without being told to."""


@dataclass(frozen=True, slots=True)
class ReannotationPlan:
    """What asking one model would do. segments: those to ask about, with their clips. known: that have its word.

    before: those that it was asked about in vain; they are among `segments` when asked for again.
    cost_usd: None where the price is not known. blocked: the first sentence that keeps it from starting, or "".
    """

    annotator: Annotator
    segments: tuple[tuple[Clip, Segment], ...]
    known: int
    before: int
    again: bool
    tokens: int
    cost_usd: float | None
    blocked: str = ""


def plan_reannotation(store: Store, runs: Runs, annotator: Annotator, *, again: bool = False) -> ReannotationPlan:
    """The plan, without asking anybody. again: also those that were asked about and gave no word."""
    if annotator.local:
        raise BadRequest(f"{annotator.name} measures sound and picture; it cannot read a description.")
    clips = {clip.id: clip for clip in store.clips()}
    every = [
        (clips[one.clip_id], one) for many in imported_segments(store).values() for one in many if one.clip_id in clips
    ]
    said, vain = store.definitions(KIND), _in_vain(runs, annotator)
    new = [(clip, one) for clip, one in every if f"{one.id}:{annotator.model}" not in said]
    left = [(clip, one) for clip, one in new if again or one.id not in vain]
    usages, prices = [_usage(annotator, clip, one) for clip, one in left], prices_of(store.workspace)
    costs = [cost_usd(usage, annotator.model, False, prices) for usage in usages]
    return ReannotationPlan(
        annotator, tuple(left), len(every) - len(new), sum(one.id in vain for _, one in new), again,
        sum(one.input_tokens + one.output_tokens for one in usages),
        None if None in costs else sum(filter(None, costs)),
        key_problem(endpoint_of(annotator))
        or runs.going_on((reannotate.kind,), lambda settings: settings.get("asks") == asks_id(annotator)),
    )  # fmt: skip


def _in_vain(runs: Runs, annotator: Annotator) -> set[str]:
    """Segments that this model was asked about, in these words, and gave no word that counts."""
    found: dict[str, str] = {}
    for run in reversed(runs.runs()):
        if run.kind == reannotate.kind and run.settings.get("asks") == asks_id(annotator):
            results = (line.get("result", {}) for line in runs.results(run.id))
            found |= {row["segment"]: row["outcome"] for row in results if "segment" in row}
    return {key for key, outcome in found.items() if outcome not in (*reannotate.SAYS, *ASKED_ANEW)}


def _usage(annotator: Annotator, clip: Clip, segment: Segment) -> Usage:
    window = window_of(segment, clip.probe.duration_s)
    length_s = window.end_s - window.start_s
    if annotator.hears:
        heard = SOUND_TOKENS_A_SECOND if clip.probe.has_sound else 0
        return Usage(PROMPT_TOKENS + round(length_s * (window.fps * VIDEO_FRAME_TOKENS + heard)), ANSWER_TOKENS)
    return Usage(PROMPT_TOKENS + window.stills * still_tokens(annotator, clip), ANSWER_TOKENS)


def start_reannotation(store: Store, runs: Runs, plan: ReannotationPlan, actor: str) -> Run:
    """The run. BadRequest, with nothing started, when something stands in the way or nothing is left to ask about."""
    del store  # so that all starts are called alike
    if plan.blocked:
        raise BadRequest(plan.blocked)
    if not plan.segments:
        raise BadRequest(
            "There is nothing to check: every segment has its word already, or no segments were imported yet."
        )
    annotator = plan.annotator
    settings = {
        "annotator": asdict(annotator), "asks": asks_id(annotator), "again": plan.again,
        "estimate": {"requests": len(plan.segments), "cost_usd": plan.cost_usd},
    }  # fmt: skip
    common = {"annotator": asdict(annotator), "by": actor, "again": plan.again}
    title = f"Check {len(plan.segments)} described segments: {annotator.name}"
    items = [{**common, **row} for row in _rows(annotator, plan.segments)]
    return runs.start(
        reannotate.kind, title, settings, items, actor, workers=annotator.at_once, limit_s=reannotate.LIMIT_S
    )  # fmt: skip


def _rows(annotator: Annotator, segments: Iterable[tuple[Clip, Segment]]) -> list[dict[str, Any]]:
    asks = asks_id(annotator)
    return [
        {
            "key": content_id(one.id, asks), "clip": asdict(clip), "segment": asdict(one),
            "subject": f"{clip.title or clip.id}, {one.start_s:.1f} to {one.end_s:.1f} s",
        }
        for clip, one in segments
    ]  # fmt: skip


def plan_row(plan: ReannotationPlan) -> dict[str, Any]:
    """The plan as JSON: what a page or a shell says before anything is asked."""
    return {
        "annotator": plan.annotator.name, "model": plan.annotator.model, "hears": plan.annotator.hears,
        "segments": len(plan.segments), "known": plan.known, "before": plan.before, "tokens": plan.tokens,
        "cost_usd": plan.cost_usd, "blocked": plan.blocked,
    }  # fmt: skip

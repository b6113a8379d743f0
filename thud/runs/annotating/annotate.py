"""Placing event times by models: whom to ask about which clips, what that will cost, and starting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart
from thud.events.annotators import Annotator, Estimate, endpoint_of, estimate
from thud.events.estimate import BATCHED
from thud.providers import key_problem
from thud.records import Clip, Mark, Run, content_id
from thud.runs.annotating.answers import PLACED, prices_of
from thud.runs.jobs import annotate, annotate_batch

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

KINDS = (annotate.kind, annotate_batch.kind)
FREE_TO_ASK = ("error",)
"""Outcomes that were not billed and may be different next time: their clips are asked again without being told to."""

_BATCH_WAITS = 8


@dataclass(frozen=True, slots=True)
class AnnotationPlan:
    """What asking one annotator would do. clips: those to ask about. marked: those that have its mark already.

    before: outcome -> how many clips were asked about and gave no mark; they are among `clips` when asked for again.
    simulated: how many simulated marks real ones would replace. missing_key, running: why it cannot start, or "".
    """

    annotator: Annotator
    clips: tuple[Clip, ...]
    marked: int
    before: dict[str, int]
    simulated: int
    estimate: Estimate
    batch: bool
    again: bool
    missing_key: str = ""
    running: str = ""

    @property
    def cost_usd(self) -> float | None:
        return self.estimate.cost_batch_usd if self.batch else self.estimate.cost_usd

    @property
    def requests(self) -> int:
        return len(self.clips) if self.batch else self.estimate.requests


def takes_batches(annotator: Annotator) -> bool:
    """Whether its vendor takes batches of what it is asked."""
    return annotator.provider in BATCHED and not annotator.video


def asks_id(annotator: Annotator) -> str:
    """What determines the questions that this annotator is asked; pace and key are no part of it."""
    return content_id({**asdict(annotator), "at_once": 0, "per_minute": 0, "key_env": ""}, annotator.prompt_label)


def plan_annotation(
    store: Store,
    runs: Runs,
    annotator: Annotator,
    clip_ids: Sequence[str] | None,
    *,
    again: bool = False,
    batch: bool = False,
) -> AnnotationPlan:
    """The plan for `clip_ids` (None = all clips). again: also those that were asked about and gave no time.

    Raises BadRequest for a clip that is not there.
    """
    chosen = _chosen(store, clip_ids)
    own = {mark.clip_id: mark for mark in store.marks() if mark.annotator == annotator.name}
    marked = {clip.id for clip in chosen if _is_its(own.get(clip.id), annotator, again)}
    asked = asked_before(runs, annotator)
    before = Counter(asked[clip.id] for clip in chosen if clip.id not in marked and clip.id in asked)
    left = [clip for clip in chosen if clip.id not in marked and (again or clip.id not in asked)]
    batched = batch and takes_batches(annotator)
    return AnnotationPlan(
        annotator,
        tuple(left),
        len(marked),
        dict(before),
        sum(clip.id in own and bool(own[clip.id].detail.get("simulated")) for clip in left),
        estimate(annotator, left, prices_of(store.workspace)),
        batched,
        again,
        "" if annotator.local else key_problem(endpoint_of(annotator)),
        _running(runs, annotator),
    )


def _chosen(store: Store, clip_ids: Sequence[str] | None) -> list[Clip]:
    clips = store.clips()
    if clip_ids is None:
        return clips
    unknown = set(clip_ids) - {clip.id for clip in clips}
    if unknown:
        raise BadRequest(f"There is no clip {sorted(unknown)[0][:40]} in this workspace. Reload the list of clips.")
    return [clip for clip in clips if clip.id in set(clip_ids)]


def _is_its(mark: Mark | None, annotator: Annotator, again: bool) -> bool:
    """Whether that mark is what this annotator would say: of the same model and prompt, and not made up."""
    if mark is None or mark.detail.get("simulated") or (again and mark.verdict == "uncertain"):
        return False
    return annotator.local or (
        mark.detail.get("model") == annotator.model and mark.detail.get("prompt") == annotator.prompt_label
    )


def asked_before(runs: Runs, annotator: Annotator) -> dict[str, str]:
    """Clip id -> outcome, of clips that this annotator was asked about and gave no mark, by the latest run."""
    found: dict[str, str] = {}
    same = [run for run in runs.runs() if run.kind in KINDS and run.settings.get("asks") == asks_id(annotator)]
    for run in reversed(same):
        for line in runs.results(run.id):
            for row in line.get("result", {}).get("answers", ()):
                found[row["clip"]] = row["outcome"]
    return {clip: outcome for clip, outcome in found.items() if outcome not in (*PLACED, *FREE_TO_ASK)}


def _running(runs: Runs, annotator: Annotator) -> str:
    return runs.going_on(KINDS, lambda settings: settings.get("annotator", {}).get("name") == annotator.name)


def start_annotations(
    store: Store,
    runs: Runs,
    annotators: Iterable[Annotator],
    clip_ids: Sequence[str] | None,
    actor: str,
    *,
    again: bool = False,
    batch: bool = False,
) -> list[Run]:
    """The runs that were started, one per annotator with something to ask.

    Nothing is started when one of them cannot be asked: MissingPart for a missing key, BadRequest for a run that is
    still at work, or when there is nothing to do.
    """
    plans = [plan_annotation(store, runs, one, clip_ids, again=again, batch=batch) for one in annotators]
    for plan in plans:
        if plan.missing_key:
            raise MissingPart(plan.missing_key)
        if plan.running:
            raise BadRequest(plan.running)
    wanted = [plan for plan in plans if plan.clips]
    if not wanted:
        raise BadRequest("There is nothing to ask: every clip has a mark already, or was asked about and gave none.")
    return [_start(runs, plan, actor) for plan in wanted]


def _start(runs: Runs, plan: AnnotationPlan, actor: str) -> Run:
    annotator = plan.annotator
    settings = {
        "annotator": asdict(annotator),
        "asks": asks_id(annotator),
        "again": plan.again,
        "batch": plan.batch,
        "estimate": {"requests": plan.requests, "cost_usd": plan.cost_usd},
    }
    common = {"annotator": asdict(annotator), "by": actor, "again": plan.again}
    title = f"Place event times: {annotator.name}, {len(plan.clips)} {'clip' if len(plan.clips) == 1 else 'clips'}"
    if plan.batch:
        items = _batch_items(plan, common)
        return runs.start(
            annotate_batch.kind, f"{title} in {len(items)} {'batch' if len(items) == 1 else 'batches'}", settings,
            items, actor, workers=_BATCH_WAITS, limit_s=annotate_batch.LIMIT_S,
        )  # fmt: skip
    single = [{**common, **_about(clip, annotator)} for clip in plan.clips]
    workers = None if annotator.local else annotator.at_once
    return runs.start(annotate.kind, title, settings, single, actor, workers=workers, limit_s=annotate.LIMIT_S)


def _about(clip: Clip, annotator: Annotator) -> dict[str, Any]:
    return {"key": content_id(clip.id, asks_id(annotator)), "subject": clip.title, "clip": asdict(clip)}


def _batch_items(plan: AnnotationPlan, common: dict[str, Any]) -> list[dict[str, Any]]:
    sized = [(clip, annotate_batch.size_of(plan.annotator, clip)) for clip in plan.clips]
    return [
        {
            **common,
            "key": content_id([clip.id for clip in clips], asks_id(plan.annotator)),
            "subject": f"{len(clips)} clips, from {clips[0].title or clips[0].id} on",
            "clips": [asdict(clip) for clip in clips],
        }
        for clips in annotate_batch.chunks(sized)
    ]

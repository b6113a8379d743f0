"""/api/annotators and /api/ledger: which models can place event times, what asking them would cost, and starting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request

from thud.errors import BadRequest, MissingPart
from ui.house import House, actor

if TYPE_CHECKING:
    from thud.events.annotators import Annotator
    from thud.runs.annotating.annotate import AnnotationPlan

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
LABELS = {"gemini": "Gemini", "gpt": "GPT", "claude": "Claude", "signal": "signal"}
SETTINGS = ("model", "base_url", "at_once", "per_minute")
VENDORS = {"gemini": "Google", "openai": "OpenAI", "anthropic": "Anthropic"}


def annotators_router(house: House) -> APIRouter:
    """Routes over model annotators. No answer holds a key, only the name of its variable."""
    router = APIRouter(prefix="/api")

    @router.get("/annotators")
    def annotators() -> Json:
        from thud.events.annotators import ANNOTATORS

        return {"annotators": [_row(annotator) for annotator in ANNOTATORS.values()]}

    @router.post("/annotators/plan")
    def plan(body: JsonBody) -> Json:
        return _plan_words(_plans(house, body))

    @router.post("/annotators/start")
    def start(request: Request, body: JsonBody) -> Json:
        from thud.runs.annotating.annotate import start_annotations

        again, batch = _flag(body, "again"), _flag(body, "batch")
        asked = _asked(body)
        runs = start_annotations(
            house.store, house.runs, asked, _wanted(body), actor(request), again=again, batch=batch
        )
        return {"runs": [{"id": run.id, "title": run.title} for run in runs]}

    @router.get("/ledger")
    def ledger() -> Json:
        return ledger_sums(house.store.ledger())

    return router


def _row(annotator: Annotator) -> Json:
    from thud.events.annotators import endpoint_of
    from thud.providers import check_key, key_variable
    from thud.runs.annotating.annotate import takes_batches

    key_set, variable = False, ""
    if not annotator.local:
        variable = key_variable(endpoint_of(annotator))
        try:
            check_key(endpoint_of(annotator))
            key_set = True
        except MissingPart:
            pass
    return {
        "name": annotator.name,
        "label": LABELS.get(annotator.name, annotator.name),
        "way": "measured" if annotator.local else "whole" if annotator.hears else "frames",
        "hears": annotator.hears,
        "key_env": variable,
        "key_set": key_set,
        "batch": takes_batches(annotator),
        "settings": {key: getattr(annotator, key) for key in SETTINGS},
    }


def _asked(body: Json) -> list[Annotator]:
    from thud.events.annotators import parse_annotator

    rows = body.get("annotators")
    if not isinstance(rows, list) or len(rows) > 20:
        raise BadRequest("annotators is a list of objects with a name, for example [{“name”: “gemini”}]")
    found = [parse_annotator(row) for row in rows]
    if len({one.name for one in found}) < len(found):
        raise BadRequest("two of the annotators have the same name")
    return found


def _wanted(body: Json) -> list[str] | None:
    wanted = body.get("clips")
    if wanted is not None and not (isinstance(wanted, list) and all(isinstance(clip, str) for clip in wanted)):
        raise BadRequest("clips is a list of clip ids, or null for all of them")
    return wanted


def _flag(body: Json, name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is true or false")
    return value


def _plans(house: House, body: Json) -> list[AnnotationPlan]:
    from thud.runs.annotating.annotate import plan_annotation

    again, batch, clips = _flag(body, "again"), _flag(body, "batch"), _wanted(body)
    return [plan_annotation(house.store, house.runs, one, clips, again=again, batch=batch) for one in _asked(body)]


def _plan_words(plans: list[AnnotationPlan]) -> Json:
    costs = [plan.cost_usd for plan in plans if plan.clips]
    known = [cost for cost in costs if cost is not None]
    return {
        "rows": [_plan_row(plan) for plan in plans],
        "clips": sum(len(plan.clips) for plan in plans),
        "requests": sum(plan.requests for plan in plans if plan.clips),
        "tokens": sum(plan.estimate.input_tokens + plan.estimate.output_tokens for plan in plans),
        "cost_usd": sum(known) if len(known) == len(costs) else None,
        "cost_known_usd": sum(known),
        "missing_key": next((plan.missing_key for plan in plans if plan.missing_key), ""),
        "blocked": any(plan.missing_key or plan.running for plan in plans),
        "notes": _all_notes(plans),
    }


def _all_notes(plans: list[AnnotationPlan]) -> list[Json]:
    """What to know before starting, what keeps it from starting first."""
    notes = [note for plan in plans for note in _notes(plan)] + _simulated(plans) + _sent(plans)
    ordered = sorted(notes, key=lambda note: ("bad", "warn", "info").index(note[0]))
    return [{"level": level, "text": text} for level, text in ordered]


def _plan_row(plan: AnnotationPlan) -> Json:
    return {
        "name": plan.annotator.name,
        "model": plan.annotator.model,
        "clips": len(plan.clips),
        "marked": plan.marked,
        "before": plan.before,
        "simulated": plan.simulated,
        "requests": plan.requests,
        "input_tokens": plan.estimate.input_tokens,
        "output_tokens": plan.estimate.output_tokens,
        "cost_usd": plan.cost_usd,
        "batch": plan.batch,
    }


def _notes(plan: AnnotationPlan) -> list[tuple[str, str]]:
    from thud.runs.annotating.answers import odd_words

    name = LABELS.get(plan.annotator.name, plan.annotator.name)
    notes = [("bad", text) for text in (plan.missing_key, plan.running) if text]
    if plan.before:
        count = sum(plan.before.values())
        fate = "asked again" if plan.again else "left out"
        clips = "1 clip was" if count == 1 else f"{count} clips were"
        notes.append(
            ("warn", f"{name}: {clips} asked about before and gave no mark ({odd_words(plan.before)}): {fate}.")
        )
        doubtful = plan.before.get("in_doubt", 0)
        if plan.again and doubtful:
            notes.append(("warn", f"{name}: {doubtful} of them may be billed a second time."))
    if plan.clips and plan.cost_usd is None:
        what = "The batch price" if plan.batch and plan.estimate.cost_usd is not None else "The price"
        notes.append(("info", f"{what} of {plan.annotator.model} is not known; it can be put into prices.json."))
    if plan.batch and plan.annotator.refine and plan.clips:
        notes.append(("info", f"{name}: a batch has one look at each clip, no closer second look."))
    return notes


def _simulated(plans: list[AnnotationPlan]) -> list[tuple[str, str]]:
    count = sum(plan.simulated for plan in plans)
    return [("info", f"Real marks take the place of {count} simulated ones.")] if count else []


def _sent(plans: list[AnnotationPlan]) -> list[tuple[str, str]]:
    """What leaves this machine, and to whom."""
    asked = [plan.annotator for plan in plans if plan.clips and not plan.annotator.local]
    parts = []
    for hears, what in ((True, "the clips with their sound"), (False, "still pictures")):
        names = [one.base_url or VENDORS.get(one.provider, one.provider) for one in asked if one.hears is hears]
        if names:
            parts.append(f"{what} to {' and '.join(dict.fromkeys(names))}")
    return [("info", f"This sends {', '.join(parts)}.")] if parts else []


def ledger_sums(rows: list[Json]) -> Json:
    """The ledger with its sums: replies, tokens, known dollars, and replies without a known price."""
    return {
        "rows": rows,
        "replies": sum(row["replies"] for row in rows),
        "input_tokens": sum(row["input_tokens"] or 0 for row in rows),
        "output_tokens": sum(row["output_tokens"] or 0 for row in rows),
        "cost_usd": sum(row["cost_usd"] or 0.0 for row in rows),
        "unpriced": sum(row["unpriced"] for row in rows),
    }

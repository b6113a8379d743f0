"""/api/clips, /api/build, /api/donors: what clips there are, what was built of them, and building more."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from thud.errors import BadRequest, NotFound
from thud.records import Clip, EventTimes, Stimulus
from ui.cards import asked, card, clip_facts, in_order, sound_row, source_row, without_times
from ui.house import House, actor, sees_times

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
MUCH = 0.10
"""So far above chance a guess from one sense alone is warned of."""


def clip_router(house: House) -> APIRouter:
    """Routes over clips and builds. Handlers are plain functions: FastAPI runs them on its threads."""
    router = APIRouter(prefix="/api")
    store = house.store

    @router.get("/clips")
    def clips(request: Request) -> Json:
        times, tallies = store.times(), store.tallies()
        cards = [card(clip, times.get(clip.id), tallies.get(clip.id, {})) for clip in store.clips()]
        cards = [_for_reader(row, request) for row in cards]
        kinds = sorted({c["kind"] for c in cards if c["kind"]})
        problems = sum(c["state"] in ("refused", "damaged") for c in cards)
        return {"clips": cards, "kinds": kinds, "workspace": house.name, "problems": problems}

    @router.get("/clips/{clip_id}")
    def clip(request: Request, clip_id: str) -> Json:
        page = _clip_page(house, store.clip(clip_id))
        return {**page, "clip": _for_reader(page["clip"], request)}

    @router.post("/build/plan")
    def build_plan(body: JsonBody) -> Json:
        return _plan_words(house, _plan(house, body))

    @router.post("/build/try")
    def build_try(body: JsonBody) -> Json:
        return _try_on_one(house, body)

    @router.post("/build")
    def build(request: Request, body: JsonBody) -> Json:
        from thud.runs.first_start import start_build

        run = start_build(store, house.runs, _settings_row(body), actor(request), _wanted(body))
        return {"run": run.id}

    @router.get("/build/settings")
    def build_settings() -> Json:
        from thud.runs.first_start import SETTINGS

        return SETTINGS

    @router.post("/donors/reject")
    def reject_donor(request: Request, body: JsonBody) -> Json:
        clip_id, donor_id = str(body.get("clip", "")), str(body.get("donor", ""))
        store.clip(clip_id), store.clip(donor_id)
        store.reject_donor(clip_id, donor_id, str(body.get("reason", "")), actor(request))
        return {"rejected": donor_id}

    return router


def _for_reader(row: Json, request: Request) -> Json:
    """A card as who asks may see it: annotators find the times themselves."""
    return row if sees_times(request) else without_times(row)


def _clip_page(house: House, clip: Clip) -> Json:
    store = house.store
    times = store.times().get(clip.id)
    stimuli = in_order(store.stimuli(clip.id))
    built = {s.id for s in stimuli}
    refusals = [r for r in store.refusals(clip.id) if r.id not in built]
    view = house.clip_folder(clip.id) / "view.json"
    return {
        "clip": {**card(clip, times, store.tallies(clip.id).get(clip.id, {})), **clip_facts(clip)},
        "proxy": f"/media/clip/{clip.id}/proxy.mp4",
        "proxy_fps": _proxy_fps(view, clip.id),
        "frame_times": f"/media/clip/{clip.id}/frames.f64",
        "sounds": sound_rows(house, stimuli) or ([source_row(clip)] if clip.probe.has_sound else []),
        "refused": [
            {"condition": r.intervention.condition, "asked": asked(r.intervention), "reason": r.reason}
            for r in refusals
        ],
    }


def _proxy_fps(view: Path, clip_id: str) -> float:
    try:
        return float(json.loads(view.read_text())["proxy_fps"])
    except (OSError, ValueError, KeyError) as error:
        raise NotFound(f"the picture of clip {clip_id} is missing from the workspace; add the clip again") from error


def sound_rows(house: House, stimuli: Iterable[Stimulus]) -> list[Json]:
    """The stimuli with addresses, proof and words, in the order given."""
    from thud.stimuli.proof import words

    titles = {clip.id: clip.title for clip in house.store.clips()}
    return [sound_row(s, words(s.intervention, s.proof), titles.get(s.intervention.donor, "")) for s in stimuli]


def _settings_row(body: Json) -> Json:
    row = body.get("settings")
    if not isinstance(row, dict):
        raise BadRequest("a build needs settings: shifts, shift_fill, mutes, swap and seed")
    return row


def _wanted(body: Json) -> list[str] | None:
    wanted = body.get("clips")
    if wanted is not None and not (isinstance(wanted, list) and all(isinstance(c, str) for c in wanted)):
        raise BadRequest("clips is a list of clip ids, or null for all of them")
    return wanted


def _plan(house: House, body: Json) -> Any:
    from thud.runs.jobs.build import plan_build
    from thud.stimuli.build import BuildSettings

    return plan_build(house.store, _wanted(body), BuildSettings.parse(_settings_row(body)))


def _plan_words(house: House, plan: Any) -> Json:
    rows = [{"condition": r.condition, "build": r.build, "refused": r.refused, "reused": r.reused} for r in plan.rows]
    refused = [
        {
            "clip": clip.id,
            "title": clip.title,
            "condition": r.edit.condition,
            "asked": asked(r.edit),
            "reason": r.reason,
        }
        for clip, r in plan.refused
    ]
    return {
        "rows": rows,
        "total": plan.total,
        "notes": _notes(house, plan),
        "refused": refused,
        "donors": _donors(house, plan),
    }


def _notes(house: House, plan: Any) -> list[Json]:
    needed = sum(_bytes(item) for item in plan.items)
    free = shutil.disk_usage(house.workspace).free
    fits = needed < free - 1e9
    size = f"about {_size(needed)} of {_size(free)} free"
    notes = (
        [{"level": "ok" if fits else "warn", "text": size if fits else size + ": make room first"}] if needed else []
    )
    if plan.unknown_times:
        text = f"{plan.unknown_times} clips have no event times yet: whether an event stays in is not known"
        notes.append({"level": "warn", "text": text})
    notes += _place_notes(plan)
    reasons = Counter(
        "the event would leave its clip" if "event would" in r.reason else r.reason for _, r in plan.refused
    )
    notes += [{"level": "warn", "text": f"{count} refused: {reason}"} for reason, count in reasons.most_common(4)]
    return notes


def _place_notes(plan: Any) -> list[Json]:
    """What the sound's place alone will score on sync, and which offsets a balanced draw uses."""
    predicted = plan.predicted() if any(plan.shifts.values()) else None
    if predicted is None:
        return []
    value, chance = predicted.right.value, predicted.chance
    level = "warn" if value >= chance + MUCH else "ok"
    text = f"the sound's place alone is predicted to score {100 * value:.1f} % on sync (chance {100 * chance:.1f})"
    notes = [{"level": level, "text": text}]
    if plan.balanced:
        used = Counter(offset for drawn in plan.shifts.values() for offset in drawn)
        text = "the draw: " + ", ".join(f"{offset:+.2f} s for {used[offset]}" for offset in sorted(used))
        notes.append({"level": "ok", "text": text.replace("-", "−")})
    if plan.balanced and plan.earlier:
        text = f"{plan.earlier} shifts built earlier are not of this draw and stay: Results tells what all of them give"
        notes.append({"level": "warn", "text": text})
    return notes


def _bytes(item: Json) -> int:
    """Disk that one clip's stimuli will take: WAV exactly, FLAC at about half of its PCM."""
    probe = item["clip"]["probe"]
    pcm = probe["duration_s"] * probe["sample_rate_hz"] * min(2, probe["channels"]) * 2
    return round(len(item["edits"]) * (probe["duration_s"] * 32000 + pcm / 2))


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _donors(house: House, plan: Any) -> list[Json]:
    titles = {clip.id: clip.title for clip in house.store.clips()}
    pairs = [(i["clip"], e["donor"]) for i in plan.items for e in i["edits"] if e["donor"]]
    return [
        {"clip": clip["sha256"][:16], "title": clip["title"], "donor": donor, "donor_title": titles.get(donor, "")}
        for clip, donor in pairs
    ]


def _try_on_one(house: House, body: Json) -> Json:
    """Builds one clip's stimuli in place but records nothing: the batch will find them there and reuse them."""
    from thud.records import Intervention, clip_from_json
    from thud.stimuli.build import build_clip

    clip_id = str(body.get("clip", ""))
    house.store.clip(clip_id)
    plan = _plan(house, {**body, "clips": [clip_id]})
    rows: list[Json] = []
    for item in plan.items:
        times = EventTimes(**item["times"]) if item["times"] else None
        edits = [Intervention(**edit) for edit in item["edits"]]
        folder = house.stimulus_folder(clip_id)
        built, _ = build_clip(clip_from_json(item["clip"]), times, edits, item["donors"], folder)
        rows += sound_rows(house, in_order(built))
    ready = in_order(house.store.stimuli(clip_id))
    shown = {row["id"] for row in rows}
    original = [s for s in ready if s.condition == "original" and s.id not in shown]
    return {"sounds": sound_rows(house, original) + rows, **_plan_words(house, plan)}

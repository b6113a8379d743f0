"""Tasks, marks and history as the page reads them. Pure: records in, JSON-ready dicts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from thud.events.agreement import Check
from thud.events.settings import Habits, Settings
from thud.events.task import Progress, Saved, Task
from thud.records import Mark
from thud.store import Event
from ui.door.account_file import Account
from ui.door.auth import LOCAL_USER

Json = dict[str, Any]
LABELS = {"gemini": "Gemini", "gpt": "GPT", "claude": "Claude", "signal": "signal", "local": "You"}
SHOWN_DETAIL = ("model", "prompt", "unit", "sentence", "visual_event", "audio_event", "how", "first", "role", "heard")
"""What of a mark's detail goes to the page."""


def moment(at: datetime | None) -> str | None:
    """UTC with its Z."""
    return None if at is None else f"{at.isoformat(timespec='milliseconds')}Z"


def mark_row(mark: Mark) -> Json:
    detail = mark.detail
    return {
        "annotator": mark.annotator,
        "label": LABELS.get(mark.annotator, mark.annotator),
        "person": mark.person,
        "visual_s": mark.visual_s,
        "audio_s": mark.audio_s,
        "verdict": mark.verdict,
        "reason": mark.reason,
        "unit": detail.get("unit"),
        "confidence": detail.get("confidence") or "",
        "hears": detail.get("hears", mark.person or mark.audio_s is not None),
        "simulated": detail.get("simulated") is True,
        "at": moment(mark.at),
        "detail": {name: detail[name] for name in SHOWN_DETAIL if name in detail},
    }


def check_rows(checks: Iterable[Check]) -> list[Json]:
    return [asdict(check) for check in checks]


def task_row(task: Task) -> Json:
    return {
        "clip": task.clip_id,
        "need": task.need,
        "reasons": list(task.reasons),
        "checks": check_rows(task.checks),
        "marks": [mark_row(mark) for mark in task.marks],
        "hidden": task.hidden,
        "blind": task.blind,
        "mine": mark_row(task.mine) if task.mine else None,
        "simulated": task.simulated,
        "position": task.position,
        "total": task.total,
        "expects": task.expects,
    }


def saved_row(saved: Saved) -> Json:
    return {"ev_id": saved.ev_id, "at": moment(saved.at), "state": saved.verdict, "late": saved.late}


def progress_row(progress: Progress) -> Json:
    return asdict(progress)


def settings_row(settings: Settings) -> Json:
    return {
        "eps_visual_s": settings.eps_visual_s,
        "eps_audio_s": settings.eps_audio_s,
        "people_eps_s": settings.people_eps_s,
        "blind": settings.blind,
    }


def me_row(user: Account, habits: Habits) -> Json:
    return {"name": user.name, "role": user.role, "signed_in": user is not LOCAL_USER, **asdict(habits)}


def history_rows(events: Sequence[Event], person: str, all_times: bool) -> list[Json]:
    """What happened to a clip, the newest first, as sentences.

    all_times: others' times too; else the reader's own, and nothing that tells a clip whose times are known already.
    """
    undone_by = undoings(events)
    kinds = {event.ev_id: event for event in events}
    return [
        {
            "ev_id": event.ev_id,
            "at": moment(event.at),
            "actor": event.actor,
            "kind": event.kind,
            "what": _sentence(event, kinds, all_times or person in (event.actor, event.payload.get("annotator"))),
            "undone_by": undone_by.get(event.ev_id),
        }
        for event in events
        if all_times or event.kind != "set_times"
    ]


def undoings(events: Sequence[Event]) -> dict[int, str]:
    """Event id -> who took it back, of those that are not in force. `events`: the newest first."""
    found: dict[int, str] = {}
    for event in events:
        if event.undoes is not None and event.ev_id not in found:
            found[event.undoes] = event.actor
    return found


def _sentence(event: Event, known: Mapping[int, Event], times: bool) -> str:
    payload = event.payload
    if event.kind == "submit_mark":
        who = "" if payload["annotator"] == event.actor else f"{payload['annotator']}: "
        return who + _mark_words(payload, times)
    if event.kind == "set_times":
        return f"Event times by {payload['method']}" + (f": {_times(payload)}" if times else "")
    if event.kind == "first_mark":
        return "Own times set before seeing the models" + (f": {_times(payload)}" if times else "")
    if event.kind == "undo":
        target = known.get(event.undoes or 0)
        return f"Took back “{_sentence(target, known, times)}”" if target else f"Took back event {event.undoes}"
    if event.kind == "add_note":
        return f"Note: {payload['text']}"
    if event.kind == "add_reply":
        return f"{payload['annotator']} replied ({payload['outcome']})"
    return PLAIN.get(event.kind, event.kind.replace("_", " ").capitalize())


PLAIN = {
    "add_clip": "Added",
    "move_clip": "Found at another place",
    "update_clip": "Described anew",
    "add_stimulus": "A soundtrack was built",
    "add_refusal": "A soundtrack was refused",
    "reject_donor": "A donor sound was turned down",
    "skip_clip": "Skipped",
}


def _mark_words(payload: Json, times: bool) -> str:
    verdict = payload.get("verdict") or "placed"
    if verdict == "discarded":
        return f"Discarded: {payload.get('reason') or 'no reason given'}"
    words = {"placed": "Placed the event", "no_sound": "No sound event", "uncertain": "Uncertain"}[verdict]
    return f"{words}: {_times(payload)}" if times and verdict != "uncertain" else words


def _times(payload: Json) -> str:
    def one(value: Any) -> str:
        return f"{value:.3f} s" if isinstance(value, int | float) else "none"

    return f"picture {one(payload.get('visual_s'))}, sound {one(payload.get('audio_s'))}"

"""Records to payloads and rows back to records.

A payload has exactly the columns of its state table, nested parts as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from thud.records import (
    Answer,
    Clip,
    EventTimes,
    Intervention,
    Item,
    Mark,
    Probe,
    Proof,
    Reading,
    Reply,
    Response,
    Run,
    Stimulus,
    Usage,
    stimulus_id,
)

Payload = dict[str, Any]
Nested = TypeVar("Nested", Probe, Proof, Intervention)


_ITEM_COLUMNS = (
    "stimulus_id", "stimulus_hash", "clip_id", "condition", "offset_s", "task", "question_set", "question_id", "arm",
    "expected", "seed", "partner",
)  # fmt: skip
_RESPONSE_COLUMNS = (
    "listener", "listener_key", "run_id", "source", "kind", "outcome", "text", "problem", "paper_label", "rater",
    "reply_id", "latency_s", "rules",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RefusedStimulus:
    """An intervention that was asked for on a clip and not made, with the reason in one sentence. `at` is UTC."""

    clip_id: str
    intervention: Intervention
    reason: str
    actor: str
    at: datetime

    @property
    def id(self) -> str:
        return stimulus_id(self.clip_id, self.intervention)


@dataclass(frozen=True, slots=True)
class DonorRejection:
    """A person's word that `donor_id` must not give its sound to `clip_id`. `at` is UTC."""

    clip_id: str
    donor_id: str
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A model's reply as it is kept: to which clip, as which annotator, in which run, at what cost (None = unknown)."""

    clip_id: str
    annotator: str
    run_id: str
    reply: Reply
    cost_usd: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about a clip. `at` is UTC."""

    id: str
    clip_id: str
    text: str
    actor: str
    at: datetime


def clip_payload(clip: Clip) -> Payload:
    return {"id": clip.id, **asdict(clip)}


def clip_of(row: Mapping[str, Any]) -> Clip:
    return Clip(**{**_own(Clip, row), "probe": _nested(Probe, row["probe"])})


def times_payload(clip_id: str, times: EventTimes) -> Payload:
    return {
        "clip_id": clip_id,
        "method": times.method,
        "visual_s": _seconds(times.visual_s),
        "audio_s": _seconds(times.audio_s),
        **({"detail": times.detail} if times.detail else {}),
    }


def times_of(row: Mapping[str, Any]) -> EventTimes:
    return EventTimes(row["visual_s"], row["audio_s"], row["method"], json.loads(row["detail"]) or {})


def stimulus_payload(stimulus: Stimulus) -> Payload:
    return {"id": stimulus.id, "condition": stimulus.condition, **asdict(stimulus)}


def stimulus_of(row: Mapping[str, Any]) -> Stimulus:
    nested = {"intervention": _nested(Intervention, row["intervention"]), "proof": _nested(Proof, row["proof"])}
    return Stimulus(**{**_own(Stimulus, row), **nested})


def refusal_payload(clip_id: str, intervention: Intervention, reason: str) -> Payload:
    return {
        "stimulus_id": stimulus_id(clip_id, intervention),
        "clip_id": clip_id,
        "condition": intervention.condition,
        "intervention": asdict(intervention),
        "reason": reason,
    }


def refusal_of(row: Mapping[str, Any]) -> RefusedStimulus:
    return RefusedStimulus(
        row["clip_id"], _nested(Intervention, row["intervention"]), row["reason"], row["actor"], row["at"]
    )


def donor_rejection_of(row: Mapping[str, Any]) -> DonorRejection:
    return DonorRejection(row["clip_id"], row["donor_id"], row["reason"], row["actor"], row["at"])


def mark_payload(mark: Mark) -> Payload:
    own = {field.name: getattr(mark, field.name) for field in fields(Mark) if field.name not in ("ev_id", "at")}
    return {**own, "visual_s": _seconds(mark.visual_s), "audio_s": _seconds(mark.audio_s)}


def mark_of(row: Mapping[str, Any]) -> Mark:
    own = {
        name: value for name, value in _own(Mark, row).items() if value is not None or name in ("visual_s", "audio_s")
    }
    return Mark(**{**own, "detail": json.loads(row["detail"]) or {}})


def reply_payload(clip_id: str, annotator: str, run_id: str, reply: Reply, cost_usd: float | None) -> Payload:
    about = {"clip_id": clip_id, "annotator": annotator, "run_id": run_id, "cost_usd": _seconds(cost_usd)}
    return {"id": reply.id, **about, **asdict(reply), "latency_s": float(reply.latency_s)}


def reply_of(row: Mapping[str, Any]) -> KeptReply:
    nested = {"raw": json.loads(row["raw"]), "usage": Usage(**json.loads(row["usage"]))}
    reply = Reply(**{**_own(Reply, row), **nested})
    return KeptReply(row["clip_id"], row["annotator"], row["run_id"], reply, row["cost_usd"], row["at"])


def response_payload(response: Response) -> Payload:
    item, answer = response.item, response.answer
    asked = {name: getattr(item, name) for name in _ITEM_COLUMNS}
    said = {f"said_{name}": _seconds(getattr(answer, name)) for name in ("offset_s", "visual_s", "audio_s")}
    own = {name: getattr(response, name) for name in _RESPONSE_COLUMNS}
    return {
        **asked, **said, **own,
        "id": response.id, "item_id": item.id, "question": item.text, "options": [list(pair) for pair in item.options],
        "offset_s": _seconds(item.offset_s), "label": answer.label, "quote": answer.quote, "method": answer.method,
        "confidence": _seconds(answer.confidence), "latency_s": float(response.latency_s),
    }  # fmt: skip


def response_of(row: Mapping[str, Any]) -> Response:
    options = tuple((letter, label) for letter, label in json.loads(row["options"]) or ())
    item = Item(**{name: row[name] for name in _ITEM_COLUMNS}, text=row["question"], options=options)
    said = {name: row[f"said_{name}"] for name in ("offset_s", "visual_s", "audio_s")}
    answer = Answer(row["label"], **said, quote=row["quote"], method=row["method"], confidence=row["confidence"])
    return Response(**{name: row[name] for name in _RESPONSE_COLUMNS}, item=item, answer=answer)


def reading_payload(reading: Reading) -> Payload:
    answer = reading.answer
    times = {name: _seconds(getattr(answer, name)) for name in ("offset_s", "visual_s", "audio_s", "confidence")}
    about = {"response_id": reading.response_id, "reader": reading.reader, "problem": reading.problem}
    return {**about, **times, "label": answer.label, "quote": answer.quote, "method": answer.method}


def reading_of(row: Mapping[str, Any]) -> Reading:
    answer = Answer(**_own(Answer, row))
    return Reading(row["response_id"], row["reader"], answer, row["problem"], row["ev_id"], row["at"])


def note_of(row: Mapping[str, Any]) -> Note:
    return Note(**_own(Note, row))


def run_payload(run: Run) -> Payload:
    return asdict(run)


def run_of(row: Mapping[str, Any]) -> Run:
    return Run(**{**_own(Run, row), "settings": json.loads(row["settings"])})


def _own(kind: type, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are fields of the record."""
    return {field.name: row[field.name] for field in fields(kind)}


def _nested(kind: type[Nested], text: str) -> Nested:
    """A record from its JSON text; lists become tuples, and what only an older version knew is left out."""
    known = {field.name for field in fields(kind)}
    values: dict[str, Any] = {}
    for name, value in json.loads(text).items():
        if name in known:
            values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _seconds(value: float | None) -> float | None:
    """A float, so that 1 and 1.0 are the same event in the log as they are in the table."""
    return None if value is None else float(value)

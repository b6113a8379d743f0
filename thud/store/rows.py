"""Records to payloads and rows back to records.

A payload has exactly the columns of its state table, nested parts as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from thud.records import Clip, EventTimes, Intervention, Probe, Proof, Run, Stimulus, stimulus_id

Payload = dict[str, Any]
Nested = TypeVar("Nested", Probe, Proof, Intervention)


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
class Mark:
    """One annotator's placement of the two event times on one clip, seconds; None = no such event. `at` is UTC."""

    clip_id: str
    annotator: str
    visual_s: float | None
    audio_s: float | None
    ev_id: int
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
    }


def times_of(row: Mapping[str, Any]) -> EventTimes:
    return EventTimes(row["visual_s"], row["audio_s"], row["method"])


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


def mark_payload(clip_id: str, annotator: str, visual_s: float | None, audio_s: float | None) -> Payload:
    return {
        "clip_id": clip_id,
        "annotator": annotator,
        "visual_s": _seconds(visual_s),
        "audio_s": _seconds(audio_s),
    }


def mark_of(row: Mapping[str, Any]) -> Mark:
    return Mark(**_own(Mark, row))


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

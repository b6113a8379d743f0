"""The nouns. Frozen values; ids are hashes of what determines the thing (DESIGN: same input, same id, on any machine).

Signs and units: `offset_s` is + when the sound comes late; every `*_s` is seconds from the first picture of the clip.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

ENGINE_VERSION = 1
"""Part of every intervention's id: raise it when the same settings would give other samples."""

Condition = Literal["original", "early", "delayed", "muted", "swapped"]
EditKind = Literal["original", "shift", "mute", "swap"]
ShiftFill = Literal["room", "silence", "circular"]
MuteFill = Literal["silence", "room", "drop_stream"]
Fill = Literal["", "room", "silence", "circular", "drop_stream"]

Verdict = Literal["placed", "no_sound", "discarded", "uncertain"]
ReplyOutcome = Literal["ok", "refused", "truncated", "rejected", "error", "in_doubt"]

CONDITIONS: tuple[Condition, ...] = ("original", "early", "delayed", "muted", "swapped")

Task = Literal["sync", "existence", "consistency", "choice"]
Arm = Literal["audio_video", "picture_only", "sound_only", "shuffled_picture"]
ResponseOutcome = Literal["ok", "refused", "truncated", "rejected", "error", "in_doubt", "no_audio", "empty"]

TASKS: tuple[Task, ...] = ("sync", "existence", "consistency")
ARMS: tuple[Arm, ...] = ("audio_video", "picture_only", "sound_only", "shuffled_picture")


def content_id(*parts: Any) -> str:
    """16 hex digits that depend on `parts` only (canonical JSON, SHA-256)."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a source file holds, as read from its packets (not as its header claims).

    duration_s: picture duration. fps: exact rate, or None when the frame spacing varies (VFR).
    audio_start_s: first sound sample on the picture's timeline. damage: one sentence each; a damaged clip is kept.
    """

    container: str
    duration_s: float
    fps: float | None
    frames: int
    width: int
    height: int
    rotation: int
    video_codec: str
    size_bytes: int
    audio_codec: str = ""
    sample_rate_hz: int = 0
    channels: int = 0
    audio_start_s: float = 0.0
    damage: tuple[str, ...] = ()

    @property
    def has_sound(self) -> bool:
        return self.channels > 0


@dataclass(frozen=True, slots=True)
class Clip:
    """One source video with its sound. `id` is the first 16 hex digits of `sha256`, the hash of the file's bytes.

    kind: sound class ("glass", "metal", … or ""). source: what clips are clustered and split by ("" = itself).
    synthetic: made by thud, so its event times are exact by construction.
    """

    sha256: str
    path: str
    title: str
    probe: Probe
    picture_hash: str
    kind: str = ""
    source: str = ""
    synthetic: bool = False

    @property
    def id(self) -> str:
        return self.sha256[:16]


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When the event is seen and heard; either may be None (not known, or no such event).

    method: "construction" (demo), "gold", "adjudicated", "consensus", "agreement", "manifest".
    detail: how sure and from what: visual_spread_s, audio_spread_s, sources, retained, checks, needs (all optional).
    """

    visual_s: float | None
    audio_s: float | None
    method: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """One annotator's placement of the event on one clip, seconds of the original; None = not placed.

    annotator: "gemini", "gpt", "claude", "signal", another model's name, or a person's account name (`person`).
    verdict: no_sound = seen but never heard; discarded = unusable, for `reason`; uncertain = a model would not say.
    save_id: the page's own id of this save, so that one that arrives twice is one. seq: when it was made, ms.
    detail: what else is known: model, prompt, unit, confidence, events, simulated; of people: how, heard, first, role.
    """

    clip_id: str
    annotator: str
    visual_s: float | None
    audio_s: float | None
    verdict: Verdict = "placed"
    reason: str = ""
    person: bool = True
    save_id: str = ""
    seq: int = 0
    detail: dict[str, Any] = field(default_factory=dict)
    ev_id: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a vendor says it counted. None = it does not tell this kind of token."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    audio_tokens: int | None = None
    video_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    thought_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from a model, kept whole before anybody reads it.

    outcome: rejected = the vendor would not take what was sent; in_doubt = sent, and no answer came to us, so asking
    again may bill twice. sent_sha256: hash of all that was sent. problem: one sentence, "" when ok.
    """

    provider: str
    model: str
    outcome: ReplyOutcome
    text: str
    raw: dict[str, Any]
    usage: Usage
    request_id: str
    model_echo: str
    sent_sha256: str
    latency_s: float
    problem: str = ""
    attempts: int = 1

    @property
    def id(self) -> str:
        return content_id(self.provider, self.model, self.sent_sha256, self.request_id)


@dataclass(frozen=True, slots=True)
class Intervention:
    """A deterministic edit of the sound. Unused fields keep their defaults, so equal edits have equal ids.

    offset_s: shift only, + late. fill: shift room|silence|circular; mute silence|room|drop_stream.
    donor: clip id, swap only. donor_audio_s / event_s: the donor's event is placed at event_s of this clip.
    seed: drives room-tone grains. The donor's loudness match follows from clip and donor, so it stands in the proof.
    """

    kind: EditKind
    offset_s: float = 0.0
    fill: Fill = ""
    donor: str = ""
    donor_audio_s: float | None = None
    event_s: float | None = None
    seed: int = 0
    engine: int = ENGINE_VERSION

    @property
    def condition(self) -> Condition:
        if self.kind == "shift":
            return "early" if self.offset_s < 0 else "delayed"
        return {"original": "original", "mute": "muted", "swap": "swapped"}[self.kind]  # type: ignore[return-value]

    @property
    def id(self) -> str:
        return content_id(asdict(self))


@dataclass(frozen=True, slots=True)
class Proof:
    """What was measured in the written files, next to what was asked. None = does not apply to this edit.

    offset_s: measured lag by cross-correlation; error_samples: measured − asked at the source rate.
    correlation: normalised, with the source (with the donor for swap); source_correlation: swap only.
    residual_dbfs: level that is left of the original sound in a mute (−inf stored as −999.0).
    gain_db: loudness match applied to the donor, swap only.
    picture_hash: packets, times and codec parameters. verdict: verified | failed, with `reasons` in words.
    """

    verdict: Literal["verified", "failed"]
    reasons: tuple[str, ...]
    duration_s: float
    picture_hash: str
    asked_offset_s: float | None = None
    offset_s: float | None = None
    error_samples: int | None = None
    correlation: float | None = None
    source_correlation: float | None = None
    residual_dbfs: float | None = None
    gain_db: float | None = None
    models_bytes: int = 0
    models_sha256: str = ""
    people_sha256: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One clip under one condition, rendered. Its files lie together in a folder named by the clip's id.

    models: file name of the 16-bit mono WAV at 16 kHz ("" when the stream is dropped).
    people: file name of the FLAC at the source rate.
    event_survives: None when the clip's event time is not known.
    """

    clip_id: str
    intervention: Intervention
    models: str
    people: str
    proof: Proof
    event_survives: bool | None = None

    @property
    def id(self) -> str:
        return stimulus_id(self.clip_id, self.intervention)

    @property
    def condition(self) -> Condition:
        return self.intervention.condition


def stimulus_id(clip_id: str, intervention: Intervention) -> str:
    """The id a stimulus will have, known before it is built."""
    return content_id(clip_id, intervention.id)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response says, as somebody read it. Times are what it claims, None where it does not say.

    label: synced, early, delayed, desync (direction not told), audio_described, muted, visual_only, match, mismatched,
    unparsed, refused; the letter of an imported multiple choice question; "error" where there is no response.
    quote: the words of the response that decide it. method: rules, json, letter, judge, person, paper.
    """

    label: str
    offset_s: float | None = None
    visual_s: float | None = None
    audio_s: float | None = None
    quote: str = ""
    method: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Stimulus × question, as it is asked. offset_s: of the stimulus, None where it is not shifted.

    options: (letter, label) of a choice question in the order shown, which `seed` drew. expected: the right label.
    partner: the clip whose picture is shown in the arm "shuffled_picture". stimulus_hash: of the sound that is played.
    """

    stimulus_id: str
    clip_id: str
    condition: str
    offset_s: float | None
    task: str
    question_set: str
    question_id: str
    text: str
    arm: str
    expected: str
    options: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    partner: str = ""
    stimulus_hash: str = ""

    @property
    def id(self) -> str:
        return content_id(asdict(self))


@dataclass(frozen=True, slots=True)
class Response:
    """What one listener said to one item, with the answer that the rules read in it.

    listener_key: hash of all that determines its answers: model, adapter, endpoint's kind, sampling. rater: the person
    who answered, "" for models. source: cluster for statistics. kind: sound class. paper_label: by the paper's parser.
    """

    listener: str
    listener_key: str
    run_id: str
    item: Item
    source: str
    kind: str
    outcome: ResponseOutcome
    text: str
    answer: Answer
    problem: str = ""
    paper_label: str = ""
    rater: str = ""
    reply_id: str = ""
    latency_s: float = 0.0
    rules: int = 0

    @property
    def id(self) -> str:
        return content_id(self.item.id, self.listener_key, self.rater)


@dataclass(frozen=True, slots=True)
class Reading:
    """A judge's or a person's answer to a response. reader: "judge:<key>" or "person:<name>".

    problem: why a judge's word does not count (an invented quote, no answer), "" when it does.
    """

    response_id: str
    reader: str
    answer: Answer
    problem: str = ""
    ev_id: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something asked for that was not done, with the reason in one sentence."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: its folder holds plan.jsonl, results.jsonl, state.json, log.txt."""

    id: str
    kind: str
    title: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    total: int
    done: int = 0
    refused: int = 0
    failed: int = 0
    folder: str = ""
    pid: int = 0
    started_by: str = ""
    created_at: str = ""
    finished_at: str = ""
    message: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def clip_from_json(row: dict[str, Any]) -> Clip:
    """The Clip that `asdict` took apart."""
    probe = {**row["probe"], "damage": tuple(row["probe"]["damage"])}
    return Clip(**{**row, "probe": Probe(**probe)})


def proof_from_json(row: dict[str, Any]) -> Proof:
    """The Proof that `asdict` took apart."""
    return Proof(**{**row, "reasons": tuple(row["reasons"]), "notes": tuple(row["notes"])})


def stimulus_from_json(row: dict[str, Any]) -> Stimulus:
    """The Stimulus that `asdict` took apart."""
    edit = Intervention(**row["intervention"])
    return Stimulus(**{**row, "intervention": edit, "proof": proof_from_json(row["proof"])})


def reply_from_json(row: dict[str, Any]) -> Reply:
    """The Reply that `asdict` took apart."""
    return Reply(**{**row, "usage": Usage(**row["usage"])})


def item_json(item: Item) -> dict[str, Any]:
    """The Item as JSON can hold it; `item_from_json` reads it back."""
    return {**asdict(item), "options": [list(pair) for pair in item.options]}


def item_from_json(row: dict[str, Any]) -> Item:
    """The Item that `asdict` took apart."""
    return Item(**{**row, "options": tuple((letter, label) for letter, label in row["options"])})


def response_from_json(row: dict[str, Any]) -> Response:
    """The Response that `asdict` took apart."""
    return Response(**{**row, "item": item_from_json(row["item"]), "answer": Answer(**row["answer"])})


def stimulus_folder(workspace: Path, clip_id: str) -> Path:
    """Where the stimuli of a clip lie: sounds and proofs together."""
    return workspace / "stimuli" / clip_id

"""Records for the store's tests: small, exact, and different where it matters."""

from __future__ import annotations

import hashlib
from typing import Any

from thud.records import Answer, Clip, Intervention, Item, Probe, Proof, Reply, Response, Run, Stimulus, Usage

EARLY = Intervention("shift", offset_s=-0.6, fill="room", seed=7)
MUTED = Intervention("mute", fill="silence")
SWAPPED = Intervention("swap", donor="d" * 16, donor_audio_s=1.25, event_s=2.0, seed=7)

A_REPLY = Reply(
    "openai", "gpt-x", "ok", '{"unit": 3}', {"output": [1, "“"]}, Usage(900, 40, image_tokens=800), "req_1", "gpt-x-1",
    "5" * 64, 1.5,
)  # fmt: skip


def a_clip(number: int = 1, **changed: Any) -> Clip:
    probe = Probe(
        container="mov", duration_s=4.004, fps=29.97, frames=120, width=320, height=240, rotation=90,
        video_codec="h264", size_bytes=1000 + number, audio_codec="aac", sample_rate_hz=48000, channels=2,
        audio_start_s=-0.021, damage=("the last packet is cut off",),
    )  # fmt: skip
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    values: dict[str, Any] = {"path": f"clips/clip_{number:04d}.mp4", "title": f"Glass “{number}”", "kind": "glass"}
    return Clip(sha256=sha256, probe=probe, picture_hash="p" * 64, source="film", **{**values, **changed})


def a_stimulus(clip: Clip, edit: Intervention = EARLY, **changed: Any) -> Stimulus:
    proof = Proof("verified", ("lag as asked",), 4.004, "p" * 64, -0.6, -0.6, 0, 0.999, notes=("a note",))
    values: dict[str, Any] = {"models": "m.wav", "people": "p.flac", "proof": proof, "event_survives": True}
    return Stimulus(clip.id, edit, **{**values, **changed})


def a_run(name: str = "r1", **changed: Any) -> Run:
    values: dict[str, Any] = {"state": "running", "total": 10, "created_at": "2026-11-21T10:00:00Z"}
    return Run(name, "build", "Build", **{**values, **changed}, settings={"shifts": [0.6], "swap": True})


def a_response(stimulus: Stimulus, **changed: Any) -> Response:
    item = Item(
        stimulus.id, stimulus.clip_id, stimulus.condition, -0.6, "sync", "set1", "q1", "Is it “in sync”?",
        "audio_video", "early", options=(("A", "synced"), ("B", "early")), seed=3, stimulus_hash="h" * 64,
    )  # fmt: skip
    answer = Answer("early", -0.5, 2.0, 1.5, "comes first", "rules")
    values: dict[str, Any] = {"paper_label": "synced", "reply_id": "r", "latency_s": 0.5, "rules": 1, **changed}
    return Response("gpt", "key1", "r1", item, "film", "glass", "ok", "The sound comes first.", answer, **values)

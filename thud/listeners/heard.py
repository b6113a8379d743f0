"""What came of asking an item, before anybody reads the text: a failure is an outcome of its own, never an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thud.providers.read import at, judged, words
from thud.records import Reply, ResponseOutcome

EMPTY = judged("", "", False, "")[1]
"""What a reply's problem says when its text is empty."""
NO_AUDIO = "The server read none of the sound that was sent (0 audio tokens), so this is no answer."


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of asking an item. text: as it came, whatever the outcome. problem: one sentence, "" when ok.

    model_echo: which model says it answered, "" when nobody says.
    """

    outcome: ResponseOutcome
    text: str
    problem: str = ""
    replies: tuple[Reply, ...] = ()
    latency_s: float = 0.0
    model_echo: str = ""


def heard_of(reply: Reply, sound_sent: bool) -> Heard:
    """The reply as an outcome. sound_sent: sound was played, so a reply that read none of it does not count.

    Only Gemini says reliably how much sound it read; of all others the canary must show that they hear.
    """
    outcome, problem = _outcome(reply, sound_sent and reply.provider == "gemini")
    return Heard(outcome, reply.text, problem, (reply,), reply.latency_s, reply.model_echo)


def _outcome(reply: Reply, counts_sound: bool) -> tuple[ResponseOutcome, str]:
    if reply.outcome == "error" and reply.problem == EMPTY:
        told = _error_in(reply.raw)
        return ("error", f"The server answered with an error: {told}") if told else ("empty", EMPTY)
    if reply.outcome == "ok" and counts_sound and reply.usage.audio_tokens == 0:
        return "no_audio", NO_AUDIO
    return reply.outcome, reply.problem


def _error_in(raw: dict[str, Any]) -> str:
    """The words of an error that came as if all were well (200), "" when the body tells of none."""
    error = raw.get("error")
    told = words(at(error, "message")) or words(error) or words(raw.get("detail"))
    if not told and "error" in (raw.get("object"), raw.get("type")):
        told = words(raw.get("message"))
    if not told and error:
        told = "no words"
    return " ".join(told.split())[:300]

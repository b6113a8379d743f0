"""What is asked, and where: values that say everything a request depends on, so that its hash names it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

Provider = Literal["anthropic", "openai", "gemini", "compatible"]
Layer = Literal["frames", "audio"]
Wire = Literal["", "audio_url", "sglang"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """One picture, already at the size at which it is to be seen."""

    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Video:
    """A video file. fps: pictures a second to be looked at, None = the vendor's own. layers: what is seen and heard."""

    path: str
    sha256: str
    mime: str = "video/mp4"
    fps: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    layers: tuple[Layer, ...] = ("frames", "audio")


@dataclass(frozen=True, slots=True)
class Audio:
    """A sound file."""

    path: str
    sha256: str
    mime: str = "audio/wav"


Part = Text | Image | Video | Audio


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a model.

    schema: JSON schema of the answer (an object), None = free text. effort, temperature, seed: sent only when set.
    cache: the vendor is told that everything up to the last picture will be asked again. wire: how a compatible server
    takes media: "" = parts, sound as input_audio; audio_url = sound by address; sglang = fields beside the messages.
    """

    model: str
    parts: tuple[Part, ...]
    system: str = ""
    schema: dict[str, Any] | None = None
    max_tokens: int = 1024
    effort: str = ""
    temperature: float | None = None
    seed: int | None = None
    cache: bool = False
    wire: Wire = ""

    def sent_sha256(self, provider: str) -> str:
        """The hash of everything that is sent; the same on any machine, as files count by their content."""
        heat = _number(self.temperature)
        settings = (self.model, self.system, self.schema, self.max_tokens, self.effort, heat, self.seed, self.cache)
        told = [provider, *settings, [_told(part) for part in self.parts]]
        if self.wire:  # only then, so that what was sent before keeps its hash
            told.append(self.wire)
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def object_schema(**properties: Any) -> dict[str, Any]:
    """The JSON schema of an object with these properties, all of them required and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _told(part: Part) -> list[Any]:
    if isinstance(part, Text):
        return ["text", part.text]
    if isinstance(part, Image):
        return ["image", hashlib.sha256(part.jpeg).hexdigest()]
    if isinstance(part, Audio):
        return ["audio", part.sha256, part.mime]
    window = [_number(part.fps), _number(part.start_s), _number(part.end_s)]
    return ["video", part.sha256, part.mime, *window, list(part.layers)]


def _number(value: float | None) -> float | None:
    # 8 and 8.0 are the same request.
    return None if value is None else float(value)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask. base_url "" = the vendor's own. key_env "" = the vendor's usual variable.

    at_once, per_minute: how many requests may be under way, and may start in a minute. attempts: in all, per question.
    """

    provider: Provider
    base_url: str = ""
    key_env: str = ""
    at_once: int = 4
    per_minute: int = 60
    timeout_s: float = 300.0
    attempts: int = 6

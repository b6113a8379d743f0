"""Gemini: sees and hears a clip that was uploaded once, at the frame rate asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.providers.line import Line
from thud.providers.question import Audio, Image, Part, Question, Text, Video
from thud.providers.read import Read, at, base64_text, count, items, judged, words
from thud.providers.shelf import Shelf, Upload
from thud.providers.uploads import uploaded
from thud.providers.wire import Answer, library
from thud.records import Usage

if TYPE_CHECKING:
    import httpx2

REQUEST_ID = ""
FASTEST_FPS = 24.0
_FINISHED = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})
_REFUSED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY"})


def errors() -> tuple[type[Exception], ...]:
    """What the vendor's library raises, also when it stumbles over an answer of another shape."""
    return (library("google.genai.errors").APIError, LookupError, TypeError, AttributeError)


def prepare(question: Question, line: Line, shelf: Shelf | None) -> dict[str, Any] | Read:
    """The arguments of a generateContent request, once the files it names are uploaded and ready; or why they are
    not taken."""
    parts = []
    for part in question.parts:
        lies = uploaded(part, line, shelf, client) if isinstance(part, (Video, Audio)) else None
        if isinstance(lies, Read):
            return lies
        parts.append(_part(part, lies))
    contents = [{"role": "user", "parts": parts}]
    return {"model": question.model, "contents": contents, "config": _config(question)}


def client(http: httpx2.Client, line: Line) -> Any:
    """The vendor's client on our connection."""
    options = {"httpx_client": http, "timeout": round(line.endpoint.timeout_s * 1000)}
    if line.endpoint.base_url:
        options["base_url"] = line.endpoint.base_url
    genai = library("google.genai")
    return genai.Client(api_key=line.key, vertexai=False, http_options=genai.types.HttpOptions(**options))


def send(request: dict[str, Any], http: httpx2.Client, line: Line) -> object:
    """Makes the request."""
    return client(http, line).models.generate_content(**request)


def lost_file(answer: Answer) -> bool:
    """Whether the vendor no longer has a file that the request names."""
    return answer.status in (403, 404) and re.search(r"\bfiles?[ /]", answer.body, re.IGNORECASE) is not None


def read(raw: dict[str, Any]) -> Read:
    """A generateContent answer, read."""
    candidate = at(raw, "candidates", 0)
    stop = words(at(candidate, "finishReason"))
    refused = words(at(raw, "promptFeedback", "blockReason")) or (stop if stop in _REFUSED else "")
    wrong = "" if stop in _FINISHED else stop
    parts = items(at(candidate, "content", "parts"))
    text = "".join(words(part.get("text")) for part in parts if not part.get("thought"))
    outcome, problem = judged(text, refused, stop == "MAX_TOKENS", wrong)
    usage = _usage(raw.get("usageMetadata"))
    return Read(outcome, text, usage, words(raw.get("modelVersion")), problem, words(raw.get("responseId")))


def _usage(told: Any) -> Usage:
    # Thoughts are billed as output, and not among the candidates' tokens.
    thoughts, seen = count(told, "thoughtsTokenCount"), at(told, "promptTokensDetails")
    kinds = {words(row.get("modality")): count(row, "tokenCount") for row in items(seen)}

    def of(kind: str) -> int | None:
        return kinds.get(kind, 0) if isinstance(seen, list) else None

    return Usage(
        input_tokens=count(told, "promptTokenCount"),
        output_tokens=count(told, "candidatesTokenCount") + thoughts,
        cached_tokens=count(told, "cachedContentTokenCount"),
        audio_tokens=of("AUDIO"),
        video_tokens=of("VIDEO"),
        image_tokens=of("IMAGE"),
        text_tokens=of("TEXT"),
        thought_tokens=thoughts,
    )


def _config(question: Question) -> dict[str, Any]:
    # Continuations would be further requests, each billed, behind our back.
    config: dict[str, Any] = {"max_output_tokens": question.max_tokens, "automatic_continuation": False}
    if question.system:
        config["system_instruction"] = question.system
    if question.schema is not None:
        config |= {"response_mime_type": "application/json", "response_json_schema": question.schema}
    if question.effort:
        config["thinking_config"] = {"thinking_level": question.effort.upper()}
    if question.temperature is not None:
        config["temperature"] = question.temperature
    if question.seed is not None:
        config["seed"] = question.seed
    return config


def _part(part: Part, lies: Upload | None) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Image):
        return {"inline_data": {"mime_type": "image/jpeg", "data": base64_text(part.jpeg)}}
    file = {"file_data": {"file_uri": lies.uri if lies else "", "mime_type": part.mime}}
    if isinstance(part, Audio):
        return file
    return {**file, "video_metadata": _look(part), "media_processing": "STATIC"}


def _look(part: Video) -> dict[str, Any]:
    if part.fps is not None and not 0 < part.fps <= FASTEST_FPS:
        raise BadRequest(f"Gemini looks at up to {FASTEST_FPS:g} pictures a second, not {part.fps:g}.")
    look: dict[str, Any] = {"content_layers": [layer.upper() for layer in part.layers]}
    if part.fps is not None:
        look["fps"] = part.fps
    if part.start_s is not None:
        look["start_offset"] = f"{part.start_s:.3f}s"
    if part.end_s is not None:
        look["end_offset"] = f"{part.end_s:.3f}s"
    return look

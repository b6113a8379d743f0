"""GPT through OpenAI's Responses: text and pictures in, text out. It cannot hear here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.providers.line import Line
from thud.providers.question import Image, Part, Question, Text
from thud.providers.read import Read, at, base64_text, count, items, judged, words
from thud.providers.shelf import Shelf
from thud.providers.wire import library
from thud.records import Usage

if TYPE_CHECKING:
    import httpx2

REQUEST_ID = "x-request-id"


def errors() -> tuple[type[Exception], ...]:
    """What the vendor's library raises."""
    return (library("openai").OpenAIError,)


def prepare(question: Question, _line: Line, _shelf: Shelf | None) -> dict[str, Any] | Read:
    """The arguments of a Responses request."""
    return body(question)


def body(question: Question) -> dict[str, Any]:
    """The JSON of a Responses request. BadRequest when the question holds sound or video."""
    content = [_part(part, question.model) for part in question.parts]
    request: dict[str, Any] = {
        "model": question.model,
        "input": [{"role": "user", "content": content}],
        "max_output_tokens": question.max_tokens,
        "store": False,
    }
    if question.system:
        request["instructions"] = question.system
    if question.schema is not None:
        request["text"] = {
            "format": {"type": "json_schema", "name": "answer", "strict": True, "schema": question.schema}
        }
    if question.effort:
        request["reasoning"] = {"effort": question.effort}
    if question.temperature is not None:
        request["temperature"] = question.temperature
    return request


def client(http: httpx2.Client, line: Line) -> Any:
    """The vendor's client on our connection, its own retries off."""
    return library("openai").OpenAI(
        api_key=line.key,
        base_url=line.endpoint.base_url or None,
        http_client=http,
        max_retries=0,
        timeout=line.endpoint.timeout_s,
    )


def send(request: dict[str, Any], http: httpx2.Client, line: Line) -> object:
    """Makes the request."""
    return client(http, line).responses.with_raw_response.create(**request)


def read(raw: dict[str, Any]) -> Read:
    """A response, read."""
    parts = [part for item in items(raw.get("output")) for part in items(item.get("content"))]
    text = "".join(words(part.get("text")) for part in parts if part.get("type") == "output_text")
    refused = "; ".join(words(part.get("refusal")) or "no reason" for part in parts if part.get("type") == "refusal")
    cut = words(at(raw, "incomplete_details", "reason")) if raw.get("status") == "incomplete" else ""
    wrong = words(at(raw, "error", "message")) or ("failed" if raw.get("status") in ("failed", "cancelled") else "")
    if cut == "content_filter":
        refused = refused or cut
    outcome, problem = judged(text, refused, bool(cut), wrong)
    return Read(outcome, text, _usage(raw.get("usage")), words(raw.get("model")), problem)


def _usage(told: Any) -> Usage:
    return Usage(
        input_tokens=count(told, "input_tokens"),
        output_tokens=count(told, "output_tokens"),
        cached_tokens=count(told, "input_tokens_details", "cached_tokens"),
        cache_write_tokens=count(told, "input_tokens_details", "cache_write_tokens"),
        thought_tokens=count(told, "output_tokens_details", "reasoning_tokens"),
    )


def _part(part: Part, model: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        return {
            "type": "input_image",
            "detail": "high",
            "image_url": f"data:image/jpeg;base64,{base64_text(part.jpeg)}",
        }
    raise BadRequest(f"{model} takes text and pictures only. Send the clip as frames.")

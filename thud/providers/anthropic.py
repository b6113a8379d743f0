"""Claude, and any server that speaks Anthropic's protocol: text and pictures in, text out. It cannot hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.providers.line import Line
from thud.providers.question import Image, Question, Text
from thud.providers.read import Read, at, base64_text, count, items, judged, words
from thud.providers.shelf import Shelf
from thud.providers.wire import library
from thud.records import Usage

if TYPE_CHECKING:
    import httpx2

REQUEST_ID = "request-id"


def errors() -> tuple[type[Exception], ...]:
    """What the vendor's library raises."""
    return (library("anthropic").AnthropicError,)


def prepare(question: Question, _line: Line, _shelf: Shelf | None) -> dict[str, Any] | Read:
    """The arguments of a Messages request."""
    return body(question)


def body(question: Question) -> dict[str, Any]:
    """The JSON of a Messages request. BadRequest when the question holds sound or video."""
    request: dict[str, Any] = {
        "model": question.model,
        "max_tokens": question.max_tokens,
        "messages": [{"role": "user", "content": _content(question)}],
    }
    if question.system:
        request["system"] = question.system
    if output := _output(question):
        request["output_config"] = output
    if question.temperature is not None:
        # The library has no such argument; newer models answer 400, which comes back as it is.
        request["extra_body"] = {"temperature": question.temperature}
    return request


def batch_body(question: Question) -> dict[str, Any]:
    """The same request as a line of a batch."""
    request = body(question)
    return {**request, **request.pop("extra_body", {})}


def client(http: httpx2.Client, line: Line) -> Any:
    """The vendor's client on our connection, its own retries off."""
    return library("anthropic").Anthropic(
        api_key=line.key,
        base_url=line.endpoint.base_url or None,
        http_client=http,
        max_retries=0,
        timeout=line.endpoint.timeout_s,
    )


def send(request: dict[str, Any], http: httpx2.Client, line: Line) -> object:
    """Makes the request."""
    return client(http, line).messages.with_raw_response.create(**request)


def read(raw: dict[str, Any]) -> Read:
    """A message, read."""
    blocks = items(raw.get("content"))
    text = "".join(words(block.get("text")) for block in blocks if block.get("type") == "text")
    stop = words(raw.get("stop_reason"))
    why = words(at(raw, "stop_details", "category")) or words(at(raw, "stop_details", "explanation")) or stop
    cut = stop in ("max_tokens", "model_context_window_exceeded")
    outcome, problem = judged(text, why if stop == "refusal" else "", cut, "")
    return Read(outcome, text, _usage(raw.get("usage")), words(raw.get("model")), problem)


def _usage(told: Any) -> Usage:
    # The vendor counts cached tokens apart; here input_tokens holds all that was sent.
    cached, written = count(told, "cache_read_input_tokens"), count(told, "cache_creation_input_tokens")
    return Usage(
        input_tokens=count(told, "input_tokens") + cached + written,
        output_tokens=count(told, "output_tokens"),
        cached_tokens=cached,
        cache_write_tokens=written,
        thought_tokens=count(told, "output_tokens_details", "thinking_tokens"),
    )


def _content(question: Question) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for part in question.parts:
        if isinstance(part, Text):
            blocks.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            blocks.append(_picture(part))
        else:
            raise BadRequest(f"{question.model} takes text and pictures only. Send the clip as frames.")
    pictures = [block for block in blocks if block["type"] == "image"]
    if question.cache and pictures:
        pictures[-1]["cache_control"] = {"type": "ephemeral"}
    return blocks


def _picture(part: Image) -> dict[str, Any]:
    # Without "error" a picture that is too large would be shrunk in silence, and small motion with it.
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/jpeg", "data": base64_text(part.jpeg)},
        "transformations": {"oversized_image": "error"},
    }


def _output(question: Question) -> dict[str, Any]:
    output: dict[str, Any] = {}
    if question.effort:
        output["effort"] = question.effort
    if question.schema is not None:
        # Ranges are moved into the descriptions, since the server does not enforce them.
        schema = library("anthropic").transform_schema(question.schema)
        output["format"] = {"type": "json_schema", "schema": schema}
    return output

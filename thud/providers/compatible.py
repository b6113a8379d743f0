"""Any server that speaks OpenAI's chat completions (vLLM, SGLang, …): text, pictures, sound and video in, text out.

A video is sent whole. Whether its sound is heard is up to the server, so send the sound as a part of its own too.
SGLang's omni server wants media in fields beside the messages, by kind (github.com/sgl-project/sglang-omni#511).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.providers import openai
from thud.providers.line import Line
from thud.providers.question import Audio, Image, Part, Question, Text, Video
from thud.providers.read import Read, at, base64_text, count, judged, words
from thud.providers.shelf import Shelf
from thud.records import Usage

if TYPE_CHECKING:
    import httpx2

REQUEST_ID = "x-request-id"
_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac"}

errors = openai.errors


def prepare(question: Question, line: Line, _shelf: Shelf | None) -> dict[str, Any] | Read:
    """The arguments of a chat completions request. BadRequest without a base URL."""
    if not line.endpoint.base_url:
        raise BadRequest("An OpenAI-compatible server needs a base URL, like http://127.0.0.1:8000/v1")
    return body(question)


def body(question: Question) -> dict[str, Any]:
    """The JSON of a chat completions request."""
    system = [{"role": "system", "content": question.system}] if question.system else []
    content, beside = _content(question)
    request: dict[str, Any] = {
        "model": question.model,
        "messages": [*system, {"role": "user", "content": content}],
        "max_tokens": question.max_tokens,
    }
    if question.schema is not None:
        shape = {"name": "answer", "strict": True, "schema": question.schema}
        request["response_format"] = {"type": "json_schema", "json_schema": shape}
    if question.effort:
        request["reasoning_effort"] = question.effort
    if question.temperature is not None:
        request["temperature"] = question.temperature
    if question.seed is not None:
        request["seed"] = question.seed
    if rates := [part.fps for part in question.parts if isinstance(part, Video) and part.fps is not None]:
        beside["mm_processor_kwargs"] = {"fps": rates[0]}
    if beside:
        request["extra_body"] = beside
    return request


def send(request: dict[str, Any], http: httpx2.Client, line: Line) -> object:
    """Makes the request."""
    return openai.client(http, line).chat.completions.with_raw_response.create(**request)


def read(raw: dict[str, Any]) -> Read:
    """A chat completion, read."""
    text = words(at(raw, "choices", 0, "message", "content"))
    refused = words(at(raw, "choices", 0, "message", "refusal"))
    stop = words(at(raw, "choices", 0, "finish_reason"))
    if stop == "content_filter":
        refused = refused or stop
    outcome, problem = judged(text, refused, stop == "length", "")
    return Read(outcome, text, _usage(raw.get("usage")), words(raw.get("model")), problem)


def _usage(told: Any) -> Usage:
    heard = at(told, "prompt_tokens_details", "audio_tokens")
    return Usage(
        input_tokens=count(told, "prompt_tokens"),
        output_tokens=count(told, "completion_tokens"),
        cached_tokens=count(told, "prompt_tokens_details", "cached_tokens"),
        audio_tokens=heard if isinstance(heard, int) else None,
        thought_tokens=count(told, "completion_tokens_details", "reasoning_tokens"),
    )


def _content(question: Question) -> tuple[str | list[dict[str, Any]], dict[str, Any]]:
    """(content of the user's message, fields beside the messages)."""
    if question.wire != "sglang":
        return [_part(part, question.wire) for part in question.parts], {}
    text: list[str] = []
    beside: dict[str, Any] = {}
    for part in question.parts:
        if isinstance(part, Text):
            text.append(part.text)
        else:
            field = "videos" if isinstance(part, Video) else "audios" if isinstance(part, Audio) else "images"
            beside.setdefault(field, []).append(_url(part))
    return "\n".join(text), beside


def _part(part: Part, wire: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": _url(part)}}
    if isinstance(part, Video):
        return {"type": "video_url", "video_url": {"url": _url(part)}}
    if wire == "audio_url":
        return {"type": "audio_url", "audio_url": {"url": _url(part)}}
    sound = {"data": _file(part), "format": _FORMATS.get(part.mime, part.mime.rpartition("/")[2])}
    return {"type": "input_audio", "input_audio": sound}


def _url(part: Image | Video | Audio) -> str:
    """The part's bytes as an address."""
    if isinstance(part, Image):
        return f"data:image/jpeg;base64,{base64_text(part.jpeg)}"
    if isinstance(part, Video) and (part.start_s, part.end_s, part.layers) != (None, None, ("frames", "audio")):
        raise BadRequest("This server takes whole videos only. Cut the clip, or send frames and sound apart.")
    return f"data:{part.mime};base64,{_file(part)}"


def _file(part: Video | Audio) -> str:
    try:
        return base64_text(Path(part.path).read_bytes())
    except OSError as error:
        raise NotFound(f"{part.path} cannot be read ({error.strerror}). Put it back and resume.") from error

"""How each vendor takes a batch, counts it and gives its results back (in any order)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from thud.providers import anthropic, openai
from thud.providers.line import Line
from thud.providers.question import Question
from thud.providers.read import Read, at, count, items, words

if TYPE_CHECKING:
    import httpx2

Lines = list[tuple[str, dict[str, Any]]]
Call = Callable[["httpx2.Client"], object]
Progress = tuple[Literal["working", "ended", "failed"], int, int, int, str]
CLOCKS_DIFFER_S = 300.0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a batch's results. read: None when `raw` is an answer like any other."""

    read: Read | None
    raw: dict[str, Any]
    request_id: str = ""


class BatchDoor(Protocol):
    """What a vendor's batches need."""

    MOST_REQUESTS: int
    MOST_BYTES: int

    def body(self, question: Question) -> dict[str, Any]: ...
    def prepare(self, lines: Lines, asked: Callable[[Call], dict[str, Any]], line: Line) -> Any: ...
    def create(self, http: httpx2.Client, line: Line, ready: Any, digest: str) -> object: ...
    def look(self, http: httpx2.Client, line: Line, batch_id: str) -> object: ...
    def recent(self, http: httpx2.Client, line: Line) -> object: ...
    def is_this(self, row: dict[str, Any], noted: dict[str, Any]) -> bool: ...
    def progress(self, row: dict[str, Any]) -> Progress: ...
    def fetches(self, line: Line, row: dict[str, Any]) -> tuple[Call, ...]: ...
    def results(self, rows: list[dict[str, Any]]) -> dict[str, Result]: ...


class Anthropic:
    """Message Batches. They carry no name, so a lost one is told by its size and its time."""

    MOST_REQUESTS = 100_000
    MOST_BYTES = 256_000_000

    def body(self, question: Question) -> dict[str, Any]:
        return anthropic.batch_body(question)

    def prepare(self, lines: Lines, asked: Callable[[Call], dict[str, Any]], line: Line) -> Any:
        return [{"custom_id": custom, "params": body} for custom, body in lines]

    def create(self, http: httpx2.Client, line: Line, ready: Any, digest: str) -> object:
        return _messages(http, line).with_raw_response.create(requests=ready)

    def look(self, http: httpx2.Client, line: Line, batch_id: str) -> object:
        return _messages(http, line).with_raw_response.retrieve(batch_id)

    def recent(self, http: httpx2.Client, line: Line) -> object:
        return _messages(http, line).with_raw_response.list(limit=100)

    def is_this(self, row: dict[str, Any], noted: dict[str, Any]) -> bool:
        try:
            made_at = datetime.fromisoformat(words(row.get("created_at")).replace("Z", "+00:00")).timestamp()
        except ValueError:
            return False
        return bool(_size(row) == noted["requests"] and made_at >= noted["at"] - CLOCKS_DIFFER_S)

    def progress(self, row: dict[str, Any]) -> Progress:
        done, total = count(row, "request_counts", "succeeded"), _size(row)
        if row.get("processing_status") != "ended":
            return "working", done, 0, total, ""
        return "ended", done, total - done, total, ""

    def fetches(self, line: Line, row: dict[str, Any]) -> tuple[Call, ...]:
        return (lambda http: list(_messages(http, line).results(row["id"])),)

    def results(self, rows: list[dict[str, Any]]) -> dict[str, Result]:
        return {words(row.get("custom_id")): _claude_result(row.get("result")) for row in rows}


class OpenAI:
    """Batches of Responses requests: a file of lines goes in, a file of answers and one of errors come out."""

    MOST_REQUESTS = 50_000
    MOST_BYTES = 200_000_000

    def body(self, question: Question) -> dict[str, Any]:
        return openai.body(question)

    def prepare(self, lines: Lines, asked: Callable[[Call], dict[str, Any]], line: Line) -> Any:
        rows = [{"custom_id": custom, "method": "POST", "url": "/v1/responses", "body": body} for custom, body in lines]
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()

        def upload(http: httpx2.Client) -> object:
            file = ("batch.jsonl", io.BytesIO(text))
            return openai.client(http, line).files.with_raw_response.create(file=file, purpose="batch")

        return asked(upload).get("id")

    def create(self, http: httpx2.Client, line: Line, ready: Any, digest: str) -> object:
        return openai.client(http, line).batches.with_raw_response.create(
            input_file_id=ready, endpoint="/v1/responses", completion_window="24h", metadata={"thud": digest}
        )

    def look(self, http: httpx2.Client, line: Line, batch_id: str) -> object:
        return openai.client(http, line).batches.with_raw_response.retrieve(batch_id)

    def recent(self, http: httpx2.Client, line: Line) -> object:
        return openai.client(http, line).batches.with_raw_response.list(limit=100)

    def is_this(self, row: dict[str, Any], noted: dict[str, Any]) -> bool:
        return bool(at(row, "metadata", "thud") == noted["digest"])

    def progress(self, row: dict[str, Any]) -> Progress:
        done, failed = count(row, "request_counts", "completed"), count(row, "request_counts", "failed")
        total, status = count(row, "request_counts", "total"), row.get("status")
        if status == "failed":
            why = "; ".join(words(error.get("message")) for error in items(at(row, "errors", "data")))
            return "failed", done, failed, total, f"The vendor did not take the batch ({why or 'no reason given'})."
        return ("ended" if status in ("completed", "expired", "cancelled") else "working"), done, failed, total, ""

    def fetches(self, line: Line, row: dict[str, Any]) -> tuple[Call, ...]:
        files = [row[name] for name in ("output_file_id", "error_file_id") if words(row.get(name))]
        return tuple(_file(line, file) for file in files)

    def results(self, rows: list[dict[str, Any]]) -> dict[str, Result]:
        return {words(row.get("custom_id")): _gpt_result(row) for row in rows}


BATCH_DOORS: dict[str, BatchDoor] = {"anthropic": Anthropic(), "openai": OpenAI()}


def _size(row: dict[str, Any]) -> int:
    kinds = ("processing", "succeeded", "errored", "canceled", "expired")
    return sum(count(row, "request_counts", kind) for kind in kinds)


def _messages(http: httpx2.Client, line: Line) -> Any:
    return anthropic.client(http, line).messages.batches


def _file(line: Line, file_id: str) -> Call:
    return lambda http: openai.client(http, line).files.with_raw_response.content(file_id)


def _claude_result(result: Any) -> Result:
    kind = words(at(result, "type"))
    if kind == "succeeded" and isinstance(at(result, "message"), dict):
        return Result(None, result["message"])
    error = at(result, "error", "error")
    said = words(at(error, "message"))
    if kind == "errored":
        rejected = at(error, "type") in ("invalid_request_error", "request_too_large")
        return Result(Read("rejected" if rejected else "error", problem=said or "The vendor gave no reason."), result)
    problem = f"The batch ended before this question was answered ({kind or 'no result'}). Ask it again."
    return Result(Read("error", problem=problem), result if isinstance(result, dict) else {})


def _gpt_result(row: dict[str, Any]) -> Result:
    body, status = at(row, "response", "body"), count(row, "response", "status_code")
    number = words(at(row, "response", "request_id"))
    if 200 <= status < 300 and isinstance(body, dict):
        return Result(None, body, number)
    said = words(at(body, "error", "message")) or words(at(row, "error", "message")) or "no reason given"
    if status in (400, 413, 422):
        return Result(Read("rejected", problem=f"{status}: {said}"), row, number)
    return Result(
        Read("error", problem=f"The vendor did not answer this question ({said}). Ask it again."), row, number
    )

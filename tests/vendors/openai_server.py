"""OpenAI's protocol: responses, files and batches."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from tests.vendors.server import Asked, Response, VendorServer


def texts(body: dict[str, Any]) -> list[str]:
    """The text parts of a responses request, in order."""
    return [part["text"] for part in body["input"][0]["content"] if part["type"] == "input_text"]


def pictures(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The image parts of a responses request, in order."""
    return [part for part in body["input"][0]["content"] if part["type"] == "input_image"]


class GptServer(VendorServer):
    """polls: how often a batch is looked at before it has ended. result_of: "", "invalid", "errored" or "expired" for
    each request of a batch. lose_create: so many creations are done and never answered."""

    REQUEST_ID = "x-request-id"
    polls = 1
    lose_create = 0

    def __init__(self, *args: Any, result_of: Callable[[dict[str, Any]], str] = lambda body: "", **named: Any) -> None:
        super().__init__(*args, **named)
        self.result_of = result_of
        self.batches: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.looked: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def is_question(self, method: str, path: str) -> bool:
        return (method, path) == ("POST", "/v1/responses")

    def reply(self, asked: Asked, text: str, kind: str) -> dict[str, Any]:
        return self.response(asked.json, text, kind)

    def response(self, body: dict[str, Any], text: str, kind: str = "") -> dict[str, Any]:
        shown = text[: len(text) // 2] if kind == "truncated" else text
        part = {"type": "output_text", "text": shown, "annotations": []}
        if kind == "refusal":
            part = {"type": "refusal", "refusal": "I can't help with that."}
        message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": self.model_echo or body["model"],
            "status": "incomplete" if kind == "truncated" else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if kind == "truncated" else None,
            "error": None,
            "output": [message],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 50 + 100 * len(pictures(body)),
                "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 0},
                "output_tokens": 1 + len(shown) // 4,
                "output_tokens_details": {"reasoning_tokens": 1},
                "total_tokens": 0,
            },
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "error", "code": str(status)}}

    def other(self, asked: Asked) -> Response:
        path = asked.path.partition("?")[0]
        if path == "/v1/responses/input_tokens":
            return Response({"object": "response.input_tokens", "input_tokens": 50 + 100 * len(pictures(asked.json))})
        if (asked.method, path) == ("POST", "/v1/files"):
            return self._keep(asked.body)
        if path.startswith("/v1/files/"):
            return Response(self.files[path.split("/")[3]])
        if path == "/v1/batches":
            return self._create(asked) if asked.method == "POST" else self._list()
        batch = next((batch for batch in self.batches if path == f"/v1/batches/{batch['id']}"), None)
        return Response(self._looked_at(batch)) if batch else super().other(asked)

    def _keep(self, form: bytes) -> Response:
        found = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', form, re.DOTALL)
        assert found
        number = f"file-{len(self.files) + 1}"
        self.files[number] = found[1]
        return Response({"id": number, "object": "file", "bytes": len(found[1]), "purpose": "batch", "created_at": 1})

    def _create(self, asked: Asked) -> Response:
        lines = self._lines(asked.json["input_file_id"])
        batch = {
            "id": f"batch_{len(self.batches) + 1}",
            "object": "batch",
            "endpoint": asked.json["endpoint"],
            "completion_window": "24h",
            "created_at": int(time.time()),
            "input_file_id": asked.json["input_file_id"],
            "metadata": asked.json.get("metadata"),
            "status": "in_progress",
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        with self.lock:
            self.batches.insert(0, batch)
        if self.lose_create > 0:
            self.lose_create -= 1
            raise ConnectionResetError
        return Response(batch)

    def _list(self) -> Response:
        return Response({"object": "list", "data": self.batches, "has_more": False})

    def _lines(self, file_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[file_id].splitlines()]

    def _looked_at(self, batch: dict[str, Any]) -> dict[str, Any]:
        looked = self.looked[batch["id"]] = self.looked.get(batch["id"], 0) + 1
        if looked > self.polls and batch["status"] == "in_progress":
            lines = self._lines(batch["input_file_id"])
            rows = [self._result(line) for line in reversed(lines)]
            for name, wanted in (("output_file_id", True), ("error_file_id", False)):
                kept = [row for row in rows if _good(row) is wanted]
                if kept:
                    batch[name] = f"file-{name}-{batch['id']}"
                    self.files[batch[name]] = "".join(
                        json.dumps(row, ensure_ascii=False) + "\n" for row in kept
                    ).encode()
            done = sum(_good(row) for row in rows)
            counts = {"total": len(lines), "completed": done, "failed": len(lines) - done}
            batch |= {"status": "completed", "request_counts": counts}
        return batch

    def _result(self, line: dict[str, Any]) -> dict[str, Any]:
        body, kind = line["body"], self.result_of(line["body"])
        row = {"id": "batch_req_1", "custom_id": line["custom_id"], "response": None, "error": None}
        if kind == "expired":
            return {**row, "error": {"code": "batch_expired", "message": "it took too long"}}
        status = {"invalid": 400, "errored": 500}.get(kind, 200)
        if status == 200:
            item = self.item_of(body)
            with self.lock:
                self.billed[item] += 1
            answer = self.answer(Asked("POST", "/v1/responses", {}, body, b"", item))
            return {**row, "response": _inner(200, self.response(body, answer, kind))}
        return {**row, "response": _inner(status, self.error(status, "made to fail"))}


def _inner(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": "req-batch", "body": body}


def _good(row: dict[str, Any]) -> bool:
    return bool(row["response"]) and row["response"]["status_code"] == 200

"""Anthropic's protocol: messages and message batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.vendors.server import Asked, Response, VendorServer


def texts(body: dict[str, Any]) -> list[str]:
    """The text blocks of a messages request, in order."""
    return [block["text"] for block in body["messages"][0]["content"] if block["type"] == "text"]


def pictures(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The image blocks of a messages request, in order."""
    return [block for block in body["messages"][0]["content"] if block["type"] == "image"]


class ClaudeServer(VendorServer):
    """polls: how often a batch is looked at before it has ended. result_of: "", "invalid", "errored", "expired" or
    "canceled" for each request of a batch. lose_create: so many creations are done and never answered."""

    polls = 1
    lose_create = 0

    def __init__(
        self, *args: Any, result_of: Callable[[dict[str, Any]], str] = lambda params: "", **named: Any
    ) -> None:
        super().__init__(*args, **named)
        self.result_of = result_of
        self.batches: list[dict[str, Any]] = []
        self.holds: dict[str, list[dict[str, Any]]] = {}
        self.looked: dict[str, int] = {}

    def is_question(self, method: str, path: str) -> bool:
        return (method, path) == ("POST", "/v1/messages")

    def reply(self, asked: Asked, text: str, kind: str) -> dict[str, Any]:
        return self.message(asked.json, text, kind)

    def message(self, body: dict[str, Any], text: str, kind: str = "") -> dict[str, Any]:
        stop = {"refusal": "refusal", "truncated": "max_tokens"}.get(kind, "end_turn")
        shown = "" if kind == "refusal" else text[: len(text) // 2] if kind == "truncated" else text
        cached = [block for block in pictures(body) if "cache_control" in block]
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self.model_echo or body["model"],
            "content": [{"type": "text", "text": shown}] if shown else [],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 50 + 100 * len(pictures(body)),
                "output_tokens": 1 + len(shown) // 4,
                "cache_read_input_tokens": 40 if cached else 0,
                "cache_creation_input_tokens": 0,
            },
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        kinds = {
            400: "invalid_request_error",
            401: "authentication_error",
            404: "not_found_error",
            529: "overloaded_error",
        }
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}

    def other(self, asked: Asked) -> Response:
        path = asked.path.partition("?")[0]
        if path == "/v1/messages/count_tokens":
            return Response({"input_tokens": 50 + 100 * len(pictures(asked.json))})
        if path == "/v1/messages/batches":
            return self._create(asked) if asked.method == "POST" else self._list()
        parts = path.split("/")
        batch = next((batch for batch in self.batches if batch["id"] == parts[4]), None) if len(parts) > 4 else None
        if batch is None:
            return super().other(asked)
        return self._results(batch) if parts[-1] == "results" else Response(self._looked_at(batch))

    def _create(self, asked: Asked) -> Response:
        requests = asked.json["requests"]
        batch = {
            "id": f"msgbatch_{len(self.batches) + 1}",
            "type": "message_batch",
            "processing_status": "in_progress",
            "created_at": datetime.now(UTC).isoformat(),
            "expires_at": datetime.now(UTC).isoformat(),
            "results_url": None,
            "request_counts": {"processing": len(requests), "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        }
        with self.lock:
            self.batches.insert(0, batch)
        self.holds[batch["id"]] = requests
        if self.lose_create > 0:
            self.lose_create -= 1
            raise ConnectionResetError
        return Response(batch)

    def _list(self) -> Response:
        ids = [batch["id"] for batch in self.batches] or [None]
        return Response({"data": self.batches, "has_more": False, "first_id": ids[0], "last_id": ids[-1]})

    def _looked_at(self, batch: dict[str, Any]) -> dict[str, Any]:
        looked = self.looked[batch["id"]] = self.looked.get(batch["id"], 0) + 1
        if looked > self.polls:
            kinds = [_counted(self.result_of(request["params"])) for request in self.holds[batch["id"]]]
            counts = {kind: kinds.count(kind) for kind in batch["request_counts"]}
            url = f"{self.root}/v1/messages/batches/{batch['id']}/results"
            batch |= {"processing_status": "ended", "request_counts": counts, "results_url": url}
        return batch

    def _results(self, batch: dict[str, Any]) -> Response:
        rows = [self._result(request) for request in reversed(self.holds[batch["id"]])]
        return Response("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        kind, params = self.result_of(request["params"]), request["params"]
        item = self.item_of(params)
        if _counted(kind) == "succeeded":
            asked = Asked("POST", "/v1/messages", {}, params, b"", item)
            with self.lock:
                self.billed[item] += 1
            return {
                "custom_id": request["custom_id"],
                "result": {"type": "succeeded", "message": self.message(params, self.answer(asked), kind)},
            }
        if _counted(kind) == "errored":
            error = self.error(400 if kind == "invalid" else 500, "made to fail")
            return {"custom_id": request["custom_id"], "result": {"type": "errored", "error": error}}
        return {"custom_id": request["custom_id"], "result": {"type": kind}}


def _counted(kind: str) -> str:
    return {"errored": "errored", "invalid": "errored", "expired": "expired", "canceled": "canceled"}.get(
        kind, "succeeded"
    )

"""Chat completions, as vLLM and others serve them."""

from __future__ import annotations

from typing import Any

from tests.vendors.server import Asked, Response, VendorServer


def parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the user's message."""
    found: list[dict[str, Any]] = body["messages"][-1]["content"]
    return found


class ChatServer(VendorServer):
    REQUEST_ID = "x-request-id"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def is_question(self, method: str, path: str) -> bool:
        return (method, path) == ("POST", "/v1/chat/completions")

    def reply(self, asked: Asked, text: str, kind: str) -> dict[str, Any]:
        shown = text[: len(text) // 2] if kind == "truncated" else text
        message: dict[str, Any] = {"role": "assistant", "content": shown}
        if kind == "refusal":
            message = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
        stop = "length" if kind == "truncated" else "stop"
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": self.model_echo or asked.json["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": stop}],
            "usage": {
                "prompt_tokens": 50 + 100 * len(parts(asked.json)),
                "completion_tokens": 1 + len(shown) // 4,
                "total_tokens": 0,
            },
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "error", "code": status}}

    def other(self, asked: Asked) -> Response:
        if asked.path == "/v1/models":
            return Response({"object": "list", "data": [{"id": "tiny-omni", "object": "model", "created": 1}]})
        return super().other(asked)

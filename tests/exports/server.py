"""A server on loopback that gives the planned responses, in OpenAI's protocol and in Gemini's, and fails once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

from tests.exports.items import PLAN

BUSY_ONCE = 2
"""The item whose first request is answered with 503."""


class FakeServer(ThreadingHTTPServer):
    """asked: the content parts of every request that was answered, by item. files: what was uploaded, by its URI.

    silent: every response is a sentence that gives no label.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: dict[int, list[list[dict[str, Any]]]] = {}
        self.files: dict[str, bytes] = {}
        self.failed = 0
        self.silent = False
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, parts: list[dict[str, Any]]) -> str | None:
        """What the item in these parts is answered with, None where the server is busy."""
        number = next(int(found[1]) for part in parts if (found := re.match(r"Item (\d+):", part.get("text", ""))))
        with self.lock:
            if number == BUSY_ONCE and not self.failed:
                self.failed += 1
                return None
            self.asked.setdefault(number, []).append(parts)
        return "A dog barks, and early on the door closes." if self.silent else PLAN[number - 1].response


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/upload/"):
            self._send(200, {}, {"x-goog-upload-url": f"{self.server.url}/put", "x-goog-upload-status": "active"})
        elif self.path == "/put":
            name = f"files/f{len(self.server.files)}"
            self.server.files[f"{self.server.url}/{name}"] = body
            file = {"name": name, "uri": f"{self.server.url}/{name}", "mimeType": "video/mp4", "state": "ACTIVE"}
            self._send(200, {"file": file}, {"x-goog-upload-status": "final"})
        elif self.path.endswith("chat/completions"):
            content = json.loads(body)["messages"][-1]["content"]
            self._say(_completion, [{"type": "text", "text": content}] if isinstance(content, str) else content)
        else:
            self._say(_generated, json.loads(body)["contents"][-1]["parts"])

    def _say(self, form: Callable[[str], dict[str, Any]], parts: list[dict[str, Any]]) -> None:
        text = self.server.answer(parts)
        self._send(503, {"error": {"message": "busy, ask again"}}) if text is None else self._send(200, form(text))

    def _send(self, status: int, body: dict[str, Any], more: Mapping[str, str] = MappingProxyType({})) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the check prints what matters."""


def _completion(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice], "usage": usage}


def _generated(text: str) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    """A server that listens until the block ends."""
    server = FakeServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

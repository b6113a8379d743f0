"""What all vendors' servers share: recording, faults, and counting what would be billed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

FaultKind = Literal[
    "400", "401", "402", "403", "404", "408", "409", "413", "422", "429", "500", "502", "503", "529",
    "drop", "cut", "garbage", "list", "empty", "refusal", "truncated", "prose", "slow",
]  # fmt: skip
PROSE = "I watched the clip closely. The hammer seems to land somewhere around the middle."


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one answer. headers: sent with an error. message: the vendor's words.

    drop: the connection closes before the answer. cut: in the middle of it. slow: the answer takes `seconds`.
    garbage: an answer that is no JSON. list: JSON of another shape. Both are billed.
    """

    kind: FaultKind
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "made to fail"
    seconds: float = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. json: its body, {} when it has none. item: what is being asked about. attempt: from 1, by item."""

    method: str
    path: str
    headers: dict[str, str]
    json: dict[str, Any]
    body: bytes
    item: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back. body: an object, or bytes as they are."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def same_question(body: dict[str, Any]) -> str:
    """The default for `item_of`: the hash of the request's body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]


class VendorServer:
    """A server on loopback, started by `with` (or `start`, `close`).

    answer: the text for a request; faults: for the questions in the order in which they arrive (None = all well);
    fault_of: the fault for a question when `faults` has run out; item_of: what a request's body is about.
    requests: all that was asked. billed: answers sent whole, by item. doubtful: answers made and not received whole.
    """

    REQUEST_ID = "request-id"

    def __init__(
        self,
        answer: Callable[[Asked], str] = lambda asked: '{"ok": true}',
        faults: Iterable[Fault | FaultKind | None] = (),
        fault_of: Callable[[Asked], Fault | FaultKind | None] = lambda asked: None,
        item_of: Callable[[dict[str, Any]], str] = same_question,
    ) -> None:
        self.answer, self.fault_of, self.item_of = answer, fault_of, item_of
        self.faults = deque(faults)
        self.requests: list[Asked] = []
        self.billed: Counter[str] = Counter()
        self.doubtful: Counter[str] = Counter()
        self.model_echo = ""
        self.lock = threading.Lock()
        self.asking = threading.Semaphore(0)
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The base URL to give to an Endpoint."""
        return self.root

    @property
    def questions(self) -> list[Asked]:
        """The requests that ask a model, faulty ones included."""
        return [asked for asked in self.requests if asked.item]

    def start(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # What each vendor says for itself.

    def is_question(self, method: str, path: str) -> bool:
        raise NotImplementedError

    def reply(self, asked: Asked, text: str, kind: str) -> dict[str, Any]:
        """The vendor's JSON around a text. kind: "", "refusal", "truncated", …"""
        raise NotImplementedError

    def error(self, status: int, message: str) -> dict[str, Any]:
        raise NotImplementedError

    def other(self, asked: Asked) -> Response:
        """The answer to anything but a question."""
        return Response(self.error(404, f"no such address: {asked.path}"), 404)

    # Answering.

    def _note(self, asked: Asked) -> Asked:
        with self.lock:
            if self.is_question(asked.method, asked.path.partition("?")[0]):
                item = self.item_of(asked.json) or "?"
                attempt = 1 + sum(earlier.item == item for earlier in self.requests)
                asked = Asked(asked.method, asked.path, asked.headers, asked.json, asked.body, item, attempt)
            self.requests.append(asked)
        self.asking.release()
        return asked

    def _fault(self, asked: Asked) -> Fault | None:
        with self.lock:
            fault = self.faults.popleft() if self.faults else self.fault_of(asked)
        return Fault(fault) if isinstance(fault, str) else fault

    def _answer(self, asked: Asked, handler: BaseHTTPRequestHandler) -> None:
        if not asked.item:
            _write(handler, self.other(asked))
            return
        fault = self._fault(asked)
        kind = fault.kind if fault else ""
        if fault and kind.isdigit():
            _write(handler, Response(self.error(int(kind), fault.message), int(kind), fault.headers))
            return
        if fault and kind == "slow":
            self._closing.wait(fault.seconds)
        text = "" if kind == "empty" else PROSE if kind == "prose" else self.answer(asked)
        odd = {"garbage": b"<html>busy", "list": b'[{"body": 1}]'}.get(kind)
        body = odd or self.reply(asked, text, kind)
        self._send(asked, Response(body, headers={self.REQUEST_ID: f"req-{asked.item}-{asked.attempt}"}), kind, handler)

    def _send(self, asked: Asked, response: Response, kind: str, handler: BaseHTTPRequestHandler) -> None:
        # Counted before the last byte leaves, so that a test that has the answer finds the count.
        whole = kind not in ("drop", "cut")
        with self.lock:
            (self.billed if whole else self.doubtful)[asked.item] += 1
        if kind != "drop":
            _write(handler, response, whole)
        handler.close_connection = True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, _object(body), body)
                try:
                    vendor._answer(vendor._note(asked), self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = do_DELETE = _serve

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _write(handler: BaseHTTPRequestHandler, response: Response, whole: bool = True) -> None:
    as_is = isinstance(response.body, bytes)
    data = response.body if as_is else json.dumps(response.body).encode()
    handler.send_response(response.status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(data)))
    for name, value in response.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data if whole else data[: len(data) // 2])
    handler.wfile.flush()


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}

"""Ray's Jobs API on loopback: a real server that answers as it is told, and can keep who asks waiting."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

JOBS, JOB = "/api/jobs/", "/api/jobs/JOB"
"""Where jobs are submitted, and the job of a run, whatever its id."""


class Dashboard(http.server.BaseHTTPRequestHandler):
    """Answers by path, and waits before that for the path's gate; keeps what it was asked."""

    answers: dict[str, tuple[int, Any]] = {}
    gates: dict[str, threading.Event] = {}
    asked: list[tuple[str, str, Any, str]] = []
    stopped: list[str] = []
    """The ids of the jobs that were to be stopped, as often as that was asked."""

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"null"))

    def _answer(self, body: Any) -> None:
        path = re.sub(r"thud-\w+-[0-9a-f]{8}", "JOB", self.path)
        self.asked.append((self.command, path, body, self.headers.get("Authorization", "")))
        if path in self.gates:
            self.gates[path].wait(30)
        if self.path.endswith("/stop"):
            self.stopped.append(self.path.split("/")[-2])
        code, told = self.answers.get(path, (404, "not there"))
        data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        self.send_response(code)
        if code == 302:
            self.send_header("Location", str(told))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def submitted() -> list[str]:
    """The ids of the jobs that were sent."""
    return [body["submission_id"] for verb, path, body, _ in Dashboard.asked if (verb, path) == ("POST", JOBS)]


@contextmanager
def ray_api() -> Iterator[str]:
    """The address of the server, which knows nothing yet."""
    Dashboard.answers, Dashboard.gates, Dashboard.asked, Dashboard.stopped = {}, {}, [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dashboard)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        for gate in Dashboard.gates.values():
            gate.set()
        server.shutdown()
        server.server_close()
        thread.join()

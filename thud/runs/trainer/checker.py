"""Asks a child process whether a training can go here: it knows the trainers' libraries, this process does not."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from thud.errors import BadRequest, RunFailed
from thud.runs.trainer.child import ROOT, without_keys

LIMIT_S = 120.0
Json = dict[str, Any]


class Checker:
    """One child, started at the first question and again when it has died. Any thread may ask; one at a time is heard.

    The child ends by itself when this process does, for then nobody holds its input open. log: the file that gets what
    its libraries say, of its last start only.
    """

    def __init__(self, limit_s: float = LIMIT_S, log: Path | None = None) -> None:
        self._limit_s = limit_s
        self._log = log
        self._child: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self._turn = threading.Lock()
        self._closed = False

    def __enter__(self) -> Checker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def check(
        self, config: Mapping[str, Any], waive: Sequence[str] = (), device: str = "", elsewhere: bool = False
    ) -> Json:
        """What preflight says of a config: verdict, reasons, command, memory, effort. A wrong field is a reason too.

        device: the GPUs that it is to have, such as "0,1"; "" = all. elsewhere: it trains on another machine, so only
        data, linter and gain are looked at. Raises RunFailed when nobody answers.
        """
        asked = {"do": "check", "config": dict(config), "waive": list(waive), "device": device, "elsewhere": elsewhere}
        try:
            found: Json = self._ask(asked)
        except BadRequest as error:
            reason = {"level": "blocked", "about": "config", "reason": str(error), "fix": "", "waive": ""}
            return {"verdict": "blocked", "reasons": [reason], "config": dict(config)}
        return found

    def recipes(self, **given: str) -> list[Json]:
        """The same of each recipe. given: base, data, adapter, output, where they are known."""
        found: list[Json] = self._ask({"do": "recipes", "given": given})
        return found

    def capability(self, folder: Path, device: str = "") -> Json:
        """What this machine can train with. Libraries are tried once; a new one is seen at the next start.

        folder: whose disk is measured. device: the GPUs that are to be used, as for `check`.
        """
        found: Json = self._ask({"do": "capability", "folder": str(folder.absolute()), "device": device})
        return found

    def close(self) -> None:
        """Ends the child, and whoever waits for its answer waits no longer; nothing can be asked after that."""
        self._closed = True
        child = self._child
        if child is not None:
            _kill(child)
        with self._turn:
            self._end()

    def _ask(self, question: Json) -> Any:
        """The answer. BadRequest with the child's sentence; RunFailed when it died twice or took too long."""
        line = json.dumps(question, ensure_ascii=False)
        with self._turn:
            told = self._told(line) or (None if self._closed else self._told(line))
            if not told:
                raise RunFailed("What this machine can train with cannot be looked up: the process that looks ends.")
        if "error" in told:
            raise BadRequest(told["error"])
        return told["ok"]

    def _told(self, line: str) -> Json | None:
        """What the child says, None when it died over it."""
        child = self._child if self._child and self._child.poll() is None else self._start()
        text = ""
        try:
            assert child.stdin is not None
            child.stdin.write(line + "\n")
            child.stdin.flush()
            text = self._answers.get(timeout=self._limit_s)
        except BrokenPipeError:
            pass  # it has died, which the empty text says
        except queue.Empty:
            self._end()
            limit = f"{self._limit_s:g} s"
            raise RunFailed(f"What this machine can train with was not told within {limit}; try again.") from None
        if not text:
            self._end()  # a process whose threads are still ending would be taken for one that lives
        return json.loads(text) if text else None

    def _start(self) -> subprocess.Popen[str]:
        self._end()
        if self._closed:
            raise RunFailed("What this machine can train with is not looked up any more: thud ends.")
        modules = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        own = {"PYTHONPATH": modules, "OMP_NUM_THREADS": "1", "THUD_ASKER": str(os.getpid())}
        line = [sys.executable, "-m", "training.preflight", "--serve"]
        try:
            with (self._log or Path(os.devnull)).open("wb") as log:
                child = subprocess.Popen(
                    line, env={**without_keys(os.environ), **own}, text=True, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=log, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            raise RunFailed(f"What this machine can train with cannot be looked up: {error}.") from error
        self._child, self._answers = child, queue.Queue()
        threading.Thread(target=_pass_on, args=(child, self._answers), name="checker", daemon=True).start()
        return child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        _kill(child)
        child.wait()
        if child.stdin:
            with contextlib.suppress(OSError):
                child.stdin.close()


def _kill(child: subprocess.Popen[str]) -> None:
    """Ends the child and the processes in which it tries libraries."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _pass_on(child: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
    """Hands on each line of the child, and "" when there are no more."""
    assert child.stdout is not None
    with child.stdout:
        for line in child.stdout:
            answers.put(line)
    answers.put("")

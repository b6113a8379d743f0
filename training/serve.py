"""Preflight as a conversation: a question a line in, an answer a line out, so that libraries are tried only once.

    {"do": "check", "config": {…}, "waive": ["no_gain"]}    -> {"ok": what preflight says of that config}
    {"do": "recipes", "given": {"data": "FOLDER"}}          -> {"ok": [the same of each recipe]}
    {"do": "capability", "folder": "FOLDER"}                -> {"ok": what this machine has, and the disk of FOLDER}

"device": "0,1" leaves only those GPUs ("cpu": none); to a check "elsewhere": true looks at nothing of this machine.
An answer is {"error": a sentence} where a question makes no sense, or a library breaks over it. What libraries print
goes to standard error: a word between two answers would be taken for one.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from thud.errors import BadRequest, ThudError
from training.capability import Capability, capability
from training.config import parse_config
from training.preflight import check_config, check_elsewhere, check_recipe
from training.recipes import recipes

log = logging.getLogger(__name__)

Json = Mapping[str, Any]
ASKER = "THUD_ASKER"
"""The process that asks, as it says itself: its child may come to look only when it has died."""
_LOOK_EVERY_S = 0.2


@contextmanager
def own_output() -> Iterator[TextIO]:
    """Standard output for the caller alone: whatever else is printed, by children too, goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        sys.stdout.flush()
        os.dup2(2, 1)
        yield answers


def serve(questions: TextIO, answers: TextIO) -> int:
    """Answers until there are no more questions; the exit code. It ends at once when whoever asks is gone."""
    parent = int(os.environ.get(ASKER) or os.getppid())
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(questions, lines, parent), daemon=True).start()
    while line := lines.get():
        answers.write(json.dumps(answer(line), ensure_ascii=False, default=str) + "\n")
        answers.flush()
    return 0


def _listen(questions: TextIO, lines: queue.Queue[str], parent: int) -> None:
    """Hands on each line, and "" at the end. Libraries are tried for minutes: that ends with the parent too."""
    for line in questions:
        lines.put(line)
    lines.put("")
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def answer(line: str) -> dict[str, Any]:
    """The answer to one line."""
    try:
        asked = json.loads(line)
    except ValueError as error:
        return {"error": f"The question is no JSON: {error}."}
    try:
        if not isinstance(asked, Mapping) or asked.get("do") not in _DOES:
            raise BadRequest(f"A question is an object whose “do” is one of {', '.join(_DOES)}.")
        return {"ok": _DOES[asked["do"]](asked)}
    except ThudError as error:
        return {"error": str(error)}
    except Exception as error:  # whoever asks gets a sentence, whatever a library raises over an odd model
        log.exception("A question cannot be answered.")
        return {"error": f"The check broke off: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"}


def _check(asked: Json) -> Any:
    config, waived = parse_config(asked.get("config")), asked.get("waive", ())
    if asked.get("elsewhere"):
        return check_elsewhere(config, capability(config.output), waived).to_json()
    return check_config(config, with_device(capability(config.output), asked.get("device", "")), waived).to_json()


def with_device(able: Capability, device: str) -> Capability:
    """The same machine with only the GPUs that `device` names; "" = all, "cpu" = none."""
    if not device:
        return able
    chosen = [] if device == "cpu" else [int(number) for number in device.split(",")]
    return replace(able, gpus=tuple(able.gpus[number] for number in chosen if number < len(able.gpus)))


def _recipes(asked: Json) -> Any:
    told = asked.get("given", {})
    given = {name: Path(value) if name in ("data", "output") else value for name, value in told.items()}
    able = capability(given.get("output") or Path())
    return [check_recipe(one, able, asked.get("waive", ()), **given).to_json() for one in recipes().values()]


def _capability(asked: Json) -> Any:
    return with_device(capability(Path(asked.get("folder", "."))), asked.get("device", "")).to_json()


_DOES: Mapping[str, Callable[[Json], Any]] = {"check": _check, "recipes": _recipes, "capability": _capability}

"""What must hold before and while a listener is scored: it hears, and it stays the same model.

Workers share what was found out through the run's folder, so each question of the canary is asked once a run.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thud.disk import sync
from thud.listeners.asking import Ask
from thud.listeners.canary import run_canary
from thud.listeners.roster import BASELINES, TINY, Listener
from thud.records import Reply
from thud.runs.job import CannotGoOn

NEEDED, OVERRIDDEN, NOT_NEEDED = "needed", "overridden", ""


MEASURED_HERE = "not a model: it is measured here"
NO_WORDS = "not tested: it knows no words for beeps"
NO_SOUND = "not tested: it is given no sound"


def canary_needed(listener: Listener, arm: str) -> bool:
    """Whether a listener must show that it hears before it is scored in this arm."""
    return not why_untested(listener, arm)


def why_untested(listener: Listener, arm: str) -> str:
    """Why a listener need not show that it hears in this arm, "" where it has to.

    The model that ships need not, taught or not: how it gets its sound is nobody's setting.
    """
    if listener.backend in BASELINES:
        return MEASURED_HERE
    if listener.backend == "local" and listener.model == TINY:
        return NO_WORDS
    return NO_SOUND if arm == "picture_only" else ""


def check_hearing(listener: Listener, canary: str, folder: Path, ask: Ask) -> dict[str, Any] | None:
    """How the canary went, None where none is needed. The first worker of a run asks, the others read.

    canary: NEEDED, OVERRIDDEN (a person scores it all the same, and that is recorded) or NOT_NEEDED.
    Raises CannotGoOn when the listener does not hear.
    """
    if canary == NOT_NEEDED:
        return None
    kept = folder / "canary.json"
    with _alone(folder / "canary.lock"):
        if kept.is_file():
            found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        else:
            found = {**run_canary(listener, folder.parent.parent / "cache" / "canary", ask), "override": ""}
            _write(kept, found)
    if found["hears"]:
        return found
    if canary == OVERRIDDEN:
        return {**found, "override": "scored all the same, as asked for"}
    kept.unlink(missing_ok=True)  # resume asks again: the server may have been mended
    missed = next((one for one in found["checks"] if not one["right"]), {"name": "", "said": "", "problem": ""})
    raise CannotGoOn(
        f"The audio canary failed: {found['passed']} of {found['of']} checks of its hearing were right. Nothing was "
        f"scored. Mend how {listener.name} gets its sound and resume, or start again with the override. First miss, "
        f"{missed['name']}: {missed['problem'] or missed['said']}"
    )


def check_model(replies: Iterable[Reply], folder: Path) -> None:
    """Returns when the server still says it is the model that it was when the run began. Else CannotGoOn."""
    for reply in replies:
        if not reply.model_echo:
            continue
        with _alone(folder / "model.lock"):
            kept = folder / "model_echo.txt"
            if not kept.is_file():
                _write(kept, reply.model_echo)
            first = json.loads(kept.read_text("utf-8"))
        if first != reply.model_echo:
            raise CannotGoOn(
                f"The server answered as “{reply.model_echo}”; the run began with “{first}”. Answers of two models are "
                "never mixed: what came before is kept. Ask for the model by its exact name and start a new run."
            )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, value: Any) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    aside.replace(path)
    sync(path.parent)

"""Train: one training as one item. What it has learnt lies in the run's folder, and is a listener once it is done."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.runs.folder import translated
from thud.runs.job import CannotGoOn, LeftOff
from thud.runs.trainer.child import Ended, command, environment, listening, run_module
from thud.runs.trainer.files import METRICS, Progress, progress, report

if TYPE_CHECKING:
    from thud.records import Run
    from thud.store import Store

kind = "train"
GRACE_S = 120.0
"""Time for the step in hand and a checkpoint once a stop is asked for."""
stopping = "Stopping: it finishes the step and writes a checkpoint."
FINISHED = ("done", "early")
WRONG_CONFIG, NO_MEMORY, DISK_FULL = 2, 3, 4
TELLING = (1, WRONG_CONFIG, NO_MEMORY, DISK_FULL)
"""Exit codes of a trainer whose last words are a sentence."""
ON = "THUD_ON"
"""Set where a cluster runs the worker, and has chosen its GPUs."""
Json = dict[str, Any]


def work(item: Json, workspace: Path) -> Json:
    """How the training ended. Raises LeftOff after a stop, CannotGoOn with the sentence why it failed; both go on."""
    folder = workspace / "runs" / item["run"]
    config = placed(item["config"], workspace, folder)
    _write(folder / "config.json", config)
    device = "" if os.environ.get(ON) else item["device"]
    line, told = command(config, str(folder / "config.json")), environment(config, device, GRACE_S)
    before = _written(folder)
    with listening() as asked:
        ended = run_module(line, told, folder, asked)
        stopped = asked()
    return judged(ended, folder, stopped, _written(folder) != before)


def placed(config: Mapping[str, Any], workspace: Path, folder: Path) -> Json:
    """The config with its folders as they lie here; those of the workspace are kept relative to it."""
    inside = {name: str(workspace / config[name]) for name in ("data", "adapter") if config.get(name)}
    return {**config, **inside, "output": str(folder)}


def _write(path: Path, config: Json) -> None:
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise translated(error) from error


def _written(folder: Path) -> int:
    """When the metrics were written last; 0 = never. The trainer rewrites them as soon as it goes on."""
    try:
        return (folder / METRICS).stat().st_mtime_ns
    except OSError:
        return 0


def judged(ended: Ended, folder: Path, stopped: bool, began: bool) -> Json:
    """The result of a training, by its own last line; by its exit code where it did not come to write one."""
    now = progress(folder)
    last = now.end if began or ended.code == 0 else None
    state = last.get("state", "") if last else ""
    if ended.code != WRONG_CONFIG and state in FINISHED:
        return _result(folder, now)
    if state == "failed" and last is not None:
        raise CannotGoOn(last.get("sentence") or _alert(now) or f"Training failed; the log says why. {next_words(now)}")
    if state == "stopped" or (stopped and ended.code != WRONG_CONFIG):
        raise LeftOff(f"Stopped. {next_words(now)}" if now.of else "Stopped before its first step.")
    if ended.code in TELLING and ended.last_line.endswith((".", "?")):
        raise CannotGoOn(ended.last_line)  # its sentence, where it could not write lines
    raise CannotGoOn(f"{_cause(ended)} {next_words(now)}")


def _alert(now: Progress) -> str:
    return str(now.alerts[-1]["sentence"]) if now.alerts else ""


def _cause(ended: Ended) -> str:
    if ended.code == -signal.SIGKILL:
        return "The trainer was killed, often a sign that memory ran out."
    if ended.code == NO_MEMORY:
        return "Memory did not suffice; the log says where."
    if ended.code == DISK_FULL:
        return "The disk is full. Free some space."
    if ended.code < 0:
        return f"The trainer was ended by {signal.Signals(-ended.code).name}."
    return f"The trainer ended with code {ended.code}; the log says why."


def next_words(now: Progress) -> str:
    """What resuming does."""
    if now.checkpoint:
        return f"Resume goes on from the checkpoint of step {now.checkpoint}."
    return "There is no checkpoint yet, so resume begins anew."


def _result(folder: Path, now: Progress) -> Json:
    told = report(folder)
    weights = next((name for name in ("adapter", "model") if (folder / name).is_dir()), "")
    return {
        "state": told.get("state") or (now.end or {}).get("state", "done"), "step": told.get("step", now.step),
        "of": now.of, "adapter": f"runs/{folder.name}/{weights}" if weights else "",
        "held_out": told.get("held_out") or {"before": now.first, "after": now.best, "last": now.last},
        "alerts": [one["sentence"] for one in now.alerts], "tally": {"steps": now.step},
    }  # fmt: skip


def ingest(store: Store, item: Json, result: Json) -> None:
    """Nothing: what it has learnt stays in the run's folder."""


def conclude(store: Store, run: Run) -> None:
    """Makes what was learnt a listener, under the name of base and run."""
    from thud.runs.training.listener import listener_of

    listener = listener_of(store.workspace, run)
    if listener is not None:
        store.define("listener", listener["name"], listener, run.started_by)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How far it has come."""
    said = progress(folder).words
    return f"{said}." if said else ""

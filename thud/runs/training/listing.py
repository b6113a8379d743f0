"""All training runs as a page or a shell shows them: how far, how it goes, what can be done next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from thud.errors import NotFound
from thud.records import Run
from thud.runs.jobs import train
from thud.runs.trainer.child import command_words
from thud.runs.trainer.files import Progress, progress
from thud.runs.training.listener import first_base, listener_name, short_base

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

HIDDEN = "hidden_run"
TrainState = Literal["waiting", "running", "stopping", "done", "failed", "stopped"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out rounds as metrics.jsonl has them, None where there was none. best: of trained weights."""

    first: Json | None = None
    last: Json | None = None
    best: Json | None = None


@dataclass(frozen=True, slots=True)
class TrainRun:
    """One training as it stands. words: how it goes. next: what can be done now, "" while nothing has to be.

    memory_gb: the most that its first process has held so far; expected_gb: as estimated before it began, of a GPU
    only, for without one the libraries are held too. trained_s: seconds of all its steps together.
    checkpoint: the step that resuming goes on from, 0 = the beginning.
    adapter: "runs/ID/adapter" or "runs/ID/model", "" while there is none. listener: the name of what it has taught.
    adapter_run: the run it went on from. command: the line that trains it. deletable: why it cannot be deleted, ""
    where it can.
    """

    run: Run
    name: str
    stage: str
    base: str
    data: str
    recipe: str
    state: TrainState
    words: str
    next: str
    step: int
    of: int
    eta_s: float | None
    seconds_per_step: float | None
    tokens_per_s: float | None
    memory_gb: float | None
    expected_gb: float | None
    trained_s: float
    checkpoint: int
    held_out: HeldOut
    alerts: tuple[Json, ...]
    adapter: str
    listener: str
    chain: tuple[str, int] | None
    adapter_run: str
    device: str
    on: str
    started_by: str
    command: str
    resumable: bool
    deletable: str


def train_runs(store: Store, runs: Runs) -> list[TrainRun]:
    """All training runs that were not deleted, the newest first."""
    trained, needed = _trained(store, runs), _needed(store, runs)
    return [_train_run(store, runs, run, why_kept(run, trained, needed)) for run in trained]


def train_run(store: Store, runs: Runs, run_id: str) -> TrainRun:
    """The training of that id, or of that name. NotFound."""
    trained = _trained(store, runs)
    for run in trained:
        if run_id in (run.id, run.settings["name"]):
            return _train_run(store, runs, run, why_kept(run, trained, _needed(store, runs)))
    raise NotFound(f"There is no training run {run_id[:40]}.")


def _needed(store: Store, runs: Runs) -> dict[str, str]:
    from thud.runs.chain import needed_runs

    return needed_runs(store, runs)


def _trained(store: Store, runs: Runs) -> list[Run]:
    hidden = store.definitions(HIDDEN)
    trained = [run for run in runs.runs() if run.kind == train.kind and run.id not in hidden]
    return sorted(trained, key=lambda run: run.created_at, reverse=True)


def _train_run(store: Store, runs: Runs, run: Run, kept: str) -> TrainRun:
    settings, folder = run.settings, store.workspace / run.folder
    now, state = progress(folder), _state(runs, run)
    weights = "model" if settings["config"].get("tuning") == "full" else "adapter"
    made = (folder / weights).is_dir()
    chain = settings.get("chain")
    listener = listener_name(settings) if run.state == "done" and made else ""
    return TrainRun(
        run=run, name=settings["name"], stage=settings["stage"], base=short_base(first_base(settings)),
        data=settings["data_title"], recipe=settings["recipe"], state=state, words=_words(runs, run, state, now),
        next=_next(state, settings, now, listener), step=now.step, of=now.of,
        eta_s=now.eta_s if state == "running" else None, seconds_per_step=now.seconds, tokens_per_s=now.tokens_per_s,
        memory_gb=now.memory_gb, expected_gb=_expected_gb(settings), trained_s=now.trained_s, checkpoint=now.checkpoint,
        held_out=HeldOut(now.first, now.last, now.best), alerts=now.alerts,
        adapter=f"{run.folder}/{weights}" if made else "", listener=listener,
        chain=(chain[0], chain[1]) if chain else None, adapter_run=settings.get("adapter_run", ""),
        device=settings.get("device") or "", on=settings["wanted"].get("on", ""), started_by=run.started_by,
        command=command_words(settings["config"], settings.get("device") or "", str(folder / "config.json")),
        resumable=state in ("failed", "stopped"), deletable=kept,
    )  # fmt: skip


def _expected_gb(settings: Mapping[str, Any]) -> float | None:
    on_gpu = settings.get("device") not in (None, "", "cpu")
    return settings.get("memory_gb") if on_gpu else None


def _state(runs: Runs, run: Run) -> TrainState:
    if run.state == "queued":
        return "waiting" if run.message else "running"
    if run.state == "running":
        return "running" if runs.stopping_s(run.id) is None else "stopping"
    return "stopped" if run.state == "cancelled" else run.state


def _words(runs: Runs, run: Run, state: TrainState, now: Progress) -> str:
    if state in ("running", "stopping") and (trouble := runs.trouble(run.id)):
        return trouble
    if state == "stopping":
        left_s = runs.stopping_s(run.id) or 0.0
        return f"Finishes step {now.step + 1} and writes a checkpoint; {left_s:.0f} s at most."
    if state == "running":
        return f"{now.words}." if now.words else "Starting: libraries, model and data are loaded."
    return run.message


def _next(state: TrainState, settings: Mapping[str, Any], now: Progress, listener: str) -> str:
    if state in ("failed", "stopped"):
        return train.next_words(now)
    if state != "done" or not listener:
        return ""
    if settings["stage"] == "sft":
        return f"Ask {listener} about held-out clips, or go on from it with DPO."
    return f"Ask {listener} about held-out clips."


def why_kept(run: Run, trained: Sequence[Run], needed: Mapping[str, str]) -> str:
    """Why a run cannot be deleted, "" where it can. trained: all that are there. needed: by id the title of the chain
    at work that goes on from a run; one that is paused teaches its step anew.
    """
    if run.state not in ("done", "failed", "cancelled"):
        return "It is still at work; stop it first."
    later = [one.settings["name"] for one in trained if one.settings.get("adapter_run") == run.id]
    if later:
        return f"{', '.join(sorted(later))} went on from it; delete that first."
    return f"“{needed[run.id]}” still needs it; stop that first." if run.id in needed else ""

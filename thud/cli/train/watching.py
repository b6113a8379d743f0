"""Waiting for trainings and chains in a shell: a bar of steps, one line at each end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.errors import RunFailed

if TYPE_CHECKING:
    from thud.runs.chain import ChainView
    from thud.runs.run import Runs
    from thud.runs.training import TrainRun
    from thud.store import Store

Json = dict[str, Any]
_LOOK_EVERY_S = 0.5


def follow_training(store: Store, runs: Runs, run_id: str, out: Output) -> None:
    """Waits for a training with a bar of its steps, and says how it ended. RunFailed unless it is done."""
    from thud.runs.training import train_run

    now = train_run(store, runs, run_id)
    with _left_alone(now.name, out), out.progress(now.name, now.of or 1) as bar:
        while runs.wait(run_id, _LOOK_EVERY_S).state in ("queued", "running"):
            now = train_run(store, runs, run_id)
            bar.to(now.step, now.of or 1)
    now = train_run(store, runs, run_id)
    out.line(train_row(now), train_words(now))
    if now.state != "done":
        raise RunFailed(f"{now.words} {now.next}".strip())


def follow_chain(store: Store, runs: Runs, chain_id: str, out: Output) -> None:
    """Waits for a chain, with a line for each step that has ended. RunFailed where it pauses."""
    from thud.runs.chain import chain, wait_chain

    view, told = chain(store, runs, chain_id), 0
    with _left_alone(view.title, out), out.progress(view.title, len(view.steps)) as bar:
        while True:
            told = _tell(view, told, out)
            bar.to(told)
            if view.state != "running":
                break
            view = wait_chain(store, runs, chain_id, _LOOK_EVERY_S)
    if view.state != "done":
        raise RunFailed(view.problem or f"“{view.title}” has stopped; train resume goes on.")


def _tell(view: ChainView, told: int, out: Output) -> int:
    """Says what was done since `told` steps; how many are done now."""
    while told < len(view.steps) and view.steps[told].state == "done":
        step = view.steps[told]
        row = {"step": told + 1, "of": len(view.steps), "what": step.words, "run": step.run_id, "message": step.message}
        out.line(row, f"{told + 1}/{len(view.steps)} {step.words}: {step.message or 'done'}")
        told += 1
    return told


@contextmanager
def _left_alone(name: str, out: Output) -> Iterator[None]:
    """Says on Ctrl-C that only the waiting has ended."""
    try:
        yield
    except KeyboardInterrupt:
        out.line({"name": name, "goes_on": True}, f"{name} goes on without this shell; train stop ends it.")
        raise


def train_row(one: TrainRun) -> Json:
    """A training as one JSON object."""
    names = (
        "name", "stage", "base", "data", "recipe", "state", "words", "next", "step", "of", "eta_s", "seconds_per_step",
        "checkpoint", "adapter", "listener", "device", "on", "resumable",
    )  # fmt: skip
    held = {name: getattr(one.held_out, name) for name in ("first", "last", "best")}
    return {"run": one.run.id, **{name: getattr(one, name) for name in names}, "held_out": held}


def train_words(one: TrainRun) -> str:
    """A training in a line or two."""
    begun = f"step {one.step} of {one.of}, " if one.of else ""
    line = f"{one.name:10} {one.state:8} {one.stage.upper()} of {one.base} on {one.data}: {begun}{_held(one)}"
    more = [part for part in (one.words, one.next, f"Listener: {one.listener}." if one.listener else "") if part]
    return "\n".join([line.rstrip(" ,:"), *(f"{'':20}{part}" for part in more)])


def _held(one: TrainRun) -> str:
    shares = [(line or {}).get("accuracy", {}).get("all") for line in (one.held_out.first, one.held_out.best)]
    told = ["not asked" if share is None else f"{share:.1%}" for share in shares]
    return "" if shares == [None, None] else f"held out {told[0]} before, {told[1]} at best"

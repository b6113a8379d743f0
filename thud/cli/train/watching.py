"""Waiting for trainings and chains in a shell: a bar of steps, one line at each end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.errors import RunFailed

if TYPE_CHECKING:
    from thud.records import Run
    from thud.runs.chain import ChainStep, ChainView
    from thud.runs.run import Runs
    from thud.runs.training import TrainRun
    from thud.store import Store

Json = dict[str, Any]
_LOOK_EVERY_S = 0.5


def follow_training(store: Store, runs: Runs, run_id: str, out: Output) -> None:
    """Waits for a training with a bar of its steps, and says how it ended. RunFailed unless it is done."""
    from thud.runs.training import train_run

    now = train_run(store, runs, run_id)
    waits = partial(held_back, runs, run_id, now.name)
    with _left_alone(now.name, out, waits), out.progress(now.name, now.of or 1) as bar:
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
    after = " " + comes_after(chain_id)
    waits = partial(chain_held_back, store, runs, chain_id)
    with _left_alone(view.title, out, waits, after), out.progress(view.title, len(view.steps)) as bar:
        while True:
            told = _tell(view, told, out)
            bar.to(told)
            if view.state != "running":
                break
            view = wait_chain(store, runs, chain_id, _LOOK_EVERY_S)
    if view.state != "done":
        raise RunFailed(f"{view.problem or f'“{view.title}” has stopped.'} {_goes_on(view)}.")


def _goes_on(view: ChainView) -> str:
    """How a chain is taken up, and what accepts that which it waits for."""
    accepting = " ".join(f"--waive {name}" for name in view.waive)
    return f"train resume {view.id} goes on" + (f", and with {accepting} it accepts that" if accepting else "")


def comes_after(chain_id: str) -> str:
    """What starts the next steps of a chain once this process has ended."""
    return f"What comes after it starts when thud is open again, or by train resume {chain_id}."


def _tell(view: ChainView, told: int, out: Output) -> int:
    """Says what was done since `told` steps; how many are done now."""
    while told < len(view.steps) and view.steps[told].state == "done":
        step = view.steps[told]
        row = {"step": told + 1, "of": len(view.steps), "what": step.words, "run": step.run_id, "message": step.message}
        out.line(row, f"{told + 1}/{len(view.steps)} {step.words}: {step.message or 'done'}")
        told += 1
    return told


def after_export(store: Store, runs: Runs, run: Run, out: Output) -> str:
    """The id of the training that `run` is, or that follows it once the set is exported: that is waited for.

    Nobody else would start it when this process has ended. RunFailed where it does not come to it.
    """
    from thud.runs.chain import chain, chains_held, run_of_step
    from thud.runs.jobs import train

    chain_id = run.settings.get("chain", [""])[0]
    waits = partial(chain_held_back, store, runs, chain_id)
    with _left_alone(run.title, out, waits, f" train resume {chain_id} then starts the training."):
        while run.kind != train.kind:
            view = chain(store, runs, chain_id)
            if view.state == "paused":
                raise RunFailed(f"{view.problem} {_goes_on(view)}.")
            time.sleep(_LOOK_EVERY_S)
            with chains_held():  # what is listed has begun, or is in line
                run = run_of_step(runs, chain_id, 0) or run
    return run.id


def held_back(runs: Runs, run_id: str, name: str) -> str:
    """What a run waits for and what starts it once this process has ended; "" where nothing holds it back.

    name: what `train resume` knows it by, or its chain.
    """
    if runs.waits_for(run_id) is None:
        return ""
    return f"{runs.run(run_id).message} It starts when thud is open again, or by train resume {name}."


def chain_held_back(store: Store, runs: Runs, chain_id: str) -> str:
    """As `held_back`, of the run that a chain is at."""
    from thud.runs.chain import chain

    at = [step.run_id for step in chain(store, runs, chain_id).steps if step.state == "waiting"]
    return held_back(runs, at[0], chain_id) if at else ""


def paused_chain(store: Store, runs: Runs, name: str) -> ChainView | None:
    """The chain of that id or title that is not done, or that which stands still at the training of that name.

    None where the training stands for itself.
    """
    from thud.runs.chain import chains

    for view in chains(store, runs):
        if view.state != "done" and name in (view.id, view.title):
            return view
        if view.state == "paused" and any(_is_at(runs, step, name) for step in view.steps):
            return view
    return None


def _is_at(runs: Runs, step: ChainStep, name: str) -> bool:
    if step.state not in ("failed", "stopped") or not step.run_id:
        return False
    return name in (step.run_id, runs.run(step.run_id).settings.get("name"))


@contextmanager
def _left_alone(name: str, out: Output, waits: Callable[[], str], after: str = "") -> Iterator[None]:
    """Says on Ctrl-C that only the waiting has ended: what is at work goes on. after: what does not begin by itself.

    waits: says why nothing is at work yet, "" where something is.
    """
    try:
        yield
    except KeyboardInterrupt:
        held = waits()
        words = held or f"what is at work goes on without this shell; train stop ends it.{after}"
        out.line({"name": name, "goes_on": not held, "pauses": bool(held or after)}, f"{name}: {words}")
        raise


def chain_row(view: ChainView) -> Json:
    """A chain as one JSON object."""
    done = sum(step.state == "done" for step in view.steps)
    return {
        "chain": view.id, "title": view.title, "state": view.state, "step": done, "of": len(view.steps),
        "problem": view.problem, "waive": list(view.waive),
    }  # fmt: skip


def chain_words(view: ChainView) -> str:
    """A chain in a line or two."""
    row = chain_row(view)
    line = f"{view.title}: {view.state} after {row['step']} of {row['of']} steps; {_goes_on(view)}"
    return "\n".join([line, *([f"{'':20}{view.problem}"] if view.problem else [])])


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

"""The demo taught to listen, the whole way that its one button goes, and what the Train page then shows of it.

teaching(folder, seed)   (what became of it, minutes by step); rows() judges it. `python -m tests.bench.demo_training
[SEED]` prints the rows; SEED is of the held-out clips: another than the usual gives clips that nothing was tuned on.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tests.bench.rows import Row, judge, show
from thud.evaluation.before_after import BeforeAfter
from thud.records import Run
from thud.runs import first_start as first
from thud.runs.chain import chain, wait_chain
from thud.runs.jobs.demo import HELD_OUT_SEED
from thud.runs.run import Runs
from thud.runs.training.measuring import measured
from thud.runs.training.teaching import teach_tiny
from thud.statistics import Estimate
from thud.store import Store, open_store

BY = "bench"


def teaching(folder: Path, seed: int = HELD_OUT_SEED) -> tuple[BeforeAfter, dict[str, float]]:
    """(what became of it, minutes by step), all of it in `folder`."""
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    with open_store(folder / "annotations.duckdb", workspace) as store, Runs(store, workspace) as runs:
        _make_clips(store, runs, seed)
        chain_id = teach_tiny(store, runs, BY)
        view = wait_chain(store, runs, chain_id)
        assert view.state == "done", view.problem
        steps = chain(store, runs, chain_id).steps
        taught = [runs.run(step.run_id) for step in steps if step.run_id]
        last = [run.id for run in taught if run.kind == "train"][-1]
        told = measured(store, runs, last)
        assert told.found is not None and not told.missing, (told.why, told.missing)
        return told.found, _minutes(taught)


def rows(seed: int = HELD_OUT_SEED) -> list[Row]:
    """Accuracy classes alike, with what the sound alone allows and the other pictures' beside it."""
    with tempfile.TemporaryDirectory() as name:
        return judged(*teaching(Path(name) / "demo", seed))


def judged(found: BeforeAfter, minutes: Mapping[str, float]) -> list[Row]:
    """The rows of one teaching."""
    ceiling = _percent(found.ceiling.estimate.value)
    made = [judge("the sound alone allows, four ways", ceiling, "%", limit=60.0)]
    for stage in found.stages:
        made += _accuracy(stage.name, stage.accuracy)
        if stage.shuffled is not None:
            made += _accuracy(f"{stage.name}, other picture", stage.shuffled)
    last, whole = found.stages[-1], found.steps[-1]
    made.append(
        judge("above what the sound allows, at least", _percent(last.over.low), "points", limit=0.0, sense="at least")
    )
    made.append(judge("first against last, p", whole.p, "", limit=0.05))
    made.append(judge("first against last, counts", float(whole.counts or False), "", limit=1.0, sense="at least"))
    made += [judge(step, value, "minutes") for step, value in minutes.items()]
    return [*made, judge("all of it", sum(minutes.values()), "minutes")]


def _accuracy(words: str, one: Estimate) -> list[Row]:
    named = {"": one.value, ", from": one.low, ", to": one.high}
    return [judge(f"tiny, held out, {words}{end}", _percent(share), "%") for end, share in named.items()]


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share


def _make_clips(store: Store, runs: Runs, seed: int) -> None:
    """What the demo's workspace has before the button is pressed: its clips and those for testing, built and asked."""
    _done(runs, first.start_demo(runs, BY))
    _done(runs, first.start_build(store, runs, None, BY))
    first.place_demo_times(store, runs, BY)
    _done(runs, first.start_held_out(store, runs, BY, seed))
    _done(runs, first.build_held_out(store, runs, BY))
    first.ask_baselines(store, runs, BY)
    for run in runs.runs():
        _done(runs, run)


def _done(runs: Runs, run: Run | None) -> None:
    assert run is not None
    ended = runs.wait(run.id)
    assert ended.state == "done", ended.message


def _minutes(taught: list[Run]) -> dict[str, float]:
    """How long the runs of a kind took, by its name."""
    minutes: dict[str, float] = {}
    for run in taught:
        name = str(run.settings["stage"]).upper() if run.kind == "train" else run.kind
        took = datetime.fromisoformat(run.finished_at) - datetime.fromisoformat(run.created_at)
        minutes[name] = minutes.get(name, 0.0) + took.total_seconds() / 60
    return minutes


if __name__ == "__main__":
    sys.exit(show(rows(*map(int, sys.argv[1:2]))))

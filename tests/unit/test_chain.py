"""Chains: what follows what, what pauses them, and that a closed app loses none of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.train_kit import end, journal, put_run
from tests.training.run_kit import lines
from tests.unit.runs_kit import until
from tests.unit.train_kit import FIELDS, Made, Place, make, opened
from thud.errors import BadRequest, NotFound
from thud.records import Run
from thud.runs.chain import (
    ChainView,
    advance,
    chain,
    chains,
    chains_held,
    go_on,
    run_of_step,
    start_chain,
    stop_chain,
    wait_chain,
)
from thud.runs.clusters.cluster import PLACES
from thud.runs.folder import read_plan
from thud.runs.pairs.files import start_import
from thud.runs.run import Runs
from thud.runs.trainer.child import at_work
from thud.runs.training import delete_run, plan_training, standing_export, start_training, train_run

WAIVED = ["never_linted", "no_gain", "not_measured"]
EXPORT = {"do": "export_pairs"}
NOBODY = {"do": "ask", "listener": "always-synced"}
"""A step with nothing to do: there are no stimuli here."""
NOWHERE = {"do": "ask", "listener": "always-synced", "source": "no such source"}
"""A step that cannot start."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def place(tmp_path: Path, made: Made) -> Iterator[Place]:
    with opened(tmp_path, made) as found:
        yield found


def a_set(place: Place, export: Path | None = None) -> str:
    """The id of a pair set that was taken in from an export, from the one there is unless another is given."""
    export = export or Path(place.made.export)
    run = place.runs.wait(start_import(place.store, place.runs, export, (), "ann").id, 60)
    assert run.state == "done", run.message
    return str(place.runs.results(run.id)[0]["result"]["set"])


def start(place: Place, *steps: Mapping[str, Any]) -> str:
    return start_chain(place.store, place.runs, "Teach", steps, "ann", kind="test")


def wait(place: Place, chain_id: str) -> ChainView:
    return wait_chain(place.store, place.runs, chain_id, 200)


def training(place: Place, set_id: Any, **more: Any) -> dict[str, Any]:
    given = {"do": "train", "stage": "sft", "base": place.made.base, "set": set_id, "device": "cpu", "waive": WAIVED}
    return {**given, "fields": FIELDS, **more}


def states(view: ChainView) -> list[str]:
    return [step.state for step in view.steps]


def test_one_step_after_another(place: Place) -> None:
    """An export by itself, a training on it, then the same set again, which is exported already."""
    chosen = a_set(place)
    chain_id = start(
        place, EXPORT | {"set": chosen}, training(place, {"step": 0}), EXPORT | {"set": chosen},
        NOBODY,
    )  # fmt: skip
    view = wait(place, chain_id)
    assert (view.state, states(view), view.problem) == ("done", ["done"] * 4, ""), view
    assert [step.words for step in view.steps[:2]] == ["Export the pairs", "Train by SFT"]
    assert "exported already" in view.steps[2].message and "nothing to ask" in view.steps[3].message
    run = place.runs.run(view.steps[1].run_id)
    assert run.settings["chain"] == [chain_id, 1]
    row = train_run(place.store, place.runs, run.id)
    assert (row.chain, row.state) == ((chain_id, 1), "done")
    assert run.settings["data"] == f"exports/pairs/{standing_export(place.store, place.runs, chosen)}"
    before = place.runs.runs()
    advance(place.store, place.runs)
    assert place.runs.runs() == before, "a chain that is done starts nothing"
    assert chains(place.store, place.runs) == [chain(place.store, place.runs, chain_id)]


def test_a_training_exports_its_set_and_can_be_stopped_and_gone_on_with(place: Place) -> None:
    """A set that was never exported, under one step alone; the app is closed in its middle."""
    chosen = a_set(place)
    with Runs(place.store, place.folder) as closed:
        there = Place(place.store, closed, place.folder, place.made)
        chain_id = start(there, training(there, chosen, fields={**FIELDS, "max_steps": 30}), NOBODY)
        first = run_of_step(closed, chain_id, 0)
        assert first is not None and first.kind == "pairs_export"
    place.runs.recover()
    until(lambda: _kind(place, chain_id) == "train", limit_s=200)
    run = run_of_step(place.runs, chain_id, 0)
    assert run is not None
    place.at_step(run, 2)
    stop_chain(place.store, place.runs, chain_id, "ann")
    view = wait(place, chain_id)
    assert (view.state, states(view)) == ("paused", ["stopped", "ahead"])
    assert "Stopped." in view.problem
    go_on(place.store, place.runs, chain_id, "ann")
    view = wait(place, chain_id)
    assert (view.state, states(view)) == ("done", ["done", "done"]), view
    assert view.steps[0].run_id == run.id, "the same run has gone on"
    assert lines(place.of(run), "begin")[-1]["from_step"] > 0


def _kind(place: Place, chain_id: str) -> str:
    run = run_of_step(place.runs, chain_id, 0)
    return run.kind if run else ""


def test_a_step_that_cannot_start_pauses_the_chain(place: Place) -> None:
    chosen = a_set(place)
    chain_id = start(place, {"do": "export_pairs", "set": chosen}, NOWHERE)
    view = wait(place, chain_id)
    assert (view.state, states(view)) == ("paused", ["done", "failed"])
    assert "no clips whose source begins with" in view.problem
    with pytest.raises(BadRequest, match="Nothing of"):
        stop_chain(place.store, place.runs, chain_id, "ann")
    go_on(place.store, place.runs, chain_id, "ann")
    assert wait(place, chain_id).problem == view.problem
    with pytest.raises(NotFound):
        go_on(place.store, place.runs, "none", "ann")


def test_a_stop_holds_even_where_the_run_comes_to_its_end(place: Place) -> None:
    chosen = a_set(place)
    with chains_held():  # the next step cannot start meanwhile
        chain_id = start(place, EXPORT | {"set": chosen}, EXPORT | {"set": chosen}, NOBODY)
        run = run_of_step(place.runs, chain_id, 0)
        assert run is not None and place.runs.wait(run.id, 60).state == "done"
        stop_chain(place.store, place.runs, chain_id, "ann")
    advance(place.store, place.runs)
    view = chain(place.store, place.runs, chain_id)
    assert (view.state, states(view), view.problem) == ("paused", ["done", "stopped", "ahead"], "Stopped by ann.")
    with pytest.raises(BadRequest, match="Nothing of"):
        stop_chain(place.store, place.runs, chain_id, "ann")
    go_on(place.store, place.runs, chain_id, "ann")
    assert wait(place, chain_id).state == "done"
    with pytest.raises(BadRequest, match="not paused"):
        go_on(place.store, place.runs, chain_id, "ann")


def test_one_press_goes_on_where_a_run_could_not_begin_or_was_deleted(place: Place) -> None:
    chosen = a_set(place)
    chain_id = start(place, EXPORT | {"set": chosen}, training(place, chosen, device="1", name="mine"))
    hold = place.runs.wait(run_of(place, chain_id, 0).id, 60)
    assert hold.state == "done"
    until(lambda: run_of_step(place.runs, chain_id, 1) is not None, limit_s=200)
    broken = run_of(place, chain_id, 1)
    assert broken.settings["name"] == "mine"
    place.runs.cancel(broken.id, now=True)
    body = place.store.definitions("chain")[chain_id]
    stuck = {"step": 1, "problem": "The worker cannot be started.", "held": False}
    place.store.define("chain", chain_id, {**body, "stuck": stuck}, "ann")
    go_on(place.store, place.runs, chain_id, "ann")
    assert place.runs.run(broken.id).state in ("queued", "running"), "the same run goes on"
    place.runs.cancel(broken.id, now=True)
    until(lambda: not trainer_at_work(place, broken))
    delete_run(place.store, place.runs, broken.id, "ann")
    view = chain(place.store, place.runs, chain_id)
    assert (view.state, view.steps[1].run_id) == ("paused", "") and "deleted" in view.problem
    go_on(place.store, place.runs, chain_id, "ann")
    assert run_of(place, chain_id, 1).id != broken.id
    assert run_of(place, chain_id, 1).settings["name"] == "mine"
    place.runs.cancel(run_of(place, chain_id, 1).id, now=True)


def trainer_at_work(place: Place, run: Run) -> bool:
    return at_work(place.of(run))


def run_of(place: Place, chain_id: str, index: int) -> Run:
    run = run_of_step(place.runs, chain_id, index)
    assert run is not None
    return run


def test_an_odd_chain_does_not_hold_up_the_others(place: Place) -> None:
    place.store.define("chain", "0 odd", {"title": "Odd", "at": "", "steps": [{}]}, "ann")
    chain_id = start(place, EXPORT | {"set": a_set(place)}, NOBODY)
    until(lambda: chain(place.store, place.runs, chain_id).state == "done", limit_s=100)


def test_the_name_of_a_training_that_comes_later_is_its_own(place: Place) -> None:
    chosen = a_set(place)
    plan = plan_training(place.store, place.runs, place.wanted(export="", set_id=chosen))
    assert plan.exports and plan.name == "sft-0001" and plan.wanted.name == ""
    run = start_training(place.store, place.runs, plan, "ann")
    (body,) = place.store.definitions("chain").values()
    assert body["steps"][0]["name"] == "" and "set_id" not in body["steps"][0]
    stop_chain(place.store, place.runs, run.settings["chain"][0], "ann", now=True)
    place.store.define("chain", "other", {**body, "steps": [{**body["steps"][0], "name": "sft-0001"}]}, "ann")
    assert plan_training(place.store, place.runs, place.wanted()).name == "sft-0002", "the other is promised"
    with pytest.raises(BadRequest, match="promised to “Export, then SFT”; go on with that, or choose another"):
        plan_training(place.store, place.runs, place.wanted(name="sft-0001"))


def test_what_a_chain_needs_later_stays_until_it_is_stopped_and_is_then_taught_anew(place: Place) -> None:
    sft = put_run(place.store, "sft-0001", "done", [*journal(4, 4), end("done", 4)], chain=["c0ffee", 0])
    steps = [training(place, "", export=place.made.export), training(place, "", stage="dpo", adapter={"step": 0})]
    chain_id = keep_chain(place, "c0ffee", steps)
    with pytest.raises(BadRequest, match="“By hand” still needs it; stop that first"):
        delete_run(place.store, place.runs, sft.id, "ann")
    stop_chain(place.store, place.runs, chain_id, "ann")
    delete_run(place.store, place.runs, sft.id, "ann")
    keep_chain(place, "c0ffee", steps)  # whoever stopped it is forgotten
    view = chain(place.store, place.runs, chain_id)
    assert (view.state, states(view)) == ("paused", ["stopped", "ahead"]) and "was deleted" in view.problem
    advance(place.store, place.runs)
    assert run_of(place, chain_id, 0).id == sft.id, "nobody has asked for another"
    go_on(place.store, place.runs, chain_id, "ann")
    again = run_of(place, chain_id, 0)
    assert again.id != sft.id and chain(place.store, place.runs, chain_id).state == "running"
    place.runs.cancel(again.id, now=True)


def keep_chain(place: Place, chain_id: str, steps: list[dict[str, Any]]) -> str:
    """A chain whose runs were written by hand."""
    body = {"title": "By hand", "kind": "", "steps": steps, "by": "ann", "at": "", "nothing": {}, "stuck": None}
    place.store.define("chain", chain_id, body, "ann")
    return chain_id


def test_what_no_later_step_needs_can_go(place: Place) -> None:
    done = [*journal(4, 4), end("done", 4)]
    dpo = put_run(place.store, "dpo-0002", "done", done, chain=["c0ffee", 1])
    steps = [training(place, "", name="first"), training(place, "", stage="dpo", adapter={"step": 0}), NOWHERE]
    keep_chain(place, "c0ffee", steps)
    delete_run(place.store, place.runs, dpo.id, "ann")
    assert chain(place.store, place.runs, "c0ffee").steps[1].state == "done"


def test_a_chain_is_worked_where_it_was_started(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by those who send their own runs elsewhere; and where its place may not be used it says so."""
    shorter = shutil.copytree(place.made.export, tmp_path / "shorter")
    rows = (shorter / "train.jsonl").read_text().splitlines(keepends=True)
    (shorter / "train.jsonl").write_text("".join(rows[:-1]))
    sets = a_set(place), a_set(place, shorter)
    monkeypatch.setenv(PLACES, "slurm")
    with chains_held():
        chain_id = start(place, *(EXPORT | {"set": one} for one in sets))
        assert place.runs.wait(run_of(place, chain_id, 0).id, 60).state == "done"
        body = place.store.definitions("chain")[chain_id]
        place.store.define("chain", chain_id, {**body, "on": "http://127.0.0.1:1"}, "ann")
    view = wait(place, chain_id)
    assert (view.state, states(view)) == ("paused", ["done", "failed"])
    assert view.problem == f"Runs cannot be sent to http://127.0.0.1:1. {PLACES} allows slurm."
    place.store.define("chain", chain_id, {**body, "stuck": {"step": 1, "problem": "", "held": False}}, "ann")
    with Runs(place.store, place.folder, on="slurm", takes_up=False) as elsewhere:
        go_on(place.store, elsewhere, chain_id, "ann")
        run = elsewhere.wait(run_of_step(elsewhere, chain_id, 1).id, 60)  # type: ignore[union-attr]
    assert run.state == "done" and read_plan(place.of(run)).header.on == body["on"] == ""


def test_a_first_step_that_cannot_start_leaves_nothing(place: Place) -> None:
    with pytest.raises(BadRequest, match="no clips"):
        start(place, NOWHERE, NOBODY)
    assert chains(place.store, place.runs) == []


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "at least one"),
        ([{"do": "dance"}], "does 'dance'"),
        ([{"do": "train", "set": "x"}], "needs stage"),
        ([{"do": "export_pairs", "set": {"step": 0}}], "before it"),
        ([NOBODY, {"do": "train", "stage": "dpo", "adapter": {"step": 0}}], "before it that does train"),
        ([{"do": "ask", "listener": {"stop": 0}}], "before it that does train"),
    ],
)
def test_chains_that_make_no_sense_are_refused(place: Place, steps: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        start(place, *steps)


def test_a_run_of_a_chain_is_known_by_its_mark(place: Place) -> None:
    chosen = a_set(place)
    chain_id = start(place, {"do": "export_pairs", "set": chosen})
    run = run_of_step(place.runs, chain_id, 0)
    assert isinstance(run, Run) and run.settings["chain"] == [chain_id, 0]
    assert run_of_step(place.runs, chain_id, 1) is None
    assert wait(place, chain_id).state == "done"

"""What follows a training by itself: its steps, what keeps it from following, and that DPO's own gate still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.train_kit import held_out_stimuli, keep_adapter, some_runs
from tests.unit.store_samples import a_clip
from tests.unit.test_chain import a_set
from tests.unit.test_teaching import put_set
from tests.unit.train_kit import FIELDS, make, opened
from thud.errors import BadRequest
from thud.listeners.questions import DEMO
from thud.runs.chain import chains, go_on, run_of_step, wait_chain
from thud.runs.chain_steps import check_steps, step_words
from thud.runs.run import Runs
from thud.runs.training import TrainWanted, plan_training
from thud.runs.training.afterwards import AFTER, Afterwards, Ahead, chain_of, look_ahead, start_with
from thud.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path / "workspace", min_free_bytes=0) as opened_:
        yield opened_


@pytest.fixture
def runs(store: Store) -> Iterator[Runs]:
    with Runs(store, store.workspace) as made:
        yield made


def pairs(store: Store, stage: str, split_of: dict[str, str] | None = None, split: str = "validation") -> str:
    """A set for that stage, all of whose pairs are of one split."""
    at_s = 1.0 if stage == "sft" else 2.0
    made = put_set(store, {"early": at_s, "synced": at_s + 1}, split, split_of)
    store.define("pair_set", made, {**store.definitions("pair_set")[made], "stage": stage, "title": stage}, "ana")
    return made


def ahead(store: Store, runs: Runs, wanted: TrainWanted, **after: Any) -> Ahead:
    return look_ahead(store, runs, wanted, plan_training(store, runs, wanted), Afterwards(**after))


def steps(store: Store, runs: Runs, wanted: TrainWanted, **after: Any) -> list[dict[str, Any]]:
    found = ahead(store, runs, wanted, **after)
    assert found.blocked == ""
    made = chain_of(store, runs, plan_training(store, runs, wanted), found, "ana")
    check_steps(made)
    return made


def test_dpo_goes_on_from_sft_and_everyone_is_asked_on_clips_that_neither_learnt_from(store: Store, runs: Runs) -> None:
    stimuli = held_out_stimuli(store, 4)
    first, second, third, _ = dict.fromkeys(one.clip_id for one in stimuli.values())
    learnt, chosen = pairs(store, "sft", {first: "train", second: "test"}), pairs(store, "dpo", {third: "test"})
    folder = str(store.workspace / "models" / "Omni")
    wanted = TrainWanted("sft", base=folder, recipe="qlora-one-gpu-sft", set_id=learnt, device="0", on="slurm:gpu")
    made = steps(store, runs, wanted, recipe="qlora-one-gpu-dpo", set_id=chosen, ask=True)
    assert [step["do"] for step in made] == ["train", "train", *["ask"] * 6]
    sft, dpo, *asked = made
    assert (sft["set"], dpo["set"], dpo["adapter"], dpo["recipe"]) == (
        learnt, chosen, {"step": 0}, "qlora-one-gpu-dpo",
    )  # fmt: skip
    assert sft["base"] == dpo["base"] == folder and sft["on"] == dpo["on"] == "slurm:gpu" and dpo["waive"] == []
    everyone = [{"step": 0, "before": True}, {"step": 0}, {"step": 1}]
    assert [(one["listener"], one["arm"]) for one in asked] == [
        (one, arm) for arm in ("audio_video", "shuffled_picture") for one in everyone
    ]
    assert {tuple(one["clips"]) for one in asked} == {(third,)} and {one["question_set"] for one in asked} == {
        "structured"
    }
    assert step_words(asked[0]) == "Ask what step 1 began with"
    assert [step["do"] for step in steps(store, runs, wanted, ask=True)] == ["train", *["ask"] * 4]
    undecided = ahead(store, runs, wanted, recipe="qlora-one-gpu-dpo", ask=True)
    assert "Choose the pairs" in undecided.train and undecided.ask == "", "nothing is known against asking yet"


def test_what_came_before_is_asked_too(store: Store, runs: Runs) -> None:
    made = some_runs(store)
    held_out_stimuli(store, 2)
    keep_adapter(store, made["sft-0001"])
    chosen = pairs(store, "dpo")
    wanted = TrainWanted("dpo", recipe="demo-dpo", set_id=chosen, adapter_run=made["sft-0001"].id, device="cpu")
    plan = replace(plan_training(store, runs, replace(wanted, adapter_run="")), wanted=wanted)
    asked = chain_of(store, runs, plan, look_ahead(store, runs, wanted, plan, Afterwards(ask=True)), "ana")[1:]
    assert [one["listener"] for one in asked[:3]] == ["tiny", "tiny sft-0001", {"step": 0}]
    assert {one["question_set"] for one in asked} == {DEMO.name}


@pytest.mark.parametrize(
    ("recipe", "stage", "fields", "said"),
    [
        ("qlora-one-gpu-dpo", "dpo", {}, "is for Qwen2.5-Omni-7B, not for tiny"),
        ("demo-sft", "dpo", {}, "is for SFT, not for DPO"),
        ("nothing", "dpo", {}, "no training recipe"),
        ("demo-dpo", "sft", {}, "has no rejected answers"),
        ("demo-dpo", "", {}, "Choose the pairs"),
        ("demo-dpo", "dpo", {"eval_every": 0}, "eval_every is 0"),
    ],
)
def test_what_cannot_follow_is_said_before_anything_starts(
    store: Store, runs: Runs, recipe: str, stage: str, fields: dict[str, Any], said: str
) -> None:
    learnt = pairs(store, "sft")
    chosen = {"sft": learnt, "dpo": pairs(store, "dpo"), "": ""}[stage]
    wanted = TrainWanted("sft", recipe="demo-sft", set_id=learnt, fields=fields, device="cpu")
    plan, found = plan_training(store, runs, wanted), ahead(store, runs, wanted, recipe=recipe, set_id=chosen)
    assert said in found.train and found.blocked == found.train
    with pytest.raises(BadRequest, match=said):
        start_with(store, runs, plan, found, "ana")
    assert chains(store, runs) == [] and runs.runs() == []


def test_where_nothing_is_held_out_nobody_can_be_asked(store: Store, runs: Runs) -> None:
    store.add_clips([a_clip(1)], "ana")
    told = (
        (None, "nobody knows"), ({a_clip(1).id: "train"}, "Freeze the test clips"),
        ({a_clip(1).id: "test"}, "None of the 1 held-out clips has soundtracks"),
    )  # fmt: skip
    for at_s, (split_of, said) in enumerate(told, 1):
        learnt = put_set(store, {"early": float(at_s)}, "train", split_of)
        wanted = TrainWanted("sft", recipe="demo-sft", set_id=learnt, device="cpu")
        found = ahead(store, runs, wanted, ask=True)
        assert said in found.ask and found.blocked == found.ask and found.train == ""
        assert ahead(store, runs, wanted).blocked == "", "nobody is to be asked"


def test_sft_that_nothing_checks_is_not_followed_by_dpo(store: Store, runs: Runs) -> None:
    learnt, chosen = pairs(store, "sft", split="train"), pairs(store, "dpo")
    wanted = TrainWanted("sft", recipe="demo-sft", set_id=learnt, device="cpu")
    assert "No pairs of “By hand” are held out" in ahead(store, runs, wanted, recipe="demo-dpo", set_id=chosen).train
    waived = replace(wanted, waive=("not_measured",))
    assert ahead(store, runs, waived, recipe="demo-dpo", set_id=chosen).train == ""


def test_dpo_follows_sft_only(store: Store, runs: Runs) -> None:
    chosen = pairs(store, "dpo")
    wanted = TrainWanted("dpo", recipe="demo-dpo", set_id=chosen, device="cpu")
    assert "follows SFT only" in ahead(store, runs, wanted, recipe="demo-dpo", set_id=chosen).train


def test_dpo_starts_only_where_sft_has_gained_and_the_chain_waits_with_the_reason(tmp_path: Path) -> None:
    """SFT that learns nothing, then DPO, which is refused at its own gate."""
    with opened(tmp_path / "place", replace(make(tmp_path), base="tiny")) as place:
        store, runs = place.store, place.runs
        chosen = a_set(place)
        small = {**FIELDS, "max_steps": 1, "eval_every": 1, "learning_rate": 1e-12}
        wanted = place.wanted(recipe="demo-sft", fields=small, waive=("never_linted",))
        plan = plan_training(store, runs, wanted, runs.checker)
        found = look_ahead(store, runs, wanted, plan, Afterwards("demo-dpo", chosen), runs.checker)
        assert (plan.blocked, found.blocked) == ("", "")
        begun = start_with(store, runs, plan, found, "ann")
        chain_id = begun.settings["chain"][0]
        view = wait_chain(store, runs, chain_id, 200)
        assert (view.kind, view.state, [one.state for one in view.steps]) == (AFTER, "paused", ["done", "failed"]), view
        assert "DPO does not rescue that" in view.problem and list(view.waive) == ["no_gain"]
        assert view.waive["no_gain"] in view.problem
        go_on(store, runs, chain_id, "ann")
        assert wait_chain(store, runs, chain_id, 200) == view, "it waits with the same reason"
        with pytest.raises(BadRequest, match="does not wait for “length”"):
            go_on(store, runs, chain_id, "ann", ["no_gain", "length"])
        go_on(store, runs, chain_id, "ann", view.waive)
        assert store.definitions("chain")[chain_id]["steps"][1]["waive"] == ["never_linted", "no_gain"]
        dpo = run_of_step(runs, chain_id, 1)
        assert dpo is not None and (dpo.kind, dpo.settings["stage"]) == ("train", "dpo")
        runs.cancel(dpo.id, now=True)

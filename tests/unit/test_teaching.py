"""The one button's steps, and what a trained model is measured by: its line, its clips, everyone on the same items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train_kit import (
    CLASSES,
    OTHER_PICTURE,
    always,
    answer,
    end,
    held_out_stimuli,
    journal,
    keep_adapter,
    put_run,
    right,
    some_runs,
    taught,
)
from tests.unit.store_samples import a_clip
from thud.errors import BadRequest, NotFound
from thud.pairs.pair import Pair, Shown
from thud.pairs.pair_set import SetWriter
from thud.runs.chain_steps import check_steps
from thud.runs.pairs import HELD_OUT as FROZEN
from thud.runs.run import Runs
from thud.runs.teaching import (
    demo_problem,
    demo_steps,
    held_out_clips,
    lineage,
    measure,
    measured,
    teach_tiny,
    validation_ceiling,
)
from thud.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path / "workspace", min_free_bytes=0) as opened:
        yield opened


@pytest.fixture
def runs(store: Store) -> Iterator[Runs]:
    with Runs(store, store.workspace) as made:
        yield made


def test_the_button_trains_twice_and_asks_three_twice_on_clips_held_out() -> None:
    steps = demo_steps()
    check_steps(steps)
    assert [step["do"] for step in steps] == ["build_pairs", "train", "build_pairs", "train", *["ask"] * 6]
    asks = [(step["listener"], step["arm"]) for step in steps[4:]]
    everyone = ["tiny", {"step": 1}, {"step": 3}]
    assert asks == [(one, arm) for arm in ("audio_video", OTHER_PICTURE) for one in everyone]
    assert all(step["source"] == "thud-demo-held-out/" for step in steps[4:])


def test_the_button_waits_for_the_clips(store: Store, runs: Runs) -> None:
    with pytest.raises(BadRequest, match="no demo clips"):
        teach_tiny(store, runs, "ana")
    clip = replace(a_clip(1), source="thud-demo-held-out/beep", synthetic=True)
    store.add_clips([clip], "ana")
    assert "still being made" in demo_problem(store, runs)
    held_out_stimuli(store, 2)
    assert demo_problem(store, runs) == ""


def test_the_line_of_a_run_is_its_base_and_all_trainings_before_it(store: Store, runs: Runs) -> None:
    made = taught(store, 2)
    line = lineage(store, runs, made["dpo-0005"].id)
    assert [(one.words, one.listener) for one in line] == [
        ("before", "tiny"), ("after SFT", "tiny sft-0001"), ("after DPO", "tiny dpo-0005")
    ]  # fmt: skip
    assert [one.listener for one in lineage(store, runs, made["sft-0002"].id)] == ["tiny", ""]
    with pytest.raises(NotFound):
        lineage(store, runs, "none")


def test_two_trainings_of_one_kind_are_told_apart(store: Store, runs: Runs) -> None:
    made = some_runs(store)
    again = put_run(store, "sft-0006", "done", [*journal(4, 4), end("done", 4)], adapter_run=made["sft-0001"].id)
    assert [one.words for one in lineage(store, runs, again.id)] == ["before", "after sft-0001", "after sft-0006"]


def test_what_was_learnt_is_shown_on_the_same_items_with_both_controls(store: Store, runs: Runs) -> None:
    made = taught(store)
    told = measured(store, runs, made["dpo-0005"].id)
    assert told.found is not None and told.why == ""
    before, sft, dpo = told.found.stages
    assert (before.accuracy.value, sft.accuracy.value, dpo.accuracy.value) == (0.25, 1.0, 1.0)
    assert before.shuffled is None and sft.shuffled is not None and sft.shuffled.value == pytest.approx(0.5)
    assert told.found.items == 4 * 12 and told.found.classes == CLASSES
    assert told.found.steps[-1].counts and told.found.answer == "Yes."
    assert told.missing == ("Not asked with another clip’s picture: before.",)
    assert [row.listener_key for row in told.keys] == [row.listener_key for row in dict.fromkeys(told.keys)]


def test_a_run_whose_line_was_not_asked_says_so(store: Store, runs: Runs) -> None:
    made = some_runs(store)
    stimuli = held_out_stimuli(store, 3)
    keep_adapter(store, made["sft-0001"])
    answer(store, stimuli, "tiny", always)
    told = measured(store, runs, made["sft-0001"].id)
    assert told.found is None and "3 held-out clips" in told.why
    answer(store, stimuli, "tiny sft-0001", right)
    assert measured(store, runs, made["sft-0001"].id).found is not None
    assert "not there to be asked" in measured(store, runs, made["sft-0002"].id).why


def test_clips_are_those_of_the_demo_or_frozen_ones(store: Store, runs: Runs) -> None:
    made = some_runs(store)
    with pytest.raises(BadRequest, match="no held-out clips"):
        measure(store, runs, made["sft-0001"].id, "ana")
    store.add_clips([a_clip(50)], "ana")
    store.define(FROZEN, "test 1", {"clips": [a_clip(50).id, "gone"], "set": "", "at": ""}, "ana")
    assert held_out_clips(store, runs, made["sft-0001"].id) == (a_clip(50).id,)
    stimuli = held_out_stimuli(store, 2)
    assert set(held_out_clips(store, runs, made["sft-0001"].id)) == {one.clip_id for one in stimuli.values()}


def test_who_kept_no_weights_cannot_be_asked(store: Store, runs: Runs) -> None:
    made = some_runs(store)
    held_out_stimuli(store, 2)
    with pytest.raises(BadRequest, match="kept no weights"):
        measure(store, runs, made["sft-0002"].id, "ana")


def put_set(store: Store, at: dict[str, float], split: str) -> str:
    """A set whose pairs of a class all have their sound at one place, in clips of their own."""
    shown = Shown("/a.mp4", "/a.wav")
    with SetWriter(store.workspace) as writer:
        for number in range(6):
            for label, audio_s in at.items():
                about = {"clip_id": f"clip{number}", "source": f"film {number}", "label": label, "split": split}
                writer.add(
                    Pair(
                        "relate", "When?", f"{label} {number}", "", shown, task="sync", audio_s=audio_s,
                        stimulus_id=f"{label}{number}", duration_s=4.0, **about,  # type: ignore[arg-type]
                    )
                )  # fmt: skip
        made = writer.finish({"title": "By hand", "split_of": {}})
    body = {"title": "By hand", "recipe": "", "stage": "sft", "pairs": 18, "held": 0, "origin": "built", "parent": ""}
    store.define("pair_set", made, {**body, "made_at": "2026-01-01"}, "test")
    return made


@pytest.mark.parametrize(
    ("at", "split", "allowed"),
    [
        ({"early": 1.0, "synced": 2.0, "delayed": 3.0}, "validation", 1.0),
        ({"early": 2.0, "synced": 2.0, "delayed": 2.0}, "validation", 1 / 3),
        ({"early": 1.0, "synced": 2.0, "delayed": 3.0}, "train", None),
    ],
)
def test_the_chart_is_told_what_the_sound_alone_allows_of_its_own_questions(
    store: Store, at: dict[str, float], split: str, allowed: float | None
) -> None:
    run = put_run(store, "sft-0001", "done", [], set=put_set(store, at, split))
    assert validation_ceiling(store, run.id) == (None if allowed is None else pytest.approx(allowed, abs=0.02))
    assert validation_ceiling(store, put_run(store, "sft-0002", "done", [], set="gone").id) is None

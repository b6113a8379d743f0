"""The one button's steps, and what a trained model is measured by: its line, its clips, everyone on the same items."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train_kit import (
    CLASSES,
    EDITS,
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
from tests.unit.store_samples import a_clip, a_run, a_stimulus
from thud.errors import BadRequest, NotFound
from thud.listeners.questions import DEMO
from thud.listeners.questions import to_json as questions_json
from thud.listeners.roster import Listener, to_json
from thud.pairs.pair import Pair, Shown
from thud.pairs.pair_set import SetWriter
from thud.records import Answer, EventTimes, Intervention, Response, Run
from thud.runs.chain import chains
from thud.runs.chain_steps import check_steps
from thud.runs.jobs.train import conclude
from thud.runs.listening.listen import Wanted, find_listener, plan_listening
from thud.runs.pairs.sets import HELD_OUT as FROZEN
from thud.runs.run import Runs
from thud.runs.training import train_run
from thud.runs.training.measuring import held_out_clips, line_of, lineage, measure, measured
from thud.runs.training.teaching import demo_note, demo_problem, demo_steps, teach_tiny, validation_ceiling
from thud.store import Store, changes, open_store


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
    build = replace(a_run(), kind="demo", title="Make clips", folder="")
    assert "not all made and built. Start thud again" in demo_problem(store, runs)
    held_out_stimuli(store, 2)
    assert demo_problem(store, runs) == "", "clip 1 is among the two"
    store.add_clips([replace(clip, sha256="e" * 64)], "ana")
    assert "not all made and built" in demo_problem(store, runs), "one of three has no soundtrack"
    store.add_run(build, "ana")
    assert "still being made" in demo_problem(store, runs)


def test_clips_for_testing_that_were_not_all_made_keep_the_button_shut(store: Store, runs: Runs) -> None:
    held_out_stimuli(store, 2)
    made = replace(a_run(), kind="demo", state="cancelled", settings={"held_out": True}, folder="")
    store.add_run(made, "ana")
    assert "Start thud again" in demo_problem(store, runs)


def test_a_double_click_teaches_once(store: Store, runs: Runs) -> None:
    held_out_stimuli(store, 2)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: _pressed(store, runs), range(8)))
    assert len(chains(store, runs)) == 1 and sum("already" in one for one in said) == 7


def _pressed(store: Store, runs: Runs) -> str:
    try:
        return teach_tiny(store, runs, "ana")
    except BadRequest as error:
        return str(error)


def test_clips_of_an_earlier_version_are_told(store: Store) -> None:
    old = replace(a_clip(1), source="thud-demo/ball", synthetic=True)
    store.add_clips([old, replace(old, sha256="e" * 64)], "ana")
    assert demo_note(store) == ""
    for clip, share in zip(store.clips(), (0.26, 0.74), strict=True):
        at_s = share * clip.probe.duration_s
        store.set_times(clip.id, EventTimes(at_s, at_s, "construction"), "ana")
    assert "earlier version" in demo_note(store)
    store.set_times(clip.id, EventTimes(0.8 * clip.probe.duration_s, None, "construction"), "ana")
    assert demo_note(store) == "", "today's lie further out"


def test_the_line_of_a_run_is_its_base_and_all_trainings_before_it(store: Store, runs: Runs) -> None:
    made = taught(store, 2)
    line = lineage(store, runs, made["dpo-0005"].id)
    assert [(one.words, one.listener) for one in line] == [
        ("before", "tiny"), ("after SFT", "tiny sft-0001"), ("after DPO", "tiny dpo-0005")
    ]  # fmt: skip
    assert [one.listener for one in lineage(store, runs, made["sft-0002"].id)] == ["tiny", ""]
    with pytest.raises(NotFound):
        lineage(store, runs, "none")


def test_a_line_begins_with_who_was_shown_clips_as_in_training(store: Store, runs: Runs) -> None:
    config = {"stage": "sft", "base": "tiny", "data": "x", "fps": 4.0, "tuning": "lora"}
    end_ = [*journal(4, 4), end("done", 4)]
    run = put_run(store, "sft-0001", "done", end_, config=config)
    assert lineage(store, runs, run.id)[0].listener == "", "tiny is shown 8 pictures a second"
    held_out_stimuli(store, 2)
    keep_adapter(store, run)
    store.define("listener", "tiny before sft-0001", to_json(Listener("tiny before sft-0001", "signal", "v")), "ana")
    store.define("question_set", DEMO.id, questions_json(DEMO), "ana")
    with pytest.raises(BadRequest, match="cannot be shown"):
        measure(store, runs, run.id, "ana")
    began = lineage(store, runs, run.id)[0].listener
    assert began == "tiny before sft-0001 2", "somebody else's name is left alone"
    found = find_listener(store, began)
    assert (found.fps, found.adapter, found.model) == (4.0, "", "tiny")


def test_a_line_begins_with_the_adapter_that_training_went_on_from(store: Store, runs: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    config = {"stage": "sft", "base": "tiny", "data": "x", "adapter": str(folder)}
    run = put_run(store, "sft-0001", "done", [*journal(4, 4), end("done", 4)], config=config)
    held_out_stimuli(store, 2)
    keep_adapter(store, run)
    assert lineage(store, runs, run.id)[0].listener == "", "not the model without it"
    with pytest.raises(BadRequest, match="is gone"):
        measure(store, runs, run.id, "ana")
    shutil.copytree(store.workspace / run.folder / "adapter", folder)
    store.define("question_set", DEMO.id, questions_json(DEMO), "ana")
    with pytest.raises(BadRequest, match="cannot be shown"):
        measure(store, runs, run.id, "ana")
    assert find_listener(store, lineage(store, runs, run.id)[0].listener).adapter == str(folder)


def test_a_line_goes_back_through_a_model_that_was_trained_as_a_whole(store: Store, runs: Runs) -> None:
    held_out_stimuli(store, 2)
    lines, config = [*journal(4, 4), end("done", 4)], {"stage": "sft", "base": "tiny", "data": "x"}
    sft = put_run(store, "sft-0001", "done", lines, config=config | {"tuning": "full"})
    model = store.workspace / sft.folder / "model"
    model.mkdir()
    conclude(store, sft)
    began = {"base": str(model), "first_base": "tiny", "config": config | {"base": str(model)}}
    dpo = put_run(store, "dpo-0002", "done", lines, adapter_run=sft.id, **began)
    assert keep_adapter(store, dpo) == find_listener(store, "tiny dpo-0002").name
    assert [one.listener for one in lineage(store, runs, dpo.id)] == ["tiny", "tiny sft-0001", "tiny dpo-0002"]
    assert len(held_out_clips(store, line_of(store, runs, dpo.id))) == 2, "the small model's, not those of a set"
    assert train_run(store, runs, sft.id).deletable.startswith("dpo-0002 went on from it")


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
    assert told.found.items == 4 * 12 and tuple(told.found.by_class) == CLASSES
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


def held_out(store: Store, runs: Runs, run: Run) -> tuple[str, ...]:
    return held_out_clips(store, line_of(store, runs, run.id))


def test_clips_are_those_of_the_demo_or_of_the_set_or_frozen_ones(store: Store, runs: Runs) -> None:
    learnt, tested, frozen = (a_clip(number).id for number in (50, 51, 52))
    store.add_clips([a_clip(number) for number in (50, 51, 52)], "ana")
    store.define(FROZEN, "test 1", {"clips": [learnt, frozen, "gone"], "set": "", "at": ""}, "ana")
    sets = [put_set(store, {"early": 1.0}, split, {learnt: split}) for split in ("train", "test")]
    sets.append(put_set(store, {"early": 2.0}, "test", {tested: "test", learnt: "train"}))
    found = []
    for number, set_id in enumerate((*sets, "gone"), 1):
        wanted = {"set_id": set_id, "export": "", "adapter": "", "adapter_run": "", "stage": "sft"}
        run = put_run(store, f"sft-000{number}", "done", [], wanted=wanted)
        found.append(held_out(store, runs, run))
    assert found == [(frozen,), (learnt,), (tested,), ()], "what a run learnt from is not held out, frozen or not"
    with pytest.raises(BadRequest, match="nobody knows which clips"):
        measure(store, runs, run.id, "ana")
    assert "nobody knows" in measured(store, runs, run.id).why
    later = put_run(store, "dpo-0005", "done", [], wanted={**wanted, "set_id": sets[1]}, adapter_run=run.id)
    assert held_out(store, runs, later) == (), "what came before it is not known"
    stimuli = held_out_stimuli(store, 2)
    assert set(held_out(store, runs, run)) == {one.clip_id for one in stimuli.values()}


def test_nothing_is_kept_where_all_of_it_is_answered(store: Store, runs: Runs, tmp_path: Path) -> None:
    run = some_runs(store)["sft-0001"]
    clip = replace(a_clip(7, path=str(tmp_path / "7.mp4"), synthetic=True), source="thud-demo-held-out/7")
    (tmp_path / "7.mp4").write_bytes(bytes(clip.probe.size_bytes))
    store.add_clips([clip], "ana")
    store.set_times(clip.id, EventTimes(1.0, 1.0, "construction"), "ana")
    names = ["tiny", keep_adapter(store, run)]
    store.define("question_set", DEMO.id, questions_json(DEMO), "ana")
    store.add_stimuli([a_stimulus(clip, Intervention("swap", donor="d"), models="")], "ana")
    with pytest.raises(BadRequest, match="No question fits"):
        measure(store, runs, run.id, "ana")
    store.add_stimuli([a_stimulus(clip, EDITS["muted"], models="")], "ana")
    for name in names:
        wanted = Wanted(DEMO, tasks=("sync", "existence"), clips=(clip.id,))
        plan = plan_listening(store, runs, find_listener(store, name), wanted)
        (item,) = plan.items
        said = Response(name, plan.key, "r1", item, clip.source, "beep", "ok", "muted", Answer("muted", method="rules"))
        store.write_many([changes.add_response(said, "ana")])
    assert measure(store, runs, run.id, "ana") == "" and chains(store, runs) == []


def test_who_kept_no_weights_cannot_be_asked(store: Store, runs: Runs) -> None:
    made = some_runs(store)
    held_out_stimuli(store, 2)
    with pytest.raises(BadRequest, match="kept no weights"):
        measure(store, runs, made["sft-0002"].id, "ana")


def put_set(store: Store, at: dict[str, float], split: str, split_of: dict[str, str] | None = None) -> str:
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
        made = writer.finish({"title": "By hand", "split_of": split_of or {}})
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

"""What the demo's workspace gets beside its clips: clips for testing that nobody marks and no pair is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.annotate_kit import EVENT_S, HEARD_S, Place, make_numbered_clip, workspace
from thud.events.settle import read_cases
from thud.listeners.questions import DEMO, QUESTION_SETS
from thud.listeners.roster import LISTENERS
from thud.listeners.roster import to_json as listener_json
from thud.records import Clip, EventTimes, Intervention, Run
from thud.runs import first_start as first
from thud.runs.jobs import build as build_job
from thud.runs.jobs import demo
from thud.runs.listening.listen import find_listener, find_question_set
from thud.runs.pairs.sets import DEMO_HELD_OUT, held_out, hold_out_demo
from thud.stimuli.build import BuildSettings
from thud.stimuli.held_out import is_demo, is_held_out


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Two clips of a demo and two for testing."""
    folder = tmp_path_factory.mktemp("clips")
    made = [make_numbered_clip(folder, number) for number in range(4)]
    return [
        replace(clip, synthetic=True, kind=kind, source=f"{begins}{kind}")
        for clip, begins, kind in zip(
            made, ["thud-demo/"] * 2 + ["thud-demo-held-out/"] * 2, ["ball", "glass"] * 2, strict=True
        )
    ]


@pytest.fixture
def place(tmp_path: Path, clips: list[Clip]) -> Iterator[Place]:
    with workspace(tmp_path, clips) as opened:
        for clip in clips:
            opened.store.set_times(clip.id, EventTimes(EVENT_S, HEARD_S, "construction"), "test")
        yield opened


def test_clips_are_told_apart_by_where_they_come_from(clips: list[Clip]) -> None:
    assert [is_demo(clip) for clip in clips] == [True, True, False, False]
    assert [is_held_out(clip) for clip in clips] == [False, False, True, True]
    assert not is_held_out(replace(clips[2], synthetic=False)), "somebody's own clip may be called anything"


def test_clips_for_testing_are_no_work_for_anybody(place: Place, clips: list[Clip]) -> None:
    assert set(read_cases(place.store)) == {clip.id for clip in clips[:2]}
    first.place_demo_times(place.store, place.runs, "first start")
    (run,) = place.runs.runs()
    assert place.runs.wait(run.id, 120).message == "2 placed."
    assert {mark.clip_id for mark in place.store.marks()} == {clip.id for clip in clips[:2]}


def test_clips_for_testing_are_built_once_and_balanced_and_frozen(place: Place, clips: list[Clip]) -> None:
    run = first.build_held_out(place.store, place.runs, "first start")
    assert run is not None and place.runs.wait(run.id, 120).state == "done"
    tests = sorted(clip.id for clip in clips[2:])
    assert held_out(place.store)[DEMO_HELD_OUT]["clips"] == tests
    edits = [(one.clip_id, one.intervention) for one in place.store.stimuli()]
    assert {clip_id for clip_id, _ in edits} == set(tests)
    for clip_id in tests:
        offsets = [edit.offset_s for own, edit in edits if own == clip_id and edit.kind == "shift"]
        assert len([one for one in offsets if one < 0]) <= 1 and len([one for one in offsets if one > 0]) <= 1
        assert [edit.fill for own, edit in edits if own == clip_id and edit.kind == "mute"] == ["silence"]
    lent = {edit.donor for _, edit in edits if edit.kind == "swap"}
    assert lent and lent <= set(tests), "no sound that may be trained on"
    before = place.store.counts()
    assert first.build_held_out(place.store, place.runs, "first start") is None
    assert hold_out_demo(place.store, "again") == tests
    assert place.store.counts() == before, "again it writes nothing"


def test_what_broke_off_half_way_is_finished(place: Place, clips: list[Clip]) -> None:
    plan = build_job.plan_build(
        place.store, [clip.id for clip in clips[2:]], BuildSettings.parse(first.HELD_OUT_SETTINGS)
    )
    done = plan.items[0]
    build_job.ingest(place.store, done, build_job.work(done, place.workspace))
    run = first.build_held_out(place.store, place.runs, "first start")
    assert run is not None, "of two clips one was built"
    assert place.runs.wait(run.id, 120).state == "done"
    edits = {(one.clip_id, one.intervention.id) for one in place.store.stimuli()}
    assert edits == {
        (item["clip"]["sha256"][:16], Intervention(**edit).id) for item in plan.items for edit in item["edits"]
    }
    assert first.build_held_out(place.store, place.runs, "first start") is None


def test_clips_for_testing_that_were_cancelled_are_made_before_any_is_built(place: Place) -> None:
    line = {"key": "a", "subject": "a", "index": 0, "seed": 41, "held_out": True}
    made = place.runs.start("demo", "Make clips", {"held_out": True}, [line], "test", limit_s=60)
    assert place.runs.cancel(made.id).state == "cancelled"
    assert first.build_held_out(place.store, place.runs, "first start") is None, "what each gets is drawn over all"
    again = first.start_held_out(place.store, place.runs, "first start")
    assert again is not None and again.id == made.id
    assert place.runs.wait(made.id, 120).state == "done"
    assert first.build_held_out(place.store, place.runs, "first start") is not None


def test_they_are_made_once_and_only_beside_a_demo(place: Place, tmp_path: Path, clips: list[Clip]) -> None:
    assert first.start_held_out(place.store, place.runs, "first start") is None, "they are there"
    own = [replace(clip, synthetic=False, source="mine") for clip in clips]
    with workspace(tmp_path / "own", own) as other:
        assert first.start_held_out(other.store, other.runs, "first start") is None
        assert first.build_held_out(other.store, other.runs, "first start") is None
        assert held_out(other.store) == {}


def test_a_planned_clip_for_testing_is_made_and_says_so(tmp_path: Path) -> None:
    items = demo.plan_held_out()
    assert len({item["key"] for item in items} | {item["key"] for item in demo.plan_demo()}) == 48
    result = demo.work(items[1], tmp_path)
    about = result["clip"]
    assert about["source"] == "thud-demo-held-out/glass" and about["title"].endswith("(held out)")
    assert Path(about["path"]).parent == tmp_path / "demo-held-out" and about["synthetic"]


def test_the_small_model_is_asked_about_the_clips_for_testing_only(place: Place, clips: list[Clip]) -> None:
    first.start_build(place.store, place.runs, {"shifts": [-0.4, 0.4], "mutes": ["silence"]}, "test")
    place.runs.wait(place.runs.runs()[0].id, 120)
    first.ask_baselines(place.store, place.runs, "first start")
    runs = {run.settings["listener"]["name"]: run for run in place.runs.runs() if run.kind == "listen"}
    for run in runs.values():
        place.runs.wait(run.id, 300)
    assert {name: run.settings["question_set"] for name, run in runs.items()} == {
        "always-synced": QUESTION_SETS["structured"].id, "signal": QUESTION_SETS["structured"].id, "tiny": DEMO.id,
    }  # fmt: skip
    assert find_question_set(place.store, "Demo") == DEMO
    said = place.store.responses(runs["tiny"].id)
    assert {one.item.clip_id for one in said} == {clip.id for clip in clips[2:]}
    assert {one.outcome for one in said} == {"ok"}
    key = find_listener(place.store, "tiny").key()
    assert {one.listener_key for one in said} == {key}
    before = place.store.counts()
    first.ask_baselines(place.store, place.runs, "first start")
    assert place.store.counts() == before


def test_a_workspace_of_an_earlier_version_gets_the_listeners_that_it_did_not_have(place: Place) -> None:
    store, runs = place.store, place.runs
    first.start_build(store, runs, {"shifts": [-0.4, 0.4]}, "test")
    runs.wait(runs.runs()[0].id, 120)
    for name in ("always-synced", "signal"):
        asked = {"listener": listener_json(LISTENERS[name]), "question_set": QUESTION_SETS["structured"].id}
        store.add_run(Run(name, "listen", f"Ask {name}", "done", 1, settings=asked), "the version before")
    first.ask_baselines(store, runs, "first start")
    (asked_now,) = [run for run in runs.runs() if run.kind == "listen" and run.id not in ("always-synced", "signal")]
    assert asked_now.settings["listener"]["name"] == "tiny"
    runs.wait(asked_now.id, 120)


def test_the_small_model_is_not_asked_about_clips_that_it_may_learn_from(tmp_path: Path, clips: list[Clip]) -> None:
    with workspace(tmp_path / "bare", clips[:2]) as bare:
        first.start_build(bare.store, bare.runs, {"mutes": ["silence"]}, "test")
        bare.runs.wait(bare.runs.runs()[0].id, 120)
        first.ask_baselines(bare.store, bare.runs, "first start")
        runs = [run for run in bare.runs.runs() if run.kind == "listen"]
        assert {run.settings["listener"]["name"] for run in runs} == {"always-synced", "signal"}
        for run in runs:
            bare.runs.wait(run.id, 120)

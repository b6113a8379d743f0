"""Building pair sets as a run: from the store to a set on disk, killed and done again, frozen, mended, gone stale."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.pairs_kit import clip, material, put
from tests.unit.runs_kit import until
from tests.unit.test_certain import a_case
from thud.errors import BadRequest, NotFound
from thud.events.settings import read_settings
from thud.events.settle import settle
from thud.pairs.pair_set import PairSet, is_set, sets_folder
from thud.pairs.recipe import Recipe, shipped
from thud.records import EventTimes, Intervention, Mark
from thud.runs.jobs import pairs as job
from thud.runs.pairs import sets as pairs
from thud.runs.pairs.gather import DISCARDED, HALF, NO_SOUND, NOBODY, UNSURE, gather_all
from thud.runs.pairs.media import MediaCheck
from thud.runs.run import Runs
from thud.store import Store, changes, open_store

RECIPE = Recipe("small", "Small", "dpo", {"shift": 40, "mute": 10})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path / "workspace", min_free_bytes=0) as opened:
        yield opened


@pytest.fixture
def runs(store: Store) -> Iterator[Runs]:
    with Runs(store, store.workspace) as opened:
        yield opened


def _do(store: Store, line: dict[str, Any]) -> PairSet:
    """What a run does with a line of its plan, without the processes."""
    result = job.work(line, store.workspace)
    job.ingest(store, line, result)
    return pairs.find_set(store, result["set"])


def _build(store: Store, recipe: Recipe = RECIPE) -> PairSet:
    return _do(store, pairs.plan_build(store, recipe, "ada"))


def test_a_build_goes_from_the_store_to_a_set(store: Store, runs: Runs) -> None:
    put(store, material(12, unsettled=(3,)))
    run = runs.wait(pairs.start_build(store, runs, RECIPE, "ada").id)
    found = pairs.find_set(store, next(iter(pairs.pair_sets(store))))
    assert found.summary["pairs"] == 50 and run.message.startswith("50 pairs")
    body = pairs.pair_sets(store)[found.id]
    assert (body["recipe"], body["title"], body["pairs"], body["origin"]) == ("small", "Small", 50, "built")
    assert {key: one["made"] - one["held"] for key, one in found.summary["types"].items()} == {"shift": 40, "mute": 10}
    splits = found.summary["split_of"]
    assert all(pair.split == splits[pair.clip_id] != "test" for _, pair in found.pairs())
    settled = next(step for step in found.summary["funnel"]["shift"] if step["step"] == "settled")
    lost = {"reason": NOBODY, "count": 1, "subjects": [clip(3).id]}
    assert settled["losses"] == ([lost] if splits[clip(3).id] != "test" else [])
    assert pairs.media_problems(store, found) == {}
    assert next(one for one in found.summary["lint"]["checks"] if one["check"] == "media")["count"] == 0


def test_the_same_plan_gives_the_same_set_and_the_same_bytes(store: Store) -> None:
    put(store, material(8))
    line = pairs.plan_build(store, RECIPE, "ada")
    first = _do(store, line).id
    file = sets_folder(store.workspace) / first / "pairs.jsonl"
    before, stamp = file.read_bytes(), file.stat().st_mtime_ns
    assert job.work(line, store.workspace)["set"] == first and file.stat().st_mtime_ns == stamp
    for path in file.parent.iterdir():
        path.unlink()
    file.parent.rmdir()
    assert job.work(line, store.workspace)["set"] == first and file.read_bytes() == before
    # Nor does it matter that the splits are remembered by now, or who asks.
    assert _build(store).id == first and len(pairs.pair_sets(store)) == 1


def test_another_seed_or_a_dropped_pair_makes_another_set(store: Store) -> None:
    put(store, material(8))
    first = _build(store)
    assert _build(store, replace(RECIPE, seed=18)).id != first.id
    gone = first.index[0].id
    pairs.say(store, gone, "dropped", "ada")
    again = _build(store)
    assert again.id != first.id and again.summary["pairs"] == 50
    assert gone not in {line.id for line in again.index}


def test_a_killed_worker_leaves_nothing_half_written_and_is_resumed(store: Store, runs: Runs) -> None:
    put(store, material(8))
    run = pairs.start_build(store, runs, replace(RECIPE, counts={"shift": 20_000}), "ada")
    folder = sets_folder(store.workspace)
    until(lambda: list(folder.glob(".aside-*")))
    os.killpg(runs.run(run.id).pid, signal.SIGKILL)
    assert runs.wait(run.id, 30).state == "failed"
    assert pairs.pair_sets(store) == {} and [path for path in folder.iterdir() if path.name[0] != "."] == []
    # The next to write clears away what was left.
    assert _build(store).summary["pairs"] == 50
    assert not list(folder.glob(".aside-*"))


def test_an_empty_set_says_why(store: Store) -> None:
    put(store, material(5, unsettled=range(5)))
    found = _build(store, replace(RECIPE, counts={"shift": 10}))
    assert found.summary["pairs"] == 0
    assert found.summary["empty"].startswith(
        "Nothing is left at “Event times settled”: Nobody has marked its event yet ("
    )


def test_what_asks_for_nothing_is_refused(store: Store, runs: Runs) -> None:
    with pytest.raises(BadRequest, match="trains nothing"):
        pairs.start_build(store, runs, shipped()["vanilla"], "ada")
    with pytest.raises(BadRequest, match="at least one type"):
        pairs.start_build(store, runs, Recipe("none", "None", "dpo", {}), "ada")


def test_what_is_frozen_stays_out_of_every_later_set(store: Store) -> None:
    put(store, material(12))
    first = _build(store)
    tests = {key for key, split in first.summary["split_of"].items() if split == "test"}
    assert tests and set(pairs.freeze(store, first.id, "exam", "ada")) == tests
    assert pairs.held_out(store)["exam"]["set"] == first.id
    for wrong in ("exam", "", "x" * 61):
        with pytest.raises(BadRequest):
            pairs.freeze(store, first.id, wrong, "ada")
    for seed in (1, 2, 3):
        later = _build(store, replace(RECIPE, seed=seed)).summary["split_of"]
        assert {later[key] for key in tests} == {"test"}


def test_clips_that_come_later_move_nobody(store: Store) -> None:
    put(store, material(5))
    first = _build(store).summary["split_of"]
    put(store, material(14))
    later = _build(store).summary["split_of"]
    assert len(later) == 14 and {key: later[key] for key in first} == first


def test_pairs_go_stale_when_times_change_or_clips_go(store: Store) -> None:
    put(store, material(8))
    found = _build(store)
    assert pairs.stale(store, found.summary) == []
    one, other = [key for key, told in found.summary["basis"].items() if told][:2]
    store.set_times(one, EventTimes(2.0, 2.3, "gold"), "ada")
    assert pairs.stale(store, found.summary) == [one]
    store.set_times(one, EventTimes(2.0, 2.02, "gold"), "ada")
    assert pairs.stale(store, found.summary) == []
    store.set_times(other, EventTimes(2.0, None, "gold"), "ada")
    assert pairs.stale(store, found.summary) == [other]
    gone = {**found.summary, "basis": {"f" * 16: ""}}
    assert pairs.stale(store, gone) == ["f" * 16]


def test_media_that_is_gone_or_was_changed_is_found_by_hash(store: Store) -> None:
    put(store, material(6))
    found = _build(store)
    first = next(pair for _, pair in found.pairs(held=True)).shown
    sound, video = first.sound, first.video
    path = store.workspace / sound
    path.write_bytes(path.read_bytes()[::-1])
    (store.workspace / video).unlink()
    problems = pairs.media_problems(store, found)
    assert set(problems) == {sound, video}
    assert "was changed" in problems[sound] and "is gone" in problems[video]


def test_hashes_are_kept_while_size_and_time_stay(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"one")
    check = MediaCheck(tmp_path)
    sha = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert check.problem("a.wav", sha) == ""
    check.close()
    stamp = file.stat().st_mtime_ns
    file.write_bytes(b"two")
    os.utime(file, ns=(stamp, stamp))
    assert MediaCheck(tmp_path).problem("a.wav", sha) == ""  # the same size and time: taken for the same
    os.utime(file, ns=(stamp, stamp + 1))
    assert "was changed" in MediaCheck(tmp_path).problem("a.wav", sha)
    file.write_bytes(b"")
    assert "is empty" in MediaCheck(tmp_path).problem("a.wav")


def test_a_fix_makes_another_set_and_keeps_its_parent(store: Store) -> None:
    put(store, material(12))
    recipe = replace(RECIPE, counts={"OP": 20, "shift": 60})
    found = _build(store, recipe)
    with pytest.raises(BadRequest, match="A fix is one of"):
        pairs.plan_fix(store, found.id, "polish", "", "ada")
    with pytest.raises(BadRequest, match="Say which check's rows are dropped"):
        pairs.plan_fix(store, found.id, "drop", "media", "ada")
    sound = next(pair.shown.sound for _, pair in found.pairs() if pair.type == "shift")
    (store.workspace / sound).unlink()
    worse = _build(store, replace(recipe, title="Again"))
    broken = [line.n for line in worse.lines(check="media")]
    assert broken and worse.summary["held"] >= len(broken)
    line = pairs.plan_fix(store, worse.id, "drop", "media", "ada")
    mended = _do(store, line)
    assert (mended.summary["origin"], mended.summary["parent"]) == ("fixed", worse.id)
    assert mended.summary["fixes"][0]["count"] == len(broken) and not mended.lines(check="media")
    assert len(mended.index) == len(worse.index) - len(broken)
    assert pairs.stale(store, mended.summary) == []
    assert _do(store, line).id == mended.id
    again = _do(store, pairs.plan_fix(store, mended.id, "rebalance", "", "ada"))
    assert [one["fix"] for one in again.summary["fixes"]] == ["drop", "rebalance"]
    assert again.summary["parent"] == mended.id


def test_words_and_recipes_are_kept_and_taken_back(store: Store) -> None:
    pairs.say(store, "p1", "approved", "ada")
    pairs.say(store, "p2", "dropped", "ada")
    assert pairs.words(store) == {"p1": "approved", "p2": "dropped"}
    pairs.say(store, "p2", "", "ada")
    assert pairs.words(store) == {"p1": "approved"}
    with pytest.raises(BadRequest):
        pairs.say(store, "p1", "good", "ada")
    pairs.save_recipe(store, RECIPE, "ada")
    assert pairs.all_recipes(store)["small"] == RECIPE and len(pairs.all_recipes(store)) == len(shipped()) + 1
    with pytest.raises(BadRequest, match="another name"):
        pairs.save_recipe(store, replace(RECIPE, name="ours"), "ada")
    pairs.remove_recipe(store, "small", "ada")
    assert "small" not in pairs.all_recipes(store)
    with pytest.raises(NotFound):
        pairs.remove_recipe(store, "small", "ada")


def test_a_set_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for name in ("abcd1", "abce1"):
        folder = sets_folder(store.workspace) / name
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text("{}")
        (folder / "index.jsonl").write_text("")
        store.define(pairs.SET, name, {"made_at": ""}, "ada")
    assert pairs.find_set(store, "abcd").id == "abcd1"
    with pytest.raises(BadRequest, match="fits 2"):
        pairs.find_set(store, "abc")
    for wrong in ("", "x"):
        with pytest.raises(NotFound, match="There is no pair set"):
            pairs.find_set(store, wrong)
    (sets_folder(store.workspace) / "abcd1" / "summary.json").unlink()
    assert list(pairs.pair_sets(store)) == ["abce1"] and not is_set(store.workspace, "abcd1")


def test_only_settled_times_and_verified_sounds_are_gathered(store: Store) -> None:
    known = material(9)
    names = list(known.clips)
    broken = [
        replace(one, proof=replace(one.proof, verdict="failed")) if one.condition == "muted" else one
        for one in known.stimuli[names[0]]
    ]
    put(store, replace(known, times={}, stimuli={**known.stimuli, names[0]: tuple(broken)}))
    spread = {"visual_spread_s": 0.02, "audio_spread_s": 0.02}
    sources = {"visual_sources": ["gemini", "gpt"], "audio_sources": ["gemini", "signal"]}
    times = [
        EventTimes(2.0, 2.1, "consensus", {**spread, **sources}),
        EventTimes(2.0, 2.1, "consensus", {**spread, "visual_sources": ["gpt"], "audio_sources": ["gpt"]}),
        EventTimes(2.0, 2.1, "consensus", {**sources, "visual_spread_s": 0.3, "audio_spread_s": 0.02}),
        EventTimes(2.0, 2.1, "consensus", {"visual_sources": ["eva"], "audio_sources": ["eva"], **spread}),
        EventTimes(2.0, None, "consensus", {"verdict": "no_sound"}),
        EventTimes(None, None, "consensus", {"verdict": "discarded"}),
        EventTimes(2.0, None, "gold"),
        EventTimes(2.0, 2.1, "adjudicated"),
    ]
    for name, one in zip(names, times, strict=False):
        store.set_times(name, one, "test")
    store.submit_mark(Mark(names[3], "eva", 2.0, 2.1), "eva")
    store.set_times(names[2], EventTimes(2.0, 2.1, "agreement", {"retained": True}), "test")
    found = gather_all(store)
    assert set(found.material.times) == {names[2], names[3], names[7]}
    why = [UNSURE, UNSURE, NO_SOUND, DISCARDED, HALF, NOBODY]
    assert [found.unsettled[names[n]] for n in (0, 1, 4, 5, 6, 8)] == why, "two models alone settle nothing"
    assert {one.condition for one in found.material.stimuli[names[0]]} == {"original", "early", "delayed", "swapped"}
    assert found.sounds[names[0]] == next(
        one.proof.models_sha256 for one in broken if one.intervention == Intervention("original")
    )


def test_a_consensus_that_needs_nobody_settles_a_clip_and_no_other_does(store: Store) -> None:
    """Sixty clips whose times are known teach how far each model is off; the last is known by models alone."""
    known = material(61)
    names = list(known.clips)
    put(store, replace(known, times={name: EventTimes(2.0, 2.1, "adjudicated") for name in names[:60]}))
    cases = [a_case(number, known=False) for number in range(61)]
    marks = [replace(mark, clip_id=name) for name, case in zip(names, cases, strict=True) for mark in case.marks]
    store.write_many([changes.submit_mark(mark, "test") for mark in marks])
    settle(store, read_settings(store.settings()), "test")
    assert names[60] in gather_all(store).material.times
    store.set_setting("accept_spread_s", 0.0, "ada")
    assert gather_all(store).unsettled[names[60]] == UNSURE
    assert len(gather_all(store).material.times) == 60

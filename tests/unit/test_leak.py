"""The leak audit: sets whose leak is known, planted ones by name, and sets in which nothing can be known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from tests.unit.listeners_kit import World, world
from tests.unit.test_routes_annotate import serving
from thud.cli.leak import run_leak
from thud.cli.output import Output
from thud.errors import BadRequest
from thud.evaluation.leak import Heard, Shown, audit, guess_place, report, verdict, with_heard
from thud.evaluation.leak_advice import advise
from thud.evaluation.leak_features import FileFacts, container, file_facts, flac_length, zero_edges
from thud.evaluation.leak_guess import guess
from thud.media.sound import Sound
from thud.media.write import write_flac, write_wav
from thud.records import EventTimes, Intervention, Proof, Stimulus, content_id
from thud.runs.listening.leak import heard_without_picture, leak_report, measure_files, measure_soon
from thud.statistics import Estimate
from thud.store import Store, open_store

FACTS = FileFacts(128_044, 64_000, 192_000, 1, 0, 0.0, 0.0, -60.0, -60.0, -27.0, -6.0, -60.0)
OFFSETS = (-0.6, 0.6)


def shown(count: int = 40, offsets: tuple[float, ...] = OFFSETS, **changed: Any) -> list[Shown]:
    """Clips of 4 s with events spread from 1 to 3 s: originals and shifts, one source each, files all alike but for
    noise of their own.
    """
    dice = np.random.default_rng(1)
    rows = []
    for number in range(count):
        at = 1.0 + 2.0 * ((number * 0.618) % 1)
        for offset in (0.0, *offsets):
            condition = "original" if offset == 0 else "early" if offset < 0 else "delayed"
            facts = replace(FACTS, rms_db=round(float(dice.normal(-27, 3)), 1), head_db=round(dice.normal(-60, 1), 1))
            values = {"visual_s": at, "audio_s": at, "offset_s": offset, "files": facts, **changed}
            rows.append(Shown(f"{number} {offset}", f"c{number}", f"s{number}", condition, 4.0, **values))
    return rows


def line(told: dict[str, Any], group: str, task: str = "sync") -> dict[str, Any]:
    return next(each for each in (*told["leak"], *told["others"]) if (each["task"], each["group"]) == (task, group))


def told(rows: list[Shown]) -> dict[str, Any]:
    found = audit(rows)
    return report(found, advise(found))


def test_noise_scores_chance_and_its_intervals_hold_chance() -> None:
    """Sets of three equal classes and numbers that say nothing: nobody may come out above chance more than by luck."""
    values, above = [], 0
    for seed in range(30):
        dice = np.random.default_rng(seed)
        classes, sources = ["a", "b", "c"] * 60, [f"s{number // 3}" for number in range(180)]
        found = guess({"one": dice.normal(size=180), "two": dice.normal(size=180)}, classes, sources)
        assert found.right.value is not None and found.right.low is not None
        values.append(found.right.value)
        above += found.right.low > found.chance
    assert np.mean(values) == pytest.approx(1 / 3, abs=0.02)
    assert above <= 3


def test_what_is_told_apart_by_one_number_is_told_apart() -> None:
    classes = ["early", "original", "delayed"] * 20
    sources = [f"s{number // 3}" for number in range(60)]
    numbers = {"early": 3.0, "original": 3.00001, "delayed": 1e9}
    found = guess({"tell": [numbers[each] for each in classes], "flat": np.zeros(60)}, classes, sources)
    assert (found.right.value, found.balanced.value, found.feature) == (1.0, 1.0, "tell")
    assert found.chance == pytest.approx(1 / 3)


def test_a_number_that_names_the_source_teaches_nothing() -> None:
    """Within a source the value decides; a guesser that had met the source before would have everything right."""
    dice = np.random.default_rng(0)
    classes = [each for _ in range(60) for each in (("a", "b") if dice.random() < 0.5 else ("b", "a"))]
    sources = [f"s{number // 2}" for number in range(120)]
    found = guess({"value": np.arange(120.0)}, classes, sources)
    assert found.right.low is not None and found.right.low <= 0.5


def test_unequal_classes_have_their_own_chance_and_alike_guesses_equal_ones() -> None:
    classes, sources = ["early"] * 30 + ["original"] * 10, [f"s{number % 10}" for number in range(40)]
    found = guess({"flat": np.zeros(40)}, classes, sources)
    assert (found.right.value, found.chance, found.balanced.value, found.feature) == (0.75, 0.75, 0.5, "")
    within = {"x": [*np.linspace(0, 1, 30), *np.linspace(0.62, 0.98, 10)]}
    alike, plain = guess(within, classes, sources, alike=True), guess(within, classes, sources)
    assert (alike.balanced.value or 0) > max(0.6, plain.balanced.value or 0)


def test_one_source_and_one_class_say_nothing_and_odd_shapes_are_refused() -> None:
    assert guess({"x": [1.0, 2.0]}, ["a", "b"], ["s", "s"]).right.value is None
    assert guess({"x": [1.0, 2.0]}, ["a", "a"], ["s", "t"]).right.value is None
    assert guess({}, [], []).right.value is None
    with pytest.raises(BadRequest):
        guess({"x": [1.0]}, ["a", "b"], ["s", "t"])


def test_the_place_of_the_sound_is_the_floor_and_the_picture_is_at_chance() -> None:
    result = told(shown(60))
    sound, picture = line(result, "sound"), line(result, "picture")
    assert sound["low"] > sound["chance"] == pytest.approx(1 / 3)
    assert picture["verdict"] == "at chance"
    assert result["floor"]["three"] == sound["value"]
    assert result["floor"]["words"].endswith("this is the floor")
    cells = result["floor"]
    assert cells["three"] == pytest.approx((cells["original"] + 2 * cells["shifted"]) / 3)
    assert (result["stimuli"], result["sync"], result["timed"], result["sources"]) == (180, 180, 180, 60)


def test_the_score_is_the_one_that_a_perfect_histogram_would_get() -> None:
    """Half of the events at 1 s, a third at 2 s, a sixth at 3 s, shifted by 1 s: by place, the commonest class."""
    rows = [
        Shown(f"{n} {offset}", f"c{n}", f"s{n}", condition, 10.0, 1.0, (1.0, 1.0, 1.0, 2.0, 2.0, 3.0)[n % 6], offset)
        for n in range(240)
        for condition, offset in (("early", -1.0), ("original", 0.0), ("delayed", 1.0))
    ]
    found = guess_place(rows)
    assert found is not None
    # at 0 s early 3/6, at 1 s original 3/6, at 2 s delayed 3/6, at 3 s delayed 2/6, at 4 s delayed 1/6
    assert found.right.value == pytest.approx((3 + 3 + 3 + 2 + 1) / 18)


def test_offsets_too_small_to_tell_are_at_chance_and_no_advice_is_given() -> None:
    result = told(shown(60, (-0.005, 0.005)))
    assert {each["verdict"] for each in result["leak"]} == {"at chance"}
    assert result["advice"] == []
    assert result["floor"]["three"] >= result["chance"]


def test_many_offsets_raise_chance_and_the_floor_says_what_equal_classes_give() -> None:
    result = told(shown(40, (-1.0, -0.8, -0.6, 0.6, 0.8, 1.0)))
    assert result["chance"] == pytest.approx(3 / 7)
    assert "were the classes equally common" in result["floor"]["words"]
    assert result["balanced"]["value"] < result["floor"]["three"]


def planted(rows: list[Shown], conditions: tuple[str, ...], **changed: float) -> list[Shown]:
    return [
        replace(row, files=replace(row.files, **changed)) if row.files and row.condition in conditions else row
        for row in rows
    ]


@pytest.mark.parametrize(
    ("group", "changed", "words", "advice"),
    [
        ("file", {"tags": 77.0}, "tags in the file", "Tags in the file alone gives"),
        ("file", {"size_bytes": 128_045.0}, "the file's size", "Build the stimuli again and do not edit them"),
        ("edges", {"head_zero_s": 0.6}, "digital silence", "with room tone"),
        ("level", {"peak_db": -5.8}, "the peak", "The peak alone gives"),
    ],
)
def test_a_planted_leak_is_named_and_the_clean_set_is_not(
    group: str, changed: dict[str, float], words: str, advice: str
) -> None:
    clean = shown(40, fill="silence")
    result = told(planted(clean, ("delayed",), **changed))
    found = line(result, group)
    assert (found["verdict"], found["value"]) == ("gives it away", pytest.approx(2 / 3, abs=0.08))
    assert words in found["words"]
    assert any(advice in each for each in result["advice"])
    assert line(told(clean), group)["verdict"] == "at chance"
    assert not any(advice in each for each in told(clean)["advice"])


def test_other_tasks_are_asked_for_what_they_may_not_tell() -> None:
    rows = shown(40, ())
    rows += [replace(row, id=f"{row.id} {c}", condition=c) for row in rows for c in ("muted", "swapped")]
    quiet = planted(planted(rows, ("muted",), rms_db=-120.0, head_zero_s=4.0), ("swapped",), peak_db=-1.0)
    result = told(quiet)
    assert line(result, "file", "existence")["verdict"] == "at chance"
    assert "silent by definition" in line(result, "file", "existence")["words"]
    assert not [each for each in result["others"] if each["task"] == "existence" and each["group"] != "file"]
    assert line(result, "level", "consistency")["verdict"] == "gives it away"
    assert line(result, "edges", "consistency")["verdict"] == "at chance"
    assert any("donors differ" in each for each in result["advice"])
    assert result["floor"] is None and result["leak"] == []


def test_pictures_that_differ_because_offsets_were_refused_are_found() -> None:
    every = shown(60, (-0.8, -0.6, 0.6, 0.8))
    late = {row.clip_id for row in every if (row.audio_s or 0) > 2.0}
    result = told([row for row in every if row.condition != ("delayed" if row.clip_id in late else "early")])
    assert line(result, "picture")["verdict"] == "gives it away"
    assert any("Use offsets that fit every clip" in each for each in result["advice"])


def test_advice_tells_offsets_that_hide_more_and_its_figures_are_those_of_such_sets() -> None:
    result = told(shown(80, (-0.8, -0.1, 0.1, 0.8)))
    draw = next(each for each in result["advice"] if "balanced draw of one early" in each)
    smaller = next(each for each in result["advice"] if "s alone" in each and each.startswith("With ±"))
    size = float(smaller.split("±")[1].split()[0])
    fresh = told(shown(80, (-size, size)))
    assert size < 0.8
    assert f"{100 * line(fresh, 'sound')['value']:.0f}"[:1] == smaller.split("give ")[1][:1]
    assert "(chance 33.3)" in draw


def test_verdicts() -> None:
    chance = 1 / 3
    assert verdict(Estimate(0.40, 0.33, 0.47, 9), chance) == "at chance"
    assert verdict(Estimate(0.20, 0.10, 0.30, 9), chance) == "at chance"
    assert verdict(Estimate(0.40, 0.35, 0.45, 9), chance, True) == "floor"
    assert verdict(Estimate(0.40, 0.35, 0.45, 9), chance) == "above chance"
    assert verdict(Estimate(chance + 0.1, 0.35, 0.5, 9), chance, True) == "gives it away"
    assert verdict(Estimate(None, None, None, 0), chance) == "not known"


def test_listeners_without_the_right_picture_are_held_against_the_floor() -> None:
    base = told(shown(60))
    three = base["floor"]["three"]
    heard = [Heard("low", 0.33, 0.28, 0.38), Heard("mid", three, three - 0.04, three + 0.04), Heard("top", 0.9, 0.8, 1)]
    lines = {each["name"]: each for each in with_heard(base, heard)["leak"] if each["group"] == "listener"}
    assert lines["Shuffled picture, low"]["verdict"] == "at chance"
    assert lines["Shuffled picture, mid"]["verdict"] == "at floor"
    assert lines["Shuffled picture, top"]["verdict"] == "above floor"
    assert "something leaks" in lines["Shuffled picture, top"]["words"]
    assert len(base["leak"]) == 5


# ---------- files ----------


def written(folder: Path, samples: np.ndarray) -> tuple[bytes, bytes]:
    sound = Sound(samples.astype(np.float32), 16_000)
    write_wav(folder / "a.wav", sound), write_flac(folder / "a.flac", sound)
    return (folder / "a.wav").read_bytes(), (folder / "a.flac").read_bytes()


def test_what_a_file_tells_is_exact(tmp_path: Path) -> None:
    samples = np.zeros((16_000, 1))
    samples[800:8000] = 0.5
    samples[8000:15_000] = 0.001
    wav, flac = written(tmp_path, samples)
    facts = file_facts(wav, flac, samples.astype(np.float32), 16_000)
    assert (facts.size_bytes, facts.length, facts.people_length) == (44 + 32_000, 16_000, 16_000)
    assert (facts.head_zero_s, facts.tail_zero_s) == (0.05, 1000 / 16_000)
    assert (facts.peak_db, facts.tail_db, facts.head_db) == (-6.0, -64.3, -9.0)
    assert facts.floor_db < -60
    assert zero_edges(np.zeros((5, 2), np.float32)) == (5, 0)


def test_tags_are_seen_and_lengths_are_not_tags(tmp_path: Path) -> None:
    long, short = (written(tmp_path, np.full((n, 1), 0.1)) for n in (9000, 400))
    assert [container(each) for each in long] == [container(each) for each in short]
    assert container(long[0]).tags == ()
    tagged = long[0] + b"LIST" + (4).to_bytes(4, "little") + b"hush"
    assert container(tagged).tags != ()
    assert container(tagged).format == container(long[0]).format
    assert container(long[0] + b"xy").tags != ()
    flac = long[1]
    comment = b"\4\0\0\5hush!"  # before the blocks that follow
    assert container(flac[:42] + comment + flac[42:]).tags != container(flac).tags
    assert flac_length(flac) == 9000
    assert flac_length(b"RIFF") == flac_length(b"fLaC") == 0
    for odd in (b"", b"RIFF", b"fLaC", b"fLaC\0\0\0", b"ID3" * 200):
        container(odd)
    assert container(b"ID3" * 200) != container(b"OggS" * 200)


# ---------- a workspace ----------


def fill(store: Store, place: World) -> None:
    store.add_clips(place.clips.values(), "test")
    for clip_id, times in place.times.items():
        store.set_times(clip_id, times, "test")
    store.add_stimuli(place.stimuli, "test")


@pytest.fixture(scope="module")
def built() -> World:
    return world()


@pytest.fixture
def place(built: World, tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    """A store and a workspace of its own with the stimuli of two clips, which a test may change."""
    space = tmp_path / "workspace"
    shutil.copytree(built.workspace / "stimuli", space / "stimuli")
    with open_store(tmp_path / "annotations.duckdb", space, min_free_bytes=0) as store:
        fill(store, built)
        yield store, space


def test_places_are_told_at_once_and_files_once_they_are_measured(place: tuple[Store, Path]) -> None:
    store, space = place
    first = leak_report(store, space)
    assert {each["group"] for each in first["leak"]} == {"sound", "picture"}
    assert (first["measured"], first["timed"]) == (0, first["sync"])
    assert measure_files(store, space) == []
    second = leak_report(store, space)
    assert {each["group"] for each in second["leak"]} == {"sound", "picture", "file", "edges", "level"}
    with_sound = [each for each in store.stimuli() if each.models and each.event_survives is not False]
    assert second["measured"] == len(with_sound) < len(store.stimuli())
    assert json.loads(json.dumps(second)) == second
    assert line(second, "file")["verdict"] == "at chance"


def test_a_report_is_kept_until_something_is_written(place: tuple[Store, Path]) -> None:
    store, space = place
    first = leak_report(store, space)
    assert leak_report(store, space)["leak"][0] is first["leak"][0]
    clip = store.clips()[0]
    store.set_times(clip.id, EventTimes(1.2, 1.2, "construction"), "test")
    third = leak_report(store, space)
    assert third["leak"][0] is not first["leak"][0]
    some = {each.id for each in store.stimuli() if each.condition != "early"}
    assert leak_report(store, space, some)["sync"] < third["sync"] == leak_report(store, space)["sync"]


def test_a_file_that_is_edited_later_is_measured_again_and_one_that_is_gone_is_refused(
    place: tuple[Store, Path],
) -> None:
    store, space = place
    counted: list[int] = []
    measure_files(store, space, lambda done, total: counted.append(total))
    measure_files(store, space, lambda done, total: counted.append(-1))
    assert -1 not in counted
    stimulus = next(each for each in store.stimuli() if each.models)
    path = space / "stimuli" / stimulus.clip_id / stimulus.models
    path.write_bytes(path.read_bytes() + b"more")
    measure_files(store, space, lambda done, total: counted.append(-total))
    assert counted[-1] == -1
    path.unlink()
    (refused,) = measure_files(store, space)
    assert (refused.subject, "cannot be read" in refused.reason) == (stimulus.id, True)
    (space / "cache" / "leak" / "files.json").write_text('{"torn')
    assert leak_report(store, space)["measured"] == 0


def many(store: Store, space: Path, spoil: Any) -> dict[str, Any]:
    """The report on 24 made-up clips with real files, of which `spoil` changes those of each delayed one."""
    dice = np.random.default_rng(5)
    clips = [
        replace(store.clips()[0], sha256=f"{n:016x}" + "0" * 48, path=f"{n}.mp4", source=f"film {n}") for n in range(24)
    ]
    store.add_clips(clips, "test")
    for clip in clips:
        folder = space / "stimuli" / clip.id
        folder.mkdir(parents=True)
        at = float(dice.uniform(0.5, 3.0))
        store.set_times(clip.id, EventTimes(at, at, "gold"), "test")
        for edit in (Intervention("original"), *(Intervention("shift", each, "room") for each in (-0.01, 0.01))):
            name = content_id(clip.id, edit.id)
            samples = dice.normal(0, 0.002 * 1.3 ** dice.normal(), (8000, 1)).astype(np.float32)
            write_wav(folder / f"{name}.wav", Sound(samples, 16_000))
            write_flac(folder / f"{name}.flac", Sound(samples, 16_000))
            if edit.condition == "delayed":
                spoil(folder / f"{name}.wav", samples)
            proof = Proof("verified", (), 2.0, "p")
            store.add_stimulus(Stimulus(clip.id, edit, f"{name}.wav", f"{name}.flac", proof, True), "test")
    measure_files(store, space)
    chosen = {clip.id for clip in clips}
    return leak_report(store, space, {each.id for each in store.stimuli() if each.clip_id in chosen})


def tag(path: Path, samples: np.ndarray) -> None:
    path.write_bytes(path.read_bytes() + b"LIST" + (4).to_bytes(4, "little") + b"late")


def silence(path: Path, samples: np.ndarray) -> None:
    samples[:16] = 0
    write_wav(path, Sound(samples, 16_000))


def loud(path: Path, samples: np.ndarray) -> None:
    write_wav(path, Sound(samples * 30, 16_000))


@pytest.mark.parametrize(
    ("spoil", "group"), [(lambda path, samples: None, ""), (tag, "file"), (silence, "edges"), (loud, "level")]
)
def test_a_leak_planted_in_real_files_is_found_where_it_is(place: tuple[Store, Path], spoil: Any, group: str) -> None:
    result = many(*place, spoil)
    found = {each["group"]: each["verdict"] for each in result["leak"]}
    # Louder sounds have louder ends as well, so where levels tell, edges may.
    for each in ("file", "level") if group == "level" else ("file", "edges", "level"):
        assert (found[each] == "gives it away") is (each == group), (each, result["leak"])
    assert bool(result["advice"]) is bool(group)


def test_the_route_tells_places_at_once_and_measures_behind_itself(place: tuple[Store, Path]) -> None:
    from ui.house import House
    from ui.routes.leak import leak_router

    store, space = place
    app = FastAPI()
    house = House(store, None, space, "test")  # type: ignore[arg-type]
    app.include_router(leak_router(house))
    with serving(app) as url, house.desk, httpx.Client(base_url=url, timeout=60) as client:
        first = client.get("/api/leak/report").json()
        assert (first["measuring"], {"sound", "picture"} <= {each["group"] for each in first["leak"]}) == (True, True)
        for _ in range(600):
            last = client.get("/api/leak/report").json()
            if not last["measuring"]:
                break
        assert last["measured"] > 0
        assert not measure_soon(store, space)


def test_the_verb_measures_and_tells(built: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from argparse import Namespace

    space = tmp_path / "workspace"
    shutil.copytree(built.workspace / "stimuli", space / "stimuli")
    database = tmp_path / "annotations.duckdb"
    with open_store(database, space, min_free_bytes=0) as store:
        fill(store, built)
    args = Namespace(workspace=space, db=database, clip=[], json=True)
    assert run_leak(args, Output(as_json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["measured"] > 0
    assert run_leak(args, Output()) == 0
    words = capsys.readouterr().out
    assert "sync: Sound only, best guesser:" in words
    assert "Floor of sync, 3 classes:" in words


def test_listeners_asked_under_other_pictures_are_found_in_the_store(place: tuple[Store, Path]) -> None:
    from tests.results_kit import PERFECT, SYNCED, Mind, responses

    store, _ = place
    assert heard_without_picture(store) == ()
    minds = (Mind("blind", SYNCED, arm="shuffled_picture"), Mind("plain", PERFECT))
    from thud.store import changes

    clips = [f"{number:016x}" for number in range(12)]
    store.write_many([changes.add_response(each, "test") for each in responses(minds, clips)])
    (found,) = heard_without_picture(store)
    assert (found.listener, found.value, found.n) == ("blind", pytest.approx(1 / 3), 36)

"""Building stimuli of real files: what is written, what is proven, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests.sounds import make_ding_clip
from thud.errors import BadRequest, RefusedClip, RefusedEdit
from thud.media.encode import write_clip
from thud.media.sound import Sound, read_written
from thud.media.write import to_models, write_flac, write_wav
from thud.records import Clip, EventTimes, Intervention, Stimulus
from thud.stimuli.build import BuildSettings, build_clip, load_stimulus, plan_clip
from thud.stimuli.donors import Donor, choose_donor
from thud.stimuli.proof import Reference, Written, prove, words

EVERYTHING = BuildSettings((-0.6, -0.2, 0.2, 0.6), "room", ("silence", "room", "drop_stream"), True, 3)
TIMES = EventTimes(0.8, 0.8, "construction")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return (
        make_ding_clip(folder / "low.mp4", kind="low"),
        make_ding_clip(folder / "high.mp4", 2.5, 1.4, kind="high", pitch_hz=2300.0, seed=1),
    )


def build(clips: tuple[Clip, Clip], settings: BuildSettings, folder: Path) -> list[Stimulus]:
    clip, other = clips
    plan = plan_clip(clip, TIMES, settings, [Donor(other, 1.4)])
    stimuli, refused = build_clip(clip, TIMES, plan.edits, {other.id: other.path}, folder)
    assert not refused
    return stimuli


def test_every_condition_is_verified_and_differs_in_sound_only(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    stimuli = build(clips, EVERYTHING, tmp_path)
    assert [s.condition for s in stimuli] == ["original", *["early"] * 2, *["delayed"] * 2, *["muted"] * 3, "swapped"]
    assert {s.proof.verdict for s in stimuli} == {"verified"}
    heard = [s for s in stimuli if s.models]
    assert len({(tmp_path / s.models).stat().st_size for s in heard}) == 1
    assert len({s.proof.duration_s for s in heard}) == 1
    assert len({s.proof.models_sha256 for s in heard}) == len(heard)
    assert len({s.proof.picture_hash for s in stimuli}) == 1


@pytest.mark.parametrize("fill", ["room", "silence", "circular"])
def test_the_measured_lag_is_the_asked_one(clips: tuple[Clip, Clip], tmp_path: Path, fill: str) -> None:
    settings = BuildSettings((-0.777, -0.0417, 0.0417, 1.0), fill, (), False, 0)  # type: ignore[arg-type]
    for stimulus in build(clips, settings, tmp_path)[1:]:
        asked = stimulus.intervention.offset_s
        assert stimulus.proof.error_samples == 0
        assert stimulus.proof.offset_s == pytest.approx(asked, abs=1 / 48_000)
        assert f"{abs(asked):.4f} s" in words(stimulus.intervention, stimulus.proof)


def test_the_donors_event_is_heard_where_the_original_was(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    swapped = build(clips, BuildSettings(swap=True), tmp_path)[-1]
    sound = read_written(tmp_path / swapped.people).samples[:, 0]
    onset = int(np.argmax(np.abs(sound) > 0.1))
    assert onset / 48_000 == pytest.approx(0.8, abs=0.002)
    assert swapped.proof.source_correlation is not None
    assert swapped.proof.source_correlation < 0.2


def test_a_second_build_keeps_what_is_there_and_mends_what_is_not(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    first = build(clips, EVERYTHING, tmp_path)
    stamps = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    torn = tmp_path / first[2].models
    whole = torn.read_bytes()
    torn.write_bytes(whole[:100])
    assert build(clips, EVERYTHING, tmp_path) == first
    assert torn.read_bytes() == whole
    fresh = {p.name for p in tmp_path.iterdir() if stamps.get(p.name) != p.stat().st_mtime_ns}
    assert fresh == {f"{first[2].id}{suffix}" for suffix in (".wav", ".flac", ".json")}


def test_two_processes_in_two_folders_build_the_same_bytes(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    paths = [clip.path for clip in clips]
    hashes = []
    for name in ("here", "there"):
        command = [sys.executable, "-m", "thud", "intervene", *paths, "--out", str(tmp_path / name), "--json"]
        command += ["--shift", "0.3", "-0.45", "--mute", "--swap", "--seed", "11"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(done.stdout.splitlines()) == 10
        files = sorted((tmp_path / name).iterdir())
        hashes.append({file.name: sha256(file.read_bytes()).hexdigest() for file in files})
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 10 * 4


def test_a_proof_that_does_not_hold_says_so(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    stimulus = build(clips, BuildSettings((0.3,)), tmp_path)[1]
    people = read_written(tmp_path / stimulus.people)
    wrong = Sound(np.roll(people.samples, 5, axis=0), people.rate_hz)
    write_flac(tmp_path / "wrong.flac", wrong)
    coarse = to_models(wrong).samples[:, 0]
    original = build(clips, BuildSettings(), tmp_path)[0]
    own = read_written(tmp_path / original.people), read_written(tmp_path / original.models)
    source = Reference(own[0].samples, own[1].samples[:, 0], people.rate_hz)
    written = Written(read_written(tmp_path / "wrong.flac").samples, coarse, 2.0, 0, "", "")
    proof = prove(stimulus.intervention, source, written, duration_s=2.0, picture_hash="")
    assert proof.verdict == "failed"
    assert proof.error_samples == 5
    assert words(stimulus.intervention, proof).startswith("Not usable")


def test_a_mute_that_leaves_one_bit_fails(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    original = build(clips, BuildSettings(), tmp_path)[0]
    fine = read_written(tmp_path / original.people)
    coarse = read_written(tmp_path / original.models).samples[:, 0]
    nearly = np.zeros_like(fine.samples)
    nearly[1000] = 1 / 32768
    source = Reference(fine.samples, coarse, fine.rate_hz)
    silent = np.zeros_like(fine.samples), np.zeros_like(coarse)
    loud = coarse.copy()
    for people, models in ((nearly, silent[1]), (silent[0], loud)):
        written = Written(people, models, 2.0, 0, "", "")
        proof = prove(Intervention("mute", fill="silence"), source, written, duration_s=2.0, picture_hash="")
        assert proof.verdict == "failed"


@pytest.mark.parametrize(
    ("offset_s", "reason"),
    [(-0.9, "would leave the clip by 0.100 s"), (-0.78, "0.020 s from the edge"), (2.5, "longer than the clip")],
)
def test_a_shift_that_loses_the_event_is_refused(clips: tuple[Clip, Clip], offset_s: float, reason: str) -> None:
    plan = plan_clip(clips[0], TIMES, BuildSettings((offset_s,)), [])
    assert [e.kind for e in plan.edits] == ["original"]
    assert reason in plan.refused[0].reason


def test_a_swap_without_donor_is_refused(clips: tuple[Clip, Clip]) -> None:
    plan = plan_clip(clips[0], TIMES, BuildSettings(swap=True), [Donor(clips[0], 0.8)])
    assert plan.refused[0].reason == "no possible donor: no other clip has a different sound"
    with pytest.raises(RefusedEdit, match="rejected"):
        choose_donor(clips[0], [Donor(clips[1], 1.4)], 0, {clips[1].id})


def test_donor_choice_depends_on_the_seed_and_not_on_the_order(clips: tuple[Clip, Clip]) -> None:
    pool = [Donor(replace(clips[1], sha256=f"{n:016x}" + "0" * 48), 1.0) for n in range(8, 40)]
    chosen = [choose_donor(clips[0], pool, seed).clip.id for seed in range(6)]
    assert chosen == [choose_donor(clips[0], reversed(pool), seed).clip.id for seed in range(6)]
    assert len(set(chosen)) > 2


def test_a_silent_sound_track_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "hush.mp4"
    frames = (np.zeros((48, 64, 3), np.uint8) for _ in range(25))
    write_clip(path, frames, 25, Sound(np.zeros((48_000, 2), np.float32), 48_000))
    clip = replace(make_ding_clip(tmp_path / "x.mp4", 1.0, 0.3), path=str(path))
    with pytest.raises(RefusedClip, match="silent"):
        build_clip(clip, None, [Intervention("original")], {}, tmp_path / "out")


@pytest.mark.parametrize(
    "row",
    [{"shifts": ["late"]}, {"shifts": [0]}, {"shifts": [float("nan")]}, {"mutes": ["loud"]}, {"seed": -1}, {"x": 1}],
)
def test_odd_settings_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        BuildSettings.parse(row)


def test_a_proof_file_beside_the_sound_reads_back(clips: tuple[Clip, Clip], tmp_path: Path) -> None:
    stimulus = build(clips, BuildSettings((0.5,)), tmp_path)[1]
    assert load_stimulus(tmp_path, stimulus.id) == stimulus
    beside = json.loads((tmp_path / f"{stimulus.id}.json").read_text())
    assert beside["stimulus"]["proof"]["error_samples"] == 0
    assert "0.5000 s late" in beside["words"]
    assert load_stimulus(tmp_path, "0" * 16) is None


def test_wav_and_flac_hold_the_same_sixteen_bits(tmp_path: Path) -> None:
    sound = Sound(np.linspace(-1, 1, 4801, dtype=np.float32)[:, None], 48_000)
    flac, wav = write_flac(tmp_path / "a.flac", sound), write_wav(tmp_path / "a.wav", sound)
    np.testing.assert_array_equal(read_written(flac).samples, read_written(wav).samples)

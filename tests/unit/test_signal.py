"""The signal itself: onsets to the millisecond, motion to the frame, and nothing where nothing stands out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import clips
from thud.events.signal import audio_onset, motion_energy, place, signal_mark, visual_peak
from thud.media.encode import write_clip
from thud.media.probe import probe
from thud.media.sound import Sound
from thud.records import Clip
from thud.stimuli.demo.make import make_clip

RATE = 16_000
DEMO = (0, 2, 5, 10)


def noise(seconds: float, level: float, seed: int, colour: float = 0.0) -> np.ndarray:
    """Steady noise of that RMS; colour 1 = falling by 3 dB an octave."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    samples = np.fft.irfft(spectrum / (frequency + 40) ** (colour / 2), count)
    return samples / samples.std() * level


def with_click(room: np.ndarray, at_s: float, peak: float, seed: int = 0) -> np.ndarray:
    """The room with a decaying burst from exactly that sample on."""
    count = round(0.06 * RATE)
    burst = np.random.default_rng(seed + 99).standard_normal(count) * np.exp(-np.arange(count) / (0.01 * RATE))
    burst[0] = 2.0
    sound, at = room.copy(), round(at_s * RATE)
    sound[at : at + count] += peak * burst[: len(sound) - at] / np.abs(burst).max()
    return sound.astype(np.float32)


@pytest.mark.parametrize("at_s", [0.05, 0.4, 1.2345, 2.9])
@pytest.mark.parametrize(("room", "peak"), [(0.0, 0.5), (0.003, 0.5), (0.02, 0.6), (0.02, 0.2)])
@pytest.mark.parametrize("colour", [0.0, 1.0])
def test_a_click_in_a_room_is_found_within_10_ms(at_s: float, room: float, peak: float, colour: float) -> None:
    found = audio_onset(with_click(noise(3, room, seed=4, colour=colour) if room else np.zeros(3 * RATE), at_s, peak))
    assert found.time_s == pytest.approx(at_s, abs=0.010)


def test_loud_rooms_on_average() -> None:
    errors = []
    for seed in range(20):
        found = audio_onset(with_click(noise(3, 0.03, seed, colour=1.0), 1.0 + 0.05 * seed, 0.3, seed))
        assert found.time_s is not None
        errors.append(abs(found.time_s - 1.0 - 0.05 * seed))
    assert np.median(errors) < 0.005


def test_the_first_of_repeats_is_the_event() -> None:
    sound = with_click(with_click(noise(3, 0.002, 1), 1.0, 0.5), 1.5, 0.55)
    assert audio_onset(sound).time_s == pytest.approx(1.0, abs=0.01)


def test_a_louder_sound_later_wins() -> None:
    sound = with_click(with_click(noise(3, 0.002, 1), 1.0, 0.02), 2.0, 0.6)
    assert audio_onset(sound).time_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("colour", [0.0, 1.0])
def test_steady_noise_has_no_onset(seed: int, colour: float) -> None:
    assert audio_onset(noise(4, 0.05, seed, colour).astype(np.float32)).time_s is None


def test_silence_tones_and_scraps_have_no_onset() -> None:
    tone = 0.3 * np.sin(np.arange(3 * RATE) * 0.2)
    for samples in (np.zeros(3 * RATE), tone, np.zeros(0), np.ones(100)):
        assert audio_onset(samples.astype(np.float32)).time_s is None


def test_room_noise_that_begins_after_silence_is_not_the_event() -> None:
    room = noise(3, 0.002, 2)
    room[: RATE // 2] = 0
    assert audio_onset(with_click(room, 2.0, 0.5)).time_s == pytest.approx(2.0, abs=0.01)


def film(path: Path, positions: list[int], fps: int = 25, cut: int | None = None, sound: Sound | None = None) -> Path:
    """A bright square that is `positions[k]` pixels from the left in frame k; from frame `cut` on, another scene."""
    frames = []
    for k, x in enumerate(positions):
        rgb = np.full((96, 160, 3), 40 if cut is None or k < cut else 200, np.uint8)
        rgb[30:60, x : x + 30] = 120
        frames.append(rgb)
    write_clip(path, frames, fps, sound)
    return path


def leap(frames: int, at: int) -> list[int]:
    """Rest, one fast move that ends on frame `at`, rest."""
    return [10 if k < at - 1 else 40 if k == at - 1 else 100 for k in range(frames)]


def test_the_frame_of_the_strongest_motion_exactly(tmp_path: Path) -> None:
    visual_s, audio_s, detail = place(film(tmp_path / "leap.mp4", leap(50, 31)))
    assert visual_s == pytest.approx(31 / 25, abs=1e-6)
    assert audio_s is None
    assert detail["visual_contrast"] > 2.5


def test_uneven_frames_keep_their_own_times(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(3).choice([0.02, 0.04, 0.1], 40)).round(3)
    pictures = []
    for x in leap(40, 22):
        rgb = np.full((96, 160, 3), 40, np.uint8)
        rgb[30:60, x : x + 30] = 200
        pictures.append(rgb)
    write_clip(tmp_path / "vfr.mp4", pictures, 25, times_s=times.tolist())
    assert place(tmp_path / "vfr.mp4")[0] == pytest.approx(times[22] - times[0], abs=1e-4)


def test_a_cut_is_no_motion(tmp_path: Path) -> None:
    visual_s, _, detail = place(film(tmp_path / "cut.mp4", leap(50, 31), cut=12))
    assert visual_s == pytest.approx(31 / 25, abs=1e-6)
    assert detail["cuts"] == [pytest.approx(12 / 25)]


def test_still_and_evenly_moving_pictures_have_no_event(tmp_path: Path) -> None:
    assert place(film(tmp_path / "still.mp4", [20] * 40))[:2] == (None, None)
    assert place(film(tmp_path / "pan.mp4", [3 * k for k in range(40)]))[:2] == (None, None)


def test_unrest_all_along_has_no_event() -> None:
    times, unrest = np.arange(100) / 25, 1 + np.random.default_rng(1).random(100)
    assert visual_peak(times, unrest, np.zeros(100, np.bool_)).time_s is None
    unrest[40] += 2
    assert visual_peak(times, unrest, np.zeros(100, np.bool_)).time_s == times[40]


def test_motion_curve_has_one_value_a_frame(tmp_path: Path) -> None:
    times, motion, cuts = motion_energy(film(tmp_path / "leap.mp4", leap(30, 11)))
    assert times == pytest.approx(np.arange(30) / 25)
    assert (motion[:10] == 0).all()
    assert motion[0] == 0
    assert not cuts.any()
    assert visual_peak(times[:1], motion[:1], cuts[:1]).time_s is None


def as_clip(path: Path) -> Clip:
    return Clip("ab" * 32, str(path), path.stem, probe(path), "")


def test_marks_say_what_they_rest_on_and_stay_in_the_clip(tmp_path: Path) -> None:
    mark = signal_mark("signal", as_clip(film(tmp_path / "leap.mp4", leap(50, 31))))
    assert (mark.verdict, mark.person, mark.audio_s) == ("no_sound", False, None)
    assert mark.detail["model"] == "signal_v1"
    nothing = signal_mark("signal", as_clip(film(tmp_path / "still.mp4", [20] * 40)))
    assert (nothing.verdict, nothing.visual_s, nothing.audio_s) == ("uncertain", None, None)
    heard = signal_mark("signal", as_clip(clips.make_clip(tmp_path / "click.mp4", click_s=0.7)))
    assert heard.audio_s == pytest.approx(0.7, abs=0.01)
    assert heard.verdict == "placed"
    assert heard == signal_mark("signal", as_clip(tmp_path / "click.mp4"))


def test_demo_clips_sound_to_20_ms_and_picture_to_80_ms(tmp_path: Path) -> None:
    visual, audio = [], []
    for index in DEMO:
        truth = make_clip(tmp_path, 31, index)
        visual_s, audio_s, _ = place(tmp_path / truth.path)
        assert audio_s is not None
        assert visual_s is not None
        visual.append(abs(visual_s - truth.visual_s))
        audio.append(abs(audio_s - truth.audio_s))
    print(
        f"sound {1000 * np.median(audio):.1f} ms, picture {1000 * np.median(visual):.1f} ms, worst {max(visual):.2f} s"
    )
    assert np.median(audio) <= 0.020
    assert max(audio) <= 0.020
    assert np.median(visual) <= 0.080

"""What is written comes back exactly, is the same every time, and tells nothing but the samples."""

from __future__ import annotations

import hashlib
import os
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.clips import readable, truth
from thud.errors import RefusedEdit, StoreFull
from thud.media.picture import mux
from thud.media.sound import Sound, read_written
from thud.media.write import resampled, to_16_bit, to_models, write_flac, write_wav

SOUND = Sound(truth(1.5), 48_000)
Writer = Callable[[Path, Sound], Path]


def tone(rate_hz: int, seconds: float = 1.0, pitch_hz: float = 440.0) -> Sound:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return Sound((0.5 * np.sin(2 * np.pi * pitch_hz * times)).astype(np.float32)[:, None], rate_hz)


@pytest.mark.parametrize("write", [write_wav, write_flac])
@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 2), (44_100, 1), (22_050, 1), (16_000, 1), (96_000, 2)])
def test_comes_back_as_the_same_16_bit_samples(write: Writer, rate_hz: int, channels: int, tmp_path: Path) -> None:
    sound = Sound(truth(1.2, rate_hz, channels), rate_hz)
    path = write(tmp_path / "sound", sound)
    back = read_written(path)
    assert path == tmp_path / "sound"
    assert back.rate_hz == rate_hz
    assert np.array_equal(back.samples, to_16_bit(sound.samples) / np.float32(32768))
    again = read_written(write(tmp_path / "again", back))
    assert np.array_equal(again.samples, back.samples)


@pytest.mark.parametrize("write", [write_wav, write_flac])
def test_same_samples_give_the_same_bytes_and_no_tags(write: Writer, tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", SOUND), write(tmp_path / "b", SOUND)
    assert first.read_bytes() == second.read_bytes()
    for tag in (b"Lavf6", b"Lavc", b"encoder", b"LIST"):
        assert tag not in first.read_bytes()[:4096]


def test_wav_size_depends_on_length_only(tmp_path: Path) -> None:
    models = to_models(SOUND)
    quiet = Sound(np.zeros_like(models.samples), models.rate_hz)
    assert write_wav(tmp_path / "a", models).stat().st_size == write_wav(tmp_path / "b", quiet).stat().st_size
    with wave.open(str(tmp_path / "a")) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 24_000)


def test_rounding_is_to_nearest_and_clips() -> None:
    values = np.array([[0.5 / 32768], [1.5 / 32768], [-0.5 / 32768], [1.0], [-1.0], [7.0], [-7.0]], np.float32)
    assert to_16_bit(values).ravel().tolist() == [0, 2, 0, 32767, -32768, 32767, -32768]


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_to_models_moves_nothing_and_keeps_the_level(rate_hz: int) -> None:
    models = to_models(tone(rate_hz, 1.37))
    assert models.rate_hz == 16_000
    assert models.samples.dtype == np.float32
    assert models.samples.shape == (round(1.37 * 16_000), 1)
    known = tone(16_000, 1.37).samples
    assert np.abs(models.samples - known)[200:-200].max() < 2e-3


def test_to_models_places_a_click_exactly() -> None:
    samples = np.zeros((48_000, 2), np.float32)
    samples[30_000] = 0.8
    models = to_models(Sound(samples, 48_000))
    assert int(np.argmax(np.abs(models.samples))) == 10_000


def test_to_models_is_the_mean_of_the_channels() -> None:
    left, right = tone(16_000).samples, tone(16_000, pitch_hz=1000).samples
    models = to_models(Sound(np.hstack([left, right]), 16_000))
    assert np.array_equal(models.samples, ((left.astype(float) + right) / 2).astype(np.float32))


def test_to_models_has_not_changed() -> None:
    """The 16-bit samples are part of every stimulus' identity: this number may change only with ENGINE_VERSION."""
    samples = to_16_bit(to_models(Sound(truth(1.5, 44_100), 44_100)).samples)
    assert hashlib.sha256(samples.tobytes()).hexdigest()[:16] == "dc57842cbf6a183f"


def test_resampling_an_empty_sound() -> None:
    assert resampled(np.zeros((0, 2), np.float32), 16_000, 16_000).shape == (0, 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["sound.wav", "sound.flac", "clip.mp4"])
def test_a_full_disk_is_said_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    target = tmp_path / name
    (tmp_path / f".{name}.{os.getpid()}.part").symlink_to("/dev/full")
    write = {
        "sound.wav": lambda: write_wav(target, SOUND),
        "sound.flac": lambda: write_flac(target, SOUND),
        "clip.mp4": lambda: mux(readable()["h264_aac.mp4"], SOUND, target),
    }[name]
    with pytest.raises(StoreFull, match="The disk is full"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_flac(tmp_path / "sound.flac", SOUND)
    before = path.read_bytes()
    with pytest.raises(RefusedEdit, match=r"sound\.flac cannot be written"):
        write_flac(path, Sound(SOUND.samples, 2_000_000))  # more than its header can hold
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

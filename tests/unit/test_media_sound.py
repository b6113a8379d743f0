"""Decoded sound lies on the picture's timeline to the sample, in every container."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate

from tests.clips import RECIPES, hostile, make_clip, readable, truth
from thud.errors import RefusedClip
from thud.media.probe import probe
from thud.media.sound import read_sound, read_written
from thud.records import Probe

LOSSLESS = [
    "h264_flac.mkv", "h264_pcm.mov", "mjpeg_pcm.avi", "vfr.mkv", "sound_late.mkv", "picture_late.mkv",
]  # fmt: skip
MP3_DELAY = 1105
"""Samples of MP3's own encoder delay, which AVI cannot say to skip: they belong to the source."""


def lag(heard: NDArray[np.float32], expected: NDArray[np.float32]) -> int:
    """Samples by which `heard` is late, by cross-correlation of the first channels."""
    both = correlate(heard[:, 0].astype(float), expected[:, 0].astype(float), method="fft")
    return int(np.argmax(both)) - (len(expected) - 1)


def expected(name: str, found: Probe, channels: int) -> NDArray[np.float32]:
    click_s = 0.25 if name == "short.mp4" else 1.0
    whole = truth(found.duration_s, found.sample_rate_hz, found.channels, click_s)[:, :channels]
    if name.startswith("sound_late"):
        whole[: round(0.25 * found.sample_rate_hz)] = 0
    if name == "sound_short.mp4":
        whole[round(1.3 * found.sample_rate_hz) :] = 0
    return whole


@pytest.mark.parametrize("name", sorted(set(RECIPES) - {"silent.mp4", "surround.mp4"}))
def test_lag_is_zero_samples(name: str) -> None:
    found = probe(readable()[name])
    sound = read_sound(readable()[name], found)
    assert sound is not None
    assert sound.samples.dtype == np.float32
    assert sound.samples.shape == (round(found.duration_s * found.sample_rate_hz), min(2, found.channels))
    assert (sound.rate_hz, sound.damage) == (found.sample_rate_hz, ())
    known = expected(name, found, sound.samples.shape[1])
    assert lag(sound.samples, known) == (MP3_DELAY if name == "mpeg4_mp3.avi" else 0)
    shift = MP3_DELAY if name == "mpeg4_mp3.avi" else 0
    heard, known = sound.samples[shift:].ravel(), known[: len(known) - shift].ravel()
    assert np.corrcoef(heard, known)[0, 1] > 0.94


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_sound_comes_back_exactly(name: str) -> None:
    found = probe(readable()[name])
    sound = read_sound(readable()[name], found)
    assert sound is not None
    written = np.trunc(expected(name, found, 2) * 32768) / 32768
    assert np.abs(sound.samples - written).max() <= 1 / 32768


def test_what_is_missing_is_silent() -> None:
    late = read_sound(readable()["sound_late.mkv"], probe(readable()["sound_late.mkv"]))
    short = read_sound(readable()["sound_short.mp4"], probe(readable()["sound_short.mp4"]))
    assert late is not None and short is not None
    assert not late.samples[:12_000].any()
    assert late.samples[12_000:12_480].any()
    assert not short.samples[round(1.35 * 48_000) :].any()


def test_no_sound_track_is_none() -> None:
    path = readable()["silent.mp4"]
    assert read_sound(path, probe(path)) is None


def test_surround_is_folded_to_stereo_without_clipping(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "surround.mkv", audio_codec="flac", layout="5.1")
    sound = read_sound(path, probe(path))
    assert sound is not None
    left, right, centre, _low, back_left, back_right = truth(2.0, channels=6).T
    weight = np.sqrt(0.5)
    folded = np.stack([left + weight * (centre + back_left), right + weight * (centre + back_right)], axis=1)
    assert np.abs(sound.samples - folded / (1 + 2 * weight)).max() < 1e-4


def test_reading_twice_gives_the_same_samples() -> None:
    path = readable()["h264_aac.mp4"]
    first, second = (read_sound(path, probe(path)) for _ in range(2))
    assert first is not None and second is not None
    assert np.array_equal(first.samples, second.samples)


def test_packets_that_cannot_be_decoded_leave_a_gap_and_move_nothing() -> None:
    path = hostile()["damaged_bits.mp4"]
    sound = read_sound(path, probe(path))
    assert sound is not None
    assert "packets of the sound cannot be decoded" in sound.damage[0]
    assert "The sound has gaps of 0." in sound.damage[1]
    assert len(sound.samples) == 96_000
    assert np.isfinite(sound.samples).all()
    assert lag(sound.samples[:90_000], truth(2.0)[:90_000]) == 0


def test_one_lost_packet_in_a_millisecond_container_moves_nothing(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "lost.mkv", audio_codec="libopus")
    with av.open(str(path)) as media:
        lost = [bytes(packet) for packet in media.demux(audio=0)][20]
    data = path.read_bytes()
    path.write_bytes(data.replace(lost, b"\xff" * len(lost)))
    sound = read_sound(path, probe(path))
    assert sound is not None
    assert sound.damage == ("The sound has gaps of 0.02 s in all; they are silent.",)
    assert abs(lag(sound.samples[40_000:], truth(2.0)[40_000:])) <= 24  # half a millisecond


def test_a_file_cut_short_is_read_as_far_as_it_goes() -> None:
    path = hostile()["damaged_cut.mkv"]
    found = probe(path)
    sound = read_sound(path, found)
    assert sound is not None
    assert len(sound.samples) == round(found.duration_s * 48_000)
    assert lag(sound.samples, truth(found.duration_s)) == 0


def test_read_written_says_what_is_not_a_sound(tmp_path: Path) -> None:
    with pytest.raises(RefusedClip, match="has no sound track"):
        read_written(readable()["silent.mp4"])
    with pytest.raises(RefusedClip, match="does not exist"):
        read_written(tmp_path / "gone.wav")
    (tmp_path / "half.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    with pytest.raises(RefusedClip, match="is not a sound that thud wrote"):
        read_written(tmp_path / "half.wav")
    (tmp_path / "half.flac").write_bytes(b"fLaC" + bytes(50))
    with pytest.raises(RefusedClip, match="is not a sound that thud wrote"):
        read_written(tmp_path / "half.flac")

"""The probe tells what is in the packets, exactly, and what is wrong with them in sentences."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.clips import RECIPES, hostile, make_clip, readable
from thud.errors import RefusedClip
from thud.media.probe import decode_check, probe, snapped, steady_rate

NTSC = Fraction(30000, 1001)
FACTS = {  # name: (fps, frames, duration_s, rotation, video codec, audio codec, rate, channels, audio start)
    "h264_aac.mp4": (30, 60, 2.0, 0, "h264", "aac", 48_000, 2, 0),
    "b_frames.mp4": (float(NTSC), 60, 2.002, 0, "h264", "aac", 48_000, 2, 0),
    "h264_aac.mov": (25, 50, 2.0, 0, "h264", "aac", 48_000, 2, 0),
    "h264_flac.mkv": (30, 60, 2.0, 0, "h264", "flac", 48_000, 2, 0),
    "h264_opus.mkv": (30, 60, 2.0, 0, "h264", "opus", 48_000, 2, 0),
    "h264_pcm.mov": (30, 60, 2.0, 0, "h264", "pcm_s16le", 44_100, 2, 0),
    "vp9_opus.webm": (30, 60, 2.0, 0, "vp9", "opus", 48_000, 2, 0),
    "vp8_opus.webm": (25, 50, 2.0, 0, "vp8", "opus", 48_000, 2, 0),
    "mpeg4_mp3.avi": (30, 60, 2.0, 0, "mpeg4", "mp3", 48_000, 2, 0),
    "mjpeg_pcm.avi": (30, 60, 2.0, 0, "mjpeg", "pcm_s16le", 48_000, 2, 0),
    "vfr.mp4": (None, 10, 2.0, 0, "h264", "aac", 48_000, 2, 0),
    "vfr.mkv": (None, 10, 2.0, 0, "h264", "flac", 48_000, 2, 0),
    "rotated_90.mp4": (30, 60, 2.0, 90, "h264", "aac", 48_000, 2, 0),
    "rotated_90.mov": (30, 60, 2.0, 270, "h264", "aac", 48_000, 2, 0),
    "surround.mp4": (30, 60, 2.0, 0, "h264", "aac", 48_000, 6, 0),
    "mono_22k.mp4": (30, 60, 2.0, 0, "h264", "aac", 22_050, 1, 0),
    "short.mp4": (30, 15, 0.5, 0, "h264", "aac", 48_000, 2, 0),
    "silent.mp4": (30, 60, 2.0, 0, "h264", "", 0, 0, 0),
    "sound_short.mp4": (30, 60, 2.0, 0, "h264", "aac", 48_000, 2, 0),
    "sound_late.mp4": (30, 60, 2.0, 0, "h264", "aac", 48_000, 2, 0.25 - 1024 / 48_000),  # the encoder's lead-in
    "sound_late.mkv": (30, 60, 2.0, 0, "h264", "flac", 48_000, 2, 0.25),
    "picture_late.mp4": (30, 60, 2.0, 0, "h264", "aac", 48_000, 2, -0.5),
    "picture_late.mkv": (30, 60, 2.0, 0, "h264", "flac", 48_000, 2, -0.5),
}


@pytest.mark.parametrize("name", FACTS)
def test_facts(name: str) -> None:
    found = probe(readable()[name])
    assert (
        found.fps,
        found.frames,
        found.duration_s,
        found.rotation,
        found.video_codec,
        found.audio_codec,
        found.sample_rate_hz,
        found.channels,
        found.audio_start_s,
    ) == FACTS[name]
    assert (found.width, found.height) == (128, 96)
    assert found.container == Path(name).suffix[1:]
    assert found.size_bytes == readable()[name].stat().st_size
    assert found.has_sound == (name != "silent.mp4")


@pytest.mark.parametrize("name", RECIPES)
def test_sound_files_are_not_called_damaged(name: str) -> None:
    assert probe(readable()[name]).damage == ()
    assert decode_check(readable()[name]) == ()


@pytest.mark.parametrize("name", ["damaged_cut.mp4", "damaged_cut.mkv"])
def test_files_cut_short_say_where_they_end(name: str) -> None:
    found = probe(hostile()[name])
    assert 0.9 < found.duration_s < 1.4
    assert found.frames == round(found.duration_s * 30)
    assert any(f"cut short: it ends at {found.duration_s:.2f} s of 2.00 s." in said for said in found.damage)


def test_flipped_bits_are_counted_when_decoding() -> None:
    said = decode_check(hostile()["damaged_bits.mp4"])
    assert any("packets of the picture are damaged" in sentence for sentence in said)
    assert any("packets of the sound are damaged" in sentence for sentence in said)


def test_refusals() -> None:
    with pytest.raises(RefusedClip, match=r"too_long\.mp4 is longer than 10 minutes"):
        probe(hostile()["too_long.mp4"])
    with pytest.raises(RefusedClip, match=r"sound_only\.mp4 has no moving picture"):
        probe(hostile()["sound_only.mp4"])


def test_a_file_without_one_picture_that_decodes_is_refused(tmp_path: Path) -> None:
    data = bytearray(readable()["mjpeg_pcm.avi"].read_bytes())
    at = data.index(b"00dc")
    while at > 0:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        data[at + 8 : at + 8 + size] = bytes(size)
        at = data.find(b"00dc", at + 8 + size, data.rindex(b"idx1"))
    path = tmp_path / "blank.avi"
    path.write_bytes(data)
    with pytest.raises(RefusedClip, match="holds no picture that can be decoded"):
        probe(path)


def test_avi_with_b_frames_says_what_it_does_not_know(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "b.avi", video_codec="mpeg4", audio_codec="pcm_s16le", b_frames=2)
    assert "AVI does not say when B-frames are shown" in probe(path).damage[0]
    plain = make_clip(tmp_path / "h264.avi", audio_codec="pcm_s16le")
    found = probe(plain)
    assert (found.fps, found.frames, found.damage) == (30, 60, ())


def test_pictures_cut_off_by_an_edit_list_do_not_count(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "edited.mp4", picture_start_s=-0.2, sound_start_s=0.2, b_frames=2)
    found = probe(path)
    assert (found.frames, found.fps, found.duration_s, found.audio_start_s) == (54, 30, pytest.approx(1.8), 0)


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(25), NTSC, Fraction(30), Fraction(60), Fraction(25, 2)]
)
@pytest.mark.parametrize("clock", [Fraction(1, 1000), Fraction(1, 16_000), Fraction(1, 90_000)])
def test_rate_behind_a_rounding_clock(rate: Fraction, clock: Fraction) -> None:
    ticks = [round(index / rate / Fraction(1, 1000)) * int(Fraction(1, 1000) / clock) for index in range(300)]
    assert steady_rate(ticks, clock) == rate


def test_a_coarse_clock_forgives_nothing() -> None:
    clock = Fraction(1, 30)
    assert steady_rate(range(60), clock) == 30
    assert steady_rate([tick for tick in range(60) if tick != 20], clock) is None
    assert steady_rate([0, 33, 67, 120, 133], Fraction(1, 1000)) is None
    assert steady_rate([7], clock, [Fraction(24)]) == 24
    assert steady_rate([7, 7], clock) is None


def test_only_the_rounding_of_a_fine_clock_is_snapped_away() -> None:
    millisecond, half = Fraction(1, 1000), Fraction(1, 2000)
    assert snapped(-half, millisecond) == 0
    assert snapped(3 * half, millisecond) == 3 * half
    assert snapped(Fraction(1, 48_000), Fraction(1, 48_000)) == 0
    assert snapped(Fraction(3, 125), Fraction(3, 125)) == Fraction(3, 125)  # AVI counts whole MP3 packets

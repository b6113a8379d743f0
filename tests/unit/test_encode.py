"""write_clip: times, key frames, sound position and bytes are what was asked for."""

from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.barcode import VARIANTS, Variant, click_position, make_clip, picture, read_barcode
from thud.errors import BadRequest, StoreFull
from thud.media.encode import write_clip, written_whole
from thud.media.sound import Sound


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_frame_is_at_its_time(tmp_path: Path, variant: Variant) -> None:
    clip = make_clip(tmp_path / "clip.mp4", variant, seconds=2)
    with av.open(str(clip.path)) as media:
        frames = list(media.decode(video=0))
        stream = media.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(clip.duration_s, abs=1e-9)
    assert [read_barcode(frame.to_ndarray(format="rgb24")) for frame in frames] == list(range(clip.frames))
    np.testing.assert_allclose([frame.time for frame in frames], clip.times_s, atol=1e-9)


def test_frames_last_until_the_next_and_the_last_one_a_frame(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", map(picture, range(4)), 25, times_s=[0, 0.5, 0.6, 1.0])
    with av.open(str(tmp_path / "clip.mp4")) as media:
        lengths = [float(packet.duration * packet.time_base) for packet in media.demux(video=0) if packet.size]
    assert lengths == pytest.approx([0.5, 0.1, 0.4, 0.04])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("variant", ["30", "vfr"])
def test_decoded_sound_is_sample_aligned(tmp_path: Path, variant: Variant, channels: int) -> None:
    clip = make_clip(tmp_path / "clip.mp4", variant, channels=channels)
    assert clip.sound is not None
    with av.open(str(clip.path)) as media:
        assert media.streams.audio[0].start_time == 0
        heard = np.concatenate([frame.to_ndarray() for frame in media.decode(audio=0)], axis=1)
    assert heard.shape[0] == channels
    for channel in heard:
        assert click_position(channel, clip.sound, clip.click_sample) == clip.click_sample
    samples = clip.sound.samples.T
    error = heard[:, : samples.shape[1]] - samples
    assert np.sqrt(np.mean(error**2)) < 0.003


def test_short_groups_in_display_order_and_index_in_front(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "25")
    with av.open(str(clip.path)) as media:
        packets = [packet for packet in media.demux(video=0) if packet.size]
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert keys == list(range(0, clip.frames, 15))
    assert all(packet.pts == packet.dts for packet in packets)
    data = clip.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_picture_and_sound_are_interleaved(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "30", channels=2)
    with av.open(str(clip.path)) as media:
        order = [(packet.stream.type, float(packet.dts * packet.time_base)) for packet in media.demux() if packet.size]
    latest = {"video": 0.0, "audio": 0.0}
    for kind, time_s in order:
        latest[kind] = time_s
        assert abs(latest["video"] - latest["audio"]) < 0.6


def test_same_input_gives_same_bytes_and_no_tags(tmp_path: Path) -> None:
    first, second = (make_clip(tmp_path / name, "vfr", seconds=1) for name in ("a.mp4", "b.mp4"))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert b"Lavf" not in first.path.read_bytes()


def test_colours_come_back(tmp_path: Path) -> None:
    flats = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (128, 128, 128), (240, 220, 40)]
    write_clip(tmp_path / "clip.mp4", (np.full((64, 64, 3), flat, np.uint8) for flat in flats), 25, crf=12)
    with av.open(str(tmp_path / "clip.mp4")) as media:
        seen = [frame.to_ndarray(format="rgb24")[32, 32] for frame in media.decode(video=0)]
    np.testing.assert_allclose(seen, flats, atol=4)


@pytest.mark.parametrize("times", [[0.0, 0.5, 0.5], [0.0, 0.5, 0.4]])
def test_times_that_do_not_rise_are_refused(tmp_path: Path, times: list[float]) -> None:
    with pytest.raises(BadRequest, match="frame 2"):
        write_clip(tmp_path / "clip.mp4", map(picture, range(3)), 30, times_s=times)
    assert list(tmp_path.iterdir()) == []


def test_odd_sizes_and_no_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="even"):
        write_clip(tmp_path / "clip.mp4", [np.zeros((63, 64, 3), np.uint8)], 30)
    with pytest.raises(BadRequest, match="at least one"):
        write_clip(tmp_path / "clip.mp4", [], Fraction(24000, 1001))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"old")
    with pytest.raises(StoreFull, match=r"clip\.mp4"), written_whole(target) as part:
        part.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("clip.mp4", b"old")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the always-full device")
def test_the_muxer_reports_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"\[Errno 28\]"), av.open(str(tmp_path / "part"), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=30)
        video.width = video.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        out.mux(video.encode(frame))
        out.mux(video.encode(None))


def test_sound_shorter_or_longer_than_the_picture(tmp_path: Path) -> None:
    for seconds in (0.5, 2.0):
        sound = Sound(np.zeros((round(seconds * 48_000), 1), np.float32), 48_000)
        write_clip(tmp_path / "clip.mp4", map(picture, range(30)), 30, sound)
        with av.open(str(tmp_path / "clip.mp4")) as media:
            audio = media.streams.audio[0]
            assert audio.duration is not None
            assert audio.time_base is not None
            assert float(audio.duration * audio.time_base) == pytest.approx(seconds)

"""write_proxy: the right barcode on every proxy frame, and packets copied when nothing has to change."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.barcode import BarcodeClip, Variant, make_clip, picture, read_barcode, turn
from thud.errors import StoreFull
from thud.media.encode import as_yuv, write_clip
from thud.media.probe import probe
from thud.media.proxy import Proxy, may_copy, proxy_rate, write_proxy


def packets(path: Path) -> list[tuple[int | None, int | None, bytes]]:
    with av.open(str(path)) as media:
        return [(packet.pts, packet.dts, bytes(packet)) for packet in media.demux(video=0) if packet.size]


def proxy_of(path: Path) -> tuple[Proxy, list[int], Path]:
    """Writes the proxy, checks what holds for every proxy, and reads all its barcodes."""
    out = path.with_suffix(".proxy.mp4")
    made = write_proxy(path, out, probe(path))
    with av.open(str(out)) as media:
        assert [stream.type for stream in media.streams] == ["video"]
        stream = media.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.start_time == 0
        assert max(stream.width, stream.height) <= 1280
        assert min(stream.width, stream.height) <= 720
        frames = list(media.decode(stream))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(made.frames) / made.fps, atol=0.0006)
    keys = [number for number, frame in enumerate(frames) if frame.key_frame]
    assert max(np.diff([*keys, len(frames)])) <= 15
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert not any(frame.rotation for frame in frames)
    return made, [read_barcode(frame.to_ndarray(format="rgb24")) for frame in frames], out


def expected(clip: BarcodeClip, made: Proxy) -> list[int]:
    return [clip.shown_at((number + 0.5) / made.fps) for number in range(made.frames)]


@pytest.mark.parametrize("variant", ["30", "25", "23.976"])
def test_a_clip_that_qualifies_keeps_its_packets(tmp_path: Path, variant: Variant) -> None:
    clip = make_clip(tmp_path / "clip.mp4", variant)
    made, barcodes, out = proxy_of(clip.path)
    assert packets(out) == packets(clip.path)
    assert made == Proxy(float(clip.fps), clip.frames)
    assert barcodes == list(range(clip.frames))


def test_every_frame_of_an_uneven_clip_is_shown(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "vfr")
    made, barcodes, _ = proxy_of(clip.path)
    assert made.fps == 60
    assert barcodes == expected(clip, made)
    assert set(barcodes) == set(range(clip.frames))


def test_an_uneven_clip_with_long_gaps_needs_fewer_frames(tmp_path: Path) -> None:
    times = np.cumsum([0, *[0.04, 0.05, 0.11] * 8]).tolist()
    write_clip(tmp_path / "clip.mp4", map(picture, range(len(times))), 20, times_s=times)
    made, barcodes, _ = proxy_of(tmp_path / "clip.mp4")
    assert made.fps == 30
    assert set(barcodes) == set(range(len(times)))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_clips_become_upright(tmp_path: Path, degrees: int) -> None:
    turned = (np.rot90(picture(number, 160, 240), degrees // 90).copy() for number in range(40))
    write_clip(tmp_path / "clip.mp4", turned, 25)
    turn(tmp_path / "clip.mp4", degrees)  # type: ignore[arg-type]
    _, barcodes, out = proxy_of(tmp_path / "clip.mp4")
    assert barcodes == list(range(40))
    with av.open(str(out)) as media:
        frame = next(media.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(frame.astype(int) - picture(0, 160, 240)).mean() < 10


@pytest.mark.parametrize(("size", "fitted"), [((1920, 1080), (1280, 720)), ((800, 1200), (720, 1080))])
def test_large_clips_are_scaled_down(tmp_path: Path, size: tuple[int, int], fitted: tuple[int, int]) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "30", seconds=0.3, width=size[0], height=size[1], channels=0)
    _, barcodes, out = proxy_of(clip.path)
    with av.open(str(out)) as media:
        assert (media.streams.video[0].width, media.streams.video[0].height) == fitted
    assert barcodes == list(range(9))


def foreign(path: Path, codec: str, pix_fmt: str, count: int = 60, **options: str) -> None:
    size = (322, 182) if codec == "libx264" else (320, 180)
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=30, options=options)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            out.mux(video.encode(frame.reformat(format=pix_fmt)))
        out.mux(video.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options"),
    [
        ("long_gop.mp4", "libx264", "yuv420p", {"g": "250"}),
        ("ten_bit.mp4", "libx264", "yuv420p10le", {"g": "10"}),
        ("full_colour.mkv", "libx264", "yuv444p", {"g": "10"}),
        ("old.avi", "mpeg4", "yuv420p", {"g": "10"}),
        ("web.webm", "libvpx", "yuv420p", {"deadline": "realtime"}),
    ],
)
def test_what_does_not_qualify_is_encoded_frame_for_frame(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, options: dict[str, str]
) -> None:
    foreign(tmp_path / name, codec, pix_fmt, **options)
    made, barcodes, out = proxy_of(tmp_path / name)
    assert made == Proxy(30.0, 60)
    assert barcodes == list(range(60))
    with av.open(str(out)) as media:
        groups = [number for number, packet in enumerate(media.demux(video=0)) if packet.is_keyframe]
    assert groups == [0, 15, 30, 45]  # key frames of the source leave no trace


def test_b_frames_in_short_groups_are_copied(tmp_path: Path) -> None:
    foreign(tmp_path / "clip.mp4", "libx264", "yuv420p", g="12", bf="2")
    source = packets(tmp_path / "clip.mp4")
    assert any(pts != dts for pts, dts, _ in source)
    _, barcodes, out = proxy_of(tmp_path / "clip.mp4")
    assert packets(out) == source
    assert barcodes == list(range(60))


def test_a_clip_that_starts_late_is_moved_to_zero(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "late.mkv"), "w") as out:
        video = out.add_stream("libx264", rate=30, options={"g": "10", "bf": "0"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        for number in range(30):
            frame = as_yuv(av.VideoFrame.from_ndarray(picture(number), format="rgb24"), 320, 180)
            frame.pts, frame.time_base = number + 45, Fraction(1, 30)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    _, barcodes, _ = proxy_of(tmp_path / "late.mkv")
    assert barcodes == list(range(30))


def test_very_fast_clips_are_thinned_to_sixty(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", map(picture, range(60)), 120)
    found = probe(tmp_path / "clip.mp4")
    assert not may_copy(found)
    assert proxy_rate(found, np.arange(60) / 120) == 60
    made, barcodes, _ = proxy_of(tmp_path / "clip.mp4")
    assert made == Proxy(60.0, 30)
    assert [abs(barcode - 2 * number) <= 1 for number, barcode in enumerate(barcodes)] == [True] * 30


def test_damaged_frames_hold_the_last_good_one(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "vfr", channels=0)
    with av.open(str(clip.path)) as media:
        positions = [packet.pos for packet in media.demux(video=0) if packet.size]
    data = bytearray(clip.path.read_bytes())
    start, end = positions[30], positions[45]
    assert start is not None
    assert end is not None
    data[start:end] = bytes(end - start)
    clip.path.write_bytes(bytes(data))
    out = tmp_path / "out.mp4"
    made = write_proxy(clip.path, out, probe(clip.path))
    with av.open(str(out)) as media:
        barcodes = [read_barcode(frame.to_ndarray(format="rgb24")) for frame in media.decode(video=0)]
    truth = expected(clip, made)
    assert len(barcodes) == len(truth)
    sound = [(seen, real) for seen, real in zip(barcodes, truth, strict=True) if real < 30 or real >= 45]
    assert all(seen == real for seen, real in sound)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "30", seconds=0.5)
    with pytest.raises(OSError, match="No such file"):
        write_proxy(clip.path, tmp_path / "nowhere" / "proxy.mp4", probe(clip.path))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the always-full device")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """The part file is made a link to a device that is always full, so the muxer itself meets the error."""
    clip = make_clip(tmp_path / "clip.mp4", "30", seconds=0.5)
    (tmp_path / f".proxy.mp4.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(StoreFull, match=r"proxy\.mp4"):
        write_proxy(clip.path, tmp_path / "proxy.mp4", probe(clip.path))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]

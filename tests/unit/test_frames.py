"""frames: the barcode of what comes back is the frame that is on screen at that time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.barcode import RATES, VARIANTS, BarcodeClip, Variant, make_clip, picture, read_barcode, turn
from thud.errors import RefusedClip
from thud.media import frames
from thud.media.encode import as_yuv, write_clip

COUNT = 24


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BarcodeClip]:
    folder = tmp_path_factory.mktemp("frames")
    return {variant: make_clip(folder / f"{variant}.mp4", variant, channels=0) for variant in VARIANTS}


def random_times(clip: BarcodeClip, seed: int = 1) -> list[float]:
    return np.random.default_rng(seed).uniform(0, clip.duration_s, COUNT).tolist()


@pytest.mark.parametrize("variant", VARIANTS)
def test_times_are_the_presentation_times(clips: dict[str, BarcodeClip], variant: str) -> None:
    np.testing.assert_allclose(frames.frame_times(clips[variant].path), clips[variant].times_s, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_24_random_times_are_exact(clips: dict[str, BarcodeClip], variant: str) -> None:
    clip = clips[variant]
    times = random_times(clip)
    found = frames.frames_at(clip.path, times)
    assert [read_barcode(frame.rgb) for frame in found] == [clip.shown_at(time_s) for time_s in times]
    for frame, time_s in zip(found, times, strict=True):
        assert frame.pts_s == pytest.approx(clip.times_s[clip.shown_at(time_s)], abs=1e-9)
        assert frame.pts_s <= time_s


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_seek_at_a_time_gives_the_same(clips: dict[str, BarcodeClip], variant: str) -> None:
    clip = clips[variant]
    for time_s in random_times(clip, seed=2):
        assert read_barcode(frames.frame_at(clip.path, time_s).rgb) == clip.shown_at(time_s)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_frames_own_time_shows_that_frame(clips: dict[str, BarcodeClip], variant: str) -> None:
    clip = clips[variant]
    times = frames.frame_times(clip.path)
    found = frames.frames_at(clip.path, times.tolist())
    assert [read_barcode(frame.rgb) for frame in found] == list(range(clip.frames))
    just_before = frames.frames_at(clip.path, (times[1:] - 0.001).tolist())
    assert [read_barcode(frame.rgb) for frame in just_before] == list(range(clip.frames - 1))


def test_before_the_first_and_after_the_last(clips: dict[str, BarcodeClip]) -> None:
    found = frames.frames_at(clips["vfr"].path, [1e6, -1.0])
    assert [read_barcode(frame.rgb) for frame in found] == [clips["vfr"].frames - 1, 0]


def test_repeated_times_share_one_frame(clips: dict[str, BarcodeClip]) -> None:
    first, other, again = frames.frames_at(clips["30"].path, [1.0, 0.2, 1.0])
    assert again is first
    assert read_barcode(other.rgb) == 6


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_clips_come_back_upright(tmp_path: Path, degrees: int) -> None:
    """The stored picture is turned the other way first, as a turned phone would film it."""
    upright = [picture(number, 160, 240) for number in range(10)]
    write_clip(tmp_path / "clip.mp4", (np.rot90(rgb, degrees // 90).copy() for rgb in upright), 30, crf=12)
    turn(tmp_path / "clip.mp4", degrees)  # type: ignore[arg-type]
    frame = frames.frame_at(tmp_path / "clip.mp4", 0.21)
    assert frame.rgb.shape == (240, 160, 3)
    assert read_barcode(frame.rgb) == 6
    assert np.abs(frame.rgb.astype(int) - upright[6]).mean() < 6


def test_wide_pixels_are_made_square(tmp_path: Path) -> None:
    write_foreign(tmp_path / "clip.mkv", "30", sample_aspect_ratio=Fraction(4, 3))
    assert frames.frame_at(tmp_path / "clip.mkv", 0.5).rgb.shape == (180, 427, 3)


def write_foreign(path: Path, variant: Variant, **settings: object) -> BarcodeClip:
    """A clip as others write it: B-frames, GOP 60 with open GOPs, whatever container the name asks for."""
    clip = make_clip(path.with_suffix(".truth.mp4"), variant, channels=0)
    codec = "mpeg4" if path.suffix == ".avi" else "libx264"
    with av.open(str(path), "w") as out:
        options = {} if codec == "mpeg4" else {"bf": "3", "x264-params": "open-gop=1:keyint=60:scenecut=0"}
        video = out.add_stream(codec, rate=RATES[variant], options=options)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.bit_rate = 2_000_000
        for name, value in settings.items():
            setattr(video.codec_context, name, value)
        clock = Fraction(1, 90_000) if variant == "vfr" else 1 / RATES[variant]
        video.codec_context.time_base = clock
        for number, time_s in enumerate(clip.times_s):
            frame = as_yuv(av.VideoFrame.from_ndarray(picture(number), format="rgb24"), 320, 180)
            frame.pts, frame.time_base = round(time_s / clock), clock
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return clip


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("open_gop.mp4", "25"),
        ("open_gop.mp4", "vfr"),
        ("open_gop.mkv", "23.976"),
        ("open_gop.mkv", "vfr"),
        ("film.mov", "vfr"),
        ("old.avi", "25"),
    ],
)
def test_foreign_files_are_exact_too(tmp_path: Path, name: str, variant: Variant) -> None:
    clip = write_foreign(tmp_path / name, variant)
    tick = 0.0005 if name.endswith("mkv") else 1e-6
    np.testing.assert_allclose(frames.frame_times(tmp_path / name), clip.times_s, atol=tick)
    middles = [(index, (clip.times_s[index] + clip.times_s[index + 1]) / 2) for index in range(clip.frames - 1)]
    chosen = [middles[at] for at in np.random.default_rng(3).permutation(len(middles))[:COUNT]]
    found = frames.frames_at(tmp_path / name, [time_s for _, time_s in chosen])
    assert [read_barcode(frame.rgb) for frame in found] == [index for index, _ in chosen]
    for index, time_s in chosen[:6]:
        assert read_barcode(frames.frame_at(tmp_path / name, time_s).rgb) == index


def test_a_damaged_stretch_shows_the_last_good_frame(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "30", channels=0)
    with av.open(str(clip.path)) as media:
        packets = [packet for packet in media.demux(video=0) if packet.size]
        start, end = packets[30].pos, packets[60].pos
    assert start is not None
    assert end is not None
    data = bytearray(clip.path.read_bytes())
    data[start:end] = bytes(end - start)
    clip.path.write_bytes(bytes(data))
    whole, broken = frames.frames_at(clip.path, [0.51, 1.5])
    assert read_barcode(whole.rgb) == 15
    assert broken.pts_s <= 1.5
    assert read_barcode(frames.frame_at(clip.path, 2.51).rgb) == 75


def test_every_frame_in_order(clips: dict[str, BarcodeClip]) -> None:
    clip = clips["vfr"]
    seen = list(numbered(clip.path))
    assert [number for _, number in seen] == list(range(clip.frames))
    np.testing.assert_allclose([time_s for time_s, _ in seen], clip.times_s, atol=1e-9)


def numbered(path: Path) -> Iterator[tuple[float, int]]:
    for pts_s, frame in frames.every_frame(path):
        yield pts_s, read_barcode(frames.upright(frame, (320, 180)))


def test_contact_sheet_shows_frames_at_even_times(clips: dict[str, BarcodeClip]) -> None:
    clip = clips["vfr"]
    sheet = np.asarray(Image.open(io.BytesIO(frames.contact_sheet(clip.path, 7, width=240))))
    assert sheet.shape[1] == 3 * 240 + 2 * 4
    pitch = (sheet.shape[0] + 4) // 3
    asked = (np.arange(7) + 0.5) / 7 * clip.duration_s
    for position, time_s in enumerate(asked):
        top, left = position // 3 * pitch, position % 3 * 244
        tile = sheet[top : top + 135, left : left + 240]
        assert abs(read_barcode(tile) - clip.shown_at(time_s)) <= (1 if position == 6 else 0)
        assert sheet[top + 135 : top + pitch - 4, left : left + 240].max() > 150


def test_thumbnail_is_a_small_webp_of_that_moment(clips: dict[str, BarcodeClip]) -> None:
    data = frames.thumbnail(clips["25"].path, 1.5, width=160)
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("WEBP", (160, 90))
    assert read_barcode(np.asarray(image.convert("RGB"))) == 37
    assert len(data) < 6000


def test_what_is_not_a_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("#EXTM3U")
    with pytest.raises(RefusedClip):
        frames.frame_at(tmp_path / "clip.mp4", 0)

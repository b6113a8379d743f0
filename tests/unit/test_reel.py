"""write_reel: as long as its parts, right pictures, captions that differ, and sound to the sample."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.barcode import BarcodeClip, Variant, click_position, make_clip, read_barcode
from thud.errors import BadRequest, RunFailed, StoreFull
from thud.media import reel_look as look
from thud.media.reel import LEAD_S, ReelPart, write_reel
from thud.media.sound import Sound

SHIFT = 0.6
EVENT_S = 1.1


def moved(sound: Sound, offset_s: float) -> Sound:
    return Sound(np.roll(sound.samples, round(offset_s * sound.rate_hz), axis=0), sound.rate_hz)


def parts_of(clip: BarcodeClip) -> list[ReelPart]:
    assert clip.sound is not None
    return [
        ReelPart("original matched control", clip.sound),
        ReelPart("delayed +0.600 s, room", moved(clip.sound, SHIFT), SHIFT),
        ReelPart("early −0.600 s, room", moved(clip.sound, -SHIFT), -SHIFT),
        ReelPart("muted stream dropped", None),
    ]


@pytest.fixture(scope="module", params=["23.976", "vfr"])
def reel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[BarcodeClip, Path, int]:
    """(clip, reel, the reel's frame rate)."""
    variant: Variant = request.param
    folder = tmp_path_factory.mktemp("reel")
    clip = make_clip(folder / "clip.mp4", variant, seconds=2.3, click_s=EVENT_S, channels=2)
    out = write_reel(clip.path, parts_of(clip), folder / "reel.mp4", EVENT_S, EVENT_S, title="A click")
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "reel.mp4"]
    return clip, out, 24 if variant == "23.976" else 30


def decoded(path: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
    with av.open(str(path)) as media:
        pictures = [frame.to_ndarray(format="rgb24") for frame in media.decode(video=0)]
    with av.open(str(path)) as media:
        assert media.streams.audio[0].sample_rate == 48_000
        sound = np.concatenate([frame.to_ndarray() for frame in media.decode(audio=0)], axis=1)
    return pictures, sound[0]


def part_starts(clip: BarcodeClip, fps: int) -> list[int]:
    """Film frame at which each part begins to play."""
    length = round(LEAD_S * fps) + round(clip.duration_s * fps)
    return [number * length + round(LEAD_S * fps) for number in range(4)]


def test_length_pictures_captions_and_sound(reel: tuple[BarcodeClip, Path, int]) -> None:
    clip, path, fps = reel
    pictures, heard = decoded(path)
    assert clip.sound is not None
    play = round(clip.duration_s * fps)
    starts = part_starts(clip, fps)
    assert len(pictures) == starts[-1] + play
    assert len(heard) >= len(pictures) * 48_000 // fps

    for number, start in enumerate(starts):
        shown = [read_barcode(inset(pictures[start + at])) for at in range(play)]
        assert shown == [clip.shown_at((at + 0.5) / fps) for at in range(play)]
        begin, end = start * 48_000 // fps, (start + play) * 48_000 // fps
        offset = [0.0, SHIFT, -SHIFT, None][number]
        if offset is None:
            assert np.abs(heard[begin + 2048 : end]).max() < 1e-4
        else:
            found = click_position(heard[begin:end], clip.sound, clip.click_sample)
            assert found == clip.click_sample + round(offset * 48_000)

    heads = [pictures[start + 5][: look.HEAD].astype(int) for start in starts]
    for number, head in enumerate(heads):
        for other in heads[number + 1 :]:
            assert (np.abs(head - other) > 60).sum() > 500


def inset(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The clip's picture (320 × 180) where the reel shows it."""
    height = look.FOOT - 8 - look.HEAD
    width = round(320 * height / 180)
    left = (look.WIDTH - width) // 2
    return frame[look.HEAD : look.HEAD + height, left : left + width]


def test_marks_stand_where_seen_and_heard(reel: tuple[BarcodeClip, Path, int]) -> None:
    clip, path, fps = reel
    pictures, _ = decoded(path)
    clip_s = clip.duration_s
    for start, offset in zip(part_starts(clip, fps), [0.0, SHIFT, -SHIFT], strict=False):
        frame = pictures[start + 1].astype(int)
        seen = look.LEFT + (look.RIGHT - look.LEFT) * EVENT_S / clip_s
        heard = look.LEFT + (look.RIGHT - look.LEFT) * (EVENT_S + offset) / clip_s
        assert widest(frame[look.SEEN_Y - 6]) == pytest.approx(seen, abs=4)
        assert widest(frame[look.HEARD_Y + 6]) == pytest.approx(heard, abs=4)
    muted = pictures[part_starts(clip, fps)[3] + 1].astype(int)
    assert widest(muted[look.SEEN_Y - 6]) == pytest.approx(seen, abs=4)
    assert (muted[look.HEARD_Y + 6, look.LEFT + 300 :].max(axis=1) < 90).all()


def widest(row: NDArray[np.int_]) -> float:
    """Middle of the longest run of ink in one row of pixels, right of the lane's name."""
    lit = np.flatnonzero(row[look.LEFT + 4 :].max(axis=1) > 110)
    runs = np.split(lit, np.flatnonzero(np.diff(lit) > 1) + 1)
    longest = max(runs, key=len)
    return look.LEFT + 4 + float(longest.mean())


def test_the_playhead_moves(reel: tuple[BarcodeClip, Path, int]) -> None:
    clip, path, fps = reel
    pictures, _ = decoded(path)
    start = part_starts(clip, fps)[0]
    for at in (5, 20, 50):
        row = pictures[start + at][look.FOOT + 14].astype(int)
        green = row[:, 1] - row[:, 0]
        expected = look.LEFT + (look.RIGHT - look.LEFT) * (at + 0.5) / fps / clip.duration_s
        assert int(green.argmax()) == pytest.approx(expected, abs=4)


def test_requests_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", "30", seconds=0.5)
    assert clip.sound is not None
    with pytest.raises(BadRequest, match="at least one part"):
        write_reel(clip.path, [], tmp_path / "reel.mp4")
    other = Sound(clip.sound.samples, 44_100)
    with pytest.raises(BadRequest, match="one sample rate"):
        write_reel(clip.path, [ReelPart("original", clip.sound), ReelPart("swapped", other)], tmp_path / "reel.mp4")
    with pytest.raises(BadRequest, match="'louder'"):
        write_reel(clip.path, [ReelPart("louder +6 dB", clip.sound)], tmp_path / "reel.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the always-full device")
def test_a_film_that_does_not_arrive_is_an_error(tmp_path: Path) -> None:
    """The part file is a link to a device that is always full; MoviePy itself says nothing about it."""
    clip = make_clip(tmp_path / "clip.mp4", "30", seconds=0.2)
    (tmp_path / f".reel.mp4.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises((RunFailed, StoreFull), match="reel"):
        write_reel(clip.path, [ReelPart("original", clip.sound)], tmp_path / "reel.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_minus_signs_and_accents_are_drawn() -> None:
    plain, minus, accented = (
        look.draw_card(card(words), lit=False)[: look.HEAD].astype(int) for words in ("0.600 s", "−0.600 s", "café")
    )
    assert (np.abs(plain - minus) > 60).any()
    assert (accented > 60).any()


def card(asked: str) -> look.Card:
    return look.Card("early", asked, "", "1 / 1", np.zeros((0, 2), np.int8), 2.0, None, None, None)

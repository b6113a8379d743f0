"""Frame units: they cover the clip without overlap, and every still is the picture that its time says."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.barcode import VARIANTS, BarcodeClip, Variant, make_clip, read_barcode
from thud.errors import BadRequest
from thud.events import frame_units
from thud.events.frame_units import Unit, closer, half_frame_s, units, windows
from thud.media.encode import write_clip
from thud.media.probe import probe
from thud.records import Clip


def as_clip(path: Path) -> Clip:
    return Clip("0" * 64, str(path), path.stem, probe(path), "")


def number_in(jpeg: bytes) -> int:
    return read_barcode(np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")))


@pytest.fixture(scope="module", params=VARIANTS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BarcodeClip:
    variant: Variant = request.param
    folder = tmp_path_factory.mktemp("units")
    return make_clip(folder / "clip.mp4", variant, seconds=3.4, channels=0)


def test_every_still_is_the_frame_its_time_says(made: BarcodeClip) -> None:
    for unit in units(as_clip(made.path)):
        assert unit.frames
        for at_s, jpeg in unit.frames:
            assert made.times_s[number_in(jpeg)] == pytest.approx(at_s, abs=1e-6)
            assert unit.start_s - 1e-6 <= at_s < unit.end_s
        assert list(unit.frames) == sorted(unit.frames)


def test_stills_come_at_even_steps_over_the_seams(made: BarcodeClip) -> None:
    times = [at_s for unit in units(as_clip(made.path)) for at_s, _ in unit.frames]
    longest = float(np.diff(made.times_s).max())
    assert np.diff(times).max() <= 1 / 3 + longest + 1e-6
    assert times[0] == 0
    assert made.duration_s - times[-1] <= 1 / 3 + longest


def test_a_closer_look_shows_more_of_the_same_unit(made: BarcodeClip) -> None:
    clip = as_clip(made.path)
    unit = units(clip)[1]
    near = closer(clip, unit, 10)
    assert (near.index, near.start_s, near.end_s) == (2, 1.0, 2.0)
    assert 8 <= len(near.frames) <= 10
    assert [made.times_s[number_in(jpeg)] for _, jpeg in near.frames] == pytest.approx([t for t, _ in near.frames])


def test_a_picture_that_stays_is_shown_in_every_unit(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 3.0]
    pictures = [np.full((64, 96, 3), 60 * k, np.uint8) for k in range(4)]
    write_clip(tmp_path / "held.mp4", pictures, 10, None, times_s=times)
    shown = units(as_clip(tmp_path / "held.mp4"))
    assert [[at_s for at_s, _ in unit.frames] for unit in shown] == [[0.0, 0.2], [1.0], [2.0], [pytest.approx(3.0)]]
    grey = [np.asarray(Image.open(io.BytesIO(unit.frames[-1][1]))).mean() for unit in shown]
    assert grey == pytest.approx([120, 120, 120, 180], abs=4)


@pytest.mark.parametrize(("size", "seen"), [((1280, 720), (512, 288)), ((360, 640), (288, 512)), ((96, 64), (96, 64))])
def test_the_longer_side_is_at_most_512(tmp_path: Path, size: tuple[int, int], seen: tuple[int, int]) -> None:
    pictures = [np.full((size[1], size[0], 3), 99, np.uint8)] * 5
    write_clip(tmp_path / "big.mp4", pictures, 25)
    ((_, jpeg), *_) = units(as_clip(tmp_path / "big.mp4"))[0].frames
    assert Image.open(io.BytesIO(jpeg)).size == seen


def test_few_pictures_in_memory_give_the_same_stills(made: BarcodeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = units(as_clip(made.path))
    monkeypatch.setattr(frame_units, "HELD_BYTES", 1)
    assert units(as_clip(made.path)) == whole


@given(st.floats(0.03, 700), st.floats(0.2, 8), st.integers(1, 6), st.integers(6, 120))
def test_windows_follow_each_other_and_cover_the_clip(seconds: float, width: float, frames: int, most: int) -> None:
    cut = windows(seconds, width, frames, most)
    assert [unit.index for unit in cut] == list(range(1, len(cut) + 1))
    assert cut[0].start_s == 0
    assert cut[-1].end_s == seconds
    assert all(a.end_s == b.start_s for a, b in zip(cut, cut[1:], strict=False))
    assert all(unit.start_s < unit.end_s for unit in cut)
    assert len(cut) * frames <= most
    widths = {round(unit.end_s - unit.start_s, 6) for unit in cut[:-1]}
    assert len(widths) <= 1
    assert not widths or widths == {round(width, 6)} or (2 * widths.pop()).is_integer()


def test_a_long_clip_gets_wider_windows_and_no_sliver_at_the_end() -> None:
    assert len(windows(33.0)) == len(windows(33.0000001)) == 33
    assert {unit.end_s - unit.start_s for unit in windows(120.0)} == {4.0}
    assert len(windows(4.0000001)) == 4
    assert windows(0.4) == (Unit(1, 0.0, 0.4),)


@pytest.mark.parametrize("size", [(0.0, 1.0, 3), (float("nan"), 1.0, 3), (4.0, 0.0, 3), (4.0, 1.0, 0), (4.0, 1.0, 101)])
def test_nonsense_is_refused(size: tuple[float, float, int]) -> None:
    with pytest.raises(BadRequest, match="units"):
        windows(*size)


def test_half_a_frame(made: BarcodeClip) -> None:
    clip = as_clip(made.path)
    assert half_frame_s(clip.probe) == pytest.approx(0.5 * made.duration_s / made.frames, rel=1e-3)
    assert half_frame_s(replace(clip.probe, frames=0)) > 0

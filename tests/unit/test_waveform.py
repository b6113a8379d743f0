"""peaks and spectrogram: known signals give known numbers, and the click's column is where the click is."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.barcode import click_sound
from thud.media.sound import Sound
from thud.media.waveform import BANDS, CONTRAST, mel_db, peaks, spectrogram_png


def ink(png: bytes) -> NDArray[np.uint8]:
    """The mask as a browser sees it: alpha (height, width)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3]


def tone(hertz: float, seconds: float = 1.0, level: float = 0.5, rate_hz: int = 48_000) -> Sound:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return Sound((level * np.sin(2 * np.pi * hertz * time))[:, None].astype(np.float32), rate_hz)


def test_peaks_of_a_known_signal() -> None:
    samples = np.zeros((4800, 2), np.float32)
    samples[47, 0], samples[48, 1], samples[50, 0], samples[4799, 1] = 0.5, -1.0, 0.25, 2.0
    drawn = peaks(Sound(samples, 48_000))
    assert drawn.dtype == np.int8
    assert drawn.shape == (100, 2)
    assert drawn[0].tolist() == [0, 64]
    assert drawn[1].tolist() == [-127, 32]
    assert drawn[99].tolist() == [0, 127]
    assert not drawn[2:99].any()


@pytest.mark.parametrize(("rate_hz", "count"), [(44_100, 44_123), (22_050, 1), (48_000, 0), (8_000, 999)])
def test_no_sample_is_left_out_of_the_peaks(rate_hz: int, count: int) -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, (count, 1)).astype(np.float32)
    drawn = peaks(Sound(samples, rate_hz))
    assert len(drawn) == -(-count * 1000 // rate_hz)
    for index, (low, high) in enumerate(drawn):
        part = samples[index * rate_hz // 1000 : (index + 1) * rate_hz // 1000]
        assert (low, high) == (round(float(part.min()) * 127), round(float(part.max()) * 127))


@pytest.mark.parametrize(("click_s", "channels"), list(itertools.product([0.1, 1.234, 3.9], [1, 2])))
def test_the_click_is_in_its_column(click_s: float, channels: int) -> None:
    click = round(click_s * 48_000)
    mask = ink(spectrogram_png(click_sound(4 * 48_000, click, channels)))
    assert mask.shape == (BANDS, 1000)
    column_of_click = click / (4 * 48_000) * mask.shape[1]
    loudest = int(mask.astype(float).sum(axis=0).argmax())
    assert loudest == pytest.approx(column_of_click, abs=1)  # half a column for its middle, half for the decay
    assert mask.max() == 255


def test_low_is_at_the_bottom_and_a_tone_is_in_its_band() -> None:
    rows = [int(ink(spectrogram_png(tone(hertz))).mean(axis=1).argmax()) for hertz in (150, 1000, 3000, 7000)]
    assert rows == sorted(rows, reverse=True)
    mel = 2595 * np.log10(1 + 1000 / 700) / (2595 * np.log10(1 + 8000 / 700))
    assert rows[1] == pytest.approx(BANDS * (1 - mel), abs=1.5)


def test_full_scale_is_zero_decibels_and_no_band_is_empty() -> None:
    assert float(mel_db(tone(1000, level=1.0)).max()) == pytest.approx(0, abs=3)
    noise = Sound(np.random.default_rng(2).normal(0, 0.1, (48_000, 1)).astype(np.float32), 48_000)
    assert float(mel_db(noise).mean(axis=1).min()) > -70


def test_range_is_eighty_decibels_and_the_ceiling_can_be_shared() -> None:
    loud, quiet = tone(1000, level=0.5), tone(1000, level=0.005)
    assert ink(spectrogram_png(quiet)).max() == 255
    ceiling = float(mel_db(loud).max())
    assert int(ink(spectrogram_png(quiet, ceiling)).max()) == pytest.approx(255 * 0.5**CONTRAST, abs=3)


def test_digital_silence_is_empty() -> None:
    assert not ink(spectrogram_png(Sound(np.zeros((48_000, 2), np.float32), 48_000))).any()


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "columns"),
    [(0.001, 48_000, 1), (2.0, 44_100, 500), (24.0, 16_000, 6000), (60.0, 8_000, 6000)],
)
def test_columns_follow_the_length_up_to_a_limit(seconds: float, rate_hz: int, columns: int) -> None:
    sound = Sound(np.zeros((round(seconds * rate_hz), 1), np.float32), rate_hz)
    assert mel_db(sound).shape == (BANDS, columns)


def test_an_empty_sound_is_one_empty_column() -> None:
    assert not ink(spectrogram_png(Sound(np.zeros((0, 1), np.float32), 48_000))).any()

"""The algebra of the edits, on sounds of any length."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thud.records import EventTimes, Intervention
from thud.stimuli.interventions import event_survives, mute, place, shift
from thud.stimuli.room import dbfs, find_room, grow

RATE = 1000
SOUNDS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(400, 1500), st.integers(1, 2)),
    elements=st.floats(-1, 1, width=32),
)
OFFSETS = st.floats(-0.35, 0.35).map(lambda s: round(s, 3)).filter(lambda s: s != 0)
FILLS = st.sampled_from(["room", "silence", "circular"])


@given(SOUNDS, OFFSETS, FILLS)
def test_a_shift_keeps_length_and_moves_every_sample_that_stays(sound: np.ndarray, offset_s: float, fill: str) -> None:
    out = shift(sound, RATE, offset_s, fill, find_room(sound, RATE), 1)
    assert out.shape == sound.shape
    assert out.dtype == np.float32
    lag, fade = round(offset_s * RATE), 10
    if lag > 0:
        np.testing.assert_array_equal(out[lag + fade :], sound[fade : len(sound) - lag])
    else:
        np.testing.assert_array_equal(out[: len(sound) + lag - fade], sound[-lag : len(sound) - fade])


@given(SOUNDS, OFFSETS)
def test_circular_shift_there_and_back_is_the_identity(sound: np.ndarray, offset_s: float) -> None:
    room = find_room(sound, RATE)
    there = shift(sound, RATE, offset_s, "circular", room, 0)
    np.testing.assert_array_equal(shift(there, RATE, -offset_s, "circular", room, 0), sound)


@given(SOUNDS, OFFSETS)
def test_silent_shift_there_and_back_loses_only_the_edge(sound: np.ndarray, offset_s: float) -> None:
    room = find_room(sound, RATE)
    back = shift(shift(sound, RATE, offset_s, "silence", room, 0), RATE, -offset_s, "silence", room, 0)
    lag = abs(round(offset_s * RATE))
    kept = slice(0, len(sound) - lag) if offset_s > 0 else slice(lag, None)
    np.testing.assert_array_equal(back[kept], sound[kept])


@given(SOUNDS, OFFSETS, FILLS, st.integers(0, 1000))
def test_the_same_seed_gives_the_same_samples(sound: np.ndarray, offset_s: float, fill: str, seed: int) -> None:
    room = find_room(sound, RATE)
    once, twice = (shift(sound, RATE, offset_s, fill, room, seed) for _ in range(2))
    np.testing.assert_array_equal(once, twice)


@given(SOUNDS)
def test_mute_by_silence_leaves_nothing(sound: np.ndarray) -> None:
    out = mute(sound, RATE, "silence", find_room(sound, RATE), 0)
    assert out is not None
    assert not out.any()
    assert mute(sound, RATE, "drop_stream", find_room(sound, RATE), 0) is None


@given(SOUNDS, st.integers(-1500, 1500), st.integers(400, 1500))
def test_a_placed_donor_has_its_samples_where_they_were_asked_for(sound: np.ndarray, start: int, length: int) -> None:
    lo, hi = max(0, start), min(length, start + len(sound))
    assume(hi - lo > 30)
    out = place(sound, length, start, RATE, 0)
    assert out.shape == (length, sound.shape[1])
    inner = slice(lo + (10 if lo else 0), hi - (10 if hi < length else 0))
    np.testing.assert_array_equal(out[inner], sound[inner.start - start : inner.stop - start])


@given(st.floats(0.0, 5.0), OFFSETS)
def test_event_survives_is_symmetric_in_time(audio_s: float, offset_s: float) -> None:
    forwards = event_survives(Intervention("shift", offset_s), EventTimes(None, audio_s, "gold"), 5.0)
    mirrored = event_survives(Intervention("shift", -offset_s), EventTimes(None, 5.0 - audio_s, "gold"), 5.0)
    lands = audio_s + offset_s
    assume(abs(lands - 0.05) > 1e-9 and abs(lands - 4.95) > 1e-9)
    assert forwards is mirrored


def test_grown_room_tone_has_the_level_of_the_room() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, (48_000, 2)).astype(np.float32)
    room = find_room(noise, 48_000)
    grown = grow(room, 10 * 48_000, 48_000, 5)
    assert abs(dbfs(grown) - room.level_dbfs) < 0.5
    assert abs(dbfs(grown[:4800]) - room.level_dbfs) < 1.5


def test_room_tone_is_taken_from_the_quiet_part_and_never_from_digital_silence() -> None:
    dice = np.random.default_rng(4)
    sound = np.concatenate(
        [np.zeros((24_000, 1)), dice.normal(0, 0.3, (24_000, 1)), dice.normal(0, 0.003, (48_000, 1))]
    ).astype(np.float32)
    room = find_room(sound, 48_000)
    assert room.start_s >= 0.95
    assert room.quiet
    assert -52 < room.level_dbfs < -49

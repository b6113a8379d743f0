"""The three edits of the paper (§2.1), pure on PCM: shift, mute, swap. The picture is never touched.

Every result has the length of its input. Sounds are float32 of shape (samples, channels).
"""

from __future__ import annotations

import numpy as np

from thud.errors import RefusedEdit
from thud.records import EventTimes, Intervention
from thud.stimuli.room import Room, Samples, dbfs, find_room, grow

CROSSFADE_S = 0.01
EDGE_S = 0.05
"""An event closer than this to an end of the clip does not count as heard."""
MAX_GAIN_DB = 24.0
PEAK = 0.98


def event_survives(edit: Intervention, times: EventTimes | None, duration_s: float) -> bool | None:
    """Whether the shifted event can still be heard in the clip; None when its time is not known."""
    if edit.kind != "shift" or times is None or times.audio_s is None:
        return None
    return EDGE_S <= times.audio_s + edit.offset_s <= duration_s - EDGE_S


def check_shift(edit: Intervention, times: EventTimes | None, duration_s: float) -> None:
    """Raises RefusedEdit when the shift is longer than the clip or pushes the event out of it."""
    if not np.isfinite(edit.offset_s) or edit.offset_s == 0:
        raise RefusedEdit(f"{edit.offset_s} s is not a shift; give a number of seconds other than 0.")
    if abs(edit.offset_s) >= duration_s:
        raise RefusedEdit(f"a shift of {edit.offset_s:+.3f} s is longer than the clip ({duration_s:.3f} s)")
    if event_survives(edit, times, duration_s) is False:
        assert times is not None and times.audio_s is not None
        lands = times.audio_s + edit.offset_s
        if 0 <= lands <= duration_s:
            raise RefusedEdit(f"the event would land {min(lands, duration_s - lands):.3f} s from the edge of the clip")
        raise RefusedEdit(f"the event would leave the clip by {max(-lands, lands - duration_s):.3f} s")


def crossfade(left: Samples, right: Samples) -> Samples:
    """Equal-power blend from `left` to `right`, both (n, channels)."""
    turn = (np.arange(len(left), dtype=np.float64) + 0.5) / max(1, len(left)) * (np.pi / 2)
    return np.asarray(left * np.cos(turn)[:, None] + right * np.sin(turn)[:, None], dtype=np.float32)


def shift(samples: Samples, rate_hz: int, offset_s: float, fill: str, room: Room, seed: int) -> Samples:
    """The sound displaced by round(offset_s · rate_hz) samples, length kept; + is late.

    fill: "silence" leaves zeros, "circular" wraps around, "room" grows room tone with a 10 ms crossfade at the seam.
    """
    lag = round(offset_s * rate_hz)
    if fill == "circular":
        return np.roll(samples, lag, axis=0)
    out = np.zeros_like(samples)
    if lag > 0:
        out[lag:] = samples[:-lag]
    elif lag < 0:
        out[:lag] = samples[-lag:]
    if fill == "room" and lag:
        _fill_room(out, lag, rate_hz, room, seed)
    return out


def _fill_room(out: Samples, lag: int, rate_hz: int, room: Room, seed: int) -> None:
    fade = min(round(CROSSFADE_S * rate_hz), len(out) - abs(lag))
    tone = grow(room, abs(lag) + fade, rate_hz, seed)
    if lag > 0:
        out[:lag] = tone[:lag]
        out[lag : lag + fade] = crossfade(tone[lag:], out[lag : lag + fade])
    else:
        seam = len(out) + lag
        out[seam:] = tone[fade:]
        out[seam - fade : seam] = crossfade(out[seam - fade : seam], tone[:fade])


def mute(samples: Samples, rate_hz: int, fill: str, room: Room, seed: int) -> Samples | None:
    """Zeros, room tone alone, or None where the whole stream is dropped.

    Raises RefusedEdit for "room" on a clip that is never quiet: its room tone would still hold the sound.
    """
    if fill == "drop_stream":
        return None
    if fill == "silence":
        return np.zeros_like(samples)
    if not room.quiet:
        raise RefusedEdit("the clip is never quiet, so its room tone would still hold its sound; mute it with silence")
    return grow(room, len(samples), rate_hz, seed)


def place(donor: Samples, length: int, start: int, rate_hz: int, seed: int) -> Samples:
    """`donor` laid so that its first sample falls on `start` (may be negative), cut to `length`.

    What the donor does not cover is the donor's own room tone, so that its event is heard once.
    """
    lo, hi = max(0, start), min(length, start + len(donor))
    if lo >= hi:
        raise RefusedEdit("the donor's sound would lie wholly outside the clip")
    out = np.zeros((length, donor.shape[1]), dtype=np.float32)
    out[lo:hi] = donor[lo - start : hi - start]
    fade = min(round(CROSSFADE_S * rate_hz), (hi - lo) // 2)
    if lo == 0 and hi == length:
        return out
    tone = grow(find_room(donor, rate_hz), length, rate_hz, seed)
    if lo > 0:
        out[:lo] = tone[:lo]
        out[lo : lo + fade] = crossfade(tone[lo : lo + fade], out[lo : lo + fade])
    if hi < length:
        out[hi:] = tone[hi:]
        out[hi - fade : hi] = crossfade(out[hi - fade : hi], tone[hi - fade : hi])
    return out


def loudness(samples: Samples, rate_hz: int) -> float:
    """Integrated loudness in LUFS (EBU R128); RMS in dBFS for clips under 0.4 s or below its gate."""
    if len(samples) >= 0.4 * rate_hz:
        import pyloudnorm

        value = float(pyloudnorm.Meter(rate_hz).integrated_loudness(samples.astype(np.float64)))
        if np.isfinite(value):
            return value
    return dbfs(samples)


def swap(samples: Samples, donor: Samples, rate_hz: int, edit: Intervention) -> tuple[Samples, float]:
    """(donor in place of the sound, gain in dB that matched its loudness), event on event where both times are known.

    donor: same rate and channels as `samples`. The gain is cut to 0.01 dB and kept below clipping.
    """
    start = 0
    if edit.donor_audio_s is not None and edit.event_s is not None:
        start = round((edit.event_s - edit.donor_audio_s) * rate_hz)
    placed = place(donor, len(samples), start, rate_hz, edit.seed)
    loud, own = loudness(samples, rate_hz), loudness(placed, rate_hz)
    if own <= -90:
        raise RefusedEdit("the donor is silent where it would be heard")
    wanted = loud - own if loud > -90 else 0.0
    peak = float(np.abs(placed).max())
    gain_db = np.floor(np.clip(wanted, -MAX_GAIN_DB, min(MAX_GAIN_DB, 20 * np.log10(PEAK / peak))) * 100) / 100
    return np.asarray(placed * np.float32(10 ** (gain_db / 20)), dtype=np.float32), float(gain_db)

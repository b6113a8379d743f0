"""Decodes the sound of a clip once, onto the picture's own timeline.

Sample 0 is the moment of the first picture, and the last sample is the end of the last picture, whatever
the file says about the starts of its streams. This module does not know what will be done to the sound.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec.context import Flags
from numpy.typing import NDArray

from thud.errors import RefusedClip
from thud.media.guard import (
    check_file,
    open_media,
    picture_stream,
    shown_tick,
    sound_stream,
    translated,
)
from thud.media.probe import snapped
from thud.records import Probe

GAP_S = (Fraction(1, 100), Fraction(1, 50))
"""A time stamp is believed when it is two ticks and 3/4 of a packet, but this much at least and at most, from the count
of samples: less is jitter, and one lost packet is more."""

FULL_SCALE = 32768
"""16-bit samples divide by this, so that they come back exactly when they are written again."""

DOWNMIX = {"rematrix_maxval": "1.0"}
"""Folding 5.1 to stereo scales the sum down, so that it cannot clip."""

SCALES = {"s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}


@dataclass(frozen=True, slots=True)
class Sound:
    """PCM: float32 (samples, channels), 1 or 2 channels, full scale ±1. damage: what was lost, in sentences."""

    samples: NDArray[np.float32]
    rate_hz: int
    damage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """Decoded samples. at: seconds on the file's clock, if it says. after_error: some are missing before."""

    samples: NDArray[np.float32]
    at: Fraction | None
    after_error: bool


@dataclass(slots=True)
class _Decoder:
    """Turns packets into pieces with the first frame's rate and channels, and counts what goes wrong."""

    rate_hz: int = 0
    channels: int = 0
    errors: int = 0
    packets: int = 0
    changes: int = 0
    _kind: tuple[str, str, int] | None = None
    _resampler: AudioResampler | None = None
    _after_error: bool = field(default=False)

    def pieces(self, packet: Any) -> Iterator[_Piece]:
        self.packets += bool(packet.size)
        try:
            frames = cast(list[AudioFrame], packet.decode())
        except av.FFmpegError:
            self.errors += 1
            self._after_error = True
            return
        for frame in frames:
            yield from self._frame(frame)
        if not packet.size:
            yield from self._resampled(None)

    def _frame(self, frame: AudioFrame) -> Iterator[_Piece]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            yield from self._change(frame, kind)
        if self._resampler is None:
            yield self._piece(frame)
        else:
            yield from self._resampled(frame)

    def _change(self, frame: AudioFrame, kind: tuple[str, str, int]) -> Iterator[_Piece]:
        """Get ready for frames of another kind: NumPy converts the common ones exactly, libswresample the rest."""
        if self._kind is None:
            self.rate_hz, self.channels = frame.sample_rate, min(2, frame.layout.nb_channels)
        else:
            self.changes += 1
            yield from self._resampled(None)
        self._kind, self._resampler = kind, None
        known = frame.format.name.removesuffix("p") in SCALES
        if not known or (frame.sample_rate, frame.layout.nb_channels) != (self.rate_hz, self.channels):
            layout = "mono" if self.channels == 1 else "stereo"
            self._resampler = AudioResampler("fltp", layout, self.rate_hz, options=DOWNMIX)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[_Piece]:
        if self._resampler is not None:
            yield from (self._piece(piece) for piece in self._resampler.resample(frame))

    def _piece(self, frame: AudioFrame) -> _Piece:
        at = None if frame.pts is None else frame.pts * (frame.time_base or Fraction(1))
        after_error, self._after_error = self._after_error, False
        return _Piece(_samples(frame), at, after_error)


def read_sound(path: str | Path, probe: Probe) -> Sound | None:
    """The whole sound on the picture's timeline; None for a file without a sound that can be decoded.

    round(duration_s * rate_hz) samples at the sound's own rate; 5.1 is folded to stereo. What sounds before the
    first picture or after the last is cut off, what is missing is silent, and `damage` says what could not be
    decoded. Raises RefusedClip.
    """
    path = check_file(path)
    decoder, pieces, ticks = _Decoder(), list[_Piece](), list[int]()
    with open_media(path) as media, translated(path):
        video, audio = picture_stream(media, path), sound_stream(media)
        if audio is None:
            return None
        audio.codec_context.flags |= cast(int, Flags.bitexact)
        try:
            for packet in media.demux(video, audio):
                if packet.stream.type == "audio":
                    pieces += decoder.pieces(packet)
                elif (tick := shown_tick(packet)) is not None:
                    ticks.append(tick)
        except av.FFmpegError:  # the rest of the file cannot be read; `probe` says so
            pass
        if not pieces or not ticks:
            return None
        first = min(ticks) * (video.time_base or Fraction(1))
        clock = audio.time_base or Fraction(1, decoder.rate_hz)
    samples, gaps = _placed(pieces, first, clock, decoder, round(probe.duration_s * decoder.rate_hz))
    return Sound(samples, decoder.rate_hz, _damage(decoder, gaps, samples))


def read_written(path: str | Path) -> Sound:
    """The sound of a WAV or FLAC that thud wrote, exactly; of an MP4 or MKV that it muxed, as decoded.

    Raises RefusedClip when the file is missing or not of these kinds.
    """
    path = check_file(path)
    with path.open("rb") as file:
        plain = file.read(4) in (b"RIFF", b"fLaC")
    if plain:
        return parse_written(path.read_bytes(), path.name)
    decoder = _Decoder()
    with open_media(path) as media, translated(path):
        audio = sound_stream(media)
        if audio is None:
            raise RefusedClip(f"{path.name} has no sound track.")
        audio.codec_context.flags |= cast(int, Flags.bitexact)
        pieces = [piece for packet in media.demux(audio) for piece in decoder.pieces(packet)]
    if not pieces:
        raise RefusedClip(f"{path.name} has an empty sound track.")
    return Sound(np.concatenate([piece.samples for piece in pieces]), decoder.rate_hz)


def parse_written(data: bytes, name: str) -> Sound:
    """The sound in the bytes of a WAV or FLAC that thud wrote, exactly. Raises RefusedClip, naming it `name`."""
    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise RefusedClip(f"{name} is not a sound that thud wrote: {error.error_string}") from error
    return Sound(samples, rate_hz)


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    """float32 (samples, channels) of a frame in one of the formats in SCALES, planar or packed."""
    name = frame.format.name
    array = frame.to_ndarray()
    array = array.T if name.endswith("p") else array.reshape(-1, frame.layout.nb_channels)
    scale = SCALES[name.removesuffix("p")]
    if scale == 1:
        return array.astype(np.float32)
    return (array / scale).astype(np.float32)


def _placed(
    pieces: list[_Piece], first: Fraction, clock: Fraction, decoder: _Decoder, length: int
) -> tuple[NDArray[np.float32], Fraction]:
    """All pieces on the picture's timeline, and how many seconds are missing between them.

    The first is placed by its time, the others follow without a seam: containers round their times, and
    following each would tear the sound. A time stamp is believed again after an error, or when it is
    further off than any rounding.
    """
    rate = decoder.rate_hz
    samples = np.zeros((length, decoder.channels), np.float32)
    cursor = round(snapped((pieces[0].at or Fraction(0)) - first, clock) * rate)
    missing = Fraction(0)
    for piece in pieces:
        if piece.at is not None:
            off = piece.at - first - Fraction(cursor, rate)
            slack = 2 * clock + min(max(Fraction(3 * len(piece.samples), 4 * rate), GAP_S[0]), GAP_S[1])
            if abs(off) > (clock if piece.after_error else slack):
                missing += max(off, Fraction(0))
                cursor += round(off * rate)
        start, end = max(cursor, 0), min(cursor + len(piece.samples), length)
        if start < end:
            samples[start:end] = piece.samples[start - cursor : end - cursor]
        cursor += len(piece.samples)
    return samples, missing


def _damage(decoder: _Decoder, missing: Fraction, samples: NDArray[np.float32]) -> tuple[str, ...]:
    """What went wrong, in sentences. Values that are no numbers, from damaged floats, become silence."""
    said = []
    if decoder.errors:
        said.append(f"{decoder.errors} of {decoder.packets} packets of the sound cannot be decoded.")
    if missing:
        said.append(f"The sound has gaps of {float(missing):.2f} s in all; they are silent.")
    if decoder.changes:
        said.append(f"The sound changes its format midway; all of it is given at {decoder.rate_hz} Hz.")
    if not np.isfinite(samples).all():
        np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        said.append("The sound holds values that are no numbers; they are silent.")
    return tuple(said)

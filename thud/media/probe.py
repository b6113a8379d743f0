"""What a source file holds, read from its packets and first decoded frames, not as its header claims.

Walking the packets is cheap; everything is decoded only by `decode_check`. Damage is told in sentences and
kept with the clip: a file that is cut short is still a clip, as long as one picture of it can be decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from thud.errors import RefusedClip
from thud.media.guard import (
    check_file,
    container_name,
    open_media,
    picture_stream,
    reason,
    shown_tick,
    sound_stream,
    translated,
)
from thud.records import Probe

MAX_DURATION_S = 600
"""Longer clips are refused: a clip is about one event, and the sound of all its conditions is held in
memory.
"""

COARSE_S = Fraction(2, 1000)
"""Clocks this fine (Matroska's is 1 ms) round their times; coarser ones (AVI's) count whole frames exactly.
"""

ROUNDING_S = Fraction(1, 1000)
"""Times of evenly spaced frames may be off by this much: Matroska rounds them so, and remuxing keeps them."""

SHORT_S = Fraction(1, 10)
"""A stream that ends this much before its promised end, and a frame, was cut short."""

STANDARD_RATES = tuple(
    Fraction(whole * 1000, thousand) for whole in (24, 25, 30, 48, 50, 60, 120) for thousand in (1000, 1001)
)


NAMES = {"video": "picture", "audio": "sound"}


@dataclass(slots=True)
class _Walk:
    """What was met on the way through a file. Ticks are in the picture stream's clock."""

    ticks: list[int] = field(default_factory=list)
    lengths: dict[int, int] = field(default_factory=dict)
    packets: dict[str, int] = field(default_factory=lambda: {"video": 0, "audio": 0})
    corrupt: dict[str, int] = field(default_factory=lambda: {"video": 0, "audio": 0})
    picture: VideoFrame | None = None
    sound: AudioFrame | None = None
    sound_start: Fraction | None = None
    sound_end: Fraction = Fraction(0)
    stopped: str = ""
    timeless: bool = False


def probe(path: str | Path) -> Probe:
    """Everything the app knows about a file before it is decoded. Raises RefusedClip in one sentence.

    A file is refused without a moving picture, without one picture that decodes, or over MAX_DURATION_S.
    """
    path = check_file(path)
    with open_media(path) as media, translated(path):
        video, audio = picture_stream(media, path), sound_stream(media)
        walk = _walk(media, video, audio, path)
        if not walk.ticks or walk.picture is None:
            raise RefusedClip(f"{path.name} holds no picture that can be decoded.")
        walk.ticks.sort()
        clock = video.time_base or Fraction(1)
        rate = steady_rate(walk.ticks, clock, _declared(video))
        duration = _duration(walk, clock, rate)
        heard = walk.sound if audio is not None else None
        return Probe(
            container=container_name(path),
            duration_s=float(duration),
            fps=float(rate) if rate else None,
            frames=len(walk.ticks),
            width=walk.picture.width,
            height=walk.picture.height,
            rotation=walk.picture.rotation % 360,
            video_codec=codec_name(video),
            size_bytes=path.stat().st_size,
            audio_codec=codec_name(audio) if audio is not None and heard else "",
            sample_rate_hz=heard.sample_rate if heard else 0,
            channels=heard.layout.nb_channels if heard else 0,
            audio_start_s=_sound_start(walk, audio, clock) if heard else 0.0,
            damage=_damage(walk, media, video, audio, duration),
        )


def decode_check(path: str | Path) -> tuple[str, ...]:
    """One sentence for each stream of which some cannot be decoded; () when all can. Raises RefusedClip."""
    with open_media(path) as media, translated(path):
        video, audio = picture_stream(media, path), sound_stream(media)
        met, bad = {"video": 0, "audio": 0}, {"video": 0, "audio": 0}
        for packet in media.demux([video] if audio is None else [video, audio]):
            met[packet.stream.type] += bool(packet.size)
            try:
                frames: list[Any] = packet.decode()
                bad[packet.stream.type] += sum(frame.is_corrupt for frame in frames)
            except av.FFmpegError:
                bad[packet.stream.type] += 1
    return tuple(
        f"{bad[kind]} of {met[kind]} packets of the {name} are damaged." for kind, name in NAMES.items() if bad[kind]
    )


def steady_rate(ticks: Sequence[int], clock: Fraction, declared: Sequence[Fraction] = ()) -> Fraction | None:
    """Frames per second if `ticks` (sorted) are evenly spaced, or but for rounding; None for VFR.

    declared: rates the file itself names, tried first, because a millisecond clock fits several.
    """
    if len(ticks) < 2:
        return next(iter(declared), None)
    span = (ticks[-1] - ticks[0]) * clock
    if span <= 0:
        return None
    mean = (len(ticks) - 1) / span
    slack = max(clock, ROUNDING_S)  # a fine clock may hold times that were once rounded to a coarser one
    slack = slack if 4 * slack * mean <= 1 else Fraction(0)
    exact = Fraction(mean).limit_denominator(1001)
    for rate in (*declared, *STANDARD_RATES, exact, mean):
        if abs(rate - mean) > mean / 20:
            continue
        per_tick, per_frame = clock.numerator * rate.numerator, clock.denominator * rate.denominator
        off = [tick * per_tick - index * per_frame for index, tick in enumerate(ticks)]
        if max(off) - min(off) <= slack * clock.denominator * rate.numerator:  # all in whole numbers: fast
            return rate
    return None


def snapped(at: Fraction, tick: Fraction) -> Fraction:
    """A start time, or 0 where it differs from 0 by no more than the rounding of a fine clock."""
    return Fraction(0) if abs(at) <= tick <= COARSE_S else at


def codec_name(stream: VideoStream | AudioStream) -> str:
    """The codec's own name ("av1"), whichever decoder reads it."""
    return stream.codec_context.codec.canonical_name


def _walk(media: InputContainer, video: VideoStream, audio: AudioStream | None, path: Path) -> _Walk:
    """One pass over all packets; decodes until there is one picture and one piece of sound."""
    walk = _Walk()
    limit = MAX_DURATION_S / (video.time_base or Fraction(1))
    try:
        for packet in media.demux([video] if audio is None else [video, audio]):
            kind = packet.stream.type
            walk.packets[kind] += bool(packet.size)
            walk.corrupt[kind] += packet.is_corrupt
            if kind == "audio":
                _hear(walk, packet)
                continue
            if walk.picture is None:
                walk.picture = _first_frame(packet)
            if (tick := shown_tick(packet)) is None:
                continue
            walk.timeless |= packet.pts is None
            walk.ticks.append(tick)
            walk.lengths[tick] = packet.duration or 0
            if tick - walk.ticks[0] > limit:
                raise RefusedClip(f"{path.name} is longer than {MAX_DURATION_S // 60} minutes; cut it first.")
    except av.FFmpegError as error:
        walk.stopped = reason(error)
    return walk


def _hear(walk: _Walk, packet: Packet[Any]) -> None:
    clock = packet.time_base
    if walk.sound is None:
        walk.sound = _first_frame(packet)
    if packet.pts is None or not packet.size:
        return
    if walk.sound_start is None:
        skip = 0
        if packet.has_sidedata("skip_samples"):
            skip = struct.unpack_from("<I", bytes(packet.get_sidedata("skip_samples")))[0]
        walk.sound_start = packet.pts * clock + Fraction(skip, packet.stream.codec_context.sample_rate or 1)
    walk.sound_end = (packet.pts + (packet.duration or 0)) * clock


def _first_frame(packet: Packet[Any]) -> Any:
    """The first frame that a packet gives; damage at the very start is passed over."""
    try:
        return next(iter(packet.decode()), None)
    except av.FFmpegError:
        return None


def _declared(video: VideoStream) -> list[Fraction]:
    return [rate for rate in (video.average_rate, video.guessed_rate, video.base_rate) if rate]


def _duration(walk: _Walk, clock: Fraction, rate: Fraction | None) -> Fraction:
    """From the first picture to the end of the last one, in seconds."""
    if rate:
        return len(walk.ticks) / rate
    gaps = [after - before for before, after in pairwise(walk.ticks)]
    last = walk.lengths[walk.ticks[-1]] or (median_low(gaps) if gaps else 1)
    return (walk.ticks[-1] - walk.ticks[0] + last) * clock


def _sound_start(walk: _Walk, audio: AudioStream | None, clock: Fraction) -> float:
    start = (walk.sound_start or Fraction(0)) - walk.ticks[0] * clock
    return float(snapped(start, audio.time_base if audio and audio.time_base else clock))


def _damage(
    walk: _Walk, media: InputContainer, video: VideoStream, audio: AudioStream | None, duration: Fraction
) -> tuple[str, ...]:
    """One sentence for each thing that is not as the file promises."""
    end = walk.ticks[0] * (video.time_base or 1) + duration
    frame = duration / len(walk.ticks)
    said = []
    if walk.stopped:
        said.append(f"The file can be read only up to {float(end):.2f} s: {walk.stopped}.")
    said += _cut_short("picture", end, _promised(video), frame)
    said += _cut_short("sound", walk.sound_end, _promised(audio), frame) if audio is not None else []
    if video.duration is None and len(media.streams) == (1 if audio is None else 2):
        # Matroska promises one duration for all its streams together
        said += _cut_short("file", max(end, walk.sound_end), Fraction(media.duration or 0, av.time_base), frame)
    for kind, name in NAMES.items():
        if walk.corrupt[kind]:
            said.append(f"{walk.corrupt[kind]} of {walk.packets[kind]} packets of the {name} are damaged.")
    if walk.sound is None and (audio is not None or media.streams.audio):
        said.append("There is a sound track that cannot be decoded; the clip counts as one without sound.")
    if walk.timeless and video.codec_context.has_b_frames:
        said.append("AVI does not say when B-frames are shown; picture and sound may be some frames apart.")
    return tuple(said)


def _promised(stream: VideoStream | AudioStream) -> Fraction:
    """Where the header says a stream ends, in seconds; 0 when it does not say."""
    return ((stream.start_time or 0) + (stream.duration or 0)) * (stream.time_base or Fraction(1))


def _cut_short(name: str, end: Fraction, promised: Fraction, frame: Fraction) -> list[str]:
    if promised - end <= SHORT_S + frame:
        return []
    return [f"The {name} is cut short: it ends at {float(end):.2f} s of {float(promised):.2f} s."]

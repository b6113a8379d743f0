"""Writes pictures and sound as one MP4: H.264 and AAC, short GOPs, index in front. For demo clips, proxies, tests.

No B-frames, so decode order is display order; a fixed number of threads and no tags, so the same input gives the
same bytes. It does not know where its pictures come from, and it never reads a source file.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from thud.errors import BadRequest, StoreFull
from thud.media.sound import Sound

Picture = NDArray[np.uint8]
"""(height, width, 3), RGB."""

VideoPacket: TypeAlias = "Packet[VideoStream]"
AudioPacket: TypeAlias = "Packet[AudioStream]"

GOP = 15
"""Frames between key frames: a browser seeks in about 15 ms; with 250 it takes 50 to 600."""

VFR_TICKS = 90_000
"""Clock of a clip with uneven frame times, ticks per second."""

MP4_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact", "movie_timescale": "48000"}
"""Edit lists count in the movie's timescale; the default, 1000, would round a start to a millisecond."""


def write_clip(
    path: str | Path,
    frames: Iterable[Picture],
    fps: int | Fraction,
    sound: Sound | None = None,
    *,
    times_s: Sequence[float] | None = None,
    crf: int = 23,
    preset: str = "veryfast",
) -> None:
    """Write `frames` (uint8 (h, w, 3), even sizes) with `sound` to an MP4 at `path`, whole or not at all.

    fps: exact rate. times_s: presentation times for uneven spacing (VFR), one per frame, rising; `fps` then gives
    only the last frame's length. Sound of 48 kHz, 1 or 2 channels, starts with the first frame; decoded it is
    sample-aligned. Raises BadRequest for no frames, odd sizes or times that do not rise; StoreFull on a full disk.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise BadRequest("A clip needs at least one frame; none were given.")
    fps = Fraction(fps)
    with mp4_at(path) as out:
        video = add_h264(out, first.shape[1], first.shape[0], fps, crf=crf, preset=preset)
        if times_s is not None:
            video.codec_context.time_base = Fraction(1, VFR_TICKS)
        sounds = _encode_sound(out, sound) if sound is not None else []
        timed = _timed(chain([first], pictures), video.codec_context.time_base or 1 / fps, times_s)
        for packet in _interleaved(encode_pictures(video, timed), sounds):
            out.mux(packet)


@contextmanager
def mp4_at(path: str | Path) -> Iterator[OutputContainer]:
    """An MP4 to mux into, index in front; it appears at `path` whole or not at all. Raises StoreFull."""
    with written_whole(path) as part, av.open(f"file:{part}", "w", format="mp4", options=MP4_OPTIONS) as out:
        yield out


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; moved onto `path` when the block ends well, removed when it does not.

    Raises StoreFull when the disk fills up.
    """
    target = Path(path).absolute()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sentence = f"The disk is full: {target.name} was not written. Free some space and try again."
            raise StoreFull(sentence) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def add_h264(
    out: OutputContainer,
    width: int,
    height: int,
    fps: Fraction,
    *,
    crf: int = 23,
    preset: str = "veryfast",
    threads: int = 1,
) -> VideoStream:
    """A browser-friendly H.264 stream in `out`: yuv420p, BT.709, GOP 15, no B-frames.

    Raises BadRequest for odd sizes, which 4:2:0 cannot hold.
    """
    if width % 2 or height % 2:
        raise BadRequest(f"H.264 needs even sizes; this picture is {width}×{height}. Crop or pad it by a pixel.")
    options = {"crf": str(crf), "preset": preset, "bf": "0", "sc_threshold": "0", "threads": str(threads)}
    video = out.add_stream("libx264", rate=fps, options=options)
    context = video.codec_context
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.gop_size = GOP
    context.time_base = 1 / fps
    context.flags |= Flags.bitexact
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return video


def as_yuv(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """The frame as an `add_h264` stream takes it, scaled to width × height."""
    return frame.reformat(width, height, "yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)


def encode_pictures(video: VideoStream, timed: Iterable[tuple[int, VideoFrame]]) -> Iterator[VideoPacket]:
    """Packets of the frames (from `as_yuv`), each shown from its tick in the stream's clock."""
    clock = video.codec_context.time_base
    for tick, frame in timed:
        frame.pts, frame.time_base = tick, clock or Fraction(1)
        frame.pict_type = PictureType.NONE  # a decoded key frame would force one here, and GOPs would be uneven
        yield from video.encode(frame)
    yield from video.encode(None)


def _timed(
    pictures: Iterable[Picture], clock: Fraction, times_s: Sequence[float] | None
) -> Iterator[tuple[int, VideoFrame]]:
    last = -1
    for index, picture in enumerate(pictures):
        tick = index if times_s is None else round(times_s[index] / clock)
        if tick <= last:
            raise BadRequest(f"Frame times must rise; frame {index} is not later than the one before it.")
        last = tick
        height, width = picture.shape[:2]
        yield tick, as_yuv(VideoFrame.from_ndarray(picture, format="rgb24"), width, height)


def _encode_sound(out: OutputContainer, sound: Sound) -> list[AudioPacket]:
    """All AAC packets of `sound`. The 1024 priming samples get negative times, and the muxer's edit list cuts them."""
    # The fast coder takes a quarter of the time, and at this bit rate it is no worse.
    channels = sound.samples.shape[1]
    audio: AudioStream = out.add_stream("aac", rate=sound.rate_hz, options={"aac_coder": "fast"})
    layout = "mono" if channels == 1 else "stereo"
    audio.codec_context.layout = layout
    audio.codec_context.bit_rate = 96_000 * channels
    audio.codec_context.flags |= Flags.bitexact
    planar = np.ascontiguousarray(sound.samples.T, dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(planar, format="fltp", layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = sound.rate_hz, Fraction(1, sound.rate_hz), 0
    return [*audio.encode(frame), *audio.encode(None)]


def _interleaved(pictures: Iterator[VideoPacket], sounds: list[AudioPacket]) -> Iterator[VideoPacket | AudioPacket]:
    """Both streams' packets by time, so that a player never has to jump between picture and sound."""
    waiting = iter(sounds)
    due = next(waiting, None)
    for packet in pictures:
        while due is not None and _seconds(due) <= _seconds(packet):
            yield due
            due = next(waiting, None)
        yield packet
    if due is not None:
        yield due
    yield from waiting


def _seconds(packet: VideoPacket | AudioPacket) -> Fraction:
    return (packet.dts or 0) * (packet.time_base or Fraction(1))

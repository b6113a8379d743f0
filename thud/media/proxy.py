"""The picture as a browser can step through it: H.264, constant rate, a key frame every 15, no sound, index in front.

Proxy frame k shows what is on screen in the source at the middle of its time, (k + 0.5) / fps, so the two never differ
by more than half a proxy frame. A source that is like this already is copied packet by packet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from thud.errors import RefusedClip
from thud.media.encode import GOP, add_h264, encode_pictures, mp4_at
from thud.media.frames import every_frame, frame_times, shown_size
from thud.media.guard import open_media, picture_stream, translated
from thud.records import Probe

LONG_SIDE, SHORT_SIDE = 1280, 720
FASTEST = 60
VFR_RATES = (30, 50, 60)
"""Rates tried for uneven spacing, slowest first; below 30 a shown frame could be late by more than 17 ms."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A written proxy. Frame k is on screen from k / fps to (k + 1) / fps."""

    fps: float
    frames: int


def write_proxy(source: str | Path, out: str | Path, probe: Probe) -> Proxy:
    """Write the proxy of `source` to `out` (MP4), whole or not at all.

    The picture is upright, has square pixels and even sizes, fits 1280 × 720 either way round and is never enlarged.
    Raises RefusedClip when nothing decodes, StoreFull when the disk is full.
    """
    if may_copy(probe):
        packets = _ready_packets(source)
        if packets:
            return _copy(source, packets, out, probe)
    return _encode(source, out, probe)


def may_copy(probe: Probe) -> bool:
    """Whether the probe leaves it possible that the source is a proxy already; the packets decide."""
    fits = max(probe.width, probe.height) <= LONG_SIDE and min(probe.width, probe.height) <= SHORT_SIDE
    steady = probe.fps is not None and probe.fps <= FASTEST
    return probe.video_codec == "h264" and not probe.rotation and not probe.damage and fits and steady


def proxy_rate(probe: Probe, times_s: NDArray[np.float64]) -> Fraction:
    """The source's own rate (divided down to 60 at most); for VFR the slowest rate that shows every frame, or 60."""
    if probe.fps is not None:
        exact = Fraction(probe.fps).limit_denominator(1001)
        return exact / math.ceil(exact / FASTEST)
    for rate in VFR_RATES:
        if len(np.unique(_shown(times_s, Fraction(rate), probe.duration_s))) == len(times_s):
            return Fraction(rate)
    return Fraction(FASTEST)


def _shown(times_s: NDArray[np.float64], fps: Fraction, duration_s: float) -> NDArray[np.intp]:
    """Which source frame each proxy frame shows."""
    count = max(1, math.ceil(duration_s * float(fps) - 0.5 - 1e-6))
    middles = (np.arange(count) + 0.5) / float(fps)
    return np.maximum(0, np.searchsorted(times_s, middles, side="right") - 1)


def _ready_packets(source: str | Path) -> list[Packet[VideoStream]]:
    """The picture's packets when they can serve as a proxy untouched, else nothing. Nothing is decoded."""
    with open_media(source) as media, translated(source):
        video = picture_stream(media, source)
        square = video.sample_aspect_ratio in (None, 0, 1)
        if video.codec_context.pix_fmt != "yuv420p" or not square or video.width % 2 or video.height % 2:
            return []
        packets = [packet for packet in media.demux(video) if packet.size]
    if any(packet.pts is None or packet.dts is None or packet.is_discard for packet in packets):
        return []
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    longest = max(np.diff([*keys, len(packets)]), default=0)
    starts_at_zero = min((packet.pts or 0 for packet in packets), default=1) == 0
    return packets if keys[:1] == [0] and longest <= GOP and starts_at_zero else []


def _copy(source: str | Path, packets: list[Packet[VideoStream]], out: str | Path, probe: Probe) -> Proxy:
    with open_media(source) as media, mp4_at(out) as target:
        video = target.add_stream_from_template(picture_stream(media, source), opaque=True)
        for packet in packets:
            packet.stream = video
            target.mux(packet)
    return Proxy(probe.fps or 0.0, len(packets))


def _encode(source: str | Path, out: str | Path, probe: Probe) -> Proxy:
    times = frame_times(source)
    fps = proxy_rate(probe, times)
    shown = _shown(times, fps, probe.duration_s)
    frames = every_frame(source)
    first = next(frames, None)
    if first is None:
        raise RefusedClip(f"No frame of {Path(source).name} can be decoded; the file is damaged.")
    with open_media(source) as media, mp4_at(out) as target:
        stream = picture_stream(media, source)
        size = _fitted(*shown_size(stream, first[1].rotation))
        # Two threads: ingest runs beside a person who is annotating.
        video = add_h264(target, *size, fps, preset="superfast", threads=2)
        _keep_colours(stream, video)
        for packet in encode_pictures(video, _on_screen(first, frames, times[shown], size)):
            target.mux(packet)
    return Proxy(float(fps), len(shown))


def _keep_colours(source: VideoStream, target: VideoStream) -> None:
    """Colour tags go along with the untouched pixels; a guess here could be another than the browser's."""
    ours, theirs = target.codec_context, source.codec_context
    ours.colorspace, ours.color_primaries, ours.color_trc = theirs.colorspace, theirs.color_primaries, theirs.color_trc


def _on_screen(
    first: tuple[float, VideoFrame],
    frames: Iterator[tuple[float, VideoFrame]],
    starts_s: NDArray[np.float64],
    size: tuple[int, int],
) -> Iterator[tuple[int, VideoFrame]]:
    """(k, picture to show) for each proxy frame; `starts_s[k]` is when that picture came on screen in the source.

    A frame that does not decode is stood in for by the last good one before it.
    """
    current, following = first, next(frames, None)
    ready = _fit(current[1], size)
    for tick, start_s in enumerate(starts_s):
        late = False
        while following is not None and following[0] <= start_s + 1e-9:
            current, following, late = following, next(frames, None), True
        if late:
            ready = _fit(current[1], size)
        yield tick, ready


def _fit(picture: VideoFrame, size: tuple[int, int]) -> VideoFrame:
    """The picture upright, as 8-bit yuv420p of `size` (width, height), in its own colours."""
    width, height = size[::-1] if picture.rotation % 180 else size
    yuv = picture.reformat(width, height, "yuv420p", dst_color_range=ColorRange.MPEG)
    turns = round(picture.rotation / 90)
    if not turns:
        return yuv
    packed = yuv.to_ndarray()
    chroma = packed[height:].reshape(2, height // 2, width // 2)
    planes = [packed[:height], chroma[0], chroma[1]]
    turned = np.concatenate([np.rot90(plane, turns).ravel() for plane in planes])
    return VideoFrame.from_ndarray(turned.reshape(-1, size[0]), format="yuv420p")


def _fitted(width: int, height: int) -> tuple[int, int]:
    """The largest even size of the same shape within 1280 × 720 (or 720 × 1280), never larger than given."""
    scale = min(1.0, LONG_SIDE / max(width, height), SHORT_SIDE / min(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)

"""Exact pictures of a clip: which frame is on screen at a time, for even and uneven spacing alike.

Times are seconds from the clip's first picture. Presentation times come from the packets, never from index / rate,
so a frame is found by its own time stamp; pictures come back upright and with square pixels. It does not know about
sound.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from thud.errors import RefusedClip
from thud.media.guard import open_media, picture_stream, shown_tick

Picture = NDArray[np.uint8]
"""(height, width, 3), RGB."""

ROUNDED_S = 0.0005
"""Matroska rounds times to the millisecond, so a frame counts as on screen from half a tick (at most this) early."""

CAPTION = (231, 233, 236)
PAPER = (14, 16, 19)


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, upright. pts_s: when it comes on screen, seconds from the first. rgb: uint8 (height, width, 3)."""

    pts_s: float
    rgb: Picture


@dataclass(frozen=True, slots=True)
class _Index:
    """A video stream's presentation times in ticks, sorted, and those among them where decoding can start."""

    ticks: list[int]
    keys: list[int]
    clock: Fraction

    def shown_at(self, time_s: float) -> int:
        """Tick of the frame on screen at `time_s`, allowing for times that were rounded to the clock."""
        limit = self.ticks[0] + (time_s + min(float(self.clock) / 2, ROUNDED_S)) / float(self.clock)
        return self.ticks[max(0, bisect_right(self.ticks, limit) - 1)]

    def key_before(self, tick: int) -> int:
        """The latest tick at or before `tick` where decoding can start."""
        return self.keys[max(0, bisect_right(self.keys, tick) - 1)] if self.keys else self.ticks[0]

    def seconds(self, tick: int) -> float:
        return float((tick - self.ticks[0]) * self.clock)


def frame_times(path: str | Path) -> NDArray[np.float64]:
    """Presentation time of every frame, seconds from the first, sorted: float64 (frames,). Nothing is decoded.

    Raises RefusedClip when the file cannot be read or holds no picture.
    """
    with open_media(path) as media:
        index = _index(media, Path(path))
    return (np.array(index.ticks, np.float64) - index.ticks[0]) * float(index.clock)


def frame_at(path: str | Path, time_s: float) -> Frame:
    """The frame on screen at `time_s`: the last one with pts <= time_s (the first one for times before it)."""
    return frames_at(path, [time_s])[0]


def frames_at(path: str | Path, times_s: Sequence[float]) -> list[Frame]:
    """The frame on screen at each of `times_s`, in that order, in one forward pass that skips by key frames.

    A frame that is damaged beyond decoding is stood in for by the last good one before it, as a player does.
    Raises RefusedClip when the file cannot be read or nothing decodes.
    """
    found = dict(_shown(path, times_s))
    return [found[position] for position in range(len(times_s))]


def every_frame(path: str | Path) -> Iterator[tuple[float, VideoFrame]]:
    """(pts_s, decoded picture) of every frame that decodes, in display order; `upright` makes it an array."""
    with open_media(path) as media:
        index = _index(media, Path(path))
    with open_media(path) as media:
        for picture in _decoded(media, picture_stream(media, path)):
            yield index.seconds(_tick(picture)), picture


def shown_size(stream: VideoStream, rotation: int) -> tuple[int, int]:
    """(width, height) on screen: with square pixels, after the turn."""
    width = round(stream.width * (stream.sample_aspect_ratio or 1))
    return (stream.height, width) if rotation % 180 else (width, stream.height)


def upright(picture: VideoFrame, size: tuple[int, int]) -> Picture:
    """RGB (height, width, 3) at `size` (width, height), turned as it is meant to be seen."""
    width, height = size[::-1] if picture.rotation % 180 else size
    rgb = picture.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(rgb, round(picture.rotation / 90)))


def contact_sheet(path: str | Path, count: int, width: int = 320, columns: int = 0) -> bytes:
    """A JPEG of `count` frames at even times, each `width` pixels wide with its own time burned in below.

    columns: tiles in a row, by default as square a sheet as possible. Raises RefusedClip.
    """
    times = frame_times(path)
    spacing = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    asked = (np.arange(count) + 0.5) / count * (times[-1] + spacing)
    tiles: list[Image.Image] = [Image.new("RGB", (1, 1))] * count
    for position, frame in _shown(path, asked.tolist()):
        tiles[position] = _tile(frame, width, f"{position + 1}   {frame.pts_s:.3f} s")
    columns = columns or math.ceil(math.sqrt(count))
    gap, (across, down) = 4, tiles[0].size
    rows = math.ceil(count / columns)
    sheet = Image.new("RGB", (columns * (across + gap) - gap, rows * (down + gap) - gap), PAPER)
    for position, tile in enumerate(tiles):
        sheet.paste(tile, (position % columns * (across + gap), position // columns * (down + gap)))
    return _saved(sheet, "JPEG", quality=82)


def thumbnail(path: str | Path, time_s: float, width: int = 320) -> bytes:
    """A WebP of the frame on screen at `time_s`, `width` pixels wide. Raises RefusedClip."""
    return _saved(_scaled(frame_at(path, time_s).rgb, width), "WEBP", quality=78, method=2)


def _tile(frame: Frame, width: int, caption: str) -> Image.Image:
    """The picture with a strip below it, so that the caption hides nothing of what is to be seen."""
    picture = _scaled(frame.rgb, width)
    size = max(11, width // 20)
    strip = round(size * 1.6)
    tile = Image.new("RGB", (width, picture.height + strip), PAPER)
    tile.paste(picture, (0, 0))
    pen = ImageDraw.Draw(tile)
    pen.text((size // 2, picture.height + strip // 2), caption, CAPTION, ImageFont.load_default(size), anchor="lm")
    return tile


def _scaled(rgb: Picture, width: int) -> Image.Image:
    height = max(1, round(rgb.shape[0] * width / rgb.shape[1]))
    return Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def _index(media: InputContainer, path: Path) -> _Index:
    """Reads all packets of the picture; those that are never shown (outside an MP4's edit list) do not count."""
    stream = picture_stream(media, path)
    ticks, keys = [], []
    for packet in _packets(media, stream):
        tick = shown_tick(packet)
        if tick is None:
            continue
        ticks.append(tick)
        if packet.is_keyframe:
            keys.append(tick)
    if not ticks:
        raise RefusedClip(f"{path.name} holds no frames; the file may have been cut off while it was copied.")
    return _Index(sorted(ticks), sorted(keys), Fraction(stream.time_base or 1))


def _shown(path: str | Path, times_s: Sequence[float]) -> Iterator[tuple[int, Frame]]:
    """(position in `times_s`, frame on screen then), ordered by time."""
    with open_media(path) as media:
        index = _index(media, Path(path))
    wanted = [index.shown_at(time_s) for time_s in times_s]
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    with open_media(path) as media:
        stream = picture_stream(media, path)
        seen: tuple[VideoFrame, Frame] | None = None
        reached = _reached(media, stream, index, [wanted[at] for at in order])
        for position, picture in zip(order, reached, strict=True):
            if picture is None:
                raise RefusedClip(f"No frame of {Path(path).name} can be decoded; the file is damaged.")
            if seen is None or seen[0] is not picture:
                rgb = upright(picture, shown_size(stream, picture.rotation))
                seen = (picture, Frame(index.seconds(_tick(picture)), rgb))
            yield position, seen[1]


def _reached(
    media: InputContainer, stream: VideoStream, index: _Index, wanted: Sequence[int]
) -> Iterator[VideoFrame | None]:
    """For each of the rising ticks `wanted` its frame, or the last good one before it, or the first good one."""
    pictures, ahead = _decoded(media, stream), None
    shown: VideoFrame | None = None
    for tick in wanted:
        key = index.key_before(tick)
        if key > (index.ticks[0] if shown is None else _tick(shown)) and _seek(media, stream, key):
            pictures = _decoded(media, stream)
            ahead = next(pictures, None)
            if (ahead is None or _tick(ahead) > tick) and _seek(media, stream, index.ticks[0]):
                pictures, ahead = _decoded(media, stream), None  # the file's own index was wrong
        while shown is None or _tick(shown) < tick:
            ahead = ahead or next(pictures, None)
            if ahead is None or (shown is not None and _tick(ahead) > tick):
                break
            shown, ahead = ahead, None
        yield shown


def _seek(media: InputContainer, stream: VideoStream, tick: int) -> bool:
    """Jump to the key frame at `tick`. False for a file that cannot seek, which stays where it is."""
    try:
        media.seek(tick, stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _decoded(media: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Frames from here on in display order; what cannot be decoded is passed over."""
    for packet in _packets(media, stream):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _packets(media: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Packets from here on, up to where a file was cut off. The last one is empty and flushes a decoder."""
    with suppress(av.error.InvalidDataError):
        yield from media.demux(stream)


def _tick(picture: VideoFrame) -> int:
    """Presentation time in the stream's clock; AVI keeps decode times only."""
    tick = picture.dts if picture.pts is None else picture.pts
    return tick or 0

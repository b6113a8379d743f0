"""The picture is never touched: a hash that proves it, and a file that joins it with another sound.

Packets are copied, never encoded. The hash means the same in every container, so a clip and all its
conditions share one.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from thud.errors import RefusedClip, RefusedEdit
from thud.media.encode import written_whole
from thud.media.guard import check_file, file_url, open_media, picture_stream, shown_tick, translated
from thud.media.probe import codec_name
from thud.media.sound import Sound
from thud.media.write import resampled, writing

AAC_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
BIT_RATES = (128_000, 96_000, 64_000, 32_000)
"""The first one that fits the budget is used, so nearly always 128 kbit/s;

AAC overshoots on strings of clicks.
"""

BUDGET_BYTES_PER_S = 28_000
"""Room for the sound and its index: 192 kbit/s, and 40 bytes for each of up to 100 packets a second."""

BUDGET_BYTES_PER_PICTURE = 64
BUDGET_BYTES_PER_FILE = 16_384
BLOCK_BYTES = 4096

BITEXACT = {"fflags": "+bitexact"}
FORMATS = {
    "mp4": BITEXACT | {"movflags": "+faststart", "movie_timescale": "48000", "write_btrt": "0"},
    "matroska": BITEXACT,
    "mov": BITEXACT | {"movflags": "+faststart", "movie_timescale": "48000", "write_btrt": "0"},
}
"""Edit lists count in the movie's timescale, whose default of 1000 would round where streams end to 1 ms."""

SUFFIXES = {"mp4": ".mp4", "matroska": ".mkv", "mov": ".mov"}
FOR_MP4 = frozenset(("h264", "hevc", "av1", "vp9", "mpeg4"))


UPRIGHT = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
ADVICE = "convert the clip to MP4 and use that"
SEGMENT_ID = b"\x18\x53\x80\x67"
PADDING_HEAD = {"mp4": 8, "mov": 8, "matroska": 9}


@dataclass(frozen=True, slots=True)
class _Picture:
    """A source's picture: packets in decode order, the tick of the first one shown, the hash of it all."""

    video: VideoStream
    packets: list[Packet[Any]]
    first: int
    clock: Fraction
    digest: str

    @property
    def timeless(self) -> bool:
        return any(packet.pts is None for packet in self.packets)

    @property
    def codec(self) -> str:
        return codec_name(self.video)

    @property
    def budget(self) -> int:
        """Size in bytes of the file of any condition: it depends on the picture only."""
        ends = [_tick(packet) + (packet.duration or 0) for packet in self.packets]
        seconds = (max(ends) - self.first) * self.clock
        size = BUDGET_BYTES_PER_FILE + sum(packet.size + BUDGET_BYTES_PER_PICTURE for packet in self.packets)
        return -(-(size + int(seconds * BUDGET_BYTES_PER_S)) // BLOCK_BYTES) * BLOCK_BYTES

    def copies(self, video: VideoStream) -> Iterator[Packet[Any]]:
        """The packets for another container: same bytes, the first picture at 0.

        Decode times only where missing.
        """
        times = [_tick(packet) - self.first for packet in self.packets]
        own = [packet.dts - self.first for packet in self.packets if packet.dts is not None]
        risen = len(own) == len(times) and all(a < b for a, b in pairwise(own))
        for source, pts, dts in zip(self.packets, times, own if risen else _decode_times(times), strict=True):
            packet: Packet[Any] = Packet(bytes(source))
            packet.pts, packet.dts, packet.duration = pts, dts, source.duration
            packet.time_base, packet.is_keyframe, packet.stream = self.clock, source.is_keyframe, video
            yield packet


def picture_hash(path: str | Path) -> str:
    """SHA-256 (hex) of the codec's parameters and of every packet's time and bytes, in decode order.

    Times are exact fractions of a second from the first picture shown. Decode times are left out: Matroska
    keeps none. Equal hashes mean the same pictures at the same times, whatever the container. Raises
    RefusedClip.
    """
    with open_media(path) as media, translated(path):
        return _picture(media, path).digest


def mux(source: str | Path, sound: Sound | None, out: str | Path) -> Path:
    """The path of a new file: the picture of `source`, untouched, with `sound` as AAC (None: no sound track).

    The suffix of `out` gives way to the container's: MP4, or Matroska where MP4 cannot carry the codec
    exactly. Decoded, the sound is aligned with the picture to the sample. Every sound gives a file of the
    same size and no tags. Raises RefusedClip for the source, RefusedEdit if no container carries the
    picture exactly, StoreFull.
    """
    source, out = check_file(source), Path(out)
    with open_media(source) as media, translated(source):
        picture = _picture(media, source)
        if picture.timeless and picture.video.codec_context.has_b_frames:
            raise RefusedEdit(f"{source.name} is an AVI with B-frames and does not say when each is shown; {ADVICE}.")
        order = ("mp4", "matroska", "mov") if picture.codec in FOR_MP4 else ("matroska", "mp4", "mov")
        for kind in order:
            target = out.with_suffix(SUFFIXES[kind])
            if target.exists() and target.samefile(source):
                raise RefusedEdit(f"{source.name} would be written over; choose another name.")
            try:
                with written_whole(target) as part, writing(target):
                    _write_within_budget(picture, sound, part, kind)
            except RefusedEdit:
                continue  # this container cannot; the next one may
            return target
    raise RefusedEdit(f"No container carries the {picture.codec} picture of {source.name} unchanged; {ADVICE}.")


def _picture(media: InputContainer, path: str | Path) -> _Picture:
    """All that is shown of an opened file.

    What comes after the last packet shown is left out: nobody needs it.
    """
    video = picture_stream(media, path)
    packets = list(_readable(media, video))
    while packets and shown_tick(packets[-1]) is None:
        packets.pop()
    ticks = [tick for packet in packets if (tick := shown_tick(packet)) is not None]
    if not ticks:
        raise RefusedClip(f"{Path(path).name} holds no picture that can be decoded.")
    clock = video.time_base or Fraction(1)
    context = video.codec_context
    extra = (context.extradata or b"").hex()  # asked for before anything is decoded, which may change it
    shape = (context.width, context.height, str(video.sample_aspect_ratio or 1), _turn(packets))
    digest = hashlib.sha256(json.dumps([codec_name(video), shape, extra]).encode())
    for packet in packets:
        digest.update(f"\n{(_tick(packet) - min(ticks)) * clock} {packet.size}\n".encode())
        digest.update(packet)
    return _Picture(video, packets, min(ticks), clock, digest.hexdigest())


def _readable(media: InputContainer, video: VideoStream) -> Iterator[Packet[Any]]:
    """Packets up to the end, or to where a damaged file stops; `probe` says that it does."""
    try:
        yield from (packet for packet in media.demux(video) if packet.size)
    except av.FFmpegError:
        return


def _turn(packets: list[Packet[Any]]) -> tuple[int, ...]:
    """How the picture is turned or mirrored: the matrix (a, b, c, d), which only a decoded frame tells."""
    for packet in packets:
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        if frames:
            side: Any = frames[0].side_data.get("DISPLAYMATRIX")
            matrix = struct.unpack("<9i", bytes(side)) if side is not None else UPRIGHT
            return tuple(matrix[at] for at in (0, 1, 3, 4))
    raise RefusedClip("No picture can be decoded.")


def _write_within_budget(picture: _Picture, sound: Sound | None, part: Path, kind: str) -> None:
    """One container, verified and padded. Raises RefusedEdit if it does not carry the picture exactly."""
    for bit_rate in BIT_RATES:
        _write(picture, sound, part, kind, bit_rate)
        with open_media(part) as media:
            if _picture(media, part).digest != picture.digest:
                raise RefusedEdit(f"{kind} does not carry this picture exactly.")
        spare = picture.budget - part.stat().st_size
        if spare >= PADDING_HEAD[kind]:
            _pad(part, kind, spare)
            return
    raise RefusedEdit("The sound does not fit into the size that all conditions of this clip share.")


def _write(picture: _Picture, sound: Sound | None, part: Path, kind: str, bit_rate: int) -> None:
    with av.open(file_url(part), "w", format=kind, container_options=FORMATS[kind]) as out:
        video = out.add_stream_from_template(picture.video, opaque=True)
        if picture.video.codec_context.codec_tag == "hvc1" and kind != "matroska":
            video.codec_context.codec_tag = "hvc1"  # Apple's programs do not play hev1, which would be written
        packets = [*picture.copies(video), *(_encode(out, sound, bit_rate) if sound is not None else [])]
        packets.sort(key=lambda packet: (packet.dts or 0) * (packet.time_base or 1))
        for packet in packets:
            out.mux_one(packet)


def _encode(out: OutputContainer, sound: Sound, bit_rate: int) -> list[Packet[AudioStream]]:
    """All AAC packets.

    The encoder's priming samples get times before 0, and the container says to skip them.
    """
    rate_hz = sound.rate_hz if sound.rate_hz in AAC_RATES_HZ else 48_000
    samples = resampled(sound.samples, sound.rate_hz, rate_hz)
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    # At 128 kbit/s the fast coder sounds no worse than the default one, and takes a third of the time.
    stream: AudioStream = out.add_stream("aac", rate=rate_hz, options={"aac_coder": "fast"})
    stream.codec_context.layout = layout
    stream.codec_context.bit_rate = bit_rate
    stream.codec_context.flags |= cast(int, Flags.bitexact)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), 0
    return [*stream.encode(frame), *stream.encode(None)]


def _decode_times(times: Sequence[int]) -> list[int]:
    """Rising decode times for presentation times in decode order, none later than its presentation."""
    order = sorted(times)
    place = {tick: index for index, tick in enumerate(order)}
    delay = max(0, *(index - place[tick] for index, tick in enumerate(times)))
    step = order[1] - order[0] if len(order) > 1 else 1
    return [order[0] - step * (delay - index) for index in range(delay)] + order[: len(order) - delay]


def _tick(packet: Packet[Any]) -> int:
    return cast(int, packet.dts if packet.pts is None else packet.pts)


def _pad(path: Path, kind: str, size: int) -> None:
    """Lengthen the file by `size` bytes that every reader passes over: a `free` box, or a Void element."""
    with path.open("r+b") as file:
        if kind == "matroska":
            file.seek(0, 2)
            end = file.tell()
            file.seek(0)
            at = file.read(4096).index(SEGMENT_ID) + len(SEGMENT_ID)
            file.seek(at)
            file.write(struct.pack(">Q", 1 << 56 | end + size - at - 8))  # the void belongs inside the segment
            head = b"\xec" + struct.pack(">Q", 1 << 56 | size - 9)
        else:
            head = struct.pack(">I4s", size, b"free")
        file.seek(0, 2)
        file.write(head + bytes(size - len(head)))

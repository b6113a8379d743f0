"""Which files may be opened, and how: every source file is opened by `open_media`.

FFmpeg guesses the demuxer from the bytes, so a text file called clip.mp4 can name other files or addresses.
The guess is therefore made here, from magic bytes, for three families only; the demuxer is forced, and only
the file protocol is allowed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.container.core import Flags
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from thud.errors import RefusedClip

ISO_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
EBML = b"\x1a\x45\xdf\xa3"
HEAD_BYTES = 512
VP8_SHOW_FRAME = 0x10

OPTIONS = {
    "protocol_whitelist": "file",
    "probesize": "10000000",  # bytes looked at before giving up on finding stream parameters
    "analyzeduration": "10000000",  # the same in microseconds
}
DEMUXER_OPTIONS = {"mov": {"enable_drefs": "0", "use_absolute_path": "0"}, "matroska": {}, "avi": {}}


def check_file(path: str | Path) -> Path:
    """The path itself, once it is known to be an ordinary file that is not empty (nothing is opened).

    A link is judged by what it leads to; whether it may lead there is for `inside`. Raises RefusedClip.
    """
    path = Path(path)
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            found = path.stat()
    except FileNotFoundError:
        what = "is a link to a file that does not exist" if path.is_symlink() else "does not exist"
        raise RefusedClip(f"{path.name} {what}.") from None
    except (OSError, ValueError) as error:
        raise RefusedClip(f"{path.name} cannot be looked at: {reason(error)}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise RefusedClip(f"{path.name} is {_kind(found.st_mode)}, not a video file.")
    if found.st_size == 0:
        raise RefusedClip(f"{path.name} is empty (0 bytes).")
    return path


def inside(path: str | Path, folder: str | Path) -> Path:
    """The resolved path, once it is known to lie in `folder` with all links followed. Raises RefusedClip."""
    path = Path(path)
    try:
        real = path.resolve(strict=True)
        home = Path(folder).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise RefusedClip(f"{path.name} leads nowhere: {reason(error)}.") from error
    if not real.is_relative_to(home):
        raise RefusedClip(f"{path.name} leads out of the folder {home.name}; copy the file into it instead.")
    return real


def sniff(path: str | Path) -> str:
    """The demuxer by the first bytes: "mov" (MP4 too), "matroska" (WebM too) or "avi". Raises RefusedClip."""
    path = Path(path)
    head = _head(path)
    if head[4:8] in ISO_BOXES:
        return "mov"
    if head.startswith(EBML):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    raise RefusedClip(f"{path.name} {_what_it_is(head)}; thud reads MP4, MOV, MKV, WebM and AVI.")


def container_name(path: str | Path) -> str:
    """What a person would call the format: mp4, mov, mkv, webm or avi. Raises RefusedClip."""
    demuxer, head = sniff(path), _head(Path(path))
    if demuxer == "mov":
        return "mp4" if head[4:8] == b"ftyp" and head[8:12] != b"qt  " else "mov"
    if demuxer == "matroska":
        return "webm" if b"webm" in head[:64] else "mkv"
    return demuxer


def open_media(path: str | Path) -> InputContainer:
    """The file, opened for reading with its demuxer forced; a context manager. Raises RefusedClip."""
    path = check_file(path)
    demuxer = sniff(path)
    with translated(path):
        media = av.open(
            file_url(path),
            mode="r",
            format=demuxer,
            container_options=OPTIONS | DEMUXER_OPTIONS[demuxer],
            metadata_errors="replace",  # tags in a foreign encoding are no reason to refuse a clip
        )
    # PyAV would have missing times invented, wrongly where there are B-frames: AVI keeps decode times only.
    media.flags &= ~cast(int, Flags.gen_pts.value)
    return media


def picture_stream(container: InputContainer, path: str | Path) -> VideoStream:
    """The moving picture of an opened file; cover art is not one. Raises RefusedClip if there is none."""
    moving = [video for video in container.streams.video if not video.disposition & Disposition.attached_pic]
    if not moving:
        raise RefusedClip(f"{Path(path).name} has no moving picture, only sound, stills or data.")
    for stream in moving:
        if stream.codec_context is not None:
            return stream
    raise RefusedClip(f"{Path(path).name} has a picture in a codec that cannot be decoded here.")


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The sound of an opened file: the stream marked as default, else the first; None without."""
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    marked = [stream for stream in known if stream.disposition & Disposition.default]
    return next(iter(marked or known), None)


def shown_tick(packet: Packet[Any]) -> int | None:
    """When a packet's picture comes on screen, in ticks of its stream; None for one that never does.

    AVI keeps decode times only, so those stand in. Outside an MP4's edit list, and in VP8's alternative
    references, are packets that decoders need and viewers never see.
    """
    if not packet.size or packet.is_discard:
        return None
    if packet.stream.codec_context.name == "vp8" and not memoryview(packet)[0] & VP8_SHOW_FRAME:
        return None
    return packet.dts if packet.pts is None else packet.pts


@contextmanager
def translated(path: str | Path) -> Iterator[None]:
    """A block in which PyAV's own errors become RefusedClip with a sentence about `path`."""
    try:
        yield
    except av.FFmpegError as error:
        name = Path(path).name
        raise RefusedClip(f"{name} cannot be read: {reason(error)}; it may be damaged.") from error


def file_url(path: str | Path) -> str:
    """A name that FFmpeg takes for a file whatever it holds: "-x.mp4", "concat:x", "http:x" are names too."""
    return f"file:{Path(path).absolute()}"


def _head(path: Path) -> bytes:
    """The first bytes. O_NONBLOCK: had the file become a pipe since it was checked, opening must not wait."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(handle, HEAD_BYTES)
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        raise RefusedClip(f"{path.name} cannot be read: {reason(error)}.") from error


def _what_it_is(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = start[:400].lower()
    if start.startswith(b"#EXTM3U"):
        return "is a playlist (M3U), not a video"
    if lowered.startswith(b"ffconcat"):
        return "is a list of other files (ffconcat), not a video"
    if b"<mpd" in lowered or b"<smoothstreamingmedia" in lowered:
        return "is a streaming manifest, not a video"
    if start.startswith(b"#!"):
        return "is a script, not a video"
    if head and b"\0" not in head and sum(byte < 9 or 13 < byte < 32 for byte in head) == 0:
        return "is a text file, not a video"
    return "is not in a format that is known here"


def _kind(mode: int) -> str:
    names = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(mode), "a device")


def reason(error: Exception) -> str:
    """An operating system's or codec's error as the end of a sentence."""
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return "permission denied"
    text: str = getattr(error, "strerror", None) or str(error) or "unknown error"
    return text.rstrip(".").replace("Invalid data found when processing input", "its data make no sense")

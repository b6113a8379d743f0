"""Synthetic clips of every kind thud reads, and files it must refuse. The sound of each is known to the sample.

`make_clip` writes one clip: faint seeded noise throughout, and one loud 5 ms burst at `click_s` on the picture's
timeline. `truth` is that sound as it must come back. `make_set` writes the readable clips, `make_hostile` the others;
`readable` and `hostile` are the same, made once for all tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

BEFORE_S = 2
"""Seconds of noise that exist before the first picture, for clips whose sound starts earlier."""

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi"}
SETTINGS = {
    "mp4": {"movie_timescale": "48000"},  # edit lists count in it; 1000 would round the sound's start to a millisecond
    "mov": {"movie_timescale": "48000"},
    "avi": {"avoid_negative_ts": "disabled"},  # else MP3's encoder delay moves the picture
}
VFR_TIMES_S = (0.0, 0.033, 0.066, 0.3, 0.5, 0.533, 0.9, 1.2, 1.233, 1.7)


def truth(
    seconds: float, rate_hz: int = 48_000, channels: int = 2, click_s: float = 1.0, start_s: float = 0.0
) -> NDArray[np.float32]:
    """The known sound from `start_s` to `seconds` on the picture's timeline: float32 (samples, channels)."""
    first, last = round(start_s * rate_hz), round(seconds * rate_hz)
    random = np.random.default_rng(5)
    noise = random.normal(0, 0.004, ((BEFORE_S + 12) * rate_hz, channels))
    samples = noise[BEFORE_S * rate_hz + first : BEFORE_S * rate_hz + last]
    burst = np.convolve(random.normal(0, 0.6, round(0.005 * rate_hz)), np.hanning(10) / 4.5, mode="same")
    burst = np.clip(burst, -0.7, 0.7)[:, None] * np.linspace(1, 0.8, channels)
    at = round(click_s * rate_hz) - first
    room = samples[max(at, 0) : max(at, 0) + len(burst)]
    if at >= 0:
        room += burst[: len(room)]
    return samples.astype(np.float32)


def make_clip(
    path: str | Path,
    *,
    seconds: float = 2.0,
    fps: int | Fraction = 30,
    size: tuple[int, int] = (128, 96),
    video_codec: str = "libx264",
    audio_codec: str | None = "aac",
    rate_hz: int = 48_000,
    layout: str = "stereo",
    click_s: float = 1.0,
    sound_start_s: float = 0.0,
    sound_end_s: float | None = None,
    picture_start_s: float = 0.0,
    times_s: Sequence[float] | None = None,
    b_frames: int = 0,
    rotation: int = 0,
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write one clip and return its path. Times of sound and click are on the picture's timeline.

    sound_start_s, sound_end_s: where the sound exists. picture_start_s: where the picture starts on the
    file's clock. times_s: frame times for VFR; the last frame then lasts until `seconds`. rotation:
    degrees, counter-clockwise.
    """
    path = Path(path)
    kind = container or FORMATS[path.suffix]
    settings = {**SETTINGS.get(kind, {}), **(options or {})}
    with av.open(f"file:{path}", "w", format=kind, container_options=settings) as out:
        video = _add_video(out, video_codec, Fraction(fps), size, b_frames, rotation, times_s is not None)
        audio = _add_audio(out, audio_codec, rate_hz, layout) if audio_codec else None
        packets = _pictures(video, seconds, Fraction(fps), size, picture_start_s, times_s)
        if audio is not None:
            end_s = seconds if sound_end_s is None else sound_end_s
            channels = audio.codec_context.layout.nb_channels
            samples = truth(end_s, rate_hz, channels, click_s, sound_start_s)
            packets += _sounds(audio, samples, rate_hz, layout, sound_start_s + picture_start_s)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * (packet.time_base or 1)):
            out.mux(packet)
    return path


def picture(index: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A grey picture with a bright bar that moves on by 4 pixels a frame."""
    width, height = size
    rgb = np.full((height, width, 3), 60, np.uint8)
    rgb[:, (index * 4) % width : (index * 4) % width + 8] = 230
    rgb[:8, :, 0] = index * 5 % 256
    return rgb


def _add_video(
    out: OutputContainer,
    codec: str,
    fps: Fraction,
    size: tuple[int, int],
    b_frames: int,
    rotation: int,
    vfr: bool,
) -> VideoStream:
    options = {"libx264": {"preset": "veryfast", "bf": str(b_frames)}, "mpeg4": {"bf": str(b_frames)}}
    fast = {"deadline": "realtime", "cpu-used": "8"}
    video = out.add_stream(codec, rate=fps, options=options.get(codec, fast if "vpx" in codec else {}))
    context = video.codec_context
    context.width, context.height = size
    context.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    context.time_base = Fraction(1, 90_000) if vfr else 1 / fps
    context.gop_size = 12
    context.thread_count = 1
    if rotation:
        video.set_display_rotation(rotation)
    return video


def _add_audio(out: OutputContainer, codec: str, rate_hz: int, layout: str) -> AudioStream:
    audio = out.add_stream(codec, rate=rate_hz)
    audio.codec_context.layout = layout
    if codec in ("aac", "libmp3lame", "libopus"):
        audio.codec_context.bit_rate = 160_000
    return audio


def _pictures(
    video: VideoStream,
    seconds: float,
    fps: Fraction,
    size: tuple[int, int],
    start_s: float,
    times_s: Sequence[float] | None,
) -> list[Packet]:
    clock = video.codec_context.time_base
    times = times_s or [index / fps for index in range(round(seconds * fps))]
    packets = []
    for index, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24")
        frame.pts, frame.time_base = round((time + start_s) / clock), clock
        packets += video.encode(frame)
    packets += video.encode(None)
    shown = sorted(packets, key=lambda packet: packet.pts)
    for packet, after in pairwise(shown):
        packet.duration = after.pts - packet.pts
    shown[-1].duration = round((seconds + start_s) / clock) - shown[-1].pts
    return packets


def _sounds(
    audio: AudioStream, samples: NDArray[np.float32], rate_hz: int, layout: str, start_s: float
) -> list[Packet]:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
    frame.pts = round(start_s * rate_hz)
    return [*audio.encode(frame), *audio.encode(None)]


NTSC = Fraction(30000, 1001)
VFR = {"times_s": VFR_TIMES_S}
RECIPES: dict[str, dict[str, object]] = {
    "h264_aac.mp4": {},
    "b_frames.mp4": {"b_frames": 3, "fps": NTSC, "seconds": 60 / NTSC},
    "h264_aac.mov": {"b_frames": 2, "fps": 25},
    "h264_flac.mkv": {"audio_codec": "flac"},
    "h264_opus.mkv": {"audio_codec": "libopus", "b_frames": 2},
    "h264_pcm.mov": {"audio_codec": "pcm_s16le", "rate_hz": 44_100},
    "vp9_opus.webm": {"video_codec": "libvpx-vp9", "audio_codec": "libopus"},
    "vp8_opus.webm": {"video_codec": "libvpx", "audio_codec": "libopus", "fps": 25},
    "mpeg4_mp3.avi": {"video_codec": "mpeg4", "audio_codec": "libmp3lame"},
    "mjpeg_pcm.avi": {"video_codec": "mjpeg", "audio_codec": "pcm_s16le"},
    "vfr.mp4": VFR,
    "vfr.mkv": {**VFR, "audio_codec": "flac"},
    "rotated_90.mp4": {"rotation": 90},
    "rotated_90.mov": {"rotation": -90, "b_frames": 2},
    "surround.mp4": {"layout": "5.1"},
    "mono_22k.mp4": {"layout": "mono", "rate_hz": 22_050},
    "short.mp4": {"seconds": 0.5, "click_s": 0.25},
    "silent.mp4": {"audio_codec": None},
    "sound_short.mp4": {"sound_end_s": 1.3},
    "sound_late.mp4": {"sound_start_s": 0.25},
    "sound_late.mkv": {"sound_start_s": 0.25, "audio_codec": "flac"},
    "picture_late.mp4": {"picture_start_s": 0.5, "sound_start_s": -0.5},
    "picture_late.mkv": {"picture_start_s": 0.5, "sound_start_s": -0.5, "audio_codec": "flac"},
    "a name with 'quotes' & ünïcode 音.mp4": {},
    "-dash.mp4": {},
    "concat:colon|pipe.mp4": {},
}
"""What is particular about each readable clip: the arguments of `make_clip`."""


def make_set(folder: str | Path) -> dict[str, Path]:
    """Readable clips by name. The key says what is particular about each."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return {name: make_clip(folder / name, **recipe) for name, recipe in RECIPES.items()}  # type: ignore[arg-type]


def make_hostile(folder: str | Path) -> dict[str, Path]:
    """Files to be refused in a sentence; those whose key starts with "damaged" open, and must be read with
    a note.
    """
    folder = Path(folder)
    (folder / "inbox").mkdir(parents=True, exist_ok=True)
    inbox = folder / "inbox"
    good = make_clip(folder / "outside.mp4", options={"movflags": "+faststart"})
    written = {name: inbox / name for name in TEXTS}
    for name, text in TEXTS.items():
        written[name].write_text(text)
    whole = good.read_bytes()
    flipped = bytearray(whole)
    for at in np.random.default_rng(3).integers(len(whole) // 3, len(whole), 40):
        flipped[at] ^= 1 << int(at) % 8
    late_index = make_clip(folder / "late_index.mp4").read_bytes()
    mkv = make_clip(folder / "whole.mkv", audio_codec="flac").read_bytes()
    for name, data in {
        "damaged_cut.mp4": whole[: len(whole) * 6 // 10],
        "damaged_cut.mkv": mkv[: len(mkv) * 6 // 10],
        "damaged_bits.mp4": bytes(flipped),
        "cut_index.mp4": late_index[: len(late_index) * 6 // 10],
        "noise.mp4": b"\0\0\0\x20ftypisom" + np.random.default_rng(4).bytes(20_000),
        "empty.mp4": b"",
    }.items():
        written[name] = inbox / name
        written[name].write_bytes(data)
    written["pipe.mp4"] = inbox / "pipe.mp4"
    os.mkfifo(written["pipe.mp4"])
    written["folder.mp4"] = inbox / "folder.mp4"
    written["folder.mp4"].mkdir()
    for name, target in {
        "link_out.mp4": good,
        "link_nowhere.mp4": folder / "gone",
        "link_pipe.mp4": "pipe.mp4",
    }.items():
        written[name] = inbox / name
        written[name].symlink_to(target)
    written["too_long.mp4"] = make_clip(inbox / "too_long.mp4", seconds=601, times_s=(0, 600.5), audio_codec=None)
    written["sound_only.mp4"] = _sound_only(inbox / "sound_only.mp4")
    written["missing.mp4"] = inbox / "missing.mp4"
    return written


TEXTS = {
    "playlist.mp4": "#EXTM3U\n#EXTINF:2,\n../outside.mp4\n#EXT-X-ENDLIST\n",
    "concat.mp4": "ffconcat version 1.0\nfile ../outside.mp4\n",
    "manifest.mp4": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>\n',
    "script.mp4": "#!/bin/sh\necho hello\n",
    "letter.mp4": "Dear reader,\nthis is not a video.\n",
}


def _sound_only(path: Path) -> Path:
    with av.open(f"file:{path}", "w", format="mp4") as out:
        audio = _add_audio(out, "aac", 48_000, "stereo")
        out.mux(_sounds(audio, truth(1.0), 48_000, "stereo", 0.0))
    return path


@cache
def readable() -> dict[str, Path]:
    """`make_set` in a folder of its own, made once and removed at the end. Not to be written to."""
    return make_set(_passing_folder())


@cache
def hostile() -> dict[str, Path]:
    """`make_hostile` in a folder of its own, made once and removed at the end. Not to be written to."""
    return make_hostile(_passing_folder())


def _passing_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="thud-clips-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

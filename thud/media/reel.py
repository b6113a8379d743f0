"""One film for a talk or a paper: a clip with its own sound, then with each intervened sound, explaining itself.

Above the picture stands which condition is heard; below it runs the part's waveform with the moment that is seen, the
moment that is heard and how far that was moved. Sounds are placed to the sample; frames come from `frames`, because
MoviePy's own reader loses sync on uneven frame times. It does not know how sounds are made.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from thud.errors import BadRequest, MissingPart, RefusedClip, RunFailed, StoreFull
from thud.media import reel_look as look
from thud.media.encode import Picture, written_whole
from thud.media.frames import every_frame, frame_at, frame_times, upright
from thud.media.sound import Sound
from thud.media.waveform import peaks
from thud.records import CONDITIONS, Condition

LEAD_S = 1.0
"""Silence before each part, while its condition stands large over the dimmed picture."""
FASTEST, SLOWEST = 60, 24
CODEC = ["-crf", "18", "-g", "30", "-movflags", "+faststart", "-f", "mp4", "-map_metadata", "-1"]
COLOUR = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709"]
TAGS = ["-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


@dataclass(frozen=True, slots=True)
class ReelPart:
    """One soundtrack of the reel. caption: the condition, then what was asked: "delayed +0.600 s, room".

    sound: None for a dropped stream. offset_s: how far the event's sound was moved, + late. The condition gives the
    part its glyph and colour; a muted part shows no sound event.
    """

    caption: str
    sound: Sound | None
    offset_s: float = 0.0

    @property
    def condition(self) -> Condition:
        """The caption's first word. Raises BadRequest when that is no condition."""
        word = self.caption.partition(" ")[0]
        for condition in CONDITIONS:
            if word == condition:
                return condition
        raise BadRequest(f"A reel's caption begins with its condition ({', '.join(CONDITIONS)}), not with {word!r}.")

    @property
    def asked(self) -> str:
        return self.caption.partition(" ")[2]


def write_reel(
    source: str | Path,
    parts: Sequence[ReelPart],
    out: str | Path,
    visual_s: float | None = None,
    audio_s: float | None = None,
    title: str = "",
) -> Path:
    """Write an MP4 (1280 × 720, H.264 and AAC) that plays `source` once per part, in order; returns `out`.

    visual_s, audio_s: event times of the original, None when not known. Each part lasts LEAD_S plus the picture.
    Raises BadRequest for no parts or sounds of different rates, MissingPart without MoviePy, StoreFull, RefusedClip.
    """
    rates = {part.sound.rate_hz for part in parts if part.sound is not None}
    if not parts or len(rates) > 1:
        raise BadRequest("A reel needs at least one part, and all its sounds at one sample rate.")
    film = _Film(Path(source), parts, visual_s, audio_s, title)
    rate_hz = rates.pop() if rates else 48_000
    with written_whole(out) as part:
        _render(film, film.sound(rate_hz), rate_hz, part)
    return Path(out)


class _Film:
    """Lays the parts out in whole film frames and draws any frame of the result; cheapest when asked in order."""

    def __init__(
        self, source: Path, parts: Sequence[ReelPart], visual_s: float | None, audio_s: float | None, title: str
    ) -> None:
        times = frame_times(source)
        spacing = float(np.median(np.diff(times))) if len(times) > 1 else 1 / SLOWEST
        self.fps = _film_rate(spacing)
        self.duration_s = float(times[-1]) + spacing
        self.lead = round(LEAD_S * self.fps)
        self.play = max(1, round(self.duration_s * self.fps))
        self.parts = parts
        self._cards = [
            _card(part, f"{number} / {len(parts)}", self.duration_s, visual_s, audio_s, title)
            for number, part in enumerate(parts, 1)
        ]
        self._pictures = _Pictures(source)
        self._drawn: tuple[int, Picture, Picture] | None = None

    @property
    def frames(self) -> int:
        return len(self.parts) * (self.lead + self.play)

    def frame(self, number: int) -> Picture:
        """Film frame `number`: uint8 (720, 1280, 3)."""
        part, within = divmod(min(number, self.frames - 1), self.lead + self.play)
        card, playing = self._cards[part], within - self.lead
        if self._drawn is None or self._drawn[0] != part:
            self._drawn = (part, look.draw_card(card, lit=False), look.draw_card(card, lit=True))
        time_s = max(0.0, (playing + 0.5) / self.fps)
        x = card.x(min(time_s, self.duration_s)) if playing >= 0 else look.LEFT
        frame = self._drawn[1].copy()
        frame[look.FOOT + 1 :, :x] = self._drawn[2][look.FOOT + 1 :, :x]
        picture = self._pictures.at(time_s if playing >= 0 else 0.0)
        height, width = picture.shape[:2]
        top, left = look.HEAD + (look.FOOT - 8 - look.HEAD - height) // 2, (look.WIDTH - width) // 2
        frame[top : top + height, left : left + width] = picture
        if playing < 0:
            return look.draw_lead(card, frame)
        look.draw_playhead(frame, x, time_s)
        return frame

    def sound(self, rate_hz: int) -> NDArray[np.float32]:
        """float32 (samples, 2): each part's sound from the very sample at which its first picture is shown."""
        whole = np.zeros((self.frames * rate_hz // self.fps, 2), np.float32)
        for number, part in enumerate(self.parts):
            start = (number * (self.lead + self.play) + self.lead) * rate_hz // self.fps
            end = (number + 1) * (self.lead + self.play) * rate_hz // self.fps
            if part.sound is not None:
                samples = part.sound.samples[: end - start]
                whole[start : start + len(samples)] = samples
        return np.clip(whole, -1, 1 - 2**-15)


class _Pictures:
    """The clip's pictures, fitted between head and foot; reads forward; starts over when asked for an earlier one."""

    def __init__(self, source: Path) -> None:
        self._source = source
        height, width = frame_at(source, 0.0).rgb.shape[:2]
        scale = min((look.WIDTH - 64) / width, (look.FOOT - 8 - look.HEAD) / height)
        self._size = (max(2, round(width * scale)), max(2, round(height * scale)))
        self._rewind()

    def _rewind(self) -> None:
        self._frames = every_frame(self._source)
        first = next(self._frames, None)
        if first is None:
            raise RefusedClip(f"No frame of {self._source.name} can be decoded; the file is damaged.")
        self._since, self._picture = first[0], upright(first[1], self._size)
        self._following = next(self._frames, None)

    def at(self, time_s: float) -> Picture:
        """The picture on screen at `time_s`."""
        if time_s < self._since:
            self._rewind()
        last: VideoFrame | None = None
        while self._following is not None and self._following[0] <= time_s:
            self._since, last = self._following
            self._following = next(self._frames, None)
        if last is not None:
            self._picture = upright(last, self._size)
        return self._picture


def _card(
    part: ReelPart, counter: str, duration_s: float, visual_s: float | None, audio_s: float | None, title: str
) -> look.Card:
    heard = None if audio_s is None or part.condition == "muted" or part.sound is None else audio_s + part.offset_s
    outline = np.zeros((0, 2), np.int8)
    if part.sound is not None:
        outline = peaks(part.sound)[: round(duration_s * 1000)]
        outline = np.pad(outline, ((0, round(duration_s * 1000) - len(outline)), (0, 0)))
    return look.Card(
        condition=part.condition,
        asked=part.asked,
        title=title,
        counter=counter,
        peaks=outline,
        duration_s=duration_s,
        seen_s=visual_s,
        heard_s=heard if heard is not None and 0 <= heard <= duration_s else None,
        source_heard_s=audio_s,
    )


def _film_rate(spacing_s: float) -> int:
    """A whole rate near the source's (MoviePy would write 23.976 as 23.98); slow sources are doubled up to 24."""
    rate = max(1, round(1 / spacing_s))
    while rate < SLOWEST:
        rate *= 2
    return min(rate, FASTEST)


def _render(film: _Film, sound: NDArray[np.float32], rate_hz: int, part: Path) -> None:
    heard = part.with_suffix(".m4a")
    try:
        from moviepy import AudioArrayClip, VideoClip
    except (ImportError, RuntimeError) as error:
        raise MissingPart("Reels need MoviePy and its ffmpeg: pip install moviepy imageio-ffmpeg.") from error
    # Half a frame and half a sample over, since MoviePy rounds their number down after a float product.
    clip = VideoClip(lambda time_s: film.frame(round(time_s * film.fps)), duration=(film.frames + 0.5) / film.fps)
    audio = AudioArrayClip(sound, fps=rate_hz)
    audio.duration = (len(sound) + 0.5) / rate_hz
    try:
        clip.with_audio(audio).write_videofile(
            str(part), fps=film.fps, codec="libx264", preset="veryfast", threads=2, logger=None,
            ffmpeg_params=[*COLOUR, *TAGS, *CODEC],
            audio_codec="aac", audio_fps=rate_hz, audio_bitrate="192k", temp_audiofile=str(heard),
        )  # fmt: skip
        written = len(frame_times(part))  # MoviePy does not look at how its ffmpeg ended
    except (OSError, RefusedClip) as error:
        raise _failure(part, str(error)) from error
    finally:
        heard.unlink(missing_ok=True)
    if written != film.frames:
        raise _failure(part, f"only {written} of {film.frames} frames arrived")


def _failure(part: Path, words: str) -> StoreFull | RunFailed:
    if "No space left" in words or shutil.disk_usage(part.parent).free < 2**20:
        return StoreFull("The disk is full: the reel was not written. Free some space and try again.")
    return RunFailed(f"The reel could not be written: {words.splitlines()[0]}.")

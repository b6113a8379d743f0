"""How an item is shown: picture and sound as the arm says, in the form that the listener takes, then the question.

What is shown comes before what is asked, everywhere. A stimulus without a sound track is sent without one.
"""

from __future__ import annotations

from pathlib import Path

from thud.disk import file_sha256
from thud.errors import BadRequest
from thud.listeners.media import Media
from thud.listeners.roster import Listener
from thud.listeners.stills import stills, true_fps
from thud.providers import Audio, Image, Part, Question, Text, Video
from thud.providers.question import Layer, Wire
from thud.records import Item

MIMES = {".mp4": "video/mp4", ".mkv": "video/x-matroska", ".mov": "video/quicktime"}
WIRES: dict[str, Wire] = {"video_url+audio_url": "audio_url", "sglang": "sglang"}


def question_of(listener: Listener, item: Item, media: Media) -> Question:
    """The request that asks this item. BadRequest for a listener that is not asked through a door, or in that arm.

    Raises RefusedClip, RefusedEdit, StoreFull for media that cannot be made ready.
    """
    if not listener.asks:
        raise BadRequest(f"{listener.name} answers on this machine; there is nothing to send.")
    if item.arm not in listener.allowed_arms:
        raise BadRequest(f"{listener.label} cannot be asked in the arm {item.arm}.")
    return Question(
        listener.model,
        (*_shown(listener, item, media), Text(item.text)),
        max_tokens=listener.max_tokens,
        effort=listener.effort,
        temperature=listener.temperature,
        seed=listener.seed,
        wire=WIRES.get(listener.transport, "") if listener.backend == "compatible" else "",
    )


def must_hear(item: Item, media: Media) -> bool:
    """Whether sound is played in this item: a reply that read none of it is no answer."""
    return item.arm != "picture_only" and media.sound is not None


def _shown(listener: Listener, item: Item, media: Media) -> list[Part]:
    if listener.backend == "gemini":
        return [_layered(listener, item, media)]
    if listener.backend != "compatible":
        return _frames(listener, media)
    hears, sees = must_hear(item, media), item.arm != "sound_only"
    if listener.transport == "video_url" and sees:
        return [_video(listener, media, with_sound=hears)]
    sound: list[Part] = [_sound(media)] if hears else []
    if not sees:
        return sound
    by_frames = listener.transport in ("frames", "frames+input_audio")
    picture = _frames(listener, media) if by_frames else [_video(listener, media, with_sound=False)]
    return [*picture, *sound]


def _layered(listener: Listener, item: Item, media: Media) -> Video:
    """One file for Gemini, of which it looks at the picture, listens to the sound, or both."""
    hears = must_hear(item, media)
    layers: tuple[Layer, ...] = ("frames", "audio") if hears else ("frames",)
    fps: float | None = true_fps(listener, media.picture.probe.duration_s)
    if item.arm == "sound_only":
        layers, fps = ("audio",), None
    film = media.film(with_sound=hears)
    return Video(str(film), file_sha256(film), MIMES[film.suffix], fps, layers=layers)


def _video(listener: Listener, media: Media, *, with_sound: bool) -> Video:
    film = media.film(with_sound)
    fps = true_fps(listener, media.picture.probe.duration_s)
    return Video(str(film), file_sha256(film), MIMES[film.suffix], fps)


def _sound(media: Media) -> Audio:
    path = Path(media.sound or "")
    return Audio(str(path), media.sound_sha256 or file_sha256(path))


def _frames(listener: Listener, media: Media) -> list[Part]:
    parts: list[Part] = []
    for at_s, jpeg in stills(listener, media.picture):
        parts += [Text(f"frame t={at_s:.3f} s"), Image(jpeg)]
    return parts

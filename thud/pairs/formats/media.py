"""The files that pairs show, gathered in a folder that stands alone: pictures without sound tracks, sounds as they are.

A model is shown a picture and, beside it, a sound. The sound track that a source video brings would contradict a
shifted or swapped one, so it stays behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from thud.disk import file_sha256
from thud.errors import RefusedClip, RefusedEdit
from thud.media.picture import mux
from thud.pairs.pair import Shown

VIDEOS, SOUNDS = "media/videos", "media/sounds"


class Unusable(Exception):
    """A file of a pair cannot be handed over; `str(error)` is the reason, the same words for the same file."""


class MediaFolder:
    """Puts files into `folder` when they are first asked for. root: what relative paths of pairs start from."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        self._placed: dict[tuple[str, str], str | Unusable] = {}

    def place(self, shown: Shown) -> tuple[list[str], list[str]]:
        """(videos, audios) of a row: paths relative to the folder, one or none each. Raises Unusable, StoreFull."""
        videos = [self._once(shown.video, shown.video_sha256, self._video)] if shown.video else []
        audios = [self._once(shown.sound, shown.sound_sha256, self._sound)] if shown.sound else []
        return videos, audios

    def _once(self, path: str, sha256: str, make: Callable[[Path, str], str]) -> str:
        key = (path, sha256)
        if key not in self._placed:
            try:
                self._placed[key] = make(self.root / path, sha256)
            except Unusable as error:
                self._placed[key] = error
        place = self._placed[key]
        if isinstance(place, Unusable):
            raise place
        return place

    def _video(self, source: Path, sha256: str) -> str:
        found = _checked(source, sha256)
        base = self.folder / VIDEOS / f"{found[:16]}.mp4"
        made = next((one for one in (base, base.with_suffix(".mkv"), base.with_suffix(".mov")) if one.is_file()), None)
        if made is None:
            base.parent.mkdir(parents=True, exist_ok=True)
            try:
                made = mux(source, None, base)
            except (RefusedClip, RefusedEdit) as error:
                raise Unusable(str(error)) from error
        return made.relative_to(self.folder).as_posix()

    def _sound(self, source: Path, sha256: str) -> str:
        found = _checked(source, sha256)
        inside = source.is_relative_to(self.root / "stimuli")
        place = f"{SOUNDS}/{source.stem if inside else found[:16]}{source.suffix.lower()}"
        if not (self.folder / place).is_file():
            (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, self.folder / place)
        return place


def _checked(source: Path, sha256: str) -> str:
    """The hash of the file. Raises Unusable where it is gone, or is not the one that the pair was made with."""
    try:
        found = file_sha256(source)
    except OSError as error:
        raise Unusable(f"{source.name} cannot be read: {error.strerror}.") from error
    if sha256 and found != sha256:
        raise Unusable(f"{source.name} was changed since the pair was made; build the pairs anew.")
    return found

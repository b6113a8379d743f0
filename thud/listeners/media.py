"""The files that an item shows: the picture of a clip, the sound of a stimulus, and both as one film, made on demand.

A film is named by its picture and the hash of its sound, so it is made once for all listeners, and a film of other
content is another film. Whatever sound it carries, it has the same picture packets and the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thud.disk import file_sha256
from thud.errors import NotFound
from thud.listeners.items import NO_SOUND, picture_missing
from thud.media.picture import mux
from thud.media.sound import read_written
from thud.records import Clip, Item, stimulus_folder


@dataclass(frozen=True, slots=True)
class Media:
    """clip: whose event is asked about. sound: the stimulus's sound for models, None when none is played.

    partner: the clip whose picture is shown instead. folder: where films are kept.
    """

    clip: Clip
    sound: Path | None
    folder: Path
    partner: Clip | None = None
    sound_sha256: str = ""

    @property
    def picture(self) -> Clip:
        """The clip whose picture is shown."""
        return self.partner or self.clip

    def film(self, with_sound: bool) -> Path:
        """The picture, with the stimulus's sound or without a sound track, as one file; made on first use.

        Raises RefusedClip, RefusedEdit, StoreFull.
        """
        name = self.sound_sha256[:16] if with_sound and self.sound is not None else NO_SOUND
        base = self.folder / self.picture.id / f"{name}.mp4"
        for made in (base, base.with_suffix(".mkv"), base.with_suffix(".mov")):
            if made.is_file():
                return made
        base.parent.mkdir(parents=True, exist_ok=True)
        sound = read_written(self.sound) if with_sound and self.sound is not None else None
        return mux(self.picture.path, sound, base)


def media_of(item: Item, clip: Clip, workspace: Path, partner: Clip | None = None) -> Media:
    """The files of an item, checked to be those it was planned with. NotFound when one is gone or was changed."""
    picture = partner or clip
    if item.partner and picture.id != item.partner:
        raise NotFound(f"The clip {item.partner}, whose picture is to be shown, is no longer in the workspace.")
    if item.arm != "sound_only" and (why := picture_missing(picture)):
        raise NotFound(why)
    folder = workspace / "cache" / "shown"
    if item.stimulus_hash == NO_SOUND or item.arm == "picture_only":
        return Media(clip, None, folder, partner)
    sound = stimulus_folder(workspace, clip.id) / f"{item.stimulus_id}.wav"
    if not (sound.is_file() and file_sha256(sound) == item.stimulus_hash):
        raise NotFound(f"The sound {sound.name} is gone or was changed since the run was planned; build it again.")
    return Media(clip, sound, folder, partner, item.stimulus_hash)

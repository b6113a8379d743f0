"""Videos of imported benchmarks: files of the user's that are no clips of the workspace, with their own sound or one
that lies beside them.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from thud.errors import NotFound
from thud.listeners.items import NO_SOUND
from thud.listeners.media import Media
from thud.media.probe import probe
from thud.media.sound import read_sound, read_written
from thud.media.write import to_models, write_wav
from thud.records import Clip


def stamp(path: str) -> str:
    """Names a file and its state without reading it: a changed file is another one. NotFound."""
    try:
        found = Path(path).stat()
    except OSError as error:
        raise NotFound(f"{Path(path).name} is not where it was; put it back, or import the benchmark anew.") from error
    return hashlib.sha256(f"{path}\n{found.st_size}\n{found.st_mtime_ns}".encode()).hexdigest()


def foreign_clip(video: str) -> Clip:
    """The video as a clip whose id is its stamp's. Raises NotFound, RefusedClip."""
    return Clip(stamp(video), video, Path(video).stem, probe(video), "", source=video)


def foreign_media(clip: Clip, sound: str, workspace: Path) -> Media:
    """What is shown of it. sound: a file beside it, "" = its own; the sound is written once as models are given it.

    Raises NotFound, RefusedClip, StoreFull.
    """
    origin = sound or clip.path
    folder = workspace / "cache" / "benchmarks"
    kept = folder / f"{stamp(origin)[:16]}.wav"
    if not kept.is_file():
        heard = read_written(sound) if sound else read_sound(origin, clip.probe)
        if heard is None:
            return Media(clip, None, folder, None, NO_SOUND)
        folder.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}.part.wav")
        write_wav(aside, to_models(heard))
        aside.replace(kept)
    return Media(clip, kept, folder, None, stamp(str(kept)))

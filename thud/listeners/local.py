"""Listeners that run on this machine: which weights they are, and a batch of items answered by them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from thud.errors import BadRequest
from thud.listeners.arms import must_hear
from thud.listeners.heard import Heard
from thud.listeners.media import Media
from thud.listeners.roster import TINY, Listener
from thud.listeners.stills import true_fps
from thud.records import Item

if TYPE_CHECKING:
    from thud.providers.transformers import LocalModel


TINY_FOLDER = Path(__file__).resolve().parents[2] / "training" / "tiny" / "checkpoint"
"""Where the model that ships lies, in a checkout of thud."""

_SMALL_BYTES = 100_000_000


def model_of(listener: Listener) -> LocalModel:
    """The listener as the door of local models knows it."""
    from thud.providers.local_files import LocalModel

    return LocalModel(folder_of(listener), listener.adapter, listener.four_bit)


def folder_of(listener: Listener) -> str:
    """The folder with its weights. BadRequest where thud came without those of "tiny"."""
    if listener.model != TINY:
        return listener.model
    if not (TINY_FOLDER / "config.json").is_file():
        raise BadRequest(f"The model tiny is not in {TINY_FOLDER}; get thud again, with all its files.")
    return str(TINY_FOLDER)


def is_small(listener: Listener) -> bool:
    """Whether it is like tiny, or was made from that: a CPU is enough for it. A folder that is not there is not."""
    sizes = [path.stat().st_size for path in Path(folder_of(listener)).glob("*.safetensors")]
    return bool(sizes) and sum(sizes) <= _SMALL_BYTES and not listener.four_bit


def weights(listener: Listener) -> str:
    """The hash of its weights and adapter, wherever they lie. BadRequest when a folder is not there."""
    folder = folder_of(listener)
    return _weights(folder, listener.adapter, _stamp(folder), _stamp(listener.adapter))


@lru_cache(maxsize=32)
def _weights(model: str, adapter: str, _model_stamp: object, _adapter_stamp: object) -> str:
    from thud.providers.local_files import LocalModel, weights_id

    return weights_id(LocalModel(model, adapter))


def _stamp(folder: str) -> object:
    """Changes when a file of the folder does, so that big weights are not read anew each time."""
    if not folder or not Path(folder).is_dir():
        return None
    found = [(path.name, path.stat()) for path in Path(folder).iterdir()]
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found))


def respond_local(listener: Listener, items: Sequence[Item], media: Sequence[Media]) -> list[Heard]:
    """What the model says to each item, in their order, asked as one batch. media: of each item.

    Raises BadRequest, MissingPart, RunFailed for what concerns all of them.
    """
    from thud.providers.transformers import Seen, open_model

    shown = []
    for item, files in zip(items, media, strict=True):
        fps = true_fps(listener, files.picture.probe.duration_s)
        video = files.picture.path if item.arm != "sound_only" else ""
        sound = str(files.sound) if must_hear(item, files) else ""
        shown.append(Seen(item.text, video, sound, fps, listener.max_frames, listener.width))
    said = open_model(model_of(listener)).answer(
        shown, listener.max_tokens, listener.temperature or 0.0, listener.seed or 0
    )
    return [Heard(one.outcome, one.text, one.problem, (), one.seconds, one.model_echo) for one in said]

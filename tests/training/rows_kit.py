"""A small export in the format TRL, of two clips of different length and rate, for tests of the trainers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.barcode import BarcodeClip
from tests.unit.local_kit import SMALL_PX
from thud.pairs.formats.write import write_trl
from thud.pairs.pair import Pair, Shown
from thud.providers.local_inputs import Feeder
from thud.providers.local_load import quiet
from thud.providers.torchvision_shim import mend_torchvision
from training.data import OmniCollator, read_rows

ASK = "Do the picture and the sound of this clip belong together?"
LATE, SYNCED = "The sound comes late.", "Yes, they are in time with each other."
SILENT = "There is no sound at all; the clip is silent."
FPS = 4.0


def pair(clip: BarcodeClip, sound: str, chosen: str, rejected: str, **more: Any) -> Pair:
    """A pair about the clip under that sound ("" = its own, "-late", "-muted")."""
    defaults: dict[str, Any] = {"type": "CTP", "clip_id": clip.path.stem, "source": clip.path.stem, "split": "train"}
    return Pair(
        prompt=ASK, chosen=chosen, rejected=rejected, shown=shown(clip, sound), **{**defaults, **more}
    )  # fmt: skip


def shown(clip: BarcodeClip, sound: str) -> Shown:
    return Shown(str(clip.path), str(clip.path.with_name(f"{clip.path.stem}{sound}.wav")))


def pairs(clips: dict[str, BarcodeClip]) -> list[Pair]:
    """Late, muted and input-contrastive about one clip for training; early and in time about the other, held out."""
    a, b = clips["a"], clips["b"]
    held = {"split": "validation"}
    return [
        pair(a, "-late", LATE, SYNCED, condition="delayed", label="delayed", offset_s=0.5),
        pair(a, "-muted", SILENT, SYNCED, condition="muted", label="muted", type="mute"),
        pair(a, "", SYNCED, SYNCED, rejected_shown=shown(a, "-late"), condition="original", type="input"),
        pair(b, "", SYNCED, LATE, condition="original", label="synced", **held),
        pair(b, "-late", LATE, SYNCED, condition="delayed", label="delayed", offset_s=0.5, **held),
    ]


def export(folder: Path, made: Sequence[Pair]) -> Path:
    write_trl(made, folder, folder.parent)
    return folder


def all_rows(folder: Path, stage: str) -> list[dict[str, Any]]:
    """The rows of both splits."""
    return [*read_rows(folder, "train", stage), *read_rows(folder, "validation", stage)]


def feeder(folder: str) -> Feeder:
    """What makes tensors for a tiny model; its weights are not needed."""
    mend_torchvision()
    from transformers import AutoConfig, AutoProcessor

    with quiet():
        processor = AutoProcessor.from_pretrained(folder)
        config = AutoConfig.from_pretrained(folder)
    return Feeder(processor, config, hasattr(processor, "feature_extractor"), True)


def collator(folder: str, stage: str, **more: Any) -> OmniCollator:
    return OmniCollator(feeder(folder), stage, **{"fps": FPS, "size_px": SMALL_PX, **more})

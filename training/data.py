"""The rows of an export folder, looked over before the first step: a training that fails should fail at once.

Rows hold paths; what lies there is decoded when a batch is made (`training.batches`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, RefusedClip
from thud.media.probe import probe
from thud.media.write import MODELS_RATE_HZ
from thud.pairs.pair import Pair
from thud.providers.local_media import sample_times, sound_samples
from thud.records import Probe
from training.batches import BadMedia, BadRow, OmniCollator, Row
from training.exports import read_pairs

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["BadMedia", "BadRow", "OmniCollator", "Row", "check_rows", "read_rows"]

MOST_TOKENS_PER_S = 50
"""Of a sound; families that are known take 13 to 25."""

TOKENS_AROUND = 64
"""Room for the chat template and the marks around media."""

TOKENS_PER_TIME = 16
"""Room for the time of a picture in words, which some families write before it."""


def read_rows(folder: Path, split: str, stage: str) -> Dataset:
    """The rows of `split` ("train", "validation", "test") of a TRL export, in its order. stage: "sft" or "dpo".

    Columns: row (number from 1), id, type, prompt, chosen, rejected ("" in a file without), video, sound,
    rejected_video, rejected_sound (absolute paths, "" = none; the rejected answer's are other ones in input-contrastive
    rows only), condition, offset_s, task, label, options ([letter, text] each), source, and images, which is empty:
    with it TRL leaves rows alone for the collator. Raises BadRequest for the folder, BadRow for a row.
    """
    path = Path(folder) / f"{split}.jsonl"
    if not path.is_file():
        raise BadRequest(f"{folder} has no {split}.jsonl; give the folder of an export in the format TRL.")
    import datasets

    rows = [_row(number, pair, stage) for number, pair in enumerate(read_pairs(path, BadRow), 1)]
    if not rows:
        raise BadRequest(f"{path} holds no pair.")
    return datasets.Dataset.from_list(rows)


def _row(number: int, pair: Pair, stage: str) -> dict[str, Any]:
    if stage == "dpo" and not pair.rejected:
        raise BadRow(f"Row {number} has no rejected answer, which DPO needs. Export pairs of chosen and rejected.")
    other = pair.rejected_shown or pair.shown
    if pair.shown.video == pair.shown.sound == "":
        raise BadRow(f"Row {number} shows nothing: it has neither a video nor a sound.")
    return {
        "row": number, "id": pair.id, "type": pair.type,
        "prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected,
        "video": pair.shown.video, "sound": pair.shown.sound,
        "rejected_video": other.video, "rejected_sound": other.sound,
        "condition": pair.condition, "offset_s": pair.offset_s, "task": pair.task, "label": pair.label,
        "options": [list(option) for option in pair.options], "source": pair.source, "images": [],
    }  # fmt: skip


def check_rows(rows: Dataset, collator: OmniCollator) -> None:
    """Returns when each row's files are there and whole, and each row fits; else BadRow (BadMedia) about the first
    that does not.

    A file is looked at once, pictures without decoding them; only rows that may be too long are decoded.
    """
    known: dict[str, float] = {}
    for row in rows:
        _check_differs(row, collator)
        for path in filter(None, (row[name] for name in ("video", "sound", "rejected_video", "rejected_sound"))):
            if path not in known:
                known[path] = _checked(row, path, collator)
        if collator.limit and _at_most(row, collator, known) > collator.limit:
            collator([row])


def _checked(row: Row, path: str, collator: OmniCollator) -> float:
    """A number of tokens that the file does not exceed. Raises BadMedia."""
    if not Path(path).is_file():
        raise BadMedia(f"Row {row['row']} needs {path}, which is not there. Export the pairs again.")
    try:
        if path in (row["sound"], row["rejected_sound"]):
            return len(sound_samples(path)) / MODELS_RATE_HZ * MOST_TOKENS_PER_S
        found = probe(path)
    except RefusedClip as error:
        raise BadMedia(f"Row {row['row']} cannot be trained on: {error} Export the pairs again, or drop it.") from error
    if found.damage:
        name = Path(path).name
        raise BadMedia(f"Row {row['row']} shows {name}, which is damaged. {found.damage[0]} Export again, or drop it.")
    return _seen_at_most(found, collator)


def _check_differs(row: Row, collator: OmniCollator) -> None:
    """BadRow for a pair whose two sides are the same to this model."""
    if collator.stage != "dpo" or row["chosen"].strip() != row["rejected"].strip():
        return
    heard = collator.feeder.hears and row["sound"] != row["rejected_sound"]
    seen = collator.feeder.sees and row["video"] != row["rejected_video"]
    if not (heard or seen):
        why = "differs in nothing"
        if not collator.feeder.hears:
            why = "differs in its sound only, which this model does not hear"
        raise BadRow(f"Row {row['row']} {why}; leave such pairs out of the set.")


def _at_most(row: Row, collator: OmniCollator, known: Mapping[str, float]) -> float:
    """A number of tokens that the row does not exceed; infinite where only the model's own processor can tell."""
    tokens = collator.feeder.processor.tokenizer
    words = max(len(tokens(row["prompt"] + row[name]).input_ids) for name in ("chosen", "rejected"))
    shown = max(_media_at_most(row, side, known) for side in ("", "rejected_"))
    return words + TOKENS_AROUND + shown


def _media_at_most(row: Row, side: str, known: Mapping[str, float]) -> float:
    video, sound = row[f"{side}video"], row[f"{side}sound"]
    muted = 0.0 if sound or not video else probe(video).duration_s * MOST_TOKENS_PER_S
    return known.get(video, 0.0) + known.get(sound, muted)


def _seen_at_most(found: Probe, collator: OmniCollator) -> float:
    eyes = getattr(collator.feeder.processor, "video_processor", None)
    patch, merge = getattr(eyes, "patch_size", None), getattr(eyes, "merge_size", None)
    if not isinstance(patch, int) or not isinstance(merge, int):
        return math.inf
    edge, group = patch * merge, int(getattr(eyes, "temporal_patch_size", None) or 1)
    steps = math.ceil(len(sample_times(found.duration_s, collator.fps, collator.max_frames)[0]) / group)
    scale = min(1.0, collator.size_px / max(found.width, found.height))
    across, down = (math.ceil(side * scale / edge) for side in (found.width, found.height))
    return steps * (max(1, across) * max(1, down) + TOKENS_PER_TIME)

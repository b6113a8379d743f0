"""Turns scenes into the tensors that the model's own processor would make of them, much faster, for pre-training only.

Several questions about one clip share its picture and its sound: each sees the clip and itself, not the others, and
stands where it would stand if it were asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.tiny.clips import FPS, Samples, Scene, pictures
from training.tiny.words import Facts

SECONDS_PER_STEP = 2 / FPS
"""One step of the picture is two pictures."""
IGNORED = -100
AT_ONCE = 32
Felt = tuple[torch.Tensor, torch.Tensor]
"""Tokens of the picture and tokens of the sound, (tokens, width) each."""


@dataclass(frozen=True, slots=True)
class Example:
    """One stimulus. mel: float16 (bins, frames), as the processor's ears make it. facts: what is true of it."""

    scene: Scene
    mel: NDArray[np.float16]
    facts: Facts


def hear(processor: Any, sound: Samples) -> NDArray[np.float16]:
    """The mel spectrogram of a sound at 16 kHz, (bins, frames of the sound)."""
    heard = processor.feature_extractor(sound, sampling_rate=16_000, padding="max_length", return_attention_mask=True)
    frames = int(heard["attention_mask"][0].sum())
    return np.asarray(heard["input_features"][0][:, :frames], np.float16)


def steps_of(scene: Scene) -> int:
    """How many steps in time its picture has."""
    return len(pictures(scene)) // 2


def sound_tokens(frames: int) -> int:
    """How many tokens a spectrogram of so many frames becomes: 25 a second."""
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


class Feed:
    """Makes batches for one model and its processor."""

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor, self.tokens = model, processor, processor.tokenizer
        eyes = processor.video_processor
        self.mean = np.array(eyes.image_mean, np.float32)
        self.std = np.array(eyes.image_std, np.float32)
        self.patch, self.merge = eyes.patch_size, eyes.merge_size
        self._openings: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}

    def media(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """Pictures and sounds of the examples as the model takes them."""
        shown = [pictures(example.scene) for example in examples]
        grids = [(len(each) // 2, each.shape[1] // self.patch, each.shape[2] // self.patch) for each in shown]
        longest = max(example.mel.shape[1] for example in examples)
        sound = torch.zeros(len(examples), examples[0].mel.shape[0], longest)
        mask = torch.zeros(len(examples), longest, dtype=torch.long)
        for row, example in enumerate(examples):
            frames = example.mel.shape[1]
            sound[row, :, :frames] = torch.from_numpy(example.mel.astype(np.float32))
            mask[row, :frames] = 1
        return {
            "pixel_values_videos": torch.from_numpy(np.concatenate([self._patches(each) for each in shown])),
            "video_grid_thw": torch.tensor(grids),
            "input_features": sound,
            "feature_attention_mask": mask,
        }

    @torch.no_grad()
    def felt(self, examples: Sequence[Example]) -> list[Felt]:
        """What the model's eyes and ears make of each example as they are now."""
        found: list[Felt] = []
        for start in range(0, len(examples), AT_ONCE):
            media = self.media(examples[start : start + AT_ONCE])
            mask = media["feature_attention_mask"]
            seen = self.model.model.get_video_features(media["pixel_values_videos"], media["video_grid_thw"])
            heard = self.model.model.get_audio_features(media["input_features"], mask).last_hidden_state
            parts = heard.split([sound_tokens(int(frames)) for frames in mask.sum(-1)])
            found += zip(seen.pooler_output, parts, strict=True)
        return found

    def woven(
        self, examples: Sequence[Example], felt: Sequence[Felt], asked: Sequence[Sequence[tuple[str, str]]]
    ) -> dict[str, torch.Tensor]:
        """A batch for the language model alone, with what was felt of each example in its place."""
        batch = self.batch(examples, asked)
        ids, config = batch["input_ids"], self.model.config
        embedded = self.model.model.get_input_embeddings()(ids)
        for token, place in ((config.video_token_id, 0), (config.audio_token_id, 1)):
            values = torch.cat([each[place] for each in felt])
            embedded = embedded.masked_scatter((ids == token)[..., None], values)
        return batch | {"inputs_embeds": embedded}

    def batch(self, examples: Sequence[Example], asked: Sequence[Sequence[tuple[str, str]]]) -> dict[str, torch.Tensor]:
        """Examples with their (question, answer) pairs: ids, labels for the answers only, places, who sees whom."""
        rows = [self._row(example, pairs) for example, pairs in zip(examples, asked, strict=True)]
        longest = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), longest), self.tokens.pad_token_id)
        labels = torch.full((len(rows), longest), IGNORED)
        places = torch.zeros(3, len(rows), longest, dtype=torch.long)
        parts = torch.full((len(rows), longest), -1)
        for number, row in enumerate(rows):
            length = len(row.ids)
            ids[number, :length], labels[number, :length] = row.ids, row.labels
            places[:, number, :length], parts[number, :length] = row.places, row.parts
        return {
            "input_ids": ids,
            "labels": labels,
            "position_ids": places,
            "attention_mask": _visible(parts),
            "parts": parts,
        }

    def _patches(self, shown: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Patches in the order in which the model merges them, (patches, 3 * 2 * patch * patch)."""
        count, height, width, _ = shown.shape
        size, merge = self.patch, self.merge
        values = (shown.astype(np.float32) / 255 - self.mean) / self.std
        cut = values.reshape(
            count // 2, 2, height // size // merge, merge, size, width // size // merge, merge, size, 3
        )
        return np.ascontiguousarray(cut.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)).reshape(-1, 3 * 2 * size * size)

    def _row(self, example: Example, pairs: Sequence[tuple[str, str]]) -> _Row:
        ids, places = self._opening(example)
        start = int(places.max()) + 1
        row = _Row(ids, torch.full_like(ids, IGNORED), places, torch.zeros_like(ids))
        for number, (question, answer) in enumerate(pairs, 1):
            before = self._ids(f"{question}<|im_end|>\n<|im_start|>assistant\n")
            said = self._ids(f"{answer}<|im_end|>")
            both = torch.cat([before, said])
            labels = torch.cat([torch.full_like(before, IGNORED), said])
            row = row.with_part(both, labels, start, number)
        return row

    def _opening(self, example: Example) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and places of all that comes before the question."""
        key = steps_of(example.scene), example.mel.shape[1], *example.scene.look.frames.shape[1:3]
        if key not in self._openings:
            self._openings[key] = self._opened(*key)
        return self._openings[key]

    def _opened(self, steps: int, frames: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        grid = torch.tensor([[steps, height // self.patch, width // self.patch]])
        woven = self.processor.replace_video_with_audio_token(
            {"video_grid_thw": grid.numpy(), "video_second_per_grid": [SECONDS_PER_STEP]},
            0,
            {"num_audio_tokens": [sound_tokens(frames)]},
            0,
            position_id_per_seconds=self.model.config.position_id_per_seconds,
            seconds_per_chunk=self.model.config.seconds_per_chunk,
        )
        ids = self._ids(f"<|im_start|>user\n<|vision_bos|>{woven}<|vision_eos|>")
        places, _ = self.model.model.get_rope_index(
            ids[None],
            None,
            grid,
            torch.ones_like(ids[None]),
            True,
            torch.tensor([frames]),
            torch.tensor([SECONDS_PER_STEP]),
        )
        return ids, places[:, 0].long()

    def _ids(self, text: str) -> torch.Tensor:
        return torch.tensor(self.tokens(text, add_special_tokens=False).input_ids)


@dataclass(frozen=True, slots=True)
class _Row:
    """One clip with its questions. parts: 0 for the clip, 1, 2, … for the questions."""

    ids: torch.Tensor
    labels: torch.Tensor
    places: torch.Tensor
    parts: torch.Tensor

    def with_part(self, ids: torch.Tensor, labels: torch.Tensor, start: int, number: int) -> _Row:
        places = (start + torch.arange(len(ids))).expand(3, -1)
        return _Row(
            torch.cat([self.ids, ids]),
            torch.cat([self.labels, labels]),
            torch.cat([self.places, places], dim=1),
            torch.cat([self.parts, torch.full_like(ids, number)]),
        )


def _visible(parts: torch.Tensor) -> torch.Tensor:
    """Which token sees which, (rows, 1, tokens, tokens): earlier ones of its own question and of the clip."""
    length = parts.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    shared = (parts[:, None, :] == 0) | (parts[:, None, :] == parts[:, :, None])
    return (earlier & shared)[:, None]

"""First half of pre-training: eyes and ears learn, each alone, what happened and when. Heads are thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from training.tiny.clips import FPS
from training.tiny.feed import Example, Feed, sound_tokens, steps_of
from training.tiny.model import HEIGHT, WIDTH
from training.tiny.words import KINDS

WIDE = 64
TOKENS_PER_STEP = WIDTH // 28 * (HEIGHT // 28)
KIND_WEIGHT = 0.5
"""What happened is learnt much sooner than when."""

Told = tuple[torch.Tensor, torch.Tensor]
"""Logits over places in time, logits over kinds."""


class Head(nn.Module):
    """From tokens in time (rows, time, width) to where the event is and what it is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mixed = nn.Conv1d(width, WIDE, 3, padding=1)
        self.place = nn.Conv1d(WIDE, 1, 1)
        self.kind = nn.Linear(WIDE, len(KINDS))

    def forward(self, tokens: torch.Tensor, there: torch.Tensor) -> Told:
        """Where and what. there: bool (rows, time), False where a row is padded."""
        mixed = nn.functional.gelu(self.mixed((tokens * there[..., None]).transpose(1, 2)))
        places = self.place(mixed)[:, 0].masked_fill(~there, -1e4)
        pooled = (mixed * places.softmax(-1)[:, None]).sum(-1)
        return places, self.kind(pooled)


class Heads(nn.Module):
    """One head for the eyes and one for the ears."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        width = model.config.text_config.hidden_size
        self.eyes, self.ears = Head(width * TOKENS_PER_STEP), Head(width)

    def loss(self, model: Any, feed: Feed, examples: Sequence[Example]) -> torch.Tensor:
        """How far both are from knowing when and what; of silent stimuli only the picture counts."""
        (seen_at, seen), (heard_at, heard) = self._told(model, feed, examples)
        there = torch.tensor([one.facts.heard is not None for one in examples])
        wrong = nn.functional.cross_entropy
        return (
            wrong(seen_at, torch.tensor([seen_step(one) for one in examples]))
            + wrong(heard_at[there], torch.tensor([heard_token(one) for one in examples])[there])
            + KIND_WEIGHT * wrong(seen, torch.tensor([one.facts.kind for one in examples]))
            + KIND_WEIGHT * wrong(heard[there], torch.tensor([one.facts.heard or 0 for one in examples])[there])
        )

    def right(self, model: Any, feed: Feed, examples: Sequence[Example]) -> dict[str, float]:
        """Shares that are right: step of the picture, kind seen, token of the sound give or take one, kind heard."""
        (seen_at, seen), (heard_at, heard) = self._told(model, feed, examples)
        there = torch.tensor([one.facts.heard is not None for one in examples])
        told = {
            "seen_at": seen_at.argmax(-1) == torch.tensor([seen_step(one) for one in examples]),
            "seen": seen.argmax(-1) == torch.tensor([one.facts.kind for one in examples]),
            "heard_at": ((heard_at.argmax(-1) - torch.tensor([heard_token(one) for one in examples])).abs() < 2)[there],
            "heard": (heard.argmax(-1) == torch.tensor([one.facts.heard or 0 for one in examples]))[there],
        }
        return {name: round(float(good.float().mean()), 4) for name, good in told.items()}

    def _told(self, model: Any, feed: Feed, examples: Sequence[Example]) -> tuple[Told, Told]:
        media = feed.media(examples)
        return self.eyes(*see(model, media, examples)), self.ears(*listen(model, media))


def padded(parts: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of different lengths as one tensor, and where each has something."""
    tokens = nn.utils.rnn.pad_sequence(list(parts), batch_first=True)
    there = nn.utils.rnn.pad_sequence([torch.ones(len(part), dtype=torch.bool) for part in parts], batch_first=True)
    return tokens, there


def see(model: Any, media: dict[str, torch.Tensor], examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the eyes make of the pictures: (rows, steps in time, tokens of a step side by side)."""
    out = model.model.get_video_features(media["pixel_values_videos"], media["video_grid_thw"]).pooler_output
    return padded([part.reshape(steps_of(one.scene), -1) for part, one in zip(out, examples, strict=True)])


def listen(model: Any, media: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the ears make of the sounds: (rows, tokens, width)."""
    mask = media["feature_attention_mask"]
    out = model.model.get_audio_features(media["input_features"], mask).last_hidden_state
    return padded(out.split([sound_tokens(int(frames)) for frames in mask.sum(-1)]))


def seen_step(example: Example) -> int:
    """The step in time with the first picture that shows the event."""
    return min(steps_of(example.scene) - 1, int(-(-example.facts.visual_s * FPS // 1)) // 2)


def heard_token(example: Example) -> int:
    """The token of sound in which the event begins."""
    return min(sound_tokens(example.mel.shape[1]) - 1, int(example.facts.audio_s * 25))


@torch.no_grad()
def level(model: Any, feed: Feed, examples: Sequence[Example]) -> None:
    """Scales what eyes and ears give to a standard deviation of 1, so that the language model is not drowned by it."""
    felt = feed.felt(examples)
    eyes, ears = model.model.visual.merger.mlp[2], model.model.audio_tower.proj
    for last, tokens in ((eyes, [each[0] for each in felt]), (ears, [each[1] for each in felt])):
        size = torch.cat(tokens).std()
        last.weight.div_(size)
        last.bias.div_(size)

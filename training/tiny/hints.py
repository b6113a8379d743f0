"""Throwaway heads that show the language model what to look for while it learns to answer.

Left to the answers alone it stays a long time at what the place of the sound gives away. So its layers are told what
they could know: the first one where the event is seen and heard, the second, at the later of these two places, which
came first and by how much, the third the same at the end of the clip, where the answers look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from training.tiny.feed import Example
from training.tiny.senses import TOKENS_PER_STEP, heard_token, padded, seen_step

WRONG = nn.functional.cross_entropy


class Hints(nn.Module):
    """places: where seen, where heard. later, ended: logits of (both, sight, sound first) and the offset in seconds."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        config = model.config
        self.width = config.text_config.hidden_size
        self.tokens = config.video_token_id, config.audio_token_id, config.vision_end_token_id
        self.seen, self.heard = nn.Linear(self.width * TOKENS_PER_STEP, 1), nn.Linear(self.width, 1)
        self.later, self.ended = nn.Linear(self.width, 4), nn.Linear(self.width, 4)

    def loss(
        self, layers: Sequence[torch.Tensor], ids: torch.Tensor, examples: Sequence[Example]
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """(loss, shares that are right). layers: what comes out of each layer, the first one what goes in."""
        first, second, third = (nn.functional.layer_norm(layer, (self.width,)) for layer in layers[1:4])
        rows = [self._places(row, one) for row, one in zip(ids, examples, strict=True)]
        loud = [number for number, one in enumerate(examples) if one.facts.heard is not None]
        steps = [row[0].reshape(-1, TOKENS_PER_STEP) for row in rows]
        seen = self._where(self.seen, [first[k, step].flatten(1) for k, step in enumerate(steps)])
        heard = self._where(self.heard, [first[k, rows[k][1]] for k in loud])
        seen_at = torch.tensor([seen_step(one) for one in examples])
        heard_at = torch.tensor([heard_token(examples[k]) for k in loud])
        offsets = torch.tensor([examples[k].facts.offset_s for k in loud])
        later = self.later(torch.stack([second[k, rows[k][2]] for k in loud]))
        ended = self.ended(torch.stack([third[k, rows[k][3]] for k in loud]))
        loss = WRONG(seen, seen_at) + WRONG(heard, heard_at) + _apart(later, offsets) + _apart(ended, offsets)
        right = {
            "seen_at": seen.argmax(-1) == seen_at,
            "heard_at": (heard.argmax(-1) - heard_at).abs() < 2,
            "later": later[:, :3].argmax(-1) == _order(offsets),
            "ended": ended[:, :3].argmax(-1) == _order(offsets),
        }
        return loss, {name: round(float(good.float().mean()), 4) for name, good in right.items()}

    def _places(self, ids: torch.Tensor, example: Example) -> tuple[torch.Tensor, torch.Tensor, int, int]:
        """(tokens of the picture, of the sound, the later one of those that hold the event, the end of the clip)."""
        seen, heard, end = ((ids == token).nonzero()[:, 0] for token in self.tokens)
        last_seen = int(seen[TOKENS_PER_STEP * (seen_step(example) + 1) - 1])
        return seen, heard, max(last_seen, int(heard[heard_token(example)])), int(end[0])

    def _where(self, head: nn.Linear, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        tokens, there = padded(parts)
        logits: torch.Tensor = head(tokens)[..., 0].masked_fill(~there, -1e4)
        return logits


def _order(offsets: torch.Tensor) -> torch.Tensor:
    """0 both together, 1 the sight first, 2 the sound first."""
    return torch.where(offsets == 0, 0, torch.where(offsets > 0, 1, 2))


def _apart(logits: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    return WRONG(logits[:, :3], _order(offsets)) + nn.functional.smooth_l1_loss(logits[:, 3], offsets)

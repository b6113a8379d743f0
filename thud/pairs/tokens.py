"""How many tokens a pair costs a model: picture and sound by the processors' own arithmetic, words by an estimate.

After the processors of Qwen2.5-Omni and Qwen3-Omni in transformers 5.23: frames are sampled at 2 a second and sized by
`smart_resize`; two frames become one grid of patches, four patches one token. The sound is a mel frame per 10 ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from thud.errors import BadRequest
from thud.pairs.pair import Pair

Model = Literal["qwen2.5-omni", "qwen3-omni"]
MODELS: tuple[str, ...] = get_args(Model)
FRAMES_PER_S, LEAST_FRAMES, MOST_FRAMES = 2.0, 4, 768
FRAMES_A_GRID = 2
LEAST_TOKENS, MOST_TOKENS = 128, 768
"""Per frame: what a frame is sized up or down to."""

MEL_PER_S = 100
LETTERS_A_TOKEN = 4.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one pair. prompt, chosen, rejected: estimated from their letters. model: whose arithmetic it is."""

    model: str
    video: int
    audio: int
    prompt: int
    chosen: int
    rejected: int


def count_tokens(pair: Pair, width: int, height: int, duration_s: float, model: str = "qwen2.5-omni") -> Tokens:
    """The tokens of a pair whose clip is `width` × `height` pixels and so long. Raises BadRequest for another model."""
    if model not in _PATCH:
        raise BadRequest(f"Tokens can be counted for {' and '.join(MODELS)}, not for “{model[:40]}”.")
    return Tokens(
        model,
        video_tokens(width, height, duration_s, model) if pair.shown.video else 0,
        _AUDIO[model](int(duration_s * MEL_PER_S)) if pair.shown.sound else 0,
        *(math.ceil(len(text) / LETTERS_A_TOKEN) for text in (pair.prompt, pair.chosen, pair.rejected)),
    )


def video_tokens(width: int, height: int, duration_s: float, model: str = "qwen2.5-omni") -> int:
    """The tokens of a picture without its sound; 0 for one without pixels or length."""
    if min(width, height) <= 0 or duration_s <= 0:
        return 0
    frames = min(max(duration_s * FRAMES_PER_S, LEAST_FRAMES), MOST_FRAMES)
    grids = math.floor(frames / FRAMES_A_GRID)
    high, wide = sized(height, width, _PATCH[model])
    return grids * high * wide // _PATCH[model] ** 2


def sized(height: int, width: int, patch: int) -> tuple[int, int]:
    """(height, width) in pixels of a frame as a model is given it: whole patches, 128 to 768 of them."""
    high, wide = max(round(height / patch), 0) * patch, max(round(width / patch), 0) * patch
    least, most = LEAST_TOKENS * patch**2, MOST_TOKENS * patch**2
    if high * wide > most:
        scale = math.sqrt(height * width / most)
        return max(patch, _down(height / scale, patch)), max(patch, _down(width / scale, patch))
    if high * wide < least:
        scale = math.sqrt(least / (height * width))
        return _up(height * scale, patch), _up(width * scale, patch)
    return high, wide


def _down(value: float, patch: int) -> int:
    return math.floor(value / patch) * patch


def _up(value: float, patch: int) -> int:
    return math.ceil(value / patch) * patch


def _audio_2_5(mel: int) -> int:
    """25 a second."""
    return max(0, ((mel - 1) // 2 + 1 - 2) // 2 + 1)


def _audio_3(mel: int) -> int:
    """13 a second, and what is left of the last."""
    rest = (mel % 100 - 1) // 2 + 1
    return max(0, ((rest - 1) // 2 + 1 - 1) // 2 + 1 + mel // 100 * 13)


_PATCH: Mapping[str, int] = {"qwen2.5-omni": 28, "qwen3-omni": 32}
"""Pixels of a token's side: four patches of 14 or 16."""

_AUDIO: Mapping[str, Callable[[int], int]] = {"qwen2.5-omni": _audio_2_5, "qwen3-omni": _audio_3}

"""What asking will take, before anything is asked: requests, tokens, and dollars where the prices are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thud.events.frame_units import LONGEST_SIDE, Unit, windows
from thud.events.questions import MARGIN_S, coarse_fps
from thud.events.roster import Annotator
from thud.providers import Price, cost_usd
from thud.records import Clip, Usage

PROMPT_TOKENS, LABEL_TOKENS, ANSWER_TOKENS = 500, 20, 150
VIDEO_FRAME_TOKENS, SOUND_TOKENS_A_SECOND = 70, 32
"""Gemini 3's documented default per frame; sound costs the same at any resolution."""

PIXELS_A_TOKEN = {"anthropic": 750.0, "openai": 1024 / 1.2, "compatible": 750.0}
"""The first as documented, the second as measured by others, the third as if it were the first."""

BATCHED = ("anthropic", "openai")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Sums over all clips. notes: what the numbers rest on, one sentence each.

    cost_usd: None = a price is not known. cost_batch_usd: of one question per clip, without the closer look.
    """

    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    cost_batch_usd: float | None
    notes: tuple[str, ...] = ()


def estimate(annotator: Annotator, clips: Sequence[Clip], prices: dict[str, Price] | None = None) -> Estimate:
    """What asking `annotator` about `clips` will take. prices: by model, None = those that ship."""
    if annotator.local:
        return Estimate(0, 0, 0, 0.0, None, ("Measured on this machine: nothing is sent, nothing is billed.",))
    firsts = [Usage(_first_tokens(annotator, clip), ANSWER_TOKENS) for clip in clips]
    seconds = [Usage(_second_tokens(annotator, clip), ANSWER_TOKENS) for clip in clips] if annotator.refine else []
    asked = [*firsts, *seconds]
    batched = annotator.provider in BATCHED and not annotator.video
    notes = ["Tokens are estimated from the pictures' sizes; what a model thinks before it answers is not in it."]
    cost = _cost(asked, annotator, False, prices)
    if cost is None:
        notes.append(f"The price of {annotator.model} is not known; add it to the table of prices.")
    return Estimate(
        requests=len(asked),
        input_tokens=sum(usage.input_tokens for usage in asked),
        output_tokens=sum(usage.output_tokens for usage in asked),
        cost_usd=cost,
        cost_batch_usd=_cost(firsts, annotator, True, prices) if batched else None,
        notes=tuple(notes),
    )


def _cost(asked: Sequence[Usage], annotator: Annotator, batch: bool, prices: dict[str, Price] | None) -> float | None:
    """Dollars, request by request, since some prices hold only up to a size; None when one is not known."""
    total = 0.0
    for usage in asked:
        cost = cost_usd(usage, annotator.model, batch, prices)
        if cost is None:
            return None
        total += cost
    return total


def _first_tokens(annotator: Annotator, clip: Clip) -> int:
    duration_s = clip.probe.duration_s
    if annotator.hears:
        return _video_tokens(clip, coarse_fps(annotator, clip), duration_s)
    units = windows(duration_s, annotator.window_s, annotator.frames_per_unit)
    return PROMPT_TOKENS + _stills(annotator, units) * still_tokens(annotator, clip)


def _second_tokens(annotator: Annotator, clip: Clip) -> int:
    if annotator.hears:
        return _video_tokens(clip, annotator.closer_fps, min(2 * MARGIN_S, clip.probe.duration_s))
    return PROMPT_TOKENS + annotator.closer_frames * still_tokens(annotator, clip)


def _video_tokens(clip: Clip, fps: float, seconds: float) -> int:
    heard = SOUND_TOKENS_A_SECOND if clip.probe.has_sound else 0
    return PROMPT_TOKENS + round(seconds * (fps * VIDEO_FRAME_TOKENS + heard))


def _stills(annotator: Annotator, units: Sequence[Unit]) -> int:
    return len(units) * annotator.frames_per_unit


def still_tokens(annotator: Annotator, clip: Clip) -> int:
    """What one still of the clip, with its label, costs this annotator's model."""
    width, height = max(1, clip.probe.width), max(1, clip.probe.height)
    share = min(1.0, LONGEST_SIDE / max(width, height))
    return LABEL_TOKENS + round(width * height * share**2 / PIXELS_A_TOKEN[annotator.provider])

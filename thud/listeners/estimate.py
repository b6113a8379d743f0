"""What asking a listener will take, before anything is asked: requests, tokens, and dollars where prices are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thud.events.estimate import PIXELS_A_TOKEN, SOUND_TOKENS_A_SECOND, VIDEO_FRAME_TOKENS, Estimate
from thud.listeners.items import NO_SOUND
from thud.listeners.roster import Listener
from thud.listeners.stills import true_fps
from thud.providers import Price, cost_usd
from thud.records import Clip, Item, Usage

__all__ = ["Estimate", "estimate"]

ANSWER_TOKENS, LABEL_TOKENS, LETTERS_A_TOKEN = 150, 10, 4


def estimate(
    listener: Listener, items: Sequence[Item], clips: Mapping[str, Clip], prices: dict[str, Price] | None = None
) -> Estimate:
    """What asking these items will take. clips: by id, those that are shown among them. prices: None = as shipped.

    Items that would send the very same (the picture alone of a clip in all its conditions) are asked once.
    """
    if not listener.asks:
        return Estimate(0, 0, 0, 0.0, None, ("It answers on this machine: nothing is sent, nothing is billed.",))
    once = {_sent(item): item for item in items}
    shown = [(item, clips[item.partner or item.clip_id]) for item in once.values()]
    asked = [Usage(_tokens(listener, item, picture), ANSWER_TOKENS) for item, picture in shown]
    notes = ["Tokens are estimated from pictures and seconds; what a model thinks before it answers is not in it."]
    if len(once) < len(items):
        notes.append(f"{len(items) - len(once)} items send what another item sends too; they share its answer.")
    costs = [cost_usd(usage, listener.model, prices=prices) for usage in asked]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        notes.append(f"The price of {listener.model} is not known; add it to the table of prices.")
    return Estimate(
        requests=len(asked),
        input_tokens=sum(usage.input_tokens for usage in asked),
        output_tokens=sum(usage.output_tokens for usage in asked),
        cost_usd=sum(known) if len(known) == len(costs) else None,
        cost_batch_usd=None,
        notes=tuple(notes),
    )


def _sent(item: Item) -> tuple[str, ...]:
    """What an item sends; equal for items that send the same."""
    heard = NO_SOUND if item.arm == "picture_only" else item.stimulus_hash
    seen = "" if item.arm == "sound_only" else item.partner or item.clip_id
    return item.text, seen, heard


def _tokens(listener: Listener, item: Item, picture: Clip) -> int:
    tokens = len(item.text) // LETTERS_A_TOKEN
    duration_s = picture.probe.duration_s
    if item.arm != "picture_only" and item.stimulus_hash != NO_SOUND:
        tokens += round(duration_s * SOUND_TOKENS_A_SECOND)
    if item.arm == "sound_only":
        return tokens
    frames = max(1, round(duration_s * true_fps(listener, duration_s)))
    if listener.backend == "gemini":
        return tokens + frames * VIDEO_FRAME_TOKENS
    width, height = max(1, picture.probe.width), max(1, picture.probe.height)
    share = min(1.0, listener.width / max(width, height))
    return tokens + frames * (LABEL_TOKENS + round(width * height * share**2 / PIXELS_A_TOKEN[listener.backend]))

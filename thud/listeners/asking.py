"""Asks one listener one item, whoever it is, and says what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from thud.listeners.arms import must_hear, question_of
from thud.listeners.baselines import always_synced, measure, signal
from thud.listeners.heard import Heard, heard_of
from thud.listeners.local import respond_local
from thud.listeners.media import Media
from thud.listeners.roster import Listener
from thud.providers import Question
from thud.records import Item, Reply

__all__ = ["Ask", "Heard", "respond", "respond_local"]

Ask = Callable[[Question], Reply]


def respond(listener: Listener, item: Item, media: Media, ask: Ask) -> Heard:
    """What the listener says to the item. ask: sends a question; not called by those that answer on this machine.

    Raises what `ask` raises, and RefusedClip, RefusedEdit, StoreFull, NotFound for media that cannot be shown.
    """
    if listener.backend == "local":
        return respond_local(listener, [item], [media])[0]
    if listener.asks:
        return heard_of(ask(question_of(listener, item, media)), must_hear(item, media))
    began = time.monotonic()
    text = always_synced(item) if listener.backend == "always_synced" else signal(item, measure(item, media))
    return Heard("ok", text, latency_s=time.monotonic() - began, model_echo=listener.model)

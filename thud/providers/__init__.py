"""One door to each vendor: `ask(question, endpoint)` gives a Reply, whatever happened.

No vendor's library is loaded before the first question.
"""

from __future__ import annotations

from thud.providers.asking import ask
from thud.providers.batches import BatchState, poll_batch, read_batch, submit_batch
from thud.providers.keys import check_key, key_problem, key_variable
from thud.providers.pace import Pace
from thud.providers.prices import Price, cost_usd, read_prices
from thud.providers.question import Audio, Endpoint, Image, Part, Provider, Question, Text, Video
from thud.providers.shelf import Shelf

__all__ = [
    "Audio",
    "BatchState",
    "Endpoint",
    "Image",
    "Pace",
    "Part",
    "Price",
    "Provider",
    "Question",
    "Shelf",
    "Text",
    "Video",
    "ask",
    "check_key",
    "key_problem",
    "cost_usd",
    "key_variable",
    "poll_batch",
    "read_batch",
    "read_prices",
    "submit_batch",
]

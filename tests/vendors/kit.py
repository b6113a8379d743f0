"""What the tests of providers share: one question and endpoint per vendor, and a sleep that only takes notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.vendors import ChatServer, ClaudeServer, GeminiServer, GptServer, VendorServer
from thud.providers import Endpoint, Image, Provider, Question, Text
from thud.providers.keys import USUAL

KEY = "sk-secret-0123456789abcdef"
JPEG = b"\xff\xd8\xff\xe0 not looked at \xff\xd9"
MODELS: dict[str, str] = {
    "anthropic": "claude-sonnet-5-5",
    "openai": "gpt-6.2-sol",
    "gemini": "gemini-3.8-flash",
    "compatible": "tiny-omni",
}
VENDORS: tuple[Provider, ...] = ("anthropic", "openai", "gemini", "compatible")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"event_s": {"type": "number"}},
    "required": ["event_s"],
    "additionalProperties": False,
}
_SERVERS: dict[str, type[VendorServer]] = {
    "anthropic": ClaudeServer,
    "openai": GptServer,
    "gemini": GeminiServer,
    "compatible": ChatServer,
}


class Naps:
    """A sleep that takes notes and no time."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def question(provider: str, **changed: Any) -> Question:
    """Two frames and a sentence, for this vendor's model."""
    parts = (Text("frame 1 t=0.125s"), Image(JPEG), Text("frame 2 t=0.250s"), Image(JPEG + b"2"), Text("When?"))
    return Question(**{"model": MODELS[provider], "parts": parts, "system": "You time events.", **changed})


def give_keys(patch: pytest.MonkeyPatch) -> None:
    """The same known key for every vendor, and no other setting from the outside."""
    for name in USUAL.values():
        patch.setenv(name, KEY)
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY", "HTTP_PROXY"):
        patch.delenv(name, raising=False)


@contextmanager
def vendor(provider: Provider, **named: Any) -> Iterator[tuple[Any, Endpoint]]:
    """A running server of this vendor and the endpoint that leads to it."""
    with _SERVERS[provider](**named) as server:
        yield server, Endpoint(provider, base_url=server.url, timeout_s=10.0)

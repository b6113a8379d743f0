"""Keys: read from the environment when a request is made, and nowhere else; no function here writes one down."""

from __future__ import annotations

import hashlib
import os

from thud.errors import MissingPart
from thud.providers.question import Endpoint

# A compatible server has a variable of its own, so that it is never sent the key of OpenAI's.
USUAL = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "compatible": "OPENAI_COMPATIBLE_API_KEY",
}
NO_KEY = "none"
"""What is sent to a compatible server that wants no key."""

SHORTEST = 8
"""Shorter than this it is a placeholder for a server that wants no key, and may be an ordinary word."""


def key_variable(endpoint: Endpoint) -> str:
    """The name of the environment variable that holds the key."""
    return endpoint.key_env or USUAL[endpoint.provider]


def read_key(endpoint: Endpoint) -> str:
    """The key. MissingPart names the variable when it is empty or cannot be a key, and never shows its value.

    A compatible server whose variable is not named may have no key at all.
    """
    name = key_variable(endpoint)
    key = os.environ.get(name, "").strip()
    if not key and endpoint.provider == "compatible" and not endpoint.key_env:
        return NO_KEY
    if not key:
        raise MissingPart(
            f"{name} is not set. Set it in the environment that starts thud, then start thud again; "
            "the key is never stored."
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise MissingPart(f"{name} holds characters that no key has (a line break, a space?). Copy the key again.")
    return key


def key_problem(endpoint: Endpoint) -> str:
    """The sentence that names the missing key, "" where there is one, or where none is wanted."""
    try:
        read_key(endpoint)
    except MissingPart as error:
        return str(error)
    return ""


def check_key(endpoint: Endpoint) -> None:
    """Returns when there is a key to ask with; MissingPart names the variable otherwise."""
    read_key(endpoint)


def fingerprint(key: str) -> str:
    """Eight hex digits that tell one account's key from another's; the key cannot be had back from them."""
    return hashlib.sha256(b"thud " + key.encode()).hexdigest()[:8]


def without(key: str, text: str) -> str:
    """`text` with the key taken out, since a vendor may repeat it in an error."""
    return text.replace(key, "[key]") if len(key) >= SHORTEST else text

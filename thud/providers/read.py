"""What a vendor's answer says, before it becomes a Reply."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from thud.records import ReplyOutcome, Usage


@dataclass(frozen=True, slots=True)
class Read:
    """An answer, read. request_id: "" when it stands in a header."""

    outcome: ReplyOutcome
    text: str = ""
    usage: Usage = field(default_factory=Usage)
    model_echo: str = ""
    problem: str = ""
    request_id: str = ""


def judged(text: str, refused: str, cut: bool, wrong: str) -> tuple[ReplyOutcome, str]:
    """The outcome and its sentence. refused, wrong: the vendor's reason, "" = none. An empty text is an error."""
    if refused:
        return "refused", f"The model declined to answer ({refused})."
    if cut:
        return "truncated", "The answer was cut off: it needs more than max_tokens."
    if wrong:
        return "error", f"The vendor could not finish the answer ({wrong})."
    if not text.strip():
        return "error", "The answer is empty."
    return "ok", ""


def garbage(body: str) -> Read:
    """The reading of an answer that is not what the protocol says."""
    return Read("error", problem=f"The answer cannot be read: {body[:120]!r}")


def at(value: Any, *path: str | int) -> Any:
    """The part of a JSON value that lies at `path`, or None where it does not go on."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def items(value: Any) -> list[dict[str, Any]]:
    """The objects in a JSON list; nothing when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value: Any, *path: str | int) -> int:
    """The whole number at `path`, 0 when there is none."""
    found = at(value, *path)
    return found if isinstance(found, int) else 0


def words(value: Any) -> str:
    """The value when it is text, else ""."""
    return value if isinstance(value, str) else ""


def base64_text(data: bytes) -> str:
    """The bytes in base64."""
    return base64.b64encode(data).decode()

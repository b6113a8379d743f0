"""Answers given as JSON: fenced, nested, with text around, with quotes and commas as people (and models) set them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_CHARS = 8_000
MOST_BLOCKS = 20
MOST_STARTS = 1000
"""Opening braces that are tried: each failure costs time in the length of the text."""


@dataclass(frozen=True, slots=True)
class Block:
    """One object found in a response: its entries with lower-case names, inner objects' entries among them."""

    fields: dict[str, Any]
    start: int
    end: int


def broken_off(text: str) -> bool:
    """Whether the text is one object that was never closed: cut short, so that nothing in it can be relied upon."""
    bare = re.sub(r"^\s*(?:```\w*\s*)?", "", text[:200])
    return bare.startswith("{") and "}" not in text


def blocks(text: str) -> Iterator[Block]:
    """The objects of a text in order, outermost only."""
    at, count = 0, 0
    while count < MOST_BLOCKS and (start := text.find("{", at)) >= 0:
        count += 1
        end = _closing(text, start)
        value = _parse(text[start:end]) if end else None
        if isinstance(value, dict):
            yield Block(_flat(value), start, end)
            at = end
        else:
            at = start + 1


def one_object(reply: str, longest: int) -> dict[str, Any] | None:
    """The one JSON object in a reply: alone, in a fence, or with prose around it; None for none and for several.

    longest: characters of the reply that are looked at. Never raises.
    """
    text, at, decoder = reply[:longest], 0, json.JSONDecoder()
    found: list[Any] = []
    for _ in range(MOST_STARTS):
        if len(found) > 1 or (start := text.find("{", at)) < 0:
            break
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        found.append(value)
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else None


def _closing(text: str, start: int) -> int:
    """Place after the brace that closes the one at `start`; 0 where none does within reach."""
    depth, quoted, i = 0, False, start
    stop = min(len(text), start + MOST_CHARS)
    while i < stop:
        char = text[i]
        if quoted:
            if char == "\\":
                i += 1
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return i + 1
        i += 1
    return 0


def _parse(piece: str) -> Any:
    for attempt in (piece, re.sub(r",\s*([}\]])", r"\1", piece)):
        try:
            return json.loads(attempt)
        except (ValueError, RecursionError):
            continue
    words = re.sub(r"\b(true|false|null)\b", lambda m: {"true": "True", "false": "False", "null": "None"}[m[0]], piece)
    if piece.count("{") + piece.count("[") > 50:
        return None
    try:
        return ast.literal_eval(words)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        pass
    quoted = re.sub(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)", r'\1"\2"\3', piece)
    try:
        return json.loads(quoted)
    except (ValueError, RecursionError):
        return None


def _flat(value: dict[Any, Any], depth: int = 0) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, entry in value.items():
        if isinstance(entry, dict) and depth < 4:
            for inner, thing in _flat(entry, depth + 1).items():
                fields.setdefault(inner, thing)
        elif isinstance(entry, list) and len(entry) == 1 and isinstance(entry[0], dict) and depth < 4:
            fields |= {k: v for k, v in _flat(entry[0], depth + 1).items() if k not in fields}
        key = re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")
        if not isinstance(entry, dict):
            fields[key] = entry
    return fields


def truth(value: Any) -> bool | None:
    """True, False, or None where the entry says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower().rstrip(".")
        if word in {"true", "yes", "1", "y"}:
            return True
        if word in {"false", "no", "0", "n"}:
            return False
    return None


_SECONDS = re.compile(
    r"\s*([+-]?)\s*(\d+(?:[.,]\d+)?|[.,]\d+)\s*(ms|milliseconds?|s|sec|secs|seconds?)?\s*", re.IGNORECASE
)
_CLOCK = re.compile(r"\s*(\d+):(\d\d(?:[.,]\d+)?)\s*s?\s*")


def seconds(value: Any, name: str = "") -> float | None:
    """Seconds of a number or of words such as "0.5 s", "400 ms", "0:02.5"; None where it is none."""
    scale = 0.001 if name.endswith("_ms") else 1.0
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) * scale if abs(value) < 1e7 else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    if clock := _CLOCK.fullmatch(value):
        return int(clock[1]) * 60 + float(clock[2].replace(",", "."))
    if match := _SECONDS.fullmatch(value):
        number = float(match[2].replace(",", ".")) * (-1 if match[1] == "-" else 1)
        if match[3]:
            scale = 0.001 if match[3].lower().startswith("m") else 1.0
        return number * scale
    return None

"""Reads what a page sends as JSON: never more than a route can want, and told in a sentence when it is no good."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import Request

from thud.errors import BadRequest

Json = dict[str, Any]
SMALL_BYTES = 64_000


async def read_json(request: Request) -> Json:
    """The body as an object, whatever content type it names (a beacon says text/plain). BadRequest otherwise."""
    return parse_object(await read_bytes(request, SMALL_BYTES))


async def read_bytes(request: Request, most: int) -> bytes:
    """The body. BadRequest as soon as it is longer than `most`, whatever its header claims."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise BadRequest(f"This is more than {most // 1000:,} KB: nothing was saved. Send less at once.")
        parts.append(part)
    return b"".join(parts)


def parse_object(data: bytes) -> Json:
    try:
        value = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"This is not JSON ({_short(error)}). Reload the page and try again.") from error
    if not isinstance(value, dict):
        raise BadRequest("This is JSON, but not an object with names. Reload the page and try again.")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _short(error: Exception) -> str:
    return str(error)[:80] or "too deep"


def text(body: Json, name: str, most: int, default: str | None = None) -> str:
    """A string of up to `most` characters; without a default it must be there and not empty."""
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (default is None and not value):
        raise BadRequest(f"{name} is missing or is not text.")
    if len(value) > most:
        raise BadRequest(f"{name} is too long: {len(value):,} characters. Use {most:,} or fewer.")
    return value


def texts(body: Json, name: str, most: int) -> list[str]:
    """A list of up to `most` short strings; empty when it is not there."""
    value = body.get(name)
    if value is None:
        return []
    good = isinstance(value, list) and len(value) <= most and all(isinstance(v, str) and len(v) <= 80 for v in value)
    if not good:
        raise BadRequest(f"{name} is a list of up to {most} ids.")
    return list(value)


def whole(body: Json, name: str, default: int | None = None) -> int:
    """A whole number that a float holds exactly; NaN is none."""
    value = body.get(name, default)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not -(2**53) <= value <= 2**53 or value != int(value):
        raise BadRequest(f"{name} is missing or is not a whole number.")
    return int(value)


def seconds(body: Json, name: str) -> float | None:
    """A time; None when it is not set. Whether it lies in the clip is for others to say."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{name} is not a number of seconds.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadRequest(f"{name} is not a number of seconds.")
    return number

"""What a reply costs, from a table of prices that the user may edit. An unknown price is None and never a guess."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path

from thud.errors import BadRequest
from thud.records import Reply, Usage

SHIPPED = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. cached, cache_write: None = not known; nothing is known of such a reply then.

    batch: what a batch costs of the direct price, None = not known. largest_input: prices hold up to so many input
    tokens. until: last day (ISO) on which they hold, "" = no end known. source, seen: where and when they were read.
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None
    batch: float | None = None
    largest_input: int | None = None
    until: str = ""
    source: str = ""
    seen: str = ""


Prices = dict[str, Price]


def read_prices(path: Path = SHIPPED) -> Prices:
    """The prices by model name. BadRequest names the entry that is wrong."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["models"]
        items = list(rows.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(f"The table of prices {path} cannot be read ({error}). Correct it or remove it.") from error
    return {model: _price(model, row, path) for model, row in items}


def cost_usd(
    spent: Reply | Usage,
    model: str = "",
    batch: bool = False,
    prices: Prices | None = None,
    today: date | None = None,
) -> float | None:
    """US dollars, or None when the price is not known. model: needed for a Usage; a Reply knows its own.

    A dated model name that is not in the table (claude-sonnet-5-5-20260928) costs what the name without its date does.
    """
    table = prices if prices is not None else _shipped()
    usage = spent.usage if isinstance(spent, Reply) else spent
    name = model or (spent.model if isinstance(spent, Reply) else "")
    price = table.get(name) or table.get(_undated(name))
    if price is None or not _holds(price, usage, batch, today or date.today()):
        return None
    fresh = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
    total = fresh * price.input + usage.output_tokens * price.output
    total += usage.cached_tokens * (price.cached or 0.0) + usage.cache_write_tokens * (price.cache_write or 0.0)
    return total / 1e6 * (price.batch if batch and price.batch is not None else 1.0)


def _holds(price: Price, usage: Usage, batch: bool, today: date) -> bool:
    return not (
        (usage.cached_tokens and price.cached is None)
        or (usage.cache_write_tokens and price.cache_write is None)
        or (batch and price.batch is None)
        or (price.largest_input is not None and usage.input_tokens > price.largest_input)
        or (price.until and today.isoformat() > price.until)
    )


def _undated(name: str) -> str:
    head, _, tail = name.rpartition("-")
    return head if len(tail) == 8 and tail.isdigit() else name


@cache
def _shipped() -> Prices:
    return read_prices()


def _price(model: str, row: object, path: Path) -> Price:
    known = {field.name for field in fields(Price)}
    if not isinstance(row, dict) or not {"input", "output"} <= row.keys() or row.keys() - known:
        raise BadRequest(
            f"{path}: the prices of {model} need input and output, and may have {', '.join(sorted(known))}."
        )
    words = {"until", "source", "seen"}
    wrong = [name for name, value in row.items() if not _fits(value, name in words, name in ("input", "output"))]
    if wrong:
        raise BadRequest(
            f"{path}: {', '.join(wrong)} of {model} must be {'text' if wrong[0] in words else 'a number'}."
        )
    return Price(**row)


def _fits(value: object, text: bool, needed: bool) -> bool:
    if text:
        return isinstance(value, str)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (value is None and not needed) or (number and 0 <= float(str(value)) < 1e6)

"""What a reply costs: exact where the price is known, None where it is not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from thud.errors import BadRequest
from thud.providers import Price, cost_usd, read_prices
from thud.records import Reply, Usage

TABLE = {"m": Price(2.0, 10.0, cached=0.2, cache_write=2.5, batch=0.5), "bare": Price(1.0, 4.0)}
USAGE = Usage(input_tokens=1000, output_tokens=100, cached_tokens=400, cache_write_tokens=100)


def test_each_kind_of_token_has_its_price() -> None:
    by_hand = (500 * 2.0 + 400 * 0.2 + 100 * 2.5 + 100 * 10.0) / 1e6
    assert cost_usd(USAGE, "m", prices=TABLE) == pytest.approx(by_hand)
    assert cost_usd(USAGE, "m", batch=True, prices=TABLE) == pytest.approx(by_hand / 2)
    reply = Reply("openai", "m", "ok", "", {}, USAGE, "", "", "", 0.0)
    assert cost_usd(reply, prices=TABLE) == pytest.approx(by_hand)
    assert cost_usd(reply, "m-20260928", prices=TABLE) == pytest.approx(by_hand)


def test_what_is_not_known_is_not_guessed() -> None:
    plain = Usage(input_tokens=1000, output_tokens=100)
    assert cost_usd(plain, "bare", prices=TABLE) == pytest.approx(1400 / 1e6)
    assert cost_usd(plain, "bare", batch=True, prices=TABLE) is None
    for told in ({"cached_tokens": 1}, {"cache_write_tokens": 1}):
        assert cost_usd(Usage(input_tokens=1000, **told), "bare", prices=TABLE) is None
    assert cost_usd(plain, "nobody's-model", prices=TABLE) is None
    assert cost_usd(plain, "", prices=TABLE) is None
    short = {"m": Price(1.0, 1.0, largest_input=999)}
    assert cost_usd(plain, "m", prices=short) is None
    passing = {"m": Price(1.0, 1.0, until="2026-12-31")}
    assert cost_usd(plain, "m", prices=passing, today=date(2026, 12, 31)) == pytest.approx(1100 / 1e6)
    assert cost_usd(plain, "m", prices=passing, today=date(2027, 1, 1)) is None


def test_the_shipped_table_says_where_each_price_was_read() -> None:
    shipped = read_prices()
    assert shipped
    assert all(price.source and date.fromisoformat(price.seen) for price in shipped.values())
    for price in shipped.values():
        assert 0 < price.input < price.output
        assert price.cached is None or price.cached < price.input


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"models": {"m": {"input": 1}}}', "input and output"),
        ('{"models": {"m": {"input": 1, "output": "2"}}}', "output of m must be a number"),
        ('{"models": {"m": {"input": 1, "output": -2}}}', "output of m must be a number"),
        ('{"models": {"m": {"input": 1, "output": NaN}}}', "output of m must be a number"),
        ('{"models": {"m": {"input": 1, "output": 2, "inptu": 3}}}', "may have"),
        ('{"models": {"m": {"input": 1, "output": 2, "until": 3}}}', "until of m must be text"),
    ],
)
def test_a_table_that_is_wrong_names_the_entry(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(BadRequest, match=named):
        read_prices(path)


def test_an_edited_table_is_used(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"models": {"local": {"input": 0, "output": 0}}}))
    assert cost_usd(Usage(input_tokens=5), "local", prices=read_prices(path)) == 0.0

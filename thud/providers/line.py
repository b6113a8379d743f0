"""One line to a vendor: sends, waits when told to, and tries again where trying again cannot bill twice."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from thud.errors import BadRequest, ThudError
from thud.providers import wire
from thud.providers.keys import key_variable
from thud.providers.pace import Pace
from thud.providers.question import Endpoint
from thud.providers.wire import Answer, NoAnswer

if TYPE_CHECKING:
    import httpx2

AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT_S = 600.0
_NO_CREDIT = ("insufficient_quota", "credit balance", "billing_error", "billing_hard_limit")
_BAD_KEY = ("API_KEY_INVALID", "API key not valid", "API key expired")


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Line:
    """An endpoint with the key to it. sleep: how waiting is done."""

    endpoint: Endpoint
    key: str = field(repr=False)
    errors: tuple[type[Exception], ...] = ()
    pace: Pace | None = None
    sleep: Callable[[float], None] = time.sleep

    def exchange(
        self,
        call: Callable[[httpx2.Client], object],
        free: bool = False,
        before: Callable[[], None] = _nothing,
        unbilled: Callable[[], None] = _nothing,
    ) -> tuple[Answer | NoAnswer, int]:
        """The answer that settles it and the number of attempts. free: asking again costs nothing, so a broken
        connection is tried again too. before, unbilled: called ahead of each attempt, and after one that failed
        without being billed.
        """
        attempts = max(1, self.endpoint.attempts)
        for attempt in range(1, attempts + 1):
            before()
            try:
                got = self._once(call)
            except ThudError:
                unbilled()
                raise
            if isinstance(got, NoAnswer) and got.sent and not free:
                return got, attempt
            if isinstance(got, Answer) and got.good:
                return got, attempt
            unbilled()
            wait_s = wait_before_retry(got, attempt)
            if wait_s is None or attempt == attempts:
                break
            self._wait(got, wait_s)
        return got, attempt

    def _once(self, call: Callable[[httpx2.Client], object]) -> Answer | NoAnswer:
        if self.pace is None:
            return wire.send(call, self.errors, self.key, self.endpoint.timeout_s)
        with self.pace.slot():
            return wire.send(call, self.errors, self.key, self.endpoint.timeout_s)

    def _wait(self, got: Answer | NoAnswer, wait_s: float) -> None:
        if self.pace is not None and isinstance(got, Answer) and asked_to_wait_s(got) is not None:
            self.pace.pause(self.pace.clock() + wait_s)
        self.sleep(wait_s)

    def stop_if_pointless(self, got: Answer | NoAnswer) -> None:
        """BadRequest when no question can succeed: a wrong key, no credit, an unknown model or address."""
        if isinstance(got, Answer) and (error := pointless(got, self.endpoint)):
            raise error


def wait_before_retry(got: Answer | NoAnswer, attempt: int) -> float | None:
    """Seconds to wait before trying again; None when trying again makes no sense or the vendor wants too long."""
    if isinstance(got, NoAnswer):
        return backoff_s(attempt)
    told = got.headers.get("x-should-retry", "").lower()
    if told == "false" or _says(got, _NO_CREDIT) or (told != "true" and got.status not in AGAIN):
        return None
    asked_s = asked_to_wait_s(got)
    if asked_s is None:
        return backoff_s(attempt)
    return asked_s if asked_s <= LONGEST_WAIT_S else None


def backoff_s(attempt: int) -> float:
    """Half a second, doubled with each attempt to at most a minute, and a random part of it off."""
    return min(60.0, 0.5 * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def asked_to_wait_s(answer: Answer) -> float | None:
    """How long the vendor asks to wait: header in milliseconds, in seconds or a date, or Gemini's note in the body."""
    try:
        if text := answer.headers.get("retry-after-ms"):
            return max(0.0, float(text) / 1000)
        if text := answer.headers.get("retry-after"):
            return max(0.0, _seconds(text))
    except (ValueError, TypeError, OverflowError):
        return None
    note = re.search(r'"retryDelay":\s*"([0-9.]{1,12})s"', answer.body)
    return float(note[1]) if note else None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return parsedate_to_datetime(text).timestamp() - time.time()


def sentence(answer: Answer) -> str:
    """What the vendor says went wrong, in its words, with the status."""
    try:
        read = json.loads(answer.body)
    except ValueError:
        read = None
    error = read.get("error") if isinstance(read, dict) else None
    words = error.get("message") if isinstance(error, dict) else error
    return f"{answer.status}: {str(words or answer.body or 'no explanation')[:500]}"


def pointless(answer: Answer, endpoint: Endpoint) -> ThudError | None:
    """The error that ends the whole run, when no other question could fare better; else None."""
    said = sentence(answer)
    if answer.status == 402 or _says(answer, _NO_CREDIT):
        return BadRequest(f"{endpoint.provider} says the account has no credit ({said}). Add credit, then resume.")
    if answer.status == 401 or _says(answer, _BAD_KEY):
        return BadRequest(
            f"{endpoint.provider} does not accept the key in {key_variable(endpoint)} ({said}). "
            "Put a valid key there and start thud again."
        )
    if answer.status == 403:
        return BadRequest(
            f"{endpoint.provider} says the key in {key_variable(endpoint)} may not do this ({said}). "
            "Use a key with access to the model."
        )
    if answer.status == 404:
        where = f" at {endpoint.base_url}" if endpoint.base_url else ""
        return BadRequest(f"{endpoint.provider} does not know this model or address{where} ({said}). Correct it.")
    if 300 <= answer.status < 400:
        return BadRequest(f"{endpoint.base_url} sends requests elsewhere ({said}). Give the address it names.")
    return None


def _says(answer: Answer, marks: tuple[str, ...]) -> bool:
    return not answer.good and any(mark in answer.body for mark in marks)

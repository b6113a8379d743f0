"""The one seam where requests leave: a vendor's library makes the request, and the answer is kept as it came.

What a library makes of an answer (its errors, its parsed objects) is not used: a paid reply must never be lost because
somebody could not read it. Connections are not kept: one that a server had closed meanwhile would look like a request
that was sent and never answered.
"""

from __future__ import annotations

import functools
import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart
from thud.providers.keys import without

if TYPE_CHECKING:
    import ssl

    import httpx2

CONNECT_S = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. headers: names in lower case. body: as text, the key taken out. took_s: from asking on."""

    status: int
    headers: dict[str, str]
    body: str
    took_s: float = 0.0

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The body as an object; {"body": text} when it is none, so that nothing is lost."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {"body": self.body}
        return read if isinstance(read, dict) else {"body": self.body}


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The connection failed. sent: the request may have reached the vendor, so it may be billed."""

    sent: bool
    reason: str
    took_s: float = 0.0


@dataclass(slots=True)
class _Seen:
    began: float | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


def send(
    call: Callable[[httpx2.Client], object], errors: tuple[type[Exception], ...], key: str, timeout_s: float
) -> Answer | NoAnswer:
    """What came back for the last request `call` made with the client it is given. errors: its library's own.

    BadRequest when no request could be made at all.
    """
    seen, failure = _Seen(), None
    with _client(seen, key, timeout_s) as client:
        try:
            call(client)
        except (library("httpx2").HTTPError, library("httpx2").InvalidURL, ValueError, *errors) as error:
            failure = error
    if seen.began is None:
        raise BadRequest(f"The request could not be made: {_words(failure, key)}")
    took_s = time.monotonic() - seen.began
    if seen.body is not None:
        return Answer(seen.status or 0, seen.headers, seen.body, took_s)
    if seen.status is not None and seen.status >= 400:
        return Answer(seen.status, seen.headers, "", took_s)
    return _no_answer(failure, key, took_s)


def library(name: str) -> Any:
    """A vendor's library, or the HTTP library they share, loaded now; MissingPart when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPart(f"The library {name} is not installed: pip install -r requirements.txt") from error


def _client(seen: _Seen, key: str, timeout_s: float) -> httpx2.Client:
    import httpx2

    def asked(_request: httpx2.Request) -> None:
        seen.began, seen.status, seen.headers, seen.body = time.monotonic(), None, {}, None

    def answered(response: httpx2.Response) -> None:
        seen.status = response.status_code
        seen.headers = {name.lower(): value for name, value in response.headers.items()}
        response.read()
        seen.body = without(key, response.text)

    return httpx2.Client(
        verify=_trusted(),
        timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        limits=httpx2.Limits(max_keepalive_connections=0),
        event_hooks={"request": [asked], "response": [answered]},
    )


@functools.cache
def _trusted() -> ssl.SSLContext:
    # Reading the certificates takes tens of milliseconds: once per process is enough.
    import httpx2

    return httpx2.create_ssl_context()


def _no_answer(failure: BaseException | None, key: str, took_s: float) -> NoAnswer:
    import httpx2

    error = failure
    while error is not None and not isinstance(error, httpx2.RequestError):
        # A library wraps the transport's error in its own.
        error = error.__cause__
    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
        raise BadRequest("The base URL cannot be used: it must begin with http:// or https:// and name a server.")
    before = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    return NoAnswer(not isinstance(error, before), _words(error or failure, key), took_s)


def _words(error: BaseException | None, key: str) -> str:
    return without(key, f"{type(error).__name__}: {error}")[:300] if error else "no request was made"

"""One question, one Reply, billed at most once: what is asked and answered is on the shelf before it is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from thud.providers import anthropic, compatible, gemini, openai
from thud.providers.keys import fingerprint, read_key
from thud.providers.line import Line, sentence
from thud.providers.pace import Pace
from thud.providers.question import Audio, Endpoint, Question, Video
from thud.providers.read import Read, garbage
from thud.providers.shelf import Shelf
from thud.providers.wire import Answer, NoAnswer
from thud.records import Reply, ReplyOutcome

if TYPE_CHECKING:
    import httpx2

REJECTED = frozenset({400, 413, 422})
LEFT_OPEN = (
    "This was sent earlier and no answer came back to us, so it may have been billed. It is not asked again by itself."
)


class Door(Protocol):
    """What each vendor's module holds. REQUEST_ID: the header with the vendor's number of the request."""

    REQUEST_ID: str

    def errors(self) -> tuple[type[Exception], ...]: ...
    def prepare(self, question: Question, line: Line, shelf: Shelf | None, /) -> dict[str, Any] | Read: ...
    def send(self, request: dict[str, Any], http: httpx2.Client, line: Line, /) -> object: ...
    def read(self, raw: dict[str, Any], /) -> Read: ...


DOORS: dict[str, Door] = {"anthropic": anthropic, "openai": openai, "gemini": gemini, "compatible": compatible}


def ask(
    question: Question,
    endpoint: Endpoint,
    pace: Pace | None = None,
    shelf: Shelf | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Reply:
    """The Reply, from the shelf when it is there already; outcome in_doubt, without asking, when it was asked before
    and no answer came back. `shelf.forgive(reply.sent_sha256)` lets it be asked again.

    MissingPart without a key; BadRequest when no question to this endpoint can succeed.
    """
    sent = question.sent_sha256(endpoint.provider)
    if shelf is None:
        return _Asking(question, _line(endpoint, pace, sleep), None, sent).reply()
    with shelf.alone(sent):
        stored = shelf.get(sent)
        if stored is not None:
            return stored
        if shelf.in_doubt(sent):
            return _made(question, endpoint, sent, "in_doubt", LEFT_OPEN)
        return _Asking(question, _line(endpoint, pace, sleep), shelf, sent).reply()


def reply_of(read: Read, raw: dict[str, Any], question: Question, endpoint: Endpoint, sent: str = "") -> Reply:
    """A Reply from an answer that was read. latency_s and attempts are left to the caller."""
    sent = sent or question.sent_sha256(endpoint.provider)
    return Reply(
        provider=endpoint.provider,
        model=question.model,
        outcome=read.outcome,
        text=read.text,
        raw=raw,
        usage=read.usage,
        request_id=read.request_id,
        model_echo=read.model_echo,
        sent_sha256=sent,
        latency_s=0.0,
        problem=read.problem,
    )


def _made(question: Question, endpoint: Endpoint, sent: str, outcome: ReplyOutcome, problem: str) -> Reply:
    return reply_of(Read(outcome, problem=problem), {}, question, endpoint, sent)


def _line(endpoint: Endpoint, pace: Pace | None, sleep: Callable[[float], None]) -> Line:
    key = read_key(endpoint)
    return Line(endpoint, key, DOORS[endpoint.provider].errors(), pace, sleep)


@dataclass(frozen=True, slots=True)
class _Asking:
    question: Question
    line: Line
    shelf: Shelf | None
    sent: str

    def reply(self) -> Reply:
        got, attempts = self._exchange()
        if isinstance(got, Answer) and gemini.lost_file(got) and self._forget_files():
            got, attempts = self._exchange()
        reply, keep = self._settled(got)
        took_s = 0.0 if isinstance(got, Read) else got.took_s
        reply = replace(reply, latency_s=took_s, attempts=attempts)
        if keep and self.shelf is not None:
            self.shelf.put(self.sent, reply)
        return reply

    def _exchange(self) -> tuple[Answer | NoAnswer | Read, int]:
        door, key, shelf = DOORS[self.line.endpoint.provider], self.sent, self.shelf
        request = door.prepare(self.question, self.line, shelf)
        if isinstance(request, Read):
            return request, 1
        sending = request
        return self.line.exchange(
            lambda http: door.send(sending, http, self.line),
            before=lambda: shelf.asked(key) if shelf else None,
            unbilled=lambda: shelf.withdraw(key) if shelf else None,
        )

    def _settled(self, got: Answer | NoAnswer | Read) -> tuple[Reply, bool]:
        """The Reply, and whether it is final: a vendor that was busy or out of reach may be asked again."""
        if isinstance(got, Read):
            return reply_of(got, {}, self.question, self.line.endpoint, self.sent), got.outcome == "rejected"
        if isinstance(got, NoAnswer):
            return self._unanswered(got), False
        self.line.stop_if_pointless(got)
        raw, door = got.json(), DOORS[self.line.endpoint.provider]
        if got.good:
            read = garbage(got.body) if raw.keys() == {"body"} else door.read(raw)
        else:
            read = Read("rejected" if got.status in REJECTED else "error", problem=sentence(got))
        number = read.request_id or got.headers.get(door.REQUEST_ID, "")
        reply = reply_of(read, raw, self.question, self.line.endpoint, self.sent)
        return replace(reply, request_id=number), got.good or read.outcome == "rejected"

    def _unanswered(self, got: NoAnswer) -> Reply:
        if got.sent:
            problem = f"It was sent and no whole answer came back ({got.reason}), so it may have been billed."
            return _made(self.question, self.line.endpoint, self.sent, "in_doubt", problem)
        problem = f"The vendor could not be reached ({got.reason}). Resume to ask again."
        return _made(self.question, self.line.endpoint, self.sent, "error", problem)

    def _forget_files(self) -> bool:
        files = [part for part in self.question.parts if isinstance(part, (Video, Audio))]
        if self.shelf is None or self.line.endpoint.provider != "gemini":
            return False
        for part in files:
            self.shelf.forget_upload(part.sha256, fingerprint(self.line.key))
        return bool(files)

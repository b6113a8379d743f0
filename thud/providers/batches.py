"""Batches: many questions handed over at once, answered within a day at a lower price. Anthropic and OpenAI only.

The vendor's id is on the shelf before `submit_batch` returns. When a process dies between handing over and noting the
id, the next one looks at the vendor's own list before it would hand the same batch over again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from thud.errors import BadRequest, RunFailed
from thud.providers.asking import DOORS, reply_of
from thud.providers.batch_doors import BATCH_DOORS, BatchDoor, Result
from thud.providers.keys import read_key
from thud.providers.line import Line, sentence
from thud.providers.question import Endpoint, Question
from thud.providers.read import Read, items, words
from thud.providers.shelf import Shelf, safe_name
from thud.providers.wire import Answer, NoAnswer
from thud.records import Reply, content_id

State = Literal["working", "ended", "failed"]
SURE_AFTER_S = 120.0
"""A batch that is not on the vendor's list this long after it was handed over was not taken."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. done, failed: questions answered, and not. message: why the whole batch failed."""

    state: State
    done: int
    failed: int
    total: int
    message: str = ""


def submit_batch(
    questions: Sequence[tuple[str, Question]],
    endpoint: Endpoint,
    shelf: Shelf,
    name: str,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """The vendor's id of the batch. Handing over the same questions under the same name again gives the same id.

    questions: your own id and the question. BadRequest when it is too large or the vendor has no batches; RunFailed
    when it is not known yet whether the vendor took it.
    """
    door = _door(endpoint)
    lines = [(_custom_id(own, question, endpoint), door.body(question)) for own, question in questions]
    digest = content_id(name, [custom for custom, _ in lines])
    with shelf.alone(safe_name(name), "batches"):
        noted = shelf.batch(name)
        if noted and noted["digest"] != digest:
            raise BadRequest(f"There is a batch {name!r} with other questions already. Give this one another name.")
        if noted and noted["batch_id"]:
            return str(noted["batch_id"])
        _check_size(lines, door)
        line = _line(endpoint, sleep)
        batch_id = _found_again(door, line, shelf, noted) if noted else ""
        return batch_id or _handed_over(door, line, shelf, name, lines, digest)


def poll_batch(batch_id: str, endpoint: Endpoint, sleep: Callable[[float], None] = time.sleep) -> BatchState:
    """How far the batch is, by the vendor's count."""
    door, line = _door(endpoint), _line(endpoint, sleep)
    row = _asked(line, lambda http: door.look(http, line, batch_id))
    return BatchState(*door.progress(row))


def read_batch(
    batch_id: str,
    endpoint: Endpoint,
    questions: Sequence[tuple[str, Question]],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Reply]:
    """A Reply for each of `questions`, by your own ids. What the vendor did not answer has the outcome error, and was
    not billed. RunFailed while the batch is still at work."""
    door, line = _door(endpoint), _line(endpoint, sleep)
    row = _asked(line, lambda http: door.look(http, line, batch_id))
    if door.progress(row)[0] == "working":
        raise RunFailed(f"The batch {batch_id} is still being worked on. Ask again later.")
    results: dict[str, Result] = {}
    for fetch in door.fetches(line, row):
        results |= door.results(_lines(_fetched(line, fetch).body))
    return {own: _reply(own, question, endpoint, results) for own, question in questions}


def _reply(own: str, question: Question, endpoint: Endpoint, results: dict[str, Result]) -> Reply:
    missing = Result(Read("error", problem="The vendor gave no result for this question."), {})
    result = results.get(_custom_id(own, question, endpoint), missing)
    read = result.read or DOORS[endpoint.provider].read(result.raw)
    reply = reply_of(read, result.raw, question, endpoint)
    return replace(reply, request_id=result.request_id or str(result.raw.get("id", "")))


def _found_again(door: BatchDoor, line: Line, shelf: Shelf, noted: dict[str, Any]) -> str:
    """The id of the batch that was handed over by a process that died, noted now; "" when it surely was not taken."""
    rows = items(_asked(line, lambda http: door.recent(http, line)).get("data"))
    known = shelf.known_batches()
    found = [words(row.get("id")) for row in rows if row.get("id") not in known and door.is_this(row, noted)]
    if len(found) > 1:
        raise RunFailed(
            f"{line.endpoint.provider} has {len(found)} batches that could be {noted['name']!r}: {', '.join(found)}. "
            "Cancel the ones you don't know on the vendor's page, then resume."
        )
    if found:
        shelf.put_batch(noted["name"], {**noted, "batch_id": found[0]})
        return found[0]
    if time.time() - noted["at"] < SURE_AFTER_S:
        raise RunFailed(
            f"It is not known yet whether {line.endpoint.provider} took the batch {noted['name']!r}. "
            "Resume in two minutes: its list is read again then."
        )
    return ""


def _handed_over(
    door: BatchDoor, line: Line, shelf: Shelf, name: str, lines: list[tuple[str, dict[str, Any]]], digest: str
) -> str:
    ready = door.prepare(lines, lambda call: _asked(line, call), line)
    noted = {"name": name, "digest": digest, "requests": len(lines), "at": time.time(), "batch_id": ""}
    shelf.put_batch(name, noted)
    got = line.exchange(lambda http: door.create(http, line, ready, digest))[0]
    if isinstance(got, NoAnswer) and got.sent:
        return _found_again(door, line, shelf, noted)
    if isinstance(got, NoAnswer) or not got.good:
        shelf.drop_batch(name)
    batch_id = _answered(got, line).json().get("id")
    if not isinstance(batch_id, str):
        return _found_again(door, line, shelf, noted)
    shelf.put_batch(name, {**noted, "batch_id": batch_id})
    return batch_id


def _asked(line: Line, call: Callable[[Any], object]) -> dict[str, Any]:
    return _fetched(line, call).json()


def _fetched(line: Line, call: Callable[[Any], object]) -> Answer:
    return _answered(line.exchange(call, free=True)[0], line)


def _answered(got: Answer | NoAnswer, line: Line) -> Answer:
    line.stop_if_pointless(got)
    if isinstance(got, NoAnswer):
        raise RunFailed(f"{line.endpoint.provider} could not be reached ({got.reason}). Resume later.")
    if not got.good:
        raise RunFailed(f"{line.endpoint.provider} would not do this ({sentence(got)}).")
    return got


def _check_size(lines: list[tuple[str, dict[str, Any]]], door: BatchDoor) -> None:
    if not lines:
        raise BadRequest("There is nothing to ask: the batch is empty.")
    size = sum(len(json.dumps(body)) for _, body in lines)
    if len(lines) > door.MOST_REQUESTS or size > door.MOST_BYTES:
        raise BadRequest(
            f"A batch may hold {door.MOST_REQUESTS} questions and {door.MOST_BYTES // 10**6} MB; this one has "
            f"{len(lines)} and {size // 10**6} MB. Split it."
        )


def _lines(text: str) -> list[dict[str, Any]]:
    rows = []
    # Not splitlines: a text may hold U+2028, which is no end of a line in JSON.
    for line in text.split("\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _custom_id(own: str, question: Question, endpoint: Endpoint) -> str:
    # Vendors allow few letters and little length; the hash also says which question it was.
    return content_id(own, question.sent_sha256(endpoint.provider))


def _door(endpoint: Endpoint) -> BatchDoor:
    door = BATCH_DOORS.get(endpoint.provider)
    if door is None:
        raise BadRequest(f"{endpoint.provider} is asked one question at a time here. Use the direct mode.")
    return door


def _line(endpoint: Endpoint, sleep: Callable[[float], None]) -> Line:
    return Line(endpoint, read_key(endpoint), DOORS[endpoint.provider].errors(), None, sleep)

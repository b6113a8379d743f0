"""How workers ask models: one shelf and one pace per address for all runs of a workspace, so that no question that was
answered, or may have been billed, is asked a second time by itself.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thud.disk import sync
from thud.errors import BadRequest, MissingPart
from thud.providers import Endpoint, Pace, Question, Shelf, ask
from thud.records import Reply, content_id
from thud.runs.job import CannotGoOn


def shelf_of(endpoint: Endpoint, workspace: Path) -> Shelf:
    """What this address was asked and answered, in all runs."""
    return Shelf(workspace / "replies" / f"{endpoint.provider}-{content_id(endpoint.base_url)[:8]}")


def asker(endpoint: Endpoint, item: dict[str, Any], workspace: Path) -> Callable[[Question], Reply]:
    """A function that asks this address in the name of an item: from the shelf, at the workspace's pace.

    An item planned "again" has each of its questions asked once more, but only once in its run.
    The function raises CannotGoOn where no other question could fare better: a wrong key, no credit.
    """
    shelf = shelf_of(endpoint, workspace)
    pace = Pace(workspace / "pace", shelf.folder.name, endpoint.at_once, endpoint.per_minute)

    def ask_one(question: Question) -> Reply:
        if item.get("again"):
            forgive_once(shelf, question.sent_sha256(endpoint.provider), workspace / "runs" / item["run"] / "again")
        try:
            with undisturbed():
                return ask(question, endpoint, pace, shelf)
        except (BadRequest, MissingPart) as error:
            raise CannotGoOn(f"{error} What was answered is kept.") from error

    return ask_one


def forgive_once(shelf: Shelf, key: str, notes: Path) -> None:
    """Lets the question be asked again, unless this run has done so before: after a kill it must not be asked twice."""
    note = notes / key
    if note.exists():
        return
    shelf.forgive(key)
    notes.mkdir(parents=True, exist_ok=True)
    note.touch()
    sync(notes)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Meanwhile a polite stop waits: an answer that is on its way is paid for, and it may be here in a moment.

    Then the process ends as it was told to; the answer is on the shelf. Nothing is different outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if told:
            os.kill(os.getpid(), signal.SIGTERM)

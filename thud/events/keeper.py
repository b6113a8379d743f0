"""Keeps the desk's board true to the store, beside the requests: reads, works out the order, settles what was marked.

Others write to the same store (imports, model runs): the log's last number tells, and then everything is read again.
What the desk itself saves while that goes on is kept in a journal and laid on top.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from thud.errors import ThudError
from thud.events.board import Board, arrange
from thud.events.settings import read_settings
from thud.records import EventTimes, Mark
from thud.store import Event, Store

if TYPE_CHECKING:
    from thud.events.settle import Times

log = logging.getLogger("thud")

LOOK_EVERY_S = 3.0
REST = 60
"""After a look at all clips, rest this many times as long as it took: requests come first."""
AFTER_READING_S, AFTER_ORDERING_S = 10.0, 60.0
"""But no longer than this: what others wrote must show soon, the order may be a minute old."""
MOST_EVENTS = 5000
ACTOR = "consensus"
KINDS = frozenset(
    ("add_clip", "move_clip", "update_clip", "set_times", "add_stimulus", "submit_mark", "set_setting", "undo")
)
"""Kinds of events that change what the board shows."""


class Keeper:
    """Owned by a desk, with which it shares the board and the lock that is held around every use of it."""

    def __init__(self, store: Store, board: Board, lock: AbstractContextManager[bool]) -> None:
        self._store, self._board, self._lock = store, board, lock
        self._working = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._loaded = False
        self._due = self._stale = False
        self._read_after = self._order_after = 0.0
        self._seen = 0
        self._own: set[int] = set()
        self._stamps: dict[tuple[str, str], int] = {}
        self._journal: list[Callable[[], None]] | None = None
        self._dirty: set[str] = set()
        self._held: dict[str, Times] = {}

    # --- coming and going

    def ready(self) -> None:
        """Returns when the board has been filled; the first call fills it and starts the thread."""
        if self._loaded and self._thread is not None and self._thread.is_alive():
            return
        with self._working:
            if not self._loaded:
                self.refresh()
            elif self._thread is None and self._foreign():
                self.refresh()  # what came in before anybody asked
            if self._thread is None or not self._thread.is_alive():
                self._stop.clear()
                self._thread = threading.Thread(target=self._loop, name="thud-desk", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends the thread, if there is one."""
        thread = self._thread
        self._stop.set()
        if thread is not None:
            self._wake.set()
            thread.join()
            self._thread = None

    def _loop(self) -> None:
        while True:
            self._wake.wait(LOOK_EVERY_S)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self.look()
            except ThudError as error:
                log.warning("thud: the queue could not be brought up to date: %s", error)

    def look(self) -> None:
        """One turn: what others wrote, the order, and the times of what was marked; only what is due."""
        with self._working:
            self._due = self._foreign() or self._due
            now = time.monotonic()
            if self._due and now >= self._read_after:
                self.refresh()
            elif self._stale and now >= self._order_after:
                self._reorder()
            self._settle_marked()

    # --- reading and ordering

    def refresh(self) -> None:
        """Everything from the store, in order."""
        from thud.events.settle import read_cases, read_held  # it brings scipy, which takes most of a second

        with self._working:
            began = time.monotonic()
            with self._lock:
                self._journal = []
            try:
                self._seen = self._newest()
                rows, cases = self._store.settings(), read_cases(self._store)
                self._held = read_held(self._store)
                arranged = arrange(cases, read_settings(rows))
                with self._lock:
                    self._board.load(cases)
                    self._board.set_rows(rows)
                    for again in self._journal or ():
                        again()
                    self._board.put_in_order(arranged)
            finally:
                self._journal = None
            self._loaded, self._due, self._stale = True, False, False
            self._read_after = _rested(began, AFTER_READING_S)
            self._order_after = _rested(began, AFTER_ORDERING_S)

    def _reorder(self) -> None:
        """The order from what the board knows."""
        began = time.monotonic()
        with self._lock:
            cases, settings = dict(self._board.cases), self._board.settings
            self._stale = False
        arranged = arrange(cases, settings)
        with self._lock:
            self._board.put_in_order(arranged)
        self._order_after = _rested(began, AFTER_ORDERING_S)

    def changed(self) -> None:
        """Others have written to the store: read the settings now, the rest in the thread, as soon as may be."""
        rows = self._store.settings()
        with self._lock:
            self._board.set_rows(rows)
            self._stale = True
        self._wake.set()

    def _newest(self) -> int:
        found = self._store.events(limit=1)
        return found[0].ev_id if found else 0

    def _foreign(self) -> bool:
        """Whether others have written what the board should know, since the last look."""
        newest = self._newest()
        new = newest - self._seen
        own = sum(self._seen < ev_id <= newest for ev_id in tuple(self._own))
        known = new == own
        many = new > MOST_EVENTS
        events = [] if known or many else self._store.events(limit=new)
        found = not known and (many or any(self._matters(event) for event in events))
        self._own -= {ev_id for ev_id in tuple(self._own) if ev_id <= newest}
        self._seen = newest
        return found

    def _matters(self, event: Event) -> bool:
        return event.kind in KINDS and event.ev_id not in self._own

    # --- what the desk itself wrote

    def own(self, ev_id: int | None) -> int | None:
        """The id, remembered as the desk's own."""
        if ev_id is not None:
            self._own.add(ev_id)
        return ev_id

    def mark_saved(self, mark: Mark) -> None:
        """A mark was committed. Called with the lock."""
        self._take(mark.clip_id, mark.annotator, mark.ev_id, lambda: self._board.set_mark(mark))

    def mark_undone(self, clip_id: str, annotator: str, now: Mark | None, ev_id: int) -> None:
        """A mark was taken back by event `ev_id`; `now` is in force instead. Called with the lock."""

        def put() -> None:
            if now is None:
                self._board.drop_mark(clip_id, annotator)
            else:
                self._board.set_mark(now)

        self._take(clip_id, annotator, max(ev_id, now.ev_id if now else 0), put)

    def times_set(self, clip_id: str, times: EventTimes) -> None:
        """Event times were committed. Called with the lock."""
        self._note(lambda: self._board.set_times(clip_id, times), clip_id)

    def setting_set(self, name: str, value: Any) -> None:
        """One setting was committed. Called with the lock."""
        self._put(lambda: self._board.set_rows({**self._board.rows, name: value}))

    def _take(self, clip_id: str, annotator: str, stamp: int, put: Callable[[], None]) -> None:
        """Two saves of one person may come back in another order than they were committed in: the later one stays."""
        key = (clip_id, annotator)
        if stamp > self._stamps.get(key, 0):
            self._stamps[key] = stamp
            self._note(put, clip_id)

    def _note(self, put: Callable[[], None], clip_id: str) -> None:
        self._put(put)
        self._dirty.add(clip_id)
        self._stale = True

    def _put(self, put: Callable[[], None]) -> None:
        put()
        if self._journal is not None:
            self._journal.append(put)

    def _settle_marked(self) -> None:
        """Writes the times of clips that were marked since the last turn."""
        from thud.events.settle import write_settled

        with self._lock:
            dirty, learnt, settings = self._dirty, self._board.learnt, self._board.settings
            cases = [self._board.cases[clip_id] for clip_id in dirty if clip_id in self._board.cases]
            if learnt is None or not dirty:
                return
            self._dirty = set()
        try:
            self._remember(write_settled(self._store, cases, learnt, settings, self._held, ACTOR))
        except ThudError:
            with self._lock:
                self._dirty |= dirty
            raise

    def _remember(self, ev_ids: Iterable[int]) -> None:
        self._own.update(ev_ids)


def _rested(began: float, longest_s: float) -> float:
    """When work that began then and ends now may be done again."""
    now = time.monotonic()
    return now + min(REST * (now - began), longest_s)

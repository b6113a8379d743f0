"""Who holds which clip, in memory: a crash loses the holds and nothing else. Thread-safe; the clock is an argument."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable

from thud.errors import BadRequest

HOLD_S = 600.0


class Leases:
    """Holds with an end. A clip is held by at most one annotator at a time, and none gets a clip they have marked."""

    def __init__(self, hold_s: float = HOLD_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._hold_s = hold_s
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[str, float]] = {}
        self._ends: list[tuple[float, str]] = []
        self._marked: dict[str, set[str]] = {}

    def claim(self, annotator: str, clip_ids: Iterable[str]) -> str | None:
        """The first of `clip_ids` that nobody else holds and `annotator` has not marked, now held by them; None if
        none.

        A clip they hold already is given again, for a full term: a page that reloads gets its clip back.
        """
        with self._lock:
            self._expire()
            marked = self._marked.get(annotator, set())
            for clip_id in clip_ids:
                if clip_id not in marked and self._held.get(clip_id, (annotator,))[0] == annotator:
                    end = self._clock() + self._hold_s
                    self._held[clip_id] = (annotator, end)
                    heapq.heappush(self._ends, (end, clip_id))
                    return clip_id
        return None

    def release(self, annotator: str, clip_id: str) -> bool:
        """Give a clip back; False when `annotator` does not hold it."""
        with self._lock:
            self._expire()
            return self._drop(annotator, clip_id)

    def holder(self, clip_id: str) -> str | None:
        """Who holds the clip now, or None."""
        with self._lock:
            self._expire()
            held = self._held.get(clip_id)
            return held[0] if held else None

    def check(self, annotator: str, clip_id: str) -> None:
        """BadRequest when somebody else holds the clip. Not holding it oneself is fine: a restart forgets all holds."""
        other = self.holder(clip_id)
        if other not in (None, annotator):
            raise BadRequest(
                f"Your hold on this clip ran out and {other} has it now. Nothing was changed: go on to the next clip, "
                "or keep yours as a second mark."
            )

    def set_marked(self, annotator: str, clip_id: str, marked: bool) -> None:
        """Told by the writer after each commit. A clip that was marked is let go in the same step."""
        with self._lock:
            if marked:
                self._marked.setdefault(annotator, set()).add(clip_id)
                self._drop(annotator, clip_id)
            else:
                self._marked.get(annotator, set()).discard(clip_id)

    def _drop(self, annotator: str, clip_id: str) -> bool:
        if self._held.get(clip_id, ("",))[0] != annotator:
            return False
        del self._held[clip_id]
        return True

    def _expire(self) -> None:
        """Forget holds that have ended. The heap may name holds that were renewed or dropped; the dict decides."""
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            _, clip_id = heapq.heappop(self._ends)
            if clip_id in self._held and self._held[clip_id][1] <= now:
                del self._held[clip_id]

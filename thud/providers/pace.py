"""How fast a vendor is asked, over all workers of this machine: so many at once, so many a minute, and a common pause.

The workers share small files. A slot is a lock on a file, so that a process that dies gives its slot back.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from thud.errors import BadRequest
from thud.providers.shelf import safe_name

LOOK_EVERY_S = 0.02
LONGEST_PAUSE_S = 3600.0


class Pace:
    """`with pace.slot():` around each request. Two with the same folder and name count as one. clock: Unix seconds."""

    def __init__(
        self,
        folder: Path,
        name: str,
        at_once: int,
        per_minute: int,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if at_once < 1 or per_minute < 1:
            raise BadRequest("At least one request at once and one a minute are needed.")
        self._folder = folder / safe_name(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._at_once, self._gap_s = at_once, 60.0 / per_minute
        self.clock, self._sleep = clock, sleep

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Holds one of the `at_once` places; entered when a place is free, the turn has come and no pause is on."""
        handle = self._take()
        try:
            self._wait_for_turn()
            yield
        finally:
            os.close(handle)

    def pause(self, until_s: float) -> None:
        """No worker starts a request before `until_s` (Unix seconds; an hour from now at most)."""
        with self._locked("pause") as file:
            until_s = min(until_s, self.clock() + LONGEST_PAUSE_S)
            _write_number(file, max(until_s, _read_number(file)))

    def _take(self) -> int:
        while True:
            for number in range(self._at_once):
                handle = os.open(self._folder / f"slot-{number}", os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(handle)
                else:
                    return handle
            self._sleep(LOOK_EVERY_S)

    def _wait_for_turn(self) -> None:
        self._sleep_until(self._turn())
        while (until_s := self._paused_until()) > self.clock():
            self._sleep_until(until_s)

    def _turn(self) -> float:
        # Each request books the next free moment, so that they leave evenly spaced.
        with self._locked("turn") as file:
            now, booked = self.clock(), _read_number(file)
            turn = max(now, booked) if booked - now <= LONGEST_PAUSE_S else now
            _write_number(file, turn + self._gap_s)
        return turn

    def _paused_until(self) -> float:
        with self._locked("pause") as file:
            until_s = _read_number(file)
        return until_s if until_s - self.clock() <= LONGEST_PAUSE_S else 0.0

    def _sleep_until(self, moment: float) -> None:
        wait_s = moment - self.clock()
        if wait_s > 0:
            self._sleep(wait_s)

    @contextmanager
    def _locked(self, name: str) -> Iterator[int]:
        handle = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)


def _read_number(file: int) -> float:
    try:
        return float(os.pread(file, 64, 0))
    except ValueError:
        return 0.0


def _write_number(file: int, number: float) -> None:
    # Always as long, so that no older digit stays behind.
    os.pwrite(file, f"{number:020.6f}".encode(), 0)

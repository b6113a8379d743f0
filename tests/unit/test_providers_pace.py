"""So many requests at once and a minute, over all workers, and one pause for all of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.vendors import Fault
from tests.vendors.kit import give_keys, question, vendor
from thud.errors import BadRequest
from thud.providers import Pace, ask

SPAWN = multiprocessing.get_context("spawn")


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def clocked(folder: Path, clock: Clock, at_once: int = 4, per_minute: int = 60) -> Pace:
    return Pace(folder, "gemini", at_once, per_minute, clock, clock.sleep)


def test_requests_leave_evenly_spaced_whoever_asks(tmp_path: Path) -> None:
    clock = Clock()
    starts = []
    for _ in range(5):
        for pace in (clocked(tmp_path, clock, per_minute=30), clocked(tmp_path, clock, per_minute=30)):
            with pace.slot():
                starts.append(clock.now)
    assert starts == pytest.approx([1_000_000.0 + 2 * n for n in range(10)])


def test_a_pause_holds_every_worker(tmp_path: Path) -> None:
    clock = Clock()
    clocked(tmp_path, clock).pause(clock.now + 40)
    clocked(tmp_path, clock).pause(clock.now + 10)
    with clocked(tmp_path, clock).slot():
        assert clock.now == 1_000_040.0
    with Pace(tmp_path, "openai", 4, 60, clock, clock.sleep).slot():
        assert clock.now == 1_000_040.0


def test_a_clock_that_was_wrong_does_not_stop_the_work(tmp_path: Path) -> None:
    clock = Clock()
    clock.now += 30 * 86_400
    clocked(tmp_path, clock).pause(clock.now + 60)
    with clocked(tmp_path, clock).slot():
        pass
    clock.now -= 30 * 86_400
    before = clock.now
    with clocked(tmp_path, clock).slot():
        assert clock.now == before


def test_a_pace_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="At least one"):
        Pace(tmp_path, "gemini", 0, 60)
    with pytest.raises(BadRequest, match="At least one"):
        Pace(tmp_path, "gemini", 1, 0)


def _crowd(folder: Path, inside: Synchronized[int], most: Synchronized[int]) -> None:
    pace = Pace(folder, "a/vendor", 2, 1_000_000)
    for _ in range(20):
        with pace.slot():
            with inside.get_lock():
                inside.value += 1
                most.value = max(most.value, inside.value)
            time.sleep(0.002)
            with inside.get_lock():
                inside.value -= 1


def test_processes_share_the_places(tmp_path: Path) -> None:
    inside, most = SPAWN.Value("i", 0), SPAWN.Value("i", 0)
    workers = [SPAWN.Process(target=_crowd, args=(tmp_path, inside, most)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert most.value == 2


def _hold(folder: Path, held: Event) -> None:
    with Pace(folder, "gemini", 1, 1_000_000).slot():
        held.set()
        time.sleep(600)


def test_a_killed_process_gives_its_place_back(tmp_path: Path) -> None:
    held = SPAWN.Event()
    worker = SPAWN.Process(target=_hold, args=(tmp_path, held))
    worker.start()
    assert held.wait(30)
    got = threading.Event()

    def wait_for_it() -> None:
        with Pace(tmp_path, "gemini", 1, 1_000_000).slot():
            got.set()

    waiting = threading.Thread(target=wait_for_it)
    waiting.start()
    assert not got.wait(0.1)
    os.kill(worker.pid or 0, signal.SIGKILL)
    assert got.wait(30)
    waiting.join()
    worker.join(30)


def test_one_vendors_word_to_wait_pauses_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)
    clock = Clock()
    with vendor("anthropic", faults=[Fault("429", {"retry-after": "90"})]) as (_, endpoint):
        pace = clocked(tmp_path, clock, per_minute=1_000_000)
        assert ask(question("anthropic"), endpoint, pace, sleep=lambda _: None).outcome == "ok"
    assert sum(clock.naps) == pytest.approx(90, abs=0.01)

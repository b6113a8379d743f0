"""One function over many items, whatever happens to the children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import pytest

from tests.unit import runs_jobs
from tests.unit.runs_kit import gone, until
from thud.errors import RefusedClip, RefusedEdit, RunFailed, StoreFull
from thud.runs.pool import guarded

ROOT = Path(__file__).resolve().parents[2]


def test_each_item_comes_back_with_what_befell_it() -> None:
    acts = ["square", "refuse", "refuse edit", "surprise", "exit", "crash", "raw full", "square"]
    given = list(guarded(runs_jobs.call, [(act, 0.0) for act in acts], workers=2, limit_s=20))
    assert sorted(act for (act, _), _ in given) == sorted(acts)
    by_act = {act: result for (act, _), result in given}
    assert by_act["square"][0] == "square"  # type: ignore[index]
    assert isinstance(by_act["refuse"], RefusedClip)
    assert isinstance(by_act["refuse edit"], RefusedEdit)
    assert isinstance(by_act["raw full"], StoreFull)
    assert str(by_act["surprise"]) == "Sticky: odd."
    assert "runs_jobs.py" in by_act["surprise"].__notes__[0]  # type: ignore[union-attr]
    assert str(by_act["exit"]) == "SystemExit: 3."
    assert str(by_act["crash"]) == "The worker died on it twice (SIGSEGV)."
    assert not active_children()


@pytest.mark.parametrize("act", ["square", "hold"])
def test_over_the_limit_is_refused_and_the_batch_goes_on(act: str) -> None:
    items = [("square", 0.0), (act, 60.0 if act == "square" else 0.0), ("square", 0.0)]
    start = time.monotonic()
    given = list(guarded(runs_jobs.call, items, workers=1, limit_s=2.0))
    assert [type(result) for _, result in given] == [tuple, RefusedClip, tuple]
    assert str(given[1][1]) == "It took longer than 2 s and was stopped."
    assert time.monotonic() - start < 30


def test_an_item_whose_child_is_killed_is_tried_again(tmp_path: Path) -> None:
    marks = [str(tmp_path / str(number)) for number in range(3)]
    given = dict(guarded(runs_jobs.once_dead, marks, workers=2, limit_s=20))
    assert given == dict.fromkeys(marks, "alive")


def test_killing_idle_children_loses_nothing() -> None:
    def items() -> Iterator[tuple[str, float]]:
        yield from [("square", 0.0)] * 4
        time.sleep(0.8)  # by now those four are done, and the children wait
        for child in active_children():
            if child.pid:
                os.kill(child.pid, signal.SIGKILL)
        time.sleep(0.3)
        yield from [("square", 0.0)] * 4

    results = [result for _, result in guarded(runs_jobs.call, items(), workers=2, limit_s=20)]
    assert [result[0] for result in results if isinstance(result, tuple)] == ["square"] * 8


def test_items_are_drawn_only_as_workers_come_free() -> None:
    drawn: list[int] = []

    def items() -> Iterator[tuple[str, float]]:
        for number in range(100_000):
            drawn.append(number)
            yield "square", 0.0

    settled = guarded(runs_jobs.call, items(), workers=2, limit_s=20)
    for _ in range(10):
        next(settled)
    assert len(drawn) <= 10 + 2 + 1
    settled.close()
    assert not active_children()


def test_a_stop_takes_up_nothing_and_gives_what_is_in_hand_a_moment() -> None:
    stopping: list[bool] = []
    items = [("square", 0.0), ("square", 0.6), ("square", 60.0), ("square", 0.0)]
    settled = guarded(runs_jobs.call, items, workers=3, limit_s=100, stop=lambda: bool(stopping))
    assert next(settled)[0] == items[0]
    stopping.append(True)
    start = time.monotonic()
    assert items[1] in [item for item, _ in settled]
    assert time.monotonic() - start < 20
    assert not active_children()


@pytest.mark.parametrize("workers", [0, 1])
def test_few_workers_are_children_all_the_same(workers: int) -> None:
    [(_, result)] = guarded(runs_jobs.call, [("square", 0.0)], workers=workers, limit_s=20)
    assert isinstance(result, tuple)
    assert result[1] != os.getpid()


def test_children_use_one_thread() -> None:
    assert list(guarded(runs_jobs.threads_allowed, [1], workers=1, limit_s=20)) == [(1, "1")]


def test_what_cannot_be_imported_fails_its_item_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_jobs.call, "__module__", "no_such_module")
    monkeypatch.setitem(sys.modules, "no_such_module", runs_jobs)
    [(_, result)] = guarded(runs_jobs.call, [("square", 0.0)], workers=1, limit_s=20)
    assert isinstance(result, RunFailed)
    assert "no_such_module" in str(result)


SCRIPT = """
import os, signal
from multiprocessing import active_children
from tests.unit.runs_jobs import call
from thud.runs.pool import guarded

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started without it
    for item, result in guarded(call, [("square", 0.0)] * 2 + [("square", 60.0)] * 2, workers=2, limit_s=100):
        print(*(child.pid for child in active_children()), flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_children_end_with_their_parent(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    with parent:
        assert parent.stdout is not None
        pids = [[int(pid) for pid in parent.stdout.readline().split()] for _ in range(2)][-1]
        assert len(pids) == 2
        parent.send_signal(number)
        parent.wait(20)
        until(lambda: all(gone(pid) for pid in pids))

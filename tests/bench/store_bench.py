"""The store under load and under kill -9.

    claims(threads, seconds)   claim + durable submit, pairs a second, against a lock around every commit
    kill9(times)               a child with 8 writing threads is killed mid-write; what it was told is saved must be
                               there

Each gives rows of plain values. `python -m tests.bench.store_bench` prints them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from thud.errors import ThudError
from thud.records import Clip, EventTimes, Mark, Probe
from thud.store import Store, open_store
from thud.store.verify import check_log

ROOT = Path(__file__).resolve().parents[2]
Row = dict[str, Any]


def a_clip(name: str) -> Clip:
    probe = Probe("mov", 4.0, 30.0, 120, 320, 240, 0, "h264", 1000)
    return Clip(hashlib.sha256(name.encode()).hexdigest(), f"clips/{name}.mp4", name, probe, "p" * 64)


# --- claims


def claims(threads: int = 64, seconds: float = 5.0, clips: int = 2000) -> list[Row]:
    """Pairs a second of `threads` annotators who work without a pause, and the same with a lock around every commit."""
    with tempfile.TemporaryDirectory() as folder:
        return [_claims(Path(folder), threads, seconds, clips), _lock_baseline(Path(folder), threads, seconds)]


def _claims(folder: Path, threads: int, seconds: float, clips: int) -> Row:
    holders: dict[str, str] = {}
    told: list[tuple[int, str, str]] = []
    waits: list[float] = []
    double: list[str] = []
    with open_store(folder / "a.duckdb", folder) as store:
        store.add_clips([a_clip(str(number)) for number in range(clips)], "bench")
        ids = [clip.id for clip in store.clips()]

        def annotate(number: int, end: float) -> None:
            who = f"annotator {number}"
            queue = ids[number:] + ids[:number]
            while time.monotonic() < end and (clip_id := store.claim(who, queue)) is not None:
                if holders.setdefault(clip_id, who) != who:
                    double.append(clip_id)
                del holders[clip_id]
                begin = time.monotonic()
                ev_id = store.submit_mark(Mark(clip_id, who, 1.0, 2.0))
                waits.append(time.monotonic() - begin)
                told.append((ev_id or -1, clip_id, who))

        spent = _run_threads(threads, seconds, annotate)
    with open_store(folder / "a.duckdb", folder) as store:
        there = {(mark.ev_id, mark.clip_id, mark.annotator) for mark in store.marks()}
    waits.sort()
    return {
        "store": "group commit", "threads": threads, "seconds": round(spent, 1), "pairs": len(told),
        "pairs_per_s": round(len(told) / spent), "p50_ms": round(1000 * waits[len(waits) // 2], 1),
        "p99_ms": round(1000 * waits[len(waits) * 99 // 100], 1), "double_claims": len(double),
        "acknowledged_missing": len(set(told) - there),
    }  # fmt: skip


def _lock_baseline(folder: Path, threads: int, seconds: float) -> Row:
    """What one writes first: one connection, one lock, one transaction per submit."""
    connection = duckdb.connect(str(folder / "baseline.duckdb"))
    connection.execute("CREATE TABLE event (ev_id BIGINT PRIMARY KEY, payload VARCHAR)")
    connection.execute("CREATE TABLE mark (clip VARCHAR, who VARCHAR, audio_s DOUBLE, PRIMARY KEY (clip, who))")
    lock, ids = threading.Lock(), itertools.count(1)

    def annotate(number: int, end: float) -> None:
        while time.monotonic() < end:
            with lock:
                ev_id = next(ids)
                connection.execute("BEGIN")
                connection.execute("INSERT INTO event VALUES (?, ?)", [ev_id, '{"audio_s": 2.0}'])
                connection.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", [str(ev_id), str(number), 2.0])
                connection.execute("COMMIT")

    spent = _run_threads(threads, seconds, annotate)
    connection.close()
    pairs = next(ids) - 1
    row = {"store": "a lock around every commit", "threads": threads, "seconds": round(spent, 1)}
    return {**row, "pairs": pairs, "pairs_per_s": round(pairs / spent)}


def _run_threads(count: int, seconds: float, work: Callable[[int, float], None]) -> float:
    """Seconds that `count` threads took, each told when to stop."""
    begin = time.monotonic()
    running = [threading.Thread(target=work, args=(number, begin + seconds)) for number in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return time.monotonic() - begin


# --- kill -9


def kill9(times: int = 200, seed: int = 7, threads: int = 8) -> list[Row]:
    """One row: children killed, writes they were told are saved, and how many of those are not there.

    Zero is the claim.
    """
    rnd = random.Random(seed)
    row = {
        "kills": times, "acknowledged": 0, "lost": 0, "failed_reopenings": 0, "log_state_differences": 0,
        "kills_with_log_to_replay": 0, "slowest_open_s": 0.0,
    }  # fmt: skip
    for begin in range(0, times, 10):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.duckdb"
            for number in range(begin, min(begin + 10, times)):
                acknowledged = _kill_one(path, threads, rnd.uniform(0.02, 0.5), often=number % 3 == 0)
                row["acknowledged"] += len(acknowledged)
                row["kills_with_log_to_replay"] += path.with_name("a.duckdb.wal").exists()
                _look(path, acknowledged, row)
    return [row]


def _kill_one(path: Path, threads: int, after_s: float, often: bool) -> dict[int, float]:
    """Event id -> audio_s of all that a child said was saved, before it was killed `after_s` after its first word."""
    command = [sys.executable, "-m", "tests.bench.store_bench", "child", str(path), str(threads), str(int(often))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        timer = threading.Timer(after_s, os.kill, (child.pid, signal.SIGKILL))
        timer.start()
        lines.extend(child.stdout)  # to the end of the pipe: what was written before the kill is still in it
        timer.join()
    if child.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the child ended by itself with {child.returncode}")
    return dict(json.loads(line) for line in lines if line.endswith(b"\n"))


def _look(path: Path, acknowledged: dict[int, float], row: Row) -> None:
    """Open what the killed child left, and count what is wrong with it."""
    begin = time.monotonic()
    try:
        store = open_store(path, path.parent)
    except ThudError:
        row["failed_reopenings"] += 1
        return
    row["slowest_open_s"] = max(row["slowest_open_s"], round(time.monotonic() - begin, 2))
    with store:
        there = {event.ev_id: event.payload.get("audio_s") for event in store.events(limit=10**9)}
        row["lost"] += sum(there.get(ev_id) != audio_s for ev_id, audio_s in acknowledged.items())
        row["log_state_differences"] += len(check_log(store._database))


def child(path: Path, threads: int, often: bool) -> None:
    """Write until killed, and say what was saved: one JSON line per acknowledged event."""
    store = open_store(path, path.parent)
    if often:
        store._database.cursor().execute("SET GLOBAL checkpoint_threshold = '64KB'")
    store.add_clips([a_clip(str(number)) for number in range(threads)], "child")

    def write(number: int) -> None:
        clip_id = a_clip(str(number)).id
        for turn in itertools.count():
            audio_s = random.random()
            _say(store.set_times(clip_id, EventTimes(1.0, audio_s, "gold"), "child"), audio_s)
            if turn % 4 == 0:
                _write_more(store, clip_id)

    for number in range(threads):
        threading.Thread(target=write, args=(number,), daemon=True).start()
    threading.Event().wait()


def _write_more(store: Store, clip_id: str) -> None:
    """The other shapes of a write: an undo, a mark, a batch."""
    audio_s = random.random()
    marked = store.submit_mark(Mark(clip_id, str(random.random()), None, audio_s))
    _say(marked, audio_s)
    if marked and random.random() < 0.5:
        _say(store.undo(marked, "child"), None)
    store.add_clips([a_clip(str(random.random())) for _ in range(10)], "child")


def _say(ev_id: int | None, audio_s: float | None) -> None:
    os.write(1, (json.dumps([ev_id, audio_s]) + "\n").encode())


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1")
    for result in [*claims(), *kill9()]:
        print(result)

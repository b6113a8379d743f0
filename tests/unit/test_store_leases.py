"""Who holds which clip: never two at once, never one that is marked, and an end to every hold."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.unit.store_samples import a_clip
from thud.errors import BadRequest, NotFound
from thud.records import Mark
from thud.store import Leases, open_store

QUEUE = ["a", "b", "c"]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_gets_another_clip_and_the_same_again_on_reload() -> None:
    leases = Leases()
    assert [leases.claim(who, QUEUE) for who in ("ada", "bob", "ada", "cy", "dan")] == ["a", "b", "a", "c", None]
    assert leases.holder("b") == "bob"


def test_a_hold_ends_exactly_when_it_should() -> None:
    clock = Clock()
    leases = Leases(hold_s=10, clock=clock)
    leases.claim("ada", QUEUE)
    clock.now += 9.999
    assert leases.claim("bob", ["a"]) is None
    clock.now += 0.001
    assert leases.holder("a") is None and leases.claim("bob", ["a"]) == "a"


def test_a_renewed_hold_lasts_a_full_term() -> None:
    clock = Clock()
    leases = Leases(hold_s=10, clock=clock)
    leases.claim("ada", QUEUE)
    clock.now += 8
    leases.claim("ada", QUEUE)
    clock.now += 8
    assert leases.holder("a") == "ada"
    clock.now += 2
    assert leases.holder("a") is None


def test_release() -> None:
    leases = Leases()
    leases.claim("ada", QUEUE)
    assert not leases.release("bob", "a") and leases.holder("a") == "ada"
    assert leases.release("ada", "a") and not leases.release("ada", "a")
    assert leases.claim("bob", QUEUE) == "a"


def test_a_thousand_claims_at_once_give_a_thousand_clips() -> None:
    leases, got, queue = Leases(), [], [str(number) for number in range(1000)]

    def claim(who: int) -> None:
        got.extend(leases.claim(f"{who} {turn}", queue) for turn in range(100))

    threads = [threading.Thread(target=claim, args=(who,)) for who in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, got)) == sorted(queue)


def test_marking_lets_go_and_is_remembered_after_a_restart(tmp_path: Path) -> None:
    clips = [a_clip(number) for number in (1, 2)]
    ids = [clip.id for clip in clips]
    with open_store(tmp_path / "a.duckdb", tmp_path) as store:
        store.add_clips(clips, "ada")
        assert store.claim("ada", ids) == ids[0]
        store.submit_mark(Mark(ids[0], "ada", 1, 2))
        assert store.leases.holder(ids[0]) is None
        assert store.claim("bob", ids) == ids[0], "another annotator may mark it too"
        assert store.claim("ada", ids) == ids[1]
    with open_store(tmp_path / "a.duckdb", tmp_path) as store:
        assert store.leases.holder(ids[1]) is None, "a restart forgets holds"
        assert store.claim("ada", ids) == ids[1], "and remembers marks"
        store.submit_mark(Mark(ids[1], "bob", 1, None), keep_late=True)


def test_a_late_mark_is_refused_unless_it_is_to_be_kept(tmp_path: Path) -> None:
    clock, clip = Clock(), a_clip()
    with open_store(tmp_path / "a.duckdb", tmp_path, hold_s=10, clock=clock) as store:
        store.add_clip(clip, "ada")
        store.claim("ada", [clip.id])
        clock.now += 11
        assert store.claim("bob", [clip.id]) == clip.id
        with pytest.raises(BadRequest, match="ran out and bob has it"):
            store.submit_mark(Mark(clip.id, "ada", 1, 2))
        assert store.marks() == []
        assert store.submit_mark(Mark(clip.id, "ada", 1, 2), keep_late=True)
        assert store.leases.holder(clip.id) == "bob"
        assert store.submit_mark(Mark(clip.id, "ada", 1, 2.5)), "one's own mark can be corrected at any time"
        assert store.submit_mark(Mark(clip.id, "bob", 1, 2))
        assert [(mark.annotator, mark.audio_s) for mark in store.marks()] == [("ada", 2.5), ("bob", 2.0)]
        with pytest.raises(NotFound):
            store.submit_mark(Mark("nothing-here", "ada", 1, 2))

"""The state tables are what the log says: after any writes and undos, written one by one or together, then and after a
replay.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.store_samples import EARLY, MUTED, a_clip, a_run, a_stimulus
from thud.errors import ThudError
from thud.records import EventTimes, Mark
from thud.store import Store, changes, open_store
from thud.store.batch import read_state, select_events
from thud.store.changes import Change
from thud.store.log import replay

SALT = itertools.count()
seconds = st.none() | st.floats(-1e6, 1e6)
who = st.sampled_from(["ada", "bob"])
which = st.integers(0, 2)
writes = st.one_of(
    st.tuples(st.just("clip"), which, st.sampled_from(["a.mp4", "b.mp4"]), st.sampled_from(["glass", "metal"])),
    st.tuples(st.just("times"), which, st.sampled_from(["gold", "manifest"]), seconds, who),
    st.tuples(st.just("reject"), which, st.sampled_from(["d1", "d2"]), st.sampled_from(["no", "never"])),
    st.tuples(st.just("mark"), which, who, seconds),
    st.tuples(st.just("refuse"), which, st.sampled_from([EARLY, MUTED]), st.sampled_from(["no sound", "too far"])),
    st.tuples(st.just("stimulus"), which, st.sampled_from([EARLY, MUTED]), st.booleans()),
    st.tuples(st.just("run"), which, st.integers(0, 3), st.booleans()),
    st.tuples(st.just("note"), which, st.text()),
    st.tuples(st.just("undo"), st.integers(1, 12)),
)
groups = st.lists(st.lists(writes, min_size=1, max_size=5), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("log")
    with open_store(folder / "a.duckdb", folder) as opened:
        yield opened


def as_change(write: tuple[Any, ...], salt: int, last: int) -> Change:
    """The write as a change to this example's own clips; an undo counts back from the newest event."""
    if write[0] == "undo":
        return changes.undo(max(1, last - write[1]), "ada")
    kind, number, *rest = write
    clip = a_clip(1000 * salt + number)
    if kind == "clip":
        return changes.add_clip(replace(clip, path=rest[0], kind=rest[1]), "ada")
    if kind == "times":
        return changes.set_times(clip.id, EventTimes(1.0, rest[1], rest[0]), rest[2])
    if kind == "reject":
        return changes.reject_donor(clip.id, rest[0], rest[1], "ada")
    if kind == "mark":
        return changes.submit_mark(Mark(clip.id, rest[0], None, rest[1]))
    if kind == "refuse":
        return changes.add_refusal(clip.id, rest[0], rest[1], "ada")
    if kind == "stimulus":
        return changes.add_stimulus(a_stimulus(clip, rest[0], event_survives=rest[1]), "ada")
    if kind == "run":
        write_run = changes.add_run if rest[1] else changes.update_run
        return write_run(a_run(f"{salt} {number}", done=rest[0]), "ada")
    return changes.change("note", clip.id, "ada", {"text": rest[0]})


def told_state(store: Store, salt: int) -> dict[tuple[str, str], EventTimes]:
    """Event times by the plain reading of history: of each key the newest event that no standing undo names."""
    ids = {a_clip(1000 * salt + number).id for number in range(3)}
    newest_first = [event for clip_id in ids for event in store.events(clip_id, limit=10**6)]
    newest_first.sort(key=lambda event: -event.ev_id)
    gone: set[int] = set()
    times: dict[tuple[str, str], EventTimes] = {}
    for event in newest_first:
        if event.ev_id in gone:
            continue
        if event.undoes:
            gone.add(event.undoes)
        elif event.kind == "set_times":
            key = (event.subject, event.payload["method"])
            times.setdefault(key, EventTimes(event.payload["visual_s"], event.payload["audio_s"], key[1]))
    return times


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups)
def test_state_equals_replay_after_any_writes(store: Store, many: list[list[tuple[Any, ...]]]) -> None:
    salt = next(SALT)
    for group in many:
        last = store.counts()["event"]
        try:
            store.write_many([as_change(write, salt, last) for write in group])
        except ThudError:
            assert store.counts()["event"] == last, "a group that is refused leaves nothing"
    with store._database.snapshot() as cursor:
        events = select_events(cursor, "ORDER BY ev_id", [])
        stored = read_state(cursor)
    assert [event.ev_id for event in events] == list(range(1, len(events) + 1))
    assert stored == replay(events)
    expected = told_state(store, salt)
    for method in ("gold", "manifest"):
        mine = {clip_id: times for (clip_id, told), times in expected.items() if told == method}
        ids = [a_clip(1000 * salt + number).id for number in range(3)]
        assert {key: value for key, value in store.times(method).items() if key in ids} == mine


def test_rebuild_changes_nothing(store: Store) -> None:
    with store._database.reading() as cursor:
        before = read_state(cursor)
    store.rebuild()
    with store._database.reading() as cursor:
        assert read_state(cursor) == before

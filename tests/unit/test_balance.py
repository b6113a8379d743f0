"""The balanced draw: offsets from the list that keep the event, no easier to guess than other draws, and its plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.store_samples import a_clip
from thud.evaluation.leak_advice import ClipPlace, predict
from thud.records import Clip, EventTimes, Intervention, Proof, Stimulus
from thud.runs.jobs.build import plan_build
from thud.stimuli.balance import Placed, balanced_draw, overlap, possible, random_draw, shifts_to_ask
from thud.stimuli.build import BuildSettings
from thud.stimuli.interventions import EDGE_S
from thud.store import Store, open_store

OFFSETS = (-1.2, -0.6, -0.4, 0.4, 0.6, 1.2)
LISTS = st.lists(st.sampled_from([-2.0, -1.2, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6, 1.2, 2.0]), min_size=1, unique=True)

SOME = settings(max_examples=40, deadline=None)


@st.composite
def clip_sets(draw: st.DrawFn, smallest: int = 1) -> list[Placed]:
    """Clips of 2 to 8 s, events anywhere in them, some not known."""
    count = draw(st.integers(smallest, 24))
    lengths = draw(st.lists(st.floats(2.0, 8.0), min_size=count, max_size=count))
    places = draw(st.lists(st.one_of(st.none(), st.floats(0.05, 0.95)), min_size=count, max_size=count))
    return [
        Placed(f"{number:016x}", None if place is None else place * length, length)
        for number, (place, length) in enumerate(zip(places, lengths, strict=True))
    ]


@given(clip_sets(), LISTS, st.integers(0, 5))
@SOME
def test_what_is_drawn_is_offered_survives_and_is_one_of_each_sign(
    clips: list[Placed], offsets: list[float], seed: int
) -> None:
    drawn = balanced_draw(clips, offsets, seed)
    assert list(drawn) and set(drawn) == {clip.clip_id for clip in clips}
    for clip in clips:
        own = drawn[clip.clip_id]
        assert set(own) <= set(offsets)
        if clip.audio_s is not None:
            assert all(EDGE_S <= clip.audio_s + offset <= clip.duration_s - EDGE_S for offset in own)
        able = possible(clip, offsets)
        assert [offset < 0 for offset in own] == [
            sign for sign in (True, False) if any((each < 0) is sign for each in able)
        ]


@given(clip_sets(2), LISTS, st.integers(0, 5))
@SOME
def test_it_is_never_easier_to_guess_than_a_draw_by_lot_or_the_smallest(
    clips: list[Placed], offsets: list[float], seed: int
) -> None:
    drawn = overlap(clips, balanced_draw(clips, offsets, seed))
    assert drawn <= overlap(clips, random_draw(clips, offsets, seed)) + 1e-6
    smallest = {
        clip.clip_id: tuple(
            min(side, key=abs)
            for side in ([o for o in possible(clip, offsets) if o < 0], [o for o in possible(clip, offsets) if o > 0])
            if side
        )
        for clip in clips
    }
    if sum(clip.audio_s is not None for clip in clips) > 1:
        assert drawn <= overlap(clips, smallest) + 1e-6


@given(st.integers(0, 10_000), st.integers(20, 60))
@SOME
def test_it_is_no_easier_to_guess_than_all_offsets_of_every_clip(seed: int, count: int) -> None:
    clips = spread(count, seed)
    everything = {clip.clip_id: possible(clip, OFFSETS) for clip in clips}
    assert overlap(clips, balanced_draw(clips, OFFSETS, seed)) <= overlap(clips, everything)


@given(clip_sets(2), st.integers(0, 5), st.randoms(use_true_random=False))
@SOME
def test_the_order_of_clips_and_offsets_changes_nothing(clips: list[Placed], seed: int, dice: object) -> None:
    mixed, offsets = list(clips), list(OFFSETS)
    dice.shuffle(mixed), dice.shuffle(offsets)  # type: ignore[attr-defined]
    assert balanced_draw(mixed, offsets, seed) == balanced_draw(clips, OFFSETS, seed)


def spread(count: int, seed: int = 0) -> list[Placed]:
    """Clips of 4 s with the event from 0.8 to 3.2 s."""
    return [Placed(f"{seed:08x}{n:08x}", 0.8 + 2.4 * ((n * 0.618 + seed * 0.1) % 1), 4.0) for n in range(count)]


def test_an_event_near_an_end_gets_the_offsets_that_fit_it_and_the_plan_asks_for_the_rest() -> None:
    clips = [Placed("early event", 0.3, 4.0), Placed("late event", 3.7, 4.0)]
    assert balanced_draw(clips, OFFSETS) == {"early event": (0.4,), "late event": (-0.4,)}
    assert shifts_to_ask(clips, OFFSETS) == {"early event": (0.4, -0.4), "late event": (-0.4, 0.4)}
    assert shifts_to_ask([Placed("no time", None, 1.0)], (-0.6, 2.0)) == {"no time": (-0.6, 2.0)}
    assert balanced_draw([], OFFSETS) == {}
    assert balanced_draw(clips, ()) == {"early event": (), "late event": ()}


def test_larger_offsets_are_taken_where_they_bring_the_classes_together() -> None:
    """Events at 1.0 and 2.0: only ±1 s puts each shifted event where the other clip's original is."""
    clips = [Placed(f"{n:04x}", 1.0 + n % 2, 3.0) for n in range(20)]
    drawn = balanced_draw(clips, (-0.5, -1.0, 0.5, 1.0))
    assert drawn["0001"][0] == -1.0
    assert drawn["0000"][1] == 1.0


def test_exchanges_find_what_no_rule_for_all_clips_does() -> None:
    clips = spread(20)
    drawn = balanced_draw(clips, OFFSETS)
    fits = {clip.clip_id: possible(clip, OFFSETS) for clip in clips}
    rules = [{name: tuple(offset for offset in some if abs(offset) == size) for name, some in fits.items()}
             for size in (0.4, 0.6, 1.2)]  # fmt: skip
    assert overlap(clips, drawn) < min(overlap(clips, draw) for draw in (random_draw(clips, OFFSETS), *rules)) - 0.001


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", tmp_path, min_free_bytes=0) as opened:
        yield opened


def fill(store: Store, count: int) -> list[Clip]:
    clips = [replace(a_clip(n), source=f"film {n}") for n in range(count)]
    store.add_clips(clips, "test")
    for clip, place in zip(clips, spread(count), strict=True):
        store.set_times(clip.id, EventTimes(place.audio_s, place.audio_s, "gold"), "test")
    return clips


def test_a_plan_without_it_is_as_it_was_and_one_with_it_has_one_of_each(store: Store) -> None:
    clips = fill(store, 30)
    assert BuildSettings.parse({"shifts": list(OFFSETS)}) == BuildSettings(OFFSETS)
    plain = plan_build(store, None, BuildSettings(OFFSETS))
    drawn = plan_build(store, None, BuildSettings.parse({"shifts": list(OFFSETS), "balanced": True}))
    built = {row.condition: row.build for row in drawn.rows}
    assert (built["original"], built["early"], built["delayed"]) == (30, 30, 30)
    assert sum(row.build for row in plain.rows) > 150
    assert all(set(drawn.shifts[clip.id]) <= set(plain.shifts[clip.id]) for clip in clips)
    edits = {each.id for item in plain.items for each in [Intervention(**edit) for edit in item["edits"]]}
    assert {Intervention(**edit).id for item in drawn.items for edit in item["edits"]} <= edits
    assert not drawn.refused


def test_the_plan_says_what_the_sounds_place_will_give(store: Store) -> None:
    fill(store, 40)
    plain = plan_build(store, None, BuildSettings(OFFSETS)).predicted()
    drawn = plan_build(store, None, BuildSettings(OFFSETS, balanced=True)).predicted()
    assert plain is not None and drawn is not None
    assert plain.right.value is not None and drawn.right.value is not None
    assert drawn.chance == pytest.approx(1 / 3)
    assert plain.chance > 0.4
    assert drawn.right.value - drawn.chance < plain.right.value - plain.chance
    assert plan_build(store, None, BuildSettings()).predicted() is None


def test_shifts_that_were_built_before_and_stay_are_counted(store: Store) -> None:
    clip = fill(store, 3)[0]
    for offset in (0.4, 1.2):
        edit = Intervention("shift", offset, "room")
        store.add_stimulus(Stimulus(clip.id, edit, "m.wav", "p.flac", Proof("verified", (), 4.0, "p"), True), "test")
    plan = plan_build(store, None, BuildSettings((-0.4, 0.4), balanced=True))
    assert plan.earlier == 1
    assert {row.condition: row.reused for row in plan.rows}["delayed"] == 1


def test_a_clip_with_no_early_offset_is_refused_with_the_reason(store: Store) -> None:
    clip = fill(store, 2)[0]
    store.set_times(clip.id, EventTimes(0.2, 0.2, "gold"), "test")
    plan = plan_build(store, None, BuildSettings(OFFSETS, balanced=True))
    reasons = [(refused.edit.offset_s, refused.reason) for named, refused in plan.refused if named.id == clip.id]
    assert reasons == [(-0.4, "the event would leave the clip by 0.200 s")]


def test_a_prediction_is_what_the_built_set_gives() -> None:
    clips = [ClipPlace(place, place.clip_id) for place in spread(60)]
    apart = predict(clips, {clip.placed.clip_id: (-0.7, 0.7) for clip in clips})
    near = predict(clips, {clip.placed.clip_id: (-0.05, 0.05) for clip in clips})
    assert apart is not None and near is not None
    assert (apart.right.low or 0) > near.chance
    assert (near.right.low or 0) <= near.chance

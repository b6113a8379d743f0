"""Drawing pairs: counts, balance, curricula, what is held back or dropped, and the funnel that tells of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import pytest

from tests.pairs_kit import MUTE, SWAP, Sync, clip, edits, material
from thud.pairs.builders.base import Builder
from thud.pairs.funnel import MOST_SUBJECTS, funnel_of, why_empty
from thud.pairs.material import Material
from thud.pairs.mixture import Drawn, Tally, draw_pairs
from thud.pairs.pair import Pair
from thud.pairs.recipe import Recipe, Step
from thud.pairs.splits import split_clips
from thud.pairs.stock import Stock, take_stock, usable

Made = tuple[list[Drawn], dict[str, Tally], dict[str, Stock]]


def _fine(n: int, pair: Pair) -> Sequence[str]:
    del n, pair
    return ()


def _make(
    known: Material,
    recipe: Recipe,
    builders: Sequence[Builder],
    check: Callable[[int, Pair], Sequence[str]] = _fine,
    dropped: Collection[str] = (),
    splits: Mapping[str, str] | None = None,
) -> Made:
    splits = splits or dict.fromkeys(known.clips, "train")
    kept, foreign = usable(known, splits)
    stocks = {one.type: take_stock(one, kept, {}, foreign) for one in builders}
    tallies, drawn = draw_pairs(stocks, kept, recipe, splits, check, dropped)
    return list(drawn), tallies, stocks


def _recipe(**counts: int) -> Recipe:
    return Recipe("mix", "Mix", "dpo", counts)


def test_counts_are_reached_with_new_words_and_unique_ids() -> None:
    drawn, tallies, _ = _make(material(4), _recipe(shift=300, mute=7), [Sync(), MUTE])
    assert Counter(one.pair.type for one in drawn) == {"shift": 300, "mute": 7}
    assert len({one.pair.id for one in drawn}) == 307
    assert {name: (tally.made, tally.kept) for name, tally in tallies.items()} == {"shift": (300, 300), "mute": (7, 7)}


def test_the_same_seed_gives_the_same_pairs_and_another_seed_others() -> None:
    first, again = (_make(material(5), _recipe(shift=40), [Sync()])[0] for _ in range(2))
    assert first == again
    other = _make(material(5), replace(_recipe(shift=40), seed=18), [Sync()])[0]
    assert [one.pair.id for one in first] != [one.pair.id for one in other]
    assert {one.pair.seed for one in other} == {18}


def test_conditions_directions_and_what_is_rejected_are_balanced() -> None:
    known = material(6)
    late = [one for many in known.stimuli.values() for one in many if one.condition == "delayed"]
    # Two thirds of the delayed sounds were never built: the draw makes up for it.
    gone = {one.id for n, one in enumerate(late) if n % 3}
    known = replace(
        known, stimuli={key: tuple(one for one in many if one.id not in gone) for key, many in known.stimuli.items()}
    )
    drawn, _, _ = _make(known, _recipe(shift=200), [Sync()])
    assert Counter(one.pair.condition for one in drawn) == {"early": 100, "delayed": 100}
    assert Counter(one.pair.rejected_label for one in drawn) == {"synced": 100, "early": 50, "delayed": 50}


def test_clips_take_turns() -> None:
    drawn, _, _ = _make(material(8), _recipe(shift=80), [Sync()])
    assert set(Counter(one.pair.clip_id for one in drawn).values()) <= set(range(8, 13))


def test_every_stretch_of_the_set_holds_the_mixture() -> None:
    drawn, _, _ = _make(material(6), _recipe(shift=300, mute=100), [Sync(), MUTE])
    for start in range(0, 400, 40):
        stretch = Counter(one.pair.type for one in drawn[start : start + 40])
        assert 29 <= stretch["shift"] <= 31


def test_a_type_with_few_words_ends_when_nothing_new_comes() -> None:
    drawn, tallies, stocks = _make(material(3), _recipe(shift=500), [Sync(phrasings=2)])
    assert len(drawn) == 3 * 4 * 2 * 2  # clips, offsets, what is rejected, phrasings
    assert tallies["shift"].repeats
    funnel = funnel_of(3, (), stocks, tallies)
    assert funnel["shift"][-1]["losses"][0]["count"] == 500 - 48
    assert why_empty(funnel) == ""


def test_pairs_with_errors_are_held_back_and_replaced() -> None:
    def check(n: int, pair: Pair) -> Sequence[str]:
        del n
        return ("label_text", "edge") if pair.prompt.endswith("7") else ("edge",)

    drawn, tallies, stocks = _make(material(4), _recipe(shift=100), [Sync()], check)
    held = [one for one in drawn if one.held]
    assert held and len(drawn) == 100 + len(held)
    assert all(one.held == ("label_text",) and one.findings == ("label_text", "edge") for one in held)
    clean = next(step for step in funnel_of(4, (), stocks, tallies)["shift"] if step["step"] == "clean")
    assert clean["count"] == 100
    assert [(loss["check"], loss["count"]) for loss in clean["losses"]] == [("label_text", len(held))]
    assert clean["losses"][0]["subjects"] == [one.pair.id for one in held][:MOST_SUBJECTS]


def test_line_numbers_count_what_is_held_back_too() -> None:
    numbers: list[int] = []

    def check(n: int, pair: Pair) -> Sequence[str]:
        del pair
        numbers.append(n)
        return ("label_text",) if n % 3 == 0 else ()

    drawn, _, _ = _make(material(4), _recipe(shift=30), [Sync()], check)
    assert numbers == list(range(len(drawn)))


def test_where_all_are_held_back_the_draw_ends() -> None:
    drawn, tallies, stocks = _make(material(3), _recipe(shift=50), [Sync()], lambda n, pair: ("label_text",))
    assert tallies["shift"].kept == 0 and 0 < len(drawn) < 500
    assert why_empty(funnel_of(3, (), stocks, tallies)).startswith("Nothing is left at “Without errors”: ")


def test_what_people_dropped_is_replaced() -> None:
    first, _, _ = _make(material(4), _recipe(shift=50), [Sync()])
    dropped = {one.pair.id for one in first[:5]}
    drawn, tallies, _ = _make(material(4), _recipe(shift=50), [Sync()], dropped=dropped)
    assert len(drawn) == 50 and not dropped & {one.pair.id for one in drawn}
    assert set(tallies["shift"].dropped) == dropped


def test_a_curriculum_goes_from_easy_to_hard() -> None:
    steps = (Step(0.5, 1.0, 2.0), Step(0.5, 0.0, 0.99))
    drawn, _, _ = _make(material(4), replace(_recipe(shift=40, mute=10), curriculum=steps), [Sync(), MUTE])
    first, second = drawn[:25], drawn[25:]
    assert {abs(one.pair.offset_s) for one in first if one.pair.offset_s} == {1.2}
    assert {abs(one.pair.offset_s) for one in second if one.pair.offset_s} == {0.6}
    assert [Counter(one.pair.type for one in part) for part in (first, second)] == [{"shift": 20, "mute": 5}] * 2


def test_a_step_that_nothing_fits_is_told() -> None:
    steps = (Step(0.5, 3.0, 4.0), Step(0.5, 0.0, 2.0))
    drawn, tallies, stocks = _make(material(4), replace(_recipe(shift=40), curriculum=steps), [Sync()])
    assert len(drawn) == 20
    made = next(step for step in funnel_of(4, (), stocks, tallies)["all"] if step["step"] == "made")
    assert made["losses"][-1]["subjects"] == ["3 to 4 s"]


def test_sft_drops_what_is_rejected() -> None:
    drawn, _, _ = _make(material(3), replace(_recipe(shift=20), stage="sft"), [Sync()])
    assert {(one.pair.rejected, one.pair.rejected_label, one.pair.rejected_shown) for one in drawn} == {("", "", None)}
    assert len({one.pair.id for one in drawn}) == 20


def test_test_clips_give_nothing_and_no_sound_crosses_splits() -> None:
    known = material(10)
    names = list(known.clips)
    splits = {name: ("test" if n < 2 else "validation" if n < 4 else "train") for n, name in enumerate(names)}
    drawn, tallies, stocks = _make(known, _recipe(shift=60, swap=20), [Sync(), SWAP], splits=splits)
    assert {one.pair.split for one in drawn} == {"train", "validation"}
    assert not {one.pair.clip_id for one in drawn} & set(names[:2])
    donors = {
        one.id: one.intervention.donor for many in known.stimuli.values() for one in many if one.condition == "swapped"
    }  # fmt: skip
    for one in drawn:
        if one.pair.type == "swap":
            assert splits[donors[one.pair.stimulus_id]] == one.pair.split
    lost = next(step for step in funnel_of(10, names[:2], stocks, tallies)["swap"] if step["step"] == "valid")["losses"]
    # Clip 3 takes its sound from clip 4, which is trained on, and clip 9 from clip 0, a test clip.
    assert {loss["reason"]: loss["count"] for loss in lost}["The foreign sound is of a clip in another split"] == 2


def test_the_funnel_counts_from_clips_to_pairs() -> None:
    known = material(6, unsettled=(0, 1))
    bare = clip(6)
    known = replace(
        known, clips={**known.clips, bare.id: bare}, times={**known.times, bare.id: known.times[clip(3).id]}
    )
    splits = {one: ("test" if n == 2 else "train") for n, one in enumerate(known.clips)}
    kept, foreign = usable(known, splits)
    stocks = {"shift": take_stock(Sync(), kept, {clip(0).id: "Nobody has marked it"}, foreign)}
    tallies, drawn = draw_pairs(stocks, kept, _recipe(shift=9), splits, _fine)
    assert len(list(drawn)) == 9
    steps = funnel_of(7, [clip(2).id], stocks, tallies)["shift"]
    assert [(step["step"], step["count"], step["unit"]) for step in steps] == [
        ("clips", 7, "clips"), ("split", 6, "clips"), ("settled", 4, "clips"), ("valid", 3, "clips"),
        ("made", 9, "pairs"), ("clean", 9, "pairs"), ("kept", 9, "pairs"),
    ]  # fmt: skip
    assert steps[1]["losses"] == [{"reason": "Kept for testing", "count": 1, "subjects": [clip(2).id]}]
    assert steps[2]["losses"] == [
        {"reason": "Nobody has marked it", "count": 1, "subjects": [clip(0).id]},
        {"reason": "Its event times are not settled", "count": 1, "subjects": [clip(1).id]},
    ]
    assert steps[3]["losses"] == [{"reason": "It has no shifted sound", "count": 1, "subjects": [bare.id]}]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Material({}), "Nothing is left at “Clips”."),
        (
            material(3, unsettled=(0, 1, 2)),
            "Nothing is left at “Event times settled”: Its event times are not settled (3).",
        ),
        (
            replace(material(3), stimuli={}),
            "Nothing is left at “Fit for one of the types”: It has no shifted sound (3).",
        ),
    ],
)
def test_an_empty_funnel_says_where_and_why(known: Material, said: str) -> None:
    _, tallies, stocks = _make(known, _recipe(shift=5), [Sync()])
    assert why_empty(funnel_of(len(known.clips), (), stocks, tallies)) == said


def test_muted_files_without_a_stream_are_never_shown() -> None:
    known = material(3)
    first = clip(0)
    dropped = tuple(replace(one, models="") for one in edits(first, clip(1)))
    kept, _ = usable(
        replace(known, stimuli={**known.stimuli, first.id: dropped}), split_clips(known.clips.values(), {"train": 1}, 0)
    )
    assert kept.stimuli[first.id] == () and len(kept.stimuli[clip(1).id]) == 7

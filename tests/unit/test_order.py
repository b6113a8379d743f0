"""The queue: best first, a random share and hidden gold evenly among it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from thud.errors import BadRequest
from thud.events.agreement import Check, Ruling
from thud.events.order import DRAWN, UNKNOWN_SPREAD_S, Waiting, expected_gain, order

RETAINED = Ruling(True, (Check("visual", True, ""),), 1.0, 1.0, ())
OPEN = Ruling(False, (Check("visual", False, ""),), None, None, ("The models disagree.",))
GONE = Ruling(False, (Check("clarity", False, ""),), None, None, ())

CLIPS = [f"clip{number:04d}" for number in range(1000)]
GAINS = {clip: 1 - number / 1000 for number, clip in enumerate(CLIPS)}
RULINGS = {clip: OPEN if number % 2 else RETAINED for number, clip in enumerate(CLIPS)}
GOLD = [f"gold{number:03d}" for number in range(100)]


def names(queue: list[Waiting], why: str = "") -> list[str]:
    return [one.clip_id for one in queue if why in ("", one.why)]


def test_the_gain_is_what_a_look_takes_away() -> None:
    assert expected_gain(0) == 0
    assert expected_gain(1e-200) == 0
    assert expected_gain(None) == expected_gain(UNKNOWN_SPREAD_S)
    assert expected_gain(1.0, person_spread_s=1.0) == pytest.approx(np.sqrt(2 / np.pi) * (1 - np.sqrt(0.5)))
    gains = [expected_gain(spread_s) for spread_s in (0.01, 0.04, 0.1, 0.5, 3)]
    assert gains == sorted(gains)


def test_best_first_and_only_what_needs_a_look() -> None:
    plain = order(GAINS, RULINGS, random_share=0)
    assert names(plain) == [clip for clip in CLIPS if RULINGS[clip] is OPEN]
    assert {one.why for one in plain} == {"gain"}
    assert plain[0].reasons == ("The models disagree.",)
    assert order({"a": 1.0}, {"a": GONE}, random_share=0) == []
    assert order({}, {}) == []


def test_a_clip_without_a_ruling_waits_and_one_without_marks_can_come_first() -> None:
    queue = order({"marked": expected_gain(0.2), "blank": expected_gain(None)}, {"marked": OPEN}, random_share=0)
    assert names(queue) == ["blank", "marked"]
    assert queue[0].reasons == ("Nobody has placed its event yet.",)


def test_the_random_share_is_kept_in_every_part_of_the_queue() -> None:
    queue = order(GAINS, RULINGS, random_share=0.08)
    drawn = [one.why == "random" for one in queue]
    assert sum(drawn) / len(queue) == pytest.approx(0.08, abs=0.003)
    for start in range(0, len(queue) - 100, 50):
        assert 6 <= sum(drawn[start : start + 100]) <= 10


def test_the_random_clips_are_an_unbiased_sample_of_all() -> None:
    half, chosen, first = [], Counter[str](), []
    for seed in range(300):
        drawn = names(order(GAINS, RULINGS, random_share=0.08, seed=seed), "random")
        half.append(np.mean([RULINGS[clip] is RETAINED for clip in drawn]))
        first.append(np.mean([GAINS[clip] for clip in drawn[:10]]))  # the ones served first are a sample, too
        chosen.update(drawn)
    assert np.mean(half) == pytest.approx(0.5, abs=0.015)
    assert np.mean(first) == pytest.approx(np.mean(list(GAINS.values())), abs=0.02)
    assert len(chosen) == len(CLIPS)


def test_gold_is_spread_evenly_but_its_places_cannot_be_foretold() -> None:
    queue = order(GAINS, RULINGS, gold=GOLD, gold_share=0.05)
    places = [place for place, one in enumerate(queue) if one.why == "gold"]
    assert len(places) / len(queue) == pytest.approx(0.05, abs=0.005)
    for block in range(len(queue) // 20):
        assert 0 <= sum(block * 20 <= place < block * 20 + 20 for place in places) <= 2
    assert len(set(np.diff(places))) > 8
    assert queue[-1].why != "gold"
    other = order(GAINS, RULINGS, gold=GOLD, gold_share=0.05, annotator="kim")
    assert names(other, "gold") != names(queue, "gold")
    assert names(other, "random") == names(queue, "random")


def test_a_gold_clip_reads_like_one_drawn_at_random() -> None:
    queue = order(GAINS, RULINGS, gold=GOLD)
    assert {one.reasons for one in queue if one.why == "gold"} == {(DRAWN,)}
    assert {one.reasons for one in queue if one.why == "random"} == {(DRAWN,), OPEN.needs}


def test_the_same_seed_gives_the_same_queue_and_another_seed_another() -> None:
    assert order(GAINS, RULINGS, gold=GOLD, seed=3) == order(
        dict(reversed(GAINS.items())), RULINGS, gold=set(GOLD), seed=3
    )
    assert order(GAINS, RULINGS, seed=3) != order(GAINS, RULINGS, seed=4)


def test_clips_finished_anywhere_drop_out_and_each_kind_keeps_its_order() -> None:
    queue = order(GAINS, RULINGS, gold=GOLD)
    finished = set(np.random.default_rng(1).choice(names(queue), 150, replace=False).tolist())
    rest = order(GAINS, RULINGS, gold=GOLD, finished=finished)
    for why in ("gain", "random"):
        assert names(rest, why) == [clip for clip in names(queue, why) if clip not in finished]
    assert not finished & set(names(rest))
    places = {clip: place for place, clip in enumerate(names([one for one in queue if one.clip_id not in finished]))}
    moved = [abs(places[clip] - place) for place, clip in enumerate(names(rest)) if clip in places]
    assert np.median(moved) <= 5


def test_gold_comes_by_each_annotators_own_pace() -> None:
    # kim does one clip in the time in which the rest of the team does nine.
    finished, mine = set[str](), list[Waiting]()
    while len(mine) < 80:
        seen = {one.clip_id for one in mine}
        queue = order(GAINS, {}, gold=GOLD, finished=finished | seen, own=len(mine), annotator="kim")
        mine.append(queue[0])
        finished |= set(names([one for one in queue[1:] if one.why != "gold"])[:9])
    assert [one.why for one in mine].count("gold") in (3, 4, 5)


def test_every_cut_of_a_dense_queue_keeps_the_order() -> None:
    some = {clip: GAINS[clip] for clip in CLIPS[:60]}
    for seed in range(5):
        queue = order(some, {}, random_share=0.3, gold=GOLD, gold_share=0.2, seed=seed)
        for cut in range(len(queue)):
            finished = set(names(queue[:cut]))
            rest = order(some, {}, random_share=0.3, gold=GOLD, gold_share=0.2, finished=finished, seed=seed)
            assert rest == queue[cut:]


def test_gold_made_late_does_not_come_in_a_burst() -> None:
    done = set(names(order(GAINS, RULINGS))[:300])
    queue = order(GAINS, RULINGS, gold=GOLD, finished=done)
    assert [one.why for one in queue[:40]].count("gold") <= 4


@pytest.mark.parametrize(("random_share", "gold_share"), [(-0.1, 0), (0, -0.1), (0.5, 0.5), (float("nan"), 0)])
def test_shares_that_leave_no_room_are_refused(random_share: float, gold_share: float) -> None:
    with pytest.raises(BadRequest, match="share"):
        order(GAINS, RULINGS, random_share=random_share, gold_share=gold_share)


def test_a_gain_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(BadRequest, match="clip c"):
        order({"c": float("nan")}, {})

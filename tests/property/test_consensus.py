"""What holds of the consensus and the queue for any marks."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from thud.events.agreement import Check, Ruling
from thud.events.consensus import Consensus, Learned, learn, refine
from thud.events.order import expected_gain, order

NAMES = ("gemini", "gpt", "claude", "kim")
CLIPS = [f"c{number}" for number in range(8)]
DURATION_S = 8.0
TIMES = st.floats(0, DURATION_S).map(lambda s: round(s, 3))
MARKS = st.dictionaries(st.sampled_from(CLIPS), st.dictionaries(st.sampled_from(NAMES), TIMES, max_size=4), max_size=8)
GOLD = st.dictionaries(st.sampled_from(CLIPS), TIMES, max_size=3)
ANY = settings(max_examples=60, deadline=None)
Marks = dict[str, dict[str, float]]


def settle(marks: Marks, gold: dict[str, float]) -> Consensus:
    return learn(marks, gold, dict.fromkeys(CLIPS, DURATION_S))


@ANY
@given(MARKS, GOLD)
def test_everything_stays_in_its_bounds(marks: Marks, gold: dict[str, float]) -> None:
    found = settle(marks, gold)
    assert found.settled.keys() == {clip for clip, placed in marks.items() if placed} | gold.keys()
    for one in found.settled.values():
        assert 0 <= one.time_s <= DURATION_S
        assert 0 <= one.spread_s <= DURATION_S
        assert all(0 <= share <= 1 for share in one.outlier.values())
    for clip, time_s in gold.items():
        assert (found.settled[clip].time_s, found.settled[clip].spread_s) == (time_s, 0)
    for who in found.learned.values():
        assert abs(who.lag_s) <= DURATION_S
        assert 0.01 <= who.spread_s <= DURATION_S
        assert 0.005 <= who.outlier_rate <= 0.6


@ANY
@given(MARKS, GOLD, st.randoms(use_true_random=False))
def test_the_order_of_what_comes_in_changes_nothing(marks: Marks, gold: dict[str, float], random) -> None:  # type: ignore[no-untyped-def]
    clips = list(marks)
    random.shuffle(clips)
    turned = {clip: dict(reversed(marks[clip].items())) for clip in clips}
    assert settle(turned, gold) == settle(marks, gold)


@ANY
@given(MARKS, GOLD)
def test_refining_a_clip_gives_what_learning_gave(marks: Marks, gold: dict[str, float]) -> None:
    found = settle(marks, gold)
    for clip, placed in marks.items():
        if placed and clip not in gold:
            again, before = refine(found, placed, DURATION_S, clip), found.settled[clip]
            assert again.time_s == pytest.approx(before.time_s, abs=1e-9)
            assert again.spread_s == pytest.approx(before.spread_s, abs=1e-9)
            assert again.outlier == pytest.approx(before.outlier, abs=1e-9)


HABITS = {
    "gemini": Learned("gemini", 0.18, 0.1, 0.05, 9, 9, True),
    "gpt": Learned("gpt", -0.05, 0.22, 0.15, 9, 9, True),
    "claude": Learned("claude", 0.02, 0.3, 0.2, 9, 9, True),
    "kim": Learned("kim", 0.0, 0.05, 0.02, 9, 9, True),
}


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.floats(2.5, 5.5), min_size=1, max_size=4))
def test_the_belief_is_the_one_that_a_fine_grid_gives(placed: dict[str, float]) -> None:
    """Bayes' rule by brute force on a grid; marks lie well inside, where the ends of the clip do not matter."""
    grid = np.linspace(-2, DURATION_S + 2, 20_001)
    inside = (grid >= 0) & (grid <= DURATION_S)
    density = np.zeros_like(grid)
    for takes in product((True, False), repeat=len(placed)):
        curve = np.full_like(grid, 1 / DURATION_S)
        for right, (name, time_s) in zip(takes, placed.items(), strict=True):
            who = HABITS[name]
            likely = norm.pdf(time_s, grid + who.lag_s, who.spread_s) * (1 - who.outlier_rate)
            curve *= likely if right else who.outlier_rate / DURATION_S
        density += curve if any(takes) else curve * inside
    density /= density.sum()
    mean_s = float(density @ grid)
    settled = refine(Consensus(HABITS, {}, 0), placed, DURATION_S)
    assert settled.time_s == pytest.approx(mean_s, abs=2e-3)
    assert settled.spread_s == pytest.approx(float(np.sqrt(density @ (grid - mean_s) ** 2)), abs=2e-3)


RETAINED = Ruling(True, (Check("visual", True, ""),), 1.0, 1.0, ())
OPEN = Ruling(False, (Check("visual", False, ""),), None, None, ("The models disagree.",))


@ANY
@given(
    st.dictionaries(st.integers(0, 400).map("clip{}".format), st.tuples(st.floats(0, 5), st.booleans()), max_size=200),
    st.sets(st.integers(0, 40).map("gold{}".format), max_size=30),
    st.integers(0, 5),
    st.data(),
)
def test_a_queue_worked_off_from_its_head_keeps_its_order(
    clips: dict[str, tuple[float, bool]], gold: set[str], seed: int, data: st.DataObject
) -> None:
    gains = {clip: expected_gain(spread_s) for clip, (spread_s, _) in clips.items()}
    rulings = {clip: RETAINED if retained else OPEN for clip, (_, retained) in clips.items()}
    queue = order(gains, rulings, gold=gold, seed=seed)
    assert max(Counter(one.clip_id for one in queue).values(), default=1) == 1
    count = data.draw(st.integers(0, len(queue)))
    finished = {one.clip_id for one in queue[:count]}
    after = {clip: 0.0 if clip in finished else gain for clip, gain in gains.items()}
    ruled = rulings | {clip: RETAINED for clip in finished if clip in rulings}
    assert order(after, ruled, gold=gold, finished=finished, seed=seed) == queue[count:]

"""Pairs of every counterfactual type, whatever the times, the offsets and the draw."""

from __future__ import annotations

import random
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.builders_kit import MADE, material, situations
from thud.evaluation.answers import read_answer
from thud.pairs.builders import BUILDERS
from thud.pairs.pair import Pair, pair_from_json, pair_json
from thud.pairs.wording import told_times

TIMES = {
    "visual_s": st.floats(1.6, 3.2),
    "gap_s": st.floats(-0.11, 0.11),
    "size_s": st.floats(0.4, 1.4),
}
_QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def drawn(kind: str, seed: int, visual_s: float, gap_s: float, size_s: float) -> tuple[Pair, Pair]:
    of = material(visual_s, gap_s, (-size_s, size_s))
    draw = random.Random(seed)
    one = draw.choice(situations(kind, of))
    again = random.Random(seed)
    assert again.choice(situations(kind, of)) == one
    return BUILDERS[kind].write(one, of, draw), BUILDERS[kind].write(one, of, again)


@given(kind=st.sampled_from(MADE), seed=st.integers(0, 10**6), **TIMES)
@_QUICK
def test_the_same_draw_gives_the_same_pair(kind: str, seed: int, visual_s: float, gap_s: float, size_s: float) -> None:
    pair, again = drawn(kind, seed, visual_s, gap_s, size_s)
    assert pair == again and pair.id == again.id
    assert pair_from_json(pair_json(pair)) == pair


@given(kind=st.sampled_from(MADE), seed=st.integers(0, 10**6), **TIMES)
@_QUICK
def test_the_two_answers_differ_but_for_the_sound_of_input_pairs(
    kind: str, seed: int, visual_s: float, gap_s: float, size_s: float
) -> None:
    pair, _ = drawn(kind, seed, visual_s, gap_s, size_s)
    if kind == "input":
        assert pair.chosen == pair.rejected and pair.rejected_shown is not None
        assert pair.rejected_shown.sound_sha256 != pair.shown.sound_sha256
    else:
        assert pair.chosen != pair.rejected and pair.rejected_shown is None


CONDITIONS = {
    "synced": "original",
    "audio_described": "original",
    "match": "original",
    "muted": "muted",
    "mismatched": "swapped",
}


@given(kind=st.sampled_from(MADE), seed=st.integers(0, 10**6), **TIMES)
@_QUICK
def test_both_answers_are_read_as_what_is_recorded(
    kind: str, seed: int, visual_s: float, gap_s: float, size_s: float
) -> None:
    pair, _ = drawn(kind, seed, visual_s, gap_s, size_s)
    assert pair.condition == CONDITIONS.get(pair.label, pair.label)
    if pair.offset_s is not None:
        assert (pair.offset_s > 0) == (pair.condition == "delayed")
    assert read_answer(pair.task, pair.chosen, question=pair.prompt).label == pair.label
    assert read_answer(pair.task, pair.rejected, question=pair.prompt).label == pair.rejected_label


@given(kind=st.sampled_from(("CTP", "shift", "OP")), seed=st.integers(0, 10**6), **TIMES)
@_QUICK
def test_times_told_as_true_are_true(kind: str, seed: int, visual_s: float, gap_s: float, size_s: float) -> None:
    pair, _ = drawn(kind, seed, visual_s, gap_s, size_s)
    told = read_answer("sync", pair.chosen, question=pair.prompt)
    if pair.task != "sync" or "short" in pair.template:
        return
    assert told.visual_s is not None and told.audio_s is not None
    assert pair.visual_s is not None and pair.audio_s is not None and pair.duration_s is not None
    assert abs(told.visual_s - pair.visual_s) <= 0.06 and abs(told.audio_s - pair.audio_s) <= 0.06
    for number in re.findall(r"\d+\.\d+", pair.chosen + pair.rejected):
        assert 0 < float(number) < pair.duration_s


@given(visual_s=st.floats(0.1, 99), gap_s=st.floats(-3, 3))
def test_rounding_never_loses_which_way_the_sound_lies(visual_s: float, gap_s: float) -> None:
    seen, heard, gap = map(float, told_times(visual_s, visual_s + gap_s))
    assert abs(seen - visual_s) <= 0.06 and abs(heard - visual_s - gap_s) <= 0.06
    assert abs(abs(heard - seen) - gap) < 1e-6
    if abs(gap_s) >= 0.25:
        assert (heard > seen) == (gap_s > 0) and gap >= 0.2
    if abs(gap_s) < 0.15:
        assert gap <= 0.16

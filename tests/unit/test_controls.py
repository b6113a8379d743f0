"""What the sound alone allows, on sets where that is known, and what a listener held against it is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.unit.controls_kit import anywhere, apart, gridded
from thud.evaluation.alike import class_mean, class_mean_apart
from thud.evaluation.controls import Played, controls_json, held_against, points, sound_only_ceiling
from thud.evaluation.gain import gain
from thud.statistics import Estimate
from thud.stimuli.balance import Placed, overlap

CEILING = sound_only_ceiling(anywhere(300))


def sure(value: float, half: float = 0.05) -> Estimate:
    return Estimate(value, value - half, value + half, 40)


def test_places_that_say_nothing_allow_a_third_and_muted_is_free() -> None:
    assert CEILING.share == pytest.approx(1 / 3, abs=0.05)
    with_muted = sound_only_ceiling(anywhere(300, ("synced", "early", "delayed", "muted")))
    assert with_muted.share == pytest.approx(0.5, abs=0.04)
    assert with_muted.by_class["muted"] == 1.0
    two = sound_only_ceiling(anywhere(300, ("synced", "delayed")))
    assert two.share == pytest.approx(0.5, abs=0.05)


def test_places_that_say_everything_allow_everything() -> None:
    assert sound_only_ceiling(apart(40)).share == pytest.approx(1.0, abs=0.001)
    assert sound_only_ceiling(apart(40, ("synced", "early", "delayed", "muted"))).share == pytest.approx(1.0, abs=0.001)


def test_half_the_clips_apart_lies_between() -> None:
    rows = [row for row in apart(400) if int(row.clip.split()[1]) % 2]
    rows += [Played(5.0 + row.audio_s, 9.0, row.label, row.clip + "b") for row in anywhere(200) if row.audio_s]
    assert sound_only_ceiling(rows).share == pytest.approx((1 + 1 / 3) / 2, abs=0.05)


def test_few_clips_do_not_make_the_ceiling_low() -> None:
    """A guesser that is tried on clips left out has little to learn from; the bound does not need to learn."""
    few = sound_only_ceiling(anywhere(8, seed=3))
    assert few.share is not None and few.share > 1 / 3
    assert few.estimate.high is not None and few.estimate.high >= few.share


def test_a_grid_finer_than_the_smoothing_is_found() -> None:
    found = sound_only_ceiling(gridded(120))
    assert found.share is not None and found.share > 0.95
    assert "learned from the others" in found.how
    assert min(found.by_class.values()) > 0.9


def test_it_is_the_measure_that_offsets_are_drawn_by() -> None:
    clips = [Placed(f"c{i}", 1.0 + 2.0 * ((i * 0.618) % 1.0), 4.0) for i in range(60)]
    drawn = {clip.clip_id: (-0.6, 0.6) for clip in clips}
    rows = [
        Played((clip.audio_s or 0) + offset, 4.0, label, clip.clip_id)
        for clip in clips
        for offset, label in ((-0.6, "early"), (0.0, "synced"), (0.6, "delayed"))
    ]
    assert sound_only_ceiling(rows).share == pytest.approx(overlap(clips, drawn), abs=0.02)


def test_what_is_not_known_is_said() -> None:
    nobody = sound_only_ceiling([Played(None, 4.0, "early", "a"), Played(None, 4.0, "synced", "b")])
    assert (nobody.share, nobody.items, nobody.asked) == (None, 0, 2)
    assert "What the sound alone allows is not known" in held_against(sure(0.9), nobody).words
    assert sound_only_ceiling([]).share is None
    half = sound_only_ceiling([*anywhere(30), Played(None, 4.0, "early", "z")])
    assert (half.items, half.asked) == (90, 91)
    assert sound_only_ceiling([Played(None, 4.0, "muted", "a")]).share == 1.0
    assert sound_only_ceiling([Played(1.0, 4.0, "synced", "a")]).share == 1.0
    assert held_against(Estimate(None, None, None, 0), CEILING).words == "It was not asked about synchrony."
    assert held_against(Estimate(0.9, None, None, 1), CEILING).listening == "not known"


def test_verdicts() -> None:
    share = CEILING.share or 0.0
    low, high = sure(share + 0.02), sure(share + 0.4)
    assert held_against(low, CEILING).words == "Not above what the sound alone allows."
    alone = held_against(high, CEILING)
    assert (alone.listening, alone.needs_picture) == ("above", None)
    assert alone.words == "40 points over what the sound alone allows; not asked under another picture."
    gone = held_against(high, CEILING, sure(share), sure(0.4))
    assert gone.words == "40 points over what the sound alone allows, and gone under another picture."
    assert gone.needs_picture is True
    same = held_against(high, CEILING, sure(share + 0.39), sure(0.01))
    assert "as good under another picture" in same.words and same.needs_picture is False
    left = held_against(high, CEILING, sure(share + 0.2), sure(0.2))
    assert "of which 20 points are left under another picture" in left.words
    assert (points(0.01), points(-0.014), points(0.4)) == ("1 point", "1 point", "40 points")


def test_only_those_that_see_the_right_picture_are_judged() -> None:
    held = held_against(sure(0.9), CEILING)
    assert controls_json(held, "audio_video")["listening"] == "above"
    for arm, word in (("sound_only", "sound alone"), ("shuffled_picture", "control")):
        told = controls_json(held, arm)
        assert told["listening"] == "" and word in told["words"]
    assert json.loads(json.dumps(controls_json(held, "audio_video")))["ceiling"]["value"] == pytest.approx(
        CEILING.share
    )


def test_a_gain_counts_only_above_ceiling_and_control() -> None:
    share = CEILING.share or 0.0
    listens = held_against(sure(share + 0.4), CEILING, sure(share), sure(0.4))
    assert gain(sure(0.3), 0.001, listens)[0] is True
    cases = {
        "not above what the sound alone allows": held_against(sure(share), CEILING, sure(share), sure(0.4)),
        "as good under another picture": held_against(sure(share + 0.4), CEILING, sure(share + 0.4), sure(0.0)),
    }
    for words, held in cases.items():
        counts, said = gain(sure(0.3), 0.001, held)
        assert counts is False and words in said and "does not count" in said
    assert gain(sure(0.3), 0.001, held_against(sure(share + 0.4), CEILING))[0] is None
    assert gain(sure(0.3), 0.2, listens) == (False, "No difference is shown (+30.0 points).")
    assert gain(sure(-0.3), 0.001, listens) == (False, "It got worse, by 30 points.")
    assert gain(Estimate(None, None, None, 0), 1.0, listens)[0] is None
    assert gain(sure(0.3), 0.001, held_against(sure(0.9), sound_only_ceiling([])))[0] is None


def test_classes_count_alike_and_perfect_is_not_certain() -> None:
    items = np.tile([6.0, 1.0, 1.0], (30, 1))
    one_word = class_mean(items * [1, 0, 0], items)
    assert one_word.value == pytest.approx(1 / 3)
    perfect = class_mean(items, items)
    assert perfect.value == 1.0 and perfect.low is not None and 0.8 < perfect.low < 1.0
    assert class_mean(np.zeros((0, 3)), np.zeros((0, 3))).value is None
    unasked = np.column_stack([items[:, 0], np.zeros(30), items[:, 2]])
    assert class_mean(unasked * [1, 0, 0], unasked).value == pytest.approx(0.5)


def test_two_means_are_paired_by_source() -> None:
    items = np.ones((40, 3))
    hard = np.repeat([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]], 20, axis=0)
    easier = np.repeat([[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]], 20, axis=0)
    found = class_mean_apart((hard, items), (easier, items))
    assert found.value == pytest.approx(1 / 3)
    # Every source gains the same, so what they differ by among themselves must not widen the difference.
    assert found.low is not None and found.low > 0.1
    turned = class_mean_apart((easier, items), (hard, items))
    assert (turned.value, turned.high) == (pytest.approx(-1 / 3), pytest.approx(-found.low))
    nothing = class_mean_apart((hard, np.zeros((40, 3))), (easier, items))
    assert nothing.value is None

"""What the sound alone allows, on sets where that is known, and what a listener held against it is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.controls_kit import anywhere, apart, gridded
from thud.evaluation.alike import class_mean, class_mean_apart
from thud.evaluation.controls import (
    Ceiling,
    Controls,
    Played,
    Under,
    controls_json,
    held_against,
    points,
    sound_only_ceiling,
    under_other_pictures,
)
from thud.evaluation.gain import gain
from thud.statistics import Estimate
from thud.stimuli.balance import Placed, overlap

CEILING = sound_only_ceiling(anywhere(300))


def sure(value: float, half: float = 0.05) -> Estimate:
    return Estimate(value, value - half, value + half, 40)


def against(accuracy: Estimate, ceiling: Ceiling = CEILING, under: Under | None = None) -> Controls:
    return held_against(accuracy, 120, ceiling, under)


def under(share: float, apart: float, p: float = 0.001, sources: int = 40, items: int = 120) -> Under:
    lost = Estimate(apart, apart - 0.05, apart + 0.05, sources)
    return Under(sure(share), lost, p, items, 120, CEILING.share)


def test_places_that_say_nothing_allow_a_third_and_muted_is_free() -> None:
    assert CEILING.share == pytest.approx(1 / 3, abs=0.05)
    with_muted = sound_only_ceiling(anywhere(300, ("synced", "early", "delayed", "muted")))
    assert with_muted.share == pytest.approx(0.5, abs=0.04)
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
    assert (few.estimate.low, few.estimate.high, few.estimate.n) == (None, None, 8)


def test_a_grid_finer_than_the_smoothing_is_found() -> None:
    found = sound_only_ceiling(gridded(120))
    assert found.share is not None and found.share > 0.95
    assert "learned from the others" in found.how


def test_a_guesser_that_did_better_is_the_ceiling() -> None:
    """However unsure its figure is, 31 to 73 % here: that much was had by the sound alone."""
    found = sound_only_ceiling(gridded(14))
    assert found.share == pytest.approx(0.524, abs=0.001) and "learned from the others" in found.how
    assert "itself" in sound_only_ceiling(anywhere(14)).how


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
    assert "What the sound alone allows is not known" in against(sure(0.9), nobody).words
    assert sound_only_ceiling([]).share is None
    half = sound_only_ceiling([*anywhere(30), Played(None, 4.0, "early", "z")])
    assert (half.items, half.asked) == (90, 91)
    assert sound_only_ceiling([Played(None, 4.0, "muted", "a")]).share == 1.0
    assert sound_only_ceiling([Played(1.0, 4.0, "synced", "a")]).share == 1.0
    assert against(Estimate(None, None, None, 0)).words == "It was not asked about synchrony."
    assert against(Estimate(0.9, None, None, 1)).listening == "not known"


def test_verdicts() -> None:
    share = CEILING.share or 0.0
    low, high = sure(share + 0.02), sure(share + 0.4)
    assert against(low).words == "Not above what the sound alone allows."
    alone = against(high)
    assert (alone.listening, alone.needs_picture, alone.by_picture) == ("above", None, None)
    assert alone.words == "40 points over what the sound alone allows; not asked under another picture."
    gone = against(high, under=under(share, 0.4))
    assert gone.words == "40 points over what the sound alone allows, and gone under another picture."
    assert (gone.needs_picture, gone.by_picture) == (True, True)
    same = against(high, under=under(share + 0.39, 0.01, p=0.4))
    assert "no loss is shown under another picture" in same.words
    assert (same.needs_picture, same.by_picture) == (False, False)
    left = against(high, under=under(share + 0.2, 0.2))
    assert "of which 20 points are left under another picture" in left.words
    assert (left.needs_picture, left.by_picture) == (True, False)
    maybe = against(high, under=replace(under(share, 0.28), accuracy=sure(share + 0.12, 0.16)))
    less = "and less right under another picture, where up to 28 points may be left (+12, −4 to +28)."
    assert maybe.words == f"40 points over what the sound alone allows, {less}"
    assert (maybe.needs_picture, maybe.by_picture) == (True, None)
    blind = against(high, under=replace(under(share, 0.4), allowed=None))
    assert blind.by_picture is None and "where nobody knows how much is left" in blind.words
    few = against(high, under=under(share, 0.4, sources=5, p=2 / 2**5))
    assert "too few were asked under another picture" in few.words
    assert (few.needs_picture, few.by_picture) == (None, None)
    assert "(asked of 30 of 120 items)" in against(high, under=under(share, 0.4, items=30)).words
    assert against(high, under=under(0.0, 0.0, items=0)) == alone
    assert (points(0.01), points(-0.014), points(0.4)) == ("1 point", "1 point", "40 points")


def test_only_those_that_see_the_right_picture_are_judged() -> None:
    held = against(sure(0.9), under=under(0.3, 0.6, items=90))
    assert controls_json(held, "audio_video")["listening"] == "above"
    for arm, word in (("sound_only", "sound alone"), ("shuffled_picture", "control")):
        told = controls_json(held, arm)
        assert told["listening"] == "" and word in told["words"]
    plain = json.loads(json.dumps(controls_json(held, "audio_video")))
    assert plain["ceiling"]["value"] == pytest.approx(CEILING.share) and plain["ceiling"]["low"] is None
    assert [plain[name]["n"] for name in ("accuracy", "over", "shuffled")] == [120, 120, 90]
    assert plain["accuracy"]["sources"] == 40 and plain["by_picture"] is True


def test_a_gain_counts_only_above_ceiling_and_control() -> None:
    share = CEILING.share or 0.0
    high = sure(share + 0.4)
    listens = against(high, under=under(share, 0.4))
    assert gain(sure(0.3), 0.001, listens)[0] is True
    cases = {
        "not above what the sound alone allows": against(sure(share), under=under(share, 0.4)),
        "no loss is shown under another picture": against(high, under=under(share + 0.4, 0.0, p=1.0)),
        "31 points of it are left under another picture": against(high, under=under(share + 0.31, 0.09)),
    }
    for words, held in cases.items():
        counts, said = gain(sure(0.3), 0.001, held)
        assert counts is False and words in said, said
    maybe = against(high, under=replace(under(share, 0.28), accuracy=sure(share + 0.12, 0.16)))
    counts, said = gain(sure(0.3), 0.001, maybe)
    assert counts is None and "up to 28 points may be left (+12, −4 to +28)" in said and "not known" in said
    few = gain(sure(0.3), 0.001, against(high, under=under(share, 0.4, sources=5)))
    assert few[0] is None and "too few were asked under another picture" in few[1]
    assert gain(sure(0.3), 0.001, against(high))[0] is None
    assert gain(sure(0.3), 0.2, listens) == (False, "No difference is shown (+30.0 points).")
    assert gain(sure(-0.3), 0.001, listens) == (False, "It got worse, by 30 points.")
    assert gain(Estimate(None, None, None, 0), 1.0, listens)[0] is None
    assert gain(sure(0.3), 0.001, against(sure(0.9), sound_only_ceiling([])))[0] is None


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
    found = class_mean_apart(hard, easier, items)
    assert found.value == pytest.approx(1 / 3)
    # Every source gains the same, so what they differ by among themselves must not widen the difference.
    assert found.low is not None and found.low > 0.1
    turned = class_mean_apart(easier, hard, items)
    assert (turned.value, turned.high) == (pytest.approx(-1 / 3), pytest.approx(-found.low))
    assert class_mean_apart(hard, easier, np.zeros((40, 3))).value is None


def test_a_few_sources_that_differ_show_nothing() -> None:
    """Four of twelve with one item more right: draws of sources would be sure of it, and no test is."""
    items = np.full((12, 3), 2.0)
    under = np.ones((12, 3))
    own = under + np.repeat([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [4, 8], axis=0)
    held = under_other_pictures(own, under, items, 72, 0.4)
    assert held.p == pytest.approx(2 / 2**4)
    assert held.apart.low is not None and held.apart.low < 0 < (held.apart.value or 0.0) < (held.apart.high or 0.0)
    assert held_against(sure(0.9), 72, CEILING, held).needs_picture is False
    more = under + np.repeat([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [8, 4], axis=0)
    assert held_against(sure(0.9), 72, CEILING, under_other_pictures(more, under, items, 72, 0.4)).needs_picture is True

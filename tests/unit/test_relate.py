"""Pairs that tell four conditions apart in a few words: what they are about, and that nothing but the media tells."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.unit.builders_kit import clip_of, edits, material, reasons, sample, situations, stimulus_of, with_stimuli
from thud.evaluation.answers import read_answer
from thud.pairs.builders import BUILDERS
from thud.pairs.builders.common import NO_ORIGINAL, NO_TIMES
from thud.pairs.builders.relate import ANSWERS
from thud.pairs.families import family
from thud.pairs.lint import Linter
from thud.pairs.mixture import draw_pairs
from thud.pairs.recipe import shipped
from thud.pairs.stock import take_stock
from thud.records import EventTimes, Intervention


def test_four_conditions_each_reject_the_three_others() -> None:
    found = situations("relate", material())
    assert Counter((one.label, one.rejects) for one in found) == {
        (right, wrong): 12 * (2 if right in ("early", "delayed") else 1)
        for right in ANSWERS
        for wrong in ANSWERS
        if right != wrong
    }
    muted = [one.stimulus.intervention.fill for one in found if one.label == "muted"]
    assert set(muted) == {"silence"}, "where room tone is left, “silent” would be half a lie"
    assert {one.offset_s for one in found if one.label == "early"} == {-1.2, -0.6}


def test_a_clip_without_times_or_original_gives_none() -> None:
    clip = clip_of(1, "glass")
    stimuli = [stimulus_of(clip, edit) for edit in edits(clip_of(2))]
    assert reasons("relate", with_stimuli(clip, stimuli, None)) == {NO_TIMES}
    silent = [stimulus_of(clip, Intervention("mute", fill="silence"))]
    of = with_stimuli(clip, silent, EventTimes(2.0, 2.0, "gold"))
    assert situations("relate", of) == [] and reasons("relate", of) == {NO_ORIGINAL}


def test_every_answer_is_read_as_what_it_says_whatever_was_asked() -> None:
    for question in family("relate").questions:
        for pair in sample("relate", material(), 24):
            for text, label in ((pair.chosen, pair.label), (pair.rejected, pair.rejected_label)):
                assert read_answer("sync", text, question=question.text).label == label
            assert pair.task == "sync" and not any(mark.isdigit() for mark in pair.chosen)


@pytest.mark.parametrize("name", ["demo-sft", "demo-dpo"])
def test_the_demos_recipes_are_balanced_and_pass_the_linter(name: str) -> None:
    recipe, of = replace(shipped()[name], counts={"relate": 144}), material()
    stock = take_stock(BUILDERS["relate"], of, {}, {})
    linter = Linter()
    splits = {clip_id: "validation" if number > 9 else "train" for number, clip_id in enumerate(of.clips)}
    tallies, drawn = draw_pairs({"relate": stock}, of, recipe, splits, linter.add)
    pairs = [one.pair for one in drawn if not one.held]
    classes = Counter(pair.label for pair in pairs)
    assert set(classes) == set(ANSWERS) and max(classes.values()) - min(classes.values()) <= 1
    assert tallies["relate"].held == {}
    assert [one["check"] for one in linter.report().to_json()["checks"] if one["count"]] == []
    if recipe.stage == "dpo":
        wrong = Counter(pair.rejected_label for pair in pairs)
        assert max(wrong.values()) - min(wrong.values()) <= 2, "no answer is wrong more often than another"
    else:
        assert {pair.rejected for pair in pairs} == {""}

"""Pairs about general video: wrong answers are wrong, letters tell nothing, and only what needs the sound is kept."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from scipy.stats import chisquare, mannwhitneyu

from tests.unit.general_kit import (
    HEARD,
    LENGTH_S,
    SEEN,
    a_general_clip,
    general_choice,
    general_material,
    many_pairs,
    situations_of,
)
from thud.evaluation.answers import read_answer
from thud.pairs.builders import choosing, fv_a, fv_a_l, fv_d, general, lv_mcqa
from thud.pairs.material import Choice, Segment
from thud.pairs.pair import Pair
from thud.pairs.said import bare
from thud.pairs.segment_words import overlap

CHOOSING = (fv_a, fv_a_l, lv_mcqa)
SAID_TIME = re.compile(r"(\d+\.\d) s")


def lost(builder: ModuleType, material: Any, clip_id: str) -> Counter[str]:
    return Counter(one.reason for one in builder.situations(material, clip_id)[1])


@pytest.mark.parametrize("builder", [fv_d, *CHOOSING], ids=lambda one: one.type)
def test_the_same_draw_gives_the_same_pair_of_the_original_and_the_two_answers_differ(builder: Any) -> None:
    material = general_material()
    pairs = 0
    for situation, pair in many_pairs(builder, material, 5):
        pairs += 1
        again = builder.write(situation, material, random.Random(f"{pairs}"))
        assert again == builder.write(situation, material, random.Random(f"{pairs}"))
        assert (pair.type, pair.condition, pair.offset_s) == (builder.type, "original", None)
        assert pair.chosen != pair.rejected
        assert pair.shown.video == situation.clip.path and pair.shown.video_sha256 == situation.clip.sha256
        assert pair.shown.sound == f"stimuli/{situation.clip.id}/{situation.stimulus.models}"
        assert pair.shown.sound_sha256 == situation.stimulus.proof.models_sha256
        for text in (pair.prompt, pair.chosen, pair.rejected):
            assert ".." not in text and "{" not in text and "  " not in text and text == text.strip()
    assert pairs >= 30


@pytest.mark.parametrize("builder", CHOOSING, ids=lambda one: one.type)
def test_every_answer_is_read_as_its_letter_and_says_its_own_option(builder: Any) -> None:
    templates: set[str] = set()
    for situation, pair in many_pairs(builder, general_material(), 60):
        choice: Choice = situation.facts["choice"]
        shown = dict(pair.options)
        assert shown[pair.label] == bare(dict(choice.options)[choice.answer])
        assert shown[pair.rejected_label] == bare(dict(choice.options)[situation.facts["wrong"]])
        assert set(shown.values()) == {bare(text) for _, text in choice.options}
        assert all(f"{letter}. {text}" in pair.prompt for letter, text in pair.options)
        for text, label in ((pair.chosen, pair.label), (pair.rejected, pair.rejected_label)):
            assert read_answer("choice", text, pair.options, pair.prompt).label == label, text
        templates.add(pair.template.rpartition("/")[2])
    assert len(templates) == len(general.texts(builder.type.lower().replace("-", "_")).get("answers", range(10)))


@pytest.mark.parametrize("builder", CHOOSING, ids=lambda one: one.type)
def test_letters_of_right_and_wrong_options_are_uniform(builder: Any) -> None:
    pairs = [pair for _, pair in many_pairs(builder, general_material(), 60)]
    for letters in ([one.label for one in pairs], [one.rejected_label for one in pairs]):
        counts = Counter(letters)
        assert set(counts) == set("ABCD") and chisquare(list(counts.values())).pvalue > 0.001, counts


def test_a_long_answer_argues_for_its_own_option_with_another_reason() -> None:
    for _, pair in many_pairs(fv_a_l, general_material(), 30):
        right, wrong = (dict(pair.options)[letter] for letter in (pair.label, pair.rejected_label))
        for text, own, other in ((pair.chosen, right, wrong), (pair.rejected, wrong, right)):
            assert text.count(own) == 2 and other not in text
        assert pair.chosen.replace(right, "").partition(" ")[2] != pair.rejected.replace(wrong, "").partition(" ")[2]
        assert len(SAID_TIME.findall(pair.chosen)) >= 1, "it is grounded in the described stretch"


def test_the_authors_own_reason_is_kept_and_turned_round() -> None:
    clip = a_general_clip(0)
    options = (("A", "A dog barks"), ("B", "Rain falls"), ("C", "A bell rings"), ("D", "Nobody speaks"))
    choice = Choice(clip.id, "What is heard?", options, "C", "As the gate opens, a bell rings twice.", "audio")
    material = replace(general_material(1), choices={clip.id: (choice,)}, picture_only={choice.id: True})
    for situation, pair in many_pairs(fv_a_l, material, 5):
        wrong = dict(options)[situation.facts["wrong"]]
        assert "As the gate opens, a bell rings twice." in pair.chosen
        assert (
            f"As the gate opens, {wrong[:1].lower() if wrong[1:2] != ' ' else 'A'}{wrong[1:]} twice." in pair.rejected
        )
    unsaid = replace(choice, why="It can be told from the tone.")
    material = replace(material, choices={clip.id: (unsaid,)}, segments={})
    assert all("tone" not in pair.chosen for _, pair in many_pairs(fv_a_l, material, 3)), "it would fit no other option"


@pytest.mark.parametrize("builder", [fv_a, fv_a_l], ids=lambda one: one.type)
def test_only_questions_that_nobody_answers_without_sound_are_kept(builder: Any) -> None:
    material = general_material()
    clip_id, many = next((key, many) for key, many in material.choices.items() if many[0].family == "audio")
    choice = many[0]
    assert len(builder.situations(material, clip_id)[0]) == 3, "one for each wrong option"
    guessed = replace(material, picture_only={**material.picture_only, choice.id: False})
    assert lost(builder, guessed, clip_id) == {choosing.GUESSED: 1}
    unasked = replace(material, picture_only={})
    assert lost(builder, unasked, clip_id) == {choosing.NOT_ASKED: 1}
    assert situations_of(builder, guessed) != [] and situations_of(builder, unasked) == []
    assert situations_of(lv_mcqa, unasked) != [], "general questions are asked whatever is known without sound"


def test_questions_whose_letters_cannot_be_moved_are_lost_with_the_reason() -> None:
    clip = a_general_clip(1)
    good = general_choice(clip, 1)
    changed = [
        (good.options[:3], choosing.FEW),
        ((*good.options[:3], ("D", "None of the above")), choosing.TIED),
        ((*good.options[:3], ("D", "Both A and C")), choosing.TIED),
        ((*good.options[:3], ("D", good.options[0][1].upper())), choosing.SAME),
    ]
    for options, reason in changed:
        material = replace(general_material(2), choices={clip.id: (replace(good, options=options, answer="A"),)})
        assert lost(lv_mcqa, material, clip.id) == {reason: 1}
    assert lost(lv_mcqa, replace(general_material(2), stimuli={}), clip.id) == {general.NOT_BUILT: 1}
    assert lost(lv_mcqa, replace(general_material(2), choices={}), clip.id) == {choosing.NO_GENERAL: 1}


def test_of_more_than_four_options_the_right_and_the_wrong_one_stay() -> None:
    clip = a_general_clip(1)
    texts = ("one cat", "two dogs", "three birds", "four fish", "five cows", "six hens")
    choice = Choice(clip.id, "Which animals?", tuple(zip("ABCDEF", texts, strict=True)), "F")
    material = replace(general_material(2), choices={clip.id: (choice,)})
    for situation, pair in many_pairs(lv_mcqa, material, 20):
        assert [letter for letter, _ in pair.options] == list("ABCD")
        assert dict(pair.options)[pair.label] == "six hens"
        assert dict(pair.options)[pair.rejected_label] == dict(choice.options)[situation.facts["wrong"]]


def described(pair: Pair) -> tuple[Segment, tuple[float, ...], tuple[float, ...]]:
    material = general_material()
    segment = next(one for many in material.segments.values() for one in many if one.id == pair.origin["segment"])
    times = [tuple(float(each) for each in SAID_TIME.findall(text)) for text in (pair.chosen, pair.rejected)]
    return segment, times[0], times[1]


def test_each_description_task_is_right_in_chosen_and_wrong_in_rejected() -> None:
    kinds: Counter[str] = Counter()
    for situation, pair in many_pairs(fv_d, general_material(), 12):
        asks = situation.facts["asks"]
        segment, right, wrong = described(pair)
        kinds[asks] += 1
        true = {"describe": bare(segment.description), "source": bare(segment.description)}
        if asks == "locate":
            assert right == (round(segment.start_s, 1), round(segment.end_s, 1))
            assert overlap(right, wrong) < 0.2 and 0 <= wrong[0] < wrong[1] <= LENGTH_S  # type: ignore[arg-type]
            continue
        said = true.get(asks, situation.facts["sound"])
        assert said.lower() in pair.chosen.lower() and said.lower() not in pair.rejected.lower()
        others = HEARD if asks == "sound" else [text for both in SEEN for text in both]
        assert any(other.lower() in pair.rejected.lower() for other in others), "it is right about something else"
    assert set(kinds) == {"describe", "locate", "sound", "source"}
    assert Counter(one.rejects for one in situations_of(fv_d, general_material())) == {
        "description": 12, "localization": 12, "attribution": 12,
    }  # fmt: skip


def test_what_is_true_of_the_same_stretch_is_never_the_wrong_answer() -> None:
    """Two descriptions of the same ten seconds, and one of a second inside them: all three are true of the first."""
    material = general_material(3)
    first, second = list(material.clips)[:2]
    seen = Segment(first, 0.0, 8.0, "A band marches past the houses", ("a loud trumpet",))
    inside = Segment(first, 3.0, 4.0, "An umbrella topples over", ("people clapping",))
    both = Segment(first, 0.0, 8.0, "Confetti rains on the crowd", ("distant whistling",))
    elsewhere = Segment(second, 1.0, 3.0, "A kettle boils", ("people clapping",))
    alone = replace(material, segments={first: (seen, inside, both)})
    assert lost(fv_d, alone, first) == {fv_d.NO_OTHER: 6, fv_d.NO_OTHER_SOUND: 3, fv_d.COVERS: 2}
    beside = replace(material, segments={first: (seen, inside, both), second: (elsewhere,)})
    assert lost(fv_d, beside, first)[fv_d.NO_OTHER_SOUND] == 3, "clapping is heard there too, whoever else claps"
    told = replace(beside, segments={first: (seen, inside), second: (replace(elsewhere, sounds=("rising steam",)),)})
    for situation, pair in many_pairs(fv_d, told, 10):
        if situation.clip.id == first and situation.facts["asks"] != "locate":
            assert "steam" in pair.rejected or "kettle" in pair.rejected, pair.rejected


def test_chosen_and_rejected_are_alike_in_length_and_in_their_words() -> None:
    """A guesser that only sees how long an answer is, or which of its words it has seen chosen, is near chance."""
    pairs = [pair for _, pair in many_pairs(fv_d, general_material(), 40)]
    lengths = [len(pair.chosen) for pair in pairs], [len(pair.rejected) for pair in pairs]
    assert mannwhitneyu(*lengths).statistic / len(pairs) ** 2 == pytest.approx(0.5, abs=0.06)
    chosen = Counter(word for pair in pairs for word in set(pair.chosen.lower().split()))
    rejected = Counter(word for pair in pairs for word in set(pair.rejected.lower().split()))
    words = {word for word in chosen + rejected if chosen[word] + rejected[word] > 40}
    assert len(words) > 60 and all(min(chosen[word], rejected[word]) > 0 for word in words)


@pytest.mark.parametrize("builder", [fv_d, *CHOOSING], ids=lambda one: one.type)
def test_an_original_that_is_not_verified_is_not_shown(builder: Any) -> None:
    material = general_material()
    clip_id = next(clip_id for clip_id in material.clips if builder.situations(material, clip_id)[0])
    (stimulus,) = material.stimuli[clip_id]
    open_ = replace(stimulus, proof=replace(stimulus.proof, verdict="failed"))
    material = replace(material, stimuli={**material.stimuli, clip_id: (open_,)})
    assert builder.situations(material, clip_id)[0] == [] and lost(builder, material, clip_id) == {general.NOT_BUILT: 1}


def test_what_gives_no_description_pair_says_why() -> None:
    material = general_material()
    first, second = list(material.clips)[:2]
    assert lost(fv_d, material, first) == {fv_d.NO_SOUND: 1}
    assert lost(fv_d, replace(material, segments={}), first) == {fv_d.NO_SEGMENT: 1}
    assert lost(fv_d, replace(material, stimuli={}), first) == {general.NOT_BUILT: 1}
    whole = Segment(first, 0.1, 8.9, "The jar breaks")
    alone = replace(material, segments={first: (whole,)})
    assert lost(fv_d, alone, first) == {fv_d.NO_OTHER: 1, fv_d.COVERS: 1, fv_d.NO_SOUND: 1}
    twin = Segment(second, 1.0, 2.0, "Here the jar breaks")
    assert lost(fv_d, replace(material, segments={first: (whole,), second: (twin,)}), first)[fv_d.NO_OTHER] == 1

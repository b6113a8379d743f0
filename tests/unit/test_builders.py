"""Builders of counterfactual pairs: what they make, what they refuse and why, and that their words tell nothing."""

from __future__ import annotations

import json
import math
import random
import re
import statistics
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.unit.builders_kit import (
    MADE,
    clip_of,
    edits,
    material,
    reasons,
    response,
    sample,
    situations,
    stimulus_of,
    with_stimuli,
)
from thud.evaluation.answers import read_answer
from thud.listeners.questions import SetQuestion, shipped, shuffled
from thud.pairs.builders import BUILDERS, common, input_contrastive, mute, op, shift, sp, swap
from thud.pairs.event_words import UNKNOWN, as_clause, as_noun, event_words
from thud.pairs.families import family
from thud.pairs.material import EventWords
from thud.pairs.pair import TYPES, Pair
from thud.pairs.reference import asked_fields
from thud.pairs.wording import Facts, answer, yes_or_no
from thud.records import EventTimes, Intervention, Mark

TASKS = ("sync", "existence", "consistency")
WORDS = (
    EventWords("the tumbler shatters on the floor", "the crash of the glass"),
    EventWords("the knuckles knock on a door", "the knock on the wood"),
    EventWords("the main event happens", "its sound"),
)
TOLD = {"synced": (1.5, 1.53), "early": (2.0, 1.0), "delayed": (1.5, 2.1)}


def test_there_is_one_builder_for_every_type() -> None:
    assert tuple(BUILDERS) == TYPES
    assert all(len(one.teaches.split()) <= 4 for one in BUILDERS.values())
    assert {one.needs for one in BUILDERS.values()} == {"times", "stimuli", "responses", "segments", "choices"}


# What is said.


@pytest.mark.parametrize("task", TASKS)
def test_there_are_many_questions_and_phrasings(task: str) -> None:
    its = family(task)
    assert len({one.text for one in its.questions}) == len(its.questions) >= 8
    for register, phrasings in its.registers.items():
        assert len(phrasings) >= (5 if register == "short" else 10)
        for wordings in phrasings:
            assert set(wordings) == set(phrasings[0])
    polar = Counter(one.yes for one in its.questions if one.yes)
    assert len(polar) == 2 and len(set(polar.values())) == 1


@pytest.mark.parametrize("task", TASKS)
def test_every_phrasing_is_read_as_its_label_whatever_was_asked(task: str) -> None:
    its, at, wrong = family(task), 0, list[tuple[str, str, str]]()
    for register, phrasings in its.registers.items():
        for number, wordings in enumerate(phrasings):
            for label in wordings:
                for words in WORDS:
                    for question in (its.questions[at % len(its.questions)], its.questions[(at + 5) % 11 % 10]):
                        at += 1
                        seen_s, heard_s = TOLD.get(label, (None, None))
                        facts = Facts(words, seen_s, heard_s, "the beat of the drum" if at % 2 else "")
                        text = yes_or_no(question, label) + answer(task, label, facts, register, number, " seconds")
                        if (read := read_answer(task, text, question=question.text).label) != label:
                            wrong.append((question.text, text, read))
    assert at > 100 and not wrong


@pytest.mark.parametrize("task", TASKS)
def test_the_wordings_of_a_phrasing_are_about_equally_long(task: str) -> None:
    for phrasings in family(task).registers.values():
        for wordings in phrasings:
            lengths = [len(one) for one in wordings.values()]
            assert max(lengths) - min(lengths) <= 32, wordings


def test_times_are_told_as_a_person_says_them() -> None:
    facts = Facts(WORDS[0], 1.62, 2.81)
    text = answer("sync", "delayed", facts, "timed", 0, " seconds")
    assert re.findall(r"\d+\.\d+ seconds", text) == ["1.6 seconds", "2.8 seconds", "1.2 seconds"]
    assert "1.44 s" in answer("sync", "synced", Facts(WORDS[0], 1.44, 1.585), "timed", 0)


# That words alone tell nothing.


@pytest.mark.parametrize("kind", [one for one in MADE if one != "input"])
def test_chosen_is_as_long_as_rejected(kind: str) -> None:
    pairs = sample(kind, material(), 400)
    chosen = statistics.mean(len(one.chosen) for one in pairs)
    assert statistics.mean(len(one.rejected) for one in pairs) == pytest.approx(chosen, rel=0.1)


def guessed(pairs: Sequence[Pair]) -> float:
    """How often a guesser that knows only words, learnt on half of the clips, tells chosen from rejected."""
    half = set(sorted({one.clip_id for one in pairs})[::2])
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for one in pairs:
        if one.clip_id in half:
            counts[True].update(_bag(one.chosen))
            counts[False].update(_bag(one.rejected))
    right = [
        0.5 if (gap := _score(one.chosen, counts) - _score(one.rejected, counts)) == 0 else float(gap > 0)
        for one in pairs
        if one.clip_id not in half
    ]
    return statistics.mean(right)


def _bag(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def _score(text: str, counts: dict[bool, Counter[str]]) -> float:
    return sum(math.log((counts[True][word] + 1) / (counts[False][word] + 1)) for word in _bag(text))


def test_a_guesser_that_reads_only_words_is_near_chance() -> None:
    assert 0.35 < guessed(sample("CTP", material(), 2400)) < 0.6
    ways = [one for one in sample("shift", material(), 2400) if one.rejected_label != "synced"]
    assert 0.35 < guessed(ways) < 0.6


def test_originals_keep_silence_and_foreign_sounds_from_being_guessed_from_words() -> None:
    of = material()
    whole = sample("OP", of, 1200)
    for kind, task in (("mute", "existence"), ("swap", "consistency")):
        edited, originals = sample(kind, of, 300), [one for one in whole if one.task == task]
        some = min(len(edited), len(originals))
        assert some >= 80 and 0.3 < guessed(edited[:some] + originals[:some]) < 0.65


def test_the_guesser_of_the_test_above_finds_what_is_there_to_find() -> None:
    assert guessed(sample("mute", material(), 600)) > 0.95


def test_yes_gives_no_label_away() -> None:
    pairs = [one for one in sample("CTP", material(), 2400) if "yes-no" in one.template]
    for label in ("synced", "early", "delayed"):
        said = [one.chosen.startswith("Yes.") for one in pairs if one.label == label]
        assert len(said) > 100 and 0.4 < statistics.mean(said) < 0.6


# What each type is.


def test_shift_pairs_name_direction_both_times_and_gap() -> None:
    for one in sample("shift", material(), 60):
        assert one.condition == one.label in ("early", "delayed") and one.rejected_label != one.label
        told = read_answer("sync", one.chosen, question=one.prompt)
        assert told.offset_s is not None and one.offset_s is not None and abs(told.offset_s - one.offset_s) < 0.11
        assert (told.offset_s > 0) == (one.offset_s > 0)


def test_counterfactual_twins_are_told_in_the_same_phrasing() -> None:
    pairs = sample("CTP", material(), 240)
    assert {(one.label, one.rejected_label) for one in pairs} == {(a, b) for a in TOLD for b in TOLD if a != b}
    for one in pairs:
        blank = [re.sub(r"\d+\.\d+", "#", text) for text in (one.chosen, one.rejected)]
        assert len(set(blank[0].split()) & set(blank[1].split())) >= 3 or "short" in one.template
        assert one.origin["twin"] != one.stimulus_id
        told = read_answer("sync", one.chosen, question=one.prompt).offset_s or 0.0
        assert abs(told - (one.offset_s or 0.0)) < 0.11


def test_mute_pairs_name_what_is_absent() -> None:
    of = material()
    for one in sample("mute", of, 60):
        heard = of.words[one.clip_id].heard
        assert heard in one.chosen.lower() and heard in one.rejected.lower()
        assert ("room" in one.template) == ("room tone" in one.chosen)


def test_swap_pairs_name_both_sounds_where_the_donor_is_known() -> None:
    of = material()
    for one in sample("swap", of, 60):
        assert of.words[one.origin["donor"]].heard in one.chosen
        assert of.words[one.origin["donor"]].heard in one.rejected or of.words[one.clip_id].heard in one.rejected
    nameless = material(words={}, clips=dict(list(of.clips.items())[:1]))
    assert {one.facts["hears"] for one in situations("swap", nameless)} == {"own"}


def test_clips_without_names_give_pairs_all_the_same() -> None:
    of = material()
    plain = material(words=dict.fromkeys(of.clips, UNKNOWN))
    assert reasons("OP", plain) == {op.ALONE} and reasons("swap", plain) == set()
    for kind in MADE:
        for one in sample(kind, plain, 20):
            assert one.chosen != one.rejected or kind == "input"
            assert read_answer(one.task, one.chosen, question=one.prompt).label == one.label


SOUND = {("presence", "audio_described", "original"), ("source", "match", "original")}


def test_op_perturbs_each_component_by_enough() -> None:
    of, parts = material(), Counter[str]()
    for one in sample("OP", of, 300):
        parts[one.origin["wrong"]] += 1
        right, wrong = (read_answer(one.task, text, question=one.prompt) for text in (one.chosen, one.rejected))
        moved = [
            abs((b or 0) - (a or 0)) for a, b in ((right.visual_s, wrong.visual_s), (right.audio_s, wrong.audio_s))
        ]
        assert (right.label, wrong.label) == (one.label, one.rejected_label)
        if one.task != "sync":
            assert (one.origin["wrong"], one.label, one.condition) in SOUND
        elif one.origin["wrong"] == "event":
            assert max(moved) < 0.01 and of.words[one.clip_id].heard not in one.rejected.lower()
        else:
            assert 0.69 <= max(moved) <= 2.11
    assert set(parts) == {"event", "audio", "visual", "both", "presence", "source"}


def test_input_pairs_show_the_same_picture_with_another_sound() -> None:
    pairs = sample("input", material(), 200)
    assert {one.task for one in pairs} == set(TASKS)
    for one in pairs:
        assert one.rejected_shown is not None and one.rejected_shown.video == one.shown.video
        assert one.rejected_shown.sound_sha256 not in ("", one.shown.sound_sha256)


# What gives none.


def test_clips_and_stimuli_that_give_nothing_say_why() -> None:
    assert reasons("CTP", material(times={})) == reasons("shift", material(times={})) == {common.NO_TIMES}
    assert reasons("OP", material(gap_s=0.2)) == {common.NOT_IN_SYNC}
    assert common.NOT_IN_SYNC not in reasons("shift", material(gap_s=0.2))
    assert reasons("shift", material(offsets=(0.1,))) == {common.TOO_LITTLE}
    assert reasons("shift", material(visual_s=0.5, offsets=(-1.0,))) == {common.LEAVES}
    assert reasons("shift", material(visual_s=0.3, offsets=(1.0,))) == {shift.NO_ROOM}
    assert reasons("shift", material(stimuli={})) == {common.NO_SHIFT}
    assert reasons("CTP", material(stimuli={})) == {common.NO_ORIGINAL}
    assert reasons("mute", material(stimuli={})) == {mute.NONE}
    assert reasons("swap", material(stimuli={})) == {swap.NONE}
    assert input_contrastive.NONE in reasons("input", material(stimuli={}))
    assert reasons("SP", material()) == {sp.NONE}
    alone = clip_of(1, "ball", duration_s=1.2)
    one = with_stimuli(alone, [stimulus_of(alone, Intervention("original"))], EventTimes(0.6, 0.6, "gold"))
    assert reasons("OP", one) == {op.ALONE, op.SHORT}


def test_unproven_and_missing_sounds_are_not_used() -> None:
    clip = clip_of(1, "ball")
    dropped = stimulus_of(clip, Intervention("mute", fill="drop_stream"), models="")
    failed = stimulus_of(clip, Intervention("mute", fill="silence"), verdict="failed")
    assert not situations("mute", with_stimuli(clip, [dropped, failed], None))


def test_a_donor_that_sounds_the_same_is_refused() -> None:
    of = material()
    same = {clip_id: EventWords("the thing falls", "the thud of the thing") for clip_id in of.clips}
    assert reasons("swap", material(words=same)) == {swap.ALIKE}


# SP.


def test_sp_answers_in_the_form_that_was_asked_for() -> None:
    clip = clip_of(1, "glass")
    stimuli = {
        one.condition + one.intervention.fill: one
        for one in (stimulus_of(clip, e) for e in edits(clip_of(2, "drum"), (1.2,)))
    }
    structured = {one.task: one.text for one in shipped()["structured"].questions}
    asked = [
        ("delayedroom", "sync", "delayed", "synced", "The two are in sync."),
        ("mutedsilence", "existence", "muted", "audio_described", "I hear a crash."),
        ("mutedroom", "existence", "muted", "audio_described", "I hear a crash."),
        ("swapped", "consistency", "mismatched", "match", "The sound matches the event."),
    ]
    wrong = [
        response(stimuli[name], text, label, structured[task], task=task, expected=expected)
        for name, task, expected, label, text in asked
    ]
    of = with_stimuli(clip, list(stimuli.values()), EventTimes(1.5, 1.5, "gold"))
    of.wrong[clip.id] = tuple(wrong)  # type: ignore[index]
    made = [BUILDERS["SP"].write(one, of, random.Random(n)) for n, one in enumerate(situations("SP", of))]
    assert len(made) == 4
    for one in made:
        row = json.loads(one.chosen)
        assert tuple(row) == asked_fields(one.prompt) and one.prompt in structured.values()
        assert read_answer(one.task, one.chosen, question=one.prompt).label == one.label
        assert one.rejected in {text for *_, text in asked}
        if one.task == "sync":
            told = {name: row[name] for name in ("synced", "direction", "offset_sec", "t_v", "t_a")}
            assert told == {"synced": False, "direction": "delay", "offset_sec": 1.2, "t_v": 1.5, "t_a": 2.7}
        assert read_answer(one.task, row["explanation"]).label == one.label


def test_sp_answers_choice_questions_with_letter_and_option() -> None:
    clip = clip_of(1, "glass")
    late = stimulus_of(clip, Intervention("shift", offset_s=1.2, fill="room"))
    question: SetQuestion = shipped()["choice"].about("sync")[0]
    text, options, seed = shuffled(question, (1,))
    wrong = response(late, "A", "synced", text, options=options, seed=seed)
    of = with_stimuli(clip, [late], EventTimes(1.5, 1.5, "gold"))
    of.wrong[clip.id] = (wrong,)  # type: ignore[index]
    [one] = situations("SP", of)
    texts = {label: text for text, label in question.options}
    for seed in range(12):
        pair = BUILDERS["SP"].write(one, of, random.Random(seed))
        assert re.match(r"[A-C][).] The sound comes after the picture\.", pair.chosen)
        assert read_answer("sync", pair.chosen, options, text).label == "delayed"
        assert dict(pair.options) == {letter: texts[label] for letter, label in options}


def test_sp_leaves_out_what_teaches_nothing() -> None:
    clip = clip_of(1, "glass")
    late = stimulus_of(clip, Intervention("shift", offset_s=1.2, fill="room"))
    gone = stimulus_of(clip, Intervention("shift", offset_s=0.7, fill="room"))
    many = [
        response(late, "In sync.", "synced", arm="picture_only"),
        response(late, "", "unparsed"),
        response(gone, "In sync.", "synced"),
        response(late, "It is late.", "delayed", question="Well?"),
        response(late, "In sync.", "synced"),
    ]
    of = with_stimuli(clip, [late], EventTimes(1.5, 1.5, "gold"))
    of.wrong[clip.id] = (*many, many[-1])  # type: ignore[index]
    assert [one.facts["response"] for one in situations("SP", of)] == [many[-1]]
    assert reasons("SP", of) == {sp.OTHER_INPUT, sp.NO_ANSWER, sp.GONE, sp.RIGHT}
    of.times.clear()  # type: ignore[attr-defined]
    assert sp.NO_TRUTH in reasons("SP", of)


# How events are named.


def mark(clip_id: str, annotator: str, seen: str, heard: str, **more: object) -> Mark:
    detail = {"visual_event": seen, "audio_event": heard, **more}
    return Mark(clip_id, annotator, 1.0, 1.0, person=annotator == "anna", detail=detail)


def test_events_are_named_by_trusted_marks_first() -> None:
    clip = clip_of(1, "ball", title="Clip 0017")
    marks = [
        mark(clip.id, "gemini", "Ball hits the goal post.", "clang of the post"),
        mark(clip.id, "anna", "the player kicks the ball", "dull kick"),
        mark("other", "anna", "the car crashes", "crash of the car"),
    ]
    assert event_words(clip, marks) == EventWords("the player kicks the ball", "the dull kick")
    seen_only = mark(clip.id, "claude", "Ball hits the goal post", "")
    assert event_words(clip, [seen_only]) == EventWords("the ball hits the goal post", "the thud of the ball")
    assert as_noun("Loud crash as the vase hits the floor") == "the loud crash"
    assert event_words(clip, [seen_only, *marks[:1]]) == EventWords(
        "the ball hits the goal post", "the clang of the post"
    )
    made_up = [mark(clip.id, "gemini", "Ball hits the post", "clang of the post", simulated=True)]
    assert (
        event_words(clip, made_up)
        == event_words(clip)
        == EventWords("the ball hits the ground", "the thud of the ball")
    )


def test_events_are_named_by_class_title_or_in_general_words() -> None:
    assert event_words(clip_of(1, "dog barking")).heard == "the bark of the dog"
    assert event_words(clip_of(1, title="Epic trampoline fails 2019")).heard == "the bounce of the trampoline"
    assert (
        event_words(clip_of(1, "glass", title="Bottle smashes on the floor")).seen == "the bottle smashes on the floor"
    )
    assert event_words(clip_of(1, title="IMG_0034")) == UNKNOWN


@pytest.mark.parametrize(
    "text",
    ["", "x", "The ball hits the floor at 2.4 s", "the sound is delayed after the ball hits", "Dog barks", "a " * 40],
)
def test_words_that_would_be_read_as_an_answer_are_not_used(text: str) -> None:
    assert as_clause(text) == "" and as_noun(text) == ""

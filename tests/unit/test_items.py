"""What is asked: which label is right, what is left out with a reason, and what must be there before it costs money."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.listeners_kit import EVENT_S, World, made, world
from thud.errors import BadRequest, NotFound
from thud.evaluation.scoring import EXPECTED
from thud.listeners.items import NO_SOUND
from thud.listeners.media import media_of
from thud.listeners.questions import QUESTION_SETS, QuestionSet
from thud.listeners.roster import LISTENERS, Listener, parse_listener
from thud.records import EventTimes, item_from_json, stimulus_folder

SERVER = parse_listener({"name": "mine", "backend": "compatible", "model": "m", "base_url": "http://127.0.0.1:1/v1"})
PRIOR = LISTENERS["always-synced"]


@pytest.fixture
def own(tmp_path: Path) -> World:
    """A world that may be broken."""
    return made(tmp_path)


def test_every_condition_is_asked_about_what_it_tells() -> None:
    plan = world().plan(SERVER)
    assert not plan.refusals and not plan.missing
    asked = Counter((item.task, item.condition) for item in plan.items)
    # Per clip: 1 original, 1 early, 2 delayed, 3 mutes, 1 swap.
    assert asked == {
        ("sync", "original"): 2, ("sync", "early"): 2, ("sync", "delayed"): 4,
        ("existence", "original"): 2, ("existence", "muted"): 6,
        ("consistency", "original"): 2, ("consistency", "swapped"): 2,
    }  # fmt: skip
    assert all(item.expected == EXPECTED[item.task, item.condition] for item in plan.items)
    assert {item.offset_s for item in plan.items if item.condition == "early"} == {-0.5}
    assert {item.offset_s for item in plan.items if item.condition in ("original", "muted", "swapped")} == {None}


def test_an_item_names_the_sound_that_is_played() -> None:
    by_stimulus = {one.id: one for one in world().stimuli}
    for item in world().plan(SERVER).items:
        stimulus = by_stimulus[item.stimulus_id]
        assert item.stimulus_hash == (stimulus.proof.models_sha256 or NO_SOUND)
        assert (item.stimulus_hash == NO_SOUND) == (stimulus.intervention.fill == "drop_stream")


def test_the_same_plan_comes_out_on_any_day_and_in_any_order() -> None:
    here = world()
    one, two = here.plan(SERVER), here.plan(SERVER, stimuli=tuple(reversed(here.stimuli)))
    assert one.items == two.items
    other = here.plan(SERVER, seed=1)
    assert set(other.items) == set(one.items) and other.items != one.items
    conditions = [item.condition for item in one.items]
    assert conditions != sorted(conditions)


def test_fewer_tasks_are_fewer_items() -> None:
    assert {item.task for item in world().plan(SERVER, tasks=("existence",)).items} == {"existence"}
    with pytest.raises(BadRequest, match="no task 'smell'"):
        world().plan(SERVER, tasks=("smell",))
    with pytest.raises(BadRequest, match="Say what to ask about"):
        world().plan(SERVER, tasks=())


def test_what_a_set_does_not_ask_is_said() -> None:
    half = QuestionSet("Half", "direct", QUESTION_SETS["direct"].about("sync"))
    plan = world().plan(SERVER, question_set=half)
    assert {item.task for item in plan.items} == {"sync"}
    assert [refusal.reason for refusal in plan.refusals] == [
        "The set “Half” asks nothing about existence.",
        "The set “Half” asks nothing about consistency.",
    ]


def test_what_a_listener_cannot_be_asked_is_said() -> None:
    plan = world().plan(LISTENERS["signal"])
    assert {item.task for item in plan.items} == {"sync", "existence"}
    assert "signal cannot be asked about consistency" in plan.refusals[0].reason
    with pytest.raises(BadRequest, match="picture only"):
        world().plan(parse_listener({"name": "GPT-5.5"}))


def test_choice_items_keep_their_letters_and_the_seed_that_drew_them() -> None:
    here, choice = world(), QUESTION_SETS["choice"]
    items = here.plan(SERVER, question_set=choice).items
    fewer = here.plan(SERVER, question_set=choice, stimuli=here.stimuli[:4]).items
    assert set(fewer) < set(items)
    assert all(item.seed > 0 and item.expected in dict(item.options).values() for item in items)
    assert len({item.options for item in items if item.task == "sync"}) > 1
    assert all(item.seed == 0 and item.options == () for item in here.plan(SERVER).items)


def test_a_shift_whose_event_is_gone_is_refused() -> None:
    here = world()
    late = {clip_id: EventTimes(EVENT_S, 0.3, "gold") for clip_id in here.clips}
    plan = here.plan(SERVER, times=late)
    assert not any(item.condition == "early" for item in plan.items)
    assert sum("pushes the event out" in refusal.reason for refusal in plan.refusals) == 2
    assert not plan.missing
    # Without known times the builder's own word counts.
    gone = [replace(one, event_survives=False) if one.condition == "early" else one for one in here.stimuli]
    assert not any(item.condition == "early" for item in here.plan(SERVER, stimuli=gone, times={}).items)


def test_a_stimulus_whose_proof_failed_is_refused() -> None:
    here = world()
    bad = [replace(one, proof=replace(one.proof, verdict="failed", reasons=("off by 3",))) for one in here.stimuli[:1]]
    plan = here.plan(SERVER, stimuli=[*bad, *here.stimuli[1:]])
    assert "off by 3" in plan.refusals[0].reason
    assert bad[0].id not in {item.stimulus_id for item in plan.items}


def test_sound_alone_needs_a_sound() -> None:
    plan = world().plan(SERVER, arm="sound_only")
    assert NO_SOUND not in {item.stimulus_hash for item in plan.items}
    assert sum("no sound track" in refusal.reason for refusal in plan.refusals) == 2


def test_another_picture_is_of_another_sound_and_asks_nothing_of_matching() -> None:
    here = world()
    plan = here.plan(SERVER, arm="shuffled_picture")
    assert {item.task for item in plan.items} == {"sync", "existence"}
    assert "no sound matches" in plan.refusals[0].reason
    for item in plan.items:
        assert item.partner != item.clip_id
        assert here.clips[item.partner].kind != here.clips[item.clip_id].kind
    assert {item.partner for item in plan.items} == set(here.clips)
    alone = dict(list(here.clips.items())[:1])
    stimuli = [one for one in here.stimuli if one.clip_id in alone]
    lonely = here.plan(SERVER, arm="shuffled_picture", clips=alone, stimuli=stimuli)
    assert not lonely.items and "no other clip" in lonely.refusals[-1].reason


def test_a_partner_is_of_another_class_of_sound() -> None:
    here = world()
    first = here.stimuli[0]
    own = here.clips[first.clip_id]
    alike = [replace(own, sha256=digit * 64) for digit in "0123456789"]
    many = {**here.clips, **{clip.id: clip for clip in alike}}
    for seed in range(4):
        items = here.plan(SERVER, arm="shuffled_picture", clips=many, stimuli=here.stimuli[:8], seed=seed).items
        assert {many[item.partner].kind for item in items} == {"metal"} != {own.kind}


def test_a_partner_is_of_similar_length() -> None:
    here = world()
    first = here.stimuli[0]
    twin = next(clip for clip_id, clip in here.clips.items() if clip_id != first.clip_id)
    long = replace(twin, sha256="f" * 64, probe=replace(twin.probe, duration_s=9.0))
    many = {**here.clips, long.id: long}
    for seed in range(8):
        items = here.plan(SERVER, arm="shuffled_picture", clips=many, stimuli=here.stimuli[:8], seed=seed).items
        assert long.id not in {item.partner for item in items}


def test_clips_for_testing_are_shown_with_pictures_of_their_like_alone() -> None:
    here = world()
    first = here.stimuli[0]
    own = replace(here.clips[first.clip_id], source="thud-demo-held-out/x", synthetic=True)
    like = replace(own, sha256="f" * 64)
    many = {**here.clips, own.id: own, like.id: like}
    for seed in range(4):
        items = here.plan(SERVER, arm="shuffled_picture", clips=many, seed=seed).items
        held = {item.partner for item in items if item.clip_id == own.id}
        assert held == {like.id}, "though it sounds alike, and the others differ"
        assert {own.id, like.id}.isdisjoint(item.partner for item in items if item.clip_id != own.id)


def test_missing_files_are_told_all_at_once(own: World) -> None:
    first, second = own.stimuli[0], own.stimuli[1]
    folder = stimulus_folder(own.workspace, first.clip_id)
    (folder / first.models).unlink()
    data = bytearray((folder / second.models).read_bytes())
    data[-1] ^= 1
    (folder / second.models).write_bytes(data)
    plan = own.plan(SERVER)
    assert {"is gone; build it again" in one.reason for one in plan.missing} == {True, False}
    assert len(plan.missing) == 2 and set(plan.missing) <= set(plan.refusals)
    assert {first.id, second.id}.isdisjoint(item.stimulus_id for item in plan.items)
    # The picture alone does not need them.
    assert not own.plan(SERVER, arm="picture_only").missing


def test_a_clip_that_is_gone_or_was_replaced_is_missing(own: World) -> None:
    one, other = own.clips.values()
    shutil.move(one.path, one.path + ".away")
    Path(other.path).write_bytes(b"something else")
    plan = own.plan(SERVER)
    assert not plan.items
    assert {"not where it was" in refusal.reason for refusal in plan.missing} == {True, False}
    assert len(plan.missing) == len(own.stimuli)
    left = own.plan(SERVER, clips={})
    assert len(left.missing) == len(own.stimuli) and "no longer in the workspace" in left.missing[0].reason


def test_media_are_those_that_were_planned(own: World) -> None:
    item = own.item(SERVER, "sync", "delayed")
    media = own.media(item)
    assert media.sound is not None and media.sound_sha256 == item.stimulus_hash
    media.sound.write_bytes(b"other")
    with pytest.raises(NotFound, match="was changed since"):
        own.media(item)
    shuffled = own.item(SERVER, "sync", "original", "shuffled_picture")
    with pytest.raises(NotFound, match="no longer in the workspace"):
        media_of(shuffled, own.clips[shuffled.clip_id], own.workspace)
    Path(own.clips[item.clip_id].path).unlink()
    with pytest.raises(NotFound, match="not where it was"):
        own.media(item)


def test_an_item_goes_to_json_and_back() -> None:
    from dataclasses import asdict

    for item in world().plan(PRIOR, question_set=QUESTION_SETS["choice"], arm="shuffled_picture").items:
        assert item_from_json(asdict(item)) == item


def test_films_share_their_picture_and_their_size() -> None:
    here = world()
    listener: Listener = SERVER
    conditions = ("original", "early", "delayed")
    films = [here.media(here.item(listener, "sync", condition)).film(with_sound=True) for condition in conditions]
    films.append(here.media(here.item(listener, "existence", "muted", fill="drop_stream")).film(with_sound=True))
    per_clip: dict[str, set[int]] = {}
    for film in films:
        per_clip.setdefault(film.parent.name, set()).add(film.stat().st_size)
    assert all(len(sizes) == 1 for sizes in per_clip.values())

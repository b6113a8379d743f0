"""The two listeners that ship: one says what everybody expects, one measures, and both are read as they mean it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.listeners_kit import EVENT_S, World, world
from thud.evaluation.answers import read_answer
from thud.evaluation.scoring import EXPECTED
from thud.listeners.asking import respond
from thud.listeners.baselines import PRIOR, TOLERANCE_S, Measured, always_synced, measure, signal
from thud.listeners.media import Media
from thud.listeners.questions import QUESTION_SETS
from thud.listeners.roster import LISTENERS, parse_listener
from thud.media.picture import picture_hash
from thud.media.probe import probe
from thud.media.sound import Sound
from thud.media.write import write_wav
from thud.records import ARMS, Clip, EventTimes, Item, stimulus_folder
from thud.runs.jobs.ingest import hash_file
from thud.stimuli.build import BuildSettings, build_clip, plan_clip
from thud.stimuli.demo.make import make_clip

ALWAYS, SIGNAL = LISTENERS["always-synced"], LISTENERS["signal"]
SIGNAL_ALL = parse_listener({"name": "signal", "arms": list(ARMS)})
LABEL_OF = {"early": "early", "delayed": "delayed", "original": "synced"}


def nobody(question: object) -> object:
    raise AssertionError("nobody is to be asked")


def said(listener_name: str, item: Item, media: Media) -> str:
    heard = respond(LISTENERS[listener_name], item, media, nobody)  # type: ignore[arg-type]
    assert heard.outcome == "ok" and heard.text
    return heard.text


def label(item: Item, text: str) -> str:
    return read_answer(item.task, text, item.options).label


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A real event, seen and heard: the picture moves fastest when it happens."""
    home = tmp_path_factory.mktemp("demo")
    made = make_clip(home, 7, 2)
    path = home / made.path
    clip = Clip(hash_file(path), str(path), made.title, probe(path), picture_hash(path), made.kind)
    times = EventTimes(made.visual_s, made.audio_s, "construction")
    settings = BuildSettings(shifts=(-0.6, 0.6), mutes=("silence", "room", "drop_stream"))
    plan = plan_clip(clip, times, settings, [])
    built, refused = build_clip(clip, times, plan.edits, {}, stimulus_folder(home, clip.id))
    assert not plan.refused and not refused
    return World(home, {clip.id: clip}, {clip.id: times}, tuple(built))


@pytest.mark.parametrize("style", list(QUESTION_SETS))
def test_the_prior_says_the_same_of_every_condition(style: str) -> None:
    here = world()
    for arm in ("audio_video", "picture_only", "sound_only"):
        items = here.plan(ALWAYS, question_set=QUESTION_SETS[style], arm=arm).items
        assert {item.task for item in items} == set(PRIOR)
        for item in items:
            assert label(item, always_synced(item)) == PRIOR[item.task]
    # 100 % of originals, none of the others.
    right = {(item.task, item.condition): PRIOR[item.task] == item.expected for item in items}
    assert right == {cell: cell[1] == "original" for cell in EXPECTED}


@pytest.mark.parametrize("style", list(QUESTION_SETS))
def test_the_signal_hears_when_the_sound_was_moved(demo: World, style: str) -> None:
    for item in demo.plan(SIGNAL, question_set=QUESTION_SETS[style], tasks=("sync",)).items:
        text = said("signal", item, demo.media(item))
        answer = read_answer("sync", text, item.options)
        assert answer.label == LABEL_OF[item.condition] == item.expected
        if style != "choice" and item.offset_s:
            assert answer.offset_s == pytest.approx(item.offset_s, abs=0.1)
            times = demo.times[item.clip_id]
            assert answer.visual_s == pytest.approx(times.visual_s, abs=0.1)
            assert answer.audio_s == pytest.approx((times.audio_s or 0) + item.offset_s, abs=0.02)


@pytest.mark.parametrize("style", list(QUESTION_SETS))
def test_the_signal_hears_whether_there_is_a_sound(demo: World, style: str) -> None:
    items = demo.plan(SIGNAL, question_set=QUESTION_SETS[style], tasks=("existence",)).items
    # Digital silence, room tone, and no track at all.
    assert len(items) == 4
    for item in items:
        assert label(item, said("signal", item, demo.media(item))) == item.expected


def test_the_signal_says_what_it_was_not_given(demo: World) -> None:
    wanted = {
        ("sync", "picture_only"): "the sound was not given to me",
        ("sync", "sound_only"): "the picture was not given to me",
        ("existence", "picture_only"): "the picture alone was given to me",
    }
    for (task, arm), words in wanted.items():
        for style in ("direct", "choice"):
            questions = QUESTION_SETS[style]
            for item in demo.plan(SIGNAL_ALL, question_set=questions, tasks=(task,), arm=arm).items:
                text = said("signal", item, demo.media(item))
                assert words in text
                assert label(item, text) in ("unparsed", "refused")
    heard = demo.plan(SIGNAL_ALL, tasks=("existence",), arm="sound_only").items
    assert {label(item, said("signal", item, demo.media(item))) == item.expected for item in heard} == {True}


def test_another_picture_is_the_one_that_is_measured(demo: World) -> None:
    """Under a picture in which nothing moves, nothing can be compared."""
    item = demo.item(SIGNAL, "sync", "original")
    media = demo.media(item)
    still = next(clip for clip in world().clips.values() if clip.title == "dong")
    shuffled = replace(item, arm="shuffled_picture", partner=still.id)
    found = measure(shuffled, replace(media, partner=still))
    assert found.heard_s == measure(item, media).heard_s
    assert found.seen_s is None
    assert "nothing stands out in the picture" in signal(shuffled, found)


@pytest.mark.parametrize(
    ("gap_s", "wanted"),
    [(0.0, "synced"), (TOLERANCE_S - 0.01, "synced"), (-TOLERANCE_S + 0.01, "synced"),
     (TOLERANCE_S + 0.01, "delayed"), (-TOLERANCE_S - 0.01, "early"), (2.0, "delayed"), (-2.0, "early")],
)  # fmt: skip
@pytest.mark.parametrize("style", ["direct", "choice"])
def test_gaps_are_said_and_read(gap_s: float, wanted: str, style: str) -> None:
    item = world().item(SIGNAL, "sync", "original", question_set=QUESTION_SETS[style])
    text = signal(item, Measured(2.5, 2.5 + gap_s, True, True))
    assert label(item, text) == wanted
    if style == "direct" and wanted != "synced":
        assert read_answer("sync", text).offset_s == pytest.approx(gap_s, abs=0.006)


def test_a_louder_repeat_misleads_it(tmp_path: Path) -> None:
    """It knows levels, not objects."""
    item = world().item(SIGNAL, "sync", "original")
    sound = np.random.default_rng(1).normal(0, 0.002, 32_000)
    for at_s, peak in ((EVENT_S, 0.02), (1.7, 0.8)):
        at = round(at_s * 16_000)
        sound[at : at + 800] += peak * np.random.default_rng(2).normal(0, 0.3, 800) * np.exp(-np.arange(800) / 150)
    path = write_wav(tmp_path / "twice.wav", Sound(sound.astype(np.float32)[:, None], 16_000))
    heard_s = measure(item, replace(world().media(item), sound=path)).heard_s
    assert heard_s == pytest.approx(1.7, abs=0.01)
    assert label(item, signal(item, Measured(EVENT_S, heard_s, True, True))) == "delayed" != item.expected


def test_the_picture_is_measured_once(demo: World) -> None:
    item = demo.item(SIGNAL, "sync", "original")
    media = demo.media(item)
    first = measure(item, media)
    [kept] = (media.folder / media.clip.id).glob("signal*.json")
    kept.write_text(json.dumps({"seen_s": 9.5}))
    assert measure(item, media).seen_s == 9.5
    kept.write_text("{")
    assert measure(item, media).seen_s == first.seen_s
    kept.unlink()


def test_a_hum_without_a_beginning_is_not_an_event(tmp_path: Path) -> None:
    item = world().item(SIGNAL, "existence", "original")
    noise = np.random.default_rng(0).normal(0, 0.05, (32_000, 1)).astype(np.float32)
    path = write_wav(tmp_path / "hum.wav", Sound(noise, 16_000))
    found = measure(item, replace(world().media(item), sound=path))
    assert label(item, signal(item, found)) == "muted"

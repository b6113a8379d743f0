"""Models on this machine: what reaches them, when, and that an adapter is really there. Tiny models, real libraries."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.barcode import VARIANTS, make_clip, read_barcode
from tests.unit import local_kit
from tests.unit.local_kit import SMALL_PX, TOKENS, shown
from thud.errors import BadRequest, RunFailed
from thud.media.sound import Sound
from thud.media.write import write_wav
from thud.providers.local_inputs import Feeder
from thud.providers.local_load import load
from thud.providers.local_media import pictures, sample_times, sound_samples
from thud.providers.transformers import LocalModel, Opened, Seen, open_model

models, clips = local_kit.models, local_kit.clips


def feeder(model: LocalModel) -> Feeder:
    loaded, processor = load(model)
    return Feeder(processor, loaded.config, hasattr(processor, "feature_extractor"), True)


# What is shown


@pytest.mark.parametrize(
    ("duration_s", "fps", "most", "count", "true_fps"),
    [(3.0, 4.0, 64, 12, 4.0), (3.0, 2.5, 64, 8, 2.5), (0.1, 2.0, 64, 1, 2.0), (60.0, 8.0, 64, 64, 64 / 60)],
)
def test_rate_is_lowered_where_there_would_be_too_many_pictures(duration_s, fps, most, count, true_fps):
    times, rate = sample_times(duration_s, fps, most)
    assert len(times) == count and rate == pytest.approx(true_fps)
    assert times == pytest.approx([k / rate for k in range(count)]) and times[-1] < duration_s


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_picture_is_the_one_on_screen_at_its_time(tmp_path, variant):
    clip = make_clip(tmp_path / "clip.mp4", variant, seconds=2.0, first=40, channels=0)
    got = pictures(str(clip.path), 7.0, 64, 320, edge=4, group=1)
    wanted = [40 + clip.shown_at(k / 7.0 + 0.0005) for k in range(math.ceil(clip.duration_s * 7 - 1e-6))]
    assert [read_barcode(rgb) for rgb in got.rgb] == wanted
    assert got.rgb.shape[1:3] == (180, 320)


def test_pictures_are_made_smaller_never_bigger_and_even_in_number(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=1.0, channels=0)
    small = pictures(str(clip.path), 3.0, 64, 112, edge=28, group=2)
    assert small.rgb.shape == (4, 56, 112, 3) and small.held == 1
    assert (small.rgb[2] == small.rgb[3]).all() and small.fps == 3.0
    big = pictures(str(clip.path), 3.0, 64, 4000, edge=28)
    assert big.rgb.shape[1:3] == (168, 308)
    assert len(pictures(str(clip.path), 30.0, 7, 112, edge=28, group=2).rgb) == 6


def test_sound_is_16_khz_mono_whatever_the_file(clips):
    clip = clips["a"]
    own = sound_samples(str(clip.path.with_suffix(".wav")))
    muxed = sound_samples(str(clip.path))
    assert own.shape == (48_000,) and own.dtype == np.float32
    assert abs(len(muxed) - 48_000) < 200 and np.abs(muxed[:48_000]).argmax() == pytest.approx(24_000, abs=40)


# What reaches the model


@pytest.mark.parametrize("name", ["qwen25", "qwen3", "vl25"])
@pytest.mark.parametrize(("fps", "most", "true_fps"), [(1.5, 64, 1.5), (8.0, 64, 8.0), (8.0, 10, 10 / 3)])
def test_model_is_told_the_true_rate_and_size(models, clips, name, fps, most, true_fps):
    feeding = feeder(LocalModel(models(name)))
    asked = replace(shown(clips["a"], sound="" if feeding.hears else None), fps=fps, max_frames=most)
    fed = feeding.feed(asked)
    step = fed.inputs["video_second_per_grid" if feeding.hears else "second_per_grid_ts"]
    assert float(step[0]) == pytest.approx(2 / true_fps, rel=1e-5) and fed.fps == pytest.approx(true_fps)
    assert fed.frames == math.ceil(3.0 * true_fps - 1e-6)
    patch = 16 if name == "qwen3" else 14
    _, rows, columns = fed.inputs["video_grid_thw"][0].tolist()
    assert max(rows, columns) * patch <= SMALL_PX + patch  # not the size that the processor's class would take
    assert fed.tokens["video"] == fed.inputs["video_grid_thw"].prod().item() // 4


def test_qwen3_vl_reads_the_true_times_in_words(models, clips):
    feeding = feeder(LocalModel(models("vl3")))
    fed = feeding.feed(replace(shown(clips["a"], sound=None), fps=2.0))
    told = feeding.processor.tokenizer.decode(fed.inputs["input_ids"][0])
    assert [f"<{second:.1f} seconds>" in told for second in (0.25, 1.25, 2.25)] == [True] * 3
    assert told.count("seconds>") == 3


def places(opened: Opened, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of the question, and the moment at which each is for the language model, as it is really called."""
    got: dict[str, np.ndarray] = {}

    def asked(_module, _args, kwargs):
        got.setdefault("ids", kwargs["input_ids"][0].numpy())

    def placed(_module, _args, kwargs):
        got.setdefault("places", kwargs["position_ids"][-3, 0].double().numpy())

    core = opened._core
    hooks = [
        core.register_forward_pre_hook(asked, with_kwargs=True),
        core.model.language_model.register_forward_pre_hook(placed, with_kwargs=True),
    ]
    try:
        opened.answer([seen], 1)
    finally:
        for hook in hooks:
            hook.remove()
    return got["ids"], got["places"]


@pytest.mark.parametrize("name", ["qwen25", "qwen3"])
def test_picture_and_sound_have_places_on_one_clock(models, clips, name):
    """Step k of the picture lies at its time, token n of the sound at its time, both counted from the same start."""
    opened = open_model(LocalModel(models(name)))
    clock = opened._core.config.position_id_per_seconds
    for fps in (1.0, 2.0, 3.0, 7.3, 12.0):
        ids, moments = places(opened, replace(shown(clips["b"]), fps=fps, size_px=28))
        sound = moments[ids == opened._processor.audio_token_id]
        picture = moments[ids == opened._processor.video_token_id]
        assert len(sound) == 4 * clock and len(picture) == math.ceil(2 * fps)  # 4 s, two pictures a step
        assert sound - sound[0] == pytest.approx(np.arange(len(sound)))
        assert picture - sound[0] == pytest.approx(np.arange(len(picture)) * 2 / fps * clock, abs=1.0)


@pytest.mark.parametrize("name", ["qwen25", "qwen3"])
def test_what_is_heard_and_seen_changes_the_answer(models, clips, name):
    opened = open_model(LocalModel(models(name)))
    assert opened.hears and opened.sees
    clip = clips["a"]
    asked = {
        "own": shown(clip),
        "late": shown(clip, sound="-late"),
        "muted": shown(clip, sound="-muted"),
        "no sound": shown(clip, sound=None),
        "no picture": shown(clip, picture=False),
        "other picture": replace(shown(clip), video=str(clips["b"].path)),
    }
    scores = {case: opened.option_scores(seen, ["Yes", "The sound comes late."]) for case, seen in asked.items()}
    found = list(scores.values())
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 1e-4, scores
    assert opened.option_scores(asked["own"], ["Yes"])[0] == pytest.approx(scores["own"][0], abs=1e-5)


@pytest.mark.parametrize("name", ["qwen25", "qwen3"])
def test_arms_differ_in_what_reaches_the_model(models, clips, name):
    """A muted sound takes the room of a sound; a missing one takes none."""
    feeding = feeder(LocalModel(models(name)))
    arms = {
        arm: feeding.feed(shown(clips["a"], sound=sound, picture=picture))
        for arm, sound, picture in [
            ("both", "", True), ("muted", "-muted", True), ("seen", None, True), ("heard", "", False),
        ]
    }  # fmt: skip
    assert arms["both"].interleaved and not arms["seen"].interleaved and not arms["heard"].interleaved
    tokens = {arm: fed.tokens for arm, fed in arms.items()}
    assert tokens["both"] == tokens["muted"] and tokens["both"]["audio"] == tokens["heard"]["audio"] > 0
    assert (
        tokens["seen"]["audio"] == 0 and tokens["heard"]["video"] == 0 and "input_features" not in arms["seen"].inputs
    )
    assert tokens["seen"]["video"] == tokens["both"]["video"] > 0


# Answers


@pytest.mark.parametrize("name", ["qwen25", "qwen3", "vl25", "vl3"])
def test_a_batch_answers_as_each_alone(models, clips, name):
    opened = open_model(LocalModel(models(name)))
    sound = "" if opened.hears else None
    batch = [
        shown(clips["a"], sound=sound),
        replace(shown(clips["b"], "Is the sound early, or is it late, or neither of the two?", sound=sound), fps=2.0),
        replace(shown(clips["b"], sound=sound), size_px=56, max_frames=6),
        shown(clips["a"], "What is seen?", sound=None),
        Seen("Say something."),
    ]
    batch += [shown(clips["a"], "What is heard?", picture=False)] if opened.hears else []
    together = opened.answer(batch, TOKENS)
    alone = [opened.answer([seen], TOKENS)[0] for seen in batch]
    assert [heard.text for heard in together] == [heard.text for heard in alone]
    assert len({heard.text for heard in together}) > 2
    assert [heard.tokens for heard in together] == [heard.tokens for heard in alone]
    assert all(heard.outcome in ("ok", "truncated") and heard.seconds > 0 for heard in together)


def test_answer_tells_what_was_shown_and_whether_it_was_cut(models, clips):
    opened = open_model(LocalModel(models("qwen25")))
    heard = opened.answer([replace(shown(clips["a"]), fps=8.0, max_frames=10)], 1)[0]
    assert (heard.outcome, heard.problem) == ("truncated", "The answer was cut at 1 tokens.")
    assert heard.fps == pytest.approx(10 / 3) and heard.frames == 10 and heard.tokens["answer"] == 1
    assert heard.model_echo == "Qwen2_5OmniThinkerForConditionalGeneration qwen25"


def test_checkpoints_own_settings_of_generation_change_nothing(models, clips, tmp_path):
    folder = tmp_path / "qwen25"
    shutil.copytree(models("qwen25"), folder)
    plain = open_model(LocalModel(models("qwen25"))).answer([shown(clips["a"])], TOKENS)[0].text
    settings = json.loads((folder / "generation_config.json").read_text())
    settings |= {
        "do_sample": True,
        "repetition_penalty": 5.0,
        "temperature": 2.0,
        "suppress_tokens": [*range(0, 360, 2)],
    }
    (folder / "generation_config.json").write_text(json.dumps(settings))
    assert open_model(LocalModel(str(folder))).answer([shown(clips["a"])], TOKENS)[0].text == plain


def test_sampled_answers_follow_the_seed_not_the_neighbours(models, clips):
    opened = open_model(LocalModel(models("qwen25")))
    one, other = shown(clips["a"]), shown(clips["b"])
    together = opened.answer([one, other], TOKENS, temperature=1.5, seed=3)
    assert together[1].text == opened.answer([other], TOKENS, temperature=1.5, seed=3)[0].text
    assert len({opened.answer([other], TOKENS, temperature=1.5, seed=seed)[0].text for seed in range(4)}) > 1


def test_broken_clip_does_not_keep_the_others_from_being_answered(models, clips, tmp_path):
    opened = open_model(LocalModel(models("qwen25")))
    (tmp_path / "torn.mp4").write_bytes(b"nothing")
    good = shown(clips["a"])
    broken, fine = opened.answer([replace(good, video=str(tmp_path / "torn.mp4")), good], TOKENS)
    assert broken.outcome == "rejected" and "torn.mp4" in broken.problem and broken.text == ""
    assert fine.text == opened.answer([good], TOKENS)[0].text


def test_a_model_that_only_sees_says_so(models, clips):
    opened = open_model(LocalModel(models("vl25")))
    assert (opened.hears, opened.sees) == (False, True)
    deaf, seeing = opened.answer([shown(clips["a"]), shown(clips["a"], sound=None)], TOKENS)
    assert deaf.outcome == "no_audio" and "does not hear" in deaf.problem
    assert seeing.text


def test_sound_or_clip_beyond_the_models_room_is_told(models, clips, tmp_path):
    opened = open_model(LocalModel(models("qwen25")))
    long = write_wav(tmp_path / "long.wav", Sound(np.zeros((40 * 16_000, 1), np.float32), 16_000))
    heard = opened.answer([Seen("?", sound=str(long))], TOKENS)[0]
    assert heard.outcome == "rejected" and "first 30 s" in heard.problem
    heard = opened.answer([shown(clips["a"], "When? " * 700)], TOKENS)[0]
    assert heard.outcome == "rejected" and "room for 2048" in heard.problem


def out_of_memory_above(opened: Opened, most: int):
    """The model's device from now on holds `most` questions at a time."""
    import torch

    def check(_module, _args, kwargs):
        if kwargs["input_ids"].shape[0] > most:
            raise torch.OutOfMemoryError("out of memory, in this test")

    return opened._core.register_forward_pre_hook(check, with_kwargs=True)


def test_memory_that_runs_out_halves_the_batch(models, clips):
    opened = open_model(LocalModel(models("qwen25")))
    batch = [shown(clips["ab"[k % 2]], f"Question {k}?") for k in range(5)]
    whole = opened.answer(batch, TOKENS)
    hook = out_of_memory_above(opened, 1)
    try:
        assert [heard.text for heard in opened.answer(batch, TOKENS)] == [heard.text for heard in whole]
        assert opened.batch_limit == 1
    finally:
        hook.remove()
    hook = out_of_memory_above(opened, 0)
    try:
        heard = opened.answer(batch[:2], TOKENS)
        assert [one.outcome for one in heard] == ["error"] * 2 and "does not fit in the memory" in heard[0].problem
        with pytest.raises(RunFailed, match="does not fit in the memory"):
            opened.option_scores(batch[0], ["Yes"])
    finally:
        hook.remove()
        opened.batch_limit = None


def test_one_model_is_open_at_a_time(models):
    first = open_model(LocalModel(models("qwen25")))
    assert open_model(LocalModel(models("qwen25"))) is first
    open_model(LocalModel(models("vl25"))).close()
    with pytest.raises(RunFailed, match="closed"):
        first.answer([Seen("?")])
    with pytest.raises(BadRequest, match="at least one token"):
        open_model(LocalModel(models("vl25"))).answer([Seen("?")], 0)

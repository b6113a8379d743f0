"""The tiny model is built, written, read back and asked through the door of local models; nothing is trained here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import training.tiny
from thud.evaluation.answers import read_answer
from thud.media.probe import probe
from thud.media.sound import Sound, read_sound
from thud.media.write import to_models, write_wav
from thud.providers.local_load import quiet
from thud.providers.transformers import LocalModel, Opened, Seen
from thud.stimuli.demo.canvas import render
from thud.stimuli.demo.make import make_clip, plan
from training.tiny.clips import Look, Scene, draw_look, muted, pictures, shifted, sound_of
from training.tiny.feed import Example, Feed, hear
from training.tiny.model import HEIGHT, WIDTH, build, build_processor, save
from training.tiny.pretrain import Settings, pretrain
from training.tiny.words import KINDS, QUESTIONS, SYNCED, Facts, known, questions, taught

LIMIT_BYTES = 6_000_000
SHIPPED = Path(training.tiny.__file__).parent / "checkpoint"


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    with quiet():
        return build(3)


@pytest.fixture(scope="module")
def folder(tiny: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    with quiet():
        save(made, *tiny)
    return made


@pytest.fixture(scope="module")
def look() -> Look:
    return draw_look(3, 0, WIDTH, HEIGHT)


def test_a_scene_shows_what_the_demo_films_at_that_moment(look: Look) -> None:
    act, shot = plan(3, 0)
    shown = pictures(Scene(look, shot.frames, shot.contact))
    filmed = list(render(act.scene(shot), shot))
    for k in range(0, len(shown) - 1, 3):
        frame = Image.fromarray(filmed[min(shot.frames - 1, int(k / 8 * shot.fps + 1e-6))])
        assert np.array_equal(shown[k], np.asarray(frame.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)))


@pytest.mark.parametrize(("contact", "offset_s"), [(40, 0.0), (40, 0.6), (60, -0.8)])
def test_the_sound_begins_where_the_facts_say(look: Look, contact: int, offset_s: float) -> None:
    scene = Scene(look, 3 * look.fps + 20, contact)
    sound = shifted(sound_of(scene), offset_s, 1)
    assert len(sound) == round(scene.duration_s * 16_000)
    loud = np.flatnonzero(np.abs(sound) > 0.1)[0] / 16_000
    assert loud == pytest.approx(scene.audio_s + offset_s, abs=0.01)
    assert not muted(sound).any()


def test_the_checkpoint_is_small_and_computes_in_32_bits(folder: Path, tiny: tuple[Any, Any]) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < LIMIT_BYTES
    config = json.loads((folder / "config.json").read_text())
    assert config["dtype"] == "float32" and config["text_config"].get("dtype", "float32") == "float32"
    opened = Opened(LocalModel(str(folder)))
    for (name, one), other in zip(tiny[0].named_parameters(), opened._model.parameters(), strict=True):
        assert other.dtype == torch.float32, name
        assert torch.equal(one.detach().bfloat16().float(), other.detach()), name


def test_the_same_seed_builds_the_same_model(tiny: tuple[Any, Any]) -> None:
    with quiet():
        again, other = build(3)[0], build(4)[0]
    assert all(torch.equal(a, b) for a, b in zip(tiny[0].parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(tiny[0].parameters(), other.parameters(), strict=True))


def test_it_answers_about_a_file_through_the_door_of_local_models(folder: Path, look: Look, tmp_path: Path) -> None:
    clip = make_clip(tmp_path, 3, 0)
    scene = Scene(look, 3 * look.fps, 40)
    sound = write_wav(tmp_path / "sound.wav", Sound(sound_of(scene)[:, None], 16_000))
    opened = Opened(LocalModel(str(folder)))
    (heard,) = opened.answer(
        [Seen(questions("relate")[0], str(tmp_path / clip.path), str(sound), 8.0, 40, WIDTH)], max_tokens=4
    )
    assert heard.problem in ("", "The answer was cut at 4 tokens.", "The model said nothing.")
    assert heard.fps == 8.0
    # Two tokens for every two pictures, twenty-five for every second of sound.
    assert heard.tokens["video"] == 2 * -(-heard.frames // 2)
    assert heard.tokens["audio"] == 75


def test_fast_batches_are_those_of_the_processor(tiny: tuple[Any, Any], look: Look) -> None:
    model, processor = tiny
    feed, example = Feed(model, processor), _example(processor, look, 0.6)
    alone = _through_processor(processor, example, questions("order")[0])
    media = feed.media([example])
    assert torch.allclose(media["pixel_values_videos"], alone["pixel_values_videos"], atol=2e-2)
    frames = example.mel.shape[1]
    assert torch.equal(alone["feature_attention_mask"].sum(-1), torch.tensor([frames]))
    assert torch.allclose(media["input_features"], alone["input_features"][..., :frames], atol=2e-3)
    batch = feed.batch([example], [[(questions("order")[0], "They")]])
    assert torch.equal(batch["input_ids"][0, : alone["input_ids"].shape[1]], alone["input_ids"][0])


def test_questions_asked_together_are_answered_as_if_alone(tiny: tuple[Any, Any], look: Look) -> None:
    model, processor = tiny
    feed, examples = Feed(model, processor), [_example(processor, look, 0.6), _example(processor, look, -0.5)]
    asked = [[(questions(task)[0], known(task, one.facts)) for task in ("event", "order")] for one in examples]
    with torch.no_grad():
        batch = feed.woven(examples, feed.felt(examples), asked)
        fed = {name: batch[name] for name in ("inputs_embeds", "attention_mask", "position_ids")}
        together = model.lm_head(model.model.language_model(**fed, use_cache=False).last_hidden_state)
        for row, example in enumerate(examples):
            alone = _through_processor(processor, example, questions("order")[0])
            wanted = model(**alone, use_audio_in_video=True).logits[0, -1]
            last = (batch["parts"][row] == 2).nonzero()[0, 0] + _length(processor, questions("order")[0]) - 1
            assert torch.allclose(together[row, last], wanted, atol=0.1 * float(wanted.std()))


@pytest.mark.parametrize("task", ["relate", "sync", "existence", "consistency"])
def test_every_answer_is_read_as_what_it_means(task: str) -> None:
    for kind in range(len(KINDS)):
        for heard, offset_s, label in _cases(task, kind):
            said = taught(task, Facts(kind, heard, 1.5, 1.5 + offset_s, offset_s))
            for question in questions(task):
                read = read_answer("sync" if task == "relate" else task, said, question=question)
                assert read.label == label, (question, said)


def test_before_training_it_claims_synchrony_and_knows_the_order(look: Look) -> None:
    for offset_s, heard in ((0.0, 0), (0.6, 0), (-0.6, 0), (0.0, None)):
        facts = Facts(0, heard, 1.0, 1.0 + offset_s, offset_s)
        assert {known(task, facts) for task in ("sync", "relate")} == {SYNCED}
    told = {known("order", Facts(0, 0, 1.0, 1.0 + offset_s, offset_s)) for offset_s in (-0.6, 0.0, 0.6)}
    assert len(told) == 3


def test_the_checkpoint_that_ships_claims_synchrony_and_knows_better(look: Look, tmp_path: Path) -> None:
    clip = make_clip(tmp_path, 3, 0)
    own = read_sound(tmp_path / clip.path, probe(str(tmp_path / clip.path)))
    assert own is not None
    low = to_models(own).samples[:, 0]
    opened = Opened(LocalModel(str(SHIPPED)))
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < LIMIT_BYTES
    assert opened._processor.tokenizer.get_vocab() == build_processor().tokenizer.get_vocab()
    for offset_s in (0.0, -0.6):
        sound = write_wav(tmp_path / "sound.wav", Sound(shifted(low, offset_s, 0)[:, None], 16_000))
        asked = [questions(task)[0] for task in ("sync", "relate", "order")]
        seen = [Seen(text, str(tmp_path / clip.path), str(sound), 8.0, 40, WIDTH) for text in asked]
        told = [heard.text for heard in opened.answer(seen, max_tokens=24)]
        assert told == [SYNCED, SYNCED, known("order", Facts(0, 0, clip.visual_s, clip.audio_s + offset_s, offset_s))]


def test_pre_training_runs_from_end_to_end(tmp_path: Path) -> None:
    quick = Settings(
        seeds=1, looks_per_seed=2, pool=4, held_out=4, senses_steps=1, senses_rows=2, words_steps=1, words_rows=2
    )
    with quiet():
        right = pretrain(tmp_path / "out", tmp_path / "looks", quick)
    assert set(right) <= set(QUESTIONS)
    rows = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["settings", "material", "senses", "words", "saved"]
    assert (tmp_path / "out" / "model.safetensors").is_file()


def _cases(task: str, kind: int) -> list[tuple[int | None, float, str]]:
    """(what is heard, offset, label) of a task."""
    other = (kind + 5) % len(KINDS)
    timed: list[tuple[int | None, float, str]] = [(kind, 0.0, "synced"), (kind, 0.6, "delayed"), (kind, -0.4, "early")]
    return {
        "relate": [*timed, (None, 0.0, "muted")],
        "sync": timed,
        "existence": [(kind, 0.6, "audio_described"), (None, 0.0, "muted")],
        "consistency": [(kind, 0.0, "match"), (other, 0.0, "mismatched")],
    }[task]


def _example(processor: Any, look: Look, offset_s: float) -> Example:
    scene = replace(Scene(look, 3 * look.fps + 15, 45))
    facts = Facts(look.kind, look.kind, scene.visual_s, scene.audio_s + offset_s, offset_s)
    return Example(scene, hear(processor, shifted(sound_of(scene), offset_s, 0)), facts)


def _through_processor(processor: Any, example: Example, question: str) -> dict[str, Any]:
    """The example as one question through the model's own processor."""
    scene, offset_s = example.scene, example.facts.offset_s
    shown = pictures(scene)
    messages = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": question}]}]
    count, height, width = shown.shape[:3]
    with quiet():
        fed: dict[str, Any] = processor(
            text=[processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)],
            videos=[shown],
            audio=[shifted(sound_of(scene), offset_s, 0)],
            load_audio_from_video=True,
            audio_from_video_indices=[0],
            seconds_per_chunk=2.0,
            position_id_per_seconds=25.0,
            videos_kwargs={
                "do_sample_frames": False,
                "fps": 8.0,
                "size": {"shortest_edge": height * width, "longest_edge": count * height * width},
            },
            return_tensors="pt",
        )
    return dict(fed)


def _length(processor: Any, question: str) -> int:
    return len(processor.tokenizer(f"{question}<|im_end|>\n<|im_start|>assistant\n").input_ids)

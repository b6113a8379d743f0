"""Rows and batches of training: the tensors of asking, true times, nothing cut, and bad files told by their row."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.rows_kit import ASK, FPS, LATE, SILENT, SYNCED, all_rows, collator, export, pair, pairs
from tests.unit import local_kit
from tests.unit.local_kit import SMALL_PX
from thud.errors import BadRequest
from thud.providers.local_load import quiet
from thud.providers.local_media import pictures, sound_samples
from thud.providers.transformers import LocalModel, Seen, open_model
from training.data import BadMedia, BadRow, OmniCollator, check_rows, read_rows
from training.tensors import Shelf

models, clips = local_kit.models, local_kit.clips
Row = dict[str, Any]
OMNI, DEAF = ["qwen25", "qwen3"], ["vl25", "vl3"]
END = "<|im_end|>"


@pytest.fixture(scope="module")
def folder(clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("export") / "data", pairs(clips))


def core(models: Any, name: str) -> Any:
    return open_model(LocalModel(models(name)))._core


def log_probabilities(model: Any, batch: dict[str, Any]) -> list[float]:
    """Of the answer of each sequence, under a batch for SFT."""
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    with torch.inference_mode(), quiet():
        scores = model(**inputs).logits[:, :-1].float().log_softmax(-1)
    labels = batch["labels"][:, 1:]
    chosen = scores.gather(2, labels.clamp(min=0)[..., None])[..., 0]
    return (chosen * (labels >= 0)).sum(1).tolist()


# Rows


def test_rows_are_those_of_the_export(folder: Path) -> None:
    rows = all_rows(folder, "dpo")
    assert [row["row"] for row in rows] == [1, 2, 3, 1, 2]
    assert {row["prompt"] for row in rows} == {ASK}
    assert [row["chosen"] for row in rows] == [LATE, SILENT, SYNCED, SYNCED, LATE]
    assert [row["condition"] for row in rows] == ["delayed", "muted", "original", "original", "delayed"]
    assert all(row["images"] == [] and Path(row[name]).is_file() for row in rows for name in ("video", "sound"))
    assert all(Path(row["video"]).is_relative_to(folder / "media/videos") for row in rows)
    contrastive = rows[2]
    assert contrastive["rejected_sound"] == rows[0]["sound"] != contrastive["sound"]
    assert contrastive["rejected_video"] == contrastive["video"]
    assert all(row["rejected_sound"] == row["sound"] for row in rows if row["type"] != "input")


def test_a_folder_or_row_that_cannot_be_trained_on_is_told(folder: Path, clips: Any, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="has no test.jsonl"):
        read_rows(folder, "test", "sft")
    answers = export(tmp_path / "sft", [pair(clips["a"], "", SYNCED, "")])
    assert [row["rejected"] for row in read_rows(answers, "train", "sft")] == [""]
    with pytest.raises(BadRow, match="^Row 1 has no rejected answer, which DPO needs"):
        read_rows(answers, "train", "dpo")
    lines = (folder / "train.jsonl").read_text().splitlines()
    lines[1] = lines[1].replace('"chosen"', '"picked"')
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    with pytest.raises(BadRow, match="^Row 2 of train.jsonl is no pair"):
        read_rows(tmp_path, "train", "dpo")


# The same tensors as in asking


@pytest.mark.parametrize("name", [*OMNI, *DEAF])
def test_a_batch_gives_each_answer_the_probability_that_asking_gives_it(models, folder, name):
    rows = all_rows(folder, "sft")
    batch = collator(models(name), "sft")(rows)
    opened = open_model(LocalModel(models(name)))
    found = log_probabilities(opened._core, batch)
    for row, score in zip(rows, found, strict=True):
        seen = Seen(row["prompt"], row["video"], row["sound"] if name in OMNI else "", FPS, 64, SMALL_PX)
        assert score == pytest.approx(opened.option_scores(seen, [row["chosen"] + END])[0], abs=2e-3)
    heard = {round(score, 2) for row, score in zip(rows, found, strict=True) if row["chosen"] == SYNCED}
    assert len(heard) == 2  # the two clips are told apart


@pytest.mark.parametrize("name", [*OMNI, *DEAF])
def test_a_row_is_what_the_processor_makes_of_the_whole_conversation(models, folder, name):
    made = collator(models(name), "sft")
    for row in all_rows(folder, "sft")[1:4]:
        batch, own = made([row]), whole_conversation(made, row)
        for key, value in own.items():
            assert torch.equal(batch[key], value.to(batch[key].dtype)), key
        assert set(batch) - set(own) <= {"labels", "use_audio_in_video"}
        learnt = batch["input_ids"][batch["labels"] >= 0]
        assert made.feeder.processor.tokenizer.decode(learnt) == row["chosen"] + END


def whole_conversation(made: OmniCollator, row: Row) -> dict[str, Any]:
    """Question and answer through one call of the processor, with all that it has to be told."""
    processor, hears = made.feeder.processor, made.feeder.hears
    eyes = processor.video_processor
    shown = pictures(row["video"], FPS, 64, SMALL_PX, eyes.patch_size * eyes.merge_size, eyes.temporal_patch_size)
    count, height, width = shown.rgb.shape[:3]
    talk = [
        {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": row["prompt"]}]},
        {"role": "assistant", "content": [{"type": "text", "text": row["chosen"]}]},
    ]
    told = {"fps": shown.fps, "total_num_frames": count, "frames_indices": list(range(count))}
    size = {"shortest_edge": height * width, "longest_edge": count * height * width}
    settings = {"do_sample_frames": False, "fps": shown.fps, "size": size, "video_metadata": [told]}
    heard: dict[str, Any] = {}
    if hears:
        clock = {
            name: float(getattr(made.feeder.config, name))
            for name in ("position_id_per_seconds", "seconds_per_chunk")
            if hasattr(made.feeder.config, name)
        }
        heard = {"audio": [sound_samples(row["sound"])], "load_audio_from_video": True, "audio_from_video_indices": [0]}
        heard |= clock
    text = processor.apply_chat_template(talk, tokenize=False).rstrip()
    with quiet():
        return dict(processor(text=[text], videos=[shown.rgb], videos_kwargs=settings, return_tensors="pt", **heard))


def test_a_preference_batch_has_all_chosen_before_all_rejected(models, folder):
    rows = all_rows(folder, "dpo")
    made = collator(models("qwen25"), "dpo")
    batch, tokens = made(rows), made.feeder.processor.tokenizer
    ids, mask = batch["input_ids"], batch["completion_mask"]
    said = [tokens.decode(row[answer == 1]) for row, answer in zip(ids, mask, strict=True)]
    assert said == [row[side] + END for side in ("chosen", "rejected") for row in rows]
    assert "labels" not in batch and batch["use_audio_in_video"] is True
    count = len(rows)
    features, grids = batch["input_features"], batch["video_grid_thw"]
    assert len(features) == len(grids) == 2 * count and torch.equal(grids[:count], grids[count:])
    pixels = batch["pixel_values_videos"]
    assert torch.equal(pixels[: len(pixels) // 2], pixels[len(pixels) // 2 :])
    own_media = [torch.equal(features[place], features[place + count]) for place in range(count)]
    assert own_media == [row["type"] != "input" for row in rows]
    assert torch.equal(features[count + 2], features[0])  # the rejected half of row 3 hears what row 1 hears


def test_padding_is_that_of_trl(models, folder):
    from transformers.utils import logging
    from trl.trainer.utils import flush_left

    logging.disable_progress_bar()
    rows = all_rows(folder, "sft")
    made = collator(models("qwen25"), "sft")
    (_, asked), *rest = made.prompts(rows)
    assert not rest
    answers = [made._answer(row, "chosen", made.ending()) for row in rows]
    longest = max(map(len, answers))
    right = torch.tensor([answer + [made.pad] * (longest - len(answer)) for answer in answers])
    mask = torch.tensor([[1] * len(answer) + [0] * (longest - len(answer)) for answer in answers])
    both = torch.cat([asked["attention_mask"], mask], dim=1)
    both, ids = flush_left(both, torch.cat([asked["input_ids"], right], dim=1))
    batch = made(rows)
    assert torch.equal(batch["attention_mask"], both)
    assert torch.equal(batch["input_ids"] * both, ids * both)


def test_questions_alone_are_answered_as_in_asking(models, folder):
    opened = open_model(LocalModel(models("qwen3")))
    rows = all_rows(folder, "sft")
    found: dict[int, str] = {}
    for places, batch in collator(models("qwen3"), "sft").prompts(rows):
        ids = opened._model.generate(**batch, generation_config=opened._settings(8, 0.0))
        texts = opened._processor.tokenizer.batch_decode(
            ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
        )
        found |= dict(zip(places, texts, strict=True))
    asked = [Seen(row["prompt"], row["video"], row["sound"], FPS, 64, SMALL_PX) for row in rows]
    assert [found[place].strip() for place in range(len(rows))] == [one.text for one in opened.answer(asked, 8)]


# Times and sizes: what a processor changes in silence


@pytest.mark.parametrize("name", OMNI)
def test_pictures_keep_the_size_they_were_given(models, folder, name):
    made = collator(models(name), "sft")
    row = all_rows(folder, "sft")[0]
    edge = 28 if name == "qwen25" else 32
    across, down = round(SMALL_PX / edge), round(SMALL_PX * 96 / 160 / edge)
    assert made([row])["video_grid_thw"].tolist() == [[6, 2 * down, 2 * across]]
    talk = made.feeder.processor.apply_chat_template([{"role": "user", "content": [{"type": "video"}]}], tokenize=False)
    unasked = made.feeder.processor(
        text=[talk], videos=[pictures(row["video"], FPS, 64, SMALL_PX, edge).rgb], return_tensors="pt",
        videos_kwargs={"do_sample_frames": False},
    )  # fmt: skip
    assert unasked["video_grid_thw"].tolist() != [[6, 2 * down, 2 * across]]  # the trap is still there


def test_each_clip_has_its_true_rate(models, folder):
    rows = all_rows(folder, "sft")
    batch = collator(models("qwen25"), "sft", max_frames=8)(rows)
    true = {3.0: 2 * 3 / 8, 4.0: 2 * 4 / 8}  # of two pictures, where eight are spread over the clip
    assert batch["video_second_per_grid"].tolist() == pytest.approx([true[3.0]] * 3 + [true[4.0]] * 2)
    assert collator(models("qwen25"), "sft")(rows)["video_second_per_grid"].tolist() == pytest.approx([2 / FPS] * 5)


@pytest.mark.parametrize(("name", "ids_per_s"), [("qwen25", 25), ("qwen3", 13)])
def test_picture_and_sound_of_one_moment_stand_at_one_place(models, folder, name, ids_per_s):
    made = collator(models(name), "sft", max_frames=8)
    rows = all_rows(folder, "sft")
    batch = made(rows)
    model, config = core(models, name), made.feeder.config
    places, _ = model.get_rope_index(
        batch["input_ids"], None, batch["video_grid_thw"], batch["attention_mask"], batch["use_audio_in_video"],
        batch["feature_attention_mask"].sum(1), batch["video_second_per_grid"],
    )  # fmt: skip
    for number, seconds in enumerate([3, 3, 3, 4, 4]):
        ids, at = batch["input_ids"][number], places[0, number]
        seen, heard = at[ids == config.video_token_id].unique(), at[ids == config.audio_token_id]
        start = min(seen.min(), heard.min())
        # Four steps of two pictures, at 0, 1/4, 1/2 and 3/4 of the clip; sound without a gap over all of it.
        steps = [
            int(ids_per_s * seconds * k / 4) if name == "qwen25" else ids_per_s * seconds * k / 4 for k in range(4)
        ]
        assert (seen - start).tolist() == pytest.approx(steps)
        assert (heard - start).tolist() == list(range(ids_per_s * seconds))


@pytest.mark.parametrize("name", OMNI)
def test_a_model_that_is_not_told_of_the_weaving_takes_the_batch_otherwise(models, folder, name):
    rows = all_rows(folder, "sft")[:2]
    batch = collator(models(name), "sft")(rows)
    assert batch["use_audio_in_video"] is True
    model = core(models, name)
    told = log_probabilities(model, batch)
    try:
        untold = log_probabilities(model, {**batch, "use_audio_in_video": False})
    except (RuntimeError, ValueError, IndexError):
        return  # some families cannot even place it
    assert max(abs(one - other) for one, other in zip(told, untold, strict=True)) > 0.05


@pytest.mark.parametrize("name", OMNI)
def test_a_muted_clip_takes_the_tokens_of_one_that_sounds(models, folder, clips, tmp_path, name):
    made = collator(models(name), "dpo")
    late, muted, *_ = all_rows(folder, "dpo")
    assert made.length({**late, "rejected": LATE}) == made.length({**muted, "chosen": LATE, "rejected": LATE})
    batch = made([muted])
    assert batch["feature_attention_mask"][0].sum() == made([late])["feature_attention_mask"][0].sum() > 0
    without = {**muted, "sound": "", "rejected_sound": ""}
    again = made([without])
    assert batch.keys() == again.keys()
    for key in batch:
        assert batch[key] is again[key] or torch.equal(batch[key], again[key]), key


def test_the_side_of_a_pair_that_has_no_sound_is_given_silence(models, folder):
    made = collator(models("qwen25"), "dpo")
    muted, contrastive = all_rows(folder, "dpo")[1:3]
    batch = made([{**contrastive, "rejected_sound": ""}])
    assert torch.equal(batch["input_features"][1], made([muted])["input_features"][0])
    assert (batch["input_ids"][0] == batch["input_ids"][1]).all()


@pytest.mark.parametrize("name", OMNI)
def test_nothing_is_cut_and_a_row_that_is_too_long_is_refused(models, folder, name):
    free = collator(models(name), "sft")
    rows = all_rows(folder, "sft")
    row = {**rows[0], "row": 12, "prompt": f"{ASK} " * 12}
    length = free.length(row)
    whole = free([row])
    limited = collator(models(name), "sft", max_tokens=length)
    for key, value in limited([row]).items():
        assert value is whole[key] or torch.equal(value, whole[key]), key
    assert int(whole["feature_attention_mask"].sum()) == 300  # three seconds, a frame per 10 ms
    short = collator(models(name), "sft", max_tokens=length - 1)
    with pytest.raises(BadRow, match=rf"^Row 12 \(.*\) takes {length} tokens and there is room for {length - 1}"):
        short([rows[0], row])
    assert short([rows[0]])["input_ids"].shape[1] < length


@pytest.mark.parametrize("name", OMNI)
def test_rows_with_and_without_sound_or_picture_stand_in_one_batch(models, folder, name):
    made = collator(models(name), "sft")
    a, _, b, c, _ = all_rows(folder, "sft")
    silent = {"sound": "", "rejected_sound": ""}
    blind = {"video": "", "rejected_video": ""}
    rows = [{**c, **silent}, a, {**b, **blind}, c, {**a, **silent}]
    model = core(models, name)
    alone = [log_probabilities(model, made([row]))[0] for row in rows]
    batch = made(rows)
    assert log_probabilities(model, batch) == pytest.approx(alone, abs=2e-3)
    unplaced = {key: value for key, value in batch.items() if key != "position_ids"}
    assert abs(log_probabilities(model, unplaced)[0] - alone[0]) > 0.05  # the trap is still there
    assert sorted(len(places) for places, _ in made.prompts(rows)) == [1, 2, 2]


def test_a_text_as_long_as_a_spectrogram_is_not_taken_for_one(models, folder):
    made = collator(models("qwen3"), "sft")
    row = all_rows(folder, "sft")[0]
    words = 300 - len(made.feeder.feed(Seen("", row["video"], row["sound"], FPS, 64, SMALL_PX)).inputs["input_ids"][0])
    row = {**row, "prompt": "#" * words}
    batch = made([row])
    assert int((batch["labels"][0] < 0).sum()) == 300 == batch["feature_attention_mask"][0].sum()
    assert batch["feature_attention_mask"].shape == batch["input_features"][:, 0].shape == (1, 300)


# Bad files, bad words, and what a trainer relies on


def test_a_file_that_cannot_be_read_is_told_with_its_row(models, folder, tmp_path):
    rows = all_rows(folder, "sft")
    made = collator(models("qwen25"), "sft")
    page = tmp_path / "page.mp4"
    page.write_text("<html>Not found</html>")
    with pytest.raises(BadMedia, match=r"^Row 2 \(page\.mp4, .*\.wav\): page\.mp4"):
        made([rows[0], {**rows[1], "video": str(page)}])
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"RIFF but no sound")
    with pytest.raises(BadMedia, match=r"^Row 1 \(.*\.mp4, noise\.wav\): noise\.wav"):
        made([{**rows[0], "sound": str(noise)}])


def test_rows_are_looked_over_before_training(models, folder, clips, tmp_path):
    good = read_rows(folder, "train", "dpo")
    made = collator(models("qwen25"), "dpo")
    check_rows(good, made)
    with pytest.raises(BadRow, match="^Row 1 .* takes .* tokens and there is room for 100"):
        check_rows(good, collator(models("qwen25"), "dpo", max_tokens=100))
    with pytest.raises(BadRow, match="^Row 3 differs in its sound only, which this model does not hear"):
        check_rows(good, collator(models("vl25"), "dpo"))
    other = export(tmp_path / "data", pairs(clips))
    Path(other, "media/sounds", Path(good[1]["sound"]).name).unlink()
    with pytest.raises(BadMedia, match="^Row 2 needs .*, which is not there"):
        check_rows(read_rows(other, "train", "dpo"), made)
    film = Path(other, "media/videos", Path(good[0]["video"]).name)
    film.write_bytes(film.read_bytes()[:3000])
    with pytest.raises(BadMedia, match=rf"^Row 1 shows {film.name}, which is damaged. The picture is cut short"):
        check_rows(read_rows(other, "train", "dpo"), made)
    film.write_bytes(b"")
    with pytest.raises(BadMedia, match=rf"^Row 1 cannot be trained on: {film.name} is empty"):
        check_rows(read_rows(other, "train", "dpo"), made)


@pytest.mark.parametrize("name", [*OMNI, *DEAF])
def test_headers_never_promise_fewer_tokens_than_a_row_takes(models, folder, name):
    from training.data import _at_most, _checked

    made = collator(models(name), "dpo")
    for row in all_rows(folder, "dpo"):
        known = {row[media]: _checked(row, row[media], made) for media in row if media.endswith(("video", "sound"))}
        assert made.length(row) <= _at_most(row, made, known) < 3 * made.length(row) + 200


def test_words_that_are_commands_to_the_model_are_refused(models, folder):
    row = all_rows(folder, "sft")[0]
    made = collator(models("qwen25"), "sft")
    for name in ("prompt", "chosen"):
        with pytest.raises(BadRow, match=r"^Row 1 \(.*\) holds “<\|VIDEO\|>”"):
            made([{**row, name: "Watch <|VIDEO|> again."}])


def test_a_template_that_rewrites_answered_questions_is_refused(models, folder):
    made = collator(models("qwen25"), "sft")
    made.feeder.processor.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ messages | length }} {{ message['content'] }}"
        "{% endfor %}"
    )
    with pytest.raises(BadRequest, match="Take the model's instruct version"):
        made(all_rows(folder, "sft")[:1])


def test_batches_are_the_same_in_every_process_and_draw_nothing(models, folder):
    rows = all_rows(folder, "dpo")
    made = collator(models("qwen25"), "dpo", dtype="bfloat16")
    before = torch.get_rng_state()
    one, other = made(rows), pickle.loads(pickle.dumps(made))(rows)
    assert torch.equal(torch.get_rng_state(), before)
    for key, value in one.items():
        assert value is other[key] or torch.equal(value, other[key]), key
    assert one["pixel_values_videos"].dtype == one["input_features"].dtype == torch.bfloat16
    assert one["video_second_per_grid"].dtype == torch.float32
    json.dumps({key: getattr(value, "shape", value) for key, value in one.items()})


def test_a_small_set_is_decoded_once(models, clips, tmp_path):
    other = export(tmp_path / "data", pairs(clips))
    rows = all_rows(other, "dpo")
    small = made_with_room(models, 100_000)
    keeping, forgetting = collator(models("qwen25"), "dpo"), made_with_room(models, 0)
    first = keeping(rows)
    for one in (forgetting, small):
        assert torch.equal(one(rows)["input_features"], first["input_features"])
    shutil.rmtree(other)
    again = keeping(rows)
    for key, value in first.items():
        assert value is again[key] or torch.equal(value, again[key]), key
    for one in (forgetting, small, pickle.loads(pickle.dumps(keeping))):
        with pytest.raises(BadMedia):
            one(rows)


def made_with_room(models: Any, room: int) -> OmniCollator:
    return collator(models("qwen25"), "dpo", shelf=Shelf(room))


def test_a_wrong_folder_is_told_before_torch_is_loaded(tmp_path):
    code = (
        "import sys; from pathlib import Path; from training.data import read_rows\n"
        "from thud.errors import BadRequest\n"
        "try: read_rows(Path(sys.argv[1]), 'train', 'sft')\n"
        "except BadRequest: print(sorted({'torch', 'transformers', 'trl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

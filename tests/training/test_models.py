"""Policies: what is trained and what is not, what is refused, and that TRL's trainers take them with our batches."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny_omni import renamed_adapter, write_adapter, write_qwen25_omni, write_whole_omni
from tests.training.rows_kit import FPS, export, pairs
from tests.unit import local_kit
from tests.unit.local_kit import SMALL_PX
from thud.errors import BadRequest
from thud.providers.local_files import LocalModel
from thud.providers.local_load import core_of, load, quiet
from training.config import Lora, TrainConfig
from training.data import OmniCollator, read_rows
from training.evaluate import Examiner
from training.models import Policy, base_folder, load_policy, part_of, resolve_targets, write_made_for

models, clips = local_kit.models, local_kit.clips
PARTS = ("language", "projector", "audio_tower", "vision_tower")


@pytest.fixture(scope="module")
def folder(clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("export") / "data", pairs(clips))


def config(base: str, stage: str = "sft", **more: Any) -> TrainConfig:
    settings: dict[str, Any] = {"lora": Lora(rank=4, alpha=8, dropout=0.0), "fps": FPS, "size_px": SMALL_PX}
    return TrainConfig(stage, base, Path("data"), Path("out"), **{**settings, **more})


def collator_of(policy: Policy, stage: str) -> OmniCollator:
    return OmniCollator(policy.feeder, stage, FPS, 64, SMALL_PX, 0, policy.dtype)


def trained(model: Any) -> set[str]:
    return {name for name, tensor in model.named_parameters() if tensor.requires_grad}


# Which layers


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("qwen25", {"language": 14, "projector": 3, "audio_tower": 12, "vision_tower": 14}),
        ("qwen3", {"language": 8, "projector": 6, "audio_tower": 13, "vision_tower": 8}),
        ("vl25", {"language": 14, "projector": 2, "vision_tower": 10}),
        ("vl3", {"language": 14, "projector": 4, "vision_tower": 8}),
    ],
)
def test_targets_are_all_linear_layers_of_the_parts_in_the_live_model(models, name, counts):
    with quiet():
        model = core_of(load_policy(config(models(name))).model.unload())
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    found = {part: resolve_targets(model, [part]) for part in counts}
    assert {part: len(layers) for part, layers in found.items()} == counts
    assert set().union(*map(set, found.values())) == linear - {"lm_head"}
    assert sum(counts.values()) == len(linear) - 1  # no layer stands in two parts
    assert resolve_targets(model, list(counts)) == sorted(linear - {"lm_head"})


def test_a_part_without_layers_is_refused(models):
    with pytest.raises(
        BadRequest, match="no layers of the part audio_tower.*It has: language, projector, vision_tower"
    ):
        load_policy(config(models("vl25"), lora=Lora(targets=("language", "audio_tower"))))


# What is trained


@pytest.mark.parametrize("tuning", ["lora", "qlora"])
@pytest.mark.parametrize("targets", [("language",), PARTS])
def test_only_the_adapter_is_trained_and_only_on_its_targets(models, tuning, targets):
    policy = load_policy(config(models("qwen25"), tuning=tuning, lora=Lora(rank=4, alpha=8, targets=targets)))
    names = trained(policy.model)
    assert names and all(".lora_" in name for name in names)
    assert {part_of(name.partition(".lora_")[0]) for name in names} == set(targets)
    assert policy.facts["rank"] == 4 and set(policy.facts["layers"]) == set(targets)
    assert sum(policy.facts["layers"].values()) == len(names) // 2
    sizes = {name: tensor.numel() for name, tensor in policy.model.named_parameters()}
    assert policy.facts["trainable"] == sum(sizes[name] for name in names)
    four_bit = {name for name, module in policy.model.named_modules() if type(module).__name__ == "Linear4bit"}
    assert bool(four_bit) == (tuning == "qlora") == policy.facts["four_bit"]
    assert {part_of(name) for name in four_bit} <= {"language"}
    assert policy.hears and policy.sees and policy.reference is None


def test_weights_are_counted_alike_in_four_bits(models):
    whole, packed = (load_policy(config(models("qwen25"), tuning=tuning)) for tuning in ("lora", "qlora"))
    assert whole.facts["parameters"] == packed.facts["parameters"] > whole.facts["trainable"]
    full = load_policy(config(models("qwen25"), tuning="full"))
    assert full.facts["parameters"] == full.facts["trainable"] == whole.facts["parameters"] - whole.facts["trainable"]
    assert full.facts["rank"] == 0 and full.reference is None


def test_the_whole_model_is_trained_against_a_frozen_copy(models):
    policy = load_policy(config(models("qwen25"), "dpo", tuning="full", precision="bf16"))
    assert len(trained(policy.model)) == len(list(policy.model.parameters()))
    assert not trained(policy.reference) and not policy.reference.training
    assert policy.dtype == "float32" and policy.reference.dtype == torch.bfloat16
    ours, theirs = policy.model.state_dict(), policy.reference.state_dict()
    assert all(torch.equal(ours[name].to(torch.bfloat16), theirs[name]) for name in theirs)
    assert not {tensor.data_ptr() for tensor in ours.values()} & {tensor.data_ptr() for tensor in theirs.values()}


def test_the_same_seed_gives_the_same_new_adapter_which_changes_nothing_yet(models, folder):
    one, same, other = (load_policy(config(models("qwen25"), seed=seed)) for seed in (3, 3, 4))
    values = [dict(policy.model.named_parameters()) for policy in (one, same, other)]
    assert all(torch.equal(values[0][name], values[1][name]) for name in values[0])
    assert any(not torch.equal(values[0][name], values[2][name]) for name in trained(one.model))
    batch = collator_of(one, "sft")(list(read_rows(folder, "train", "sft")))
    labels = batch.pop("labels")
    with torch.inference_mode():
        scores = one.model.eval()(**batch).logits
        with one.model.disable_adapter():
            assert torch.equal(one.model(**batch).logits, scores)
    assert labels.shape == scores.shape[:2]


def test_half_the_bits_are_loaded_where_they_are_asked_for(models):
    policy = load_policy(config(models("qwen3"), precision="bf16"))
    assert policy.dtype == "bfloat16" and core_of(policy.model).lm_head.weight.dtype == torch.bfloat16
    assert {tensor.dtype for name, tensor in policy.model.named_parameters() if ".lora_" in name} == {torch.float32}


def test_a_whole_omni_trains_its_thinker(models, tmp_path):
    folder = write_whole_omni(tmp_path / "whole", Path(models("qwen25")))
    alone, whole = (core_of(load_policy(config(base)).model) for base in (models("qwen25"), str(folder)))
    assert type(alone) is type(whole)
    theirs = dict(whole.named_parameters())
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in alone.named_parameters() if "lora" not in name)


# What is refused


def test_what_is_no_model_is_refused(models, tmp_path):
    for base, sentence in (
        (tmp_path / "nowhere", "There is no folder .*nowhere"),
        (tmp_path, "is not a model: it has no config.json"),
        (models.adapter(), "holds an adapter. Give its base model"),
    ):
        with pytest.raises(BadRequest, match=sentence):
            load_policy(config(str(base)))
    torn = tmp_path / "torn"
    shutil.copytree(models("qwen25"), torn)
    (torn / "model.safetensors").write_bytes((torn / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(BadRequest, match="torn cannot be loaded as a model"):
        load_policy(config(str(torn)))


def test_a_checkpoint_that_lacks_weights_is_refused(models, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "holes"
    shutil.copytree(models("qwen25"), folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop("audio_tower.layers.0.fc1.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadRequest, match=r"lacks 1 of the model's weights \(such as model.audio_tower.layers.0.fc1"):
        load_policy(config(str(folder)))


def test_a_folder_without_a_chat_template_is_refused(models, tmp_path):
    shutil.copytree(models("qwen25"), tmp_path / "mute", ignore=shutil.ignore_patterns("chat_template*"))
    with pytest.raises(BadRequest, match="mute has no chat template; copy chat_template.jinja from its base model"):
        load_policy(config(str(tmp_path / "mute")))


def test_the_tiny_model_is_the_one_that_comes_with_thud(monkeypatch, models, tmp_path):
    monkeypatch.setattr("training.models.TINY_FOLDER", Path(models("qwen25")))
    assert base_folder("tiny") == models("qwen25")
    assert load_policy(config("tiny")).facts["rank"] == 4
    monkeypatch.setattr("training.models.TINY_FOLDER", tmp_path)
    with pytest.raises(BadRequest, match="The tiny model is not in"):
        base_folder("tiny")


def test_training_goes_on_from_an_adapter(models):
    given = config(models("qwen25"), "dpo", adapter=models.adapter(), lora=Lora(rank=64))
    policy = load_policy(given)
    assert policy.facts["rank"] == 4  # the adapter's own
    from safetensors.torch import load_file

    stored = load_file(Path(models.adapter()) / "adapter_model.safetensors")
    live = {name.replace(".default", ""): tensor for name, tensor in policy.model.named_parameters()}
    assert all(torch.equal(live[name], tensor) for name, tensor in stored.items())
    assert {name.replace(".default", "") for name in trained(policy.model)} == set(stored)


def test_an_adapter_of_another_base_is_refused(models, tmp_path):
    wide = write_qwen25_omni(tmp_path / "wide", hidden=96)
    with pytest.raises(BadRequest, match="was made for another model than .*wide: .*size mismatch"):
        load_policy(config(str(wide), adapter=models.adapter()))
    renamed = renamed_adapter(tmp_path / "renamed", Path(models.adapter()))
    with pytest.raises(BadRequest, match="of its weights have no place in this one"):
        load_policy(config(models("qwen25"), adapter=str(renamed)))
    with pytest.raises(BadRequest, match="is not an adapter: it has no adapter_config.json"):
        load_policy(config(models("qwen25"), adapter=str(tmp_path)))


def test_an_adapter_knows_its_base_among_models_of_one_size(models, tmp_path):
    twin = write_qwen25_omni(tmp_path / "twin", seed=7)
    adapter = write_adapter(tmp_path / "adapter", Path(models("qwen25")))
    write_made_for(adapter, models("qwen25"))
    copy = tmp_path / "copy"
    shutil.copytree(models("qwen25"), copy)
    load_policy(config(str(copy), adapter=str(adapter)))  # the same weights under another name
    with pytest.raises(BadRequest, match="was made for qwen25, and the weights in .*twin are others"):
        load_policy(config(str(twin), adapter=str(adapter)))
    assert str(tmp_path) not in json.dumps((adapter / "made_for.json").read_text())


# Held-out answers


def test_checkpoints_own_settings_of_generation_change_no_held_out_answer(models, folder, tmp_path):
    own = tmp_path / "qwen25"
    shutil.copytree(models("qwen25"), own)
    settings = json.loads((own / "generation_config.json").read_text())
    (own / "generation_config.json").write_text(json.dumps(settings | {"suppress_tokens": [*range(0, 360, 2)]}))
    plain, odd = (load_policy(config(base)) for base in (models("qwen25"), str(own)))
    rows = read_rows(folder, "train", "sft")
    said = [Examiner(collator_of(one, "sft"), rows, 4, 8).answers(one.model, lambda: False) for one in (plain, odd)]
    assert said[0] == said[1]
    assert core_of(odd.model).generation_config.suppress_tokens  # it is saved with the checkpoint's own


# With TRL


def trainer(policy: Policy, folder: Path, out: Path, stage: str, **more: Any) -> Any:
    import trl

    settings: dict[str, Any] = {
        "output_dir": str(out), "per_device_train_batch_size": 2, "max_steps": 2, "learning_rate": 1e-2,
        "bf16": False, "use_cpu": True, "gradient_checkpointing": False, "max_length": None, "save_strategy": "no",
        "remove_unused_columns": False, "report_to": [], "disable_tqdm": True, "logging_steps": 1,
    }  # fmt: skip
    kinds = {"sft": (trl.SFTTrainer, trl.SFTConfig), "dpo": (trl.DPOTrainer, trl.DPOConfig)}
    made, arguments = kinds[stage]
    given = {"ref_model": policy.reference} if stage == "dpo" else {}
    return made(
        model=policy.model, args=arguments(**{**settings, **more}), data_collator=collator_of(policy, stage),
        train_dataset=read_rows(folder, "train", stage), processing_class=policy.processor, **given,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["qwen25", "qwen3", "vl3"])
def test_sft_learns_and_leaves_the_base_as_it_is(models, folder, tmp_path, name):
    policy = load_policy(config(models(name)))
    before = {key: tensor.clone() for key, tensor in policy.model.named_parameters()}
    with quiet():
        runner = trainer(policy, folder, tmp_path, "sft", max_steps=8)
        runner.train()
    losses = [line["loss"] for line in runner.state.log_history if "loss" in line]
    assert losses[-1] < losses[0] * 0.9
    after = dict(policy.model.named_parameters())
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed and changed <= trained(policy.model)


def test_dpo_starts_from_the_adapter_and_keeps_a_frozen_copy_of_it(models, folder, tmp_path):
    policy = load_policy(config(models("qwen25"), "dpo", adapter=models.adapter()))
    start = {key: tensor.clone() for key, tensor in policy.model.named_parameters() if ".default." in key}
    with quiet():
        runner = trainer(policy, folder, tmp_path, "dpo")
        runner.train()
    assert sorted(policy.model.peft_config) == ["default", "ref"]
    live = dict(policy.model.named_parameters())
    assert start and all(torch.equal(live[key.replace(".default.", ".ref.")], start[key]) for key in start)
    assert not any(".ref." in key for key in trained(policy.model))
    assert any(not torch.equal(live[key], start[key]) for key in start)
    first = next(line for line in runner.state.log_history if "loss" in line)
    assert first["loss"] == pytest.approx(0.6931, abs=2e-3) and first["rewards/margins"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("tuning", ["full", "qlora"])
def test_dpo_of_the_whole_model_and_in_four_bits(models, folder, tmp_path, tuning):
    policy = load_policy(replace(config(models("qwen25"), "dpo"), tuning=tuning))
    with quiet():
        runner = trainer(policy, folder, tmp_path, "dpo", learning_rate=1e-3, max_steps=4)
        runner.train()
    first, *_, last = (line for line in runner.state.log_history if "loss" in line)
    assert first["loss"] == pytest.approx(0.6931, abs=2e-2)
    assert last["loss"] < first["loss"]


def test_a_model_is_kept_in_16_bits_in_all_its_files(tmp_path: Path) -> None:
    base = write_qwen25_omni(tmp_path / "base")
    whole = config(str(base), tuning="full")
    policy = load_policy(whole)
    from training.callbacks import keep_weights  # only now is torchvision mended

    saving = SimpleNamespace(save_model=lambda folder: policy.model.save_pretrained(folder, max_shard_size="200KB"))
    for precision, kept in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        keep_weights(saving, replace(whole, precision=precision), tmp_path / precision, 3)
        files = sorted((tmp_path / precision).glob("*.safetensors"))
        assert len(files) > 1 and {tensor.dtype for path in files for tensor in load_file(path).values()} == {kept}
        index = json.loads((tmp_path / precision / "model.safetensors.index.json").read_text())
        assert index["metadata"]["total_size"] == kept.itemsize * index["metadata"]["total_parameters"]
        for path in base.iterdir():
            if not (tmp_path / precision / path.name).exists() and path.suffix != ".safetensors":
                shutil.copy2(path, tmp_path / precision / path.name)
        with quiet():
            assert load(LocalModel(str(tmp_path / precision)))[0].dtype == kept

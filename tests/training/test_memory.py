"""The memory estimate against what real small models hold: their weights, and what is kept for the backward pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.clips import make_clip
from tests.tiny_omni import write_qwen3_omni, write_qwen25_omni, write_qwen25_vl
from thud.errors import BadRequest
from thud.providers.local_load import quiet
from thud.providers.transformers import Seen
from training.config import Lora, TrainConfig
from training.exports import picture_tokens
from training.gpu_check import _large
from training.memory import (
    CONTEXT,
    NF4,
    Load,
    activation_bytes,
    checkpoint_bytes,
    estimate,
    kept_bytes,
    layer_bytes,
    loading_bytes,
    state_bytes,
    trainable_of,
)
from training.models import load_policy
from training.recipes import find_recipe
from training.shape import shape_of, shape_of_model, shape_of_sizes
from training.tiny.model import build_processor

TOKENS = 256
WITHIN = 0.1
FAMILIES = {"qwen25": write_qwen25_omni, "qwen3": write_qwen3_omni, "vl25": write_qwen25_vl}
SAMPLING = {"fps": 4.0, "max_frames": 8, "size_px": 56}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def folder(name: str) -> str:
        if name not in made:
            with quiet():
                made[name] = str(FAMILIES[name](tmp_path_factory.mktemp(name) / "model"))
        return made[name]

    return folder


def config(base: str, **more: Any) -> TrainConfig:
    settings = {"lora": Lora(2, 4, 0.0), **SAMPLING, **more}
    return TrainConfig("sft", base, Path("data"), Path("out"), **settings)


def kept(model: Any, inputs: dict[str, Any], bf16: bool) -> int:
    """Bytes of all tensors that a forward pass keeps for the backward pass, the model's own ones left out."""
    core = model.get_base_model() if hasattr(model, "peft_config") else model
    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    weights = {tuple(tensor.shape) for tensor in model.parameters() if tensor.ndim == 2}
    weights |= {shape[::-1] for shape in weights}
    found: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own and tuple(tensor.shape) not in weights:  # copies of weights in 16 bits
            found[storage.data_ptr()] = tensor
        return tensor

    computing = torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), computing:
        core.model(**inputs, use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for tensor in found.values())


@contextlib.contextmanager
def checkpointed(model: Any, asked: TrainConfig) -> Iterator[None]:
    """As TRL does it."""
    if asked.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        if asked.tuning != "full":
            model.enable_input_require_grads()
    yield


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("tuning", ["lora", "full"])
@pytest.mark.parametrize("family", ["qwen25", "qwen3"])
def test_a_forward_pass_keeps_what_the_formula_says(folders, family, tuning, precision, checkpointing):
    asked = config(folders(family), tuning=tuning, precision=precision, gradient_checkpointing=checkpointing)
    model = load_policy(asked).model.train()
    ids = torch.full((1, TOKENS), 5)
    with quiet(), checkpointed(model, asked):
        held = kept(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, precision == "bf16")
    shape = shape_of(asked.base, asked.lora.targets if tuning == "lora" else ())
    told, _ = activation_bytes(asked, shape, Load(text=TOKENS), gpu=False)
    assert told == pytest.approx(held, rel=WITHIN)


def test_towers_keep_their_layers_inputs_where_an_adapter_is_trained_with_checkpointing(folders, tmp_path):
    """And nothing without; a clip is shown and heard."""
    sizes = {}
    for checkpointing in (False, True):
        asked = config(folders("qwen25"), gradient_checkpointing=checkpointing)
        policy = load_policy(asked)
        clip = str(make_clip(tmp_path / f"{checkpointing}.mp4", seconds=2.0, size=(56, 56)))
        fed = policy.feeder.feed(Seen("What is heard?", clip, "", 4.0, 8, 56))
        assert not fed.problem
        load = Load(video=fed.tokens["video"], text=fed.tokens["text"])
        assert load.video == picture_tokens(56, 56, 2.0, asked, "qwen2.5-omni")
        with quiet(), checkpointed(policy.model, asked):
            held = kept(policy.model.train(), fed.inputs, False)
        shape = shape_of(asked.base, asked.lora.targets)
        told, _ = activation_bytes(asked, shape, load, gpu=False)
        sizes[checkpointing] = (held, told, activation_bytes(asked, replace(shape, sees=None), load, gpu=False)[0])
    held, told, without_eyes = sizes[True]
    assert without_eyes < told == pytest.approx(held, rel=0.2)
    assert sizes[False][1] == sizes[False][2] == pytest.approx(sizes[False][0], rel=0.2)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tuning", ["lora", "full"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_weights_take_what_they_take_to_the_byte(folders, family, tuning, precision):
    asked = config(folders(family), tuning=tuning, precision=precision, lora=Lora(targets=("language", "projector")))
    model = load_policy(asked).model
    shape = shape_of(asked.base, asked.lora.targets if tuning == "lora" else ())
    held = sum(tensor.numel() * tensor.element_size() for tensor in model.parameters())
    trained = sum(tensor.numel() for tensor in model.parameters() if tensor.requires_grad)
    state = state_bytes(asked, shape, trained)
    computing_copy = 2 * shape.total if (tuning, precision) == ("full", "bf16") else 0
    assert trainable_of(asked, shape) == trained
    assert state["weights"] - computing_copy == held
    assert sum(shape.parameters.values()) == sum(p.numel() for n, p in model.named_parameters() if "lora_" not in n)


def test_gradients_and_optimizer_take_what_adamw_takes(folders):
    asked = config(folders("qwen25"))
    model = load_policy(asked).model.train()
    trained = [tensor for tensor in model.parameters() if tensor.requires_grad]
    steps = torch.optim.AdamW(trained)
    ids = torch.full((1, 8), 5)
    model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()
    steps.step()
    gradients = sum(tensor.grad.numel() * tensor.grad.element_size() for tensor in trained)
    held = sum(
        value.numel() * value.element_size()
        for one in steps.state.values()
        for name, value in one.items()
        if name != "step"
    )
    shape = shape_of(asked.base, asked.lora.targets)
    state = state_bytes(asked, shape, trainable_of(asked, shape))
    assert (state["gradients"], state["optimizer"]) == (gradients, held)
    assert checkpoint_bytes(asked, shape) == gradients + held


@pytest.mark.parametrize("family", ["qwen25", "qwen3"])
def test_four_bits_hold_the_language_models_linear_layers_and_no_experts(folders, family):
    asked = config(folders(family), tuning="qlora")
    model = load_policy(asked).model
    packed = [tensor for tensor in model.parameters() if type(tensor).__name__ == "Params4bit"]
    shape = shape_of(asked.base, asked.lora.targets)
    bytes_packed = sum(tensor.numel() * tensor.element_size() for tensor in packed)
    assert shape.four_bit == bytes_packed * 2
    scales = sum(tensor.quant_state.absmax.nbytes + tensor.quant_state.state2.absmax.nbytes for tensor in packed)
    assert bytes_packed + scales == pytest.approx(shape.four_bit * NF4, rel=0.01)


@pytest.mark.parametrize(
    ("more", "checkpoint", "kept", "loading"),
    [
        ({"tuning": "full"}, 12, 4, 0),
        ({"tuning": "full", "parallel": "fsdp2"}, 16, 4, 4 * 4),  # a model, the same for going on, two numbers each
        ({"tuning": "full", "parallel": "fsdp2", "stage": "dpo"}, 16, 4, 4 * (4 + 2)),
        ({"tuning": "full", "parallel": "zero3"}, 14, 2, 2),  # a model in 16 bits
        ({"parallel": "fsdp2"}, 16, 4, 4 * 2),
        ({"parallel": "fsdp2", "tuning": "qlora"}, 8, 2, 0),
    ],
)
def test_ways_of_sharing_write_and_load_weights_more_than_once(folders, more, checkpoint, kept, loading):
    """Bytes a trained parameter, and while four processes load bytes a parameter."""
    asked = replace(config(folders("qwen25"), precision="bf16", world_size=4), **more)
    shape = shape_of(asked.base, asked.lora.targets)
    trained = trainable_of(asked, shape)
    assert (checkpoint_bytes(asked, shape), kept_bytes(asked, shape)) == (checkpoint * trained, kept * trained)
    assert loading_bytes(asked, shape) == loading * shape.total


def test_what_is_sharded_is_divided_and_ddp_holds_its_gradients_twice(folders):
    base, load = folders("qwen25"), Load(text=64, answer=8)
    shape = shape_of(base, ())
    alone = estimate(config(base, tuning="full"), shape, load)
    spread = estimate(config(base, tuning="full", parallel="fsdp2", world_size=4), shape, load)
    ddp = estimate(config(base, tuning="full", parallel="ddp", world_size=4), shape, load)
    for part in ("weights", "gradients", "optimizer"):
        assert getattr(spread, part) * 4 == getattr(alone, part)
    assert spread.working > alone.working  # a layer at a time is whole
    assert (ddp.gradients, ddp.weights) == (2 * alone.gradients, alone.weights)
    assert alone.total > CONTEXT > estimate(config(base), shape_of(base, ("language",)), load, gpu=False).context


def test_dpo_holds_two_rows_for_each_pair_and_a_frozen_copy(folders):
    base, load = folders("qwen25"), Load(text=64, answer=8)
    shape = shape_of(base, ("language",))
    sft, dpo = (estimate(replace(config(base), stage=stage), shape, load) for stage in ("sft", "dpo"))
    assert dpo.activations == 2 * sft.activations
    assert dpo.weights - sft.weights == sft.trainable * 4


def test_dropout_costs_a_byte_a_value_on_a_gpu(folders):
    base = folders("qwen25")
    stack = shape_of(base, ("language",)).language
    with_it, without = (
        layer_bytes(stack, config(base, lora=Lora(2, 4, rate), precision="bf16")) for rate in (0.1, 0.0)
    )
    assert with_it - without == stack.adapted == 6 * 64 + 128


@pytest.mark.parametrize(
    ("recipe", "billions"), [("paper-sft", (31.0, 32.5)), ("qlora-one-gpu-sft", (8.5, 9.5))]
)  # fmt: skip
def test_published_sizes_give_published_numbers_of_parameters(recipe, billions):
    known = find_recipe(recipe)
    shape = shape_of_sizes(known.sizes, known.config.lora.targets)
    assert billions[0] < shape.total / 1e9 < billions[1]
    assert set(shape.parameters) == {"language", "words", "projector", "audio_tower", "vision_tower"}


def test_a_model_in_4_bits_fits_the_gpu_that_its_recipe_names():
    for name in ("qlora-one-gpu-sft", "qlora-one-gpu-dpo"):
        recipe = find_recipe(name)
        shape = shape_of_sizes(recipe.sizes, recipe.config.lora.targets)
        video = picture_tokens(1280, 720, 10.0, recipe.config, "qwen2.5-omni")
        assert 8 < estimate(recipe.config, shape, Load(video, 250, 60, 60)).total_gb < 24


def test_the_random_model_of_the_gpu_check_has_at_least_three_billion_parameters():
    with quiet():
        model = _large(build_processor().tokenizer, "meta")
    shape = shape_of_model(model, ("language",))
    assert shape.total > 3e9
    assert shape.parameters["language"] + shape.parameters["words"] > 3e9


def test_what_is_no_video_model_is_refused(tmp_path):
    with pytest.raises(BadRequest, match="no folder"):
        shape_of(str(tmp_path / "nothing"), ())
    with pytest.raises(BadRequest, match="no model of the type"):
        shape_of_sizes({"model_type": "abacus"}, ())
    with pytest.raises(BadRequest, match="neither sees nor hears"):
        shape_of_sizes({"model_type": "bert"}, ())


def test_a_family_whose_configuration_names_its_widths_otherwise_is_refused():
    towers = {"depth": 1, "embed_dim": 32, "hidden_size": 64, "num_heads": 2}
    words = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes = {"model_type": "qwen2_vl", "vision_config": towers, "text_config": words | {"num_key_value_heads": 2}}
    with pytest.raises(BadRequest, match="The memory of a qwen2_vl model cannot be estimated yet"):
        shape_of_sizes(sizes, ())

"""The model that is trained: loaded from its base, with an adapter, in 4 bits, or whole.

What a library would let through in silence is refused here: missing weights, an adapter that was made for another base,
a part of the model that has no layers.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, RunFailed
from thud.providers.local_files import LocalModel, weights_id
from thud.providers.local_inputs import Feeder
from thud.providers.local_load import (
    check_adapter,
    check_folder,
    check_processor,
    core_of,
    kind_of,
    nf4,
    quiet,
    ready,
    senses,
    translated,
    with_adapter,
    with_weights,
)

if TYPE_CHECKING:
    from training.config import TrainConfig

TINY = "tiny"
TINY_FOLDER = Path(__file__).parent / "tiny" / "checkpoint"
MADE_FOR = "made_for.json"
"""In the folder of an adapter: the id of its base's weights. Of two models of one size, shapes do not tell which."""

PARTS = ("language", "projector", "audio_tower", "vision_tower")
_PLACES = (
    ("", re.compile(r"(^|\.)lm_head$")),
    ("projector", re.compile(r"(^|\.)(\w*merger\w*|multi_modal_projector|embed_vision|embed_audio)\.")),
    ("projector", re.compile(r"(^|\.)audio_tower\.proj\d*$")),
    ("audio_tower", re.compile(r"(^|\.)audio_tower\.")),
    ("vision_tower", re.compile(r"(^|\.)(visual|vision_tower|vision_model)\.")),
    ("language", re.compile(r"(^|\.)language_model\.")),
)  # fmt: skip
"""Where the parts stand in the families that are known; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A model ready to be trained, and its processor. hears, sees: what its architecture takes.

    dtype: of what it is fed, as torch names it. reference: for DPO of a whole model, a frozen copy to be given to TRL
    as ref_model; else None, as TRL keeps a frozen copy of the adapter under the name "ref". facts: parameters,
    trainable, rank (0 = no adapter), layers (how many layers of each part have an adapter), four_bit.
    """

    model: Any
    processor: Any
    hears: bool
    sees: bool
    dtype: str
    reference: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def feeder(self) -> Feeder:
        """What makes tensors of a question, for the collator and for held-out answers."""
        return Feeder(self.processor, core_of(self.model).config, self.hears, self.sees)


def load_policy(config: TrainConfig) -> Policy:
    """The policy that `config` asks for; the same weights for the same seed.

    Raises BadRequest for a base, an adapter or targets that do not fit, MissingPart, RunFailed when memory ends.
    """
    folder = base_folder(config.base)
    asked = LocalModel(folder, config.adapter, four_bit=config.tuning == "qlora", dtype=weights_dtype(config))
    _check_adapter(asked)
    with quiet(), translated(asked):
        transformers = ready()
        processor = transformers.AutoProcessor.from_pretrained(asked.path, local_files_only=True)
        check_processor(processor, asked.path)
        base = _base(transformers, asked, config)
        reference = None
        if config.stage == "dpo" and config.tuning == "full":
            computing = "float32" if config.precision == "fp32" else "bfloat16"
            reference = _base(transformers, replace(asked, dtype=computing), config).requires_grad_(False).eval()
        transformers.set_seed(config.seed)
        model = base if config.tuning == "full" else _with_adapter(base, asked, config)
    hears, sees = senses(base, processor)
    dtype = str(base.dtype).removeprefix("torch.")
    return Policy(model, processor, hears, sees, dtype, reference, _facts(model, asked))


def base_folder(base: str) -> str:
    """The folder of a base model; "tiny" is the one that comes with thud. BadRequest for what is no model."""
    folder = str(TINY_FOLDER) if base == TINY else str(Path(base).expanduser())
    if base == TINY and not (TINY_FOLDER / "config.json").is_file():
        raise BadRequest(f"The tiny model is not in {TINY_FOLDER}; install thud again, with its checkpoint.")
    check_folder(folder)
    return folder


def weights_dtype(config: TrainConfig) -> str:
    """The number format in which weights are loaded.

    A whole model that is trained in bf16 keeps weights of 32 bits and computes with 16: steps of 1e-6 are lost in 16
    bits. ZeRO keeps such weights by itself.
    """
    whole = config.tuning == "full" and config.parallel != "zero3"
    return "float32" if config.precision == "fp32" or whole else "bfloat16"


def resolve_targets(model: Any, names: Sequence[str]) -> list[str]:
    """Names of all linear layers of those parts in the live model, sorted. BadRequest where a part has none.

    Experts of a mixture are no linear layers: of such a model the language part is its attention.
    """
    from torch.nn import Linear

    parts: dict[str, list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, Linear):
            parts.setdefault(part_of(name), []).append(name)
    for name in names:
        if not parts.get(name):
            there = ", ".join(part for part in PARTS if parts.get(part)) or "none"
            raise BadRequest(
                f"{type(model).__name__} has no layers of the part {name} that can have an adapter. It has: {there}."
            )
    return sorted(layer for name in set(names) for layer in parts[name])


def part_of(layer: str) -> str:
    """The part of a model in which a layer of that name stands, "" for none."""
    return next((part for part, place in _PLACES if place.search(layer)), "")


def write_made_for(adapter: Path, base: str) -> None:
    """Writes into the adapter's folder which weights it was made for; `load_policy` refuses it on others."""
    folder = base_folder(base)
    told = {"base": Path(folder).name if base != TINY else TINY, "weights_id": weights_id(LocalModel(folder))}
    (adapter / MADE_FOR).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def in_16_bits(folder: Path) -> None:
    """Turns the weights of 32 bits of a saved model into bfloat16, and what its files say of them."""
    import torch
    from safetensors.torch import load_file, save_file

    size = 0
    for path in sorted(folder.glob("*.safetensors")):
        tensors = load_file(path)
        for name, tensor in tensors.items():
            tensors[name] = tensor.to(torch.bfloat16) if tensor.dtype == torch.float32 else tensor
        size += sum(tensor.nbytes for tensor in tensors.values())
        part = path.with_suffix(".part")
        save_file(tensors, part, {"format": "pt"})
        part.replace(path)
    config, index = folder / "config.json", folder / "model.safetensors.index.json"
    config.write_text(config.read_text("utf-8").replace('dtype": "float32"', 'dtype": "bfloat16"'), "utf-8")
    if index.is_file():
        told = json.loads(index.read_text("utf-8"))
        told["metadata"]["total_size"] = size
        index.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def _check_adapter(asked: LocalModel) -> None:
    """BadRequest for a folder that is no adapter, or one of another base."""
    if not asked.adapter:
        return
    check_adapter(asked.adapter)
    folder = Path(asked.adapter)
    if (folder / MADE_FOR).is_file():
        told = json.loads((folder / MADE_FOR).read_text(encoding="utf-8"))
        if told["weights_id"] != weights_id(LocalModel(asked.path)):
            raise BadRequest(
                f"The adapter {folder} was made for {told['base']}, and the weights in {asked.path} are others. Give "
                "the base that it was trained on."
            )


def _base(transformers: Any, asked: LocalModel, config: TrainConfig) -> Any:
    kind, settings = kind_of(transformers, asked.path, local_files_only=True)
    return with_weights(
        kind,
        settings,
        asked.path,
        dtype=asked.dtype,
        device_map=_device_map(config),
        quantization_config=_four_bit(transformers, asked) if asked.four_bit else None,
        local_files_only=True,
    )


def _device_map(config: TrainConfig) -> dict[str, int] | None:
    """This process's GPU. None on a CPU, and where the weights are to be dealt out over processes."""
    import torch

    if not torch.cuda.is_available() or config.parallel in ("fsdp2", "zero3"):
        return None
    return {"": int(os.environ.get("LOCAL_RANK", "0"))}


def _four_bit(transformers: Any, asked: LocalModel) -> Any:
    import torch

    computing = getattr(torch, asked.dtype)
    return nf4(transformers, computing, bnb_4bit_quant_storage=computing)  # FSDP deals out only one number format


def _with_adapter(base: Any, asked: LocalModel, config: TrainConfig) -> Any:
    """The base, frozen, with the adapter that is trained: the one given, or a new one that changes nothing yet."""
    import peft

    # TRL's own rule: under ZeRO-3 all weights that are gathered together need one number format.
    upcast = config.parallel != "zero3" or asked.four_bit
    if asked.adapter:
        return _continued(base, asked.adapter, upcast)
    lora = config.lora
    settings = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, bias="none",
        target_modules=resolve_targets(base, lora.targets),
    )  # fmt: skip
    return peft.get_peft_model(base, settings, autocast_adapter_dtype=upcast)


def _continued(base: Any, folder: str, upcast: bool) -> Any:
    """The base with the adapter in that folder, trainable. BadRequest unless each of its weights found its place."""
    adapted = with_adapter(base, folder, is_trainable=True, autocast_adapter_dtype=upcast)
    if any(part_of(name.partition(".lora_")[0]) == "" for name, _ in adapted.named_parameters() if ".lora_A." in name):
        raise BadRequest(f"The adapter {folder} is on layers that cannot be trained further, such as lm_head.")
    return adapted


def _facts(model: Any, asked: LocalModel) -> dict[str, Any]:
    """What was loaded, for the metrics."""
    trainable = [(name, tensor) for name, tensor in model.named_parameters() if tensor.requires_grad]
    if not trainable:
        raise RunFailed("Nothing of this model would be trained.")
    layers = Counter(part_of(name.partition(".lora_")[0]) for name, _ in trainable if ".lora_A." in name)
    rank = model.peft_config["default"].r if hasattr(model, "peft_config") else 0
    return {
        "parameters": sum(_size(tensor) for tensor in model.parameters()),
        "trainable": sum(_size(tensor) for _, tensor in trainable),
        "rank": rank, "layers": dict(layers), "four_bit": asked.four_bit,
    }  # fmt: skip


def _size(tensor: Any) -> int:
    """How many weights a tensor stands for; in 4 bits two lie in each byte, and under ZeRO-3 most lie elsewhere."""
    if type(tensor).__name__ == "Params4bit":
        return int(tensor.numel() * tensor.element_size() * 2)
    return int(getattr(tensor, "ds_numel", tensor.numel()))

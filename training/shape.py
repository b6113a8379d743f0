"""What of a model decides how much memory and time its training takes: widths, layers, parameters by part.

    shape = shape_of("models/Qwen2.5-Omni-7B", ("language",))

The model is built on torch's "meta" device, which knows sizes and holds nothing, so no weights are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thud.errors import BadRequest
from thud.providers.local_load import KEPT_WHOLE, ready
from training.models import TINY, TINY_FOLDER, base_folder, part_of, resolve_targets

_ODD = (OSError, RuntimeError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What transformers raises over a config.json that is broken or odd, depending on how."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Equal layers on top of each other. width: of what passes between them. queries, keys: widths in the attention.

    inner: width inside the feed-forward part, of all experts that a token meets. gated: it has a gate. normed: queries
    and keys are normed. adapted: sum of the input widths of one layer's linear layers that get an adapter. largest:
    parameters of the largest layer.
    """

    layers: int
    width: int
    queries: int
    keys: int
    inner: int
    gated: bool = True
    experts: int = 1
    adapted: int = 0
    largest: int = 0
    normed: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model decides its memory. parameters: by part. four_bit: how many nf4 can hold; experts of a mixture
    are no linear layers and stay whole. adapter: parameters of LoRA at rank 1. sees, hears: None = it does not.
    """

    parameters: Mapping[str, int]
    four_bit: int
    adapter: int
    vocabulary: int
    language: Stack
    sees: Stack | None = None
    hears: Stack | None = None

    @property
    def total(self) -> int:
        return sum(self.parameters.values())


def shape_of(base: str, targets: Sequence[str]) -> Shape:
    """The shape of the model in folder `base`. targets: parts that get an adapter.

    Raises BadRequest for a folder that is none, one whose config.json makes no sense, or a part that the model does not
    have.
    """
    folder = base_folder(base)
    ready()
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        model = meta_model(getattr(config, "thinker_config", config))
    except _ODD as error:
        first = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise BadRequest(f"{folder}/config.json is not that of a model that can be trained: {first}") from error
    return shape_of_model(model, targets)


def shape_of_sizes(sizes: Mapping[str, Any], targets: Sequence[str]) -> Shape:
    """The shape of a model that is told by its model_type and its configuration, as a recipe names one."""
    ready()
    from transformers import CONFIG_MAPPING

    told = dict(sizes)
    kind = str(told.pop("model_type", ""))
    if kind not in CONFIG_MAPPING:
        raise BadRequest(f"The installed transformers knows no model of the type “{kind}”.")
    return shape_of_model(meta_model(CONFIG_MAPPING[kind](**told)), targets)


def meta_model(config: Any) -> Any:
    """The model of `config` without memory for its weights. BadRequest for a family that is not a video model's."""
    import torch
    from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIMODAL_LM_MAPPING

    kinds: Any = MODEL_FOR_MULTIMODAL_LM_MAPPING
    if type(config) not in kinds:
        raise BadRequest(f"A {config.model_type} model neither sees nor hears, so it cannot be trained here.")
    with torch.device("meta"):
        return kinds[type(config)](config)


def shape_of_model(model: Any, targets: Sequence[str]) -> Shape:
    """The shape of a live model, on any device. Raises BadRequest for a family that names its widths otherwise."""
    from torch.nn import Linear

    linears = {name: module for name, module in model.named_modules() if isinstance(module, Linear)}
    chosen = {name: linears[name] for name in resolve_targets(model, list(targets))} if targets else {}
    language, sees, hears = _stacks(model, chosen)
    kept = [one for one in linears if not any(part in one.split(".") for part in KEPT_WHOLE)]
    return Shape(
        parameters=_parameters(model),
        four_bit=sum(linears[name].weight.numel() for name in kept),
        adapter=sum(one.in_features + one.out_features for one in chosen.values()),
        vocabulary=model.config.get_text_config().vocab_size,
        language=language,
        sees=sees,
        hears=hears,
    )


def _stacks(model: Any, chosen: Mapping[str, Any]) -> tuple[Stack, Stack | None, Stack | None]:
    """The layers that speak, those that see, and those that hear."""
    config = model.config
    normed = any(name.endswith("q_norm") for name, _ in model.named_modules())
    largest = _largest(model, "language")
    try:
        return (
            _language(config.get_text_config(), _adapted(chosen, "language"), largest, normed),
            _sees(config, _adapted(chosen, "vision_tower")),
            _hears(config, _adapted(chosen, "audio_tower")),
        )
    except AttributeError as error:
        raise BadRequest(f"The memory of a {config.model_type} model cannot be estimated yet.") from error


def _part(parameter: str) -> str:
    """Where a parameter stands: a part of the model, or "words", the tables of the vocabulary at both ends."""
    layer = parameter.rpartition(".")[0]
    return "words" if layer.endswith("embed_tokens") else part_of(layer) or "words"


def _parameters(model: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, one in model.named_parameters():
        counts[_part(name)] = counts.get(_part(name), 0) + one.numel()
    return counts


def _adapted(chosen: Mapping[str, Any], part: str) -> int:
    """Input widths of one layer's adapted linear layers: of all, divided by how many layers there are."""
    of_part = {name: one.in_features for name, one in chosen.items() if part_of(name) == part}
    layers = {tuple(step for step in name.split(".") if step.isdigit())[:1] for name in of_part}
    return round(sum(of_part.values()) / len(layers)) if layers else 0


def _largest(model: Any, part: str) -> int:
    """Parameters of the largest layer of a part, the table of words included: what a sharded run makes whole."""
    sizes: dict[tuple[str, ...], int] = {}
    for name, one in model.named_parameters():
        if _part(name) in (part, "words"):
            layer = (_part(name), *[step for step in name.split(".") if step.isdigit()][:1])
            sizes[layer] = sizes.get(layer, 0) + one.numel()
    return max(sizes.values())


def _language(text: Any, adapted: int, largest: int, normed: bool) -> Stack:
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    experts = getattr(text, "num_experts_per_tok", 0) or 1
    inner = text.moe_intermediate_size * experts if experts > 1 else text.intermediate_size
    keys = head * (text.num_key_value_heads or text.num_attention_heads)
    return Stack(
        text.num_hidden_layers, text.hidden_size, head * text.num_attention_heads, keys, inner, True, experts, adapted,
        largest, normed,
    )  # fmt: skip


def _sees(config: Any, adapted: int) -> Stack | None:
    eyes = getattr(config, "vision_config", None)
    if eyes is None:
        return None
    width = eyes.hidden_size
    return Stack(
        eyes.depth, width, width, width, eyes.intermediate_size, hasattr(eyes, "fullatt_block_indexes"), 1, adapted
    )


def _hears(config: Any, adapted: int) -> Stack | None:
    ears = getattr(config, "audio_config", None)
    if ears is None:
        return None
    return Stack(ears.encoder_layers, ears.d_model, ears.d_model, ears.d_model, ears.encoder_ffn_dim, False, 1, adapted)


def has_config(base: str) -> bool:
    """Whether the folder says what the model is."""
    return config_file(base).is_file()


def config_file(base: str) -> Path:
    """Where the folder of a base says what the model is."""
    return (TINY_FOLDER if base == TINY else Path(base).expanduser()) / "config.json"

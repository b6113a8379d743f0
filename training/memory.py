"""How much memory one process of a training run takes, from the model's configuration alone: no weights are read.

    shape = shape_of("models/Qwen2.5-Omni-7B", ("language",))
    estimate(config, shape, Load(video=2_000, audio=250, text=80, answer=60)).total_gb

Formulas stand in the docstrings of the functions that compute them; tests hold them against the tensors that real
small models keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from training.config import TrainConfig
from training.shape import Shape, Stack

GB = 1e9
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes a weight: 4 bits, a byte of scale per 64 weights, and 4 bytes per 256 of those (double quantisation)."""

CONTEXT = 0.6 * GB
"""What CUDA and its libraries take before the first tensor."""
SLACK = 1.06
"""A caching allocator holds this many times what is in use."""
HEAD_TOKENS, HEAD_WORDS = 4096, 32768
"""TRL scores answers in tiles of at most so many tokens by so many words of the vocabulary."""
PATCH_VALUES = 1176
"""Numbers a patch of two pictures: 2 x 3 colours x 14 x 14."""


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens of one row: of its picture, its sound, its question, and its answer, the longer one of a pair."""

    video: int = 0
    audio: int = 0
    text: int = 0
    answer: int = 0

    @property
    def total(self) -> int:
        return self.video + self.audio + self.text + self.answer


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on the device of one process. working: what lives for a moment only. trainable: parameters.

    loading: bytes of the machine's own memory, of all processes together; no part of the total.
    """

    weights: float
    gradients: float
    optimizer: float
    activations: float
    working: float
    inputs: float
    context: float
    trainable: int
    parameters: int
    four_bit: int
    loading: float = 0.0

    @property
    def total(self) -> float:
        parts = (self.weights, self.gradients, self.optimizer, self.activations, self.working, self.inputs)
        return sum(parts) * SLACK + self.context

    @property
    def total_gb(self) -> float:
        return self.total / GB

    def to_json(self) -> dict[str, float]:
        """Gigabytes by part, and counts of parameters."""
        counts = ("trainable", "parameters", "four_bit")
        row = {k: v if k in counts else round(v / GB, 3) for k, v in asdict(self).items()}
        return row | {"total": round(self.total_gb, 3)}


def estimate(config: TrainConfig, shape: Shape, load: Load, *, gpu: bool = True) -> Memory:
    """The memory at the worst moment of a step, when the backward pass begins.

    Everything that is sharded (fsdp2, zero3) is divided by the number of processes, and one layer at a time is whole.
    """
    shards = config.world_size if _sharded(config) else 1
    trainable = trainable_of(config, shape)
    state = state_bytes(config, shape, trainable)
    kept, once = activation_bytes(config, shape, load, gpu=gpu)
    gathered = shape.language.largest * _computed(config) * 2 if shards > 1 else 0
    head = head_bytes(config, shape, load, gpu=gpu)
    return Memory(
        weights=state["weights"] / shards,
        gradients=state["gradients"] / shards + (state["gradients"] if config.parallel == "ddp" else 0),
        optimizer=state["optimizer"] / shards,
        activations=kept,
        working=max(once, head) + gathered,
        inputs=input_bytes(config, load),
        context=CONTEXT if gpu else 0,
        trainable=trainable,
        parameters=shape.total,
        four_bit=shape.four_bit if config.tuning == "qlora" else 0,
        loading=loading_bytes(config, shape),
    )


def trainable_of(config: TrainConfig, shape: Shape) -> int:
    """How many parameters are trained: all, or rank x (inputs + outputs) of every layer with an adapter."""
    return shape.total if config.tuning == "full" else shape.adapter * config.lora.rank


def state_bytes(config: TrainConfig, shape: Shape, trainable: int) -> dict[str, float]:
    """Weights, gradients and optimizer, whole, without activations.

    weights    full: 4 a parameter (AdamW's small steps are lost in 16 bits), and in bf16 a copy of 2 to compute with
               lora: 2 a parameter (bf16) or 4 (fp32), and 4 a parameter of the adapter
               qlora: `NF4` a parameter that nf4 holds, 2 or 4 for the rest, 2 of the adapter (TRL casts it to bf16)
    gradients  as wide as what is trained
    optimizer  AdamW: two numbers a trained parameter, as wide as it is
    dpo        and a frozen copy: of the adapter, or with full tuning of the whole model at the computing width
    """
    width, small = _computed(config), 2 if config.tuning == "qlora" else 4
    reference = config.stage == "dpo"
    if config.tuning == "full":
        copy = 2 if config.precision == "bf16" and not _sharded(config) else 0
        weights = shape.total * (4.0 + copy + (width if reference else 0))
    else:
        held = shape.four_bit if config.tuning == "qlora" else 0
        weights = held * NF4 + (shape.total - held) * width + trainable * small * (2 if reference else 1)
    return {"weights": weights, "gradients": float(trainable * small), "optimizer": float(trainable * small * 2)}


def activation_bytes(config: TrainConfig, shape: Shape, load: Load, *, gpu: bool = True) -> tuple[float, float]:
    """(bytes kept from the forward to the backward pass, bytes that are there for one layer at a time).

    Without checkpointing every layer keeps `layer_bytes` for each of its tokens. With it, each keeps its input, and
    one layer at a time is computed again. The last norm keeps its input in 32 bits. Towers that are not trained keep
    nothing, except with an adapter and checkpointing, where gradients are asked for from the first layer on
    (transformers, enable_input_require_grads). A step of DPO holds the chosen and the rejected rows at once.
    """
    rows, width = rows_at_once(config), _computed(config)
    kept = 4.0 * shape.language.width * load.total * (2 if config.tuning == "full" else 1)
    once = 0.0
    for stack, tokens in stacks(config, shape, load):
        layer = layer_bytes(stack, config, gpu=gpu) * tokens
        passed = stack.width * _weighed(config) * tokens
        kept += stack.layers * (passed if config.gradient_checkpointing else layer)
        once = max(once, (layer if config.gradient_checkpointing else 0.0) + tokens * _spare(stack, width))
    mask = load.total**2 * width
    return rows * kept, rows * (once + mask)


def layer_bytes(stack: Stack, config: TrainConfig, *, gpu: bool = True) -> float:
    """Bytes that one layer keeps for one token, where w is the width computed with (2 or 4).

    4 width x 2                      both norms compute in 32 bits and keep their input
    4 (queries + keys)               so do the norms of queries and keys, where there are any
    w (2 queries + 2 keys)           attention keeps queries, keys, values and its result
    w inner x 3 (2 without a gate)   the gate, what came through it, and what it is multiplied with
    e width x experts                of a mixture: what each expert gives back; e is the width of the weights
    full, and  4 width x 2           what the norms multiply with their weights, and so of the other norms
               w (5 width + inner)   inputs of the linear layers, in bf16 a copy for each (fp32: 2 width + inner)
               e (width x experts)   what each expert is given
    lora, and  w adapted             inputs of the adapters (fp32 without dropout: of those that share one, once)
               adapted               which of them were dropped, where dropout is over 0 (4 each without a GPU)
    """
    w, e, full = _computed(config), _weighed(config), config.tuning == "full"
    mixture = stack.experts > 1
    norms = 8.0 * stack.width + (4 * (stack.queries + stack.keys) if stack.normed else 0)
    kept = norms + w * (2 * stack.queries + 2 * stack.keys)
    kept += (e if mixture else w) * stack.inner * (3 if stack.gated else 2)
    kept += e * stack.width * stack.experts if mixture else 0
    if not full and not config.lora.dropout and w == 4:
        shared = stack.width if mixture else 2 * stack.width + stack.inner
        return kept + w * min(stack.adapted, shared)
    if not full:
        return kept + (w + (1 if gpu else 4) * bool(config.lora.dropout)) * stack.adapted
    inputs = (5 if w == 2 else 2) * w * stack.width
    given = e * (stack.width * stack.experts + stack.inner) if mixture else w * stack.inner
    return kept + norms + inputs + given


def head_bytes(config: TrainConfig, shape: Shape, load: Load, *, gpu: bool) -> float:
    """A tile of scores in 32 bits and at the computing width; and, where the head is trained, its gradient in 32 bits.

    On a GPU only the answers are scored, elsewhere every position.
    """
    scored = rows_at_once(config) * (load.answer if gpu else load.total)
    tile = min(scored, HEAD_TOKENS) * min(shape.vocabulary, HEAD_WORDS)
    gradient = 4.0 * shape.vocabulary * shape.language.width if config.tuning == "full" else 0.0
    return tile * (4.0 + _computed(config)) + gradient


def input_bytes(config: TrainConfig, load: Load) -> float:
    """The batch itself: patches of pictures (four a token) in 32 bits and at the computing width."""
    return rows_at_once(config) * load.video * 4 * PATCH_VALUES * (4.0 + _computed(config))


def rows_at_once(config: TrainConfig) -> int:
    """Rows of one forward pass: of DPO chosen and rejected."""
    return config.batch_size * (2 if config.stage == "dpo" else 1)


def loading_bytes(config: TrainConfig, shape: Shape) -> float:
    """What the weights take of the machine's own memory while they are loaded, in all processes together.

    fsdp2: every process reads them whole, and DPO of a whole model its reference too, before they are dealt out. zero3:
    the first one reads them, and deals each layer out at once. Weights in 4 bits, or of one GPU, go there directly.
    """
    if not _sharded(config) or config.tuning == "qlora":
        return 0.0
    if config.parallel == "zero3":
        return float(shape.total * _computed(config))
    reference = _computed(config) if config.stage == "dpo" and config.tuning == "full" else 0
    return float(config.world_size * shape.total * (_weighed(config) + reference))


def checkpoint_bytes(config: TrainConfig, shape: Shape) -> float:
    """What one checkpoint takes on the disk: what is trained, and the optimizer's two numbers for each.

    fsdp2 writes what is trained twice, as a model and for going on; zero3 a copy in 16 bits beside it.
    """
    trainable = trainable_of(config, shape)
    state = state_bytes(config, shape, trainable)
    again = {"fsdp2": state["gradients"], "zero3": 2.0 * trainable}.get(config.parallel, 0.0)
    return state["gradients"] + state["optimizer"] + again


def kept_bytes(config: TrainConfig, shape: Shape) -> float:
    """What the best weights take on the disk as they are written: a whole model, or an adapter; of zero3 in 16 bits."""
    width = 2 if config.parallel == "zero3" or config.tuning == "qlora" else 4
    return float(trainable_of(config, shape) * width)


def stacks(config: TrainConfig, shape: Shape, load: Load) -> Iterator[tuple[Stack, int]]:
    """(layers, tokens of one row that pass through them) of every stack that keeps something for the backward pass."""
    yield shape.language, load.total
    asked = config.tuning != "full" and config.gradient_checkpointing
    for stack, tokens in ((shape.sees, load.video * 4), (shape.hears, load.audio * 2)):
        if stack is not None and (config.tuning == "full" or asked or stack.adapted):
            yield stack, tokens


def _computed(config: TrainConfig) -> int:
    return 2 if config.precision == "bf16" else 4


def _spare(stack: Stack, width: int) -> int:
    """Bytes a token that the backward pass of a layer holds for a moment: gradients of its widest parts."""
    return width * (stack.inner * 2 + stack.width * 2)


def _weighed(config: TrainConfig) -> int:
    """Bytes of a weight as it is loaded, and of what passes from layer to layer: it is as wide as the table of words.

    A mixture's experts compute with what they are given.
    """
    return 4 if config.tuning == "full" and config.parallel != "zero3" else _computed(config)


def _sharded(config: TrainConfig) -> bool:
    return config.parallel in ("fsdp2", "zero3")

"""How long a training run takes: steps, tokens, operations, hours. Pure arithmetic; the last of these is a guess."""

from __future__ import annotations

from dataclasses import dataclass

from training.capability import Capability
from training.config import TrainConfig, planned_steps
from training.memory import Load, rows_at_once, stacks
from training.shape import Shape, Stack

TERAFLOPS = {
    "B200": 2250.0, "H200": 989.0, "H100": 989.0, "H800": 989.0, "L40S": 362.0, "A100": 312.0, "A800": 312.0,
    "RTX 6000": 364.0, "RTX 5090": 209.0, "RTX 4090": 165.0, "A6000": 155.0, "L4": 121.0, "A10": 125.0, "A40": 150.0,
    "RTX 3090": 71.0, "T4": 65.0, "V100": 125.0,
}  # fmt: skip
"""What makers state for dense products of 16-bit floats, by a part of the GPU's name; the first that fits counts."""
UNKNOWN = 100.0
REACHED_GPU, REACHED_CPU = 0.35, 0.5
"""Shares of the stated speed that training reaches."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run comes to. tokens: by part, of all steps together. hours: None where the machine was not looked at."""

    steps: int
    rows: int
    tokens: Load
    operations: float
    hours: float | None
    assumes: str


def effort_of(config: TrainConfig, shape: Shape, load: Load, rows: int, able: Capability | None = None) -> Effort:
    """What training on `rows` rows of so many tokens comes to. Held-out rounds are not counted."""
    steps = planned_steps(config, rows)
    shown = steps * config.rows_per_step
    times = shown * (2 if config.stage == "dpo" else 1)
    tokens = Load(load.video * times, load.audio * times, load.text * times, load.answer * times)
    operations = shown / config.batch_size * operations_of(config, shape, load)
    if able is None:
        return Effort(steps, shown, tokens, operations, None, "")
    speed, assumes = speed_of(config, able)
    return Effort(steps, shown, tokens, operations, operations / (speed * config.world_size) / 3600, assumes)


def operations_of(config: TrainConfig, shape: Shape, load: Load) -> float:
    """Multiplications and additions of one forward and backward pass of one batch.

    2 a weight and token forwards, 2 backwards through the layer, 2 more where its weights are trained, and 2 more
    where it is computed again (checkpointing); DPO's reference goes forwards once more. Towers that keep nothing for
    the backward pass only go forwards. The table of scores counts for answers only.
    """
    back = {id(stack) for stack, _ in stacks(config, shape, load)}
    factor = 2 + 2 + (2 if config.tuning == "full" else 0) + (2 if config.gradient_checkpointing else 0)
    reference = 2 if config.stage == "dpo" else 0
    every = [(shape.language, load.total), (shape.sees, load.video * 4), (shape.hears, load.audio * 2)]
    done = sum(
        weights_in(stack) * tokens * ((factor if id(stack) in back else 2) + reference)
        for stack, tokens in every
        if stack is not None
    )
    head = shape.vocabulary * shape.language.width * load.answer * (factor + reference)
    return float(rows_at_once(config) * (done + head))


def weights_in(stack: Stack) -> int:
    """Weights that one token meets in a stack: attention (width x (2 queries + 2 keys)) and the feed-forward part."""
    return stack.layers * stack.width * (2 * stack.queries + 2 * stack.keys + stack.inner * (3 if stack.gated else 2))


def speed_of(config: TrainConfig, able: Capability) -> tuple[float, str]:
    """(operations a second of one process, what was assumed in a sentence)."""
    if not able.gpus:
        cores = min(config.threads, max(1, able.cores // config.world_size))
        said = f"{able.gigaflops:.0f} billion operations a second and core, of which {REACHED_CPU:.0%} are reached"
        return max(able.gigaflops, 1.0) * 1e9 * cores * REACHED_CPU, f"Assumes {said}."
    slowest = min((_teraflops(gpu.name), gpu.name) for gpu in able.gpus)
    said = f"{slowest[0]:.0f} trillion operations a second ({slowest[1]}), of which {REACHED_GPU:.0%} are reached"
    return slowest[0] * 1e12 * REACHED_GPU, f"Assumes {said}."


def _teraflops(name: str) -> float:
    return next((value for part, value in TERAFLOPS.items() if part in name), UNKNOWN)

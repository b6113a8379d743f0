"""How long a training run takes: steps, tokens, operations, hours. Pure arithmetic; the last of these is a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass

from training.capability import Capability
from training.config import TrainConfig, planned_steps
from training.memory import Load, rows_at_once, stacks
from training.shape import Shape, Stack

TERAFLOPS = {
    "B200": 2250.0, "H200": 989.0, "H100": 989.0, "H800": 989.0, "L40S": 362.0, "A100": 312.0, "A800": 312.0,
    "RTX 6000 Ada": 364.0, "RTX 5090": 209.0, "RTX 4090": 165.0, "A6000": 155.0, "L4": 121.0, "A10": 125.0,
    "A40": 150.0, "RTX 3090": 71.0, "T4": 65.0, "V100": 125.0,
}  # fmt: skip
"""What makers state for dense products of 16-bit floats, by words of the GPU's name; a GPU that is not here may be
ten times faster or slower than another, so nothing is said of it."""
REACHED_GPU, REACHED_CPU = 0.35, 0.5
"""Shares of the stated speed that training reaches."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run comes to. tokens: by part, of all steps together. hours: None where nobody can say. assumes: a
    sentence with the speed, or why there is none.
    """

    steps: int
    rows: int
    tokens: Load
    operations: float
    hours: float | None
    assumes: str


def effort_of(config: TrainConfig, shape: Shape, load: Load, rows: int, able: Capability) -> Effort:
    """What training on `rows` rows of so many tokens comes to. Held-out rounds are not counted."""
    steps = planned_steps(config, rows)
    shown = steps * config.rows_per_step
    times = shown * (2 if config.stage == "dpo" else 1)
    tokens = Load(load.video * times, load.audio * times, load.text * times, load.answer * times)
    operations = shown / config.batch_size * operations_of(config, shape, load)
    speed, assumes = speed_of(config, able)
    hours = None if speed is None else operations / (speed * config.world_size) / 3600
    return Effort(steps, shown, tokens, operations, hours, assumes)


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


def speed_of(config: TrainConfig, able: Capability) -> tuple[float | None, str]:
    """(operations a second of one process, what was assumed in a sentence); (None, why) where nobody can say."""
    if not able.gpus:
        cores = min(config.threads, max(1, able.cores // config.world_size))
        said = f"{able.gigaflops:.0f} billion operations a second and core, of which {REACHED_CPU:.0%} are reached"
        return max(able.gigaflops, 1.0) * 1e9 * cores * REACHED_CPU, f"Assumes {said}."
    if config.precision == "fp32":
        return None, "Speeds of GPUs are known for 16 bits only, and precision is fp32."
    speeds = {gpu.name: teraflops(gpu.name) for gpu in able.gpus}
    known = {name: speed for name, speed in speeds.items() if speed is not None}
    if unlisted := [name for name in speeds if name not in known]:
        return None, f"The speed of {unlisted[0]} is not listed."
    name = min(known, key=known.__getitem__)
    said = f"{known[name]:.0f} trillion operations a second ({name}), of which {REACHED_GPU:.0%} are reached"
    return known[name] * 1e12 * REACHED_GPU, f"Assumes {said}."


def teraflops(name: str) -> float | None:
    """What the maker of a GPU states for it, None for one that is not listed. "A40" is no word of "RTX A4000"."""
    return next((value for words, value in TERAFLOPS.items() if re.search(rf"\b{words}\b", name)), None)

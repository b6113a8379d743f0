"""Whether a training run can go: each check looks at one thing and says what is wrong and what to do about it.

A reason is `blocked` (it would fail, or teach nothing), `degraded` (it goes, and something is worse than it should
be), or `note`. They are values: nothing is looked up here but what is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.capability import NEEDED, Capability
from training.config import TrainConfig
from training.exports import Export
from training.gain import Gain, gain_of
from training.memory import GB, Memory

Level = Literal["blocked", "degraded", "note"]
Verdict = Literal["ok", "degraded", "blocked"]
INSTALL = "Run: pip install -r requirements.txt"
NEVER_LINTED, NO_GAIN, NOT_MEASURED = "never_linted", "no_gain", "not_measured"
"""What can be waived beside the linter's checks, by these names."""
COUNTED = ("qwen2_5_omni", "qwen2_5_vl", "qwen3_omni", "qwen3_vl")
"""Beginnings of the model_types whose pictures and sounds are counted as their processors do."""
TIGHT = 0.9
KEPT_CHECKPOINTS = 3
"""Two that stay, and one that is being written."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks against going, or is good to know. waive: the name to waive it by, "" if that cannot be."""

    level: Level
    about: str
    reason: str
    fix: str = ""
    waive: str = ""


def verdict_of(reasons: Sequence[Reason]) -> Verdict:
    """The worst of them."""
    levels = {one.level for one in reasons}
    return "blocked" if "blocked" in levels else "degraded" if "degraded" in levels else "ok"


def libraries(config: TrainConfig, able: Capability) -> Iterator[Reason]:
    """Libraries that are missing or broken."""
    for name in NEEDED:
        if not able.has(name):
            yield Reason(
                "blocked", name, f"{name} cannot be used: {able.problems.get(name, 'not installed')}.", INSTALL
            )
    if able.torchvision == "shim":
        said = "torchvision was built for another torch; its transforms work, its compiled operators are left out."
        yield Reason(
            "degraded" if able.gpus else "note", "torchvision", said, "Install the pair that belongs together."
        )
    if config.tuning == "qlora" and not able.four_bit:
        why = able.problems.get("bitsandbytes", "it knows neither this machine's GPU nor its processor")
        fix = "Run: pip install bitsandbytes, or set tuning to lora."
        yield Reason("blocked", "bitsandbytes", f"4-bit weights need bitsandbytes, and it cannot be used: {why}.", fix)
    if config.tuning == "qlora" and able.gpus and able.four_bit == "cpu":
        said = "bitsandbytes works without the GPU only."
        yield Reason("blocked", "bitsandbytes", said, "Install a bitsandbytes that fits the installed torch.")
    if config.parallel == "zero3" and not able.has("deepspeed"):
        why = able.problems.get("deepspeed", "not installed")
        fix = "Run: pip install deepspeed, or set parallel to fsdp2."
        yield Reason("blocked", "deepspeed", f"ZeRO-3 needs DeepSpeed, and it cannot be used: {why}.", fix)


def devices(config: TrainConfig, able: Capability) -> Iterator[Reason]:
    """GPUs that are missing, too few, or too old."""
    if not able.gpus:
        yield from _without_gpu(config, able)
        return
    if config.world_size > len(able.gpus):
        said = f"{config.world_size} processes need as many GPUs, and {len(able.gpus)} can be used here."
        fix = f"Set world_size to {len(able.gpus)}, and accumulation higher to keep the batch."
        yield Reason("blocked", "gpus", said, fix)
    if config.precision == "bf16" and not able.bf16:
        old = next(gpu.name for gpu in able.gpus if not gpu.bf16)
        yield Reason("blocked", "precision", f"{old} does not compute with bf16.", "Set precision to fp32.")


def _without_gpu(config: TrainConfig, able: Capability) -> Iterator[Reason]:
    if config.parallel in ("fsdp2", "zero3"):
        said = f"{config.parallel} spreads a model over GPUs, and torch finds none here.{_built(able)}"
        yield Reason(
            "blocked", "gpus", said, "Run it where there are GPUs, or set parallel to none and precision to fp32."
        )
    elif config.precision == "bf16":
        said = f"Training in bf16 needs a GPU, and torch finds none here.{_built(able)}"
        yield Reason("blocked", "gpus", said, "Run it where there is a GPU, or set precision to fp32.")
    elif config.base != "tiny":
        said = "There is no GPU: a step of a model of billions of parameters takes minutes."
        yield Reason("degraded", "gpus", said, "Try the settings with the base “tiny”, and train where there is a GPU.")
    if able.cores < config.threads * config.world_size and can_use_cpu(config):
        said = f"{config.world_size} x {config.threads} threads on {able.cores} cores wait for each other."
        yield Reason("degraded", "threads", said, "Set threads to 1.")


def can_use_cpu(config: TrainConfig) -> bool:
    """Whether it could run without a GPU at all."""
    return config.precision == "fp32" and config.parallel in ("none", "ddp")


def _built(able: Capability) -> str:
    return "" if able.cuda else " The installed torch is built without CUDA."


def memory(config: TrainConfig, able: Capability, needs: Memory) -> Iterator[Reason]:
    """Whether the estimate fits: into the smallest GPU, or into what is free of the machine without one.

    What others hold of a GPU is no reason to refuse: it may be a run that this one waits for.
    """
    if able.gpus:
        yield from _on_gpu(config, able, needs)
        yield from _while_loading(able, needs)
    else:
        need_gb, free_gb = needs.total_gb * config.world_size, able.ram_free_gb
        said = f"About {need_gb:.1f} GB are needed, and {free_gb:.1f} GB of this machine are free."
        yield from _fits(config, need_gb, free_gb, said)
    if config.tuning == "qlora" and needs.four_bit < needs.parameters / 2:
        said = (
            f"Of {needs.parameters / 1e9:.1f} billion parameters {needs.four_bit / 1e9:.1f} billion can be held in 4 "
            "bits; the experts of a mixture cannot."
        )
        yield Reason("degraded", "four_bit", said, "Count on the memory above, or take a model without experts.")


def _on_gpu(config: TrainConfig, able: Capability, needs: Memory) -> Iterator[Reason]:
    need_gb, smallest = needs.total_gb, min(able.gpus, key=lambda gpu: gpu.total_gb)
    fullest = min(able.gpus, key=lambda gpu: gpu.free_gb)
    said = f"About {need_gb:.1f} GB are needed, and the GPU has {smallest.total_gb:.1f} GB."
    yield from _fits(config, need_gb, smallest.total_gb, said)
    if fullest.free_gb < need_gb <= smallest.total_gb:
        held_gb = fullest.total_gb - fullest.free_gb
        held = f"others hold {held_gb:.1f} of its {fullest.total_gb:.1f} GB now"
        said = f"About {need_gb:.1f} GB of the GPU are needed, and {held}."
        fix = "A run of thud on that GPU is waited for. If it is another program, end it, or choose another GPU."
        yield Reason("degraded", "memory", said, fix)


def _fits(config: TrainConfig, need_gb: float, there_gb: float, said: str) -> Iterator[Reason]:
    if need_gb > there_gb:
        yield Reason("blocked", "memory", said, _smaller(config))
    elif need_gb > TIGHT * there_gb:
        yield Reason("degraded", "memory", f"{said} The estimate may be off by a fifth.", _smaller(config))


def _while_loading(able: Capability, needs: Memory) -> Iterator[Reason]:
    """Of a model that is spread over GPUs: whether the machine holds it until it is dealt out."""
    need_gb = needs.loading / GB
    if need_gb > able.ram_free_gb:
        said = (
            f"While the model is loaded, its weights take {need_gb:.1f} GB of the machine's memory, beside that of the "
            f"GPUs, and {able.ram_free_gb:.1f} of {able.ram_gb:.1f} GB are free."
        )
        fix = "Take a machine with more memory, or fewer processes (world_size); with zero3 only one of them loads it."
        yield Reason("blocked" if need_gb > able.ram_gb else "degraded", "memory", said, fix)


def _smaller(config: TrainConfig) -> str:
    """What to change first to need less memory."""
    if not config.gradient_checkpointing:
        return "Set gradient_checkpointing to true."
    if config.batch_size > 1:
        return f"Set batch_size to 1 and accumulation to {config.accumulation * config.batch_size}."
    if config.tuning == "lora":
        return "Set tuning to qlora, or show fewer or smaller pictures (max_frames, size_px)."
    if config.tuning == "full" and config.parallel not in ("fsdp2", "zero3"):
        return "Set tuning to lora, or spread the model over several GPUs (parallel: fsdp2)."
    return "Show fewer or smaller pictures (max_frames, size_px), or take a smaller model or a larger GPU."


def disk(config: TrainConfig, able: Capability, checkpoint: float, kept: float) -> Iterator[Reason]:
    """Whether the checkpoints fit, and the best weights with those that take their place. Both in bytes, of one."""
    need_gb = (checkpoint * (KEPT_CHECKPOINTS if config.save_every else 1) + 2 * kept) / GB
    if need_gb > able.disk_free_gb:
        free = f"{able.disk_free_gb:.1f} GB of the disk are free"
        said = f"Checkpoints and the best weights take {need_gb:.1f} GB, and {free}."
        yield Reason("blocked", "disk", said, "Free some space, or choose another folder for the run.")


def data(config: TrainConfig, export: Export, longest: int, waived: Collection[str]) -> Iterator[Reason]:
    """Whether the export can be trained on: right stage, held-out rows, unchanged, linted or waived by name."""
    if config.stage == "dpo" and export.stage == "sft":
        yield Reason(
            "blocked", "data", "DPO needs rejected answers, and this export has none.", "Export pairs that have."
        )
    if not export.validation:
        said = "There are no held-out rows, so nothing tells whether the model has learnt to listen."
        yield Reason("degraded", "data", said, "Export a set that was split.")
    if export.changed:
        said = f"{len(export.changed)} files are not as they were exported (such as {export.changed[0]})."
        yield Reason("blocked", "data", said, "Export the set again.")
    if config.max_tokens and longest > config.max_tokens:
        said = f"A row has about {longest} tokens, and max_tokens is {config.max_tokens}; rows are never cut."
        yield Reason("blocked", "data", said, "Raise max_tokens, or show fewer or smaller pictures.")
    yield from _lint(export, waived)


def tokens(kind: str) -> Iterator[Reason]:
    """Whether the tokens of a model of that model_type ("" = not known) are counted by its own arithmetic."""
    if kind and not kind.startswith(COUNTED):
        said = f"Tokens of a {kind} model are counted as those of Qwen's omni models, so memory and time may be off."
        yield Reason("note", "tokens", said)


def _lint(export: Export, waived: Collection[str]) -> Iterator[Reason]:
    if export.findings is None and NEVER_LINTED not in waived:
        said = "No linter has looked at these pairs."
        fix = "Take them in on the Pairs page, which lints them, and export them from there."
        yield Reason("blocked", "lint", said, fix, NEVER_LINTED)
    for one in export.findings or ():
        if one.check not in waived:
            level: Level = "blocked" if one.severity == "error" else "degraded"
            said = f"{one.title}: {one.count}."
            yield Reason(level, "lint", said, "Mend it on the Pairs page and export again, or waive it.", one.check)


def gain(config: TrainConfig, waived: Collection[str]) -> Iterator[Reason]:
    """For DPO: whether what it starts from was measured, and is better than its base on held-out clips."""
    if config.stage != "dpo":
        return
    start = Path(config.adapter or config.base)
    if not config.adapter and not (start.parent / "metrics.jsonl").is_file():
        yield from _unless(waived, NOT_MEASURED, "DPO is to start from a model that SFT has taught; none is given.",
                           "Train by SFT first and give its adapter.")  # fmt: skip
        return
    found = gain_of(start.parent, start)
    if found is None:
        said = (
            f"Nobody measured whether {start.parent.name or start} has learnt anything: its run has no held-out rounds."
        )
        yield from _unless(waived, NOT_MEASURED, said, "Train it by SFT with eval_every above 0.")
    elif not found.shown or found.few:
        yield from _doubtful(found, waived)


def _doubtful(found: Gain, waived: Collection[str]) -> Iterator[Reason]:
    told = f"right on {found.after:.0%} of {found.n} held-out questions after SFT, and on {found.before:.0%} before" + (
        f"; they are about clips of {found.sources} source{'s' * (found.sources != 1)}" if found.few else ""
    )
    enough = f"at least {found.needed} sources" if found.few else "more sources"
    if found.after <= found.before:
        said = f"SFT has not taught it to listen: {told}. DPO does not rescue that."
        yield from _unless(waived, NO_GAIN, said, "Train by SFT longer, or on more pairs, until it beats its base.")
    elif not found.shown:
        fix = f"Train by SFT longer, or hold out clips of {enough}."
        yield from _unless(waived, NO_GAIN, f"It may be chance that SFT helped: {told}.", fix)
    else:
        said = f"SFT helped, but whether it does so for other clips is open: {told}."
        yield Reason("degraded", "gain", said, f"Hold out clips of {enough}.")


def _unless(waived: Collection[str], name: str, said: str, fix: str) -> Iterator[Reason]:
    if name not in waived:
        yield Reason("blocked", "gain", said, fix, name)

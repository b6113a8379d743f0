"""Whether a training run can go: each check looks at one thing and says what is wrong and what to do about it.

A reason is `blocked` (it would fail, or teach nothing), `degraded` (it goes, and something is worse than it should
be), or `note`. They are values: nothing is looked up here but what is handed in.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thud.statistics.intervals import wilson_share
from training.capability import NEEDED, Capability
from training.config import TrainConfig
from training.exports import Export
from training.journal import read_lines
from training.memory import GB, Memory
from training.progress import best

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
    """Whether the estimate fits into what is free: of the smallest GPU, or of the machine without one."""
    on_gpu = bool(able.gpus)
    shares = 1 if on_gpu else config.world_size
    free_gb = min(gpu.free_gb for gpu in able.gpus) if on_gpu else able.ram_free_gb
    need_gb, where = needs.total_gb * shares, "of the GPU" if on_gpu else "of this machine"
    said = f"About {need_gb:.1f} GB are needed, and {free_gb:.1f} GB {where} are free."
    if need_gb > free_gb:
        yield Reason("blocked", "memory", said, _smaller(config))
    elif need_gb > TIGHT * free_gb:
        yield Reason("degraded", "memory", f"{said} The estimate may be off by a fifth.", _smaller(config))
    if config.tuning == "qlora" and needs.four_bit < needs.parameters / 2:
        said = (
            f"Of {needs.parameters / 1e9:.1f} billion parameters {needs.four_bit / 1e9:.1f} billion can be held in 4 "
            "bits; the experts of a mixture cannot."
        )
        yield Reason("degraded", "four_bit", said, "Count on the memory above, or take a model without experts.")


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


def disk(config: TrainConfig, able: Capability, checkpoint: float) -> Iterator[Reason]:
    """Whether the checkpoints fit."""
    need_gb = checkpoint * (KEPT_CHECKPOINTS if config.save_every else 1) / GB
    if need_gb > able.disk_free_gb:
        said = f"The checkpoints take {need_gb:.1f} GB, and {able.disk_free_gb:.1f} GB of the disk are free."
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
    measured = held_out(start.parent)
    if measured is None:
        said = (
            f"Nobody measured whether {start.parent.name or start} has learnt anything: its run has no held-out rounds."
        )
        yield from _unless(waived, NOT_MEASURED, said, "Train it by SFT with eval_every above 0.")
        return
    before, after, n = measured
    told = f"right on {after:.0%} of {n} held-out questions after SFT, and on {before:.0%} before"
    if after <= before:
        said = f"SFT has not taught it to listen: {told}. DPO does not rescue that."
        yield from _unless(waived, NO_GAIN, said, "Train by SFT longer, or on more pairs, until it beats its base.")
    elif (wilson_share(after, n).low or 0.0) <= before:
        said = f"It may be chance that SFT helped: {told}."
        yield Reason("degraded", "gain", said, "Hold out more clips.")


def held_out(run: Path) -> tuple[float, float, int] | None:
    """(accuracy before the first step, best accuracy after, questions) of a run; None where it was not measured."""
    told = report(run).get("held_out") or {}
    if told.get("before") and told.get("after"):
        before, after = told["before"], told["after"]
        return float(before["accuracy"]["all"]), float(after["accuracy"]["all"]), int(after["n"]["all"])
    lines = read_lines(run / "metrics.jsonl")
    rounds = [line for line in lines if line["event"] == "held_out" and line["n"].get("all")]
    first, after = next((line for line in rounds if line["step"] == 0), None), best(rounds)
    if first is None or after is None:
        return None
    return float(first["accuracy"]["all"]), float(after["accuracy"]["all"]), int(after["n"]["all"])


def report(run: Path) -> dict[str, Any]:
    """report.json of a run, {} where there is none that can be read."""
    try:
        told = json.loads((run / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _unless(waived: Collection[str], name: str, said: str, fix: str) -> Iterator[Reason]:
    if name not in waived:
        yield Reason("blocked", "gain", said, fix, name)

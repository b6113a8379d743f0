"""Whether a training run can go on this machine, what it will need, and how long it will take. Trains nothing.

    python -m training.preflight                                  every recipe
    python -m training.preflight --recipe demo-sft --data FOLDER  one recipe with that data
    python -m training.preflight --config RUN/config.json --json  one run, for a page
    python -m training.preflight --serve                          questions and answers, a JSON object a line each

Exit code 0: it can go. 1: one of them is blocked. 2: the question itself is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from thud.errors import BadRequest, MissingPart, ThudError
from training import checks
from training.capability import Capability, capability
from training.checks import Reason, Verdict, verdict_of
from training.config import TrainConfig, read_config, to_json
from training.effort import Effort, effort_of
from training.exports import Export, loads_of, picture_tokens, read_export
from training.memory import Load, Memory, checkpoint_bytes, estimate, kept_bytes
from training.recipes import UNSAID, Clip, Recipe, find_recipe, recipes, shown
from training.shape import Shape, config_file, has_config, shape_of, shape_of_sizes

PROMPT_TOKENS, ANSWER_TOKENS = 60, 60
AUDIO_PER_S = {"qwen2.5-omni": 25, "qwen3-omni": 13}
ANY_CLIP = Clip(1280, 720, 10.0)


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is known of one run before it starts. memory, effort: None where the model or the data is not there yet.

    load: tokens of a row on average. longest: of the longest row, which decides the memory.
    """

    name: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    command: str
    config: TrainConfig
    load: Load | None = None
    longest: Load | None = None
    memory: Memory | None = None
    effort: Effort | None = None
    recipe: Recipe | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything, for a page."""
        return {
            **(self.recipe.to_json() if self.recipe else {}), "name": self.name, "verdict": self.verdict,
            "reasons": [asdict(one) for one in self.reasons], "command": self.command,
            "config": to_json(self.config), "tokens": _tokens(self.load), "longest": _tokens(self.longest),
            "memory": self.memory and self.memory.to_json(), "effort": self.effort and _effort(self.effort),
        }  # fmt: skip


def check_config(
    config: TrainConfig, able: Capability, waived: Collection[str] = (), recipe: Recipe | None = None, name: str = ""
) -> Preflight:
    """What speaks against a run, and what it needs. recipe: gives sizes and clip where model or data is not there."""
    reasons = [*checks.libraries(config, able), *checks.devices(config, able)]
    shape = _asked(reasons, "base", lambda: _shape(config, recipe)) if _importable(able) else None
    export = _export(reasons, config)
    kind = _kind(config, recipe)
    reasons += checks.tokens(kind)
    clip = recipe.clip if recipe else ANY_CLIP
    load, longest = _asked(reasons, "data", lambda: _loads(config, export, shape, kind, clip)) or (None, None)
    needs = effort = None
    if shape is not None and load is not None and longest is not None:
        needs = estimate(config, shape, longest, gpu=bool(able.gpus))
        if able.gpus or checks.can_use_cpu(config):
            reasons += checks.memory(config, able, needs)
        reasons += checks.disk(config, able, checkpoint_bytes(config, shape), kept_bytes(config, shape))
        if export is not None or config.max_steps:
            effort = effort_of(config, shape, load, export.rows if export else 0, able)
    reasons += _data(config, export, longest, waived)
    if export is not None or recipe is None:
        reasons += checks.gain(config, waived)
    return Preflight(
        name or config.output.name, verdict_of(reasons), tuple(reasons), shown(config, str(config.output)), config,
        load, longest, needs, effort, recipe,
    )  # fmt: skip


def check_elsewhere(config: TrainConfig, able: Capability, waived: Collection[str] = ()) -> Preflight:
    """What speaks against a run on another machine, of which nothing is known: its data, and what it starts from.

    able: this machine, which decides nothing.
    """
    reasons: list[Reason] = []
    export, kind = _export(reasons, config), _kind(config, None)
    shape = _asked([], "base", lambda: _shape(config, None)) if _importable(able) else None
    load, longest = _asked(reasons, "data", lambda: _loads(config, export, shape, kind, ANY_CLIP)) or (None, None)
    reasons += [*_data(config, export, longest, waived), *checks.gain(config, waived)]
    return Preflight(
        config.output.name, verdict_of(reasons), tuple(reasons), shown(config, str(config.output)), config, load,
        longest,
    )  # fmt: skip


def _export(reasons: list[Reason], config: TrainConfig) -> Export | None:
    """The data, None with a reason more where it is none, and None where nobody has said yet which."""
    if str(config.data) == UNSAID["data"]:
        return None
    found: Export | None = _asked(reasons, "data", lambda: read_export(config.data))
    return found


def _data(
    config: TrainConfig, export: Export | None, longest: Load | None, waived: Collection[str]
) -> Iterator[Reason]:
    if export is not None:
        yield from checks.data(config, export, longest.total if longest else 0, waived)


def check_recipe(recipe: Recipe, able: Capability, waived: Collection[str] = (), **given: Any) -> Preflight:
    """The same for a recipe, some of its fields given."""
    return check_config(replace(recipe.config, **given), able, waived, recipe, recipe.name)


def _importable(able: Capability) -> bool:
    return able.has("torch") and able.has("transformers") and able.torchvision != "absent"


def _asked(reasons: list[Reason], about: str, look: Any) -> Any:
    """What `look` finds, or None and one reason more."""
    try:
        return look()
    except (BadRequest, MissingPart) as error:
        reasons.append(Reason("blocked", about, str(error)))
        return None


def _shape(config: TrainConfig, recipe: Recipe | None) -> Shape:
    targets = config.lora.targets if config.tuning != "full" else ()
    if recipe is not None and recipe.sizes and not has_config(config.base):
        return shape_of_sizes(recipe.sizes, targets)
    return shape_of(config.base, targets)


def _kind(config: TrainConfig, recipe: Recipe | None) -> str:
    """The model_type of the base, "" where nothing tells."""
    try:
        told = json.loads(config_file(config.base).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = recipe.sizes if recipe else {}
    return str(told.get("model_type", "")) if isinstance(told, Mapping) else ""


def _loads(config: TrainConfig, export: Export | None, shape: Shape | None, kind: str, clip: Clip) -> tuple[Load, Load]:
    family = "qwen3-omni" if kind.startswith("qwen3") else "qwen2.5-omni"
    hears = shape is None or shape.hears is not None
    if export is not None:
        return loads_of(export, config, family, hears)
    video = picture_tokens(clip.width, clip.height, clip.duration_s, config, family)
    audio = round(clip.duration_s * AUDIO_PER_S[family]) if hears else 0
    load = Load(video, audio, PROMPT_TOKENS, ANSWER_TOKENS)
    return load, load


def _tokens(load: Load | None) -> dict[str, int] | None:
    return None if load is None else {**asdict(load), "all": load.total}


def _effort(effort: Effort) -> dict[str, Any]:
    hours = None if effort.hours is None else round(effort.hours, 4)
    return {**asdict(effort), "tokens": _tokens(effort.tokens), "hours": hours}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m training.preflight", description="Can this training run go here?")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--config", type=Path, help="the config.json of a run")
    what.add_argument("--recipe", action="append", default=[], help="a recipe by name; may be given more than once")
    what.add_argument("--serve", action="store_true", help="answer questions on standard input until it is closed")
    made.add_argument("--base", help="with --recipe: folder of the model")
    made.add_argument("--data", type=Path, help="with --recipe: folder of an export for TRL")
    made.add_argument("--adapter", help="with --recipe: folder of the adapter to go on from")
    made.add_argument("--output", type=Path, help="with --recipe: folder of the run")
    made.add_argument("--waive", action="append", default=[], help="a finding that you accept, by name")
    made.add_argument("--json", action="store_true", help="one JSON object instead of words")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    if asked.serve:
        from training.serve import own_output, serve

        with own_output() as answers:
            return serve(sys.stdin, answers)
    given = {name: getattr(asked, name) for name in ("base", "data", "adapter", "output") if getattr(asked, name)}
    try:
        config = read_config(asked.config) if asked.config else None
        chosen = [find_recipe(name) for name in asked.recipe] or list(recipes().values())
        able = capability((config.output if config else asked.output) or Path())
        found = (
            [check_config(config, able, asked.waive)]
            if config
            else [check_recipe(recipe, able, asked.waive, **given) for recipe in chosen]
        )
    except ThudError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    told = {"capability": able.to_json(), "plans": [one.to_json() for one in found]}
    text = json.dumps(told, ensure_ascii=False, default=str) if asked.json else "\n".join(_words(able, found))
    sys.stdout.write(text + "\n")
    return 1 if any(one.verdict == "blocked" for one in found) else 0


def _words(able: Capability, found: Sequence[Preflight]) -> Iterator[str]:
    gpus = ", ".join(f"{gpu.name} ({gpu.free_gb:.0f} of {gpu.total_gb:.0f} GB free)" for gpu in able.gpus) or "no GPU"
    torch = able.versions.get("torch", "none")
    yield f"torch {torch}, {gpus}, {able.cores} cores, {able.ram_free_gb:.0f} GB of memory free"
    for one in found:
        yield ""
        yield f"{one.verdict:<9} {one.name}"
        if one.memory:
            yield f"          about {one.memory.total_gb:.1f} GB for each process"
        if one.effort:
            yield f"          {one.effort.steps} steps, {_long(one.effort.hours)}. {one.effort.assumes}"
        for reason in (reason for reason in one.reasons if reason.level != "note"):
            waive = f" [--waive {reason.waive}]" if reason.waive else ""
            yield f"          {reason.level}: {reason.reason} {reason.fix}{waive}"
        yield f"          {one.command}"


def _long(hours: float | None) -> str:
    if hours is None:
        return "how long is not known"
    return f"about {hours:.1f} hours" if hours >= 1 else f"about {hours * 60:.0f} minutes"


if __name__ == "__main__":
    sys.exit(main())

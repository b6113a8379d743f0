"""What a training run is to do, as a frozen value; read from config.json, from a recipe or from a page.

`parse_config` is the only door: what it lets through can be trained with, as far as that can be known without the
weights and the data. Nothing heavy is imported here, so that a wrong field is told at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from thud.errors import ThudError

Stage = Literal["sft", "dpo"]
Tuning = Literal["lora", "qlora", "full"]
Target = Literal["language", "projector", "audio_tower", "vision_tower"]
Scheduler = Literal["cosine", "linear", "constant"]
Precision = Literal["bf16", "fp32"]
Parallel = Literal["none", "ddp", "fsdp2", "zero3"]
LossType = Literal[
    "sigmoid", "sigmoid_norm", "sft", "hinge", "ipo", "nca_pair", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
    "apo_zero", "apo_down", "discopop",
]  # fmt: skip
Json = Mapping[str, Any]


class ConfigError(ThudError):
    """A field of a training config is missing, unknown or impossible; the sentence begins with its name."""


@dataclass(frozen=True, slots=True)
class Lora:
    """The adapter to be trained. targets: parts of the model whose linear layers get one."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[Target, ...] = ("language",)


@dataclass(frozen=True, slots=True)
class Loss:
    """What DPO minimises: the weighted sum of `types` (one weight each; () = all 1). SFT has one loss and no choice.

    beta: how far the policy may leave its reference; "sigmoid_norm" scores by token and wants 1 to 10.
    """

    types: tuple[LossType, ...] = ("sigmoid",)
    weights: tuple[float, ...] = ()
    beta: float = 0.1


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run.

    base: folder with weights, or "tiny". adapter: "" or the folder that training goes on from. data: folder of a TRL
    export. output: folder of the run. epochs count unless max_steps is over 0. warmup: share of the steps.
    batch_size: rows (SFT) or pairs (DPO) per process and forward pass. max_tokens: a longer row is refused, never
    cut; 0 = any length. fps, max_frames, size_px: how the picture is sampled. eval_every, save_every: in steps, 0 =
    never, and only at the end. eval_rows: validation rows that are asked, 0 = all. answer_tokens: of a held-out answer.
    patience: held-out rounds without a better accuracy before stopping, 0 = no such stop.
    world_size: processes in all. threads: of torch, per process. workers: processes that decode media ahead, per
    process; 0 = the trainer decodes itself.
    """

    stage: Stage
    base: str
    data: Path
    output: Path
    adapter: str = ""
    tuning: Tuning = "lora"
    lora: Lora = field(default_factory=Lora)
    epochs: float = 1.0
    max_steps: int = 0
    learning_rate: float = 5e-5
    scheduler: Scheduler = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    batch_size: int = 1
    accumulation: int = 1
    precision: Precision = "fp32"
    max_tokens: int = 0
    fps: float = 2.0
    max_frames: int = 64
    size_px: int = 448
    loss: Loss = field(default_factory=Loss)
    eval_every: int = 0
    eval_rows: int = 0
    answer_tokens: int = 48
    save_every: int = 100
    patience: int = 0
    seed: int = 0
    world_size: int = 1
    parallel: Parallel = "none"
    threads: int = 1
    workers: int = 0
    gradient_checkpointing: bool = False

    @property
    def rows_per_step(self) -> int:
        """Rows (SFT) or pairs (DPO) behind one update of the weights, all processes together."""
        return self.batch_size * self.accumulation * self.world_size


def planned_steps(config: TrainConfig, rows: int) -> int:
    """Updates of the weights that `rows` rows (SFT) or pairs (DPO) give; a last batch that is not full counts."""
    if config.max_steps:
        return config.max_steps
    batches = math.ceil(math.ceil(rows / config.batch_size) / config.world_size)
    return math.ceil(config.epochs * math.ceil(batches / config.accumulation))


def read_config(path: Path) -> TrainConfig:
    """The config in a JSON file. Raises ConfigError where there is none or a field is wrong."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The training config {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"The training config {path} is no JSON: {error}.") from error
    return parse_config(given)


def parse_config(given: Any) -> TrainConfig:
    """The config in a mapping of plain values. Numbers may stand as text, since YAML reads 2e-6 as one."""
    if not isinstance(given, Mapping):
        raise ConfigError("A training config is an object with fields, such as stage, base, data and output.")
    _known(given, TrainConfig, "")
    values = {name: _FIELDS[name](name, value) for name, value in given.items()}
    for name in ("stage", "base", "data", "output"):
        if name not in values:
            raise ConfigError(f"{name} is missing.")
    config = TrainConfig(**values)
    _together(config)
    return config


def to_json(config: TrainConfig) -> dict[str, Any]:
    """Plain values from which `parse_config` makes the same config."""
    plain = dataclasses.asdict(config)
    plain["lora"]["targets"] = list(config.lora.targets)
    plain["loss"] |= {"types": list(config.loss.types), "weights": list(config.loss.weights)}
    return plain | {"data": str(config.data), "output": str(config.output)}


def _together(config: TrainConfig) -> None:
    """Raises ConfigError where fields, each right, contradict one another."""
    clashes = {
        "world_size is over 1 but parallel is none; choose ddp, fsdp2 or zero3.": config.world_size > 1
        and config.parallel == "none",
        "adapter cannot be gone on from with full tuning; merge it into the base first.": bool(config.adapter)
        and config.tuning == "full",
        "patience needs eval_every, for it counts held-out rounds.": config.patience > 0 and config.eval_every == 0,
        "epochs and max_steps are both 0, so nothing would be trained.": config.epochs == 0 and config.max_steps == 0,
    }
    for sentence, clash in clashes.items():
        if clash:
            raise ConfigError(sentence)


def _known(given: Json, kind: type, prefix: str) -> None:
    names = [one.name for one in dataclasses.fields(kind)]
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(str(name), names, 1)
            hint = f" Did you mean {prefix}{close[0]}?" if close else f" There are: {', '.join(names)}."
            raise ConfigError(f"{prefix}{name} is no field of a training config.{hint}")


Reader = Callable[[str, Any], Any]


def _whole(low: int, high: int | None = None) -> Reader:
    def read(name: str, value: Any) -> int:
        number = _number(name, value)
        if number != int(number):
            raise ConfigError(f"{name} is {value}; it has to be a whole number.")
        return int(_within(name, number, low, high))

    return read


def _real(low: float, high: float | None = None, *, above: bool = False) -> Reader:
    def read(name: str, value: Any) -> float:
        number = float(_within(name, _number(name, value), low, high))
        if above and number == low:
            raise ConfigError(f"{name} is {value}; it has to be over {low:g}.")
        return number

    return read


def _number(name: str, value: Any) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else float("nan")
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):
        raise ConfigError(f"{name} is {json.dumps(value, default=str)}; it has to be a number.")
    return number


def _within(name: str, number: float, low: float, high: float | None) -> float:
    if number < low or (high is not None and number > high):
        bounds = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise ConfigError(f"{name} is {number:g}; it has to be {bounds}.")
    return number


def _one_of(kind: Any) -> Reader:
    allowed = get_args(kind)

    def read(name: str, value: Any) -> str:
        if value not in allowed:
            raise ConfigError(f"{name} is {json.dumps(value, default=str)}; it has to be one of {', '.join(allowed)}.")
        return str(value)

    return read


def _some_of(reader: Reader, least: int) -> Reader:
    def read(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{name} has to be a list.")
        found = tuple(reader(f"{name}[{number}]", one) for number, one in enumerate(value))
        if len(found) < least:
            raise ConfigError(f"{name} is empty; it has to name at least one.")
        return found

    return read


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ConfigError(f"{name} is {json.dumps(value, default=str)}; it has to be text.")
    return value.strip()


def _named(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, Path) else _text(name, value)
    if not text:
        raise ConfigError(f"{name} is empty; it has to name a folder.")
    return text


def _path(name: str, value: Any) -> Path:
    return Path(_named(name, value)).expanduser()


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{name} is {json.dumps(value, default=str)}; it has to be true or false.")
    return value


def _lora(name: str, value: Any) -> Lora:
    return Lora(**_part(name, value, Lora))


def _loss(name: str, value: Any) -> Loss:
    loss = Loss(**_part(name, value, Loss))
    if loss.weights and len(loss.weights) != len(loss.types):
        raise ConfigError(f"loss.weights has {len(loss.weights)} numbers for {len(loss.types)} loss.types.")
    return loss


def _part(name: str, value: Any, kind: type) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} has to be an object with fields.")
    _known(value, kind, f"{name}.")
    return {key: _FIELDS[f"{name}.{key}"](f"{name}.{key}", one) for key, one in value.items()}


_FIELDS: dict[str, Reader] = {
    "stage": _one_of(Stage), "base": _named, "data": _path, "output": _path, "adapter": _text,
    "tuning": _one_of(Tuning), "lora": _lora, "loss": _loss,
    "lora.rank": _whole(1, 1024), "lora.alpha": _whole(1, 4096), "lora.dropout": _real(0, 0.9),
    "lora.targets": _some_of(_one_of(Target), 1),
    "loss.types": _some_of(_one_of(LossType), 1), "loss.weights": _some_of(_real(0), 0),
    "loss.beta": _real(0, above=True),
    "epochs": _real(0), "max_steps": _whole(0), "learning_rate": _real(0, 1, above=True),
    "scheduler": _one_of(Scheduler), "warmup": _real(0, 0.9), "weight_decay": _real(0, 1),
    "max_grad_norm": _real(0, above=True), "batch_size": _whole(1), "accumulation": _whole(1),
    "precision": _one_of(Precision), "max_tokens": _whole(0), "fps": _real(0, 240, above=True),
    "max_frames": _whole(1), "size_px": _whole(14, 4096), "eval_every": _whole(0), "eval_rows": _whole(0),
    "answer_tokens": _whole(1, 4096), "save_every": _whole(0), "patience": _whole(0), "seed": _whole(0, 2**31 - 1),
    "world_size": _whole(1), "parallel": _one_of(Parallel), "threads": _whole(1),
    "workers": _whole(0, 64), "gradient_checkpointing": _switch,
}  # fmt: skip

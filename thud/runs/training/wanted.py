"""What somebody wants to train: stage, base, recipe, data; and the config that follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from thud.errors import BadRequest, NotFound
from thud.runs.trainer.child import ROOT

STAGES = ("sft", "dpo")
RECIPES = ROOT / "training" / "recipes"
NOT_RECIPES = ("sizes",)
Json = dict[str, Any]


class Blocked(BadRequest):
    """A training that may not start. waive: the findings to accept for it, by name with their sentence; {} = no way."""

    def __init__(self, said: str, waive: Mapping[str, str]) -> None:
        super().__init__(said)
        self.waive = dict(waive)


@dataclass(frozen=True, slots=True)
class TrainWanted:
    """One training, as it is asked for.

    base: "tiny" or a folder, "" = the recipe's. recipe: by name, "" = none. set_id: a pair set, exported where it has
    to be; export: an export's name or a folder, which goes before it. adapter_run: the run whose adapter training goes
    on from; adapter: a folder instead. fields: over the recipe's. device: "cpu", "0", "0,1"; "" = no queue, None = what
    this machine has. waive: findings that are accepted, by name. on: a cluster. name: "" = the next that is free.
    """

    stage: str
    base: str = ""
    recipe: str = ""
    set_id: str = ""
    export: str = ""
    adapter_run: str = ""
    adapter: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    waive: tuple[str, ...] = ()
    on: str = ""
    name: str = ""


def wanted_json(wanted: TrainWanted) -> Json:
    """Plain values from which `parse_wanted` makes the same."""
    return {**asdict(wanted), "fields": dict(wanted.fields), "waive": list(wanted.waive)}


def parse_wanted(row: Mapping[str, Any]) -> TrainWanted:
    """What a JSON object asks for. BadRequest for one that does not say which stage, or names a field there is not."""
    if unknown := sorted(set(row) - {field.name for field in fields(TrainWanted)}):
        raise BadRequest(f"A training has no field {unknown[0][:40]!r}.")
    if row.get("stage") not in STAGES:
        raise BadRequest(f"stage is {' or '.join(STAGES)}.")
    for name in set(row) - {"fields", "waive", "device"}:
        if not isinstance(row[name], str):
            raise BadRequest(f"{name} has to be text.")
    if not isinstance(row.get("fields", {}), Mapping):
        raise BadRequest("fields has to be an object with fields of a training config.")
    waive = row.get("waive", ())
    if not isinstance(waive, list | tuple) or not all(isinstance(one, str) for one in waive):
        raise BadRequest("waive has to be a list of names.")
    device = read_device(row.get("device"))
    return TrainWanted(**{**row, "fields": dict(row.get("fields", {})), "waive": tuple(waive), "device": device})


def read_device(value: Any) -> str | None:
    """A device as it is kept: "", "cpu", "0", "0,1"; None = not said. BadRequest for anything else."""
    device = value.replace(" ", "") if isinstance(value, str) else value
    if device in (None, "", "cpu"):
        return None if device is None else str(device)
    if isinstance(device, str) and re.fullmatch(r"[0-9]{1,4}(,[0-9]{1,4})*", device):
        return ",".join(str(int(number)) for number in device.split(","))
    raise BadRequest("device is cpu, or the numbers of GPUs, such as 0 or 0,1.")


def default_device(processes: int = 1) -> str:
    """The first NVIDIA GPUs of this machine, one for each process; its CPU where it has none."""
    return _gpus(processes) if any(Path("/proc/driver/nvidia/gpus").glob("*")) else "cpu"


def device_for(config: Mapping[str, Any], on: str) -> str:
    """Where a config trains when nobody says. On a cluster, whose machines nobody has seen, the CPU is for fp32."""
    processes = int(config.get("world_size", 1))
    if on:
        return "cpu" if config.get("precision", "fp32") == "fp32" else _gpus(processes)
    return default_device(processes)


def _gpus(processes: int) -> str:
    return ",".join(map(str, range(processes)))


def device_problem(device: str, config: Mapping[str, Any]) -> str:
    """The sentence that there are not as many devices as processes, "" where there are. A CPU has room for all."""
    processes = int(config.get("world_size", 1))
    chosen = device.split(",")
    if device in ("", "cpu") or len(set(chosen)) == len(chosen) == processes:
        return ""
    return (
        f"world_size is {processes}, and each process needs a GPU of its own; device is {device}. "
        f"Choose as many GPUs, such as {_gpus(processes)}, or set world_size to {len(set(chosen))}."
    )


def recipe_names() -> list[str]:
    """The recipes that ship."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml") if path.stem not in NOT_RECIPES)


def recipe_config(name: str) -> Json:
    """The config of a recipe, without data and folder. NotFound."""
    if name not in recipe_names():
        raise NotFound(f"There is no training recipe “{name[:40]}”. There are: {', '.join(recipe_names())}.")
    told = yaml.safe_load((RECIPES / f"{name}.yaml").read_text("utf-8"))
    return dict(told["config"])


def config_of(wanted: TrainWanted) -> Json:
    """The recipe's config with the fields over it; neither data nor output are in it.

    BadRequest where stage and recipe do not go together, or nothing says what the base is.
    """
    if wanted.stage not in STAGES:
        raise BadRequest(f"stage is {' or '.join(STAGES)}.")
    start = recipe_config(wanted.recipe) if wanted.recipe else {}
    if start and start["stage"] != wanted.stage:
        raise BadRequest(f"The recipe {wanted.recipe} is for {start['stage'].upper()}, not for {wanted.stage.upper()}.")
    for name in ("data", "output", "adapter", "stage", "base"):
        if name in wanted.fields:
            raise BadRequest(f"{name} is chosen by itself, not among the fields.")
    config = over(start, wanted.fields)
    config |= {"stage": wanted.stage, "base": wanted.base or start.get("base", "")}
    for name in ("world_size", "threads"):
        if name in config:
            config[name] = _count(name, config[name])
    if not config["base"]:
        raise BadRequest("Say which model is trained: a folder, or “tiny”.")
    return config


def _count(name: str, value: Any) -> int:
    """A number of processes or threads, which may stand as text."""
    if not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,4}", str(value)) and int(str(value)) > 0:
        return int(str(value))
    raise BadRequest(f"{name} is {str(value)[:40]}; it has to be a whole number from 1 to 9999.")


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Json:
    """The fields of both; of objects the single fields."""
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = over(merged[name], value) if both else value
    return merged

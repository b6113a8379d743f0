"""What somebody wants to train: stage, base, recipe, data; and the config that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from thud.errors import BadRequest, NotFound
from thud.runs.trainer import ROOT

STAGES = ("sft", "dpo")
RECIPES = ROOT / "training" / "recipes"
NOT_RECIPES = ("sizes",)
Json = dict[str, Any]


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
    return TrainWanted(**{**row, "fields": dict(row.get("fields", {})), "waive": tuple(row.get("waive", ()))})


def default_device() -> str:
    """The first NVIDIA GPU of this machine, else its CPU."""
    return "0" if any(Path("/proc/driver/nvidia/gpus").glob("*")) else "cpu"


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
    config = _over(start, wanted.fields)
    config |= {"stage": wanted.stage, "base": wanted.base or start.get("base", "")}
    if not config["base"]:
        raise BadRequest("Say which model is trained: a folder, or “tiny”.")
    return config


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Json:
    """The fields of both; of objects the single fields."""
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _over(merged[name], value) if both else value
    return merged

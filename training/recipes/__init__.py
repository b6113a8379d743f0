"""Recipes: what to train with which settings, each a YAML file beside this one with its command and its assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from thud.errors import NotFound
from training.config import ConfigError, TrainConfig, parse_config

FOLDER = Path(__file__).parent
SIZES = FOLDER / "sizes.yaml"
UNSAID = {"data": "DATA", "output": "RUN"}
"""What a recipe leaves open, under the names that its command uses."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What a clip is taken to be while there is no data to look at."""

    width: int
    height: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe. config: with DATA and RUN for the data and the run's folder. run: the command, RUN being that folder.

    sizes: configuration of its base model by the published figures, {} where the base comes with thud.
    """

    name: str
    title: str
    about: str
    run: str
    clip: Clip
    assumptions: tuple[str, ...]
    config: TrainConfig
    sizes: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What a page shows of it beside the config."""
        return {
            "name": self.name, "title": self.title, "about": self.about, "run": self.run,
            "assumptions": list(self.assumptions),
        }  # fmt: skip


def recipes() -> dict[str, Recipe]:
    """All recipes by name. Raises ConfigError, naming the file, for one that cannot be used."""
    return {path.stem: read_recipe(path) for path in sorted(FOLDER.glob("*.yaml")) if path != SIZES}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises NotFound, naming those there are."""
    path = FOLDER / f"{name}.yaml"
    if path == SIZES or path.parent != FOLDER or not path.is_file():
        raise NotFound(f"There is no recipe “{name[:40]}”. There are: {', '.join(recipes())}.")
    return read_recipe(path)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file. Raises ConfigError, naming the file and the field."""
    told = _yaml(path)
    names = {one.name for one in fields(Recipe)} - {"name"}
    for name in sorted((told.keys() ^ names) - ({"sizes"} - told.keys())):
        raise ConfigError(f"{path.name}: {name} is {'no field of a recipe' if name in told else 'missing'}.")
    try:
        config = parse_config({**UNSAID, **told["config"]})
        clip = Clip(**told["clip"])
    except (ConfigError, TypeError) as error:
        raise ConfigError(f"{path.name}: {error}") from error
    parts = {"assumptions": tuple(told["assumptions"]), "config": config, "clip": clip, "sizes": _sizes(told, path)}
    return Recipe(path.stem, **(told | parts))


def command(config: TrainConfig, folder: str = "RUN", python: str = "python") -> tuple[dict[str, str], list[str]]:
    """(environment, argument list) that trains with `config` from the run folder `folder`."""
    module = ["-m", f"training.{config.stage}", "--config", f"{folder}/config.json"]
    if config.world_size > 1:
        module = ["-m", "torch.distributed.run", "--nproc-per-node", str(config.world_size), *module]
    return {"OMP_NUM_THREADS": str(config.threads)}, [python, *module]


def shown(config: TrainConfig, folder: str = "RUN") -> str:
    """The command as a line that can be copied into a shell."""
    environment, words = command(config, folder)
    return " ".join([*(f"{name}={value}" for name, value in environment.items()), *words])


def _sizes(told: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    name, known = told.get("sizes"), _yaml(SIZES)
    if name and name not in known:
        raise ConfigError(f"{path.name}: sizes is “{name}”; there are {', '.join(known)}.")
    return known[name] if name else {}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(told, dict):
        raise ConfigError(f"{path.name} holds no fields.")
    return told

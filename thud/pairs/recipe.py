"""Recipes: named mixtures of pair types, as data. The shipped ones lie in `recipes/`, one JSON file each."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from thud.errors import BadRequest, NotFound
from thud.pairs.pair import SPLITS, TYPES, Stage

FOLDER = Path(__file__).with_name("recipes")
STAGES = ("dpo", "sft", "none")
MOST_PAIRS = 1_000_000
MOST_SEED = 2**31 - 1
LONGEST_TEXT = 1000
SHARES: Mapping[str, float] = MappingProxyType({"train": 0.8, "validation": 0.1, "test": 0.1})
_NAME = re.compile(r"[\w.+-][\w .+-]{0,59}")
_FIELDS = {"name", "title", "stage", "counts", "seed", "curriculum", "shares", "note", "table_row"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an offset curriculum: this share of the pairs, in order; its shifts lie in [least_s, most_s]."""

    share: float
    least_s: float
    most_s: float

    def takes(self, offset_s: float | None) -> bool:
        """Whether a pair about that offset belongs here; what is not shifted belongs everywhere."""
        return not offset_s or self.least_s - 1e-9 <= abs(offset_s) <= self.most_s + 1e-9


@dataclass(frozen=True, slots=True)
class Recipe:
    """counts: pairs per type. stage: "sft" rows have no rejected answer; "none" trains nothing (the vanilla row).

    curriculum: () = all offsets alike. shares: of clips, per split. note: where the counts come from, and what is
    assumed. table_row: the row of the paper's Table 2 that it stands for, "" if none.
    """

    name: str
    title: str
    stage: Stage | str
    counts: Mapping[str, int]
    seed: int = 17
    curriculum: tuple[Step, ...] = ()
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    note: str = ""
    table_row: str = ""

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def recipe_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON can hold it; `parse_recipe` reads it back."""
    steps = [asdict(step) for step in recipe.curriculum]
    return {
        "name": recipe.name, "title": recipe.title, "stage": recipe.stage, "counts": dict(recipe.counts),
        "seed": recipe.seed, "curriculum": steps, "shares": dict(recipe.shares), "note": recipe.note,
        "table_row": recipe.table_row,
    }  # fmt: skip


def parse_recipe(row: object) -> Recipe:
    """The recipe that a stranger's JSON describes. BadRequest names the field that is wrong."""
    if not isinstance(row, Mapping):
        raise BadRequest("A recipe is an object with name, stage and counts.")
    if unknown := sorted(str(key) for key in row.keys() - _FIELDS):
        raise BadRequest(f"A recipe has no field {unknown[0][:40]!r}.")
    name = row.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequest("A recipe's name is 1 to 60 letters, digits, spaces or . + - _.")
    if row.get("stage", "dpo") not in STAGES:
        raise BadRequest(f"stage is one of {', '.join(STAGES)}.")
    recipe = Recipe(
        name, _text(row, "title") or name, row.get("stage", "dpo"), _counts(row.get("counts")),
        _whole(row.get("seed", 17), "seed", MOST_SEED), _curriculum(row.get("curriculum", ())),
        _shares(row.get("shares", SHARES)), _text(row, "note"), _text(row, "table_row"),
    )  # fmt: skip
    if recipe.total > MOST_PAIRS:
        raise BadRequest(f"A recipe makes at most {MOST_PAIRS:,} pairs; this one asks for {recipe.total:,}.")
    if recipe.stage == "none" and recipe.total:
        raise BadRequest("A recipe of the stage none trains nothing, so it has no pairs.")
    return recipe


@cache
def shipped() -> Mapping[str, Recipe]:
    """The recipes that come with thud, by name: the default first, then the rows of the paper's Table 2."""
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    return MappingProxyType({row["name"]: parse_recipe(row) for row in rows})


def find_recipe(name: str, own: Mapping[str, Recipe] | None = None) -> Recipe:
    """The recipe of that name, one's own before the shipped one. NotFound lists what there is."""
    known = {**shipped(), **(own or {})}
    if name not in known:
        raise NotFound(f"There is no recipe “{name[:60]}”: {', '.join(known)}.")
    return known[name]


def _text(row: Mapping[str, Any], key: str) -> str:
    text = row.get(key, "")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise BadRequest(f"{key} is a text of at most {LONGEST_TEXT} letters.")
    return text


def _counts(row: object) -> dict[str, int]:
    if not isinstance(row, Mapping):
        raise BadRequest('counts says how many pairs of each type: {"CTP": 4640, "mute": 1100}.')
    if unknown := [str(key) for key in row if key not in TYPES]:
        raise BadRequest(f"There is no pair type {unknown[0][:40]!r}: {', '.join(TYPES)}.")
    return {name: _whole(row[name], f"The count of {name}", MOST_PAIRS) for name in TYPES if row.get(name, 0) != 0}


def _whole(value: object, what: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadRequest(f"{what} is a whole number from 0 to {most:,}.")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return math.nan
    return float(value)


def _shares(row: object) -> dict[str, float]:
    if not isinstance(row, Mapping) or set(row) - set(SPLITS):
        raise BadRequest(f"shares says which share of the clips goes to {', '.join(SPLITS)}.")
    shares: dict[str, float] = {name: _number(row.get(name, 0.0)) for name in SPLITS}
    if not all(0 <= share <= 1 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise BadRequest("The shares of train, validation and test lie between 0 and 1 and add up to 1.")
    if not shares["train"]:
        raise BadRequest("Some share of the clips must go to train.")
    return shares


def _curriculum(rows: object) -> tuple[Step, ...]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise BadRequest("curriculum is a list of steps, each with share, least_s and most_s.")
    numbers = [[_number(row.get(key)) for key in ("share", "least_s", "most_s")] for row in rows]
    if any(not (0 < share <= 1 and 0 <= least <= most) for share, least, most in numbers):
        raise BadRequest("A step has a share between 0 and 1, and offsets from least_s to most_s in seconds.")
    if numbers and abs(sum(share for share, _, _ in numbers) - 1) > 1e-6:
        raise BadRequest("The shares of a curriculum's steps add up to 1.")
    return tuple(Step(*row) for row in numbers)

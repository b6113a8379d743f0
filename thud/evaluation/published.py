"""The paper's own figures, to stand beside measured ones and never among them. Facts from `published.json`.

Shares are 0 to 1. The intervals are ours: Wilson's, from a number of clips that is inferred and not printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from thud.errors import NotFound
from thud.evaluation.scoring import CELLS
from thud.statistics import Estimate, wilson_share

SHIPPED = Path(__file__).with_name("published.json")
Shares = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A row of table 1 with what the figures add; keys as in `decomposition`. size "" = not stated.

    cells: accuracy by cell. items: how many items each cell is taken to rest on. axes: figure 3. panels: figure 4 by
    panel and segment. combined: figure 7 by task. sync: figure 6a. What the paper does not give is not in the mapping.
    """

    name: str
    size: str
    cells: Shares
    items: Mapping[str, int]
    average_gap: float
    axes: Shares
    panels: Mapping[str, Shares]
    combined: Shares
    sync: Shares

    def estimate(self, cell: str) -> Estimate:
        """The accuracy of a cell with Wilson's interval from the inferred number of items."""
        return wilson_share(self.cells[cell], self.items[cell])

    @property
    def three_class(self) -> float:
        """Accuracy over originals, early and delayed clips, which are equally many."""
        return (self.cells["sync_original"] + 2 * self.cells["sync_shifted"]) / 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """A row of table 2, in percent by benchmark as in `alignment_tax.COLUMNS`; None where the paper gives none."""

    name: str
    percent: Mapping[str, float | None]
    average: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """What is printed of the paper's trained model outside table 2. within: figure 6b, share of items by tolerance."""

    combined: Shares
    sync: Shares
    within: Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Published:
    """All of it. source: what to cite. clips: inferred number of source clips. bands: figure 5, size in s → share."""

    source: str
    clips: int
    notes: tuple[str, ...]
    models: tuple[PublishedModel, ...]
    trained: Trained
    recipes: tuple[Recipe, ...]
    bands: Mapping[str, Mapping[float, float | None]]

    def model(self, name: str) -> PublishedModel:
        """The row of that name. NotFound lists the names there are."""
        for each in self.models:
            if each.name == name:
                return each
        raise NotFound(f"The paper has no model {name[:60]!r}; it has {', '.join(each.name for each in self.models)}.")

    def table_2(self) -> tuple[tuple[Any, ...], ...]:
        """Rows (recipe, six figures in percent or None, average), as `alignment_tax.published_rows` takes them."""
        return tuple((each.name, *each.percent.values(), each.average) for each in self.recipes)


@cache
def published() -> Published:
    """The published figures, read once."""
    body = json.loads(SHIPPED.read_text(encoding="utf-8"))
    clips = int(body["clips"])
    trained = body["trained"]
    return Published(
        body["source"],
        clips,
        tuple(body["notes"]),
        tuple(_model(name, row, clips) for name, row in body["models"].items()),
        Trained(trained["combined"], _shares(trained["sync_percent"]), _by_size(trained["within_percent"])),
        tuple(Recipe(row["name"], row["percent"], row["average"]) for row in body["recipes"]),
        {name: _bands(row) for name, row in body["bands_percent"].items()},
    )


def _model(name: str, row: Mapping[str, Any], clips: int) -> PublishedModel:
    items = {cell.key: clips * len(cell.conditions) for cell in CELLS}
    return PublishedModel(
        name,
        row["size"],
        _shares(row["percent"]),
        items,
        row["average_gap"] / 100,
        row["axes"],
        row["panels"],
        row["combined"],
        _shares(row.get("sync_percent", {})),
    )


def _shares(percent: Shares) -> dict[str, float]:
    return {key: value / 100 for key, value in percent.items()}


def _by_size(percent: Shares) -> dict[float, float]:
    return {float(key): value / 100 for key, value in percent.items()}


def _bands(percent: Mapping[str, float | None]) -> dict[float, float | None]:
    return {float(key): None if value is None else value / 100 for key, value in percent.items()}

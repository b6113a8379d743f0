"""Pairs: builds a set from gathered material, or mends one that is there. A line of the plan is a set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import thud.pairs
from thud.errors import RunFailed
from thud.pairs.builders import BUILDERS
from thud.pairs.fixes import Done, drop, shuffle_letters, surplus, timing
from thud.pairs.funnel import funnel_of, why_empty
from thud.pairs.lint import Linter, errors_among
from thud.pairs.material import Material, material_from_json
from thud.pairs.mixture import draw_pairs
from thud.pairs.pair import Pair
from thud.pairs.pair_set import PairSet, SetWriter, is_set, open_set
from thud.pairs.recipe import Recipe, parse_recipe, recipe_json
from thud.pairs.splits import split_clips
from thud.pairs.stock import Stock, take_stock, usable
from thud.records import EventTimes, content_id
from thud.runs.pairs.media import MediaCheck

if TYPE_CHECKING:
    from thud.store import Store

kind = "pairs"
LIMIT_S = 3600.0
VERSION = 2
"""Part of every built set's id: raise it when the same material and recipe would give other pairs."""
DEFINITION = "pair_set"
DEFINED = ("title", "stage", "pairs", "held", "made_at", "origin", "parent")
SPLITS_KIND = "pair_splits"
TAKEN_OVER = ("stage", "recipe", "types", "split_of", "basis", "skipped")
"""What a mended or reworded set takes over from its parent; the parent's funnel tells of the parent only."""
Json = dict[str, Any]


def work(item: Json, workspace: Path) -> Json:
    """The set that the line asks for, whole on disk. Again it gives the same set, and writes nothing."""
    return _mend(item, workspace) if item["do"] == "fix" else _build(item, workspace)


def ingest(store: Store, item: Json, result: Json) -> None:
    """Tells the store of the set, and of the splits its clips are in from now on."""
    actor = item.get("by", "thud")
    summary = open_set(store.workspace, result["set"]).summary
    store.define(DEFINITION, result["set"], told_of(summary), actor)
    key = result.get("splits_key")
    if key:
        before = store.definitions(SPLITS_KIND).get(key, {})
        store.define(SPLITS_KIND, key, {**before, **summary["split_of"]}, actor)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How many pairs the set has, and how many were held back."""
    del folder
    if "kept" not in tally:
        return ""
    held = f", {tally['held']:,} held back" if tally["held"] else ""
    return f"{tally['kept']:,} {'pair' if tally['kept'] == 1 else 'pairs'}{held}."


def splits_key(recipe: Recipe) -> str:
    """Sets of the same seed and shares have the same splits."""
    return content_id(recipe.seed, dict(recipe.shares))


def fingerprint(times: EventTimes | None) -> str:
    """What of a clip's event times a pair depends on; "" where none are known."""
    return content_id(times.visual_s, times.audio_s) if times else ""


def told_of(summary: Json) -> Json:
    """What the store is told of a set, whichever job made it. recipe: its name, "" for sets that have none."""
    return {**{key: summary[key] for key in DEFINED}, "recipe": (summary["recipe"] or {}).get("name", "")}


def _build(item: Json, workspace: Path) -> Json:
    begun = time.monotonic()
    row, recipe = _read(workspace / item["material"]), parse_recipe(item["recipe"])
    material = material_from_json(row["material"])
    splits = split_clips(
        material.clips.values(), recipe.shares, recipe.seed, row["held_out"], sounds=row["sounds"],
        before=row["before"],
    )  # fmt: skip
    name = content_id("built", VERSION, _wording(), item["recipe"], row["of"], row["dropped"], splits)
    if not is_set(workspace, name):
        kept, foreign = usable(material, splits)
        builders = [one for one in BUILDERS.values() if recipe.counts.get(one.type)]
        stocks = {one.type: take_stock(one, kept, row["unsettled"], foreign) for one in builders}
        about = {
            "title": item["title"], "stage": recipe.stage, "recipe": recipe_json(recipe), "origin": "built",
            "made_at": item["made_at"], "by": item["by"], "split_of": splits,
        }  # fmt: skip
        with closing(MediaCheck(workspace)) as media:
            _write(workspace, name, about, _Making(recipe, kept, stocks, splits, row["dropped"]), media, begun)
    return {**_result(open_set(workspace, name)), "splits_key": splits_key(recipe)}


@dataclass(frozen=True, slots=True)
class _Making:
    """What a set is drawn from."""

    recipe: Recipe
    material: Material
    stocks: Mapping[str, Stock]
    splits: Mapping[str, str]
    dropped: Sequence[str]


def _write(workspace: Path, name: str, about: Json, making: _Making, media: MediaCheck, begun: float) -> None:
    linter = Linter(media)
    tallies, drawn = draw_pairs(
        making.stocks, making.material, making.recipe, making.splits, linter.add, making.dropped
    )
    basis: dict[str, str] = {}
    with SetWriter(workspace) as writer:
        for one in drawn:
            writer.add(one.pair, one.held, one.findings)
            _note(basis, one.pair, making.material)
        tests = [clip_id for clip_id, split in making.splits.items() if split == "test"]
        funnel = funnel_of(len(making.splits), tests, making.stocks, tallies)
        types = {
            key: {"wanted": tallies[key].wanted, "available": len(stock.situations)}
            for key, stock in making.stocks.items()
        }  # fmt: skip
        more = {
            "funnel": funnel, "empty": why_empty(funnel), "types": types, "lint": linter.report().to_json(),
            "basis": dict(sorted(basis.items())), "seconds": round(time.monotonic() - begun, 2),
        }  # fmt: skip
        writer.finish({**about, **more}, name)


def _note(basis: dict[str, str], pair: Pair, material: Material) -> None:
    """Keeps what the pairs of a clip were told about its times; "" while none of them speaks of any."""
    timed = pair.visual_s is not None or pair.audio_s is not None
    if pair.clip_id and (timed or pair.clip_id not in basis):
        basis[pair.clip_id] = fingerprint(material.times.get(pair.clip_id)) if timed else ""


def _mend(item: Json, workspace: Path) -> Json:
    begun = time.monotonic()
    parent = open_set(workspace, item["set"])
    fix, check, seed = item["fix"], item["check"], item["seed"]
    name = content_id("fixed", VERSION, parent.id, fix, check, seed)
    if not is_set(workspace, name):
        with closing(MediaCheck(workspace)) as media, SetWriter(workspace) as writer:
            linter, done = Linter(media), Done()
            for _, pair in _mended(parent, fix, check, seed, done):
                findings = linter.add(writer.lines, pair)
                writer.add(pair, errors_among(findings), findings)
            before, count = parent.summary, done.changed + done.dropped
            about = {
                **{key: before[key] for key in TAKEN_OVER},
                "title": item["title"], "origin": "fixed", "parent": parent.id, "made_at": item["made_at"],
                "by": item["by"], "lint": linter.report().to_json(),
                "fixes": [*before["fixes"], {"fix": fix, "check": check, "count": count, "words": done.words()}],
                "seconds": round(time.monotonic() - begun, 2),
            }  # fmt: skip
            writer.finish(about, name)
    return _result(open_set(workspace, name))


def _mended(parent: PairSet, fix: str, check: str, seed: int, done: Done) -> Iterator[tuple[int, Pair]]:
    pairs = parent.pairs(held=True)
    if fix == "shuffle_letters":
        return shuffle_letters(pairs, seed, done)
    if fix == "rebalance":
        return drop(pairs, surplus(timing(parent.pairs()), seed), done)
    found = parent.summary["lint"] or {"checks": ()}
    told = {n for one in found["checks"] if one["check"] == check for n in one["rows"]}
    return drop(pairs, told | {line.n for line in parent.lines(check=check)}, done)


def _result(pair_set: PairSet) -> Json:
    kept, held = pair_set.summary["pairs"], pair_set.summary["held"]
    return {"set": pair_set.id, "pairs": kept, "held": held, "tally": {"kept": kept, "held": held}}


@cache
def _wording() -> str:
    """A hash of all phrasings: other words make another set."""
    folder = Path(thud.pairs.__file__).parent / "templates"
    return content_id(*(path.read_text("utf-8") for path in sorted(folder.glob("*.json"))))


def _read(path: Path) -> Json:
    try:
        row: Json = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunFailed("What this set was to be made from is gone from the cache: build it again.") from error
    return row

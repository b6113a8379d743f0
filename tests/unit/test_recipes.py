"""Recipes: those that ship, those of strangers, and what is wrong with some."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from thud.errors import BadRequest, NotFound
from thud.pairs.pair import TYPES
from thud.pairs.recipe import Recipe, Step, find_recipe, parse_recipe, recipe_json, shipped

PLAIN: dict[str, Any] = {"name": "mine", "counts": {"CTP": 10}}


def test_the_default_is_ten_thousand_and_comes_first() -> None:
    first = next(iter(shipped().values()))
    assert (first.name, first.total, first.stage) == ("counterfactual-mix", 10_000, "dpo")
    assert set(first.counts) == {"CTP", "shift", "mute", "swap", "OP", "FV-D"}
    assert first.counts["mute"] + first.counts["swap"] <= first.counts["OP"], "edits are outweighed by originals"


def test_the_eleven_rows_of_table_2_ship() -> None:
    rows = {one.table_row: one for one in shipped().values() if one.table_row}
    assert len(rows) == 11
    for words, one in rows.items():
        assert one.note
        stage, _, types = words.partition(" ")
        if words != "vanilla":
            assert one.stage == {"SFT": "sft", "DPO": "dpo", "Ours": "dpo"}[stage]
            assert set(types.split("+")) <= set(one.counts)
    assert rows["vanilla"].stage == "none" and rows["vanilla"].total == 0
    assert rows["SFT OP"].total == 3834
    ours = rows["Ours CTP+FV-D+FV-A-L"]
    assert ours.total == 10_000 and ours.counts["FV-A-L"] == 1316


def test_the_rows_are_those_of_the_published_table() -> None:
    folder = os.environ.get("THUD_REFERENCE")
    if not folder:
        pytest.skip("THUD_REFERENCE does not say where the published tables are")
    published = json.loads((Path(folder) / "thud_published.json").read_text())["table2"]
    assert [row[0] for row in published] == [one.table_row for one in shipped().values() if one.table_row]


@pytest.mark.parametrize("recipe", shipped().values(), ids=shipped())
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    assert parse_recipe(json.loads(json.dumps(recipe_json(recipe)))) == recipe
    assert set(recipe.counts) <= set(TYPES)


def test_what_is_left_out_has_a_default() -> None:
    recipe = parse_recipe(PLAIN)
    assert recipe == Recipe("mine", "mine", "dpo", {"CTP": 10})
    steps = [{"share": 0.5, "least_s": 1, "most_s": 2.5}, {"share": 0.5, "least_s": 0.2, "most_s": 1}]
    assert parse_recipe({**PLAIN, "curriculum": steps}).curriculum == (Step(0.5, 1.0, 2.5), Step(0.5, 0.2, 1.0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "an object with name"),
        ({**PLAIN, "nmae": 1}, "no field 'nmae'"),
        ({**PLAIN, "name": ""}, "name is 1 to 60"),
        ({**PLAIN, "name": "../x"}, "name is 1 to 60"),
        ({**PLAIN, "title": 3}, "title is a text"),
        ({**PLAIN, "note": "x" * 1001}, "note is a text"),
        ({**PLAIN, "stage": "rlhf"}, "stage is one of dpo, sft, none"),
        ({**PLAIN, "stage": ["dpo"]}, "stage is one of"),
        ({"name": "mine"}, "counts says how many"),
        ({**PLAIN, "counts": {"CTPP": 1}}, "no pair type 'CTPP'"),
        ({**PLAIN, "counts": {"imported": 1}}, "no pair type 'imported'"),
        ({**PLAIN, "counts": {"CTP": -1}}, "The count of CTP is a whole number"),
        ({**PLAIN, "counts": {"CTP": 1.5}}, "The count of CTP is a whole number"),
        ({**PLAIN, "counts": {"CTP": True}}, "The count of CTP is a whole number"),
        ({**PLAIN, "counts": {"CTP": 900_000, "OP": 900_000}}, "at most 1,000,000 pairs"),
        ({**PLAIN, "stage": "none"}, "trains nothing"),
        ({**PLAIN, "seed": -1}, "seed is a whole number"),
        ({**PLAIN, "shares": {"train": 0.5}}, "add up to 1"),
        ({**PLAIN, "shares": {"train": 1.5, "test": -0.5}}, "add up to 1"),
        ({**PLAIN, "shares": {"train": 1, "dev": 0}}, "shares says"),
        ({**PLAIN, "shares": {"test": 1}}, "must go to train"),
        ({**PLAIN, "shares": {"train": float("nan")}}, "add up to 1"),
        ({**PLAIN, "curriculum": {}}, "curriculum is a list"),
        ({**PLAIN, "curriculum": [{"share": 1, "least_s": 2, "most_s": 1}]}, "from least_s to most_s"),
        ({**PLAIN, "curriculum": [{"share": 1, "least_s": "0", "most_s": 1}]}, "from least_s to most_s"),
        ({**PLAIN, "curriculum": [{"share": 0.5, "least_s": 0, "most_s": 1}]}, "steps add up to 1"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_sentence(wrong: object, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        parse_recipe(wrong)


def test_ones_own_comes_before_the_shipped() -> None:
    own = parse_recipe(PLAIN)
    assert find_recipe("mine", {"mine": own}) is own
    assert find_recipe("ours").total == 10_000
    with pytest.raises(NotFound, match="counterfactual-mix"):
        find_recipe("hers")

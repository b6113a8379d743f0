"""A training config: what is let through, and what is said of what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config import ConfigError, TrainConfig, parse_config, planned_steps, read_config, to_json

LEAST: dict[str, Any] = {"stage": "sft", "base": "tiny", "data": "exports/a", "output": "runs/1"}


def refused(**more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(LEAST | more)
    return str(caught.value)


def test_four_fields_are_enough() -> None:
    config = parse_config(LEAST)
    assert config == TrainConfig("sft", "tiny", Path("exports/a"), Path("runs/1"))
    assert config.lora.targets == ("language",) and config.loss.types == ("sigmoid",)


def test_what_was_read_can_be_written_and_read_again(tmp_path: Path) -> None:
    given_values = LEAST | {
        "stage": "dpo", "adapter": "a", "lora": {"rank": 32, "targets": ["language", "projector"]},
        "loss": {"types": ["sigmoid_norm", "sft"], "weights": [1, 0.2], "beta": 2}, "world_size": 8,
        "parallel": "zero3", "eval_every": 10, "patience": 3,
    }  # fmt: skip
    config = parse_config(given_values)
    assert config.lora.alpha == 32 and config.lora.rank == 32 and config.loss.weights == (1.0, 0.2)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(to_json(config)))
    assert read_config(path) == config and config.rows_per_step == 8


def test_numbers_may_stand_as_text_since_yaml_reads_them_so() -> None:
    config = parse_config(LEAST | {"learning_rate": "2e-6", "batch_size": "4", "epochs": 3})
    assert (config.learning_rate, config.batch_size, config.epochs) == (2e-6, 4, 3.0)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is missing"):
        parse_config({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("learning_rat", 1, "Did you mean learning_rate?"),
        ("stage", "rlhf", "one of sft, dpo"),
        ("stage", ["sft"], "one of sft, dpo"),
        ("tuning", "prefix", "one of lora, qlora, full"),
        ("learning_rate", 0, "over 0"),
        ("learning_rate", "fast", "a number"),
        ("learning_rate", float("nan"), "a number"),
        ("learning_rate", True, "a number"),
        ("learning_rate", None, "a number"),
        ("batch_size", 1.5, "a whole number"),
        ("batch_size", 0, "at least 1"),
        ("warmup", 1, "from 0 to 0.9"),
        ("gradient_checkpointing", "yes", "true or false"),
        ("base", "", "empty"),
        ("base", 3, "text"),
        ("lora", 16, "an object"),
        ("loss", {"beta": 0}, "loss.beta is 0; it has to be over 0"),
        ("loss", {"types": []}, "loss.types is empty"),
        ("loss", {"types": "sigmoid"}, "loss.types has to be a list"),
        ("loss", {"types": ["sigmoid", "sft"], "weights": [1]}, "1 numbers for 2 loss.types"),
        ("lora", {"targets": ["language", "nose"]}, "lora.targets[1] is \"nose\""),
        ("lora", {"r": 4}, "lora.r is no field"),
        ("patience", 2, "needs eval_every"),
        ("world_size", 2, "parallel is none"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_in_one_sentence(name: str, value: Any, words: str) -> None:
    said = refused(**{name: value})
    assert said.startswith(name) and words in said and "\n" not in said


def test_fields_that_contradict_each_other() -> None:
    assert "merge it" in refused(adapter="a", tuning="full")
    assert "nothing would be trained" in refused(epochs=0)


def test_a_file_that_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ConfigError, match="is no JSON"):
        read_config(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ConfigError, match="an object with fields"):
        read_config(tmp_path / "list.json")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=3))
def test_any_value_anywhere_is_read_or_refused_with_the_name_of_its_field(value: Any) -> None:
    for name in to_json(parse_config(LEAST)):
        try:
            config = parse_config(LEAST | {name: value})
        except ConfigError as error:
            assert str(error).startswith((name, "epochs", "world_size", "adapter", "patience"))
        else:
            assert parse_config(to_json(config)) == config


@pytest.mark.parametrize(
    ("rows", "more", "steps"),
    [
        (12, {}, 12),
        (13, {"batch_size": 2}, 7),
        (13, {"batch_size": 2, "accumulation": 4}, 2),
        (100, {"batch_size": 2, "accumulation": 4, "world_size": 2, "parallel": "ddp", "epochs": 1.5}, 11),
        (100, {"max_steps": 3}, 3),
    ],
)
def test_planned_steps(rows: int, more: dict[str, Any], steps: int) -> None:
    assert planned_steps(parse_config(LEAST | more), rows) == steps

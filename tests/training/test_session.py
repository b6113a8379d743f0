"""From the command line to the exit code, with a trainer that only does what a test wants."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.run_kit import config, lines, write_config
from thud.errors import RunFailed
from thud.providers.local_files import LocalModel
from training.config import parse_config
from training.dpo import _as_wide
from training.endings import DISK_FULL, FAILED, NO_MEMORY
from training.models import _facts
from training.session import Session, _prepare, main


def run(folder: Path, train: Callable[[Session], str]) -> int:
    return main("sft", train, ["--config", str(write_config(config(Path("tiny"), folder / "data", folder / "run")))])


def raising(error: Exception) -> Callable[[Session], str]:
    def train(_: Session) -> str:
        raise error

    return train


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ZeroDivisionError("division by zero"), FAILED),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), NO_MEMORY),
        (RuntimeError("PytorchStreamWriter failed writing file data/3"), DISK_FULL),
    ],
)
def test_whatever_a_library_raises_the_run_says_how_it_ended_and_the_log_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, code: int
) -> None:
    assert run(tmp_path, raising(error)) == code
    end = lines(tmp_path / "run")[-1]
    assert (end["event"], end["state"]) == ("end", "failed") and end["sentence"]
    (record,) = (one for one in caplog.records if one.name == "training.session")
    assert record.levelno == logging.ERROR and record.exc_info and record.exc_info[1] is error


def test_what_is_told_in_a_sentence_needs_no_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert run(tmp_path, raising(RunFailed("Row 3 is no row."))) == FAILED
    assert lines(tmp_path / "run")[-1]["sentence"] == "Row 3 is no row."
    assert not [one for one in caplog.records if one.name == "training.session"]


@pytest.mark.parametrize("process", ["0", "1"])
def test_half_a_checkpoint_is_removed_by_one_process_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    torn = tmp_path / "run" / "checkpoints" / "checkpoint-7"

    def train(_: Session) -> str:
        torn.mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("RANK", process)
    assert run(tmp_path, train) == DISK_FULL
    assert torn.exists() is (process == "1")


def test_before_is_the_round_of_the_untrained_model_and_no_other(tmp_path: Path) -> None:
    def report(name: str, *steps: int) -> Any:
        def train(session: Session) -> str:
            for step in steps:
                session.journal.write("held_out", step=step, loss=1.0, accuracy={"all": 0.5}, n={"all": 4}, unread=0)
            return "done"

        assert run(tmp_path / name, train) == 0
        return json.loads((tmp_path / name / "run" / "report.json").read_text())["held_out"]

    assert report("with", 0, 4)["before"]["step"] == 0
    without = report("without", 4, 8)
    assert without["before"] is None and without["after"]["step"] == 4 and without["last"]["step"] == 8


def test_an_earlier_end_is_not_told_of_a_run_that_went_on(tmp_path: Path) -> None:
    assert run(tmp_path, lambda _: "stopped") == 0
    assert (tmp_path / "run" / "report.json").is_file()
    assert run(tmp_path, raising(ZeroDivisionError())) == FAILED
    assert not (tmp_path / "run" / "report.json").exists()


@pytest.mark.parametrize(
    ("processes", "told", "used"), [(1, None, "0"), (1, "2,3", "2"), (1, "", ""), (2, "2,3", "2,3"), (2, None, None)]
)
def test_a_process_that_is_alone_takes_one_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, told: str | None, used: str | None
) -> None:
    """Trainer would copy the model to every GPU that it sees, which TRL refuses."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told or "")
    if told is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    given = config(tmp_path, tmp_path, tmp_path, world_size=processes, parallel="ddp" if processes > 1 else "none")
    _prepare(parse_config(given))
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == used


def test_the_reference_of_an_adapter_has_its_number_format() -> None:
    import torch

    model = torch.nn.ModuleDict({"lora_A": torch.nn.ModuleDict({"default": torch.nn.Linear(2, 2).bfloat16()})})
    model["lora_A"]["ref"] = torch.nn.Linear(2, 2)
    _as_wide(model)
    assert {tensor.dtype for tensor in model.parameters()} == {torch.bfloat16}


def test_what_is_trained_is_counted_where_it_lies_elsewhere() -> None:
    """As under ZeRO-3: a process holds nothing of a tensor but its size."""
    import torch

    model = torch.nn.Linear(1, 1)
    for tensor, size in ((model.weight, 12), (model.bias, 3)):
        tensor.data, tensor.ds_numel = torch.empty(0), size
    facts = _facts(model, LocalModel("base"))
    assert (facts["parameters"], facts["trainable"]) == (15, 15)

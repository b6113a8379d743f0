"""From the command line to the exit code, with a trainer that only does what a test wants."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.run_kit import config, lines, write_config
from thud.errors import RunFailed
from training.endings import DISK_FULL, FAILED, NO_MEMORY
from training.session import Session, main


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

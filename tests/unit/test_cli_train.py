"""`train` from a shell: plan, start, list, stop, resume, export; and the words for what cannot be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import lines, losses, make_export
from thud.cli import main
from thud.cli.train.starting import read_fields
from thud.errors import BadRequest
from thud.runs.chain import run_of_step, start_chain
from thud.runs.run import Runs
from thud.store import open_store

STEPS = 24
Rows = list[dict[str, Any]]
Shell = Callable[..., tuple[int, Rows, str]]
SMALL = {
    "lora.rank": "4", "lora.dropout": "0", "learning_rate": "1e-3", "batch_size": "2", "fps": "4", "max_frames": "2",
    "size_px": "28", "save_every": "2", "answer_tokens": "4",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_export(folder)
    write_qwen25_omni(folder / "base")
    return folder


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs `train …`: (exit code, rows, what was refused)."""

    def call(*words: str) -> tuple[int, Rows, str]:
        capsys.readouterr()
        code = main(["train", *words, "--workspace", str(tmp_path / "workspace"), "--json"])
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return call


def started(made: Path, steps: int, *more: str) -> list[str]:
    fields = [f"--field={name}={value}" for name, value in (SMALL | {"max_steps": str(steps)}).items()]
    data = ["--export", str(made / "export"), "--base", str(made / "base")]
    return ["start", "--stage", "sft", *data, *fields, "--waive", "never_linted", *more]


def test_a_training_is_planned_started_stopped_resumed_and_exported(
    made: Path, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, [plan, begun], err = shell(*started(made, STEPS, "--detach"))
    assert (code, plan["blocked"], err) == (0, "", "")
    assert "-m training.sft --config RUN/config.json" in plan["command"]
    assert plan["config"]["lora"]["rank"] == 4 and plan["config"]["max_steps"] == STEPS
    assert plan["name"] == begun["name"] == "sft-0001"
    run = tmp_path / "workspace" / "runs" / begun["run"]
    _until(lambda: lines(run, "checkpoint"))
    assert shell("list")[1][0]["state"] == "running"

    code, [stopped], err = shell("stop", "sft-0001")
    assert (code, stopped["state"], stopped["resumable"]) == (0, "stopped", True), err
    before = losses(run)
    assert 2 <= stopped["checkpoint"] < STEPS and max(before) == stopped["checkpoint"]

    code, rows, err = shell("resume", "sft-0001")
    assert (code, rows[-1]["state"], rows[-1]["step"]) == (0, "done", STEPS), err
    assert {step: loss for step, loss in losses(run).items() if step in before} == before
    assert rows[-1]["listener"] and (tmp_path / "workspace" / rows[-1]["adapter"]).is_dir()

    monkeypatch.chdir(tmp_path)
    code, rows, err = shell("export", "sft-0001", "--to", "out")
    assert code == 0, err
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file() and rows[-1]["folder"] == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["start", "--export", "nowhere"], "--stage sft or --stage dpo"),
        (["start", "--stage", "sft", "--export", "nowhere", "--base", "tiny"], "no export for TRL"),
        (["start", "--recipe", "nothing", "--export", "nowhere"], "There is no training recipe"),
        (["start", "--stage", "sft", "--export", "x", "--base", "tiny", "--on", "moon"], "no place to run on"),
        (["stop", "sft-0009"], "There is no training run sft-0009"),
        (["resume", "sft-0009"], "There is no training run sft-0009"),
        (["export", "sft-0009", "--public"], "add --push OWNER/NAME"),
        (["demo"], "no demo clips"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(shell: Shell, words: list[str], reason: str) -> None:
    code, _, err = shell(*words)
    assert code == 1 and reason in err and len(err.splitlines()) == 1


def test_fields_are_read_as_a_config_has_them() -> None:
    told = ["lora.rank=8", 'lora.targets=["language"]', "scheduler=cosine", "learning_rate=2e-6", "workers=0"]
    assert read_fields(told) == {
        "lora": {"rank": 8, "targets": ["language"]}, "scheduler": "cosine", "learning_rate": 2e-6, "workers": 0,
    }  # fmt: skip
    for wrong in ("rank", "=8", "lora.=8", ".rank=8"):
        with pytest.raises(BadRequest, match="NAME=VALUE"):
            read_fields([wrong])
    with pytest.raises(BadRequest, match="lora has one value already"):
        read_fields(["lora=3", "lora.rank=8"])


def _until(true: Callable[[], object], limit_s: float = 120.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_a_chain_is_stopped_taken_up_and_followed_to_where_it_stands(made: Path, shell: Shell, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    fields = read_fields([f"{name}={value}" for name, value in SMALL.items()]) | {"max_steps": STEPS}
    step = {"do": "train", "stage": "sft", "base": str(made / "base"), "fields": fields, "waive": ["never_linted"]}
    steps = [step | {"export": str(folder)} for folder in (made / "export", tmp_path / "nothing")]
    with open_store(tmp_path / "annotations.duckdb", workspace) as store, Runs(store, workspace) as runs:
        chain_id = start_chain(store, runs, "Two", steps, "ann")
        run = run_of_step(runs, chain_id, 0)
        assert run
        _until(lambda: lines(workspace / run.folder, "checkpoint"))
    code, [stopped], err = shell("stop", "sft-0001")
    assert (code, stopped["state"]) == (0, "stopped"), err
    rows = shell("list")[1]
    assert [row["state"] for row in rows] == ["stopped", "paused"]
    assert (rows[1]["chain"], rows[1]["step"], rows[1]["of"]) == (chain_id, 0, 2) and rows[1]["problem"]

    code, rows, err = shell("resume", "sft-0001")
    assert [(row["step"], row["of"]) for row in rows] == [(1, 2)] and f"Step {STEPS} of {STEPS}" in rows[0]["message"]
    assert code == 1 and "is no export for TRL" in err and f"train resume {chain_id} goes on" in err
    for name in ("Two", chain_id):  # the step that could not start is tried again
        code, _, err = shell("resume", name)
        assert code == 1 and "is no export for TRL" in err

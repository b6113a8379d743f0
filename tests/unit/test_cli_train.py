"""`train` from a shell: plan, start, list, stop, resume, export; and the words for what cannot be."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import lines, losses, make_export
from tests.unit import runs_jobs
from thud.cli import main
from thud.cli.output import Bar, Output
from thud.cli.train.starting import read_fields, run_resume
from thud.errors import BadRequest
from thud.runs.chain import run_of_step, start_chain
from thud.runs.pairs.files import start_import
from thud.runs.run import Runs
from thud.store import Store, open_store

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
    data = [] if "--set" in more else ["--export", str(made / "export")]
    model = ["--base", str(made / "base"), "--device", "cpu"]
    return ["start", "--stage", "sft", *data, *model, *fields, "--waive", "never_linted", *more]


def test_a_training_is_planned_started_stopped_resumed_and_exported(
    made: Path, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, [plan], err = shell(*started(made, STEPS, "--then", "ask", "--plan"))
    assert (code, plan["blocked"]) == (1, "") and "nobody knows which clips" in plan["then"]["blocked"], err
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
        (["start", "--export", "x", "--recipe", "demo-sft", "--then", "dpo=demo-dpo"], "--then takes dpo=RECIPE:SET"),
        (["start", "--export", "x", "--recipe", "demo-sft", "--then", "dpo=demo-dpo:x"], "There is no pair set"),
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
    code, _, err = shell("resume", chain_id, "--waive", "no_gain")
    assert code == 1 and "“Two” does not wait for “no_gain”" in err
    for name in ("Two", chain_id):  # the step that could not start is tried again
        code, _, err = shell("resume", name)
        assert code == 1 and "is no export for TRL" in err


class CtrlC(Output):
    """A shell in which somebody presses Ctrl-C as soon as there is something to wait for."""

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Bar]:
        raise KeyboardInterrupt
        yield


@contextmanager
def alone(folder: Path, takes_up: bool = True) -> Iterator[tuple[Store, Runs]]:
    with (
        open_store(folder.parent / "annotations.duckdb", folder) as store,
        Runs(store, folder, takes_up=takes_up) as runs,
    ):
        runs.recover()
        yield store, runs


def end_long(folder: Path) -> str:
    """Ends the run that has the CPU, if it does; the id of the chain there is."""
    with alone(folder, takes_up=False) as (store, runs):
        for run in runs.runs():
            if run.title == "Long" and run.state == "running":
                runs.cancel(run.id, now=True)
        return next(iter(store.definitions("chain")), "")


@pytest.fixture
def held_cpu(made: Path, tmp_path: Path) -> Iterator[str]:
    """The id of a pair set that was not exported, in a workspace where a run has the CPU and keeps it."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    try:
        with alone(folder) as (store, runs):
            taken_in = runs.wait(start_import(store, runs, made / "export", (), "ann").id, 60)
            item = {"key": "long", "number": 1, "sleep_s": 600}
            at_work = runs.start("squares", "Long", {}, [item], "ann", job=runs_jobs.ADDRESS, device="cpu", limit_s=0)
            _until(lambda: runs.run(at_work.id).state == "running")
            set_id = str(runs.results(taken_in.id)[0]["result"]["set"])
        yield set_id
    finally:
        end_long(folder)


def test_what_is_left_alone_while_another_has_its_device_waits_until_thud_is_open(
    made: Path, held_cpu: str, shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set that was not exported: that is waited for, so that its training is in line."""
    asked = Namespace(workspace=tmp_path / "workspace", db=None, detach=False, waive=[], name="sft-0001")

    def pressed() -> str:
        capsys.readouterr()
        with pytest.raises(KeyboardInterrupt):
            run_resume(asked, CtrlC())
        return capsys.readouterr().out.strip()

    waits = "Waits for “Long”, which has the CPU. It starts when thud is open again, or by train resume"
    code, [plan, left], err = shell(*started(made, STEPS, "--set", held_cpu, "--detach"))
    assert (code, plan["exports"], left["name"], left["waits"], err) == (0, True, "sft-0001", f"{waits} sft-0001.", "")
    row = shell("list")[1][0]
    assert (row["state"], row["words"]) == ("waiting", "It starts when thud is open again.")
    assert shell("resume", "sft-0001", "--detach")[1] == [left]
    assert pressed() == f"sft-0001: {waits} sft-0001."
    asked.name = "Export, then SFT"
    chained = pressed()

    chain_id = end_long(asked.workspace)
    assert chained == f"Export, then SFT: {waits} {chain_id}."
    assert shell("resume", chain_id, "--detach")[1] == [{"chain": chain_id, "title": "Export, then SFT", "waits": ""}]
    begun = "what is at work goes on without this shell; train stop ends it."
    assert pressed() == (
        f"Export, then SFT: {begun} What comes after it starts when thud is open again, or by train resume {chain_id}."
    )
    asked.name = "sft-0001"
    assert pressed() == f"sft-0001: {begun}"
    assert shell("stop", "sft-0001", "--now")[0] == 0

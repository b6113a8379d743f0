"""The process that says whether a training can go here: asked, killed, refreshed, closed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import ROOT, config, make_export
from tests.unit.runs_kit import gone, until
from thud.errors import RunFailed
from thud.runs.trainer.checker import Checker


def child_of(checker: Checker) -> int:
    assert checker._child is not None
    return checker._child.pid


def test_what_it_says_of_a_config_and_of_recipes(tmp_path: Path) -> None:
    base, export = str(write_qwen25_omni(tmp_path / "base")), make_export(tmp_path, clips=3)
    given = config(Path(base), export, tmp_path / "run")
    with Checker(300) as checker:
        found = checker.check(given)
        assert found["config"]["base"] == base and found["memory"]["total"] > 0 and found["effort"]["steps"] == 6
        assert [one["waive"] for one in found["reasons"] if one["level"] == "blocked"] == ["never_linted"]
        assert checker.check(given, ["never_linted"])["verdict"] != "blocked"
        wrong = checker.check({**given, "stage": "sftt"})
        assert wrong["verdict"] == "blocked" and wrong["reasons"][0]["reason"].startswith("stage is")
        names = [one["name"] for one in checker.recipes()]
        assert {"demo-sft", "demo-dpo"} <= set(names)
        able = checker.capability(tmp_path / "not" / "yet", "cpu")
        assert "torch" in able["versions"] and able["gpus"] == [] and able["disk_free_gb"] > 0


def test_a_broken_base_is_a_reason_and_breaks_nothing(tmp_path: Path) -> None:
    base, export = write_qwen25_omni(tmp_path / "base"), make_export(tmp_path, clips=3)
    given = config(base, export, tmp_path / "run")
    told = json.loads((base / "config.json").read_text())
    with Checker(300, tmp_path / "log.txt") as checker:
        for broken in ("{", '{"model_type": "none such"}', json.dumps({**told, "thinker_config": 5})):
            (base / "config.json").write_text(broken)
            (reason,) = [one for one in checker.check(given, ["never_linted"])["reasons"] if one["about"] == "base"]
            assert reason["level"] == "blocked" and "config.json" in reason["reason"]
        assert checker.check(given, device="cpu", elsewhere=True)["memory"] is None
        child = child_of(checker)
        assert checker.check({})["reasons"][0]["reason"] == "stage is missing."
        assert child_of(checker) == child


def test_on_another_machine_only_data_and_gain_are_looked_at(tmp_path: Path) -> None:
    """What this one lacks says nothing of that one; that nobody has measured the SFT holds everywhere."""
    base, export = write_qwen25_omni(tmp_path / "base"), make_export(tmp_path, clips=3)
    given = config(base, export, tmp_path / "run") | {"stage": "dpo", "precision": "bf16", "world_size": 8}
    given["parallel"] = "fsdp2"
    with Checker(300) as checker:
        here, there = checker.check(given), checker.check(given, elsewhere=True)
    assert {"gpus", "lint", "gain"} <= {one["about"] for one in here["reasons"]}
    assert {one["about"] for one in there["reasons"] if one["level"] == "blocked"} == {"lint", "gain"}


def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    lines = ["import os", "from training.serve import own_output", "with own_output() as answers:",
             "    print('noise'); os.system('echo more'); answers.write('answer')"]  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "answer" and {"noise", "more"} <= set(ran.stderr.split())


def test_only_the_chosen_gpus_are_looked_at() -> None:
    from training.capability import Capability, Gpu
    from training.serve import with_device

    able = Capability("3.11", {}, {}, gpus=tuple(Gpu(f"gpu {n}", 1.0 + n, 80.0, "9.0", True) for n in range(3)))
    for device, free in (("", [1, 2, 3]), ("2", [3]), ("0,2", [1, 3]), ("5", []), ("cpu", [])):
        assert [gpu.free_gb for gpu in with_device(able, device).gpus] == free


def test_a_dead_child_is_replaced() -> None:
    with Checker(300) as checker:
        assert checker.check({})["reasons"][0]["reason"] == "stage is missing."
        first = child_of(checker)
        os.kill(first, signal.SIGKILL)
        until(lambda: gone(first))
        assert checker.check({})["verdict"] == "blocked"
        assert child_of(checker) != first


def test_who_waits_is_told_when_it_is_closed() -> None:
    checker, said = Checker(300), []

    def ask() -> None:
        try:
            checker.capability(Path())
        except RunFailed as error:
            said.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: checker._child is not None)
    child = child_of(checker)
    checker.close()
    asking.join(20)
    assert not asking.is_alive() and len(said) == 1
    until(lambda: gone(child))
    with pytest.raises(RunFailed, match="thud ends"):
        checker.capability(Path())


def test_it_does_not_wait_for_ever() -> None:
    with Checker(0.01) as checker, pytest.raises(RunFailed, match="within 0.01 s"):
        checker.capability(Path())


def test_it_ends_with_the_process_that_asks(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    lines = [
        "import os, pathlib, threading, time",
        "from thud.runs.trainer.checker import Checker",
        "checker = Checker()",
        "threading.Thread(target=checker.capability, args=(pathlib.Path(),), daemon=True).start()",
        "while checker._child is None: time.sleep(0.01)",
        f"pathlib.Path({str(told)!r}).write_text(str(checker._child.pid))",
        "time.sleep(60)",
    ]
    asking = subprocess.Popen([sys.executable, "-c", "\n".join(lines)], cwd=ROOT)
    until(lambda: told.exists() and told.read_text())
    asking.kill()
    asking.wait()
    until(lambda: gone(int(told.read_text())), limit_s=120)


def test_questions_that_are_none_are_told() -> None:
    from training.serve import answer

    assert "no JSON" in answer("{")["error"]
    assert "capability" in answer(json.dumps({"do": "dance"}))["error"]
    assert "no field" in answer(json.dumps({"do": "check", "config": {"stag": "sft"}}))["error"]

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
from thud.runs.checker import Checker


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
        assert "torch" in checker.capability()["versions"]


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
            checker.capability()
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
        checker.capability()


def test_it_does_not_wait_for_ever() -> None:
    with Checker(0.01) as checker, pytest.raises(RunFailed, match="within 0.01 s"):
        checker.capability()


def test_it_ends_with_the_process_that_asks(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    lines = [
        "import os, pathlib, threading, time",
        "from thud.runs.checker import Checker",
        "checker = Checker()",
        "threading.Thread(target=checker.capability, daemon=True).start()",
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

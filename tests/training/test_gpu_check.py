"""What a GPU machine is checked for, as far as it can be gone through without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.run_kit import ROOT
from training import gpu_check


def run_gpu_check(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-W", "ignore", "-m", "training.gpu_check", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250, check=False)


def test_the_gpu_check_says_in_one_line_that_there_is_no_gpu(monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    done = run_gpu_check()
    assert (done.returncode, done.stdout) == (0, "gpu-check: skipped, because torch finds no GPU on this machine.\n")


@pytest.mark.parametrize("plan", ["qlora-dpo"])
def test_the_gpu_check_goes_through_on_a_cpu_with_a_tiny_model(plan):
    done = run_gpu_check("--cpu", "--tiny", "--only", plan, "--steps", "2", "--json")
    row = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    assert done.returncode == 0, done.stderr[-2000:]
    assert row["plan"] == plan and row["problem"] == ""
    assert row["tokens_per_s"] > 0 and row["memory_gb"] > 0.1 and row["estimate_gb"] > 0


def test_the_gpu_check_fails_where_memory_is_not_as_estimated():
    good = gpu_check.Measured("lora-sft", 1000.0, 0.5, 20.0, 22.0, 0.9)
    assert good.off_by == pytest.approx(0.1) and "20.0 GB held, 22.0 GB estimated (+10%)" in gpu_check.words(good, True)
    wrong = replace(good, memory_gb=15.0)
    assert good.good(True) and wrong.good(False) and not wrong.good(True)
    blind = replace(good, memory_gb=0.0)
    assert blind.off_by is None and not blind.good(True), "what nobody measured is no pass"
    assert "memory not measured" in gpu_check.words(blind, True) and "%)" not in gpu_check.words(blind, True)
    assert not replace(good, problem="it ended with code 3").good(False)
    assert "FAILED: it ended with code 3" in gpu_check.words(replace(good, problem="it ended with code 3"), True)


def test_the_use_of_the_gpu_is_that_of_its_steps_and_not_of_loading(tmp_path, monkeypatch):
    """A driver's program that tells 10 % while the model is loaded, 80 % and 40 % in turn afterwards."""
    driver, metrics = tmp_path / "nvidia-smi", tmp_path / "metrics.jsonl"
    driver.write_text(
        f"#!/bin/sh\ntest -s {metrics} || {{ echo 5000, 10; exit; }}\n"
        f"echo >> {tmp_path}/looks; test $(($(wc -l < {tmp_path}/looks) % 2)) = 1 && echo 9000, 80 || echo 9000, 40\n"
    )
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(gpu_check, "LOOK_EVERY_S", 0.02)
    line = f"import time; time.sleep(0.4); open({str(metrics)!r}, 'w').write('begun'); time.sleep(0.6)"
    child = subprocess.Popen([sys.executable, "-c", line])
    watch = gpu_check.Watch(child.pid, True, metrics)
    assert watch.until_it_ends(child) == "" and watch.most_gb == pytest.approx(4000 * 2**20 / 1e9)
    assert watch.busy == pytest.approx(0.6, abs=0.11)

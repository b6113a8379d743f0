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


def test_a_gpu_whose_memory_nobody_can_tell_is_no_machine_without_one(tmp_path, monkeypatch, capsys):
    """A torch that finds a GPU, and no program of the driver."""
    (tmp_path / "torch.py").write_text("class cuda:\n    is_available = staticmethod(lambda: True)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_check.main([]) == 1
    assert "torch finds a GPU, but nvidia-smi" in capsys.readouterr().out


def test_one_of_several_gpus_is_checked_and_children_see_no_other(monkeypatch):
    for told, used in (("3,4", "3"), ("GPU-ab,GPU-cd", "GPU-ab"), ("5", "5")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
        monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
        assert gpu_check.one_gpu() == used == gpu_check.one_gpu() == os.environ["CUDA_VISIBLE_DEVICES"]
        assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert gpu_check.one_gpu() == "0"


@pytest.mark.parametrize(
    ("script", "held_gb", "busy"),
    [("echo 9000, '[N/A]'", 0.0, None), ("echo '[N/A]', 50", 0.0, 0.5), ("exit 6", 0.0, None)],
)
def test_what_the_driver_does_not_tell_is_unknown_and_stops_nothing(tmp_path, monkeypatch, script, held_gb, busy):
    driver, metrics = tmp_path / "nvidia-smi", tmp_path / "metrics.jsonl"
    driver.write_text(f"#!/bin/sh\n{script}\n")
    driver.chmod(0o755)
    metrics.write_text("begun")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(gpu_check, "LOOK_EVERY_S", 0.02)
    watch = gpu_check.Watch("0", metrics)
    child = subprocess.Popen(["sleep", "0.3"])
    assert (watch.until_it_ends(child), watch.most_gb, watch.busy) == ("", held_gb, busy)


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
    watch = gpu_check.Watch("0", metrics)
    child = subprocess.Popen([sys.executable, "-c", line])
    assert watch.until_it_ends(child) == "" and watch.most_gb == pytest.approx(4000 * 2**20 / 1e9)
    assert watch.busy == pytest.approx(0.6, abs=0.11)

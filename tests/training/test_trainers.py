"""Trainings of a tiny model, as they are started, killed, stopped, and gone on with."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_omni import write_qwen3_omni, write_qwen3_vl, write_qwen25_omni, write_qwen25_vl
from tests.training.run_kit import config, lines, losses, make_export, start, write_config
from thud.providers.transformers import LocalModel, Opened, Seen
from training import checkpoints, dpo, sft

STEPS = 32
DPO = {"stage": "dpo", "loss": {"types": ["sigmoid", "sft"], "weights": [1, 0.2]}}


class Laid:
    """Data, a base, and runs that are made once. whole: an SFT that nobody interrupted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = make_export(folder)
        self.base = write_qwen25_omni(folder / "base")

    def given(self, name: str, **more: Any) -> Path:
        """The config file of a new run."""
        return write_config(config(self.base, self.data, self.folder / name, **more))

    def run(self, name: str, expected: int = 0, **more: Any) -> Path:
        """The folder of a run, once it has ended."""
        path = self.given(name, **more)
        trainer = dpo if more.get("stage") == "dpo" else sft
        assert trainer.main(["--config", str(path)]) == expected
        return path.parent


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    return Laid(tmp_path_factory.mktemp("trainers"))


@pytest.fixture(scope="module")
def whole(laid: Laid) -> Path:
    return laid.run("whole", max_steps=STEPS, save_every=4, eval_every=8)


def at_step(run: Path, step: int, process: Any = None) -> int:
    """Returns the last step written, once it is at least `step`."""
    while True:
        steps = lines(run, "step")
        if steps and steps[-1]["step"] >= step:
            return int(steps[-1]["step"])
        assert process is None or process.poll() is None, process.stdout.read()
        time.sleep(0.005)


def stop_self(run: Path, step: int) -> None:
    """Sends SIGTERM to this process when the run has come to that step."""
    os.kill(os.getpid(), signal.SIGTERM) if at_step(run, step) else None


def test_what_an_sft_writes_down(whole: Path) -> None:
    begin, *_, end = lines(whole)
    assert begin["event"] == "begin" and begin["from_step"] == 0 and begin["of"] == STEPS
    assert begin["rows"] == 12 and begin["held_out_rows"] == 6 and begin["model"]["rank"] == 4
    assert end["event"] == "end" and end["state"] == "done" and end["step"] == STEPS
    steps = lines(whole, "step")
    assert [line["step"] for line in steps] == list(range(1, STEPS + 1))
    assert all(line["loss"] > 0 and line["seconds"] > 0 and line["grad_norm"] > 0 for line in steps)
    assert all(0.1 < line["memory_gb"] < 16 for line in steps)
    tokens = [line["tokens"] for line in steps]
    assert tokens == sorted(set(tokens)) and tokens[0] > 50
    assert steps[-1]["loss"] < steps[0]["loss"]
    saved = [line["step"] for line in lines(whole, "checkpoint")]
    assert saved == list(range(4, STEPS + 1, 4)), saved
    assert sorted(path.name for path in (whole / "checkpoints").glob("checkpoint-*")) == [
        f"checkpoint-{STEPS - 4}",
        f"checkpoint-{STEPS}",
    ]


def test_held_out_rounds_and_the_report(whole: Path) -> None:
    rounds = lines(whole, "held_out")
    assert [line["step"] for line in rounds] == [0, 8, 16, 24, 32]
    assert all(line["n"] == {"all": 6, "synced": 2, "delayed": 2, "muted": 2} for line in rounds)
    assert all(set(line["accuracy"]) == set(line["n"]) and line["loss"] > 0 for line in rounds)
    report = json.loads((whole / "report.json").read_text())
    assert report["state"] == "done" and report["step"] == STEPS and report["weights"] == "adapter"
    assert report["held_out"]["before"] == rounds[0] and report["held_out"]["last"] == rounds[-1]
    chosen = max(rounds[1:], key=lambda line: (line["accuracy"]["all"], -line["loss"]))
    assert report["held_out"]["after"] == chosen and lines(whole, "end")[0]["best"] == chosen["step"]
    assert len(report["data"]) == 64 and report["config"]["max_steps"] == STEPS
    kept = sorted(path.name for path in (whole / "adapter").iterdir())
    assert kept == [".round.json", "adapter_config.json", "adapter_model.safetensors", "made_for.json"]
    if chosen["step"] == STEPS:
        last = whole / "checkpoints" / f"checkpoint-{STEPS}" / "adapter_model.safetensors"
        assert (whole / "adapter" / "adapter_model.safetensors").read_bytes() == last.read_bytes()


def test_held_out_answers_are_those_that_the_listener_gives(laid: Laid) -> None:
    """Generated in batches during training, and alone by the door that listeners are asked through."""
    from training.config import read_config
    from training.data import OmniCollator, read_rows
    from training.evaluate import Examiner
    from training.models import load_policy

    asked = read_config(laid.given("answers", max_frames=8, fps=10, size_px=84))
    rows = read_rows(asked.data, "validation", "sft")
    policy = load_policy(asked)
    collator = OmniCollator(policy.feeder, "sft", asked.fps, asked.max_frames, asked.size_px)
    said = Examiner(collator, rows, batch_size=4, answer_tokens=8).answers(policy.model, lambda: False)
    opened = Opened(LocalModel(str(laid.base), dtype="float32"))  # a new adapter changes nothing
    seen = [Seen(row["prompt"], row["video"], row["sound"], asked.fps, asked.max_frames, asked.size_px) for row in rows]
    assert said == [heard.text for heard in opened.answer(seen, max_tokens=8)]
    assert len(set(said)) > 1


def test_a_finished_run_is_left_alone(laid: Laid, whole: Path) -> None:
    before = (whole / "metrics.jsonl").read_bytes()
    assert sft.main(["--config", str(whole / "config.json")]) == 0
    assert (whole / "metrics.jsonl").read_bytes() == before


def test_stopped_then_killed_at_random_steps_it_ends_with_the_same_losses(laid: Laid, whole: Path) -> None:
    """SIGTERM saves; kill -9 costs at most one interval; a torn checkpoint is passed over."""
    path = laid.given("interrupted", max_steps=STEPS, save_every=4, eval_every=8)
    run = path.parent
    stopped = start("-m", "training.sft", "--config", str(path))
    at_step(run, random.randint(1, 5), stopped)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.communicate()[1] is None and stopped.returncode == 0
    end = lines(run)[-1]
    assert end["event"] == "end" and end["state"] == "stopped" and end["step"] == len(lines(run, "step")) < STEPS
    assert checkpoints.last_whole(run / "checkpoints")[1] == end["step"]

    killed = start("-m", "training.sft", "--config", str(path))
    reached = at_step(run, min(STEPS - 2, end["step"] + random.randint(1, 6)), killed)
    killed.kill()
    killed.communicate()
    assert lines(run)[-1]["event"] != "end"
    reached = max(reached, lines(run, "step")[-1]["step"])
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"event": "step", "step": 99, "lo')
    newest, _ = checkpoints.last_whole(run / "checkpoints")
    torn = shutil.copytree(newest, run / "checkpoints" / "checkpoint-31")
    os.truncate(torn / "optimizer.pt", 1000)

    assert sft.main(["--config", str(path)]) == 0
    begins = [line["from_step"] for line in lines(run, "begin")]
    assert begins[0] == 0 and begins[1] == end["step"] and reached - 4 <= begins[2] <= reached
    assert losses(run) == losses(whole)
    assert lines(run, "held_out") == lines(whole, "held_out")
    assert [line["tokens"] for line in lines(run, "step")] == [line["tokens"] for line in lines(whole, "step")]
    for folder in ("adapter", f"checkpoints/checkpoint-{STEPS}"):
        made, wanted = (one / folder / "adapter_model.safetensors" for one in (run, whole))
        assert made.read_bytes() == wanted.read_bytes()


@pytest.fixture(scope="module")
def preferred(laid: Laid, whole: Path) -> Path:
    """A DPO from that SFT which nobody interrupted."""
    return laid.run("preferred", **DPO, adapter=str(whole / "adapter"), eval_every=6, max_steps=6)


@pytest.fixture(scope="module")
def halted(laid: Laid, whole: Path) -> Path:
    """The same DPO, stopped on its way by SIGTERM."""
    path = laid.given("halted", **DPO, adapter=str(whole / "adapter"), eval_every=6, max_steps=6)
    watch = threading.Thread(target=stop_self, args=(path.parent, 1), daemon=True)
    watch.start()
    assert dpo.main(["--config", str(path)]) == 0
    assert lines(path.parent)[-1]["state"] == "stopped"
    return path.parent


def again(halted: Path, name: str) -> Path:
    """A copy of the run that was stopped, to go on with."""
    run = shutil.copytree(halted, halted.with_name(name))
    write_config(json.loads((halted / "config.json").read_text()) | {"output": str(run)})
    return run


def test_what_a_dpo_writes_down(preferred: Path, whole: Path) -> None:
    import torch
    from safetensors.torch import load_file

    steps = lines(preferred, "step")
    assert len(steps) == 6 and all(line["chosen"] < 0 and line["rejected"] < 0 for line in steps)
    assert steps[0]["margin"] == 0 and steps[-1]["margin"] != 0, "policy and reference begin as the same adapter"
    before = load_file(whole / "adapter" / "adapter_model.safetensors")
    after = load_file(preferred / "adapter" / "adapter_model.safetensors")
    reference = load_file(preferred / "checkpoints" / "checkpoint-6" / "ref" / "adapter_model.safetensors")
    assert all(torch.equal(before[name], reference[name]) for name in before), "the reference was trained"
    assert not all(torch.equal(before[name], after[name]) for name in before)
    assert not (preferred / "adapter" / "ref").exists()


def test_a_stopped_dpo_goes_on_as_if_it_had_not(halted: Path, preferred: Path) -> None:
    run = again(halted, "gone-on")
    assert dpo.main(["--config", str(run / "config.json")]) == 0
    assert losses(run) == losses(preferred)
    assert lines(run, "held_out") == lines(preferred, "held_out")


def test_a_full_disk_leaves_the_checkpoint_before(
    halted: Path, preferred: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = again(halted, "full")
    step = lines(run)[-1]["step"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))  # an optimizer's state is larger
    try:
        code = dpo.main(["--config", str(run / "config.json")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = capsys.readouterr().err
    assert code == 4 and "The disk is full" in said and f"the one of step {step} is whole" in said
    assert lines(run)[-1]["state"] == "failed" and "The disk is full" in lines(run)[-1]["sentence"]
    assert checkpoints.last_whole(run / "checkpoints")[1] == step
    assert [path.name for path in (run / "checkpoints").glob("checkpoint-*")] == [f"checkpoint-{step}"]
    assert dpo.main(["--config", str(run / "config.json")]) == 0
    assert losses(run) == losses(preferred)


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(halted: Path) -> None:
    from safetensors.torch import load_file, save_file

    run = again(halted, "no-number")
    step = lines(run)[-1]["step"]
    weights = run / "checkpoints" / f"checkpoint-{step}" / "adapter_model.safetensors"
    poisoned = {name: tensor * float("nan") for name, tensor in load_file(weights).items()}
    save_file(poisoned, weights, {"format": "pt"})
    assert dpo.main(["--config", str(run / "config.json")]) == 1
    alert, end = lines(run, "alert")[0], lines(run)[-1]
    assert alert["what"] == "nan" and alert["step"] == step + 1 and "no number" in alert["sentence"]
    assert end["state"] == "failed" and lines(run, "step")[-1]["loss"] is None
    assert checkpoints.last_whole(run / "checkpoints")[1] == step
    assert json.loads((run / "report.json").read_text())["state"] == "failed"


def test_two_processes_share_the_samples_and_write_once(laid: Laid, whole: Path) -> None:
    """The same rows per step as one process that accumulates two batches; the losses agree."""
    more: dict[str, Any] = {"max_steps": 3, "eval_every": 3, "save_every": 2, "lora": {"rank": 4, "dropout": 0}}
    pair = {**DPO, **more, "max_steps": 8, "eval_every": 8, "adapter": str(whole / "adapter")}
    two = {"world_size": 2, "parallel": "ddp"}
    paths = [str(laid.given("sft-2", **more, **two)), str(laid.given("dpo-2", **pair, **two))]
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    launched = start(*launcher, "-m", "tests.training.two_processes", *paths)
    alone = laid.run("sft-1", **more, accumulation=2), laid.run("dpo-1", **pair, accumulation=2)
    said, _ = launched.communicate(timeout=120)
    assert launched.returncode == 0, said
    stopped = Path(paths[1]).parent
    for name, told in (("codes-0", [0, 0, 0]), ("codes-1", [0, 0, 0]), ("state", "stopped")):
        assert json.loads((stopped / f"{name}.json").read_text()) == told
    for path, one in zip(paths, alone, strict=True):
        both = Path(path).parent
        assert lines(both, "begin")[0]["world_size"] == 2
        assert losses(both) == pytest.approx(losses(one), abs=2e-4)
        for name in ("tokens", "of"):
            assert [line[name] for line in lines(both, "step")] == [line[name] for line in lines(one, "step")]
        rounds, wanted = lines(both, "held_out"), lines(one, "held_out")
        assert [(line["step"], line["n"]) for line in rounds] == [(line["step"], line["n"]) for line in wanted]
        assert [line["loss"] for line in rounds] == pytest.approx([line["loss"] for line in wanted], abs=1e-3)
        assert lines(both)[-1]["state"] == "done" and (both / "adapter" / "adapter_config.json").is_file()


def test_as_many_processes_as_asked_for_or_none(
    laid: Laid, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = laid.given("alone", world_size=2, parallel="ddp")
    assert sft.main(["--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert "asks for 2 processes and 1 process started" in said and "--nproc-per-node 2 -m training.sft" in said
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert sft.main(["--config", str(laid.given("crowded"))]) == 2
    assert "asks for 1 process and 2 processes started" in capsys.readouterr().err
    assert not (path.parent / "metrics.jsonl").exists()


def test_what_needs_a_gpu_says_so(laid: Laid, capsys: pytest.CaptureFixture[str]) -> None:
    """Shards on a CPU would silently become whole copies."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    for more in ({"precision": "bf16"}, {"parallel": "fsdp2"}, {"parallel": "zero3"}):
        run = laid.run("-".join(more.values()), 1, **more)
        said = capsys.readouterr().err
        assert said.startswith(tuple(more)) or f"{next(iter(more.values()))} needs" in said
        assert lines(run)[-1]["state"] == "failed"


def test_no_gain_ends_early_and_the_whole_model_can_be_trained(laid: Laid) -> None:
    run = laid.run("impatient", tuning="full", eval_every=1, save_every=0, patience=2, max_steps=6, learning_rate=1e-6)
    assert [line["step"] for line in lines(run, "held_out")] == [0, 1, 2, 3], "a noise cannot get better"
    assert lines(run)[-1]["state"] == "early" and lines(run)[-1]["step"] == 3
    report = json.loads((run / "report.json").read_text())
    assert report["state"] == "early" and report["weights"] == "model"
    assert (run / "model" / "model.safetensors").is_file() and (run / "model" / "processor_config.json").is_file()
    run = laid.run("dpo-whole", **DPO, tuning="full", base=str(run / "model"), max_steps=2, learning_rate=1e-4)
    steps = lines(run, "step")
    assert steps[0]["margin"] == 0 and steps[1]["loss"] > 0
    assert lines(run, "checkpoint")[-1]["step"] == 2 and (run / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("write", "more"),
    [
        (write_qwen3_omni, {"gradient_checkpointing": True}),
        (write_qwen25_vl, {"lora": {"rank": 4, "targets": ["language", "vision_tower", "projector"]}}),
        (write_qwen3_vl, {"workers": 1, "max_steps": 0, "epochs": 0.5, "accumulation": 2}),
        (write_qwen25_omni, {"tuning": "qlora"}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_other_families_go_through_the_same_door(laid: Laid, write: Any, more: dict[str, Any]) -> None:
    """SFT, and for those that hear DPO from its adapter; the others cannot tell what is chosen for its sound."""
    name = f"{write.__name__}-{next(iter(more))}"
    more = {"base": str(write(laid.folder / name)), "max_steps": 2, "eval_every": 2, **more}
    run = laid.run(f"{name}-sft", **more)
    assert lines(run, "begin")[0]["hears"] is ("omni" in name) and lines(run, "begin")[0]["sees"]
    assert len(losses(run)) == 2 and lines(run, "held_out")[-1]["n"]["all"] == 6
    if "omni" in name:
        run = laid.run(f"{name}-dpo", **DPO, **more, adapter=str(run / "adapter"))
        assert lines(run, "step")[0]["margin"] == pytest.approx(0, abs=1e-3)
        assert losses(run)[2] > 0


def test_on_weights_of_4_bits_a_run_goes_on_as_if_it_had_not_ended(laid: Laid) -> None:
    def gone_on(whole: Path) -> Path:
        """The run as it was when killed after its first checkpoint, gone on with."""
        run = again(whole, f"{whole.name}-again")
        shutil.rmtree(run / "checkpoints" / "checkpoint-4")
        metrics = run / "metrics.jsonl"
        metrics.write_text("".join(f"{json.dumps(line)}\n" for line in lines(whole)[:-1]))
        (sft if "sft" in run.name else dpo).main(["--config", str(run / "config.json")])
        assert [line["from_step"] for line in lines(run, "begin")] == [0, 2]
        return run / "adapter" / "adapter_model.safetensors"

    more: dict[str, Any] = {"tuning": "qlora", "max_steps": 4}
    taught = laid.run("four-bit-sft", **more)
    preferred = laid.run("four-bit-dpo", **more, **DPO, adapter=str(taught / "adapter"))
    for run in (taught, preferred):
        made = gone_on(run)
        assert losses(made.parents[1]) == losses(run)
        assert made.read_bytes() == (run / "adapter" / made.name).read_bytes()


def test_a_clip_that_cannot_be_read_is_named_before_the_first_step(
    laid: Laid, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(laid.data, laid.folder / "damaged")
    broken = next(path for path in sorted(data.rglob("*.mp4")) if path.name in (data / "train.jsonl").read_text())
    broken.write_bytes(b"no clip at all")
    run = laid.run("on-damaged", 1, data=str(data))
    assert broken.name in capsys.readouterr().err
    assert lines(run)[-1]["state"] == "failed" and broken.name in lines(run)[-1]["sentence"]
    assert not lines(run, "step")

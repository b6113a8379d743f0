"""Training as a run: real trainers of a tiny model, stopped, killed, resumed, and started on what cannot be trained."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_omni import write_qwen25_omni
from tests.training.run_kit import lines, losses
from tests.unit.runs_kit import gone, until
from tests.unit.train_kit import Made, Place, make, opened
from thud.errors import BadRequest, MissingPart, NotFound
from thud.listeners.roster import parse_listener
from thud.records import Run
from thud.runs.job import CannotGoOn, LeftOff
from thud.runs.jobs.train import judged
from thud.runs.run import Runs, worked_on
from thud.runs.trainer.child import Ended, at_work, run_module
from thud.runs.training import (
    clone,
    default_device,
    delete_run,
    export_adapter,
    merge,
    metrics,
    next_name,
    parse_wanted,
    plan_training,
    push,
    start_training,
    train_run,
    train_runs,
)
from thud.runs.training.wanted import device_for

LONG = {"max_steps": 20_000, "save_every": 5}
"""More steps than any test has time for: what does not end it would train on."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def place(tmp_path: Path, made: Made) -> Iterator[Place]:
    with opened(tmp_path, made) as found:
        yield found


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, made: Made) -> Iterator[tuple[Place, Run]]:
    """A workspace with one SFT that came to its end, with held-out rounds."""
    with opened(tmp_path_factory.mktemp("taught"), made) as found:
        yield found, found.runs.wait(found.start(fields={"eval_every": 2}).id, 120)


def trainer_of(folder: Path) -> list[int]:
    """The processes that train from that folder: all that have its config in their command line."""
    mark = str(folder / "config.json")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark in path.read_bytes().decode(errors="replace").split("\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return [pid for pid in found if not gone(pid)]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_what_a_training_leaves_behind(taught: tuple[Place, Run]) -> None:
    place, run = taught
    assert run.state == "done", run.message
    (line,) = place.runs.results(run.id)
    result = line["result"]
    assert (result["state"], result["step"], result["of"], result["adapter"]) == ("done", 4, 4, f"{run.folder}/adapter")
    rounds = lines(place.of(run), "held_out")
    assert result["held_out"]["before"] == rounds[0] and result["held_out"]["last"] == rounds[-1]
    share = rounds[-1]["accuracy"]["all"] * 100
    assert run.message == f"Step 4 of 4, held out {share:.1f} %."
    config = json.loads((place.of(run) / "config.json").read_text())
    assert config["output"] == str(place.of(run)) and config["data"] == place.made.export
    assert not at_work(place.of(run))


def test_what_it_taught_is_a_listener(taught: tuple[Place, Run]) -> None:
    place, run = taught
    told = place.store.definitions("listener")["base sft-0001"]
    assert (told["model"], told["adapter"]) == (place.made.base, str(place.of(run) / "adapter"))
    assert (told["fps"], told["max_frames"], told["width"], told["max_tokens"]) == (4, 2, 28, 4)
    assert parse_listener(told).key()


def test_a_training_as_a_page_shows_it(taught: tuple[Place, Run]) -> None:
    place, run = taught
    (row,) = [one for one in train_runs(place.store, place.runs) if one.run.id == run.id]
    assert (row.name, row.stage, row.base, row.data, row.state) == ("sft-0001", "sft", "base", "export", "done")
    assert (row.step, row.of, row.checkpoint, row.eta_s) == (4, 4, 4, None)
    assert row.seconds_per_step and row.tokens_per_s
    assert row.held_out.first == lines(place.of(run), "held_out")[0]
    assert row.held_out.best is not None and row.held_out.best["step"] in (2, 4)
    assert row.listener == "base sft-0001" and row.listener in row.next
    ran = subprocess.run(f"{row.command} --help", shell=True, cwd="/", capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "training.sft" in ran.stdout, "it runs as it is copied, in any folder"
    assert f"--config {place.of(run)}/config.json" in row.command and "CUDA_VISIBLE_DEVICES='' " in row.command
    assert train_run(place.store, place.runs, "sft-0001") == row


def test_metrics_come_a_piece_at_a_time(taught: tuple[Place, Run]) -> None:
    place, run = taught
    every = lines(place.of(run))
    found, offset, restarted = metrics(place.folder, run)
    assert (found, restarted) == (every, False)
    assert metrics(place.folder, run, offset) == ([], offset, False)
    path = place.of(run) / "metrics.jsonl"
    text = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"event": "alert", "sentence": "more"}\n{"event": "torn')
    more, after, restarted = metrics(place.folder, run, offset)
    assert ([line["sentence"] for line in more], restarted) == (["more"], False)
    path.write_bytes(
        text.replace(b'"step": 4', b'"step": 5') + b'{"event": "alert", "sentence": "longer than it was"}\n'
    )
    again, _, restarted = metrics(place.folder, run, after)
    assert restarted and len(again) == len(every) + 1
    path.write_bytes(text)
    assert metrics(place.folder, run, "no offset") == (every, offset, False)


def test_dpo_goes_on_from_its_adapter(taught: tuple[Place, Run]) -> None:
    place, run = taught
    dpo = place.runs.wait(place.start("dpo", adapter_run=run.id, fields={"max_steps": 2}).id, 120)
    assert dpo.state == "done", dpo.message
    config = json.loads((place.of(dpo) / "config.json").read_text())
    assert config["adapter"] == str(place.of(run) / "adapter")
    assert "base dpo-0002" in place.store.definitions("listener")
    with pytest.raises(BadRequest, match="dpo-0002 went on from it;"):
        delete_run(place.store, place.runs, run.id, "ann")
    listener = place.store.definitions("listener")["base dpo-0002"]
    whole = {**listener, "model": str(place.of(dpo) / "model"), "adapter": ""}  # as full tuning leaves it
    place.store.define("listener", "base dpo-0002", whole, "ann")
    delete_run(place.store, place.runs, dpo.id, "ann")
    assert not place.of(dpo).exists()
    assert "base dpo-0002" not in place.store.definitions("listener")
    assert [row.name for row in train_runs(place.store, place.runs)] == ["sft-0001"]
    with pytest.raises(NotFound):
        train_run(place.store, place.runs, dpo.id)


def test_the_adapter_is_taken_out(taught: tuple[Place, Run]) -> None:
    place, run = taught
    with worked_on("slurm"):  # as by an app that sends its runs there; what is taken out is wanted here
        done = place.runs.wait(export_adapter(place.store, place.runs, run.id, "ann").id, 120)
    assert (done.state, done.message) == ("done", "It is written."), done.message
    folder = Path(place.runs.results(done.id)[0]["result"]["folder"])
    assert folder == place.folder / "exports" / "models" / "base-sft-0001-adapter"
    assert {"README.md", "adapter_model.safetensors"} <= {path.name for path in folder.iterdir()}
    with pytest.raises(BadRequest, match="already"):
        merge(place.store, place.runs, run.id, "ann", "base-sft-0001-adapter")
    for outside in ("..", "a/../..", "/tmp/elsewhere", "~/elsewhere/../../..", "."):
        with pytest.raises(BadRequest, match="below|already"):
            export_adapter(place.store, place.runs, run.id, "ann", outside)


def test_a_run_stays_while_somebody_reads_it(taught: tuple[Place, Run]) -> None:
    place, run = taught
    taking = export_adapter(place.store, place.runs, run.id, "ann", "read")
    with pytest.raises(BadRequest, match="reads what it has learnt"):
        delete_run(place.store, place.runs, run.id, "ann")
    place.runs.cancel(taking.id, now=True)


def test_nothing_is_sent_without_a_token(taught: tuple[Place, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    place, run = taught
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(MissingPart, match="HF_TOKEN"):
        push(place.store, place.runs, run.id, "ann/tiny", "ann")
    with pytest.raises(BadRequest, match="OWNER/NAME"):
        push(place.store, place.runs, run.id, "tiny", "ann")


def test_the_same_again_under_another_name(taught: tuple[Place, Run]) -> None:
    place, run = taught
    wanted = clone(run)
    assert wanted == place.wanted(fields={"eval_every": 2})
    with worked_on("slurm"):
        assert plan_training(place.store, place.runs, wanted).wanted.on == "slurm", "the run is to say where it was"
    assert (
        plan_training(place.store, place.runs, wanted).name
        == next_name(place.store, place.runs, "sft")
        != run.settings["name"]
    )


def test_a_stop_saves_and_resuming_goes_on_from_there(place: Place) -> None:
    run = place.start(fields={"max_steps": 30})
    place.at_step(run, 3)
    stopped = place.runs.cancel(run.id, 60)
    assert stopped.state == "cancelled"
    reached = lines(place.of(run), "step")[-1]["step"]
    assert stopped.message == f"Step {reached} of 30. Stopped. Resume goes on from the checkpoint of step {reached}."
    row = train_run(place.store, place.runs, run.id)
    assert (row.state, row.checkpoint, row.resumable) == ("stopped", reached, True)
    assert row.next == f"Resume goes on from the checkpoint of step {reached}."
    until(lambda: not trainer_of(place.of(run)))
    done = place.runs.wait(place.runs.resume(run.id).id, 120)
    assert done.state == "done", done.message
    assert sorted(losses(place.of(run))) == list(range(1, 31))
    assert lines(place.of(run), "begin")[-1]["from_step"] == reached


def test_a_killed_trainer_fails_and_the_queue_goes_on(place: Place) -> None:
    run, second = place.start(fields=LONG), place.start(fields={"max_steps": 2})
    place.at_step(run, 6)
    waiting = train_run(place.store, place.runs, second.id)
    assert (waiting.state, waiting.name) == ("waiting", "sft-0002")
    assert waiting.words == f"Waits for “{run.title}”, which has the CPU."
    (pid,) = trainer_of(place.of(run))
    os.kill(pid, signal.SIGKILL)
    failed = place.runs.wait(run.id, 60)
    assert failed.state == "failed"
    row = train_run(place.store, place.runs, run.id)
    assert "The trainer was killed" in row.words and row.next in row.words
    assert row.checkpoint >= 5
    until(lambda: place.runs.run(second.id).state == "running", limit_s=60)


def test_a_killed_worker_leaves_a_checkpoint_and_the_next_waits_for_it(place: Place) -> None:
    """The app is closed, its worker is killed, and the trainer saves what it has; a new app goes on from there."""
    with Runs(place.store, place.folder) as closed:
        run = Place(place.store, closed, place.folder, place.made).start(fields=LONG)
        place.at_step(run, 2)
        worker = closed.run(run.id).pid
    (trainer,) = trainer_of(place.of(run))
    os.kill(trainer, signal.SIGSTOP)  # it saves when it is let go on, and not sooner
    starter = parent_of(trainer)
    os.kill(worker, signal.SIGKILL)
    place.runs.recover()
    failed = place.runs.wait(run.id, 60)
    assert failed.state == "failed" and "killed" in failed.message
    until(lambda: gone(starter))
    assert at_work(place.of(run)), "the trainer still holds the folder"
    with pytest.raises(BadRequest, match="still writes"):
        delete_run(place.store, place.runs, run.id, "ann")
    reached = lines(place.of(run), "step")[-1]["step"]
    config = place.of(run) / "config.json"
    written = config.stat().st_mtime_ns
    place.runs.resume(run.id)
    until(lambda: config.stat().st_mtime_ns != written)
    time.sleep(0.5)
    assert trainer_of(place.of(run)) == [trainer], "the next one waits"
    os.kill(trainer, signal.SIGCONT)
    until(lambda: len(lines(place.of(run), "begin")) == 2, limit_s=120)
    assert lines(place.of(run), "begin")[-1]["from_step"] >= reached
    place.at_step(run, reached + 3)
    losses(place.of(run))
    place.runs.cancel(run.id, 0)


def test_two_processes_stop_together_and_none_outlives_a_kill(place: Place) -> None:
    run = place.start(fields={**LONG, "world_size": 2, "parallel": "ddp", "batch_size": 1})
    place.at_step(run, 1)
    assert len(trainer_of(place.of(run))) == 3
    stopped = place.runs.cancel(run.id, 100)
    assert stopped.state == "cancelled", stopped.message
    reached = lines(place.of(run), "step")[-1]["step"]
    assert lines(place.of(run), "checkpoint")[-1]["step"] == reached
    until(lambda: not trainer_of(place.of(run)))
    place.runs.resume(run.id)
    place.at_step(run, reached + 1)
    place.runs.cancel(run.id, 0)
    assert place.runs.cancel(run.id, now=True).state == "cancelled"
    until(lambda: not trainer_of(place.of(run)))


FAILED = {"event": "end", "state": "failed", "step": 9}
ENDS: dict[str, tuple[int, dict[str, Any]]] = {
    "memory did not suffice": (3, {**FAILED, "sentence": "Memory did not suffice."}),
    "the disk is full": (4, {**FAILED, "sentence": "The disk is full."}),
    "no number": (1, {"event": "alert", "what": "nan", "step": 9, "sentence": "The loss of step 9 is no number."}),
}


@pytest.mark.parametrize("how", ENDS)
def test_how_it_failed_is_told_in_the_trainers_own_words(how: str, tmp_path: Path) -> None:
    code, line = ENDS[how]
    rows = [{"event": "begin", "of": 20}, line, *([] if line["event"] == "end" else [FAILED])]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(CannotGoOn) as told:
        judged(Ended(code, "…"), tmp_path, stopped=False, began=True)
    assert str(told.value) == line["sentence"]


def test_what_an_earlier_trainer_said_is_not_taken_for_the_last_ones_word(tmp_path: Path) -> None:
    rows = [{"event": "begin", "of": 20}, {"event": "checkpoint", "step": 5}, {"event": "end", "state": "stopped"}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(CannotGoOn, match="killed.* Resume goes on from the checkpoint of step 5"):
        judged(Ended(-signal.SIGKILL, ""), tmp_path, stopped=False, began=False)
    with pytest.raises(LeftOff):
        judged(Ended(-signal.SIGTERM, ""), tmp_path, stopped=True, began=False)
    for code in (1, 2, 3, 4):
        with pytest.raises(CannotGoOn, match="^It ends with a sentence.$"):
            judged(Ended(code, "It ends with a sentence."), tmp_path, stopped=False, began=False)
    for code, words in ((3, "Memory did not suffice"), (4, "The disk is full"), (9, "code 9")):
        with pytest.raises(CannotGoOn, match=f"{words}.* Resume goes on"):
            judged(Ended(code, "…"), tmp_path, stopped=False, began=False)


def started_on(place: Place, **more: Any) -> Run:
    return place.runs.wait(place.start(**more).id, 120)


def test_a_media_file_that_is_broken(place: Place, tmp_path: Path) -> None:
    export = tmp_path / "broken"
    shutil.copytree(place.made.export, export)
    for media in export.rglob("*.wav"):
        media.write_bytes(b"no sound")
    run = started_on(place, export=str(export))
    assert run.state == "failed" and ".wav" in run.message


def test_an_adapter_of_another_base(taught: tuple[Place, Run], tmp_path: Path) -> None:
    place, run = taught
    other = str(write_qwen25_omni(tmp_path / "other"))
    with pytest.raises(BadRequest, match="belongs to base, not to other"):
        plan_training(place.store, place.runs, place.wanted("dpo", base=other, adapter_run=run.id))


def test_a_wrong_field_is_told_in_a_sentence(place: Place) -> None:
    run = started_on(place, fields={"learning_rat": 1})
    assert run.state == "failed"
    assert run.message == "learning_rat is no field of a training config. Did you mean learning_rate?"


def test_two_that_start_at_once_have_two_names(place: Place) -> None:
    plan = plan_training(place.store, place.runs, place.wanted(fields=LONG))
    both = [threading.Thread(target=start_training, args=(place.store, place.runs, plan, "ann")) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(row.name for row in train_runs(place.store, place.runs)) == ["sft-0001", "sft-0002"]


@pytest.mark.parametrize(
    ("world_size", "device", "words"),
    [(2, "0", "such as 0,1"), (1, "0,1", "set world_size to 2"), (2, "0,0", "as many GPUs"), (2, "0,1", ""),
     (2, "cpu", ""), ("2", "0, 1", "")],
)  # fmt: skip
def test_each_process_has_a_gpu_of_its_own(place: Place, world_size: Any, device: str, words: str) -> None:
    wanted = place.wanted(device=device, fields={"world_size": world_size, "parallel": "ddp"})
    plan = plan_training(place.store, place.runs, wanted)
    assert words in plan.blocked and bool(words) == bool(plan.blocked)
    assert plan.config["world_size"] == int(world_size)


def test_where_a_training_goes_when_nobody_says() -> None:
    several = {"world_size": 4, "precision": "bf16"}
    assert device_for(several, "slurm") == "0,1,2,3"
    assert device_for({"precision": "fp32", "world_size": 4}, "slurm") == "cpu"
    assert device_for(several, "") == default_device(4) in ("0,1,2,3", "cpu")


@pytest.mark.parametrize(
    ("row", "words"),
    [({"device": 5}, "device is"), ({"device": "0; touch x"}, "device is"), ({"device": "gpu"}, "device is"),
     ({"waive": "abc"}, "list of names"), ({"waive": 5}, "list of names"), ({"waive": [5]}, "list of names")],
)  # fmt: skip
def test_a_question_of_odd_types_is_refused(row: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        parse_wanted({"stage": "sft", **row})


def test_a_trainer_gets_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "OWN_SERVER_KEY", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "let me in")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    told = tmp_path / "told.json"
    line = [sys.executable, "-c", f"import json, os; json.dump(dict(os.environ), open({str(told)!r}, 'w'))"]
    run_module(line, {"HF_TOKEN": "asked for"}, tmp_path, lambda: False)
    env = json.loads(told.read_text())
    assert "let me in" not in env.values()
    assert env["HF_TOKEN"] == "asked for" and env["TOKENIZERS_PARALLELISM"] == "false"


def test_what_makes_no_sense_is_refused(place: Place, tmp_path: Path) -> None:
    def plan(**more: Any) -> str:
        return plan_training(place.store, place.runs, place.wanted(**more)).name

    for more, words in (
        ({"recipe": "demo-dpo"}, "is for DPO"),
        ({"fields": {"output": "/tmp"}}, "chosen by itself"),
        ({"export": ""}, "which pairs"),
        ({"name": "../up"}, "name is"),
        ({"base": ""}, "which model"),
        ({"fields": {"world_size": "eight"}}, "world_size is eight"),
        ({"fields": {"world_size": None}}, "whole number"),
        ({"fields": {"threads": 0}}, "threads is 0"),
        ({"device": "0; touch x"}, "device is"),
    ):
        with pytest.raises(BadRequest, match=words):
            plan(**more)
    for more in (
        {"export": str(tmp_path)},
        {"recipe": "none"},
        {"adapter_run": "0" * 16},
        {"set_id": "x", "export": ""},
    ):
        with pytest.raises(NotFound):
            plan(**more)

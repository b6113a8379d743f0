"""What a training run is made of, without a model: journal, checkpoints, held-out scores, alerts, endings."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from thud.errors import BadRequest, RunFailed
from training import checkpoints
from training.account import account, write_round
from training.config import parse_config
from training.endings import DISK_FULL, FAILED, NO_MEMORY, ending
from training.evaluate import asked, held_out, spread_out, tally
from training.journal import Journal, read_lines, told
from training.progress import WINDOW, best, displaced, impatient


def journal(folder: Path) -> Journal:
    return Journal(folder / "metrics.jsonl", io.StringIO())


def test_a_journal_is_written_once_and_read_again(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.write("begin", from_step=0, of=2)
    book.write("step", step=1, of=2, loss=float("nan"), seconds=0.5, nested={"a": [float("inf"), 1]})
    Journal(tmp_path / "metrics.jsonl", None).write("step", step=1, of=2)
    text = (tmp_path / "metrics.jsonl").read_text()
    assert len(text.splitlines()) == 2 and "NaN" not in text
    assert json.loads(text.splitlines()[1])["nested"] == {"a": [None, 1]}
    assert read_lines(tmp_path / "metrics.jsonl") == book.lines
    assert read_lines(tmp_path / "nowhere.jsonl") == []


def test_going_on_takes_out_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.write("begin", from_step=0, of=9)
    for step in (1, 2, 3):
        book.write("step", step=step, of=9, loss=1.0, seconds=0.1)
    book.write("checkpoint", step=2)
    book.write("alert", what="displacement", step=3, sentence="…")
    book.write("end", state="stopped", step=3)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"event": "step", "st')
    book = journal(tmp_path)
    book.rewind(2)
    book.write("begin", from_step=2, of=9)
    kept = [(line["event"], line.get("step")) for line in read_lines(tmp_path / "metrics.jsonl")]
    assert kept == [("begin", None), ("step", 1), ("step", 2), ("checkpoint", 2), ("begin", None)]
    book.rewind(0)
    assert (tmp_path / "metrics.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("state", "finished"), [("done", True), ("early", True), ("stopped", False), ("failed", False)]
)
def test_which_runs_have_nothing_left_to_do(tmp_path: Path, state: str, finished: bool) -> None:
    book = journal(tmp_path)
    assert not book.finished
    book.write("end", state=state, step=1)
    assert journal(tmp_path).finished is finished


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "ref").mkdir(parents=True)
    (path / "weights.bin").write_bytes(b"w" * 100)
    (path / "ref" / "weights.bin").write_bytes(b"r" * 50)
    checkpoints.mark_whole(path, step)
    return path


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    for step in (2, 4, 10, 12, 14, 16):
        checkpoint(tmp_path, step)
    os.truncate(tmp_path / "checkpoint-12" / "ref" / "weights.bin", 49)
    (tmp_path / "checkpoint-14" / "weights.bin").unlink()
    (tmp_path / "checkpoint-16" / checkpoints.MARK).write_text('{"step": 1')
    (tmp_path / "checkpoint-18").mkdir()
    assert checkpoints.last_whole(tmp_path) == (tmp_path / "checkpoint-10", 10), "10 is newer than 4"
    torn = ["checkpoint-12", "checkpoint-14", "checkpoint-16", "checkpoint-18"]
    assert checkpoints.drop_torn(tmp_path) == torn
    checkpoints.drop_old(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-4"]
    assert checkpoints.last_whole(tmp_path / "nowhere") == (None, 0)


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    for name, text in (("adapter", "old"), (".adapter.part", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(text)
    (tmp_path / "adapter" / "leftover").write_text("old")
    checkpoints.swap_in(tmp_path / ".adapter.part", tmp_path / "adapter")
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
    assert [path.read_text() for path in (tmp_path / "adapter").iterdir()] == ["new"]


def row(label: str, number: int = 0, **more: Any) -> dict[str, Any]:
    given = {"task": "sync", "label": label, "prompt": "In time?", "video": f"{number}.mp4", "sound": f"{label}.wav"}
    return given | {"options": [], "source": ""} | more


def test_answers_are_read_and_counted_by_class() -> None:
    rows = [row("synced"), row("delayed"), row("delayed", 1), row("muted"), row("B", task="choice")]
    rows[-1]["options"] = [["A", "a bell"], ["B", "a dog"]]
    texts = ["The sound and the picture are in sync.", "The sound comes late.", "Mhm hm.", "It is in sync.", "B"]
    found = tally(rows, texts)
    assert found.n == {"all": 5, "synced": 1, "delayed": 2, "muted": 1, "choice": 1}
    assert found.accuracy == {"all": 0.6, "synced": 1.0, "delayed": 0.5, "muted": 0.0, "choice": 1.0}
    assert found.unread == 1, "what is no answer counts as wrong and is told"
    assert found.asked == {"0.mp4": "1101", "1.mp4": "0"}
    rows[0]["source"] = rows[2]["source"] = "film"
    assert tally(rows, texts).asked == {"film": "10", "0.mp4": "101"}
    rows, texts = [*rows, row("synced", 5)], [*texts, "I'm sorry, but I can't help with that."]
    assert tally(rows, texts).unread == 2, "nor is a refusal"


def test_a_held_out_line_says_how_many_gave_no_answer() -> None:
    line = {"event": "held_out", "step": 3, "loss": 1.0, "accuracy": {"all": 0.5}, "n": {"all": 4}, "unread": 2}
    assert told(line).endswith("right: all 50% of 4, 2 no answer")
    assert told(line | {"unread": 0}).endswith("right: all 50% of 4")
    assert told(line | {"accuracy": {}, "n": {}, "unread": 0}).endswith("right: nothing was asked")


def test_what_is_asked() -> None:
    rows = [row("synced"), row("synced"), row("delayed"), row("", 1), row("a dog", 2, task="describe"), row("muted", 3)]
    assert asked(rows) == [0, 2, 5], "once, and only where the answer can be read and is known"
    many = [row("synced", number) for number in range(90)] + [row("delayed", number) for number in range(10)]
    places = spread_out(many, 8)
    assert len(places) == 8 and sum(place >= 90 for place in places) == 4
    assert spread_out(many, 0) == spread_out(many, 100) == list(range(100))


def test_rows_that_can_be_asked_are_held_out_first() -> None:
    mute = [row("", number, task="describe") for number in range(50)]
    rows = [*mute, row("synced", 90), row("delayed", 91), row("synced", 92)]
    assert held_out(rows, 2) == [50, 51], "none of the two is lost to a row without a question"
    places = held_out(rows, 8)
    assert len(places) == 8 and places[-3:] == [50, 51, 52] and held_out(rows, 3) == [50, 51, 52]
    assert held_out(rows, 0) == held_out(rows, 99) == list(range(53))


def rounds(*scores: tuple[int, float, float | None]) -> list[dict[str, Any]]:
    return [{"step": step, "accuracy": {"all": share}, "loss": loss} for step, share, loss in scores]


def test_the_best_round_is_by_accuracy_then_loss_and_never_the_untrained() -> None:
    assert best(rounds((0, 0.9, 1.0))) is None
    found = best(rounds((0, 0.9, 0.1), (1, 0.5, 2.0), (2, 0.6, 3.0), (3, 0.6, 2.0), (4, 0.6, None), (5, 0.6, 2.0)))
    assert found is not None and found["step"] == 3


def test_the_round_of_kept_weights_is_theirs_though_the_journal_was_rewound(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.write("begin", from_step=0, of=9)
    for line in rounds((0, 0.3, 1), (4, 0.5, 1), (8, 0.9, 1)):
        book.write("held_out", n={"all": 10}, unread=0, **line)
    whole = account(book.lines, tmp_path / "adapter")
    (tmp_path / "adapter").mkdir()
    write_round(tmp_path / "adapter", 8, book.of("held_out")[-1])
    assert account(book.lines, tmp_path / "adapter") == whole and whole["weights_step"] == 8
    book.rewind(6)
    told = account(book.lines, tmp_path / "adapter")
    assert told["weights_step"] == 8 and told["held_out"]["after"] == whole["held_out"]["after"]
    assert told["held_out"]["last"]["step"] == 4
    write_round(tmp_path / "adapter", 9, None)
    told = account(book.lines, tmp_path / "adapter")
    assert told["weights_step"] == 9 and told["held_out"]["after"] is None


def test_patience() -> None:
    scores = rounds((0, 0.9, 1), (1, 0.3, 1), (2, 0.5, 1), (3, 0.5, 0.5), (4, 0.4, 1))
    assert not impatient(scores, 3) and impatient(scores, 2) and not impatient(scores[:4], 2)
    assert not impatient(scores, 0)
    unasked: list[dict[str, Any]] = [{"step": step, "accuracy": {}, "loss": 1.0} for step in range(9)]
    assert not impatient(unasked, 2), "nobody measured that it gets no better"


def preferring(chosen: list[float], margin: list[float]) -> list[dict[str, Any]]:
    return [{"chosen": one, "margin": other} for one, other in zip(chosen, margin, strict=True)]


def test_displacement() -> None:
    grows = [0.1 * step for step in range(2 * WINDOW)]
    falls = [-20.0 - step for step in range(2 * WINDOW)]
    assert displaced(preferring(falls, grows), 10) == pytest.approx(1.0)
    assert displaced(preferring(falls[:-1], grows[:-1]), 10) == 0, "too few steps to tell"
    assert displaced(preferring(falls, grows[::-1]), 10) == 0, "the margin does not grow"
    assert displaced(preferring(falls[::-1], grows), 10) == 0, "it gets likelier"
    flat = [-0.001] * WINDOW + [-0.002] * WINDOW
    assert displaced(preferring(flat, grows), 10) == 0, "nearly certain before and after"
    long = [-1000.0] * WINDOW + [-1050.0] * WINDOW
    assert displaced(preferring(long, grows), 10) == 5.0, "more than a nat a token, though less than a tenth"
    assert displaced([{"loss": 1.0}] * 50, 10) == 0, "no DPO"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:659] . PytorchStreamWriter failed writing file data/3"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_from_other_failures(tmp_path: Path, error: Exception) -> None:
    config = parse_config({"stage": "sft", "base": "tiny", "data": "d", "output": str(tmp_path)})
    checkpoint(tmp_path / "checkpoints", 5)
    (tmp_path / "checkpoints" / "checkpoint-7").mkdir()
    code, sentence = ending(error, config)
    assert code == DISK_FULL and "the one of step 5 is whole" in sentence and str(tmp_path) in sentence
    assert (tmp_path / "checkpoints" / "checkpoint-7").exists(), "saying how it ended removes nothing"
    wrapped = ValueError("saving failed")
    wrapped.__cause__ = error
    assert ending(wrapped, config)[0] == DISK_FULL


def test_memory_that_does_not_suffice_comes_with_advice(tmp_path: Path) -> None:
    import torch

    config = parse_config({"stage": "sft", "base": "tiny", "data": "d", "output": str(tmp_path)})
    for error in (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()):
        code, sentence = ending(error, config)
        assert code == NO_MEMORY and "batch_size" in sentence and "qlora" in sentence
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert ending(caught.value, config)[0] == NO_MEMORY
    loading = RunFailed("The model does not fit in the memory of this machine.")
    loading.__cause__ = torch.OutOfMemoryError("CUDA out of memory.")
    assert ending(loading, config) == (NO_MEMORY, str(loading)), "while it is loaded, too"
    assert ending(BadRequest("No."), config) == (FAILED, "No.")
    for wrong in (TypeError("f() got some unexpected positional arguments"), ValueError("unexpected positional 3")):
        assert ending(wrong, config)[0] == FAILED, "no full disk"
    assert ending(RuntimeError("unexpected pos 64 vs 0"), config)[0] == DISK_FULL
    code, sentence = ending(ZeroDivisionError("division by zero\nmore"), config)
    assert code == FAILED and "division by zero" in sentence and "more" not in sentence

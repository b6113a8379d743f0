"""The files of a run: half-written lines, full disks, one worker at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.runs_kit import tiny_disk
from thud.errors import NotFound, RunFailed, StoreFull
from thud.runs.folder import (
    DISK_FULL,
    Header,
    Plan,
    Results,
    State,
    only_worker,
    read_plan,
    read_state,
    write_plan,
    write_state,
)
from thud.runs.tail import Tail


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_tail_gives_each_whole_line_once(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    add(path, '{"a": 1}\n{"a": 2}\n{"a"')
    assert tail.read() == [{"a": 1}, {"a": 2}]
    assert tail.read() == []
    add(path, ': 3}\n{"a": 4}\n')
    assert tail.read(limit=1) == [{"a": 3}]
    assert tail.read(limit=5) == [{"a": 4}]


def test_a_tail_passes_over_torn_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"a": 1}\n\0\0\0\0\n[1]\n\xff\xfe\n{"a": 2}\n')
    assert Tail(path).read() == [{"a": 1}, {"a": 2}]


def test_a_tail_starts_again_on_a_new_or_shorter_file(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    add(path, '{"a": 1}\n{"a": 2}\n')
    tail = Tail(path)
    tail.read()
    (tmp_path / "new").write_text('{"b": 1}\n{"b": 2}\n')
    (tmp_path / "new").replace(path)
    assert tail.read() == [{"b": 1}, {"b": 2}]
    path.write_text('{"c": 1}\n')
    assert tail.read() == [{"c": 1}]


def test_results_cut_a_half_written_line_before_appending(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"key": "a"}\n{"key": "b", "resu')
    results = Results(tmp_path)
    assert results.earlier == [{"key": "a"}]
    results.append({"key": "b"})
    results.sync()
    results.close()
    assert path.read_text() == '{"key": "a"}\n{"key": "b"}\n'


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    plan = Plan(
        Header("build", "Bäume", 3, 60.0, settings={"shifts": [0.5]}),
        {"a": {"key": "a"}, "b": {"key": "b", "n": 1}},
    )
    write_plan(tmp_path / "runs" / "x", plan)
    assert read_plan(tmp_path / "runs" / "x") == plan
    with pytest.raises(NotFound):
        read_plan(tmp_path)
    (tmp_path / "plan.jsonl").write_text('{"colour": "red"}\n')
    with pytest.raises(RunFailed):
        read_plan(tmp_path)


def test_an_unreadable_state_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    (tmp_path / "state.json").write_text('{"state": "run')
    assert read_state(tmp_path) is None
    write_state(tmp_path, State("failed", 3, done=1, message="é" * 10_000))
    assert read_state(tmp_path) == State("failed", 3, done=1, message="é" * 500)


def test_a_folder_has_one_worker(tmp_path: Path) -> None:
    with pytest.raises(NotFound), only_worker(tmp_path):
        pass
    write_plan(tmp_path, Plan(Header("k", "t", 1, 1.0), {"a": {"key": "a"}}))
    with only_worker(tmp_path), pytest.raises(RunFailed), only_worker(tmp_path):
        pass
    with only_worker(tmp_path):
        pass


def test_a_full_disk_keeps_every_line_whole_and_can_still_be_told(tmp_path: Path) -> None:
    with tiny_disk(tmp_path) as folder:
        write_state(folder, State("running", 100))
        results = Results(folder)
        line = {"key": "k", "result": "x" * 3000}
        written = 0
        with pytest.raises(StoreFull, match=DISK_FULL):
            while True:
                results.append(line)
                written += 1
        write_state(folder, State("failed", 100, done=written, message=DISK_FULL))
        assert written > 10
        assert (folder / "results.jsonl").read_bytes().endswith(b"\n")
        assert Tail(folder / "results.jsonl").read() == [line] * written
        assert read_state(folder) == State("failed", 100, done=written, message=DISK_FULL)
        with pytest.raises(StoreFull):
            write_plan(folder / "other", Plan(Header("k", "t", 1, 1.0), {"a": {"key": "a", "text": "x" * 9000}}))
        results.close()
        (folder / "results.jsonl").write_text(json.dumps(line) + "\n")
        again = Results(folder)
        again.append(line)
        again.close()

"""`parse` as a script meets it: lines in, lines out, in order, and one sentence for each line that cannot be read."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def parse(data: bytes, *more: str) -> tuple[int, list[dict[str, Any]], str]:
    ran = subprocess.run(
        [sys.executable, "-m", "thud", "parse", "--task", *(more or ("sync",))],
        input=data,
        capture_output=True,
        timeout=60,
    )
    return ran.returncode, [json.loads(line) for line in ran.stdout.decode().splitlines()], ran.stderr.decode()


def test_answers_come_in_order() -> None:
    rows = [{"id": "a", "response": "The sound is 0.5 s late."}, {"id": 2, "response": "In sync."}, {"response": ""}]
    code, found, said = parse("\n\n".join(json.dumps(row) for row in rows).encode())
    assert (code, said) == (0, "")
    assert [row["id"] for row in found] == ["a", 2, None]
    assert [row["label"] for row in found] == ["delayed", "synced", "unparsed"]
    assert set(found[0]) == {"id", "label", "offset_s", "visual_s", "audio_s", "quote", "method"}
    assert found[0]["offset_s"] == 0.5
    assert found[0]["quote"] == "The sound is 0.5 s late."


def test_a_bad_line_is_told_and_the_rest_is_done() -> None:
    lines = [b"nonsense", b'{"id": 1}', b'{"id": 2, "response": 3}', b"[1]", b'{"id": 3, "response": "In sync."}']
    code, found, said = parse(b"\n".join(lines))
    assert code == 2
    assert [row["id"] for row in found] == [3]
    assert [line.split(": ")[2] for line in said.splitlines()] == ["line 1", "line 2", "line 3", "line 4"]
    assert "Traceback" not in said


def test_odd_bytes_are_read() -> None:
    data = b'\xef\xbb\xbf{"id": "x\xff", "response": "The sound is \xff late."}\r\n'
    data += b'{"id": "y", "response": "In sync.\\u0000\\ud800"}'
    code, found, said = parse(data)
    assert (code, said) == (0, "")
    assert [row["label"] for row in found] == ["delayed", "synced"]


def test_other_tasks_and_the_papers_rules() -> None:
    line = json.dumps({"id": 1, "response": "Hello."}).encode()
    assert parse(line, "existence")[1][0]["label"] == "unparsed"
    assert parse(line, "consistency")[1][0]["label"] == "unparsed"
    assert parse(line, "sync", "--paper")[1][0]["label"] == "synced"
    choice = {"id": 1, "response": "Answer: B", "options": [["A", "one"], ["B", "two"]]}
    assert parse(json.dumps(choice).encode(), "choice")[1][0]["label"] == "B"


def test_answers_stream() -> None:
    command = [sys.executable, "-m", "thud", "parse", "--task", "sync"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for label, text in (("synced", "In sync."), ("delayed", "The sound is late.")):
            running.stdin.write(json.dumps({"id": 1, "response": text}).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["label"] == label
        running.stdin.close()
        assert running.wait(30) == 0


def test_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, io; from thud.cli import main; sys.stdin = io.TextIOWrapper(io.BytesIO(b''));"
        "assert main(['parse', '--task', 'sync']) == 0;"
        "print(sorted({'torch', 'av', 'duckdb', 'numpy', 'gradio', 'openai', 'anthropic'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert ran.stdout.decode().strip() == "[]"

"""Hands twelve items over to Inspect and to lmms-eval, lets both tools run them, and compares every figure they report.

The tools run as processes of their own that cannot import thud, on folders that were moved after they were written.
"""

from __future__ import annotations

import base64
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.exports.items import PLAN, STILLS, WITHOUT_SOUND, items
from tests.exports.server import FakeServer, fake_server
from thud.evaluation.handover import write_inspect, write_lmms_eval

HERE = Path(__file__).parent
NONE = ("unparsed", "refused")


def main() -> int:
    """0 when both tools agree with the plan; an AssertionError says where they do not."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="check-exports-") as name:
        folder = Path(name)
        (folder / "made").mkdir()
        (folder / "moved").mkdir()
        found = items(folder / "made")
        for write, tool in ((write_inspect, "inspect"), (write_lmms_eval, "lmms")):
            written = write(found, folder / tool, "Thud check")
            assert (written.items, written.refused) == (len(PLAN), ()), written
            (folder / tool).rename(folder / "moved" / tool)
            check_hashes(folder / "moved" / tool)
            print(f"{tool}: {written.tasks}")
        check_inspect(folder)
        check_lmms(folder)
    print(f"Both tools run what was handed over ({time.monotonic() - started:.0f} s).")
    return 0


def check_hashes(folder: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    for path in folder.glob("*.py"):
        assert "import thud" not in path.read_text().replace("import thud_reading", ""), path


def check_inspect(folder: Path) -> None:
    with fake_server() as server:
        for task, left_out in (("frames", 0), ("sound", WITHOUT_SOUND), ("frames_and_sound", WITHOUT_SOUND)):
            server.asked.clear()
            compare(task, run_inspect(folder, task, "openai-api/local/fake", server), expected(left_out))
            check_sent(server, folder / "moved" / "inspect", task)
        assert server.failed == 1, "the server was to fail once, so that a retry is seen"
        server.asked.clear()
        compare("video", run_inspect(folder, "video", "google/gemini-fake", server), expected(0))
        check_videos(server, folder / "moved" / "inspect")
        server.silent = True
        silent = run_inspect(folder, "frames", "openai-api/local/fake", server)
        assert (silent["accuracy"], silent["unanswered"]) == (0.0, 1.0), silent
        print("inspect: a model that never gives a label is right on nothing, and unanswered on everything")


def run_inspect(folder: Path, task: str, model: str, server: FakeServer) -> dict[str, float]:
    """The metrics in the log of one run."""
    logs = Path(tempfile.mkdtemp(dir=folder))
    command = [str(Path(sys.executable).parent / "inspect"), "eval", f"{folder}/moved/inspect/task.py@{task}"]
    command += ["--model", model, "--log-dir", str(logs), "--log-format", "json", "--display", "none"]
    doors = {"LOCAL_BASE_URL": f"{server.url}/v1", "GOOGLE_BASE_URL": server.url}
    run(command, folder, {**doors, "LOCAL_API_KEY": "none", "GOOGLE_API_KEY": "none"})
    (log,) = logs.glob("*.json")
    read = json.loads(log.read_text())
    assert read["status"] == "success", read.get("error")
    (score,) = read["results"]["scores"]
    return {name: metric["value"] for name, metric in score["metrics"].items()}


def expected(left_out: int, lmms: bool = False) -> dict[str, float]:
    """What a run over the plan without one item must report. The tools correct clustered errors in different ways."""
    rows = [(number, planned) for number, planned in enumerate(PLAN, 1) if number != left_out]
    right = {number: float(planned.label == planned.expected) for number, planned in rows}
    cells: dict[str, list[float]] = defaultdict(list)
    sources: dict[int, list[float]] = defaultdict(list)
    for number, planned in rows:
        kind = "shifted" if planned.condition in ("early", "delayed") else planned.condition
        cells["choice" if planned.task == "choice" else f"{planned.task} {kind}"].append(right[number])
        sources[number % 4].append(right[number])
    mean = sum(right.values()) / len(right)
    between = sum(sum(value - mean for value in values) ** 2 for values in sources.values())
    single, n = sum((value - mean) ** 2 for value in right.values()), len(right)
    inspect_error = math.sqrt(between * len(sources) / (len(sources) - 1)) / n
    return {
        "accuracy": mean,
        "stderr": math.sqrt(single / (n - 1) / n + (between - single) / n**2) if lmms else inspect_error,
        "unanswered": sum(planned.label in NONE for _, planned in rows) / len(rows),
        **{cell: sum(values) / len(values) for cell, values in cells.items()},
    }


def compare(task: str, got: dict[str, float], wanted: dict[str, float]) -> None:
    assert got.keys() == wanted.keys(), (task, got, wanted)
    wrong = {name: (got[name], value) for name, value in wanted.items() if abs(got[name] - value) > 1e-9}
    assert not wrong, (task, wrong)
    print(f"{task}: " + ", ".join(f"{name} {value:.3f}" for name, value in got.items()))


def check_sent(server: FakeServer, folder: Path, task: str) -> None:
    """Every item came once, with the very bytes of its media, and with nothing that the task does not show."""
    rows = [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows, 1):
        parts = server.asked.get(number, [])
        if not row["sound"] and "sound" in task:
            assert not parts, (task, number)
            continue
        assert len(parts) == 1, (task, number, len(parts))
        stills = [data(part["image_url"]["url"]) for part in parts[0] if part["type"] == "image_url"]
        sounds = [data(part["input_audio"]["data"]) for part in parts[0] if part["type"] == "input_audio"]
        assert len(stills) == (STILLS if "frames" in task else 0), (task, number)
        assert stills in ([], [(folder / still["file"]).read_bytes() for still in row["frames"]]), (task, number)
        assert sounds == ([(folder / row["sound"]).read_bytes()] if "sound" in task else []), (task, number)


def check_videos(server: FakeServer, folder: Path) -> None:
    """Every item came once, with the video that has its sound track."""
    rows = [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows, 1):
        (parts,) = server.asked[number]
        named = [part["fileData"] for part in parts if "fileData" in part]
        sent = [server.files[file.get("fileUri") or file["file_uri"]] for file in named]
        assert sent == [(folder / row["video"]).read_bytes()], number


def data(url: str) -> bytes:
    return base64.b64decode(url.split("base64,")[-1])


def check_lmms(folder: Path) -> None:
    plan = [planned.response for planned in PLAN]
    (folder / "plan.json").write_text(json.dumps(plan))
    run([sys.executable, str(HERE / "lmms_side.py"), str(folder)], folder, {})
    found: dict[str, Any] = json.loads((folder / "lmms.json").read_text())
    for task, left_out in (("audio", WITHOUT_SOUND), ("visual", 0), ("audiovisual", 0)):
        wanted = expected(left_out, lmms=True)
        names = {"accuracy": "right", "stderr": "right_stderr_clustered"}
        wanted = {
            names.get(name, name if name == "unanswered" else "right_" + name.replace(" ", "_")): value
            for name, value in wanted.items()
        }
        compare(f"thud_check_{task}", {name: found[task].get(name) for name in wanted}, wanted)


def run(command: list[str], folder: Path, more: dict[str, str]) -> None:
    """Runs a tool outside this project; shows what it said when it fails."""
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    environment = {**keep, "HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", **more}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode:
        print(done.stdout[-6000:], done.stderr[-6000:])
        raise SystemExit(f"{' '.join(command[:3])} failed with {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())

"""`annotate`, `marks`, `settle`, `agreement`, as a shell user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.annotate_kit import EVENT_S, make_numbered_clip, vendors
from tests.vendors.kit import KEY, give_keys
from thud.cli import main
from thud.store import open_store

COUNT = 2


@pytest.fixture
def home(tmp_path: Path) -> list[str]:
    """A workspace that knows two clips."""
    clips = [make_numbered_clip(tmp_path, number) for number in range(COUNT)]
    (tmp_path / "workspace").mkdir()
    with open_store(tmp_path / "annotations.duckdb", tmp_path / "workspace") as store:
        store.add_clips(clips, "test")
    return ["--workspace", str(tmp_path / "workspace"), "--json"]


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_models_and_signal_place_times_that_go_out_and_come_in(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(monkeypatch)
    with vendors() as asked:
        assert main(["annotate", "--ask", "claude", "--base-url", asked.claude.url, *home]) == 0
    plan, run = said(capsys)
    assert (plan["clips"], plan["requests"], run["state"], run["message"]) == (COUNT, 4, "done", f"{COUNT} placed.")
    assert main(["annotate", *home]) == 0
    assert said(capsys)[0]["annotator"] == "signal"
    assert main(["annotate", "--ledger", *home]) == 0
    assert said(capsys)[-1]["replies"] == 2 * COUNT
    file = tmp_path / "marks.jsonl"
    assert main(["marks", "export", str(file), *home]) == 0
    lines = file.read_text().splitlines()
    assert len(lines) == 2 * COUNT
    assert KEY not in file.read_text()
    other = {**json.loads(lines[0]), "annotator": "someone-else", "person": False, "visual_s": EVENT_S + 0.1}
    file.write_text("\n".join([json.dumps(other), "no JSON", *lines[1:]]))
    capsys.readouterr()
    assert main(["marks", "import", str(file), *home]) == 1
    came = capsys.readouterr()
    assert json.loads(came.out)["added"] == 1
    assert "line 2" in came.err
    assert main(["agreement", *home]) == 0
    rows = said(capsys)
    assert [(row["kind"], row.get("a"), row.get("b"), row.get("n")) for row in rows] == [
        ("visual", "claude", "someone-else", 1),
        ("verdict", None, None, None),
    ]
    assert main(["settle", *home]) == 0
    assert said(capsys)[0]["clips"] == COUNT


def test_what_cannot_be_asked_is_refused_in_words(
    home: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(monkeypatch)
    monkeypatch.delenv("GEMINI_API_KEY")
    assert main(["annotate", "--ask", "gemini", "--plan", *home]) == 1
    assert "GEMINI_API_KEY is not set" in capsys.readouterr().err
    assert main(["annotate", "--ask", "gemini", *home]) == 1
    assert main(["annotate", "--ask", "nobody", *home]) == 1
    assert main(["annotate", "--ask", "gpt", "claude", "--model", "x", *home]) == 1
    assert "one --ask" in capsys.readouterr().err
    assert main(["marks", "import", "/nowhere.jsonl", *home]) == 1
    assert "cannot be read" in capsys.readouterr().err

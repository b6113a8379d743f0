"""`thud results`: the table of the Results page, from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.results_kit import SYNCED, Mind, responses
from thud.cli import main
from thud.store import changes, open_store

CLIPS = [f"{number:016x}" for number in range(20)]


def test_the_prior_has_its_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = tmp_path / "workspace"
    space.mkdir()
    with open_store(tmp_path / "annotations.duckdb", space) as store:
        store.write_many([changes.add_response(one, "test") for one in responses([Mind("prior", SYNCED)], CLIPS)])
    assert main(["results", "--workspace", str(space), "--json"]) == 0
    _, row = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert row["listener"] == "prior" and row["gap"]["value"] == 1.0 and row["dprime"]["value"] == pytest.approx(0)
    shares = {key: cell["value"] for key, cell in row["cells"].items()}
    assert {key for key, share in shares.items() if share == 1.0} == {key for key in shares if key.endswith("original")}
    assert {share for key, share in shares.items() if not key.endswith("original")} == {0.0}
    assert all(cell["low"] is not None and cell["n"] for cell in row["cells"].values())
    # 20 clips of 10 sources: Wilson's interval of 10 of 10.
    assert main(["results", "--workspace", str(space)]) == 0
    assert "100.0 [72, 100]" in capsys.readouterr().out

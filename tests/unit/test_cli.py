"""The verbs, as a shell user meets them: answers, refusals and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import hostile
from tests.sounds import make_ding_clip
from thud.cli import main
from thud.media.picture import picture_hash
from thud.store import open_store

ROOT = Path(__file__).resolve().parents[2]


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small clips of different sound in folders named by their kind."""
    folder = tmp_path_factory.mktemp("mine")
    for kind, pitch, at_s in (("low", 300.0, 0.7), ("high", 2500.0, 1.1)):
        (folder / kind).mkdir()
        make_ding_clip(folder / kind / f"{kind} tone.mp4", 2.0, at_s, pitch_hz=pitch, seed=int(pitch))
    return folder


def test_intervene_prints_one_line_a_stimulus_with_the_agreed_keys(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "low" / "low tone.mp4"
    command = ["intervene", str(path), "--out", str(tmp_path), "--shift", "0.7", "-0.45", "--mute", "--swap"]
    assert main([*command, "--donor", str(folder / "high" / "high tone.mp4"), "--json"]) == 0
    found = rows(capsys.readouterr().out)
    assert [row["condition"] for row in found] == ["original", "early", "delayed", "muted", "swapped"]
    assert [row["offset_s"] for row in found] == [0.0, -0.45, 0.7, None, None]
    for row in found:
        assert set(row) == {"clip", "source", "condition", "offset_s", "video", "audio", "proof"}
        assert row["source"] == str(path)
        assert picture_hash(str(row["video"])) == picture_hash(path)
        assert Path(str(row["audio"])).stat().st_size == 44 + 2 * 32_000
    assert len({Path(str(row["video"])).stat().st_size for row in found}) == 1


def test_intervene_refuses_each_bad_file_in_one_line_and_does_the_rest(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [str(hostile()[name]) for name in ("pipe.mp4", "empty.mp4", "playlist.mp4", "missing.mp4")]
    good = str(folder / "low" / "low tone.mp4")
    assert main(["intervene", *bad, good, "--out", str(tmp_path), "--json"]) == 1
    said = capsys.readouterr()
    assert [row["condition"] for row in rows(said.out)] == ["original"]
    assert len(said.err.splitlines()) == 4
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--swap"], "no possible donor"),
        (["--shift", "9"], "longer than the clip"),
        (["--shift", "0"], "other than 0"),
        (["--seed", "-1"], "seed"),
        (["--donor", "/nowhere.mp4"], "donor nowhere.mp4 cannot be used"),
    ],
)
def test_impossible_edits_are_refused_in_words(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    path = str(folder / "low" / "low tone.mp4")
    assert main(["intervene", path, "--out", str(tmp_path), *flags]) == 1
    assert words in capsys.readouterr().err


def test_a_workspace_lives_through_its_verbs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--workspace", str(tmp_path / "workspace"), "--json"]
    assert main(["ingest", str(folder), *home]) == 0
    assert rows(capsys.readouterr().out)[-1]["state"] == "done"
    assert main(["build", "--shift", "0.3", "--mute", "silence", "--swap", *home]) == 0
    assert main(["verify", *home]) == 0
    assert rows(capsys.readouterr().out)[-1] == {"checked": 2 + 8, "disagreements": []}
    assert main(["backup", str(tmp_path / "copy.duckdb"), *home]) == 0
    assert main(["backup", str(tmp_path / "copy.duckdb"), *home]) == 1
    assert "exist" in capsys.readouterr().err
    assert main(["snapshot", str(tmp_path / "parquet"), *home]) == 0
    assert list((tmp_path / "parquet").rglob("stimulus*.parquet"))
    assert main(["reel", "low", "--out", str(tmp_path / "reel.mp4"), "--condition", "delayed", *home]) == 0
    assert (tmp_path / "reel.mp4").stat().st_size > 10_000
    with open_store(tmp_path / "annotations.duckdb", tmp_path / "workspace") as store:
        assert {clip.kind for clip in store.clips()} == {"low", "high"}
        victim = store.stimuli()[0]
    path = tmp_path / "workspace" / "stimuli" / victim.clip_id / victim.people
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    capsys.readouterr()
    assert main(["verify", *home]) == 1
    assert victim.id in capsys.readouterr().err


def test_an_empty_folder_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(tmp_path), "--workspace", str(tmp_path / "w")]) == 1
    assert "no video here" in capsys.readouterr().err


def test_doctor_names_every_pinned_library_and_no_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    main(["doctor", "--json"])
    text = capsys.readouterr().out
    found = {str(row["name"]): row for row in rows(text)}
    assert {"av", "duckdb", "gradio", "torch", "trl", "chromium"} <= set(found)
    assert found["OPENAI_API_KEY"]["found"] == "set"
    assert "secret" not in text


def test_a_reader_that_goes_away_is_no_error(folder: Path, tmp_path: Path) -> None:
    path = str(folder / "low" / "low tone.mp4")
    command = [sys.executable, "-m", "thud", "intervene", path, "--out", str(tmp_path), "--mute", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.close()
        _, err = child.communicate(timeout=120)
    assert "Traceback" not in err

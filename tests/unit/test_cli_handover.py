"""From a workspace to a folder that another tool runs: the files are those that a listener would be shown."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from tests.sounds import make_ding_clip
from thud.cli import handover, main
from thud.cli.output import Output
from thud.errors import BadRequest
from thud.media.picture import picture_hash
from thud.media.probe import probe


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips with an original, both shifts, a mute without a sound track, and a swap."""
    folder = tmp_path_factory.mktemp("exported")
    for kind, pitch in (("low", 300.0), ("high", 2500.0)):
        (folder / "clips" / kind).mkdir(parents=True)
        make_ding_clip(folder / "clips" / kind / f"{kind}.mp4", 2.0, 0.9, pitch_hz=pitch, seed=int(pitch))
    own = ["--workspace", str(folder / "workspace")]
    assert main(["ingest", str(folder / "clips"), *own]) == 0
    assert main(["build", "--shift", "-0.5", "0.5", "--mute", "drop_stream", "--swap", *own]) == 0
    return folder / "workspace"


def export(workspace: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    handover.add_parser(parser.add_subparsers())
    args = parser.parse_args(["export-tasks", *arguments])
    args.workspace, args.db = workspace, None
    return handover.run_export(args, Output(True))


def rows(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]


def test_a_workspace_becomes_an_inspect_folder(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(workspace, "inspect", "--out", str(tmp_path / "out"), "--stills", "1") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["items"] == 2 * 7
    assert said["tasks"] == {"frames": 14, "frames_and_sound": 12, "video": 14, "sound": 12}
    found = rows(tmp_path / "out")
    cells = sorted({str(row["cell"]) for row in found})
    assert cells == [
        "consistency original",
        "consistency swapped",
        "existence muted",
        "existence original",
        "sync original",
        "sync shifted",
    ]
    for row in found:
        video, picture = (tmp_path / "out" / str(row[field]) for field in ("video", "picture"))
        assert picture_hash(video) == picture_hash(picture)
        assert probe(video).has_sound == (row["condition"] != "muted")
        assert not probe(picture).has_sound
        assert len(row["frames"]) == 2  # type: ignore[arg-type]
    heard = [tmp_path / "out" / str(row["video"]) for row in found if row["sound"]]
    assert len({path.stat().st_size for path in heard}) <= 2, "a file's size would tell the condition"


def test_a_choice_set_and_a_part_of_the_workspace(workspace: Path, tmp_path: Path) -> None:
    wanted = ["--set", "choice", "--task", "sync", "--condition", "delayed", "--clip", "low"]
    assert export(workspace, "lmms-eval", "--out", str(tmp_path / "out"), *wanted) == 0
    (row,) = rows(tmp_path / "out")
    assert (row["expected"], row["offset_s"], row["cell"]) == ("delayed", 0.5, "sync shifted")
    options = {option["label"]: option["letter"] for option in row["options"]}  # type: ignore[union-attr, attr-defined]
    assert f"{options['delayed']}) The sound comes after the picture." in str(row["text"])
    assert not list((tmp_path / "out" / "media").glob("*.jpg"))


def test_free_text_and_lost_files_are_not_handed_over(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="free text"):
        export(workspace, "inspect", "--out", str(tmp_path / "out"), "--set", "neutral", "--stills", "0")
    sound = next((workspace / "stimuli").rglob("*.wav"))
    kept = sound.read_bytes()
    sound.write_bytes(kept[:-2] + b"\1\1")
    try:
        with pytest.raises(BadRequest, match="1 stimuli lack a file"):
            export(workspace, "inspect", "--out", str(tmp_path / "out"))
    finally:
        sound.write_bytes(kept)
    assert not (tmp_path / "out").exists()

"""Listing what there is to ingest, without opening a video."""

from __future__ import annotations

from pathlib import Path

import pytest

from thud.errors import BadRequest
from thud.runs.sources import list_sources, plan_ingest


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_a_folder_is_walked_and_subfolders_name_the_kind(tmp_path: Path) -> None:
    touch(tmp_path / "glass" / "a b'c é.mp4")
    touch(tmp_path / "-dash.MOV")
    touch(tmp_path / ".hidden" / "x.mp4")
    touch(tmp_path / "notes.txt")
    sources, refused = list_sources([tmp_path])
    assert [(Path(s.path).name, s.kind) for s in sources] == [("-dash.MOV", ""), ("a b'c é.mp4", "glass")]
    assert not refused


def test_a_manifest_in_the_folder_speaks_first(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4"), touch(tmp_path / "b.mp4")
    (tmp_path / "manifest.csv").write_text("path,kind,audio_s\na.mp4,wood,1.5\n")
    by_name = {Path(s.path).name: s for s in list_sources([tmp_path])[0]}
    assert (by_name["a.mp4"].kind, by_name["a.mp4"].audio_s, by_name["a.mp4"].times) == ("wood", 1.5, "manifest")
    assert by_name["b.mp4"].audio_s is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"title": "x"}', "no path"),
        ('{"path": "a.mp4", "audio_s": "soon"}', "not a time"),
        ('{"path": "a.mp4", "audio_s": -3}', "not a time"),
        ('{"path": "a.mp4", "audio_s": NaN}', "not a time"),
    ],
)
def test_a_bad_manifest_row_is_refused_by_number_and_the_rest_goes_on(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(f'{line}\n{{"path": "good.mp4"}}\n')
    sources, refused = list_sources([path])
    assert [Path(s.path).name for s in sources] == ["good.mp4"]
    assert refused[0].subject == "list.jsonl, row 1"
    assert reason in refused[0].reason


def test_a_manifest_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("path,title\na.mp4,Glas\xe9\n".encode("latin-1"))
    with pytest.raises(BadRequest, match=r"list\.csv"):
        list_sources([path])


def test_a_folder_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert len(list_sources([tmp_path])[0]) == 1


def test_nothing_is_refused_and_keys_do_not_repeat(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no video"):
        plan_ingest([tmp_path])
    touch(tmp_path / "a.mp4")
    items = plan_ingest([tmp_path, tmp_path / "a.mp4"])
    assert len({item["key"] for item in items}) == len(items) == 1


def test_only_a_manifest_that_was_named_may_list_files_elsewhere(tmp_path: Path) -> None:
    far = touch(tmp_path / "far" / "a.mp4")
    (tmp_path / "near").mkdir()
    path = tmp_path / "near" / "manifest.csv"
    path.write_text(f"path\n{far}\n")
    assert list_sources([path])[0][0].folder == str(far.parent)
    assert list_sources([path.parent])[0][0].folder == str(path.parent)

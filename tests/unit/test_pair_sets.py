"""Sets on disk: whole or not there, the same bytes for the same pairs, read by number and by what is known of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.unit.runs_kit import tiny_disk
from thud.errors import NotFound, StoreBroken, StoreFull
from thud.pairs.pair import Pair, Shown, pair_from_json, pair_json
from thud.pairs.pair_set import SetWriter, is_set, open_set, sets_folder

ABOUT = {"title": "Some", "origin": "imported", "made_at": "2026-01-01T00:00:00", "by": "ada"}


def _pair(n: int, **more: object) -> Pair:
    made = Pair(
        "shift", f"Is it in sync? {n}", "The sound is early.", "Picture and sound agree.",
        Shown(f"clips/{n % 3}.mp4", f"stimuli/{n}.wav", f"{n % 3:064x}", ""), clip_id=f"clip{n % 3}", split="train",
        condition="early", offset_s=-0.6, visual_s=2.0, audio_s=1.4, label="early", rejected_label="synced",
        origin={"times": [2.0, 2.0, "gold"]},
    )  # fmt: skip
    return replace(made, **more)


def _write(workspace: Path, pairs: list[Pair], set_id: str = "") -> str:
    with SetWriter(workspace) as writer:
        for n, pair in enumerate(pairs):
            writer.add(pair, ("gap",) if n == 1 else (), ("gap", "edge") if n == 1 else ())
        return writer.finish(ABOUT, set_id)


def test_what_is_written_is_read_by_number_and_in_a_row(tmp_path: Path) -> None:
    pairs = [_pair(n) for n in range(5)]
    found = open_set(tmp_path, _write(tmp_path, pairs))
    assert [pair_from_json(found.row(n)["pair"]) for n in (4, 0, 2)] == [pairs[4], pairs[0], pairs[2]]
    assert found.row(1) == {
        "n": 1, "id": pairs[1].id, "held": ["gap"], "findings": ["gap", "edge"], "pair": pair_json(pairs[1])
    }  # fmt: skip
    assert list(found.pairs()) == [(n, pairs[n]) for n in (0, 2, 3, 4)]
    assert [n for n, _ in found.pairs(held=True)] == [0, 1, 2, 3, 4]
    for wrong in (-1, 5):
        with pytest.raises(NotFound):
            found.row(wrong)


def test_lines_are_chosen_by_what_is_known_of_them(tmp_path: Path) -> None:
    pairs = [
        _pair(n, type="mute" if n < 2 else "CTP", split="validation" if n == 3 else "train", condition=f"c{n % 2}")
        for n in range(6)
    ]
    found = open_set(tmp_path, _write(tmp_path, pairs))

    def numbers(**asked: object) -> list[int]:
        return [line.n for line in found.lines(**asked)]  # type: ignore[arg-type]

    assert numbers() == [0, 1, 2, 3, 4, 5]
    assert numbers(type="CTP") == [2, 3, 4, 5]
    assert numbers(split="validation") == [3]
    assert numbers(check="edge") == numbers(held=True) == [1]
    assert numbers(held=False, type="mute") == [0]
    assert numbers(condition="c1", clip_id="clip1") == [1]
    assert numbers(ids={pairs[5].id}) == [5]
    assert numbers(numbers={2, 4}) == [2, 4]
    assert [row["n"] for row in found.rows(found.lines(type="mute"))] == [0, 1]


def test_the_summary_counts_what_is_kept(tmp_path: Path) -> None:
    pairs = [
        _pair(0), _pair(1), _pair(2, type="FV-D", split="validation", condition="original", rejected_label=""),
        _pair(3, rejected_label="delayed"),
    ]  # fmt: skip
    with SetWriter(tmp_path) as writer:
        for n, pair in enumerate(pairs):
            writer.add(pair, ("gap",) if n == 1 else ())
        told = {"shift": {"wanted": 9, "available": 7}, "swap": {"wanted": 1, "available": 0}}
        name = writer.finish({**ABOUT, "types": told})
    summary = open_set(tmp_path, name).summary
    assert (summary["pairs"], summary["held"], summary["origin"], summary["by"]) == (3, 1, "imported", "ada")
    assert summary["types"] == {
        "shift": {"wanted": 9, "made": 3, "available": 7, "held": 1},
        "swap": {"wanted": 1, "made": 0, "available": 0, "held": 0},
        "FV-D": {"wanted": 0, "made": 1, "available": 0, "held": 0},
    }
    assert summary["splits"]["train"] == {"clips": 1, "pairs": 2}
    assert summary["splits"]["test"] == {"clips": 0, "pairs": 0}
    assert summary["balance"]["rejected"] == {"": 1, "delayed": 1, "synced": 1}
    assert summary["balance"]["general_share"] == pytest.approx(1 / 3, abs=1e-4)


def test_media_are_listed_once_with_their_hashes(tmp_path: Path) -> None:
    name = _write(tmp_path, [_pair(n, rejected_shown=Shown("", "other.wav", "", "ff")) for n in range(4)])
    assert open_set(tmp_path, name).media() == {
        **{f"clips/{n}.mp4": f"{n:064x}" for n in range(3)}, **{f"stimuli/{n}.wav": "" for n in range(4)},
        "other.wav": "ff",
    }  # fmt: skip


def test_the_same_pairs_are_the_same_set_and_the_same_bytes(tmp_path: Path) -> None:
    pairs = [_pair(n) for n in range(3)]
    first, again = (_write(tmp_path / side, pairs) for side in ("a", "b"))
    assert first == again != _write(tmp_path / "a", pairs[:2])
    for name in ("pairs.jsonl", "index.jsonl", "media.json", "summary.json"):
        assert (sets_folder(tmp_path / "a") / first / name).read_bytes() == (
            sets_folder(tmp_path / "b") / first / name
        ).read_bytes()
    digest = sha256((sets_folder(tmp_path / "a") / first / "pairs.jsonl").read_bytes()).hexdigest()
    assert digest.startswith(first)


def test_a_set_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    name = _write(tmp_path, [_pair(0)], "abc")
    before = (sets_folder(tmp_path) / name / "pairs.jsonl").read_bytes()
    assert _write(tmp_path, [_pair(0), _pair(1)], "abc") == "abc"
    assert (sets_folder(tmp_path) / name / "pairs.jsonl").read_bytes() == before
    assert [path.name for path in sets_folder(tmp_path).iterdir()] == ["abc"]


def test_without_finish_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), SetWriter(tmp_path) as writer:
        writer.add(_pair(0))
        _ = 1 / 0
    assert list(sets_folder(tmp_path).iterdir()) == []


def _write_and_hang(workspace: Path, written: object) -> None:
    with SetWriter(workspace) as writer:
        writer.add(_pair(0))
        written.set()  # type: ignore[attr-defined]
        signal.pause()


def test_what_a_killed_writer_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    written = context.Event()
    child = context.Process(target=_write_and_hang, args=(tmp_path, written))
    child.start()
    assert written.wait(60) and child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert [path.name.startswith(".aside-") for path in sets_folder(tmp_path).iterdir()] == [True]
    with SetWriter(tmp_path) as other, SetWriter(tmp_path) as writer:  # nor does one that lives disturb another
        other.add(_pair(2))
        writer.add(_pair(1))
        name = writer.finish(ABOUT)
        assert is_set(tmp_path, name)
        other.finish(ABOUT, "def")
    assert sorted(path.name for path in sets_folder(tmp_path).iterdir()) == sorted([name, "def"])


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path) as folder:
        yield folder


def test_a_full_disk_is_told_and_leaves_nothing(full: Path) -> None:
    with pytest.raises(StoreFull), SetWriter(full) as writer:
        for n in range(2000):
            writer.add(_pair(n))
        writer.finish(ABOUT)
    assert list(sets_folder(full).iterdir()) == []


@pytest.mark.parametrize("name", ["none", "", "../pairs", "a/b"])
def test_a_set_that_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match="no pair set"):
        open_set(tmp_path, name)


def test_a_damaged_set_says_so(tmp_path: Path) -> None:
    name = _write(tmp_path, [_pair(0)])
    (sets_folder(tmp_path) / name / "index.jsonl").write_text("[1, 2\n")
    with pytest.raises(StoreBroken, match="damaged"):
        open_set(tmp_path, name)


def test_a_set_written_anew_is_read_anew(tmp_path: Path) -> None:
    name = _write(tmp_path, [_pair(0)], "abc")
    assert open_set(tmp_path, name) is open_set(tmp_path, name)
    summary = sets_folder(tmp_path) / name / "summary.json"
    summary.write_text(json.dumps({**json.loads(summary.read_text()), "title": "Other"}))
    os.utime(summary, ns=(1, 1))
    assert open_set(tmp_path, name).summary["title"] == "Other"

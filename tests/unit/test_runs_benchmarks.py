"""Benchmarks of others, from the user's folder to a row of the alignment tax: nothing is skipped in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annotate_kit import Place, make_numbered_clip, workspace
from tests.hearing_server import sound_sent
from tests.vendors import Asked, ChatServer
from tests.vendors.kit import give_keys
from thud.errors import BadRequest, NotFound
from thud.evaluation.answers import read_answer
from thud.listeners.roster import LISTENERS, Listener
from thud.runs.listening.benchmarks import (
    find_benchmark,
    import_benchmark,
    imported,
    items_of,
    start_benchmark,
    tax_rows,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    give_keys(monkeypatch)
    with workspace(tmp_path, []) as opened:
        yield opened


def daily(folder: Path, questions: int = 3) -> Path:
    """A DailyOmni folder with two videos; a third that a row names is not there."""
    videos = folder / "Videos"
    videos.mkdir(parents=True)
    for number in range(2):
        clip = make_numbered_clip(videos, number)
        Path(clip.path).rename(videos / f"v{number}.mp4")
    options = ["A. a tone", "B. a dog", "C. rain", "D. nothing"]
    about = {"Choice": options, "Answer": "A", "Type": "Event Sequence", "video_duration": "30s"}
    rows = [
        {"Question": f"What is heard first ({number})?", "video_id": f"v{number % 3}", **about}
        for number in range(questions)
    ]
    (folder / "qa.json").write_text(json.dumps(rows))
    return folder


def test_a_set_is_imported_asked_and_scored(place: Place, tmp_path: Path) -> None:
    made, found = import_benchmark(place.store, daily(tmp_path / "daily"), "ana")
    assert (made.kind, made.questions, len(found.refused)) == ("do", 2, 1)
    assert imported(place.store)[made.id]["refused"] == made.refused
    assert find_benchmark(place.store, "do") == made.id

    def answer(asked: Asked) -> str:
        sound = sound_sent(asked)
        return "A" if sound is not None and sound.max() > 0.05 else "D"

    with ChatServer(answer=answer) as server:
        listener = Listener(
            "tiny", "compatible", "tiny-omni", server.url, transport="frames+input_audio", per_minute=10_000
        )
        run = place.runs.wait(start_benchmark(place.store, place.runs, listener, made.id, "ana", override=True).id)
        assert run.state == "done", run.message
        with pytest.raises(BadRequest, match="nothing to ask"):
            start_benchmark(place.store, place.runs, listener, made.id, "ana", override=True)
        blind = place.runs.wait(
            start_benchmark(place.store, place.runs, listener, made.id, "ana", arm="picture_only").id
        )
    heard, seen = place.store.responses(run.id), place.store.responses(blind.id)
    assert [(one.item.task, one.answer.label, one.item.expected) for one in heard] == [("choice", "A", "A")] * 2
    assert {one.answer.label for one in seen} == {"D"}, "without the sound it hears nothing"
    assert len({one.source for one in heard}) == 2
    (row,) = tax_rows(place.store)
    assert row.cells["do"] is not None and row.cells["do"].accuracy.value == 1.0 and row.average is None


def test_the_same_folder_is_the_same_set_and_shuffled_letters_are_another(place: Place, tmp_path: Path) -> None:
    folder = daily(tmp_path / "daily")
    first = import_benchmark(place.store, folder, "ana")[0]
    assert import_benchmark(place.store, folder, "ben")[0] == first
    other = import_benchmark(place.store, folder, "ana", seed=4)[0]
    assert other.id != first.id and len(imported(place.store)) == 2
    for item, row in items_of(place.store, other.id, "audio_video"):
        assert f"{item.expected}. a tone" in row["text"], "the right letter is the one that is shown"
        assert read_answer("choice", f"{item.expected}.", item.options, item.text).label == item.expected


def test_what_cannot_be_asked_is_said(place: Place, tmp_path: Path) -> None:
    folder = daily(tmp_path / "daily")
    made = import_benchmark(place.store, folder, "ana")[0]
    with pytest.raises(BadRequest, match="cannot be asked"):
        start_benchmark(place.store, place.runs, LISTENERS["signal"], made.id, "ana")
    with pytest.raises(NotFound, match="There is no benchmark"):
        find_benchmark(place.store, "mmlu")
    (folder / "Videos" / "v0.mp4").unlink()
    with pytest.raises(NotFound, match=r"v0\.mp4 is not where it was"):
        items_of(place.store, made.id, "audio_video")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadRequest, match="so no questions"):
        import_benchmark(place.store, empty, "ana")

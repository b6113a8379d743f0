"""Marks as JSON lines: what goes out comes in again, and a hostile line is refused alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.store_samples import a_clip
from thud.errors import BadRequest
from thud.records import Mark
from thud.runs.annotating.marks_file import Clips, export_lines, import_marks, parse_line
from thud.store import Store, open_store

CLIP = a_clip(1)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(tmp_path / "a.duckdb", tmp_path) as found:
        found.add_clips([CLIP, a_clip(2), a_clip(3, path="other/clip_0002.mp4")], "test")
        yield found


def line(**changed: Any) -> str:
    return json.dumps({"clip": CLIP.id, "annotator": "gemini", "visual_s": 1.0, "audio_s": 1.5, **changed})


@pytest.mark.parametrize(
    "name", [CLIP.id, CLIP.sha256, "clip_0001.mp4", "CLIP_0001", "/elsewhere/clip_0001.mp4", CLIP.path]
)
def test_a_clip_is_found_by_any_of_its_names(name: str) -> None:
    assert parse_line(line(clip=name), Clips([CLIP, a_clip(2)])).clip_id == CLIP.id


@pytest.mark.parametrize(
    "bad",
    [
        "", "nonsense", "[]", "3", "null", "[" * 90_000, "x" * 100_001, "{}",
        line(clip="none.mp4"), line(clip=3), line(clip=""), line(clip="clip_0002"),
        line(annotator=""), line(annotator=["gemini"]), line(annotator="x" * 81), line(annotator="\ud800"),
        line(visual_s="1"), line(visual_s=True), line(visual_s=float("nan")), line(visual_s=float("inf")),
        line(visual_s=-1), line(visual_s=99), line(visual_s=10**400), line(audio_s=[1]),
        line(visual_s=None, audio_s=None), line(verdict="gold"), line(verdict=None), line(verdict=[1]),
        line(verdict="no_sound"), line(person="yes"), line(detail=[1]), line(detail={"x": float("nan")}),
        line(detail={"x": "\ud800"}), line(reason="x" * 2001), line(reason=1),
    ],
)  # fmt: skip
def test_hostile_lines_are_refused(bad: str) -> None:
    with pytest.raises(BadRequest):
        parse_line(bad, Clips([CLIP, a_clip(2), a_clip(3, path="other/clip_0002.mp4")]))


def test_bad_lines_are_refused_one_by_one_with_their_number(store: Store) -> None:
    lines = ["\ufeff" + line(), "", "nonsense", line(annotator="gpt", unit=[1, 2], confidence="high"), line(clip="?")]
    report = import_marks(store, lines, "rob")
    assert (report.added, report.known) == (2, 0)
    assert [each.line for each in report.refused] == [3, 5]
    gpt = next(mark for mark in store.marks() if mark.annotator == "gpt")
    assert (gpt.detail, gpt.person) == ({"unit": [1, 2], "confidence": "high"}, False)
    assert {event.actor for event in store.events() if event.kind == "submit_mark"} == {"rob"}


def test_the_same_file_again_is_known_and_a_changed_line_corrects(store: Store) -> None:
    import_marks(store, [line()], "rob")
    assert import_marks(store, [line()], "rob").known == 1
    assert import_marks(store, [line(visual_s=2.0)], "rob").added == 1
    assert [mark.visual_s for mark in store.marks()] == [2.0]


def test_the_same_annotator_twice_in_one_file_is_the_last(store: Store) -> None:
    import_marks(store, [line(), line(visual_s=2.0)], "rob")
    assert [mark.visual_s for mark in store.marks()] == [2.0]


def test_what_a_person_saved_at_the_page_is_never_written_over(store: Store) -> None:
    store.submit_mark(Mark(CLIP.id, "ana", 1.0, 1.1, seq=1_700_000_000_000, save_id="s"))
    report = import_marks(store, [line(annotator="ana", person=True, visual_s=3.0)], "rob")
    assert (report.added, report.known) == (0, 1)
    refused = import_marks(store, [line(annotator="ana", visual_s=3.0)], "rob").refused
    assert [each.line for each in refused] == [1] and "a person" in refused[0].reason
    assert [mark.visual_s for mark in store.marks()] == [1.0]


def test_export_and_import_into_another_workspace_give_the_same_marks(store: Store, tmp_path: Path) -> None:
    store.submit_mark(
        Mark(CLIP.id, "ana", 1.0, None, "no_sound", seq=5, save_id="s", detail={"how": {"visual": "paused"}})
    )
    store.submit_mark(Mark(CLIP.id, "gpt", None, None, "uncertain", person=False, detail={"unit": [0.0, 1.0]}))
    store.submit_mark(Mark(CLIP.id, "ben", None, None, "discarded", "hidden “x”\n"))
    lines = list(export_lines(store))
    assert import_marks(store, lines, "rob").known == 3
    with open_store(tmp_path / "b.duckdb", tmp_path) as other:
        other.add_clip(CLIP, "test")
        assert import_marks(other, lines, "rob").added == 3

        def told(found: Store) -> list[tuple[Any, ...]]:
            return [(m.annotator, m.person, m.visual_s, m.audio_s, m.verdict, m.reason) for m in found.marks()]

        assert told(other) == told(store)
        assert other.marks()[0].detail["how"] == {"visual": "paused"}


def test_a_file_of_another_kind_is_not_listed_line_by_line(store: Store) -> None:
    refused = import_marks(store, ["x"] * 5000, "rob").refused
    assert len(refused) == 1001 and refused[0].line == 0

"""Segments and choice questions from other people's files: what is taken, what is refused, what needs the sound."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.annotate_kit import Place, make_numbered_clip, workspace
from tests.hearing_server import sound_sent
from tests.unit.general_kit import HEARD, a_general_clip, general_material
from tests.vendors import Asked, ChatServer
from tests.vendors.kit import give_keys
from thud.cli import main
from thud.errors import BadRequest
from thud.evaluation.benchmarks.question import BadRow
from thud.listeners.roster import Listener, to_json
from thud.pairs.choices import choices_in, sound_choices
from thud.pairs.material import Choice, Segment
from thud.pairs.rows import Finder, rows_of
from thud.pairs.said import alike, moment
from thud.pairs.segment_words import KIND, correct, name_of, overlap, say, word_json
from thud.pairs.segments import MADE_UP, seconds_of, segments_in
from thud.records import Clip, EventTimes
from thud.runs.pairs.material import (
    DEMO_TITLE,
    add_demo_segments,
    choices_of,
    import_material,
    picture_only,
    segments_of,
    start_picture_only,
)

CLIPS = [a_general_clip(number) for number in range(6)]
FINDER = Finder(CLIPS)
FIRST = CLIPS[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with workspace(tmp_path, CLIPS) as opened:
        yield opened


def written(folder: Path, name: str, rows: Any) -> Path:
    """A JSON file, or JSONL where the name says so."""
    path = folder / name
    lines = name.endswith(".jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows), encoding="utf-8")
    return path


def a_row(**changed: Any) -> dict[str, Any]:
    row = {
        "video": "clip_0000.mp4",
        "start": 1,
        "end": "0:00:03.500",
        "description": "A cup is filled",
        "sounds": ["tea"],
    }
    return {**row, **changed}


def read(row: dict[str, Any]) -> list[Segment | str]:
    return [str(one) if isinstance(one, BadRow) else one for one in segments_in(row, FINDER)]


def asked(row: dict[str, Any]) -> list[Choice | str]:
    return [str(one) if isinstance(one, BadRow) else one for one in choices_in(row, 1, FINDER)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (2, 2),
        ("2.5", 2.5),
        ("2.5 s", 2.5),
        ("1:05", 65),
        ("0:01:05.250", 65.25),
        ("01:00:00,5", 3600.5),
        ("00:00:07", 7),
    ],
)
def test_times_are_read_in_all_their_forms(value: Any, seconds: float) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize("value", ["", "soon", None, True, float("nan"), "1:2:3:4", "-1", [3]])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(BadRow, match="no time"):
        seconds_of(value)


@pytest.mark.parametrize(
    "name", [FIRST.path, "/data/videos/clip_0000.mp4", "clip_0000.mp4", "clip_0000", FIRST.id, FIRST.sha256]
)
def test_a_video_is_found_by_path_name_stem_and_id(name: str) -> None:
    assert FINDER.of_row({"video": name, "id": "clip_0001"}) == FIRST
    assert FINDER.of_row({"id": name}) == FIRST


def test_a_video_that_is_not_here_or_twice_here_is_refused() -> None:
    with pytest.raises(BadRow, match=r"^zoo\.mp4 is not in this workspace; add its folder on Clips first$"):
        FINDER.of_row({"video": "zoo.mp4", "id": "clip_0000"})
    twins = [a_general_clip(0, path="a/x.mp4"), a_general_clip(1, path="b/x.mp4")]
    with pytest.raises(BadRow, match="several clips"):
        Finder(twins).of_row({"video": "x.mp4"})
    assert Finder(twins).of_row({"video": "b/x.mp4"}) == twins[1]
    with pytest.raises(BadRow, match="names no video"):
        FINDER.of_row({"start": 1})


def test_segments_are_read_flat_nested_and_as_finevideo_publishes_them() -> None:
    one = Segment(FIRST.id, 1.0, 3.5, "A cup is filled", ("tea",))
    assert read(a_row()) == [one]
    assert read(a_row(sounds="tea; a spoon.", end="3.5 s"))[0].sounds == ("tea", "a spoon")  # type: ignore[union-attr]
    nested = [{key: value for key, value in a_row(start=at).items() if key != "video"} for at in (1, 2)]
    assert len(read({"video_id": "clip_0000", "segments": nested})) == 2
    scene = {
        "title": "Kitchen",
        "timestamps": {"start_timestamp": "00:00:00.000", "end_timestamp": "00:00:04.000"},
        "activities": [
            {
                "description": "A cup is filled",
                "timestamp": {"start_timestamp": "00:00:01", "end_timestamp": "00:00:03.5"},
            }
        ],
    }
    row = {
        "original_video_filename": "clip_0000.mp4",
        "content_metadata": {"title": "Tea", "description": "all", "scenes": [scene, {**scene, "activities": []}]},
    }
    assert read(row) == [Segment(FIRST.id, 1.0, 3.5, "A cup is filled"), Segment(FIRST.id, 0.0, 4.0, "Kitchen")]


def test_segments_that_cannot_be_are_refused_with_the_reason() -> None:
    for changed, reason in [
        ({"end": 0.5}, "it ends before it starts"),
        ({"start": 9.5, "end": 12}, "it lies outside its clip"),
        ({"end": 11}, "it lies outside its clip"),
        ({"description": " "}, "it describes nothing: the description is empty"),
        ({"end": None}, "it has no start or no end"),
        ({"start": "later"}, "its start or end is no time: give seconds, or H:MM:SS"),
    ]:
        assert read(a_row(**changed)) == [reason]
    assert read(a_row(end=9.6))[0].end_s == 9.0, "a little over is the clip's end"  # type: ignore[union-attr]


TALK = "<image>\nWhat falls?\nA. a cup\nB. a plate\nC. a fork\nD. a spoon\nPlease answer with the letter."


def test_choices_are_read_from_conversations_flat_rows_and_benchmarks() -> None:
    options = (("A", "a cup"), ("B", "a plate"), ("C", "a fork"), ("D", "a spoon"))
    want = Choice(FIRST.id, "What falls?", options, "B")
    talk = [{"from": "human", "value": TALK}, {"from": "gpt", "value": "B. a plate."}]
    row = {"id": "7", "conversations": talk * 2, "video": "academic/clip_0000.mp4", "data_source": "x"}
    assert asked(row) == [want, want]
    flat = {
        "video": "clip_0000",
        "question": "What falls?",
        "options": [text for _, text in options],
        "answer": "a plate",
    }
    assert asked(flat) == [want]
    assert asked({**flat, "options": dict(options), "answer": "(b)"}) == [want]
    assert asked({**flat, "options": [f"{letter}. {text}" for letter, text in options], "answer": "B. a plate"}) == [
        want
    ]
    told = {**flat, "explanation": "A plate breaks.", "family": "audio"}
    assert asked(told) == [Choice(FIRST.id, "What falls?", options, "B", "A plate breaks.", "audio")]
    daily = {
        "Question": "What falls?",
        "video_id": "clip_0000",
        "Choice": [f"{a}. {b}" for a, b in options],
        "Answer": "B",
    }
    assert asked(daily) == [want]


def test_choices_that_cannot_be_asked_are_refused_with_the_reason() -> None:
    flat: dict[str, Any] = {"video": "clip_0000", "question": "What falls?", "options": ["a", "b"], "answer": "B"}
    assert "several" not in str(asked(flat)[0])
    assert asked({**flat, "answer": 1})[0].startswith("its answer is a number")  # type: ignore[union-attr]
    assert asked({**flat, "answer": "C"}) == ["its answer is not the letter of one of its options"]
    assert asked({**flat, "options": None}) == ["it has fewer than two options"]
    assert "zoo is not in this workspace" in str(asked({**flat, "video": "zoo"})[0])
    open_ended = [{"from": "human", "value": "What falls?"}, {"from": "gpt", "value": "A plate."}]
    assert asked({"video": "clip_0000", "conversations": open_ended})[0].startswith("it is no multiple choice")  # type: ignore[union-attr]
    unsure = [{"from": "human", "value": TALK}, {"from": "gpt", "value": "Hard to say."}]
    assert asked({"video": "clip_0000", "conversations": unsure}) == ["its answer is not one of its options"]
    assert "synchrony" in str(asked({"gt_synced": True, "video": "clip_0000"})[0])


def test_files_are_read_row_by_row_whatever_their_form(tmp_path: Path) -> None:
    rows = [a_row(start=at) for at in (0, 1, 2)]
    plain = list(enumerate(rows, 1))
    assert list(rows_of(written(tmp_path, "a.json", rows))) == plain
    assert list(rows_of(written(tmp_path, "a.jsonl", rows))) == plain
    assert list(rows_of(written(tmp_path, "b.json", {"version": 1, "data": rows}))) == plain
    assert list(rows_of(written(tmp_path, "c.json", rows[0]))) == plain[:1]
    named = {"clip_0000.mp4": [{"start": 0, "end": 1}], "clip_0001.mp4": {"segments": rows}}
    assert [row["video"] for _, row in rows_of(written(tmp_path, "d.json", named))] == list(named)  # type: ignore[index]
    (tmp_path / "e.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8-sig")
    assert list(rows_of(tmp_path / "e.json")) == plain
    (tmp_path / "f.csv").write_text("video,start,end,description\nclip_0000,1,2,A cup\n", encoding="utf-8")
    ((_, row),) = rows_of(tmp_path / "f.csv")
    assert read(dict(row)) == [Segment(FIRST.id, 1.0, 2.0, "A cup")]  # type: ignore[arg-type]


def test_broken_rows_keep_their_numbers_and_broken_files_say_so(tmp_path: Path) -> None:
    good = json.dumps(a_row())
    path = tmp_path / "x.jsonl"
    path.write_bytes(f"{good}\n\nnot json\n[1]\n{good}\n".encode() + b'{"a": "\xff"}\n')
    found = [(number, str(row) if isinstance(row, BadRow) else "row") for number, row in rows_of(path)]
    unread = "the line is not JSON in UTF-8"
    assert found == [(1, "row"), (3, unread), (4, "it is no object with fields"), (5, "row"), (6, unread)]
    (tmp_path / "cut.json").write_text(f"[{good}, {good}, {{", encoding="utf-8")
    *rows, (number, last) = rows_of(tmp_path / "cut.json")
    assert len(rows) == 2 and number == 3 and "breaks off" in str(last)
    (tmp_path / "wide.json").write_text(f"[{good}]", encoding="utf-16")
    for name, reason in [("wide.json", "UTF-16"), ("gone.json", "There is no file")]:
        with pytest.raises(BadRequest, match=reason):
            list(rows_of(tmp_path / name))
    (tmp_path / "prose.txt").write_text("It was a dark night.")
    with pytest.raises(BadRequest, match="neither JSON"):
        list(rows_of(tmp_path / "prose.txt"))


def test_a_long_file_is_never_held_whole(tmp_path: Path, place: Place) -> None:
    rows = ",".join(json.dumps(a_row(start=n / 2_000, description=f"Cup {n} is filled " * 60)) for n in range(3_000))
    path = tmp_path / "long.json"
    path.write_text(f"[{rows}]", encoding="utf-8")
    assert path.stat().st_size > 3_000_000
    tracemalloc.start()
    made = import_material(place.store, path, "ana", "segments")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.rows == 3_000 and peak < path.stat().st_size


def test_what_is_imported_is_counted_kept_and_read_back(place: Place, tmp_path: Path) -> None:
    rows = [
        a_row(),
        a_row(),
        a_row(video="zoo.mp4"),
        a_row(video="yak.mp4"),
        a_row(end=0),
        a_row(video="clip_0001.mp4"),
    ]
    made = import_material(place.store, written(tmp_path, "segments.jsonl", rows), "ana")
    unknown = "its video is not in this workspace; add its folder on Clips first"
    assert (made.kind, made.rows, made.title) == ("segments", 2, "segments.jsonl")
    assert made.refused == {unknown: 2, "the same stands further up": 1, "it ends before it starts": 1}
    assert [(one.subject, one.reason) for one in made.refusals][1] == (
        "segments.jsonl, row 3",
        "zoo.mp4 is not in this workspace; add its folder on Clips first",
    )
    assert place.store.definitions("pair_material")[made.id]["refused"] == made.refused
    assert segments_of(place.store)[FIRST.id] == (Segment(FIRST.id, 1.0, 3.5, "A cup is filled", ("tea",)),)
    assert import_material(place.store, written(tmp_path, "again.json", rows), "ana").id == made.id, "the same rows"
    assert len(segments_of(place.store)[FIRST.id]) == 1


def test_a_file_of_which_nothing_can_be_used_is_refused(place: Place, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"1 rows refused, mostly: its video is not in this workspace"):
        import_material(place.store, written(tmp_path, "a.json", [a_row(video="zoo.mp4")]), "ana")
    with pytest.raises(BadRequest, match=r"neither segments .* nor choice questions .* its first row has apples"):
        import_material(place.store, written(tmp_path, "b.json", [{"apples": 3}]), "ana")
    with pytest.raises(BadRequest, match="no material 'poems'"):
        import_material(place.store, written(tmp_path, "c.json", [a_row()]), "ana", "poems")
    assert place.store.definitions("pair_material") == {} and segments_of(place.store) == {}
    assert not [*(place.workspace / "pairs" / "material").iterdir()]


def test_a_persons_word_beats_a_models_and_rejected_segments_are_left_out(place: Place, tmp_path: Path) -> None:
    rows = [a_row(), a_row(start=2)]
    import_material(place.store, written(tmp_path, "segments.json", rows), "ana")
    first, second = segments_of(place.store)[FIRST.id]

    def tell(word: Any) -> None:
        place.store.define(KIND, name_of(word), word_json(word), "ana")

    tell(correct(first, "gemini-x", {"description": "A bowl is filled"}, 9.0, at="2026-11-22T10:00:00"))
    tell(say(second, "gemini-x", "reject", at="2026-11-22T10:00:00"))
    assert [one.description for one in segments_of(place.store)[FIRST.id]] == ["A bowl is filled"]
    tell(correct(first, "person:ana", {"sounds": ["water"], "end_s": 3.0}, 9.0, at="2026-11-22T09:00:00"))
    tell(say(second, "person:ana", "agree", at="2026-11-22T09:00:00"))
    kept = segments_of(place.store)[FIRST.id]
    assert kept == (Segment(FIRST.id, 1.0, 3.0, "A cup is filled", ("water",), "person:ana"), second)
    tell(say(first, "person:ben", "reject", at="2026-11-22T11:00:00"))
    assert segments_of(place.store)[FIRST.id] == (second,)


def test_questions_about_sounds_are_made_from_segments_and_stay_the_same() -> None:
    material = general_material()
    clips, segments = material.clips, material.segments
    made = sound_choices(clips, segments)
    for clip_id, (choice,) in made.items():
        said = dict(choice.options)
        own = segments[clip_id][1].sounds[0]
        assert said[choice.answer].lower() == own and list(said) == list("ABCD") and choice.family == "audio"
        others = [text for text in said.values() if text.lower() != own]
        assert all(text.lower() in HEARD and not alike(text, own) for text in others) and len(set(others)) == 3
        assert f"between {moment(segments[clip_id][1].start_s)} and" in choice.question
    assert len(made) == 6 and len({one.answer for (one,) in made.values()}) > 1
    assert sound_choices(clips, dict(reversed(segments.items()))) == made, "the order of clips does not matter"
    few = {clip_id: segments[clip_id] for clip_id in list(segments)[:3]}
    assert sound_choices(clips, few) == {}, "two other sounds are too few"


def test_other_sounds_are_of_other_kinds_and_sources_and_none_is_offered_far_too_often() -> None:
    clips = {clip.id: clip for clip in (a_general_clip(number) for number in range(60))}
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}{tail}" for tail in ("ping", "dong") for n in range(60)]
    segments = {
        key: (Segment(key, 0, 2, "It is seen", (f"{words[n]} {words[n + 60]}",)),) for n, key in enumerate(clips)
    }
    made = sound_choices(clips, segments)
    kinds = {many[0].sounds[0]: clips[key].kind for key, many in segments.items()}
    offered: Counter[str] = Counter()
    for clip_id, (choice,) in made.items():
        others = [text.lower() for letter, text in choice.options if letter != choice.answer]
        assert all(kinds[text] != clips[clip_id].kind for text in others)
        offered.update(others)
    assert len(made) == 60 and len(offered) >= 50 and max(offered.values()) <= 7, "three each on average"
    clips = {key: replace(clip, kind="", source="one film") for key, clip in clips.items()}
    assert sound_choices(clips, segments) == {}, "all are of one source"


def test_the_demo_is_described_as_it_was_made_once(place: Place) -> None:
    from thud.stimuli.demo.cast import ACTS

    clips: list[Clip] = []
    for number, title in enumerate(title for act in ACTS for title in act.titles):
        clip = a_general_clip(100 + number, title=title, synthetic=True, kind=ACTS[number // 2].kind)
        place.store.add_clip(clip, "test")
        place.store.set_times(clip.id, EventTimes(2.0 + number / 50, 2.01 + number / 50, "construction"), "test")
        clips.append(clip)
    assert add_demo_segments(place.store, "thud") == 48 and add_demo_segments(place.store, "thud") == 0
    assert [body["title"] for body in place.store.definitions("pair_material").values()] == [DEMO_TITLE]
    found = segments_of(place.store)
    for number, clip in enumerate(clips):
        before, then = found[clip.id]
        assert before.end_s <= 2.0 + number / 50 < then.end_s and not before.sounds and len(then.sounds) == 1
        assert (
            before.by == then.by == MADE_UP and overlap((before.start_s, before.end_s), (then.start_s, then.end_s)) == 0
        )
    assert len({one.description for many in found.values() for one in many}) == 48
    assert len(choices_of(place.store)) == 24, "each sound can be asked about"


def test_what_a_listener_gets_right_without_sound_is_told_from_what_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(monkeypatch)
    clips = [make_numbered_clip(tmp_path, number) for number in range(2)]
    options = {"A": "a clap of hands", "B": "a dog far away", "C": "falling rain", "D": "one long tone"}
    rows = [
        {"video": Path(clip.path).name, "question": f"What is heard in {n}?", "options": options, "answer": answer,
         "family": "audio"} for n, (clip, answer) in enumerate(zip(clips, "DB", strict=True))
    ]  # fmt: skip

    def always_the_tone(asked: Asked) -> str:
        assert sound_sent(asked) is None, "the picture only"
        text = json.dumps(asked.json)
        return next(letter for letter in "ABCD" if f"{letter}. one long tone" in text)

    with workspace(tmp_path, clips) as place, ChatServer(answer=always_the_tone) as server:
        listener = Listener("deaf", "compatible", "m", server.url, transport="frames+input_audio", per_minute=10_000)
        place.store.define("listener", "deaf", to_json(listener), "ana")
        with pytest.raises(BadRequest, match="no question about sound yet"):
            start_picture_only(place.store, place.runs, "deaf", "ana")
        import_material(place.store, written(tmp_path, "fva.json", rows), "ana")
        assert picture_only(place.store) == {}
        run = place.runs.wait(start_picture_only(place.store, place.runs, "deaf", "ana").id)
        assert run.state == "done", run.message
        by_answer = {one.answer: one.id for many in choices_of(place.store).values() for one in many}
        assert picture_only(place.store) == {by_answer["D"]: False, by_answer["B"]: True}
        with pytest.raises(BadRequest, match="has answered all questions"):
            start_picture_only(place.store, place.runs, "deaf", "ana")


def test_material_is_imported_from_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with workspace(tmp_path, CLIPS):
        pass
    path = written(tmp_path, "s.jsonl", [a_row(), a_row(video="zoo.mp4")])
    where = ["--workspace", str(tmp_path / "workspace"), "--db", str(tmp_path / "annotations.duckdb")]
    assert main(["pairs", "material", str(path), *where]) == 1
    said = capsys.readouterr()
    assert "s.jsonl: 1 segments, 1 rows refused" in said.out and "s.jsonl, row 2" in said.err
    assert main(["pairs", "ask-without-sound", "nobody", *where]) == 1
    assert "There is no listener" in capsys.readouterr().err

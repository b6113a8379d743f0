"""Question sets of others: every row is a question that can be asked, or a refusal that says which row and why."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thud.errors import BadRequest
from thud.evaluation.benchmarks import BenchmarkSet, as_question_set, read_benchmark
from thud.evaluation.benchmarks.question import BadRow, lettered, split_options

FOUR = ["A. A dog.", "B. A cat.", "C. A bird.", "D. A fish."]
PLAIN = (("A", "A dog."), ("B", "A cat."), ("C", "A bird."), ("D", "A fish."))


def video(folder: Path, *names: str) -> None:
    """Files that are there; what is in them is not looked at."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0")


def lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def mme(name: str = "aaa", question_id: str = "001-1", **changes: Any) -> dict[str, Any]:
    row = {"video_id": "001", "videoID": name, "question_id": question_id, "duration": "short", "domain": "Knowledge"}
    row |= {"sub_category": "Geography", "task_type": "Counting", "question": "What runs?", "options": FOUR}
    return {**row, "answer": "C", **changes}


def vgg(uid: str, direction: str, size_s: float, band: str, **changes: Any) -> dict[str, Any]:
    row = {"uid": uid, "ytid": "yt", "label": "bark", "difficulty": band, "gt_synced": direction == "none"}
    row |= {"gt_direction": direction, "gt_offset_sec": size_s, "video_path": f"v/{uid}.mp4"}
    return {**row, "audio_path": f"a/{uid}.wav", **changes}


def read_vgg(folder: Path, *rows: dict[str, Any]) -> BenchmarkSet:
    for row in rows:
        video(folder, str(row["video_path"]), str(row["audio_path"]))
    return read_benchmark(lines(folder / "test.jsonl", list(rows)))


def test_video_mme_is_read_from_a_list_and_from_a_list_of_videos(tmp_path: Path) -> None:
    video(tmp_path, "data/aaa.mp4", "data/bbb.MKV")
    flat = [mme(), mme("bbb", "002-1", answer="(a)", options=["Yes", "No"])]
    (tmp_path / "test.json").write_text(json.dumps(flat))
    found = read_benchmark(tmp_path)
    assert (found.kind, found.name, found.refused) == ("vmme", "Video-MME", ())
    first, second = found.questions
    assert (first.uid, first.video) == ("001-1", str(tmp_path / "data/aaa.mp4"))
    assert (first.question, first.options, first.answer) == ("What runs?", PLAIN, "C")
    assert first.group["duration"] == ("short",) and first.group["type"] == ("Counting",)
    assert (second.options, second.answer) == ((("A", "Yes"), ("B", "No")), "A")
    assert second.video.endswith("bbb.MKV")

    inner = [{name: row.pop(name) for name in ("question_id", "question", "options", "answer")} for row in [mme()]]
    (tmp_path / "test.json").write_text(json.dumps([{**mme(question="", options=[]), "questions": inner}]))
    assert read_benchmark(tmp_path / "test.json").questions[0].options == PLAIN


def test_lvbench_takes_the_options_out_of_the_question(tmp_path: Path) -> None:
    video(tmp_path, "all_videos/Cm73.mp4")
    asked = {"uid": "7", "question": "What year?\n(A) 1636\n(B) 1366 (old)\n(C) 1363\n(D) 1633", "answer": "D"}
    asked |= {"question_type": ["key information retrieval", "reasoning"], "time_reference": "00:15-00:19"}
    lines(tmp_path / "video_info.meta.jsonl", [{"key": "Cm73", "type": "cartoon", "qa": [asked, asked]}])
    found = read_benchmark(tmp_path)
    question = found.questions[0]
    assert (question.question, question.answer) == ("What year?", "D")
    assert question.options == (("A", "1636"), ("B", "1366 (old)"), ("C", "1363"), ("D", "1633"))
    assert question.group["type"] == ("key information retrieval", "reasoning")
    assert question.group["domain"] == ("cartoon",)
    assert found.reasons() == {"a question of the same id stands further up": 1}


def test_daily_omni_and_world_sense(tmp_path: Path) -> None:
    omni, world = tmp_path / "omni", tmp_path / "world"
    video(omni, "Videos/xyz/xyz_video.mp4", "Videos/xyz/xyz_video_0.mp4")
    row = {"Question": "Which?", "Choice": FOUR, "Answer": "B", "video_id": "xyz", "Type": "Event Sequence"}
    (omni / "qa.json").write_text(json.dumps([{**row, "video_duration": "30s", "video_category": "Sports"}]))
    question = read_benchmark(omni).questions[0]
    assert question.video == str(omni / "Videos/xyz/xyz_video.mp4")
    assert question.group == {"duration": ("30s",), "domain": ("Sports",), "type": ("Event Sequence",)}

    video(world, "videos/w1.mp4")
    task = {"task_domain": "Perception", "task_type": "Audio Change", "question": "Why?", "candidates": FOUR}
    whole = {"w1": {"domain": "Music", "audio_class": ["Speech", "Music"], "task0": {**task, "answer": "A"}}}
    whole["w1"]["task1"] = {**task, "question": "How?", "answer": "Z"}
    (world / "worldsense_qa.json").write_text(json.dumps(whole))
    found = read_benchmark(world)
    assert found.kind == "ws" and found.questions[0].group["sound"] == ("Speech", "Music")
    assert [(each.subject, each.reason) for each in found.refused] == [
        ("worldsense_qa.json, row 1 (w1)", "its answer is not the letter of one of its options")
    ]


def test_a_table_is_read_like_json(tmp_path: Path) -> None:
    video(tmp_path, "aaa.mp4")
    for name, between in (("q.csv", ","), ("q.tsv", "\t")):
        with (tmp_path / name).open("w", newline="") as file:
            table = csv.DictWriter(file, list(mme()), delimiter=between)
            table.writeheader()
            table.writerow({**mme(question="Two\nlines?"), "options": repr(FOUR)})
        question = read_benchmark(tmp_path / name).questions[0]
        assert (question.question, question.options) == ("Two\nlines?", PLAIN)


def test_parquet_rows_come_from_whoever_can_read_them(tmp_path: Path) -> None:
    video(tmp_path, "data/aaa.mp4")
    (tmp_path / "videomme").mkdir()
    (tmp_path / "videomme" / "test-0.parquet").write_bytes(b"PAR1")
    found = read_benchmark(tmp_path, parquet=lambda path: [mme(options=tuple(FOUR))])
    assert [question.answer for question in found.questions] == ["C"]
    with pytest.raises(BadRequest, match="Parquet"):
        read_benchmark(tmp_path / "videomme" / "test-0.parquet")


def test_every_row_that_cannot_be_asked_is_named_with_its_reason(tmp_path: Path) -> None:
    video(tmp_path, "aaa.mp4", "one/twice.mp4", "two/twice.mp4", "outside.mp4")
    inside = tmp_path / "set"
    inside.mkdir()
    (inside / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    video(inside, "aaa.mp4", "one/twice.mp4", "two/twice.mp4")
    rows: list[Any] = [
        mme(),
        "{broken",
        "",
        mme("gone", "2"),
        mme("gone too", "3"),
        mme(question_id="4", answer="E"),
        mme(question_id="5", answer=""),
        mme(question_id="6", options=["A. one"]),
        mme(question_id="7", options=["A. one", "B. "]),
        mme(),
        mme("twice", "9"),
        mme("../outside", "10"),
        mme("link", "11"),
        mme(question_id="12", video_path="../outside.mp4"),
        mme(question_id="13", video_path="a\0.mp4"),
        mme(question_id="14", video_path="x" * 5000 + ".mp4"),
        mme(question_id="15", question=""),
        [1, 2],
        "null",
    ]
    found = read_benchmark(lines(inside / "test.jsonl", rows))
    assert [question.row for question in found.questions] == [1]
    assert [each.subject.split(" (")[0] for each in found.refused] == [
        f"test.jsonl, row {number}" for number in (2, *range(4, len(rows) + 1))
    ]
    assert found.reasons() == {
        "its video is not in this folder": 2,
        "its answer is not the letter of one of its options": 2,
        "it points to a file outside this folder": 2,
        "the path of its video cannot be read": 2,
        "it is no object with fields": 2,
        "the line is not JSON": 1,
        "it has fewer than two options": 1,
        "one of its options is empty": 1,
        "a question of the same id stands further up": 1,
        "several files in this folder have the name of its video": 1,
        "its video has no plain name": 1,
        "it asks nothing: the question is empty": 1,
    }


def test_vgg_sound_sync_gives_signed_offsets_and_bands(tmp_path: Path) -> None:
    found = read_vgg(
        tmp_path,
        vgg("s", "none", 0.0, "synced"),
        vgg("d", "delay", 0.4, "hard"),
        vgg("e", "early", 1.6, "very_easy"),
        vgg("n", "early", -1.2, "easy"),
    )
    assert (found.kind, found.refused) == ("vggsync", ())
    assert [(question.label, question.offset_s) for question in found.questions] == [
        ("synced", 0.0),
        ("delayed", 0.4),
        ("early", -1.6),
        ("early", -1.2),
    ]
    late = found.questions[1]
    assert (late.video, late.sound) == (str(tmp_path / "v/d.mp4"), str(tmp_path / "a/d.wav"))
    assert late.group == {"band": ("hard",), "type": ("bark",), "clip": ("yt",)}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (vgg("x", "delay", -0.4, "hard"), "contradict"),
        (vgg("x", "none", 0.4, "hard"), "contradict"),
        (vgg("x", "delay", 0.4, "hard", gt_synced=True), "contradict"),
        (vgg("x", "early", 0.4, "easy"), "not that of its difficulty"),
        (vgg("x", "early", float("nan"), "hard"), "no number"),
        (vgg("x", "early", "0.4", "hard"), "no number"),  # type: ignore[arg-type]
        (vgg("x", "sideways", 0.4, "hard"), "nothing that is known"),
        (vgg("x", "early", 0.4, "brutal"), "difficulty is none of"),
        (vgg("", "early", 0.4, "hard"), "no uid"),
        (vgg("x", "early", 0.4, "hard", mcq_prompt="?", mcq_answer_map={"A": "synced", "B": "delay"}), "is right"),
        (vgg("x", "early", 0.4, "hard", mcq_answer_map={"A": "maybe"}), "mcq_answer_map"),
    ],
)
def test_a_synchrony_row_that_contradicts_itself_is_refused(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    found = read_vgg(tmp_path, row)
    assert not found.questions
    assert reason in found.refused[0].reason


def test_a_missing_sound_is_not_replaced_by_another(tmp_path: Path) -> None:
    video(tmp_path, "v/x.mp4", "a/other.wav")
    found = read_benchmark(lines(tmp_path / "test.jsonl", [vgg("x", "early", 0.4, "hard")]))
    assert found.reasons() == {"its sound is not in this folder": 1}


def test_what_is_no_benchmark_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no file or folder"):
        read_benchmark(tmp_path / "nowhere")
    with pytest.raises(BadRequest, match="no questions"):
        read_benchmark(tmp_path)
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(BadRequest, match="layout that is known"):
        read_benchmark(tmp_path)
    with pytest.raises(BadRequest, match="cannot be read as JSON"):
        read_benchmark(tmp_path / "a.json")
    with pytest.raises(BadRequest, match="no benchmark layout"):
        read_benchmark(tmp_path, "mmlu")
    (tmp_path / "b.json").write_text(json.dumps([mme()]))
    (tmp_path / "c.json").write_text(json.dumps([mme()]))
    with pytest.raises(BadRequest, match="Several files"):
        read_benchmark(tmp_path)


def test_videos_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    video(tmp_path / "elsewhere", "deep/aaa.webm")
    lines(tmp_path / "set" / "q.jsonl", [mme()])
    assert not read_benchmark(tmp_path / "set").questions
    assert len(read_benchmark(tmp_path / "set", videos=tmp_path / "elsewhere").questions) == 1


def test_rows_to_ask_keep_the_meaning_of_shuffled_letters(tmp_path: Path) -> None:
    video(tmp_path, "aaa.mp4")
    found = read_benchmark(lines(tmp_path / "q.jsonl", [mme(question_id=str(n)) for n in range(40)]))
    plain, shuffled = as_question_set(found), as_question_set(found, seed=3)
    assert shuffled == as_question_set(found, seed=3) != as_question_set(found, seed=4)
    assert json.loads(json.dumps(shuffled)) == shuffled
    assert plain[0]["text"].splitlines()[:3] == ["What runs?", "A. A dog.", "B. A cat."]
    for row in shuffled:
        assert (row["task"], row["expected"], row["condition"], row["seed"]) == ("choice", "C", "original", 3)
        letter = next(letter for letter, label in row["options"] if label == "C")
        assert f"{letter}. A bird." in row["text"]
    right = [next(letter for letter, label in row["options"] if label == "C") for row in shuffled]
    assert {"A", "B", "C", "D"} == set(right)
    assert len({row["id"] for row in plain + shuffled}) == 80
    assert plain[0]["source"] == str(tmp_path / "aaa.mp4")


def test_synchrony_rows_ask_in_the_files_words_unless_shuffled(tmp_path: Path) -> None:
    own = {
        "mcq_prompt": "Pick. A) synced B) delay C) early",
        "mcq_answer_map": {"A": "synced", "B": "delay", "C": "early"},
    }
    found = read_vgg(tmp_path, vgg("d", "delay", 0.4, "hard", **own), vgg("e", "early", 0.4, "hard"))
    first, second = as_question_set(found)
    assert (first["text"], first["expected"], first["condition"]) == (own["mcq_prompt"], "delayed", "delayed")
    assert first["options"] == [["A", "synced"], ["B", "delayed"], ["C", "early"]] == second["options"]
    assert (second["task"], second["offset_s"], second["source"]) == ("sync", -0.4, "yt")
    for row in as_question_set(found, seed=1):
        letters = dict(map(tuple, row["options"]))
        late = next(letter for letter, label in letters.items() if label == "delayed")
        assert f"{late}. The sound comes later than the picture." in row["text"]
        assert own["mcq_prompt"] not in row["text"]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])), max_size=30))
def test_options_are_lettered_in_order_or_refused(texts: list[str]) -> None:
    try:
        found = lettered(texts)
    except BadRow:
        return
    assert [letter for letter, _ in found] == list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(texts)])
    assert all(text for _, text in found)


def test_letters_are_only_taken_off_where_all_options_have_theirs() -> None:
    assert lettered(["A. Smith", "Jones"]) == (("A", "A. Smith"), ("B", "Jones"))
    assert lettered(["(A) x", "(B) y"]) == (("A", "x"), ("B", "y"))
    with pytest.raises(BadRow, match="not in order"):
        split_options("Which?\n(A) x\n(C) y")
    with pytest.raises(BadRow, match="fewer than two"):
        split_options("Which?")

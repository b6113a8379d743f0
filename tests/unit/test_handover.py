"""Folders for other tools: whole or not there, true to their hashes, and read by a reader that abstains.

That Inspect and lmms-eval run them is checked in an environment of its own: tests/exports.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thud.errors import BadRequest
from thud.evaluation.handover import ExportItem, write_inspect, write_lmms_eval
from thud.evaluation.handover.templates.thud_reading import WORDS, read_answer
from thud.evaluation.scoring import EXPECTED
from thud.listeners.questions import QUESTION_SETS, shuffled

TIMING = [{"letter": "A", "label": "early"}, {"letter": "B", "label": "delayed"}, {"letter": "C", "label": "synced"}]
PETS = [{"letter": letter, "label": letter} for letter in "ABCD"]


def item(folder: Path, name: str = "one", **changes: Any) -> ExportItem:
    made = {}
    for field, end in (("video", ".mp4"), ("picture", "-silent.mp4"), ("sound", ".wav")):
        made[field] = folder / f"{name}{end}"
        made[field].write_bytes(f"{name} {field}".encode())
    plain = ExportItem(name, "In step?", "sync", "delayed", "delayed", "source 1", clip="c1", offset_s=0.4, **made)
    return replace(plain, **changes)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("write", [write_inspect, write_lmms_eval])
def test_a_folder_holds_all_it_names_under_names_that_tell_nothing(write: Any, media: Path, tmp_path: Path) -> None:
    first, second = item(media), item(media, "delayed-clip", condition="early", expected="early")
    shared = replace(first, id="asked again", text="Noch einmal – im Takt?")
    written = write([first, second, shared], tmp_path / "out", "My Set!")
    folder = tmp_path / "out"
    assert (written.items, written.refused) == (3, ())
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    named = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == named | {"SHA256SUMS"}
    found = rows(folder)
    assert [row["expected"] for row in found] == ["delayed", "early", "delayed"]
    assert (folder / found[1]["video"]).read_bytes() == b"delayed-clip video"
    assert found[0]["video"] == found[2]["video"]
    assert len(list((folder / "media").iterdir())) == 6
    assert not [path for path in (folder / "media").iterdir() if "delay" in path.name]
    assert found[2]["text"] == "Noch einmal – im Takt?"
    assert [row["cell"] for row in found] == ["sync shifted"] * 3


def test_the_tasks_say_how_many_items_each_asks(media: Path, tmp_path: Path) -> None:
    frame = media / "f.jpg"
    frame.write_bytes(b"jpeg")
    items = [item(media), item(media, "silent", sound=None, frames=((0.5, frame),))]
    assert write_inspect(items, tmp_path / "i").tasks == {"frames": 1, "frames_and_sound": 0, "video": 2, "sound": 1}
    written = write_lmms_eval(items, tmp_path / "l", "My Set!")
    assert written.tasks == {"my_set_audio": 1, "my_set_visual": 2, "my_set_audiovisual": 2}
    assert "| `my_set_audio` | 1 |" in (tmp_path / "l" / "README.md").read_text()
    assert "- metric: right_sync_shifted" in (tmp_path / "l" / "my_set_visual.yaml").read_text()
    assert rows(tmp_path / "i")[1]["frames"][0]["time_s"] == 0.5


def test_what_cannot_be_handed_over_is_refused_by_name(media: Path, tmp_path: Path) -> None:
    bad = [
        item(media, "free", style="neutral"),
        item(media, "hopeless", options=(("A", "synced"), ("B", "early"))),
        item(media, "empty", video=None, picture=None, sound=None),
        item(media, "gone", video=media / "lost.mp4"),
        item(media, "odd", sound=media / "odd.flac"),
        item(media),
        item(media),
    ]
    (media / "odd.flac").write_bytes(b"flac")
    written = write_inspect(bad, tmp_path / "out")
    assert written.items == 1
    reasons = {refusal.subject: refusal.reason for refusal in written.refused}
    assert "free text" in reasons["free"] and "expected" in reasons["hopeless"] and "no video" in reasons["empty"]
    assert "lost.mp4" in reasons["gone"] and ".flac" in reasons["odd"] and "same id" in reasons["one"]
    with pytest.raises(BadRequest, match="nothing to hand over.*free text"):
        write_inspect(bad[:1], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_nothing_is_written_over_and_nothing_half_is_left(media: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine").write_text("kept")
    with pytest.raises(BadRequest, match="there already"):
        write_inspect([item(media)], target)
    assert [path.name for path in target.iterdir()] == ["mine"]
    unreadable = item(media, "folder-like")
    (media / "folder-like.wav").unlink()
    (media / "folder-like.wav").symlink_to("/proc/self/mem")  # a file by its looks that cannot be read
    with pytest.raises(BadRequest, match="cannot be written"):
        write_lmms_eval([unreadable], tmp_path / "half")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["media", "out"]


def test_what_is_written_stands_alone(media: Path, tmp_path: Path) -> None:
    write_inspect([item(media)], tmp_path / "i")
    write_lmms_eval([item(media)], tmp_path / "l")
    scripts = [*(tmp_path / "i").glob("*.py"), *(tmp_path / "l").glob("*.py")]
    assert sorted(path.name for path in scripts) == ["task.py", "thud_reading.py", "thud_reading.py", "utils.py"]
    for script in scripts:
        for node in ast.walk(ast.parse(script.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "thud"], script
    code = "import thud_reading as r; print(r.read_answer('{\"synced\": true}', 'sync'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path / "i", env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "synced\n"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"synced": true, "direction": "none", "offset_sec": 0.0, "t_v": 1, "t_a": 1}', "synced"),
        ('Here it is:\n```json\n{"synced": false, "direction": "delay"}\n```\nAnything else?', "delayed"),
        ('{"synced": false, "direction": "early"}', "early"),
        ('{"synced": false, "direction": null}', "desync"),
        ('{"synced": null, "direction": "early"}', "early"),
        ('{"label": "audio_late"}', "delayed"),
        ("**Synced.**", "synced"),
        ("Answer: out of sync", "desync"),
        ("<think>The answer is A.</think>\n\nB", "delayed"),
        ("B", "delayed"),
        ("(b)", "delayed"),
        ("B.", "delayed"),
        ("**B**", "delayed"),
        ("B) The sound comes after the picture.", "delayed"),
        ("The correct answer is (C).", "synced"),
        ("Final answer: C", "synced"),
        ("B\n\nThe impact is seen first and heard later.", "delayed"),
        ('{"answer": "C"}', "synced"),
        ("I'm sorry, but I can't listen to audio.", "refused"),
        ("I’m unable to hear the video.", "refused"),
    ],
)
def test_an_exact_answer_is_read(text: str, label: str) -> None:
    assert read_answer(text, "sync", TIMING) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "A sound is heard when the ball lands.",
        "Anything could be true.",
        "Based on the video, the audio is late.",
        "The audio is delayed by 2 seconds.",
        "A or B",
        "A. B.",
        "B) early",
        "Option A is wrong.",
        "D",
        "E.",
        "{}",
        '{"synced": null, "direction": null}',
        '{"synced": true, "direction": "early"}',
        '{"synced": true} {"synced": false}',
        '{"synced": "yes"}',
        '{"synced": true, "label": "early"}',
        '{"label": "maybe"}',
        '{"synced": true',
        "not synced at all, or is it",
        "<think>The answer is A.",
        '<think>Perhaps {"synced": true}, but',
        "{" * 5000,
        "[" * 5000,
    ],
)
def test_what_is_not_exactly_an_answer_is_no_class(text: str) -> None:
    assert read_answer(text, "sync", TIMING) == "unparsed"


def test_the_other_tasks() -> None:
    assert read_answer('{"audio_present": true, "sounds": ["a bark"]}', "existence") == "audio_described"
    assert read_answer('{"audio_present": false, "sounds": []}', "existence") == "muted"
    assert read_answer('{"audio_present": false, "sounds": ["a bark"]}', "existence") == "unparsed"
    assert read_answer('{"match": false, "seen": "a dog", "heard": "a car"}', "consistency") == "mismatched"
    assert read_answer("No match", "consistency") == "mismatched"
    assert read_answer("C", "choice", PETS) == "C"
    assert read_answer("E", "choice", PETS) == read_answer("synced", "choice", PETS) == "unparsed"


@given(st.text(), st.sampled_from(sorted(WORDS)))
def test_no_text_makes_it_fail_or_invent_a_label(text: str, task: str) -> None:
    legal = {*WORDS[task].values(), "early", "delayed", "synced", "unparsed", "refused"}
    assert read_answer(text, task, TIMING) in legal


def test_every_structured_and_choice_question_that_ships_can_be_answered_right_and_read() -> None:
    truth = {
        ("sync", "synced"): {"synced": True, "direction": "none"},
        ("sync", "early"): {"synced": False, "direction": "early"},
        ("sync", "delayed"): {"synced": False, "direction": "delay"},
        ("existence", "audio_described"): {"audio_present": True, "sounds": ["a bark"]},
        ("existence", "muted"): {"audio_present": False, "sounds": []},
        ("consistency", "match"): {"match": True},
        ("consistency", "mismatched"): {"match": False},
    }
    for (task, _), expected in EXPECTED.items():
        for question in QUESTION_SETS["structured"].about(task):
            answer = truth[task, expected]
            assert all(f'"{field}"' in question.text for field in answer)
            assert read_answer(json.dumps(answer), task) == expected
        for question in QUESTION_SETS["choice"].about(task):
            text, shown, _ = shuffled(question, (task, expected))
            letter = next(letter for letter, label in shown if label == expected)
            line = next(line for line in text.splitlines() if line.startswith(f"{letter})"))
            options = [{"letter": letter, "label": label} for letter, label in shown]
            assert read_answer(letter, task, options) == read_answer(line, task, options) == expected

"""Files with pairs: what is read from other people's, what is refused with its row, what is written for trainers."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pair_files_kit import Bench, bench
from thud.disk import file_sha256
from thud.errors import BadRequest, NotFound
from thud.evaluation.handover.folder import whole_folder
from thud.media.probe import probe
from thud.pairs.formats import Skipped, read_any
from thud.pairs.formats.facts import named, options_of
from thud.pairs.formats.read import remapped
from thud.pairs.formats.write import write_export, write_trl
from thud.pairs.pair import Pair, Shown
from thud.pairs.tokens import count_tokens, video_tokens

Json = dict[str, Any]
BAD_ROWS = (
    '{"a": 1,, "b": "]}\\"}"}',
    '{"prompt": "' + "x" * 2_500_000 + '"}',
    "{" + "[" * 100_000 + "]" * 100_000 + "}",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("formats"))


def sharegpt(**changes: Any) -> Json:
    row = {
        "messages": [{"role": "user", "content": "<video><audio>Is it in sync?"}],
        "chosen": {"role": "assistant", "content": "Yes, both are at 2.0 s."},
        "rejected": {"role": "assistant", "content": "No, the sound is late."},
        "videos": ["/data/original/oops/fall 3.mp4"], "audios": ["/data/sound/fall 3.wav"],
    }  # fmt: skip
    return {name: value for name, value in {**row, **changes}.items() if value is not None}


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def one(path: Path) -> Pair:
    found = list(read_any(path))
    assert len(found) == 1 and isinstance(found[0], Pair), found
    return found[0]


# --- shapes


@pytest.mark.parametrize(
    "row",
    [
        sharegpt(),
        sharegpt(chosen="Yes, both are at 2.0 s.", rejected="No, the sound is late."),
        sharegpt(
            messages=None,
            conversations=[{"from": "human", "value": "<video><audio>Is it in sync?"}],
            chosen={"from": "gpt", "value": "Yes, both are at 2.0 s."},
            rejected={"from": "gpt", "value": "No, the sound is late."},
        ),
        sharegpt(messages=None, prompt="<video><audio>Is it in sync?"),
        sharegpt(
            messages=None, videos=None, audios=None,
            prompt=[{"role": "user", "content": [
                {"type": "video", "video": "/data/original/oops/fall 3.mp4"},
                {"type": "audio", "audio": "/data/sound/fall 3.wav"}, {"type": "text", "text": "Is it in sync?"}]}],
            chosen=[{"role": "assistant", "content": [{"type": "text", "text": "Yes, both are at 2.0 s."}]}],
            rejected=[{"role": "assistant", "content": "No, the sound is late."}],
        ),
        sharegpt(
            messages=None,
            chosen=[{"role": "user", "content": "<video><audio>Is it in sync?"},
                    {"role": "assistant", "content": "Yes, both are at 2.0 s."}],
            rejected=[{"role": "user", "content": "<video><audio>Is it in sync?"},
                      {"role": "assistant", "content": "No, the sound is late."}],
        ),
    ],
    ids=["messages", "strings", "conversations", "prompt", "parts", "implicit prompt"],
)  # fmt: skip
def test_the_same_pair_is_read_from_every_shape(tmp_path: Path, row: Json) -> None:
    pair = one(write(tmp_path / "pairs.json", json.dumps([row], indent=2)))
    assert (pair.prompt, pair.chosen, pair.rejected) == (
        "Is it in sync?", "Yes, both are at 2.0 s.", "No, the sound is late.",
    )  # fmt: skip
    assert pair.shown == Shown("/data/original/oops/fall 3.mp4", "/data/sound/fall 3.wav")
    assert (pair.type, pair.source, pair.condition, pair.label) == ("imported", "fall 3", "original", "synced")
    assert pair.origin == {"file": "pairs.json", "row": 1}


@pytest.mark.parametrize(
    "row",
    [
        sharegpt(chosen=None, rejected=None, messages=[
            {"role": "user", "content": "<video><audio>Is it in sync?"}, {"role": "assistant", "content": "Yes."}]),
        sharegpt(chosen=None, rejected=None, messages=None, prompt="<video><audio>Is it in sync?", completion="Yes."),
    ],
    ids=["messages", "completion"],
)  # fmt: skip
def test_an_example_for_sft_has_no_rejected_answer(tmp_path: Path, row: Json) -> None:
    pair = one(write(tmp_path / "train.jsonl", lines([row])))
    assert (pair.prompt, pair.chosen, pair.rejected, pair.split) == ("Is it in sync?", "Yes.", "", "train")


def test_names_of_files_tell_what_was_done_to_the_sound() -> None:
    late, early = named("/d/fall 3_delay_1.99s.mp4"), named("C:\\d\\fall 3_early_1.83s.mp4")
    assert (late.source, late.condition, late.offset_s, late.label) == ("fall 3", "delayed", 1.99, "delayed")
    assert (early.source, early.condition, early.offset_s) == ("fall 3", "early", -1.83)
    assert named("/d/original/x/fall 3.mp4").label == "synced"
    assert named("/d/fall 3.mp4").label == named("/d/original.mp4").label == ""


def test_options_and_letters_of_a_choice_question(tmp_path: Path) -> None:
    asked = "<video><audio>What is heard?\nA. A bell\nB. A dog\nC. A horn\nName the letter."
    row = sharegpt(
        messages=[{"role": "user", "content": asked}],
        chosen={"role": "assistant", "content": "The tone rings on. Therefore the answer is A. A bell."},
        rejected={"role": "assistant", "content": "C. A horn"},
        videos=["/d/original/x_delay_1.00s.mp4"],
    )
    pair = one(write(tmp_path / "choice.json", json.dumps([row])))
    assert pair.options == (("A", "A bell"), ("B", "A dog"), ("C", "A horn"))
    assert (pair.task, pair.label, pair.rejected_label) == ("choice", "A", "C")
    assert pair.condition == "" and pair.offset_s is None
    assert options_of("Which?\nA. this\nC. that") == () and options_of("A. alone") == ()


def test_placeholders_that_media_do_not_account_for_stay_to_be_found(tmp_path: Path) -> None:
    rows = [
        sharegpt(),
        sharegpt(messages=[{"role": "user", "content": "<video>Is it in sync?"}]),
        sharegpt(messages=[{"role": "user", "content": "Is it in sync?"}]),
        sharegpt(audios=[], messages=[{"role": "user", "content": "<video>\nIs it in sync?"}]),
    ]
    found = [one for one in read_any(write(tmp_path / "p.jsonl", lines(rows))) if isinstance(one, Pair)]
    assert [pair.prompt for pair in found] == ["Is it in sync?", "<video>Is it in sync?", *["Is it in sync?"] * 2]
    assert ["placeholders" in pair.origin for pair in found] == [False, True, True, False]


def test_paths_are_mapped_by_the_longest_beginning_and_at_borders_only(tmp_path: Path) -> None:
    remap = [("/data", "/mine"), ("/data/sound", "/other")]
    [pair] = read_any(write(tmp_path / "p.jsonl", lines([sharegpt()])), remap)
    assert isinstance(pair, Pair)
    assert pair.shown == Shown("/mine/original/oops/fall 3.mp4", "/other/fall 3.wav")
    assert remapped("/database/x.mp4", [("/data", "/mine")]) == "/database/x.mp4"
    assert remapped("D:\\v\\x.mp4", [("D:\\v", "/mine/")]) == "/mine/x.mp4"


def test_relative_paths_start_from_the_file(tmp_path: Path) -> None:
    pair = one(write(tmp_path / "p.jsonl", lines([sharegpt(videos=["media/../v/x.mp4"], audios=["a.wav"])])))
    assert pair.shown == Shown(f"{tmp_path}/v/x.mp4", f"{tmp_path}/a.wav")


# --- what cannot be read


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1, 2], "no object"),
        ({}, "messages"),
        (sharegpt(rejected=None), "no column rejected"),
        (sharegpt(messages=None), "no column prompt or messages"),
        (sharegpt(chosen=None, rejected=None), "no answer"),
        (sharegpt(chosen={"role": "assistant", "content": " "}), "chosen is empty"),
        (sharegpt(messages=[{"role": "user", "content": " "}]), "question is empty"),
        (sharegpt(messages=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                            {"role": "user", "content": "c"}]), "several turns"),
        (sharegpt(messages=[{"role": "tool", "content": "a"}]), "neither user"),
        (sharegpt(messages=[{"role": "user"}]), "no text"),
        (sharegpt(videos=["a.mp4", "b.mp4"]), "several videos"),
        (sharegpt(videos=[3]), "no paths"),
        (sharegpt(videos=["a\0.mp4"]), "no paths"),
        (sharegpt(thud="{"), "damaged"),
        (sharegpt(thud="[]"), "damaged"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_pair_is_skipped_with_its_number(tmp_path: Path, row: Any, words: str) -> None:
    found = list(read_any(write(tmp_path / "p.jsonl", lines([sharegpt(), row, sharegpt()]))))
    assert [type(one) for one in found] == [Pair, Skipped, Pair]
    assert isinstance(found[1], Skipped) and found[1].row == 2 and words in found[1].reason
    assert list(read_any(write(tmp_path / "p.json", json.dumps([sharegpt(), row, sharegpt()]))))[1] == found[1]


def test_a_second_row_of_the_same_id_is_skipped(tmp_path: Path) -> None:
    rows = [sharegpt(id="x"), sharegpt(id=7), sharegpt(id="x"), sharegpt(), sharegpt(), sharegpt(id="7")]
    found = list(read_any(write(tmp_path / "p.jsonl", lines(rows))))
    assert [one.row for one in found if isinstance(one, Skipped)] == [3, 6]
    assert [one.origin.get("id") for one in found if isinstance(one, Pair)] == ["x", "7", None, None]
    write(tmp_path / "train.jsonl", lines([sharegpt(id="x")]))
    write(tmp_path / "validation.jsonl", lines([sharegpt(id="x")]))
    (tmp_path / "p.jsonl").unlink()
    assert [type(one) for one in read_any(tmp_path)] == [Pair, Skipped]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("array", [True, False])
def test_other_encodings_of_unicode_are_understood(tmp_path: Path, encoding: str, array: bool) -> None:
    row = sharegpt(chosen="Déjà vu: 音 at 2.0 s.\u2028Both.")
    text = json.dumps([row] * 2, ensure_ascii=False) if array else json.dumps(row, ensure_ascii=False) + "\n"
    found = list(read_any(write(tmp_path / "p.json", text.encode(encoding))))
    assert len(found) == 1 + array
    assert all(isinstance(one, Pair) and one.chosen == row["chosen"] for one in found)


@pytest.mark.parametrize("array", [True, False])
def test_latin_1_is_refused_row_by_row(tmp_path: Path, array: bool) -> None:
    rows = [json.dumps(sharegpt(chosen=words), ensure_ascii=False) for words in ("plain", "déjà vu", "plain")]
    text = "[" + ",\n".join(rows) + "]" if array else "\n".join(rows)
    found = list(read_any(write(tmp_path / "p.json", text.encode("latin-1"))))
    assert [type(one) for one in found] == [Pair, Skipped, Pair]
    assert isinstance(found[1], Skipped) and found[1].row == 2 and "UTF-8" in found[1].reason


@pytest.mark.parametrize("array", [True, False])
@pytest.mark.parametrize("bad", BAD_ROWS, ids=["broken", "long", "deep"])
def test_rows_after_one_that_is_broken_or_too_long_are_read(tmp_path: Path, array: bool, bad: str) -> None:
    good = json.dumps(sharegpt())
    text = f"[{good},\n{bad},\n{good}]" if array else f"{good}\n{bad}\n{good}\n"
    found = list(read_any(write(tmp_path / "p.json", text)))
    assert [type(one) for one in found] == [Pair, Skipped, Pair]
    assert isinstance(found[1], Skipped) and found[1].row == 2
    assert ("longer than 1 MB" if len(bad) > 1_000_000 else "not valid JSON") in found[1].reason


def test_a_list_that_was_cut_off_says_so(tmp_path: Path) -> None:
    text = json.dumps([sharegpt(), sharegpt()])
    found = list(read_any(write(tmp_path / "p.json", text[:-40])))
    assert [type(one) for one in found] == [Pair, Skipped, Skipped] and "cut off" in str(found[2])


def test_half_a_letter_is_no_text(tmp_path: Path) -> None:
    text = json.dumps(sharegpt()).replace("Yes", "\\ud800")
    [found] = read_any(write(tmp_path / "p.jsonl", text))
    assert isinstance(found, Skipped) and "half of a letter" in found.reason


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"PAR1....", "Parquet"),
        (b"PK\x03\x04..", "ZIP"),
        (b"prompt,chosen\n", "neither"),
        (b"moov\x00\x01", "no text"),
    ],
)
def test_what_is_no_file_of_pairs_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        next(read_any(write(tmp_path / "p.json", data)))


def test_a_file_that_is_gone_and_a_folder_without_pairs_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "manifest.json", "{}")
    with pytest.raises(NotFound):
        next(read_any(tmp_path / "gone.json"))
    with pytest.raises(BadRequest, match="no JSON"):
        next(read_any(tmp_path))


def test_a_large_file_is_never_held_whole(tmp_path: Path) -> None:
    row = json.dumps(sharegpt(chosen="x" * 10_000))
    with (tmp_path / "p.json").open("w") as file:
        file.write("[" + ",".join([row] * 2000) + "]")
    tracemalloc.start()
    assert sum(isinstance(one, Pair) for one in read_any(tmp_path / "p.json")) == 2000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "p.json").stat().st_size > 20_000_000 > 2 * peak


# --- writing


def load(folder: Path, tmp_path: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))


def mapped(pair: Pair, folder: Path) -> Pair:
    """The pair as it must come back: its files are those of the export."""

    def there(shown: Shown) -> Shown:
        video = f"{folder}/media/videos/{shown.video_sha256[:16]}.mp4"
        return replace(shown, video=video, sound=f"{folder}/media/sounds/{Path(shown.sound).name}")

    other = there(pair.rejected_shown) if pair.rejected_shown else None
    return replace(pair, shown=there(pair.shown), rejected_shown=other)


def test_a_trl_export_loads_in_datasets_and_comes_back_as_it_was(made: Bench, tmp_path: Path) -> None:
    written = write_trl(made.pairs, tmp_path / "out", made.workspace, {"title": "Two clips"})
    assert (written.stage, written.pairs, dict(written.splits)) == ("dpo", 8, {"train": 4, "validation": 4})
    found = load(tmp_path / "out", tmp_path)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 4, "validation": 4}
    row = found["train"][0]
    assert [part["type"] for part in row["prompt"][0]["content"]] == ["video", "audio", "text"]
    assert row["chosen"] == [{"role": "assistant", "content": [{"type": "text", "text": made.pairs[0].chosen}]}]
    assert "images" not in row and row["rejected_audios"] == row["audios"]
    assert found["train"][2]["rejected_audios"] != found["train"][2]["audios"]
    for name in (*row["videos"], *row["audios"]):
        assert not Path(name).is_absolute() and (tmp_path / "out" / name).is_file()
    assert list(read_any(tmp_path / "out")) == [mapped(pair, tmp_path / "out") for pair in made.pairs]
    assert [one.id for one in read_any(tmp_path / "out") if isinstance(one, Pair)] == [one.id for one in made.pairs]


def test_media_have_no_sound_track_and_every_file_its_hash(made: Bench, tmp_path: Path) -> None:
    folder = write_trl(made.pairs, tmp_path / "out", made.workspace, {"title": "Two clips", "recipe": None}).folder
    videos = sorted((folder / "media/videos").iterdir())
    assert [path.stem for path in videos] == sorted(clip.id for clip in made.clips)
    assert all(not probe(path).has_sound and probe(path).frames for path in videos)
    told = json.loads((folder / "manifest.json").read_text())
    assert told["format"] == "trl" and told["types"] == {"CTP": 4, "FV-A": 2, "input": 2} and told["recipe"] is None
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there - set(told["files"]) == {"manifest.json", "SHA256SUMS"}
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {name: file_sha256(folder / name) for name in there - {"SHA256SUMS"}}
    assert all(file_sha256(folder / name) == sha256 for name, sha256 in told["files"].items())
    assert str(made.workspace) not in "".join(path.read_text() for path in folder.glob("*.json*"))


def test_a_file_whose_hash_is_known_is_not_read_again(tmp_path: Path) -> None:
    known = {"a/known.bin": "0" * 64}
    with whole_folder(tmp_path / "out", known) as part:
        (part / "a").mkdir()
        for name in ("a/known.bin", "b.txt", "c.txt"):
            (part / name).write_text(name)
        known["c.txt"] = "1" * 64
    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    assert lines == [f"{'0' * 64}  a/known.bin", f"{file_sha256(tmp_path / 'out/b.txt')}  b.txt", f"{'1' * 64}  c.txt"]


def test_what_a_killed_process_left_goes_and_what_another_writes_stays(tmp_path: Path) -> None:
    (tmp_path / ".out.part-lefthere" / "half").mkdir(parents=True)
    (tmp_path / ".out-mine").mkdir()
    with whole_folder(tmp_path / "out") as other:
        (other / "first").write_text("1")
        with pytest.raises(BadRequest), whole_folder(tmp_path / "out") as part:
            assert sorted(path.name for path in tmp_path.iterdir()) == sorted([".out-mine", other.name, part.name])
            raise BadRequest("stopped")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out-mine", "out"]


def test_a_sharegpt_export_keeps_llama_factorys_column_rules(made: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    written = write_export(made.pairs, folder, "sharegpt", made.workspace, {"title": "Two clips"})
    assert written.pairs == 6 and sum(written.left_out.values()) == 2
    assert "two different sounds" in next(iter(written.left_out))
    check_llama_factory(folder, {"two_clips": 3, "two_clips_validation": 3}, ranking=True)
    kept = [pair for pair in made.pairs if pair.rejected_shown is None]
    assert list(read_any(folder)) == [mapped(pair, folder) for pair in kept]


def test_sft_exports_have_answers_but_no_ranking(made: Bench, tmp_path: Path) -> None:
    pairs = [replace(pair, rejected="", rejected_label="") for pair in made.pairs if pair.rejected_shown is None]
    write_export(pairs, tmp_path / "share", "sharegpt", made.workspace, {"title": "Two clips"})
    check_llama_factory(tmp_path / "share", {"two_clips": 3, "two_clips_validation": 3}, ranking=False)
    write_trl(pairs, tmp_path / "trl", made.workspace)
    row = load(tmp_path / "trl", tmp_path)["train"][0]
    assert row["completion"][0]["role"] == "assistant" and "rejected" not in row and "rejected_audios" not in row
    for folder in (tmp_path / "share", tmp_path / "trl"):
        assert list(read_any(folder)) == [mapped(pair, folder) for pair in pairs]


def check_llama_factory(folder: Path, names: dict[str, int], ranking: bool) -> None:
    """What LLaMA-Factory documents of dataset_info.json in the sharegpt format, and what it asserts of each row."""
    info = json.loads((folder / "dataset_info.json").read_text())
    assert set(info) == set(names)
    for name, described in info.items():
        columns, tags = described["columns"], described["tags"]
        assert described["formatting"] == "sharegpt" and described.get("ranking", False) is ranking
        assert set(described) <= {"file_name", "formatting", "ranking", "columns", "tags"}
        assert ({"chosen", "rejected"} <= set(columns)) is ranking
        rows = [json.loads(line) for line in (folder / described["file_name"]).read_text().splitlines()]
        assert len(rows) == names[name]
        for row in rows:
            turns = row[columns["messages"]]
            roles = [tags["user_tag"], tags["assistant_tag"]]
            # Users stand at odd places, models at even ones; a pair's messages end with the user's.
            assert [turn[tags["role_tag"]] for turn in turns] == (roles[:1] if ranking else roles)
            answers = [row[columns[kind]] for kind in ("chosen", "rejected")] if ranking else []
            assert all(answer[tags["role_tag"]] == tags["assistant_tag"] for answer in answers)
            said = "".join(turn[tags["content_tag"]] for turn in turns)
            assert said.startswith("<video><audio>")
            for kind in ("video", "audio"):
                paths = row[columns[f"{kind}s"]]
                assert said.count(f"<{kind}>") == len(paths) == 1
                assert all((folder / path).is_file() for path in paths)


def test_a_pair_without_sound_has_no_audio_part(made: Bench, tmp_path: Path) -> None:
    pair = replace(made.pairs[0], shown=replace(made.pairs[0].shown, sound="", sound_sha256=""))
    write_trl([pair], tmp_path / "out", made.workspace)
    row = json.loads((tmp_path / "out/train.jsonl").read_text())
    assert row["audios"] == [] and [one["type"] for one in row["prompt"][0]["content"]] == ["video", "text"]
    write_export([pair], tmp_path / "share", "sharegpt", made.workspace)
    assert json.loads((tmp_path / "share/train.jsonl").read_text())["messages"][0]["content"].startswith("<video>D")


def test_changed_media_and_words_no_file_can_hold_are_left_out_by_reason(made: Bench, tmp_path: Path) -> None:
    first = made.pairs[0]
    odd = [
        replace(first, shown=replace(first.shown, sound_sha256="0" * 64)),
        replace(first, shown=replace(first.shown, video="/nowhere/x.mp4", video_sha256="1" * 64)),
        replace(first, chosen="It says \ud800."),
        replace(first, prompt="Is <audio> in sync?"),
        replace(first, rejected=""),
        first,
    ]
    written = write_export([first, *odd], tmp_path / "out", "sharegpt", made.workspace)
    told = " ".join(written.left_out)
    assert written.pairs == 1 and sum(written.left_out.values()) == 6 == len(written.left_out)
    for words in ("was changed", "cannot be read", "half of a letter", "placeholder", "no rejected", "twice"):
        assert words in told
    with pytest.raises(BadRequest, match=r"No pair is left to export: 1 .*was changed"):
        write_trl(odd[:1], tmp_path / "none", made.workspace)
    with pytest.raises(BadRequest, match="no pair to export"):
        write_trl([], tmp_path / "none", made.workspace)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("same", ["source", "clip_id", "video", "sound"])
def test_splits_that_leak_are_refused(made: Bench, tmp_path: Path, same: str) -> None:
    one, two = made.pairs[0], made.pairs[4]
    if same == "video":
        two = replace(two, clip_id="", shown=one.shown)
    elif same == "sound":
        heard = {"sound": one.shown.sound, "sound_sha256": one.shown.sound_sha256}
        two = replace(two, shown=replace(two.shown, **heard))
    else:
        one, two = replace(one, **{same: "this"}), replace(two, **{same: "this"})
    with pytest.raises(BadRequest, match="The splits leak: .* is in train and in validation"):
        write_trl([one, two], tmp_path / "out", made.workspace)
    assert not list(tmp_path.iterdir())


# --- tokens


def test_tokens_are_those_of_the_processors() -> None:
    """The figures were taken from the processors' own functions in transformers 5.23."""
    assert [video_tokens(640, 360, 4.0), video_tokens(640, 360, 4.0, "qwen3-omni")] == [1196, 880]
    assert [video_tokens(1920, 1080, 10.0), video_tokens(320, 240, 3.0)] == [7200, 420]
    pair = Pair("shift", "x" * 40, "y" * 80, "z" * 81, Shown("v", "s"))
    told = count_tokens(pair, 320, 240, 3.0)
    assert (told.video, told.audio, told.prompt, told.chosen, told.rejected) == (420, 75, 10, 20, 21)
    assert count_tokens(pair, 320, 240, 3.0, "qwen3-omni").audio == 39
    silent = replace(pair, shown=Shown("v"))
    assert count_tokens(silent, 320, 240, 3.0).audio == 0
    with pytest.raises(BadRequest, match=r"qwen2\.5-omni and qwen3-omni"):
        count_tokens(pair, 320, 240, 3.0, "gpt")


# --- other people's samples


@pytest.fixture(params=["sft", "dpo"])
def sample(request: pytest.FixtureRequest) -> Path:
    folder = os.environ.get("THUD_REFERENCE")
    if not folder:
        pytest.skip("THUD_REFERENCE names no folder that holds wvs_sft_sample.json and wvs_dpo_sample.json")
    return Path(folder) / f"wvs_{request.param}_sample.json"


def test_the_released_samples_import_as_they_are(sample: Path) -> None:
    rows = json.loads(sample.read_text("utf-8"))
    found = list(read_any(sample, [("/data", "/here")]))
    assert len(found) == len(rows) > 0
    for row, pair in zip(rows, found, strict=True):
        assert isinstance(pair, Pair) and pair.label
        assert pair.shown.video == row["videos"][0].replace("/data", "/here")
        assert row["messages"][0]["content"] == "<video><audio>" + pair.prompt
        if pair.rejected:
            assert len(pair.options) == 4 and pair.label != pair.rejected_label != ""
            assert row["chosen"]["content"] == pair.chosen and f"{pair.label}. " in pair.chosen
        else:
            assert (pair.offset_s is None) == (pair.label == "synced")
            assert pair.offset_s is None or f"{abs(pair.offset_s):.2f}s" in pair.shown.video
    assert len({pair.source for pair in found if isinstance(pair, Pair)}) == (12 if found[0].rejected else 4)

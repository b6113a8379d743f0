"""The linter finds what is planted, in the numbers in which it is planted, and is quiet where nothing is wrong."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lint_kit import Sizes, write_dpo, write_sft
from thud.cli import main
from thud.pairs.formats import Skipped, read_any
from thud.pairs.lint import SEVERITY, Linter, Report, lint_rows
from thud.pairs.lint.tally import Seen
from thud.pairs.pair import Pair, Shown

SMALL = Sizes(
    clips=60, early_said_synced=3, delayed_said_synced=2, originals_said_off=4, early_turned=5, delayed_turned=1,
    edge=11, gap_off=29, not_whole=12, choices={"B": 34, "C": 13, "A": 10, "D": 3}, longest=40, stops=41,
)  # fmt: skip
ORDINARY = Pair(
    "imported", "Is the sound in sync with the picture?",
    "The cup breaks at 3.0s, but the clink is heard at 5.0s. That is a 2.0s gap.", "",
    Shown("/lab/a_delay_2.00s.mp4", "/lab/a.wav"),
    source="a", task="sync", condition="delayed", offset_s=2.0, label="delayed",
)  # fmt: skip
CHOICE = Pair(
    "imported", "Which tool is heard?\nA. a saw\nB. a file\nC. a drill\nD. a plane", "The answer is C. a drill",
    "The answer is B. a file", Shown("/lab/b.mp4", "/lab/b.wav"), source="b", task="choice", label="C",
    rejected_label="B", options=(("A", "a saw"), ("B", "a file"), ("C", "a drill"), ("D", "a plane")),
)  # fmt: skip


def numbered(path: Path) -> Iterator[tuple[int, Pair]]:
    for n, one in enumerate(read_any(path), start=1):
        assert not isinstance(one, Skipped)
        yield n, one


def found(pair: Pair) -> tuple[str, ...]:
    return Linter().add(1, pair)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("released")
    write_sft(folder / "sft.json", SMALL)
    write_dpo(folder / "dpo.json", SMALL)
    return {name: lint_rows(numbered(folder / f"{name}.json"), workers=0) for name in ("sft", "dpo")}


def test_every_planted_fault_is_counted_and_no_other(reports: dict[str, Report], tmp_path: Path) -> None:
    truth = write_sft(tmp_path / "again.json", SMALL)
    counts = {one.check: one.count for one in reports["sft"].checks if one.count}
    assert counts == {check: count for check, count in truth.counts.items() if count}
    assert counts["label_text"] == 9
    assert counts["direction_times"] == 6
    assert counts["edge"] == 11
    assert counts["gap"] == 29
    words = reports["sft"].finding("label_text").words
    assert "recorded as in sync, says delayed: 4" in words
    assert "recorded as early, says in sync: 3" in words


def test_rationales_letters_lengths_and_stops_of_long_choices_are_found(reports: dict[str, Report]) -> None:
    report = reports["dpo"]
    assert report.finding("same_text").count == 60
    assert report.finding("junk").count == 41
    assert "right letters: B 56.7 %, C 21.7 %, A 16.7 %, D 5.0 %" in report.finding("letter_prior").words
    assert report.finding("letter_prior").fix == "shuffle_letters"
    assert report.finding("option_length").words.startswith("The right option is the longest in 66.7 % of 60 rows")
    assert report.finding("text_only").count
    quiet = {one.check for one in report.checks if not one.count}
    assert {"label_text", "same", "near_duplicate", "length", "split_leak", "media"} <= quiet


def test_child_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thud.pairs.lint.several.CHUNK", 16)
    write_sft(tmp_path / "sft.json", SMALL)
    alone = lint_rows(numbered(tmp_path / "sft.json"), workers=0)
    assert alone.rows == 180
    assert lint_rows(numbered(tmp_path / "sft.json"), workers=2) == alone


def test_a_report_is_json_with_every_check(reports: dict[str, Report]) -> None:
    for report in reports.values():
        told = report.to_json()
        assert json.loads(json.dumps(told)) == told and told["rows"] == report.rows
        assert [(one["check"], one["count"], one["rows"]) for one in told["checks"]] == [
            (one.check, one.count, [*one.rows]) for one in report.checks
        ]
        assert [one.check for one in report.checks] == list(SEVERITY)


def test_a_sound_row_is_clean() -> None:
    assert found(ORDINARY) == ()
    assert found(CHOICE) == ()


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"chosen": "Sound and picture are perfectly in sync."}, "label_text"),
        ({"chosen": "The cup breaks at 5.0s, but the clink is heard at 3.0s."}, "direction_times"),
        ({"chosen": "The cup breaks at 3.0s, but the clink is heard at 3.6s."}, "gap"),
        ({"chosen": "The cup breaks at 3.0s, but the clink is heard at 5.0s. That is a 1.2s gap."}, "text_times"),
        ({"visual_s": 3.4, "audio_s": 5.0}, "text_times"),
        ({"visual_s": 3.0, "audio_s": 5.0, "duration_s": 4.5}, "outside"),
        ({"chosen": "The clink comes too late.. The sound is delayed."}, "junk"),
        ({"chosen": "The sound is delayed by {gap}."}, "junk"),
        ({"chosen": "It\ufffds clear that the sound is delayed."}, "junk"),
        ({"origin": {"placeholders": {"video": 2}}}, "junk"),
        ({"rejected": "The cup breaks at 3.0s, but the clink is heard at 5.0s.  That is a 2.0s gap."}, "same"),
        ({"rejected": "The cup bursts at 3.0s, while the clink is heard at 5.0s."}, "label_text"),
        ({"label": "early"}, "label_text"),
    ],
)
def test_one_fault_is_named(changed: dict[str, object], check: str) -> None:
    assert check in found(replace(ORDINARY, **changed))  # type: ignore[arg-type]


def test_a_sound_at_nought_is_cut_off_only_where_it_was_moved_earlier() -> None:
    text = "The cup breaks at 2.0s, but the clink is already heard at 0.0s."
    early = replace(ORDINARY, condition="early", label="early", offset_s=-2.0, chosen=text)
    assert found(early) == ("edge",)
    assert "edge" not in found(replace(early, chosen=text.replace("0.0s", "0.1s")))


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"chosen": "The answer is A. a saw"}, "label_text"),
        ({"chosen": "The answer is C. a saw"}, "label_text"),
        ({"rejected": "The answer is C. a drill"}, "label_text"),
        ({"label": "E"}, "label_text"),
    ],
)
def test_letters_are_held_against_options(changed: dict[str, str], check: str) -> None:
    assert check in found(replace(CHOICE, **changed))  # type: ignore[arg-type]


def test_an_input_contrastive_pair_may_repeat_its_answer() -> None:
    other = Shown(ORDINARY.shown.video, "/lab/other.wav")
    assert found(replace(ORDINARY, type="input", rejected=ORDINARY.chosen, rejected_shown=other)) == ()


def test_splits_that_share_a_source_and_rows_that_come_again_are_found() -> None:
    linter = Linter()
    assert linter.add(0, replace(ORDINARY, split="train")) == ()
    assert linter.add(2, replace(ORDINARY, split="train", prompt="Is the sound late?")) == ()
    again = replace(ORDINARY, split="test", chosen=ORDINARY.chosen.upper().replace("S.", "s."))
    assert set(linter.add(1, again)) >= {"split_leak", "near_duplicate"}
    assert "the same source in test and train" in linter.report().finding("split_leak").words


def test_an_answer_that_cannot_be_read_is_not_counted_as_checked() -> None:
    linter = Linter()
    linter.add(0, ORDINARY)
    linter.add(1, replace(ORDINARY, prompt="And this?", chosen="Blue."))
    assert linter.report().finding("label_text").of == 1


def test_what_too_few_rows_were_judged_by_is_not_passed() -> None:
    linter, whole = Linter(), ("letter_prior", "option_length", "length", "balance", "whole_seconds")
    for n in range(19):
        linter.add(2 * n, replace(ORDINARY, prompt=f"Is it in sync, {n}?"))
        linter.add(2 * n + 1, replace(CHOICE, rejected_label="B", prompt=f"{n}: {CHOICE.prompt}"))
    few = {name: linter.report().finding(name) for name in (*whole, "text_only")}
    assert {(one.count, one.of) for one in few.values()} == {(0, 0)}
    assert all(few[name].words.endswith("; too few rows to judge by.") for name in whole)
    linter.add(38, replace(ORDINARY, prompt="Is it in sync now?"))
    linter.add(39, replace(CHOICE, prompt=f"19: {CHOICE.prompt}"))
    assert {linter.report().finding(name).of for name in whole} == {20}
    assert linter.report().finding("letter_prior").count == 15


def test_silence_of_the_same_length_leaks_nothing() -> None:
    linter, silent = Linter(), replace(ORDINARY, condition="muted", label="", type="imported", chosen="It is silent.")
    other = Shown("/lab/another.mp4", silent.shown.sound)
    for condition, breaks in (("muted", False), ("original", True)):
        one = replace(silent, condition=condition, clip_id=f"1 {condition}", source="1", split="train")
        two = replace(one, clip_id=f"2 {condition}", source="2", shown=other, split="test")
        assert "split_leak" not in linter.add(0, one)
        assert ("split_leak" in linter.add(1, two)) == breaks
        linter = Linter()


def test_missing_media_are_reported_in_the_words_they_come_in() -> None:
    linter = Linter(lambda shown: "the picture has changed" if shown.video.endswith("2.00s.mp4") else "")
    assert linter.add(0, ORDINARY) == ("media",)
    assert linter.add(1, CHOICE) == ()
    assert linter.report().finding("media").words == "the picture has changed: 1"


def test_many_rows_take_little_memory() -> None:
    """Found rows are listed up to a bound, and repeats are known by eight bytes each."""
    linter = Linter()
    silent = replace(ORDINARY, task="", label="", condition="", chosen="", prompt="")
    for n in range(500):
        linter.add(n, replace(silent, chosen=f"word {n}"))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for n in range(500, 3000):
        linter.add(n, replace(silent, chosen=f"word {n}..", shown=Shown(f"/lab/{n}.mp4")))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    finding = linter.report().finding("junk")
    assert (finding.count, len(finding.rows), finding.more) == (2500, 1000, True)
    assert grown < 2500 * 200


def test_hashes_are_found_again_after_they_were_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thud.pairs.lint.tally._RECENT", 16)
    seen = Seen()
    for number in range(0, 2**64, 2**56):
        assert number not in seen
        seen.add(number)
    assert all(number in seen for number in range(0, 2**64, 2**56))
    assert 5 not in seen


def test_the_verb_prints_counts_and_says_by_its_exit_code_that_there_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sft(tmp_path / "sft.json", replace(SMALL, clips=60))
    assert main(["pairs", "lint", str(tmp_path / "sft.json"), "--no-media", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["skipped"]) == (180, 0)
    assert {one["check"]: one["count"] for one in told["checks"]}["edge"] == 11
    assert main(["pairs", "lint", str(tmp_path / "sft.json"), "--no-media", "--show", "edge", "--json"]) == 1
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(listed) == 12
    assert main(["pairs", "lint", str(tmp_path / "sft.json")]) == 1
    assert "picture and sound not found: 180" in capsys.readouterr().out


def test_the_verb_is_content_with_a_sound_file_and_refuses_what_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"prompt": "Which?", "chosen": "This one.", "rejected": "That one."}
    (tmp_path / "fine.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["pairs", "lint", str(tmp_path / "fine.jsonl")]) == 0
    told = "1 rows · 0 errors · 0 warnings · 4 checks passed · 14 had too little to go by"
    assert told in capsys.readouterr().out
    for arguments in (["nowhere.json"], ["fine", "--show", "nonsense"], ["fine", "--media", "no-sign"]):
        assert main(["pairs", "lint", *arguments]) != 0
        assert "thud" in capsys.readouterr().err


def test_the_authors_samples_show_what_is_known_of_them() -> None:
    folder = os.environ.get("THUD_REFERENCE")
    if not folder:
        pytest.skip("THUD_REFERENCE names no folder with the authors' samples")
    sft = lint_rows(numbered(Path(folder) / "wvs_sft_sample.json"), workers=0)
    dpo = lint_rows(numbered(Path(folder) / "wvs_dpo_sample.json"), workers=0)
    assert {one.check: one.count for one in sft.checks if one.count} == {"gap": 3, "edge": 1}
    assert sft.finding("whole_seconds").words.startswith("8 of 8 ")
    assert dpo.finding("same_text").count == dpo.rows == 12
    assert dpo.finding("junk").count == 6
    assert "D 0.0 %" in dpo.finding("letter_prior").words

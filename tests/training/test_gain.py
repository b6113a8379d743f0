"""Whether DPO may start: only from what SFT has taught, by more than luck and many questions about one clip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from training import checks
from training.config import TrainConfig


def dpo(adapter: str = "") -> TrainConfig:
    return TrainConfig("dpo", "models/base", Path("data"), Path("RUN"), adapter=adapter)


def sft_run(folder: Path, *shares: float, n: int = 100, asked: Sequence[dict[str, str]] = ()) -> str:
    """The folder of the adapter of a run whose held-out rounds, the first before any step, had these shares right."""
    (folder / "adapter").mkdir(parents=True)
    rounds = [
        {"event": "held_out", "step": 10 * number, "accuracy": {"all": share}, "n": {"all": n}}
        for number, share in enumerate(shares)
    ]
    for line, marks in zip(rounds, asked, strict=False):
        line["asked"] = marks
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in rounds) + '{"event": "st')
    return str(folder / "adapter")


def marked(*marks: str) -> dict[str, str]:
    return {f"source {number}": each for number, each in enumerate(marks)}


@pytest.mark.parametrize(
    ("before", "after", "levels"),
    [(0.25, 0.25, ["blocked"]), (0.4, 0.3, ["blocked"]), (0.25, 0.3, ["blocked"]), (0.25, 0.8, [])],
)
def test_dpo_waits_for_an_sft_that_has_taught_something(tmp_path, before, after, levels):
    """By the journal of a run that does not say which answers were right."""
    adapter = sft_run(tmp_path / "sft", before, after)
    asked = dpo(adapter)
    reasons = list(checks.gain(asked, set()))
    assert [one.level for one in reasons] == levels
    if levels == ["blocked"]:
        assert f"{after:.0%} of 100" in reasons[0].reason and f"{before:.0%} before" in reasons[0].reason
        assert list(checks.gain(asked, {checks.NO_GAIN})) == []
    assert list(checks.gain(replace(asked, stage="sft"), set())) == []


def doubts(folder: Path, *asked: dict[str, str]) -> list[checks.Reason]:
    """What is said of DPO on an SFT run with these marks, round by round."""
    texts = ["".join(one.values()) for one in asked]
    adapter = sft_run(folder, *(text.count("1") / len(text) for text in texts), n=len(texts[0]), asked=asked)
    return list(checks.gain(dpo(adapter), set()))


def test_a_gain_that_only_the_luckiest_of_many_rounds_has_is_none(tmp_path):
    """Seven more of 40 right, none wrong: shown by one round, and not by the best of twenty."""
    before = marked(*["0"] * 30, *["1"] * 10)
    lucky = marked(*["1"] * 7, *["0"] * 23, *["1"] * 10)
    assert doubts(tmp_path / "one", before, lucky) == []
    (reason,) = doubts(tmp_path / "many", before, *[before] * 19, lucky)
    assert (reason.level, reason.waive) == ("blocked", checks.NO_GAIN) and "may be chance" in reason.reason


def test_questions_about_one_source_are_not_taken_as_independent(tmp_path):
    """Of eight sources one is understood and another forgotten in part: many answers, and no gain."""
    before = marked("0" * 20, "1" * 20, *["10"] * 6)
    after = marked("1" * 20, "1" * 14 + "0" * 6, *["10"] * 6)
    (reason,) = doubts(tmp_path / "a", before, after)
    assert reason.level == "blocked" and "may be chance" in reason.reason
    assert doubts(tmp_path / "b", before, marked("1" * 20, "1" * 20, *["11"] * 6)) == []


def test_few_sources_that_cannot_show_a_gain_may_still_go_and_it_is_said_how_many_can(tmp_path):
    """As the demo's: 45 questions about two kinds of clips, three rounds."""
    before = marked("1" * 6 + "0" * 17, "1" * 6 + "0" * 16)
    rounds = [marked("1" * 23, "1" * right + "0" * (22 - right)) for right in (11, 16, 15)]
    (reason,) = doubts(tmp_path / "a", before, *rounds)
    assert reason.level == "degraded" and "clips of 2 sources" in reason.reason and "at least 7 sources" in reason.fix
    (reason,) = doubts(tmp_path / "b", before, marked("1" * 9 + "0" * 14, "1" * 6 + "0" * 16))
    assert reason.level == "blocked" and reason.fix.endswith("hold out clips of at least 6 sources.")


def test_dpo_from_nothing_or_from_a_run_that_was_never_measured_is_refused(tmp_path):
    plain = dpo()
    (tmp_path / "run" / "adapter").mkdir(parents=True)
    unmeasured = replace(plain, adapter=str(tmp_path / "run" / "adapter"))
    for asked in (plain, unmeasured):
        (reason,) = checks.gain(asked, set())
        assert (reason.level, reason.waive) == ("blocked", checks.NOT_MEASURED)
        assert list(checks.gain(asked, {checks.NOT_MEASURED})) == []

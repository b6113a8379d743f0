"""Controls of the rows of the results: of the items that were asked, whatever the filter shows; from a shell too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.controls_kit import Filled, by_ear, filled, prior, right, tell
from thud.cli import main
from thud.evaluation.controls import Controls
from thud.evaluation.leaderboard import parts_of, split_rows
from thud.records import EventTimes
from thud.runs.listening.controls import compare_rows, one_row_controls, row_controls
from thud.store import Store, open_store
from thud.store.score_filter import RowKey, ScoreFilter

CLIPS = 24


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Store, Filled]]:
    with open_store(tmp_path / "a.duckdb", tmp_path, min_free_bytes=0) as store:
        yield store, filled(store, CLIPS)


def held(store: Store, **narrowed: object) -> dict[tuple[str, str], Controls]:
    """The controls by (listener, arm)."""
    wanted = ScoreFilter(**narrowed)  # type: ignore[arg-type]
    columns = store.score_rows()
    parts = parts_of(columns)
    names = dict(zip(columns["part"].tolist(), columns["listener"].tolist(), strict=True))
    named = {row: names[part] for part, (row, _) in parts.items()}
    rows = split_rows(store.score_counts(wanted), parts)
    return {(named[row], row[1]): each for row, each in row_controls(store, rows, wanted, parts).items()}


def test_every_row_stands_beside_its_ceiling_and_its_control(place: tuple[Store, Filled]) -> None:
    store, there = place
    tell(store, there, "prior", prior)
    tell(store, there, "listens", right)
    tell(store, there, "listens", by_ear, "shuffled_picture")
    tell(store, there, "frames", prior, "picture_only")
    found = held(store)
    listens = found["listens", "audio_video"]
    assert listens.accuracy.value == 1.0 and listens.needs_picture is True
    assert "gone under another picture" in listens.words
    assert listens.shuffled == found["listens", "shuffled_picture"].accuracy
    assert found["prior", "audio_video"].accuracy.value == pytest.approx(1 / 3)
    assert found["prior", "audio_video"].words == "Not above what the sound alone allows."
    assert listens.ceiling.share is not None and 0.4 < listens.ceiling.share < 0.8
    assert ("frames", "picture_only") not in found


def test_the_ceiling_is_of_the_items_that_were_asked(place: tuple[Store, Filled]) -> None:
    """Asked only about clips whose events lie in the middle, a listener could have gone by the place alone."""
    store, there = place
    middle = {number for number in range(CLIPS) if 0.4 < (number * 0.618) % 1.0 < 0.6}
    some = Filled({key: one for key, one in there.stimuli.items() if key[0] in middle})
    tell(store, there, "all", right)
    tell(store, some, "some", right)
    found = held(store)
    everything, few = (found[name, "audio_video"].ceiling for name in ("all", "some"))
    assert (everything.items, few.items) == (3 * CLIPS, 3 * len(middle))
    assert everything.share is not None and few.share is not None and few.share > 0.9 > everything.share + 0.2
    offsets = held(store, offsets_s=(9.0,))["all", "audio_video"].ceiling
    assert (offsets.items, offsets.share) == (CLIPS, 1.0)  # only what is in sync is left: nothing to tell apart


def test_a_filter_of_arms_does_not_hide_the_control(place: tuple[Store, Filled]) -> None:
    store, there = place
    key = tell(store, there, "listens", right)
    tell(store, there, "listens", by_ear, "shuffled_picture")
    tell(store, there, "heard", by_ear, "sound_only")
    found = held(store, arms=("audio_video", "sound_only"))
    assert set(found) == {("listens", "audio_video"), ("heard", "sound_only")}
    assert found["listens", "audio_video"] == held(store)["listens", "audio_video"]
    parts = parts_of(store.score_rows())
    row = RowKey(key, "audio_video", "structured")
    assert one_row_controls(store, row, ScoreFilter(tasks=("existence",)), parts) == found["listens", "audio_video"]
    assert one_row_controls(store, RowKey(key, "picture_only", "structured"), ScoreFilter(), parts) is None


def test_answers_that_are_left_out_are_left_out_of_every_class(place: tuple[Store, Filled]) -> None:
    store, there = place
    tell(store, there, "shy", lambda number, label: label if number % 2 else "refused")
    assert held(store)["shy", "audio_video"].accuracy.value == pytest.approx(0.5)
    left = held(store, unparsed="out")["shy", "audio_video"]
    assert (left.accuracy.value, left.ceiling.items) == (1.0, 3 * CLIPS / 2)


def test_silence_asked_about_time_is_of_no_class_that_is_heard(place: tuple[Store, Filled]) -> None:
    store, there = place
    tell(store, there, "listens", right)
    tell(store, there, "listens", lambda number, label: "synced", labels=("muted",), task="sync")
    found = held(store)["listens", "audio_video"]
    assert (found.accuracy.value, found.ceiling.items) == (1.0, 3 * CLIPS)


def some(there: Filled, clips: Iterable[int]) -> Filled:
    wanted = set(clips)
    return Filled({key: one for key, one in there.stimuli.items() if key[0] in wanted})


def test_a_control_is_paired_with_the_very_items(place: tuple[Store, Filled]) -> None:
    """Wrong about the first half; the control was asked of the second, and has as much right there: no loss."""
    store, there = place
    tell(store, there, "half", lambda number, label: label if number >= CLIPS // 2 else "synced")
    tell(store, some(there, range(CLIPS // 2, CLIPS)), "half", right, "shuffled_picture")
    found = held(store)["half", "audio_video"]
    assert (found.items, found.accuracy.value) == (3 * CLIPS, pytest.approx(2 / 3))
    assert found.under is not None and (found.under.items, found.under.of) == (3 * CLIPS // 2, 3 * CLIPS)
    assert (found.under.accuracy.value, found.under.apart.value) == (1.0, 0.0)
    assert found.needs_picture is False
    own = held(store)["half", "shuffled_picture"].ceiling.share
    assert found.under.allowed == own != found.ceiling.share


def test_other_questions_about_other_clips_are_no_part_of_the_control(place: tuple[Store, Filled]) -> None:
    """Asked about synchrony on half of the clips with its control, and on the others only whether anything is heard."""
    store, there = place
    half = some(there, range(CLIPS // 2))
    tell(store, half, "wide", lambda number, label: label if number % 3 else "synced")
    tell(store, half, "wide", by_ear, "shuffled_picture")
    alone = held(store)["wide", "audio_video"]
    tell(store, some(there, range(CLIPS // 2, CLIPS)), "wide", right, labels=("muted",))
    assert held(store)["wide", "audio_video"] == alone
    assert alone.under is not None and alone.under.items == 3 * CLIPS // 2


def test_a_response_that_never_came_loses_nothing_under_another_picture(place: tuple[Store, Filled]) -> None:
    """A control whose service was down would look as if the listener needed the picture."""
    store, there = place
    tell(store, there, "down", right)
    tell(store, there, "down", lambda number, label: "error" if number % 2 else label, "shuffled_picture")
    under = held(store)["down", "audio_video"].under
    assert under is not None and (under.items, under.of) == (3 * CLIPS // 2, 3 * CLIPS)
    assert (under.accuracy.value, under.apart.value) == (1.0, 0.0)


def test_two_are_compared_on_what_both_were_asked_and_so_is_the_control(place: tuple[Store, Filled]) -> None:
    """B was asked about the second half only, where A is as good under another picture; in the first half it is not."""
    store, there = place
    late = range(CLIPS // 2, CLIPS)
    a = tell(store, there, "a", right)
    tell(store, there, "a", lambda number, label: label if number in late else "synced", "shuffled_picture")
    b = tell(store, some(there, late), "b", prior)
    rows = [RowKey(key, "audio_video", "structured") for key in (a, b)]
    found = compare_rows(store, rows[0], rows[1], ScoreFilter(), parts_of(store.score_rows()))
    assert found is not None and found.items == 3 * CLIPS // 2 and found.tested.p < 0.05
    assert found.a.under is not None and (found.a.under.items, found.a.under.of) == (found.items, found.items)
    assert (found.a.under.accuracy.value, found.a.needs_picture, found.counts) == (1.0, False, False)
    assert held(store)["a", "audio_video"].needs_picture is True


def test_ceilings_are_kept_apart_where_other_items_count(place: tuple[Store, Filled]) -> None:
    """Both were asked the same, and each left other items unanswered: those that count lie elsewhere."""
    store, there = place
    for name, says in {"low": (0.0, 0.35), "all": (0.0, 1.0)}.items():
        tell(store, there, name, lambda number, label, says=says: (  # type: ignore[misc]
            label if says[0] <= (number * 0.618) % 1.0 <= says[1] else "unparsed"
        ))  # fmt: skip
    found = held(store, unparsed="out")
    low, everything = (found[name, "audio_video"].ceiling for name in ("low", "all"))
    assert low.items < everything.items == 3 * CLIPS
    again = held(store)
    assert again["low", "audio_video"].ceiling is again["all", "audio_video"].ceiling


def test_two_stimuli_of_a_clip_do_not_cancel(place: tuple[Store, Filled]) -> None:
    """An edit built again with other settings is another stimulus of the same clip and offset, asked the same."""
    store, there = place
    again = {
        key: replace(one, intervention=replace(one.intervention, seed=1))
        for key, one in there.stimuli.items()
        if key[1] == "early"
    }
    store.add_stimuli(list(again.values()), "test")
    tell(store, there, "once", right, labels=("synced", "delayed"))
    tell(store, there, "twice", right)
    tell(store, Filled(again), "twice", right)
    columns = store.score_rows()
    rows = split_rows(store.score_counts(ScoreFilter()), parts_of(columns))
    assert len({row.asked for row in rows}) == 2


def test_a_ceiling_follows_the_event_times(place: tuple[Store, Filled]) -> None:
    store, there = place
    tell(store, there, "all", right)
    before = held(store)["all", "audio_video"].ceiling
    assert held(store)["all", "audio_video"].ceiling is before
    for clip in store.clips():
        store.set_times(clip.id, EventTimes(2.0, 2.0, "gold"), "test")
    after = held(store)["all", "audio_video"].ceiling
    assert before.share is not None and after.share is not None and after.share > 0.97 > before.share


def test_without_event_times_nobody_knows(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.duckdb", tmp_path, min_free_bytes=0) as store:
        tell(store, filled(store, 6, timed=False), "all", right)
        found = held(store)["all", "audio_video"]
    assert (found.ceiling.share, found.listening) == (None, "not known")


def test_the_shell_shows_both_controls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = tmp_path / "workspace"
    space.mkdir()
    with open_store(tmp_path / "annotations.duckdb", space, min_free_bytes=0) as store:
        there = filled(store, CLIPS)
        tell(store, there, "listens", right)
        tell(store, there, "listens", by_ear, "shuffled_picture")
        tell(store, there, "unsure", right)
        tell(store, there, "frames", prior, "picture_only")
    assert main(["results", "--workspace", str(space), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()][1:]
    told = {(row["listener"], row["arm"]): row["controls"] for row in rows}
    assert (
        told["listens", "audio_video"]["shuffled"]["value"] == told["listens", "shuffled_picture"]["accuracy"]["value"]
    )
    assert told["unsure", "audio_video"]["shuffled"] is None and told["frames", "picture_only"] is None
    assert main(["results", "--workspace", str(space)]) == 0
    words = capsys.readouterr().out
    assert "sound alone " in words and "another picture not asked" in words and "gone under another picture" in words

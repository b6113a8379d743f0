"""The desk over a real store: who gets which clip, what a save does, what others may see, what survives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.store_samples import a_clip
from thud.errors import BadRequest, Conflict, NotFound
from thud.events import keeper
from thud.events.board import arrange
from thud.events.desk import Desk
from thud.events.needs import share
from thud.records import EventTimes, Mark
from thud.store import Store, open_store

HOLD_S = 100.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def open_desk(
    folder: Path, clips: int = 0, clock: Callable[[], float] | None = None, **settings: Any
) -> Iterator[Desk]:
    with open_store(folder / "a.duckdb", folder, hold_s=HOLD_S, clock=clock or Clock()) as store:
        store.add_clips([a_clip(number) for number in range(clips)], "test")
        for name, value in {"double_share": 0.0, "gold_share": 0.0, **settings}.items():
            store.set_setting(name, value, "test")
        with Desk(store) as desk:
            yield desk


def ids(store: Store) -> list[str]:
    return [clip.id for clip in store.clips()]


def mark(clip_id: str, who: str, visual_s: float | None = 1.0, audio_s: float | None = 1.1, **more: Any) -> Mark:
    seq = more.pop("seq", 1)
    return Mark(clip_id, who, visual_s, audio_s, save_id=more.pop("save_id", f"{who}-{clip_id}-{seq}"), seq=seq, **more)


def models(store: Store, clip_id: str, apart_s: float = 0.0) -> None:
    for number, name in enumerate(("gemini", "gpt", "claude")):
        detail = {"simulated": name == "gpt"}
        heard = 1.0 if name == "gemini" else None
        store.submit_mark(
            Mark(clip_id, name, 1.0 + number * apart_s, heard, person=False, detail=detail), keep_late=True
        )


def given(desk: Desk, who: str, count: int = 1, **more: Any) -> list[str]:
    return [task.clip_id for task in desk.tasks(who, count, **more)]


# --- giving clips


def test_before_any_marks_clips_come_in_order_and_nobody_gets_anothers(tmp_path: Path) -> None:
    with open_desk(tmp_path, 6) as desk:
        clips = ids(desk.store)
        assert given(desk, "ana", 2) == clips[:2]
        assert given(desk, "ben", 2) == clips[2:4]
        assert given(desk, "ana", 2, have=clips[:2]) == clips[4:]
        assert given(desk, "ben", 2, have=clips[2:4]) == []
        assert given(desk, "ana", 8) == [*clips[:2], *clips[4:]], "a reload gets the same clips again"
        assert desk.tasks("cy", 1) == []


def test_clips_on_which_models_differ_come_first_and_say_why(tmp_path: Path) -> None:
    with open_desk(tmp_path, 5, blind=False, random_share=0.0) as desk:
        clips = ids(desk.store)
        for number, clip_id in enumerate(clips):
            models(desk.store, clip_id, 0.9 if number == 3 else 0.01)
        (task,) = desk.tasks("ana", 1)
        assert task.clip_id == clips[3]
        assert "1.8" in task.reasons[0] and len(task.checks) == 5
        assert [each.annotator for each in task.marks] == ["gemini", "gpt", "claude"]
        assert task.simulated


def test_blind_tasks_hold_everything_back_until_the_own_times_are_set(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1) as desk:
        (clip_id,) = ids(desk.store)
        models(desk.store, clip_id, 0.9)
        (task,) = desk.tasks("ana", 1)
        assert (task.blind, task.hidden, task.marks, task.reasons, task.checks) == (True, 3, (), (), ())
        with pytest.raises(BadRequest, match="own times first"):
            desk.reveal("ana", clip_id, None, None)
        with pytest.raises(BadRequest):
            desk.reveal("ana", clip_id, float("nan"), None)
        shown = desk.reveal("ana", clip_id, 1.5, None)
        assert len(shown.marks) == 3 and shown.reasons and shown.checks
        (event,) = [event for event in desk.store.events(clip_id) if event.kind == "first_mark"]
        assert (event.actor, event.payload) == ("ana", {"visual_s": 1.5, "audio_s": None})


def test_a_held_clip_goes_on_when_its_hold_ends(tmp_path: Path) -> None:
    clock = Clock()
    with open_desk(tmp_path, 2, clock) as desk:
        first, second = ids(desk.store)
        assert given(desk, "ana") == [first]
        clock.now += HOLD_S / 2
        desk.touch("ana", [first])
        clock.now += HOLD_S / 2 + 1
        assert given(desk, "ben") == [second], "it was renewed"
        clock.now += HOLD_S / 2
        assert given(desk, "cy") == [first]
        assert given(desk, "ana") == [], "what somebody else got by now does not come back"


def test_releasing_gives_a_clip_back_and_skipping_puts_it_last(tmp_path: Path) -> None:
    with open_desk(tmp_path, 3) as desk:
        clips = ids(desk.store)
        assert given(desk, "ana", 1) == clips[:1]
        desk.release("ben", clips[:1])
        assert clips[0] not in given(desk, "ben", 1)
        desk.release("ana", clips[:1])
        desk.release("ben", clips)
        assert given(desk, "ben", 1) == clips[:1]
        desk.skip("ben", clips[0])
        assert given(desk, "ben", 3) == [clips[1], clips[2], clips[0]]
        assert "skip_clip" in [event.kind for event in desk.store.events(clips[0])]
        with pytest.raises(NotFound):
            desk.skip("ben", "nothing")


def test_a_clip_can_be_asked_for_by_id(tmp_path: Path) -> None:
    with open_desk(tmp_path, 3) as desk:
        clips = ids(desk.store)
        assert given(desk, "ana", 2, clip=clips[2]) == [clips[2], clips[0]]
        desk.submit(mark(clips[2], "ana"))
        (task,) = desk.tasks("ana", 1, clip=clips[2])
        assert task.mine and task.mine.visual_s == 1.0 and not task.blind
        with pytest.raises(NotFound):
            desk.tasks("ana", 1, clip="nothing")


def test_forty_at_once_never_share_a_clip(tmp_path: Path) -> None:
    with open_desk(tmp_path, 120) as desk:
        got: list[str] = []

        def work(who: str) -> None:
            for _ in range(3):
                (clip_id,) = given(desk, who)
                got.append(clip_id)
                desk.submit(mark(clip_id, who))

        threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == len(set(got)) == 120
        assert len(desk.store.marks()) == 120
        assert desk.tasks("new", 1) == []


# --- saving


def test_a_save_finishes_the_clip_and_settles_its_times(tmp_path: Path) -> None:
    with open_desk(tmp_path, 2) as desk:
        first, second = ids(desk.store)
        models(desk.store, first)
        desk.refresh()
        saved = desk.submit(mark(first, "ana", 1.25, 1.5), "a note")
        assert (saved.verdict, saved.late) == ("saved", False)
        assert [each.ev_id for each in desk.store.marks(first) if each.person] == [saved.ev_id]
        assert [note.text for note in desk.store.notes(first)] == ["a note"]
        assert given(desk, "ben", 2) == [second]
        desk._keeper.look()
        times = desk.store.times()[first]
        assert (times.method, times.visual_s, times.audio_s) == ("consensus", 1.25, 1.5)


def test_a_save_that_comes_twice_or_late_changes_nothing(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1) as desk:
        (clip_id,) = ids(desk.store)
        old, new = mark(clip_id, "ana", 1.0, seq=1), mark(clip_id, "ana", 2.0, seq=2)
        first = desk.submit(old)
        assert desk.submit(old, "").verdict == "known"
        assert desk.submit(old).ev_id == first.ev_id
        second = desk.submit(new, "newest")
        assert desk.submit(old, "old note").verdict == "older"
        assert desk.submit(mark(clip_id, "ana", 3.0, seq=1, save_id="another"), "old note").verdict == "older"
        (kept,) = desk.store.marks(clip_id)
        assert (kept.visual_s, kept.ev_id) == (2.0, second.ev_id)
        assert [note.text for note in desk.store.notes(clip_id)] == ["newest"]
        assert desk.progress("ana").mine == 1


def test_a_save_after_the_hold_ran_out_is_kept_and_says_so(tmp_path: Path) -> None:
    clock = Clock()
    with open_desk(tmp_path, 2, clock) as desk:
        (clip_id,) = given(desk, "ana")
        clock.now += HOLD_S + 1
        assert given(desk, "ben") == [clip_id]
        assert desk.submit(mark(clip_id, "ana")).late
        assert desk.submit(mark(clip_id, "ana", 2.0, seq=2)).late is False, "correcting one's own is never late"
        assert desk.store.leases.holder(clip_id) == "ben"
        assert not desk.submit(mark(clip_id, "ben", 3.0)).late
        assert {each.annotator for each in desk.store.marks(clip_id)} == {"ana", "ben"}
        assert desk.progress("cy").waiting_adjudication == 1
        (other,) = given(desk, "cy")
        desk.submit(mark(other, "dan"))
        desk.release("cy", [other])
        assert desk.submit(mark(other, "cy")).late, "it waited for nobody any more"


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"visual_s": float("nan")}, BadRequest),
        ({"audio_s": float("inf")}, BadRequest),
        ({"visual_s": 99.0}, BadRequest),
        ({"verdict": "uncertain"}, BadRequest),
        ({"detail": {"x": float("nan")}}, BadRequest),
        ({"reason": "\ud800", "verdict": "discarded"}, BadRequest),
    ],
)
def test_bad_marks_are_refused_whole(tmp_path: Path, bad: dict[str, Any], error: type[Exception]) -> None:
    with open_desk(tmp_path, 1) as desk:
        (clip_id,) = given(desk, "ana")
        with pytest.raises(error):
            desk.submit(mark(clip_id, "ana", **bad), "note")
        assert desk.store.marks() == [] and desk.store.notes() == []
        assert desk.store.leases.holder(clip_id) == "ana"
        with pytest.raises(BadRequest, match="too long"):
            desk.submit(mark(clip_id, "ana"), "x" * 2001)
        assert desk.store.marks() == []
        with pytest.raises(NotFound):
            desk.submit(mark("nothing", "ana"))


def test_undo_goes_back_to_the_state_before_and_late_copies_do_not_bring_it_back(tmp_path: Path) -> None:
    with open_desk(tmp_path, 2) as desk:
        clip_id, other = ids(desk.store)
        one, two = mark(clip_id, "ana", 1.0, seq=1), mark(clip_id, "ana", 2.0, seq=2)
        desk.submit(one)
        desk.submit(two)
        back = desk.undo("ana", clip_id)
        assert back and back.visual_s == 1.0
        assert desk.submit(two).verdict == "known"
        assert [each.visual_s for each in desk.store.marks(clip_id)] == [1.0]
        assert given(desk, "ben", 2) == [other], "it is still marked"
        desk.release("ben", [other])
        assert desk.undo("ana", clip_id) is None
        assert desk.store.leases.holder(clip_id) == "ana", "it is theirs again"
        assert desk.store.marks(clip_id) == [] and desk.progress("ana").mine == 0
        assert given(desk, "ana", 1) == [clip_id]
        assert desk.submit(one).verdict == "known" and desk.store.marks(clip_id) == []
        with pytest.raises(BadRequest, match="nothing to take back"):
            desk.undo("ana", clip_id)
        assert desk.submit(mark(clip_id, "ana", 3.0, seq=3)).verdict == "saved"


def test_undone_marks_leave_no_consensus_behind(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1) as desk:
        (clip_id,) = given(desk, "ana")
        desk.submit(mark(clip_id, "ana"))
        desk._keeper.look()
        assert desk.store.times()[clip_id].visual_s == 1.0
        desk.undo("ana", clip_id)
        desk._keeper.look()
        assert (desk.store.times()[clip_id].visual_s, desk.store.times()[clip_id].audio_s) == (None, None)


# --- two people, and a third


def test_a_second_person_marks_without_seeing_the_first_and_a_third_decides(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1, double_share=1.0, blind=False) as desk:
        (clip_id,) = given(desk, "ana")
        models(desk.store, clip_id)
        desk.submit(mark(clip_id, "ana", 1.0))
        desk.refresh()
        assert desk.tasks("ana", 1) == [], "not the same person"
        (task,) = desk.tasks("ben", 1)
        assert task.need == "second"
        assert {each.annotator for each in task.marks} == {"gemini", "gpt", "claude"}
        assert not any("ana" in words for words in (*task.reasons, *(check.words for check in task.checks)))
        assert desk.adjudications("cy", 1) == []
        desk.submit(mark(clip_id, "ben", 2.0))
        assert desk.tasks("dan", 1) == []
        assert desk.progress("cy").waiting_adjudication == 1
        (dispute,) = desk.adjudications("cy", 1)
        assert {each.annotator for each in dispute.marks} == {"gemini", "gpt", "claude", "ana", "ben"}
        assert "1.000 s apart" in dispute.reasons[0]
        assert desk.adjudications("dan", 1) == [], "it is held"
        saved = desk.adjudicate("cy", clip_id, 1.5, 1.6, "placed", "", dispute.expects)
        assert saved.verdict == "saved"
        assert desk.store.times()[clip_id].method == "adjudicated"
        assert desk.adjudications("dan", 1) == [] and desk.progress("cy").waiting_adjudication == 0
        with pytest.raises(Conflict):
            desk.adjudicate("dan", clip_id, 1.7, 1.6, "placed", "", dispute.expects)
        with pytest.raises(BadRequest):
            desk.adjudicate("dan", clip_id, 99.0, 1.6, "placed", "", saved.ev_id or 0)


def test_those_who_marked_a_clip_get_its_dispute_last(tmp_path: Path) -> None:
    with open_desk(tmp_path, 2, double_share=1.0) as desk:
        first, second = ids(desk.store)
        for clip_id, others in ((first, ("ana", "ben")), (second, ("ben", "cy"))):
            for number, who in enumerate(others):
                desk.submit(mark(clip_id, who, 1.0 + number))
        assert [task.clip_id for task in desk.adjudications("ana", 2)] == [second, first]
        (own,) = [task for task in desk.adjudications("ana", 2) if task.clip_id == first]
        assert "yourself" in own.reasons[-1]


def test_people_who_agree_need_nobody(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1, double_share=1.0) as desk:
        (clip_id,) = ids(desk.store)
        desk.submit(mark(clip_id, "ana", 1.0))
        assert desk.progress("ben").waiting_second == 1 and desk.progress("ana").remaining == 0
        assert desk.progress("ben").remaining == 1
        desk.submit(mark(clip_id, "ben", 1.05))
        assert desk.progress("ben").waiting_adjudication == desk.progress("ben").waiting_second == 0


# --- gold


def test_gold_is_mixed_in_looks_like_any_other_and_comes_once_to_each(tmp_path: Path) -> None:
    with open_desk(tmp_path, 60, gold_share=0.3) as desk:
        clips = ids(desk.store)
        gold = set(clips[:10])
        for clip_id in gold:
            desk.store.set_times(clip_id, EventTimes(1.0, 1.0, "gold"), "test")
        seen: dict[str, list[str]] = {"ana": [], "ben": []}
        for who in seen:
            for _ in range(20):
                (task,) = desk.tasks(who, 1)
                assert task.need == "first" and task.blind
                seen[who].append(task.clip_id)
                desk.submit(mark(task.clip_id, who, 1.0 if who == "ana" else 2.0))
        for got in seen.values():
            assert len(set(got)) == 20
            assert 2 <= len(gold & set(got)) <= 10
        places = [[clip_id in gold for clip_id in got] for got in seen.values()]
        assert places[0] != places[1], "nobody can tell another when it comes"
        assert not set(seen["ana"]) & set(seen["ben"]) - gold
        assert set(seen["ana"]) & set(seen["ben"]) & gold, "else the next line says nothing"
        assert desk.progress("ana").waiting_adjudication == 0


def test_a_workspace_of_known_clips_only_is_there_to_practise(tmp_path: Path) -> None:
    with open_desk(tmp_path, 3) as desk:
        for clip_id in ids(desk.store):
            desk.store.set_times(clip_id, EventTimes(1.0, 1.0, "construction"), "test")
        assert given(desk, "ana", 3) == ids(desk.store)


# --- what changes outside, what stays


def test_a_restart_forgets_holds_and_nothing_else(tmp_path: Path) -> None:
    with open_desk(tmp_path, 3) as desk:
        clips = ids(desk.store)
        desk.submit(mark(clips[0], "ana"))
        given(desk, "ana", 1)
    with open_desk(tmp_path, 0) as desk:
        assert desk.progress("ana").mine == 1 and desk.progress("ana").mine_today == 1
        assert given(desk, "ben", 3) == clips[1:]
        assert desk.submit(mark(clips[0], "ana")).verdict == "known"
        assert desk.undo("ana", clips[0]) is None


def test_what_others_write_is_noticed(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1) as desk:
        (clip_id,) = given(desk, "ana")
        desk._keeper._read_after = 0.0
        desk._keeper.look()
        board = desk._board
        assert board.cases[clip_id].models == ()
        models(desk.store, clip_id)
        desk.store.add_clip(a_clip(99), "test")
        desk._keeper.look()
        assert len(board.cases[clip_id].models) == 3 and len(board.cases) == 2


def test_its_own_saves_are_no_reason_to_read_everything_again(tmp_path: Path) -> None:
    with open_desk(tmp_path, 3) as desk:
        given(desk, "ana", 3)
        desk._keeper.look()
        for clip_id in ids(desk.store):
            desk.submit(mark(clip_id, "ana"), "note")
        desk.undo("ana", clip_id)
        desk.reveal("ana", clip_id, 1.0, None)
        desk.skip("ana", clip_id)
        assert not desk._keeper._foreign()
        desk._keeper.look()
        assert not desk._keeper._foreign(), "settled times are its own too"
        desk.store.set_times(clip_id, EventTimes(1.0, 1.0, "gold"), "test")
        assert desk._keeper._foreign() and not desk._keeper._foreign()


def test_saves_during_a_refresh_are_not_lost_from_the_board(tmp_path: Path) -> None:
    with open_desk(tmp_path, 30) as desk:
        clips = ids(desk.store)
        desk.progress("ana")
        done = threading.Event()

        def keep_reading() -> None:
            while not done.is_set():
                desk.refresh()

        reader = threading.Thread(target=keep_reading)
        reader.start()
        for clip_id in clips[:20]:
            desk.submit(mark(clip_id, "ana"))
        desk.undo("ana", clips[0])
        done.set()
        reader.join()
        assert desk.progress("ana").mine == 19
        assert sorted(given(desk, "ben", 8) + given(desk, "cy", 8)) == sorted(clips[20:])
        desk.refresh()
        assert desk.progress("ana").mine == 19


def test_a_save_in_the_middle_of_a_refresh_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_desk(tmp_path, 3) as desk:
        first, second, third = ids(desk.store)
        desk.submit(mark(first, "ana"))

        def arrange_late(*args: Any) -> Any:
            desk.submit(mark(second, "ana"))
            desk.undo("ana", first)
            return arrange(*args)

        monkeypatch.setattr(keeper, "arrange", arrange_late)
        desk.refresh()
        assert list(desk._board.doings("ana").saves) == [second]
        desk.release("ana", [first])
        assert sorted(given(desk, "ben", 3)) == sorted([first, third])


def test_a_late_word_on_an_early_save_does_not_win(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1) as desk:
        (clip_id,) = given(desk, "ana")
        with desk._lock:
            desk._keeper.mark_saved(Mark(clip_id, "ana", 2.0, 2.0, ev_id=12))
            desk._keeper.mark_saved(Mark(clip_id, "ana", 1.0, 1.0, ev_id=11))
            assert [each.visual_s for each in desk._board.cases[clip_id].marks] == [2.0]


def test_new_settings_hold_at_once(tmp_path: Path) -> None:
    with open_desk(tmp_path, 1) as desk:
        assert desk.tasks("ana", 1)[0].blind
        desk.store.set_setting("blind", False, "test")
        desk.changed()
        assert not desk.tasks("ana", 1)[0].blind


def test_progress_tells_the_pace_and_cuts_pauses_out(tmp_path: Path) -> None:
    from datetime import datetime, timedelta

    from thud.events.board import Doings

    doings, at = Doings(), datetime(2026, 1, 1, 12)
    assert doings.pace_s() is None
    for number, gap_s in enumerate((0, 10, 20, 30, 4000, 20)):
        at += timedelta(seconds=gap_s)
        doings.add(f"clip{number}", at)
    assert doings.pace_s() == 20
    with open_desk(tmp_path, 3) as desk:
        first, second, _ = ids(desk.store)
        desk.submit(mark(first, "ana"))
        desk.submit(mark(second, "ana"))
        progress = desk.progress("ana")
        assert (progress.mine, progress.mine_today, progress.remaining) == (2, 2, 1)
        assert progress.pace_s is not None and progress.left_s == progress.pace_s


def test_shares_are_spread_evenly() -> None:
    drawn = [share("x", 1, str(number)) for number in range(4000)]
    assert min(drawn) >= 0 and max(drawn) < 1
    assert abs(sum(drawn) / len(drawn) - 0.5) < 0.02


def test_the_first_request_finds_what_came_in_since_the_start(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.refresh()  # as the app does when it opens, before the clips are there
        desk.store.add_clips([a_clip(7)], "test")
        assert given(desk, "ana") == [a_clip(7).id]

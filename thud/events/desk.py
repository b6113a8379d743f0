"""The desk: gives clips to people, takes their marks, and knows whom each clip still waits for. Thread-safe.

    desk = Desk(store)
    task, = desk.tasks("ana", 1)
    desk.submit(Mark(task.clip_id, "ana", 6.3, 6.323, save_id="…", seq=1))

Requests touch memory and one write each; the order is worked out anew by a thread beside them, which starts with the
first request and ends with `close`. Everything that counts is in the store: a desk that is lost loses holds only.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

from thud.errors import BadRequest
from thud.events.board import Board
from thud.events.keeper import Keeper
from thud.events.needs import Case, check_mark, check_times, judge, reasons
from thud.events.settings import PERSON, Habits, Settings, read_habits
from thud.events.task import Progress, Saved, Task
from thud.records import EventTimes, Mark, Verdict, content_id
from thud.store import Change, Store, changes

MOST_TASKS = 8
MOST_HELD = 16
MOST_NOTE = 2000
ADJUDICATOR = " (adjudicator)"
"""Holds for adjudication stand under the name with this at its end, which no account can have."""


class Desk:
    """One per app. Every method may raise what the store raises."""

    def __init__(self, store: Store) -> None:
        """Reads nothing yet: the first request, or `refresh`, does."""
        self.store = store
        self._lock = threading.RLock()
        self._board = Board()
        self._keeper = Keeper(store, self._board, self._lock)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the thread. The desk may still be asked, and starts it again."""
        self._keeper.close()

    def refresh(self) -> None:
        """Reads everything again and works out the order, now: after imports and model runs, never in a request."""
        self._keeper.refresh()

    def changed(self) -> None:
        """The store or its settings were written to by others: the desk looks again, at once but not in the request."""
        self._keeper.changed()

    # --- giving clips

    def tasks(self, person: str, count: int, *, have: Sequence[str] = (), clip: str | None = None) -> list[Task]:
        """Up to `count` more clips for this person, held for them. have: those the page holds already, held on.

        clip: this one first, whether or not it waits for anybody; NotFound when there is none. After a reload
        (`have` empty) the clips that the person holds come again.
        """
        self._keeper.ready()
        have = list(have)[:MOST_HELD]
        wanted = max(0, min(count, MOST_TASKS, MOST_HELD - len(have)))
        with self._lock:
            self._hold_on(person, have)
            found = [self._asked_for(person, clip)] if clip else []
            taken = {*have, *found}
            found += self._claim(person, wanted - len(found), taken)
            total = len(self._board.doings(person).saves) + self._board.left_for(person)
            first = len(self._board.doings(person).saves) + len(have) + 1
            return [self._task(person, clip_id, first + n, total) for n, clip_id in enumerate(found)]

    def _claim(self, person: str, count: int, taken: set[str]) -> list[str]:
        """Up to `count` clips: those the person holds already, else gold when it is its turn, else from the queue."""
        board, doings = self._board, self._board.doings(person)
        stream = board.candidates(person, taken)
        found: list[str] = []
        while len(found) < count:
            clip_id = self.store.claim(person, board.held_by(person, taken))
            if clip_id is None:
                gold = board.gold_for(person, taken)
                doings.handed += 1
                clip_id = self.store.claim(person, gold) or self.store.claim(person, stream)
            if clip_id is None:
                break
            doings.held[clip_id] = None
            taken.add(clip_id)
            found.append(clip_id)
        return found

    def _asked_for(self, person: str, clip_id: str) -> str:
        self._case(clip_id)
        if self.store.claim(person, [clip_id]):
            self._board.doings(person).held[clip_id] = None
        return clip_id

    def _hold_on(self, person: str, clip_ids: Iterable[str]) -> None:
        held = self._board.doings(person).held
        for clip_id in clip_ids:
            if clip_id in self._board.cases and self.store.claim(person, [clip_id]):
                held[clip_id] = None

    def _task(self, person: str, clip_id: str, position: int, total: int) -> Task:
        board, case = self._board, self._case(clip_id)
        mine, waits_for = case.mark_of(person), board.need(clip_id)
        waits_for = "second" if waits_for == "second" and mine is None else "first"
        ruling = judge(case, board.settings, people=False)
        blind = board.settings.blind and mine is None
        models = case.models
        return Task(
            clip_id=clip_id,
            need=waits_for,
            reasons=() if blind else reasons(case, waits_for, ruling, board.settings),
            checks=() if blind else ruling.checks,
            marks=() if blind else models,
            hidden=len(models) if blind else 0,
            blind=blind,
            mine=mine,
            simulated=any(mark.detail.get("simulated") is True for mark in models),
            position=position,
            total=max(total, position),
        )

    def reveal(self, person: str, clip_id: str, visual_s: float | None, audio_s: float | None) -> Task:
        """The task with the models' marks, after the person's own first times have gone into the history."""
        self._keeper.ready()
        with self._lock:
            case = self._case(clip_id)
        check_times(visual_s, audio_s, case.duration_s)
        if visual_s is None and audio_s is None:
            raise BadRequest("Set your own times first: the models' marks are shown after that.")
        payload = {"visual_s": visual_s, "audio_s": audio_s}
        self._keeper.own(self.store.append("first_mark", clip_id, person, payload).result())
        with self._lock:
            shown = self._case(clip_id)
            task = self._task(person, clip_id, 0, 0)
            ruling = judge(shown, self._board.settings, people=False)
            told = reasons(shown, task.need, ruling, self._board.settings)
            return replace(task, reasons=told, checks=ruling.checks, marks=shown.models, hidden=0, blind=False)

    def touch(self, person: str, clip_ids: Sequence[str]) -> None:
        """The person still works on these: holds them for another full term."""
        with self._lock:
            self._hold_on(person, list(clip_ids)[:MOST_HELD])

    def release(self, person: str, clip_ids: Sequence[str]) -> None:
        """Gives clips back unmarked."""
        with self._lock:
            for clip_id in clip_ids:
                self.store.release(person, clip_id)
                self.store.release(person + ADJUDICATOR, clip_id)
                self._board.doings(person).held.pop(clip_id, None)

    def skip(self, person: str, clip_id: str) -> None:
        """Gives the clip back; this person gets it again only after all others. It goes into the history."""
        self._keeper.ready()
        with self._lock:
            self._case(clip_id)
            self.release(person, [clip_id])
            skipped = self._board.doings(person).skipped
            skipped.pop(clip_id, None)
            skipped[clip_id] = None
        self._keeper.own(self.store.append("skip_clip", clip_id, person, {}).result())

    # --- taking marks

    def submit(self, mark: Mark, note: str = "") -> Saved:
        """Saves a person's mark, after COMMIT. One that comes twice or out of order changes nothing and says so.

        BadRequest for what no mark can be, NotFound for a clip that is not there. A mark that comes after the hold ran
        out is kept, and `late`.
        """
        self._keeper.ready()
        with self._lock:
            case = self._case(mark.clip_id)
            late = self._is_late(case, mark)
            before = case.mark_of(mark.annotator)
        check_mark(mark, case.duration_s)
        if before is not None and mark.seq < before.seq:
            return self._nothing_new(mark, late)
        saved = self._save(mark, note)
        if saved is None:
            return self._nothing_new(mark, late)
        return Saved(saved.ev_id, saved.at or self._now(), "saved", late)

    def _save(self, mark: Mark, note: str) -> Mark | None:
        """The mark as it is in the store and on the board, or None when it is nothing new."""
        wanted: list[Change] = [changes.submit_mark(mark), *note_change(mark.clip_id, mark.annotator, note)]
        with self._lock:
            self._board.saving[mark.clip_id] += 1
        try:
            ev_id, *_ = [self._keeper.own(each) for each in self.store.write_many(wanted)]
            if ev_id is None:
                return None
            saved = replace(mark, ev_id=ev_id, at=self._now())
            with self._lock:
                self._keeper.mark_saved(saved)
            return saved
        finally:
            with self._lock:
                self._board.saving[mark.clip_id] -= 1
                self._board.saving += Counter()  # drops the zeros

    @staticmethod
    def _now() -> datetime:
        """Now as the store has it: UTC without a zone."""
        return datetime.now(UTC).replace(tzinfo=None)

    def _nothing_new(self, mark: Mark, late: bool) -> Saved:
        with self._lock:
            now = self._case(mark.clip_id).mark_of(mark.annotator)
        at = now.at if now and now.at else self._now()
        older = now is not None and mark.save_id != now.save_id and mark.seq < now.seq
        same = now is not None and mark.save_id == now.save_id
        return Saved(now.ev_id if now and same else None, at, "older" if older else "known", late)

    def _is_late(self, case: Case, mark: Mark) -> bool:
        """Somebody else has the clip by now, or has marked it so that it waits for nobody."""
        if case.mark_of(mark.annotator) is not None:
            return False
        holder = self.store.leases.holder(case.clip_id)
        if holder is not None:
            return holder != mark.annotator
        return bool(case.people) and case.clip_id not in self._board.hidden and self._board.need(case.clip_id) is None

    def undo(self, person: str, clip_id: str) -> Mark | None:
        """Takes back this person's last save on that clip; gives the mark that is in force again, or None.

        BadRequest when there is nothing to take back.
        """
        self._keeper.ready()
        with self._lock:
            mine = self._case(clip_id).mark_of(person)
        if mine is None:
            raise BadRequest("You have saved nothing on this clip, so there is nothing to take back.")
        ev_id = self._keeper.own(self.store.undo(mine.ev_id, person))
        now = next((mark for mark in self.store.marks(clip_id) if mark.annotator == person), None)
        with self._lock:
            self._keeper.mark_undone(clip_id, person, now, ev_id or 0)
            self._hold_on(person, [clip_id])
        return now

    # --- deciding

    def adjudications(self, person: str, count: int, *, have: Sequence[str] = ()) -> list[Task]:
        """Up to `count` clips on which people differ, held for this person, with everybody's marks."""
        self._keeper.ready()
        name = person + ADJUDICATOR
        with self._lock:
            for clip_id in have:
                self.store.claim(name, [clip_id])
            stream = iter([each for each in self._board.disputes_for(person) if each not in have])
            claims = (self.store.claim(name, stream) for _ in range(min(count, MOST_TASKS)))
            found = [clip_id for clip_id in claims if clip_id is not None]
            total = len(self._board.disputes)
            tasks = [self._dispute(person, clip_id, n + 1, total) for n, clip_id in enumerate(found)]
        return [replace(task, expects=self._adjudicated(task.clip_id)) for task in tasks]

    def _adjudicated(self, clip_id: str) -> int:
        return self.store.times_events(clip_id).get("adjudicated", 0)

    def _dispute(self, person: str, clip_id: str, position: int, total: int) -> Task:
        board, case = self._board, self._case(clip_id)
        ruling = judge(case, board.settings)
        told = reasons(case, "adjudicate", ruling, board.settings)
        if case.mark_of(person) is not None:
            told = (*told, "You marked this clip yourself: let somebody else decide if you can")
        simulated = any(mark.detail.get("simulated") is True for mark in case.models)
        return Task(clip_id, "adjudicate", told, ruling.checks, case.marks, 0, False, None, simulated, position, total)

    def adjudicate(
        self,
        person: str,
        clip_id: str,
        visual_s: float | None,
        audio_s: float | None,
        verdict: Verdict,
        reason: str,
        expects: int,
    ) -> Saved:
        """Settles the clip for good. expects: the adjudication that the page saw (0 = none); Conflict when there is
        another by now.
        """
        self._keeper.ready()
        with self._lock:
            case = self._case(clip_id)
        check_mark(Mark(clip_id, person, visual_s, audio_s, verdict, reason), case.duration_s)
        detail = {"verdict": verdict, "reason": reason, "by": person, "people": [m.annotator for m in case.people]}
        times = EventTimes(visual_s, audio_s, "adjudicated", detail)
        ev_id = self._keeper.own(self.store.set_times(clip_id, times, person, expects=expects))
        with self._lock:
            self._keeper.times_set(clip_id, times)
            self.release(person, [clip_id])
        return Saved(ev_id, self._now(), "saved" if ev_id else "known", False)

    # --- knowing

    def progress(self, person: str) -> Progress:
        """What this person has done, and what waits."""
        self._keeper.ready()
        with self._lock:
            board, doings = self._board, self._board.doings(person)
            pace_s, left = doings.pace_s(), board.left_for(person)
            return Progress(
                mine=len(doings.saves),
                mine_today=doings.today(),
                remaining=left,
                pace_s=pace_s,
                left_s=None if pace_s is None else pace_s * left,
                waiting_second=len(board.seconds),
                waiting_adjudication=len(board.disputes),
            )

    def settings(self) -> Settings:
        """The settings in force."""
        self._keeper.ready()
        with self._lock:
            return self._board.settings

    def habits(self, person: str) -> Habits:
        """How this person marks, and what is known of their machines."""
        self._keeper.ready()
        with self._lock:
            return read_habits(self._board.rows, person)

    def set_habits(self, person: str, habits: Habits) -> None:
        """Keeps how this person marks, after COMMIT."""
        self._keeper.ready()
        name, value = PERSON + person, asdict(habits)
        self._keeper.own(self.store.set_setting(name, value, person))
        with self._lock:
            self._keeper.setting_set(name, value)

    def _case(self, clip_id: str) -> Case:
        """The clip's case; one that came in since the last look is read from the store. NotFound."""
        case = self._board.cases.get(clip_id)
        if case is None:
            clip = self.store.clip(clip_id)
            case = Case(clip.id, clip.probe.duration_s, tuple(self.store.marks(clip_id)))
            self._board.add_case(case)
        return case


def note_change(clip_id: str, person: str, text: str) -> list[Change]:
    """What writes a person's note on a clip: one note each, the newest text in force. BadRequest when too long."""
    if not text.strip():
        return []
    if len(text) > MOST_NOTE:
        raise BadRequest(f"The note is too long: {len(text):,} characters. Use {MOST_NOTE:,} or fewer.")
    return [changes.add_note(content_id("note", clip_id, person), clip_id, text, person)]

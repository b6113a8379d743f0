"""The queue in memory: every clip's case, which clips wait for whom and in which order, and what each person has done.

Knows no store and no threads: the desk, which owns it, holds a lock around every call. Nothing here looks at all clips
except `arrange`, which the desk runs outside of requests.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from thud.events.needs import GOLD, Case, Need, judge, need, share
from thud.events.order import expected_gain, order
from thud.events.settings import Settings, read_settings
from thud.records import EventTimes, Mark

if TYPE_CHECKING:
    from thud.events.settle import Learnt

PACE_OF = 20
IDLE_S = 300.0
"""A pause longer than this is no work and counts neither as slow nor as fast."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """The queue as it was worked out from one moment's cases: best first.

    retained: what the rule, or a sure consensus, keeps without a person.
    """

    queue: tuple[str, ...]
    drawn: frozenset[str]
    retained: frozenset[str]
    gold: tuple[str, ...]
    learnt: Learnt


def arrange(cases: Mapping[str, Case], settings: Settings) -> Arranged:
    """The order in which clips are worth a look. Takes about a second for 10,000 clips."""
    from thud.events.certain import certain  # they bring scipy, which takes most of a second
    from thud.events.settle import learned

    learnt = learned(cases.values())
    gold = hidden_gold(cases)
    rulings, gains, finished = {}, {}, set()
    for clip_id, case in cases.items():
        if clip_id in gold:
            continue
        spreads = learnt.spread_s(clip_id) if case.models else (None, None)
        gains[clip_id] = sum(expected_gain(spread) for spread in spreads)
        if not case.people and case.method != "adjudicated":
            ruling = judge(case, settings)
            rulings[clip_id] = replace(ruling, retained=True) if certain(case, learnt, settings) else ruling
        elif need(case, settings) != "second":
            finished.add(clip_id)
    retained = frozenset(clip_id for clip_id, ruling in rulings.items() if ruling.retained)
    tickets = tuple(sorted(gold, key=lambda clip_id: share("gold", settings.seed, clip_id)))
    if not any(case.models for case in cases.values()):
        # Nothing is known of any clip: in the order of the list, which a person can follow.
        return Arranged(tuple(gains), frozenset(), retained, tickets, learnt)
    queue = order(gains, rulings, random_share=settings.random_share, finished=finished, seed=settings.seed)
    drawn = frozenset(one.clip_id for one in queue if one.why == "random")
    return Arranged(tuple(one.clip_id for one in queue), drawn, retained, tickets, learnt)


def hidden_gold(cases: Mapping[str, Case]) -> frozenset[str]:
    """Clips whose truth is known and that are mixed in to check people.

    None where all clips are of that kind: then they are the work itself, for practice.
    """
    gold = frozenset(clip_id for clip_id, case in cases.items() if case.method in GOLD)
    return frozenset() if len(gold) == len(cases) else gold


@dataclass(slots=True)
class Doings:
    """What one person has marked, holds and has put off. saves: clip id -> when."""

    saves: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, None] = field(default_factory=dict)
    skipped: dict[str, None] = field(default_factory=dict)
    days: Counter[date] = field(default_factory=Counter)
    moments: deque[datetime] = field(default_factory=lambda: deque(maxlen=PACE_OF + 1))
    handed: int = 0

    def add(self, clip_id: str, at: datetime) -> None:
        """A mark was saved. `at` is UTC without a zone, as the store has it."""
        self.drop(clip_id)
        self.saves[clip_id] = at
        self.days[local_day(at)] += 1
        self.moments.append(at)
        self.held.pop(clip_id, None)
        self.skipped.pop(clip_id, None)

    def drop(self, clip_id: str) -> None:
        """The mark is gone."""
        before = self.saves.pop(clip_id, None)
        if before is not None:
            self.days[local_day(before)] -= 1

    def today(self) -> int:
        """Clips marked today, by the clock of this machine."""
        return self.days[datetime.now().astimezone().date()]

    def pace_s(self) -> float | None:
        """Seconds a clip, the median of the last ones; None when too few were marked in one go."""
        moments = sorted(self.moments)
        gaps = [(after - before).total_seconds() for before, after in zip(moments, moments[1:], strict=False)]
        worked = [gap for gap in gaps if gap <= IDLE_S]
        return median(worked) if worked else None


def local_day(at: datetime) -> date:
    """The day of a UTC moment as the clock on this machine's wall has it."""
    return at.replace(tzinfo=UTC).astimezone().date()


@dataclass(slots=True)
class Board:
    """rows: the store's settings by name. queue: open clips, best first.

    seconds, disputes: clips that wait for a second person, or for adjudication. saving: clips with a mark on its way
    to the store: its hold ends with the commit, the board hears of it later, and nobody may get the clip in between.
    """

    rows: dict[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    cases: dict[str, Case] = field(default_factory=dict)
    queue: dict[str, None] = field(default_factory=dict)
    seconds: set[str] = field(default_factory=set)
    disputes: dict[str, None] = field(default_factory=dict)
    gold: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    drawn: frozenset[str] = frozenset()
    people: dict[str, Doings] = field(default_factory=dict)
    saving: Counter[str] = field(default_factory=Counter)
    learnt: Learnt | None = None

    def set_rows(self, rows: dict[str, Any]) -> None:
        """Settings, people's habits among them, as the store has them."""
        self.rows, self.settings = rows, read_settings(rows)

    def load(self, cases: dict[str, Case]) -> None:
        """Start again from what the store says; what people hold and have put off stays."""
        self.cases = cases
        for doings in self.people.values():
            doings.saves, doings.days = {}, Counter()
            doings.moments.clear()
        marks = sorted(
            (mark for case in cases.values() for mark in case.people if mark.at), key=lambda mark: (mark.at, mark.ev_id)
        )
        for mark in marks:
            if mark.at is not None:
                self.doings(mark.annotator).add(mark.clip_id, mark.at)
        for doings in self.people.values():
            doings.handed = max(doings.handed, len(doings.saves))

    def put_in_order(self, arranged: Arranged) -> None:
        """Take over an order; clips that were settled since it was worked out drop out, new ones come last."""
        self.gold, self.hidden, self.drawn = arranged.gold, frozenset(arranged.gold), arranged.drawn
        self.learnt = arranged.learnt
        for clip_id, case in self.cases.items():
            if case.retained != (clip_id in arranged.retained):
                self.cases[clip_id] = replace(case, retained=not case.retained)
        self.queue, self.seconds, self.disputes = {}, set(), {}
        for clip_id in (*arranged.queue, *self.cases):
            if clip_id in self.cases and clip_id not in self.queue:
                self._file(clip_id)

    def need(self, clip_id: str) -> Need | None:
        """Whom the clip waits for."""
        hidden = clip_id in self.hidden
        return need(self.cases[clip_id], self.settings, hidden=hidden, drawn=clip_id in self.drawn)

    def doings(self, person: str) -> Doings:
        return self.people.setdefault(person, Doings())

    def set_mark(self, mark: Mark) -> None:
        """A mark was saved, or an earlier one is in force again."""
        self.cases[mark.clip_id] = self.cases[mark.clip_id].with_mark(mark)
        if mark.person and mark.at is not None:
            self.doings(mark.annotator).add(mark.clip_id, mark.at)
        self._file(mark.clip_id)

    def drop_mark(self, clip_id: str, annotator: str) -> None:
        """A mark was taken back, and there was none before."""
        self.cases[clip_id] = self.cases[clip_id].without(annotator)
        self.doings(annotator).drop(clip_id)
        self._file(clip_id)

    def set_times(self, clip_id: str, times: EventTimes) -> None:
        """Other event times are in force."""
        self.cases[clip_id] = replace(self.cases[clip_id], times=times)
        self._file(clip_id)

    def add_case(self, case: Case) -> None:
        """A clip that was not known."""
        self.cases[case.clip_id] = case
        self._file(case.clip_id)

    def _file(self, clip_id: str) -> None:
        waits_for = self.need(clip_id)
        if waits_for in ("first", "second"):
            self.queue.setdefault(clip_id)
        else:
            self.queue.pop(clip_id, None)
        (self.seconds.add if waits_for == "second" else self.seconds.discard)(clip_id)
        if waits_for == "adjudicate":
            self.disputes.setdefault(clip_id)
        else:
            self.disputes.pop(clip_id, None)

    def held_by(self, person: str, without: Collection[str]) -> list[str]:
        """What this person was given before and may still mark: a page that reloads gets it again."""
        doings = self.doings(person)
        useful = (clip_id for clip_id in doings.held if clip_id in self.queue or clip_id in self.hidden)
        done = (self.saving, doings.saves, without)
        return [clip_id for clip_id in useful if not any(clip_id in each for each in done)]

    def candidates(self, person: str, without: Collection[str]) -> Iterator[str]:
        """What this person may be given, best first: the queue, then what they put off."""
        doings = self.doings(person)
        for clip_id in self.queue:
            if not (
                clip_id in self.saving or clip_id in doings.saves or clip_id in without or clip_id in doings.skipped
            ):
                yield clip_id
        last = [clip_id for clip_id in doings.skipped if clip_id in self.queue and clip_id not in self.saving]
        yield from [clip_id for clip_id in last if clip_id not in without]

    def gold_for(self, person: str, without: Collection[str]) -> Sequence[str]:
        """Gold clips to mix in now; empty when it is not their turn. Looks random, and each comes once."""
        doings = self.doings(person)
        turn = share(f"turn/{person}", self.settings.seed, str(doings.handed)) < self.settings.gold_share
        if not turn or not self.left_for(person):
            return ()
        return [clip_id for clip_id in self.gold if clip_id not in doings.saves and clip_id not in without]

    def left_for(self, person: str) -> int:
        """How many clips of the queue this person may still be given."""
        return len(self.queue) - len(self.seconds & self.doings(person).saves.keys())

    def disputes_for(self, person: str) -> Iterable[str]:
        """Disputes, those the person has no part in first: a third person should decide, if there is one."""
        done = self.doings(person).saves
        return sorted(self.disputes, key=lambda clip_id: clip_id in done)

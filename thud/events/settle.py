"""Event times from marks: what people decided, else the learned consensus of the models; and the paper's rule.

    agreement   the rule's representative times, only where it retains the clip
    consensus   a person's times (a stable bias taken off, two people in the middle), else the models' learned consensus

`learned` and `settled_times` are pure; `settle` reads the store and writes what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Literal

from thud.events.consensus import Consensus, Settled, learn, refine
from thud.events.needs import DECIDED, GOLD, Case, judge
from thud.events.order import PERSON_SPREAD_S
from thud.events.report import Marked, person_quality
from thud.events.settings import Settings
from thud.records import EventTimes, Mark
from thud.stimuli.held_out import is_held_out
from thud.store import Store
from thud.store.changes import set_times

Kind = Literal["visual", "audio"]
KINDS: tuple[Kind, ...] = ("visual", "audio")
SETTLED = ("consensus", "agreement")
SAME_S = 0.0005
"""Times that moved less are not written again."""
CHUNK = 100
"""Times written in one go: saves of people wait no longer than that takes."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
Times = dict[str, EventTimes]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What all marks taught. corrections: person -> seconds to add, picture and sound apart."""

    visual: Consensus
    audio: Consensus
    visual_corrections: Mapping[str, float]
    audio_corrections: Mapping[str, float]

    def of(self, kind: Kind) -> tuple[Consensus, Mapping[str, float]]:
        return (self.visual, self.visual_corrections) if kind == "visual" else (self.audio, self.audio_corrections)

    def spread_s(self, clip_id: str) -> tuple[float | None, float | None]:
        """How sure the picture and the sound time are; None without a mark."""
        visual, audio = self.visual.settled.get(clip_id), self.audio.settled.get(clip_id)
        return visual.spread_s if visual else None, audio.spread_s if audio else None


@dataclass(frozen=True, slots=True)
class SettleReport:
    """How many clips there are, how many the rule retains, and how many event times were written."""

    clips: int
    retained: int
    written: int


def time_of(mark: Mark, kind: Kind) -> float | None:
    """The mark's picture or sound time, if its verdict lets it count."""
    if mark.verdict in ("discarded", "uncertain"):
        return None
    return mark.visual_s if kind == "visual" else mark.audio_s


def known_s(case: Case, kind: Kind, methods: Iterable[str] = DECIDED) -> float | None:
    """The time that is taken for the truth, inside the clip."""
    if case.times is None or case.times.method not in methods:
        return None
    value = case.times.visual_s if kind == "visual" else case.times.audio_s
    return None if value is None else _inside(value, case.duration_s)


def corrections(cases: Iterable[Case], kind: Kind) -> dict[str, float]:
    """Person -> what to add to their marks, from how they mark clips whose times are known."""
    found = list(cases)
    marks = [
        Marked(mark.annotator, case.clip_id, mark.at or LONG_AGO, time_of(mark, kind))
        for case in found
        for mark in case.people
    ]
    gold = {case.clip_id: value for case in found if (value := known_s(case, kind, GOLD)) is not None}
    if not gold:
        return {}
    return {each.person: each.correction_s for each in person_quality(marks, gold) if each.correction_s}


def decided_s(case: Case, kind: Kind, corrected: Mapping[str, float]) -> float | None:
    """What people placed, in the middle of them all; None when nobody did."""
    placed = [
        _inside(value + corrected.get(mark.annotator, 0.0), case.duration_s)
        for mark in case.people
        if (value := time_of(mark, kind)) is not None
    ]
    return median(placed) if placed else None


def learned(cases: Iterable[Case]) -> Learnt:
    """Habits of every model, learned against what people decided and what is known; and every clip's consensus."""
    usable = [case for case in cases if case.duration_s > 0]
    by_kind = {kind: _learned(usable, kind, corrections(usable, kind)) for kind in KINDS}
    (visual, visual_off), (audio, audio_off) = by_kind["visual"], by_kind["audio"]
    return Learnt(visual, audio, visual_off, audio_off)


def _learned(cases: list[Case], kind: Kind, corrected: dict[str, float]) -> tuple[Consensus, dict[str, float]]:
    gold: dict[str, float] = {}
    for case in cases:
        truth = known_s(case, kind)
        truth = decided_s(case, kind, corrected) if truth is None else truth
        if truth is not None:
            gold[case.clip_id] = truth
    marks = {case.clip_id: placed for case in cases if (placed := models_placed(case, kind))}
    return learn(marks, gold, {case.clip_id: case.duration_s for case in cases}), corrected


def models_placed(case: Case, kind: Kind) -> dict[str, float]:
    """Model -> seconds."""
    return {
        mark.annotator: _inside(value, case.duration_s)
        for mark in case.models
        if (value := time_of(mark, kind)) is not None
    }


def settled_times(case: Case, learnt: Learnt, settings: Settings) -> Times:
    """Method -> event times of one clip: "consensus" when anybody marked it, "agreement" when the rule retains it."""
    ruling = judge(case, settings)
    found: Times = {}
    if case.marks:
        found["consensus"] = _consensus(case, learnt)
    if ruling.retained:
        checks = {check.name: check.passed for check in ruling.checks}
        found["agreement"] = EventTimes(
            ruling.visual_s, ruling.audio_s, "agreement", {"retained": True, "checks": checks}
        )
    return found


def _consensus(case: Case, learnt: Learnt) -> EventTimes:
    spoken = {mark.verdict for mark in case.people}
    detail: dict[str, object] = {}
    if spoken and spoken <= {"discarded"}:
        return EventTimes(None, None, "consensus", {"verdict": "discarded", "sources": _names(case)})
    times: dict[str, float | None] = {}
    for kind in KINDS:
        settled = settle_one(case, kind, learnt)
        if kind == "audio" and "no_sound" in spoken and "placed" not in spoken:
            settled, detail["verdict"] = None, "no_sound"
        times[kind] = None if settled is None else round(settled.time_s, 6)
        if settled is not None:
            detail |= {f"{kind}_spread_s": round(settled.spread_s, 6), f"{kind}_sources": list(settled.sources)}
    return EventTimes(times["visual"], times["audio"], "consensus", detail)


def settle_one(case: Case, kind: Kind, learnt: Learnt) -> Settled | None:
    """Where the event of one clip is: where people put it, else where its models' marks do; None without a mark."""
    consensus, corrected = learnt.of(kind)
    decided = decided_s(case, kind, corrected)
    if decided is not None:
        sources = tuple(mark.annotator for mark in case.people if time_of(mark, kind) is not None)
        return Settled(case.clip_id, decided, PERSON_SPREAD_S / len(sources) ** 0.5, {}, sources)
    placed = models_placed(case, kind)
    if not placed or case.duration_s <= 0:
        return None
    settled = consensus.settled.get(case.clip_id)
    if settled is not None and set(settled.sources) == placed.keys():
        return settled
    return refine(consensus, placed, case.duration_s, case.clip_id)


def _names(case: Case) -> list[str]:
    return [mark.annotator for mark in case.people]


def _inside(value: float, duration_s: float) -> float:
    return min(max(float(value), 0.0), duration_s) if duration_s > 0 else float(value)


def same(one: EventTimes, other: EventTimes | None) -> bool:
    """Whether there is nothing new in `one`."""
    if other is None or one.detail.get("verdict") != other.detail.get("verdict"):
        return False
    both = ((one.visual_s, other.visual_s), (one.audio_s, other.audio_s))
    spreads = [
        (one.detail.get(name, 0.0), other.detail.get(name, 0.0)) for name in ("visual_spread_s", "audio_spread_s")
    ]
    return (
        one.detail.get("retained") == other.detail.get("retained")
        and one.detail.get("visual_sources") == other.detail.get("visual_sources")
        and all((a is None) == (b is None) and (a is None or abs(a - b) < SAME_S) for a, b in both)  # type: ignore[operator]
        and all(abs(a - b) < 0.2 * max(a, b, SAME_S) for a, b in spreads)
    )


def write_settled(
    store: Store, cases: Iterable[Case], learnt: Learnt, settings: Settings, held: Mapping[str, Times], actor: str
) -> list[int]:
    """Writes the times of these clips that differ from what the store holds, and gives the events' ids.

    held: method -> clip id -> times, brought up to date. Times that nothing supports any more are emptied, not left to
    mislead.
    """
    news = [(case.clip_id, times) for case in cases for times in _news(case, learnt, settings, held)]
    written: list[int] = []
    for start in range(0, len(news), CHUNK):
        chunk = news[start : start + CHUNK]
        ev_ids = store.write_many([set_times(clip_id, times, actor) for clip_id, times in chunk])
        written += [ev_id for ev_id in ev_ids if ev_id is not None]
        for clip_id, times in chunk:
            held[times.method][clip_id] = times
    return written


def _news(case: Case, learnt: Learnt, settings: Settings, held: Mapping[str, Times]) -> list[EventTimes]:
    """What there is to write about one clip."""
    found, news = settled_times(case, learnt, settings), []
    for method in SETTLED:
        before = held[method].get(case.clip_id)
        now = found.get(method) or (EventTimes(None, None, method) if before else None)
        if now is not None and not same(now, before):
            news.append(now)
    return news


def read_held(store: Store) -> dict[str, Times]:
    """The settled times that the store holds: method -> clip id -> times."""
    return {method: store.times(method) for method in SETTLED}


def read_cases(store: Store) -> dict[str, Case]:
    """Every clip with its marks, by id, in the order of their paths; but for the demo's held-out ones.

    Those wait for nobody and check nobody: their times are exact, and they are there for testing models.
    """
    times, tallies = store.times(), store.tallies()
    marks: dict[str, list[Mark]] = {}
    for mark in store.marks():
        marks.setdefault(mark.clip_id, []).append(mark)
    return {
        clip.id: Case(
            clip.id,
            clip.probe.duration_s,
            tuple(marks.get(clip.id, ())),
            times.get(clip.id),
            _valid(tallies.get(clip.id, {})),
        )
        for clip in store.clips()
        if not is_held_out(clip)
    }


def _valid(tally: Mapping[str, Mapping[str, int]]) -> bool | None:
    """Edits were built and verified, none failed; None when that cannot be said."""
    verified = sum(row.get("verified", 0) for row in tally.values())
    failed = sum(row.get("failed", 0) for row in tally.values())
    return True if verified and not failed else None


def settle(store: Store, settings: Settings, actor: str) -> SettleReport:
    """Learns from all marks and writes every clip's "consensus", and "agreement" where the rule retains it."""
    cases = read_cases(store)
    learnt = learned(cases.values())
    written = write_settled(store, cases.values(), learnt, settings, read_held(store), actor)
    retained = sum(judge(case, settings).retained for case in cases.values())
    return SettleReport(len(cases), retained, len(written))

"""Honest controls of what is in the store: each row's ceiling, its score under another picture, before and after.

A ceiling is of the very items that were asked. It is kept until something is written to the store, and then until the
places of the sounds differ.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thud.evaluation.alike import class_mean, class_mean_apart
from thud.evaluation.before_after import Asked, BeforeAfter, Told, before_after
from thud.evaluation.controls import (
    CLASSES,
    Ceiling,
    Controls,
    Played,
    Under,
    held_against,
    sound_only_ceiling,
    under_other_pictures,
)
from thud.evaluation.gain import gain
from thud.evaluation.leaderboard import Row, RowSums, split_rows
from thud.records import content_id
from thud.statistics import Estimate, Tested, paired_test
from thud.store.score_filter import RowKey, ScoreFilter

if TYPE_CHECKING:
    from thud.statistics import Numbers
    from thud.store import Store

SHUFFLED = "shuffled_picture"
HEARD = ("audio_video", "sound_only", SHUFFLED)
"""The arms in which a sound is played, so that where it lies may help."""
PAIRED = ("original", "early", "delayed")
TIMED = CLASSES[:3]
"""What a row of the tables counts as its classes of synchrony; muted sound is told of under existence there."""
KEPT = 256

Places = dict[str, tuple[float | None, float, str]]
"""Stimulus → where its sound lies as played (None: muted, or not known), length of the clip, source."""
Lying = tuple[int, Places]
"""The places, and the store's newest event when they were read: asked of the store once, not for every row."""

_places: dict[str, Lying] = {}
_ceilings: dict[str, Ceiling] = {}
_lock = threading.Lock()


def row_controls(
    store: Store, rows: Sequence[RowSums], wanted: ScoreFilter, parts: Mapping[int, tuple[Row, str]]
) -> dict[Row, Controls]:
    """Every row that was asked about synchrony with a sound, held against its controls. parts: as for `split_rows`.

    The control is counted whether or not the filter shows it as a row of its own.
    """
    control = {row.row: row for row in _control_rows(store, rows, wanted, parts)}
    found: dict[Row, Controls] = {}
    lying = _places_of(store)
    for row in rows:
        if row.row[1] in HEARD and row.items.any():
            other = control.get((row.row[0], SHUFFLED, row.row[2])) if row.row[1] == "audio_video" else None
            ceiling = _row_ceiling(store, row, wanted, lying)
            under = _under(store, row, other, ceiling, wanted) if other is not None else None
            found[row.row] = held_against(class_mean(*_timed(row)), int(row.items.sum()), ceiling, under)
    return found


def one_row_controls(
    store: Store, row: RowKey, wanted: ScoreFilter, parts: Mapping[int, tuple[Row, str]]
) -> Controls | None:
    """One row held against its controls; None where it was not asked about synchrony with a sound."""
    only = replace(wanted, row=row, arms=(), question_sets=(), text="", tasks=("sync",))
    rows = split_rows(store.score_counts(only), parts)
    return row_controls(store, rows, only, parts).get((row.listener_key, row.arm, row.question_set))


@dataclass(frozen=True, slots=True)
class Compared:
    """Two listeners on the `items` about synchrony that both answered, classes alike. difference: B − A.

    counts: whether the gain of the better one counts, None = cannot be said yet. words: one sentence.
    """

    a: Controls
    b: Controls
    difference: Estimate
    items: int
    tested: Tested
    counts: bool | None
    words: str


def compare_rows(
    store: Store, a: RowKey, b: RowKey, wanted: ScoreFilter, parts: Mapping[int, tuple[Row, str]]
) -> Compared | None:
    """Whether the better of two listeners gains anything that counts; None where one of them did not hear and see, or
    where they share no item about synchrony.
    """
    if {a.arm, b.arm} != {"audio_video"}:
        return None
    only = replace(wanted, tasks=("sync",), arms=(), question_sets=(), text="")
    shared = _paired(store.score_pairs(a, b, only))
    if shared is None:
        return None
    ceiling, asked = _shared_ceiling(store, (a, b), only), {row for row, _ in parts.values()}

    def held(row: RowKey, other: RowKey, right: Numbers) -> Controls:
        control, under = replace(row, arm=SHUFFLED), None
        if (control.listener_key, control.arm, control.question_set) in asked:
            under = _asked_again(store, (row, control, other), only, shared.count, ceiling)
        return held_against(class_mean(right, shared.items), shared.count, ceiling, under)

    two = (held(a, b, shared.first), held(b, a, shared.second))
    difference = class_mean_apart(shared.first, shared.second, shared.items)
    tested = paired_test(shared.first, shared.second, shared.items)
    better = 0 if (difference.value or 0.0) < 0 else 1
    counts, words = gain(_turned(difference) if better == 0 else difference, tested.p, two[better], "AB"[better])
    return Compared(*two, difference, shared.count, tested, counts, words)


def _turned(one: Estimate) -> Estimate:
    value, low, high = (None if each is None else -each for each in (one.value, one.high, one.low))
    return Estimate(value, low, high, one.n)


@dataclass(frozen=True, slots=True, eq=False)
class _Paired:
    """What two rows have right of the items that both answered, and these; each (sources, classes)."""

    first: Numbers
    second: Numbers
    items: Numbers

    @property
    def count(self) -> int:
        return int(self.items.sum())


def _paired(pairs: Mapping[str, NDArray[Any]]) -> _Paired | None:
    """The counts of `score_pairs` about synchrony; None where there are none."""
    timed = np.isin(pairs["condition"].astype(str), PAIRED)
    if not timed.any():
        return None
    pairs = {name: column[timed] for name, column in pairs.items()}
    sources, place = np.unique(pairs["source"], return_inverse=True)
    column = np.array([PAIRED.index(condition) for condition in pairs["condition"].tolist()])

    def counted(kept: NDArray[np.bool_]) -> Numbers:
        table = np.zeros((len(sources), len(PAIRED)))
        np.add.at(table, (place, column), pairs["items"] * kept)
        return table

    return _Paired(counted(pairs["hit"]), counted(pairs["b_hit"]), counted(pairs["items"] > 0))


def _shared_ceiling(store: Store, rows: Sequence[RowKey], wanted: ScoreFilter) -> Ceiling:
    """What the sound alone allows on the stimuli that all of these rows answered something about."""
    _, places = _places_of(store)
    answered = [_answered(store.score_asked(row, wanted)) for row in rows]
    shared = set.intersection(*(set(one) for one in answered))
    return _ceiling_of([_played(places, one, answered[0][one]) for one in sorted(shared) if answered[0][one] in TIMED])


def _answered(asked: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Stimulus → right answer, of those that a response came to."""
    came = asked["said"] != "error"
    return dict(zip(asked["stimulus_id"][came].tolist(), asked["expected"][came].tolist(), strict=True))


def _asked_again(
    store: Store, rows: tuple[RowKey, RowKey, RowKey | None], wanted: ScoreFilter, of: int, ceiling: Ceiling
) -> Under | None:
    """The control of the items that were put to a listener with the right picture and with other ones. rows: with the
    right picture, with others, and the row that must have answered them too. ceiling: of all `of` items.
    """
    row, control, among = rows
    both = _paired(store.score_pairs(row, control, wanted, among))
    if both is None:
        return None
    if both.count < of:
        ceiling = _shared_ceiling(store, [each for each in rows if each is not None], wanted)
    return under_other_pictures(both.first, both.second, both.items, of, ceiling.share)


def _control_rows(
    store: Store, rows: Sequence[RowSums], wanted: ScoreFilter, parts: Mapping[int, tuple[Row, str]]
) -> list[RowSums]:
    there = [row for row in rows if row.row[1] == SHUFFLED]
    if wanted.row is None and (there or not wanted.arms or SHUFFLED in wanted.arms):
        return there
    if not any(row[1] == SHUFFLED for row, _ in parts.values()):
        return []
    only = replace(wanted, arms=(SHUFFLED,), tasks=("sync",))
    if wanted.row is not None:
        only = replace(only, row=replace(wanted.row, arm=SHUFFLED))
    return split_rows(store.score_counts(only), parts)


def _under(store: Store, row: RowSums, control: RowSums, ceiling: Ceiling, wanted: ScoreFilter) -> Under | None:
    """A row's control; from the sums at hand where both are of the very same items and every response came."""
    of = int(row.items.sum())
    if row.asked == control.asked and not (_errors(row) or _errors(control)):
        (right, items), (under, _) = _timed(row), _timed(control)
        return under_other_pictures(right, under, items, of, ceiling.share)
    mine, other = (RowKey(*each.row) for each in (row, control))
    return _asked_again(store, (mine, other, None), replace(wanted, tasks=("sync",)), of, ceiling)


def _timed(row: RowSums) -> tuple[Numbers, Numbers]:
    """(right, items) of the sources that were asked about synchrony: a row has those of every other question too."""
    asked = row.items.any(axis=1)
    return row.right[asked], row.items[asked]


def _errors(row: RowSums) -> int:
    """Questions of synchrony that no response came to."""
    columns = [i for i, (task, _, label) in enumerate(row.table.keys) if (task, label) == ("sync", "error")]
    return int(row.table.counts[:, columns].sum())


def _row_ceiling(store: Store, row: RowSums, wanted: ScoreFilter, lying: Lying) -> Ceiling:
    """What the sound alone allows on the sync items of this row."""
    last, places = lying
    if not places:
        return sound_only_ceiling([Played(None, 1.0, "synced", "")])
    with _lock:
        kept = _ceilings.get(mark := content_id(str(store.path), last, row.asked, wanted.unparsed))
    if kept is not None:
        return kept
    asked = store.score_asked(RowKey(*row.row), replace(wanted, tasks=("sync",)))
    stimuli, first = np.unique(asked["stimulus_id"].astype(str), return_index=True)
    played = [
        _played(places, stimulus, label)
        for stimulus, label in zip(stimuli.tolist(), asked["expected"][first].tolist(), strict=True)
        if label in TIMED
    ]
    found = _ceiling_of(played)
    with _lock:
        _keep(mark, found)
    return found


def _ceiling_of(played: Sequence[Played]) -> Ceiling:
    """The ceiling, from what is kept where the same was played before, whatever else was written since."""
    mark = content_id([[one.audio_s, one.duration_s, one.label, one.clip] for one in played])
    with _lock:
        kept = _ceilings.get(mark)
    found = kept or sound_only_ceiling(played)
    with _lock:
        _keep(mark, found)
    return found


def _keep(mark: str, ceiling: Ceiling) -> None:
    _ceilings[mark] = ceiling
    while len(_ceilings) > KEPT:
        _ceilings.pop(next(iter(_ceilings)))


def _played(places: Places, stimulus: str, label: str) -> Played:
    audio_s, duration_s, source = places.get(stimulus, (None, 1.0, ""))
    return Played(audio_s, duration_s, label, source)


def _places_of(store: Store) -> Lying:
    newest = store.events(limit=1)
    last, name = newest[0].ev_id if newest else 0, str(store.path)
    with _lock:
        kept = _places.get(name)
    if kept is not None and kept[0] == last:
        return kept
    clips, times = {clip.id: clip for clip in store.clips()}, store.times()
    found: Places = {}
    for stimulus in store.stimuli():
        clip, at = clips.get(stimulus.clip_id), times.get(stimulus.clip_id)
        if clip is not None:
            heard = at.audio_s if at is not None and stimulus.intervention.kind in ("original", "shift") else None
            lies_s = None if heard is None else heard + stimulus.intervention.offset_s
            found[stimulus.id] = (lies_s, clip.probe.duration_s, clip.source or clip.id)
    with _lock:
        _places[name] = (last, found)
    return last, found


def before_after_of(
    store: Store, rows: Sequence[tuple[str, RowKey]], clips: Collection[str] | None = None
) -> BeforeAfter:
    """Listeners of the store before and after. rows: the stage in words and whose row it is, in their order.

    clips: those held out, None = all that all of them answered. "muted" counts from questions of synchrony where those
    were put to muted sound, else from those of existence. Listeners asked under other pictures have their control.
    """
    _, places = _places_of(store)
    kept = None if clips is None else set(clips)
    return before_after(
        [
            Asked(name, _told(store, row, places, kept), _told(store, replace(row, arm=SHUFFLED), places, kept) or None)
            for name, row in rows
        ]
    )


def _told(store: Store, row: RowKey, places: Places, clips: Collection[str] | None) -> tuple[Told, ...]:
    columns = store.score_asked(row, ScoreFilter(tasks=("sync", "existence")))
    names = ("stimulus_id", "question_id", "task", "clip_id", "source", "expected", "said", "hit")
    lines = list(zip(*(columns[name].tolist() for name in names), strict=True))
    asks_muted = any(task == "sync" and label == "muted" for _, _, task, _, _, label, _, _ in lines)
    return tuple(
        Told(
            content_id(stimulus, question), source, label, None if said == "error" else bool(hit),
            _played(places, stimulus, label), task,
        )
        for stimulus, question, task, clip, source, label, said, hit in lines
        if label in CLASSES and (task == "sync" or not asks_muted) and (clips is None or clip in clips)
    )  # fmt: skip

"""Before and after training on the same held-out items: what is right, what the sound alone allows, what counts. Pure.

A gain counts where a paired test shows it, the later stage is above what the sound alone allows, and it is better with
the right picture than under another clip's. Anything else may have been had without watching and listening together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from thud.errors import BadRequest
from thud.evaluation.alike import class_mean, class_mean_apart, per_source
from thud.evaluation.compare import by_item
from thud.evaluation.controls import (
    CLASSES,
    Ceiling,
    Controls,
    Played,
    Under,
    ceiling_json,
    controls_json,
    held_against,
    sound_only_ceiling,
    under_other_pictures,
)
from thud.evaluation.gain import gain
from thud.evaluation.items_view import Json, estimate_json
from thud.statistics import TEST_WORDS, Estimate, Numbers, cluster_bootstrap, holm, mcnemar, paired_test

FROM_EXISTENCE = "“muted” is from the question whether anything is heard, the other classes from the one about time."
LENT = "“muted” was not asked about again under another picture: there it counts as under the right one."


@dataclass(frozen=True, slots=True)
class Told:
    """One item as one listener answered it. item: what pairs it across listeners (stimulus and question).

    label: the right answer, one of CLASSES. right: None where no response came. played: what its sound alone tells,
    None where nobody knows. task: what the question was about.
    """

    item: str
    source: str
    label: str
    right: bool | None
    played: Played | None = None
    task: Literal["sync", "existence"] = "sync"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one listener said. name: the stage in words. shuffled: under other clips' pictures, None = not asked."""

    name: str
    told: tuple[Told, ...]
    shuffled: tuple[Told, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stage(Controls):
    """One listener on the common items, held against both controls. by_class: what is right of each class."""

    name: str
    by_class: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage against another, paired by item. difference: after − before; gained, lost: items.

    p: of `test`, which takes items of one source together where there are several; holm_p: corrected over all steps,
    which `counts` rests on; mcnemar_p: exact, over items. primary: of the first stage to the last, what was asked.
    counts: None where it cannot be said yet: too few or nobody asked under another picture. words: one sentence.
    """

    before: str
    after: str
    primary: bool
    difference: Estimate
    by_class: Mapping[str, Estimate]
    gained: int
    lost: int
    p: float
    holm_p: float
    test: Literal["mcnemar", "sign_flip"]
    mcnemar_p: float
    counts: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """All stages on the items that all of them answered, and steps: each to the next, then the first to the last.

    by_class: items of each class. left_out: items that one of them gave no response to. answer, words: whether the gain
    of the last over the first counts, and why. notes: what must be known to read the figures.
    """

    stages: tuple[Stage, ...]
    steps: tuple[Step, ...]
    ceiling: Ceiling
    by_class: Mapping[str, int]
    items: int
    sources: int
    left_out: int
    answer: str
    words: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """What single items are counted into: the classes and sources of all common items."""

    classes: tuple[str, ...]
    sources: tuple[str, ...]

    def of(self, told: Sequence[Told]) -> tuple[Numbers, Numbers]:
        """(right, items), each (sources, classes)."""
        right, labels, sources = ([getattr(one, name) for one in told] for name in ("right", "label", "source"))
        return per_source([bool(each) for each in right], labels, sources, self.classes, self.sources)


def before_after(listeners: Sequence[Asked]) -> BeforeAfter:
    """What became of it. Only items that every listener answered count; the control is of the same ones.

    BadRequest where a listener answered an item twice, or where there are not two listeners.
    """
    if len(listeners) < 2:
        raise BadRequest("Name the listener before training and the one after it.")
    common, left_out = _common([_by_item(asked.told, asked.name) for asked in listeners])
    first = list(common[0].values())
    counted = Counter(one.label for one in first)
    classes = tuple(name for name in CLASSES if counted[name])
    table = _Table(classes, tuple(sorted({one.source for one in first})))
    ceiling = _ceiling(first)
    stages = tuple(_stage(asked, told, table, ceiling) for asked, told in zip(listeners, common, strict=True))
    steps = _steps(stages, common, table)
    answer, words = _verdict(steps[-1], len(first))
    notes = _notes(first, left_out, any(stage.under is not None and stage.under.lent for stage in stages))
    by_class = {name: counted[name] for name in classes}
    return BeforeAfter(
        stages, steps, ceiling, by_class, len(first), len(table.sources), left_out, answer, words, notes
    )  # fmt: skip


def _by_item(told: Sequence[Told], name: str) -> dict[str, Told]:
    return by_item([one for one in told if one.label in CLASSES], name)


def _common(told: Sequence[Mapping[str, Told]]) -> tuple[list[dict[str, Told]], int]:
    """Per listener the items that all of them answered; and how many were put to all but left one without response."""
    asked = set.intersection(*(set(each) for each in told))
    kept = sorted(item for item in asked if all(each[item].right is not None for each in told))
    return [{item: each[item] for item in kept} for each in told], len(asked) - len(kept)


def _ceiling(told: Sequence[Told]) -> Ceiling:
    return sound_only_ceiling([one.played or Played(None, 1.0, one.label, one.source) for one in told])


def _notes(told: Sequence[Told], left_out: int, lent: bool) -> tuple[str, ...]:
    silent = any(one.label == "muted" and one.task == "existence" for one in told)
    items = "1 item is" if left_out == 1 else f"{left_out} items are"
    missing = f"{items} left out: not every listener gave a response."
    return tuple(words for words, holds in ((FROM_EXISTENCE, silent), (LENT, lent), (missing, left_out)) if holds)


def _stage(asked: Asked, told: Mapping[str, Told], table: _Table, ceiling: Ceiling) -> Stage:
    right, items = table.of(list(told.values()))
    by_class = dict(zip(table.classes, cluster_bootstrap(right, items), strict=True))
    under = _under(asked, told, table, ceiling)
    held = held_against(class_mean(right, items), len(told), ceiling, under)
    return Stage(held.accuracy, held.items, ceiling, held.under, held.over, held.listening, asked.name, by_class)


def _under(asked: Asked, told: Mapping[str, Told], table: _Table, ceiling: Ceiling) -> Under | None:
    """The control, beside what the listener has right of the very items that were put to it under other pictures.

    Under another picture a muted clip is as silent, and a mean of three classes is nothing beside one of four: where
    muted sound was not asked about again, the listener's own answers of the same sources stand in for it.
    """
    other = {item: one for item, one in _by_item(asked.shuffled or (), asked.name).items() if item in told}
    other = {item: one for item, one in other.items() if one.right is not None}
    asked_again = len(other)
    if all(one.label != "muted" for one in other.values()):
        sources = {one.source for one in other.values()}
        other |= {item: one for item, one in told.items() if one.label == "muted" and one.source in sources}
    if not other:
        return None
    own = [told[item] for item in other]
    allowed = ceiling if len(other) == len(told) else _ceiling(own)
    (under, items), (right, _) = table.of(list(other.values())), table.of(own)
    return under_other_pictures(right, under, items, len(told), allowed.share, len(other) - asked_again)


def _steps(stages: Sequence[Stage], told: Sequence[Mapping[str, Told]], table: _Table) -> tuple[Step, ...]:
    last = len(stages) - 1
    pairs = [*pairwise(range(last + 1)), *([(0, last)] if last > 1 else [])]
    counts = [table.of(list(each.values())) for each in told]
    tested = [paired_test(counts[a][0], counts[b][0], counts[a][1]) for a, b in pairs]
    holms = holm([one.p for one in tested])
    made: list[Step] = []
    for (a, b), test, holm_p in zip(pairs, tested, holms, strict=True):
        before, after, items = counts[a][0], counts[b][0], counts[a][1]
        difference = class_mean_apart(before, after, items)
        by_class = {
            name: class_mean_apart(before[:, [i]], after[:, [i]], items[:, [i]]) for i, name in enumerate(table.classes)
        }
        gained, lost = (_won(told[x], told[y]) for x, y in ((a, b), (b, a)))
        does, words = gain(difference, holm_p, stages[b])
        made.append(
            Step(
                stages[a].name, stages[b].name, (a, b) == (0, last), difference, by_class, gained, lost, test.p, holm_p,
                test.test, mcnemar(gained, lost), does, words,
            )
        )  # fmt: skip
    return tuple(made)


def _won(before: Mapping[str, Told], after: Mapping[str, Told]) -> int:
    """Items that are right after and were not before."""
    return sum(bool(after[item].right) and not one.right for item, one in before.items())


def _verdict(step: Step, items: int) -> tuple[str, str]:
    if not items:
        return "Not known.", "They share no item that all of them answered; ask each about the same held-out clips."
    return {True: "Yes.", False: "No.", None: "Not known."}[step.counts], step.words


def before_after_json(found: BeforeAfter) -> Json:
    """All of it as JSON can hold it; shares as {value, low, high, n, sources} with n: items, None where not known."""
    return {
        "stages": [_stage_json(stage, found) for stage in found.stages],
        "steps": [_step_json(step, found) for step in found.steps],
        "ceiling": ceiling_json(found.ceiling), "classes": list(found.by_class), "items": found.items,
        "sources": found.sources, "left_out": found.left_out, "answer": found.answer, "words": found.words,
        "notes": list(found.notes),
    }  # fmt: skip


def _stage_json(stage: Stage, found: BeforeAfter) -> Json:
    return {
        "name": stage.name, "by_class": _classes_json(stage.by_class, found), **controls_json(stage, "audio_video"),
    }  # fmt: skip


def _step_json(step: Step, found: BeforeAfter) -> Json:
    names = ("before", "after", "primary", "gained", "lost", "p", "holm_p", "test", "mcnemar_p", "counts", "words")
    return {name: getattr(step, name) for name in names} | {
        "difference": estimate_json(step.difference, found.items),
        "by_class": _classes_json(step.by_class, found), "test_words": TEST_WORDS[step.test],
    }  # fmt: skip


def _classes_json(by_class: Mapping[str, Estimate], found: BeforeAfter) -> Json:
    return {name: estimate_json(one, found.by_class[name]) for name, one in by_class.items()}

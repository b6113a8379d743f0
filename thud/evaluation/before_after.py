"""Before and after training on the same held-out items: what is right, what the sound alone allows, what counts. Pure.

A gain counts where a paired test shows it, the later stage is above what the sound alone allows, and it is better with
the right picture than under another clip's. Anything else may have been had without watching and listening together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from thud.errors import BadRequest
from thud.evaluation.alike import class_mean, class_mean_apart, per_source
from thud.evaluation.controls import (
    CLASSES,
    Ceiling,
    Controls,
    Played,
    ceiling_json,
    held_against,
    sound_only_ceiling,
)
from thud.evaluation.gain import gain, paired_test
from thud.evaluation.items_view import Json, estimate_json
from thud.statistics import Estimate, Numbers, cluster_bootstrap


@dataclass(frozen=True, slots=True)
class Told:
    """One item as one listener answered it. item: what pairs it across listeners (stimulus and question).

    label: the right answer, one of CLASSES. played: what its sound alone tells, None where nobody knows.
    """

    item: str
    source: str
    label: str
    right: bool
    played: Played | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What one listener said. name: the stage in words. shuffled: under other clips' pictures, None = not asked."""

    name: str
    told: tuple[Told, ...]
    shuffled: tuple[Told, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One listener on the common items. accuracy: classes alike; over: above what the sound alone allows.

    shuffled: under other pictures, of the classes that were asked so. words: one sentence.
    """

    name: str
    accuracy: Estimate
    by_class: Mapping[str, Estimate]
    shuffled: Estimate | None
    over: Estimate
    listening: str
    needs_picture: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """One stage against another, paired by item. difference: after − before; gained, lost: items.

    p: of `test`, which takes items of one source together where there are several; mcnemar_p: exact, over items.
    counts: None where it cannot be said yet: nobody asked under another picture. words: one sentence.
    """

    before: str
    after: str
    difference: Estimate
    by_class: Mapping[str, Estimate]
    gained: int
    lost: int
    p: float
    test: Literal["mcnemar", "sign_flip"]
    mcnemar_p: float
    counts: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """All stages on the items that all of them answered, and steps: each to the next, then the first to the last.

    answer, words: whether the gain of the last over the first counts, and why.
    """

    stages: tuple[Stage, ...]
    steps: tuple[Step, ...]
    ceiling: Ceiling
    classes: tuple[str, ...]
    items: int
    sources: int
    answer: str
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Hits and items of one stage, each (sources, classes), of the common items; the same under other pictures."""

    right: Numbers
    items: Numbers
    controls: Controls


def before_after(listeners: Sequence[Asked]) -> BeforeAfter:
    """What became of it. Only items that every listener answered count; the control is of the same ones.

    BadRequest where a listener answered an item twice, or where there is no listener.
    """
    if not listeners:
        raise BadRequest("Name the listener before training and the one after it.")
    common = _common([_by_item(asked.told, asked.name) for asked in listeners])
    first = list(common[0].values())
    classes = tuple(name for name in CLASSES if any(one.label == name for one in first))
    sources = sorted({one.source for one in first})
    ceiling = sound_only_ceiling([one.played or Played(None, 1.0, one.label, one.source) for one in first])
    counted = [
        _count(list(told.values()), asked, classes, sources, ceiling)
        for told, asked in zip(common, listeners, strict=True)
    ]
    stages = tuple(_stage(asked.name, one, classes) for asked, one in zip(listeners, counted, strict=True))
    pairs = list(pairwise(range(len(listeners))))
    pairs += [(0, len(listeners) - 1)] if len(listeners) > 2 else []
    steps = tuple(
        _step(stages[a], stages[b], counted[a], counted[b], (common[a], common[b]), classes, sources) for a, b in pairs
    )
    answer, words = _verdict(steps[-1] if steps else None, stages[-1], len(first))
    return BeforeAfter(stages, steps, ceiling, classes, len(first), len(sources), answer, words)


def _by_item(told: Sequence[Told], name: str) -> dict[str, Told]:
    found = {one.item: one for one in told if one.label in CLASSES}
    if len(found) < sum(one.label in CLASSES for one in told):
        raise BadRequest(f"{name}: an item was answered twice; keep one answer to each.")
    return found


def _common(told: Sequence[Mapping[str, Told]]) -> list[dict[str, Told]]:
    shared: Collection[str] = set.intersection(*(set(each) for each in told))
    return [{item: each[item] for item in sorted(shared)} for each in told]


def _counts(told: Sequence[Told], classes: Sequence[str], sources: Sequence[str]) -> tuple[Numbers, Numbers]:
    return per_source(
        [one.right for one in told], [one.label for one in told], [one.source for one in told], classes, sources
    )


def _count(
    told: Sequence[Told], asked: Asked, classes: Sequence[str], sources: Sequence[str], ceiling: Ceiling
) -> _Counts:
    right, items = _counts(told, classes, sources)
    kept = {one.item for one in told}
    other = [one for one in asked.shuffled or () if one.item in kept]
    if not other:
        return _Counts(right, items, held_against(class_mean(right, items), ceiling))
    under = _with_muted(_counts(other, classes, sources), (right, items), classes)
    apart = class_mean_apart(under, (right, items))
    return _Counts(right, items, held_against(class_mean(right, items), ceiling, class_mean(*under), apart))


def _with_muted(
    under: tuple[Numbers, Numbers], own: tuple[Numbers, Numbers], classes: Sequence[str]
) -> tuple[Numbers, Numbers]:
    """The control with the listener's own answers to muted sound where those were not asked again.

    Under another picture a muted clip is as silent, and a mean of three classes is nothing beside one of four.
    """
    if "muted" not in classes or under[1][:, classes.index("muted")].any():
        return under
    place = classes.index("muted")
    for side, mine in zip(under, own, strict=True):
        side[:, place] = mine[:, place]
    return under


def _stage(name: str, counts: _Counts, classes: Sequence[str]) -> Stage:
    held = counts.controls
    by_class = dict(zip(classes, cluster_bootstrap(counts.right, counts.items), strict=True))
    return Stage(
        name, held.accuracy, by_class, held.shuffled, held.over, held.listening, held.needs_picture, held.words
    )


def _step(
    before: Stage, after: Stage, a: _Counts, b: _Counts, told: tuple[Mapping[str, Told], Mapping[str, Told]],
    classes: Sequence[str], sources: Sequence[str],
) -> Step:  # fmt: skip
    first, second = told
    gained = sum(second[item].right and not one.right for item, one in first.items())
    lost = sum(one.right and not second[item].right for item, one in first.items())
    tested = paired_test(a.right, b.right, a.items, gained, lost)
    of_class = {
        name: class_mean_apart((a.right[:, [i]], a.items[:, [i]]), (b.right[:, [i]], b.items[:, [i]]))
        for i, name in enumerate(classes)
    }
    difference = class_mean_apart((a.right, a.items), (b.right, b.items))
    counts, words = gain(difference, tested.p, b.controls)
    return Step(
        before.name, after.name, difference, of_class, gained, lost, tested.p, tested.test, tested.mcnemar_p, counts,
        words,
    )  # fmt: skip


def _verdict(step: Step | None, last: Stage, items: int) -> tuple[str, str]:
    if not items:
        return "Not known.", "They share no item that all of them answered; ask each about the same held-out clips."
    if step is None:
        return ("Yes." if last.listening == "above" else "No." if last.listening == "not above" else "Not known."), (
            last.words
        )
    return {True: "Yes.", False: "No.", None: "Not known."}[step.counts], step.words


def before_after_json(found: BeforeAfter) -> Json:
    """All of it as JSON can hold it; shares as {value, low, high, n, sources}, None where nothing is known."""
    return {
        "stages": [_plain(stage) for stage in found.stages],
        "steps": [_plain(step) for step in found.steps],
        "ceiling": ceiling_json(found.ceiling),
        "classes": list(found.classes),
        "items": found.items,
        "sources": found.sources,
        "answer": found.answer,
        "words": found.words,
    }


def _plain(one: Stage | Step) -> dict[str, Any]:
    return {name: _value(getattr(one, name), value) for name, value in asdict(one).items()}


def _value(held: Any, plain: Any) -> Any:
    if isinstance(held, Estimate):
        return estimate_json(held)
    if isinstance(held, Mapping):
        return {key: estimate_json(each) for key, each in held.items()}
    return plain

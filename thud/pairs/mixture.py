"""Draws pairs from situations until a recipe's counts are reached or nothing new comes. Streams; keeps only ids.

Of each type, conditions are drawn as equally as the situations allow, and within a condition what is rejected; within
that, clips take turns. A situation comes again with other words once all have had their turn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from thud.pairs.builders.base import Builder, Situation
from thud.pairs.lint.catalogue import errors_among
from thud.pairs.material import Material
from thud.pairs.pair import Pair
from thud.pairs.recipe import Recipe, Step
from thud.pairs.stock import Stock
from thud.records import content_id

BARREN_ROUNDS, BARREN_LEAST = 3, 30
"""A group of situations is used up when so many rounds through it, and so many draws, have given no new pair."""
Check = Callable[[int, Pair], Sequence[str]]
"""Line number and pair → the names of the checks that it breaks."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pair that was made. held: which of its findings keep it back."""

    pair: Pair
    findings: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Tally:
    """What became of one type's draws. repeats: words about media that were drawn before. dropped: ids people dropped.

    held: by check, the ids of pairs that were held back. empty_steps: steps of the curriculum that nothing fitted.
    """

    wanted: int
    made: int = 0
    kept: int = 0
    repeats: int = 0
    dropped: list[str] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=dict)
    empty_steps: list[Step] = field(default_factory=list)


def draw_pairs(
    stocks: Mapping[str, Stock],
    material: Material,
    recipe: Recipe,
    splits: Mapping[str, str],
    check: Check,
    dropped: Collection[str] = (),
) -> tuple[dict[str, Tally], Iterator[Drawn]]:
    """(tallies, full once the iterator has ended; every pair made, those that are held back too).

    A pair with errors among its findings is held back, and replaced. The same arguments give the same pairs in the same
    order.
    """
    tallies = {name: Tally(recipe.counts.get(name, 0)) for name in stocks}
    drawing = _Drawing(material, recipe, splits, check, frozenset(dropped))
    return tallies, drawing.pairs(stocks, tallies)


class _Drawing:
    def __init__(
        self,
        material: Material,
        recipe: Recipe,
        splits: Mapping[str, str],
        check: Check,
        dropped: frozenset[str],
    ) -> None:
        self._material, self._recipe, self._splits = material, recipe, splits
        self._check, self._dropped = check, dropped
        self._seen: set[str] = set()
        self._number = 0

    def pairs(self, stocks: Mapping[str, Stock], tallies: Mapping[str, Tally]) -> Iterator[Drawn]:
        steps: Sequence[Step | None] = self._recipe.curriculum or (None,)
        quotas = {name: _shared_out(tally.wanted, steps) for name, tally in tallies.items()}
        for number, step in enumerate(steps):
            wells = []
            for name, stock in stocks.items():
                quota = quotas[name][number]
                if quota:
                    well = _Well(stock, quota, step, self._recipe.seed)
                    wells.append(well)
                    if step and not well.groups:
                        tallies[name].empty_steps.append(step)
            yield from self._step(wells, tallies)

    def _step(self, wells: list[_Well], tallies: Mapping[str, Tally]) -> Iterator[Drawn]:
        """Types in turn, each as far along as the others, so that every stretch of the set holds the same mixture."""
        while open_wells := [well for well in wells if well.open]:
            well = min(open_wells, key=lambda one: (one.kept + 0.5) / one.quota)
            yield from self._draw(well, tallies[well.type])

    def _draw(self, well: _Well, tally: Tally) -> Iterator[Drawn]:
        group = well.next_group()
        key, situation, turn = group.take()
        pair = self._write(well.builder, situation, f"{key}/{turn}")
        name = pair.id
        if name in self._seen or name in self._dropped:
            if name in self._seen:
                tally.repeats += 1
            else:
                self._seen.add(name)
                tally.dropped.append(name)
            return
        self._seen.add(name)
        findings = tuple(self._check(self._number, pair))
        held = tuple(errors_among(findings))
        self._number += 1
        tally.made += 1
        for one in held:
            tally.held.setdefault(one, []).append(name)
        if not held:
            tally.kept += 1
            well.keep(group)
        yield Drawn(pair, findings, held)

    def _write(self, builder: Builder, situation: Situation, lot: str) -> Pair:
        seed = self._recipe.seed
        pair = builder.write(situation, self._material, random.Random(f"{seed}/{lot}"))
        split = self._splits[situation.clip.id]
        if self._recipe.stage != "sft":
            return replace(pair, split=split, seed=seed)
        return replace(pair, split=split, seed=seed, rejected="", rejected_label="", rejected_shown=None)


class _Group:
    """Situations of one condition that reject the same, in an order in which clips take turns."""

    def __init__(self, situations: Iterable[Situation], seed: int) -> None:
        by_clip: dict[str, list[tuple[str, str, Situation]]] = {}
        for one in situations:
            key = _key(one)
            by_clip.setdefault(one.clip.id, []).append((content_id(seed, key), key, one))
        ranked = [
            (place, content_id(seed, clip_id), key, one)
            for clip_id, many in by_clip.items()
            for place, (_, key, one) in enumerate(sorted(many, key=lambda row: row[:2]))
        ]
        self._order = [(key, one) for _, _, key, one in sorted(ranked, key=lambda row: row[:3])]
        self._at = 0
        self._barren = 0
        self.kept = 0

    @property
    def open(self) -> bool:
        return self._barren < max(BARREN_LEAST, BARREN_ROUNDS * len(self._order))

    def take(self) -> tuple[str, Situation, int]:
        """The next situation with its key, and how many times it was taken before."""
        turn, place = divmod(self._at, len(self._order))
        self._at += 1
        self._barren += 1
        return *self._order[place], turn

    def keep(self) -> None:
        self.kept += 1
        self._barren = 0


class _Well:
    """One type in one step: groups by condition, then by what is right and what is rejected."""

    def __init__(self, stock: Stock, quota: int, step: Step | None, seed: int) -> None:
        self.type, self.builder, self.quota, self.kept = stock.type, stock.builder, quota, 0
        found: dict[str, dict[tuple[str, str], list[Situation]]] = {}
        for one in stock.situations:
            if step is None or step.takes(_offset(one)):
                found.setdefault(one.stimulus.condition, {}).setdefault((one.label, one.rejects), []).append(one)
        self.groups = [
            [_Group(found[condition][key], seed) for key in sorted(found[condition])] for condition in sorted(found)
        ]

    @property
    def open(self) -> bool:
        return self.kept < self.quota and any(group.open for groups in self.groups for group in groups)

    def next_group(self) -> _Group:
        """Of the condition with the fewest pairs, the group with the fewest, as far as they still give any."""
        able = [groups for groups in self.groups if any(group.open for group in groups)]
        fewest = min(able, key=lambda groups: sum(group.kept for group in groups))
        return min((group for group in fewest if group.open), key=lambda group: group.kept)

    def keep(self, group: _Group) -> None:
        self.kept += 1
        group.keep()


def _key(situation: Situation) -> str:
    """What tells a situation from all others of its type."""
    twin = situation.twin.id if situation.twin else ""
    facts = situation.facts
    return content_id(
        situation.type, situation.clip.id, situation.stimulus.id, twin, situation.label, situation.rejects,
        {key: repr(facts[key]) for key in sorted(facts)},
    )  # fmt: skip


def _offset(situation: Situation) -> float | None:
    """What a curriculum goes by: an original that is told from its shifted twin is as hard as that twin."""
    if situation.offset_s:
        return situation.offset_s
    return situation.twin.intervention.offset_s if situation.twin else None


def _shared_out(count: int, steps: Sequence[Step | None]) -> list[int]:
    """How many of `count` fall to each step; they add up."""
    shares = [1.0 if step is None else step.share for step in steps]
    ends = [round(count * sum(shares[: n + 1])) for n in range(len(shares))]
    return [end - before for before, end in zip([0, *ends[:-1]], [*ends[:-1], count], strict=True)]

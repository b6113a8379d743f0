"""Which clips are trained on, validated on and tested on. Whole families of clips go together, and nobody moves later.

Clips are one family when they share a source, a picture or a sound. A family's place follows from a hash of its own,
so that it does not depend on what else is there; `before` keeps places that were given when there was less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from thud.pairs.pair import SPLITS, Split
from thud.records import Clip, content_id

STRICTEST: tuple[Split, ...] = ("test", "validation", "train")
"""Where families were joined by a clip that came later, they go where the strictest of them was."""
_FILL: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class _Family:
    """Clips that belong together. at: its place between 0 and 1. fixed: the split that it must have, "" if free."""

    clips: tuple[str, ...]
    at: float
    fixed: Split


def split_clips(
    clips: Iterable[Clip],
    shares: Mapping[str, float],
    seed: int,
    held_out: Collection[str] = (),
    *,
    sounds: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
) -> dict[str, Split]:
    """Clip id → split. The same clips give the same splits in whatever order they come.

    held_out: clips that are test clips, their families with them. sounds: clip id → hash of its original sound.
    before: splits that clips already have; held out comes first. From three families on, no split that has a share is
    empty, unless those that are fixed leave it so.
    """
    known = sorted(clips, key=lambda clip: clip.id)
    families = [
        _Family(tuple(clip.id for clip in members), _place(members, seed), _fixed(members, held_out, before or {}))
        for members in _families(known, sounds or {})
    ]
    drawn = [family.fixed or _drawn(family.at, shares) for family in families]
    _fill_empty(families, drawn, [name for name in _FILL if shares.get(name, 0) > 0])
    return {clip: split for family, split in zip(families, drawn, strict=True) for clip in family.clips}


def _families(clips: Sequence[Clip], sounds: Mapping[str, str]) -> list[list[Clip]]:
    """Union-find over what clips have in common; families in the order of their first clip."""
    parent = list(range(len(clips)))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        return one

    first: dict[tuple[str, str], int] = {}
    for number, clip in enumerate(clips):
        shared = {"source": clip.source, "picture": clip.picture_hash, "sound": sounds.get(clip.id, "")}
        for mark in shared.items():
            if mark[1]:
                one, other = root(first.setdefault(mark, number)), root(number)
                parent[max(one, other)] = min(one, other)
    found: dict[int, list[Clip]] = {}
    for number, clip in enumerate(clips):
        found.setdefault(root(number), []).append(clip)
    return list(found.values())


def _place(members: Sequence[Clip], seed: int) -> float:
    # By the source where there is one: a family that grows within its source keeps its place.
    name = min(clip.source or clip.picture_hash or clip.id for clip in members)
    return int(content_id("split", seed, name), 16) / 16**16


def _fixed(members: Sequence[Clip], held_out: Collection[str], before: Mapping[str, str]) -> Split:
    if any(clip.id in held_out for clip in members):
        return "test"
    had = {before.get(clip.id, "") for clip in members}
    return next((split for split in STRICTEST if split in had), "")


def _drawn(at: float, shares: Mapping[str, float]) -> Split:
    end = 0.0
    for name in SPLITS:
        end += shares.get(name, 0.0)
        if at < end:
            return name
    return next(name for name in reversed(SPLITS) if shares.get(name, 0) > 0)


def _fill_empty(families: Sequence[_Family], drawn: list[Split], wanted: Sequence[Split]) -> None:
    """Moves free families, each nearest to its end of the line, into splits that got none: as many as can be spared."""
    for name in wanted:
        if name in drawn:
            continue
        free = [n for n, family in enumerate(families) if not family.fixed and _spare(drawn, drawn[n], name)]
        if free:
            drawn[min(free, key=lambda n: families[n].at if name == "train" else -families[n].at)] = name


def _spare(drawn: Sequence[Split], giver: Split, taker: Split) -> bool:
    """Whether a split can do without one family. With fewer families than splits, train comes first, test last."""
    return drawn.count(giver) > 1 or _FILL.index(taker) < _FILL.index(giver)

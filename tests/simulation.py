"""Simulated annotators whose lag, spread and outlier rate are known, and what the consensus makes of their marks.

Three models mark 300 clips of 10 s; 15 % of the clips have gold. `python -m tests.simulation` prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from thud.events.consensus import Consensus, learn

Floats = NDArray[np.float64]
OFF_S = 0.25
"""An error past this is what the queue should bring to a person."""
DRAWS = range(40)
QUEUE_HEAD = 0.2


@dataclass(frozen=True, slots=True)
class Simulated:
    """One annotator as it really is."""

    name: str
    lag_s: float
    spread_s: float
    outlier_rate: float


MODELS = (
    Simulated("gemini", 0.18, 0.1, 0.05),
    Simulated("gpt", -0.05, 0.22, 0.15),
    Simulated("claude", 0.02, 0.3, 0.2),
)


@dataclass(frozen=True, slots=True)
class World:
    """Marks with the truth behind them. `gold` is a share of the clips, at their true times."""

    truth: dict[str, float]
    marks: dict[str, dict[str, float]]
    gold: dict[str, float]
    durations_s: dict[str, float]

    @property
    def open(self) -> list[str]:
        """The clips without gold, on which everything is judged."""
        return [clip for clip in self.truth if clip not in self.gold]


def simulate(
    seed: int,
    *,
    clips: int = 300,
    gold_share: float = 0.15,
    models: Sequence[Simulated] = MODELS,
    duration_s: float = 10,
) -> World:
    """A world drawn from the seed."""
    rng = np.random.default_rng(seed)
    names = [f"clip{number:05d}" for number in range(clips)]
    truth = rng.uniform(0.1, 0.9, clips) * duration_s
    marks: dict[str, dict[str, float]] = {name: {} for name in names}
    for model in models:
        right = truth + model.lag_s + rng.normal(0, model.spread_s, clips)
        missed = rng.random(clips) < model.outlier_rate
        placed = np.clip(np.where(missed, rng.uniform(0, duration_s, clips), right), 0, duration_s)
        for name, time_s in zip(names, placed.tolist(), strict=True):
            marks[name][model.name] = time_s
    times = dict(zip(names, truth.tolist(), strict=True))
    gold = {name: times[name] for name in names[: round(gold_share * clips)]}
    return World(times, marks, gold, dict.fromkeys(names, duration_s))


def errors(world: World, times: Mapping[str, float]) -> Floats:
    """How far off each open clip's time is, in seconds."""
    return np.array([abs(times[clip] - world.truth[clip]) for clip in world.open])


def settled_times(consensus: Consensus) -> dict[str, float]:
    return {clip: one.time_s for clip, one in consensus.settled.items()}


def caught(world: World, off: Floats, spread_s: Mapping[str, float]) -> tuple[int, int]:
    """(clips off by more than 250 ms that are among the first 20 % of the queue, all such clips)."""
    bad = off > OFF_S
    order = np.argsort([-spread_s[clip] for clip in world.open], kind="stable")
    return int(bad[order[: round(QUEUE_HEAD * len(order))]].sum()), int(bad.sum())


def rivals(world: World) -> dict[str, dict[str, float]]:
    """Event times by every method that the table compares."""
    plain = {
        "mean of three": {clip: fmean(placed.values()) for clip, placed in world.marks.items()},
        "median of three": {clip: float(np.median([*placed.values()])) for clip, placed in world.marks.items()},
    }
    single = {
        f"{model.name} alone": {clip: placed[model.name] for clip, placed in world.marks.items()} for model in MODELS
    }
    return {
        **plain,
        **single,
        "consensus without gold": settled_times(learn(world.marks, {}, world.durations_s)),
        "consensus with gold": settled_times(learn(world.marks, world.gold, world.durations_s)),
    }


def table(seeds: Sequence[int]) -> list[tuple[str, float, float, float]]:
    """(method, median error in s, share within 100 ms, share off by more than 500 ms), averaged over worlds."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for seed in seeds:
        world = simulate(seed)
        for name, times in rivals(world).items():
            off = errors(world, times)
            rows.setdefault(name, []).append(
                (float(np.median(off)), float((off <= 0.1).mean()), float((off > 0.5).mean()))
            )
    return [(name, *(fmean(column) for column in zip(*drawn, strict=True))) for name, drawn in rows.items()]


def head(seeds: Sequence[int] = DRAWS) -> tuple[int, int]:
    """How many of the clips that are off by more than 250 ms are in the head of the queue, and how many there are."""
    hits = bad = 0
    for seed in seeds:
        world = simulate(seed)
        consensus = learn(world.marks, world.gold, world.durations_s)
        spreads = {clip: one.spread_s for clip, one in consensus.settled.items()}
        one = caught(world, errors(world, settled_times(consensus)), spreads)
        hits, bad = hits + one[0], bad + one[1]
    return hits, bad


def main() -> None:
    seeds = DRAWS
    lines = [f"{'method':<24}{'median error':>14}{'within 100 ms':>16}{'off > 500 ms':>15}"]
    for name, median_s, within, off in table(seeds):
        lines.append(f"{name:<24}{median_s * 1000:>11.0f} ms{within:>15.0%} {off:>14.1%}")
    hits, bad = head(seeds)
    lines.append(
        f"the first {QUEUE_HEAD:.0%} of the queue hold {hits / bad:.0%} of the clips off by > 250 ms ({hits} of {bad})"
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

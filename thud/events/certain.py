"""Which clips need nobody, because the consensus is sure of both of their times. Pure.

The paper's rule always wants a person's ear (its sound check compares Gemini with a person). Once enough clips are
marked to know how far each annotator is off, the rest can be kept without one; a random share is looked at anyway.
"""

from __future__ import annotations

from thud.events.consensus import Consensus
from thud.events.needs import Case
from thud.events.settings import Settings
from thud.events.settle import KINDS, Kind, Learnt, models_placed

LEAST_SOURCES = 2
FAR_S = 0.1
"""Annotators who count may lie this far from the settled time, their lag taken off."""
OUTLIER = 0.5


def certain(case: Case, learnt: Learnt, settings: Settings) -> bool:
    """Whether both times have a spread within `accept_spread_s` (0 = never), from two or more annotators who are close
    to it, each learned on enough gold.
    """
    if settings.accept_spread_s <= 0 or case.valid is not True:  # not known is not verified
        return False
    return all(_sure(case, kind, learnt.of(kind)[0], settings.accept_spread_s) for kind in KINDS)


def _sure(case: Case, kind: Kind, consensus: Consensus, limit_s: float) -> bool:
    settled = consensus.settled.get(case.clip_id)
    if settled is None or settled.spread_s > limit_s:
        return False
    placed = models_placed(case, kind)
    honest = [name for name in placed if settled.outlier.get(name, 1.0) < OUTLIER]
    learned = [consensus.learned[name] for name in honest]
    near = all(abs(placed[one.annotator] - one.lag_s - settled.time_s) <= FAR_S for one in learned)
    return len(honest) >= LEAST_SOURCES and near and all(one.enough_gold for one in learned)

"""What the desk hands out: a clip to mark with what may be shown of it, the word on a save, and how far a person is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from thud.events.agreement import Check
from thud.events.needs import Need
from thud.records import Mark


@dataclass(frozen=True, slots=True)
class Task:
    """One clip for one person. marks: what they may see: models' marks, none while blind, all when adjudicating.

    hidden: how many marks are held back. mine: the person's own mark, when there is one. simulated: the models' marks
    are made up, as in the demo. expects: when adjudicating, what to send back with the decision.
    """

    clip_id: str
    need: Need
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    marks: tuple[Mark, ...]
    hidden: int
    blind: bool
    mine: Mark | None
    simulated: bool
    position: int
    total: int
    expects: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a save. at: UTC without a zone, as the store has it.

    verdict: known = it was here already; older = a newer one by the same person is in force. late: somebody else had
    the clip by then.
    """

    ev_id: int | None
    at: datetime
    verdict: Literal["saved", "known", "older"]
    late: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """mine, mine_today: clips this person has marked. remaining: clips they may still get. pace_s: seconds a clip.

    left_s: time for what remains at that pace. None = too little was marked to say.
    """

    mine: int
    mine_today: int
    remaining: int
    pace_s: float | None
    left_s: float | None
    waiting_second: int
    waiting_adjudication: int

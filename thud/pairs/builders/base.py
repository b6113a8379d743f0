"""What a builder of one pair type is: situations first (counted, refused with reasons), words later (drawn)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from thud.pairs.material import Material
from thud.pairs.pair import Pair
from thud.records import Clip, Stimulus


@dataclass(frozen=True, slots=True)
class Situation:
    """One thing that a pair can be about. It can be worded many times.

    offset_s: of what is shown, None where it is not shifted: curricula go by its size. rejects: the label or kind of
    the rejected answer, so that draws can be balanced. twin: the other stimulus (CTP, input). facts: what the writer
    needs beyond that (a segment, a choice, a response, the question's task).
    """

    type: str
    clip: Clip
    stimulus: Stimulus
    offset_s: float | None
    label: str
    rejects: str
    twin: Stimulus | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that gives no pair of a type, with the reason in one sentence (the same words for the same reason)."""

    subject: str
    reason: str


class Builder(Protocol):
    """One pair type. A module with these names is a builder."""

    @property
    def type(self) -> str: ...
    @property
    def teaches(self) -> str:
        """What a model learns from it, in four words at most: "hears early or late"."""
        ...

    @property
    def needs(self) -> str:
        """ "times" (both event times), "stimuli", "responses", "segments" or "choices"."""
        ...

    def situations(self, material: Material, clip_id: str, /) -> tuple[Sequence[Situation], Sequence[Lost]]:
        """What this clip can give, in the same order on every machine, and why the rest cannot."""
        ...

    def write(self, situation: Situation, material: Material, draw: random.Random, /) -> Pair:
        """The situation in words that `draw` chooses, the same for the same draw. Sets neither split nor seed."""
        ...

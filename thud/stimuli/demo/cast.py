"""The twelve kinds of event, each with two looks: what is seen, what is heard, in what room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thud.stimuli.demo import bursting, falling, meeting, splashing, striking, voices
from thud.stimuli.demo.canvas import Picture
from thud.stimuli.demo.shot import Shot
from thud.stimuli.demo.synth import Wave


@dataclass(frozen=True, slots=True)
class Act:
    """kind: sound class. titles: one per variant. tail_s: reverberation time of a room such things happen in."""

    kind: str
    titles: tuple[str, str]
    scene: Callable[[Shot], Picture]
    voice: Callable[[np.random.Generator, int], Wave]
    tail_s: float


ACTS: tuple[Act, ...] = (
    Act("ball", ("Ball drops on concrete", "Basketball drops in a hall"), falling.ball, voices.ball, 0.5),
    Act("glass", ("Tumbler shatters on the floor", "Bottle smashes on the floor"), bursting.glass, voices.glass, 0.35),
    Act("hands", ("Hands clap once", "Cupped hands clap once"), meeting.clap, voices.clap, 0.45),
    Act("metal", ("Hammer strikes the anvil", "Hammer strikes hot iron"), striking.anvil, voices.anvil, 0.4),
    Act("wood", ("Knuckles knock on a door", "Knuckles knock on a table"), meeting.knock, voices.knock, 0.3),
    Act("water", ("Drop falls into a bowl", "Tap drips into a steel bowl"), splashing.water, voices.water, 0.3),
    Act("drum", ("Stick hits the tom", "Stick hits the snare drum"), striking.drum, voices.drum, 0.35),
    Act("pop", ("Red balloon bursts", "Yellow balloon bursts"), bursting.balloon, voices.pop, 0.6),
    Act("door", ("Door slams shut", "Heavy door slams shut"), meeting.door, voices.door, 0.7),
    Act("paper", ("Book dropped flat on a desk", "Book topples on a desk"), falling.book, voices.book, 0.25),
    Act("ceramic", ("Spoon taps the cup", "Spoon taps the blue mug"), striking.cup, voices.cup, 0.3),
    Act("coin", ("Coin drops on a table", "Silver coin drops on slate"), falling.coin, voices.coin, 0.3),
)

"""One clip of the demo, decided before anything is drawn: length, moment of contact, camera, variant, room.

Every decision comes from (seed, index), so clip 5 is the same whether it is made alone or among 24.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 640, 360
RATE_HZ = 48_000
SHORTEST_S, LONGEST_S = 3.6, 4.4
FIRST, LAST = 0.16, 0.84
"""The event lies in this part of the clip, evenly spread. The wider it is, the less a sound's place tells of whether it
was moved. With these and a balanced draw, as the clips for testing get, nobody tells four conditions apart in more than
60 % of the cases by the sound alone (59.6 %); where each clip has all six offsets of the first start it is 64 %."""

LONGEST_LAG_S = 0.024
"""Sound takes this long over 8 m; the microphone is somewhere between the object and that far away."""

AAC_FRAME, SMEARED = 1024, range(480, 850)
"""An attack in this part of an AAC frame is blurred up to 3 ms ahead by the encoder (measured); elsewhere it is not."""

GOLDEN, HALF_ROOT = 0.6180339887498949, 0.7071067811865476


@dataclass(frozen=True, slots=True)
class Shot:
    """Everything that is drawn by lot for one clip.

    contact: index of the first frame on which contact is seen. lag_samples: the sound starts this much after that
    frame's time. variant: which look of the kind. zoom, shift_x, shift_y: the camera. mirror: left and right swapped.
    """

    seed: int
    index: int
    variant: int
    fps: int
    frames: int
    contact: int
    lag_samples: int
    mirror: bool
    zoom: float
    shift_x: float
    shift_y: float

    @property
    def duration_s(self) -> float:
        return self.frames / self.fps

    @property
    def visual_s(self) -> float:
        return self.contact / self.fps

    @property
    def onset(self) -> int:
        """First sample of the event's sound."""
        return round(self.visual_s * RATE_HZ) + self.lag_samples

    @property
    def audio_s(self) -> float:
        return self.onset / RATE_HZ

    def dice(self, purpose: int) -> np.random.Generator:
        """A generator of its own per purpose, so that a change to the picture never changes the sound."""
        return np.random.default_rng((self.seed, self.index, purpose))


def draw_shot(seed: int, index: int, variant: int) -> Shot:
    """Clip `index` of the set that `seed` stands for."""
    dice = np.random.default_rng((seed, index, 0))
    start = np.random.default_rng((seed, 1)).random(2)
    # Low-discrepancy steps instead of free draws: 24 clips cover the range evenly, kinds that repeat every 12 included.
    where = (start[0] + index * GOLDEN) % 1.0
    length = (start[1] + index * HALF_ROOT) % 1.0
    fps = 25 if index % 5 == 2 else 30
    frames = round((SHORTEST_S + (LONGEST_S - SHORTEST_S) * length) * fps)
    contact = round((FIRST + (LAST - FIRST) * where) * frames)
    seen = contact * RATE_HZ // fps
    lags = [lag for lag in range(round(LONGEST_LAG_S * RATE_HZ)) if (seen + lag) % AAC_FRAME not in SMEARED]
    return Shot(
        seed=seed,
        index=index,
        variant=variant,
        fps=fps,
        frames=frames,
        contact=contact,
        lag_samples=int(dice.choice(lags)),
        mirror=bool(dice.random() < 0.5),
        zoom=float(dice.uniform(0.96, 1.14)),
        shift_x=float(dice.uniform(-36, 36)),
        shift_y=float(dice.uniform(-6, 10)),
    )

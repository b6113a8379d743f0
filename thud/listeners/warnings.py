"""What should be known before a run, and after it: sentences about settings that make its numbers say less."""

from __future__ import annotations

from collections.abc import Iterable

from thud.listeners.roster import Listener
from thud.listeners.stills import true_fps

EARLY_LIMIT_S, LATE_LIMIT_S = 0.045, 0.125
"""ITU-R BT.1359: people begin to notice sound that is early by the first, late by the second."""


def step_s(listener: Listener, duration_s: float) -> float:
    """Seconds between two pictures that the listener sees of a clip of that length; 0 for one that sees them all."""
    return 0.0 if listener.backend in ("always_synced", "signal") else 1 / true_fps(listener, duration_s)


def sampling_warning(listener: Listener, offsets: Iterable[float], durations: Iterable[float] = ()) -> str:
    """Which offsets are smaller than the step between two pictures, in one sentence; "" when none is.

    offsets: signed seconds. durations: of the clips; the longest gets the fewest pictures a second.
    """
    longest_s = max(durations, default=0.0)
    step = step_s(listener, longest_s)
    finer = {offset for offset in offsets if 0 < abs(offset) < step - 1e-9}
    if not finer:
        return ""
    fps, smallest = 1 / step, min(abs(offset) for offset in finer)
    cut = fps < listener.fps - 0.005
    fewer = f" (at most {listener.max_frames} pictures of a clip of {longest_s:.0f} s)" if cut else ""
    return (
        f"{listener.name} sees {fps:.3g} pictures a second, one every {step:.2f} s{fewer}: it cannot see offsets of "
        f"{_seconds(finer)}. Ask for at least {1 / smallest:.3g} pictures a second, or leave these offsets out."
    )


def threshold_warning(offsets: Iterable[float]) -> str:
    """Which offsets people cannot notice, in one sentence; "" when none is so small."""
    small = {offset for offset in offsets if -EARLY_LIMIT_S < offset < LATE_LIMIT_S and offset}
    if not small:
        return ""
    return (
        f"Offsets of {_seconds(small)} lie below what people notice (0.045 s early, 0.125 s late; ITU-R BT.1359): "
        "hold them apart from the others."
    )


def _seconds(offsets: Iterable[float]) -> str:
    rising = sorted(set(offsets), key=lambda offset: (abs(offset), offset))
    told = [f"{offset:+.2f}" if round(offset, 2) == offset else f"{offset:+.3f}" for offset in rising]
    return f"{', '.join(told)} s"

"""Chooses whose sound a swapped clip gets: another class, another source, the same choice on every machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from thud.errors import RefusedEdit
from thud.media.sound import Sound
from thud.media.write import resampled
from thud.records import Clip, EventTimes, content_id


@dataclass(frozen=True, slots=True)
class Donor:
    """A clip that could lend its sound. audio_s: its event, None when not known."""

    clip: Clip
    audio_s: float | None


def candidates(clips: Iterable[Clip], times: dict[str, EventTimes]) -> list[Donor]:
    """All clips whose sound can be lent: they have one, and it is not damaged."""
    usable = (clip for clip in clips if clip.probe.has_sound and not clip.probe.damage)
    return [Donor(clip, times[clip.id].audio_s if clip.id in times else None) for clip in usable]


def differs(clip: Clip, donor: Clip) -> bool:
    """Whether the donor's sound is of another class; without known classes, whether it is from another source."""
    if clip.id == donor.id:
        return False
    if clip.kind and donor.kind:
        return clip.kind != donor.kind
    return not clip.source or not donor.source or clip.source != donor.source


def choose_donor(clip: Clip, pool: Iterable[Donor], seed: int, rejected: Collection[str] = ()) -> Donor:
    """The donor of `clip` under `seed`: the lowest hash among those allowed, so adding clips rarely changes a choice.

    Donors whose event time is known come first, since only they keep a swap from also being a shift.
    Raises RefusedEdit when nobody can lend.
    """
    allowed = [d for d in pool if differs(clip, d.clip) and d.clip.id not in rejected]
    if not allowed:
        why = "every other clip was rejected as its donor" if rejected else "no other clip has a different sound"
        raise RefusedEdit(f"no possible donor: {why}")
    return min(allowed, key=lambda d: (d.audio_s is None, content_id(seed, clip.id, d.clip.id)))


def match_format(donor: Sound, rate_hz: int, channels: int) -> Sound:
    """`donor` at the clip's rate and channel count (float64 polyphase, so the same on any machine)."""
    samples = donor.samples
    if samples.shape[1] != channels:
        samples = samples.mean(axis=1, keepdims=True) if channels == 1 else np.repeat(samples[:, :1], channels, axis=1)
    return Sound(np.ascontiguousarray(resampled(samples, donor.rate_hz, rate_hz)), rate_hz)

"""Devices that runs have to themselves: a run waits while one before it uses or awaits a device of its own."""

from __future__ import annotations

from collections.abc import Sequence

from thud.runs.folder import Header
from thud.runs.follow import Follower


def devices(header: Header) -> frozenset[str]:
    """What a run has to itself on this machine; a cluster has a queue of its own."""
    return frozenset(name.strip() for name in header.device.split(",") if name.strip() and not header.on)


def holder(follower: Follower, all_in_order: Sequence[Follower]) -> Follower | None:
    """The run that this one waits for: the first that is at work, or was there before it, on a device of its own."""
    own = devices(follower.header)
    before = all_in_order[: all_in_order.index(follower)] if follower in all_in_order else all_in_order
    for other in all_in_order:
        if other is follower or other.ended or not own & devices(other.header):
            continue
        if not other.waiting or other in before:
            return other
    return None


def waiting_words(follower: Follower, other: Follower) -> str:
    """The sentence that a run waits."""
    shared = sorted(devices(follower.header) & devices(other.header))
    where = "the CPU" if shared == ["cpu"] else f"device {', '.join(shared)}"
    return f"Waits for “{other.run.title}”, which has {where}."

"""Which clips of a workspace are the demo's, and which of those are kept for testing. Nothing heavy is imported."""

from __future__ import annotations

from thud.records import Clip

DEMO, HELD_OUT = "thud-demo/", "thud-demo-held-out/"
"""How `Clip.source` begins; the kind of event follows."""


def is_demo(clip: Clip) -> bool:
    """Whether the clip is one of the demo's that are worked with."""
    return clip.synthetic and clip.source.startswith(DEMO)


def is_held_out(clip: Clip) -> bool:
    """Whether the clip was made for testing: nobody marks it, and nothing is trained on it."""
    return clip.synthetic and clip.source.startswith(HELD_OUT)

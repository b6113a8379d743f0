"""Whether one listener gains over another by listening: shown, above the ceiling, and owed to the picture. Pure."""

from __future__ import annotations

from thud.evaluation.compare import ALPHA
from thud.evaluation.controls import NO_LOSS, TOO_FEW, Controls, points
from thud.statistics import Estimate


def gain(difference: Estimate, p: float, after: Controls, who: str = "It") -> tuple[bool | None, str]:
    """Whether a change of accuracy from one listener to another counts as listening, and why, in one sentence.

    None: it would, but nobody asked under another picture, or too little to tell whether it is gone there, or nobody
    knows what the sound alone allows. after: of the one that is held against the other; who: what it is called.
    """
    if difference.value is None:
        return None, "They share no item about synchrony."
    much = points(difference.value)
    if p >= ALPHA or difference.value == 0:
        return False, f"No difference is shown ({_signed(difference.value)})."
    if difference.value < 0:
        return False, f"{who} got worse, by {much}."
    if after.listening == "not above":
        return False, f"{who} gains {much}, but is not above what the sound alone allows, so the gain does not count."
    if after.listening == "not known":
        return None, f"{who} gains {much}; whether that counts is not known. {after.words}"
    return _by_picture(f"{who} gains {much}", after)


def _by_picture(gains: str, after: Controls) -> tuple[bool | None, str]:
    """The same of one that is above what the sound alone allows."""
    over = f"{points(after.over.value)} over what the sound alone allows"
    if after.under is None:
        return None, f"{gains}; whether that counts is not known until it is asked under another picture."
    if after.needs_picture is None:
        return None, f"{gains}; whether that counts is not known: {TOO_FEW}."
    if not after.needs_picture:
        return False, f"{gains}, but {NO_LOSS}, so the gain does not count."
    if after.by_picture is None:
        less = f"less is right under another picture, but {after.may_be_left}, so whether that counts is not known"
        return None, f"{gains}, {over}; {less}."
    if not after.by_picture:
        left = f"{points(after.left.value)} of it are left under another picture"
        return False, f"{gains}, {over}, but {left}, so something else than the right picture tells it too."
    return True, f"{gains}, {over}, by the right picture."


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} points".replace("-", "−")

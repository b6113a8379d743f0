"""Whether one listener gains over another by listening: shown, above the ceiling, and owed to the picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from thud.evaluation.compare import ALPHA
from thud.evaluation.controls import Controls, points
from thud.statistics import Estimate, Numbers, mcnemar, sign_flip


@dataclass(frozen=True, slots=True)
class Tested:
    """A paired test. p: of `test`; mcnemar_p: exact, over items."""

    p: float
    test: Literal["mcnemar", "sign_flip"]
    mcnemar_p: float


def paired_test(before: Numbers, after: Numbers, items: Numbers, gained: int, lost: int) -> Tested:
    """Whether two sets of answers to the same items differ. before, after: right ones, (sources, classes) like items.

    McNemar's where every source gives one item; else the signs of differences per source are flipped, every class
    counting alike, as in the difference that is shown.
    """
    exact = mcnemar(gained, lost)
    if bool((items.sum(axis=1) <= 1).all()):
        return Tested(exact, "mcnemar", exact)
    totals = items.sum(axis=0)
    weights = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    return Tested(sign_flip((after - before) @ weights), "sign_flip", exact)


def gain(difference: Estimate, p: float, after: Controls, who: str = "It") -> tuple[bool | None, str]:
    """Whether a change of accuracy from one listener to another counts as listening, and why, in one sentence.

    None: it would, but nobody asked under another picture, or nobody knows what the sound alone allows. after: of the
    one that is held against the other; who: what it is called.
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
    if after.shuffled is None:
        return None, f"{who} gains {much}; whether that counts is not known until it is asked under another picture."
    if not after.needs_picture:
        return False, f"{who} gains {much}, but is as good under another picture, so the gain does not count."
    return (
        True,
        f"{who} gains {much}, {points(after.over.value)} over what the sound alone allows, by the right picture.",
    )


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} points".replace("-", "−")

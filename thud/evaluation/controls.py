"""What stands beside every accuracy on sync: what the sound alone allows, and what is left under another picture. Pure.

A shift moves the sound in the clip, so whoever knows only where the sound lies is right more often than chance. A
listener's accuracy says that it compares sound with picture only where it is above that ceiling, and where it falls
once the same sound is played under the picture of another clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from thud.evaluation.alike import NOTHING, class_mean, class_mean_apart
from thud.evaluation.compare import ALPHA
from thud.evaluation.items_view import Json, estimate_json
from thud.evaluation.leak_guess import guess
from thud.statistics import Estimate, Numbers, paired_test
from thud.stimuli.balance import WIDTH_S

CLASSES = ("synced", "early", "delayed", "muted")
"""What a question about time can be answered by: three where something is heard, and that nothing is."""
GRID_S = 0.02
TELLING = 6
"""Of fewer sources no paired test can show anything at .05, even if every one of them speaks for the same side."""
MARGIN = 0.10
"""What is left under other pictures is called gone only where it is surely less than this. A quarter of what a ceiling
of .6 leaves to gain; and about the least that can be ruled out with the demo's 24 clips, whose intervals reach ±.08.
"""
TOO_FEW = "too few were asked under another picture"
NO_LOSS = "no loss is shown under another picture"
UNKNOWN = "nobody knows where the sound of these clips lies"
ITSELF = "the best guess in the set itself, places told apart to 0.12 s"
OTHERS = "the best guess on clips left out, learned from the others"

Listening = Literal["above", "not above", "not known"]


@dataclass(frozen=True, slots=True)
class Played:
    """What the sound alone tells of an item. audio_s: where its sound lies as played, None = nothing is heard.

    label: the right answer. clip: nothing is learned across it. An audible label without a place is left out.
    """

    audio_s: float | None
    duration_s: float
    label: str
    clip: str


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that the sound alone allows, classes alike. items: those it rests on, of `asked`. how: in words.

    estimate: value None where nobody knows; n: clips. It has no interval: it is a bound, not a measurement.
    """

    estimate: Estimate
    items: int
    asked: int
    how: str = ""

    @property
    def share(self) -> float | None:
        return self.estimate.value


def sound_only_ceiling(rows: Sequence[Played]) -> Ceiling:
    """What the best guesser scores that knows only where the sound lies, how long the clip is, and whether it is muted.

    It is what the classes' smoothed places in this very set allow: the measure by which `thud.stimuli.balance.overlap`
    draws offsets, there of a draw, here of the items that were asked. It leans to the high side, as a ceiling should:
    with 24 demo clips .53, where cross-validation by clip gave .37 (a guesser has little to learn from) and with 288 of
    the same draw .53. Where cross-validation (`leak_guess`, places told apart exactly, from either end) gets more, its
    figure stands: that much was had by the sound alone in these very items, be it by luck. The higher of two figures is
    above the truth on the average, most so in small sets; too low a ceiling would let guessing pass as listening.
    A muted sound is free.
    """
    known = [row for row in rows if row.label == "muted" or row.audio_s is not None]
    audible = [row for row in known if row.label != "muted"]
    classes = len({row.label for row in audible})
    free = len({row.label for row in known}) - classes
    if not audible and len(known) < len(rows):
        return Ceiling(NOTHING, 0, len(rows), UNKNOWN)
    if not known:
        return Ceiling(NOTHING, 0, 0, "nothing was asked")
    share, how = _audible(audible)
    mean = (classes * share + free) / (classes + free)
    clips = len({row.clip for row in known})
    return Ceiling(Estimate(mean, None, None, clips), len(known), len(rows), how)


def _audible(rows: Sequence[Played]) -> tuple[float, str]:
    """The ceiling of the classes that are heard, and how it was found."""
    labels = [row.label for row in rows]
    if len(set(labels)) < 2:
        return 1.0, ITSELF
    at, ends = np.array([row.audio_s or 0.0 for row in rows]), np.array([row.duration_s for row in rows])
    bound = _bound(at, labels)
    features = {"start": at, "end": ends - at, "share": at / ends}
    learned = guess(features, labels, [row.clip for row in rows], alike=True).balanced.value
    return (learned, OTHERS) if learned is not None and learned > bound else (bound, ITSELF)


def _bound(places_s: Numbers, labels: Sequence[str]) -> float:
    """What the likeliest class at each place gets when places are told apart to WIDTH_S, classes alike."""
    names = sorted(set(labels))
    first = float(places_s.min()) - 4 * WIDTH_S
    cells = int(np.ceil((float(places_s.max()) + 4 * WIDTH_S - first) / GRID_S)) + 1
    cell = np.round((places_s - first) / GRID_S).astype(np.int64)
    reach = np.arange(-round(4 * WIDTH_S / GRID_S), round(4 * WIDTH_S / GRID_S) + 1) * GRID_S
    bump = np.exp(-0.5 * (reach / WIDTH_S) ** 2)
    of = np.array(labels)
    likely = np.stack([np.convolve(np.bincount(cell[of == name], minlength=cells), bump, "same") for name in names])
    likely /= likely.sum(axis=1, keepdims=True)
    return float(likely.max(axis=0).sum() / len(names))


@dataclass(frozen=True, slots=True)
class Under:
    """What is right under other clips' pictures, of the items that were asked so: `items` of `of`.

    apart: how much more is right of these with the right picture, paired by source; p: of the paired test.
    allowed: what the sound alone allows of these. lent: how many more stand in with the answer under the right picture.
    """

    accuracy: Estimate
    apart: Estimate
    p: float
    items: int
    of: int
    allowed: float | None
    lent: int = 0


def under_other_pictures(
    own: Numbers, under: Numbers, items: Numbers, of: int, allowed: float | None, lent: int = 0
) -> Under:
    """The control. own, under: right with the right and with other pictures, of the same items; (sources, classes).

    lent: how many of these items were not asked again, and count in `under` as they do in `own`.
    """
    apart, p = class_mean_apart(under, own, items), paired_test(under, own, items).p
    return Under(class_mean(under, items), apart, p, int(items.sum()) - lent, of, allowed, lent)


@dataclass(frozen=True, slots=True)
class Controls:
    """An accuracy (of `items`) with what it is held against. over: accuracy − ceiling. under: None = not asked."""

    accuracy: Estimate
    items: int
    ceiling: Ceiling
    under: Under | None
    over: Estimate
    listening: Listening

    @property
    def shuffled(self) -> Estimate | None:
        """The accuracy under other pictures."""
        return self.under.accuracy if self.under else None

    @property
    def needs_picture(self) -> bool | None:
        """Whether less is right under another picture; None where that was not asked, or of too few to tell."""
        if self.under is None or self.under.apart.n < TELLING:
            return None
        return (self.under.apart.value or 0.0) > 0 and self.under.p < ALPHA

    @property
    def left(self) -> Estimate:
        """What is left under other pictures over what the sound alone allows."""
        return _less(self.under.accuracy, self.under.allowed) if self.under else NOTHING

    @property
    def by_picture(self) -> bool | None:
        """Whether the right picture tells it, and nothing else does: that less than MARGIN is left under other ones.

        None where that is not known, as where something may be left and may as well not.
        """
        if not self.needs_picture:
            return self.needs_picture
        if (self.left.low or 0.0) > 0:
            return False
        return True if self.left.high is not None and self.left.high < MARGIN else None

    @property
    def may_be_left(self) -> str:
        """How much may be left under other pictures over what the sound alone allows, in words, with the interval."""
        left = self.left
        if left.value is None or left.low is None or left.high is None:
            return "nobody knows how much is left"
        low, middle, high = (f"{round(100 * each):+d}".replace("-", "−") for each in (left.low, left.value, left.high))
        return f"up to {points(left.high)} may be left ({middle}, {low} to {high})"

    @property
    def words(self) -> str:
        """One sentence."""
        if self.accuracy.value is None:
            return "It was not asked about synchrony."
        if self.ceiling.share is None:
            return f"What the sound alone allows is not known: {self.ceiling.how}."
        if self.listening == "not known":
            return "Too few clips to hold it against what the sound alone allows."
        if self.listening == "not above":
            return "Not above what the sound alone allows."
        return f"{points(self.over.value)} over what the sound alone allows{self._picture()}."

    def _picture(self) -> str:
        if self.under is None:
            return "; not asked under another picture"
        if self.needs_picture is None:
            return f"; {TOO_FEW}"
        part = f" (asked of {self.under.items} of {self.under.of} items)" if self.under.items < self.under.of else ""
        if not self.needs_picture:
            return f", but {NO_LOSS}{part}, so something else than the picture may tell it"
        if self.by_picture is None:
            return f", and less right under another picture{part}, where {self.may_be_left}"
        if not self.by_picture:
            much = points(self.left.value)
            return f", of which {much} are left under another picture{part}: something else tells it too"
        return f", and gone under another picture{part}"


def held_against(accuracy: Estimate, items: int, ceiling: Ceiling, under: Under | None = None) -> Controls:
    """The accuracy with its controls. All of classes alike and of the same items."""
    over = _less(accuracy, ceiling.share)
    known = over.value is not None and over.low is not None
    listening: Listening = "not known" if not known else "above" if (over.low or 0.0) > 0 else "not above"
    return Controls(accuracy, items, ceiling, under if under and under.items else None, over, listening)


def _less(accuracy: Estimate, share: float | None) -> Estimate:
    if accuracy.value is None or share is None:
        return NOTHING
    low, high = (None if each is None else each - share for each in (accuracy.low, accuracy.high))
    return Estimate(accuracy.value - share, low, high, accuracy.n)


def points(share: float | None) -> str:
    """A difference of shares in words: "1 point", "40 points"."""
    whole = round(100 * abs(share or 0.0))
    return f"{whole} {'point' if whole == 1 else 'points'}"


ARM_WORDS = {
    "sound_only": "It heard the sound alone: what it scores here needs no picture.",
    "shuffled_picture": "The control: what it scores here it owes to the sound, not to the right picture.",
}


def controls_json(held: Controls, arm: str) -> Json:
    """The controls of a row asked in that arm: accuracy, ceiling, shuffled, over, listening, needs_picture, by_picture,
    words. n: items.

    Only of those that saw the right picture it is said whether they listen.
    """
    sees = arm == "audio_video"
    return {
        "accuracy": estimate_json(held.accuracy, held.items), "ceiling": ceiling_json(held.ceiling),
        "shuffled": estimate_json(held.under.accuracy, held.under.items) if held.under else None,
        "over": estimate_json(held.over, held.items),
        "listening": held.listening if sees else "", "needs_picture": held.needs_picture,
        "by_picture": held.by_picture, "words": held.words if sees else ARM_WORDS.get(arm, ""),
    }  # fmt: skip


def ceiling_json(ceiling: Ceiling) -> Json:
    """{value, low, high, n, sources, asked, how}; value None where nobody knows, never an interval."""
    told = estimate_json(ceiling.estimate, ceiling.items)
    nothing = {"value": None, "low": None, "high": None, "n": 0, "sources": 0}
    return {**(told or nothing), "asked": ceiling.asked, "how": ceiling.how}

"""What stands beside every accuracy on sync: what the sound alone allows, and what is left under another picture. Pure.

A shift moves the sound in the clip, so whoever knows only where the sound lies is right more often than chance. A
listener's accuracy says that it compares sound with picture only where it is above that ceiling, and where it falls
once the same sound is played under the picture of another clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from thud.evaluation.alike import NOTHING, class_mean, per_source
from thud.evaluation.items_view import Json, estimate_json
from thud.evaluation.leak_guess import guess
from thud.statistics import Estimate, Numbers
from thud.stimuli.balance import WIDTH_S

CLASSES = ("synced", "early", "delayed", "muted")
"""What a question about time can be answered by: three where something is heard, and that nothing is."""
GRID_S = 0.02
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

    estimate: value None where nobody knows. by_class: how often that guesser is right about each class.
    """

    estimate: Estimate
    items: int
    asked: int
    by_class: Mapping[str, float] = field(default_factory=dict)
    how: str = ""

    @property
    def share(self) -> float | None:
        return self.estimate.value


def sound_only_ceiling(rows: Sequence[Played]) -> Ceiling:
    """What the best guesser scores that knows only where the sound lies, how long the clip is, and whether it is muted.

    It is what the classes' smoothed places in this very set allow: the measure by which `thud.stimuli.balance.overlap`
    draws offsets, there of a draw, here of the items that were asked. It leans to the high side, as a ceiling should:
    with 24 demo clips .53, where cross-validation by clip gave .37 (a guesser has little to learn from) and with 288 of
    the same draw .53. Where cross-validation (`leak_guess`, places told apart exactly, from either end) is surely above
    it, its figure stands: a grid of places finer than the smoothing gives the answer away all the same.
    A muted sound is free. The interval is that of the cross-validation, stretched to hold the value.
    """
    known = [row for row in rows if row.label == "muted" or row.audio_s is not None]
    audible = [row for row in known if row.label != "muted"]
    free = len({row.label for row in known}) - len({row.label for row in audible})
    if not audible and len(known) < len(rows):
        return Ceiling(NOTHING, 0, len(rows), {}, UNKNOWN)
    if not known:
        return Ceiling(NOTHING, 0, 0, {}, "nothing was asked")
    found, by_class, how = _audible(audible)
    classes = len({row.label for row in audible})
    value, low, high = (_with_free(each, classes, free) for each in (found.value, found.low, found.high))
    estimate = Estimate(value, low, high, found.n or len({row.clip for row in known}))
    return Ceiling(estimate, len(known), len(rows), {**by_class, **({"muted": 1.0} if free else {})}, how)


def _with_free(share: float | None, classes: int, free: int) -> float | None:
    """The mean over the audible classes and those that are right in any case."""
    if not classes:
        return 1.0
    return None if share is None else (classes * share + free) / (classes + free)


def _audible(rows: Sequence[Played]) -> tuple[Estimate, dict[str, float], str]:
    """The ceiling of the classes that are heard, what it is right about, and how it was found."""
    labels = [row.label for row in rows]
    names = sorted(set(labels))
    if len(names) < 2:
        return Estimate(1.0, None, None, len({row.clip for row in rows})), dict.fromkeys(names, 1.0), ITSELF
    bound, of_bound = _bound(np.array([row.audio_s or 0.0 for row in rows]), labels)
    learned, of_learned = _learned(rows, labels, names)
    if learned.low is not None and learned.low > bound:
        return learned, of_learned, OTHERS
    low = None if learned.low is None else min(learned.low, bound)
    high = None if learned.high is None else max(learned.high, bound)
    return Estimate(bound, low, high, learned.n), of_bound, ITSELF


def _learned(rows: Sequence[Played], labels: Sequence[str], names: Sequence[str]) -> tuple[Estimate, dict[str, float]]:
    """What a guesser gets that was taught by the other clips, and of each class. All None with a single clip."""
    at, ends = np.array([row.audio_s or 0.0 for row in rows]), np.array([row.duration_s for row in rows])
    clips = [row.clip for row in rows]
    tried = guess({"start": at, "end": ends - at, "share": at / ends}, labels, clips, alike=True)
    if tried.balanced.value is None:
        return NOTHING, {}
    right = [names[code] == label for code, label in zip(tried.said.tolist(), labels, strict=True)]
    hits, items = per_source(right, labels, clips, names, sorted(set(clips)))
    shares = (hits.sum(axis=0) / items.sum(axis=0)).tolist()
    # Where all is right draws do not differ, and the classes' own intervals say how sure that is.
    sure = tried.balanced if tried.balanced.low is not None else class_mean(hits, items)
    return sure, dict(zip(names, shares, strict=True))


def _bound(places_s: Numbers, labels: Sequence[str]) -> tuple[float, dict[str, float]]:
    """What the likeliest class at each place gets when places are told apart to WIDTH_S, classes alike; and of each."""
    names = sorted(set(labels))
    first = float(places_s.min()) - 4 * WIDTH_S
    cells = int(np.ceil((float(places_s.max()) + 4 * WIDTH_S - first) / GRID_S)) + 1
    cell = np.round((places_s - first) / GRID_S).astype(np.int64)
    reach = np.arange(-round(4 * WIDTH_S / GRID_S), round(4 * WIDTH_S / GRID_S) + 1) * GRID_S
    bump = np.exp(-0.5 * (reach / WIDTH_S) ** 2)
    of = np.array(labels)
    likely = np.stack([np.convolve(np.bincount(cell[of == name], minlength=cells), bump, "same") for name in names])
    likely /= likely.sum(axis=1, keepdims=True)
    best = likely.argmax(axis=0)
    shares = {name: float(likely[i][best == i].sum()) for i, name in enumerate(names)}
    return float(np.mean(list(shares.values()))), shares


@dataclass(frozen=True, slots=True)
class Controls:
    """An accuracy with what it is held against. over: accuracy − ceiling. shuffled: under other clips' pictures, None =
    not asked. apart: accuracy − shuffled, paired by source. words: one sentence.
    """

    accuracy: Estimate
    ceiling: Ceiling
    shuffled: Estimate | None
    apart: Estimate | None
    over: Estimate
    listening: Listening
    words: str

    @property
    def needs_picture(self) -> bool | None:
        """Whether less is right under another picture; None where that was not asked, or cannot be told."""
        low = self.apart.low if self.apart is not None else None
        return None if low is None else low > 0


def held_against(
    accuracy: Estimate, ceiling: Ceiling, shuffled: Estimate | None = None, apart: Estimate | None = None
) -> Controls:
    """The accuracy with its controls. All of classes alike and of the same items."""
    asked = shuffled if shuffled is not None and shuffled.value is not None else None
    over = _less(accuracy, ceiling.share)
    known = over.value is not None and over.low is not None
    listening: Listening = "not known" if not known else "above" if (over.low or 0.0) > 0 else "not above"
    words = _words(accuracy, ceiling, over, listening, asked, apart)
    return Controls(accuracy, ceiling, asked, apart if asked else None, over, listening, words)


def _less(accuracy: Estimate, share: float | None) -> Estimate:
    if accuracy.value is None or share is None:
        return NOTHING
    low, high = (None if each is None else each - share for each in (accuracy.low, accuracy.high))
    return Estimate(accuracy.value - share, low, high, accuracy.n)


def _words(
    accuracy: Estimate, ceiling: Ceiling, over: Estimate, listening: Listening,
    shuffled: Estimate | None, apart: Estimate | None,
) -> str:  # fmt: skip
    if accuracy.value is None:
        return "It was not asked about synchrony."
    if ceiling.share is None:
        return f"What the sound alone allows is not known: {ceiling.how}."
    if listening == "not known":
        return "Too few clips to hold it against what the sound alone allows."
    if listening == "not above":
        return "Not above what the sound alone allows."
    return f"{points(over.value)} over what the sound alone allows{_picture(ceiling, shuffled, apart)}."


def _picture(ceiling: Ceiling, shuffled: Estimate | None, apart: Estimate | None) -> str:
    if shuffled is None or apart is None:
        return "; not asked under another picture"
    if apart.low is None or apart.low <= 0:
        return ", and as good under another picture, so something else than the picture tells it"
    left = _less(shuffled, ceiling.share)
    if left.low is not None and left.low > 0:
        return f", of which {points(left.value)} are left under another picture: something else tells it too"
    return ", and gone under another picture"


def points(share: float | None) -> str:
    """A difference of shares in words: "1 point", "40 points"."""
    whole = round(100 * abs(share or 0.0))
    return f"{whole} {'point' if whole == 1 else 'points'}"


ARM_WORDS = {
    "sound_only": "It heard the sound alone: what it scores here needs no picture.",
    "shuffled_picture": "The control: what it scores here it owes to the sound, not to the right picture.",
}


def controls_json(held: Controls, arm: str) -> Json:
    """The controls of a row asked in that arm: accuracy, ceiling, shuffled, over, listening, needs_picture, words.

    Only of those that saw the right picture it is said whether they listen.
    """
    sees = arm == "audio_video"
    return {
        "accuracy": estimate_json(held.accuracy), "ceiling": ceiling_json(held.ceiling),
        "shuffled": estimate_json(held.shuffled) if held.shuffled else None, "over": estimate_json(held.over),
        "listening": held.listening if sees else "", "needs_picture": held.needs_picture,
        "words": held.words if sees else ARM_WORDS.get(arm, ""),
    }  # fmt: skip


def ceiling_json(ceiling: Ceiling) -> Json:
    """{value, low, high, n, sources, how, by_class}; value None where nobody knows."""
    told = estimate_json(ceiling.estimate, ceiling.items)
    nothing = {"value": None, "low": None, "high": None, "n": 0, "sources": 0}
    return {**(told or nothing), "asked": ceiling.asked, "how": ceiling.how, "by_class": dict(ceiling.by_class)}

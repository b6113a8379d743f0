"""What a person should look at next.

First the clips where a look is worth most; among them, evenly, some drawn at random from all clips, so that the quality
of what was retained without a person can be estimated without bias; and gold clips, which look like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import hypot, isfinite, pi, sqrt
from typing import Literal

from thud.errors import BadRequest
from thud.events.agreement import Ruling

RANDOM_SHARE = 0.08
GOLD_SHARE = 0.05
PERSON_SPREAD_S = 0.04
"""How exactly a person places an event; a look cannot make a clip better known than this."""
UNKNOWN_SPREAD_S = 3.0
"""The spread of a clip that nobody marked: an event anywhere in 10 s."""
DRAWN = "Drawn at random, to check the marks of all clips."

Why = Literal["gain", "random", "gold"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A clip in the queue. gain: seconds of expected error that a look takes away. `why` and `gain` must not reach
    an annotator; `reasons` may, for a gold clip's read like those of one drawn at random.
    """

    clip_id: str
    gain: float
    reasons: tuple[str, ...]
    why: Why


def expected_gain(spread_s: float | None, person_spread_s: float = PERSON_SPREAD_S) -> float:
    """Seconds by which a person's mark makes the expected error smaller. None = the clip has no mark."""
    before = UNKNOWN_SPREAD_S if spread_s is None else spread_s
    if before <= 0:
        return 0.0
    after = before * person_spread_s / hypot(before, person_spread_s)
    return sqrt(2 / pi) * (before - after)


def order(
    gains: Mapping[str, float],
    rulings: Mapping[str, Ruling],
    *,
    random_share: float = RANDOM_SHARE,
    gold: Collection[str] = (),
    gold_share: float = GOLD_SHARE,
    finished: Collection[str] = (),
    own: int | None = None,
    annotator: str = "",
    seed: int = 0,
) -> list[Waiting]:
    """The queue of one annotator, best first, without the finished clips.

    gains: clip → `expected_gain`, summed over picture and sound; all clips, those retained without a person included
    (they come up only at random). rulings: what the paper's rule says; a clip without one waits.
    finished: clips that need no more looks, and the gold that this annotator has done. own: how many clips this
    annotator has done, gold included (all the finished ones, unless told). Both keep the shares where they were: a
    queue worked off from its head never changes its order, and no random or gold clip is put off for ever.
    seed: the same for all, so that the random clips are one sample; the annotator's name shuffles the gold.
    Raises BadRequest for shares that leave no room or a gain that is not a number.
    """
    _check(gains, random_share, gold_share)
    done, hidden = set(finished), _shuffled(gold, f"{seed}/gold/{annotator}")
    everything = (gains.keys() | rulings.keys() | done) - set(hidden)
    needed = {clip for clip in everything if clip in done or not _settled(rulings.get(clip))}
    drawn = _draw(_shuffled(everything, f"{seed}/random"), needed, random_share)
    best = sorted(needed - set(drawn), key=lambda clip: (-gains.get(clip, 0.0), _ticket(f"{seed}/tie", clip)))
    whys: dict[str, Why] = {
        **dict.fromkeys(best, "gain"),
        **dict.fromkeys(drawn, "random"),
        **dict.fromkeys(hidden, "gold"),
    }
    gone = {why: sum(whys.get(clip) == why for clip in done) for why in ("gain", "random", "gold")}
    queue = _mix(_left(best, done), gone["gain"], _left(drawn, done), gone["random"], random_share, f"{seed}")
    passed = len(done) if own is None else own
    queue = _mix(
        queue, max(0, passed - gone["gold"]), _left(hidden, done), gone["gold"], gold_share, f"{seed}/{annotator}"
    )
    while queue and whys[queue[-1]] == "gold":
        queue.pop()
    return [Waiting(clip, gains.get(clip, 0.0), _reasons(whys[clip], rulings.get(clip)), whys[clip]) for clip in queue]


def _settled(ruling: Ruling | None) -> bool:
    """Whether no person has to look: retained, or turned down for good."""
    return ruling is not None and (ruling.retained or not ruling.needs)


def _draw(shuffled: list[str], needed: Collection[str], share: float) -> list[str]:
    """The first clips of the shuffled list, as many as make up `share` of the whole queue."""
    plain = len(needed)
    for count, clip in enumerate(shuffled):
        if count >= share * (count + plain):
            return shuffled[:count]
        plain -= clip in needed
    return shuffled


def _mix(plain: list[str], passed: int, extra: list[str], used: int, share: float, salt: str) -> list[str]:
    """Both lists in one: an extra in every stretch of 1/share places, anywhere in it, so that it can't be foretold.

    passed, used: how many of either kind went before. Stretches that went by without their extra are not made up for
    (but for the last, whose extra may be just due), so extras never come in a burst.
    """
    if not extra or share == 0:
        return plain
    first = max(used, int(passed / (1 - share) * share) - 1)
    places = [((passed + i + 0.5) / (1 - share), clip) for i, clip in enumerate(plain)]
    places += [((first + i + _ticket(f"{salt}/place", str(first + i))) / share, clip) for i, clip in enumerate(extra)]
    return [clip for _, clip in sorted(places)]


def _left(clips: list[str], done: Collection[str]) -> list[str]:
    return [clip for clip in clips if clip not in done]


def _reasons(why: Why, ruling: Ruling | None) -> tuple[str, ...]:
    if ruling and ruling.needs:
        return ruling.needs
    return ("Nobody has placed its event yet.",) if why == "gain" else (DRAWN,)


def _shuffled(clips: Iterable[str], salt: str) -> list[str]:
    return sorted(clips, key=lambda clip: _ticket(salt, clip))


def _ticket(salt: str, name: str) -> float:
    """A number in [0, 1) that depends on the arguments only."""
    return int.from_bytes(hashlib.sha256(f"{salt}/{name}".encode()).digest()[:6], "big") / 2**48


def _check(gains: Mapping[str, float], random_share: float, gold_share: float) -> None:
    if not (random_share >= 0 and gold_share >= 0 and random_share + gold_share <= 0.9):
        raise BadRequest(
            f"a random share of {random_share} and a gold share of {gold_share} leave no room for the other clips; "
            "together they may be 0 to 0.9."
        )
    wrong = [clip for clip, gain in gains.items() if not isfinite(gain)]
    if wrong:
        raise BadRequest(f"clip {wrong[0]}: its gain is {gains[wrong[0]]}, which is not a number.")

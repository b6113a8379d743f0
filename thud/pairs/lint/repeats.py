"""Rows that come twice, and media that stand in two splits, known again by 64-bit hashes alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from thud.pairs.lint.tally import Seen, number_of
from thud.pairs.pair import Pair

_NOT_WORDS = re.compile(r"[\W_]+")


class Repeats:
    """Pairs seen before. Two are nearly the same where media and words are, case and punctuation aside."""

    def __init__(self) -> None:
        self._seen = Seen()

    def again(self, pair: Pair) -> bool:
        """Whether nearly the same pair came before."""
        shown, other = pair.shown, pair.rejected_shown
        number = number_of(
            shown.video_sha256 or shown.video, shown.sound_sha256 or shown.sound,
            (other.sound_sha256 or other.sound or other.video) if other else "",
            _NOT_WORDS.sub(" ", f"{pair.prompt} \n {pair.chosen} \n {pair.rejected}".casefold()),
        )  # fmt: skip
        if number in self._seen:
            return True
        self._seen.add(number)
        return False


class Leaks:
    """What stood in which split."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def of(self, pair: Pair) -> Iterator[str]:
        """What this pair shares with a pair of another split, each kind once."""
        own = self._seen.setdefault(pair.split, Seen())
        for kind, value in identities(pair):
            number = number_of(kind, value)
            for split, seen in self._seen.items():
                if split != pair.split and number in seen:
                    first, second = sorted((split, pair.split))
                    yield f"the same {kind} in {first} and {second}"
                    break
            own.add(number)


def identities(pair: Pair) -> Iterator[tuple[str, str]]:
    """What must not stand in two splits, as it tells that two pairs are of one recording: (kind, value)."""
    if pair.clip_id:
        yield "clip", pair.clip_id
    if pair.source:
        yield "source", pair.source
    if picture := pair.shown.video_sha256 or pair.shown.video:
        yield "picture", picture
    # Silence of the same length is the same file, whatever clip was muted.
    if pair.condition != "muted" and (sound := pair.shown.sound_sha256 or pair.shown.sound):
        yield "sound", sound

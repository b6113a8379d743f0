"""What people and models say of described segments: agreed, corrected, rejected; and whose word counts.

A person's word beats a model's; among people, and among models, the newest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from thud.errors import BadRequest
from thud.pairs.material import Segment

Verdict = Literal["agree", "correct", "reject"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
PERSON = "person:"
KIND = "segment_word"
"""Of the definitions in the store; each is named `name_of(word)`."""

LONGEST_DESCRIPTION, LONGEST_SOUND, MOST_SOUNDS, LONGEST_NOTE = 600, 160, 12, 300
SHORTEST_S = 0.1


@dataclass(frozen=True, slots=True)
class Word:
    """One say about one segment. by: a model's name, or "person:" and the account. at: UTC, ISO 8601.

    start_s … sounds: how the segment is, as they have it; of "agree" and "reject" as it was. heard: whether the sound
    was listened to; False of a model that is shown stills. note: why.
    blind: of a second word, verdict, start and end of the first, which was said before others' words were shown.
    """

    segment_id: str
    by: str
    verdict: Verdict
    start_s: float
    end_s: float
    description: str
    sounds: tuple[str, ...]
    note: str = ""
    at: str = ""
    heard: bool = True
    blind: tuple[Verdict, float, float] | None = None

    @property
    def unseen(self) -> Word:
        """As it was before they saw what others say; only verdict and times."""
        if self.blind is None:
            return self
        verdict, start_s, end_s = self.blind
        return replace(self, verdict=verdict, start_s=start_s, end_s=end_s, blind=None)

    @property
    def person(self) -> bool:
        return self.by.startswith(PERSON)

    @property
    def keeps(self) -> bool:
        """Whether they would keep the segment, corrected or not."""
        return self.verdict != "reject"


def name_of(word: Word) -> str:
    """The name under which a word is kept: one for each segment and whoever speaks."""
    return f"{word.segment_id}:{word.by}"


def word_json(word: Word) -> dict[str, Any]:
    """The word as JSON can hold it; `word_from_json` reads it back."""
    row = asdict(word)
    del row["segment_id"]
    return {**row, "sounds": list(word.sounds), "blind": list(word.blind) if word.blind else None}


def word_from_json(segment_id: str, row: Mapping[str, Any]) -> Word:
    """The word that `word_json` took apart."""
    blind = row.get("blind")
    return Word(segment_id, **{**row, "sounds": tuple(row["sounds"]), "blind": tuple(blind) if blind else None})


def words_by_segment(definitions: Mapping[str, Any]) -> dict[str, tuple[Word, ...]]:
    """Segment id → all that was said of it, in order of time. definitions: those of KIND, by name."""
    found: dict[str, list[Word]] = {}
    for name, row in definitions.items():
        segment_id = name.partition(":")[0]
        found.setdefault(segment_id, []).append(word_from_json(segment_id, row))
    return {key: tuple(sorted(words, key=lambda one: one.at)) for key, words in found.items()}


def last_word(words: Iterable[Word]) -> Word | None:
    """The word that counts, None where nobody has said any."""
    ordered = sorted(words, key=lambda one: (one.person, one.at))
    return ordered[-1] if ordered else None


def corrected(segment: Segment, words: Iterable[Word]) -> Segment | None:
    """The segment as the last word about it has it, a person's before a model's; None where it was rejected."""
    word = last_word(words)
    if word is None or word.verdict == "agree":
        return segment
    if word.verdict == "reject":
        return None
    return Segment(segment.clip_id, word.start_s, word.end_s, word.description, word.sounds, word.by)


def say(segment: Segment, by: str, verdict: Verdict, *, note: str = "", at: str = "", heard: bool = True) -> Word:
    """A word that leaves the segment as it is: agreement, or a rejection."""
    return Word(
        segment.id, by, verdict, segment.start_s, segment.end_s, segment.description, segment.sounds, note, at, heard
    )


def correct(segment: Segment, by: str, told: Mapping[str, Any], duration_s: float, **more: Any) -> Word:
    """A correction, or an agreement where nothing differs. told: start_s, end_s, description, sounds; what is left out
    is as it was. BadRequest in one sentence when it cannot be. more: note, at, heard.
    """
    start_s, end_s = _second(told.get("start_s", segment.start_s)), _second(told.get("end_s", segment.end_s))
    if not 0 <= start_s <= end_s - SHORTEST_S or end_s > duration_s + 0.05:
        raise BadRequest(f"The segment begins before it ends, both within the clip: from 0 to {duration_s:.1f} s.")
    description = _text(told.get("description", segment.description), LONGEST_DESCRIPTION)
    if not description:
        raise BadRequest("Say what is seen in the segment; to leave it out, reject it.")
    sounds = told.get("sounds", segment.sounds)
    if not isinstance(sounds, Sequence) or isinstance(sounds, str) or len(sounds) > MOST_SOUNDS:
        raise BadRequest(f"Sounds are a list of at most {MOST_SOUNDS} short phrases, one for each sound.")
    phrases = tuple(filter(None, (_text(one, LONGEST_SOUND) for one in sounds)))
    new = replace(segment, start_s=start_s, end_s=end_s, description=description, sounds=phrases)
    if new == segment:
        return say(segment, by, "agree", **more)
    return Word(segment.id, by, "correct", start_s, end_s, description, phrases, **more)


def _second(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise BadRequest("Start and end are seconds from the start of the clip.")
    return round(float(value), 3)


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise BadRequest(f"That text is too long or no text: {most} characters at most.")
    return " ".join(value.split())


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union of two intervals, 0 to 1."""
    inside = min(a[1], b[1]) - max(a[0], b[0])
    whole = max(a[1], b[1]) - min(a[0], b[0])
    return max(0.0, inside) / whole if whole > 0 else 0.0

"""What to do about what leaks: concrete sentences, each with what it would leave, computed from these clips. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thud.evaluation.leak import Audit, Line, Shown, guess_place, verdict
from thud.evaluation.leak_features import WORDS
from thud.evaluation.leak_guess import Guess
from thud.stimuli.balance import Draw, Placed, balanced_draw, possible

TRIED_S = (0.8, 0.6, 0.4, 0.3, 0.2)
WORTH = 0.02
"""Advice that would win less than this is not given."""
FINE = ("at chance", "not known")
MOST_CLIPS = 400
"""What would be is tried out on no more clips than this: it says as much, and the page waits for it."""


@dataclass(frozen=True, slots=True)
class ClipPlace:
    """A clip whose event is known."""

    placed: Placed
    source: str

    @property
    def audio_s(self) -> float:
        return self.placed.audio_s or 0.0


def clips_of(shown: Iterable[Shown]) -> list[ClipPlace]:
    """The clips behind the stimuli whose event is known, each once."""
    found = {each.clip_id: each for each in shown if each.audio_s is not None}
    return [ClipPlace(Placed(each.clip_id, each.audio_s, each.duration_s), each.source) for each in found.values()]


def predict(clips: Sequence[ClipPlace], draw: Mapping[str, Sequence[float]]) -> Guess | None:
    """What the sound's place alone would score on sync, were these offsets built and one original of every clip."""
    shown = [
        Shown(f"{clip.placed.clip_id} {offset}", clip.placed.clip_id, clip.source, _condition(offset),
              clip.placed.duration_s, None, clip.audio_s, offset)
        for clip in clips
        for offset in (0.0, *draw.get(clip.placed.clip_id, ()))
    ]  # fmt: skip
    return guess_place(shown, quick=True)


def advise(found: Audit) -> list[str]:
    """Sentences about what leaks, the sound's place first; [] where nothing does."""
    lines = {(line.task, line.group): line for line in found.lines if line.found and line.verdict not in FINE}
    said: list[str] = []
    if ("sync", "sound") in lines:
        said += _about_place(found.shown, lines["sync", "sound"])
    if ("sync", "picture") in lines:
        said.append(
            f"The picture's own place gives {_score(lines['sync', 'picture'].found)}: some offsets were refused where "
            "they would push the event out, so conditions differ in their clips. Use offsets that fit every clip."
        )
    if ("sync", "edges") in lines:
        said.append(_about_edges(found.shown, lines["sync", "edges"]))
    said += [_about_files(line) for (_, group), line in lines.items() if group == "file"]
    said += [_about_sound(line) for (task, group), line in lines.items() if _is_sound(task, group)]
    return said


def _is_sound(task: str, group: str) -> bool:
    return group == "level" or (task == "consistency" and group == "edges")


def _condition(offset: float) -> str:
    return "original" if offset == 0 else "early" if offset < 0 else "delayed"


def _about_place(shown: Sequence[Shown], line: Line) -> list[str]:
    assert line.found is not None
    offsets = sorted({each.offset_s for each in shown if each.condition in ("early", "delayed")})
    clips = clips_of(each for each in shown if each.condition in ("original", "early", "delayed"))[:MOST_CLIPS]
    now = _above(line.found)
    said = []
    drawn = predict(clips, balanced_draw([clip.placed for clip in clips], offsets))
    if drawn is not None and _above(drawn) < now - WORTH:
        said.append(
            f"The sound's place alone gives {_score(line.found)}. A balanced draw of one early and one delayed offset "
            f"per clip would leave {_score(drawn)}: choose it when you build."
        )
    smaller = _smaller(clips, max(map(abs, offsets), default=0.0), now)
    if smaller is not None:
        said.append(f"With ±{smaller[0]:.2f} s alone the sound's place would give {_score(smaller[1])}.")
    longer = _longer(clips, offsets)
    if longer is not None and _above(longer[1]) < now - WORTH:
        said.append(
            f"In clips of {longer[0]:.0f} s with the event anywhere in them, a balanced draw of these offsets would "
            f"give {_score(longer[1])}."
        )
    return said or [
        f"The sound's place alone gives {_score(line.found)}; no other offsets of these clips would give much less. "
        "Use longer clips, with the event at many different times."
    ]


def _smaller(clips: Sequence[ClipPlace], largest: float, now: float) -> tuple[float, Guess] | None:
    """The largest symmetric offset that is at chance, else the one that leaves least; None where none wins enough."""
    tried: list[tuple[float, Guess]] = []
    for size in (each for each in TRIED_S if each < largest - 1e-9):
        guessed = predict(clips, {clip.placed.clip_id: possible(clip.placed, (-size, size)) for clip in clips})
        if guessed is None or guessed.right.value is None:
            continue
        if verdict(guessed.right, guessed.chance) == "at chance":
            return size, guessed
        tried.append((size, guessed))
    best = min(tried, key=lambda pair: _above(pair[1]), default=None)
    return best if best is not None and _above(best[1]) < now - WORTH else None


def _longer(clips: Sequence[ClipPlace], offsets: Sequence[float]) -> tuple[float, Guess] | None:
    """Clips of twice the usual length, events spread evenly as far as every offset fits, under a balanced draw."""
    if len(clips) < 2 or not offsets:
        return None
    length = float(np.ceil(2 * np.median([clip.placed.duration_s for clip in clips])))
    margin = max(map(abs, offsets)) + 0.1
    if length < 3 * margin:
        length = float(np.ceil(3 * margin))
    at = np.random.default_rng(0).permutation(np.linspace(margin, length - margin, len(clips)))
    spread = [
        replace(clip, placed=Placed(clip.placed.clip_id, float(place), length))
        for clip, place in zip(clips, at, strict=True)
    ]
    draw: Draw = balanced_draw([clip.placed for clip in spread], offsets)
    guessed = predict(spread, draw)
    return (length, guessed) if guessed is not None and guessed.right.value is not None else None


def _about_edges(shown: Sequence[Shown], line: Line) -> str:
    assert line.found is not None
    what = f"{WORDS.get(line.found.feature, 'an end of the sound')} alone gives {_score(line.found)} on sync"
    fills = {each.fill for each in shown if each.condition in ("early", "delayed")}
    if "silence" in fills:
        return f"Of shifts filled with silence, {what}. Build the shifts again with room tone, and leave these out."
    if "circular" in fills:
        return f"With shifts that wrap around, {what}. Build the shifts again with room tone, and leave these out."
    return (
        f"Even under room tone, {what}: clips that are never quiet carry their sound into the fill. Use smaller "
        "offsets, or clips with a quiet beginning and end."
    )


def _about_files(line: Line) -> str:
    assert line.found is not None
    return (
        f"{_capital(WORDS.get(line.found.feature, 'Something in the files'))} alone gives {_score(line.found)} on "
        f"{line.task}: the files were not all written in the same way. Build the stimuli again and do not edit them."
    )


def _about_sound(line: Line) -> str:
    assert line.found is not None
    what = f"{_capital(WORDS.get(line.found.feature, line.group))} alone gives {_score(line.found)} on {line.task}"
    if line.task == "consistency":
        return f"{what}: donors differ from the sounds they replace. Choose other donors, or another seed."
    return f"{what}: shifts cut off or repeat part of the sound. Use smaller offsets."


def _above(guessed: Guess) -> float:
    """How far above its own chance a guess lies; never below 0."""
    return max(0.0, (guessed.right.value or 0.0) - guessed.chance)


def _score(guessed: Guess | None) -> str:
    assert guessed is not None and guessed.right.value is not None
    return f"{100 * guessed.right.value:.1f} % (chance {100 * guessed.chance:.1f})"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]

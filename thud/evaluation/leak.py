"""The leak audit of a stimulus set: what can be scored without watching and listening together, and what to do. Pure.

A shift moves the event in the clip, so the sound's own place says something about the answer, and no listener's score
means anything below what that alone gives. The same is asked of the picture's place, of files, of edges, of levels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from thud.evaluation.leak_features import GROUPS, WORDS, FileFacts, features_of
from thud.evaluation.leak_guess import Features, Guess, class_shares, guess
from thud.evaluation.scoring import expected_label
from thud.statistics import Estimate

Json = dict[str, Any]
SHIFTED = ("early", "delayed")
MUCH = 0.10
"""This far above chance the answers count as given away."""
EQUAL = 1 / 3
PLACES: dict[str, tuple[str, ...]] = {"sound": ("start", "end", "share"), "picture": ("seen", "seen_end", "duration")}
NAMES: dict[str, str] = {
    "sound": "Sound only, best guesser",
    "picture": "Picture only, best guesser",
    "file": "File size, length, tags",
    "edges": "Silent edges",
    "level": "Level",
}
ASKED_OF: tuple[tuple[str, str], ...] = (
    ("sync", "sound"), ("sync", "picture"), ("sync", "file"), ("sync", "edges"), ("sync", "level"),
    ("existence", "file"), ("consistency", "file"), ("consistency", "edges"), ("consistency", "level"),
)  # fmt: skip
HEARD = ("sound", "edges", "level")
"""What a listener gets from the sound alone: the highest of these is the floor of the sync task."""
MUTED_IS_SILENT = "a muted sound is silent by definition: its level and edges are the question, not a leak"


@dataclass(frozen=True, slots=True)
class Shown:
    """A stimulus as far as the audit needs it. source: cluster. Times are those of the clip, None = not known.

    files: what its files tell, None while they have not been measured, or where it has none.
    """

    id: str
    clip_id: str
    source: str
    condition: str
    duration_s: float
    visual_s: float | None = None
    audio_s: float | None = None
    offset_s: float = 0.0
    fill: str = ""
    files: FileFacts | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit. found: None where nothing could be guessed. verdict: in words of the page."""

    task: str
    group: str
    found: Guess | None
    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A listener's score on sync in three classes under the pictures of other clips: it cannot see the event."""

    listener: str
    value: float
    low: float | None
    high: float | None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """All lines, the one that is the floor of the sync task (None where nothing is known), and the set behind them.

    alike: cells of the floor's guesser when it takes the classes as equally common ("original", "shifted", "balanced",
    the mean over classes). It is right about originals as often as about shifts, as the cells side by side suppose; a
    guesser that is after the most answers never says “in sync” where originals are few.
    """

    shown: tuple[Shown, ...]
    lines: tuple[Line, ...]
    floor: Line | None
    alike: Mapping[str, Estimate] = field(default_factory=dict)


def audit(shown: Sequence[Shown]) -> Audit:
    """What every kind of guesser scores on its tasks, and which of those that only hear scores most on sync."""
    raw = [(task, group, _guess_group(_asked(shown, task), group)) for task, group in ASKED_OF]
    heard = [(found.right.value, group) for task, group, found in raw if task == "sync" and group in HEARD and found
             and found.right.value is not None]  # fmt: skip
    # On a tie the sound's place: it is what the advice can change.
    top = max(heard, key=lambda pair: (pair[0], pair[1] == "sound"))[1] if heard else ""
    lines = tuple(_line(task, group, found, task == "sync" and group == top) for task, group, found in raw)
    floor = next((line for line in lines if line.task == "sync" and line.group == top and line.found), None)
    if floor is None or floor.found is None:
        return Audit(tuple(shown), lines, None)
    return Audit(tuple(shown), lines, floor, _alike(_fit(_asked(shown, "sync"), floor.group), floor.group))


def _alike(about: Sequence[Shown], group: str) -> dict[str, Estimate]:
    found = _guess_group(about, group, alike=True)
    if found is None:
        return {}
    classes, sources = [each.condition for each in about], [each.source for each in about]
    cells = {"original": ("original",), "shifted": SHIFTED}
    return {
        **{name: class_shares(found, classes, sources, kept) for name, kept in cells.items()},
        "balanced": found.balanced,
    }


def guess_place(shown: Sequence[Shown], *, quick: bool = False) -> Guess | None:
    """What the sound's place alone scores on sync. quick: by seconds from the start only, a third of the work."""
    return _guess_group(_asked(shown, "sync"), "sound", some=("start",) if quick else None)


def _asked(shown: Sequence[Shown], task: str) -> list[Shown]:
    return [each for each in shown if expected_label(task, each.condition) is not None]


def _fit(shown: Sequence[Shown], group: str) -> list[Shown]:
    """Those of which what the group looks at is known."""
    if group == "sound":
        return [each for each in shown if each.audio_s is not None]
    if group == "picture":
        return [each for each in shown if each.visual_s is not None]
    return [each for each in shown if each.files is not None]


def _guess_group(
    shown: Sequence[Shown], group: str, *, alike: bool = False, some: Collection[str] | None = None
) -> Guess | None:
    """The guess from one group of numbers, None with nothing to guess from or only one class to guess."""
    about = _fit(shown, group)
    classes, sources = [each.condition for each in about], [each.source for each in about]
    if len(set(classes)) < 2:
        return None
    rows = [_numbers(each, group) for each in about]
    features: Features = {name: np.array([row[name] for row in rows]) for name in rows[0] if not some or name in some}
    return guess(features, classes, sources, alike=alike)


def _numbers(shown: Shown, group: str) -> dict[str, float]:
    if group == "sound":
        at = (shown.audio_s or 0.0) + shown.offset_s
        return {"start": at, "end": shown.duration_s - at, "share": at / shown.duration_s}
    if group == "picture":
        seen = shown.visual_s or 0.0
        return {"seen": seen, "seen_end": shown.duration_s - seen, "duration": shown.duration_s}
    assert shown.files is not None and group in GROUPS
    return features_of(shown.files, group)


def verdict(estimate: Estimate, chance: float, is_floor: bool = False) -> str:
    """at chance | floor | above chance | gives it away | not known, from an interval and what chance gets."""
    if estimate.value is None or estimate.low is None:
        return "not known"
    if estimate.low <= chance:
        return "at chance"
    if estimate.value >= chance + MUCH - 1e-9:
        return "gives it away"
    return "floor" if is_floor else "above chance"


def _line(task: str, group: str, found: Guess | None, is_floor: bool) -> Line:
    if found is None:
        return Line(task, group, None, "not known", _unknown(task, group))
    said = verdict(found.right, found.chance, is_floor)
    return Line(task, group, found, said, _line_words(task, group, found, said, is_floor))


def _unknown(task: str, group: str) -> str:
    if group in GROUPS:
        return f"the files of no two conditions of {task} have been measured"
    return f"no two conditions of {task} have clips with known event times"


def _line_words(task: str, group: str, found: Guess, said: str, is_floor: bool) -> str:
    floor = "; this is the floor" if is_floor else ""
    if said == "not known":
        return "all stimuli are of one source, so nothing can be learned on some and tried on others"
    note = f"; {MUTED_IS_SILENT}" if task == "existence" else ""
    if said == "at chance":
        return _quiet(group) + floor + note
    what = {"sound": "event times give it away", "picture": "the place of the event in the picture gives it away"}
    return what.get(group, f"{WORDS.get(found.feature, group)} tells the conditions apart") + floor + note


def _quiet(group: str) -> str:
    words = {"sound": "event times say nothing", "picture": "the picture is the same under every sound",
             "file": "files are alike", "edges": "ends of the sound are alike"}  # fmt: skip
    return words.get(group, "levels are alike")


def report(found: Audit, advice: Sequence[str] = ()) -> Json:
    """The audit as JSON: floor, leak (lines of the sync task), others (of other tasks), advice, chance, and counts.

    chance: what the commonest answer gets on sync. balanced: the floor's guesser if the classes were equally common.
    """
    sync = [line for line in found.lines if line.task == "sync" and line.found is not None]
    chance = found.floor.found.chance if found.floor and found.floor.found else EQUAL
    asked = _asked(found.shown, "sync")
    with_files = [each for each in found.shown if each.files is not None]
    return {
        "floor": _floor_json(found),
        "leak": [_line_json(line) for line in sync],
        "others": [_line_json(line) for line in found.lines if line.task != "sync" and line.found is not None],
        "advice": list(advice),
        "chance": chance,
        "balanced": _estimate_json(found.alike.get("balanced")) | {"chance": EQUAL},
        "stimuli": len(found.shown),
        "timed": len(_fit(asked, "sound")),
        "sync": len(asked),
        "measured": len(with_files),
        "sources": len({each.source for each in found.shown}),
    }  # fmt: skip


def with_heard(told: Mapping[str, Any], heard: Sequence[Heard]) -> Json:
    """A report with a line for every listener that was asked under other clips' pictures, below what was guessed."""
    lines = [_heard_json(each, told["chance"], told["floor"]) for each in heard]
    return {**told, "leak": [*told["leak"], *lines]}


def _floor_json(found: Audit) -> Json | None:
    line = found.floor
    if line is None or line.found is None or line.found.right.value is None:
        return None
    right, chance = line.found.right, line.found.chance
    value = right.value or 0.0
    words = line.words if value >= chance else f"{line.words}; no better than the commonest answer alone"
    alike = {name: each.value for name, each in found.alike.items()}
    if chance > EQUAL + 0.01 and alike.get("balanced") is not None:
        words += f"; were the classes equally common it would be {100 * (alike['balanced'] or 0):.1f} (chance 33.3)"
    return {"shifted": alike.get("shifted"), "original": alike.get("original"), "three": max(value, chance),
            "low": right.low, "high": right.high, "n": line.found.items, "words": words}  # fmt: skip


def _estimate_json(estimate: Estimate | None) -> Json:
    held = estimate or Estimate(None, None, None, 0)
    return {"value": held.value, "low": held.low, "high": held.high}


def _line_json(line: Line) -> Json:
    assert line.found is not None
    right = line.found.right
    return {"name": NAMES[line.group], "task": line.task, "group": line.group, "value": right.value, "low": right.low,
            "high": right.high, "n": line.found.items, "chance": line.found.chance, "feature": line.found.feature,
            "verdict": line.verdict, "words": line.words}  # fmt: skip


def _heard_json(heard: Heard, chance: float, floor: Mapping[str, Any] | None) -> Json:
    estimate = Estimate(heard.value, heard.low, heard.high, heard.n)
    said, words = verdict(estimate, chance), "its score without the right picture"
    if said not in ("at chance", "not known"):
        under = floor is not None and heard.low is not None and heard.low <= floor["three"]
        said = "at floor" if under else "above floor"
        words += "" if under else "; more than any guesser here, so something leaks that is not on this list"
    return {"name": f"Shuffled picture, {heard.listener}", "task": "sync", "group": "listener", "value": heard.value,
            "low": heard.low, "high": heard.high, "n": heard.n, "chance": chance, "feature": "", "verdict": said,
            "words": words}  # fmt: skip

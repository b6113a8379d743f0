"""The paper's figures as data: accuracies, Avg Gap, eight axes, three panels; each says which answers are behind it.

A figure is a weighted sum of shares, a share is picks over picks, a pick is answers by task, condition and labels. The
database, the page and `thud/evaluation/measure.py` read the same picks, so a bar opens just what it counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from thud.evaluation.scoring import ABSENT, CELLS, CLAIMS, FLAGGED, IN_SYNC, Cell, expected_label


@dataclass(frozen=True, slots=True)
class Pick:
    """Answers to `task` on stimuli of `condition` that carry one of `labels`; no labels = whatever was answered."""

    task: str
    condition: str
    labels: tuple[str, ...] = ()

    def holds(self, task: str, condition: str, label: str) -> bool:
        """Whether an answer is among them."""
        return (task, condition) == (self.task, self.condition) and (not self.labels or label in self.labels)


@dataclass(frozen=True, slots=True)
class Term:
    """weight × (answers in numerator / answers in denominator)."""

    numerator: tuple[Pick, ...]
    denominator: tuple[Pick, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. group: where it stands. plain: what it means in a few words. Unknown where a term has no items."""

    key: str
    title: str
    group: str
    plain: str
    terms: tuple[Term, ...]

    @property
    def numerator(self) -> tuple[Pick, ...]:
        """The answers that make the figure larger (or smaller, under a negative weight)."""
        return tuple(pick for term in self.terms for pick in term.numerator)

    @property
    def denominator(self) -> tuple[Pick, ...]:
        """All answers the figure rests on."""
        return tuple(pick for term in self.terms for pick in term.denominator)


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a bar. look: "right", "right_shift", "as_synced", "as_shifted", "other", "false_shift" or "absent"."""

    key: str
    title: str
    look: str
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A bar of segments; every answer to its (task, condition) questions is in exactly one of them."""

    key: str
    title: str
    questions: tuple[tuple[str, str], ...]
    segments: tuple[Segment, ...]


def _one(task: str, conditions: tuple[str, ...], labels: tuple[str, ...] = ()) -> tuple[Pick, ...]:
    return tuple(Pick(task, condition, labels) for condition in conditions)


def _rate(task: str, conditions: tuple[str, ...], labels: tuple[str, ...], weight: float = 1.0) -> Term:
    return Term(_one(task, conditions, labels), _one(task, conditions), weight)


def _accuracy(cell: Cell, weight: float = 1.0) -> Term:
    right = tuple(Pick(cell.task, each, (expected_label(cell.task, each) or "",)) for each in cell.conditions)
    return Term(right, _one(cell.task, cell.conditions), weight)


_CELL = {cell.key: cell for cell in CELLS}
_SHIFTED = ("early", "delayed")
_HEARD = (*IN_SYNC, *FLAGGED, "mismatched")

CELL_FIGURES: tuple[Figure, ...] = tuple(
    Figure(
        cell.key,
        cell.title,
        "accuracy",
        "edited sound, answered right" if cell.edited else "untouched clips, answered right",
        (_accuracy(cell),),
    )
    for cell in CELLS
)
"""Table 1: the six accuracies."""

AVERAGE_GAP = Figure(
    "average_gap",
    "Average gap",
    "accuracy",
    "how much is lost when the sound is edited, over three tasks",
    tuple(_accuracy(cell, -1 / 3 if cell.edited else 1 / 3) for cell in CELLS),
)
"""Table 1: mean over the three dimensions of original minus edited; unknown unless all three were asked."""

AXES: tuple[Figure, ...] = (
    Figure(
        "mute_hallucination",
        "Mute hallucination",
        "A hallucination",
        "hears sound in silence",
        (_rate("existence", ("muted",), _HEARD),),
    ),
    Figure(
        "swap_false_match",
        "Swap accepted",
        "A hallucination",
        "foreign sound is its own",
        (_rate("consistency", ("swapped",), (*IN_SYNC, *FLAGGED)),),
    ),
    Figure(
        "false_silence",
        "False silence",
        "B denial",
        "hears nothing in the original",
        (_rate("existence", ("original",), ("muted",)),),
    ),
    Figure(
        "swap_false_mismatch",
        "False mismatch",
        "B denial",
        "rejects the original",
        (_rate("consistency", ("original",), ("mismatched",)),),
    ),
    Figure(
        "audio_dodge",
        "Audio dodge",
        "C avoidance",
        "speaks of the picture only",
        tuple(_rate("existence", (each,), ("visual_only",), 0.5) for each in ("muted", "original")),
    ),
    Figure(
        "offset_blindness",
        "Offset blindness",
        "D time",
        "shifted, says in sync",
        (_rate("sync", _SHIFTED, ("synced",)),),
    ),
    Figure(
        "direction_confusion",
        "Wrong direction",
        "D time",
        "early for late, of those flagged",
        (
            Term(
                (Pick("sync", "early", ("delayed",)), Pick("sync", "delayed", ("early",))),
                _one("sync", _SHIFTED, FLAGGED),
            ),
        ),
    ),
    Figure(
        "false_sync_alarm",
        "False alarm",
        "D time",
        "original, says shifted",
        (_rate("sync", ("original",), FLAGGED),),
    ),
)
"""Figure 3 and appendix H: eight ways to fail, 0 is best."""

SYNC_FIGURES: tuple[Figure, ...] = (
    Figure(
        "binary",
        "In sync or not",
        "sync",
        "direction does not matter",
        (
            Term(
                (Pick("sync", "original", ("synced",)), *_one("sync", _SHIFTED, FLAGGED)),
                _one("sync", ("original", *_SHIFTED)),
            ),
        ),
    ),
    Figure(
        "three_class",
        "Sync, 3 classes",
        "sync",
        "in sync, early or delayed",
        (
            Term(
                tuple(Pick("sync", each, (expected_label("sync", each) or "",)) for each in ("original", *_SHIFTED)),
                _one("sync", ("original", *_SHIFTED)),
            ),
        ),
    ),
    Figure(
        "direction",
        "Direction",
        "sync",
        "shifted clips, direction named rightly",
        (_accuracy(_CELL["sync_shifted"]),),
    ),
)
"""Figure 6a: over the items of the sync task, each item once."""

_EDITED = (("sync", "sync_shifted"), ("existence", "existence_muted"), ("consistency", "consistency_swapped"))

COMBINED: tuple[Figure, ...] = tuple(
    Figure(
        f"{task}_combined",
        f"{task.capitalize()}, combined",
        "combined",
        "mean of untouched and edited",
        (_accuracy(_CELL[f"{task}_original"], 0.5), _accuracy(_CELL[edited], 0.5)),
    )
    for task, edited in _EDITED
)
"""Figure 7: mean of the two accuracies of a dimension."""

DETECTIONS: tuple[Figure, ...] = tuple(
    Figure(
        f"{task}_detection",
        f"{task.capitalize()}, edit noticed",
        "detection",
        "edited clips answered right",
        (_accuracy(_CELL[edited]),),
    )
    for task, edited in _EDITED
)
FALSE_ALARMS: tuple[Figure, ...] = tuple(
    Figure(
        f"{task}_false_alarm",
        f"{task.capitalize()}, false alarm",
        "detection",
        "originals not answered right",
        (
            _rate(
                task,
                ("original",),
                tuple(each for each in (*CLAIMS, *ABSENT) if each != expected_label(task, "original")),
            ),
        ),
    )
    for task, _ in _EDITED
)
"""Figure 8: x = 1 − accuracy on originals, y = accuracy on edited clips."""

NO_ANSWER = Figure(
    "no_answer",
    "No answer",
    "answers",
    "unparsed, refused or failed",
    (
        Term(
            tuple(pick for cell in CELLS for pick in _one(cell.task, cell.conditions, ABSENT)),
            tuple(pick for cell in CELLS for pick in _one(cell.task, cell.conditions)),
        ),
    ),
)
FIGURES: tuple[Figure, ...] = (
    *CELL_FIGURES,
    AVERAGE_GAP,
    *AXES,
    *SYNC_FIGURES,
    *COMBINED,
    *DETECTIONS,
    *FALSE_ALARMS,
    NO_ANSWER,
)
SIGNALS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sync": (_SHIFTED, FLAGGED),
    "existence": (("muted",), ("muted",)),
    "consistency": (("swapped",), ("mismatched",)),
}
"""For d′: task → (edited conditions, labels that call a stimulus edited)."""


def _bar(
    key: str, title: str, task: str, condition: str, parts: tuple[tuple[str, str, str, tuple[str, ...]], ...]
) -> Panel:
    segments = tuple(
        Segment(name, words, look, _one(task, (condition,), labels)) for name, words, look, labels in parts
    )
    return Panel(key, title, ((task, condition),), segments)


PANELS: tuple[Panel, ...] = (
    _bar(
        "muted",
        "Muted",
        "existence",
        "muted",
        (
            ("right", "silent, said so", "right", ("muted",)),
            ("as_synced", "heard, in sync", "as_synced", IN_SYNC),
            ("as_shifted", "heard, shifted", "as_shifted", FLAGGED),
            ("picture_only", "picture only", "other", ("visual_only",)),
            ("other", "heard, another sound", "other", ("mismatched",)),
            ("absent", "no answer", "absent", ABSENT),
        ),
    ),
    _bar(
        "swapped",
        "Swapped",
        "consistency",
        "swapped",
        (
            ("right", "mismatch", "right", ("mismatched",)),
            ("as_synced", "taken as in sync", "as_synced", IN_SYNC),
            ("as_shifted", "taken as shifted", "as_shifted", FLAGGED),
            ("other", "other", "other", ("muted", "visual_only")),
            ("absent", "no answer", "absent", ABSENT),
        ),
    ),
    Panel(
        "shifted",
        "Shifted and original",
        (("sync", "original"), ("sync", "early"), ("sync", "delayed")),
        (
            Segment("right", "in sync, right", "right", (Pick("sync", "original", ("synced",)),)),
            Segment(
                "right_shift",
                "shift, right",
                "right_shift",
                (Pick("sync", "early", ("early",)), Pick("sync", "delayed", ("delayed",))),
            ),
            Segment(
                "wrong_direction",
                "wrong direction",
                "as_shifted",
                (Pick("sync", "early", ("delayed",)), Pick("sync", "delayed", ("early",))),
            ),
            Segment("untold", "shift, direction not said", "as_shifted", _one("sync", _SHIFTED, ("desync",))),
            Segment("missed", "missed shift", "as_synced", _one("sync", _SHIFTED, ("synced",))),
            Segment("false_shift", "false shift", "false_shift", _one("sync", ("original",), FLAGGED)),
            Segment(
                "other",
                "other",
                "other",
                _one("sync", ("original", *_SHIFTED), tuple(x for x in CLAIMS if x not in ("synced", *FLAGGED))),
            ),
            Segment("absent", "no answer", "absent", _one("sync", ("original", *_SHIFTED), ABSENT)),
        ),
    ),
)
"""Figure 4: what edited clips were answered with. The third holds the originals too, a third of its items."""

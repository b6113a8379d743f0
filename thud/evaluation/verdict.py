"""The finding of a comparison in a few plain sentences. Pure: differences per cell in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from thud.evaluation.scoring import CELLS

TOO_COARSE = 0.25
"""A test set that can only show larger differences than this is too small to say anything."""
USEFUL = 0.1
_K2 = float((norm.ppf(0.975) + norm.ppf(0.8)) ** 2)
_EDITED = {cell.key: cell.edited for cell in CELLS}
_SOUND = {"sync_shifted": "shifted", "existence_muted": "muted", "consistency_swapped": "swapped"}
_TASK = {cell.key: cell.task for cell in CELLS}


@dataclass(frozen=True, slots=True)
class Seen:
    """One cell: difference B − A as a share, whether it is shown, what could be, sources, share of pairs apart."""

    key: str
    difference: float
    shown: bool
    detectable: float
    sources: int
    discordance: float


def verdict(cells: Sequence[Seen], unit: str = "clips") -> tuple[str, str]:
    """The short answer to "is the difference real?" and the reason, both as sentences."""
    if not cells:
        return (
            "Nothing to compare.",
            "A and B share no answered item. Ask both the same questions about the same stimuli.",
        )
    edited = [cell for cell in cells if _EDITED[cell.key]]
    plain = [cell for cell in cells if not _EDITED[cell.key]]
    if not any(cell.shown for cell in cells):
        return _nothing_shown(cells, unit)
    told = [each for each in (_edited(edited, unit), _untouched(plain, edited, unit)) if each]
    return _answer(edited, plain), " ".join(told)


def _answer(edited: Sequence[Seen], plain: Sequence[Seen]) -> str:
    sides = {_better(cell) for cell in edited if cell.shown}
    if len(sides) == 2:
        return "Yes, in both directions."
    return "Yes." if sides else "Yes, on untouched clips only." if edited else "Yes."


def _nothing_shown(cells: Sequence[Seen], unit: str) -> tuple[str, str]:
    if min(cell.detectable for cell in cells) <= TOO_COARSE:
        return "No difference is shown.", _capital(_limits(cells, unit)) + "."
    most = max(cell.sources for cell in cells)
    least = _points(min(cell.detectable for cell in cells))
    spread = max(cell.discordance for cell in cells)
    needed = max(most + 1, round(_K2 * (max(spread, USEFUL) / USEFUL**2 - 1), -1))
    return (
        f"Too few {unit}.",
        f"With {most} only a difference of {least} points or more could be shown; "
        f"about {needed:.0f} are needed to show {_points(USEFUL)}.",
    )


def _edited(cells: Sequence[Seen], unit: str) -> str:
    shown = [cell for cell in cells if cell.shown]
    open_ = [cell for cell in cells if not cell.shown]
    if not cells:
        return ""
    if not shown:
        return f"On edited sound no difference is shown: {_limits(cells, unit)}."
    if len({_better(cell) for cell in shown}) == 2:
        return _both_ways(shown) + _left_open(open_, unit)
    sounds = "edited" if not open_ and len(cells) > 1 else _joined([_SOUND[cell.key] for cell in shown], "and")
    where = {3: " on all three dimensions", 2: " on both dimensions"}.get(len(cells), "") if not open_ else ""
    return f"{_better(shown[0])} notices {sounds} sound {_how_much(shown)}{where}{_left_open(open_, unit)}"


def _both_ways(shown: Sequence[Seen]) -> str:
    parts = []
    for name in ("A", "B"):
        mine = [cell for cell in shown if _better(cell) == name]
        parts.append(f"{name} notices {_joined([_SOUND[cell.key] for cell in mine], 'and')} sound {_how_much(mine)}")
    return ", ".join(parts)


def _left_open(cells: Sequence[Seen], unit: str) -> str:
    if not cells:
        return "."
    sounds = _joined([_SOUND[cell.key] for cell in cells], "and")
    return f". On {sounds} sound no difference is shown: {_limits(cells, unit)}."


def _untouched(cells: Sequence[Seen], edited: Sequence[Seen], unit: str) -> str:
    if not cells:
        return ""
    shown = [cell for cell in cells if cell.shown]
    if not shown:
        return f"On untouched clips no difference is shown: {_limits(cells, unit)}."
    parts = []
    for name in ("A", "B"):
        mine = [cell for cell in shown if _better(cell) == name]
        if mine:
            which = _joined([f"{_TASK[cell.key]}, {_points(abs(cell.difference))} points" for cell in mine], "and")
            parts.append(f"{name} is right more often on untouched clips ({which})")
    ready = [name for name in ("A", "B") if _trades(name, shown, edited)]
    doubt = f"; part of what {ready[0]} gains may be a readiness to call any sound edited" if ready else ""
    return ", ".join(parts) + doubt + "."


def _trades(name: str, plain: Sequence[Seen], edited: Sequence[Seen]) -> bool:
    """Whether `name` wins the edited clips of a task and loses its untouched ones."""
    won = {_TASK[cell.key] for cell in edited if cell.shown and _better(cell) == name}
    return any(_TASK[cell.key] in won and _better(cell) != name for cell in plain)


def _limits(cells: Sequence[Seen], unit: str) -> str:
    """What so many sources cannot tell, for cells where no difference is shown."""
    most = max(cell.sources for cell in cells)
    changes = [cell for cell in cells if _points(abs(cell.difference)) >= 1]
    if not changes:
        return f"{most} {unit} would show a change of {_points(max(cell.detectable for cell in cells))} points or more"
    sizes = sorted({_points(abs(cell.difference)) for cell in changes})
    points = "point" if sizes == [1] else "points"
    return f"{most} {unit} cannot tell a change of {_joined([str(size) for size in sizes], 'or')} {points} from none"


def _how_much(cells: Sequence[Seen]) -> str:
    mean = sum(abs(cell.difference) for cell in cells) / len(cells)
    return "far more often" if mean >= 0.3 else "more often" if mean >= 0.1 else "somewhat more often"


def _better(cell: Seen) -> str:
    return "B" if cell.difference > 0 else "A"


def _points(share: float) -> int:
    return round(100 * share)


def _joined(words: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]

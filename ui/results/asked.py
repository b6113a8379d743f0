"""What the Results page asks for: its address as values, or a sentence about the parameter that is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from thud.errors import BadRequest
from thud.evaluation.leaderboard import SORTS
from thud.evaluation.scoring import LABELS
from thud.records import ARMS, CONDITIONS, TASKS
from thud.store.score_filter import RowKey, ScoreFilter
from thud.store.score_items import ItemQuery

Query = Mapping[str, str]
ANSWERS = {
    "people": "rules, then judge, then people",
    "judge": "rules, then judge",
    "rules": "rules only",
    "paper": "the paper's own parser",
}
CARRIED = ("answers", "judge", "unparsed", "kinds", "offsets")
"""What the items behind a figure are narrowed by besides the row itself."""
LONGEST, MOST, MOST_PER_PAGE = 300, 60, 200


@dataclass(frozen=True, slots=True)
class Asked:
    """scores: what is counted. sort: of the leaderboard. carried: parameters for the links to items."""

    scores: ScoreFilter
    sort: str
    carried: dict[str, str]
    set: str = ""


def asked(query: Query, sets: Mapping[str, Mapping[str, Any]]) -> Asked:
    """The filter. sets: question sets by id, with name and style. BadRequest names the parameter that is wrong."""
    answers = _one_of(query, "answers", tuple(ANSWERS), "people")
    scores = ScoreFilter(
        answers=answers,  # type: ignore[arg-type]
        unparsed=_one_of(query, "unparsed", ("wrong", "out"), "wrong"),  # type: ignore[arg-type]
        question_sets=_sets(query, sets),
        arms=_some_of(query, "arm", ARMS),
        kinds=_texts(query, "kinds"),
        tasks=_some_of(query, "tasks", TASKS),
        offsets_s=tuple(abs(_number("offsets", value)) for value in _texts(query, "offsets")),
        text=_text(query, "q"),
        judge=_judge(query),
    )
    carried = {name: query[name] for name in CARRIED if query.get(name)}
    return Asked(scores, _one_of(query, "sort", SORTS, "gap"), carried, _text(query, "set"))


def row_of(query: Query, name: str = "row") -> RowKey:
    """The row that a parameter names: key.arm.set."""
    found = row_or_none(query, name)
    if found is None:
        raise BadRequest(f"{name} is missing: name a row of the leaderboard.")
    return found


def row_or_none(query: Query, name: str = "row") -> RowKey | None:
    """The row, None where the parameter is empty."""
    text = _text(query, name)
    if not text:
        return None
    parts = text.split(".", 2)
    if len(parts) < 3 or not all(parts) or parts[1] not in ARMS:
        raise BadRequest(f"{name} is no row: it reads listener.arm.set, as the leaderboard gives it.")
    return RowKey(*parts)


def items_asked(query: Query, wanted: ScoreFilter) -> tuple[ItemQuery, ScoreFilter]:
    """Which items to list, and the filter with the tasks and kinds that are asked for."""
    a, b = row_or_none(query, "a"), row_or_none(query, "b")
    if (a is None) != (b is None):
        raise BadRequest("a and b belong together: name two rows to compare, or one as row.")
    flip = _one_of(query, "flip", ("a_wrong", "b_wrong"), "")
    if flip and b is None:
        raise BadRequest("flip needs two rows, a and b.")
    right = _one_of(query, "right", ("yes", "no"), "")
    page, per = _whole(query, "page", 1, 1_000_000), _whole(query, "per", 50, MOST_PER_PAGE)
    items = ItemQuery(
        a or row_or_none(query),
        b,
        _some_of(query, "condition", CONDITIONS),
        _labels(query),
        _number("offset", query["offset"]) if query.get("offset") else None,
        None if not right else right == "yes",
        flip,  # type: ignore[arg-type]
        page,
        per,
    )
    tasks = _some_of(query, "task", (*TASKS, "choice")) or wanted.tasks
    return items, replace(wanted, tasks=tasks, kinds=_one_kind(query) or wanted.kinds)


def _one_kind(query: Query) -> tuple[str, ...]:
    kind = _text(query, "kind")
    return (kind,) if kind else ()


def _labels(query: Query) -> tuple[str, ...]:
    values = _texts(query, "label")
    for value in values:
        if value not in LABELS and not (len(value) == 1 and value.isalpha()):
            raise BadRequest(f"label: “{value[:40]}” is no answer. There are {', '.join(LABELS)}.")
    return values


def _judge(query: Query) -> str:
    judge = _text(query, "judge")
    return judge if not judge or judge.startswith("judge:") else f"judge:{judge}"


def _sets(query: Query, sets: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    wanted = _text(query, "set")
    if not wanted:
        return ()
    found = tuple(id_ for id_, about in sets.items() if wanted in (id_, about["style"]))
    if not found:
        raise BadRequest(f"set: there is no question set or style “{wanted[:40]}” among the answers here.")
    return found


def _text(query: Query, name: str) -> str:
    value = query.get(name, "")
    if len(value) > LONGEST:
        raise BadRequest(f"{name} is too long: use {LONGEST} characters or fewer.")
    return value


def _texts(query: Query, name: str) -> tuple[str, ...]:
    value = query.get(name, "")
    if len(value) > 20 * LONGEST:
        raise BadRequest(f"{name} is too long.")
    found = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if len(found) > MOST:
        raise BadRequest(f"{name} has more than {MOST} values.")
    return found


def _some_of(query: Query, name: str, legal: tuple[str, ...]) -> tuple[str, ...]:
    values = _texts(query, name)
    for value in values:
        if value not in legal:
            raise BadRequest(f"{name}: “{value[:40]}” is none of {', '.join(legal)}.")
    return values


def _one_of(query: Query, name: str, legal: tuple[str, ...], default: str) -> str:
    value = query.get(name, "")
    if value and value not in legal:
        raise BadRequest(f"{name}: “{value[:40]}” is none of {', '.join(legal)}.")
    return value or default


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 3600:
        raise BadRequest(f"{name}: “{value[:40]}” is no number of seconds.")
    return number


def _whole(query: Query, name: str, default: int, most: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= most:
        raise BadRequest(f"{name} is a whole number from 1 to {most:,}.")
    return int(value[:9])

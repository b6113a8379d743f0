"""Which responses are counted, and whose word decides what they say: a filter's values as SQL with parameters.

Nothing that a user typed becomes SQL text: every value goes in as a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

AnswersBy = Literal["rules", "judge", "people", "paper"]
PEOPLE = "people"
"""The listener key of the row in which all people who took the test stand together."""
UNPARSED = "unparsed"
ABSENT = ("unparsed", "refused", "error")
"""Labels that are no answer."""
ROW_KEY = f"CASE WHEN r.rater <> '' THEN '{PEOPLE}' ELSE r.listener_key END"
RULES = "CASE r.outcome WHEN 'ok' THEN r.label WHEN 'refused' THEN 'refused' ELSE 'error' END"
"""The rules' answer; a response that never came is an error, whatever else is written beside it."""


@dataclass(frozen=True, slots=True)
class RowKey:
    """One row of the results: a listener's key (or "people"), the arm it was asked in, the question set."""

    listener_key: str
    arm: str
    question_set: str

    def __str__(self) -> str:
        return f"{self.listener_key}.{self.arm}.{self.question_set}"


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """What is counted. Empty tuples keep everything.

    answers: how far the chain rules → judge → people goes, or the paper's own parser. judge: the reader whose word
    counts, "" for the one that read last. offsets_s: sizes kept; items that are not shifted always stay.
    text: part of the listener's name.
    """

    answers: AnswersBy = "people"
    unparsed: Literal["wrong", "out"] = "wrong"
    question_sets: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    offsets_s: tuple[float, ...] = ()
    text: str = ""
    judge: str = ""
    row: RowKey | None = None

    @property
    def absent(self) -> Literal["wrong", "left_out"]:
        """How items without an answer count, in the words of `thud.evaluation.scoring`."""
        return "left_out" if self.unparsed == "out" else "wrong"


@dataclass(frozen=True, slots=True)
class Readings:
    """What other readings there are: the judge whose word counts ("" = none), and whether people read anything."""

    judge: str = ""
    people: bool = False


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters, in order."""

    text: str
    parameters: tuple[Any, ...] = ()


def final_responses(wanted: ScoreFilter, readings: Readings, columns: str, only: Sql = Sql("")) -> Sql:
    """SELECT of `columns` (ours, over `r`, `expected` among them) for the responses that count, and of what they say.

    said: the final label. method: who said so. hit: whether it is right. counted: false where nothing was answered and
    such items are left out. only: more conditions, each beginning with AND.
    """
    final = final_label(wanted, readings)
    where = conditions(wanted)
    inner = f"""
        SELECT {columns}, {final.label} AS said, {final.method} AS method
        FROM response r {final.joined.text} WHERE r.live {where.text} {only.text}
    """
    counted = f"said NOT IN {ABSENT}" if wanted.unparsed == "out" else "true"
    outer = f"SELECT *, said = expected AS hit, {counted} AS counted FROM ({inner})"
    return Sql(outer, (*final.joined.parameters, *where.parameters, *only.parameters))


@dataclass(frozen=True, slots=True)
class Final:
    """Expressions of the final label and of who gave it, and the joins that they need."""

    label: str
    method: str
    joined: Sql = Sql("")


def final_label(wanted: ScoreFilter, readings: Readings) -> Final:
    """A person outranks the judge, the judge outranks the rules where they abstained; an error stays one."""
    if wanted.answers == "paper":
        said = f"coalesce(nullif(r.paper_label, ''), '{UNPARSED}')"
        return Final(f"CASE WHEN {RULES} = 'error' THEN 'error' ELSE {said} END", "'paper'")
    label, method, joins, parameters = RULES, "r.method", "", []
    if wanted.answers in ("judge", "people") and readings.judge:
        judged = f"{RULES} = '{UNPARSED}' AND j.label IS NOT NULL"
        label = f"CASE WHEN {judged} THEN j.label ELSE {RULES} END"
        method = f"CASE WHEN {judged} THEN 'judge' ELSE r.method END"
        joins += " LEFT JOIN reading j ON j.response_id = r.id AND j.live AND j.problem = '' AND j.reader = ?"
        parameters.append(readings.judge)
    if wanted.answers == "people" and readings.people:
        settled = f"{RULES} <> 'error' AND p.label IS NOT NULL"
        label = f"CASE WHEN {settled} THEN p.label ELSE {label} END"
        method = f"CASE WHEN {settled} THEN 'person' ELSE {method} END"
        joins += f" LEFT JOIN ({LATEST_PERSON}) p ON p.response_id = r.id"
    return Final(label, method, Sql(joins, tuple(parameters)))


LATEST_PERSON = """
    SELECT response_id, arg_max(label, ev_id) AS label FROM reading
    WHERE live AND reader LIKE 'person:%' AND problem = '' GROUP BY response_id
"""


def conditions(wanted: ScoreFilter) -> Sql:
    """What comes after `WHERE r.live`."""
    parts: list[str] = []
    parameters: list[Any] = []

    def add(text: str, *values: Any) -> None:
        parts.append(f"AND {text}")
        parameters.extend(values)

    for column, values in (
        ("question_set", wanted.question_sets), ("arm", wanted.arms), ("kind", wanted.kinds),
        ("task", wanted.tasks or ("sync", "existence", "consistency")),
    ):  # fmt: skip
        if values:
            add(f"r.{column} IN ({_marks(values)})", *values)
    if wanted.offsets_s:
        sizes = [round(size_s, 3) for size_s in wanted.offsets_s]
        add(f"(r.offset_s IS NULL OR round(abs(r.offset_s), 3) IN ({_marks(sizes)}))", *sizes)
    if wanted.text:
        add("contains(lower(r.listener), lower(?))", wanted.text)
    if wanted.row is not None:
        where = of_row(wanted.row)
        add(where.text, *where.parameters)
    return Sql(" ".join(parts), tuple(parameters))


def of_row(row: RowKey) -> Sql:
    """The responses of one row, all people together where it is theirs."""
    if row.listener_key == PEOPLE:
        return Sql("r.rater <> '' AND r.arm = ? AND r.question_set = ?", (row.arm, row.question_set))
    return Sql(
        "r.rater = '' AND r.listener_key = ? AND r.arm = ? AND r.question_set = ?",
        (row.listener_key, row.arm, row.question_set),
    )


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))

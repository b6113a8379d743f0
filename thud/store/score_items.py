"""Single responses as the pages list them: the ones behind a bar, and what everybody said to one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import duckdb

from thud.store.log import Row
from thud.store.score_cube import ScoreCube
from thud.store.score_filter import ROW_KEY, RowKey, ScoreFilter, Sql, final_responses

Flip = Literal["", "a_wrong", "b_wrong"]
ORDER = """
    ORDER BY clip_title, clip_id, list_position(['original', 'early', 'delayed', 'muted', 'swapped'], condition),
    offset_s, task, question_id, listener, id
"""
COLUMNS = f"""
    r.id, r.clip_id, r.stimulus_id, r.condition, r.offset_s, r.kind, r.task, r.question_set, r.question_id, r.expected,
    r.listener, r.arm, r.rater, {ROW_KEY} AS listener_key
"""


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which responses to list. row: of one listener (a too, with b: items that both answered, for comparing).

    flip: a_wrong = A wrong and B right; b_wrong the other way. right: None = both. offset_s: signed, exact to 1 ms.
    """

    row: RowKey | None = None
    b: RowKey | None = None
    conditions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    offset_s: float | None = None
    right: bool | None = None
    flip: Flip = ""
    page: int = 1
    per: int = 50


class ScoreItems(ScoreCube):
    """The part of the store that lists responses."""

    def _rows_of(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        def ask(cursor: duckdb.DuckDBPyConnection) -> list[Row]:
            found = cursor.execute(sql, list(parameters))
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, values, strict=True)) for values in found.fetchall()]

        rows: list[Row] = self._read(ask)
        return rows

    def score_items(self, query: ItemQuery, wanted: ScoreFilter) -> tuple[int, list[Row]]:
        """How many responses there are, and one page of them by clip and condition.

        Keys: id, clip_id, clip_title, condition, offset_s, donor, donor_title, task, question_id, expected, said, hit,
        method, listener; with b also b_id, b_said, b_hit.
        """
        source = self._listed(query, wanted)
        chosen = _chosen(query)
        parameters = (*source.parameters, *chosen.parameters)
        inner = f"SELECT * FROM ({source.text}) WHERE true {chosen.text}"
        total = self._rows_of(f"SELECT count(*) AS total FROM ({inner})", parameters)[0]["total"]
        sql = f"""
            WITH page AS (
                SELECT x.*, coalesce(c.title, '') AS clip_title
                FROM ({inner}) x LEFT JOIN (SELECT id AS titled, title FROM clip) c ON c.titled = x.clip_id
                {ORDER} LIMIT ? OFFSET ?
            ), built AS (
                SELECT s.id AS built_id, coalesce(s.intervention->>'$.donor', '') AS donor
                FROM stimulus s WHERE s.id IN (SELECT stimulus_id FROM page)
            )
            SELECT page.*, coalesce(donor, '') AS donor, coalesce(d.title, '') AS donor_title
            FROM page LEFT JOIN built ON built_id = page.stimulus_id
            LEFT JOIN (SELECT id AS titled, title FROM clip) d ON d.titled = donor {ORDER}
        """
        bounds = (query.per, (query.page - 1) * query.per)
        return int(total), self._rows_of(sql, (*parameters, *bounds))

    def _listed(self, query: ItemQuery, wanted: ScoreFilter) -> Sql:
        if query.row is not None and query.b is not None:
            pairs = self._pairs(query.row, query.b, wanted)
            return Sql(f"SELECT *, '' AS listener FROM ({pairs.text})", pairs.parameters)
        narrowed = wanted if query.row is None else replace(wanted, row=query.row, arms=(), question_sets=(), text="")
        return final_responses(narrowed, self.score_readings(wanted.judge), COLUMNS)

    def score_of(self, response_id: str, wanted: ScoreFilter) -> Row | None:
        """What one response says in the end. Keys: as in COLUMNS, said, hit, method."""
        plain = ScoreFilter(answers=wanted.answers, judge=wanted.judge, tasks=_EVERY_TASK)
        only = Sql("AND r.id = ?", (response_id,))
        final = final_responses(plain, self.score_readings(wanted.judge), COLUMNS, only)
        found = self._rows_of(final.text, final.parameters)
        return found[0] if found else None

    def score_others(self, response_id: str, wanted: ScoreFilter, most: int = 50) -> list[Row]:
        """What everybody else responded to the same question about the same stimulus, by listener's name.

        Keys: as in COLUMNS, text, quote, said, hit, method.
        """
        plain = ScoreFilter(answers=wanted.answers, judge=wanted.judge, tasks=_EVERY_TASK)
        same = """
            AND r.id <> ? AND (r.stimulus_id, r.task, r.question_set, r.question_id) IN (
                SELECT (o.stimulus_id, o.task, o.question_set, o.question_id) FROM response o WHERE o.id = ?
            )
        """
        columns = f'{COLUMNS}, r."text", r.quote'
        final = final_responses(plain, self.score_readings(wanted.judge), columns, Sql(same, (response_id,) * 2))
        return self._rows_of(f"{final.text} ORDER BY listener, arm, rater, id LIMIT ?", (*final.parameters, most))


_EVERY_TASK = ("sync", "existence", "consistency", "choice")


def _chosen(query: ItemQuery) -> Sql:
    """Conditions on what was shown and said, over the columns of `_listed`."""
    parts: list[str] = []
    parameters: list[Any] = []
    for column, values in (("condition", query.conditions), ("said", query.labels)):
        if values:
            parts.append(f"AND {column} IN ({', '.join('?' * len(values))})")
            parameters.extend(values)
    if query.offset_s is not None:
        parts.append("AND round(offset_s, 3) = ?")
        parameters.append(round(query.offset_s, 3))
    if query.right is not None:
        parts.append("AND hit" if query.right else "AND NOT hit AND counted")
    if query.flip and query.b is not None:
        parts.append("AND NOT hit AND b_hit" if query.flip == "a_wrong" else "AND hit AND NOT b_hit")
    return Sql(" ".join(parts), tuple(parameters))

"""Counts of what listeners said, straight from the table: one scan each, columns as arrays, no row ever in Python.

Arrays of text are numpy object arrays; counts are int64. What the columns mean stands with each method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from thud.store.score_filter import PEOPLE, ROW_KEY, Readings, RowKey, ScoreFilter, Sql, final_responses

Columns = dict[str, NDArray[Any]]
SOURCE = "hash(coalesce(nullif(r.source, ''), r.clip_id))"
"""Clusters as numbers: a million names would cost more than the count."""
PART = f"hash({ROW_KEY}, r.arm, r.question_set, r.task)"
SHIFTED = "condition IN ('early', 'delayed')"
FLAGGED = "said IN ('early', 'delayed', 'desync')"
_SIDES = (("original", "original"), ("edited", "NOT original"))
_WHAT = {
    "": "true",
    "_right": "hit",
    "_flagged": "flagged AND NOT hit",
    "_unparsed": "said = 'unparsed'",
    "_refused": "said = 'refused'",
    "_error": "said = 'error'",
}
SHIFTS = ("early", "delayed")
SUMS = {
    **{f"{side}{name}": f"count(*) FILTER ({only} AND {sql})" for side, only in _SIDES for name, sql in _WHAT.items()},
    **{f"{name}_counted": f"count(*) FILTER ({name} AND counted)" for name in SHIFTS},
    **{f"{name}_right": f"count(*) FILTER ({name} AND hit)" for name in SHIFTS},
}
"""What is summed, over untouched and over edited sound: items, those right, those wrongly called shifted in time, and
those without an answer. Then, by which shift was shown, those that count and those that are right. Every one costs
its share of the scan, so what follows from others is not counted again.
"""


class ScoreCube:
    """The part of the store that counts responses."""

    def _read(self, query: Callable[[duckdb.DuckDBPyConnection], Any]) -> Any:
        """What `query` gives on this thread's cursor; the store says how that is got."""
        raise NotImplementedError

    def _columns(self, sql: str, parameters: Sequence[Any]) -> Columns:
        found: Columns = self._read(lambda cursor: cursor.execute(sql, list(parameters)).fetchnumpy())
        return {name: _plain(values) for name, values in found.items()}

    def score_readings(self, judge: str = "") -> Readings:
        """Which judge's word counts (the one asked for, else the one that read last), and whether people read."""
        sql = "SELECT reader LIKE 'person:%' AS person, reader, max(ev_id) FROM reading WHERE live GROUP BY ALL"
        found = self._read(lambda cursor: cursor.execute(sql).fetchall())
        judges = sorted(((last, reader) for person, reader, last in found if not person), reverse=True)
        latest = judges[0][1] if judges else ""
        return Readings(judge or latest, any(person for person, _, _ in found))

    def score_counts(self, wanted: ScoreFilter) -> Columns:
        """Per part (row and task) and source: the sums named in SUMS, and of pairs (one question put to the original of
        a clip and to its edited forms) how many there are and how many are right throughout.

        Keys: part (what it is tells `score_rows`), source; the names in SUMS; original_counted; pairs, both; asked: a
        number that is the same for the same questions about the same stimuli, of those that count (xor it over the
        sources of a part).
        """
        # `asked` is hashed once more: hashes of several values are put together by xor, and would cancel in the next.
        columns = f"""
            {PART} AS part, {SOURCE} AS source, hash(r.clip_id, r.question_id, r.rater) AS pair,
            hash(hash(r.stimulus_id, r.question_id, r.rater)) AS asked,
            {", ".join(f"r.condition = '{name}' AS {name}" for name in ("original", *SHIFTS))}, r.expected
        """
        final = self._final(wanted, columns)
        inner = ", ".join(f"{sql} AS {name}" for name, sql in SUMS.items())
        outer = ", ".join(f"sum({name})::BIGINT AS {name}" for name in SUMS)
        counts = _counted(wanted.unparsed == "out")
        paired = " AND ".join(f"{count} > 0" for count in counts.values())
        right = " AND ".join(f"{side}_right = {count}" for side, count in counts.items())
        sql = f"""
            SELECT part, source, {outer}, sum({counts["original"]})::BIGINT AS original_counted,
                count(*) FILTER ({paired}) AS pairs, count(*) FILTER ({paired} AND {right}) AS both,
                coalesce(bit_xor(asked), 0) AS asked
            FROM (
                SELECT part, pair, any_value(source) AS source,
                    bit_xor(asked) FILTER (counted) AS asked, {inner}
                FROM (SELECT *, {FLAGGED} AS flagged FROM ({final.text})) GROUP BY part, pair
            ) GROUP BY part, source
        """
        return self._columns(sql, final.parameters)

    def score_detail(self, row: RowKey, wanted: ScoreFilter) -> Columns:
        """Of one row: how often each label was said, by what was asked and shown.

        Keys: task, condition, offset_s (NaN = not shifted), kind, source, expected, said, items.
        """
        columns = f"r.task, r.condition, r.offset_s, r.kind, {SOURCE} AS source, r.expected"
        final = self._final(_of(wanted, row), columns)
        sql = f"""
            SELECT task, condition, coalesce(offset_s, 'nan'::DOUBLE) AS offset_s, kind, source, expected, said,
                count(*) AS items
            FROM ({final.text}) GROUP BY ALL
        """
        return self._columns(sql, final.parameters)

    def score_shares(self, wanted: ScoreFilter) -> Columns:
        """Of every row: how often each label was said, over all sources.

        Keys: listener_key, arm, question_set, task, condition, offset_s, expected, said, items.
        """
        columns = f"{ROW_KEY} AS listener_key, r.arm, r.question_set, r.task, r.condition, r.offset_s, r.expected"
        final = self._final(wanted, columns)
        sql = f"""
            SELECT listener_key, arm, question_set, task, condition, coalesce(offset_s, 'nan'::DOUBLE) AS offset_s,
                expected, said, count(*) AS items
            FROM ({final.text}) GROUP BY ALL
        """
        return self._columns(sql, final.parameters)

    def score_times(self, row: RowKey, wanted: ScoreFilter) -> Columns:
        """Shifted sync items of one row with what was said about the size. Keys: offset_s, said, said_offset_s (NaN =
        not told), source.
        """
        columns = f"r.condition, r.offset_s, r.said_offset_s, {SOURCE} AS source, r.expected"
        final = self._final(_of(_only_sync(wanted), row), columns)
        sql = f"""
            SELECT offset_s, said, coalesce(said_offset_s, 'nan'::DOUBLE) AS said_offset_s, source
            FROM ({final.text}) WHERE {SHIFTED} AND offset_s IS NOT NULL
        """
        return self._columns(sql, final.parameters)

    def score_pairs(self, a: RowKey, b: RowKey, wanted: ScoreFilter, among: RowKey | None = None) -> Columns:
        """Items that both rows answered, counted by what was shown and whether each was right. among: of those only
        that this row answered too.

        Keys: task, condition, source, hit (A's), b_hit, items. Several people on one item speak as their majority.
        """
        pair = self._pairs(a, b, wanted)
        if among is not None:
            third = self._one_per_item(among, wanted)
            kept = f"""
                SELECT * FROM ({pair.text}) SEMI JOIN (
                    SELECT stimulus_id, task, question_id FROM ({third.text}) WHERE said <> 'error' AND counted
                ) USING (stimulus_id, task, question_id)
            """
            pair = Sql(kept, (*pair.parameters, *third.parameters))
        sql = f"SELECT task, condition, source, hit, b_hit, count(*) AS items FROM ({pair.text}) GROUP BY ALL"
        return self._columns(sql, pair.parameters)

    def _pairs(self, a: RowKey, b: RowKey, wanted: ScoreFilter) -> Sql:
        """One line per item that both rows answered."""
        parts = [self._one_per_item(row, wanted) for row in (a, b)]
        text = f"""
            SELECT a.task, a.condition, a.source, a.clip_id, a.offset_s, a.kind, a.expected, a.stimulus_id,
                a.question_id, a.id, a.said, a.hit, a.method, a.counted, b.id AS b_id, b.said AS b_said, b.hit AS b_hit
            FROM ({parts[0].text}) a JOIN ({parts[1].text}) b
                USING (stimulus_id, task, question_set, question_id)
            WHERE a.said <> 'error' AND b.said <> 'error' AND a.counted AND b.counted
        """
        return Sql(text, (*parts[0].parameters, *parts[1].parameters))

    def _one_per_item(self, row: RowKey, wanted: ScoreFilter) -> Sql:
        columns = f"""
            r.id, r.stimulus_id, r.task, r.question_set, r.question_id, r.condition, r.offset_s, r.kind, r.clip_id,
            {SOURCE} AS source, r.expected, r.ev_id
        """
        final = self._final(_of(wanted, row), columns)
        if row.listener_key != PEOPLE:
            return final
        most = """
            first(id ORDER BY ev_id) AS id, any_value(condition) AS condition, any_value(offset_s) AS offset_s,
            any_value(kind) AS kind, any_value(clip_id) AS clip_id, any_value(source) AS source,
            any_value(expected) AS expected, any_value(method) AS method, mode(said ORDER BY ev_id) AS said,
            bool_or(counted) AS counted
        """
        text = f"""
            SELECT *, said = expected AS hit FROM (
                SELECT stimulus_id, task, question_set, question_id, {most}
                FROM ({final.text}) WHERE counted GROUP BY stimulus_id, task, question_set, question_id
            )
        """
        return Sql(text, final.parameters)

    def score_asked(self, row: RowKey, wanted: ScoreFilter) -> Columns:
        """The items of one row. Keys: stimulus_id, question_id, task, clip_id, source (its name), expected, said, hit.

        Only those that count: where items without an answer are left out, they are.
        """
        columns = """
            r.stimulus_id, r.question_id, r.task, r.clip_id, r.expected,
            coalesce(nullif(r.source, ''), r.clip_id) AS source
        """
        final = self._final(_of(wanted, row), columns)
        sql = f"""
            SELECT stimulus_id, question_id, task, clip_id, source, expected, said, hit FROM ({final.text})
            WHERE counted
        """
        return self._columns(sql, final.parameters)

    def score_rows(self) -> Columns:
        """What there is, before any filter: items by row, listener's name, run, task, condition, kind and offset.

        Keys: part, listener_key ("people" for all people), arm, question_set, listener, rater, run_id, task, condition,
        kind, offset_s (NaN = not shifted), items, last (event), at. The oldest first.
        """
        sql = f"""
            SELECT {PART} AS part, {ROW_KEY} AS listener_key, arm, question_set, listener, rater, run_id, task,
                condition, kind, coalesce(offset_s, 'nan'::DOUBLE) AS offset_s, count(*) AS items,
                max(ev_id) AS last, max("at") AS "at"
            FROM response r WHERE live GROUP BY ALL ORDER BY last
        """
        return self._columns(sql, [])

    def score_row_clips(self, fewer_than: int) -> dict[tuple[str, str], list[str]]:
        """(listener's key, question set) → the clips that it was asked about, in time or not, with picture and sound.

        Only of those that were asked about fewer clips than that.
        """
        sql = """
            SELECT listener_key, question_set, list(clip_id ORDER BY clip_id) FROM (
                SELECT DISTINCT listener_key, question_set, clip_id FROM response
                WHERE live AND rater = '' AND arm = 'audio_video' AND task = 'sync'
            ) GROUP BY ALL HAVING count(*) < ?
        """
        found = self._read(lambda cursor: cursor.execute(sql, [fewer_than]).fetchall())
        return {(key, question_set): clips for key, question_set, clips in found}

    def count_built(self) -> int:
        """How many clips there is something to ask about."""
        sql = "SELECT count(DISTINCT clip_id) FROM stimulus WHERE live"
        found = self._read(lambda cursor: cursor.execute(sql).fetchone())
        return int(found[0])

    def score_clips(self, wanted: ScoreFilter) -> int:
        """How many clips the responses that count were about."""
        final = self._final(wanted, "r.clip_id, r.expected")
        sql = f"SELECT count(DISTINCT clip_id) FROM ({final.text})"
        found = self._read(lambda cursor: cursor.execute(sql, list(final.parameters)).fetchone())
        return int(found[0])

    def _final(self, wanted: ScoreFilter, columns: str) -> Sql:
        return final_responses(wanted, self.score_readings(wanted.judge), columns)


def _counted(answered_only: bool) -> dict[str, str]:
    """How many items of either side count, from the sums. answered_only: those without an answer are left out."""
    return {
        side: f"({side} - {side}_unparsed - {side}_refused - {side}_error)" if answered_only else side
        for side, _ in _SIDES
    }


def _of(wanted: ScoreFilter, row: RowKey) -> ScoreFilter:
    """The filter for one row: its own arm and set, whatever name or arm the list is narrowed to."""
    return replace(wanted, row=row, arms=(), question_sets=(), text="")


def _only_sync(wanted: ScoreFilter) -> ScoreFilter:
    return replace(wanted, tasks=("sync",))


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Without the mask that DuckDB puts on columns that could be NULL."""
    return values.filled() if isinstance(values, np.ma.MaskedArray) else values

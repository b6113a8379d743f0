"""Reading responses: what listeners said, by item and by run, and counts of it for the Results page."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from thud.errors import NotFound
from thud.records import Reading, Response
from thud.store import rows
from thud.store.batch import select_rows
from thud.store.log import TABLES, Row
from thud.store.score_items import ScoreItems


class Scores(ScoreItems):
    """The half of the store that reads responses."""

    def _responses(self, where: str, parameters: Sequence[Any]) -> list[Row]:
        found: list[Row] = self._read(lambda cursor: select_rows(cursor, TABLES["response"], where, parameters))
        return found

    def responses(self, run_id: str | None = None) -> list[Response]:
        """Responses in the order they came in, of one run or of all."""
        where, parameters = ("", []) if run_id is None else ("AND run_id = ?", [run_id])
        found = self._responses(f"WHERE live {where} ORDER BY ev_id", parameters)
        return [rows.response_of(row) for row in found]

    def response(self, response_id: str) -> Response:
        """The response of that id. NotFound."""
        found = self._responses("WHERE live AND id = ?", [response_id])
        if not found:
            raise NotFound(f"There is no response {response_id[:40]} in this workspace.")
        return rows.response_of(found[0])

    def answered(self, listener_key: str, response_ids: Collection[str], again: bool = False) -> set[str]:
        """Which of these responses of one listener are there with an outcome that is final: not an error.

        again: only what was answered or refused; what was cut off, lost or in doubt may be asked once more.
        """
        final = "outcome IN ('ok', 'refused')" if again else "outcome <> 'error'"
        sql = f"""
            SELECT id FROM response WHERE live AND listener_key = ? AND {final}
            AND id IN (SELECT unnest(?::VARCHAR[]))
        """
        found = self._read(lambda cursor: cursor.execute(sql, [listener_key, list(response_ids)]).fetchall())
        return {row[0] for row in found}

    def read_by_older(self, rules: int, most: int) -> list[Response]:
        """At most so many responses of models whose answer an older version of the rules read."""
        found = self._responses(
            "WHERE live AND rater = '' AND rules > 0 AND rules < ? ORDER BY ev_id LIMIT ?", [rules, most]
        )
        return [rows.response_of(row) for row in found]

    def count_older(self, rules: int) -> int:
        """How many responses an older version of the rules read."""
        sql = "SELECT count(*) FROM response WHERE live AND rater = '' AND rules > 0 AND rules < ?"
        return int(self._read(lambda cursor: cursor.execute(sql, [rules]).fetchall())[0][0])

    def readings(self, response_id: str | None = None) -> list[Reading]:
        """Readings by judges and people in the order they came, of one response or of all."""
        where, parameters = ("", []) if response_id is None else ("AND response_id = ?", [response_id])
        sql = f"WHERE live {where} ORDER BY ev_id"
        found = self._read(lambda cursor: select_rows(cursor, TABLES["reading"], sql, parameters))
        return [rows.reading_of(row) for row in found]

    def read_by_both(self) -> list[tuple[str, str]]:
        """(a judge's label, a person's label) of every response that both have read; failed readings are left out."""
        sql = """
            SELECT j.label, p.label FROM reading j JOIN reading p USING (response_id)
            WHERE j.live AND p.live AND j.reader LIKE 'judge:%' AND p.reader LIKE 'person:%' AND j.problem = ''
        """
        return [(judge, person) for judge, person in self._read(lambda cursor: cursor.execute(sql).fetchall())]

    def marked(self, question_sets: Collection[str]) -> list[tuple[str, str, str, str, str, bool]]:
        """(listener key, listener, question set, item, source, right by the rules) of models that heard and saw: all
        responses to these sets, and to every question of synchrony.
        """
        sql = """
            SELECT listener_key, listener, question_set, item_id, source, label = expected FROM response
            WHERE live AND rater = '' AND arm = 'audio_video'
            AND (task = 'sync' OR question_set IN (SELECT unnest(?::VARCHAR[])))
            ORDER BY ev_id
        """
        found: list[tuple[str, str, str, str, str, bool]] = self._read(
            lambda cursor: cursor.execute(sql, [list(question_sets)]).fetchall()
        )
        return found

    def definitions(self, kind: str) -> dict[str, Any]:
        """What people defined of that kind, by name: "listener", "question_set", "view", "row_note"."""
        sql = "WHERE live AND kind = ? ORDER BY name"
        found = self._read(lambda cursor: select_rows(cursor, TABLES["definition"], sql, [kind]))
        bodies = {row["name"]: json.loads(row["body"]) for row in found}
        return {name: body for name, body in bodies.items() if body is not None}

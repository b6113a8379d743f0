"""Reading the store: records out, by id, by clip, by name. Every method sees what is committed and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from thud.errors import BadRequest, NotFound
from thud.records import Clip, EventTimes, Mark, Run, Stimulus
from thud.store import rows
from thud.store.batch import select_events, select_rows
from thud.store.log import TABLES, Event, Row

Answer = TypeVar("Answer")
METHODS = ("construction", "gold", "adjudicated", "manifest", "consensus", "agreement")
"""Where event times come from, most trusted first: what `times()` picks when a clip has several."""
LIVE_REFUSALS = """
    WHERE live AND NOT EXISTS (
        SELECT 1 FROM stimulus s WHERE s.id = refusal.stimulus_id AND s.live AND s.ev_id > refusal.ev_id
    )
"""
"""A refusal is history once the stimulus has been built after all."""


class Reads:
    """The reading half of the store."""

    def _read(self, query: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """What `query` gives on this thread's cursor; the store says how that is got."""
        raise NotImplementedError

    def _rows(self, table: str, where: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._read(lambda cursor: select_rows(cursor, TABLES[table], where, parameters))

    def _of_clip(self, table: str, clip_id: str | None) -> list[Row]:
        """Live rows in the order they were written, of one clip or of all."""
        if clip_id is None:
            return self._rows(table, "WHERE live ORDER BY ev_id")
        return self._rows(table, "WHERE live AND clip_id = ? ORDER BY ev_id", [clip_id])

    def _one(self, table: str, row_id: str) -> Row:
        found = self._rows(table, "WHERE live AND id = ?", [row_id])
        if not found:
            advice = "It may be in another one; look in the list of all."
            raise NotFound(f"There is no {table} {row_id} in this workspace. {advice}")
        return found[0]

    def clips(self) -> list[Clip]:
        """All clips by path."""
        return [rows.clip_of(row) for row in self._rows("clip", "WHERE live ORDER BY path, id")]

    def clip(self, clip_id: str) -> Clip:
        """The clip of that id. NotFound, as for the other records by id."""
        return rows.clip_of(self._one("clip", clip_id))

    def find_clip(self, name: str) -> Clip:
        """The one clip whose id or file name (without folder and ending) is, or begins with, `name`; case does not
        count.

        NotFound when there is none, BadRequest when there are several.
        """
        wanted = name.casefold()
        named = [
            (clip, (clip.id, Path(clip.path).stem.casefold(), Path(clip.path).name.casefold())) for clip in self.clips()
        ]
        exact = [clip for clip, names in named if wanted in names]
        found = exact or [clip for clip, names in named if wanted and any(each.startswith(wanted) for each in names)]
        if not found:
            raise NotFound(f"No clip is called “{name}”.")
        if len(found) > 1:
            some = ", ".join(f"{Path(clip.path).stem} ({clip.id})" for clip in found[:5])
            raise BadRequest(
                f"“{name}” fits {len(found)} clips: {some}{', …' if len(found) > 5 else ''}. Give more of it."
            )
        return found[0]

    def times(self, method: str | None = None) -> dict[str, EventTimes]:
        """Event times by clip id: of one method, or of the most trusted method that each clip has (order: METHODS)."""
        best: dict[str, EventTimes] = {}
        for row in self._rows("event_times", "WHERE live ORDER BY ev_id"):
            times, clip_id = rows.times_of(row), row["clip_id"]
            if method in (None, times.method) and (clip_id not in best or _trust(times) <= _trust(best[clip_id])):
                best[clip_id] = times
        return best

    def stimuli(self, clip_id: str | None = None) -> list[Stimulus]:
        """Stimuli in the order they were built."""
        return [rows.stimulus_of(row) for row in self._of_clip("stimulus", clip_id)]

    def stimulus(self, stimulus_id: str) -> Stimulus:
        """The stimulus of that id."""
        return rows.stimulus_of(self._one("stimulus", stimulus_id))

    def refusals(self, clip_id: str | None = None) -> list[rows.RefusedStimulus]:
        """What was asked for and not made, the last word on each; gone once it has been made."""
        found = self._rows("refusal", f"{LIVE_REFUSALS} ORDER BY ev_id")
        return [rows.refusal_of(row) for row in found if clip_id in (None, row["clip_id"])]

    def tallies(self, clip_id: str | None = None) -> dict[str, dict[str, dict[str, int]]]:
        """How many stimuli and refusals: clip id -> condition -> "verified" | "failed" | "refused" -> count."""
        which, parameters = ("", []) if clip_id is None else ("AND clip_id = ?", [clip_id])
        sql = f"""
            SELECT clip_id, condition, proof->>'$.verdict', count(*) FROM stimulus WHERE live {which} GROUP BY ALL
            UNION ALL
            SELECT clip_id, condition, 'refused', count(*) FROM refusal {LIVE_REFUSALS} {which} GROUP BY ALL
        """
        found: dict[str, dict[str, dict[str, int]]] = {}
        for clip, condition, word, count in self._read(lambda c: c.execute(sql, parameters * 2).fetchall()):
            found.setdefault(clip, {}).setdefault(condition, {})[word] = count
        return found

    def donor_rejections(self) -> list[rows.DonorRejection]:
        """Donors that people have turned down, and not taken back."""
        return [rows.donor_rejection_of(row) for row in self._of_clip("donor_rejection", None)]

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return [rows.run_of(row) for row in self._rows("run", "WHERE live ORDER BY created_at DESC, id")]

    def run(self, run_id: str) -> Run:
        """The run of that id."""
        return rows.run_of(self._one("run", run_id))

    def events(self, subject: str | None = None, limit: int = 100) -> list[Event]:
        """History, the newest first: of one clip or run, or of everything."""
        where, parameters = ("", []) if subject is None else ("WHERE subject = ?", [subject])
        return self._read(
            lambda cursor: select_events(cursor, f"{where} ORDER BY ev_id DESC LIMIT ?", [*parameters, limit])
        )

    def marks(self, clip_id: str | None = None) -> list[Mark]:
        """Marks in the order they were last changed, of one clip or of all."""
        return [rows.mark_of(row) for row in self._of_clip("mark", clip_id)]

    def times_events(self, clip_id: str) -> dict[str, int]:
        """Which event put the times of each method in force: what `set_times` may expect."""
        return {row["method"]: row["ev_id"] for row in self._of_clip("event_times", clip_id)}

    def replies(self, clip_id: str | None = None) -> list[rows.KeptReply]:
        """What models replied, in the order it was taken in, of one clip or of all."""
        return [rows.reply_of(row) for row in self._of_clip("reply", clip_id)]

    def notes(self, clip_id: str | None = None) -> list[rows.Note]:
        """Notes in the order they were written, of one clip or of all."""
        return [rows.note_of(row) for row in self._of_clip("note", clip_id)]

    def settings(self) -> dict[str, Any]:
        """This workspace's settings by name."""
        return {row["name"]: json.loads(row["value"]) for row in self._rows("setting", "WHERE live")}

    def ledger(self) -> list[Row]:
        """What models were asked and what that cost: one row per run, annotator, model and outcome.

        Keys: run_id, annotator, model, outcome, replies, input_tokens, output_tokens, cost_usd (None = no price known),
        unpriced (replies without a price).
        """
        sql = """
            SELECT run_id, annotator, model, outcome, count(*) AS replies,
                sum((usage->>'$.input_tokens')::BIGINT)::BIGINT AS input_tokens,
                sum((usage->>'$.output_tokens')::BIGINT)::BIGINT AS output_tokens,
                sum(cost_usd) AS cost_usd, count(*) FILTER (cost_usd IS NULL) AS unpriced
            FROM reply WHERE live GROUP BY ALL ORDER BY run_id, annotator, model, outcome
        """

        def ask(cursor: duckdb.DuckDBPyConnection) -> list[Row]:
            found = cursor.execute(sql)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, values, strict=True)) for values in found.fetchall()]

        return self._read(ask)

    def counts(self) -> dict[str, int]:
        """Live rows per state table, and `event`: the length of the log."""
        parts = [f"SELECT '{name}', count(*) FROM {name} WHERE live" for name in TABLES]
        sql = " UNION ALL ".join([*parts, "SELECT 'event', count(*) FROM event"])
        return dict(self._read(lambda cursor: cursor.execute(sql).fetchall()))


def _trust(times: EventTimes) -> int:
    """Rank of the method; what is not in METHODS comes last."""
    return METHODS.index(times.method) if times.method in METHODS else len(METHODS)

"""The log and what it means: events, the state tables' shapes, and the pure replay from the one to the other.

Knows nothing of files, threads or SQL connections. A state row is a function of the events on its key: the last event
that is not undone, whole. So the writer's shortcut (a new event is in force) and the replay of everything cannot
disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from thud.errors import BadRequest

Key = tuple[str, ...]
Row = dict[str, Any]
State = dict[str, dict[Key, Row]]
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    `at` is UTC (naive, as stored); `payload` is the whole new row; `undoes` names another event.
    """

    ev_id: int
    at: datetime
    actor: str
    kind: str
    subject: str
    payload: dict[str, Any]
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One state table: its key and its columns with their SQL types (JSON columns hold canonical text)."""

    name: str
    key: Key
    columns: Mapping[str, str]

    def key_of(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[column] for column in self.key)

    def fields(self, payload: Mapping[str, Any]) -> Row:
        """The payload as column values; a column that the payload does not know is None."""
        return {
            name: canonical(payload.get(name)) if kind == "JSON" else payload.get(name)
            for name, kind in self.columns.items()
        }

    @property
    def all_columns(self) -> dict[str, str]:
        return {**self.columns, **COMMON}


COMMON = {"ev_id": "BIGINT", "at": "TIMESTAMP", "actor": "VARCHAR", "live": "BOOLEAN"}
"""Columns of every state table: the event in force, who and when, and whether there is one."""


def _table(name: str, key: str, /, **columns: str) -> Table:
    return Table(name, tuple(key.split()), {column: kind.upper() for column, kind in columns.items()})


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table("clip", "id", id="varchar", sha256="varchar", path="varchar", title="varchar", kind="varchar",
               source="varchar", synthetic="boolean", picture_hash="varchar", probe="json"),
        _table("event_times", "clip_id method", clip_id="varchar", method="varchar", visual_s="double",
               audio_s="double", detail="json"),
        _table("stimulus", "id", id="varchar", clip_id="varchar", condition="varchar", intervention="json",
               models="varchar", people="varchar", proof="json", event_survives="boolean"),
        _table("refusal", "stimulus_id", stimulus_id="varchar", clip_id="varchar", condition="varchar",
               intervention="json", reason="varchar"),
        _table("donor_rejection", "clip_id donor_id", clip_id="varchar", donor_id="varchar", reason="varchar"),
        _table("mark", "clip_id annotator", clip_id="varchar", annotator="varchar", visual_s="double",
               audio_s="double", verdict="varchar", reason="varchar", person="boolean", save_id="varchar",
               seq="bigint", detail="json"),
        _table("reply", "id", id="varchar", clip_id="varchar", annotator="varchar", run_id="varchar",
               provider="varchar", model="varchar", outcome="varchar", text="varchar", raw="json", usage="json",
               request_id="varchar", model_echo="varchar", sent_sha256="varchar", latency_s="double",
               problem="varchar", attempts="bigint", cost_usd="double"),
        _table("response", "id", id="varchar", listener="varchar", listener_key="varchar", run_id="varchar",
               rater="varchar", item_id="varchar", stimulus_id="varchar", stimulus_hash="varchar", clip_id="varchar",
               condition="varchar", offset_s="double", task="varchar", question_set="varchar", question_id="varchar",
               question="varchar", options="json", seed="bigint", arm="varchar", partner="varchar",
               expected="varchar", source="varchar", kind="varchar", outcome="varchar", text="varchar",
               problem="varchar", label="varchar", said_offset_s="double", said_visual_s="double",
               said_audio_s="double", quote="varchar", method="varchar", confidence="double",
               paper_label="varchar", reply_id="varchar", latency_s="double", rules="bigint"),
        _table("reading", "response_id reader", response_id="varchar", reader="varchar", label="varchar",
               offset_s="double", visual_s="double", audio_s="double", quote="varchar", method="varchar",
               confidence="double", problem="varchar"),
        _table("definition", "kind name", kind="varchar", name="varchar", body="json"),
        _table("setting", "name", name="varchar", value="json"),
        _table("note", "id", id="varchar", clip_id="varchar", text="varchar"),
        _table("run", "id", id="varchar", kind="varchar", title="varchar", state="varchar", total="bigint",
               done="bigint", refused="bigint", failed="bigint", folder="varchar", pid="bigint",
               started_by="varchar", created_at="varchar", finished_at="varchar", message="varchar",
               settings="json"),
    )
}  # fmt: skip

TABLE_OF: dict[str, str] = {
    "add_clip": "clip",
    "move_clip": "clip",
    "update_clip": "clip",
    "set_times": "event_times",
    "add_stimulus": "stimulus",
    "add_refusal": "refusal",
    "reject_donor": "donor_rejection",
    "submit_mark": "mark",
    "add_reply": "reply",
    "set_setting": "setting",
    "add_note": "note",
    "add_response": "response",
    "add_reading": "reading",
    "define": "definition",
    "add_run": "run",
    "update_run": "run",
}
"""Which table an event's kind writes. Kinds that are not here are history only."""

UNDOABLE = frozenset(
    {
        "set_times",
        "reject_donor",
        "submit_mark",
        "add_refusal",
        "set_setting",
        "add_note",
        "add_reading",
        "define",
        UNDO,
    }
)
"""What a person may take back.

Clips, stimuli and runs are facts about files and processes: undoing them would be a lie.
"""


def canonical(value: Any) -> str:
    """JSON text that is equal for equal values.

    BadRequest when the value cannot be stored (NaN, bytes that are no text).
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise BadRequest(f"This cannot be stored: {error}. Give finite numbers and UTF-8 text.") from error
    return text


def row_of(event: Event, live: bool = True) -> Row:
    """The state row that `event` sets on its key."""
    fields = TABLES[TABLE_OF[event.kind]].fields(event.payload)
    return {**fields, "ev_id": event.ev_id, "at": event.at, "actor": event.actor, "live": live}


def undone(events: Sequence[Event]) -> set[int]:
    """Ids of the events that are not in force.

    `events` in log order; an undo that is itself undone counts for nothing.
    """
    gone: set[int] = set()
    for event in reversed(events):
        if event.undoes is not None and event.ev_id not in gone:
            gone.add(event.undoes)
    return gone


def places(events: Iterable[Event]) -> dict[int, tuple[str, Key]]:
    """For each event that touches a state row: its table and key. An undo touches what it undoes."""
    found: dict[int, tuple[str, Key]] = {}
    for event in events:
        if event.undoes is not None:
            if event.undoes in found:
                found[event.ev_id] = found[event.undoes]
        elif event.kind in TABLE_OF:
            table = TABLES[TABLE_OF[event.kind]]
            found[event.ev_id] = (table.name, table.key_of(event.payload))
    return found


def settle(events: Sequence[Event], gone: set[int]) -> Row:
    """The state row of one key from its events in log order (undo events may be among them).

    With nothing in force the row shows its first event with live = FALSE, since rows are never deleted.
    """
    sets = [event for event in events if event.undoes is None]
    for event in reversed(sets):
        if event.ev_id not in gone:
            return row_of(event)
    return row_of(sets[0], live=False)


def replay(events: Sequence[Event]) -> State:
    """Every state table as the log says it must be: table -> key -> row. `events` in log order. Pure."""
    gone, place = undone(events), places(events)
    by_place: dict[tuple[str, Key], list[Event]] = {}
    for event in events:
        if event.ev_id in place:
            by_place.setdefault(place[event.ev_id], []).append(event)
    state: State = {name: {} for name in TABLES}
    for (table, key), touching in by_place.items():
        state[table][key] = settle(touching, gone)
    return state

"""What can be written: one function per verb, each giving a `Change` that is checked before it reaches the writer.

Pure: a change that cannot be stored raises BadRequest here, in the caller's thread, and never costs others their
transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from thud.errors import BadRequest
from thud.records import Clip, EventTimes, Intervention, Mark, Reading, Reply, Response, Run, Stimulus
from thud.store import rows
from thud.store.log import TABLE_OF, TABLES, UNDO, Key, Row, Table, canonical

PYTHON_TYPE: dict[str, type] = {"VARCHAR": str, "JSON": str, "DOUBLE": float, "BIGINT": int, "BOOLEAN": bool}


@dataclass(frozen=True, slots=True)
class Change:
    """One event to be. `table`, `key`, `fields`: the state row it sets ("" and empty for history only).

    clip_id: this clip must exist. must_exist: the row itself must. check: asked in the writer unless the row already
    exists; raises ThudError to refuse. save_id, seq: see `submit_mark`. expects: see `set_times`.
    """

    kind: str
    subject: str
    actor: str
    payload: rows.Payload
    text: str
    table: str = ""
    key: Key = ()
    fields: Row | None = None
    clip_id: str = ""
    must_exist: bool = False
    check: Callable[[], None] | None = None
    undoes: int | None = None
    save_id: str = ""
    seq: int = 0
    expects: int | None = None


def change(kind: str, subject: str, actor: str, payload: rows.Payload, clip_id: str = "") -> Change:
    """A checked change of any kind. BadRequest when actor or subject is empty or the payload is no plain JSON."""
    if not actor or not subject:
        raise BadRequest(f"“{kind}” needs both an actor and a subject.")
    bare = Change(kind, subject, actor, payload, canonical(payload), clip_id=clip_id)
    if kind not in TABLE_OF:
        return bare
    table = TABLES[TABLE_OF[kind]]
    fields = table.fields(payload)
    _check_types(kind, table, fields)
    return replace(bare, table=table.name, key=table.key_of(payload), fields=fields)


def _check_types(kind: str, table: Table, fields: Row) -> None:
    """BadRequest for a value that DuckDB would quietly turn into another: the table would differ from the log."""
    for name, value in fields.items():
        expected = PYTHON_TYPE[table.columns[name]]
        optional = value is None and name not in table.key
        if not optional and (not isinstance(value, expected) or (expected is int and isinstance(value, bool))):
            raise BadRequest(f"“{kind}” needs {name} as {expected.__name__}, not {value!r}.")


def add_clip(clip: Clip, actor: str) -> Change:
    """The clip as it is now.

    Known bytes at another path become `move_clip`, other news of a known clip `update_clip`.
    """
    return change("add_clip", clip.id, actor, rows.clip_payload(clip))


def set_times(clip_id: str, times: EventTimes, actor: str, expects: int | None = None) -> Change:
    """Event times of one clip by one method; methods stand beside each other.

    expects: the event that the user saw in force (0 = none): Conflict from the writer when another one is by now.
    """
    new = change("set_times", clip_id, actor, rows.times_payload(clip_id, times), clip_id)
    return replace(new, expects=expects)


def add_stimulus(stimulus: Stimulus, actor: str) -> Change:
    """A stimulus that was built and measured, whatever its proof's verdict."""
    return change("add_stimulus", stimulus.clip_id, actor, rows.stimulus_payload(stimulus), stimulus.clip_id)


def add_refusal(clip_id: str, intervention: Intervention, reason: str, actor: str) -> Change:
    """An intervention that was asked for and not made."""
    return change("add_refusal", clip_id, actor, rows.refusal_payload(clip_id, intervention, reason), clip_id)


def reject_donor(clip_id: str, donor_id: str, reason: str, actor: str) -> Change:
    """A person's word that this donor does not suit this clip."""
    payload = {"clip_id": clip_id, "donor_id": donor_id, "reason": reason}
    return change("reject_donor", clip_id, actor, payload, clip_id)


def add_run(run: Run, actor: str) -> Change:
    """A new run."""
    return change("add_run", run.id, actor, rows.run_payload(run))


def update_run(run: Run, actor: str) -> Change:
    """A known run as it stands now. NotFound from the writer when it was never added."""
    return replace(change("update_run", run.id, actor, rows.run_payload(run)), must_exist=True)


def submit_mark(mark: Mark, actor: str = "", check: Callable[[], None] | None = None) -> Change:
    """One annotator's mark; `check` runs in the writer when it is their first on this clip.

    A save whose save_id is in the log already, or that was made before the one in force (seq), changes nothing.
    actor: who brings it, when that is not the annotator (an import, a run).
    """
    new = change("submit_mark", mark.clip_id, actor or mark.annotator, rows.mark_payload(mark), mark.clip_id)
    return replace(new, check=check, save_id=mark.save_id, seq=mark.seq)


def add_reply(clip_id: str, annotator: str, run_id: str, reply: Reply, cost_usd: float | None, actor: str) -> Change:
    """What a model replied about a clip, whatever became of it."""
    payload = rows.reply_payload(clip_id, annotator, run_id, reply, cost_usd)
    return change("add_reply", clip_id, actor, payload, clip_id)


def add_response(response: Response, actor: str) -> Change:
    """What a listener responded to an item; the same item asked again under the same key takes its place."""
    return change("add_response", response.run_id or "asked by hand", actor, rows.response_payload(response))


def add_reading(reading: Reading, actor: str) -> Change:
    """A judge's or a person's answer to a response; a second one by the same reader corrects the first."""
    return change("add_reading", reading.response_id, actor, rows.reading_payload(reading))


def define(kind: str, name: str, body: Any, actor: str) -> Change:
    """Something people define by name: a listener, a question set, a saved view, a note on a row. body None: gone."""
    return change("define", f"{kind} {name}", actor, {"kind": kind, "name": name, "body": body})


def set_setting(name: str, value: Any, actor: str) -> Change:
    """One setting of this workspace, as JSON can hold it."""
    return change("set_setting", name, actor, {"name": name, "value": value})


def add_note(note_id: str, clip_id: str, text: str, actor: str) -> Change:
    """A note on a clip; the same id again is the same note, corrected."""
    return change("add_note", clip_id, actor, {"id": note_id, "clip_id": clip_id, "text": text}, clip_id)


def undo(ev_id: int, actor: str) -> Change:
    """Take one event back; its subject is filled in by the writer, who knows the log."""
    return replace(change(UNDO, "?", actor, {}), undoes=ev_id)

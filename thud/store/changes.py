"""What can be written: one function per verb, each giving a `Change` that is checked before it reaches the writer.

Pure: a change that cannot be stored raises BadRequest here, in the caller's thread, and never costs others their
transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from thud.errors import BadRequest
from thud.records import Clip, EventTimes, Intervention, Run, Stimulus
from thud.store import rows
from thud.store.log import TABLE_OF, TABLES, UNDO, Key, Row, Table, canonical

PYTHON_TYPE: dict[str, type] = {"VARCHAR": str, "JSON": str, "DOUBLE": float, "BIGINT": int, "BOOLEAN": bool}


@dataclass(frozen=True, slots=True)
class Change:
    """One event to be. `table`, `key`, `fields`: the state row it sets ("" and empty for history only).

    clip_id: this clip must exist. must_exist: the row itself must. check: asked in the writer unless the row already
    exists; raises ThudError to refuse.
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


def set_times(clip_id: str, times: EventTimes, actor: str) -> Change:
    """Event times of one clip by one method; methods stand beside each other."""
    return change("set_times", clip_id, actor, rows.times_payload(clip_id, times), clip_id)


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


def submit_mark(
    clip_id: str, annotator: str, visual_s: float | None, audio_s: float | None, check: Callable[[], None] | None = None
) -> Change:
    """One annotator's mark; `check` runs in the writer when it is their first on this clip."""
    payload = rows.mark_payload(clip_id, annotator, visual_s, audio_s)
    return replace(change("submit_mark", clip_id, annotator, payload, clip_id), check=check)


def undo(ev_id: int, actor: str) -> Change:
    """Take one event back; its subject is filled in by the writer, who knows the log."""
    return replace(change(UNDO, "?", actor, {}), undoes=ev_id)

"""One response of the Results page in full, and what people make of it: readings, undo, views, notes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.evaluation.items_view import Json
from thud.evaluation.judge import CLAIMS, NONE
from thud.records import Answer, Clip, Reading, Response, Stimulus
from thud.statistics import cohen_kappa
from thud.store.score_filter import RowKey, ScoreFilter
from ui.results.asked import Query, asked
from ui.results.data import known_sets
from ui.results.rows import known

if TYPE_CHECKING:
    from thud.store import Store

LEAD_S = 1.5
"""The player starts this long before the first of the two events."""
MOST_VIEWS, MOST_NOTES = 200, 500


def item_full(store: Store, response_id: str, query: Query) -> Json:
    """Everything about one response. NotFound."""
    response = store.response(response_id)
    want = asked(query, known_sets(store)).scores
    item, answer = response.item, response.answer
    clip, stimulus = _clip(store, item.clip_id), _stimulus(store, item.stimulus_id)
    times = _times(store, item.clip_id, item.offset_s)
    others = [_other(row) for row in store.score_others(response_id, want)]
    return {
        "response": response.id, "listener": response.listener, "rater": response.rater,
        "row": str(_row_key(response)), "run": response.run_id,
        "clip": {
            "id": item.clip_id, "title": clip.title if clip else item.clip_id,
            "duration_s": clip.probe.duration_s if clip else None,
        },
        "stimulus": {
            "id": item.stimulus_id, "condition": item.condition, "offset_s": item.offset_s,
            "donor": stimulus.intervention.donor if stimulus else "",
        },
        "times": times, "from_s": _from_s(times), "task": item.task, "arm": item.arm, "question": item.text,
        "options": [{"letter": letter, "label": label} for letter, label in item.options],
        "text": response.text, "outcome": response.outcome, "problem": response.problem,
        "answer": {
            "label": answer.label, "offset_s": answer.offset_s, "visual_s": answer.visual_s,
            "audio_s": answer.audio_s, "quote": answer.quote, "method": answer.method,
        },
        "readings": [_reading(reading) for reading in store.readings(response_id)],
        "paper_label": response.paper_label, "final": final_of(store, response_id, want), "expected": item.expected,
        "others": others, "labels": labels_for(response), "judge": {"kappa_words": _kappa_words(store)},
    }  # fmt: skip


def _kappa_words(store: Store) -> str:
    """How far judges agree with people, "" where they have read nothing in common."""
    pairs = store.read_by_both()
    if not pairs:
        return ""
    kappa = cohen_kappa([judge for judge, _ in pairs], [person for _, person in pairs])
    same = sum(judge == person for judge, person in pairs)
    beyond = "" if kappa.kappa.value is None else f" (κ {kappa.kappa.value:.2f})"
    return f"Judge and people agree on {same} of {len(pairs)} answers that both have read{beyond}."


def _row_key(response: Response) -> RowKey:
    key = "people" if response.rater else response.listener_key
    return RowKey(key, response.item.arm, response.item.question_set)


def _clip(store: Store, clip_id: str) -> Clip | None:
    try:
        return store.clip(clip_id)
    except NotFound:
        return None


def _stimulus(store: Store, stimulus_id: str) -> Stimulus | None:
    try:
        return store.stimulus(stimulus_id)
    except NotFound:
        return None


def _times(store: Store, clip_id: str, offset_s: float | None) -> Json:
    known_times = store.times().get(clip_id)
    visual_s, audio_s = (known_times.visual_s, known_times.audio_s) if known_times else (None, None)
    heard_s = None if audio_s is None else audio_s + (offset_s or 0.0)
    return {"visual_s": visual_s, "audio_s": audio_s, "heard_s": heard_s}


def _from_s(times: Json) -> float:
    events = [times[name] for name in ("visual_s", "heard_s") if times[name] is not None]
    return float(max(0.0, min(events) - LEAD_S)) if events else 0.0


def _reading(reading: Reading) -> Json:
    answer = reading.answer
    return {
        "reader": reading.reader, "label": answer.label, "quote": answer.quote, "confidence": answer.confidence,
        "problem": reading.problem, "at": reading.at.isoformat() + "Z" if reading.at else None,
    }  # fmt: skip


def _other(row: Json) -> Json:
    return {
        "response": row["id"], "listener": "People" if row["rater"] else row["listener"], "arm": row["arm"],
        "label": row["said"], "right": bool(row["hit"]), "text": row["text"], "quote": row["quote"],
    }  # fmt: skip


def labels_for(response: Response) -> list[str]:
    """What a person may say of this response; nothing where there is none to read."""
    if response.outcome not in ("ok", "refused"):
        return []
    if response.item.task == "choice":
        return [*(letter for letter, _ in response.item.options), *NONE]
    return [*CLAIMS[response.item.task], *NONE]


def final_of(store: Store, response_id: str, wanted: ScoreFilter | None = None) -> Json:
    """{label, method, right} of a response as it stands now. NotFound."""
    found = store.score_of(response_id, wanted or ScoreFilter())
    if found is None:
        raise NotFound(f"There is no response {response_id[:40]} in this workspace.")
    return {"label": found["said"], "method": found["method"], "right": bool(found["hit"])}


def relabel(store: Store, response_id: str, label: str, actor: str) -> Json:
    """A person's reading, kept beside the others. BadRequest for a label that this response cannot have."""
    response = store.response(response_id)
    legal = labels_for(response)
    if not legal:
        raise BadRequest("Nothing came back for this item, so there is nothing to read. Ask the listener again.")
    if label not in legal:
        raise BadRequest(f"“{label[:40]}” is no answer to this question. There are {', '.join(legal)}.")
    store.add_reading(Reading(response_id, f"person:{actor}", Answer(label, method="person")), actor)
    return {"final": final_of(store, response_id)}


def undo_reading(store: Store, response_id: str, actor: str) -> Json:
    """Takes this person's last reading of the response back; the one before is in force again. BadRequest if none."""
    mine = [each for each in store.readings(response_id) if each.reader == f"person:{actor}"]
    if not mine:
        raise BadRequest("You have not read this response, so there is nothing to take back.")
    store.undo(mine[-1].ev_id, actor)
    return {"final": final_of(store, response_id)}


def views(store: Store) -> Json:
    """Saved views: name and query."""
    kept = store.definitions("view")
    return {"views": [{"name": name, **body} for name, body in kept.items() if isinstance(body, dict)]}


def save_view(store: Store, name: str, query: str | None, actor: str) -> Json:
    """The view under its name; None takes it away."""
    kept = store.definitions("view")
    if query is not None and name not in kept and len(kept) >= MOST_VIEWS:
        raise BadRequest(f"There are {MOST_VIEWS} saved views. Take one away first.")
    body: Any = None if query is None else {"query": query, "actor": actor, "at": _now()}
    store.define("view", name, body, actor)
    return views(store)


def add_note(store: Store, row: RowKey, text: str, actor: str) -> Json:
    """A note on a row of the leaderboard."""
    known(store).about(row)
    kept = store.definitions("row_note")
    if sum(isinstance(note, dict) and note.get("row") == str(row) for note in kept.values()) >= MOST_NOTES:
        raise BadRequest(f"There are {MOST_NOTES} notes on this row already.")
    note_id = f"{row} {len(kept) + 1} {_now()}"
    note = {"id": note_id, "row": str(row), "text": text, "actor": actor, "at": _now()}
    store.define("row_note", note_id, note, actor)
    return {"note": note}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

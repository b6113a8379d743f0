"""Who the rows of the Results page are: listener, model, arm, question set, runs, canary; and what there is at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thud.errors import NotFound, ThudError
from thud.evaluation.leaderboard import Columns, Row, parts_of
from thud.records import ARMS, Run
from thud.store.score_filter import PEOPLE, RowKey
from ui.results.asked import ANSWERS

if TYPE_CHECKING:
    from thud.store import Store

Json = dict[str, Any]
ARM_WORDS = {
    "audio_video": "audio + video", "picture_only": "picture only", "sound_only": "sound only",
    "shuffled_picture": "shuffled picture",
}  # fmt: skip
SHIPPED = {"always-synced": "always says in sync", "signal": "onset distance"}


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the store holds before any filter. columns: of `score_rows`. sets: id → name, style, items."""

    columns: Columns
    sets: dict[str, Json]
    rows: dict[Row, Json]

    @property
    def parts(self) -> dict[int, tuple[Row, str]]:
        """What each part of `score_counts` is: its row and its task."""
        return parts_of(self.columns)

    def about(self, row: RowKey) -> Json:
        """Who a row is. NotFound."""
        found = self.rows.get((row.listener_key, row.arm, row.question_set))
        if found is None:
            raise NotFound("There are no answers of this row here. Choose one of the leaderboard.")
        return found


def known(store: Store) -> Known:
    """Everything there are answers of."""
    columns = store.score_rows()
    sets = _sets(store, columns)
    runs = {run.id: run for run in store.runs()}
    return Known(columns, sets, _rows(columns, sets, runs, store.workspace))


def _sets(store: Store, columns: Columns) -> dict[str, Json]:
    from thud.runs.listening.listen import question_sets

    described = question_sets(store)
    found: dict[str, Json] = {}
    for id_, items in zip(columns["question_set"].tolist(), columns["items"].tolist(), strict=True):
        own = described.get(id_)
        about = {"id": id_, "name": own.name if own else id_, "style": own.style if own else id_, "items": 0}
        found.setdefault(id_, about)["items"] += items
    return found


def _rows(columns: Columns, sets: Mapping[str, Json], runs: Mapping[str, Run], workspace: Path) -> dict[Row, Json]:
    names = ("listener_key", "arm", "question_set", "listener", "rater", "run_id", "items", "at", "offset_s")
    lines: dict[Row, list[tuple[Any, ...]]] = {}
    for key, arm, question_set, *rest in zip(*(columns[name].tolist() for name in names), strict=True):
        lines.setdefault((key, arm, question_set), []).append(tuple(rest))
    return {row: _about(row, mine, sets, runs, workspace) for row, mine in lines.items()}


def _about(
    row: Row, lines: list[tuple[Any, ...]], sets: Mapping[str, Json], runs: Mapping[str, Run], workspace: Path
) -> Json:
    listener, _, _, _, at, _ = max(lines, key=lambda line: line[4])
    mine = list(dict.fromkeys(line[2] for line in lines if line[2]))
    described = [runs[run_id].settings for run_id in mine if run_id in runs]
    settings: Json = next((one for one in reversed(described) if isinstance(one.get("listener"), dict)), {})
    model: Json = settings.get("listener", {})
    people = row[0] == PEOPLE
    raters = {line[1] for line in lines if line[1]}
    offsets = sorted({abs(line[5]) for line in lines if np.isfinite(line[5])})
    name = "People" if people else listener
    note = f"{len(raters)} blind {'rater' if len(raters) == 1 else 'raters'}" if people else SHIPPED.get(listener, "")
    canary = _canary(mine, runs, workspace)
    return {
        "row": ".".join(row), "listener": name, "model": model.get("model", ""),
        "backend": PEOPLE if people else model.get("backend", ""), "arm": row[1],
        "arm_words": ARM_WORDS.get(row[1], row[1]), "set": {"id": row[2], "name": sets[row[2]]["name"]},
        "people": people, "note": note,
        "simulated": bool(model.get("simulated", False)), "canary": canary,
        "untested": "" if canary or not model else _untested(model, row[1]),
        "at": at.isoformat() + "Z", "runs": mine, "items": sum(line[3] for line in lines),
        "warnings": [text for one in described for text in one.get("warnings", []) if isinstance(text, str)],
        "step": _step(model, offsets),
    }  # fmt: skip


def _canary(run_ids: list[str], runs: Mapping[str, Run], workspace: Path) -> Json | None:
    """How the audio canary of the newest run that has one went."""
    for run_id in reversed(run_ids):
        run = runs.get(run_id)
        kept = workspace / (run.folder if run and run.folder else f"runs/{run_id}") / "canary.json"
        if not kept.is_file():
            continue
        try:
            found = json.loads(kept.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        failed = found.get("passed") != found.get("of")
        return {
            "passed": found.get("passed"), "of": found.get("of"), "words": str(found.get("words", "")),
            "override": str(found.get("override") or ("scored all the same" if failed else "")),
        }  # fmt: skip
    return None


def _untested(model: Json, arm: str) -> str:
    """Why a listener, as it was when it was asked, took no audio canary; "" where nobody knows."""
    from thud.listeners.roster import parse_listener
    from thud.runs.listening.gate import why_untested

    try:
        return why_untested(parse_listener(model), arm)
    except ThudError:
        return ""


def _step(model: Json, offsets_s: list[float]) -> Json | None:
    """How far apart the pictures are that the listener sees, and whether that is too coarse for an offset tested."""
    fps = model.get("fps")
    if not isinstance(fps, int | float) or fps <= 0 or model.get("backend") in ("always_synced", "signal"):
        return None
    step_s = 1 / fps
    words = f"The picture is sampled every {step_s:.2f} s"
    if offsets_s and offsets_s[0] < step_s:
        words += f", so offsets under {step_s:.2g} s are below what this listener can see"
    return {"seconds": step_s, "words": f"{words}."}


def options(found: Known) -> Json:
    """What can be chosen in the filters."""
    columns = found.columns
    sizes = np.round(np.abs(columns["offset_s"]), 3)
    kinds: dict[str, int] = {}
    for kind, items in zip(columns["kind"].tolist(), columns["items"].tolist(), strict=True):
        kinds[kind] = kinds.get(kind, 0) + items
    arms = set(columns["arm"].tolist())
    return {
        "sets": sorted(found.sets.values(), key=lambda one: one["name"]),
        "arms": [arm for arm in ARMS if arm in arms],
        "answers": [{"key": key, "title": title} for key, title in ANSWERS.items()],
        "kinds": [{"kind": kind, "items": items} for kind, items in sorted(kinds.items())],
        "offsets": sorted({float(size) for size in sizes[np.isfinite(sizes)].tolist() if size}),
        "listeners": sorted({about["listener"] for about in found.rows.values()}),
    }

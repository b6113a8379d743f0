"""A process with the app on one clip with all its stimuli, and what two listeners said of them.

python -m tests.e2e.results_media_app FOLDER PORT
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.barcode import make_clip
from tests.e2e.app_server import write_manifest
from tests.e2e.results_app import HOSTILE
from tests.results_kit import RIGHT, SYNCED, Ask, Mind, make_item, make_response
from thud.records import Answer, Reading, Response
from thud.runs.first_start import fill_workspace
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, changes, open_store
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve

EVENT_S = 1.5
SHARP, GUESSING = Mind("sharp"), Mind("says synced", SYNCED)
SPOKEN = f"It is late. {HOSTILE} is what I hear."
"""What the sharp one says of everything: markup that must stay text."""
JUDGE = "judge:strict"
GONE = "0" * 16
"""A stimulus that is in no store."""


def responses_of(store: Store) -> Iterator[Response]:
    """Both listeners on everything that was built, and the sharp one on a stimulus that is gone."""
    for stimulus in store.stimuli():
        for mind in (SHARP, GUESSING):
            for task in ("sync", "existence", "consistency"):
                if (task, stimulus.condition) in RIGHT:
                    yield said(
                        mind, stimulus.clip_id, stimulus.id, stimulus.condition, stimulus.intervention.offset_s, task
                    )
    yield said(SHARP, store.clips()[0].id, GONE, "muted", None, "existence")


def said(mind: Mind, clip_id: str, stimulus_id: str, condition: str, offset_s: float | None, task: str) -> Response:
    """One response, in words that hold markup where the sharp one speaks."""
    offset_s = offset_s if condition in ("early", "delayed") else None
    item = replace(make_item(clip_id, condition, offset_s, Ask(task)), stimulus_id=stimulus_id)
    label = mind.habits[task, condition][0][0]
    response = make_response(mind, item, label, source="film", kind="click")
    if mind is not SHARP:
        return response
    return replace(response, text=SPOKEN, answer=Answer(label, quote=HOSTILE, method="rules"))


def fill(store: Store, runs: Runs, folder: Path) -> None:
    """Clip, stimuli, responses; a judge reads the first delayed item, which the rules leave."""
    clips = folder / "clips"
    clips.mkdir()
    make_clip(clips / "one.mp4", seconds=3.0, click_s=EVENT_S, seed=1)
    write_manifest(
        clips, [{"path": "one.mp4", "title": "Click", "kind": "click", "visual_s": EVENT_S, "audio_s": EVENT_S}]
    )
    fill_workspace(store, runs, clips, "test")
    for run in runs.runs():
        runs.wait(run.id)
    every = list(responses_of(store))
    late = [one for one in every if one.item.condition == "delayed" and one.listener == SHARP.name]
    first = min(late, key=lambda one: one.item.offset_s or 0.0)
    unread = replace(first, answer=Answer("unparsed", method="rules"))
    store.write_many([changes.add_response(unread if one is first else one, "test") for one in every])
    store.add_reading(
        Reading(first.id, JUDGE, Answer("synced", quote="It is late.", method="judge", confidence=0.97)), "test"
    )


def main(folder: Path, port: int) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        fill(store, runs, folder)
        house = House(store, runs, folder, "results")
        house.desk.refresh()
        serve(create_app(all_routers(house)), port=port)
        house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

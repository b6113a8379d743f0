"""A process with the app as app.py makes it, on listeners of which it is known whether they listen. No clip has media.

python -m tests.e2e.controls_app FOLDER PORT
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.controls_kit import Filled, by_ear, filled, prior, right, tell
from thud.listeners.roster import Listener, to_json
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, open_store
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve

CLIPS = 24
LISTENS, BY_EAR, UNSURE, PRIOR = "listens", "goes by ear", "not asked twice", "says in sync"
HELD_OUT = "of two clips"


def fill(store: Store) -> None:
    """Four listeners on 24 clips whose events lie evenly, three of them asked under other pictures too; one on two."""
    there = filled(store, CLIPS)
    for name, says in ((LISTENS, right), (BY_EAR, by_ear), (UNSURE, right), (PRIOR, prior)):
        tell(store, there, name, says)
    for name, says in ((LISTENS, by_ear), (BY_EAR, by_ear), (PRIOR, prior)):
        tell(store, there, name, says, "shuffled_picture")
    tell(store, there, "frames", prior, "picture_only")
    tell(store, Filled({key: one for key, one in there.stimuli.items() if key[0] < 2}), HELD_OUT, right)
    for name in (UNSURE, HELD_OUT):
        store.define("listener", name, to_json(Listener(name, "compatible", "m", "http://127.0.0.1:9/v1")), "test")


def main(folder: Path, port: int) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        fill(store)
        house = House(store, runs, folder, "controls")
        serve(create_app(all_routers(house)), port=port)
        house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

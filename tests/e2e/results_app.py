"""A process with the app as app.py makes it, on a store full of responses whose counts are known. No clip has media.

python -m tests.e2e.results_app FOLDER PORT [empty]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.results_kit import SYNCED, Mind, middling, responses
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, changes, open_store
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve

HOSTILE = "<img src=x onerror=alert(1)> ${7*7}"
SHARP, GUESSING = Mind("sharp"), Mind("says synced", SYNCED)
MIDDLING, ODD = Mind("middling", middling(0.5)), Mind(HOSTILE, middling(0.2))
CLIPS = tuple(f"{number:016x}" for number in range(30))
"""Kinds go round: metal, glass, wood."""


def fill(store: Store) -> None:
    """Four listeners, 30 clips, five conditions: 90 sync items, 60 of each other task, for every one of them."""
    minds = (SHARP, GUESSING, MIDDLING, ODD)
    store.write_many([changes.add_response(one, "test") for one in responses(minds, CLIPS)])


def main(folder: Path, port: int, empty: bool) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        if not empty:
            fill(store)
        house = House(store, runs, folder, "results")
        serve(create_app(all_routers(house)), port=port)
        house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "empty" in sys.argv[3:])

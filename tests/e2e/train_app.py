"""A process with the app as app.py makes it, on a store with training runs that were written by hand.

python -m tests.e2e.train_app FOLDER PORT [empty]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.train_kit import taught
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import open_store
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve


def main(folder: Path, port: int, empty: bool) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        if not empty and not store.runs():
            taught(store)
        house = House(store, runs, folder, "train")
        serve(create_app(all_routers(house)), port=port)
        house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "empty" in sys.argv[3:])

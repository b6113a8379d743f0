"""A process with the app as app.py makes it, on a store full of marks and on given accounts. No clip has media."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.marks_kit import fill
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import open_store
from ui.door.auth import load_accounts
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve


def main(folder: Path, port: int) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        fill(store)
        house = House(store, runs, folder, "marks")
        serve(create_app(all_routers(house), accounts=load_accounts(folder / "accounts.json")), port=port)
        house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

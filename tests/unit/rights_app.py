"""A process with the app as app.py makes it, on an empty store: prints its routes as JSON, then serves.

Of its own, because Gradio leaves event loops behind that the process of the tests would be blamed for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import open_store
from ui.door.auth import load_accounts
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve


def walk(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, through included routers and mounted apps; parameters are "x"."""
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from walk(route.effective_candidates())
        elif getattr(route, "routes", None):
            yield from walk(route.routes)
        else:
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            yield from ((method, path) for method in {*route.methods, "OPTIONS"})


def main(folder: Path, accounts: Path, port: int) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        house = House(store, runs, folder, "empty")
        app = create_app(all_routers(house), accounts=load_accounts(accounts))
        sys.stdout.write(json.dumps(sorted(set(walk(app.routes)))) + "\n")
        sys.stdout.flush()
        try:
            serve(app, port=port)
        finally:
            house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

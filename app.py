"""Opens the store, mounts the page and serves it. `make run` calls this."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from getpass import getpass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from thud.errors import ThudError

if TYPE_CHECKING:
    from ui.house import House

log = logging.getLogger("thud")
ACCOUNTS = "accounts.json"


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, metavar="DIR", help="start on the videos of this folder")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"), metavar="DIR")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--on", default="", metavar="PLACE", help="works all runs: http://HOST:8265, slurm")
    roles = "add an account and stop; ROLE is annotator, researcher or admin"
    parser.add_argument("--add-account", nargs=2, metavar=("NAME", "ROLE"), help=roles)
    return parser.parse_args(argv)


def place(args: argparse.Namespace) -> tuple[Path, Path, str]:
    """(database, workspace, name on the page): a folder of clips gets a workspace of its own, beside the demo's."""
    if args.clips is None:
        return args.workspace.absolute().parent / "annotations.duckdb", args.workspace, "demo"
    folder = args.clips.expanduser().absolute()
    own = args.workspace / f"clips-{folder.name}-{sha256(str(folder).encode()).hexdigest()[:6]}"
    return own / "annotations.duckdb", own, folder.name


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return run(args)
    except ThudError as error:
        sys.stderr.write(f"thud: {error}\n")
        return 1


def run(args: argparse.Namespace) -> int:
    from thud.runs.clusters.cluster import check_on
    from thud.runs.run import Runs
    from thud.store import open_store
    from ui.door.auth import check_bind, load_accounts
    from ui.house import House
    from ui.routes import all_routers
    from ui.serve import create_app, serve

    database, workspace, name = place(args)
    workspace.mkdir(parents=True, exist_ok=True)
    if args.add_account:
        return add_account(workspace / ACCOUNTS, *args.add_account)
    accounts = load_accounts(workspace / ACCOUNTS)
    check_bind(args.host, accounts)
    with open_store(database, workspace) as store, Runs(store, workspace, on=args.on and check_on(args.on)) as runs:
        runs.recover()
        house = House(store, runs, workspace.absolute(), name)
        app = create_app(all_routers(house), accounts=accounts)
        threading.Thread(target=fill, args=(house, args.clips), daemon=True).start()
        log.info("thud is at http://%s:%d  (Ctrl+C stops it; runs go on)", args.host, args.port)
        try:
            serve(app, args.host, args.port)
        finally:
            house.desk.close()
    return 0


def add_account(path: Path, name: str, role: str) -> int:
    """Asks for a password and keeps its hash; with one account on file, everybody has to sign in."""
    from thud.errors import BadRequest
    from ui.door.auth import save_account

    password = getpass(f"Password for {name}: ")
    if getpass("The same again: ") != password:
        raise BadRequest("The two passwords differ. Nothing was changed; try again.")
    account = save_account(path, name, password, role)
    log.info("%s may sign in as %s; a running thud knows it already", account.name, account.role)
    return 0


def fill(house: House, folder: Path | None) -> None:
    """First start, beside the page: it opens at once and shows the clips as they come."""
    from thud.runs.first_start import fill_workspace

    try:
        house.desk.refresh()
        fill_workspace(house.store, house.runs, folder, "first start")
    except ThudError as error:
        log.warning("thud: %s", error)


if __name__ == "__main__":
    sys.exit(main())

"""`verify`, `backup`, `snapshot`: looking after what was stored."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import database


def add_parser(verbs: Any) -> None:
    verify = verbs.add_parser("verify", help="re-hash every clip and stimulus and replay the log; say what disagrees")
    verify.set_defaults(run=run_verify)
    backup = verbs.add_parser("backup", help="copy the database, open the copy and compare it")
    backup.add_argument("to", type=Path, metavar="FILE")
    backup.set_defaults(run=run_backup)
    snapshot = verbs.add_parser("snapshot", help="write every table as Parquet, for notebooks and other processes")
    snapshot.add_argument("to", type=Path, metavar="DIR")
    snapshot.set_defaults(run=run_snapshot)


def run_verify(args: argparse.Namespace, out: Output) -> int:
    from thud.store import open_store

    with open_store(database(args), args.workspace) as store, out.progress("verify", 1) as bar:
        found = store.verify(bar.to)
        checked = len(store.clips()) + len(store.stimuli())
    for one in found:
        out.refuse(one.subject, one.reason)
    row = {"checked": checked, "disagreements": [asdict(one) for one in found]}
    out.line(row, f"{checked} clips and stimuli hashed again, {len(found)} disagreements")
    return 1 if found else 0


def run_backup(args: argparse.Namespace, out: Output) -> int:
    from thud.store import open_store

    with open_store(database(args), args.workspace) as store:
        report = store.backup(args.to)
    rows = sum(report.rows.values())
    out.line({**asdict(report), "path": str(args.to)}, f"{args.to}: {rows} rows, opened and compared, equal")
    return 0


def run_snapshot(args: argparse.Namespace, out: Output) -> int:
    from thud.store import open_store

    with open_store(database(args), args.workspace) as store:
        folder = store.snapshot(args.to)
    out.line({"snapshot": str(folder)}, str(folder))
    return 0

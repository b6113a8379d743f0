"""`train list`, `train stop`, `train export`: what there is, and what is done with it. They start no other training."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.train.watching import chain_row, chain_words, train_row, train_words
from thud.cli.workspace import ACTOR, follow, opened
from thud.errors import BadRequest


def add_parsers(what: Any) -> None:
    listed = what.add_parser("list", help="all trainings, the newest first, and chains that are not done")
    listed.set_defaults(do=run_list)
    stop = what.add_parser("stop", help="stop a training; it finishes its step and writes a checkpoint")
    stop.add_argument("name", metavar="RUN")
    stop.add_argument("--now", action="store_true", help="end it at once; its last checkpoint stays")
    stop.set_defaults(do=run_stop)
    export = what.add_parser("export", help="take out what was learnt, with a card: an adapter, or one model")
    export.add_argument("name", metavar="RUN")
    export.add_argument("--to", default="", metavar="FOLDER", help="a new folder; exports/models/… when left out")
    export.add_argument("--merge", action="store_true", help="base and adapter as one model")
    export.add_argument("--push", default="", metavar="OWNER/NAME", help="send it to the hub; HF_TOKEN has the token")
    export.add_argument("--public", action="store_true", help="with --push: everybody may see it")
    export.set_defaults(do=run_export)


def run_list(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.chain import chains
    from thud.runs.training import train_runs

    with opened(args, takes_up=False) as (store, runs):
        for one in train_runs(store, runs):
            out.line(train_row(one), train_words(one))
        for view in chains(store, runs):
            if view.state != "done":
                out.line(chain_row(view), chain_words(view))
    return 0


def run_stop(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when it has not ended by the time that a stop may take. The chain that it belongs to pauses."""
    from thud.runs.chain import stop_chain
    from thud.runs.folder import ENDED
    from thud.runs.jobs.train import GRACE_S
    from thud.runs.training import train_run

    with opened(args, takes_up=False) as (store, runs):
        found = train_run(store, runs, args.name)
        if "chain" in found.run.settings and found.run.state not in ENDED:
            stop_chain(store, runs, found.run.settings["chain"][0], ACTOR, now=args.now)
        else:
            runs.cancel(found.run.id, wait_s=0, now=args.now)
        with out.progress(f"stopping {found.name}", 1):
            runs.wait(found.run.id, GRACE_S + 10)
        now = train_run(store, runs, args.name)
    out.line(train_row(now), train_words(now))
    return 0 if now.state in ("stopped", "done", "failed") else 1


def run_export(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when it is written, or sent."""
    from thud.runs.training import export_adapter, merge, push, train_run

    if args.public and not args.push:
        raise BadRequest("--public says who may see what is sent; add --push OWNER/NAME.")
    to = Path(args.to).expanduser().absolute() if args.to else None
    with opened(args, takes_up=False) as (store, runs):
        run_id = train_run(store, runs, args.name).run.id
        if args.push:
            run = push(store, runs, run_id, args.push, ACTOR, merged=args.merge, public=args.public)
        else:
            run = (merge if args.merge else export_adapter)(store, runs, run_id, ACTOR, to=to)
        follow(runs, run, out)
        for line in runs.results(run.id):
            told = line.get("result", {})
            out.line(told, str(told.get("address") or told.get("folder") or ""))
    return 0

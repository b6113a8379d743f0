"""`demo`, `ingest`, `build`, `reel`: what the Clips page does, from a shell, while no app holds the database."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.errors import BadRequest, RunFailed
from thud.records import Run, stimulus_folder

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

ACTOR = "cli"


def add_parser(verbs: Any) -> None:
    demo = verbs.add_parser("demo", help="make the demo clips and build all their conditions")
    demo.set_defaults(run=run_demo)
    ingest = verbs.add_parser("ingest", help="add files, folders or manifests (CSV, JSONL)")
    ingest.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    ingest.set_defaults(run=run_ingest)
    build = verbs.add_parser("build", help="build soundtracks for all clips, or for some")
    build.add_argument("--clip", action="append", default=[], metavar="ID", help="id or name; may be repeated")
    build.add_argument("--shift", nargs="+", type=float, default=[], metavar="S", help="seconds, + is late")
    build.add_argument("--fill", choices=("room", "silence", "circular"), default="room")
    build.add_argument("--mute", nargs="+", choices=("silence", "room", "drop_stream"), default=[])
    build.add_argument("--swap", action="store_true")
    build.add_argument(
        "--balanced",
        action="store_true",
        help="one early and one late shift a clip, drawn so that the sound's place says little",
    )
    build.add_argument("--seed", type=int, default=0)
    add_on(build)
    build.set_defaults(run=run_build)
    reel = verbs.add_parser("reel", help="one MP4: original, then its edits, with captions and event markers")
    reel.add_argument("clip", metavar="ID", help="clip id or name")
    reel.add_argument("--out", type=Path, required=True, metavar="FILE")
    reel.add_argument("--condition", action="append", default=[], metavar="WORD", help="early, delayed, muted, swapped")
    reel.set_defaults(run=run_reel)


@contextmanager
def opened(args: argparse.Namespace, takes_up: bool = True) -> Iterator[tuple[Store, Runs]]:
    """The store and its runs, worked where --on says. takes_up: what waits, and the next steps of chains, are started.

    Raises StoreBusy, naming the process, when the app holds the database; BadRequest for a place that is none.
    """
    from thud.runs.run import Runs
    from thud.store import open_store

    args.workspace.mkdir(parents=True, exist_ok=True)
    on = _place(args)
    with (
        open_store(database(args), args.workspace) as store,
        Runs(store, args.workspace, on=on, takes_up=takes_up) as runs,
    ):
        runs.recover()
        yield store, runs


def _place(args: argparse.Namespace) -> str:
    from thud.runs.clusters.cluster import check_on

    on = str(getattr(args, "on", ""))
    return check_on(on) if on else ""


def add_on(verb: argparse.ArgumentParser) -> None:
    """Gives a verb the flag that has its runs worked on a cluster."""
    verb.add_argument(
        "--on",
        default="",
        metavar="PLACE",
        help="a cluster that sees these folders: ray://HOST:10001, http://HOST:8265, slurm or slurm:PARTITION",
    )


def database(args: argparse.Namespace) -> Path:
    """Where the database of a workspace lies unless --db says otherwise."""
    return Path(args.db) if args.db else Path(args.workspace).absolute().parent / "annotations.duckdb"


def follow(runs: Runs, run: Run, out: Output) -> Run:
    """Waits for a run with a progress bar; prints its refusals and one closing line."""
    with out.progress(run.title, run.total) as bar:
        while (now := runs.wait(run.id, 0.2)).state in ("queued", "running"):
            bar.to(now.done)
    for problem in runs.problems(run.id):
        out.refuse(problem.subject, problem.reason)
    good = now.done - now.refused - now.failed
    row = {k: v for k, v in asdict(now).items() if k not in ("folder", "pid", "settings")}
    out.line(row, f"{now.title}: {now.state}, {good} of {now.total} done, {now.refused} refused, {now.failed} failed")
    if now.state != "done":
        raise RunFailed(now.message or f"the run ended as {now.state}")
    return now


def run_demo(args: argparse.Namespace, out: Output) -> int:
    from thud.runs import first_start as first

    with opened(args) as (store, runs):
        started = first.start_clips(store, runs, None, ACTOR)
        if started is None:
            raise BadRequest("this workspace has clips already; the demo is made in an empty one (--workspace DIR)")
        follow(runs, started, out)
        follow(runs, first.start_build(store, runs, None, ACTOR), out)
        first.place_demo_times(store, runs, ACTOR)
        for step in (first.start_held_out, first.build_held_out):
            if (made := step(store, runs, ACTOR)) is not None:
                follow(runs, made, out)
        first.ask_baselines(store, runs, ACTOR)
        for run in [each for each in runs.runs() if each.kind in ("annotate", "listen")]:
            follow(runs, run, out)
    return 0


def run_ingest(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.first_start import start_ingest
    from thud.runs.sources import plan_ingest

    items = plan_ingest(args.paths)
    with opened(args) as (_, runs):
        follow(runs, start_ingest(runs, items, f"{len(args.paths)} paths", ACTOR), out)
    return 1 if out.refusals else 0


def run_build(args: argparse.Namespace, out: Output) -> int:
    from thud.runs.first_start import start_build

    settings = {
        "shifts": args.shift,
        "shift_fill": args.fill,
        "mutes": args.mute,
        "swap": args.swap,
        "balanced": args.balanced,
        "seed": args.seed,
    }
    asked_any = args.shift or args.mute or args.swap
    with opened(args) as (store, runs):
        ids = [store.find_clip(name).id for name in args.clip] or None
        follow(runs, start_build(store, runs, settings if asked_any else None, ACTOR, ids), out)
        for refusal in store.refusals():
            out.refuse(refusal.clip_id, f"{refusal.intervention.condition}: {refusal.reason}")
    return 1 if out.refusals else 0


def run_reel(args: argparse.Namespace, out: Output) -> int:
    from thud.stimuli.reel import comparison_reel

    with opened(args) as (store, _):
        clip = store.find_clip(args.clip)
        stimuli = [s for s in store.stimuli(clip.id) if not args.condition or s.condition in args.condition]
        if not any(s.condition != "original" for s in stimuli):
            raise BadRequest("no such condition is built for this clip; build soundtracks first")
        folder = stimulus_folder(args.workspace, clip.id)
        with out.progress("reel", 1) as bar:
            path = comparison_reel(clip, store.times().get(clip.id), stimuli, folder, args.out)
            bar.to(1)
    out.line({"reel": str(path), "clip": clip.id}, str(path))
    return 0

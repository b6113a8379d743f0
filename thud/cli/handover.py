"""`export-tasks`: items as a task folder that Inspect or lmms-eval runs without thud."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import opened
from thud.records import CONDITIONS, TASKS


def add_parser(verbs: Any) -> None:
    export = verbs.add_parser("export-tasks", help="write items as a task folder for Inspect or lmms-eval")
    export.add_argument("tool", choices=("inspect", "lmms-eval"))
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    export.add_argument("--name", default="thud", help="what the tasks are called")
    export.add_argument("--set", default="structured", help="question set: structured, choice, or its id")
    export.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    export.add_argument("--condition", nargs="+", choices=CONDITIONS, default=None)
    export.add_argument("--clip", action="append", default=[], metavar="ID", help="id or name; may be repeated")
    export.add_argument("--stills", type=float, default=2.0, metavar="N", help="stills a second (inspect); 0 for none")
    export.set_defaults(run=run_export)


def run_export(args: argparse.Namespace, out: Output) -> int:
    from thud.evaluation.handover import write_inspect, write_lmms_eval
    from thud.runs.listening.handover import export_items, plan_handover
    from thud.runs.listening.listen import find_question_set

    write = write_inspect if args.tool == "inspect" else write_lmms_eval
    with opened(args) as (store, _), tempfile.TemporaryDirectory(prefix="thud-stills-") as stills:
        clips = [store.find_clip(name).id for name in args.clip] or None
        asked = find_question_set(store, args.set)
        plan = plan_handover(store, args.workspace, asked, args.task, clips, args.condition)
        per_s = args.stills if args.tool == "inspect" else 0.0
        with out.progress("export-tasks", len(plan.items)) as bar:
            items, refused = export_items(
                plan, store.clips(), asked, args.workspace, Path(stills), per_s, lambda done: bar.to(done)
            )
        written = write(items, args.out, args.name)
    for refusal in (*plan.refusals, *refused, *written.refused):
        out.refuse(refusal.subject, refusal.reason)
    tasks = ", ".join(f"{task} {count}" for task, count in written.tasks.items())
    row = {"folder": str(written.folder), "items": written.items, "tasks": written.tasks}
    out.line(row, f"{written.folder}: {written.items} items; {tasks}")
    return 1 if out.refusals else 0

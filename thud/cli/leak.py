"""`leak`: what can be scored on this workspace's stimuli without watching and listening together, and what to do."""

from __future__ import annotations

import argparse
from typing import Any

from thud.cli.output import Output
from thud.cli.workspace import opened


def add_parser(verbs: Any) -> None:
    leak = verbs.add_parser("leak", help="what one sense alone, files, edges or levels give away of the answers")
    leak.add_argument("--clip", action="append", default=[], metavar="ID", help="id or name; may be repeated")
    leak.set_defaults(run=run_leak)


def run_leak(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0, also when something leaks; 1 when a file could not be measured."""
    from thud.runs.listening.leak import heard_without_picture, leak_report, measure_files

    with opened(args) as (store, _):
        clips = {store.find_clip(name).id for name in args.clip}
        with out.progress("leak", 0) as bar:
            refused = measure_files(store, args.workspace, lambda done, total: bar.to(done, total))
        some = {each.id for each in store.stimuli() if each.clip_id in clips} if clips else None
        report = leak_report(store, args.workspace, some, heard_without_picture(store))
    for refusal in refused:
        out.refuse(refusal.subject, refusal.reason)
    if out.as_json:
        out.line(report, "")
    else:
        _say(report, out)
    return 1 if out.refusals else 0


def _say(report: dict[str, Any], out: Output) -> None:
    floor = report["floor"]
    if floor is None:
        out.line({}, "Nothing can be said about sync: build shifts of clips whose event times are known first.")
    for line in (*report["leak"], *report["others"]):
        out.line({}, _words(line))
    if floor is not None:
        out.line({}, f"Floor of sync, 3 classes: {_percent(floor['three'])}: {floor['words']}.")
    for advice in report["advice"]:
        out.line({}, f"→ {advice}")


def _words(line: dict[str, Any]) -> str:
    interval = "" if line["low"] is None else f" ({_percent(line['low'])} to {_percent(line['high'])})"
    score = f"{_percent(line['value'])}{interval}, chance {_percent(line['chance'])}"
    return f"{line['task']}: {line['name']}: {score}: {line['verdict']}; {line['words']}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"

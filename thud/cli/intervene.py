"""`intervene FILE… --out DIR`: counterfactual soundtracks of single files, with no store and no app."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from thud.cli.output import Output, spread_workers
from thud.errors import BadRequest, RefusedClip, RefusedEdit, ThudError
from thud.records import Clip, Intervention, clip_from_json

LIMIT_S = 300.0


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser("intervene", help="write the original and each edited version of some files")
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--out", required=True, metavar="DIR", type=Path)
    parser.add_argument("--shift", nargs="+", type=float, default=[], metavar="S", help="seconds, + is late")
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--swap", action="store_true", help="take the sound of --donor, or of another FILE")
    parser.add_argument("--donor", type=Path, metavar="FILE")
    parser.add_argument("--fill", choices=("room", "silence", "circular"), default="room", help="what a shift uncovers")
    parser.add_argument("--mute-fill", choices=("silence", "room", "drop_stream"), default="silence")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when everything asked for was written, 1 when something was refused."""
    from thud.runs.pool import guarded
    from thud.stimuli.build import BuildSettings
    from thud.stimuli.donors import candidates

    settings = BuildSettings.parse(
        {
            "shifts": args.shift,
            "shift_fill": args.fill,
            "mutes": [args.mute_fill] if args.mute else [],
            "swap": args.swap or args.donor is not None,
            "seed": args.seed,
        }
    )
    args.out.mkdir(parents=True, exist_ok=True)
    extra = [args.donor] if args.donor else []
    paths = list(dict.fromkeys(str(path.absolute()) for path in [*args.files, *extra]))
    clips: dict[str, Clip] = {}
    for path, found in guarded(read, paths, spread_workers(), LIMIT_S):
        if isinstance(found, ThudError):
            out.refuse(Path(path).name, str(found))
        else:
            clips[path] = clip_from_json(found)
    wanted = [clips[p] for p in dict.fromkeys(str(f.absolute()) for f in args.files) if p in clips]
    if args.donor and str(args.donor.absolute()) not in clips:
        raise BadRequest(f"the donor {args.donor.name} cannot be used, so no swap is possible")
    pool = candidates([clips[str(args.donor.absolute())]] if args.donor else clips.values(), {})
    items = [_item(clip, settings, pool, args.out, out) for clip in wanted]
    with out.progress("intervene", len(items)) as bar:
        for done, (item, rows) in enumerate(guarded(work, items, spread_workers(), LIMIT_S), 1):
            bar.to(done)
            _report(item, rows, out)
    return 1 if out.refusals else 0


def _item(clip: Clip, settings: Any, pool: Any, folder: Path, out: Output) -> dict[str, Any]:
    from thud.stimuli.build import plan_clip

    plan = plan_clip(clip, None, settings, pool)
    for refused in plan.refused:
        out.refuse(f"{Path(clip.path).name}, {label(refused.edit)}", refused.reason)
    return {
        "clip": asdict(clip),
        "edits": [asdict(edit) for edit in plan.edits],
        "donors": {donor.clip.id: donor.clip.path for donor in pool},
        "out": str(folder.absolute()),
    }


def _report(item: dict[str, Any], rows: Any, out: Output) -> None:
    name = Path(item["clip"]["path"]).name
    if isinstance(rows, ThudError):
        out.refuse(name, str(rows))
        return
    for row in rows:
        if "refused" in row:
            out.refuse(f"{name}, {row['condition']}", row["refused"])
        else:
            words = row.pop("words")
            out.line(row, f"{row['video']}\n    {words}")
            if row["proof"]["verdict"] == "failed":
                out.refuse(f"{name}, {row['condition']}", "; ".join(row["proof"]["reasons"]))


def read(path: str) -> dict[str, Any]:
    """The Clip in one file, as JSON; runs in a child that may be killed."""
    from thud.runs.jobs.ingest import read_clip
    from thud.runs.sources import Source

    return asdict(read_clip(Source(path, str(Path(path).parent), Path(path).stem)))


def label(edit: Intervention) -> str:
    """What a stimulus' files are called after: condition, and by how much."""
    if edit.kind == "shift":
        return f"{edit.condition}{edit.offset_s:+.3f}{'' if edit.fill == 'room' else '-' + edit.fill}"
    return edit.condition + ("" if edit.kind != "mute" or edit.fill == "silence" else f"-{edit.fill}")


def work(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Builds and muxes all stimuli of one file; one row each. Runs in a child that may be killed."""
    from thud.stimuli.build import build_clip

    clip = clip_from_json(item["clip"])
    folder = Path(item["out"])
    stem = re.sub(r"[^\w.\-]+", "_", Path(clip.path).stem).strip("-_.")[:80] or "clip"
    stimuli, refused = build_clip(
        clip,
        None,
        [Intervention(**edit) for edit in item["edits"]],
        item["donors"],
        folder,
        name_of=lambda clip_id, edit: f"{stem}-{clip_id[:8]}.{label(edit)}",
    )
    rows: list[dict[str, Any]] = [{"condition": label(r.edit), "refused": r.reason} for r in refused]
    return list(_rows(clip, stimuli, folder)) + rows


def _rows(clip: Clip, stimuli: Any, folder: Path) -> Iterator[dict[str, Any]]:
    from thud.media.picture import mux
    from thud.media.sound import read_written
    from thud.stimuli.proof import words

    for stimulus in stimuli:
        sound = read_written(folder / stimulus.people) if stimulus.models else None
        edit = stimulus.intervention
        try:
            video = mux(Path(clip.path), sound, (folder / stimulus.people).with_suffix(".mp4"))
        except (RefusedEdit, RefusedClip) as error:
            yield {"condition": label(edit), "refused": str(error)}
            continue
        yield {
            "clip": clip.id,
            "source": clip.path,
            "condition": stimulus.condition,
            "offset_s": edit.offset_s if edit.kind in ("original", "shift") else None,
            "video": str(video),
            "audio": str(folder / stimulus.models) if stimulus.models else None,
            "proof": asdict(stimulus.proof),
            "words": words(edit, stimulus.proof),
        }

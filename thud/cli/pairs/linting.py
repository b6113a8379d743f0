"""`pairs lint`: what is wrong with a file of pairs or with a set of this workspace. Files need no workspace."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from thud.pairs.formats import Skipped
    from thud.pairs.lint import Finding, Report
    from thud.pairs.pair import Pair


def add_parsers(what: Any) -> None:
    lint = what.add_parser("lint", help="what is wrong with a TRL or ShareGPT file, or with a set of pairs")
    lint.add_argument("file", metavar="FILE|SET", help="a JSON or JSONL file, an export's folder, or a set's id")
    lint.add_argument("--show", metavar="CHECK", help="list the rows that one check has found")
    lint.add_argument(
        "--media",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="media lie elsewhere now: replace a path's start",
    )
    lint.add_argument("--no-media", action="store_true", help="do not look whether the media are there")
    lint.add_argument("--workspace", type=Path, default=Path("workspace"), metavar="DIR", help="where sets lie")
    lint.set_defaults(do=lint_verb)


def lint_verb(args: argparse.Namespace, out: Output) -> int:
    """Prints every check; 1 if errors were found, 0 otherwise."""
    from thud.pairs.lint import CHECKS
    from thud.pairs.lint.on_disk import missing_here
    from thud.pairs.lint.several import lint_rows
    from thud.runs.pairs.files import parse_remap

    if args.show and args.show not in CHECKS:
        raise BadRequest(f"There is no check called {args.show}. Checks: {', '.join(CHECKS)}.")
    remap = parse_remap(args.media)
    skipped: list[Skipped] = []
    media = None if args.no_media else missing_here(args.workspace)
    report = lint_rows(_rows(Path(args.file), args.workspace, remap, skipped), media)
    for one in skipped[:20]:
        out.refuse(f"row {one.row}", one.reason)
    if len(skipped) > 20:
        out.refuse(args.file, f"{len(skipped) - 20:,} more rows were skipped")
    if not report.rows:
        raise BadRequest(f"{args.file} holds no pair that can be read.")
    _print(report, args.show, out, len(skipped))
    return 1 if report.errors else 0


def report_on(path: Path) -> Report:
    """The report on a file of pairs, media not looked at; rows that are no pairs are left out."""
    from thud.pairs.lint.several import lint_rows

    return lint_rows(_rows(path, Path(), [], []))


def _rows(
    path: Path, workspace: Path, remap: list[tuple[str, str]], skipped: list[Skipped]
) -> Iterator[tuple[int, Pair]]:
    """The pairs with their row numbers; what is none goes to `skipped`."""
    from thud.pairs.formats import read_any

    if path.exists():
        yield from _of_file(read_any(path, remap), skipped)
        return
    lines = workspace / "pairs" / path.name / "pairs.jsonl"
    if path.name != str(path) or not lines.is_file():
        raise NotFound(f"There is neither a file nor a set of pairs called {path}.")
    yield from _of_set(lines)


def _of_file(found: Iterable[Pair | Skipped], skipped: list[Skipped]) -> Iterator[tuple[int, Pair]]:
    from thud.pairs.formats import Skipped

    for count, one in enumerate(found, start=1):
        if isinstance(one, Skipped):
            skipped.append(one)
        else:
            row = one.origin.get("row")
            yield (row if isinstance(row, int) else count), one


def _of_set(lines: Path) -> Iterator[tuple[int, Pair]]:
    from thud.pairs.pair import pair_from_json

    with lines.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["n"], pair_from_json(row["pair"])


def _print(report: Report, show: str | None, out: Output, skipped: int) -> None:
    if show:
        _show(report.finding(show), out)
        return
    found = [one for one in report.checks if one.count]
    passed = sum(not one.count and one.of > 0 for one in report.checks)
    unjudged = len(report.checks) - len(found) - passed
    if out.as_json:
        out.line({**report.to_json(), "skipped": skipped, "errors": report.errors}, "")
        return
    for one in found:
        out.line({}, f"{one.severity:7}  {one.count:>7,} of {one.of:,}  {one.title}  [{one.check}]")
        if one.words:
            out.line({}, f"{'':18}{one.words}")
    errors = sum(one.severity == "error" for one in found)
    counts = f"{report.rows:,} rows · {errors} errors · {len(found) - errors} warnings · {passed} checks passed"
    out.line({}, counts + f" · {unjudged} had too little to go by" * bool(unjudged))


def _show(finding: Finding, out: Output) -> None:
    for row in finding.rows:
        out.line({"check": finding.check, "row": row}, f"row {row}")
    more = f"; the first {len(finding.rows):,} are listed" if finding.more else ""
    words = f"{finding.count:,} of {finding.of:,}{more}. {finding.words}"
    out.line({"check": finding.check, "count": finding.count, "words": finding.words}, words)

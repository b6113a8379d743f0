"""`pairs build`, `recipes`, `list`, `show`, `fix`, `freeze`: sets of pairs from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from thud.cli.output import Output
from thud.cli.workspace import ACTOR, follow, opened
from thud.errors import BadRequest

if TYPE_CHECKING:
    from thud.pairs.pair_set import PairSet
    from thud.pairs.recipe import Recipe
    from thud.records import Run
    from thud.runs.run import Runs
    from thud.store import Store

Json = dict[str, Any]


def add_parsers(what: Any) -> None:
    build = what.add_parser("build", help="build a set of pairs")
    build.add_argument("--recipe", default="counterfactual-mix", metavar="NAME", help="see `pairs recipes`")
    build.add_argument("--set", action="append", default=[], metavar="TYPE=N", help="another count; may be repeated")
    build.add_argument("--seed", type=int, help="another draw")
    build.set_defaults(do=run_build)
    recipes = what.add_parser("recipes", help="the recipes and their counts")
    recipes.set_defaults(do=run_recipes)
    listed = what.add_parser("list", help="the sets of this workspace")
    listed.set_defaults(do=run_list)
    show = what.add_parser("show", help="what a set holds, what was lost on the way, and some of its pairs")
    show.add_argument("set", metavar="SET", help="its id, or the beginning of it")
    show.add_argument("--type", default="", help="pairs of this type")
    show.add_argument("--n", type=int, default=0, metavar="N", help="print so many pairs")
    show.set_defaults(do=run_show)
    fix = what.add_parser("fix", help="make a mended set of one; the old one stays")
    fix.add_argument("set", metavar="SET")
    how = fix.add_mutually_exclusive_group(required=True)
    how.add_argument("--shuffle-letters", action="store_true", help="draw the letters of choice questions anew")
    how.add_argument("--drop", metavar="CHECK", help="leave out the pairs that this check found")
    how.add_argument("--rebalance", action="store_true", help="leave out pairs of conditions that are too many")
    fix.set_defaults(do=run_fix)
    freeze = what.add_parser("freeze", help="keep the test clips of a set out of every later set")
    freeze.add_argument("set", metavar="SET")
    freeze.add_argument("name", metavar="NAME")
    freeze.set_defaults(do=run_freeze)


def run_build(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when nothing is left in the set."""
    from thud.pairs.recipe import find_recipe
    from thud.runs.pairs.sets import all_recipes, start_build

    with opened(args) as (store, runs):
        recipe = _changed(find_recipe(args.recipe, all_recipes(store)), args.set, args.seed)
        found = _made(store, runs, start_build(store, runs, recipe, ACTOR), out)
    return 0 if found.summary["pairs"] else 1


def _changed(recipe: Recipe, counts: list[str], seed: int | None) -> Recipe:
    """The recipe with what was said on the command line."""
    from thud.pairs.recipe import parse_recipe, recipe_json

    told: dict[str, int] = {}
    for each in counts:
        name, equals, number = each.partition("=")
        if not equals or not number.isdecimal():
            raise BadRequest(f"--set takes TYPE=N, for example --set CTP=500; “{each[:40]}” is none.")
        told[name] = int(number)
    seed = recipe.seed if seed is None else seed
    return parse_recipe(recipe_json(replace(recipe, counts={**recipe.counts, **told}, seed=seed)))


def _made(store: Store, runs: Runs, run: Run, out: Output) -> PairSet:
    """Waits for the run, and prints the set that it made."""
    from thud.runs.pairs.sets import find_set

    follow(runs, run, out)
    found = find_set(store, runs.results(run.id)[0]["result"]["set"])
    _print(found, out)
    return found


def _print(found: PairSet, out: Output) -> None:
    from thud.pairs.lint import SEVERITY

    summary = found.summary
    keys = ("id", "title", "stage", "origin", "parent", "pairs", "held", "types", "splits", "funnel", "empty", "lint")
    held = f", {summary['held']:,} held back" if summary["held"] else ""
    lines = [f"{found.id}  {summary['title']}: {summary['pairs']:,} pairs{held}"]
    lines += [f"  {summary['empty']}"] if summary["empty"] else []
    lines += [
        f"  {step['title']}: {step['count']:,} {step['unit']}{_losses(step)}"
        for step in summary["funnel"].get("all", ())
    ]
    lines += [
        f"  {name}: {one['made'] - one['held']:,} of {one['wanted']:,}, from {one['available']:,} situations"
        for name, one in summary["types"].items()
    ]  # fmt: skip
    checks = (summary["lint"] or {"checks": ()})["checks"]
    lines += [f"  {SEVERITY[one['check']]}: {one['title']} ({one['count']:,})" for one in checks if one["count"]]
    lines += [f"  {name}: {one['pairs']:,} pairs of {one['clips']:,} clips" for name, one in summary["splits"].items()]
    out.line({key: summary[key] for key in keys}, "\n".join(lines))


def _losses(step: Mapping[str, Any]) -> str:
    said = "; ".join(f"{loss['reason']}: {loss['count']:,}" for loss in step["losses"])
    return f" ({said})" if said else ""


def run_recipes(args: argparse.Namespace, out: Output) -> int:
    """One line a recipe."""
    from thud.pairs.recipe import recipe_json
    from thud.runs.pairs.sets import all_recipes

    with opened(args) as (store, _):
        for name, one in all_recipes(store).items():
            counts = ", ".join(f"{key} {count:,}" for key, count in one.counts.items()) or "no pairs"
            out.line(recipe_json(one), f"{name}  {one.title} ({one.stage}): {counts}\n    {one.note}".rstrip())
    return 0


def run_list(args: argparse.Namespace, out: Output) -> int:
    """One line a set, the newest first."""
    from thud.runs.pairs.sets import pair_sets

    with opened(args) as (store, _):
        for key, body in pair_sets(store).items():
            words = f"{key}  {body['title']}: {body['pairs']:,} pairs, {body['held']:,} held back, {body['origin']}"
            out.line({"id": key, **body}, f"{words} {body['made_at'][:16].replace('T', ' ')}")
    return 0


def run_show(args: argparse.Namespace, out: Output) -> int:
    """Exit code 1 when pairs of the set went stale or its media changed."""
    from thud.runs.pairs.sets import find_set, media_problems, stale

    with opened(args) as (store, _):
        found = find_set(store, args.set)
        _print(found, out)
        for row in found.rows(found.lines(type=args.type)[: max(0, args.n)]):
            pair = row["pair"]
            head = f"{row['n']}  {pair['type']} {pair['condition']} {pair['split']} {' '.join(row['held'])}".rstrip()
            out.line(row, f"{head}\n  ? {pair['prompt']}\n  + {pair['chosen']}\n  - {pair['rejected']}")
        for clip_id in stale(store, found.summary):
            out.refuse(clip_id, "its event times changed, or it is gone, after this set was made; build it again")
        for path, said in media_problems(store, found).items():
            out.refuse(path, said)
    return 1 if out.refusals else 0


def run_fix(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when the mended set is there."""
    from thud.runs.pairs.sets import find_set, start_fix

    fix = "shuffle_letters" if args.shuffle_letters else "rebalance" if args.rebalance else "drop"
    with opened(args) as (store, runs):
        set_id = find_set(store, args.set).id
        found = _made(store, runs, start_fix(store, runs, set_id, fix, args.drop or "", ACTOR), out)
        for one in found.summary["fixes"][-1:]:
            out.line(one, f"  {one['words']}")
    return 0


def run_freeze(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0 when the clips are held out."""
    from thud.runs.pairs.sets import freeze

    with opened(args) as (store, _):
        clips = freeze(store, args.set, args.name, ACTOR)
    words = f"{args.name}: {len(clips)} {'clip stays' if len(clips) == 1 else 'clips stay'} out of every later set"
    out.line({"name": args.name, "clips": clips}, words)
    return 0
